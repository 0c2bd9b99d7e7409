//! The policies of a sweep compared: which has the fewest demand faults, over all points and at
//! which of them.

use std::fmt::Write as _;

use crate::balance;
use crate::conclude::compare::{and, difference, fewest, foresight};
use crate::number::{Millionths, counted, rounded};
use crate::replace;
use crate::scenario::Grid;

/// The policies of a sweep and the grid that they share.
#[derive(Clone, Debug)]
pub struct Contest<'a> {
    grid: &'a Grid,
    /// The dimension that varies the policy; if there is none, one policy makes all runs.
    dimension: Option<usize>,
    /// The policies, with the values of the parameters that vary together with them.
    pub names: Vec<String>,
    /// Whether each policy is ranked; those that know the future are not.
    pub is_ranked: Vec<bool>,
    /// The points at which a VM's replacement algorithm knows the future.
    foresees: Vec<bool>,
}

/// The scenario key that names the policy.
const POLICY: &str = "policy.kind";

/// Whether a point gives a VM a replacement algorithm that knows the future.
fn has_guest_with_foresight(grid: &Grid, point: u64) -> bool {
    grid.paths().zip(grid.labels(point)).any(|(path, label)| {
        let names_algorithm = path.ends_with(".replacement") || path.ends_with("replacement.kind");
        let mut kinds = replace::ALL.iter().filter(|kind| kind.knows_the_future);
        names_algorithm && kinds.any(|kind| kind.name == label)
    })
}

impl<'a> Contest<'a> {
    /// The contest of a grid; `policy` is that of the scenario.
    pub fn new(grid: &'a Grid, policy: &str) -> Self {
        let dimensions = grid.dimensions();
        let mut found = dimensions.iter().enumerate();
        let found = found.find_map(|(at, dimension)| Some((at, dimension.values_of(POLICY)?)));
        let dimension = found.as_ref().map(|(at, _)| *at);
        let kinds = found.map_or_else(|| vec![policy.to_owned()], |(_, kinds)| kinds);
        let names = dimension.map_or_else(|| kinds.clone(), |at| dimensions[at].values());
        let foresees = (0..grid.points()).map(|point| has_guest_with_foresight(grid, point));
        let foresees = foresees.collect();
        let mut contest = Self { grid, dimension, names, is_ranked: Vec::new(), foresees };
        let mut in_the_dark = vec![false; kinds.len()];
        for point in (0..grid.points()).filter(|&point| !contest.foresees[point as usize]) {
            in_the_dark[contest.of(point)] = true;
        }
        let is_ranked = |(kind, in_the_dark): (&String, bool)| {
            let mut known = balance::ALL.iter();
            let policy = known.find(|known| known.name == kind);
            in_the_dark && policy.is_none_or(|policy| !policy.is_yardstick())
        };
        contest.is_ranked = kinds.iter().zip(in_the_dark).map(is_ranked).collect();
        contest
    }

    /// The policy of a point.
    pub(crate) fn of(&self, point: u64) -> usize {
        self.dimension.map_or(0, |at| self.grid.place(point)[at])
    }

    /// The dimensions other than the policy's that have several steps.
    pub(crate) fn others(&self) -> Vec<usize> {
        let dimensions = self.grid.dimensions();
        let all = 0..dimensions.len();
        let is_varied = |&at: &usize| dimensions[at].values().len() > 1;
        all.filter(|at| self.dimension != Some(*at)).filter(is_varied).collect()
    }

    /// The grid with the baseline of its differences: the first policy, if none is named; `None` if
    /// there is nothing to compare.
    pub(crate) fn with_baseline(&self) -> Option<Grid> {
        let grid = self.grid.clone();
        let grid = match self.dimension.filter(|_| self.names.len() > 1) {
            Some(at) => grid.with_baseline(at),
            None => grid,
        };
        (!grid.compared().is_empty()).then_some(grid)
    }

    /// The cells: points that differ only in the policy, one point per policy unless it is skipped.
    /// A cell is left out if the point of a ranked policy is skipped, so that no policy gains from
    /// a skip, or if a ranked policy has a VM there whose replacement algorithm knows the future.
    pub(crate) fn cells(&self) -> impl Iterator<Item = Vec<Option<u64>>> {
        let points = 0..self.grid.points();
        let cell =
            |point| self.dimension.map_or(vec![Some(point)], |at| self.grid.along(at, point));
        let cells = points.map(move |point| (point, cell(point)));
        let once = cells.filter(|(point, cell)| cell.iter().flatten().next() == Some(point));
        let is_whole = |cell: &Vec<Option<u64>>| {
            let mut ranked = cell.iter().zip(&self.is_ranked).filter(|(_, is_ranked)| **is_ranked);
            ranked.all(|(point, _)| point.is_some_and(|point| !self.foresees[point as usize]))
        };
        once.map(|(_, cell)| cell).filter(is_whole)
    }

    /// The ranked policies with the smallest number.
    pub(crate) fn best(&self, of_policy: &[Option<u128>]) -> Vec<usize> {
        let all = of_policy.iter().zip(&self.is_ranked).enumerate();
        let ranked = all.filter(|(_, (_, is_ranked))| **is_ranked);
        let counts: Vec<(usize, u128)> =
            ranked.filter_map(|(at, (count, _))| Some((at, (*count)?))).collect();
        let least = counts.iter().map(|&(_, count)| count).min();
        counts.iter().filter(|&&(_, count)| Some(count) == least).map(|&(at, _)| at).collect()
    }

    /// The sentences that close a sweep, from the demand faults of each point over all its
    /// repetitions.
    pub fn verdict(&self, faults: &[u128], repetitions: u64) -> String {
        if self.names.len() < 2 {
            return self.of_one(faults, repetitions);
        }
        let (mut sums, mut wins) = (vec![None; self.names.len()], vec![0_u64; self.names.len()]);
        let (mut cells, mut ties) = (0, false);
        for cell in self.cells() {
            let counts: Vec<Option<u128>> =
                cell.iter().map(|point| point.map(|point| faults[point as usize])).collect();
            let best = self.best(&counts);
            ties |= best.len() > 1;
            for at in best {
                wins[at] += 1;
            }
            for (sum, count) in sums.iter_mut().zip(counts) {
                *sum = count.map(|count| sum.unwrap_or(0) + count).or(*sum);
            }
            cells += 1;
        }
        let best = self.best(&sums);
        let Some(&first) = best.first() else {
            return "No policy is ranked: the policies that do not know the future have no points \
                    in common."
                .to_owned();
        };
        let least = sums[first].expect("the best has a sum");
        let names: Vec<&str> = best.iter().map(|&at| self.names[at].as_str()).collect();
        let runs = cells * repetitions;
        let mut text = fewest(&names, "demand fault") + &on_average(least, runs);
        let baseline = self.baseline();
        let against = sums[baseline].filter(|_| self.is_ranked[baseline]);
        let against = against.and_then(|sum| difference(least, sum, &self.names[baseline]));
        text.extend(against.map(|difference| format!(", {difference}")));
        text += ".";
        if cells > 1 {
            text += &self.where_best(&wins, cells, ties);
        }
        let ranked = self.names.iter().zip(&self.is_ranked);
        let not_ranked = ranked.filter(|(_, is_ranked)| !**is_ranked);
        let not_ranked: Vec<&str> = not_ranked.map(|(name, _)| name.as_str()).collect();
        text + &foresight(&not_ranked)
    }

    /// The policy that the others are compared with.
    fn baseline(&self) -> usize {
        let Some(grid) = self.with_baseline() else { return 0 };
        let mut points = (0..grid.points()).filter_map(|point| grid.baseline_of(point));
        let is_compared = self.dimension.is_some_and(|at| grid.compared().contains(&at));
        points.next().filter(|_| is_compared).map_or(0, |point| self.of(point))
    }

    /// A sentence such as "Of the 6 values of host.memory, the best are last-n at 4 and static at
    /// 2."
    fn where_best(&self, wins: &[u64], cells: u64, ties: bool) -> String {
        let dimensions = self.others();
        let names: Vec<String> =
            dimensions.iter().map(|&at| self.grid.dimensions()[at].name()).collect();
        let names: Vec<&str> = names.iter().map(String::as_str).collect();
        let mut order: Vec<usize> = (0..wins.len()).filter(|&at| wins[at] > 0).collect();
        order.sort_by_key(|&at| (std::cmp::Reverse(wins[at]), at));
        let told: Vec<String> =
            order.iter().map(|&at| format!("{} at {}", self.names[at], wins[at])).collect();
        let told: Vec<&str> = told.iter().map(String::as_str).collect();
        let ties = if ties { "; ties count for each" } else { "" };
        let noun = if names.len() == 1 { "value" } else { "combination" };
        let (cells, names) = (counted(cells, noun), and(&names));
        let verb = if told.len() == 1 { "is" } else { "are" };
        format!("\nOf the {cells} of {names}, the best {verb} {}{ties}.", and(&told))
    }

    /// The sentence of a sweep of one policy: where it has the fewest demand faults, and where the
    /// most.
    fn of_one(&self, faults: &[u128], repetitions: u64) -> String {
        let runs = self.grid.points() * repetitions;
        let mean = on_average(faults.iter().sum(), runs);
        let mut text = format!("{}'s demand faults{mean}", self.names[0]);
        let points = || faults.iter().enumerate();
        let least = points().min_by_key(|(_, count)| **count);
        let most = points().rev().max_by_key(|(_, count)| **count);
        if let (Some((least, few)), Some((most, many))) = (least, most)
            && few < many
        {
            let told = |at: usize, count: &u128| {
                let mean = rounded(Millionths::ratio_or_zero(*count, u128::from(repetitions)));
                format!("{mean}, at {}", self.grid.name(at as u64))
            };
            let (few, many) = (told(least, few), told(most, many));
            let _ = write!(text, "; the fewest, {few}; the most, {many}");
        }
        text + "."
    }
}

/// The end of a sentence, such as ": 1,234.5 per run on average over 60 runs".
fn on_average(faults: u128, runs: u64) -> String {
    let mean = rounded(Millionths::ratio_or_zero(faults, u128::from(runs)));
    format!(": {mean} per run on average over {}", counted(runs, "run"))
}
