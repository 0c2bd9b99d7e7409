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

use super::{Counts, Replacement, Stretch, Touch, drive};
use crate::trace::{PageId, Trace};
use crate::units::Frames;

/// The resident pages as a doubly linked ring through a sentinel, most recently used first.
pub(crate) struct LruList {
    trace: Arc<Trace>,
    links: Vec<Link>,
    resident: u64,
    frames: u64,
}

#[derive(Clone, Copy)]
struct Link {
    /// The next more recently used page.
    newer: u32,
    /// The next less recently used page; [`ABSENT`] where the page is not resident.
    older: u32,
}

const ABSENT: u32 = u32::MAX;

impl LruList {
    pub(crate) fn new(trace: &Arc<Trace>, frames: Frames) -> Self {
        let pages = trace.distinct_pages();
        let mut links = vec![Link { newer: ABSENT, older: ABSENT }; pages + 1];
        links[pages] = Link { newer: pages as u32, older: pages as u32 };
        Self { trace: Arc::clone(trace), links, resident: 0, frames: frames.0 }
    }

    fn sentinel(&self) -> u32 {
        self.links.len() as u32 - 1
    }
}

fn unlink(links: &mut [Link], page: u32) {
    let Link { newer, older } = links[page as usize];
    links[newer as usize].older = older;
    links[older as usize].newer = newer;
    links[page as usize].older = ABSENT;
}

fn push_front(links: &mut [Link], page: u32) {
    let sentinel = links.len() as u32 - 1;
    let older = links[sentinel as usize].older;
    links[page as usize] = Link { newer: sentinel, older };
    links[sentinel as usize].older = page;
    links[older as usize].newer = page;
}

impl Replacement for LruList {
    fn run(&mut self, stretch: Stretch) -> Counts {
        let Self { trace, links, resident, frames } = self;
        let links = links.as_mut_slice();
        let sentinel = links.len() - 1;
        drive(trace, stretch, |page| {
            let touch = if links[page as usize].older != ABSENT {
                unlink(links, page);
                Touch::Hit
            } else if *resident < *frames {
                *resident += 1;
                Touch::Fill
            } else {
                let least_recent = links[sentinel].newer;
                unlink(links, least_recent);
                Touch::Replacement
            };
            push_front(links, page);
            touch
        })
    }

    fn resize(&mut self, frames: Frames) {
        self.frames = frames.0;
        while self.resident > self.frames {
            let least_recent = self.links[self.sentinel() as usize].newer;
            unlink(&mut self.links, least_recent);
            self.resident -= 1;
        }
    }

    fn resident(&self) -> Frames {
        Frames(self.resident)
    }

    fn order(&self) -> Vec<PageId> {
        let older = |page: u32| self.links[page as usize].older;
        let first = older(self.sentinel());
        std::iter::successors(Some(first), |&page| Some(older(page)))
            .take_while(|&page| page != self.sentinel())
            .collect()
    }

    fn audit(&self) {
        let order = self.order();
        assert_eq!(order.len() as u64, self.resident, "the list's length is the resident count");
        assert!(self.resident <= self.frames, "no more pages are resident than frames allocated");
        let mut newer = self.sentinel();
        for &page in order.iter().chain([&self.sentinel()]) {
            assert_eq!(self.links[page as usize].newer, newer, "page {page} is linked both ways");
            newer = page;
        }
        let linked = self.links.iter().filter(|link| link.older != ABSENT).count();
        assert_eq!(linked, order.len() + 1, "every resident page is in the list");
    }
}
