//! outcomes.csv: what a run meant for each VM beyond its faults, then for all: time lost, frames
//! moved to and fro, fairness.

use super::columns::{self, Row};
use super::table::{Cell, Table};
use super::vms::ALL;
use crate::account::{Account, Outcome};
use crate::balance::PolicyKind;
use crate::scenario::Scenario;

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

/// The columns that a table for people shows.
pub const FOR_PEOPLE: &[&str] = &[
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

/// A row for each VM, in file order, then the row of all.
pub fn table(scenario: &Scenario, policy: &PolicyKind, outcome: &Outcome) -> Table {
    let mut table = Table::new(COLUMNS);
    for (vm, account) in scenario.vms.iter().zip(&outcome.vms) {
        table.push(row(scenario, policy, &vm.name, account));
    }
    table.push_rule();
    table.push(row(scenario, policy, ALL, &outcome.all));
    table
}

/// The row of one VM, or of all.
pub fn row(scenario: &Scenario, policy: &PolicyKind, vm: &str, account: &Account) -> Vec<Cell> {
    let row = Row { scenario, policy, vm, account };
    COLUMNS.iter().map(|column| columns::cell(column, &row)).collect()
}
