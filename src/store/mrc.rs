//! Miss-ratio curves as a table.

use crate::number::Millionths;
use crate::table::{Cell, Table};
use crate::units::Frames;

/// The columns, in their order.
pub(crate) const COLUMNS: &[&str] = &["trace", "frames", "demand_faults", "miss_ratio"];

/// The column of the algorithm, if algorithms were asked for; the last one.
pub(crate) const REPLACEMENT: &str = "replacement";

/// Points of the fault curve of one trace.
#[derive(Clone, Debug)]
pub struct Curve {
    /// The trace's name.
    pub trace: String,
    /// Its accesses.
    pub accesses: u64,
    /// The replacement algorithm, if one was asked for; either all curves of a table have one or
    /// none.
    pub replacement: Option<&'static str>,
    /// Numbers of frames, and the demand faults with each.
    pub points: Vec<(Frames, u64)>,
}

impl Curve {
    /// The points asked for, or every one from 1 to the trace's distinct pages. `faults` are the
    /// demand faults by frames, from 0 on; beyond its end the last entry holds.
    pub fn points_of(faults: &[u64], points: &[Frames]) -> Vec<(Frames, u64)> {
        let most = faults.len() as u64 - 1;
        let at = |frames: Frames| (frames, faults[frames.0.min(most) as usize]);
        match points {
            [] => (1..=most).map(Frames).map(at).collect(),
            points => points.iter().copied().map(at).collect(),
        }
    }
}

/// A row for each point of each curve.
pub fn table(curves: &[Curve]) -> Table {
    let has_replacement = curves.iter().any(|curve| curve.replacement.is_some());
    let replacement = has_replacement.then_some(REPLACEMENT);
    let columns: Vec<&str> = COLUMNS.iter().copied().chain(replacement).collect();
    let mut table = Table::new(&columns);
    for Curve { trace, accesses, replacement, points } in curves {
        for &(frames, faults) in points {
            let ratio = Millionths::ratio(u128::from(faults), u128::from(*accesses));
            let row = [trace.as_str().into(), frames.0.into(), faults.into(), Cell::from(ratio)];
            table.push(row.into_iter().chain(replacement.map(Cell::from)).collect());
        }
    }
    table
}
