//! The host: who holds which frames.
//!
//! Frames are conserved: what VMs hold and what is free always adds up to the host's memory, and
//! every change of an allocation goes through here. A policy's [`Plan`] is checked once, in
//! [`Host::apply`], for all policies.

use crate::balance::{Bounds, Plan, View};
use crate::units::{Frames, VmId};

/// The frames of one host.
#[derive(Debug)]
pub struct Host {
    memory: Frames,
    free: Frames,
    /// What each VM holds, by id; `None` before it arrives and after it departs.
    allocations: Vec<Option<Frames>>,
    bounds: Vec<Bounds>,
}

/// A VM's allocation changed to `frames`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Change {
    /// The VM.
    pub vm: VmId,
    /// What it held before.
    pub before: Frames,
    /// What it holds now.
    pub after: Frames,
}

impl Host {
    /// A host whose frames are all free, for VMs of these bounds, by id.
    pub fn new(memory: Frames, bounds: Vec<Bounds>) -> Self {
        Self { memory, free: memory, allocations: vec![None; bounds.len()], bounds }
    }

    /// All frames.
    pub fn memory(&self) -> Frames {
        self.memory
    }

    /// The frames that no VM holds.
    pub fn free(&self) -> Frames {
        self.free
    }

    /// What the VM holds; `None` while it is not here.
    pub fn allocation(&self, vm: VmId) -> Option<Frames> {
        self.allocations[vm.index()]
    }

    /// Admits a VM: it gets `wanted` frames, or as many as are free, but its minimum at least.
    ///
    /// Where less than its minimum is free, the rest is reclaimed from the VMs that hold most above
    /// their own minimum, ties in file order. Minima add up to no more than the host, so that
    /// always succeeds. Returns the allocations that shrank for it.
    pub fn admit(&mut self, vm: VmId, wanted: Frames) -> Vec<Change> {
        assert!(self.allocation(vm).is_none(), "a VM arrives once");
        let min = self.bounds[vm.index()].min;
        let mut changes = Vec::new();
        if self.free < min {
            let surplus = |(at, held): (usize, &Option<Frames>)| {
                held.map(|held| (VmId(at as u32), held, held - self.bounds[at].min))
            };
            let mut givers: Vec<_> =
                self.allocations.iter().enumerate().filter_map(surplus).collect();
            givers.sort_by_key(|&(_, _, surplus)| std::cmp::Reverse(surplus));
            for (giver, before, surplus) in givers {
                let taken = surplus.min(min - self.free);
                if taken > Frames(0) {
                    let after = before - taken;
                    self.allocations[giver.index()] = Some(after);
                    self.free += taken;
                    changes.push(Change { vm: giver, before, after });
                }
            }
        }
        let given = wanted.min(self.free);
        assert!(given >= min, "a VM that arrives gets its minimum of {min} frames, not {given}");
        self.allocations[vm.index()] = Some(given);
        self.free -= given;
        self.check();
        changes
    }

    /// Takes a VM's frames back for good; returns what it held.
    pub fn dismiss(&mut self, vm: VmId) -> Frames {
        let held = self.allocations[vm.index()].take().expect("only a VM that is here departs");
        self.free += held;
        self.check();
        held
    }

    /// Carries out a policy's plan for the VMs of `view`, and appends what changed: all that gave
    /// frames, then all that took.
    ///
    /// # Panics
    /// If the plan breaks its contract: a target for each VM of the view, within the VM's bounds,
    /// together no more than the host has.
    pub fn apply(&mut self, view: &View, plan: &Plan, changes: &mut Vec<Change>) {
        let targets = &plan.0;
        assert_eq!(targets.len(), view.vms.len(), "a plan has one target for each VM");
        let sum: u128 = targets.iter().map(|target| u128::from(target.0)).sum();
        assert!(
            sum <= u128::from(self.memory.0),
            "a plan promises {sum} frames of {}",
            self.memory
        );
        let pairs = || view.vms.iter().zip(targets);
        for (vm, &target) in pairs().filter(|(vm, target)| **target < vm.allocation) {
            self.move_to(vm.id, target, changes);
        }
        for (vm, &target) in pairs().filter(|(vm, target)| **target > vm.allocation) {
            self.move_to(vm.id, target, changes);
        }
        self.check();
    }

    fn move_to(&mut self, vm: VmId, target: Frames, changes: &mut Vec<Change>) {
        let Bounds { min, max } = self.bounds[vm.index()];
        assert!(
            (min..=max).contains(&target),
            "a plan gives VM {} {target} frames, outside {min} to {max}",
            vm.0
        );
        let held = self.allocations[vm.index()].as_mut().expect("a plan is for VMs that are here");
        changes.push(Change { vm, before: *held, after: target });
        self.free = self.free + *held - target;
        *held = target;
    }

    fn check(&self) {
        let held: Frames = self.allocations.iter().flatten().copied().sum();
        assert_eq!(held + self.free, self.memory, "frames are conserved");
    }
}
