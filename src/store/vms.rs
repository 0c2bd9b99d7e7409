//! vms.csv: the counts and allocations of each VM of a run, then of all VMs together.

use crate::account::{Account, METRICS, Outcome, Reading, TIER_METRICS, TierAccount};
use crate::conclude::compare::{self, Contender};
use crate::number::Millionths;
use crate::scenario::{Mechanisms, Scenario};
use crate::store::row::{self, row};
use crate::table::{Cell, Table};

row! {
    /// A row of vms.csv: one VM of a run, or all VMs together under the name [`ALL`].
    pub struct VmRow {
        scenario: String,
        policy: String,
        every: u64,
        seed: u64,
        vm: String,
        accesses: u64,
        hits: u64,
        demand_faults: u64,
        cold_faults: u64,
        capacity_faults: u64,
        replacement_misses: u64,
        fills: u64,
        frames_first: u64,
        frames_last: u64,
        frames_min: u64,
        frames_max: u64,
        frames_mean: Millionths,
        granted: u64,
        reclaimed: u64,
        distinct_pages: u64,
        fault_ratio: Millionths,
        replacement_ratio: Millionths,
    }
    optional {
        param_replacement: String,
    }
    named further
}

/// The name of the row of all VMs.
pub const ALL: &str = "all";

/// How many columns, from the first, identify a row.
pub const KEY: usize = KEY_MEANINGS.len();

/// What these columns mean.
const KEY_MEANINGS: [(&str, &str); 5] = [
    ("scenario", "the scenario's name"),
    ("policy", "the policy"),
    ("every", "ticks from one checkpoint to the next"),
    ("seed", "the seed"),
    ("vm", "the VM's name; `all`: all VMs together"),
];

/// What a column of vms.csv or outcomes.csv means, in one sentence without a full stop.
pub fn meaning(column: &str) -> Option<&'static str> {
    let metrics = METRICS.iter().map(|metric| (metric.name, metric.means));
    let mut all = metrics.chain(KEY_MEANINGS);
    all.find(|(name, _)| *name == column).map(|(_, means)| means)
}

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

impl VmRow {
    fn new(scenario: &Scenario, policy: &str, vm: &str, account: &Account) -> Self {
        let Account { counts, frames, .. } = account;
        Self {
            scenario: scenario.name.clone(),
            policy: policy.to_owned(),
            every: scenario.checkpoint_every.0,
            seed: scenario.seed,
            vm: vm.to_owned(),
            accesses: counts.accesses,
            hits: counts.hits(),
            demand_faults: counts.demand_faults,
            cold_faults: counts.cold_faults,
            capacity_faults: counts.capacity_faults(),
            replacement_misses: counts.replacement_misses,
            fills: counts.fills(),
            frames_first: frames.first.0,
            frames_last: frames.last.0,
            frames_min: frames.min.0,
            frames_max: frames.max.0,
            frames_mean: account.frames_mean(),
            granted: account.granted.0,
            reclaimed: account.reclaimed.0,
            distinct_pages: account.distinct_pages,
            fault_ratio: account.fault_ratio(),
            replacement_ratio: account.replacement_ratio(),
            param_replacement: None,
            further: further(scenario, account),
        }
    }

    /// The name of this row's run, as in the manifest.
    pub fn title(&self) -> String {
        compare::title(&self.policy, self.param_replacement.as_deref())
    }
}

/// The cells of the columns that the scenario's mechanisms add.
fn further(scenario: &Scenario, account: &Account) -> Vec<(String, Cell)> {
    let mut cells = Vec::new();
    if !scenario.tiers.is_empty() {
        cells.push((STORE_READS.to_owned(), account.counts.store_reads().into()));
    }
    for (spec, tier) in scenario.tiers.iter().zip(&account.tiers) {
        let cell = |of: Reading<TierAccount>| match of {
            Reading::Count(of) => Cell::from(of(tier)),
            Reading::Ratio(of) => Cell::from(of(tier)),
        };
        cells.extend(TIER_METRICS.iter().map(|of| (of.named(&spec.name), cell(of.of))));
    }
    let mechanisms = Mechanisms { tiers: Vec::new(), ..scenario.mechanisms() };
    for name in further_columns(&mechanisms) {
        let metric = METRICS.iter().find(|metric| metric.name == name);
        let cell = metric.map_or(Cell::Empty, |metric| match metric.of {
            Reading::Count(of) => Cell::from(of(account)),
            Reading::Ratio(of) => Cell::from(of(account)),
        });
        cells.push((name, cell));
    }
    cells
}

/// The first of the columns that a table has only for a scenario with tiers.
pub const STORE_READS: &str = "store_reads";

/// The columns that a table has only if the host pages.
pub const OF_PAGING: &[&str] =
    &["host_faults", "double_pagings", "host_reads", "host_writes", "superfluous"];

/// The columns that follow those if the host reclaims by the state of its free memory.
pub const OF_STATES: &[&str] =
    &["blocked_ticks", "time_high", "time_soft", "time_hard", "time_low"];

/// The columns that a table has only if the host shares pages.
pub const OF_SHARING: &[&str] = &[
    "scanned",
    "merges",
    "copies",
    "hollow",
    "forced",
    "charged",
    "saving_mean",
    "saving_max",
    "debt_max",
    "full_scans",
];

/// The columns that mechanisms add.
pub(crate) fn further_columns(mechanisms: &Mechanisms) -> Vec<String> {
    let Mechanisms { tiers, pages, states, shares } = mechanisms;
    let of_tier = |tier| TIER_METRICS.iter().map(move |metric| metric.named(tier));
    let store_reads = (!tiers.is_empty()).then(|| STORE_READS.to_owned());
    let of_paging = OF_PAGING.iter().filter(|_| *pages).map(ToString::to_string);
    let of_states = OF_STATES.iter().filter(|_| *states).map(ToString::to_string);
    let of_sharing = OF_SHARING.iter().filter(|_| *shares).map(ToString::to_string);
    let of_tiers = tiers.iter().flat_map(|tier| of_tier(tier));
    let all = store_reads.into_iter().chain(of_tiers).chain(of_paging).chain(of_states);
    all.chain(of_sharing).collect()
}

/// A row for each VM, in file order, then the row of all.
pub fn rows(scenario: &Scenario, outcome: &Outcome) -> Vec<VmRow> {
    let row = |(vm, account)| VmRow::new(scenario, &outcome.policy, vm, account);
    named(scenario, outcome).map(row).collect()
}

/// The rows of each run of a comparison, in order.
pub fn rows_of(scenario: &Scenario, runs: &[Contender]) -> Vec<VmRow> {
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

/// Each VM's name and account, in file order, then [`ALL`] and the account of all VMs together.
pub(super) fn named<'a>(
    scenario: &'a Scenario,
    outcome: &'a Outcome,
) -> impl Iterator<Item = (&'a str, &'a Account)> {
    let names = scenario.vms.iter().map(|vm| vm.name.as_str());
    names.zip(&outcome.vms).chain([(ALL, &outcome.all)])
}
