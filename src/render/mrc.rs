//! Miss-ratio curves for people: a figure, a page, and what is remarkable.

use super::chart::{self, Figure};
use super::html;
use super::svg::escaped;
use crate::conclude::anomaly::anomaly;
use crate::number::counted;
use crate::store::mrc::Curve;

/// The figure of curves; each has a point at least.
pub fn figure(curves: &[Curve]) -> Figure {
    chart::mrc::figure(curves)
}

/// A sentence for each curve on which more frames cause more faults.
pub fn remarks(curves: &[Curve]) -> Vec<String> {
    curves.iter().filter_map(|curve| anomaly(&curve.title(curves), &curve.points)).collect()
}

/// A self-contained page with the figure, its numbers and the remarks.
pub fn page(curves: &[Curve]) -> String {
    let mut traces: Vec<(&str, u64)> =
        curves.iter().map(|curve| (curve.trace.as_str(), curve.accesses)).collect();
    traces.dedup();
    let name = match traces.as_slice() {
        [(trace, _)] => format!("Miss-ratio curves of {trace}"),
        traces => format!("Miss-ratio curves of {}", counted(traces.len() as u64, "trace")),
    };
    let remarks: String =
        remarks(curves).iter().map(|remark| format!("<p>{}</p>\n", escaped(remark))).collect();
    let verdict = match remarks.as_str() {
        "" => String::new(),
        remarks => {
            format!("<section class=\"verdict\" aria-label=\"Verdict\">\n{remarks}</section>\n")
        }
    };
    let line = |&(trace, accesses): &(&str, u64)| {
        format!("<p>{}: {}</p>\n", escaped(trace), counted(accesses, "access"))
    };
    let heading: String = traces.iter().map(line).collect();
    let main = verdict + &html::section(&figure(curves));
    html::sheet(&name, env!("CARGO_PKG_VERSION"), &heading, &main)
}
