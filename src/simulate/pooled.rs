//! Policies that pool frames: at a fault a VM may draw a frame from the others, between
//! checkpoints.

use super::Simulation;
use crate::balance::Pool;
use crate::scenario::Cost;
use crate::units::{Frames, Ticks, VmId};
use crate::watch::Moved;

impl Simulation<'_> {
    /// A VM is about to make an access. If it faults and the VM has no empty frame, it gets the one
    /// that the pool tells, or replaces a page of its own.
    pub(super) fn draw_frame(&mut self, id: VmId, at: Ticks) {
        let Some(mut pool) = self.pool.take() else { return };
        let vm = &self.vms[id.index()];
        let page = vm.spec.trace.page(vm.position);
        // The page cannot go while it is used again and again: a VM keeps a frame at least.
        let until = self.together_until(id, at) - vm.spec.period;
        let (resident, allocation) = (vm.replacement.resident(), self.host.allocation(id));
        if !pool.holds(id, page) && allocation == Some(resident) {
            let giver = self.giver(id, &pool);
            if giver == Some(id) {
                pool.trim(id, resident.0 - 1);
            } else {
                self.host.pass(giver, id, &mut self.acts);
                self.follow(at);
                if let Some(giver) = giver {
                    pool.trim(giver, self.vms[giver.index()].replacement.resident().0);
                }
                let (changes, in_flight) = (&self.acts.changes, self.host.in_flight());
                self.watcher.moved(&Moved { at, changes, in_flight, vms: &self.vms });
            }
        }
        pool.note(id, page, until);
        self.pool = Some(pool);
    }

    /// Who gives a frame to a VM that has no empty one: nobody where one is spare, else who has an
    /// empty frame, else whose page was used least recently, itself included.
    fn giver(&self, id: VmId, pool: &Pool) -> Option<VmId> {
        if self.host.allocation(id) == Some(self.vms[id.index()].spec.max) {
            return Some(id);
        }
        if self.host.spare() > Frames(0) {
            return None;
        }
        let resident = |vm: &VmId| self.vms[vm.index()].replacement.resident();
        let has_empty = |vm: &VmId| self.host.allocation(*vm) > Some(resident(vm));
        let empty = self.host.above_minimum().find(has_empty);
        empty.or_else(|| pool.oldest(self.host.above_minimum().chain([id])))
    }

    /// The tick before which a VM of a pool may make its accesses in one go: those that repeat one
    /// page, where nothing can come between them.
    pub(super) fn together_until(&self, id: VmId, at: Ticks) -> Ticks {
        let vm = &self.vms[id.index()];
        let cost = Cost { counts_write_backs: false, ..self.scenario.cost };
        let accesses = if cost == Cost::default() && vm.spec.idle.is_empty() {
            vm.spec.trace.rest_of_run(vm.position)
        } else {
            1
        };
        Ticks(at.0.saturating_add(accesses.saturating_mul(vm.spec.period.0)))
    }
}
