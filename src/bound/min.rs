//! Belady's MIN over the shared host: evict the page whose next use is furthest.
//!
//! *Idea.* Nobody who knows the whole future can fault less with so many frames, however they are
//! divided: a bound for every policy and every replacement algorithm together.
//! *Follows.* L. A. Belady, "A study of replacement algorithms for a virtual-storage computer", IBM
//! Systems Journal 5(2), 1966; that changing allocations do not break it: E. Peserico, "Paging with
//! dynamic memory capacity", STACS 2019.
//! *Departs.* A page being visited is not a candidate: see [`merged`](super::merged).
//! *Cost.* O(log n) a visit for n candidates; 8 bytes a run for the next uses, 24 a candidate.
//! *Knobs.* None.

use std::collections::BinaryHeap;

use super::merged::{Merged, Visit, What};
use crate::scenario::Scenario;
use crate::trace::{PageId, Trace};

/// The demand faults of all VMs together.
pub(super) fn faults(scenario: &Scenario) -> u64 {
    let bases = super::page_bases(scenario);
    let made = super::accesses(scenario);
    let futures: Vec<Future> = scenario.vms.iter().map(|vm| Future::of(&vm.trace)).collect();
    let mut pages = Candidates::new(bases[bases.len() - 1] as usize);
    let mut empty = scenario.host.memory.0;
    let mut faults = 0;
    for event in Merged::new(scenario) {
        let (base, vm) = (bases[event.vm], &scenario.vms[event.vm]);
        match event.what {
            What::Begin(page) => {
                if !pages.take(base + page) {
                    faults += 1;
                    if empty > 0 {
                        empty -= 1;
                    } else {
                        pages.evict();
                    }
                }
            }
            What::End(visit) => {
                let next = futures[event.vm].next_use(&vm.trace, &visit);
                let next = next.filter(|&access| access < made[event.vm]);
                let tick = next.map_or(NEVER, |access| vm.start.0 + access * vm.period.0);
                pages.put(base + visit.page, (tick, event.vm as u32));
            }
            // Its pages are never used again, so they are the first to go.
            What::Depart => {}
        }
    }
    faults
}

const NEVER: u64 = u64::MAX;

/// When a page is used next: a tick and the VM, in the order of the simulation.
type NextUse = (u64, u32);

/// The resident pages that may be evicted, by next use.
struct Candidates {
    /// The furthest next use first. An entry counts only while it is its page's latest: what is
    /// used meanwhile leaves a stale entry behind.
    heap: BinaryHeap<(NextUse, PageId)>,
    /// The next use of each candidate.
    latest: Vec<Option<NextUse>>,
    len: usize,
}

impl Candidates {
    fn new(pages: usize) -> Self {
        Self { heap: BinaryHeap::new(), latest: vec![None; pages], len: 0 }
    }

    /// Takes the page out of the candidates; `false` if it is not among them.
    fn take(&mut self, page: PageId) -> bool {
        let taken = self.latest[page as usize].take().is_some();
        self.len -= usize::from(taken);
        taken
    }

    fn put(&mut self, page: PageId, next: NextUse) {
        self.latest[page as usize] = Some(next);
        self.len += 1;
        self.heap.push((next, page));
        if self.heap.len() > 2 * self.len + (1 << 12) {
            let latest = &self.latest;
            self.heap.retain(|&(next, page)| latest[page as usize] == Some(next));
        }
    }

    fn evict(&mut self) {
        loop {
            let (next, page) = self.heap.pop().expect("a full host has a page to evict");
            if self.latest[page as usize] == Some(next) {
                self.take(page);
                return;
            }
        }
    }
}

/// The next uses of a trace's pages.
struct Future {
    /// For each run, the access that begins the next run of its page.
    next: Vec<u64>,
    /// For each page, the access that uses it first.
    first: Vec<u64>,
}

impl Future {
    fn of(trace: &Trace) -> Self {
        let runs = trace.run_pages().len();
        let mut next = vec![NEVER; runs];
        let mut first = vec![NEVER; trace.distinct_pages()];
        let mut last_run = vec![usize::MAX; trace.distinct_pages()];
        let mut at = 0;
        for (index, run) in trace.runs(0, trace.accesses()).enumerate() {
            let page = run.page as usize;
            match last_run[page] {
                usize::MAX => first[page] = at,
                last => next[last] = at,
            }
            last_run[page] = index;
            at += run.accesses;
        }
        Self { next, first }
    }

    /// The access after a visit that uses the same page, counting on over all passes.
    fn next_use(&self, trace: &Trace, visit: &Visit) -> Option<u64> {
        if visit.run_goes_on {
            return Some(visit.last + 1);
        }
        let pass_begins = visit.last - visit.last % trace.accesses();
        match self.next[visit.run] {
            NEVER => {
                let next_pass = pass_begins.checked_add(trace.accesses())?;
                next_pass.checked_add(self.first[visit.page as usize])
            }
            next => Some(pass_begins + next),
        }
    }
}
