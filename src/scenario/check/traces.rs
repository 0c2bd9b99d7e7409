//! The traces of a check: each file is read once, and drawn once, however many VMs replay it.

use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, Weak};

use rayon::prelude::*;

use super::super::effective;
use super::draft::Draft;
use super::files::Texts;
use super::values::Findings;
use super::workloads;
use crate::formats::{self, Loaded, PAGE_NUMBERS, Part, ReadError, ReadOptions};
use crate::random::{Generator, Stream};
use crate::trace::{Room, Trace};

/// Traces read so far, and the generated ones that somebody still holds.
///
/// Checks of several points of a sweep may share one; clones of it share what is generated too, so
/// that threads at work on points of one repetition draw its accesses once, and those of a
/// repetition that is over are dropped.
#[derive(Clone, Debug)]
pub struct Traces {
    /// With what its reader assumed and left out.
    read: BTreeMap<TraceFile, Result<(Arc<Trace>, Vec<String>), ReadError>>,
    told: Vec<ReadFile>,
    parts: BTreeMap<(TraceFile, Option<u64>), Result<Vec<String>, ReadError>>,
    inline: BTreeMap<usize, (Arc<[u64]>, Arc<Trace>)>,
    /// Files that policies read.
    pub(super) texts: Texts,
    generated: Arc<Mutex<Places>>,
    workload_bytes_max: u64,
    memory_max: u64,
    growth_max: u64,
}

/// A file and how it is read.
pub(super) type TraceFile = (PathBuf, ReadOptions);

/// What is to be told of a trace file that was read.
#[derive(Clone, Debug)]
pub struct ReadFile {
    /// The file.
    pub path: PathBuf,
    /// The format that it was recognised as, if nobody named one.
    pub recognised: Option<&'static str>,
    /// What its reader has to say, such as that it is but a sample.
    pub notes: Vec<String>,
}

/// A generated trace while somebody holds it. Whoever generates it holds the lock meanwhile, and
/// who needs the same one waits.
type Generated = Arc<Mutex<Weak<Trace>>>;

/// The places of generated traces.
#[derive(Debug, Default)]
struct Places {
    of: BTreeMap<Drawn, Generated>,
    /// How many there may be before those that nobody holds are looked for.
    many: usize,
}

/// All that decides what a workload makes.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
struct Drawn {
    seed: u64,
    repetition: u64,
    vm: String,
    workload: String,
}

impl Default for Traces {
    fn default() -> Self {
        Self::with_limit(workloads::BYTES_MAX)
    }
}

impl Traces {
    /// No trace yet; the workloads of a scenario may need at most `bytes` together.
    pub fn with_limit(bytes: u64) -> Self {
        Self {
            read: BTreeMap::new(),
            told: Vec::new(),
            parts: BTreeMap::new(),
            inline: BTreeMap::new(),
            texts: Texts::new(),
            generated: Arc::default(),
            workload_bytes_max: bytes,
            memory_max: u64::MAX,
            growth_max: Room::GROWTH,
        }
    }

    /// These traces, each of which may take so many bytes in memory, and so many times the bytes of
    /// its file; see [`Room`].
    #[must_use]
    pub fn within(self, memory_max: u64, growth_max: u64) -> Self {
        Self { memory_max, growth_max, ..self }
    }

    /// The options of a file, under which it is read.
    fn options(&self, file: &TraceFile) -> ReadOptions {
        let (memory_max, growth_max) = (self.memory_max, self.growth_max);
        ReadOptions { memory_max, growth_max, ..file.1.clone() }
    }

    /// The files of text that parameters of policies name.
    pub fn texts(&self) -> impl Iterator<Item = &Path> {
        self.texts.iter().filter(|(_, text)| text.is_ok()).map(|(path, _)| path.as_path())
    }

    /// What is to be told of the files, in the order in which VMs name them.
    pub fn told(&self) -> &[ReadFile] {
        &self.told
    }

    /// The values of a file that is split, each with its trace read and kept; the largest alone if
    /// so many are wanted.
    pub(super) fn parts(
        &mut self,
        file: &TraceFile,
        largest: Option<u64>,
    ) -> Result<Vec<String>, ReadError> {
        let wanted = (file.clone(), largest);
        if let Some(known) = self.parts.get(&wanted) {
            return known.clone();
        }
        let loaded = formats::load_parts(&file.0, &self.options(file)).map(|mut parts| {
            let left_out = formats::keep_largest(&mut parts, largest);
            self.tell_parts(file, &parts, left_out);
            let mut values = Vec::new();
            for Part { value, loaded } in parts {
                let options = ReadOptions { part: Some(value.clone()), ..file.1.clone() };
                let read = (Arc::new(loaded.trace), reading(&loaded.notes));
                self.read.insert((file.0.clone(), options), Ok(read));
                values.push(value);
            }
            values
        });
        self.parts.insert(wanted, loaded.clone());
        loaded
    }

    fn tell_parts(&mut self, file: &TraceFile, parts: &[Part], left_out: Option<String>) {
        let Some(first) = parts.first() else { return };
        let recognised = (file.1.format == "auto").then_some(first.loaded.format.name);
        let mut notes = first.loaded.notes.clone();
        notes.extend(left_out);
        self.told.push(ReadFile { path: file.0.clone(), recognised, notes });
    }

    /// The trace of a file, and what its reader assumed and left out.
    pub(super) fn get(&mut self, file: &TraceFile) -> Result<(Arc<Trace>, Vec<String>), ReadError> {
        if !self.read.contains_key(file) {
            let loaded = formats::load(&file.0, &self.options(file));
            self.keep(file.clone(), loaded);
        }
        self.read[file].clone()
    }

    /// Whether no file has been read before.
    pub(super) fn is_fresh(&self) -> bool {
        self.read.is_empty()
    }

    /// Reads these files, in the order of their VMs, each on a thread.
    pub(super) fn read_ahead(&mut self, named: Vec<TraceFile>) {
        let files: BTreeSet<TraceFile> = named.iter().cloned().collect();
        if files.len() < 2 {
            return;
        }
        let load = |file: TraceFile| {
            let loaded = formats::load(&file.0, &self.options(&file));
            (file, loaded)
        };
        let loaded: Vec<_> = files.into_par_iter().map(load).collect();
        let mut loaded: BTreeMap<_, _> = loaded.into_iter().collect();
        // They are told in the order of the VMs.
        for file in named {
            if let Some(loaded) = loaded.remove(&file) {
                self.keep(file, loaded);
            }
        }
    }

    fn keep(&mut self, file: TraceFile, loaded: Result<Loaded, ReadError>) {
        let mut keep = |loaded: Loaded| {
            let recognised = (file.1.format == "auto").then_some(loaded.format.name);
            let reading = reading(&loaded.notes);
            self.told.push(ReadFile { path: file.0.clone(), recognised, notes: loaded.notes });
            (Arc::new(loaded.trace), reading)
        };
        let trace = loaded.map(&mut keep);
        self.read.insert(file, trace);
    }

    /// Reports workloads that are too large together.
    pub(super) fn check_bytes(&self, findings: &mut Findings, vms: &[Draft]) {
        let found = vms.iter().filter_map(|vm| {
            let spec = vm.accesses.as_ref()?.workload()?;
            Some((spec, vm.section.origin_of("workload")))
        });
        workloads::check_bytes(findings, found, self.workload_bytes_max);
    }

    /// Generates the accesses of the VMs with workloads, where nothing is wrong with any VM.
    pub(super) fn generate(&mut self, vms: &mut [Draft], seed: u64, repetition: u64) {
        for vm in vms {
            let (Some(name), Some(accesses)) = (vm.name, &mut vm.accesses) else { continue };
            let Some(spec) = accesses.workload() else { continue };
            let (vm, workload) = (name.to_owned(), effective::workload(spec));
            let drawn = Drawn { seed, repetition, vm, workload };
            let slot = self.slot(drawn);
            let mut slot = slot.lock().expect(NO_PANIC);
            let trace = slot.upgrade().unwrap_or_else(|| {
                let purpose = format!("vm/{name}/workload");
                // Whoever draws for the policies, workloads draw from ChaCha8.
                let mut stream = Stream::new(Generator::ChaCha8, seed, repetition, &purpose);
                Arc::new(spec.generate(&mut stream))
            });
            *slot = Arc::downgrade(&trace);
            accesses.trace = Some(trace);
        }
    }

    /// The place of a generated trace. Places of traces that nobody holds are given up, whenever
    /// there are twice as many as were held.
    fn slot(&self, drawn: Drawn) -> Generated {
        let mut places = self.generated.lock().expect(NO_PANIC);
        if places.of.len() >= places.many && !places.of.contains_key(&drawn) {
            let is_held = |slot: &Generated| {
                Arc::strong_count(slot) > 1
                    || slot.try_lock().is_ok_and(|trace| trace.strong_count() > 0)
            };
            places.of.retain(|_, slot| is_held(slot));
            places.many = 2 * places.of.len();
        }
        Arc::clone(places.of.entry(drawn).or_default())
    }

    /// The trace of a long list of pages, made once for all checks of a document.
    pub(super) fn inline(&mut self, pages: &Arc<[u64]>) -> Arc<Trace> {
        // The list is kept beside its address, so no other list can get that.
        let made = || (Arc::clone(pages), Arc::new(Trace::from_pages(pages.iter().copied())));
        Arc::clone(&self.inline.entry(pages.as_ptr() as usize).or_insert_with(made).1)
    }

    /// Every trace that was read from a file.
    pub fn files(&self) -> impl Iterator<Item = &Trace> {
        self.read.values().filter_map(|read| Some(&*read.as_ref().ok()?.0))
    }
}

/// What of a reader's notes belongs to a result: not that plain numbers are pages, nor where kinds
/// come from.
fn reading(notes: &[String]) -> Vec<String> {
    let is_plain = |note: &str| note == PAGE_NUMBERS || note.starts_with("kinds from");
    notes.iter().filter(|note| !is_plain(note)).cloned().collect()
}

const NO_PANIC: &str = "nobody panics while holding a trace";
