//! Miss-ratio curves as a table.

use crate::number::Millionths;
use crate::table::{Cell, Table};
use crate::units::Frames;

/// The columns, in their order.
pub const COLUMNS: &[&str] = &["trace", "frames", "demand_faults", "miss_ratio"];

/// The column of the algorithm, where algorithms were asked for; behind all others.
pub const REPLACEMENT: &str = "replacement";

/// Points of the fault curve of one trace.
#[derive(Clone, Debug)]
pub struct Curve {
    /// What the trace is called.
    pub trace: String,
    /// Its accesses.
    pub accesses: u64,
    /// The replacement algorithm, where one was asked for; all curves of a table have one or none.
    pub replacement: Option<&'static str>,
    /// Numbers of frames, and the demand faults with so many.
    pub points: Vec<(Frames, u64)>,
}

impl Curve {
    /// The points asked for or, where none are, every one from 1 to the trace's distinct pages, of
    /// demand faults by frames from 0 on; with more frames than `faults` has entries the last
    /// holds.
    pub fn points_of(faults: &[u64], points: &[Frames]) -> Vec<(Frames, u64)> {
        let most = faults.len() as u64 - 1;
        let at = |frames: Frames| (frames, faults[frames.0.min(most) as usize]);
        match points {
            [] => (1..=most).map(Frames).map(at).collect(),
            points => points.iter().copied().map(at).collect(),
        }
    }
}

/// A row for each curve and each of its points.
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
