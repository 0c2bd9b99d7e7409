//! LRU by an explicit list: the teaching view, and the oracle of [`lru`](super::lru).
//!
//! *Idea.* The list of frames that the report draws: most recently used first, the tail goes first.
//! Whoever must see *which* page goes (the walk-through) runs this; all others run the counter.
//! *Follows.* H. Wu, S. Wu and W. Zhang, "Simulation of memory management in virtual machines",
//! COEN 283 report, 2011.
//! *Departs.* The list holds the resident pages alone; empty frames are the difference between the
//! allocation and its length.
//! *Cost.* O(1) an access, O(pages evicted) a shrink; 8 bytes a distinct page of the trace.
//! *Knobs.* None.

use std::sync::Arc;

use super::ring::Ring;
use super::{Counts, Replacement, Stretch, Touch, drive};
use crate::trace::{PageId, Trace};
use crate::units::Frames;

/// The resident pages, most recently used first.
pub(super) struct LruList {
    trace: Arc<Trace>,
    list: Ring,
    resident: u64,
    frames: u64,
}

impl LruList {
    pub(super) fn new(trace: &Arc<Trace>, frames: Frames) -> Self {
        let list = Ring::new(trace.distinct_pages());
        Self { trace: Arc::clone(trace), list, resident: 0, frames: frames.0 }
    }
}

impl Replacement for LruList {
    fn run(&mut self, stretch: Stretch) -> Counts {
        let Self { trace, list, resident, frames } = self;
        drive(trace, stretch, |page| {
            let touch = if list.contains(page) {
                list.remove(page);
                Touch::Hit
            } else if *resident < *frames {
                *resident += 1;
                Touch::Fill
            } else {
                list.pop_back();
                Touch::Replacement
            };
            list.push_front(page);
            touch
        })
    }

    fn resize(&mut self, frames: Frames) {
        self.frames = frames.0;
        while self.resident > self.frames {
            self.list.pop_back();
            self.resident -= 1;
        }
    }

    fn resident(&self) -> Frames {
        Frames(self.resident)
    }

    fn order(&self) -> Vec<PageId> {
        self.list.iter().collect()
    }

    fn audit(&self) {
        assert_eq!(self.list.audit() as u64, self.resident, "the list holds the resident pages");
        assert!(self.resident <= self.frames, "no more pages are resident than frames allocated");
    }
}
