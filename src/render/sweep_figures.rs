//! The figures of a sweep, whatever its grid varies.

use std::fmt::Write as _;

use crate::conclude::contest::Contest;
use crate::number::{Millionths, grouped};
use crate::render::chart::distribution::{self, Differences, Runs};
use crate::render::chart::heat::{Panel, Values};
use crate::render::chart::trend;
use crate::render::chart::winners::{self, Won};
use crate::render::chart::{Figure, Unit, heat};
use crate::store::results::Sweep;
use crate::table::Cell;

/// The most values of an axis that a map draws.
const VALUES: usize = 24;

/// If anything but the policy is varied, the trend over an axis; differences from the baseline,
/// distributions, and maps.
pub(super) fn all(sweep: &Sweep) -> Vec<Figure> {
    let contest = Contest::new(&sweep.grid, sweep.policy());
    let points = Points::of(sweep);
    let mut figures = Vec::new();
    figures.extend(trend(sweep, &contest));
    figures.extend(paired(&contest, &points));
    figures.push(distribution::figure(&points.by_policy(&contest)));
    if let Some(map) = Map::new(sweep, &contest) {
        if contest.names.len() > 1 {
            figures.push(map.winners(&points, &contest));
        }
        figures.push(map.heat(&points, &contest));
    }
    figures
}

/// The demand faults and the accesses of each point, repetition by repetition.
struct Points(Vec<Vec<(u64, u64)>>);

impl Points {
    fn of(sweep: &Sweep) -> Self {
        let count = sweep.grid.points() as usize;
        let mut points = vec![Vec::new(); count];
        for (at, row) in sweep.runs.iter().enumerate() {
            points[at % count].push((row.vm.demand_faults, row.vm.accesses));
        }
        Self(points)
    }

    fn faults(&self, point: u64) -> impl Iterator<Item = u64> {
        self.0[point as usize].iter().map(|&(faults, _)| faults)
    }

    /// The sums over the repetitions of a point.
    fn sum(&self, point: u64) -> (u128, u128) {
        let mut sum = (0, 0);
        for &(faults, accesses) in &self.0[point as usize] {
            sum = (sum.0 + u128::from(faults), sum.1 + u128::from(accesses));
        }
        sum
    }

    fn by_policy(&self, contest: &Contest<'_>) -> Vec<Runs> {
        let mut policies: Vec<Runs> =
            contest.names.iter().map(|name| (name.clone(), Vec::new())).collect();
        for point in 0..self.0.len() as u64 {
            policies[contest.of(point)].1.extend(self.faults(point));
        }
        policies
    }
}

/// Whether a column is at most 1, a part of a whole.
fn is_share(column: &str) -> bool {
    column.starts_with("fault_ratio") || column == "replacement_ratio" || column == "jain_index"
}

/// The most panels of a trend.
const PANELS: usize = 12;

/// The sweep's metric over the first axis of numbers, or the first axis, that is not the policy's.
fn trend(sweep: &Sweep, contest: &Contest<'_>) -> Option<Figure> {
    let points = sweep.grid.points() as usize;
    let mut of_points = vec![Vec::new(); points];
    let mut unit = Unit::Count;
    for (at, row) in sweep.runs.iter().enumerate() {
        match row.cell(&sweep.metric) {
            Cell::Integer(count) => of_points[at % points].push(count),
            Cell::Ratio(ratio) => {
                unit = if is_share(&sweep.metric) { Unit::Percent } else { Unit::Decimal };
                of_points[at % points].push(u64::try_from(ratio.0).unwrap_or(u64::MAX));
            }
            // A ratio of nothing, for example.
            _ => {}
        }
    }
    let dimensions = sweep.grid.dimensions();
    let others = contest.others();
    let is_number = |text: &String| text.starts_with(|letter: char| letter.is_ascii_digit());
    let numeric = others.iter().find(|&&at| dimensions[at].values().iter().all(is_number));
    let axis = *numeric.or(others.first())?;
    let values = dimensions[axis].values();
    let mut panels: Vec<(Vec<usize>, trend::Panel)> = Vec::new();
    let mut left_out = false;
    for point in 0..sweep.grid.points() {
        let place = sweep.grid.place(point);
        let rest: Vec<usize> =
            others.iter().filter(|&&at| at != axis).map(|&at| place[at]).collect();
        let at = match panels.iter().position(|(known, _)| *known == rest) {
            Some(at) => at,
            None if panels.len() == PANELS => {
                left_out = true;
                continue;
            }
            None => {
                let of_rest = others.iter().filter(|&&at| at != axis).zip(&rest);
                let names: Vec<String> = of_rest
                    .map(|(&at, &step)| {
                        let dimension = &dimensions[at];
                        format!("{}={}", dimension.name(), dimension.values()[step])
                    })
                    .collect();
                let lines = vec![vec![Vec::new(); values.len()]; contest.names.len()];
                panels.push((rest, trend::Panel { name: names.join(", "), lines }));
                panels.len() - 1
            }
        };
        panels[at].1.lines[contest.of(point)][place[axis]].extend(&of_points[point as usize]);
    }
    let panels: Vec<trend::Panel> = panels.into_iter().map(|(_, panel)| panel).collect();
    let metric = (sweep.metric.as_str(), unit);
    let axis = (dimensions[axis].name(), values);
    let mut figure = trend::figure(&contest.names, metric, (&axis.0, &axis.1), &panels);
    if left_out {
        let _ = write!(figure.caption, " The first {PANELS} combinations are drawn.");
    }
    Some(figure)
}

/// The differences of all runs from the baseline's runs that they are paired with.
fn paired(contest: &Contest<'_>, points: &Points) -> Option<Figure> {
    let grid = contest.with_baseline()?;
    let name = |point: u64| {
        let place = grid.place(point);
        let value = |&at: &usize| grid.dimensions()[at].values()[place[at]].clone();
        grid.compared().iter().map(value).collect::<Vec<_>>().join(", ")
    };
    let mut others: Vec<Differences> = Vec::new();
    let mut base_name = None;
    for point in 0..grid.points() {
        let Some(base) = grid.baseline_of(point) else { continue };
        base_name.get_or_insert_with(|| name(base));
        if base == point {
            continue;
        }
        let name = name(point);
        let at = others.iter().position(|other| other.name == name).unwrap_or_else(|| {
            others.push(Differences { name, ..Differences::default() });
            others.len() - 1
        });
        others[at].faults.extend(points.faults(point));
        others[at].baseline.extend(points.faults(base));
    }
    base_name.filter(|_| !others.is_empty()).map(|base| distribution::paired(&others, &base))
}

/// A map of the first two varied dimensions other than the policy; with one dimension, a single
/// row.
struct Map<'a> {
    sweep: &'a Sweep,
    across: Side,
    down: Side,
}

/// A side of a map.
struct Side {
    /// The dimension; without one, everything is in the same place.
    dimension: Option<usize>,
    /// The steps that are drawn: all, or some at equal distances if there are many.
    steps: Vec<usize>,
    values: Values,
    /// A remark on the steps that are not drawn.
    note: String,
}

impl Side {
    fn of(sweep: &Sweep, dimension: usize) -> Self {
        let varied = &sweep.grid.dimensions()[dimension];
        let (name, all) = (varied.name(), varied.values());
        let count = all.len();
        let shown = count.min(VALUES);
        let steps: Vec<usize> =
            (0..shown).map(|at| at * (count - 1) / (shown - 1).max(1)).collect();
        let note = if shown < count {
            format!(" Of the {} values of {name}, {shown} are drawn.", grouped(count))
        } else {
            String::new()
        };
        let values = steps.iter().map(|&step| all[step].clone()).collect();
        Self { dimension: Some(dimension), steps, values: Values { name, values }, note }
    }

    /// A single place for everything.
    fn all() -> Self {
        let values = Values { name: "all runs".to_owned(), values: vec![String::new()] };
        Self { dimension: None, steps: vec![0], values, note: String::new() }
    }

    fn place(&self, steps: &[usize]) -> Option<usize> {
        let step = self.dimension.map_or(0, |dimension| steps[dimension]);
        self.steps.iter().position(|&drawn| drawn == step)
    }
}

impl<'a> Map<'a> {
    fn new(sweep: &'a Sweep, contest: &Contest<'_>) -> Option<Self> {
        let mut varied = contest.others().into_iter().map(|at| Side::of(sweep, at));
        let across = varied.next()?;
        Some(Self { sweep, across, down: varied.next().unwrap_or_else(Side::all) })
    }

    /// The row and the column of a point, if it is drawn.
    fn place(&self, point: u64) -> Option<(usize, usize)> {
        let steps = self.sweep.grid.place(point);
        Some((self.down.place(&steps)?, self.across.place(&steps)?))
    }

    fn empty<T: Clone>(&self, cell: T) -> Vec<Vec<T>> {
        vec![vec![cell; self.across.steps.len()]; self.down.steps.len()]
    }

    fn heat(&self, points: &Points, contest: &Contest<'_>) -> Figure {
        let mut sums = vec![self.empty((0, 0)); contest.names.len()];
        for point in 0..self.sweep.grid.points() {
            if let Some((y, x)) = self.place(point) {
                add(&mut sums[contest.of(point)][y][x], points.sum(point));
            }
        }
        let panel = |(policy, cells): (&String, Vec<Vec<_>>)| Panel {
            policy: policy.clone(),
            cells: cells.into_iter().map(|row| row.into_iter().map(ratio).collect()).collect(),
        };
        let panels: Vec<Panel> = contest.names.iter().zip(sums).map(panel).collect();
        self.with_notes(heat::figure(&panels, &self.across.values, &self.down.values))
    }

    fn winners(&self, points: &Points, contest: &Contest<'_>) -> Figure {
        let mut sums = self.empty(vec![None; contest.names.len()]);
        for cell in contest.cells() {
            for (policy, point) in cell.into_iter().enumerate() {
                let Some((point, (y, x))) = point.and_then(|at| Some((at, self.place(at)?))) else {
                    continue;
                };
                add(sums[y][x][policy].get_or_insert((0, 0)), points.sum(point));
            }
        }
        let won = |sums: &Vec<Option<(u128, u128)>>| {
            let mut faults: Vec<Option<u128>> =
                sums.iter().map(|sum| sum.map(|(faults, _)| faults)).collect();
            let best = contest.best(&faults);
            let share = ratio(sums[*best.first()?]?)?;
            for &at in &best {
                faults[at] = None;
            }
            let next = contest.best(&faults).first().copied();
            let next = next.and_then(|at| Some((at, ratio(sums[at]?)?)));
            Some(Won { policies: best, share, next })
        };
        let cells: Vec<Vec<Option<Won>>> =
            sums.iter().map(|row| row.iter().map(won).collect()).collect();
        let (across, down) = (&self.across.values, &self.down.values);
        let mut figure = winners::figure(&contest.names, &cells, across, down);
        if contest.is_ranked.contains(&false) {
            figure.caption += " Policies that know the future are not ranked.";
        }
        self.with_notes(figure)
    }

    fn with_notes(&self, mut figure: Figure) -> Figure {
        figure.caption = figure.caption + &self.across.note + &self.down.note;
        figure
    }
}

fn add(sum: &mut (u128, u128), (faults, accesses): (u128, u128)) {
    *sum = (sum.0 + faults, sum.1 + accesses);
}

/// Demand faults per access, in millionths.
fn ratio((faults, accesses): (u128, u128)) -> Option<u64> {
    Some(Millionths::ratio(faults, accesses)?.0 as u64)
}
