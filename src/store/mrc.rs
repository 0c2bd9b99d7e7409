//! Miss-ratio curves as a table.

use crate::number::Millionths;
use crate::table::{Cell, Table};
use crate::units::Frames;

/// The columns, in their order.
pub(crate) const COLUMNS: &[&str] = &["trace", "frames", "demand_faults", "miss_ratio"];

/// The columns of the interval of a sampled curve, behind the ratio.
pub(crate) const INTERVAL: [&str; 2] = ["miss_ratio_low", "miss_ratio_high"];

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
    /// If the curve is estimated: for each point the fewest and the most demand faults that the
    /// exact curve has with a confidence of about 95 %. Otherwise empty.
    pub interval: Vec<(u64, u64)>,
}

impl Curve {
    /// The demand faults with these numbers of frames. `faults` are the demand faults by frames,
    /// from 0 on; beyond its end the last entry holds.
    pub fn points_of(faults: &[u64], points: &[Frames]) -> Vec<(Frames, u64)> {
        let most = faults.len() as u64 - 1;
        points.iter().map(|&frames| (frames, faults[frames.0.min(most) as usize])).collect()
    }

    /// Its name among these curves: the trace, the algorithm, or both.
    pub(crate) fn title(&self, among: &[Self]) -> String {
        let one_trace = among.iter().all(|curve| curve.trace == self.trace);
        match self.replacement {
            Some(replacement) if one_trace => replacement.to_owned(),
            Some(replacement) => format!("{}, {replacement}", self.trace),
            None => self.trace.clone(),
        }
    }
}

/// A row for each point of each curve.
pub fn table(curves: &[Curve]) -> Table {
    let has_replacement = curves.iter().any(|curve| curve.replacement.is_some());
    let replacement = has_replacement.then_some(REPLACEMENT);
    let is_sampled = curves.iter().any(|curve| !curve.interval.is_empty());
    let interval = INTERVAL.iter().copied().filter(|_| is_sampled);
    let columns: Vec<&str> = COLUMNS.iter().copied().chain(interval).chain(replacement).collect();
    let mut table = Table::new(&columns);
    for curve in curves {
        let ratio = |faults: u64| {
            Cell::from(Millionths::ratio(u128::from(faults), u128::from(curve.accesses)))
        };
        for (at, &(frames, faults)) in curve.points.iter().enumerate() {
            let mut row = vec![curve.trace.as_str().into(), frames.0.into(), faults.into()];
            row.push(ratio(faults));
            if is_sampled {
                let (low, high) = curve.interval.get(at).copied().unwrap_or((faults, faults));
                row.extend([ratio(low), ratio(high)]);
            }
            row.extend(curve.replacement.map(Cell::from));
            table.push(row);
        }
    }
    table
}
