//! outcomes.csv: the effects of a run on each VM and on all VMs, beyond faults: lost time,
//! oscillating frames, fairness.

use crate::account::{Account, Outcome};
use crate::conclude::compare::Contender;
use crate::number::Millionths;
use crate::scenario::Scenario;
use crate::store::row::{self, Row as _, row};
use crate::store::vms::{KEY, named};
use crate::table::Table;

row! {
    /// A row of outcomes.csv: one VM of a run, or all together.
    pub struct OutcomeRow {
        scenario: String,
        policy: String,
        every: u64,
        seed: u64,
        vm: String,
        ticks: u64,
        stall_ticks: u64,
        overhead_ticks: u64,
        slowdown: Option<Millionths>,
        write_backs: u64,
        frames_moved: u64,
        oscillations: u64,
        settle_checkpoints: u64,
        guarantee_violations: u64,
        jain_index: Option<Millionths>,
        fault_ratio_p50: Option<Millionths>,
        fault_ratio_p95: Option<Millionths>,
        fault_ratio_p99: Option<Millionths>,
        fault_ratio_worst: Option<Millionths>,
    }
    optional {
        param_replacement: String,
    }
}

/// The columns that a table for people shows: from the VM's name on.
pub const FOR_PEOPLE: &[&str] = OutcomeRow::COLUMNS.split_at(KEY - 1).1;

/// A table for people: without empty columns, and with durations where the scenario has them.
pub fn for_people(table: &Table, scenario: &Scenario) -> Table {
    let times: &[&str] =
        if scenario.in_time { &["ticks", "stall_ticks", "overhead_ticks"] } else { &[] };
    table.without_empty_columns().with_times(times)
}

impl OutcomeRow {
    fn new(scenario: &Scenario, policy: &str, vm: &str, account: &Account) -> Self {
        Self {
            scenario: scenario.name.clone(),
            policy: policy.to_owned(),
            every: scenario.checkpoint_every.0,
            seed: scenario.seed,
            vm: vm.to_owned(),
            ticks: account.ticks,
            stall_ticks: account.stall_ticks,
            overhead_ticks: account.overhead_ticks,
            slowdown: account.slowdown(),
            write_backs: account.counts.write_backs,
            frames_moved: account.frames_moved(),
            oscillations: account.movement.oscillations,
            settle_checkpoints: account.movement.settle_checkpoints,
            guarantee_violations: account.movement.violations,
            jain_index: account.jain.map(Millionths),
            fault_ratio_p50: account.rates.map(|of| of.p50),
            fault_ratio_p95: account.rates.map(|of| of.p95),
            fault_ratio_p99: account.rates.map(|of| of.p99),
            fault_ratio_worst: account.rates.map(|of| of.worst),
            param_replacement: None,
        }
    }
}

/// A row for each VM, in file order, then the row of all.
pub fn rows(scenario: &Scenario, outcome: &Outcome) -> Vec<OutcomeRow> {
    let row = |(vm, account)| OutcomeRow::new(scenario, &outcome.policy, vm, account);
    named(scenario, outcome).map(row).collect()
}

/// The rows of each run of a comparison, in order.
pub fn rows_of(scenario: &Scenario, runs: &[Contender]) -> Vec<OutcomeRow> {
    let of_run = |Contender { replacement, outcome, .. }: &Contender| {
        let mut rows = rows(scenario, outcome);
        for row in &mut rows {
            row.param_replacement = replacement.map(|kind| kind.name.to_owned());
        }
        rows
    };
    runs.iter().flat_map(of_run).collect()
}

/// The same as a table, with a line above the row of all VMs.
pub fn table(scenario: &Scenario, outcome: &Outcome) -> Table {
    let rows = rows(scenario, outcome);
    row::table(&rows).with_rule(rows.len() - 1)
}
