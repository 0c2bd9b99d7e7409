//! A sweep as a pivot table: a row for each combination of some axes, a column for each value of
//! another, and in each cell the mean of one metric over the repetitions of one point.

use std::collections::BTreeMap;

use crate::number::Millionths;
use crate::scenario::{Dimension, Grid};
use crate::store::sweep::{RunRow, check_metrics};
use crate::table::{Cell, Table};

/// Which axes are rows, which are columns, and what is shown.
#[derive(Clone, Debug)]
pub struct Pivot {
    rows: Vec<usize>,
    /// The dimension of the columns; without one there is a single column of values.
    columns: Option<usize>,
    metric: String,
    /// The sum of each point's values, and how many there are.
    sums: Vec<(u128, u128)>,
}

impl Pivot {
    /// An empty pivot of a sweep. Axes are named by their paths. By default the policy makes the
    /// columns, or the last axis if it does not vary, and all other axes the rows.
    ///
    /// # Errors
    /// A name that is no axis or no metric, or an axis that varies and is neither in the rows nor
    /// in the columns: a cell would mix unlike points.
    pub fn new(
        grid: &Grid,
        rows: &[String],
        columns: Option<&str>,
        metric: &str,
    ) -> Result<Self, String> {
        let dimensions = grid.dimensions();
        let is_varied = |at: &usize| dimensions[*at].values().len() > 1;
        let varied: Vec<usize> = (0..dimensions.len()).filter(is_varied).collect();
        let find = |name: &str| {
            let named = dimensions.iter().position(|dimension| {
                dimension.name() == name || dimension.values_of(name).is_some()
            });
            named.ok_or_else(|| {
                let known: Vec<String> = dimensions.iter().map(Dimension::name).collect();
                format!("the sweep has no axis `{name}`; its axes are {}", known.join("; "))
            })
        };
        let given = rows.iter().map(|name| find(name.trim())).collect::<Result<Vec<_>, _>>()?;
        let columns = if let Some(name) = columns {
            Some(find(name)?)
        } else {
            let mut free = varied.iter().copied().filter(|at| !given.contains(at));
            let is_policy = |at: &usize| dimensions[*at].values_of("policy.kind").is_some();
            // A single axis makes rows.
            let last = free.clone().next_back().filter(|_| varied.len() > 1);
            free.find(is_policy).or(last)
        };
        if columns.is_some_and(|at| given.contains(&at)) {
            return Err("an axis is either in the rows or in the columns".to_owned());
        }
        let rest = || varied.iter().copied().filter(|&at| columns != Some(at));
        let rows = if given.is_empty() { rest().collect() } else { given };
        if let Some(at) = rest().find(|at| !rows.contains(at)) {
            return Err(format!(
                "`{}` varies and is neither in the rows nor in the columns, so a cell would mix \
                 unlike points; add it to --rows",
                dimensions[at].name()
            ));
        }
        check_metrics(grid, std::iter::once(metric))?;
        let metric = metric.to_owned();
        let sums = vec![(0, 0); grid.points() as usize];
        Ok(Self { rows, columns, metric, sums })
    }

    /// Adds a run of a point: its row of all VMs. A value that the run does not have, such as a
    /// ratio of nothing, is left out of the mean.
    pub fn add(&mut self, point: u64, row: &RunRow) {
        let value = match row.cell(&self.metric) {
            Cell::Integer(count) => Some(u128::from(count) * Millionths::ONE),
            Cell::Ratio(ratio) => Some(ratio.0),
            _ => None,
        };
        if let Some(value) = value {
            let (sum, runs) = &mut self.sums[point as usize];
            *sum += value;
            *runs += 1;
        }
    }

    /// The table; a cell is empty where the point is skipped.
    pub fn table(&self, grid: &Grid) -> Table {
        let dimensions = grid.dimensions();
        let names: Vec<String> = self.rows.iter().map(|&at| dimensions[at].name()).collect();
        let values = self.columns.map_or(vec![self.metric.clone()], |at| dimensions[at].values());
        let heads: Vec<&str> = names.iter().chain(&values).map(String::as_str).collect();
        let mut table = Table::new(&heads).with_given(heads.iter().copied());
        let mut found: BTreeMap<Vec<usize>, Vec<Cell>> = BTreeMap::new();
        for point in 0..grid.points() {
            let place = grid.place(point);
            let row: Vec<usize> = self.rows.iter().map(|&at| place[at]).collect();
            let (sum, runs) = self.sums[point as usize];
            let mean = (runs > 0).then(|| Millionths((sum + runs / 2) / runs));
            let cells = found.entry(row).or_insert_with(|| vec![Cell::Empty; values.len()]);
            cells[self.columns.map_or(0, |at| place[at])] = Cell::from(mean);
        }
        for (row, cells) in found {
            let labels = self.rows.iter().zip(row);
            let labels =
                labels.map(|(&at, step)| Cell::from(dimensions[at].values()[step].clone()));
            table.push(labels.chain(cells).collect());
        }
        table
    }
}
