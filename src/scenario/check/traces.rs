//! Where a VM's accesses come from. Each trace file is read once, however many VMs replay it.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use super::super::TraceSource;
use super::super::codes;
use super::super::diagnostic::clip;
use super::super::document::{Node, Value};
use super::values::{Field, Report, Section};
use super::vm::Surroundings;
use crate::trace::Trace;
use crate::trace::read::{ReadError, ReadErrorKind, read_trace};

/// Trace files read so far. Checks of several points of a sweep may share one.
#[derive(Debug, Default)]
pub struct Traces {
    read: BTreeMap<(PathBuf, String), Result<Arc<Trace>, ReadError>>,
}

impl Traces {
    fn get(&mut self, path: PathBuf, format: &str) -> &Result<Arc<Trace>, ReadError> {
        let key = (path, format.to_owned());
        self.read
            .entry(key)
            .or_insert_with_key(|(path, format)| read_trace(path, format).map(Arc::new))
    }
}

/// The VM's trace, from its one source.
pub(super) fn read(
    report: &mut Report,
    vm: &Section,
    around: &Surroundings,
    cache: &mut Traces,
) -> Option<(Arc<Trace>, TraceSource)> {
    let remedy = "add `trace = { file = \"…\" }` or `trace = { pages = […] }`";
    let Some(field) = vm.get("trace") else {
        report.error(codes::NO_ACCESSES, vm.origin, "the VM has no accesses", remedy);
        return None;
    };
    if field.node.table().is_none() {
        report.wrong_type(&field, "a table such as `{ file = \"…\" }`");
        return None;
    }
    let trace = vm.section(report, "trace");
    trace.only(report, &["file", "format", "pages"]);
    match (trace.get("file"), trace.get("pages")) {
        (Some(file), None) => read_file(report, &trace, &file, around, cache),
        (None, Some(pages)) => {
            let pages = read_pages(report, &pages)?;
            let trace = Trace::from_pages(pages.iter().copied());
            Some((Arc::new(trace), TraceSource::Pages(pages)))
        }
        (Some(_), Some(pages)) => {
            let message = "the VM has two sources of accesses, `file` and `pages`";
            let origin = pages.node.origin;
            report.error(codes::TWO_SOURCES, origin, message, "remove one of them");
            None
        }
        (None, None) => {
            report.error(codes::NO_ACCESSES, trace.origin, "the trace has no source", remedy);
            None
        }
    }
}

fn read_file(
    report: &mut Report,
    trace: &Section,
    file: &Field,
    around: &Surroundings,
    cache: &mut Traces,
) -> Option<(Arc<Trace>, TraceSource)> {
    let format = trace.get("format").map_or(Some("auto"), |field| report.text(&field));
    let (name, format) = report.text(file).zip(format)?;
    // A file that is extended may lie in another folder than the one that extends it.
    let source = &around.sources[file.node.origin.source];
    let path = Path::new(&source.folder).join(name);
    match cache.get(around.folder.join(&path), format) {
        Ok(trace) => {
            let path = path.to_string_lossy().into_owned();
            let source = TraceSource::File { path, format: format.to_owned() };
            Some((Arc::clone(trace), source))
        }
        Err(error) => {
            report_read_error(report, trace, file, name, error);
            None
        }
    }
}

fn report_read_error(
    report: &mut Report,
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
        ReadErrorKind::TooLarge => (codes::TRACE_TOO_LARGE, "cut the trace"),
    };
    let at_format = error.kind == ReadErrorKind::Format;
    let origin = if at_format { trace.get("format") } else { None }
        .map_or(file.node.origin, |field| field.node.origin);
    let message = format!("trace `{}`: {}", clip(name), error.message);
    report.error(code, origin, message, remedy);
}

fn read_pages(report: &mut Report, field: &Field) -> Option<Vec<u64>> {
    let pages: Vec<u64> = match &field.node.value {
        Value::Pages(pages) => pages.to_vec(),
        Value::Array(items) => {
            let pages: Vec<_> = items.iter().map(|item| read_page(report, field, item)).collect();
            pages.into_iter().collect::<Option<_>>()?
        }
        _ => {
            report.wrong_type(field, "an array of page numbers");
            return None;
        }
    };
    if pages.is_empty() {
        let remedy = "a VM makes at least one access";
        report.error(codes::TRACE_EMPTY, field.node.origin, "the trace has no page", remedy);
        return None;
    }
    Some(pages)
}

fn read_page(report: &mut Report, field: &Field, item: &Node) -> Option<u64> {
    let Value::Integer(page) = item.value else {
        let item = Field { path: field.path.clone(), node: item };
        report.wrong_type(&item, "a page number");
        return None;
    };
    let number = u64::try_from(page).ok();
    if number.is_none() {
        let message = if page < 0 { "a page number is negative" } else { "a page is too large" };
        let remedy = "pages are numbered from 0 to 2^64 - 1";
        report.error(codes::BAD_PAGE, item.origin, message, remedy);
    }
    number
}
