//! SIEVE: a FIFO queue with a hand that leaves survivors in place.
//!
//! *Idea.* New pages enter at the head. The hand moves from the tail to the head, clears the bits
//! of visited pages and evicts the first page that was not visited. Survivors keep their place, so
//! new pages are examined soon and old ones rarely.
//! *Follows.* Y. Zhang, J. Yang, Y. Yue, Y. Vigfusson and K. V. Rashmi, "SIEVE is simpler than LRU:
//! an efficient turn-key eviction algorithm for web caches", NSDI 2024.
//! *Departs.* Nowhere in what is evicted. The queue is kept in two parts, one ahead of the hand and
//! one that it has passed, so that no links are needed and memory is read in order. Resizing is
//! ours: on a shrink the hand moves on until the remaining pages fit; a grant keeps queue, bits and
//! hand. Growing and shrinking back therefore does not restore the old state: the pages at the hand
//! are evicted, not the newest.
//! *Cost.* O(1) per access, amortised: the hand passes a page at most once for each use of it. 9
//! bytes per touched page, of which a hit writes one.
//! *Parameters.* None.

use super::algorithm::{Accesses, Algorithm, Touch, grow};
use super::paged::Paged;
use super::queue::Queue;
use super::{Guest, List, ReplacementKind};
use crate::trace::PageId;
use crate::trace::reduction::OnReduced;
use crate::units::Footprint;

pub(super) const KIND: ReplacementKind = ReplacementKind {
    name: "sieve",
    summary: "evicts the first page not visited since the hand last passed it, leaving the others \
              where they are",
    follows: "Y. Zhang, J. Yang, Y. Yue, Y. Vigfusson and K. V. Rashmi, SIEVE is simpler than LRU: \
              an efficient turn-key eviction algorithm for web caches, NSDI 2024",
    knows_the_future: false,
    on_reduced: OnReduced::Inexact,
    footprint: Footprint { page: 1, frame: 8, run: 0 },
    params: &[],
    build: &|_, guest| Paged::boxed(guest, Sieve::new(guest)),
};

/// The state of a page, one byte, the only one that a hit reads: 0 if it is absent, else these
/// bits.
const RESIDENT: u8 = 1;
const VISITED: u8 = 2;
/// In which of the two queues it is; which that is changes when they are exchanged.
const SIDE: u8 = 4;

struct Sieve {
    /// The pages from the hand to the head of the queue. Empty only if no page is resident: a hand
    /// that passes the head continues at the tail.
    ahead: Queue,
    /// The pages that the hand has passed since it was at the tail, the tail first.
    passed: Queue,
    /// The bit [`SIDE`] of the pages ahead.
    side: u8,
    states: Vec<u8>,
    frames: u64,
}

impl Sieve {
    fn new(guest: &Guest<'_>) -> Self {
        Self {
            ahead: Queue::default(),
            passed: Queue::default(),
            side: 0,
            states: Vec::new(),
            frames: guest.frames.0,
        }
    }

    /// From the head the hand goes to the tail, before the next page enters.
    #[inline(always)]
    fn turn(&mut self) {
        if self.ahead.is_empty() {
            std::mem::swap(&mut self.ahead, &mut self.passed);
            self.side ^= SIDE;
        }
    }

    #[inline(always)]
    fn evict(&mut self) -> PageId {
        loop {
            let page = self.ahead.pop_front().expect("a page is resident");
            let state = &mut self.states[page as usize];
            let goes = *state & VISITED == 0;
            if goes {
                *state = 0;
            } else {
                // A visited page loses its bit and keeps its place; the hand moves on.
                *state = RESIDENT | (self.side ^ SIDE);
                self.passed.push_back(page);
            }
            self.turn();
            if goes {
                return page;
            }
        }
    }
}

impl Accesses for Sieve {
    fn make_room(&mut self, pages: usize) {
        grow(&mut self.states, pages, 0);
    }

    #[inline(always)]
    fn touch(&mut self, page: PageId, _: u64) -> Touch {
        if self.states[page as usize] != 0 {
            self.states[page as usize] |= VISITED;
            return Touch::Hit;
        }
        let touch = if self.resident() == self.frames {
            Touch::Replacement(self.evict())
        } else {
            Touch::Fill
        };
        // A new page enters at the head, not visited.
        self.states[page as usize] = RESIDENT | self.side;
        self.ahead.push_back(page);
        touch
    }

    /// If the hand is at the page, it moves on.
    fn free(&mut self, page: PageId) -> bool {
        let state = std::mem::take(&mut self.states[page as usize]);
        if state != 0 {
            let is_ahead = state & SIDE == self.side;
            let queue = if is_ahead { &mut self.ahead } else { &mut self.passed };
            queue.leave(page);
            self.turn();
        }
        state != 0
    }

    #[inline(always)]
    fn again(&mut self, page: PageId, _: u64, _: u64) {
        self.states[page as usize] |= VISITED;
    }
}

impl Algorithm for Sieve {
    fn resize(&mut self, frames: u64, mut evicted: impl FnMut(PageId)) {
        self.frames = frames;
        while self.resident() > self.frames {
            evicted(self.evict());
        }
    }

    #[inline(always)]
    fn resident(&self) -> u64 {
        (self.ahead.len() + self.passed.len()) as u64
    }

    fn lists(&self) -> Vec<List> {
        let from_head = self.ahead.iter().rev().chain(self.passed.iter().rev());
        let is_visited = |page| self.states[page as usize] & VISITED != 0;
        vec![List::resident("", from_head).marked(is_visited)]
    }

    fn audit(&self) {
        let mut seen = vec![false; self.states.len()];
        for page in self.ahead.iter().chain(self.passed.iter()) {
            assert!(!seen[page as usize], "page {page} is in the queue once");
            seen[page as usize] = true;
        }
        for (page, state) in self.states.iter().enumerate() {
            assert_eq!(*state != 0, seen[page], "page {page} has a bit in the queue only");
        }
        assert!(!self.ahead.is_empty() || self.passed.is_empty(), "the hand is at a page");
        assert!(self.resident() <= self.frames, "no more pages are resident than frames allocated");
    }
}
