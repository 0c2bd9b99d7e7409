//! The report, reproduced: its three files, its strategies, and its figures compared with ours.
//!
//! H. Wu, S. Wu and W. Zhang, "Simulation of memory management in virtual machines", COEN 283
//! report, 2011. The input files are compiled in, and the published figures are the constants of
//! [`published`]. This module reads no file and prints nothing.
//!
//! The report counts *replacement misses*. Its conclusion reverses if demand faults are counted, so
//! both counts are given, with the bounds and the results of other random draws.

mod inputs;
mod lists;
pub mod published;
mod verdict;

use std::collections::BTreeMap;

use rayon::prelude::*;

pub use inputs::input;
pub use lists::{Lists, ROUND, lists};
pub use published::{Published, REPORT};
pub use verdict::{Equality, Verdict, Verdicts};

use crate::balance::{self, PolicyKind};
use crate::bound::{self, Bound};
use crate::random::Generator;
use crate::replace::Counts;
use crate::scenario::Scenario;
use crate::simulate::simulate;
use crate::units::{Frames, Ticks};
use crate::watch::NullWatcher;

/// Strategy 3's draws are repeated with the seeds from 1 to this one.
pub const SEEDS: u64 = 2000;

/// The report's input files.
pub const TESTS: [&str; 3] = ["test1", "test2", "test3"];

/// One of the report's strategies: a policy and its checkpoint interval.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Strategy {
    /// The policy's name.
    pub policy: &'static str,
    /// The ticks between two checkpoints: the report's n, 1 for the other strategies.
    pub every: u64,
}

impl Strategy {
    /// Strategy 1.
    pub const STATIC: Self = Self { policy: "static", every: 1 };
    /// Strategy 3, with glibc's draws.
    pub(crate) const PROPORTIONAL: Self = Self { policy: "proportional", every: 1 };
    /// The three that Table 1 and Figures 4 to 6 compare.
    pub const COMPARED: [Self; 3] = [Self::STATIC, Self::last_n(1), Self::PROPORTIONAL];

    /// Strategy 2 on the last n accesses.
    pub(crate) const fn last_n(n: u64) -> Self {
        Self { policy: "last-n", every: n }
    }

    /// All twelve: static, last-n with n = 1 to 10, proportional.
    pub fn all() -> impl Iterator<Item = Self> {
        let last_n = (1..=10).map(Self::last_n);
        std::iter::once(Self::STATIC).chain(last_n).chain([Self::PROPORTIONAL])
    }

    /// The policy.
    pub(crate) fn kind(self) -> &'static PolicyKind {
        let kind = balance::ALL.iter().find(|kind| kind.name == self.policy);
        kind.expect("the report's policies are in the list")
    }
}

/// One file under one strategy.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Replay {
    /// The file, one of [`TESTS`].
    pub test: &'static str,
    /// The strategy.
    pub strategy: Strategy,
    /// The counts of each VM.
    pub vms: Vec<Counts>,
    /// The number of frames that the policy moved.
    pub moved: Frames,
}

impl Replay {
    /// All VMs together.
    pub fn all(&self) -> Counts {
        sum(&self.vms)
    }
}

/// The place of a figure in the report.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Place {
    /// In Table 1 or the sentence beside it.
    Table1,
    /// In Table 2.
    Table2,
    /// Drawn as the bars of Figure 4, 5 or 6.
    Bar(u8),
    /// Not in the report: demand faults and bounds.
    Demand,
}

impl Place {
    /// Whether the report printed the figure. Other figures are compared with reference values, on
    /// which two independent models and the report's own program agree.
    pub(crate) fn is_published(self) -> bool {
        matches!(self, Self::Table1 | Self::Table2)
    }
}

/// What a figure counts, and in which unit.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Metric {
    /// Replacement misses per access, in thousandths, rounded half up.
    ReplacementRatio,
    /// The decrease of that rounded ratio from static's, in hundredths of a percent.
    Decrease,
    /// Replacement misses.
    ReplacementMisses,
    /// Demand faults.
    DemandFaults,
}

impl Metric {
    /// The name in results.
    pub(crate) fn name(self) -> &'static str {
        match self {
            Self::ReplacementRatio => "replacement_ratio",
            Self::Decrease => "decrease_percent",
            Self::ReplacementMisses => "replacement_misses",
            Self::DemandFaults => "demand_faults",
        }
    }

    /// The number of a value's digits after the decimal point.
    pub(crate) fn places(self) -> u32 {
        match self {
            Self::ReplacementRatio => 3,
            Self::Decrease => 2,
            Self::ReplacementMisses | Self::DemandFaults => 0,
        }
    }
}

/// One number that is compared.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Figure {
    /// Its place in the report.
    pub place: Place,
    /// The file, or "all".
    pub test: &'static str,
    /// The policy or the bound.
    pub policy: &'static str,
    /// The ticks between two checkpoints; 0 for a bound.
    pub every: u64,
    /// The VM, or `None` for all together.
    pub vm: Option<usize>,
    /// What it counts.
    pub metric: Metric,
    /// The published number or the reference value.
    pub published: u64,
    /// Our number.
    pub ours: u64,
}

impl Figure {
    /// Whether our number is the published one.
    pub(crate) fn agrees(&self) -> bool {
        self.published == self.ours
    }
}

/// Strategy 3 over many seeds of the unbiased generator.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Draws {
    /// For each total of replacement misses over the three files, the number of seeds that gave it.
    pub replacement_misses: BTreeMap<u64, u64>,
    /// For each total of demand faults, the number of seeds that gave it.
    pub demand_faults: BTreeMap<u64, u64>,
}

/// Everything that `reproduce` shows.
#[derive(Clone, Debug)]
pub struct Reproduction {
    /// Every file under every strategy: files outermost, strategies as [`Strategy::all`] has them.
    pub replays: Vec<Replay>,
    /// The bounds over the three files, in the order of [`bound::all`]; without their notes.
    pub bounds: Vec<Bound>,
    /// Every number that is compared, in the order of the places.
    pub figures: Vec<Figure>,
    /// The results of other draws.
    pub draws: Draws,
    /// What the runs say about the report's hypotheses.
    pub verdicts: Verdicts,
}

impl Reproduction {
    /// The figures that do not agree.
    pub fn differences(&self) -> impl Iterator<Item = &Figure> {
        self.figures.iter().filter(|figure| !figure.agrees())
    }

    /// The figures of one place.
    pub(crate) fn figures_at(&self, place: Place) -> impl Iterator<Item = &Figure> {
        self.figures.iter().filter(move |figure| figure.place == place)
    }

    /// A strategy's counts over the three files, and the frames that it moved.
    pub fn total(&self, strategy: Strategy) -> (Counts, Frames) {
        total(&self.replays, strategy)
    }
}

/// Replays the report and compares every figure with `published` ([`REPORT`], except in tests);
/// strategy 3 is repeated with the seeds 1 to `seeds`.
///
/// ```
/// use balloonist::reproduce::{REPORT, Strategy, reproduce};
/// let reproduction = reproduce(&REPORT, 1);
/// assert_eq!(reproduction.differences().count(), 0);
/// let (counts, _) = reproduction.total(Strategy::STATIC);
/// assert_eq!((counts.replacement_misses, counts.accesses), (34, 106));
/// ```
pub fn reproduce(published: &Published, seeds: u64) -> Reproduction {
    let scenarios = inputs::scenarios();
    let mut replays = Vec::new();
    for (test, scenario) in TESTS.into_iter().zip(&scenarios) {
        replays.extend(Strategy::all().map(|strategy| replay(test, scenario, strategy)));
    }
    let bounds = bounds(&scenarios);
    let figures = figures(published, &replays, &bounds);
    let draws = draws(&scenarios, seeds);
    let verdicts = verdict::verdicts(&replays);
    Reproduction { replays, bounds, figures, draws, verdicts }
}

/// The reason why no replay can fail.
const STRATEGIES_PLAN: &str = "a strategy of the report always has a plan";

fn replay(test: &'static str, scenario: &Scenario, strategy: Strategy) -> Replay {
    let mut scenario = scenario.clone();
    scenario.checkpoint_every = Ticks(strategy.every);
    let outcome = simulate(&scenario, strategy.kind(), &mut NullWatcher);
    let outcome = outcome.expect(STRATEGIES_PLAN);
    let vms = outcome.vms.iter().map(|account| account.counts).collect();
    Replay { test, strategy, vms, moved: outcome.all.granted }
}

/// The sums of the bounds over the files.
fn bounds(scenarios: &[Scenario; 3]) -> Vec<Bound> {
    let mut sums: Vec<Bound> = Vec::new();
    for bound in scenarios.iter().flat_map(bound::all) {
        match sums.iter_mut().find(|sum| sum.name == bound.name) {
            Some(sum) => {
                sum.demand_faults += bound.demand_faults;
                sum.capacity_faults += bound.capacity_faults;
            }
            None => sums.push(Bound { note: None, ..bound }),
        }
    }
    sums
}

/// Strategy 3 with the draws of each seed. The seeds are independent runs, made in parallel.
fn draws(scenarios: &[Scenario; 3], seeds: u64) -> Draws {
    let with_seed = |seed| {
        let mut counts = Counts::default();
        for scenario in scenarios {
            let scenario = Scenario { random: Generator::ChaCha8, seed, ..scenario.clone() };
            let outcome = simulate(&scenario, Strategy::PROPORTIONAL.kind(), &mut NullWatcher);
            counts.add(outcome.expect(STRATEGIES_PLAN).all.counts);
        }
        counts
    };
    let totals: Vec<Counts> = (1..=seeds).into_par_iter().map(with_seed).collect();
    let mut draws = Draws::default();
    for counts in totals {
        *draws.replacement_misses.entry(counts.replacement_misses).or_default() += 1;
        *draws.demand_faults.entry(counts.demand_faults).or_default() += 1;
    }
    draws
}

fn figures(published: &Published, replays: &[Replay], bounds: &[Bound]) -> Vec<Figure> {
    let mut figures = table1(published, replays);
    figures.extend(table2(published, replays));
    figures.extend(bars(published, replays));
    for (strategy, published) in Strategy::COMPARED.into_iter().zip(published.demand_faults) {
        let ours = total(replays, strategy).0.demand_faults;
        figures.push(over_files(Place::Demand, strategy, Metric::DemandFaults, published, ours));
    }
    for (name, published) in published.bounds {
        let bound = bounds.iter().find(|bound| bound.name == name);
        let ours = bound.expect("the bound is in the list").demand_faults;
        let strategy = Strategy { policy: name, every: 0 };
        figures.push(over_files(Place::Demand, strategy, Metric::DemandFaults, published, ours));
    }
    figures
}

fn table1(published: &Published, replays: &[Replay]) -> Vec<Figure> {
    let ratios = Strategy::COMPARED.map(|strategy| {
        let (counts, _) = total(replays, strategy);
        rounded(counts.replacement_misses, 1000, counts.accesses)
    });
    let mut figures = Vec::new();
    for (at, strategy) in Strategy::COMPARED.into_iter().enumerate() {
        let mut push = |metric, published, ours| {
            figures.push(over_files(Place::Table1, strategy, metric, published, ours));
        };
        push(Metric::ReplacementRatio, published.table1_ratios[at], ratios[at]);
        if at > 0 {
            // The report must have computed its percentages from the rounded ratios.
            let ours = rounded(ratios[0] - ratios[at].min(ratios[0]), 10_000, ratios[0]);
            push(Metric::Decrease, published.table1_decreases[at - 1], ours);
        }
    }
    figures
}

fn table2(published: &Published, replays: &[Replay]) -> Vec<Figure> {
    let mut figures = Vec::new();
    for n in 1..=10 {
        let strategy = Strategy::last_n(n);
        let replay = find(replays, TESTS[0], strategy);
        for (vm, counts) in replay.vms.iter().enumerate() {
            let published = published.table2[vm][n as usize - 1];
            figures.push(of_vm(Place::Table2, replay, vm, published, counts));
        }
    }
    figures
}

fn bars(published: &Published, replays: &[Replay]) -> Vec<Figure> {
    let mut figures = Vec::new();
    for (at, test) in TESTS.into_iter().enumerate() {
        let place = Place::Bar(4 + at as u8);
        for (strategy, bars) in Strategy::COMPARED.into_iter().zip(published.bars[at]) {
            let replay = find(replays, test, strategy);
            for (vm, (counts, &published)) in replay.vms.iter().zip(bars).enumerate() {
                figures.push(of_vm(place, replay, vm, published, counts));
            }
        }
    }
    figures
}

fn over_files(
    place: Place,
    strategy: Strategy,
    metric: Metric,
    published: u64,
    ours: u64,
) -> Figure {
    let Strategy { policy, every } = strategy;
    Figure { place, test: "all", policy, every, vm: None, metric, published, ours }
}

fn of_vm(place: Place, replay: &Replay, vm: usize, published: u64, counts: &Counts) -> Figure {
    let Replay { test, strategy: Strategy { policy, every }, .. } = *replay;
    let (metric, ours) = (Metric::ReplacementMisses, counts.replacement_misses);
    Figure { place, test, policy, every, vm: Some(vm), metric, published, ours }
}

/// The replay of a file under a strategy.
fn find<'r>(replays: &'r [Replay], test: &str, strategy: Strategy) -> &'r Replay {
    let found = replays.iter().find(|replay| replay.test == test && replay.strategy == strategy);
    found.expect("every file was replayed under every strategy")
}

fn total(replays: &[Replay], strategy: Strategy) -> (Counts, Frames) {
    let mut counts = Counts::default();
    let mut moved = Frames(0);
    for replay in replays.iter().filter(|replay| replay.strategy == strategy) {
        counts.add(replay.all());
        moved += replay.moved;
    }
    (counts, moved)
}

fn sum(vms: &[Counts]) -> Counts {
    let mut all = Counts::default();
    for counts in vms {
        all.add(*counts);
    }
    all
}

/// `part · scale / whole`, rounded half up.
pub(crate) fn rounded(part: u64, scale: u64, whole: u64) -> u64 {
    (2 * part * scale + whole) / (2 * whole)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_figure_of_the_report_is_met() {
        let reproduction = reproduce(&REPORT, 1);
        assert_eq!(reproduction.differences().collect::<Vec<_>>(), Vec::<&Figure>::new());
        assert_eq!(reproduction.figures.len(), 5 + 40 + 12 + 6 + 9 + 6);
    }

    #[test]
    fn a_figure_that_differs_is_found_wherever_it_stands() {
        let tampered: [(Published, Place); 5] = [
            (Published { table1_ratios: [321, 236, 199], ..REPORT }, Place::Table1),
            (Published { table1_decreases: [2647, 3832], ..REPORT }, Place::Table1),
            (Published { table2: [[0; 10]; 4], ..REPORT }, Place::Table2),
            (Published { demand_faults: [75, 83, 83], ..REPORT }, Place::Demand),
            (
                Published { bounds: [("cold", 72), ("min", 71), ("global-lru", 74)], ..REPORT },
                Place::Demand,
            ),
        ];
        for (published, place) in tampered {
            let reproduction = reproduce(&published, 1);
            assert!(reproduction.differences().count() > 0, "{place:?}");
            assert!(reproduction.differences().all(|figure| figure.place == place), "{place:?}");
        }
        let mut published = REPORT;
        published.bars[2][0] = &[2, 3, 9];
        let reproduction = reproduce(&published, 1);
        let found: Vec<_> = reproduction.differences().collect();
        assert_eq!((found.len(), found[0].place, found[0].vm), (1, Place::Bar(6), Some(2)));
    }

    #[test]
    fn a_ratio_is_rounded_half_up() {
        assert_eq!(rounded(34, 1000, 106), 321);
        assert_eq!(rounded(1, 10, 20), 1, "one half becomes one");
        assert_eq!(rounded(9, 10, 200), 0);
    }
}
