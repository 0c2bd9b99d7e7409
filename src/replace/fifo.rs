//! FIFO: first in, first out.
//!
//! *Idea.* Pages are evicted in the order in which they were loaded; further uses change nothing.
//! More frames can mean more faults (Belady's anomaly).
//! *Follows.* L. A. Belady, "A study of replacement algorithms for a virtual-storage computer", IBM
//! Systems Journal 5(2), 1966. The anomaly: L. A. Belady, R. A. Nelson and G. S. Shedler, "An
//! anomaly in space-time characteristics of certain programs running in a paging machine",
//! Communications of the ACM 12(6), 1969.
//! *Departs.* Only in resizing, which is ours: a shrink evicts the oldest pages until the others
//! fit; a grant keeps the order. Growing and shrinking back is a no-op if no page is loaded in
//! between; otherwise the oldest pages are evicted, not the newest.
//! *Cost.* O(1) per access, O(pages evicted) per shrink; 5 bytes per touched page, of which a hit
//! reads one.
//! *Parameters.* None.

use super::algorithm::{Accesses, Algorithm, Touch, grow};
use super::paged::Paged;
use super::queue::Queue;
use super::{Guest, List, ReplacementKind};
use crate::trace::PageId;
use crate::trace::reduction::OnReduced;
use crate::units::Footprint;

pub(super) const KIND: ReplacementKind = ReplacementKind {
    name: "fifo",
    summary: "evicts the page that has been resident longest",
    follows: "L. A. Belady, A study of replacement algorithms for a virtual-storage computer, IBM \
              Systems Journal 5(2), 1966",
    knows_the_future: false,
    on_reduced: OnReduced::Inexact,
    footprint: Footprint { page: 1, frame: 4, run: 0 },
    params: &[],
    build: &|_, guest| Paged::boxed(guest, Fifo::new(guest)),
};

struct Fifo {
    /// The resident pages, oldest in front.
    queue: Queue,
    is_resident: Vec<bool>,
    frames: u64,
}

impl Fifo {
    fn new(guest: &Guest<'_>) -> Self {
        Self { queue: Queue::default(), is_resident: Vec::new(), frames: guest.frames.0 }
    }

    #[inline(always)]
    fn evict(&mut self) -> PageId {
        let victim = self.queue.pop_front().expect("a page is resident");
        self.is_resident[victim as usize] = false;
        victim
    }
}

impl Accesses for Fifo {
    fn make_room(&mut self, pages: usize) {
        grow(&mut self.is_resident, pages, false);
    }

    #[inline(always)]
    fn touch(&mut self, page: PageId, _: u64) -> Touch {
        if self.is_resident[page as usize] {
            return Touch::Hit;
        }
        let touch = if self.queue.len() as u64 == self.frames {
            Touch::Replacement(self.evict())
        } else {
            Touch::Fill
        };
        self.is_resident[page as usize] = true;
        self.queue.push_back(page);
        touch
    }

    fn free(&mut self, page: PageId) -> bool {
        let was_resident = std::mem::take(&mut self.is_resident[page as usize]);
        if was_resident {
            self.queue.leave(page);
        }
        was_resident
    }
}

impl Algorithm for Fifo {
    fn resize(&mut self, frames: u64, mut evicted: impl FnMut(PageId)) {
        self.frames = frames;
        while self.queue.len() as u64 > self.frames {
            evicted(self.evict());
        }
    }

    fn resident(&self) -> u64 {
        self.queue.len() as u64
    }

    fn lists(&self) -> Vec<List> {
        vec![List::resident("", self.queue.iter().rev())]
    }

    fn audit(&self) {
        let mut is_resident = vec![false; self.is_resident.len()];
        for page in self.queue.iter() {
            assert!(!is_resident[page as usize], "page {page} is in one frame");
            is_resident[page as usize] = true;
        }
        assert_eq!(self.is_resident, is_resident, "resident pages are in the queue");
        assert!(self.resident() <= self.frames, "no more pages are resident than frames allocated");
    }
}
