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

use std::collections::VecDeque;

use super::paged::{Accesses, Algorithm, Paged, Touch, grow};
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
    build: |_, guest| Paged::boxed(guest, Sieve::new(guest)),
};

/// The state of a page; a hit reads nothing else.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum State {
    Absent,
    Unvisited,
    Visited,
}

struct Sieve {
    /// The pages from the hand to the head of the queue. Empty only if no page is resident: a hand
    /// that passes the head continues at the tail.
    ahead: VecDeque<PageId>,
    /// The pages that the hand has passed since it was at the tail, the tail first.
    passed: VecDeque<PageId>,
    states: Vec<State>,
    frames: u64,
}

impl Sieve {
    fn new(guest: &Guest<'_>) -> Self {
        Self {
            ahead: VecDeque::new(),
            passed: VecDeque::new(),
            states: Vec::new(),
            frames: guest.frames.0,
        }
    }

    #[inline(always)]
    fn evict(&mut self) -> PageId {
        loop {
            let page = self.ahead.pop_front().expect("a page is resident");
            let state = &mut self.states[page as usize];
            let goes = *state == State::Unvisited;
            if goes {
                *state = State::Absent;
            } else {
                // A visited page loses its bit and keeps its place; the hand moves on.
                *state = State::Unvisited;
                self.passed.push_back(page);
            }
            // The hand wraps from the head to the tail before the next page enters.
            if self.ahead.is_empty() {
                std::mem::swap(&mut self.ahead, &mut self.passed);
            }
            if goes {
                return page;
            }
        }
    }
}

impl Accesses for Sieve {
    fn make_room(&mut self, pages: usize) {
        grow(&mut self.states, pages, State::Absent);
    }

    #[inline(always)]
    fn touch(&mut self, page: PageId, _: u64) -> Touch {
        if self.states[page as usize] != State::Absent {
            self.states[page as usize] = State::Visited;
            return Touch::Hit;
        }
        let touch = if self.resident() == self.frames {
            Touch::Replacement(self.evict())
        } else {
            Touch::Fill
        };
        // A new page enters at the head, not visited.
        self.states[page as usize] = State::Unvisited;
        self.ahead.push_back(page);
        touch
    }

    #[inline(always)]
    fn again(&mut self, page: PageId, _: u64, _: u64) {
        self.states[page as usize] = State::Visited;
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
        let is_visited = |page| self.states[page as usize] == State::Visited;
        vec![List::resident("", from_head.copied()).marked(is_visited)]
    }

    fn audit(&self) {
        let mut seen = vec![false; self.states.len()];
        for &page in self.ahead.iter().chain(&self.passed) {
            assert!(!seen[page as usize], "page {page} is in the queue once");
            seen[page as usize] = true;
        }
        for (page, state) in self.states.iter().enumerate() {
            assert_eq!(
                *state != State::Absent,
                seen[page],
                "page {page} has a bit in the queue only"
            );
        }
        assert!(!self.ahead.is_empty() || self.passed.is_empty(), "the hand is at a page");
        assert!(self.resident() <= self.frames, "no more pages are resident than frames allocated");
    }
}
