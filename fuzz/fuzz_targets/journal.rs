//! A sweep's journal: any bytes behind its mark, and lines that are sealed as ours are.
#![no_main]

use std::io::{Seek, SeekFrom, Write};

use balloonist::sweep::journal::Journal;
use libfuzzer_sys::fuzz_target;

fuzz_target!(|data: &[u8]| {
    let mut file = tempfile::tempfile_in("/dev/shm").expect("there is room");
    file.write_all(data).expect("there is room");
    file.seek(SeekFrom::Start(0)).expect("a file has a start");
    let Ok(Some(mut journal)) = Journal::read(file) else { return };
    let runs = journal.header.runs.clone();
    for (run, is_done) in runs.zip(journal.which()).take(100) {
        if is_done {
            journal.record(run).expect("a line that was read is read again");
        }
    }
    journal.cut_tail().expect("there is room");
});
