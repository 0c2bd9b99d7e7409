//! compare.csv: the policies of a comparison, each with one or several replacement algorithms, and
//! the offline bounds.

use serde::Deserialize;

use crate::bound::Bound;
use crate::conclude::compare::{Contender, title};
use crate::number::Millionths;
use crate::scenario::Scenario;
use crate::store::row::{self, row};
use crate::store::trail;
use crate::table::{Cell, Table};

row! {
    /// A row of compare.csv: a run or a bound.
    pub struct CompareRow {
        role: Role,
        name: String,
        demand_faults: u64,
        capacity_faults: u64,
        replacement_misses: Option<u64>,
        frames_moved: Option<u64>,
        relative_to_baseline: Option<Millionths>,
        relative_to_best_static: Option<Millionths>,
        relative_to_min: Option<Millionths>,
        scenario: String,
        seed: u64,
        fingerprint: Option<String>,
    }
    optional {
        host_faults: u64,
        stall_ticks: u64,
        slowdown: Millionths,
        opt_given: u64,
        param_replacement: String,
    }
}

/// What a row is about.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Role {
    /// A policy.
    Policy,
    /// A policy that knows the future.
    Yardstick,
    /// An offline bound.
    Bound,
}

impl From<Role> for Cell {
    fn from(role: Role) -> Self {
        Self::from(match role {
            Role::Policy => "policy",
            Role::Yardstick => "yardstick",
            Role::Bound => "bound",
        })
    }
}

impl CompareRow {
    /// The name of this row's run or bound, as in the manifest.
    pub(crate) fn title(&self) -> String {
        title(&self.name, self.param_replacement.as_deref())
    }
}

/// A row for each policy and then for each bound, in the order given. Where faults differ in price,
/// rows of policies say what they cost.
///
/// Demand faults, with host faults if the host pages, are divided by those of the run `baseline`
/// and of two bounds; there is no ratio if the other number is unknown or 0.
pub fn rows(
    scenario: &Scenario,
    runs: &[Contender],
    bounds: &[Bound],
    baseline: usize,
) -> Vec<CompareRow> {
    let of_bound = |name| {
        let bound = bounds.iter().find(|bound| bound.name == name);
        bound.map(|bound| bound.demand_faults)
    };
    let (best_static, min) = (of_bound("best-static"), of_bound("min"));
    let baseline = runs.get(baseline).map(|run| run.outcome.all.counts.faults());
    let ratio = |faults: u64, other: Option<u64>| {
        other.and_then(|other| Millionths::ratio(u128::from(faults), u128::from(other)))
    };
    let row = |role, name: &str, faults, demand_faults, capacity_faults| CompareRow {
        role,
        name: name.to_owned(),
        demand_faults,
        capacity_faults,
        replacement_misses: None,
        frames_moved: None,
        relative_to_baseline: ratio(faults, baseline),
        relative_to_best_static: ratio(faults, best_static),
        relative_to_min: ratio(faults, min),
        scenario: scenario.name.clone(),
        seed: scenario.seed,
        fingerprint: None,
        host_faults: None,
        stall_ticks: None,
        slowdown: None,
        opt_given: None,
        param_replacement: None,
    };
    let of_run = |run: &Contender| {
        let Contender { replacement, outcome, opt_given, .. } = run;
        let counts = &outcome.all.counts;
        let role = if run.is_ranked() { Role::Policy } else { Role::Yardstick };
        CompareRow {
            replacement_misses: Some(counts.replacement_misses),
            frames_moved: Some(outcome.all.frames_moved()),
            fingerprint: Some(trail::shown(outcome.fingerprint)),
            host_faults: Some(counts.found.host_swap).filter(|_| run.prices_differ),
            stall_ticks: Some(outcome.all.stall_ticks).filter(|_| run.prices_differ),
            slowdown: outcome.all.slowdown().filter(|_| run.prices_differ),
            opt_given: *opt_given,
            param_replacement: replacement.map(|kind| kind.name.to_owned()),
            ..row(
                role,
                &outcome.policy,
                counts.faults(),
                counts.demand_faults,
                counts.capacity_faults(),
            )
        }
    };
    let of_bound = |bound: &Bound| {
        let faults = bound.demand_faults;
        row(Role::Bound, &bound.name, faults, faults, bound.capacity_faults)
    };
    runs.iter().map(of_run).chain(bounds.iter().map(of_bound)).collect()
}

/// The rows as a table, with a line above the bounds.
pub fn table(rows: &[CompareRow]) -> Table {
    let runs = rows.iter().take_while(|row| row.role != Role::Bound).count();
    row::table(rows).with_rule(runs)
}

/// The columns that say which run a row is from, wherever the table is taken.
pub(crate) const NOT_FOR_PEOPLE: &[&str] = &["scenario", "seed", "fingerprint"];

/// The table for people: without empty columns, and with the algorithm beside its policy.
pub fn for_people(rows: &[CompareRow]) -> Table {
    let table = table(rows);
    let all = table.columns().iter().map(String::as_str);
    let mut columns: Vec<&str> = all.filter(|column| !NOT_FOR_PEOPLE.contains(column)).collect();
    if let Some(at) = columns.iter().position(|column| *column == "param_replacement") {
        columns[2..=at].rotate_right(1);
    }
    table.select(&columns).without_empty_columns()
}
