//! Arrivals, departures and balloons: the host acts, and the VMs follow.

use super::{EventKind, Simulation};
use crate::account::{Held, Refusal};
use crate::host::{Acts, Change};
use crate::meets::Meets;
use crate::reclaim::State;
use crate::scenario::Actuator;
use crate::tier::parts;
use crate::units::{Ticks, VmId};
use crate::watch::{Arrival, Guests, Moved};

impl Simulation<'_> {
    pub(super) fn arrive(&mut self, id: VmId, at: Ticks) {
        self.arrivals.pop();
        if let Some(stop) = self.vms[id.index()].spec.stop {
            self.push(stop, EventKind::Depart(id));
        }
        self.host.arrive(id);
        self.act(at);
        if self.host.waits(id) {
            self.watcher.wait(at, id);
        }
    }

    pub(super) fn depart(&mut self, id: VmId, at: Ticks) {
        if self.host.waits(id) {
            let left = self.host.give_up(id);
            self.note_refusal(id, Refusal { at, left });
            self.act(at);
            return;
        }
        if self.host.allocation(id).is_none() {
            return; // It has left or was refused before its stop.
        }
        let allocation = self.host.remove(id);
        self.part_all(id);
        self.changed = true;
        let vm = &mut self.vms[id.index()];
        vm.close_interval();
        vm.account.frames.end(at);
        vm.flush_tiers(at);
        let held_up = !std::mem::replace(&mut vm.finished, true);
        if held_up {
            // Its next access was delayed past its stop.
            vm.next = at;
            self.note_finished();
        }
        self.note_held(at);
        self.watcher.depart(at, id, allocation);
        if self.host.departures_matter() {
            self.act(at);
        }
    }

    pub(super) fn balloon(&mut self, at: Ticks) {
        if self.balloon == Some(at) {
            self.balloon = None;
            self.act(at);
        }
    }

    /// Lets the host act, outside checkpoints.
    pub(super) fn act(&mut self, at: Ticks) {
        self.settle_savings(at);
        self.carry_out(at);
        let acts = std::mem::take(&mut self.acts);
        let shrinks = |change: &Change| change.after < change.before;
        let makes_room = self.scenario.actuator == Actuator::INSTANT
            && !acts.started.is_empty()
            && acts.changes.iter().all(shrinks);
        let shrunk: &[Change] = if makes_room { &acts.changes } else { &[] };
        if !makes_room && !acts.changes.is_empty() {
            let (changes, in_flight) = (&acts.changes, self.host.in_flight());
            self.watcher.moved(&Moved { at, changes, in_flight, guests: Guests(&self.vms) });
        }
        self.start_and_refuse(at, &acts, shrunk);
        self.acts = acts;
    }

    /// The host acts, and the VMs follow the changes of their allocations.
    pub(super) fn carry_out(&mut self, at: Ticks) {
        self.host.act(at, &mut self.acts);
        self.divide_tiers(at);
        self.follow(at);
        let due = self.host.due();
        if due != self.balloon {
            self.balloon = due;
            if let Some(due) = due {
                self.push(due, EventKind::Balloon);
            }
        }
    }

    /// Divides the tiers among the present VMs. Frames that become free are lent before the VMs
    /// that gave them evict, so that what they evict finds room.
    fn divide_tiers(&mut self, at: Ticks) {
        if self.scenario.tiers.is_empty() {
            return;
        }
        let is_here = |&vm: &usize| self.host.allocation(VmId(vm as u32)).is_some();
        let present: Vec<usize> = (0..self.vms.len()).filter(is_here).collect();
        let shares: Vec<u64> = present.iter().map(|&vm| self.scenario.vms[vm].shares).collect();
        let parts = parts::divide(&self.scenario.tiers, self.host.spare(), &shares);
        for (&vm, parts) in present.iter().zip(&parts) {
            self.vms[vm].resize_tiers(parts, at);
        }
    }

    /// The VMs follow the changes of their allocations.
    pub(super) fn follow(&mut self, at: Ticks) {
        let watched = self.watcher.wants_accesses();
        for at_change in 0..self.acts.changes.len() {
            let change = self.acts.changes[at_change];
            let vm = &mut self.vms[change.vm.index()];
            let taking = self.host.taking(change.vm);
            if change.after < change.before {
                vm.events.clear();
            }
            let stall = vm.resize(change, at, self.scenario.cost, taking, watched);
            if self.host.state() == Some(State::Low) && change.after < change.before {
                vm.account.blocked_ticks += stall;
            }
            if let Some(pool) = &mut self.pool
                && change.after < change.before
            {
                pool.trim(change.vm, &vm.spec.trace, vm.replacement.resident());
                self.look_ahead(change.vm);
            }
            if self.sharing.is_some() {
                // Frames that others still map do not leave with the pages.
                self.follow_pages(change.vm, at);
                let held = self.host.allocation(change.vm).expect("it is here");
                self.acts.changes[at_change].after = held;
            }
        }
        self.note_held(at);
    }

    /// A VM below its target whose memory is full draws a free frame before it uses another page,
    /// if VMs grow at faults.
    pub(super) fn draw(&mut self, id: VmId, at: Ticks) {
        if self.meets == Meets::Never {
            return;
        }
        let vm = &self.vms[id.index()];
        let is_full = self.host.allocation(id) == Some(vm.replacement.resident());
        if !is_full || !vm.spec.trace.begins_run(vm.position) || !self.host.may_draw(id) {
            return;
        }
        if self.host.draw(id, at, &mut self.acts) {
            self.follow(at);
            let (changes, in_flight) = (&self.acts.changes, self.host.in_flight());
            self.watcher.moved(&Moved { at, changes, in_flight, guests: Guests(&self.vms) });
        }
    }

    /// Starts or refuses VMs, as the host has decided.
    pub(super) fn start_and_refuse(&mut self, at: Ticks, acts: &Acts, shrunk: &[Change]) {
        for (nth, &id) in acts.started.iter().enumerate() {
            let shrunk = if nth == 0 { shrunk } else { &[] };
            let allocation = self.host.allocation(id).expect("the VM has just started");
            let vm = &mut self.vms[id.index()];
            vm.start(allocation, at);
            self.departures.started(id, vm, at);
            let next = vm.next;
            if self.pool.is_some() {
                self.look_ahead(id);
            } else {
                self.push(next, EventKind::Access(id));
            }
            self.changed = true;
            let guests = Guests(&self.vms);
            self.watcher.arrive(&Arrival { at, vm: id, allocation, shrunk, guests });
        }
        for &(id, refusal) in &acts.refused {
            self.note_refusal(id, refusal);
        }
    }

    fn note_refusal(&mut self, id: VmId, refusal: Refusal) {
        let vm = &mut self.vms[id.index()];
        vm.note_refusal(refusal);
        if vm.spec.is_awaited() {
            self.note_finished();
        }
        self.watcher.refuse(id, refusal);
    }

    pub(super) fn note_held(&mut self, at: Ticks) {
        let held = self.host.held();
        // VMs that arrive together at the beginning make one first allocation.
        // A VM may have run ahead past the start of counting; what happens before it is not
        // counted.
        if self.all.ticks == Ticks(0) && at <= self.all.since || self.all == Held::default() {
            self.all = Held::begin(held, at.max(self.all.since));
        } else if held != self.all.last {
            self.all.change(held, at);
        }
    }
}
