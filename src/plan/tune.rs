//! The search for the settings under which an objective is smallest, and what they are worth where
//! they were not chosen.
//!
//! A *case* is a mix of one of the scenarios; each run of it is cut into *windows* of equally many
//! accesses. A search draws a Latin hypercube of settings and keeps the better half of them while
//! it doubles the cases that they run on (successive halving: K. Jamieson and A. Talwalkar, AISTATS
//! 2016). The next round does so in a quarter of each range around the best. What the search
//! reports is the value that its choice has in folds that it did not see (M. Stone, Journal of the
//! Royal Statistical Society B 36(2), 1974): windows, mixes and scenarios are left out in turn, and
//! the whole search is made again without them.

use std::collections::{BTreeMap, BTreeSet};

use rayon::prelude::*;

use super::knobs::{Knob, Place, Region};
use super::objective::Objective;
use super::{Failure, Mixes};
use crate::account::{Account, Outcome};
use crate::balance::PolicyKind;
use crate::number::Millionths;
use crate::random::{Generator, Stream};
use crate::scenario::{Diagnostics, Scenario};
use crate::simulate::simulate;
use crate::watch::{Checkpoint, NullWatcher, Watcher};

/// What is searched, and how thoroughly.
#[derive(Debug)]
pub struct Search<'a> {
    /// The scenarios, under the policy that is tuned.
    pub scenarios: &'a [Mixes],
    /// How many mixes of each.
    pub mixes: u64,
    /// The policy.
    pub policy: &'static PolicyKind,
    /// The knobs.
    pub knobs: Vec<Knob>,
    /// What is made small.
    pub objective: Objective,
    /// The settings that a round draws.
    pub settings: usize,
    /// The rounds.
    pub rounds: u64,
    /// The parts of a run that are left out in turn; fewer if a run has fewer checkpoints.
    pub windows: usize,
    /// The seed of the settings drawn.
    pub seed: u64,
}

/// What a search found.
#[derive(Clone, Debug)]
pub struct Tuned {
    /// The present value of each knob; `None` if it is no parameter of the policy.
    pub now: Vec<Option<String>>,
    /// The best value of each knob; `None` if nothing is better than the present ones.
    pub best: Option<Vec<String>>,
    /// The best settings where they were chosen.
    pub seen: Score,
    /// What the search's choices are worth where they were not chosen.
    pub held_out: Vec<HeldOut>,
    /// The different settings that ran, without the present ones.
    pub tried: usize,
    /// Those that a check refused, and why the first of them.
    pub refused: (usize, Option<Box<Diagnostics>>),
}

/// What was left out in turn, and what the choices made without it are worth there.
#[derive(Clone, Debug)]
pub struct HeldOut {
    /// "windows", "mixes" or "scenarios".
    pub what: &'static str,
    /// The folds.
    pub folds: usize,
    /// The folds in which the choice is better than the present settings.
    pub better: usize,
    /// The sum over the folds.
    pub score: Score,
}

impl HeldOut {
    /// Whether the choices are no better there than the present settings.
    pub fn is_no_better(&self) -> bool {
        self.score.ratio >= ONE
    }
}

/// An objective under some settings and under the present ones.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Score {
    /// The value, and that of the present settings; `None` for several scenarios, whose values
    /// are of different sizes.
    pub values: Option<[Millionths; 2]>,
    /// The mean over the scenarios of the value divided by that of the present settings.
    pub ratio: Millionths,
}

impl Tuned {
    /// Whether the best settings are better only where they were chosen: what was left out in some
    /// way is not better for it.
    pub fn is_over_fitted(&self) -> bool {
        self.best.is_some() && self.held_out.iter().any(HeldOut::is_no_better)
    }
}

const ONE: Millionths = Millionths(Millionths::ONE);

/// The most folds of mixes.
const FOLDS: u64 = 4;

/// The number of the present settings among those that ran.
const NOW: usize = 0;

impl Search<'_> {
    /// Searches; `done` is called after each search, of which there are at most
    /// [`searches`](Self::searches).
    ///
    /// # Errors
    /// If the present settings cannot be run or no others can, or a run fails.
    pub fn run(&self, done: impl Fn()) -> Result<Tuned, Failure> {
        let mut trials = Trials::new(self)?;
        let all = trials.all();
        let best = trials.search(&all)?;
        done();
        let mut held_out = Vec::new();
        for (what, folds) in trials.folds() {
            let (mut better, mut sums) = (0, Sums::new(self.scenarios.len()));
            for (train, test) in &folds {
                let choice = trials.search(train)?;
                done();
                trials.run(&[choice], &test.cases)?;
                // What cannot run there would not be used there.
                let fold = trials.sums(choice, test).or_else(|| trials.sums(NOW, test));
                let fold = fold.expect("the present settings ran");
                better += usize::from(fold.ratio() < FINE);
                sums.add(&fold);
            }
            held_out.push(HeldOut { what, folds: folds.len(), better, score: sums.score() });
        }
        let seen = trials.sums(best, &all).expect("the best settings ran").score();
        trials.told(best, seen, held_out)
    }

    /// The most searches that a run makes.
    pub fn searches(&self) -> u64 {
        let several = |count: u64| if count > 1 { count } else { 0 };
        let scenarios = self.scenarios.len() as u64;
        1 + several(self.windows as u64) + several(self.mixes.min(FOLDS)) + several(scenarios)
    }
}

/// A mix of a scenario.
struct Case {
    scenario: usize,
    mix: u64,
    /// The accesses of all VMs before each window but the first.
    bounds: Vec<u64>,
}

/// The cases and windows that a search sees, or that are left out.
struct Part {
    cases: Vec<usize>,
    windows: Vec<usize>,
}

/// Settings, and what they are worth in each case where they ran.
struct Setting {
    /// The values of the knobs; none for the present settings.
    values: Vec<String>,
    places: Option<Vec<Place>>,
    trials: Vec<Option<Trial>>,
}

/// The objective in each window; `None` if a check refuses the settings.
type Trial = Option<Vec<u128>>;

/// All that ran.
struct Trials<'a> {
    search: &'a Search<'a>,
    cases: Vec<Case>,
    windows: usize,
    settings: Vec<Setting>,
    numbers: BTreeMap<Vec<String>, usize>,
    now: Vec<Option<String>>,
    refusal: Option<Box<Diagnostics>>,
}

impl<'a> Trials<'a> {
    /// The present settings have run in all cases.
    fn new(search: &'a Search<'a>) -> Result<Self, Failure> {
        // A search begins with few cases; they are of all scenarios.
        let scenarios = 0..search.scenarios.len();
        let case = |mix, scenario| Case { scenario, mix, bounds: Vec::new() };
        let of_mix = |mix| scenarios.clone().map(move |scenario| case(mix, scenario));
        let mut cases: Vec<Case> = (0..search.mixes).flat_map(of_mix).collect();
        let outcomes = cases.par_iter().map(|case| case.outcome(search, &[], &mut NullWatcher));
        let outcomes = outcomes.collect::<Result<Vec<_>, Failure>>()?;
        let fewest = outcomes.iter().map(|outcome| outcome.checkpoints).min().unwrap_or(1).max(1);
        let windows = search.windows.min(usize::try_from(fewest).unwrap_or(usize::MAX));
        for (case, outcome) in cases.iter_mut().zip(outcomes) {
            let Account { counts, warm_up_accesses, .. } = outcome.all;
            let bound = |window| {
                let before = u128::from(counts.accesses) * window as u128 / windows as u128;
                warm_up_accesses + before as u64
            };
            case.bounds = (1..windows).map(bound).collect();
        }
        let scenario = search.scenarios[0].scenario(0).map_err(Failure::Refused)?;
        let present = scenario.settings_of(search.policy);
        let now = search.knobs.iter().map(|knob| knob.in_settings(&present)).collect();
        let places = search.knobs.iter().map(|knob| knob.place_in(&present)).collect();
        let (settings, numbers) = (Vec::new(), BTreeMap::new());
        let mut trials = Self { search, cases, windows, settings, numbers, now, refusal: None };
        trials.enter(Vec::new(), places);
        let all = trials.all();
        trials.run(&[NOW], &all.cases)?;
        Ok(trials)
    }

    fn all(&self) -> Part {
        Part { cases: (0..self.cases.len()).collect(), windows: (0..self.windows).collect() }
    }

    /// The number of settings with these values.
    fn enter(&mut self, values: Vec<String>, places: Option<Vec<Place>>) -> usize {
        let next = self.settings.len();
        let number = *self.numbers.entry(values.clone()).or_insert(next);
        if number == next {
            let trials = self.cases.iter().map(|_| None).collect();
            self.settings.push(Setting { values, places, trials });
        }
        number
    }

    /// What is left out in turn: for each way, what a search sees and what it does not.
    fn folds(&self) -> Vec<(&'static str, Vec<(Part, Part)>)> {
        let Part { cases: all, windows } = self.all();
        let by_windows = |left: usize| {
            let (test, train) = windows.iter().partition(|&&window| window == left);
            let part = |windows| Part { cases: all.clone(), windows };
            (part(train), part(test))
        };
        let by_cases = |is_left: &dyn Fn(&Case) -> bool| {
            let (test, train) = all.iter().partition(|&&case| is_left(&self.cases[case]));
            let part = |cases| Part { cases, windows: windows.clone() };
            (part(train), part(test))
        };
        let mixes = self.search.mixes.min(FOLDS);
        let mut folds = vec![
            ("windows", (0..self.windows).map(by_windows).collect::<Vec<_>>()),
            ("mixes", (0..mixes).map(|left| by_cases(&|case| case.mix % mixes == left)).collect()),
        ];
        let scenarios = 0..self.search.scenarios.len();
        let by_scenario = |left| by_cases(&|case| case.scenario == left);
        folds.push(("scenarios", scenarios.map(by_scenario).collect()));
        folds.retain(|(_, folds)| folds.len() > 1);
        folds
    }

    /// The best settings for what is seen; the present ones unless others are better.
    fn search(&mut self, seen: &Part) -> Result<usize, Failure> {
        let mut best = NOW;
        let mut region = Region::whole(self.search.knobs.len());
        for round in 0..self.search.rounds {
            let stream = format!("tune/{round}");
            let mut stream = Stream::new(Generator::ChaCha8, self.search.seed, 0, &stream);
            let mut group = vec![best];
            for places in region.sample(self.search.settings, &mut stream) {
                let knobs = self.search.knobs.iter().zip(&places);
                let values = knobs.map(|(knob, &place)| knob.at(place)).collect();
                group.push(self.enter(values, Some(places)));
            }
            best = self.halve(group, seen)?;
            if let Some(places) = &self.settings[best].places {
                region = region.around(places);
            }
        }
        Ok(best)
    }

    /// The best of a group, whose first is never dropped: the worse half of the others is, and the
    /// rest runs on twice as many cases, until all have run.
    fn halve(&mut self, mut group: Vec<usize>, seen: &Part) -> Result<usize, Failure> {
        let mut distinct = BTreeSet::new();
        group.retain(|&setting| distinct.insert(setting));
        let all = seen.cases.len();
        let mut count = (all >> group.len().ilog2()).max(1);
        loop {
            let cases = seen.cases[..count].to_vec();
            self.run(&group, &cases)?;
            let part = Part { cases, windows: seen.windows.clone() };
            let first = group[0];
            let ratio = |&setting: &usize| Some((self.sums(setting, &part)?.ratio(), setting));
            let mut ranked: Vec<(u128, usize)> = group.iter().filter_map(ratio).collect();
            // Of equal ones the first that was drawn stays.
            ranked.sort_by_key(|&(ratio, setting)| (ratio, setting != first, setting));
            if count == all {
                return Ok(ranked.first().map_or(first, |&(_, setting)| setting));
            }
            let half = ranked.len().div_ceil(2);
            let better = ranked[..half].iter().map(|&(_, setting)| setting);
            group = std::iter::once(first).chain(better.filter(|&one| one != first)).collect();
            count = (2 * count).min(all);
        }
    }

    /// Runs the settings that have not run in these cases.
    fn run(&mut self, settings: &[usize], cases: &[usize]) -> Result<(), Failure> {
        let ran = cases.par_iter().map(|&case| {
            let missing = |&&setting: &&usize| self.settings[setting].trials[case].is_none();
            let missing: Vec<usize> = settings.iter().filter(missing).copied().collect();
            if missing.is_empty() {
                return Ok(Vec::new());
            }
            // Its accesses stay alive, so that no run generates them again.
            let held = self.cases[case].scenario(self.search, &[]).map_err(Failure::Refused)?;
            held.index();
            let one = |&setting: &usize| Ok((setting, case, self.trial(setting, case)?));
            missing.par_iter().map(one).collect::<Result<Vec<_>, Failure>>()
        });
        for ran in ran.collect::<Result<Vec<_>, Failure>>()? {
            for (setting, case, trial) in ran {
                let trial = trial.map_err(|wrong| {
                    self.refusal.get_or_insert(wrong);
                });
                self.settings[setting].trials[case] = Some(trial.ok());
            }
        }
        Ok(())
    }

    fn trial(
        &self,
        setting: usize,
        case: usize,
    ) -> Result<Result<Vec<u128>, Box<Diagnostics>>, Failure> {
        let values = &self.settings[setting].values;
        let case = &self.cases[case];
        let mut cuts = Cuts { bounds: &case.bounds, cuts: Vec::new() };
        match case.outcome(self.search, values, &mut cuts) {
            Ok(outcome) => Ok(Ok(cuts.values(&outcome.vms, &self.search.objective))),
            Err(Failure::Refused(wrong)) => Ok(Err(wrong)),
            Err(failure) => Err(failure),
        }
    }

    fn told(mut self, best: usize, seen: Score, held_out: Vec<HeldOut>) -> Result<Tuned, Failure> {
        let is_refused = |of: &&Setting| of.trials.iter().any(|trial| matches!(trial, Some(None)));
        let refused = self.settings.iter().filter(is_refused).count();
        let tried = self.settings.len() - 1;
        match self.refusal {
            Some(wrong) if refused == tried => Err(Failure::Refused(wrong)),
            why => Ok(Tuned {
                now: self.now,
                best: (best != NOW).then(|| std::mem::take(&mut self.settings[best].values)),
                seen,
                held_out,
                tried,
                refused: (refused, why),
            }),
        }
    }

    /// What settings are worth in a part, and the present ones; `None` where a check refuses them.
    fn sums(&self, setting: usize, part: &Part) -> Option<Sums> {
        let mut sums = Sums::new(self.search.scenarios.len());
        for &case in &part.cases {
            let trial = |setting: usize| self.settings[setting].trials[case].as_ref()?.as_ref();
            let [mine, now] = [trial(setting)?, trial(NOW)?];
            let [sum, sum_now] = &mut sums.0[self.cases[case].scenario];
            for &window in &part.windows {
                *sum = sum.saturating_add(mine[window]);
                *sum_now = sum_now.saturating_add(now[window]);
            }
        }
        Some(sums)
    }
}

impl Case {
    /// The scenario with these values of the knobs.
    fn scenario(
        &self,
        search: &Search<'_>,
        values: &[String],
    ) -> Result<Scenario, Box<Diagnostics>> {
        let settings = search.knobs.iter().zip(values);
        let settings = settings.map(|(knob, value)| format!("{}={value}", knob.path));
        search.scenarios[self.scenario].with(self.mix, settings)
    }

    fn outcome(
        &self,
        search: &Search<'_>,
        values: &[String],
        watcher: &mut dyn Watcher,
    ) -> Result<Outcome, Failure> {
        let scenario = self.scenario(search, values).map_err(Failure::Refused)?;
        simulate(&scenario, search.policy, watcher).map_err(Failure::Run)
    }
}

/// The accounts of all VMs at the ends of windows: at the first checkpoints after so many accesses.
struct Cuts<'a> {
    bounds: &'a [u64],
    cuts: Vec<Vec<Account>>,
}

impl Watcher for Cuts<'_> {
    fn checkpoint(&mut self, checkpoint: &Checkpoint<'_>) {
        let guests = checkpoint.guests;
        while let Some(&bound) = self.bounds.get(self.cuts.len())
            && guests.ids().map(|vm| guests.accesses(vm)).sum::<u64>() >= bound
        {
            self.cuts.push(guests.ids().map(|vm| guests.counted(vm)).collect());
        }
    }
}

impl Cuts<'_> {
    /// The objective in each window of a run that ended with these accounts.
    fn values(mut self, ended: &[Account], objective: &Objective) -> Vec<u128> {
        // Windows that the run did not reach are empty.
        self.cuts.resize_with(self.bounds.len() + 1, || ended.to_vec());
        let mut before = vec![Account::default(); ended.len()];
        let windows = self.cuts.into_iter().map(|cut| {
            let vms = cut.iter().zip(&before).map(|(cut, before)| cut.since(before));
            let vms: Vec<Account> = vms.collect();
            before = cut;
            objective.value(&vms).0
        });
        windows.collect()
    }
}

/// For each scenario, the objective in millionths, and that of the present settings.
struct Sums(Vec<[u128; 2]>);

/// The units of a ratio in comparisons.
const FINE: u128 = 1_000_000_000;

impl Sums {
    fn new(scenarios: usize) -> Self {
        Self(vec![[0; 2]; scenarios])
    }

    fn add(&mut self, other: &Self) {
        for (sum, other) in self.0.iter_mut().zip(&other.0) {
            *sum = [0, 1].map(|at| sum[at].saturating_add(other[at]));
        }
    }

    /// The mean ratio over the scenarios with a value, in units of 1 / [`FINE`]. Where the present
    /// value is 0, one more counts as all.
    fn ratio(&self) -> u128 {
        let used = self.0.iter().filter(|sum| **sum != [0; 2]);
        let ratios = used.map(|&[mine, now]| match now {
            0 => FINE + mine.saturating_mul(FINE) / Millionths::ONE,
            now => mine.saturating_mul(FINE) / now,
        });
        let (sum, count) =
            ratios.fold((0_u128, 0), |(sum, count), ratio| (sum.saturating_add(ratio), count + 1));
        sum.checked_div(count).unwrap_or(FINE)
    }

    fn score(&self) -> Score {
        let values = match self.0.as_slice() {
            [values] => Some(values.map(Millionths)),
            _ => None,
        };
        Score { values, ratio: Millionths(self.ratio() * Millionths::ONE / FINE) }
    }
}
