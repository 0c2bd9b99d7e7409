//! The TOML reader on arbitrary bytes, and the effective text of what it accepts:
//! `cargo +nightly fuzz run toml fuzz/corpus/toml tests/good_scenarios tests/bad_scenarios`
#![no_main]

use balloonist::scenario::Document;
use libfuzzer_sys::fuzz_target;

fuzz_target!(|bytes: &[u8]| {
    match Document::from_toml("fuzz.toml", bytes).check() {
        Ok(checked) => {
            let text = checked.scenario.effective();
            let again = Document::from_toml("fuzz.toml", text.as_bytes()).check();
            assert_eq!(again.expect("effective text is right").scenario.effective(), text);
        }
        Err(errors) => assert!(!errors.render(false).is_empty()),
    }
});
