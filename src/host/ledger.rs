//! The frame law: free, in-flight and held frames add up to the host's memory, and to what sharing
//! saves and what the host owes beside it.
//!
//! Every frame moves through one of these methods. Another holder of frames, such as a second
//! memory tier, would be a further term of [`Ledger::check`].

use std::collections::VecDeque;

use crate::units::{Frames, Ticks};

/// Where the host's frames are, except which VM holds how many.
#[derive(Debug)]
pub(super) struct Ledger {
    memory: Frames,
    free: Frames,
    /// Batches that have left their VMs, with the ticks at which they arrive in the free pool.
    flights: VecDeque<(Ticks, Frames)>,
    in_flight: Frames,
    /// Mappings of shared frames beyond their first: what VMs hold more than there is.
    saving: Frames,
    /// Savings that are gone without a frame in their place; none if any frame is free.
    debt: Frames,
}

impl Ledger {
    /// All frames are free.
    pub(super) fn new(memory: Frames) -> Self {
        Self {
            memory,
            free: memory,
            flights: VecDeque::new(),
            in_flight: Frames(0),
            saving: Frames(0),
            debt: Frames(0),
        }
    }

    pub(super) fn free(&self) -> Frames {
        self.free
    }

    pub(super) fn in_flight(&self) -> Frames {
        self.in_flight
    }

    /// What all VMs hold together.
    pub(super) fn held(&self) -> Frames {
        self.memory + self.saving + self.debt - self.free - self.in_flight
    }

    /// A VM gets free frames.
    pub(super) fn take(&mut self, frames: Frames) {
        self.free -= frames;
    }

    /// A VM gives frames back, free at once.
    pub(super) fn put_back(&mut self, frames: Frames) {
        self.free_up(frames);
    }

    /// Frames become free, and pay what is owed first.
    fn free_up(&mut self, frames: Frames) {
        let paid = frames.min(self.debt);
        self.debt -= paid;
        self.free += frames - paid;
    }

    /// What sharing saves.
    pub(super) fn saving(&self) -> Frames {
        self.saving
    }

    /// What the host owes.
    pub(super) fn debt(&self) -> Frames {
        self.debt
    }

    /// A page went into a frame with others, and left its own.
    pub(super) fn save(&mut self) {
        self.saving += Frames(1);
        self.free_up(Frames(1));
    }

    /// A page left a frame to others, and needs one of its own, which the host owes for now.
    pub(super) fn lose(&mut self) {
        self.saving -= Frames(1);
        self.debt += Frames(1);
    }

    /// A free frame pays a part of the debt. Returns whether there is one.
    pub(super) fn pay_from_free(&mut self) -> bool {
        let is_free = self.free > Frames(0);
        if is_free {
            self.free -= Frames(1);
            self.debt -= Frames(1);
        }
        is_free
    }

    /// A VM gives frames back that are in flight until tick `lands`, which never decreases.
    pub(super) fn launch(&mut self, frames: Frames, lands: Ticks) {
        self.in_flight += frames;
        match self.flights.back_mut() {
            Some((others, batch)) if *others == lands => *batch += frames,
            _ => self.flights.push_back((lands, frames)),
        }
    }

    /// Frees the batches that have landed by `at`.
    pub(super) fn land(&mut self, at: Ticks) {
        while let Some(&(lands, frames)) = self.flights.front()
            && lands <= at
        {
            self.flights.pop_front();
            self.in_flight -= frames;
            self.free_up(frames);
        }
    }

    /// When the next batch lands.
    pub(super) fn next_landing(&self) -> Option<Ticks> {
        self.flights.front().map(|&(lands, _)| lands)
    }

    /// Asserts the law, given what the host itself counts as held by VMs.
    pub(super) fn check(&self, held: Frames) {
        let there = self.memory + self.saving + self.debt;
        assert_eq!(self.free + self.in_flight + held, there, "frames are conserved");
        assert!(self.free == Frames(0) || self.debt == Frames(0), "free frames pay debts");
    }
}
