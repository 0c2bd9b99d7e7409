//! Every trace reader on any bytes: no panic, no flood. The first byte chooses the format.
#![no_main]

use balloonist::formats::compact::write_compact;
use balloonist::formats;
use balloonist::formats::{ReadOptions, load_from};
use libfuzzer_sys::fuzz_target;

fuzz_target!(|data: &[u8]| {
    let Some((&choice, bytes)) = data.split_first() else { return };
    let format = formats::ALL.get(usize::from(choice)).map_or("auto", |format| format.name);
    let options = ReadOptions {
        format: format.to_owned(),
        layout: (format == "struct").then(|| "<HIh".to_owned()),
        accesses_max: 200_000,
        bytes_max: 1 << 20,
        ..ReadOptions::default()
    };
    let Ok(loaded) = load_from(bytes, "x.u32", None, &options) else { return };
    assert!((1..=200_000).contains(&loaded.trace.accesses()));
    // What is read can be written, and reads as the same.
    if loaded.trace.accesses() < 1000 {
        let mut compact = Vec::new();
        write_compact(&loaded.trace, &mut compact).expect("a Vec can be written to");
        let again = load_from(&compact[..], "", None, &ReadOptions::default());
        assert_eq!(again.expect("our own form is read").trace, loaded.trace);
    }
});
