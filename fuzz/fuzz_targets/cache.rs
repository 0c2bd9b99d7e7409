//! An entry of the cache of stack distances: any bytes, and entries of ours with bytes changed.
//! What is wrong is computed anew; no entry makes distances that a trace cannot have.
#![no_main]

use std::fs;
use std::sync::OnceLock;
use std::time::SystemTime;

use balloonist::trace::cache::Cache;
use balloonist::trace::{Trace, TraceBuilder};
use balloonist::units::Page;
use libfuzzer_sys::fuzz_target;

/// A folder, and an entry that a trace has left there.
fn place() -> &'static (tempfile::TempDir, String, Vec<u8>) {
    static PLACE: OnceLock<(tempfile::TempDir, String, Vec<u8>)> = OnceLock::new();
    PLACE.get_or_init(|| {
        let folder = tempfile::tempdir_in("/dev/shm").expect("there is room");
        let cache = Cache::new(folder.path(), Cache::BYTES_MAX, SystemTime::UNIX_EPOCH);
        let trace = trace();
        cache.warm(&trace, trace.content_hash());
        let name = cache.entries().expect("it can be read").remove(0).name;
        let file = folder.path().join(format!("{name}.distances"));
        let bytes = fs::read(&file).expect("it can be read");
        (folder, file.to_string_lossy().into_owned(), bytes)
    })
}

fn trace() -> Trace {
    let mut builder = TraceBuilder::default();
    (0..64_u64).for_each(|at| builder.push(Page(at * 7 % 13)));
    builder.finish()
}

fuzz_target!(|data: &[u8]| {
    let (folder, file, whole) = place();
    let [kind, changes @ ..] = data else { return };
    let bytes = if *kind == 0 {
        changes.to_vec()
    } else {
        let mut bytes = whole.clone();
        for change in changes.chunks_exact(2) {
            let at = usize::from(change[0]) * bytes.len() / 256;
            bytes[at] ^= change[1];
        }
        bytes
    };
    fs::write(file, bytes).expect("there is room");
    let cache = Cache::new(folder.path(), Cache::BYTES_MAX, SystemTime::UNIX_EPOCH);
    let trace = trace();
    cache.warm(&trace, trace.content_hash());
    let again = self::trace();
    assert_eq!(trace.distances(), again.distances());
});
