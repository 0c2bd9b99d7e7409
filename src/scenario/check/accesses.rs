//! The source of a VM's accesses: a trace file with its read options, a list of pages, or a
//! workload.

use std::path::{Path, PathBuf};
use std::sync::Arc;

use super::super::TraceSource;
use super::super::codes;
use super::super::diagnostic::clip;
use super::super::document::{Literal, Node, Origin};
use super::draft::{Accesses, Surroundings};
use super::traces::{TraceFile, Traces};
use super::values::{Field, Findings, INTEGER_MAX, Section};
use super::workloads;
use crate::formats::{ReadError, ReadErrorKind, ReadOptions};
use crate::trace::Trace;
use crate::units::Decimal;

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
        // Point at the later of the two.
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
        (Some(file), None) => read_file(findings, vm, &trace, &file, around, cache),
        (None, Some(pages)) => {
            trace.only(findings, &["pages"]);
            let trace = match &pages.node.value {
                Literal::Pages(list) if !list.is_empty() => Some(cache.inline(list)),
                _ => None,
            };
            let pages = read_pages(findings, &pages)?;
            let made = || Arc::new(Trace::from_pages(pages.iter().copied()));
            let trace = Some(trace.unwrap_or_else(made));
            Some(Accesses { source: TraceSource::Pages(pages), trace, speed: None })
        }
        (Some(_), Some(pages)) => {
            trace.only(findings, &trace_keys());
            let message = "the VM has two sources of accesses, `file` and `pages`";
            let origin = pages.node.origin;
            findings.error(codes::TWO_SOURCES, origin, message, "remove one of them");
            None
        }
        (None, None) => {
            trace.only(findings, &trace_keys());
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
    Some(Accesses { source: TraceSource::Workload(spec), trace: None, speed: None })
}

/// The keys of `trace`: its source, and how it is read.
fn trace_keys() -> Vec<&'static str> {
    let defaults = ReadOptions::default();
    let numbers = defaults.numbers().map(|(name, _)| name);
    let words = defaults.words().map(|(name, _)| name);
    let source = ["file", "pages", "format"].into_iter();
    let keys = source.chain(words).chain(numbers).chain(["limit_bytes", "limit_accesses"]);
    keys.collect()
}

/// How the file is read. Addresses are mapped to the host's pages unless the trace has its own.
fn read_options(
    findings: &mut Findings,
    trace: &Section,
    around: &Surroundings,
) -> Option<ReadOptions> {
    trace.only(findings, &trace_keys());
    let found_before = findings.list.len();
    let mut options = ReadOptions { host_page_size: around.page_size, ..ReadOptions::default() };
    if let Some(format) = trace.get("format").and_then(|field| findings.text(&field)) {
        format.clone_into(&mut options.format);
    }
    for (name, number) in options.numbers_mut() {
        let least = u64::from(!matches!(name, "vm" | "seed"));
        *number = trace.get(name).and_then(|field| match name {
            "page_size" => findings.page_size(&field),
            _ => findings.integer(&field, least, INTEGER_MAX),
        });
    }
    for (name, word) in options.words_mut() {
        *word = trace.get(name).and_then(|field| match name {
            "speed" => speed(findings, &field).map(|speed| speed.to_string()),
            _ if ReadOptions::FIELDS.contains(&name) => column(findings, &field),
            _ => findings.text(&field).map(str::to_owned),
        });
    }
    let accesses = trace.get("limit_accesses");
    let accesses = accesses.and_then(|f| findings.integer(&f, 1, ReadOptions::ACCESSES_MAX));
    options.accesses_max = accesses.unwrap_or(options.accesses_max);
    if let Some(bytes) = trace.get("limit_bytes").and_then(|field| findings.bytes(&field)) {
        options.bytes_max = bytes;
    }
    (findings.list.len() == found_before).then_some(options)
}

/// The speed of recorded time: a number above 0, with nine decimal places at most.
fn speed(findings: &mut Findings, field: &Field) -> Option<Decimal> {
    let text = match &field.node.value {
        Literal::Integer(number) => number.to_string(),
        Literal::Decimal(text) | Literal::String(text) => text.clone(),
        _ => String::new(),
    };
    let speed = Decimal::parse(&text);
    let speed = speed.filter(|speed| speed.places <= 9 && (1..=SPEED_MAX).contains(&speed.digits));
    if speed.is_none() {
        findings.wrong_type(field, "a decimal number above 0, such as 2 or 0.5");
    }
    speed
}

/// The largest speed, in its last decimal place.
const SPEED_MAX: u64 = 1_000_000_000_000;

/// The speed of recorded time, if the trace is replayed in recorded time.
fn recorded_speed(
    findings: &mut Findings,
    vm: &Section,
    trace: &Section,
    options: &ReadOptions,
) -> Option<Decimal> {
    let is_recorded = options.wants_times() == Ok(true);
    let useless = if is_recorded { vm.get("period") } else { trace.get("speed") };
    if let Some(field) = useless {
        let (message, remedy) = if is_recorded {
            ("`period` has no effect on recorded time", "remove it, or set `trace.speed`")
        } else {
            ("`speed` has no effect on a trace in steps", "set `trace.time = \"recorded\"`")
        };
        findings.error(codes::OPTION_WITHOUT_EFFECT, field.node.origin, message, remedy);
    }
    let speed = options.speed.as_deref().and_then(Decimal::parse);
    is_recorded.then(|| speed.unwrap_or(Decimal { digits: 1, places: 0 }))
}

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
    vm: &Section,
    trace: &Section,
    file: &Field,
    around: &Surroundings,
    cache: &mut Traces,
) -> Option<Accesses> {
    let options = read_options(findings, trace, around);
    let (name, options) = findings.text(file).zip(options)?;
    let speed = recorded_speed(findings, vm, trace, &options);
    let (path, key) = file_of_options(file, name, options.clone(), around);
    match cache.get(&key) {
        Ok((trace, reading)) => {
            let path = path.to_string_lossy().into_owned();
            let source = TraceSource::File { path, options: Box::new(options), reading };
            Some(Accesses { source, trace: Some(trace), speed })
        }
        Err(error) => {
            report_read_error(findings, trace, file, name, &error);
            None
        }
    }
}

/// The file that a VM's accesses are read from, if its keys are valid.
pub(super) fn file_of(vm: &Section, around: &Surroundings) -> Option<TraceFile> {
    let unsaid = &mut Findings::default();
    vm.get_instead_of("trace", "workload")?.node.table()?;
    let trace = vm.section(unsaid, "trace");
    let file = trace.get("file").filter(|_| trace.get("pages").is_none())?;
    let options = read_options(unsaid, &trace, around)?;
    Some(file_of_options(&file, unsaid.text(&file)?, options, around).1)
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
    Some(file_of_options(&file, findings.text(&file)?, options, around).1)
}

/// The path of a file relative to the first file's folder, and the file with these options. An
/// extended scenario may be in another folder.
fn file_of_options(
    file: &Field,
    name: &str,
    options: ReadOptions,
    around: &Surroundings,
) -> (PathBuf, TraceFile) {
    let path = Path::new(&around.sources[file.node.origin.source].folder).join(name);
    let whole = around.folder.join(&path);
    (path, (whole, options))
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
        ReadErrorKind::Empty => (codes::TRACE_EMPTY, "a VM needs at least one access"),
        ReadErrorKind::TooLarge => (codes::TRACE_TOO_LARGE, "shorten it, or raise its limit"),
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
        let remedy = "a VM needs at least one access";
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
