//! Rounds: a round is everything between two checkpoints and the checkpoint that ends it. What is
//! shown is a range of rounds, of all VMs or of one.

use std::ops::RangeInclusive;

use crate::scenario::Scenario;
use crate::units::{Ticks, VmId};

/// The rounds to show, and the current one.
pub struct Rounds {
    shown: RangeInclusive<u64>,
    /// The only VM to show; all if there is none.
    pub(super) only: Option<VmId>,
    every: u64,
    /// The round of the next event, from 1.
    now: u64,
}

impl Rounds {
    /// The rounds of a run of `scenario` that are in `shown`.
    pub fn new(scenario: &Scenario, shown: RangeInclusive<u64>) -> Self {
        Self { shown, only: None, every: scenario.checkpoint_every.0, now: 1 }
    }

    /// The same rounds, with the events of this VM alone.
    pub fn of_vm(self, vm: VmId) -> Self {
        Self { only: Some(vm), ..self }
    }

    /// All rounds of a run of `scenario`.
    pub(crate) fn all(scenario: &Scenario) -> Self {
        Self::new(scenario, 1..=u64::MAX)
    }

    /// Whether the next event is shown.
    pub(super) fn shown(&self) -> bool {
        self.shown.contains(&self.now)
    }

    /// Whether this VM is shown.
    pub(super) fn shows(&self, vm: VmId) -> bool {
        self.only.is_none_or(|only| only == vm)
    }

    /// The round of the next event.
    pub(super) fn now(&self) -> u64 {
        self.now
    }

    /// Notes that an event happens at `at`. An event at the tick of a checkpoint, but before it,
    /// belongs to the round that the checkpoint ends.
    pub(super) fn enter(&mut self, at: Ticks) {
        self.now = self.now.max(at.0.div_ceil(self.every));
    }

    /// Notes the round's checkpoint.
    pub(super) fn check(&mut self, number: u64) {
        self.now = number;
    }

    /// Ends the round; returns whether the next is the first that is shown.
    pub(super) fn next(&mut self) -> bool {
        self.now += 1;
        self.now == *self.shown.start()
    }
}
