//! Planning: how much memory a random mix of VMs needs so that each of them keeps a limit, how
//! large a tier, or how many copies of it keep the limit on one host.
//!
//! A mix is a repetition of a scenario: its starts, generated accesses and traces are drawn. All
//! policies and amounts of the [`Quantity`] see the same mixes. For each mix and policy the need is
//! found in two steps: the amounts of the [`Question`] from the easiest to the hardest, and then by
//! bisection between the first of them that fails and the one before. It is exact where a harder
//! amount never makes a VM better, as less memory under `static` with LRU guests; elsewhere every
//! amount of the list that is easier was tried and is kept, and so is the answer for all mixes
//! ([`Mixes::confirm`]); [`Need::is_split`] says whether a harder one was kept too.

mod answers;
mod confirm;
pub mod knobs;
pub mod objective;
pub mod order;
mod quantity;
mod risk;
pub mod tune;

pub use answers::{Answers, Point};
pub use quantity::Quantity;
pub use risk::{Missed, Shortfall, Witness, Worst};

use std::cmp::Ordering;

use crate::account::{Metric, Outcome};
use crate::balance::PolicyKind;
use crate::number::Millionths;
use crate::scenario::{Diagnostics, Document, Scenario, Traces};
use crate::simulate::{RunError, simulate};
use crate::units::{Decimal, Ticks, VmId};
use crate::watch::NullWatcher;

use risk::WorstIntervals;

/// What is asked of each mix.
#[derive(Debug)]
pub struct Question {
    /// What is limited.
    pub metric: &'static Metric,
    /// The most that any VM may have of it.
    pub at_most: Decimal,
    /// What is varied until the limit is just kept.
    pub quantity: Quantity,
    /// The amounts of it at which every mix runs, ascending.
    pub amounts: Vec<u64>,
    /// The policies.
    pub policies: Vec<&'static PolicyKind>,
}

impl Question {
    /// The amounts from the easiest to the hardest.
    fn easiest_first(&self) -> Vec<u64> {
        let mut amounts = self.amounts.clone();
        if self.quantity.is_least() {
            amounts.reverse();
        }
        amounts
    }
}

/// What a mix has of the metric with one amount.
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
    /// The least memory or tier, or the most copies, with which every VM keeps the limit. `None` if
    /// it is not kept even with [`DOUBLINGS`] times twice the largest amount; 0 copies if a single
    /// one breaks it; the largest amount of the question if that many copies keep it.
    pub amount: Option<u64>,
    /// Whether an amount was kept although an easier one was not.
    pub is_split: bool,
    /// The trial with each amount of the question; `None` where the scenario or the policy refuses
    /// it.
    pub curve: Vec<Option<Trial>>,
    /// The VM that breaks the limit with the next harder amount, as the scenario names it without
    /// copies, and the end of its worst interval.
    pub first: Option<(VmId, Ticks)>,
}

/// How often the largest amount is doubled before a limit counts as one that no memory keeps.
pub const DOUBLINGS: u32 = 3;

/// Why a mix has no answer.
#[derive(Debug)]
pub enum Failure {
    /// The scenario of a mix has errors with every amount.
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

    /// Reads the trace files that the first mixes draw, so that no trial reads one.
    ///
    /// # Errors
    /// What is wrong with a mix.
    pub fn read_ahead(&mut self, mixes: u64) -> Result<(), Box<Diagnostics>> {
        (0..mixes).try_for_each(|mix| {
            let document = self.document.at(self.seed, mix);
            document.check_undrawn(&mut self.traces).map(drop)
        })
    }

    /// The traces that were read.
    pub fn traces(&self) -> &Traces {
        &self.traces
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
        self.with(mix, std::iter::empty())
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

    /// The checked scenario of the first mix with the largest amount that is not refused; that of
    /// the easiest amount, if all are.
    ///
    /// # Errors
    /// What is wrong with it.
    pub fn largest(&self, question: &Question) -> Result<Scenario, Box<Diagnostics>> {
        self.largest_of(0, question)
    }

    fn largest_of(&self, mix: u64, question: &Question) -> Result<Scenario, Box<Diagnostics>> {
        let document = self.document.at(self.seed, mix);
        let with = |amount: u64| {
            let document = question.quantity.set(&document, amount);
            document.check_with(&mut self.traces.clone())
        };
        let mut checked = question.amounts.iter().rev().map(|&amount| with(amount));
        let largest = checked.find_map(Result::ok);
        let checked = largest.map_or_else(|| with(question.easiest_first()[0]), Ok)?;
        Ok(checked.scenario)
    }

    /// The needs of every policy of the question for a mix.
    ///
    /// # Errors
    /// If no amount can be run, or a run fails.
    pub fn needs(&self, mix: u64, question: &Question) -> Result<Vec<Need>, Failure> {
        // Its accesses stay alive, so that no trial generates them again.
        let held = self.largest_of(mix, question).map_err(Failure::Refused)?;
        held.index();
        question.policies.iter().map(|&policy| self.asked(mix, question, policy).need()).collect()
    }

    fn asked<'a>(
        &'a self,
        mix: u64,
        question: &'a Question,
        policy: &'static PolicyKind,
    ) -> Asked<'a> {
        Asked { document: self.document.at(self.seed, mix), traces: &self.traces, policy, question }
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
        let quantity = &self.question.quantity;
        let order = self.question.easiest_first();
        let trials = order.iter().map(|&amount| self.trial(amount));
        let mut curve = trials.collect::<Result<Vec<_>, _>>()?;
        let is_kept = |at: usize| curve[at].is_some_and(|trial| trial.is_kept);
        let failing = (0..order.len()).find(|&at| !is_kept(at));
        let is_split = failing.is_some_and(|failing| (failing..order.len()).any(is_kept));
        let amount = match failing {
            Some(0) => self.easier(order[0])?,
            Some(at) => Some(self.between(order[at - 1], order[at])?),
            // Nothing runs without memory.
            None if *quantity == Quantity::Memory => Some(self.between(order[order.len() - 1], 0)?),
            None => order.last().copied(),
        };
        let first = self.first_beyond(amount)?;
        if quantity.is_least() {
            curve.reverse();
        }
        Ok(Need { amount, is_split, curve, first })
    }

    /// The need on the side of the easiest amount, which fails.
    fn easier(&self, easiest: u64) -> Result<Option<u64>, Failure> {
        if !self.question.quantity.is_least() {
            return Ok(Some(0));
        }
        let mut fails = easiest;
        for doubling in 1..=DOUBLINGS {
            let amount = easiest << doubling;
            if self.is_kept(amount)? {
                return self.between(amount, fails).map(Some);
            }
            fails = amount;
        }
        Ok(None)
    }

    /// The amount that is kept next to one that fails, between two such amounts.
    fn between(&self, mut kept: u64, mut fails: u64) -> Result<u64, Failure> {
        while kept.abs_diff(fails) > 1 {
            let middle = kept.midpoint(fails);
            if self.is_kept(middle)? {
                kept = middle;
            } else {
                fails = middle;
            }
        }
        Ok(kept)
    }

    fn is_kept(&self, amount: u64) -> Result<bool, Failure> {
        Ok(self.trial(amount)?.is_some_and(|trial| trial.is_kept))
    }

    /// `None` if the scenario or the policy refuses the amount, for example because the VMs' minima
    /// do not fit.
    fn trial(&self, amount: u64) -> Result<Option<Trial>, Failure> {
        let Some(scenario) = self.scenario(amount)? else { return Ok(None) };
        let outcome = simulate(&scenario, self.policy, &mut NullWatcher);
        Ok(Some(self.judge(&outcome.map_err(Failure::Run)?)))
    }

    fn scenario(&self, amount: u64) -> Result<Option<Scenario>, Failure> {
        let document = self.question.quantity.set(&self.document, amount);
        match document.check_with(&mut self.traces.clone()) {
            Ok(checked) => Ok(Some(checked.scenario).filter(|of| of.fits(self.policy).is_ok())),
            // With the easiest amount there is room for everything, so what is wrong there is no
            // lack of room.
            Err(wrong) if amount == self.question.easiest_first()[0] => {
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

    /// What breaks first with the next harder amount than this.
    fn first_beyond(&self, amount: Option<u64>) -> Result<Option<(VmId, Ticks)>, Failure> {
        match amount.and_then(|amount| self.question.quantity.harder(amount)) {
            Some(harder) => self.first_to_break(harder),
            None => Ok(None),
        }
    }

    /// The VM with the most of the metric, as the scenario names it without copies, and the end of
    /// the interval in which it had the most demand faults; `None` if the limit is kept.
    fn first_to_break(&self, amount: u64) -> Result<Option<(VmId, Ticks)>, Failure> {
        let Some(scenario) = self.scenario(amount)? else { return Ok(None) };
        let mut intervals = WorstIntervals::new(scenario.vms.len());
        let outcome = simulate(&scenario, self.policy, &mut intervals).map_err(Failure::Run)?;
        let Trial { is_kept, worst, .. } = self.judge(&outcome);
        let at = intervals.of_vms[worst.index()].1;
        let vms = scenario.vms.len() as u64 / self.question.quantity.copies(amount);
        let vm = VmId((worst.index() as u64 % vms) as u32);
        Ok((!is_kept).then_some((vm, at)))
    }
}
