//! The grid of a sweep: its axes, its points, and the values at each point.
//!
//! A *dimension* is an axis, or several zipped axes that advance together. Points are numbered like
//! the readings of an odometer: the first dimension turns slowest, zips turn fastest. Points that a
//! skip names are left out, and the numbers stay consecutive.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use super::Document;
use super::Mechanisms;
use super::document::{Node, Origin};
use super::written::label;

/// The points of a sweep.
#[derive(Clone, Debug)]
pub struct Grid {
    /// How often every point is repeated, each time with other random streams.
    pub repeat: u64,
    pub(super) dimensions: Vec<Dimension>,
    pub(super) skips: Vec<Picks>,
    pub(super) baseline: Option<Picks>,
    /// The step of each dimension that the baseline names.
    baseline_steps: Vec<Option<u64>>,
    /// The odometer readings that no skip leaves out, if there are skips.
    kept: Option<Arc<[u32]>>,
    /// What adds columns to the tables of some of its runs.
    mechanisms: Mechanisms,
}

/// Axes that advance together, all with the same number of values. Usually it is one axis.
#[derive(Clone, Debug)]
pub struct Dimension {
    pub(super) axes: Vec<Axis>,
    pub(super) is_zip: bool,
}

/// A path and the values that it takes in turn; at least one.
#[derive(Clone, Debug)]
pub(super) struct Axis {
    pub(super) path: String,
    pub(super) key: Origin,
    pub(super) values: Vec<Node>,
}

/// Values of some axes: what a skip or the baseline names.
pub(super) type Picks = Vec<(String, Node)>;

impl Dimension {
    /// What varies: `host.memory`, or `vm.a.min, vm.b.min` if two axes are zipped.
    pub fn name(&self) -> String {
        self.axes.iter().map(|axis| axis.path.as_str()).collect::<Vec<_>>().join(", ")
    }

    /// The label of each step in outputs; zipped axes show all their values.
    pub fn values(&self) -> Vec<String> {
        let of_step = |step: u64| {
            let values = self.axes.iter().map(|axis| label(&axis.values[step as usize]));
            values.collect::<Vec<_>>().join(", ")
        };
        (0..self.steps()).map(of_step).collect()
    }

    /// The values of one of its axes, step by step; `None` if no axis has this path.
    pub fn values_of(&self, path: &str) -> Option<Vec<String>> {
        let axis = self.axes.iter().find(|axis| axis.path == path)?;
        Some(axis.values.iter().map(label).collect())
    }

    fn steps(&self) -> u64 {
        self.axes[0].values.len() as u64
    }

    /// The steps at which the picks that name axes of this dimension all match; `None` if none
    /// does.
    fn named(&self, steps: &[StepsOf], picks: &[(String, Node)]) -> Option<Vec<u64>> {
        let of_axis = |(axis, steps): (&Axis, &StepsOf)| {
            let (_, value) = picks.iter().find(|(path, _)| *path == axis.path)?;
            Some(steps.of(value))
        };
        let named = self.axes.iter().zip(steps).filter_map(of_axis);
        named.reduce(|one, other| {
            one.into_iter().filter(|step| other.binary_search(step).is_ok()).collect()
        })
    }
}

/// How a value is written: as it stands, and a number without zeros behind its decimal point too.
fn writings(node: &Node) -> [Option<String>; 2] {
    let plain = super::range::Number::of(node).map(|number| label(&number.node(node.origin)));
    [Some(label(node)), plain]
}

/// At which steps an axis takes a value, by how that is written in either way.
pub(super) struct StepsOf([BTreeMap<String, Vec<u64>>; 2]);

impl StepsOf {
    pub(super) fn new(axis: &Axis) -> Self {
        let mut steps = [BTreeMap::new(), BTreeMap::new()];
        for (step, value) in (0..).zip(&axis.values) {
            for (steps, writing) in steps.iter_mut().zip(writings(value)) {
                if let Some(writing) = writing {
                    steps.entry(writing).or_insert_with(Vec::new).push(step);
                }
            }
        }
        Self(steps)
    }

    /// The steps at which the axis takes this value, in order.
    pub(super) fn of(&self, value: &Node) -> Vec<u64> {
        let found = self.0.iter().zip(writings(value));
        let found = found.filter_map(|(steps, writing)| steps.get(&writing?));
        let steps: BTreeSet<u64> = found.flatten().copied().collect();
        steps.into_iter().collect()
    }
}

impl Default for Grid {
    /// One point, the scenario itself.
    fn default() -> Self {
        Self::new(1, Vec::new(), Vec::new(), None)
    }
}

impl Grid {
    /// The most runs of a sweep.
    pub const RUNS_MAX: u64 = 10_000_000;

    pub(super) fn new(
        repeat: u64,
        dimensions: Vec<Dimension>,
        skips: Vec<Picks>,
        baseline: Option<Picks>,
    ) -> Self {
        let baseline_steps = vec![None; dimensions.len()];
        let mut grid = Self {
            repeat,
            dimensions,
            skips,
            baseline: None,
            baseline_steps,
            kept: None,
            mechanisms: Mechanisms::default(),
        };
        if let Some(baseline) = baseline {
            grid.set_baseline(baseline);
        }
        if !grid.skips.is_empty() {
            let is_skipped = grid.skipped();
            let stays = |&reading: &u32| !is_skipped[reading as usize];
            let kept: Arc<[u32]> = (0..grid.readings() as u32).filter(stays).collect();
            grid.kept = Some(kept);
        }
        grid
    }

    /// The grid of a scenario some runs of which have these mechanisms.
    pub(super) fn with_mechanisms(self, mechanisms: Mechanisms) -> Self {
        Self { mechanisms, ..self }
    }

    /// What adds columns to the tables of some of its runs.
    pub fn mechanisms(&self) -> &Mechanisms {
        &self.mechanisms
    }

    /// The number of points.
    pub fn points(&self) -> u64 {
        self.kept.as_ref().map_or_else(|| self.readings(), |kept| kept.len() as u64)
    }

    /// The paths of the axes, in the order of the dimensions.
    pub fn paths(&self) -> impl Iterator<Item = &str> {
        self.dimensions.iter().flat_map(|dimension| &dimension.axes).map(|axis| axis.path.as_str())
    }

    /// The values of a point, as outputs show them, in the order of [`paths`](Self::paths).
    pub fn labels(&self, point: u64) -> Vec<String> {
        self.settings(point).map(|(_, value)| label(value)).collect()
    }

    /// The point's name in messages: `policy.kind=static host.memory=64`.
    pub fn name(&self, point: u64) -> String {
        let pair = |(axis, value): (&Axis, &Node)| format!("{}={}", axis.path, label(value));
        self.settings(point).map(pair).collect::<Vec<_>>().join(" ")
    }

    /// The dimensions, the one that turns slowest first.
    pub fn dimensions(&self) -> &[Dimension] {
        &self.dimensions
    }

    /// The step of each dimension at a point.
    pub fn place(&self, point: u64) -> Vec<usize> {
        self.steps(self.reading(point)).into_iter().map(|step| step as usize).collect()
    }

    /// The points that differ from this one at most in dimension `at`, step by step, this one
    /// included; `None` for a skipped point.
    pub fn along(&self, at: usize, point: u64) -> Vec<Option<u64>> {
        let steps = self.dimensions[at].steps();
        let stride: u64 = self.dimensions[at + 1..].iter().map(Dimension::steps).product();
        let reading = self.reading(point);
        let first = reading - reading / stride % steps * stride;
        (0..steps).map(|step| self.point(first + step * stride)).collect()
    }

    /// This grid with the first step of dimension `at` as its baseline, if it has none.
    pub fn with_baseline(mut self, at: usize) -> Self {
        let pick = |axis: &Axis| (axis.path.clone(), axis.values[0].clone());
        if self.baseline.is_none() {
            self.set_baseline(self.dimensions[at].axes.iter().map(pick).collect());
        }
        self
    }

    fn set_baseline(&mut self, baseline: Picks) {
        let named = |dimension: &Dimension| {
            let steps: Vec<StepsOf> = dimension.axes.iter().map(StepsOf::new).collect();
            dimension.named(&steps, &baseline)?.first().copied()
        };
        self.baseline_steps = self.dimensions.iter().map(named).collect();
        self.baseline = Some(baseline);
    }

    /// The dimensions in which points differ from the ones that they are compared with.
    pub fn compared(&self) -> Vec<usize> {
        let all = 0..self.dimensions.len();
        all.filter(|&at| self.baseline_steps[at].is_some()).collect()
    }

    /// The point that this one is compared with: the baseline's values on the axes that it names,
    /// its own on all others. `None` without a baseline, or if that point is skipped.
    pub fn baseline_of(&self, point: u64) -> Option<u64> {
        self.baseline.as_ref()?;
        let mut reading = 0;
        let own = self.steps(self.reading(point));
        for ((dimension, named), own) in self.dimensions.iter().zip(&self.baseline_steps).zip(own) {
            reading = reading * dimension.steps() + named.unwrap_or(own);
        }
        self.point(reading)
    }

    /// The axes with their values at a point.
    pub(super) fn settings(&self, point: u64) -> impl Iterator<Item = (&Axis, &Node)> {
        let steps = self.steps(self.reading(point));
        self.dimensions.iter().zip(steps).flat_map(|(dimension, step)| {
            dimension.axes.iter().map(move |axis| (axis, &axis.values[step as usize]))
        })
    }

    fn readings(&self) -> u64 {
        self.dimensions.iter().map(Dimension::steps).product()
    }

    fn reading(&self, point: u64) -> u64 {
        self.kept.as_ref().map_or(point, |kept| u64::from(kept[point as usize]))
    }

    /// The point of a reading; `None` if it is skipped.
    fn point(&self, reading: u64) -> Option<u64> {
        match &self.kept {
            None => Some(reading),
            Some(kept) => kept.binary_search(&(reading as u32)).ok().map(|at| at as u64),
        }
    }

    /// The step of each dimension at a reading of the odometer.
    fn steps(&self, mut reading: u64) -> Vec<u64> {
        let mut steps: Vec<u64> = self.dimensions.iter().map(Dimension::steps).collect();
        for step in steps.iter_mut().rev() {
            (reading, *step) = (reading / *step, reading % *step);
        }
        steps
    }

    /// For each reading, whether a skip names it. Each skip costs what it leaves out, not all
    /// readings, and the same skip twice costs nothing.
    fn skipped(&self) -> Vec<bool> {
        let of_axes = |dimension: &Dimension| dimension.axes.iter().map(StepsOf::new).collect();
        let steps: Vec<Vec<StepsOf>> = self.dimensions.iter().map(of_axes).collect();
        let named = |skip: &Picks| {
            let dimensions = self.dimensions.iter().zip(&steps);
            dimensions.map(|(dimension, steps)| dimension.named(steps, skip)).collect()
        };
        let skips: BTreeSet<Vec<Option<Vec<u64>>>> = self.skips.iter().map(named).collect();
        let mut skipped = vec![false; self.readings() as usize];
        for skip in skips {
            self.leave_out(&skip, 0, &mut skipped);
        }
        skipped
    }

    /// Marks the readings that begin with the digits `reading`, and whose other digits are among
    /// those that are named.
    fn leave_out(&self, named: &[Option<Vec<u64>>], reading: u64, skipped: &mut [bool]) {
        let left = &self.dimensions[self.dimensions.len() - named.len()..];
        if named.iter().all(Option::is_none) {
            let many: u64 = left.iter().map(Dimension::steps).product();
            skipped[(reading * many) as usize..][..many as usize].fill(true);
            return;
        }
        let steps = left[0].steps();
        match &named[0] {
            Some(few) => few
                .iter()
                .for_each(|step| self.leave_out(&named[1..], reading * steps + step, skipped)),
            None => (0..steps)
                .for_each(|step| self.leave_out(&named[1..], reading * steps + step, skipped)),
        }
    }
}

impl Document {
    /// This scenario without its `[sweep]`: the grid is known, so no point needs to read it again.
    pub(crate) fn without_sweep(mut self) -> Self {
        self.root.remove("sweep");
        self
    }

    /// This scenario at a point of its grid, under a seed and in a repetition.
    pub fn at_point(&self, grid: &Grid, point: u64, seed: u64, repetition: u64) -> Self {
        let mut document = self.at(seed, repetition);
        for (axis, value) in grid.settings(point) {
            document.put(&axis.path, axis.key, value.clone());
        }
        document
    }
}
