//! Watching a run: the interface of walk-throughs, series, event logs and tests.

use crate::account::{Account, Refusal};
use crate::balance::{Plan, Policy, Reason, View, VmView};
use crate::host::Change;
use crate::replace::{Counts, FrameEvent, Replacement};
use crate::units::{Frames, Ticks, VmId};
use crate::vm::Vm;

/// Is notified of what happens in a run. Watchers do not change a run.
pub trait Watcher {
    /// Whether it must see every access, in simulation order, and the pages that accesses and
    /// shrinks evict. Called before every access, so a watcher may start and stop at any
    /// checkpoint.
    fn wants_accesses(&self) -> bool {
        false
    }

    /// A VM that arrived must wait for frames, or for other VMs to leave.
    fn wait(&mut self, _at: Ticks, _vm: VmId) {}

    /// A VM was refused, or gave up waiting at its `stop`; it never runs.
    fn refuse(&mut self, _vm: VmId, _refusal: Refusal) {}

    /// A VM started, and others may have shrunk to make room.
    fn arrive(&mut self, _arrival: &Arrival<'_>) {}

    /// Allocations changed outside checkpoints, through balloons or frames that became free.
    fn moved(&mut self, _moved: &Moved<'_>) {}

    /// A VM departed with this allocation.
    fn depart(&mut self, _at: Ticks, _vm: VmId, _allocation: Frames) {}

    /// A VM made an access. Only called if [`wants_accesses`](Self::wants_accesses).
    fn access(&mut self, _access: &Access<'_>) {}

    /// A checkpoint happened. VMs that start because of it are reported after it.
    fn checkpoint(&mut self, _checkpoint: &Checkpoint<'_>) {}
}

/// Ignores everything.
pub struct NullWatcher;

impl Watcher for NullWatcher {}

/// Forwards a run to two watchers.
pub struct Both<'a>(pub &'a mut dyn Watcher, pub &'a mut dyn Watcher);

impl Watcher for Both<'_> {
    fn wants_accesses(&self) -> bool {
        self.0.wants_accesses() || self.1.wants_accesses()
    }

    fn wait(&mut self, at: Ticks, vm: VmId) {
        self.0.wait(at, vm);
        self.1.wait(at, vm);
    }

    fn refuse(&mut self, vm: VmId, refusal: Refusal) {
        self.0.refuse(vm, refusal);
        self.1.refuse(vm, refusal);
    }

    fn arrive(&mut self, arrival: &Arrival<'_>) {
        self.0.arrive(arrival);
        self.1.arrive(arrival);
    }

    fn moved(&mut self, moved: &Moved<'_>) {
        self.0.moved(moved);
        self.1.moved(moved);
    }

    fn depart(&mut self, at: Ticks, vm: VmId, allocation: Frames) {
        self.0.depart(at, vm, allocation);
        self.1.depart(at, vm, allocation);
    }

    fn access(&mut self, access: &Access<'_>) {
        for watcher in [&mut *self.0, &mut *self.1] {
            if watcher.wants_accesses() {
                watcher.access(access);
            }
        }
    }

    fn checkpoint(&mut self, checkpoint: &Checkpoint<'_>) {
        self.0.checkpoint(checkpoint);
        self.1.checkpoint(checkpoint);
    }
}

/// The VMs of a run, as a [`Watcher`] may look at them. A VM that is not in the scenario panics.
#[derive(Clone, Copy)]
pub struct Guests<'a>(pub(crate) &'a [Vm<'a>]);

impl<'a> Guests<'a> {
    /// A VM's replacement algorithm.
    pub fn replacement(&self, vm: VmId) -> &'a dyn Replacement {
        &*self.0[vm.index()].replacement
    }

    /// The evictions of a VM's last shrink, in order. Only recorded for a watcher that wants
    /// accesses.
    pub fn evictions(&self, vm: VmId) -> &'a [FrameEvent] {
        &self.0[vm.index()].events
    }

    /// The accesses that a VM has made.
    pub fn accesses(&self, vm: VmId) -> u64 {
        self.0[vm.index()].accesses()
    }

    /// All VMs of the scenario.
    pub fn ids(&self) -> impl Iterator<Item = VmId> + use<'a> {
        (0..self.0.len() as u32).map(VmId)
    }

    /// The account of a VM since its warm-up, without its allocations and quantiles. At a
    /// checkpoint, when all intervals are closed.
    pub(crate) fn counted(&self, vm: VmId) -> Account {
        self.0[vm.index()].so_far()
    }

    /// How many of the interval's accesses of a VM of the view belong to its warm-up.
    pub fn warm_up_accesses(&self, vm: &VmView) -> u64 {
        let to = vm.total.accesses;
        self.0[vm.id.index()].warm_up_within(to - vm.interval.accesses, to)
    }
}

/// An arrival, after room was made.
pub struct Arrival<'a> {
    /// When it happened.
    pub at: Ticks,
    /// The VM that arrived.
    pub vm: VmId,
    /// Its first allocation.
    pub allocation: Frames,
    /// The VMs that shrank for it.
    pub shrunk: &'a [Change],
    /// The VMs after it.
    pub guests: Guests<'a>,
}

/// Changes outside checkpoints, after they were made.
pub struct Moved<'a> {
    /// When they happened.
    pub at: Ticks,
    /// The allocations that changed.
    pub changes: &'a [Change],
    /// The frames that are in flight now.
    pub in_flight: Frames,
    /// The VMs after it.
    pub guests: Guests<'a>,
}

/// An access, after it was made.
#[non_exhaustive]
pub struct Access<'a> {
    /// When it started.
    pub at: Ticks,
    /// The VM.
    pub vm: VmId,
    /// Its position in the VM's trace.
    pub position: u64,
    /// The counts of this one access.
    pub counts: Counts,
    /// What it did with frames, in order, and the frees after it.
    pub events: &'a [FrameEvent],
    /// The VM's allocation.
    pub allocation: Frames,
    /// The VM's replacement algorithm, after the access.
    pub replacement: &'a dyn Replacement,
}

/// A checkpoint, after the plan was carried out as far as possible.
pub struct Checkpoint<'a> {
    /// Its number, from 1.
    pub number: u64,
    /// The view that the policy saw.
    pub view: &'a View,
    /// The policy's decision.
    pub plan: &'a Plan,
    /// The allocations that changed at once: all that shrank, then all that grew.
    pub changes: &'a [Change],
    /// The frames that are in flight now.
    pub in_flight: Frames,
    /// The resident pages of each VM of the view, after the changes.
    pub resident: &'a [Frames],
    /// The run's fingerprint, including this checkpoint.
    pub fingerprint: u64,
    /// The VMs after it.
    pub guests: Guests<'a>,
    pub(crate) policy: &'a dyn Policy,
}

impl Checkpoint<'_> {
    /// The policy's reasons for its decision, if it gives any.
    pub fn reasons(&self) -> Vec<Reason> {
        self.policy.reasons()
    }
}
