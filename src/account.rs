//! The account of a run: what every VM did, what it held, and all of them together.

use crate::host::Refusal;
use crate::replace::Counts;
use crate::units::{Frames, Ticks};

/// What a run came to.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Outcome {
    /// Each VM's account, in file order.
    pub vms: Vec<Account>,
    /// All VMs together.
    pub all: Account,
    /// The checkpoints that happened.
    pub checkpoints: u64,
    /// When the last VM had finished its last access.
    pub end: Ticks,
    /// The frames that were in flight then.
    pub in_flight: Frames,
    /// A 64-bit hash of time, frames, counts and draws at every checkpoint: equal fingerprints
    /// mean equal trajectories.
    pub fingerprint: u64,
}

/// What one VM, or all together, did and held.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Account {
    /// Accesses and faults.
    pub counts: Counts,
    /// Frames granted by policies and to make room for arrivals, all together.
    pub granted: Frames,
    /// Frames reclaimed likewise; a departure is not counted.
    pub reclaimed: Frames,
    /// Distinct pages accessed.
    pub distinct_pages: u64,
    /// The allocation over time.
    pub frames: Held,
    /// When it started, which is later than its `start` if it had to wait; `None` if it never did,
    /// and for all VMs together.
    pub started: Option<Ticks>,
    /// Why and when it was refused, or gave up waiting because its stop had come.
    pub refused: Option<Refusal>,
}

/// An allocation over time, from arrival to departure or the end of the run.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Held {
    /// What was held first.
    pub first: Frames,
    /// What was held last.
    pub last: Frames,
    /// The least.
    pub min: Frames,
    /// The most.
    pub max: Frames,
    /// Frames times ticks.
    pub frame_ticks: u128,
    /// How long anything was held.
    pub ticks: Ticks,
    /// When what is held now was first held.
    pub(crate) since: Ticks,
}

impl Held {
    pub(crate) fn begin(frames: Frames, at: Ticks) -> Self {
        Self { first: frames, last: frames, min: frames, max: frames, since: at, ..Self::default() }
    }

    pub(crate) fn change(&mut self, frames: Frames, at: Ticks) {
        self.end(at);
        self.last = frames;
        self.min = self.min.min(frames);
        self.max = self.max.max(frames);
    }

    pub(crate) fn end(&mut self, at: Ticks) {
        let held = at - self.since;
        self.frame_ticks += u128::from(self.last.0) * u128::from(held.0);
        self.ticks += held;
        self.since = at;
    }
}
