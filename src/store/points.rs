//! sweep.csv: the statistics of each point's repetitions.

use super::sweep::{check_metrics, params, read_lines};
use crate::number::{Millionths, SignedMillionths};
use crate::scenario::Grid;
use crate::sweep::journal::Record;
use crate::sweep::statistics::{Paired, SUMMARISED, Summary};
use crate::table::{Cell, Table};

/// The columns of sweep.csv after the parameters.
const STATISTICS: &[&str] = &[
    "metric",
    "n",
    "mean",
    "sd",
    "min",
    "q1",
    "median",
    "q3",
    "max",
    "ci95_low",
    "ci95_high",
    "difference",
    "difference_ci95_low",
    "difference_ci95_high",
    "wins",
    "ties",
    "losses",
];

/// The columns of sweep.csv that a table for people omits.
pub const NOT_FOR_PEOPLE: &[&str] = &["point", "q1", "q3"];

/// The empty table of the points' statistics; for people, the axes' columns are named by their
/// paths.
pub fn summary(grid: &Grid, for_people: bool) -> Table {
    let params = if for_people { grid.paths().map(str::to_owned).collect() } else { params(grid) };
    let params: Vec<&str> = params.iter().map(String::as_str).collect();
    Table::new(&[&["point"], &params[..], STATISTICS].concat()).with_given(grid.paths())
}

/// The columns that sweep.csv summarises.
#[derive(Clone, Debug, Default)]
pub struct Summarised {
    /// Those after the [`SUMMARISED`], whose values a journal has beside the rows.
    further: Vec<String>,
}

impl Summarised {
    /// The [`SUMMARISED`], then these.
    ///
    /// # Errors
    /// A name that is no column of numbers, in a sentence.
    pub fn with(grid: &Grid, further: &[String]) -> Result<Self, String> {
        let mut kept: Vec<String> = Vec::new();
        for name in further.iter().map(|name| name.trim()) {
            let is_known = SUMMARISED.iter().any(|(known, _)| *known == name);
            if !is_known && !kept.iter().any(|known| known == name) {
                kept.push(name.to_owned());
            }
        }
        check_metrics(grid, kept.iter().map(String::as_str))?;
        Ok(Self { further: kept })
    }

    fn names(&self) -> impl Iterator<Item = &str> {
        let first = SUMMARISED.iter().map(|(name, _)| *name);
        first.chain(self.further.iter().map(String::as_str))
    }

    /// No values yet, for each of the columns.
    pub fn none(&self) -> Vec<Repeated> {
        self.names().map(|_| Repeated::default()).collect()
    }

    /// Adds the values of a run.
    ///
    /// # Errors
    /// A row that does not fit this grid, in a sentence.
    pub fn add(&self, to: &mut [Repeated], grid: &Grid, record: &Record) -> Result<(), String> {
        let (first, further) = to.split_at_mut(SUMMARISED.len());
        first.iter_mut().zip(record.metrics).for_each(|(all, count)| all.push(&count.into()));
        if self.further.is_empty() {
            return Ok(());
        }
        if let Some(row) = read_lines(grid, &record.rows)?.last() {
            further.iter_mut().zip(&self.further).for_each(|(all, name)| all.push(&row.cell(name)));
        }
        Ok(())
    }

    /// Adds the rows of a point, one for each column: the statistics of its repetitions, paired
    /// with those of its baseline.
    pub fn push_point(
        &self,
        table: &mut Table,
        (grid, point): (&Grid, u64),
        values: &[Repeated],
        baseline: Option<&[Repeated]>,
    ) {
        for (at, metric) in self.names().enumerate() {
            let Some(summary) = values[at].summary() else { continue };
            let paired = baseline.and_then(|baseline| values[at].paired(&baseline[at]));
            let mut row: Vec<Cell> = vec![point.into()];
            row.extend(grid.labels(point).into_iter().map(Cell::from));
            row.extend(values[at].in_unit(statistics(metric, &summary, paired.as_ref())));
            table.push(row);
        }
    }
}

/// The values of a column in the repetitions of a point.
#[derive(Clone, Debug, Default)]
pub struct Repeated {
    /// `None` where a run has no value, such as a ratio of nothing.
    values: Vec<Option<u64>>,
    /// Whether they are ratios, of which the values are millionths.
    are_ratios: bool,
}

impl Repeated {
    fn push(&mut self, cell: &Cell) {
        self.values.push(match cell {
            Cell::Integer(count) => Some(*count),
            Cell::Ratio(ratio) => {
                self.are_ratios = true;
                u64::try_from(ratio.0).ok()
            }
            _ => None,
        });
    }

    /// The sum of the values.
    pub fn sum(&self) -> u128 {
        self.values.iter().flatten().map(|&value| u128::from(value)).sum()
    }

    fn summary(&self) -> Option<Summary> {
        Summary::of(&self.values.iter().flatten().copied().collect::<Vec<_>>())
    }

    /// The comparison of the repetitions in which both have a value.
    fn paired(&self, baseline: &Self) -> Option<Paired> {
        let pairs = self.values.iter().zip(&baseline.values);
        let (own, base): (Vec<u64>, Vec<u64>) =
            pairs.filter_map(|(own, base)| Some(((*own)?, (*base)?))).unzip();
        Paired::of(&own, &base)
    }

    /// The cells of statistics of the values, in the unit of the column.
    fn in_unit(&self, cells: Vec<Cell>) -> Vec<Cell> {
        if !self.are_ratios {
            return cells;
        }
        let of_column = |(column, cell): (&&str, Cell)| match cell {
            Cell::Integer(value) if OF_VALUES.contains(column) => {
                Cell::Ratio(Millionths(u128::from(value)))
            }
            Cell::Ratio(Millionths(value)) => {
                Cell::Ratio(Millionths((value + Millionths::ONE / 2) / Millionths::ONE))
            }
            Cell::Signed(SignedMillionths(value)) => {
                let one = Millionths::ONE as i128;
                Cell::Signed(SignedMillionths((value + one / 2).div_euclid(one)))
            }
            other => other,
        };
        STATISTICS.iter().zip(cells).map(of_column).collect()
    }
}

/// The statistics that are values of the column themselves.
const OF_VALUES: [&str; 2] = ["min", "max"];

fn statistics(metric: &str, summary: &Summary, paired: Option<&Paired>) -> Vec<Cell> {
    let Summary { n, mean, sd, min, quartiles: [q1, median, q3], max, interval } = *summary;
    let of_pair = |value: fn(&Paired) -> Cell| paired.map(value).into();
    vec![
        metric.into(),
        n.into(),
        mean.into(),
        sd.into(),
        min.into(),
        q1.into(),
        median.into(),
        q3.into(),
        max.into(),
        interval.map(|[low, _]| low).into(),
        interval.map(|[_, high]| high).into(),
        of_pair(|paired| paired.mean.into()),
        of_pair(|paired| paired.interval.map(|[low, _]| low).into()),
        of_pair(|paired| paired.interval.map(|[_, high]| high).into()),
        of_pair(|paired| paired.wins.into()),
        of_pair(|paired| paired.ties.into()),
        of_pair(|paired| paired.losses.into()),
    ]
}
