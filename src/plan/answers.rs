//! What the needs of all mixes say together.

use super::order::{median_interval, quantile, rank_of_bound};
use super::{Need, Question, Trial};
use crate::number::Millionths;
use crate::scenario::Scenario;
use crate::units::Decimal;

/// The needs of all policies: for each mix, one of each policy of the question.
#[derive(Clone, Copy, Debug)]
pub struct Answers<'a> {
    /// What was asked.
    pub question: &'a Question,
    /// The confidence of bounds and intervals.
    pub confidence: Decimal,
    /// Whether mixes differ.
    pub is_drawn: bool,
    /// The scenario itself, for names and sizes.
    pub scenario: &'a Scenario,
    /// The pages that the VMs of each mix touch, without copies.
    pub pages: &'a [u64],
    /// The needs.
    pub needs: &'a [Vec<Need>],
}

impl Answers<'_> {
    /// The needs of a policy, mix by mix.
    pub fn of(&self, policy: usize) -> impl DoubleEndedIterator<Item = &Need> {
        self.needs.iter().map(move |needs| &needs[policy])
    }

    /// The amounts from the least demanding mix to the most demanding one; a limit that no memory
    /// keeps is last, as `u64::MAX`.
    fn ranked(&self, policy: usize) -> Vec<u64> {
        let mut ranked: Vec<u64> =
            self.of(policy).map(|need| need.amount.unwrap_or(u64::MAX)).collect();
        ranked.sort_unstable();
        if !self.question.quantity.is_least() {
            ranked.reverse();
        }
        ranked
    }

    /// The amount with which another mix keeps the limit, at the confidence; `None` if there are
    /// too few mixes, or if no amount is enough. Where nothing is drawn, a mix is its own answer.
    pub fn bound(&self, policy: usize) -> Option<u64> {
        let ranked = self.ranked(policy);
        let rank =
            if self.is_drawn { rank_of_bound(ranked.len() as u64, self.confidence)? } else { 1 };
        finite(ranked[rank as usize - 1])
    }

    /// The bounds of all policies.
    pub fn bounds(&self) -> Vec<Option<u64>> {
        (0..self.question.policies.len()).map(|at| self.bound(at)).collect()
    }

    /// The policy with the best bound, the first of several, and that bound.
    pub fn best(&self) -> Option<(usize, u64)> {
        let is_least = self.question.quantity.is_least();
        let bounds = (0..self.question.policies.len()).filter_map(|at| Some((at, self.bound(at)?)));
        bounds.min_by_key(|&(_, bound)| if is_least { bound } else { u64::MAX - bound })
    }

    /// The median of the amounts, the easier of two; `None` if no memory is enough.
    pub fn median(&self, policy: usize) -> Option<u64> {
        let ranked = self.ranked(policy);
        finite(ranked[(ranked.len() - 1) / 2])
    }

    /// An interval of the median at the confidence; an end is `None` if no memory is enough.
    pub fn median_interval(&self, policy: usize) -> Option<[Option<u64>; 2]> {
        let mut ascending = self.ranked(policy);
        ascending.sort_unstable();
        let (low, high) = median_interval(&ascending, self.confidence)?;
        Some([finite(low), finite(high)])
    }

    /// The mixes whose limit no amount keeps.
    pub fn never(&self, policy: usize) -> u64 {
        self.of(policy).filter(|need| need.amount.is_none()).count() as u64
    }

    /// The mixes in which a harder amount kept the limit although an easier one did not.
    pub fn split(&self, policy: usize) -> u64 {
        self.of(policy).filter(|need| need.is_split).count() as u64
    }

    /// The mix that decides the bound: the first whose own need it is.
    pub fn deciding(&self, policy: usize) -> Option<usize> {
        let bound = self.bound(policy)?;
        self.of(policy).position(|need| need.amount == Some(bound))
    }

    /// Whether a bound is only the largest amount that was tried.
    pub fn is_cut_off(&self, bound: u64) -> bool {
        !self.question.quantity.is_least() && Some(&bound) == self.question.amounts.last()
    }

    /// The median of the pages that the VMs of a mix touch, without copies.
    pub fn pages(&self) -> u64 {
        let mut pages = self.pages.to_vec();
        pages.sort_unstable();
        pages[(pages.len() - 1) / 2]
    }

    /// What the VMs of the median mix touch with this amount, divided by the host's memory.
    pub fn overcommit(&self, amount: u64) -> Option<Millionths> {
        let quantity = &self.question.quantity;
        let pages = u128::from(self.pages()) * u128::from(quantity.copies(amount));
        let memory = quantity.memory(amount, self.scenario.host.memory);
        Millionths::ratio(pages, u128::from(memory.0))
    }

    /// The VM that breaks the limit first in the most mixes, in how many, and the end of its worst
    /// interval in the first of these; ties go to the first VM.
    pub fn first_to_break(&self, policy: usize) -> Option<(&str, u64, u64)> {
        let mut times = vec![(0, 0); self.scenario.vms.len()];
        for (vm, at) in self.of(policy).filter_map(|need| need.first) {
            let (count, first) = &mut times[vm.index()];
            if *count == 0 {
                *first = at.0;
            }
            *count += 1;
        }
        let most = times.iter().map(|&(count, _)| count).max().filter(|&count| count > 0)?;
        let at = times.iter().position(|&(count, _)| count == most)?;
        Some((&self.scenario.vms[at].name, most, times[at].1))
    }

    /// What a policy does with each amount of the question, ascending.
    pub fn curve(&self, policy: usize) -> Vec<Point> {
        let amounts = self.question.amounts.iter().enumerate();
        let point = |(at, &amount)| Point::of(amount, self.of(policy).map(|need| need.curve[at]));
        amounts.map(point).collect()
    }

    /// The amount at the knee of the median curve of the worst VM's metric; `None` if the curve has
    /// no such point.
    pub fn knee(&self, policy: usize) -> Option<u64> {
        let curve = self.curve(policy);
        let median = |point: &Point| Some((point.amount, point.share(50)?.0));
        knee(&curve.iter().filter_map(median).collect::<Vec<_>>())
    }
}

/// What the mixes do with one amount.
#[derive(Clone, Debug)]
pub struct Point {
    /// The amount.
    pub amount: u64,
    /// The mixes.
    pub mixes: u64,
    /// The mixes that it is refused for.
    pub refused: u64,
    /// The mixes in which every VM keeps the limit.
    pub kept: u64,
    /// The metric of each mix's worst VM, ascending.
    values: Vec<Millionths>,
}

impl Point {
    /// The trials of all mixes with an amount.
    pub(super) fn of(amount: u64, trials: impl IntoIterator<Item = Option<Trial>>) -> Self {
        let mut point = Self { amount, mixes: 0, refused: 0, kept: 0, values: Vec::new() };
        for trial in trials {
            point.mixes += 1;
            point.refused += u64::from(trial.is_none());
            point.kept += u64::from(trial.is_some_and(|trial| trial.is_kept));
            point.values.extend(trial.and_then(|trial| trial.value));
        }
        point.values.sort_unstable();
        point
    }

    /// The metric of the worst VM that this share of the mixes do not exceed; `None` if no VM ran.
    pub fn share(&self, percent: usize) -> Option<Millionths> {
        quantile(&self.values, percent)
    }
}

fn finite(amount: u64) -> Option<u64> {
    Some(amount).filter(|&amount| amount < u64::MAX)
}

/// The knee of a convex curve, given by points from left to right: the point farthest below the
/// straight line from the first to the last, the first of several; `None` if none is below it. It
/// is the definition of V. Satopää, J. Albrecht, D. Irwin and B. Raghavan, "Finding a 'Kneedle' in
/// a Haystack", ICDCS Workshops 2011, for known points without smoothing: scaling both axes to the
/// unit square multiplies all distances by the same number. Of its local knees this is the largest.
fn knee(points: &[(u64, u128)]) -> Option<u64> {
    let (&(left, from), &(right, to)) = (points.first()?, points.last()?);
    let signed = |value: u128| i128::try_from(value).ok();
    let (from, to, width) = (signed(from)?, signed(to)?, i128::from(right - left));
    let mut best = (0, None);
    for &(at, value) in points {
        let line = from.checked_mul(width)? + (to - from).checked_mul(i128::from(at - left))?;
        let below = line - signed(value)?.checked_mul(width)?;
        if below > best.0 {
            best = (below, Some(at));
        }
    }
    best.1
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::random::{Generator, Stream};

    /// Kneedle's own formula in floating point: both axes from 0 to 1, and the largest difference
    /// between the diagonal and the curve.
    fn kneedle(points: &[(u64, u128)]) -> Option<u64> {
        let (first, last) = (points.first()?, points.last()?);
        let x = |at: u64| (at - first.0) as f64 / (last.0 - first.0) as f64;
        let (low, high) = (first.1.min(last.1) as f64, first.1.max(last.1) as f64);
        let y = |value: u128| (value as f64 - low) / (high - low);
        let falls = first.1 > last.1;
        let below = |&(at, value): &(u64, u128)| {
            let diagonal = if falls { 1.0 - x(at) } else { x(at) };
            diagonal - y(value)
        };
        let best = points.iter().map(below).fold(0.0_f64, f64::max);
        let is_best = |point: &&(u64, u128)| best - below(point) < 1e-9;
        points.iter().find(is_best).filter(|_| best > 1e-9).map(|point| point.0)
    }

    #[test]
    fn the_knee_is_kneedles() {
        // The paper's Figure 2 upside down, 5 - 1 / (x + 0.1) at ten points from 0 to 1: its knee
        // is at 0.22, the third.
        let figure = |at: u64| (at, 9_000_000_000 / u128::from(10 * at + 9));
        assert_eq!(knee(&(0..10).map(figure).collect::<Vec<_>>()), Some(2));
        let mut stream = Stream::new(Generator::ChaCha8, 5, 0, "knees");
        for _ in 0..500 {
            let mut at = 0;
            let mut value = 5_000_000;
            let mut points = Vec::new();
            for _ in 0..2 + stream.below(20) {
                at += 1 + stream.below(50);
                value -= value * u128::from(stream.below(60)) / 100;
                points.push((at, value));
            }
            if points[0].1 > points[points.len() - 1].1 {
                assert_eq!(knee(&points), kneedle(&points), "{points:?}");
                let rising: Vec<(u64, u128)> =
                    points.iter().rev().map(|&(x, y)| (at + 1 - x, y)).collect();
                assert_eq!(knee(&rising), kneedle(&rising), "{rising:?}");
            }
        }
        assert_eq!(knee(&[]), None);
        assert_eq!(knee(&[(3, 5)]), None);
        assert_eq!(knee(&[(1, 30), (2, 20), (3, 10)]), None, "a straight line has none");
        assert_eq!(knee(&[(1, 30), (2, 29), (3, 10)]), None, "it bulges upwards");
        assert_eq!(knee(&[(1, 30), (2, 12), (3, 10)]), Some(2));
    }
}
