//! What is kept of a run while it goes on.

use balloonist::output::series::Series;
use balloonist::output::thinned::Thinned;
use balloonist::watch::{Checkpoint, Watcher};

use super::files::NewFile;

/// The series of a run, as a file, thinned out, or both.
pub(super) struct Recorder<'a> {
    pub(super) file: Option<Series<'a, NewFile>>,
    pub(super) thinned: Option<Thinned>,
}

impl Watcher for Recorder<'_> {
    fn checkpoint(&mut self, checkpoint: &Checkpoint<'_>) {
        if let Some(file) = &mut self.file {
            file.checkpoint(checkpoint);
        }
        if let Some(thinned) = &mut self.thinned {
            thinned.checkpoint(checkpoint);
        }
    }
}
