//! Where a VM's accesses come from. Each trace file is read once, however many VMs replay it.

use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, Weak};

use rayon::prelude::*;

use super::super::TraceSource;
use super::super::codes;
use super::super::diagnostic::clip;
use super::super::document::{Literal, Node, Origin};
use super::super::effective;
use super::draft::{Accesses, Draft, Surroundings};
use super::files::Texts;
use super::values::{Field, Findings, Section};
use super::workloads;
use crate::formats::PAGE_NUMBERS;
use crate::formats::{self, Loaded, Part, ReadError, ReadErrorKind, ReadOptions};
use crate::random::{Generator, Stream};
use crate::trace::{Room, Trace};

/// Traces read so far, and the generated ones that somebody still holds.
///
/// Checks of several points of a sweep may share one; clones of it share what is generated too, so
/// that threads at work on points of one repetition draw its accesses once, and those of a
/// repetition that is over are dropped.
#[derive(Clone, Debug)]
pub struct Traces {
    read: BTreeMap<TraceFile, Result<Arc<Trace>, ReadError>>,
    told: Vec<ReadFile>,
    parts: BTreeMap<(TraceFile, Option<u64>), Result<Vec<String>, ReadError>>,
    /// What the readers of the files assumed and left out.
    readings: BTreeMap<TraceFile, Vec<String>>,
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
            readings: BTreeMap::new(),
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
                let trace = Ok(Arc::new(loaded.trace));
                let key = (file.0.clone(), options);
                self.readings.insert(key.clone(), reading(&loaded.notes));
                self.read.insert(key, trace);
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

    fn get(&mut self, file: &TraceFile) -> &Result<Arc<Trace>, ReadError> {
        if !self.read.contains_key(file) {
            let loaded = formats::load(&file.0, &self.options(file));
            self.keep(file.clone(), loaded);
        }
        &self.read[file]
    }

    /// Reads the files of these VMs at a time, each on a thread, where none has been read before.
    pub(super) fn read_ahead(&mut self, vms: &[Section], around: &Surroundings) {
        if !self.read.is_empty() {
            return;
        }
        let files: BTreeSet<TraceFile> = vms.iter().filter_map(|vm| file_of(vm, around)).collect();
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
        for file in vms.iter().filter_map(|vm| file_of(vm, around)) {
            if let Some(loaded) = loaded.remove(&file) {
                self.keep(file, loaded);
            }
        }
    }

    fn keep(&mut self, file: TraceFile, loaded: Result<Loaded, ReadError>) {
        let mut keep = |loaded: Loaded| {
            let recognised = (file.1.format == "auto").then_some(loaded.format.name);
            self.readings.insert(file.clone(), reading(&loaded.notes));
            self.told.push(ReadFile { path: file.0.clone(), recognised, notes: loaded.notes });
            Arc::new(loaded.trace)
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
    fn inline(&mut self, pages: &Arc<[u64]>) -> Arc<Trace> {
        // The list is kept beside its address, so no other list can get that.
        let made = || (Arc::clone(pages), Arc::new(Trace::from_pages(pages.iter().copied())));
        Arc::clone(&self.inline.entry(pages.as_ptr() as usize).or_insert_with(made).1)
    }

    /// Every trace that was read from a file.
    pub fn files(&self) -> impl Iterator<Item = &Trace> {
        self.read.values().filter_map(|read| read.as_deref().ok())
    }
}

/// What of a reader's notes belongs to a result: not that plain numbers are pages, nor where kinds
/// come from.
fn reading(notes: &[String]) -> Vec<String> {
    let is_plain = |note: &str| note == PAGE_NUMBERS || note.starts_with("kinds from");
    notes.iter().filter(|note| !is_plain(note)).cloned().collect()
}

const NO_PANIC: &str = "nobody panics while holding a trace";

/// The VM's accesses, from their one source.
pub(super) fn read(
    findings: &mut Findings,
    vm: &Section,
    around: &Surroundings,
    cache: &mut Traces,
) -> Option<Accesses> {
    let remedy = "add `trace = { file = \"…\" }`, `trace = { pages = […] }` or `workload = { … }`";
    let (trace, workload) =
        (vm.get_instead_of("trace", "workload"), vm.get_instead_of("workload", "trace"));
    let both = trace.is_some() && workload.is_some();
    if both {
        let message = "the VM has two sources of accesses, `trace` and `workload`";
        // The later of the two is the one that surprises.
        let mut both = [vm.origin_of("trace"), vm.origin_of("workload")];
        both.sort_by_key(|&origin| std::cmp::Reverse(origin));
        let remedy = "remove one of them";
        findings.error_beside(codes::TWO_SOURCES, both, "the other", message, remedy);
    }
    let is_drawn = workload.is_some();
    let workload = workload.and_then(|field| read_workload(findings, vm, &field, around));
    if both {
        return None;
    }
    let Some(field) = trace else {
        if !is_drawn {
            findings.error(codes::NO_ACCESSES, vm.origin, "the VM has no accesses", remedy);
        }
        return workload;
    };
    if field.node.table().is_none() {
        findings.wrong_type(&field, "a table such as `{ file = \"…\" }`");
        return None;
    }
    let trace = vm.section(findings, "trace");
    match (trace.get("file"), trace.get("pages")) {
        (Some(file), None) => read_file(findings, &trace, &file, around, cache),
        (None, Some(pages)) => {
            trace.only(findings, &["pages"]);
            let trace = match &pages.node.value {
                Literal::Pages(list) if !list.is_empty() => Some(cache.inline(list)),
                _ => None,
            };
            let pages = read_pages(findings, &pages)?;
            let made = || Arc::new(Trace::from_pages(pages.iter().copied()));
            let trace = Some(trace.unwrap_or_else(made));
            Some(Accesses { source: TraceSource::Pages(pages), trace })
        }
        (Some(_), Some(pages)) => {
            trace.only(findings, TRACE_KEYS);
            let message = "the VM has two sources of accesses, `file` and `pages`";
            let origin = pages.node.origin;
            findings.error(codes::TWO_SOURCES, origin, message, "remove one of them");
            None
        }
        (None, None) => {
            trace.only(findings, TRACE_KEYS);
            findings.error(codes::NO_ACCESSES, trace.origin, "the trace has no source", remedy);
            None
        }
    }
}

fn read_workload(
    findings: &mut Findings,
    vm: &Section,
    field: &Field,
    around: &Surroundings,
) -> Option<Accesses> {
    if field.node.table().is_none() {
        findings.wrong_type(field, "a table such as `{ kind = \"zipf\", accesses = 100_000 }`");
        return None;
    }
    let section = vm.section(findings, "workload");
    let spec = workloads::read(findings, &section, around.page_size)?;
    Some(Accesses { source: TraceSource::Workload(spec), trace: None })
}

/// The keys of `trace`.
const TRACE_KEYS: &[&str] = &[
    "file",
    "pages",
    "format",
    "page_size",
    "unit",
    "field",
    "op_field",
    "size_field",
    "layout",
    "separator",
    "base",
    "size_unit",
    "reads",
    "writes",
    "comment",
    "header",
    "key",
    "split",
    "part",
    "vm",
    "seed",
    "limit_bytes",
    "limit_accesses",
];

/// How the file is read. Addresses are mapped to the host's pages unless the trace has its own.
fn read_options(
    findings: &mut Findings,
    trace: &Section,
    around: &Surroundings,
) -> Option<ReadOptions> {
    trace.only(findings, TRACE_KEYS);
    let found_before = findings.list.len();
    let mut options = ReadOptions { host_page_size: around.page_size, ..ReadOptions::default() };
    if let Some(format) = trace.get("format").and_then(|field| findings.text(&field)) {
        format.clone_into(&mut options.format);
    }
    if let Some(field) = trace.get("page_size") {
        options.page_size = findings.page_size(&field);
    }
    let mut integer =
        |key, min| trace.get(key).and_then(|field| findings.integer(&field, min, INTEGER_MAX));
    options.unit = integer("unit", 1);
    options.size_unit = integer("size_unit", 1);
    options.vm = integer("vm", 0);
    options.seed = integer("seed", 0);
    let accesses = trace.get("limit_accesses");
    let accesses = accesses.and_then(|f| findings.integer(&f, 1, ReadOptions::ACCESSES_MAX));
    options.accesses_max = accesses.unwrap_or(options.accesses_max);
    if let Some(bytes) = trace.get("limit_bytes").and_then(|field| findings.bytes(&field)) {
        options.bytes_max = bytes;
    }
    let mut name = |key| trace.get(key).and_then(|field| column(findings, &field));
    options.field = name("field");
    options.op_field = name("op_field");
    options.size_field = name("size_field");
    options.key = name("key");
    options.split = name("split");
    let mut word = |key| trace.get(key).and_then(|f| Some(findings.text(&f)?.to_owned()));
    options.layout = word("layout");
    options.separator = word("separator");
    options.base = word("base");
    options.reads = word("reads");
    options.writes = word("writes");
    options.comment = word("comment");
    options.header = word("header");
    options.part = word("part");
    (findings.list.len() == found_before).then_some(options)
}

/// TOML's own integers end there, and the effective scenario must be TOML.
const INTEGER_MAX: u64 = i64::MAX.unsigned_abs();

/// A column by its heading, or by its number from 1.
pub(super) fn column(findings: &mut Findings, field: &Field) -> Option<String> {
    match &field.node.value {
        Literal::Integer(_) => findings.integer(field, 1, INTEGER_MAX).map(|at| at.to_string()),
        Literal::String(heading) => Some(heading.clone()),
        _ => {
            findings.wrong_type(field, "a heading in quotes, or a number from 1");
            None
        }
    }
}

fn read_file(
    findings: &mut Findings,
    trace: &Section,
    file: &Field,
    around: &Surroundings,
    cache: &mut Traces,
) -> Option<Accesses> {
    let options = read_options(findings, trace, around);
    let (name, options) = findings.text(file).zip(options)?;
    let path = path_of(file, name, around);
    let key = (around.folder.join(&path), options.clone());
    let _ = cache.get(&key);
    let reading = cache.readings.get(&key).cloned();
    match cache.get(&key) {
        Ok(trace) => {
            let path = path.to_string_lossy().into_owned();
            let reading = reading.unwrap_or_default();
            let source = TraceSource::File { path, options: Box::new(options), reading };
            Some(Accesses { source, trace: Some(Arc::clone(trace)) })
        }
        Err(error) => {
            report_read_error(findings, trace, file, name, error);
            None
        }
    }
}

/// The file that a VM's accesses are read from, if nothing is wrong with what the VM says of it.
fn file_of(vm: &Section, around: &Surroundings) -> Option<TraceFile> {
    let unsaid = &mut Findings::default();
    vm.get_instead_of("trace", "workload")?.node.table()?;
    let trace = vm.section(unsaid, "trace");
    let file = trace.get("file").filter(|_| trace.get("pages").is_none())?;
    let options = read_options(unsaid, &trace, around)?;
    let path = path_of(&file, unsaid.text(&file)?, around);
    Some((around.folder.join(path), options))
}

/// The file of a VM that is split by this column.
pub(super) fn split_file(
    findings: &mut Findings,
    vm: &Section,
    around: &Surroundings,
    column: &str,
) -> Option<TraceFile> {
    let trace = vm.get("trace")?;
    trace.node.table()?;
    let trace = vm.section(findings, "trace");
    let file = trace.get("file")?;
    let mut options = read_options(findings, &trace, around)?;
    options.split = Some(column.to_owned());
    options.vm = None;
    let path = path_of(&file, findings.text(&file)?, around);
    Some((around.folder.join(path), options))
}

/// Where a file lies, seen from the first file's folder: one that is extended may lie in another
/// folder than the one that extends it.
fn path_of(file: &Field, name: &str, around: &Surroundings) -> PathBuf {
    Path::new(&around.sources[file.node.origin.source].folder).join(name)
}

pub(super) fn report_read_error(
    findings: &mut Findings,
    trace: &Section,
    file: &Field,
    name: &str,
    error: &ReadError,
) {
    let (code, remedy) = match error.kind {
        ReadErrorKind::Missing => {
            (codes::TRACE_MISSING, "the path is relative to the scenario file")
        }
        ReadErrorKind::Unreadable => (codes::TRACE_UNREADABLE, "check the file's permissions"),
        ReadErrorKind::Format => (codes::TRACE_FORMAT, "`list formats` shows the formats"),
        ReadErrorKind::Damaged => (codes::TRACE_DAMAGED, "repair the file or name its format"),
        ReadErrorKind::Empty => (codes::TRACE_EMPTY, "a VM makes at least one access"),
        ReadErrorKind::TooLarge => (codes::TRACE_TOO_LARGE, "cut it, or raise its limit"),
        ReadErrorKind::NoEffect(_) => {
            (codes::OPTION_WITHOUT_EFFECT, "`list formats` shows the options of each format")
        }
    };
    let blamed = match error.kind {
        ReadErrorKind::Format => trace.get("format"),
        ReadErrorKind::NoEffect(option) => trace.get(option),
        _ => None,
    };
    let origin: Origin = blamed.map_or(file.node.origin, |field| field.node.origin);
    let message = format!("trace `{}`: {}", clip(name), error.message);
    findings.error(code, origin, message, remedy);
}

fn read_pages(findings: &mut Findings, field: &Field) -> Option<Vec<u64>> {
    let pages: Vec<u64> = match &field.node.value {
        Literal::Pages(pages) => pages.to_vec(),
        Literal::Array(items) => {
            let pages: Vec<_> = items.iter().map(|item| read_page(findings, field, item)).collect();
            pages.into_iter().collect::<Option<_>>()?
        }
        _ => {
            findings.wrong_type(field, "an array of page numbers");
            return None;
        }
    };
    if pages.is_empty() {
        let remedy = "a VM makes at least one access";
        findings.error(codes::TRACE_EMPTY, field.node.origin, "the trace has no page", remedy);
        return None;
    }
    Some(pages)
}

fn read_page(findings: &mut Findings, field: &Field, item: &Node) -> Option<u64> {
    let Literal::Integer(page) = item.value else {
        let item = Field { path: field.path.clone(), node: item };
        findings.wrong_type(&item, "a page number");
        return None;
    };
    let number = u64::try_from(page).ok();
    if number.is_none() {
        let message = if page < 0 { "a page number is negative" } else { "a page is too large" };
        let remedy = "pages are numbered from 0 to 2^64 - 1";
        findings.error(codes::BAD_PAGE, item.origin, message, remedy);
    }
    number
}
