//! Planning: how much memory a random mix of VMs needs so that each of them keeps a limit.
//!
//! A mix is a repetition of a scenario: its starts, generated accesses and traces are drawn. All
//! policies and sizes see the same mixes. For each mix and policy the need is found in two steps:
//! the sizes of the [`Question`] from the largest down, and then by bisection between the largest
//! of them that fails and the next. It is exact where more memory never makes a VM worse, as under
//! `static` with LRU guests; elsewhere every size of the list above it was tried and is kept, and
//! [`Need::is_split`] says whether a smaller one was kept too.

pub mod knobs;
pub mod objective;
pub mod order;
pub mod tune;

use std::cmp::Ordering;

use crate::account::{Metric, Outcome};
use crate::balance::PolicyKind;
use crate::number::Millionths;
use crate::scenario::{Diagnostics, Document, Scenario, Traces};
use crate::simulate::{RunError, simulate};
use crate::units::{Decimal, Ticks, VmId};
use crate::watch::{Checkpoint, NullWatcher, Watcher};

/// What is asked of each mix.
#[derive(Debug)]
pub struct Question {
    /// What is limited.
    pub metric: &'static Metric,
    /// The most that any VM may have of it.
    pub at_most: Decimal,
    /// The sizes of the host's memory, in frames, at which every mix runs, ascending.
    pub sizes: Vec<u64>,
    /// The policies.
    pub policies: Vec<&'static PolicyKind>,
}

/// What a mix has of the metric at one size.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Trial {
    /// Whether every VM keeps the limit.
    pub is_kept: bool,
    /// The VM with the most of the metric; the first of several. A VM that never ran comes first.
    pub worst: VmId,
    /// What it has; `None` if it never ran.
    pub value: Option<Millionths>,
}

/// What a policy needs for one mix.
#[derive(Clone, Debug)]
pub struct Need {
    /// The frames from which on every VM keeps the limit; `None` if the limit is not kept even
    /// with [`DOUBLINGS`] times twice the largest size.
    pub frames: Option<u64>,
    /// Whether a size was kept although a larger one was not.
    pub is_split: bool,
    /// The trial at each size of the question; `None` where the scenario or the policy refuses it.
    pub curve: Vec<Option<Trial>>,
    /// The VM that breaks the limit with one frame less, and the end of its worst interval.
    pub first: Option<(VmId, Ticks)>,
}

/// How often the largest size is doubled before a limit counts as one that no memory keeps.
pub const DOUBLINGS: u32 = 3;

/// Why a mix has no answer.
#[derive(Debug)]
pub enum Failure {
    /// The scenario of a mix has errors at every size.
    Refused(Box<Diagnostics>),
    /// A run failed.
    Run(RunError),
}

/// The mixes of a scenario: its repetitions under one seed.
#[derive(Debug)]
pub struct Mixes {
    document: Document,
    traces: Traces,
    seed: u64,
    is_drawn: bool,
}

impl Mixes {
    /// The mixes of a checked document, whose trace files are in `traces`.
    ///
    /// # Errors
    /// What is wrong with it.
    pub fn new(
        document: Document,
        seed: u64,
        mut traces: Traces,
    ) -> Result<Self, Box<Diagnostics>> {
        let document = document.without_sweep();
        let is_drawn = document.check_undrawn(&mut traces)?.is_none();
        Ok(Self { document, traces, seed, is_drawn })
    }

    /// Whether anything is drawn, so that mixes differ.
    pub fn is_drawn(&self) -> bool {
        self.is_drawn
    }

    /// The checked scenario of a mix, at the scenario's own size.
    ///
    /// # Errors
    /// What is wrong with it.
    pub fn scenario(&self, mix: u64) -> Result<Scenario, Box<Diagnostics>> {
        let document = self.document.at(self.seed, mix);
        Ok(document.check_with(&mut self.traces.clone())?.scenario)
    }

    /// The checked scenario of a mix with these settings, each a path, `=` and a value.
    ///
    /// # Errors
    /// What is wrong with it; also if the scenario's policy cannot run it.
    pub(crate) fn with(
        &self,
        mix: u64,
        settings: impl Iterator<Item = String>,
    ) -> Result<Scenario, Box<Diagnostics>> {
        let mut document = self.document.at(self.seed, mix);
        for setting in settings {
            document.set(&setting);
        }
        Ok(document.check_with(&mut self.traces.clone())?.scenario)
    }

    /// The needs of every policy of the question for a mix.
    ///
    /// # Errors
    /// If no size can be run, or a run fails.
    pub fn needs(&self, mix: u64, question: &Question) -> Result<Vec<Need>, Failure> {
        // Its accesses stay alive, so that no trial generates them again.
        let held = self.scenario(mix).map_err(Failure::Refused)?;
        held.index();
        let needs = question.policies.iter().map(|&policy| {
            let document = self.document.at(self.seed, mix);
            Asked { document, traces: &self.traces, policy, question }.need()
        });
        needs.collect()
    }
}

/// One mix under one policy.
struct Asked<'a> {
    document: Document,
    traces: &'a Traces,
    policy: &'static PolicyKind,
    question: &'a Question,
}

impl Asked<'_> {
    fn need(&self) -> Result<Need, Failure> {
        let sizes = &self.question.sizes;
        let curve =
            sizes.iter().map(|&frames| self.trial(frames)).collect::<Result<Vec<_>, _>>()?;
        let is_kept = |at: usize| curve[at].is_some_and(|trial| trial.is_kept);
        let failing = (0..sizes.len()).rev().find(|&at| !is_kept(at));
        let is_split = failing.is_some_and(|failing| (0..failing).any(is_kept));
        let frames = match failing {
            Some(at) if at + 1 == sizes.len() => self.beyond(sizes[at])?,
            Some(at) => Some(self.between(sizes[at], sizes[at + 1])?),
            None => Some(self.between(0, sizes[0])?),
        };
        let first = match frames {
            Some(frames) if frames > 1 => self.first_to_break(frames - 1)?,
            _ => None,
        };
        Ok(Need { frames, is_split, curve, first })
    }

    /// The need beyond the largest size, which fails.
    fn beyond(&self, largest: u64) -> Result<Option<u64>, Failure> {
        let mut fails = largest;
        for doubling in 1..=DOUBLINGS {
            let frames = largest << doubling;
            if self.is_kept(frames)? {
                return self.between(fails, frames).map(Some);
            }
            fails = frames;
        }
        Ok(None)
    }

    /// The least size above one that fails (or 0) and up to one that is kept.
    fn between(&self, mut fails: u64, mut kept: u64) -> Result<u64, Failure> {
        while kept - fails > 1 {
            let middle = fails + (kept - fails) / 2;
            if self.is_kept(middle)? {
                kept = middle;
            } else {
                fails = middle;
            }
        }
        Ok(kept)
    }

    fn is_kept(&self, frames: u64) -> Result<bool, Failure> {
        Ok(self.trial(frames)?.is_some_and(|trial| trial.is_kept))
    }

    /// `None` if the scenario or the policy refuses the size, for example because the VMs' minima
    /// do not fit.
    fn trial(&self, frames: u64) -> Result<Option<Trial>, Failure> {
        let Some(scenario) = self.scenario(frames)? else { return Ok(None) };
        let outcome = simulate(&scenario, self.policy, &mut NullWatcher);
        Ok(Some(self.judge(&outcome.map_err(Failure::Run)?)))
    }

    fn scenario(&self, frames: u64) -> Result<Option<Scenario>, Failure> {
        let mut document = self.document.clone();
        document.set(&format!("host.memory={frames}"));
        match document.check_with(&mut self.traces.clone()) {
            Ok(checked) => Ok(Some(checked.scenario).filter(|of| of.fits(self.policy).is_ok())),
            // The largest size has room for everything, so what is wrong there is no lack of room.
            Err(wrong) if Some(&frames) == self.question.sizes.last() => {
                Err(Failure::Refused(wrong))
            }
            Err(_) => Ok(None),
        }
    }

    fn judge(&self, outcome: &Outcome) -> Trial {
        let Question { metric, at_most, .. } = self.question;
        let values = outcome.vms.iter().map(|account| {
            let ran = account.started.is_some();
            ran.then(|| metric.read(account).unwrap_or_default())
        });
        let ranked = values.enumerate().map(|(at, value)| (value, VmId(at as u32)));
        // A VM that never ran is the worst, and the first of several equal ones.
        let badness = |value: Option<Millionths>| (value.is_none(), value);
        let worst = ranked.reduce(|worst, one| match badness(one.0).cmp(&badness(worst.0)) {
            Ordering::Greater => one,
            Ordering::Less | Ordering::Equal => worst,
        });
        let (value, worst) = worst.expect("a scenario has a VM");
        let is_kept = value.is_some_and(|value| value.compare(*at_most).is_le());
        Trial { is_kept, worst, value }
    }

    /// The VM with the most of the metric at a size that fails, and the end of the interval in
    /// which it had the most demand faults.
    fn first_to_break(&self, frames: u64) -> Result<Option<(VmId, Ticks)>, Failure> {
        let Some(scenario) = self.scenario(frames)? else { return Ok(None) };
        let mut intervals = WorstIntervals(vec![(0, Ticks(0)); scenario.vms.len()]);
        let outcome = simulate(&scenario, self.policy, &mut intervals).map_err(Failure::Run)?;
        let worst = self.judge(&outcome).worst;
        Ok(Some((worst, intervals.0[worst.index()].1)))
    }
}

/// For each VM, the most demand faults of an interval, and when it ended.
struct WorstIntervals(Vec<(u64, Ticks)>);

impl Watcher for WorstIntervals {
    fn checkpoint(&mut self, checkpoint: &Checkpoint<'_>) {
        for vm in &checkpoint.view.vms {
            let worst = &mut self.0[vm.id.index()];
            if vm.interval.demand_faults > worst.0 {
                *worst = (vm.interval.demand_faults, checkpoint.view.at);
            }
        }
    }
}
