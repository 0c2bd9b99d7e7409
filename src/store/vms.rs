//! vms.csv: what each VM of a run did and held, then all together.

use crate::account::Outcome;
use crate::scenario::Scenario;
use crate::store::columns;
pub use crate::store::columns::ALL;
use crate::table::Table;

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

/// A row for each VM, in file order, then the row of all.
pub fn table(scenario: &Scenario, outcome: &Outcome) -> Table {
    columns::table(COLUMNS, scenario, outcome)
}
