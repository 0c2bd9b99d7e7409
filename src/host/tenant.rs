//! The host's state of one VM, and its contribution to the sums over all VMs.

use crate::balance::Bounds;
use crate::scenario::{Phase, VmSpec};
use crate::units::{Frames, Ticks};

/// The host's state of a VM.
#[derive(Debug)]
pub(super) struct Tenant {
    pub(super) bounds: Bounds,
    pub(super) initial: Frames,
    /// Whether it departs at some time, which returns its minimum too.
    pub(super) leaves: bool,
    /// When its driver is stuck, in order.
    pub(super) stuck: Vec<Phase>,
    /// Whether the host can take its frames while its driver is stuck.
    pub(super) is_paged: bool,
    /// The end of the phase in which its driver is stuck now.
    pub(super) stuck_now: Option<Ticks>,
    /// What it holds; `None` before it starts and after it departs.
    pub(super) held: Option<Frames>,
    /// What it is ordered to hold.
    pub(super) target: Frames,
    /// When its balloon may take the next batch.
    pub(super) ready: Ticks,
    /// Whether it has arrived and not started.
    pub(super) waits: bool,
}

impl Tenant {
    pub(super) fn of(vm: &VmSpec) -> Self {
        Self {
            bounds: Bounds { min: vm.min, max: vm.max },
            initial: vm.initial,
            leaves: vm.leaves(),
            stuck: vm.stuck.clone(),
            is_paged: false,
            stuck_now: None,
            held: None,
            target: Frames(0),
            ready: Ticks(0),
            waits: false,
        }
    }

    /// The first phase that is not over at that tick.
    fn phase(&self, at: Ticks) -> Option<&Phase> {
        self.stuck.get(self.stuck.partition_point(|phase| phase.until <= at))
    }

    /// The end of the phase in which its driver is stuck at that tick.
    pub(super) fn stuck_until(&self, at: Ticks) -> Option<Ticks> {
        self.phase(at).filter(|phase| phase.contains(at)).map(|phase| phase.until)
    }

    /// When its driver next gets stuck or unstuck, after `at`, while it is present.
    pub(super) fn next_phase(&self, at: Ticks) -> Option<Ticks> {
        self.held?;
        let Phase { from, until } = *self.phase(at)?;
        let next = if from > at { from } else { until };
        (next != Phase::NEVER).then_some(next)
    }

    /// The end of the phase in which it gives nothing whatever its target is.
    fn withholds(&self) -> Option<Ticks> {
        self.stuck_now.filter(|_| !self.is_paged)
    }

    /// By how much its target can usefully be lowered.
    pub(super) fn surplus(&self) -> Frames {
        let Some(held) = self.held else { return Frames(0) };
        let keeps = if self.withholds().is_some() { held } else { self.bounds.min };
        Frames(self.target.0.saturating_sub(keeps.0))
    }

    /// How much it is to give now.
    pub(super) fn excess(&self) -> Option<Frames> {
        let held = self.held.filter(|&held| held > self.target && self.stuck_now.is_none())?;
        Some(held - self.target)
    }

    /// How much it is to get now.
    pub(super) fn shortage(&self) -> Option<Frames> {
        let held = self.held.filter(|&held| held < self.target && self.stuck_now.is_none())?;
        Some(self.target - held)
    }

    /// When, after `at`, it can next move towards its target without another VM's help.
    pub(super) fn due(&self, at: Ticks) -> Option<Ticks> {
        let held = self.held.filter(|&held| held != self.target)?;
        // A VM below its target gets frames as soon as some are free, unless its driver is stuck.
        let next = if held > self.target { self.ready.max(at) } else { at };
        let next = self.stuck_until(next).unwrap_or(next);
        (next > at && next != Phase::NEVER).then_some(next)
    }

    /// Its contribution to the sums.
    pub(super) fn contribution(&self) -> Sums {
        let Some(held) = self.held else { return Sums::default() };
        Sums {
            held,
            targets: self.target,
            minima: self.bounds.min,
            claims: match self.withholds() {
                Some(_) => self.target.max(held),
                None => self.target,
            },
            permanent: match self.withholds() {
                _ if self.leaves => Frames(0),
                Some(Phase::NEVER) => held,
                _ => self.bounds.min,
            },
            short: u64::from(held < self.target),
            over: u64::from(held > self.target),
        }
    }
}

/// Sums over the present VMs, updated one VM at a time, because the host reads them at every event.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct Sums {
    /// What they hold.
    pub(super) held: Frames,
    /// What they are ordered to hold.
    pub(super) targets: Frames,
    pub(super) minima: Frames,
    /// The frames promised to them or kept because their drivers are stuck.
    pub(super) claims: Frames,
    /// What will never come back from them.
    pub(super) permanent: Frames,
    /// How many are below their targets, and above.
    pub(super) short: u64,
    pub(super) over: u64,
}

impl Sums {
    /// Replaces one VM's contribution.
    pub(super) fn replace(&mut self, before: Self, after: Self) {
        // All fields are named, so that the compiler reports a new one that is missing here.
        let Self { held, targets, minima, claims, permanent, short, over } = self;
        *held = *held + after.held - before.held;
        *targets = *targets + after.targets - before.targets;
        *minima = *minima + after.minima - before.minima;
        *claims = *claims + after.claims - before.claims;
        *permanent = *permanent + after.permanent - before.permanent;
        *short = *short + after.short - before.short;
        *over = *over + after.over - before.over;
    }
}
