//! Writes a folder of results.
//!
//! All files are opened before the work starts and are complete before the first is renamed.
//! manifest.json, which has the hashes of the others, is renamed last, so an interrupted commit is
//! detected when the folder is read (`folder.rs`).

use std::fs;
use std::io;
use std::path::Path;

use balloonist::store::manifest::{FileEntry, Manifest};
use balloonist::store::series;

use super::files::{NewFile, commit_all, moving, remove};
use super::lock::HeldFolder;
use super::register::{Kind, foreign, register};
use super::text::shown;
use super::{Context, Failure, folder};

/// The files in a run's manifest, in order.
pub(super) const OF_RUN: [&str; 4] = ["vms.csv", "series.csv", "outcomes.csv", "curves.csv"];

/// The files in a comparison's manifest.
pub(super) fn of_comparison(runs: impl Iterator<Item = String>) -> impl Iterator<Item = String> {
    let tables = ["compare.csv", "vms.csv", "curves.csv", "outcomes.csv"];
    tables.map(str::to_owned).into_iter().chain(runs.map(|run| series::file_of(&run)))
}

/// The files in a sweep's manifest, with plain and with compressed rows.
pub(super) const OF_SWEEP: [&str; 2] = ["runs.csv", "sweep.csv"];
pub(super) const OF_SWEEP_ZST: [&str; 2] = ["runs.csv.zst", "sweep.csv"];

/// All files of a sweep.
pub(super) const OF_ANY_SWEEP: [&str; 3] = ["runs.csv", "runs.csv.zst", "sweep.csv"];

/// The files in a plan's manifest.
pub(super) const OF_PLAN: [&str; 3] = ["needs.csv", "curve.csv", "mixes.csv"];

/// The files that are not in the manifest.
pub(super) const MANIFEST: &str = "manifest.json";
pub(super) const TIMING: &str = "timing.json";

/// The journal of a sweep or a plan. A folder with a journal accepts no other results.
pub(super) const JOURNAL: &str = "journal";

/// A folder of results being written. If it is dropped before [`commit`](Self::commit), earlier
/// results stay.
pub(super) struct ResultFolder {
    held: HeldFolder,
    /// Whether the lock file stays, as in a sweep's folder.
    is_of_sweep: bool,
    /// The files of the manifest, in order.
    files: Vec<(String, NewFile)>,
    timing: NewFile,
    manifest: NewFile,
}

impl ResultFolder {
    /// Creates the folder if it is missing, and opens the files of the manifest.
    ///
    /// Earlier results are replaced at the end; those of a sweep, which may be expensive, are
    /// refused instead.
    pub(super) fn create(
        path: &Path,
        names: impl IntoIterator<Item = impl Into<String>>,
    ) -> Result<Self, Failure> {
        let held = HeldFolder::hold(path)?;
        let is_of_sweep = |file: &FileEntry| OF_SWEEP.contains(&file.name.as_str());
        if path.join(JOURNAL).is_file() || earlier(path).iter().any(is_of_sweep) {
            let text = format!("{} is the folder of a sweep; use another one", shown(path));
            return Err(Failure::Usage(text));
        }
        Self::open(held, names, false)
    }

    /// Opens the files in the folder of a sweep or a plan, which stays locked.
    pub(super) fn of_sweep(
        held: HeldFolder,
        names: impl IntoIterator<Item = &'static str>,
    ) -> Result<Self, Failure> {
        Self::open(held, names, true)
    }

    fn open(
        held: HeldFolder,
        names: impl IntoIterator<Item = impl Into<String>>,
        is_of_sweep: bool,
    ) -> Result<Self, Failure> {
        let names: Vec<String> = names.into_iter().map(Into::into).collect();
        let all = || names.iter().map(String::as_str).chain([TIMING, MANIFEST]);
        if !held.path.join(JOURNAL).is_file() {
            refuse_foreign(&held, all())?;
        }
        let create = |name: &str| NewFile::create(&held.path.join(name), Kind::Known);
        let mut files = all().map(create).collect::<Result<Vec<_>, _>>()?;
        let (Some(manifest), Some(timing)) = (files.pop(), files.pop()) else {
            unreachable!("both names are in the list")
        };
        let files = names.into_iter().zip(files).collect();
        Ok(Self { held, is_of_sweep, files, timing, manifest })
    }

    /// One of the files. Panics on an unknown name, which is a bug.
    pub(super) fn file(&mut self, name: &str) -> &mut NewFile {
        let mut files = self.files.iter_mut();
        let found = files.find(|(known, _)| known == name);
        &mut found.unwrap_or_else(|| panic!("{name} was opened")).1
    }

    /// The series files, in the order of runs.
    pub(super) fn series(&mut self) -> impl Iterator<Item = &mut NewFile> {
        let series = self.files.iter_mut().filter(|(name, _)| name.starts_with("series"));
        series.map(|(_, file)| file)
    }

    /// Commits all files, the manifest last, and removes files of earlier results. timing.json is
    /// written only if there is a timing.
    pub(super) fn commit(
        self,
        timing: Option<&str>,
        mut manifest: Manifest,
        context: &Context,
    ) -> Result<(), Failure> {
        let Self {
            mut held,
            is_of_sweep,
            files,
            timing: mut timing_file,
            manifest: mut manifest_file,
        } = self;
        let path = held.path.clone();
        let entry = |(name, file): &(String, NewFile)| file.entry(name);
        manifest.files = files.iter().map(entry).collect();
        let manifest = manifest.to_json();
        manifest_file.put(&manifest)?;
        let (names, mut files): (Vec<String>, Vec<NewFile>) = files.into_iter().unzip();
        let mut moved = names.clone();
        if let Some(timing) = timing {
            timing_file.put(timing)?;
            files.push(timing_file);
            moved.push(TIMING.to_owned());
        }
        files.iter_mut().chain([&mut manifest_file]).try_for_each(NewFile::sync)?;
        let _moving = moving();
        held.begin_to_move(&moved)?;
        commit_all(files)?;
        if fs::read_to_string(path.join(MANIFEST)).is_ok_and(|earlier| earlier != manifest) {
            if timing.is_none() && !path.join(JOURNAL).is_file() {
                remove(&path.join(TIMING))?;
            }
            clear(&path, &names, context)?;
        }
        manifest_file.commit()?;
        sync_folder(&path);
        held.has_moved(is_of_sweep)
    }
}

/// Refuses to replace files that are not earlier results: those that no manifest lists and no
/// killed command was committing.
pub(super) fn refuse_foreign<'a>(
    held: &HeldFolder,
    names: impl Iterator<Item = &'a str>,
) -> Result<(), Failure> {
    if register().is_forced() {
        return Ok(());
    }
    let manifest = fs::read_to_string(held.path.join(MANIFEST)).ok();
    let manifest = manifest.and_then(|text| Manifest::read(&text).ok());
    for name in names {
        let place = held.path.join(name);
        let is_listed = manifest.as_ref().is_some_and(|manifest| {
            [TIMING, MANIFEST].contains(&name)
                || manifest.files.iter().any(|file| file.name == name)
        });
        let was_moved = held.cut_short.iter().any(|moved| moved == name);
        let is_there = || fs::metadata(&place).is_ok_and(|found| found.len() > 0);
        if !is_listed && !was_moved && is_there() {
            return Err(foreign(&place));
        }
    }
    Ok(())
}

/// Flushes the folder's entries to disk, if the system supports it.
pub(super) fn sync_folder(folder: &Path) {
    let _ = fs::File::open(folder).and_then(|folder| folder.sync_all());
}

/// Removes files of earlier results that the new results do not have. Files changed since, and
/// pages and charts made from the earlier results, stay and are named in a note.
fn clear(path: &Path, names: &[String], context: &Context) -> Result<(), Failure> {
    let failure = |error: io::Error| Failure::io(path, &error);
    let earlier = earlier(path);
    let mut left = Vec::new();
    for entry in fs::read_dir(path).map_err(failure)? {
        let name = entry.map_err(failure)?.file_name().to_string_lossy().into_owned();
        let place = path.join(&name);
        let is_drawn = [".html", ".svg", ".pdf"].iter().any(|ending| name.ends_with(ending));
        match earlier.iter().find(|known| known.name == name) {
            _ if names.contains(&name) => {}
            Some(file) if folder::check(path, file).is_ok() => remove(&place)?,
            None if !is_drawn || register().is_output(&place) => {}
            _ => left.push(name),
        }
    }
    if !left.is_empty() {
        left.sort();
        let (path, left) = (shown(path), left.join(", "));
        context.note(&format!(
            "{path} still has files of earlier results: {left}; recreate or delete them"
        ));
    }
    Ok(())
}

/// The files of the earlier results in a folder; none if its manifest cannot be read.
fn earlier(path: &Path) -> Vec<FileEntry> {
    let manifest = fs::read_to_string(path.join(MANIFEST)).ok();
    manifest.and_then(|text| Manifest::read(&text).ok()).unwrap_or_default().files
}
