//! The traces of a check: each file is read once and each workload generated once, however many VMs
//! replay it.

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

/// Traces read so far, and generated ones that are still in use.
///
/// Checks of several points of a sweep share it. Clones share generated traces too, so that threads
/// working on the same repetition generate its accesses once; those of finished repetitions are
/// dropped.
#[derive(Clone, Debug)]
pub struct Traces {
    /// Traces of files, with their readers' notes.
    read: BTreeMap<TraceFile, Result<Noted, ReadError>>,
    /// Traces of the caller's own, in place of files.
    given: BTreeMap<PathBuf, Arc<Trace>>,
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

/// A trace, with its reader's notes.
type Noted = (Arc<Trace>, Vec<String>);

/// A file and how it is read.
pub(super) type TraceFile = (PathBuf, ReadOptions);

/// Notes on a trace file.
#[derive(Clone, Debug)]
pub struct ReadFile {
    /// The file.
    pub path: PathBuf,
    /// The recognised format, if none was given.
    pub recognised: Option<&'static str>,
    /// The reader's notes, such as that the trace is a sample.
    pub notes: Vec<String>,
}

/// A generated trace while it is in use. The generating thread holds the lock; others that need the
/// trace wait for it.
type Generated = Arc<Mutex<Weak<Trace>>>;

/// The slots of generated traces.
#[derive(Debug, Default)]
struct Places {
    of: BTreeMap<Drawn, Generated>,
    /// At this number of slots, unused ones are removed.
    many: usize,
}

/// Everything that determines a workload's accesses.
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
    /// An empty set; the workloads of a scenario may need at most `bytes` in total.
    pub fn with_limit(bytes: u64) -> Self {
        Self {
            read: BTreeMap::new(),
            given: BTreeMap::new(),
            told: Vec::new(),
            parts: BTreeMap::new(),
            inline: BTreeMap::new(),
            texts: Texts::default(),
            generated: Arc::default(),
            workload_bytes_max: bytes,
            memory_max: u64::MAX,
            growth_max: Room::GROWTH,
        }
    }

    /// This set with a memory limit for each trace, in bytes and as a multiple of its file's bytes;
    /// see [`Room`].
    #[must_use]
    pub fn within(self, memory_max: u64, growth_max: u64) -> Self {
        Self { memory_max, growth_max, ..self }
    }

    /// This set with a trace that stands for the file at `path`, whatever the options of readers.
    ///
    /// ```
    /// use std::sync::Arc;
    /// use balloonist::scenario::{Document, Traces};
    /// use balloonist::trace::Trace;
    /// let text = "host.memory = 4\ncheckpoint.every = 3\n\
    ///             [[vm]]\nname = 'web'\ntrace.file = 'web'\n";
    /// let mut traces = Traces::default().with("web", Arc::new(Trace::from_pages([1, 2, 1])));
    /// let checked = Document::from_toml("mine.toml", text.as_bytes()).check_with(&mut traces);
    /// assert_eq!(checked.unwrap().scenario.vms[0].trace.accesses(), 3);
    /// ```
    #[must_use]
    pub fn with(mut self, path: impl Into<PathBuf>, trace: Arc<Trace>) -> Self {
        self.given.insert(path.into(), trace);
        self
    }

    /// The options of a file, under which it is read.
    fn options(&self, file: &TraceFile) -> ReadOptions {
        let (memory_max, growth_max) = (self.memory_max, self.growth_max);
        ReadOptions { memory_max, growth_max, ..file.1.clone() }
    }

    /// The files of text that parameters of policies name; of those that programs' replies are
    /// recorded in, only where no program may run.
    pub fn texts(&self, programs_run: bool) -> Vec<&Path> {
        if programs_run { self.texts.only_read().collect() } else { self.texts.read().collect() }
    }

    /// Notes on the files, in the order of the VMs.
    pub fn told(&self) -> &[ReadFile] {
        &self.told
    }

    /// The values of a split file, or only the largest ones, with their traces.
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

    /// The trace of a file, with the reader's notes.
    pub(super) fn get(&mut self, file: &TraceFile) -> Result<(Arc<Trace>, Vec<String>), ReadError> {
        if let Some(trace) = self.given.get(&file.0) {
            return Ok((Arc::clone(trace), Vec::new()));
        }
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

    /// Reads these files in parallel.
    pub(super) fn read_ahead(&mut self, named: Vec<TraceFile>) {
        let is_read = |file: &&TraceFile| !self.given.contains_key(&file.0);
        let files: BTreeSet<TraceFile> = named.iter().filter(is_read).cloned().collect();
        if files.len() < 2 {
            return;
        }
        let load = |file: TraceFile| {
            let loaded = formats::load(&file.0, &self.options(&file));
            (file, loaded)
        };
        let loaded: Vec<_> = files.into_par_iter().map(load).collect();
        let mut loaded: BTreeMap<_, _> = loaded.into_iter().collect();
        // Notes are in the order of the VMs.
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

    /// Reports workloads that are too large in total.
    pub(super) fn check_bytes(&self, findings: &mut Findings, vms: &[Draft]) {
        let found = vms.iter().filter_map(|vm| {
            let spec = vm.accesses.as_ref()?.workload()?;
            Some((spec, vm.section.origin_of("workload")))
        });
        workloads::check_bytes(findings, found, self.workload_bytes_max);
    }

    /// Generates the accesses of workloads, if no VM has an error.
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
                // Workloads use ChaCha8 whatever generator policies use.
                let mut stream = Stream::new(Generator::ChaCha8, seed, repetition, &purpose);
                Arc::new(spec.generate(&mut stream))
            });
            *slot = Arc::downgrade(&trace);
            accesses.trace = Some(trace);
        }
    }

    /// The slot of a generated trace. Unused slots are removed whenever their number has doubled.
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

    /// The trace of a long list of pages, built once for all checks of a document.
    pub(super) fn inline(&mut self, pages: &Arc<[u64]>) -> Arc<Trace> {
        // The list is kept alive, so no other list can have its address.
        let made = || (Arc::clone(pages), Arc::new(Trace::from_pages(pages.iter().copied())));
        Arc::clone(&self.inline.entry(pages.as_ptr() as usize).or_insert_with(made).1)
    }

    /// All traces read from files, and those given in place of files.
    pub fn files(&self) -> impl Iterator<Item = &Trace> {
        let read = self.read.values().filter_map(|read| Some(&*read.as_ref().ok()?.0));
        read.chain(self.given.values().map(|trace| &**trace))
    }
}

/// The reader's notes that belong to results, without those on page numbers and on the source of
/// kinds.
fn reading(notes: &[String]) -> Vec<String> {
    let is_plain = |note: &str| note == PAGE_NUMBERS || note.starts_with("kinds from");
    notes.iter().filter(|note| !is_plain(note)).cloned().collect()
}

const NO_PANIC: &str = "no thread panics while it holds a trace";
