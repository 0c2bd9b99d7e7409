//! What the recorder says: any bytes, as wholes and in pieces. However they are cut, they are
//! refused or make the same trace. The first byte says how long the pieces are.
#![no_main]

use balloonist::formats::recording::{Recorded, Recording};
use libfuzzer_sys::fuzz_target;

fn read(bytes: &[u8], piece: usize) -> Option<Recorded> {
    let mut recording = Recording::new(None, 1 << 20);
    for piece in bytes.chunks(piece) {
        recording.feed(piece).ok()?;
    }
    recording.finish().ok()
}

fuzz_target!(|data: &[u8]| {
    let Some((&piece, bytes)) = data.split_first() else { return };
    let [whole, cut] = [bytes.len().max(1), 1 + usize::from(piece)].map(|piece| read(bytes, piece));
    assert_eq!(whole.is_some(), cut.is_some());
    let (Some(whole), Some(cut)) = (whole, cut) else { return };
    assert_eq!((whole.trace, whole.marks), (cut.trace, cut.marks));
    assert_eq!(whole.is_whole, cut.is_whole);
});
