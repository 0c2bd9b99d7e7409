//! manifest.json and the line of a journal's study: what is read is written as it was read.
#![no_main]

use balloonist::store::manifest::{Manifest, Study};
use libfuzzer_sys::fuzz_target;

fuzz_target!(|data: &[u8]| {
    let Ok(text) = std::str::from_utf8(data) else { return };
    if let Ok(manifest) = Manifest::read(text) {
        assert_eq!(Manifest::read(&manifest.to_json()), Ok(manifest));
    }
    if let Some(study) = Study::from_line(text) {
        assert_eq!(Study::from_line(&study.to_line()), Some(study));
    }
});
