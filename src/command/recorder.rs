//! Records the series of a run.

use std::path::PathBuf;

use balloonist::scenario::Scenario;
use balloonist::store::series::Series;
use balloonist::store::thinned::Thinned;
use balloonist::watch::{Checkpoint, Watcher};

use super::Failure;
use super::files::NewFile;

/// Records the series of a run as a file, in thinned form, or both.
pub(super) struct Recorder<'a> {
    file: Option<(PathBuf, Series<'a, &'a mut NewFile>)>,
    thinned: Option<Thinned>,
}

impl<'a> Recorder<'a> {
    pub(super) fn new(scenario: &'a Scenario, file: Option<&'a mut NewFile>, thin: bool) -> Self {
        Self {
            file: file.map(|file| (file.place().to_owned(), Series::new(scenario, file))),
            thinned: thin.then(|| Thinned::from(scenario)),
        }
    }

    /// Completes the file and returns the thinned series, if it was requested.
    pub(super) fn finish(self) -> Result<Option<Thinned>, Failure> {
        if let Some((place, series)) = self.file {
            series.finish().map_err(|error| Failure::io(place, &error))?;
        }
        Ok(self.thinned)
    }
}

impl Watcher for Recorder<'_> {
    fn checkpoint(&mut self, checkpoint: &Checkpoint<'_>) {
        if let Some((_, series)) = &mut self.file {
            series.checkpoint(checkpoint);
        }
        if let Some(thinned) = &mut self.thinned {
            thinned.checkpoint(checkpoint);
        }
    }
}
