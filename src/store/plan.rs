//! The tables of `plan`: what each policy needs, how the metric changes with the amount, every
//! mix, and what a missed answer costs.

use crate::account::{METRICS, Metric, Reading};
use crate::plan::{Answers, Point, Shortfall, Witness};
use crate::table::{Cell, Table};
use crate::units::{Ticks, VmId};

/// A row for each policy.
pub fn needs(answers: &Answers<'_>) -> Table {
    let column = answers.question.quantity.column();
    let median = format!("median_{column}");
    let columns = ["policy", "mixes", column, "overcommit", "knee", &median, "median_low"];
    let more = ["median_high", "never", "split", "breaks_first", "in_mixes", "at_tick"];
    let mut table = Table::new(&[&columns[..], &more].concat());
    for (at, policy) in answers.question.policies.iter().enumerate() {
        let [low, high] = answers.median_interval(at).unwrap_or_default();
        let bound = answers.bound(at);
        let overcommit = bound.and_then(|bound| answers.overcommit(bound));
        let first = answers.first_to_break(at);
        table.push(vec![
            Cell::from(policy.name),
            Cell::Integer(answers.needs.len() as u64),
            Cell::from(bound),
            overcommit.map_or(Cell::Empty, Cell::Ratio),
            Cell::from(answers.knee(at)),
            Cell::from(answers.median(at)),
            Cell::from(low),
            Cell::from(high),
            Cell::Integer(answers.never(at)),
            Cell::Integer(answers.split(at)),
            first.map_or(Cell::Empty, |(vm, _, _)| Cell::from(vm)),
            Cell::from(first.map(|(_, times, _)| times)),
            Cell::from(first.map(|(_, _, at)| at)),
        ]);
    }
    table
}

/// A row for each policy and amount: in how many mixes the limit is kept, and the metric of the
/// worst VM of a mix. Amounts that were tried besides those of the question are in their places.
pub fn curve(answers: &Answers<'_>, besides: &[Shortfall]) -> Table {
    let column = answers.question.quantity.column();
    let columns = ["policy", column, "mixes", "refused", "kept"];
    let mut table = Table::new(&[&columns[..], &["worst_p50", "worst_p95", "worst_max"]].concat());
    for (policy, kind) in answers.question.policies.iter().enumerate() {
        for point in points(answers, besides, policy) {
            table.push(vec![
                Cell::from(kind.name),
                Cell::Integer(point.amount),
                Cell::Integer(point.mixes),
                Cell::Integer(point.refused),
                Cell::Integer(point.kept),
                Cell::from(point.share(50)),
                Cell::from(point.share(95)),
                Cell::from(point.share(100)),
            ]);
        }
    }
    table
}

/// The curve of a policy with the amounts that were tried besides, ascending.
pub(crate) fn points(answers: &Answers<'_>, besides: &[Shortfall], policy: usize) -> Vec<Point> {
    let mut points = answers.curve(policy);
    let besides = besides.iter().filter(|of| of.policy == policy);
    points.extend(besides.map(|of| of.point.clone()));
    points.sort_by_key(|point| point.amount);
    points.dedup_by_key(|point| point.amount);
    points
}

/// A row for each mix and policy.
pub fn mixes(answers: &Answers<'_>) -> Table {
    let column = answers.question.quantity.column();
    let columns = ["repetition", "policy", "pages", column, "split", "breaks_first", "at_tick"];
    let mut table = Table::new(&columns);
    let name = |(vm, _): (VmId, Ticks)| answers.scenario.vms[vm.index()].name.as_str();
    for (mix, needs) in answers.needs.iter().enumerate() {
        for (kind, need) in answers.question.policies.iter().zip(needs) {
            table.push(vec![
                Cell::Integer(mix as u64),
                Cell::from(kind.name),
                Cell::Integer(answers.pages[mix]),
                Cell::from(need.amount),
                Cell::Integer(u64::from(need.is_split)),
                need.first.map_or(Cell::Empty, |first| Cell::from(name(first))),
                Cell::from(need.first.map(|(_, at)| at.0)),
            ]);
        }
    }
    table
}

/// A row for each policy and percentage by which its answer is missed: how many mixes break the
/// limit, and the metric of the worst VM of a mix.
pub fn shortfalls(answers: &Answers<'_>, all: &[Shortfall]) -> Table {
    let column = answers.question.quantity.column();
    let columns = ["policy", "missed_by", column, "mixes", "broken", "worst_p50", "worst_max"];
    let mut table = Table::new(&columns);
    for Shortfall { policy, percent, point } in all {
        table.push(vec![
            Cell::from(answers.question.policies[*policy].name),
            Cell::from(format!("{percent} %")),
            Cell::Integer(point.amount),
            Cell::Integer(point.mixes),
            Cell::Integer(point.mixes - point.kept),
            Cell::from(point.share(50)),
            Cell::from(point.share(100)),
        ]);
    }
    table
}

/// A row for each VM of a run: its slowdown, its faults, and how its fault ratio varied over time.
pub fn witness(witness: &Witness) -> Table {
    let columns = ["slowdown", "demand_faults", "fault_ratio", "fault_ratio_p50"];
    let more = ["fault_ratio_p95", "fault_ratio_p99", "fault_ratio_worst", "frames_mean"];
    let metrics: Vec<&Metric> = columns
        .iter()
        .chain(&more)
        .filter_map(|name| METRICS.iter().find(|metric| metric.name == *name))
        .collect();
    let names: Vec<&str> = metrics.iter().map(|metric| metric.name).collect();
    let mut table = Table::new(&[&["vm"][..], &names].concat());
    for (vm, account) in &witness.vms {
        let cell = |metric: &&Metric| match metric.of {
            Reading::Count(of) => Cell::Integer(of(account)),
            Reading::Ratio(of) => Cell::from(of(account)),
        };
        let cells = metrics.iter().map(cell);
        table.push(std::iter::once(Cell::from(vm.as_str())).chain(cells).collect());
    }
    table.without_empty_columns()
}
