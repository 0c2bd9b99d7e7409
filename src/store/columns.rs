//! The columns of a run's tables: what each means and how it is made.
//!
//! The whole numbers among them are [`METRICS`]; the others stand here. `list columns` shows all.

use crate::account::{Account, METRICS, Outcome};
use crate::number::Millionths;
use crate::scenario::Scenario;
use crate::table::{Cell, Table};

/// What a row is about: one VM of a run, or all.
pub struct Row<'a> {
    /// The scenario that was run.
    pub scenario: &'a Scenario,
    /// The name of the policy that it was run under.
    pub policy: &'a str,
    /// The VM's name, or "all".
    pub vm: &'a str,
    /// Its account.
    pub account: &'a Account,
}

/// A column that is not a metric.
struct Made {
    name: &'static str,
    means: &'static str,
    of: fn(&Row<'_>) -> Cell,
}

const MADE: &[Made] = &[
    Made {
        name: "scenario",
        means: "the scenario's name",
        of: |row| row.scenario.name.as_str().into(),
    },
    Made { name: "policy", means: "the policy", of: |row| row.policy.into() },
    Made {
        name: "every",
        means: "ticks from one checkpoint to the next",
        of: |row| row.scenario.checkpoint_every.0.into(),
    },
    Made { name: "seed", means: "the seed", of: |row| row.scenario.seed.into() },
    Made { name: "vm", means: "the VM's name; `all`: all together", of: |row| row.vm.into() },
    Made {
        name: "frames_mean",
        means: "the mean allocation over the ticks in which anything was held",
        of: |row| {
            let held = &row.account.frames;
            Millionths::ratio(held.frame_ticks, u128::from(held.ticks.0))
                .unwrap_or(Millionths(u128::from(held.last.0) * Millionths::ONE))
                .into()
        },
    },
    Made {
        name: "fault_ratio",
        means: "demand_faults / accesses; 0 without accesses",
        of: |row| of_accesses(row, row.account.counts.demand_faults),
    },
    Made {
        name: "replacement_ratio",
        means: "replacement_misses / accesses; 0 without accesses",
        of: |row| of_accesses(row, row.account.counts.replacement_misses),
    },
    Made {
        name: "slowdown",
        means: "(nominal + stall + overhead) / nominal, nominal being the ticks that the accesses \
                take with all pages resident and nothing watched; empty without accesses",
        of: |row| {
            let nominal = u128::from(row.account.nominal_ticks);
            Millionths::ratio(nominal + u128::from(row.account.delayed_ticks()), nominal).into()
        },
    },
    Made {
        name: "jain_index",
        means: "Jain's fairness index of the VMs' progress, x = 1 / slowdown: \
                (Σx)² / (n · Σx²), from 1/n to 1; for all VMs together (R. Jain, D. Chiu and \
                W. Hawe, DEC Research Report TR-301, 1984)",
        of: |row| row.account.jain.map(Millionths).into(),
    },
];

fn of_accesses(row: &Row<'_>, faults: u64) -> Cell {
    let accesses = row.account.counts.accesses;
    Millionths::ratio_or_zero(u128::from(faults), u128::from(accesses)).into()
}

/// A row for each VM of a run, in file order, then the row of all, with these columns.
pub fn table(columns: &[&str], scenario: &Scenario, outcome: &Outcome) -> Table {
    let mut table = Table::new(columns);
    let row = |vm, account| {
        let row = Row { scenario, policy: &outcome.policy, vm, account };
        columns.iter().map(|column| cell(column, &row)).collect()
    };
    for (vm, account) in scenario.vms.iter().zip(&outcome.vms) {
        table.push(row(&vm.name, account));
    }
    table.push_rule();
    table.push(row(ALL, &outcome.all));
    table
}

/// What the row of all VMs is called.
pub const ALL: &str = "all";

/// The cell of a row in a column.
///
/// # Panics
/// If no column is called so.
pub fn cell(column: &str, row: &Row<'_>) -> Cell {
    if let Some(metric) = METRICS.iter().find(|metric| metric.name == column) {
        return (metric.of)(row.account).into();
    }
    let made = MADE.iter().find(|made| made.name == column);
    (made.unwrap_or_else(|| panic!("no column is called {column}")).of)(row)
}

/// What a column means, in one sentence without a full stop.
///
/// # Panics
/// If no column is called so.
pub fn meaning(column: &str) -> &'static str {
    let metrics = METRICS.iter().map(|metric| (metric.name, metric.means));
    let mut all = metrics.chain(MADE.iter().map(|made| (made.name, made.means)));
    all.find(|(name, _)| *name == column).expect("a column has a meaning").1
}
