//! compare.csv: policies side by side over one scenario, offline bounds beneath.

use std::fmt::Write as _;

use super::life;
use super::number::{Millionths, counted, grouped};
use super::table::{Cell, Table};
use super::vms::frames_moved;
use crate::balance::PolicyKind;
use crate::bound::Bound;
use crate::scenario::Scenario;
use crate::simulate::Outcome;

/// The columns, in their order.
pub const COLUMNS: &[&str] = &[
    "role",
    "name",
    "demand_faults",
    "capacity_faults",
    "replacement_misses",
    "frames_moved",
    "relative_to_baseline",
    "relative_to_best_static",
    "relative_to_min",
];

/// A policy and what its run came to.
#[derive(Clone, Debug)]
pub struct Run {
    /// The policy.
    pub policy: &'static PolicyKind,
    /// What it came to.
    pub outcome: Outcome,
}

/// A row for each policy and then for each bound, in the order given.
///
/// Demand faults are set in relation to those of the run `baseline` and of two bounds; a cell is
/// empty where the other number is not known or is 0.
pub fn table(runs: &[Run], bounds: &[Bound], baseline: usize) -> Table {
    let bound = |name| bounds.iter().find(|bound| bound.name == name);
    let of_bound = |name| bound(name).map(|bound| bound.demand_faults);
    let baseline = runs.get(baseline).map(|run| run.outcome.all.counts.demand_faults);
    let yardsticks = [baseline, of_bound("best-static"), of_bound("min")];
    let relative = |faults: u64| {
        yardsticks.map(|yardstick| {
            let ratio = |other: u64| Millionths::ratio(u128::from(faults), u128::from(other));
            Cell::from(yardstick.and_then(ratio))
        })
    };
    let mut table = Table::new(COLUMNS);
    for Run { policy, outcome } in runs {
        let counts = &outcome.all.counts;
        let mut row: Vec<Cell> = vec![
            "policy".into(),
            policy.name.into(),
            counts.demand_faults.into(),
            counts.capacity_faults().into(),
            counts.replacement_misses.into(),
            frames_moved(&outcome.all).into(),
        ];
        row.extend(relative(counts.demand_faults));
        table.push(row);
    }
    table.push_rule();
    for bound in bounds {
        let mut row: Vec<Cell> = vec![
            "bound".into(),
            bound.name.into(),
            bound.demand_faults.into(),
            bound.capacity_faults.into(),
            Cell::Empty,
            Cell::Empty,
        ];
        row.extend(relative(bound.demand_faults));
        table.push(row);
    }
    table
}

/// What the bounds are, a line each.
pub fn legend(bounds: &[Bound]) -> String {
    let mut text = String::new();
    for Bound { name, summary, note, .. } in bounds {
        let note = note.as_ref().map(|note| format!(" ({note})")).unwrap_or_default();
        let _ = writeln!(text, "{name:<11}  {summary}{note}");
    }
    if !bounds.iter().any(|bound| bound.name == "best-static") {
        text.push_str("best-static  is left out: no split that never changes keeps all minima\n");
    }
    text
}

/// The sentences that close a comparison: who has the fewest demand faults, how far that is from
/// the baseline and from the best static split, whom balancing has cost, and who only seems best
/// because replacement misses leave out faults into empty frames.
pub fn verdict(runs: &[Run], bounds: &[Bound], baseline: usize) -> String {
    let best = Best::by(runs, demand);
    let verb = if best.names.len() == 1 { "has" } else { "have" };
    let accesses = match best.first.outcome.all.counts.accesses {
        1 => "1 access".to_owned(),
        many => format!("{} accesses", grouped(many)),
    };
    let names = and(&best.names);
    let mut text =
        format!("{names} {verb} the fewest demand faults: {} in {accesses}", grouped(best.least));
    let baseline = &runs[baseline];
    let split = bounds.iter().find(|bound| bound.name == "best-static");
    let against_baseline = difference(best.least, demand(baseline), baseline.policy.name);
    let against_split = split
        .and_then(|split| difference(best.least, split.demand_faults, "the best static split"));
    for difference in [against_baseline, against_split].into_iter().flatten() {
        let _ = write!(text, ", {difference}");
    }
    text.push('.');
    let worst = runs.iter().max_by_key(|run| demand(run)).expect("a comparison has a run");
    if demand(worst) > demand(baseline)
        && let Some(difference) = difference(demand(worst), demand(baseline), baseline.policy.name)
    {
        let faults = grouped(demand(worst));
        let _ = write!(text, "\n{} has the most: {faults}, {difference}.", worst.policy.name);
    }
    text + &never_moved(runs) + &seems_best(runs, &best)
}

/// What became of VMs that did not start when they arrived, each sentence once, with the policies
/// under which it is true where that is not so under all.
pub fn notes(scenario: &Scenario, runs: &[Run]) -> String {
    let mut notes: Vec<(String, Vec<&str>)> = Vec::new();
    for Run { policy, outcome } in runs {
        for note in life::notes(scenario, outcome) {
            match notes.iter_mut().find(|(other, _)| *other == note) {
                Some((_, policies)) => policies.push(policy.name),
                None => notes.push((note, vec![policy.name])),
            }
        }
    }
    let told = |(note, policies): &(String, Vec<&str>)| {
        if policies.len() == runs.len() {
            return format!("\n{note}");
        }
        format!("\nUnder {}: {note}", and(policies))
    };
    notes.iter().map(told).collect()
}

/// Who moved no frame, apart from who never does: their rows say nothing about their rules.
fn never_moved(runs: &[Run]) -> String {
    let still = |run: &&Run| run.policy.name != "static" && frames_moved(&run.outcome.all) == 0;
    let names: Vec<&str> = runs.iter().filter(still).map(|run| run.policy.name).collect();
    if names.is_empty() {
        return String::new();
    }
    format!(
        "\n{} moved no frame here. Rules of real hypervisors count in gigabytes and seconds; \
         `list policies` shows the knobs to scale.",
        and(&names)
    )
}

fn demand(run: &Run) -> u64 {
    run.outcome.all.counts.demand_faults
}

/// "9.7 % fewer than static"; nothing where the numbers are the same or there is none to divide by.
fn difference(faults: u64, other: u64, name: &str) -> Option<String> {
    let word = if faults < other { "fewer" } else { "more" };
    let permille = Millionths::ratio(u128::from(faults.abs_diff(other)) * 1000, u128::from(other))?;
    let tenths = (permille.0 + Millionths::ONE / 2) / Millionths::ONE;
    (tenths > 0).then(|| format!("{}.{} % {word} than {name}", tenths / 10, tenths % 10))
}

/// A warning where replacement misses would choose another policy.
fn seems_best(runs: &[Run], best: &Best<'_>) -> String {
    let by_replacement = Best::by(runs, |run| run.outcome.all.counts.replacement_misses);
    if best.names.iter().any(|name| by_replacement.names.contains(name)) {
        return String::new();
    }
    let more = demand(by_replacement.first) - best.least;
    format!(
        "\nBy replacement misses, which leave out faults into empty frames, {} would be best: {}.\n\
         Yet {} has {} more than {}.",
        and(&by_replacement.names),
        grouped(by_replacement.least),
        by_replacement.names[0],
        counted(more, "demand fault"),
        best.names[0],
    )
}

/// The runs with the least of something.
struct Best<'a> {
    first: &'a Run,
    names: Vec<&'static str>,
    least: u64,
}

impl<'a> Best<'a> {
    fn by(runs: &'a [Run], count: impl Fn(&Run) -> u64) -> Self {
        let first = runs.iter().min_by_key(|run| count(run)).expect("a comparison has a run");
        let least = count(first);
        let tied = runs.iter().filter(|run| count(run) == least);
        Self { first, names: tied.map(|run| run.policy.name).collect(), least }
    }
}

/// "a", "a and b", "a, b and c".
fn and(names: &[&str]) -> String {
    match names {
        [] => String::new(),
        [one] => (*one).to_owned(),
        [others @ .., last] => format!("{} and {last}", others.join(", ")),
    }
}
