//! LRU by an explicit list: the teaching view, and the oracle of [`lru`](super::lru).
//!
//! *Idea.* The list of frames that the report draws: most recently used first, the tail goes first.
//! Whoever must see *which* page goes (the walk-through) runs this; all others run the counter.
//! *Follows.* H. Wu, S. Wu and W. Zhang, "Simulation of memory management in virtual machines",
//! COEN 283 report, 2011.
//! *Departs.* The list holds the resident pages alone; empty frames are the difference between the
//! allocation and its length.
//! *Cost.* O(1) an access, O(pages evicted) a shrink; 8 bytes a distinct page of the trace.
//! *Parameters.* None.

use super::links::Links;
use super::paged::{Accesses, Algorithm, Touch};
use super::{Guest, List};
use crate::trace::PageId;

/// The resident pages, most recently used first.
pub(super) struct LruList {
    list: Links,
    resident: u64,
    frames: u64,
}

impl LruList {
    pub(super) fn new(guest: &Guest<'_>) -> Self {
        let list = Links::new(guest.trace.distinct_pages(), 1);
        Self { list, resident: 0, frames: guest.frames.0 }
    }
}

impl Accesses for LruList {
    #[inline(always)]
    fn touch(&mut self, page: PageId, _: u64) -> Touch {
        let Self { list, resident, frames } = self;
        let touch = if list.contains(page) {
            list.remove(page);
            Touch::Hit
        } else if let Some(victim) = list.back(0).filter(|_| *resident == *frames) {
            list.remove(victim);
            Touch::Replacement(victim)
        } else {
            *resident += 1;
            Touch::Fill
        };
        list.push_front(0, page);
        touch
    }

    #[inline(always)]
    fn read_ahead(&self, pages: &[PageId]) {
        self.list.read_ahead(pages);
    }
}

impl Algorithm for LruList {
    fn resize(&mut self, frames: u64, mut evicted: impl FnMut(PageId)) {
        self.frames = frames;
        while self.resident > self.frames {
            evicted(self.list.pop_back(0).expect("a resident page is in the list"));
            self.resident -= 1;
        }
    }

    fn resident(&self) -> u64 {
        self.resident
    }

    fn lists(&self) -> Vec<List> {
        vec![List::resident("", self.list.iter(0))]
    }

    fn audit(&self) {
        assert_eq!(self.list.audit(), [self.resident as usize], "the list holds what is resident");
        assert!(self.resident <= self.frames, "no more pages are resident than frames allocated");
    }
}
