//! outcomes.csv: what a run meant for each VM beyond its faults, then for all: time lost, frames
//! moved to and fro, fairness.

use crate::account::Outcome;
use crate::scenario::Scenario;
use crate::store::columns;
use crate::table::Table;

/// The columns, in their order.
pub const COLUMNS: &[&str] = &[
    "scenario",
    "policy",
    "every",
    "seed",
    "vm",
    "ticks",
    "stall_ticks",
    "overhead_ticks",
    "slowdown",
    "write_backs",
    "frames_moved",
    "oscillations",
    "settle_checkpoints",
    "guarantee_violations",
    "jain_index",
];

/// The columns that a table for people shows: those behind what the whole table has in common.
pub const FOR_PEOPLE: &[&str] = COLUMNS.split_at(4).1;

/// A row for each VM, in file order, then the row of all.
pub fn table(scenario: &Scenario, outcome: &Outcome) -> Table {
    columns::table(COLUMNS, scenario, outcome)
}
