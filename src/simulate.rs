//! The simulation: one event queue, in logical time, on one thread.
//!
//! # Order
//! An event is a tick and a kind; their derived order *is* the tie rule: at one tick VMs
//! depart, then arrive, then the checkpoint happens, then VMs make their accesses, each in file
//! order. An event is unique, so nothing else can decide.
//!
//! # Run ahead
//! VMs touch nothing in common between control events (arrivals and checkpoints; a departure only
//! frees frames, which nobody gets before the next of these). So an access event that is popped
//! makes *all* of its VM's accesses up to the next control event in one call of
//! [`Replacement::run`](crate::replace::Replacement::run). A [`Watcher`] that must see every access in its true order gets a horizon
//! of one tick instead. Both give the same outcome: `tests/laws.rs` compares them.

use std::cmp::Reverse;
use std::collections::BinaryHeap;

use crate::balance::{Bounds, Plan, Policy, PolicyKind, View, wrapped};
use crate::host::{Change, Host};
use crate::movement::Settling;
use crate::random::{Stream, mix};
use crate::replace::Counts;
use crate::scenario::{After, Scenario};
use crate::units::{Frames, Ticks, VmId};
use crate::vm::Vm;

pub use crate::account::{Account, Held, Outcome};
pub use crate::watch::{Access, Arrival, Checkpoint, Nobody, Watcher};

/// What happens at one tick, in this order.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
enum Kind {
    Depart(VmId),
    Arrive(VmId),
    Checkpoint,
    Access(VmId),
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
struct Event {
    at: Ticks,
    kind: Kind,
}

/// Runs `scenario` under `policy`.
pub fn simulate(scenario: &Scenario, policy: &PolicyKind, watcher: &mut dyn Watcher) -> Outcome {
    let mut run = Simulation::new(scenario, policy, watcher);
    while let Some(Reverse(event)) = run.queue.pop() {
        // What starts when all have finished belongs to the next interval, which never comes.
        let over = run.end.is_some_and(|end| match event.kind {
            Kind::Access(_) => event.at >= end,
            _ => event.at > end,
        });
        if !over {
            run.happen(event);
        }
    }
    run.finish()
}

struct Simulation<'a> {
    scenario: &'a Scenario,
    watcher: &'a mut dyn Watcher,
    policy: Box<dyn Policy>,
    draw: Stream,
    queue: BinaryHeap<Reverse<Event>>,
    host: Host,
    vms: Vec<Vm<'a>>,
    /// Starts that are still to come, the next one last.
    arrivals: Vec<Ticks>,
    next_checkpoint: Ticks,
    checkpoints: u64,
    /// No run ends before this tick, as far as is known.
    end_bound: Ticks,
    /// VMs that the run waits for.
    unfinished: usize,
    /// When the run ends, once all VMs that do not repeat for ever have finished.
    end: Option<Ticks>,
    all: Held,
    settling: Settling,
    /// Whether a VM came, went or began another phase since the last checkpoint.
    changed: bool,
    fingerprint: u64,
    // Kept from checkpoint to checkpoint for their memory.
    view: View,
    resident: Vec<Frames>,
    changes: Vec<Change>,
}

impl<'a> Simulation<'a> {
    fn new(scenario: &'a Scenario, policy: &PolicyKind, watcher: &'a mut dyn Watcher) -> Self {
        let shown = watcher.wants_lists();
        let settings = scenario.settings_of(policy);
        let observers = (policy.observers)(settings);
        let vm = |spec| Vm::new(spec, scenario, observers, settings, shown);
        let vms: Vec<Vm> = scenario.vms.iter().map(vm).collect();
        let ids = || (0..vms.len()).map(|at| VmId(at as u32));
        let mut arrivals: Vec<Ticks> = scenario.vms.iter().map(|vm| vm.start).collect();
        arrivals.sort_unstable_by_key(|&start| Reverse(start));
        let mut queue: BinaryHeap<Reverse<Event>> = ids()
            .map(|vm| Event { at: vms[vm.index()].spec.start, kind: Kind::Arrive(vm) })
            .map(Reverse)
            .collect();
        let next_checkpoint = scenario.checkpoint_every;
        queue.push(Reverse(Event { at: next_checkpoint, kind: Kind::Checkpoint }));
        let bounds = scenario.vms.iter().map(|vm| Bounds { min: vm.min, max: vm.max }).collect();
        Self {
            scenario,
            watcher,
            policy: wrapped::wrap((policy.build)(settings), &scenario.wrapper),
            draw: Stream::new(scenario.random, scenario.seed, scenario.repetition, "policy"),
            queue,
            host: Host::new(scenario.host.memory, bounds),
            arrivals,
            next_checkpoint,
            checkpoints: 0,
            end_bound: Ticks(0),
            unfinished: vms.iter().filter(|vm| vm.is_awaited()).count(),
            vms,
            end: None,
            all: Held::default(),
            settling: Settling::default(),
            changed: false,
            fingerprint: 0,
            view: View { at: Ticks(0), host: scenario.host.memory, vms: Vec::new() },
            resident: Vec::new(),
            changes: Vec::new(),
        }
    }

    fn happen(&mut self, event: Event) {
        match event.kind {
            Kind::Depart(vm) => self.depart(vm, event.at),
            Kind::Arrive(vm) => self.arrive(vm, event.at),
            Kind::Checkpoint => self.checkpoint(event.at),
            Kind::Access(vm) => self.access(vm, event.at),
        }
    }

    fn push(&mut self, at: Ticks, kind: Kind) {
        self.queue.push(Reverse(Event { at, kind }));
    }

    fn arrive(&mut self, id: VmId, at: Ticks) {
        self.arrivals.pop();
        self.changed = true;
        let spec = self.vms[id.index()].spec;
        self.changes = self.host.admit(id, spec.initial);
        for change in &self.changes {
            self.vms[change.vm.index()].resize(*change, at, self.scenario.cost);
        }
        let allocation = self.host.allocation(id).expect("the VM has just been admitted");
        let vm = &mut self.vms[id.index()];
        let _ = vm.replacement.resize(allocation); // Nothing is resident yet.
        vm.account.frames = Held::begin(allocation, at);
        self.note_held(at);
        let (shrunk, vms) = (&self.changes, &self.vms);
        self.watcher.arrive(&Arrival { at, vm: id, allocation, shrunk, vms });
        if let Some(stop) = spec.stop {
            self.push(stop, Kind::Depart(id));
        }
        self.push(at, Kind::Access(id));
    }

    fn depart(&mut self, id: VmId, at: Ticks) {
        if self.host.allocation(id).is_none() {
            return; // It left when its trace was over; this was its stop.
        }
        let allocation = self.host.dismiss(id);
        self.changed = true;
        let vm = &mut self.vms[id.index()];
        vm.close_interval();
        vm.account.frames.end(at);
        let held_up = !std::mem::replace(&mut vm.finished, true);
        if held_up {
            // What its observers intercepted has held it up until its stop.
            vm.next = at;
            self.note_finished();
        }
        self.note_held(at);
        self.watcher.depart(at, id, allocation);
    }

    fn access(&mut self, id: VmId, at: Ticks) {
        if self.vms[id.index()].finished {
            return; // It was held up until its stop.
        }
        let charged_to = self.vms[id.index()].next;
        if charged_to > at {
            // What its observers intercepted has held it up meanwhile.
            self.push(charged_to, Kind::Access(id));
            return;
        }
        let horizon = self.horizon(id, at);
        let delays = self.scenario.cost.delays;
        let vm = &mut self.vms[id.index()];
        let position = vm.position;
        let before = vm.interval;
        vm.run(horizon, delays);
        let (next, finished, leaves) = (vm.next, vm.finished, vm.spec.after == After::Leave);
        if self.watcher.wants_accesses() {
            let counts = vm.interval.since(&before);
            let allocation = self.host.allocation(id).expect("a VM that is not here is still");
            let replacement = &*vm.replacement;
            let access = Access { at, vm: id, position, counts, allocation, replacement };
            self.watcher.access(&access);
        }
        if !finished {
            self.push(next, Kind::Access(id));
            return;
        }
        if leaves && self.vms[id.index()].spec.stop != Some(next) {
            self.push(next, Kind::Depart(id));
        }
        self.note_finished();
    }

    /// One VM less that the run waits for.
    fn note_finished(&mut self) {
        self.unfinished -= 1;
        if self.unfinished == 0 {
            let awaited = self.vms.iter().filter(|vm| vm.is_awaited());
            self.end = awaited.map(|vm| vm.next).max();
        }
    }

    /// The tick before which a VM whose next access is at `at` may run ahead.
    fn horizon(&mut self, id: VmId, at: Ticks) -> Ticks {
        if self.watcher.wants_accesses() {
            return at + Ticks(1);
        }
        let arrival = self.arrivals.last().copied().unwrap_or(self.next_checkpoint);
        let control = self.next_checkpoint.min(arrival);
        if self.vms[id.index()].is_awaited() {
            return control;
        }
        // Nobody waits for this VM, so it must not run past the end, wherever that may be. All
        // awaited VMs have made their accesses before `at`, so the bound is later than that.
        if self.end_bound < control {
            let awaited = self.vms.iter().filter(|vm| vm.is_awaited());
            self.end_bound = awaited.map(Vm::finish_bound).max().expect("a run waits for a VM");
        }
        control.min(self.end_bound)
    }

    fn checkpoint(&mut self, at: Ticks) {
        self.note_moves();
        self.checkpoints += 1;
        self.next_checkpoint = at + self.scenario.checkpoint_every;
        self.push(self.next_checkpoint, Kind::Checkpoint);
        self.look(at);
        if self.view.vms.is_empty() {
            return;
        }
        let plan = self.policy.divide(&self.view, &mut self.draw);
        self.changes.clear();
        self.host.apply(&self.view, &plan, &mut self.changes);
        for change in &self.changes {
            self.vms[change.vm.index()].resize(*change, at, self.scenario.cost);
        }
        self.note_held(at);
        self.resident.clear();
        for vm in &self.view.vms {
            self.resident.push(self.vms[vm.id.index()].replacement.resident());
        }
        self.note_fingerprint(&plan);
        self.watcher.checkpoint(&Checkpoint {
            number: self.checkpoints,
            view: &self.view,
            plan: &plan,
            resident: &self.resident,
            fingerprint: self.fingerprint,
            vms: &self.vms,
        });
    }

    /// Makes the policy's view and closes the interval.
    fn look(&mut self, at: Ticks) {
        let ticks = [at - self.view.at, self.scenario.checkpoint_every];
        self.view.at = at;
        for view in self.view.vms.drain(..) {
            self.vms[view.id.index()].looked_at(view);
        }
        for (index, vm) in self.vms.iter_mut().enumerate() {
            let id = VmId(index as u32);
            if let Some(allocation) = self.host.allocation(id) {
                self.view.vms.push(vm.look(id, allocation, ticks, self.scenario.cost));
            }
        }
    }

    /// What the last checkpoint moved, and what changed since.
    fn note_moves(&mut self) {
        let (mut granted, mut reclaimed) = (0, 0);
        for (index, vm) in self.vms.iter_mut().enumerate() {
            if let Some(allocation) = self.host.allocation(VmId(index as u32)) {
                let gained = vm.note_moves(allocation);
                if self.checkpoints > 0 {
                    vm.settling.note(gained.unsigned_abs(), self.scenario.host.memory);
                }
                granted += gained.max(0).unsigned_abs();
                reclaimed += gained.min(0).unsigned_abs();
                self.changed |= vm.enters_phase();
            }
        }
        if self.checkpoints > 0 {
            self.settling.note(granted.max(reclaimed), self.scenario.host.memory);
        }
        if std::mem::take(&mut self.changed) {
            self.settling.change();
            self.vms.iter_mut().for_each(|vm| vm.settling.change());
        }
    }

    fn note_held(&mut self, at: Ticks) {
        let held = self.host.memory() - self.host.free();
        // VMs that arrive together at the beginning make one first allocation.
        if self.all.ticks == Ticks(0) && self.all.since == at || self.all == Held::default() {
            self.all = Held::begin(held, at);
        } else if held != self.all.last {
            self.all.change(held, at);
        }
    }

    fn note_fingerprint(&mut self, plan: &Plan) {
        let mut hash = mix(self.fingerprint, self.view.at.0);
        let vms = self.view.vms.iter().zip(&plan.0).zip(&self.resident);
        for ((vm, target), resident) in vms {
            for word in [u64::from(vm.id.0), target.0, resident.0] {
                hash = mix(hash, word);
            }
            hash = mix_counts(hash, &vm.interval);
        }
        self.fingerprint = mix(hash, self.draw.trail());
    }

    fn finish(mut self) -> Outcome {
        let end = self.end.expect("a checked scenario ends");
        self.all.end(end);
        self.note_moves();
        for (index, vm) in self.vms.iter_mut().enumerate() {
            vm.close_interval();
            if self.host.allocation(VmId(index as u32)).is_some() {
                vm.account.frames.end(end);
            }
            let accesses = vm.account.counts.accesses.min(vm.spec.trace.accesses());
            vm.account.movement.settle_checkpoints = vm.settling.worst();
            vm.account.ticks = vm.next.min(end).0.saturating_sub(vm.spec.start.0);
            vm.account.distinct_pages = vm.spec.trace.distinct_before(accesses) as u64;
            self.fingerprint = mix_counts(self.fingerprint, &vm.account.counts);
        }
        let vms: Vec<Account> = self.vms.into_iter().map(|vm| vm.account).collect();
        let mut all = Account::all(&vms, self.all, end);
        all.movement.settle_checkpoints = self.settling.worst();
        Outcome {
            vms,
            all,
            checkpoints: self.checkpoints,
            end,
            fingerprint: mix(self.fingerprint, end.0),
        }
    }
}

fn mix_counts(hash: u64, counts: &Counts) -> u64 {
    let Counts { accesses, demand_faults, cold_faults, replacement_misses, write_backs } = *counts;
    let hash =
        [accesses, demand_faults, cold_faults, replacement_misses].into_iter().fold(hash, mix);
    // A run that counts no write-backs has the fingerprint it always had.
    if write_backs > 0 { mix(hash, write_backs) } else { hash }
}
