//! Reads a folder of results; every file is checked against the manifest first.

use std::fs::{self, File};
use std::io::{self, BufReader, ErrorKind, Read};
use std::path::Path;

use balloonist::conclude::compare;
use balloonist::store::digest::Hasher;
use balloonist::store::manifest::{FileEntry, Manifest, RunEntry, Timing};
use balloonist::store::results::{Results, Sweep};
use balloonist::store::row::{self, Row};
use balloonist::store::thinned::{Sum, Thinned};
use balloonist::store::{series, sweep};

use super::Failure;
use super::register::register;
use super::result_folder::TIMING;

/// Reads a folder written by `run --out`, `compare --out` or `sweep --out`.
pub(super) fn read(folder: &Path) -> Result<Results, Failure> {
    let place = folder.join("manifest.json");
    register().reads(&place)?;
    let text = fs::read(&place).map_err(|error| Failure::io(&place, &error))?;
    let text = String::from_utf8(text).map_err(|_| damaged(&place, "it is not UTF-8"))?;
    let manifest = Manifest::read(&text).map_err(|what| damaged(&place, &what))?;
    for file in &manifest.files {
        check(folder, file)?;
        register().reads(&folder.join(&file.name))?;
    }
    let titles: Vec<String> = manifest.runs().iter().map(RunEntry::title).collect();
    if let Some(title) = titles.iter().find(|title| !is_plain(&compare::slug(title))) {
        return Err(damaged(&place, &format!("`{title}` is not the name of a policy")));
    }
    let has = |name: &str| manifest.files.iter().any(|file| file.name == name);
    let text = |name: &str| {
        let read = |place: &Path| read_text(place).map_err(|error| Failure::io(place, &error));
        has(name).then(|| read(&folder.join(name))).transpose()
    };
    let wrong = |name: &str, what: &str| damaged(&folder.join(name), what);
    let vms = rows(text("vms.csv")?).map_err(|what| wrong("vms.csv", &what))?;
    let compare = rows(text("compare.csv")?).map_err(|what| wrong("compare.csv", &what))?;
    let curves = rows(text("curves.csv")?).map_err(|what| wrong("curves.csv", &what))?;
    let runs = if has("runs.csv") { "runs.csv" } else { "runs.csv.zst" };
    let sweep = text(runs)?.map(|text| {
        let grid = Sweep::grid(&manifest)?;
        let rows = sweep::read(&grid, &text)?;
        Sweep::new(grid, rows)
    });
    let sweep = sweep.transpose().map_err(|what| wrong(runs, &what))?;
    if manifest.study.plan.is_some() {
        let place = folder.display();
        let text =
            format!("{place} has a plan; `plan --from {place} --report FILE` makes its page");
        return Err(Failure::Usage(text));
    }
    if vms.is_none() && sweep.is_none() {
        return Err(damaged(&place, "vms.csv and runs.csv are both missing"));
    }
    let mut series = Vec::new();
    for title in titles {
        let names = [series::file_of(&title), "series.csv".to_owned()];
        if let Some(name) = names.iter().find(|name| has(name)) {
            series.push((title, read_series(&folder.join(name), &manifest.vms())?));
        }
    }
    let timing = fs::read_to_string(folder.join(TIMING)).ok();
    let command = timing.and_then(|text| Timing::command(&text));
    Ok(Results { command, vms, compare, curves, sweep, series, manifest })
}

/// The same, with the trend of this column if they are of a sweep.
pub(super) fn read_for(folder: &Path, metric: Option<&str>) -> Result<Results, Failure> {
    let mut results = read(folder)?;
    if let Some(metric) = metric {
        let sweep = results.sweep.take().ok_or_else(|| {
            Failure::Usage(format!("--metric is of a sweep, and {} has none", folder.display()))
        })?;
        results.sweep = Some(sweep.with_metric(metric).map_err(Failure::Usage)?);
    }
    Ok(results)
}

/// Parses the rows of a file, if it exists.
fn rows<R: Row>(text: Option<String>) -> Result<Option<Vec<R>>, String> {
    text.map(|text| row::read(&text)).transpose()
}

/// The text of a possibly compressed file.
fn read_text(place: &Path) -> io::Result<String> {
    let bytes = fs::read(place)?;
    let is_packed = place.extension().is_some_and(|extension| extension == "zst");
    let bytes = if is_packed { zstd::decode_all(&bytes[..])? } else { bytes };
    String::from_utf8(bytes).map_err(|error| io::Error::new(ErrorKind::InvalidData, error))
}

/// Whether a name is a single path component, which cannot lead out of the folder.
fn is_plain(name: &str) -> bool {
    let letter = |letter: char| letter.is_ascii_alphanumeric() || "-_.".contains(letter);
    name.chars().all(letter) && !name.starts_with('.')
}

/// Checks a file against its entry in the manifest.
pub(super) fn check(folder: &Path, file: &FileEntry) -> Result<(), Failure> {
    let FileEntry { name, digest: listed, .. } = file;
    let place = folder.join(name);
    if !is_plain(name) {
        let what = format!("it lists `{name}`, which is not a file in this folder");
        return Err(damaged(&folder.join("manifest.json"), &what));
    }
    let mut file = File::open(&place).map_err(|error| Failure::io(&place, &error))?;
    let mut hasher = Hasher::default();
    let mut block = vec![0; 1 << 16];
    loop {
        let read = file.read(&mut block).map_err(|error| Failure::io(&place, &error))?;
        if read == 0 {
            break;
        }
        hasher.update(&block[..read]);
    }
    let digest = hasher.digest();
    if digest == *listed {
        return Ok(());
    }
    let what = format!("its hash is {digest}, but manifest.json lists {listed}");
    Err(damaged(&place, &what))
}

fn read_series(place: &Path, vms: &[String]) -> Result<Thinned, Failure> {
    let file = File::open(place).map_err(|error| Failure::io(place, &error))?;
    let mut reader = csv::Reader::from_reader(BufReader::with_capacity(1 << 16, file));
    let mut thinned = Thinned::new(vms.len());
    let wrong = |error: csv::Error| damaged(place, &error.to_string());
    let header = reader.headers().map_err(wrong)?.iter().collect::<Vec<_>>().join(",");
    if !series::is_header(&header) {
        return Err(damaged(place, "its header is not that of a series"));
    }
    let mut record = csv::StringRecord::new();
    let (mut next, mut tick_before) = (0, 0);
    while reader.read_record(&mut record).map_err(wrong)? {
        let line = record.position().map_or(0, csv::Position::line);
        let number = |at: usize| {
            record[at].parse::<u64>().map_err(|_| {
                damaged(place, &format!("line {line}: `{}` is not a number", &record[at]))
            })
        };
        // The rows of a checkpoint are in the order of VMs, so the next VM's name is tried first.
        let name = &record[1];
        let vm = if vms.get(next).is_some_and(|vm| vm == name) {
            next
        } else {
            let found = vms.iter().position(|vm| vm == name);
            found.ok_or_else(|| {
                damaged(place, &format!("line {line}: the manifest has no VM `{name}`"))
            })?
        };
        next = (vm + 1) % vms.len();
        let tick = number(0)?;
        if tick < tick_before {
            return Err(damaged(place, &format!("line {line}: tick {tick} follows {tick_before}")));
        }
        tick_before = tick;
        let sum = Sum { frames: number(2)?, accesses: number(5)?, demand_faults: number(6)? };
        thinned.add(tick, vm, sum);
    }
    Ok(thinned)
}

fn damaged(place: &Path, what: &str) -> Failure {
    let remedy = "the folder is damaged or from another version; write it again with --out";
    Failure::wrong(format!("{}: {what}; {remedy}", place.display()))
}
