//! The .dat reader on arbitrary bytes: `cargo +nightly fuzz run dat fuzz/corpus/dat
//! scenarios/report`
#![no_main]

use balloonist::scenario::Document;
use libfuzzer_sys::fuzz_target;

fuzz_target!(|bytes: &[u8]| {
    if let Err(errors) = Document::from_dat("fuzz.dat", bytes).check() {
        assert!(!errors.render(false).is_empty());
    }
});
