//! Belady's MIN over the shared host: evict the page whose next use is furthest.
//!
//! *Idea.* NullWatcher who knows the whole future can fault less with so many frames, however they
//! are divided: a bound for every policy and every replacement algorithm together. *Follows.* L. A.
//! Belady, "A study of replacement algorithms for a virtual-storage computer", IBM Systems Journal
//! 5(2), 1966; that changing allocations do not break it: E. Peserico, "Paging with dynamic memory
//! capacity", STACS 2019. *Departs.* A page being visited is not a candidate: see
//! [`merged`](super::merged). *Cost.* O(log M) a visit at most, mostly O(1), for M pages; 8 bytes a
//! run for the next uses and 32 a page. *Parameters.* None.

use super::merged::Yardstick;
use crate::replace::tournament::Tournament;
use crate::trace::PageId;

/// The resident pages, which play with their next uses as keys, and all others, with 0. A page
/// being visited keeps the key of its visit, which is now: all candidates are used later.
pub(super) struct Min {
    next_uses: Tournament<u128>,
    resident: Vec<bool>,
    empty: u64,
    faults: u64,
}

impl Min {
    pub(super) fn new(pages: usize, frames: u64) -> Self {
        Self {
            next_uses: Tournament::new(pages),
            resident: vec![false; pages],
            empty: frames,
            faults: 0,
        }
    }

    /// The demand faults so far.
    pub(super) fn faults(&self) -> u64 {
        self.faults
    }
}

impl Yardstick for Min {
    fn begin(&mut self, page: PageId) {
        if self.resident[page as usize] {
            return;
        }
        self.faults += 1;
        if self.empty > 0 {
            self.empty -= 1;
        } else {
            let furthest = self.next_uses.winner();
            self.next_uses.set(furthest, 0);
            self.resident[furthest] = false;
        }
        self.resident[page as usize] = true;
    }

    fn end(&mut self, page: PageId, next_use: u128) {
        self.next_uses.set(page as usize, next_use);
    }

    /// They are never used again, so they are the first to go.
    fn depart(&mut self, _: std::ops::Range<PageId>) {}
}
