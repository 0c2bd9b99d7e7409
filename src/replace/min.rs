//! Belady's MIN: evicts the page whose next use is furthest away. It knows the future.
//!
//! *Idea.* No algorithm that must load every page when it is used can fault less. The distance to
//! MIN is therefore the most that a better algorithm could gain.
//! *Follows.* L. A. Belady, "A study of replacement algorithms for a virtual-storage computer", IBM
//! Systems Journal 5(2), 1966. The same rule, applied on a shrink too, stays optimal whatever the
//! allocation does: E. Peserico, "Paging with dynamic memory capacity", STACS 2019.
//! *Departs.* Nowhere. The page that faults is always loaded. A page not used again in this pass
//! over the trace counts as used in the next pass, whether or not there is one; no two pages have
//! the same next use. A page that is freed before its next use counts as never used again; among
//! those, the page first used in the trace is evicted first. A *shrink* evicts by the same rule,
//! the furthest first; a page in the middle of a run is used next and stays. A *grant* changes
//! nothing. Nothing is remembered of pages that are not resident, so growing and shrinking back is
//! a no-op if no access happens in between.
//! *Cost.* O(log pages) per run; 8 bytes per run for the next uses and at most 40 per page of the
//! trace.
//! *Parameters.* None.

use std::sync::Arc;

use super::algorithm::{Accesses, Algorithm, Touch};
use super::paged::Paged;
use super::tournament::Tournament;
use super::{Guest, List, ReplacementKind};
use crate::trace::future::Future;
use crate::trace::reduction::OnReduced;
use crate::trace::{PageId, Trace};
use crate::units::Footprint;

pub(crate) const KIND: ReplacementKind = ReplacementKind {
    name: "min",
    summary: "evicts the page whose next use is furthest away; no algorithm faults less",
    follows: "L. A. Belady, A study of replacement algorithms for a virtual-storage computer, IBM \
              Systems Journal 5(2), 1966",
    knows_the_future: true,
    on_reduced: OnReduced::UnlessShrunk,
    footprint: Footprint { page: 40, frame: 0, run: 8 },
    params: &[],
    build: &|_, guest| Paged::boxed(guest, Min::new(guest)),
};

struct Min {
    trace: Arc<Trace>,
    future: Future,
    /// The key of a resident page is its next use, an access number over all passes; the key of any
    /// other page is 0, which is never a next use.
    next_uses: Tournament<u64>,
    resident: u64,
    frames: u64,
    /// The position of the next access, and the number of accesses made before its pass.
    position: u64,
    pass_begins: u64,
}

impl Min {
    fn new(guest: &Guest<'_>) -> Self {
        let trace = Arc::clone(guest.trace);
        Self {
            future: Future::of(&trace),
            next_uses: Tournament::new(trace.distinct_pages()),
            trace,
            resident: 0,
            frames: guest.frames.0,
            position: 0,
            pass_begins: 0,
        }
    }

    /// The page whose run continues with the next access. Its key already is the next use after
    /// that run: within a run no other page can need its frame.
    fn in_mid_run(&self) -> Option<PageId> {
        let goes_on = (1..self.trace.accesses()).contains(&self.position)
            && !self.trace.begins_run(self.position);
        goes_on.then(|| self.trace.page(self.position))
    }

    /// Evicts the page whose next use is furthest away.
    fn evict(&mut self) -> PageId {
        let furthest = self.next_uses.winner();
        self.next_uses.set(furthest, 0);
        furthest as PageId
    }
}

impl Accesses for Min {
    #[inline(always)]
    fn touch(&mut self, page: PageId, position: u64) -> Touch {
        if position < self.position {
            self.pass_begins += self.trace.accesses();
        }
        self.position = position + 1;
        let touch = if self.next_uses.key(page as usize) != 0 {
            Touch::Hit
        } else if self.resident < self.frames {
            self.resident += 1;
            Touch::Fill
        } else {
            Touch::Replacement(self.evict())
        };
        let run = self.trace.runs_before(position + 1) - 1;
        let next_use = self.future.next_use(run, page, self.pass_begins);
        self.next_uses.set(page as usize, next_use.unwrap_or(u64::MAX));
        touch
    }

    fn free(&mut self, page: PageId) -> bool {
        let was_resident = self.next_uses.key(page as usize) != 0;
        self.next_uses.set(page as usize, 0);
        self.resident -= u64::from(was_resident);
        was_resident
    }

    #[inline(always)]
    fn again(&mut self, _: PageId, position: u64, times: u64) {
        self.position = position + times;
    }
}

impl Algorithm for Min {
    fn resize(&mut self, frames: u64, mut evicted: impl FnMut(PageId)) {
        self.frames = frames;
        if let Some(page) = self.in_mid_run() {
            self.next_uses.set(page as usize, self.pass_begins + self.position);
        }
        while self.resident > frames {
            evicted(self.evict());
            self.resident -= 1;
        }
    }

    fn resident(&self) -> u64 {
        self.resident
    }

    fn lists(&self) -> Vec<List> {
        let in_mid_run = self.in_mid_run();
        let all = 0..self.trace.distinct_pages() as PageId;
        let mut pages: Vec<PageId> =
            all.filter(|&page| self.next_uses.key(page as usize) != 0).collect();
        pages.sort_by_key(|&page| {
            let used_next = in_mid_run == Some(page);
            if used_next { 0 } else { self.next_uses.key(page as usize) }
        });
        vec![List::resident("", pages)]
    }

    fn audit(&self) {
        self.next_uses.audit();
        assert!(self.resident <= self.frames, "no more pages are resident than frames allocated");
        let made = self.pass_begins + self.position;
        for page in &self.lists()[0].pages {
            let next_use = self.next_uses.key(*page as usize);
            assert!(next_use >= made, "the next use of page {page} is in the future");
        }
    }
}
