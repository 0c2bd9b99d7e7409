//! Global LRU: one LRU list for the pages of all VMs.
//!
//! *Idea.* The host evicts its least recently used page, whichever VM it belongs to; a VM's
//! allocation is its number of resident pages.
//! *Follows.* Global replacement as in textbooks. Each VM keeps at least one frame; its other
//! bounds do not apply.
//! *Departs.* A page being visited is not in the list: see [`merged`](super::merged).
//! *Cost.* O(log V) per visit for V VMs; 8 bytes per page.
//! *Parameters.* None.

use super::merged::SharedHost;
use crate::replace::links::Links;
use crate::trace::PageId;

/// The list of the pages that are resident and not being visited, most recently used first.
pub(super) struct GlobalLru {
    list: Links,
    empty: u64,
    faults: u64,
}

impl GlobalLru {
    pub(super) fn new(pages: usize, frames: u64) -> Self {
        let mut list = Links::new(1);
        list.make_room(pages);
        Self { list, empty: frames, faults: 0 }
    }

    /// The demand faults so far.
    pub(super) fn faults(&self) -> u64 {
        self.faults
    }
}

impl SharedHost for GlobalLru {
    fn begin(&mut self, page: PageId, counts: bool) {
        if self.list.contains(page) {
            self.list.remove(page);
            return;
        }
        self.faults += u64::from(counts);
        if self.empty > 0 {
            self.empty -= 1;
        } else {
            self.list.pop_back(0);
        }
    }

    fn end(&mut self, page: PageId, _: u128) {
        self.list.push_front(0, page);
    }

    fn free(&mut self, page: PageId) {
        if self.list.contains(page) {
            self.list.remove(page);
            self.empty += 1;
        }
    }

    fn depart(&mut self, pages: std::ops::Range<PageId>) {
        for page in pages {
            if self.list.contains(page) {
                self.list.remove(page);
                self.empty += 1;
            }
        }
    }
}
