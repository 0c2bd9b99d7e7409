//! Belady's MIN over the shared host: evicts the page whose next use is furthest away.
//!
//! *Idea.* Even with full knowledge of the future, no policy and no replacement algorithm faults
//! less with the same frames: a lower bound for all of them.
//! *Follows.* L. A. Belady, "A study of replacement algorithms for a virtual-storage computer", IBM
//! Systems Journal 5(2), 1966. It stays optimal under changing allocations: E. Peserico, "Paging
//! with dynamic memory capacity", STACS 2019.
//! *Departs.* A page being visited is not a candidate: see [`merged`](super::merged).
//! *Cost.* At most O(log M) per visit for M pages, mostly O(1); 8 bytes per run for the next uses
//! and 32 per page.
//! *Parameters.* None.

use super::merged::SharedHost;
use crate::replace::tournament::Tournament;
use crate::trace::PageId;

/// A tournament of all pages. The key of a resident page is its next use; that of any other page is
/// 0. A page being visited keeps the key of this visit, so every candidate is used later.
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

impl SharedHost for Min {
    fn begin(&mut self, page: PageId, counts: bool) {
        if self.resident[page as usize] {
            return;
        }
        self.faults += u64::from(counts);
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

    fn free(&mut self, page: PageId) {
        if std::mem::take(&mut self.resident[page as usize]) {
            self.next_uses.set(page as usize, 0);
            self.empty += 1;
        }
    }

    /// Nothing to do: its pages are never used again, so they are evicted first.
    fn depart(&mut self, _: std::ops::Range<PageId>) {}
}
