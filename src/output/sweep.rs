//! sweep.csv, a row for each run, and summary.csv, what the runs of a policy have in common.

use super::table::{Cell, Table};
use super::vms;
use crate::balance::PolicyKind;
use crate::scenario::Scenario;
use crate::sweep::Point;
use crate::sweep::statistics::Summary;

/// The columns of summary.csv, in their order.
pub const SUMMARY_COLUMNS: &[&str] =
    &["policy", "metric", "n", "mean", "sd", "min", "q1", "median", "q3", "max"];

/// A count of all VMs of a run.
type Metric = fn(&Point) -> u64;

/// What is summarised, and how it is read off a run.
const METRICS: &[(&str, Metric)] = &[
    ("demand_faults", |point| point.all.counts.demand_faults),
    ("replacement_misses", |point| point.all.counts.replacement_misses),
    ("frames_moved", |point| point.all.frames_moved()),
];

/// The row of all VMs of each run, in the order of the points.
pub fn table(scenario: &Scenario, policies: &[&PolicyKind], points: &[Point]) -> Table {
    let mut scenario = scenario.clone();
    let mut table = Table::new(vms::COLUMNS);
    for point in points {
        scenario.seed = point.seed;
        table.push(vms::row(&scenario, policies[point.policy], vms::ALL, &point.all));
    }
    table
}

/// Three rows for each policy: its demand faults, replacement misses and frames moved over the
/// seeds.
pub fn summary(policies: &[&PolicyKind], points: &[Point]) -> Table {
    let mut table = Table::new(SUMMARY_COLUMNS);
    for (at, policy) in policies.iter().enumerate() {
        for &(name, metric) in METRICS {
            let of_policy = points.iter().filter(|point| point.policy == at);
            let counts: Vec<u64> = of_policy.map(metric).collect();
            if let Some(summary) = Summary::of(&counts) {
                table.push(row(policy.name, name, &summary));
            }
        }
        if at + 1 < policies.len() {
            table.push_rule();
        }
    }
    table
}

fn row(policy: &str, metric: &str, summary: &Summary) -> Vec<Cell> {
    let Summary { n, mean, sd, min, quartiles: [q1, median, q3], max } = *summary;
    vec![
        policy.into(),
        metric.into(),
        n.into(),
        mean.into(),
        sd.into(),
        min.into(),
        q1.into(),
        median.into(),
        q3.into(),
        max.into(),
    ]
}
