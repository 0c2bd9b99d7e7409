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

use super::lru_tail::LruTail;
use super::paged::{Accesses, Touch, cold_faults, drive};
use super::sink::{Dirty, Null, Sink};
use super::{Counts, Delays, FrameEvent, Guest, List, Replacement, ReplacementKind, Stretch};
use crate::trace::index::StackDistances;
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
    build: |_, guest| Box::new(Lru::new(guest)),
};

struct Lru {
    trace: Arc<Trace>,
    /// k: the resident pages are the first k of the full LRU stack.
    resident: u32,
    frames: u64,
    /// Where the next stretch begins.
    position: u64,
    /// The runs of all passes before this one.
    passed: u64,
    /// Finds the victims. It lags behind the counter until a victim is needed.
    tail: LruTail,
    dirty: Option<Dirty>,
}

impl Lru {
    fn new(guest: &Guest<'_>) -> Self {
        Self {
            trace: Arc::clone(guest.trace),
            resident: 0,
            frames: guest.frames.0,
            position: 0,
            passed: 0,
            tail: LruTail::new(guest.trace, guest.frames.0),
            dirty: guest.counts_write_backs.then(|| Dirty::new(guest.trace)),
        }
    }

    /// Makes the accesses of a stretch without finding victims.
    fn run_counter(&mut self, stretch: Stretch) -> Counts {
        let trace = Arc::clone(&self.trace);
        let from = trace.runs_before(stretch.from);
        if stretch.delays == Delays::default() {
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
                        self.count(&trace.distances_of(stretch.first_pass, before), &mut counts);
                        runs.start = until;
                    }
                    self.resident -= u32::from(depth <= self.resident);
                }
            }
            self.count(&trace.distances_of(stretch.first_pass, runs), &mut counts);
            counts.cold_faults = cold_faults(&trace, stretch, counts.accesses);
            return counts;
        }
        let on_top = (!trace.begins_run(stretch.from)).then_some(&0);
        let left = trace.distances_of(stretch.first_pass, from..trace.run_pages().len());
        let distances = on_top.into_iter().chain(left.slice());
        let freed = &trace.free_depths(stretch.first_pass)[trace.frees_until(stretch.from)..];
        let (resident, frames) = (&mut self.resident, self.frames);
        let mut compared = Compared { distances, freed: freed.iter(), resident, frames };
        drive(&trace, stretch, &mut compared, &mut Null)
    }

    /// Makes the accesses of a stretch and reports each victim to `dirty` and `events`.
    fn run_tail(&mut self, stretch: Stretch, events: Option<&mut Vec<FrameEvent>>) -> Counts {
        self.tail.follow(self.next_run(), self.freed(), self.resident.into());
        if !self.trace.begins_run(stretch.from) {
            self.tail.resume_run();
        }
        let sink = &mut (self.dirty.as_mut(), events);
        let counts = drive(&self.trace, stretch, &mut self.tail, sink);
        self.resident = self.tail.resident() as u32;
        counts
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

    /// Counts the faults at these distances. While a frame is empty, each fault makes one more page
    /// resident.
    fn count(&mut self, distances: &StackDistances<'_>, counts: &mut Counts) {
        let before = self.resident;
        let filling = distances.grow(&mut self.resident, self.frames, |_| {});
        counts.demand_faults += u64::from(self.resident - before);
        let faults = distances.skip(filling).deeper(self.resident);
        counts.demand_faults += faults;
        counts.replacement_misses += faults;
    }
}

/// Compares access by access, where delays decide how far a stretch goes.
struct Compared<'a, D> {
    distances: D,
    /// The depths of the pages that are freed next.
    freed: std::slice::Iter<'a, u32>,
    resident: &'a mut u32,
    frames: u64,
}

impl<'a, D: Iterator<Item = &'a u32>> Accesses for Compared<'_, D> {
    fn touch(&mut self, page: PageId, _: u64) -> Touch {
        let distance = *self.distances.next().expect("every run has a distance");
        if distance <= *self.resident {
            Touch::Hit
        } else if u64::from(*self.resident) < self.frames {
            *self.resident += 1;
            Touch::Fill
        } else {
            // The victim is the page at depth k; no sink needs to know which page that is.
            Touch::Replacement(page)
        }
    }

    fn free(&mut self, _: PageId) -> bool {
        let depth = *self.freed.next().expect("every free has a depth");
        let was_resident = depth <= *self.resident;
        *self.resident -= u32::from(was_resident);
        was_resident
    }
}

impl Replacement for Lru {
    fn run_into(&mut self, stretch: Stretch, events: Option<&mut Vec<FrameEvent>>) -> Counts {
        if stretch.from < self.position {
            self.passed += self.trace.run_pages().len() as u64;
        }
        self.position = stretch.from;
        let counts = if self.dirty.is_none() && events.is_none() {
            self.run_counter(stretch)
        } else {
            self.run_tail(stretch, events)
        };
        self.position += counts.accesses;
        counts
    }

    fn resize_into(&mut self, frames: Frames, events: Option<&mut Vec<FrameEvent>>) -> u64 {
        self.frames = frames.0;
        self.tail.set_frames(frames.0);
        let kept = u64::from(self.resident).min(frames.0);
        let mut write_backs = 0;
        if kept < self.resident.into() && (self.dirty.is_some() || events.is_some()) {
            self.tail.follow(self.next_run(), self.freed(), self.resident.into());
            let mut sink = (self.dirty.as_mut(), events);
            while self.tail.resident() > kept {
                write_backs += sink.tell(FrameEvent::Eviction { page: self.tail.evict() });
            }
        }
        self.resident = kept as u32;
        write_backs
    }

    fn resident(&self) -> Frames {
        Frames(u64::from(self.resident))
    }

    fn lists(&self) -> Vec<List> {
        let mut tail = self.tail.clone();
        tail.follow(self.next_run(), self.freed(), self.resident.into());
        vec![tail.list()]
    }

    fn audit(&self) {
        assert!(u64::from(self.resident) <= self.frames, "no more pages than frames");
        assert!(self.resident as usize <= self.trace.distinct_pages(), "no more than there are");
        assert_eq!(self.resident_pages().len(), self.resident as usize, "k pages are on the stack");
    }
}
