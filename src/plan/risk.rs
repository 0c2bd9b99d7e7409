//! What an answer is worth: a run with it, opened up, and what happens if it is missed.

use super::{Answers, Asked, Failure, Mixes, Point, Question, Trial};
use crate::account::Account;
use crate::balance::PolicyKind;
use crate::replace::Counts;
use crate::simulate::simulate;
use crate::units::Ticks;
use crate::watch::{Checkpoint, Watcher};

/// A run of one mix with one amount.
#[derive(Clone, Debug)]
pub struct Witness {
    /// What the VMs have of the metric.
    pub trial: Trial,
    /// The VMs' names and accounts.
    pub vms: Vec<(String, Account)>,
    /// The interval with the most demand faults of all VMs together; `None` without a fault.
    pub worst: Option<Worst>,
}

/// An interval between two checkpoints, after the warm-up.
#[derive(Clone, Debug)]
pub struct Worst {
    /// When it ended.
    pub until: Ticks,
    /// What each VM did in it.
    pub counts: Vec<Counts>,
}

/// What happens under a policy if its amount is missed by some percent.
#[derive(Clone, Debug)]
pub struct Shortfall {
    /// The policy's place in the question.
    pub policy: usize,
    /// By how much, in percent.
    pub percent: u64,
    /// What the mixes do with the amount that is left.
    pub point: Point,
}

impl Shortfall {
    /// By how many percent an answer may be missed.
    pub const PERCENTS: [u64; 4] = [0, 5, 10, 25];

    /// For every policy that has an answer, the percentages and the amounts that are left, of
    /// percentages with the same amount the first.
    pub fn amounts(answers: &Answers<'_>) -> Vec<Missed> {
        let mut all: Vec<Missed> = Vec::new();
        for policy in 0..answers.question.policies.len() {
            let Some(bound) = answers.bound(policy).filter(|&bound| bound > 0) else { continue };
            for percent in Self::PERCENTS {
                let amount = answers.question.quantity.harder_by(bound, percent);
                let last = all.last().map(|last| (last.policy, last.amount));
                if last != Some((policy, amount)) {
                    all.push(Missed { policy, percent, amount });
                }
            }
        }
        all
    }

    /// What all mixes do with these amounts; `trials` has those of [`Mixes::missed`].
    pub fn all(missed: &[Missed], trials: &[Vec<Option<Trial>>]) -> Vec<Self> {
        let of = |(at, &Missed { policy, percent, amount }): (usize, &Missed)| Self {
            policy,
            percent,
            point: Point::of(amount, trials.iter().map(|of_mix| of_mix[at])),
        };
        missed.iter().enumerate().map(of).collect()
    }
}

/// An amount to be tried instead of a policy's answer.
#[derive(Clone, Copy, Debug)]
pub struct Missed {
    /// The policy's place in the question.
    pub policy: usize,
    /// By how much the answer is missed, in percent.
    pub percent: u64,
    /// The amount that is left.
    pub amount: u64,
}

impl Mixes {
    /// The trials of a mix with these amounts; `None` where one is refused.
    ///
    /// # Errors
    /// If a run fails, or no amount can be run.
    pub fn missed(
        &self,
        mix: u64,
        question: &Question,
        missed: &[Missed],
    ) -> Result<Vec<Option<Trial>>, Failure> {
        // As in `needs`, accesses are generated once.
        let held = self.largest_of(mix, question).map_err(Failure::Refused)?;
        held.index();
        let trial =
            |of: &Missed| self.asked(mix, question, question.policies[of.policy]).trial(of.amount);
        missed.iter().map(trial).collect()
    }

    /// Runs a mix under a policy with an amount and keeps what a page shows of it; `None` if the
    /// amount is refused.
    ///
    /// # Errors
    /// If the run fails, or no amount can be run.
    pub fn witness(
        &self,
        mix: u64,
        question: &Question,
        policy: &'static PolicyKind,
        amount: u64,
    ) -> Result<Option<Witness>, Failure> {
        self.asked(mix, question, policy).witness(amount)
    }
}

impl Asked<'_> {
    fn witness(&self, amount: u64) -> Result<Option<Witness>, Failure> {
        let Some(scenario) = self.scenario(amount)? else { return Ok(None) };
        let mut intervals = WorstIntervals::new(scenario.vms.len());
        let outcome = simulate(&scenario, self.policy, &mut intervals).map_err(Failure::Run)?;
        let trial = self.judge(&outcome);
        let names = scenario.vms.iter().map(|vm| vm.name.clone());
        let vms = names.zip(outcome.vms).collect();
        Ok(Some(Witness { trial, vms, worst: intervals.of_all }))
    }
}

/// Where most demand faults were.
pub(super) struct WorstIntervals {
    /// For each VM, the most demand faults of an interval, and when it ended.
    pub(super) of_vms: Vec<(u64, Ticks)>,
    /// The worst interval of all VMs together.
    of_all: Option<Worst>,
}

impl WorstIntervals {
    pub(super) fn new(vms: usize) -> Self {
        Self { of_vms: vec![(0, Ticks(0)); vms], of_all: None }
    }
}

impl Watcher for WorstIntervals {
    fn checkpoint(&mut self, checkpoint: &Checkpoint<'_>) {
        let mut counts = vec![Counts::default(); self.of_vms.len()];
        for vm in &checkpoint.view.vms {
            // The warm-up does not count.
            if checkpoint.guests.warm_up_accesses(vm) > 0 {
                continue;
            }
            counts[vm.id.index()] = vm.interval;
            let worst = &mut self.of_vms[vm.id.index()];
            if vm.interval.demand_faults > worst.0 {
                *worst = (vm.interval.demand_faults, checkpoint.view.at);
            }
        }
        let faults = |counts: &[Counts]| counts.iter().map(|vm| vm.demand_faults).sum::<u64>();
        if faults(&counts) > self.of_all.as_ref().map_or(0, |worst| faults(&worst.counts)) {
            self.of_all = Some(Worst { until: checkpoint.view.at, counts });
        }
    }
}
