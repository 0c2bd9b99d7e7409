//! LRU with its victims: the last use of each page, and a mark at the oldest resident one.
//!
//! *Idea.* The runs of the trace are numbered in order. The resident pages are those last used at
//! or after the mark *oldest*, a run. To evict, the mark moves forward over the trace, past every
//! run whose page has been used since, to a run that is its page's last use: that page is the
//! victim. No list is kept: a hit writes one number, and the trace itself is the queue.
//! *Follows.* The definition of LRU; [`lru`](super::lru) has the source.
//! *Departs.* Nowhere.
//! *Cost.* O(1) per access, amortised: the mark passes every run once. 8 bytes per touched page;
//! nothing is allocated until a victim is first needed.
//! *Parameters.* None.

use std::sync::Arc;

use super::List;
use super::algorithm::{Accesses, Touch, grow};
use crate::trace::{PageId, Trace};

/// The last uses of pages. Runs are numbered from 1 on, over all passes.
#[derive(Clone)]
pub(super) struct LruTail {
    trace: Arc<Trace>,
    /// For each page, the number of its last run; 0 before its first. Empty before the first
    /// [`follow`](Self::follow).
    last_uses: Vec<u64>,
    /// Pages last used at this run or later are resident.
    oldest: u64,
    /// The position of that run in the trace.
    oldest_run: usize,
    /// The number of the next run.
    next: u64,
    /// How many frees it has seen, over all passes.
    freed: u64,
    resident: u64,
    frames: u64,
}

impl LruTail {
    pub(super) fn new(trace: &Arc<Trace>, frames: u64) -> Self {
        let trace = Arc::clone(trace);
        Self {
            trace,
            last_uses: Vec::new(),
            oldest: 1,
            oldest_run: 0,
            next: 1,
            freed: 0,
            resident: 0,
            frames,
        }
    }

    /// Catches up with accesses, frees and shrinks that it has not seen: `next` is the number of
    /// the next run, `freed` frees have happened, and `resident` pages are resident.
    pub(super) fn follow(&mut self, next: u64, freed: u64, resident: u64) {
        self.make_room(self.trace.distinct_in_runs(next.saturating_sub(1) as usize));
        let trace = Arc::clone(&self.trace);
        let runs = trace.run_pages();
        // A whole pass uses every page, so older runs do not matter.
        let from = self.next.max(next.saturating_sub(runs.len() as u64));
        let mut run = ((from - 1) % runs.len() as u64) as usize;
        if from > self.next {
            (self.oldest, self.oldest_run, self.resident) = (from, run, 0);
            self.freed = self.freed_before(from);
        }
        for number in from..next {
            self.free_until(self.freed_before(number));
            let last = std::mem::replace(&mut self.last_uses[runs[run] as usize], number);
            self.resident += u64::from(last < self.oldest);
            run = if run + 1 == runs.len() { 0 } else { run + 1 };
        }
        self.free_until(freed);
        self.next = next;
        while self.resident > resident {
            self.evict();
        }
    }

    /// The frees that happen before the run of this number begins.
    fn freed_before(&self, number: u64) -> u64 {
        let Some(frees) = self.trace.frees() else { return 0 };
        frees.before_run_of_all(number - 1, self.trace.run_pages().len() as u64)
    }

    /// Frees the pages of the next frees up to this number of them.
    fn free_until(&mut self, freed: u64) {
        while self.freed < freed {
            let trace = Arc::clone(&self.trace);
            let pages = trace.frees().map_or(&[][..], |frees| frees.pages());
            self.free(pages[(self.freed % pages.len() as u64) as usize]);
        }
    }

    /// The next access continues the last run.
    pub(super) fn resume_run(&mut self) {
        self.next -= 1;
    }

    /// Sets the allocation. The caller evicts the pages that no longer fit.
    pub(super) fn set_frames(&mut self, frames: u64) {
        self.frames = frames;
    }

    pub(super) fn resident(&self) -> u64 {
        self.resident
    }

    /// Uses a page, which becomes resident if it was not. The caller evicts what no longer fits.
    pub(super) fn enter(&mut self, page: PageId) {
        let last = std::mem::replace(&mut self.last_uses[page as usize], self.next);
        self.next += 1;
        self.resident += u64::from(last < self.oldest);
    }

    /// Evicts the least recently used page.
    #[inline(always)]
    pub(super) fn evict(&mut self) -> PageId {
        self.resident -= 1;
        self.pass_oldest()
    }

    /// Moves the mark past the least recently used resident page.
    #[inline(always)]
    fn pass_oldest(&mut self) -> PageId {
        let runs = self.trace.run_pages();
        loop {
            let (number, page) = (self.oldest, runs[self.oldest_run]);
            self.oldest += 1;
            self.oldest_run =
                if self.oldest_run + 1 == runs.len() { 0 } else { self.oldest_run + 1 };
            if self.last_uses[page as usize] == number {
                return page;
            }
        }
    }

    /// The resident pages, most recently used first.
    pub(super) fn list(&self) -> List {
        let uses = (0..).zip(&self.last_uses).filter(|&(_, &last)| last >= self.oldest);
        let mut pages: Vec<PageId> = uses.map(|(page, _)| page).collect();
        pages.sort_unstable_by_key(|&page| std::cmp::Reverse(self.last_uses[page as usize]));
        List::resident("", pages)
    }
}

impl Accesses for LruTail {
    fn make_room(&mut self, pages: usize) {
        grow(&mut self.last_uses, pages, 0);
    }

    #[inline(always)]
    fn touch(&mut self, page: PageId, _: u64) -> Touch {
        let last = std::mem::replace(&mut self.last_uses[page as usize], self.next);
        self.next += 1;
        if last >= self.oldest {
            Touch::Hit
        } else if self.resident < self.frames {
            self.resident += 1;
            Touch::Fill
        } else {
            Touch::Replacement(self.pass_oldest())
        }
    }

    fn free(&mut self, page: PageId) -> bool {
        self.freed += 1;
        let last = std::mem::take(&mut self.last_uses[page as usize]);
        let was_resident = last >= self.oldest;
        self.resident -= u64::from(was_resident);
        was_resident
    }

    #[inline(always)]
    fn read_ahead(&self, pages: &[PageId]) {
        let mut read = 0;
        for &page in pages {
            read ^= self.last_uses[page as usize];
        }
        std::hint::black_box(read);
    }
}
