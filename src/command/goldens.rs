//! Golden files: finding, comparing and updating them.

use std::collections::BTreeSet;
use std::fs;
use std::io;
use std::path::{Component, Path, PathBuf};

use balloonist::number::grouped;
use balloonist::store::golden::{self, Difference, Weight};
use balloonist::store::trail::Departure;
use balloonist::table::Table;
use balloonist::units::Decimal;

use super::files::{NewFile, create_folder, write};
use super::register::Kind;
use super::{Context, Failure};

/// A golden file and the table that it is compared with.
pub(super) struct Golden {
    pub(super) place: PathBuf,
    /// The number of leading columns that identify a row.
    key: usize,
    /// The prefix of a row's name in messages.
    prefix: String,
    /// The text of the file, if it exists.
    blessed: Option<Vec<u8>>,
    now: Table,
}

impl Golden {
    pub(super) fn read(
        place: PathBuf,
        now: Table,
        key: usize,
        prefix: &str,
    ) -> Result<Self, Failure> {
        let blessed = match fs::read(&place) {
            Ok(bytes) => Some(bytes),
            Err(error) if error.kind() == io::ErrorKind::NotFound => None,
            Err(error) => return Err(Failure::io(place, &error)),
        };
        Ok(Self { place, key, prefix: prefix.to_owned(), blessed, now })
    }

    /// All differences, in the order of the rows; numbers within the tolerance do not differ.
    pub(super) fn differences(&self, tolerance: Option<Decimal>) -> Vec<Difference> {
        let place = self.place.display();
        let whole = |text: String| vec![Difference { weight: Weight::File, text }];
        let Some(golden) = &self.blessed else {
            return whole(format!("{place}: the golden table is missing; create it with --bless"));
        };
        let Ok(golden) = std::str::from_utf8(golden) else {
            return whole(format!("{place}: the golden table is not UTF-8"));
        };
        let mut found = golden::compare(golden, &self.now, self.key, tolerance);
        for difference in &mut found {
            difference.text = match difference.weight {
                Weight::Cell(_) => format!("{}{}", self.prefix, difference.text),
                _ => format!("{place}: {}", difference.text),
            };
        }
        found
    }

    /// For a golden trail: where the trajectory departs from it.
    pub(super) fn departure(&self) -> Option<Departure> {
        let golden = std::str::from_utf8(self.blessed.as_deref()?).ok()?;
        Departure::find(golden, &self.now)
    }

    /// Writes the new table to a `.new` file beside a golden file that differs, or removes that
    /// file if there is no difference.
    pub(super) fn write_beside(&self, context: &Context) {
        let beside = self.place.with_extension("csv.new");
        let Some(golden) = &self.blessed else { return };
        let now = self.now.to_csv();
        if golden == now.as_bytes() {
            self.tidy();
        } else if let Err(failure) = write(&beside, &now, Kind::Table) {
            // Not an error: the differences are printed anyway.
            context.note(failure.render(context.colour_err).trim_end());
        }
    }

    /// The new table as an uncommitted golden file; `None` if it did not change.
    pub(super) fn blessed(&self) -> Result<Option<NewFile>, Failure> {
        let now = self.now.to_csv();
        if self.blessed.as_deref() == Some(now.as_bytes()) {
            return Ok(None);
        }
        if let Some(folder) = self.place.parent() {
            create_folder(folder)?;
        }
        let mut file = NewFile::create(&self.place, Kind::Known)?;
        file.put(&now)?;
        file.sync()?;
        Ok(Some(file))
    }

    /// Removes the `.new` file of an earlier difference.
    pub(super) fn tidy(&self) {
        // Usually there is none.
        let _ = fs::remove_file(self.place.with_extension("csv.new"));
    }
}

/// The first `most` differences of a file; the last one also states how many more there are.
pub(super) fn first_of(mut differences: Vec<Difference>, most: usize) -> Vec<Difference> {
    let others = differences.len().saturating_sub(most);
    differences.truncate(most);
    if let Some(last) = differences.last_mut().filter(|_| others > 0) {
        last.text = format!("{}, and {} more in this file", last.text, grouped(others));
    }
    differences
}

/// The scenarios at these paths: files as given, folders searched recursively, sorted by name.
pub(super) fn scenarios(paths: &[PathBuf]) -> Result<Vec<PathBuf>, Failure> {
    let mut found = Vec::new();
    for path in paths {
        let is_folder = fs::metadata(path).map_err(|error| Failure::io(path, &error))?.is_dir();
        if is_folder {
            let is_scenario = |path: &Path| {
                path.extension().is_some_and(|extension| extension == "toml" || extension == "dat")
            };
            collect(path, &is_scenario, &mut found)?;
        } else {
            found.push(path.clone());
        }
    }
    found.sort();
    found.dedup();
    if found.is_empty() {
        let places: Vec<String> = paths.iter().map(|path| path.display().to_string()).collect();
        return Err(Failure::Nothing(format!("no scenario found in {}", places.join(", "))));
    }
    Ok(found)
}

/// The folder of a scenario's golden files: its path without the extension, under `results` if the
/// scenario is under `scenarios`.
pub(super) fn folder_of(scenario: &Path) -> Result<PathBuf, Failure> {
    mirror(scenario).map(|path| path.with_extension("")).ok_or_else(|| {
        let scenario = scenario.display();
        let text =
            format!("{scenario} is not in a folder named `scenarios`, so it has no golden tables");
        Failure::Usage(text)
    })
}

/// Golden tables under the verified paths that are neither `known` nor belong to `unread`
/// scenarios.
pub(super) fn orphans(
    paths: &[PathBuf],
    known: &BTreeSet<&Path>,
    unread: &[&PathBuf],
) -> Result<Vec<PathBuf>, Failure> {
    let mut found = Vec::new();
    for path in paths {
        let Some(mirrored) = mirror(path) else { continue };
        let is_folder = path.is_dir();
        let root = if is_folder { mirrored } else { mirrored.with_extension("") };
        if root.is_dir() {
            // Subfolders of a single scenario's folder belong to other scenarios.
            let is_table = |path: &Path| {
                path.extension().is_some_and(|extension| extension == "csv")
                    && (is_folder || path.parent() == Some(&root))
            };
            collect(&root, &is_table, &mut found)?;
        }
    }
    let unread: Vec<PathBuf> =
        unread.iter().map(|path| folder_of(path)).collect::<Result<_, _>>()?;
    found.retain(|place| {
        !known.contains(place.as_path()) && !unread.iter().any(|folder| place.starts_with(folder))
    });
    found.sort();
    found.dedup();
    Ok(found)
}

/// The path with its innermost component `scenarios` replaced by `results`.
fn mirror(path: &Path) -> Option<PathBuf> {
    let components: Vec<Component> = path.components().collect();
    let at = components.iter().rposition(|part| part.as_os_str() == "scenarios")?;
    let part = |(place, part): (usize, &Component<'_>)| {
        if place == at { "results".into() } else { part.as_os_str().to_owned() }
    };
    Some(components.iter().enumerate().map(part).collect())
}

/// Collects the wanted files of a folder and its subfolders. Symbolic links to folders are not
/// followed.
fn collect(
    folder: &Path,
    wanted: &dyn Fn(&Path) -> bool,
    found: &mut Vec<PathBuf>,
) -> Result<(), Failure> {
    let failure = |error: &io::Error| Failure::io(folder, error);
    for entry in fs::read_dir(folder).map_err(|error| failure(&error))? {
        let entry = entry.map_err(|error| failure(&error))?;
        let path = entry.path();
        if entry.file_type().map_err(|error| failure(&error))?.is_dir() {
            collect(&path, wanted, found)?;
        } else if wanted(&path) {
            found.push(path);
        }
    }
    Ok(())
}
