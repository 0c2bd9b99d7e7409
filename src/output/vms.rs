//! vms.csv: what each VM of a run did and held, then all together.

use super::number::Millionths;
use super::table::{Cell, Table};
use crate::balance::PolicyKind;
use crate::scenario::Scenario;
use crate::simulate::{Account, Outcome};
use crate::units::Frames;

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
    let counts = &account.counts;
    let held = &account.frames;
    let mean = Millionths::ratio(held.frame_ticks, u128::from(held.ticks.0))
        .unwrap_or(Millionths(u128::from(held.last.0) * Millionths::ONE));
    let of_accesses = |faults: u64| {
        Cell::Ratio(Millionths::ratio_or_zero(u128::from(faults), u128::from(counts.accesses)))
    };
    let frames = |frames: Frames| Cell::Integer(frames.0);
    vec![
        scenario.name.as_str().into(),
        policy.name.into(),
        scenario.checkpoint_every.0.into(),
        scenario.seed.into(),
        vm.into(),
        counts.accesses.into(),
        counts.hits().into(),
        counts.demand_faults.into(),
        counts.cold_faults.into(),
        counts.capacity_faults().into(),
        counts.replacement_misses.into(),
        counts.fills().into(),
        frames(held.first),
        frames(held.last),
        frames(held.min),
        frames(held.max),
        mean.into(),
        frames(account.granted),
        frames(account.reclaimed),
        account.distinct_pages.into(),
        of_accesses(counts.demand_faults),
        of_accesses(counts.replacement_misses),
    ]
}

/// The frames that changed hands. A frame that goes from VM to VM is reclaimed and granted, and
/// counts once; one that goes to or from the free pool counts too.
pub fn frames_moved(account: &Account) -> u64 {
    account.granted.max(account.reclaimed).0
}
