//! The accesses of all VMs at their nominal pace, merged into one order.
//!
//! Where all VMs keep the same pace, the accesses of a run stay together as one *visit*: between
//! two of them every other VM makes one access, so the page is never far from the last used and
//! never the one whose next use is furthest, on any host with a frame for each VM. It cannot be
//! evicted before the visit ends, and what happens inside the visit needs no look.

use std::cmp::Reverse;
use std::collections::BinaryHeap;
use std::collections::binary_heap::PeekMut;

use crate::scenario::{After, Scenario, VmSpec};
use crate::trace::{PageId, Trace};

/// What happens next.
#[derive(Clone, Copy, Debug)]
pub(super) struct Event {
    /// The VM, by position in the scenario.
    pub(super) vm: usize,
    /// What it does.
    pub(super) what: What,
}

#[derive(Clone, Copy, Debug)]
pub(super) enum What {
    /// A visit to a page begins; the page must not be evicted before it ends.
    Begin(PageId),
    /// A visit ends.
    End(Visit),
    /// The VM leaves; its pages are gone.
    Depart,
}

/// Accesses of one VM to one page, one after the other.
#[derive(Clone, Copy, Debug)]
pub(super) struct Visit {
    /// The page.
    pub(super) page: PageId,
    /// The run of the trace that it belongs to.
    pub(super) run: usize,
    /// The VM's last access of the visit, counting on over all passes.
    pub(super) last: u64,
    /// Whether the run goes on after that access.
    pub(super) run_goes_on: bool,
}

/// The order of all visits.
pub(super) struct Merged<'a> {
    lanes: Vec<Lane<'a>>,
    /// Each lane's next event.
    queue: BinaryHeap<Reverse<Due>>,
}

/// When a lane's next event is due; the derived order is that of the simulation.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
struct Due {
    tick: u64,
    /// At one tick VMs depart before others make accesses.
    is_access: bool,
    vm: usize,
}

struct Lane<'a> {
    trace: &'a Trace,
    start: u64,
    period: u64,
    /// When it departs, if it does and has not.
    departs: Option<u64>,
    /// Accesses to make, over all passes.
    accesses: u64,
    /// Accesses made or begun, and in this pass; the run of the next of them.
    made: u64,
    position: u64,
    run: usize,
    /// The accesses of a visit stay together.
    whole_runs: bool,
    open: Option<Visit>,
}

impl Lane<'_> {
    fn tick(&self, access: u64) -> u64 {
        self.start + access * self.period
    }

    /// When its next event is due, if there is one; it is VM `vm`.
    fn due(&self, vm: usize) -> Option<Reverse<Due>> {
        let (tick, is_access) = if self.open.is_some() {
            (self.tick(self.made - 1), true)
        } else if self.made < self.accesses {
            (self.tick(self.made), true)
        } else {
            (self.departs?, false)
        };
        Some(Reverse(Due { tick, is_access, vm }))
    }

    fn advance(&mut self) -> What {
        if let Some(visit) = self.open.take() {
            return What::End(visit);
        }
        if self.made == self.accesses {
            self.departs = None;
            return What::Depart;
        }
        let rest = self.trace.rest_of_run(self.position);
        let together = if self.whole_runs { rest } else { 1 };
        let page = self.trace.run_pages()[self.run];
        self.made += together.min(self.accesses - self.made);
        self.open =
            Some(Visit { page, run: self.run, last: self.made - 1, run_goes_on: together < rest });
        self.position += together;
        self.run += usize::from(together == rest);
        if self.position == self.trace.accesses() {
            (self.position, self.run) = (0, 0);
        }
        What::Begin(page)
    }
}

impl<'a> Merged<'a> {
    pub(super) fn new(scenario: &'a Scenario) -> Self {
        let vms = &scenario.vms;
        let whole_runs = vms.iter().all(|vm| vm.period == vms[0].period);
        let lane = |(vm, accesses): (&'a VmSpec, u64)| {
            let over = vm.start.0 + accesses * vm.period.0;
            let stop = vm.stop.map(|stop| stop.0);
            Lane {
                trace: &vm.trace,
                start: vm.start.0,
                period: vm.period.0,
                departs: match vm.after {
                    After::Leave => Some(over.min(stop.unwrap_or(over))),
                    After::Idle | After::Repeat => stop,
                },
                accesses,
                made: 0,
                whole_runs,
                position: 0,
                run: 0,
                open: None,
            }
        };
        let lanes: Vec<Lane> = vms.iter().zip(super::accesses(scenario)).map(lane).collect();
        let queue = lanes.iter().enumerate().filter_map(|(vm, lane)| lane.due(vm)).collect();
        Self { lanes, queue }
    }
}

impl Iterator for Merged<'_> {
    type Item = Event;

    fn next(&mut self) -> Option<Event> {
        let mut top = self.queue.peek_mut()?;
        let vm = top.0.vm;
        let lane = &mut self.lanes[vm];
        let what = lane.advance();
        match lane.due(vm) {
            Some(due) => *top = due,
            None => {
                PeekMut::pop(top);
            }
        }
        Some(Event { vm, what })
    }
}
