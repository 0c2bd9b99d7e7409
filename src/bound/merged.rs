//! The accesses of all VMs at their nominal pace, merged into one order.
//!
//! If all VMs have the same pace and none has an idle phase, the accesses of a run stay together as
//! one *visit*. Between two of them every other VM makes one access, so on a host with a frame for
//! each VM the page is neither the least recently used one nor the one whose next use is furthest
//! away. It cannot be evicted before the visit ends, and the accesses within the visit need not be
//! examined. Pages that a guest frees after a visit are gone when it ends.

use std::ops::Range;
use std::rc::Rc;
use std::sync::Arc;

use super::pace::Pace;
use crate::random::Map;
use crate::replace::tournament::Tournament;
use crate::scenario::{Scenario, VmSpec};
use crate::trace::future::Future;
use crate::trace::{PageId, Trace};

/// An event of one VM.
#[derive(Clone, Copy, Debug)]
pub(super) struct Event {
    /// The VM, by position in the scenario.
    pub(super) vm: usize,
    /// What it does.
    pub(super) what: What,
}

#[derive(Clone, Copy, Debug)]
pub(super) enum What {
    /// A visit to a page begins; the page must not be evicted before it ends. Its first access
    /// counts unless it is part of the VM's warm-up.
    Begin { page: PageId, counts: bool },
    /// A visit ends.
    End(Visit),
    /// A visit of one access begins and ends.
    Touch { visit: Visit, counts: bool },
    /// The VM departs and its pages are dropped.
    Depart,
}

/// Consecutive accesses of one VM to one page.
#[derive(Clone, Copy, Debug)]
pub(super) struct Visit {
    /// The page.
    pub(super) page: PageId,
    /// The run of the trace that contains it.
    pub(super) run: usize,
    /// The VM's last access of the visit, numbered over all passes.
    pub(super) last: u64,
    /// Whether the run continues after that access.
    pub(super) run_goes_on: bool,
}

impl Visit {
    /// The next access to the same page after the visit, numbered over all passes.
    fn next_use(&self, trace: &Trace, future: &Future) -> Option<u64> {
        if self.run_goes_on {
            return Some(self.last + 1);
        }
        let pass_begins = self.last - self.last % trace.accesses();
        future.next_use(self.run, self.page, pass_begins)
    }
}

/// A model of the shared host, driven by the visits to all VMs' pages, which are numbered together.
pub(super) trait SharedHost {
    /// A visit begins; a fault is counted if it `counts`.
    fn begin(&mut self, page: PageId, counts: bool);

    /// A visit ends. `next_use` orders pages by their next visit, those never used again last.
    fn end(&mut self, page: PageId, next_use: u128);

    /// The guest frees a page that is not being visited.
    fn free(&mut self, page: PageId);

    /// A VM departs; these are its pages.
    fn depart(&mut self, pages: Range<PageId>);
}

/// Replays all visits to two models at once, because merging is most of the work.
pub(super) fn replay(
    scenario: &Scenario,
    paces: &[Pace],
    one: &mut impl SharedHost,
    other: &mut impl SharedHost,
) {
    let bases = page_bases(scenario);
    // VMs that replay the same trace share its future.
    let mut known: Map<usize, Rc<Future>> = Map::default();
    let future = |vm: &VmSpec| {
        let future = known.entry(Arc::as_ptr(&vm.trace) as usize);
        Rc::clone(future.or_insert_with(|| Rc::new(Future::of(&vm.trace))))
    };
    let futures: Vec<Rc<Future>> = scenario.vms.iter().map(future).collect();
    let end = |at: usize, visit: &Visit, one: &mut _, other: &mut _| {
        let vm = &scenario.vms[at];
        let next =
            visit.next_use(&vm.trace, &futures[at]).filter(|&access| access < paces[at].accesses);
        let tick = next.map_or(u64::MAX, |access| paces[at].tick(access));
        // Uses at the same tick are ordered by VM, as in the simulation.
        let next_use = u128::from(tick) << 32 | at as u128;
        let page = bases[at] + visit.page;
        SharedHost::end(one, page, next_use);
        SharedHost::end(other, page, next_use);
        if vm.trace.has_frees() {
            for &page in vm.trace.freed_after(visit.last % vm.trace.accesses()) {
                SharedHost::free(one, bases[at] + page);
                SharedHost::free(other, bases[at] + page);
            }
        }
    };
    for Event { vm, what } in Merged::new(scenario, paces, Pace::is_one_pace(paces)) {
        match what {
            What::Begin { page, counts } => {
                one.begin(bases[vm] + page, counts);
                other.begin(bases[vm] + page, counts);
            }
            What::Touch { visit, counts } => {
                one.begin(bases[vm] + visit.page, counts);
                other.begin(bases[vm] + visit.page, counts);
                end(vm, &visit, one, other);
            }
            What::End(visit) => end(vm, &visit, one, other),
            What::Depart => {
                one.depart(bases[vm]..bases[vm + 1]);
                other.depart(bases[vm]..bases[vm + 1]);
            }
        }
    }
}

/// All accesses, each a visit of its own, and departures.
pub(super) fn accesses<'a>(
    scenario: &'a Scenario,
    paces: &'a [Pace],
) -> impl Iterator<Item = Event> + use<'a> {
    Merged::new(scenario, paces, false)
}

/// The number of distinct pages of all VMs together.
pub(super) fn pages(scenario: &Scenario) -> usize {
    scenario.vms.iter().map(|vm| vm.trace.distinct_pages()).sum()
}

/// Where each VM's pages begin if all are numbered together, and then their total number.
pub(super) fn page_bases(scenario: &Scenario) -> Vec<PageId> {
    let mut bases = vec![0];
    for vm in &scenario.vms {
        bases.push(bases[bases.len() - 1] + vm.trace.distinct_pages() as PageId);
    }
    bases
}

/// The order of all visits.
struct Merged<'a> {
    lanes: Vec<Lane<'a>>,
    /// The VMs, keyed by the complements of their [`due`](Lane::due) values, so that the earliest
    /// wins.
    queue: Tournament<u128>,
}

struct Lane<'a> {
    trace: &'a Trace,
    pace: &'a Pace,
    /// When it departs, if it does.
    departs: Option<u64>,
    /// Accesses made or begun, in total and in this pass, and the run of the next access.
    made: u64,
    position: u64,
    run: usize,
    /// Whether the accesses of a visit are handled together.
    whole_runs: bool,
    open: Option<Visit>,
}

impl Lane<'_> {
    /// When its next event is due, in the order of the simulation: the tick, then departures before
    /// accesses, then the VM; `None` if there is none.
    fn due(&self, vm: usize) -> Option<u128> {
        let (tick, is_access) = if self.open.is_some() {
            (self.pace.tick(self.made - 1), true)
        } else if self.made < self.pace.accesses {
            (self.pace.tick(self.made), true)
        } else {
            (self.departs?, false)
        };
        Some(u128::from(tick) << 33 | u128::from(is_access) << 32 | vm as u128)
    }

    /// Its key in the queue; 0, which never wins, if nothing is due.
    fn key(&self, vm: usize) -> u128 {
        self.due(vm).map_or(0, |due| !due)
    }

    fn advance(&mut self) -> What {
        if let Some(visit) = self.open.take() {
            return What::End(visit);
        }
        if self.made == self.pace.accesses {
            self.departs = None;
            return What::Depart;
        }
        let rest = self.trace.rest_of_run(self.position);
        let together = if self.whole_runs { rest.min(self.pace.accesses - self.made) } else { 1 };
        let page = self.trace.run_pages()[self.run];
        let counts = self.made >= self.pace.warm_up;
        self.made += together;
        let last = self.made - 1;
        let visit = Visit { page, run: self.run, last, run_goes_on: together < rest };
        self.position += together;
        self.run += usize::from(together == rest);
        if self.position == self.trace.accesses() {
            (self.position, self.run) = (0, 0);
        }
        if together == 1 {
            return What::Touch { visit, counts };
        }
        self.open = Some(visit);
        What::Begin { page, counts }
    }
}

impl<'a> Merged<'a> {
    fn new(scenario: &'a Scenario, paces: &'a [Pace], whole_runs: bool) -> Self {
        let lane = |(vm, pace): (&'a VmSpec, &'a Pace)| Lane {
            trace: &vm.trace,
            pace,
            departs: pace.departs,
            made: 0,
            whole_runs,
            position: 0,
            run: 0,
            open: None,
        };
        let lanes: Vec<Lane> = scenario.vms.iter().zip(paces).map(lane).collect();
        let mut queue = Tournament::new(lanes.len());
        for (vm, lane) in lanes.iter().enumerate() {
            queue.set(vm, lane.key(vm));
        }
        Self { lanes, queue }
    }
}

impl Iterator for Merged<'_> {
    type Item = Event;

    fn next(&mut self) -> Option<Event> {
        if self.queue.largest() == 0 {
            return None;
        }
        let vm = self.queue.winner();
        let lane = &mut self.lanes[vm];
        let what = lane.advance();
        self.queue.set(vm, lane.key(vm));
        Some(Event { vm, what })
    }
}
