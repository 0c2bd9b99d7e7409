//! vms.csv: what each VM of a run did and held, then all together.

use super::columns::{self, Row};
use super::table::{Cell, Table};
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
    "accesses",
    "hits",
    "demand_faults",
    "cold_faults",
    "capacity_faults",
    "replacement_misses",
    "fills",
    "frames_first",
    "frames_last",
    "frames_min",
    "frames_max",
    "frames_mean",
    "granted",
    "reclaimed",
    "distinct_pages",
    "fault_ratio",
    "replacement_ratio",
];

/// The columns that together name a row.
pub const KEY: &[&str] = &["scenario", "policy", "every", "seed", "vm"];

/// The columns that a table for people shows.
pub const FOR_PEOPLE: &[&str] = &[
    "vm",
    "accesses",
    "demand_faults",
    "cold_faults",
    "capacity_faults",
    "replacement_misses",
    "fault_ratio",
    "frames_first",
    "frames_last",
    "frames_mean",
    "granted",
    "reclaimed",
];

/// What the row of all VMs is called.
pub const ALL: &str = "all";

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
