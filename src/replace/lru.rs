//! LRU as a counter over the full LRU stack: one comparison per access, two integers per VM.
//!
//! *Idea.* Let S be the stack of all pages that the VM has ever used, most recent first. Under LRU
//! the resident pages are always the first k of S, however the allocation has changed, so an access
//! at stack distance d hits if and only if d ≤ k. The distances depend only on the trace and are
//! computed once.
//! *Follows.* The stack property of R. L. Mattson, J. Gecsei, D. R. Slutz and I. L. Traiger,
//! "Evaluation techniques for storage hierarchies", IBM Systems Journal 9(2), 1970, extended to a
//! changing allocation. Proof by induction over the operations, given that the first k of S are
//! resident: a *hit* at d ≤ k permutes the first k; a *fill* (d > k, k below the allocation) puts
//! the page on top, so the first k + 1 are resident; a *replacement* (d > k, no empty frame) evicts
//! the page at depth k and puts the new one on top, so again the first k are resident; a *shrink*
//! to c evicts the pages below depth c; a *grant* moves no page; a *free* takes its page out of S,
//! and one of the first k if it was there, so the first k − 1 are left. At the start k = 0. On a
//! trace that was [reduced](crate::trace::reduce) for K frames, the faults are those of the whole
//! trace, at the same ticks, for every allocation that never goes below K. Proof: call a page
//! *covered* between two consecutive kept references to it if a reference between them was dropped;
//! fewer than K other pages are used in that time. Neither trace evicts a covered page: for LRU to
//! evict it at a fault, K other pages would have to have been used since, and on a shrink to c ≥ K,
//! the c pages that stay would. So the victim is never covered. All pages that are not covered have
//! the same last use in both traces. By induction both traces evict the same page at every fault
//! and shrink, and hold the same pages. A dropped reference hits on both: in the whole trace its
//! page is covered, and in the reduced trace it is replaced by a repeat of the page before, which
//! is on top of a list of at least two frames. MIN ([`min`](super::min)) does not evict a covered
//! page either: K other pages would have to be used before its next kept reference, and all other
//! pages have the same next use in both traces. But the repeated page must stay resident where the
//! whole trace may evict it, so for MIN this holds only while the allocation does not shrink.
//! *Departs.* Nowhere: the counts equal those of [`lru_tail`](super::lru_tail), which also names
//! the victims.
//! *Cost.* At memory bandwidth, several accesses per SIMD instruction, except while frames fill;
//! with an [index](crate::trace::index) over the distances, O(1) for a long stretch. No state per
//! page. The distances take 4 bytes per run of the trace and are shared by all simulations.
//! *Parameters.* None.

use std::sync::Arc;

use super::algorithm::{Accesses, Touch};
use super::beneath::{Beneath, evict};
use super::host_pager::HostPager;
use super::levels::{Levels, Plain};
use super::lru_list::LruList;
use super::lru_tail::LruTail;
use super::paged::{cold_faults, drive};
use super::pager::Pager;
use super::shared_pages::SharedPages;
use super::sink::{Dirty, Null, Sink};
use super::{Counts, Delays, FrameEvent, Guest, List, Replacement, ReplacementKind, Stretch};
use crate::reclaim::PagingCounts;
use crate::tier::TierState;
use crate::tier::counter::Stack;
use crate::trace::reduction::OnReduced;
use crate::trace::{PageId, Trace};
use crate::units::{Footprint, Frames};

pub(super) const KIND: ReplacementKind = ReplacementKind {
    name: "lru",
    summary: "evicts the page that was used least recently",
    follows: "R. L. Mattson, J. Gecsei, D. R. Slutz and I. L. Traiger, Evaluation techniques for \
              storage hierarchies, IBM Systems Journal 9(2), 1970",
    knows_the_future: false,
    on_reduced: OnReduced::Exact,
    footprint: Footprint { page: 8, frame: 0, run: 0 },
    params: &[],
    build: &|_, guest| match guest.tiers {
        [] => Box::new(Lru::new(guest, Plain::new(guest.frames.0))),
        tiers => Box::new(Lru::new(guest, Stack::new(tiers, guest.frames.0))),
    },
};

struct Lru<L> {
    trace: Arc<Trace>,
    /// Which pages of the full LRU stack are resident, and which are in tiers.
    levels: L,
    /// Where the next stretch begins.
    position: u64,
    /// The runs of all passes before this one.
    passed: u64,
    /// Finds the victims. It lags behind the counter until a victim is needed.
    tail: LruTail,
    beneath: Option<Beneath>,
}

impl<L: Levels> Lru<L> {
    fn new(guest: &Guest<'_>, levels: L) -> Self {
        Self {
            trace: Arc::clone(guest.trace),
            levels,
            position: 0,
            passed: 0,
            tail: LruTail::new(guest.trace, guest.frames.0),
            beneath: Beneath::of(guest),
        }
    }

    /// Makes the accesses of a stretch without finding victims.
    fn run_counter(&mut self, stretch: Stretch) -> Counts {
        let trace = Arc::clone(&self.trace);
        let from = trace.runs_before(stretch.from);
        if stretch.delays == Delays::default() && !self.levels.takes_time() {
            // Accesses within a run hit: their page is on top, and a VM keeps at least one frame.
            let end = stretch.end_without_delays(&trace);
            let mut counts = Counts { accesses: end - stretch.from, ..Counts::default() };
            let mut runs = from..trace.runs_before(end);
            if let Some(frees) = trace.frees() {
                let depths = trace.free_depths(stretch.first_pass);
                let here = trace.frees_until(stretch.from)..trace.frees_until(end);
                for (&until, &depth) in frees.runs()[here.clone()].iter().zip(&depths[here]) {
                    let until = until as usize;
                    if runs.start < until {
                        let before = runs.start..until;
                        let distances = trace.distances_of(stretch.first_pass, before);
                        self.levels.count(&distances, &mut counts);
                        runs.start = until;
                    }
                    self.levels.free(depth);
                }
            }
            self.levels.count(&trace.distances_of(stretch.first_pass, runs), &mut counts);
            counts.cold_faults = cold_faults(&trace, stretch, counts.accesses);
            return counts;
        }
        let distances = distances_from(&trace, stretch);
        let freed = freed_from(&trace, stretch);
        let mut compared = Compared { distances, freed, levels: &mut self.levels };
        drive(&trace, stretch, &mut compared, &mut Null)
    }

    /// Makes the accesses of a stretch and reports each victim to what is beneath and to `events`.
    fn run_tail(&mut self, stretch: Stretch, events: Option<&mut Vec<FrameEvent>>) -> Counts {
        self.tail.follow(self.next_run(), self.freed(), self.levels.resident());
        if !self.trace.begins_run(stretch.from) {
            self.tail.resume_run();
        }
        let mut beneath = self.beneath.take();
        let counts = match &mut beneath {
            Some(Beneath::Host(pager)) => self.drive_tail(stretch, &mut (&mut **pager, events)),
            Some(Beneath::Shared(pages)) => self.drive_tail(stretch, &mut (&mut **pages, events)),
            Some(Beneath::Disk(dirty)) => self.drive_tail(stretch, &mut (Some(dirty), events)),
            None => self.drive_tail(stretch, &mut (None::<&mut Dirty>, events)),
        };
        self.beneath = beneath;
        counts
    }

    fn drive_tail(&mut self, stretch: Stretch, sink: &mut impl Sink) -> Counts {
        if !L::HAS_TIERS {
            let counts = drive(&self.trace, stretch, &mut self.tail, sink);
            self.levels.set_resident(self.tail.resident());
            return counts;
        }
        let distances = distances_from(&self.trace, stretch);
        let freed = freed_from(&self.trace, stretch);
        let compared = Compared { distances, freed, levels: &mut self.levels };
        let mut named = Named { compared, tail: &mut self.tail, evicted: Vec::new() };
        drive(&self.trace, stretch, &mut named, sink)
    }

    /// The number of the next run, as [`LruTail`] counts.
    fn next_run(&self) -> u64 {
        self.passed + self.trace.runs_before(self.position) as u64 + 1
    }

    /// The number of frees that have happened, over all passes.
    fn freed(&self) -> u64 {
        let Some(frees) = self.trace.frees() else { return 0 };
        let passes = self.passed / self.trace.run_pages().len() as u64;
        passes * frees.len() as u64 + self.trace.frees_until(self.position) as u64
    }
}

/// The stack distance of each touch of a stretch. The first may continue a run, whose page is on
/// top.
fn distances_from(trace: &Trace, stretch: Stretch) -> impl Iterator<Item = &u32> {
    let on_top = (!trace.begins_run(stretch.from)).then_some(&0);
    let runs = trace.runs_before(stretch.from)..trace.run_pages().len();
    on_top.into_iter().chain(trace.distances_of(stretch.first_pass, runs).slice())
}

/// The depths of the pages that are freed from a stretch's beginning on.
fn freed_from(trace: &Trace, stretch: Stretch) -> std::slice::Iter<'_, u32> {
    trace.free_depths(stretch.first_pass)[trace.frees_until(stretch.from)..].iter()
}

/// Compares access by access, where delays decide how far a stretch goes.
struct Compared<'a, D, L> {
    distances: D,
    /// The depths of the pages that are freed next.
    freed: std::slice::Iter<'a, u32>,
    levels: &'a mut L,
}

impl<'a, D: Iterator<Item = &'a u32>, L: Levels> Compared<'_, D, L> {
    /// How many pages the next access evicts; `None` for a hit.
    #[inline(always)]
    fn next_fault(&mut self) -> Option<u64> {
        let distance = *self.distances.next().expect("every run has a distance");
        (u64::from(distance) > self.levels.resident()).then(|| self.levels.fault(distance))
    }
}

impl<'a, D: Iterator<Item = &'a u32>, L: Levels> Accesses for Compared<'_, D, L> {
    #[inline(always)]
    fn touch(&mut self, page: PageId, _: u64) -> Touch {
        match self.next_fault() {
            None => Touch::Hit,
            Some(0) => Touch::Fill,
            // No sink needs to know which page is evicted.
            Some(_) => Touch::Replacement(page),
        }
    }

    fn free(&mut self, _: PageId) -> bool {
        let depth = *self.freed.next().expect("every free has a depth");
        self.levels.free(depth)
    }

    fn takes_time(&self) -> bool {
        self.levels.takes_time()
    }

    #[inline(always)]
    fn charge(&mut self, counts: &mut Counts) {
        self.levels.charge(counts);
    }
}

/// The same with the pages that are evicted.
struct Named<'a, D, L> {
    compared: Compared<'a, D, L>,
    tail: &'a mut LruTail,
    /// What the last access evicted, if that was more than a page.
    evicted: Vec<PageId>,
}

impl<'a, D: Iterator<Item = &'a u32>, L: Levels> Accesses for Named<'_, D, L> {
    fn make_room(&mut self, pages: usize) {
        self.tail.make_room(pages);
    }

    fn touch(&mut self, page: PageId, _: u64) -> Touch {
        self.tail.enter(page);
        let Some(evicted) = self.compared.next_fault() else { return Touch::Hit };
        match evicted {
            0 => Touch::Fill,
            1 => Touch::Replacement(self.tail.evict()),
            _ => {
                self.evicted.clear();
                self.evicted.extend((0..evicted).map(|_| self.tail.evict()));
                Touch::Reclaimed
            }
        }
    }

    fn reclaimed(&self) -> &[PageId] {
        &self.evicted
    }

    fn free(&mut self, page: PageId) -> bool {
        self.tail.free(page);
        self.compared.free(page)
    }

    fn takes_time(&self) -> bool {
        self.compared.takes_time()
    }

    fn charge(&mut self, counts: &mut Counts) {
        self.compared.charge(counts);
    }
}

impl<L: Levels> Replacement for Lru<L> {
    fn run_into(&mut self, stretch: Stretch, events: Option<&mut Vec<FrameEvent>>) -> Counts {
        if stretch.from < self.position {
            self.passed += self.trace.run_pages().len() as u64;
        }
        self.position = stretch.from;
        let counts = if self.beneath.is_none() && events.is_none() {
            self.run_counter(stretch)
        } else {
            self.run_tail(stretch, events)
        };
        self.position += counts.accesses;
        counts
    }

    fn resize_into(&mut self, frames: Frames, events: Option<&mut Vec<FrameEvent>>) -> u64 {
        if let Some(pager) = self.beneath.as_mut().and_then(Beneath::pager_mut) {
            pager.resize(frames);
            return 0;
        }
        self.resize_guest_into(frames, events)
    }

    fn resize_guest_into(
        &mut self,
        frames: Frames,
        mut events: Option<&mut Vec<FrameEvent>>,
    ) -> u64 {
        if let Some(pages) = self.shared_pages_mut() {
            pages.set_frames(frames.0);
        }
        self.tail.set_frames(frames.0);
        let before = self.levels.resident();
        self.levels.resize(frames.0);
        let kept = self.levels.resident();
        let mut write_backs = 0;
        if kept < before && (self.beneath.is_some() || events.is_some()) {
            self.tail.follow(self.next_run(), self.freed(), before);
            while self.tail.resident() > kept {
                let page = self.tail.evict();
                write_backs += evict(&mut self.beneath, &mut events, page);
            }
        }
        write_backs
    }

    fn resident(&self) -> Frames {
        let pager = self.beneath.as_ref().and_then(Beneath::pager);
        pager.map_or(Frames(self.levels.resident()), HostPager::backed)
    }

    fn lists(&self) -> Vec<List> {
        let mut tail = self.tail.clone();
        tail.follow(self.next_run(), self.freed(), self.levels.resident());
        vec![tail.list()]
    }

    fn tiers(&self) -> &[TierState] {
        self.levels.tiers()
    }

    fn waited(&self) -> u64 {
        let pager = self.beneath.as_ref().and_then(Beneath::pager);
        self.levels.waited() + pager.map_or(0, HostPager::waited)
    }

    fn paging(&self) -> Option<&PagingCounts> {
        Some(self.beneath.as_ref()?.pager()?.counts())
    }

    fn shared_pages(&self) -> Option<&SharedPages> {
        self.beneath.as_ref()?.shared()
    }

    fn shared_pages_mut(&mut self) -> Option<&mut SharedPages> {
        self.beneath.as_mut()?.shared_mut()
    }

    fn into_pager(self: Box<Self>) -> Box<dyn Pager> {
        Box::new(LruList::new(self.levels.frames()))
    }

    fn resize_tiers(&mut self, parts: &[Frames]) {
        self.levels.resize_tiers(parts);
    }

    fn flush_tiers(&mut self) {
        self.levels.flush_tiers();
    }

    fn audit(&self) {
        self.levels.audit();
        let resident = self.levels.resident() as usize;
        assert!(resident <= self.trace.distinct_pages(), "no more than there are");
        assert_eq!(self.resident_pages().len(), resident, "k pages are on the stack");
        if let Some(pager) = self.beneath.as_ref().and_then(Beneath::pager) {
            pager.audit();
        }
    }
}
