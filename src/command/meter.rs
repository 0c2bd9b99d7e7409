//! Large trace files: how much of them has been read.

use std::fs::File;
use std::io::{self, Read};
use std::path::Path;

use super::Context;
use super::progress::Progress;

/// The size from which on a file is large.
const LARGE: u64 = 64 << 20;

/// A large file that shows the progress of its reading. A compressed one is measured as it is on
/// the disk.
pub(super) struct Metered {
    file: File,
    read: u64,
    progress: Progress,
}

impl Metered {
    /// Opens a large file; `None` if it is small, or if it is no file that can be opened.
    pub(super) fn open(path: &Path, context: &Context) -> Option<Self> {
        let bytes = path.metadata().ok()?.len();
        let file = File::open(path).ok().filter(|_| bytes >= LARGE)?;
        let progress = Progress::of(context, bytes >> 20, "MiB of the trace");
        Some(Self { file, read: 0, progress })
    }
}

impl Read for Metered {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let got = self.file.read(buffer)?;
        self.read += got as u64;
        self.progress.reach(self.read >> 20);
        Ok(got)
    }
}
