//! Miss-ratio curves as a table.

use super::number::Millionths;
use super::table::{Cell, Table};
use crate::units::Frames;

/// The columns, in their order.
pub const COLUMNS: &[&str] = &["trace", "frames", "demand_faults", "miss_ratio"];

/// The LRU demand faults of one trace at every number of frames from 0 on.
#[derive(Clone, Debug)]
pub struct Curve {
    /// What the trace is called.
    pub trace: String,
    /// Its accesses.
    pub accesses: u64,
    /// Demand faults by frames; with more frames than it has entries the last holds.
    pub faults: Vec<u64>,
}

/// A row for each trace and each number of frames: those asked for or, where none are, every one
/// from 1 to the trace's distinct pages.
pub fn table(curves: &[Curve], points: &[Frames]) -> Table {
    let mut table = Table::new(COLUMNS);
    for curve in curves {
        let most = curve.faults.len() as u64 - 1;
        let all: Vec<Frames> = (1..=most).map(Frames).collect();
        for frames in if points.is_empty() { &all } else { points } {
            let faults = curve.faults[frames.0.min(most) as usize];
            let ratio = Millionths::ratio(u128::from(faults), u128::from(curve.accesses));
            let row = vec![
                curve.trace.as_str().into(),
                frames.0.into(),
                faults.into(),
                Cell::from(ratio),
            ];
            table.push(row);
        }
    }
    table
}
