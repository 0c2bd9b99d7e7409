//! Policies that pool frames: a VM that faults with no empty frame of its own draws one from the
//! others, between checkpoints.
//!
//! VMs do not interact at hits. A VM's next fault follows from its stack distances and its resident
//! count, so its access event is queued for that tick, and all accesses before it are hits. At a
//! fault that draws a frame the other VMs first make their accesses up to that tick, as they do at
//! every control event. A VM that loses a frame may fault earlier than expected; its event is
//! queued again, and the stale one is skipped. If a watcher wants every access, each is an event of
//! its own.

use std::collections::VecDeque;

use super::{EventKind, Simulation};
use crate::balance::LruEnd;
use crate::observe::{DEPTH, NEXT_USES, ObserverKind};
use crate::params::Settings;
use crate::scenario::{After, Scenario, VmSpec};
use crate::trace::Trace;
use crate::trace::future::Future;
use crate::units::{Frames, Ticks, VmId};
use crate::vm::Vm;
use crate::watch::{Guests, Moved};

/// How many accesses are searched at once for the next fault; after them the VM searches again.
const LOOK_AHEAD: u64 = 1 << 14;

/// The state of frame pooling.
pub(super) struct Pool {
    lanes: Vec<Lane>,
    // Kept to reuse its memory.
    givers: Vec<VmId>,
    ends: Vec<LruEnd>,
}

/// One VM's resident pages by their last uses: the last `resident` distinct pages of its accesses.
/// Runs and accesses are numbered across all passes over the trace.
struct Lane {
    /// For policies that know the next uses of pages.
    foresight: Option<Foresight>,
    /// The run that used each page last.
    last: Vec<u64>,
    /// The runs that have begun, and the frees that have happened.
    runs: u64,
    freed: u64,
    resident: u64,
    /// Every resident page was last used by this run or a later one. It never decreases, because
    /// pages only move to the top.
    end: u64,
    /// Accesses and their ticks from which on the VM runs without delays; entries older than the
    /// one valid at `end` are dropped.
    paces: VecDeque<(u64, Ticks)>,
    /// When its valid access event is due.
    due: Option<Ticks>,
}

impl Pool {
    /// An empty pool for the scenario's VMs under a policy with these observers.
    pub(super) fn new(
        scenario: &Scenario,
        observers: &[&ObserverKind],
        settings: &Settings,
    ) -> Self {
        let foresees = observers.iter().any(|observer| observer.name == NEXT_USES.name);
        let depth = foresees.then(|| settings.integer(DEPTH.name) as usize);
        let lane = |VmSpec { trace, .. }: &VmSpec| Lane {
            foresight: depth.map(|depth| Foresight {
                future: Future::of(trace),
                depth,
                ahead: VecDeque::with_capacity(depth),
                scanned: 0,
            }),
            last: vec![u64::MAX; trace.distinct_pages()],
            runs: 0,
            freed: 0,
            resident: 0,
            end: 0,
            paces: VecDeque::new(),
            due: None,
        };
        Self {
            lanes: scenario.vms.iter().map(lane).collect(),
            givers: Vec::new(),
            ends: Vec::new(),
        }
    }

    /// Records that the VM now has `resident` pages, at most as many as before: the least recently
    /// used were evicted.
    pub(super) fn trim(&mut self, vm: VmId, trace: &Trace, resident: Frames) {
        let lane = &mut self.lanes[vm.index()];
        while lane.resident > resident.0 {
            lane.find_end(trace);
            lane.end += 1;
            lane.resident -= 1;
        }
    }
}

/// The next uses of the pages at the LRU end.
struct Foresight {
    future: Future,
    /// The number of pages shown to the policy.
    depth: usize,
    /// Runs at or after the LRU end that are the last use of their page so far, in order, at most
    /// `depth` of them. Runs below `scanned` need no second look.
    ahead: VecDeque<u64>,
    scanned: u64,
}

impl Lane {
    /// Notes that the VM is about to make this access at this tick.
    fn note_pace(&mut self, access: u64, at: Ticks, spec: &VmSpec) {
        let expected = |&(from, tick): &(u64, Ticks)| tick.0 + nominal(spec, from, access);
        if self.paces.back().map(expected) != Some(at.0) {
            self.paces.push_back((access, at));
        }
    }

    /// Notes that the VM has made `accesses` accesses and holds `resident` pages.
    fn note(&mut self, trace: &Trace, accesses: u64, resident: Frames) {
        let until = runs_before(trace, accesses);
        let pages = trace.run_pages();
        while self.runs < until {
            let pass = self.runs - self.runs % pages.len() as u64;
            let from = (self.runs - pass) as usize;
            let to = pages.len().min((until - pass) as usize);
            let to = Self::next_free(trace, from).map_or(to, |run| to.min(run));
            for (run, &page) in (self.runs..).zip(&pages[from..to]) {
                self.last[page as usize] = run;
            }
            self.runs = pass + to as u64;
            if self.runs < until {
                self.free(trace, self.runs);
            }
        }
        if trace.begins_run(accesses % trace.accesses()) {
            self.free(trace, until);
        }
        self.resident = resident.0;
    }

    /// The run of this pass, behind `from`, before which pages are freed next.
    fn next_free(trace: &Trace, from: usize) -> Option<usize> {
        let frees = trace.frees()?;
        let behind = frees.before_run(from);
        frees.runs().get(behind).map(|&run| run as usize)
    }

    /// Forgets the pages that are freed up to the beginning of this run, counted over all passes.
    fn free(&mut self, trace: &Trace, run: u64) {
        let Some(frees) = trace.frees() else { return };
        let until = frees.before_run_of_all(run, trace.run_pages().len() as u64);
        for free in self.freed..until {
            let page = frees.pages()[(free % frees.len() as u64) as usize];
            self.last[page as usize] = u64::MAX;
        }
        self.freed = self.freed.max(until);
    }

    /// Finds the run that last used the least recently used page.
    fn find_end(&mut self, trace: &Trace) {
        let pages = trace.run_pages();
        let mut at = (self.end % pages.len() as u64) as usize;
        while self.last[pages[at] as usize] != self.end {
            self.end += 1;
            at = if at + 1 == pages.len() { 0 } else { at + 1 };
        }
    }

    /// The least recently used page: when it was last used and, if known, when it is used next.
    fn lru_end(&mut self, id: VmId, vm: &Vm<'_>) -> LruEnd {
        let trace = &vm.spec.trace;
        self.find_end(trace);
        let pass_begins = self.end / trace.run_pages().len() as u64 * trace.accesses();
        let run = (self.end % trace.run_pages().len() as u64) as usize;
        let behind = pass_begins + trace.run_start(run + 1);
        let access = behind.min(vm.accesses()) - 1;
        while self.paces.get(1).is_some_and(|&(from, _)| from <= access) {
            self.paces.pop_front();
        }
        let (from, tick) = self.paces[0];
        let used = tick + Ticks(nominal(vm.spec, from, access));
        LruEnd { vm: id, used, next_uses: self.next_uses(vm) }
    }

    /// The next uses of the pages from the LRU end on; [`find_end`](Self::find_end) has found it.
    fn next_uses(&mut self, vm: &Vm<'_>) -> Vec<Option<Ticks>> {
        let Some(Foresight { future, depth, ahead, scanned }) = &mut self.foresight else {
            return Vec::new();
        };
        let trace = &vm.spec.trace;
        let pages = trace.run_pages();
        let page = |run: u64| pages[(run % pages.len() as u64) as usize];
        let (last, end) = (&self.last, self.end);
        ahead.retain(|&run| run >= end && last[page(run) as usize] == run);
        *scanned = end.max(*scanned);
        while ahead.len() < *depth && *scanned < self.runs {
            if last[page(*scanned) as usize] == *scanned {
                ahead.push_back(*scanned);
            }
            *scanned += 1;
        }
        let repeats = vm.spec.after == After::Repeat;
        let next_use = |&run: &u64| {
            let pass_begins = run / pages.len() as u64 * trace.accesses();
            let place = (run % pages.len() as u64) as usize;
            let next = future.next_use(place, pages[place], pass_begins)?;
            let next = (repeats || next < trace.accesses()).then_some(next - vm.accesses())?;
            let made = vm.accesses();
            let ahead = nominal(vm.spec, made, made.saturating_add(next));
            Some(Ticks(vm.next.0.saturating_add(ahead)))
        };
        ahead.iter().map(|run| next_use(run).filter(|_| !vm.finished)).collect()
    }
}

/// The nominal ticks from one access to another, counted over all passes.
fn nominal(spec: &VmSpec, from: u64, to: u64) -> u64 {
    spec.tempo.tick_of(&spec.trace, to) - spec.tempo.tick_of(&spec.trace, from)
}

/// The runs that begin in the first `accesses` accesses, over all passes.
fn runs_before(trace: &Trace, accesses: u64) -> u64 {
    let pass = accesses / trace.accesses();
    let runs = trace.runs_before(accesses - pass * trace.accesses());
    pass * trace.run_pages().len() as u64 + runs as u64
}

/// The accesses until the VM's next fault or free, its last access of this pass or the end of the
/// search:
/// all are hits as long as it loses no frame.
fn hits_ahead(vm: &Vm<'_>) -> u64 {
    let trace = &vm.spec.trace;
    // A free changes the resident count, so the VM looks ahead again after it.
    let until = (trace.accesses() - 1).min(vm.position + LOOK_AHEAD);
    let until = until.min(trace.next_free(vm.position));
    let runs = trace.runs_before(vm.position)..trace.runs_before(until);
    let mut depth = vm.replacement.resident().0 as u32;
    let (most, mut fault) = (u64::from(depth) + 1, None);
    let distances = trace.distances_of(vm.is_first_pass(), runs.clone());
    distances.grow(&mut depth, most, |at| fault = Some(runs.start + at));
    fault.map_or(until, |run| trace.run_start(run)) - vm.position
}

/// Whether the VM's next access is a fault with no empty frame.
fn draws(vm: &Vm<'_>, allocation: Option<Frames>) -> bool {
    let (trace, resident) = (&vm.spec.trace, vm.replacement.resident());
    if allocation != Some(resident) || !trace.begins_run(vm.position) {
        return false;
    }
    let run = trace.runs_before(vm.position);
    let distances = trace.distances_of(vm.is_first_pass(), run..run + 1);
    u64::from(distances.slice()[0]) > resident.0
}

impl Simulation<'_> {
    /// Queues the event of the VM's next access at which VMs may meet, if it pools frames.
    pub(super) fn look_ahead(&mut self, id: VmId) {
        let vm = &self.vms[id.index()];
        let Some(pool) = self.pool.as_mut().filter(|_| !vm.finished) else { return };
        let hits = if self.watcher.wants_accesses() { 0 } else { hits_ahead(vm) };
        let ahead = vm.nominal(vm.position, vm.position + hits);
        let due = Ticks(vm.next.0.saturating_add(ahead));
        pool.lanes[id.index()].due = Some(due);
        self.push(due, EventKind::Access(id));
    }

    /// Makes all pooling VMs' accesses that start before `horizon`.
    pub(super) fn catch_up(&mut self, horizon: Ticks) {
        for vm in 0..self.pool.as_ref().map_or(0, |pool| pool.lanes.len()) {
            let id = VmId(vm as u32);
            if self.host.allocation(id).is_some() {
                self.run_pooled(id, horizon);
            }
        }
    }

    /// Makes a pooling VM's accesses that start before `horizon`; all but the first are known to
    /// hit.
    fn run_pooled(&mut self, id: VmId, horizon: Ticks) {
        let watched = self.watcher.wants_accesses();
        let Some(pool) = &mut self.pool else { return };
        let lane = &mut pool.lanes[id.index()];
        let vm = &mut self.vms[id.index()];
        if vm.finished || vm.next >= horizon {
            return;
        }
        while !vm.finished && vm.next < horizon {
            lane.note_pace(vm.accesses(), vm.next, vm.spec);
            vm.run(horizon.min(vm.next_idle()), self.scenario.cost.delays, watched, false);
        }
        lane.note(&vm.spec.trace, vm.accesses(), vm.replacement.resident());
        let finished = vm.finished;
        self.note_counted(id);
        if finished {
            self.note_trace_over(id);
        }
    }

    /// Processes the access event of a VM that pools frames.
    pub(super) fn access_pooled(&mut self, id: VmId, at: Ticks) {
        let due = self
            .pool
            .as_mut()
            .and_then(|pool| pool.lanes[id.index()].due.take_if(|due| *due == at));
        if due.is_none() {
            return; // The event is stale.
        }
        self.run_pooled(id, at);
        let vm = &self.vms[id.index()];
        if !vm.finished && vm.next == at {
            if draws(vm, self.host.allocation(id)) {
                self.take_frame(id, at);
            }
            let (position, before) = (self.vms[id.index()].position, self.vms[id.index()].interval);
            self.run_pooled(id, at + Ticks(1));
            self.show_access(id, at, position, &before);
        }
        self.look_ahead(id);
    }

    /// A VM faults with no empty frame: it gets one from the VM that the policy names, or replaces
    /// a page of its own.
    fn take_frame(&mut self, id: VmId, at: Ticks) {
        let Some(mut pool) = self.pool.take() else { return };
        pool.givers.clear();
        pool.givers.extend(self.host.above_minimum().filter(|&other| other != id));
        self.pool = Some(pool);
        for other in 0..self.pool.as_ref().map_or(0, |pool| pool.givers.len()) {
            let other = self.pool.as_ref().expect("it was put back").givers[other];
            // Accesses at the same tick are in file order.
            self.run_pooled(other, if other < id { at + Ticks(1) } else { at });
        }
        let giver = self.giver(id, at);
        if giver == Some(id) {
            let vm = &self.vms[id.index()];
            let others = vm.replacement.resident() - Frames(1);
            self.pool.as_mut().expect("it was put back").trim(id, &vm.spec.trace, others);
        } else {
            self.host.move_frame(giver, id, &mut self.acts);
            self.follow(at);
            let (changes, in_flight) = (&self.acts.changes, self.host.in_flight());
            self.watcher.moved(&Moved { at, changes, in_flight, guests: Guests(&self.vms) });
        }
    }

    /// The VM that gives a frame to one without an empty frame: none if a frame is spare, else one
    /// that has an empty frame, else the one that the policy names, which may be the faulting VM
    /// itself.
    fn giver(&mut self, id: VmId, at: Ticks) -> Option<VmId> {
        if self.host.allocation(id) == Some(self.vms[id.index()].spec.max) {
            return Some(id);
        }
        if self.host.spare() > Frames(0) {
            return None;
        }
        let Pool { lanes, givers, ends } = self.pool.as_mut()?;
        let resident = |vm: &VmId| self.vms[vm.index()].replacement.resident();
        let has_empty = |vm: &&VmId| self.host.allocation(**vm) > Some(resident(vm));
        let empty = givers.iter().find(has_empty).copied();
        if empty.is_some() {
            return empty;
        }
        ends.clear();
        for &mut vm in givers.iter_mut().chain([&mut { id }]) {
            ends.push(lanes[vm.index()].lru_end(vm, &self.vms[vm.index()]));
        }
        Some(ends[self.policy.giver(at, ends)].vm)
    }
}
