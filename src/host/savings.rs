//! Savings of shared frames: frames that the host has beside its memory as long as they last.
//!
//! A merge frees a frame. When a saving is gone, a free frame takes its place, or the VM that ended
//! it holds one frame less, or, at its minimum, the host owes one until the next control event;
//! then the VM with the largest surplus above its minimum pays. Plans may give out what is saved
//! when they are made. If less is saved later, the targets of the VMs with the largest surplus
//! fall.

use std::cmp::Reverse;

use super::{Change, Host};
use crate::units::{Frames, VmId};

impl Host {
    /// What plans may add up to: what is promised at all, and what sharing saves now.
    pub(crate) fn to_divide(&self) -> Frames {
        self.promised + self.ledger.saving()
    }

    /// What sharing saves now.
    pub fn saving(&self) -> Frames {
        self.ledger.saving()
    }

    /// What the host owes.
    pub fn debt(&self) -> Frames {
        self.ledger.debt()
    }

    /// Whether savings could end for which no frame is free.
    pub(crate) fn is_scarce(&self) -> bool {
        self.free() < self.ledger.saving()
    }

    /// A page of a VM went into a frame with others.
    pub(crate) fn merge(&mut self) {
        self.ledger.save();
    }

    /// A page of the VM left a frame that others still map. Returns how the VM's allocation
    /// changes, if it does.
    pub(crate) fn lose(&mut self, vm: VmId) -> Option<Change> {
        self.ledger.lose();
        let is_paid = self.ledger.pay_from_free();
        let change = if is_paid { None } else { self.take_one(vm) };
        self.ledger.check(self.sums.held);
        change
    }

    /// At a control event: the VM with the largest surplus above its minimum, the first of them,
    /// pays a frame that the host owes, if one does and any VM can.
    pub(crate) fn pay(&mut self) -> Option<Change> {
        if self.ledger.debt() == Frames(0) {
            return None;
        }
        let surplus = |vm: &usize| {
            let tenant = &self.tenants[*vm];
            let held = tenant.held.unwrap_or_default();
            (held.0.saturating_sub(tenant.bounds.min.0), Reverse(*vm))
        };
        let vm = (0..self.tenants.len()).max_by_key(surplus)?;
        self.take_one(VmId(vm as u32))
    }

    /// Takes a frame from a VM that holds more than its minimum, which pays what is owed.
    fn take_one(&mut self, vm: VmId) -> Option<Change> {
        let tenant = &self.tenants[vm.index()];
        let target = tenant.target;
        let before = tenant.held.filter(|&held| held > tenant.bounds.min)?;
        let after = before - Frames(1);
        self.set_holding(vm.index(), Some(after), target);
        self.ledger.put_back(Frames(1));
        Some(Change { vm, before, after })
    }

    /// Lowers the targets with the largest surplus above their minima, the first of them, until
    /// they add up to what there is to divide.
    pub(crate) fn fit_targets(&mut self) {
        let promised = self.sums.targets + self.reserved;
        let mut needed = promised.0.saturating_sub(self.to_divide().0);
        while needed > 0 {
            let surplus = |vm: &usize| {
                let tenant = &self.tenants[*vm];
                let is_here = tenant.held.is_some();
                let target = if is_here { tenant.target.0 } else { 0 };
                (target.saturating_sub(tenant.bounds.min.0), Reverse(*vm))
            };
            let Some(vm) = (0..self.tenants.len()).max_by_key(surplus) else { return };
            let taken = surplus(&vm).0.min(needed);
            if taken == 0 {
                return;
            }
            let tenant = &self.tenants[vm];
            let (held, target) = (tenant.held, tenant.target - Frames(taken));
            self.set_holding(vm, held, target);
            needed -= taken;
        }
    }
}
