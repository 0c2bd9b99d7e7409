//! Admission: VMs that wait to start, and the room that is made for them.

use std::cmp::Reverse;
use std::collections::BinaryHeap;

use super::tenant::Tenant;
use super::{Acts, Host};
use crate::account::Refusal;
use crate::balance::Bounds;
use crate::scenario::Admission;
use crate::units::{Frames, Ticks, VmId};

impl Host {
    /// A VM arrives, and waits for [`act`](Self::act).
    pub(crate) fn arrive(&mut self, vm: VmId) {
        assert!(self.allocation(vm).is_none(), "a VM arrives once");
        self.waiting.push_back(vm);
        self.tenants[vm.index()].waits = true;
    }

    /// Whether the VM has arrived and not started.
    pub(crate) fn waits(&self, vm: VmId) -> bool {
        self.tenants[vm.index()].waits
    }

    /// Removes a waiting VM; returns the frames left beside the other VMs' minima.
    pub(crate) fn give_up(&mut self, vm: VmId) -> Frames {
        let at = self.waiting.iter().position(|&other| other == vm);
        self.unqueue(at.expect("only a VM that waits gives up"));
        self.left_beside_minima()
    }

    /// Admits VMs from the head of the queue while their minima fit; refuses those that never can.
    pub(super) fn admit(&mut self, at: Ticks, acts: &mut Acts) {
        // Earlier results stay valid as long as no more frames are permanently held than before.
        if self.sums.permanent > self.permanent {
            (self.judged, self.stay) = (0, Frames(0));
        }
        self.permanent = self.sums.permanent;
        let mut next = self.admitted.min(self.judged);
        while let Some(&vm) = self.waiting.get(next) {
            let Tenant { bounds: Bounds { min, .. }, leaves, .. } = self.tenants[vm.index()];
            let is_judged = next < self.judged;
            let lost = self.permanent + self.stay;
            let mut left = Frames(self.promised.0.saturating_sub(lost.0));
            if next == self.admitted && (is_judged || min <= left) {
                let beside = self.left_beside_minima();
                if min <= beside {
                    self.admitted += 1;
                    self.reserved += min;
                } else if self.admission == Admission::Refuse {
                    left = beside;
                }
            }
            if is_judged {
                // If it is not admitted, no VM after it is.
                next = if next < self.admitted { next + 1 } else { self.judged };
                continue;
            }
            if min > left {
                self.unqueue(next);
                acts.refused.push((vm, Refusal { at, left }));
                continue;
            }
            if !leaves {
                self.stay += min;
            }
            next += 1;
            self.judged = next;
        }
    }

    pub(super) fn left_beside_minima(&self) -> Frames {
        self.promised - self.sums.minima - self.reserved
    }

    fn unqueue(&mut self, at: usize) {
        let vm = self.waiting.remove(at).expect("a VM waits there");
        let tenant = &mut self.tenants[vm.index()];
        tenant.waits = false;
        let min = tenant.bounds.min;
        if at < self.admitted {
            self.admitted -= 1;
            self.reserved -= min;
        }
        if at < self.judged {
            self.judged -= 1;
            if !tenant.leaves {
                self.stay -= min;
            }
        }
    }

    /// Lowers the targets with the largest surplus above their minima, ties in file order, until
    /// the reserved frames are promised to no other VM.
    pub(super) fn make_room(&mut self) {
        let promised = self.sums.claims + self.reserved;
        let mut needed = promised.0.saturating_sub(self.to_divide().0);
        if needed == 0 {
            return;
        }
        if self.surplus.is_none() {
            let all = self.tenants.iter().enumerate();
            self.surplus = Some(all.map(|(vm, tenant)| (tenant.surplus(), Reverse(vm))).collect());
        }
        while needed > 0
            && let Some((surplus, Reverse(vm))) = self.surplus.as_mut().and_then(BinaryHeap::pop)
        {
            let tenant = &self.tenants[vm];
            let taken = surplus.0.min(needed);
            if taken > 0 && surplus == tenant.surplus() {
                self.set_holding(vm, tenant.held, tenant.target - Frames(taken));
                needed -= taken;
            }
        }
    }

    /// Starts VMs from the head of the queue while their minima are free. A VM gets the allocation
    /// that the split gave it, or as much of it as is promised to no other VM, but at least its
    /// minimum.
    pub(super) fn start(&mut self, acts: &mut Acts) {
        while self.admitted > 0 {
            let vm = self.waiting[0];
            let Tenant { bounds: Bounds { min, .. }, initial, leaves, .. } =
                self.tenants[vm.index()];
            if self.free() < min {
                break;
            }
            self.unqueue(0);
            let promised = self.sums.claims + self.reserved;
            let open = Frames(self.to_divide().0.saturating_sub(promised.0));
            let given = initial.min(open).min(self.spare()).max(min);
            self.set_holding(vm.index(), Some(given), given);
            self.update_stuck(vm.index());
            if !leaves {
                // The VMs after it were examined with this already counted.
                self.permanent += min;
            }
            self.ledger.take(given);
            acts.started.push(vm);
        }
    }
}
