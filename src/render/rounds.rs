//! Rounds: a round is everything between two checkpoints and the checkpoint that ends it.

use std::ops::RangeInclusive;

use crate::scenario::Scenario;
use crate::units::Ticks;

/// The rounds to show, and the current one.
pub struct Rounds {
    shown: RangeInclusive<u64>,
    every: u64,
    /// The round of the next event, from 1.
    now: u64,
}

impl Rounds {
    /// The rounds of a run of `scenario` that are in `shown`.
    pub fn new(scenario: &Scenario, shown: RangeInclusive<u64>) -> Self {
        Self { shown, every: scenario.checkpoint_every.0, now: 1 }
    }

    /// All rounds of a run of `scenario`.
    pub(crate) fn all(scenario: &Scenario) -> Self {
        Self::new(scenario, 1..=u64::MAX)
    }

    /// Whether the next event is shown.
    pub(super) fn shown(&self) -> bool {
        self.shown.contains(&self.now)
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
