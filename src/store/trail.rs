//! The trail of a run: its fingerprint at its checkpoints, thinned out to a bounded length.
//!
//! Two runs whose trails agree at a checkpoint are equal up to it, so the first row that differs
//! shows where the trajectories depart. A short run keeps every checkpoint, a longer one every
//! second, fourth, …, so that golden files stay small.

use std::fmt;

use crate::account::Outcome;
use crate::table::Table;
use crate::units::Ticks;
use crate::watch::{Checkpoint, Watcher};

/// The columns.
pub(crate) const COLUMNS: &[&str] = &["checkpoint", "tick", "fingerprint"];

/// How many columns, from the first, identify a row.
pub const KEY: usize = 1;

/// The name of the last row, the end of the run.
pub(crate) const END: &str = "end";

/// Collects fingerprints during a run.
#[derive(Debug, Default)]
pub struct Trail {
    marks: Vec<Mark>,
    /// Only checkpoints whose number is a multiple of two to this power are kept.
    thinned: u32,
}

#[derive(Clone, Copy, Debug)]
struct Mark {
    number: u64,
    at: Ticks,
    fingerprint: u64,
}

impl Trail {
    const MARKS_MAX: usize = 512;

    /// The rows, the last of them the end of the run.
    pub fn table(&self, outcome: &Outcome) -> Table {
        let mut table = Table::new(COLUMNS);
        for Mark { number, at, fingerprint } in &self.marks {
            table.push(vec![(*number).into(), at.0.into(), shown(*fingerprint).into()]);
        }
        table.push(vec![END.into(), outcome.end.0.into(), shown(outcome.fingerprint).into()]);
        table
    }

    fn keeps(&self, number: u64) -> bool {
        number.trailing_zeros() >= self.thinned
    }
}

impl Watcher for Trail {
    fn checkpoint(&mut self, checkpoint: &Checkpoint<'_>) {
        let Checkpoint { number, fingerprint, view, .. } = *checkpoint;
        if !self.keeps(number) {
            return;
        }
        if self.marks.len() == Self::MARKS_MAX {
            self.thinned += 1;
            let thinned = self.thinned;
            self.marks.retain(|mark| mark.number.trailing_zeros() >= thinned);
        }
        if self.keeps(number) {
            self.marks.push(Mark { number, at: view.at, fingerprint });
        }
    }
}

/// Where a run departs from a golden trail.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Departure {
    /// The last checkpoint known to agree; 0 is the start.
    pub agree: u64,
    /// The first known to differ; `None` if only the end of the run differs.
    pub differ: Option<u64>,
}

impl Departure {
    /// Compares the text of a golden trail with the trail just made.
    pub fn find(golden: &str, now: &Table) -> Option<Self> {
        let text = now.to_csv();
        let mut agree = 0;
        let mut golden = golden.lines().skip(1);
        for line in text.lines().skip(1) {
            let number = line.split(',').next().and_then(|cell| cell.parse().ok());
            if golden.next() != Some(line) {
                return Some(Self { agree, differ: number });
            }
            agree = number.unwrap_or(agree);
        }
        None
    }

    /// The first and the last round in which the trajectories can have parted.
    pub fn rounds(self) -> (u64, u64) {
        (self.agree + 1, self.differ.unwrap_or(self.agree + 1))
    }
}

impl fmt::Display for Departure {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        match (self.agree, self.differ) {
            (agree, Some(differ)) if differ == agree + 1 => write!(out, "at checkpoint {differ}"),
            (agree, Some(differ)) => write!(out, "after checkpoint {agree}, by {differ}"),
            (agree, None) => write!(out, "after checkpoint {agree}, the last"),
        }
    }
}

/// A fingerprint as it is printed: 16 hexadecimal digits.
pub fn shown(fingerprint: u64) -> String {
    format!("{fingerprint:016x}")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_departure_is_where_the_first_row_differs() {
        let mut now = Table::new(COLUMNS);
        for (name, fingerprint) in [("4", "a"), ("8", "b"), (END, "c")] {
            now.push(vec![name.into(), name.into(), fingerprint.into()]);
        }
        let golden = now.to_csv();
        assert_eq!(Departure::find(&golden, &now), None);
        let cases = [
            (golden.replace("4,4,a", "4,4,x"), "after checkpoint 0, by 4", (1, 4)),
            (golden.replace("8,8,b", "8,8,x"), "after checkpoint 4, by 8", (5, 8)),
            (golden.replace("end,c", "end,x"), "after checkpoint 8, the last", (9, 9)),
            (String::new(), "after checkpoint 0, by 4", (1, 4)),
        ];
        for (golden, text, rounds) in cases {
            let departure = Departure::find(&golden, &now).unwrap();
            assert_eq!((departure.to_string().as_str(), departure.rounds()), (text, rounds));
        }
    }
}
