//! Reads workloads: their kinds, parameters and limits.

use super::super::codes;
use super::super::diagnostic::Diagnostics;
use super::super::document::{Document, Origin};
use super::params;
use super::values::{Findings, Section};
use crate::trace::workloads::{ALL, WorkloadKind, WorkloadSpec};

impl Document {
    /// The workload called `kind` with its parameters from settings such as `pages=4000`.
    ///
    /// # Errors
    /// Everything that is wrong with the settings, each shown at its text.
    ///
    /// ```
    /// use balloonist::scenario::Document;
    /// let settings = ["accesses=1000", "pages=64"].map(str::to_owned);
    /// assert_eq!(Document::workload("zipf", &settings).unwrap().accesses, 1000);
    /// let errors = Document::workload("zipf", &["accesses=7".into(), "pagse=3".into()]);
    /// assert!(errors.unwrap_err().render(false).contains("did you mean `pages`?"));
    /// ```
    pub fn workload(kind: &str, settings: &[String]) -> Result<WorkloadSpec, Box<Diagnostics>> {
        let mut document = Self::of_workload(kind);
        for setting in settings {
            document.set(setting);
        }
        let mut findings = Findings::default();
        let section = Section::new(String::new(), Origin::whole(0), &document.root);
        let spec = read(&mut findings, &section, None);
        if let Some(spec) = &spec {
            check_bytes(&mut findings, [(spec, Origin::whole(0))], BYTES_MAX);
        }
        let all = [document.problems, findings.list].concat();
        match spec {
            Some(spec) if all.is_empty() => Ok(spec),
            _ => Err(Box::new(Diagnostics::new(&document.sources, all))),
        }
    }
}

/// The most bytes that a scenario's workloads may need together: the limit of trace files.
pub(super) const BYTES_MAX: u64 = 16 << 30;

fn kinds() -> impl Iterator<Item = (&'static str, &'static WorkloadKind)> + Clone {
    ALL.iter().map(|kind| (kind.name, kind))
}

/// The workload that the table describes.
pub(super) fn read(
    findings: &mut Findings,
    section: &Section,
    page_size: Option<u64>,
) -> Option<WorkloadSpec> {
    let spec = read_at(findings, section, page_size, 0)?;
    let most = WorkloadSpec::ACCESSES_MAX;
    if spec.accesses_total().is_none_or(|accesses| accesses > most) {
        let message = format!("the phases have more than {most} accesses in total");
        let remedy = "lower their `accesses` or the `rounds`";
        findings.error(codes::WORKLOADS_TOO_LARGE, section.origin, message, remedy);
        return None;
    }
    Some(spec)
}

fn read_at(
    findings: &mut Findings,
    section: &Section,
    page_size: Option<u64>,
    depth: usize,
) -> Option<WorkloadSpec> {
    if depth > WorkloadSpec::DEPTH_MAX {
        let message = format!("workloads are nested deeper than {} levels", depth - 1);
        let remedy = "flatten the innermost phases";
        findings.error(codes::TOO_DEEP, section.origin, message, remedy);
        return None;
    }
    let found_before = findings.list.len();
    let remedy = "name the workload, for example `kind = \"zipf\"`";
    let kind = section.need(findings, "kind", remedy)?;
    let kind = findings.choice(&kind, kinds())?;
    let beside = if kind.nests { ["kind", "of"] } else { ["kind", "accesses"] };
    let settings = params::settings(findings, section, kind.params, &beside, page_size);
    if findings.list.len() == found_before
        && let Err(message) = (kind.check)(&settings)
    {
        let remedy = "change one of the two";
        findings.error(codes::BAD_WORKLOAD, section.origin, message, remedy);
    }
    let (accesses, of) = if kind.nests {
        (0, phases(findings, section, page_size, depth)?)
    } else {
        let remedy = "set the number of accesses, for example `accesses = 100_000`";
        let accesses = section.need(findings, "accesses", remedy)?;
        (findings.integer(&accesses, 1, WorkloadSpec::ACCESSES_MAX)?, Vec::new())
    };
    (findings.list.len() == found_before).then_some(WorkloadSpec { kind, settings, accesses, of })
}

fn phases(
    findings: &mut Findings,
    section: &Section,
    page_size: Option<u64>,
    depth: usize,
) -> Option<Vec<WorkloadSpec>> {
    let remedy = "list the phases, for example `of = [{ kind = \"scan\", accesses = 1000 }]`";
    let of = section.need(findings, "of", remedy)?;
    let found_before = findings.list.len();
    let sections = section.sections(findings, "of", "an array of workloads, each a table");
    if sections.is_empty() && findings.list.len() == found_before {
        let origin = of.node.origin;
        findings.error(codes::TRACE_EMPTY, origin, "the workload has no phase", remedy);
    }
    // All phases are read, so that all errors are found.
    let of: Vec<Option<WorkloadSpec>> =
        sections.iter().map(|phase| read_at(findings, phase, page_size, depth + 1)).collect();
    of.into_iter().collect()
}

/// Reports the first workload with which the total exceeds `bytes_max` bytes.
pub(super) fn check_bytes<'s>(
    findings: &mut Findings,
    workloads: impl IntoIterator<Item = (&'s WorkloadSpec, Origin)>,
    bytes_max: u64,
) {
    let mut bytes = 0_u64;
    for (spec, origin) in workloads {
        bytes = bytes.saturating_add(spec.bytes_at_most().unwrap_or(u64::MAX));
        if bytes > bytes_max {
            let limit = bytes_max >> 20;
            let message = if bytes == u64::MAX {
                format!("the workloads need far more than {limit} MiB of memory, the limit")
            } else {
                let bytes = bytes.div_ceil(1 << 20);
                format!("the workloads need up to {bytes} MiB of memory, the limit is {limit} MiB")
            };
            let remedy = "use fewer accesses, rounds or pages";
            findings.error(codes::WORKLOADS_TOO_LARGE, origin, message, remedy);
            return;
        }
    }
}
