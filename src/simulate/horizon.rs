//! How far a VM may run ahead of the others.

use std::cmp::Reverse;
use std::collections::BinaryHeap;
use std::collections::binary_heap::PeekMut;

use super::Simulation;
use crate::meets::Meets;
use crate::scenario::Cost;
use crate::units::{Ticks, VmId};
use crate::vm::Vm;

impl Simulation<'_> {
    /// The tick before which a VM whose next access is at `at` may run ahead.
    pub(super) fn horizon(&mut self, id: VmId, at: Ticks) -> Ticks {
        if self.watcher.wants_accesses() {
            return at + Ticks(1);
        }
        let arrival = self.arrivals.last().copied().unwrap_or(self.next_checkpoint);
        let mut control = self.next_checkpoint.min(arrival).min(self.until);
        if let Some(sample) = self.next_sample {
            control = control.min(sample);
        }
        if let Some(scan) = self.sharing.as_ref().and_then(|sharing| sharing.next_scan) {
            control = control.min(scan);
        }
        match self.meets {
            Meets::Never => {}
            Meets::AtDraws => control = control.min(self.draw_horizon(id, at)),
            Meets::AtFaults | Meets::AtAccesses => {
                control = control.min(self.meeting_horizon(id, at));
            }
        }
        if let Some(balloon) = self.host.due() {
            control = control.min(balloon);
        }
        if self.host.departures_matter() {
            let departure = self.departures.first(&self.vms, at);
            control = departure.map_or(control, |departure| control.min(departure));
        }
        if self.vms[id.index()].spec.is_awaited() {
            return control;
        }
        // The run does not wait for this VM, so it must not run past the end, whose tick is not
        // known yet. All awaited VMs have made their accesses before `at`, so the bound is later
        // than `at`; it stays valid until it is reached.
        if self.end_bound <= at {
            let awaited = self.vms.iter().filter(|vm| vm.spec.is_awaited());
            let bound = awaited.map(|vm| vm.finish_bound(at)).max();
            self.end_bound = bound.expect("a run waits for a VM");
        }
        control.min(self.end_bound)
    }
}

impl Simulation<'_> {
    /// The tick before which a VM that could draw frames may make its accesses in one go: those to
    /// as many pages as it has empty frames, which draw none.
    fn draw_horizon(&self, id: VmId, at: Ticks) -> Ticks {
        if !self.host.may_draw(id) {
            return Ticks(u64::MAX);
        }
        let vm = &self.vms[id.index()];
        let trace = &vm.spec.trace;
        let held = self.host.allocation(id).unwrap_or_default();
        let empty = held.0.saturating_sub(vm.replacement.resident().0);
        // It goes on with a run that has begun, even if the host has taken that page.
        let begins = trace.begins_run(vm.position);
        let further = if begins { empty.max(1) } else { empty.saturating_sub(1) };
        let runs = (trace.runs_before(vm.position) as u64).saturating_add(further);
        let end = trace.run_start(trace.run_pages().len().min(runs as usize));
        Ticks(at.0.saturating_add(vm.nominal(vm.position, end).max(1)))
    }

    /// The tick before which a VM that meets others may make its accesses in one go: those that
    /// repeat one page, where no other VM can interfere.
    fn meeting_horizon(&self, id: VmId, at: Ticks) -> Ticks {
        let vm = &self.vms[id.index()];
        let cost = Cost { counts_write_backs: false, ..self.scenario.cost };
        let accesses = if cost == Cost::default() && vm.spec.idle.is_empty() {
            vm.spec.trace.rest_of_run(vm.position)
        } else {
            1
        };
        let end = vm.position + accesses;
        let nominal = vm.nominal(vm.position, end);
        Ticks(at.0.saturating_add(nominal.max(1)))
    }
}

/// The earliest ticks at which VMs can depart or give up waiting, the first one on top. These
/// bounds only grow while VMs run, so an entry is recomputed only when it is on top.
pub(super) struct Departures(BinaryHeap<Reverse<(Ticks, VmId)>>);

impl Departures {
    /// The bounds of VMs of which none has started.
    pub(super) fn of(vms: &[Vm]) -> Self {
        let ids = (0..vms.len()).map(|at| VmId(at as u32));
        let bounds = ids.map(|id| (vms[id.index()].stop(), id));
        Self(bounds.filter(|&(stop, _)| stop != Ticks(u64::MAX)).map(Reverse).collect())
    }

    /// Notes that the VM has started and may leave before its stop.
    pub(super) fn started(&mut self, id: VmId, vm: &Vm, at: Ticks) {
        let bound = vm.departure_bound(at);
        if bound < vm.stop() {
            self.0.push(Reverse((bound, id)));
        }
    }

    /// The first bound after `at`, as far as known.
    fn first(&mut self, vms: &[Vm], at: Ticks) -> Option<Ticks> {
        while let Some(mut top) = self.0.peek_mut() {
            let Reverse((noted, id)) = *top;
            let bound = vms[id.index()].departure_bound(at);
            if bound <= at {
                PeekMut::pop(top);
            } else if bound > noted {
                *top = Reverse((bound, id));
            } else {
                return Some(noted);
            }
        }
        None
    }
}
