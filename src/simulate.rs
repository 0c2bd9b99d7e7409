//! The simulation: one event queue, in logical time, on one thread.
//!
//! # Order
//! An [`Event`] is a tick and a [`Kind`]; their derived order *is* the tie rule: at one tick VMs
//! depart, then arrive, then the checkpoint happens, then VMs make their accesses, each in file
//! order. An event is unique, so nothing else can decide.
//!
//! # Run ahead
//! VMs touch nothing in common between control events (arrivals and checkpoints; a departure only
//! frees frames, which nobody gets before the next of these). So an access event that is popped
//! makes *all* of its VM's accesses up to the next control event in one call of
//! [`Replacement::run`]. A [`Watcher`] that must see every access in its true order gets a horizon
//! of one tick instead. Both give the same outcome: `tests/laws.rs` compares them.

use std::cmp::Reverse;
use std::collections::BinaryHeap;

use crate::balance::{Bounds, Plan, Policy, PolicyKind, View, VmView};
use crate::host::{Change, Host};
use crate::random::{Stream, mix};
use crate::replace::{Counts, Replacement, Stretch};
use crate::scenario::{After, Scenario, VmSpec};
use crate::units::{Frames, Ticks, VmId};

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
    since: Ticks,
}

impl Held {
    fn begin(frames: Frames, at: Ticks) -> Self {
        Self { first: frames, last: frames, min: frames, max: frames, since: at, ..Self::default() }
    }

    fn change(&mut self, frames: Frames, at: Ticks) {
        self.end(at);
        self.last = frames;
        self.min = self.min.min(frames);
        self.max = self.max.max(frames);
    }

    fn end(&mut self, at: Ticks) {
        let held = at - self.since;
        self.frame_ticks += u128::from(self.last.0) * u128::from(held.0);
        self.ticks += held;
        self.since = at;
    }
}

/// Sees what happens in a run; changes nothing.
pub trait Watcher {
    /// Whether every access must be shown, and in its true order.
    fn wants_accesses(&self) -> bool {
        false
    }

    /// A VM arrived with this allocation, and others shrank to make room.
    fn arrive(&mut self, _at: Ticks, _vm: VmId, _allocation: Frames, _shrunk: &[Change]) {}

    /// A VM departed with this allocation.
    fn depart(&mut self, _at: Ticks, _vm: VmId, _allocation: Frames) {}

    /// A VM made an access. Only called where [`wants_accesses`](Self::wants_accesses).
    fn access(&mut self, _access: &Access<'_>) {}

    /// A checkpoint happened.
    fn checkpoint(&mut self, _checkpoint: &Checkpoint<'_>) {}
}

/// Sees nothing.
pub struct Nobody;

impl Watcher for Nobody {}

/// One access, shown to a [`Watcher`] after it was made.
pub struct Access<'a> {
    /// When it started.
    pub at: Ticks,
    /// The VM.
    pub vm: VmId,
    /// Its position in the VM's trace.
    pub position: u64,
    /// The counts of this one access.
    pub counts: Counts,
    /// The VM's allocation.
    pub allocation: Frames,
    /// The VM's replacement algorithm, after the access.
    pub replacement: &'a dyn Replacement,
}

/// One checkpoint, shown to a [`Watcher`] after the plan was carried out.
pub struct Checkpoint<'a> {
    /// Its number, from 1.
    pub number: u64,
    /// What the policy saw.
    pub view: &'a View,
    /// What it decided.
    pub plan: &'a Plan,
    /// The resident pages of each VM of the view after the plan was carried out.
    pub resident: &'a [Frames],
    vms: &'a [Vm<'a>],
}

impl Checkpoint<'_> {
    /// A VM's replacement algorithm after the plan was carried out.
    pub fn replacement(&self, vm: VmId) -> &dyn Replacement {
        &*self.vms[vm.index()].replacement
    }
}

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
    fingerprint: u64,
    // Kept from checkpoint to checkpoint for their memory.
    view: View,
    resident: Vec<Frames>,
    changes: Vec<Change>,
}

struct Vm<'a> {
    spec: &'a VmSpec,
    replacement: Box<dyn Replacement>,
    /// The position of its next access.
    position: u64,
    first_pass: bool,
    /// When its next access starts, or when its last one was over.
    next: Ticks,
    finished: bool,
    interval: Counts,
    account: Account,
}

impl<'a> Vm<'a> {
    fn new(spec: &'a VmSpec, shown: bool) -> Self {
        let kind = spec.replacement;
        let build = if shown { kind.build_shown } else { kind.build };
        Self {
            spec,
            replacement: build(&spec.replacement_settings, &spec.trace, spec.initial),
            position: 0,
            first_pass: true,
            next: spec.start,
            finished: false,
            interval: Counts::default(),
            account: Account::default(),
        }
    }

    /// Whether the run waits for it; who repeats without a stop is never waited for.
    fn is_awaited(&self) -> bool {
        self.spec.after != After::Repeat || self.spec.stop.is_some()
    }

    fn stop(&self) -> Ticks {
        self.spec.stop.unwrap_or(Ticks(u64::MAX))
    }

    /// The earliest tick at which it can have finished.
    fn finish_bound(&self) -> Ticks {
        if self.finished || self.spec.after == After::Repeat {
            return if self.finished { self.next } else { self.stop() };
        }
        let left = self.spec.trace.accesses() - self.position;
        Ticks(self.next.0 + left * self.spec.period.0).min(self.stop())
    }

    /// Makes its accesses that start before `horizon`; the first of them exists.
    fn run(&mut self, horizon: Ticks, fault_cost: Ticks) {
        let horizon = horizon.min(self.stop());
        let length = self.spec.trace.accesses();
        while self.next < horizon && !self.finished {
            let counts = self.replacement.run(Stretch {
                from: self.position,
                first_pass: self.first_pass,
                budget: horizon - self.next,
                period: self.spec.period,
                fault_cost,
            });
            debug_assert!(counts.accesses > 0, "a stretch makes at least one access");
            let spent = counts.accesses * self.spec.period.0 + counts.demand_faults * fault_cost.0;
            self.next += Ticks(spent);
            self.position += counts.accesses;
            self.interval.add(counts);
            if self.position == length {
                match self.spec.after {
                    After::Repeat => (self.position, self.first_pass) = (0, false),
                    After::Idle | After::Leave => self.finished = true,
                }
            }
        }
        if self.next >= self.stop() {
            self.next = self.stop();
            self.finished = true;
        }
    }

    fn close_interval(&mut self) {
        self.account.counts.add(std::mem::take(&mut self.interval));
    }

    fn resize(&mut self, change: Change, at: Ticks) {
        let Change { before, after, .. } = change;
        if after > before {
            self.account.granted += after - before;
        } else {
            self.account.reclaimed += before - after;
        }
        self.account.frames.change(after, at);
        self.replacement.resize(after);
    }
}

impl<'a> Simulation<'a> {
    fn new(scenario: &'a Scenario, policy: &PolicyKind, watcher: &'a mut dyn Watcher) -> Self {
        let shown = watcher.wants_accesses();
        let vms: Vec<Vm> = scenario.vms.iter().map(|spec| Vm::new(spec, shown)).collect();
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
            policy: (policy.build)(scenario.settings_of(policy)),
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
        let spec = self.vms[id.index()].spec;
        self.changes = self.host.admit(id, spec.initial);
        for change in &self.changes {
            self.vms[change.vm.index()].resize(*change, at);
        }
        let allocation = self.host.allocation(id).expect("the VM has just been admitted");
        let vm = &mut self.vms[id.index()];
        vm.replacement.resize(allocation);
        vm.account.frames = Held::begin(allocation, at);
        self.note_held(at);
        self.watcher.arrive(at, id, allocation, &self.changes);
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
        let vm = &mut self.vms[id.index()];
        vm.close_interval();
        vm.account.frames.end(at);
        self.note_held(at);
        self.watcher.depart(at, id, allocation);
    }

    fn access(&mut self, id: VmId, at: Ticks) {
        let horizon = self.horizon(id, at);
        let fault_cost = self.scenario.cost.fault;
        let vm = &mut self.vms[id.index()];
        let position = vm.position;
        let before = vm.interval;
        vm.run(horizon, fault_cost);
        let (next, finished, leaves) = (vm.next, vm.finished, vm.spec.after == After::Leave);
        if self.watcher.wants_accesses() {
            let counts = Counts {
                accesses: vm.interval.accesses - before.accesses,
                demand_faults: vm.interval.demand_faults - before.demand_faults,
                cold_faults: vm.interval.cold_faults - before.cold_faults,
                replacement_misses: vm.interval.replacement_misses - before.replacement_misses,
            };
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
            self.vms[change.vm.index()].resize(*change, at);
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
            vms: &self.vms,
        });
    }

    /// Makes the policy's view and closes the interval.
    fn look(&mut self, at: Ticks) {
        self.view.at = at;
        self.view.vms.clear();
        for (index, vm) in self.vms.iter_mut().enumerate() {
            let id = VmId(index as u32);
            let Some(allocation) = self.host.allocation(id) else { continue };
            let interval = vm.interval;
            vm.close_interval();
            self.view.vms.push(VmView {
                id,
                bounds: Bounds { min: vm.spec.min, max: vm.spec.max },
                shares: vm.spec.shares,
                allocation,
                resident: vm.replacement.resident(),
                interval,
                total: vm.account.counts,
            });
        }
    }

    fn note_held(&mut self, at: Ticks) {
        let held = self.host.memory() - self.host.free();
        if self.all == Held::default() {
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
        let mut all = Account { frames: self.all, ..Account::default() };
        for (index, vm) in self.vms.iter_mut().enumerate() {
            vm.close_interval();
            if self.host.allocation(VmId(index as u32)).is_some() {
                vm.account.frames.end(end);
            }
            let accesses = vm.account.counts.accesses.min(vm.spec.trace.accesses());
            vm.account.distinct_pages = vm.spec.trace.distinct_before(accesses) as u64;
            all.counts.add(vm.account.counts);
            all.granted += vm.account.granted;
            all.reclaimed += vm.account.reclaimed;
            all.distinct_pages += vm.account.distinct_pages;
            self.fingerprint = mix_counts(self.fingerprint, &vm.account.counts);
        }
        Outcome {
            vms: self.vms.into_iter().map(|vm| vm.account).collect(),
            all,
            checkpoints: self.checkpoints,
            end,
            fingerprint: mix(self.fingerprint, end.0),
        }
    }
}

fn mix_counts(hash: u64, counts: &Counts) -> u64 {
    let Counts { accesses, demand_faults, cold_faults, replacement_misses } = *counts;
    [accesses, demand_faults, cold_faults, replacement_misses].into_iter().fold(hash, mix)
}
