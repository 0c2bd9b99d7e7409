//! Miss-ratio curves for people: a figure, a page, and what is remarkable.

use std::fmt::Write as _;

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
    let mut heading = String::new();
    for (trace, accesses) in traces {
        let accesses = counted(accesses, "access");
        // Writing to a string cannot fail.
        let _ = writeln!(heading, "<p>{}: {accesses}</p>", escaped(trace));
    }
    let main = html::verdict(&remarks(curves).join("\n")) + &html::section(&figure(curves));
    html::sheet(&name, env!("CARGO_PKG_VERSION"), &heading, &main)
}
