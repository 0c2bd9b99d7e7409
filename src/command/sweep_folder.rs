//! The folder of a sweep or a plan: its lock and its journal.

use std::fs::File;
use std::io::ErrorKind;
use std::path::{Path, PathBuf};

use balloonist::number::grouped;
use balloonist::store::manifest::Study;
use balloonist::sweep::journal::{Fault, Header, Journal};

use super::Failure;
use super::guard::this_command_with;
use super::lock::HeldFolder;
use super::register::{Kind, Target, register};
use super::result_folder::{JOURNAL, MANIFEST, TIMING, refuse_foreign, sync_folder};

/// The locked folder of a sweep or a plan.
pub(super) struct SweepFolder(HeldFolder);

impl SweepFolder {
    /// Creates the folder if it is missing, and locks it.
    pub(super) fn hold(path: &Path) -> Result<Self, Failure> {
        HeldFolder::hold(path).map(Self)
    }

    pub(super) fn path(&self) -> &Path {
        &self.0.path
    }

    /// Hands over the lock, so that result files can be written beside the journal.
    pub(super) fn held(self) -> HeldFolder {
        self.0
    }

    /// The journal of these runs: a new one or, with `resume`, the existing one. `results` are the
    /// files that may stand in the folder without one.
    pub(super) fn journal(
        &mut self,
        header: Header,
        resume: bool,
        results: &[&'static str],
    ) -> Result<Journal, Failure> {
        let place = self.path().join(JOURNAL);
        if let Target::Device = register().writes(&place, Kind::Known)? {
            return Err(refused(&place, Fault::Foreign("this is a device".to_owned())));
        }
        if !place.is_file() {
            refuse_foreign(&self.0, results.iter().copied().chain([TIMING, MANIFEST]))?;
        }
        let failure = |error: std::io::Error| Failure::io(&place, &error);
        let mut options = File::options();
        options.read(true).write(true).create(true).truncate(false);
        let file = options.open(&place).map_err(failure)?;
        let again = file.try_clone().map_err(failure)?;
        let Some(mut journal) = Journal::read(file).map_err(|fault| refused(&place, fault))? else {
            let journal = Journal::begin(again, header).map_err(failure)?;
            self.0.keep_lock();
            sync_folder(self.path());
            return Ok(journal);
        };
        self.0.keep_lock();
        if !resume {
            let runs = &journal.header.runs;
            let [done, all] = [journal.done(), runs.end - runs.start].map(grouped);
            let place = place.display();
            return Err(Failure::Usage(format!(
                "{place} has {done} of its {all} runs; continue with --resume, or delete it to \
                 start over"
            )));
        }
        if let Some(difference) = difference(&journal.header, &header) {
            let place = place.display();
            let remedy = "resume the same sweep or plan, or use another folder";
            return Err(Failure::wrong(format!("{place} is of {difference}; {remedy}")));
        }
        journal.cut_tail().map_err(failure)?;
        Ok(journal)
    }
}

/// Opens the journal of a folder for reading; also returns its path.
pub(super) fn open_journal(folder: &Path) -> Result<(PathBuf, Journal), Failure> {
    let place = folder.join(JOURNAL);
    register().reads(&place)?;
    let file = File::open(&place).map_err(|error| match error.kind() {
        ErrorKind::NotFound => {
            let folder = folder.display();
            Failure::Io(format!(
                "{folder} has no journal, expected the folder of a sweep, a plan or a shard"
            ))
        }
        _ => Failure::io(&place, &error),
    })?;
    let journal = Journal::read(file).map_err(|fault| refused(&place, fault))?;
    journal.map(|journal| (place.clone(), journal)).ok_or_else(|| {
        let place = place.display();
        Failure::Incomplete(format!("{place} is empty; run its shard first"))
    })
}

/// The failure for a journal that cannot be read.
pub(super) fn refused(place: &Path, fault: Fault) -> Failure {
    let place = place.display();
    match fault {
        Fault::Io(error) => Failure::io(place.to_string(), &error),
        Fault::Foreign(what) => {
            let remedy = "use another folder, or move the file away";
            Failure::wrong(format!("{place}: {what}; {remedy}"))
        }
        Fault::Damaged(0, what) => Failure::wrong(format!("{place}: {what}")),
        Fault::Damaged(line, what) => {
            let remedy = "delete the line to repeat its run";
            Failure::wrong(format!("{place}:{line}: {what}; {remedy}"))
        }
    }
}

/// How two journals of different sweeps or shards differ.
pub(super) fn difference(one: &Header, other: &Header) -> Option<String> {
    if one.study != other.study {
        return Some(study_difference(&one.study, &other.study));
    }
    let shown =
        |Header { runs, .. }: &Header| format!("{} to {}", grouped(runs.start), grouped(runs.end));
    (one.runs != other.runs)
        .then(|| format!("another shard, of runs {} and not {}", shown(one), shown(other)))
}

/// How two sweeps differ, in a few words.
pub(super) fn study_difference(one: &str, other: &str) -> String {
    let (Some(one), Some(other)) = (Study::from_line(one), Study::from_line(other)) else {
        return "other traces".to_owned();
    };
    match (&one.plan, &other.plan) {
        (Some(_), None) => return "a plan and not a sweep".to_owned(),
        (None, Some(_)) => return "a sweep and not a plan".to_owned(),
        _ => {}
    }
    if one.balloonist != other.balloonist {
        return format!("balloonist {} and not {}", one.balloonist, other.balloonist);
    }
    if one.scenario != other.scenario {
        let mut lines = one.scenario.lines().zip(other.scenario.lines());
        let (one, other) = lines.find(|(one, other)| one != other).unwrap_or(("more", "less"));
        return format!("another scenario (`{one}` and not `{other}`)");
    }
    if one.plan != other.plan {
        return "another question or another number of mixes".to_owned();
    }
    if one.repetitions != other.repetitions {
        return "other repetitions".to_owned();
    }
    "other traces".to_owned()
}

/// The message of an interrupted sweep.
pub(super) fn last_words(folder: &Path) -> String {
    let journal = folder.join(JOURNAL);
    let command = this_command_with("--resume");
    format!(
        "interrupted: the runs so far are in {}; continue with\n  {command}\n",
        journal.display()
    )
}
