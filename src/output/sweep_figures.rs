//! The figures of sweep.csv: whatever its columns `param_*` vary.

use super::chart::heat::{Panel, Values};
use super::chart::{Figure, distribution, heat};
use super::number::Millionths;
use super::results::integer;
use super::table::Table;

/// The most values of an axis that a heat map draws.
const VALUES: usize = 24;

/// Distributions, differences from the first policy, and heat maps where something is varied.
pub(super) fn all(sweep: &Table) -> Vec<Figure> {
    let policies = by_policy(sweep);
    let mut figures = Vec::new();
    if let Some(baseline) = policies.first().filter(|_| policies.len() > 1) {
        figures.push(distribution::paired(&policies, baseline));
    }
    figures.push(distribution::figure(&policies));
    let names = policies.iter().map(|(policy, _)| policy.clone()).collect::<Vec<_>>();
    figures.extend(heat_maps(sweep, &names));
    figures
}

/// The demand faults of each policy, in the order of the file: every policy has a run for each
/// seed and each point, so the lists pair up.
fn by_policy(sweep: &Table) -> Vec<distribution::Runs> {
    let mut policies: Vec<distribution::Runs> = Vec::new();
    for row in 0..sweep.rows().len() {
        let policy = sweep.cell(row, "policy").plain();
        let faults = integer(sweep.cell(row, "demand_faults"));
        match policies.iter_mut().find(|(name, _)| *name == policy) {
            Some((_, runs)) => runs.push(faults),
            None => policies.push((policy, vec![faults])),
        }
    }
    policies
}

/// The values of a column in the order in which they first stand there.
fn values(sweep: &Table, column: &str) -> Vec<String> {
    let mut values: Vec<String> = Vec::new();
    for row in 0..sweep.rows().len() {
        let value = sweep.cell(row, column).plain();
        if values.len() <= VALUES && !values.contains(&value) {
            values.push(value);
        }
    }
    values
}

/// A heat map over the first two parameters that have several values; of one, a single row.
fn heat_maps(sweep: &Table, policies: &[String]) -> Option<Figure> {
    let columns = sweep
        .columns()
        .iter()
        .filter(|column| column.starts_with("param_") && *column != "param_policy.kind");
    let mut varied = columns
        .map(|column| (column, values(sweep, column)))
        .filter(|(_, values)| (2..=VALUES).contains(&values.len()))
        .take(2);
    let axis = |(column, values): (&String, Vec<String>)| {
        let name = column.trim_start_matches("param_").to_owned();
        (Some(column.clone()), Values { name, values })
    };
    let (across, columns) = varied.next().map(axis)?;
    let all = || (None, Values { name: "all runs".to_owned(), values: vec![String::new()] });
    let (down, rows) = varied.next().map_or_else(all, axis);
    let place = |row: usize, column: &Option<String>, values: &Values| match column {
        None => Some(0),
        Some(column) => {
            let value = sweep.cell(row, column).plain();
            values.values.iter().position(|other| *other == value)
        }
    };
    let cell = vec![vec![(0_u128, 0_u128); columns.values.len()]; rows.values.len()];
    let mut sums = vec![cell; policies.len()];
    for row in 0..sweep.rows().len() {
        let policy = sweep.cell(row, "policy").plain();
        let at = policies.iter().position(|name| *name == policy)?;
        let (y, x) = (place(row, &down, &rows)?, place(row, &across, &columns)?);
        let sum = &mut sums[at][y][x];
        sum.0 += u128::from(integer(sweep.cell(row, "demand_faults")));
        sum.1 += u128::from(integer(sweep.cell(row, "accesses")));
    }
    let ratio =
        |(faults, accesses): (u128, u128)| Some(Millionths::ratio(faults, accesses)?.0 as u64);
    let panel = |(policy, cells): (&String, Vec<Vec<(u128, u128)>>)| Panel {
        policy: policy.clone(),
        cells: cells.into_iter().map(|row| row.into_iter().map(ratio).collect()).collect(),
    };
    let panels: Vec<Panel> = policies.iter().zip(sums).map(panel).collect();
    Some(heat::figure(&panels, &columns, &rows))
}
