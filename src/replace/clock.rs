//! CLOCK: FIFO with a second chance.
//!
//! *Idea.* The frames form a ring with a hand. Using a page sets its reference bit. The hand clears
//! the bit of each page that it passes and evicts the first page whose bit is already clear.
//! *Follows.* F. J. Corbató, "A paging experiment with the Multics system", MIT Project MAC report
//! MAC-M-384, 1968.
//! *Departs.* Each page has one bit. The ring is a queue with the hand at its front. A page that
//! survives goes to the back, the place that the hand reaches last. A new page goes there too: in a
//! ring it would enter the frame just behind the hand. Resizing is ours: on a shrink the hand moves
//! on until the remaining pages fit, clearing bits on its way; the frames of a grant are placed
//! just behind the hand. Growing and shrinking back therefore does not restore the old state: the
//! pages at the hand are evicted, not the newest.
//! *Cost.* O(1) per access, amortised: the hand passes a page at most once for each use of it. 5
//! bytes per touched page, of which a hit writes one.
//! *Parameters.* `load`: the initial reference bit of a loaded page, `clear` or `set` (default
//! `clear`: loading is not yet a second use; sources leave this open, and the two differ in their
//! faults).

use super::algorithm::{Accesses, Algorithm, Touch, grow};
use super::paged::Paged;
use super::queue::Queue;
use super::{Guest, List, ReplacementKind};
use crate::params::{Domain, Param, Settings, Value};
use crate::trace::PageId;
use crate::trace::reduction::OnReduced;
use crate::units::Footprint;

pub(super) const KIND: ReplacementKind = ReplacementKind {
    name: "clock",
    summary: "evicts the page that has been resident longest, but gives one that was used a second \
              chance",
    follows: "F. J. Corbató, A paging experiment with the Multics system, MIT Project MAC report \
              MAC-M-384, 1968",
    knows_the_future: false,
    on_reduced: OnReduced::Inexact,
    footprint: Footprint { page: 1, frame: 4, run: 0 },
    params: &[LOAD],
    build: &|settings, guest| Paged::boxed(guest, Clock::new(settings, guest)),
};

const LOAD: Param = Param {
    name: "load",
    doc: "initial reference bit of a loaded page; sources differ",
    domain: Domain::Choice(&["clear", "set"]),
    default: Value::Choice("clear"),
};

/// The state of a page; a hit reads nothing else.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum State {
    Absent,
    Unreferenced,
    Referenced,
}

struct Clock {
    /// The resident pages, starting at the hand.
    ring: Queue,
    states: Vec<State>,
    loaded: State,
    frames: u64,
}

impl Clock {
    fn new(settings: &Settings, guest: &Guest<'_>) -> Self {
        let is_set = settings.choice(LOAD.name) == "set";
        Self {
            ring: Queue::default(),
            states: Vec::new(),
            loaded: if is_set { State::Referenced } else { State::Unreferenced },
            frames: guest.frames.0,
        }
    }

    #[inline(always)]
    fn evict(&mut self) -> PageId {
        loop {
            let page = self.ring.pop_front().expect("a page is resident");
            let state = &mut self.states[page as usize];
            if *state == State::Unreferenced {
                *state = State::Absent;
                return page;
            }
            // A second chance: the bit is cleared and the hand passes.
            *state = State::Unreferenced;
            self.ring.push_back(page);
        }
    }
}

impl Accesses for Clock {
    fn make_room(&mut self, pages: usize) {
        grow(&mut self.states, pages, State::Absent);
    }

    #[inline(always)]
    fn touch(&mut self, page: PageId, _: u64) -> Touch {
        if self.states[page as usize] != State::Absent {
            self.states[page as usize] = State::Referenced;
            return Touch::Hit;
        }
        let touch = if self.ring.len() as u64 == self.frames {
            Touch::Replacement(self.evict())
        } else {
            Touch::Fill
        };
        self.states[page as usize] = self.loaded;
        self.ring.push_back(page);
        touch
    }

    fn free(&mut self, page: PageId) -> bool {
        let state = std::mem::replace(&mut self.states[page as usize], State::Absent);
        if state != State::Absent {
            self.ring.leave(page);
        }
        state != State::Absent
    }

    #[inline(always)]
    fn again(&mut self, page: PageId, _: u64, _: u64) {
        self.states[page as usize] = State::Referenced;
    }
}

impl Algorithm for Clock {
    fn resize(&mut self, frames: u64, mut evicted: impl FnMut(PageId)) {
        self.frames = frames;
        while self.ring.len() as u64 > self.frames {
            evicted(self.evict());
        }
    }

    fn resident(&self) -> u64 {
        self.ring.len() as u64
    }

    fn lists(&self) -> Vec<List> {
        let is_referenced = |page| self.states[page as usize] == State::Referenced;
        vec![List::resident("", self.ring.iter().rev()).marked(is_referenced)]
    }

    fn audit(&self) {
        let mut seen = vec![false; self.states.len()];
        for page in self.ring.iter() {
            assert!(!seen[page as usize], "page {page} is in one frame");
            seen[page as usize] = true;
        }
        for (page, state) in self.states.iter().enumerate() {
            assert_eq!(
                *state != State::Absent,
                seen[page],
                "page {page} has a bit in a frame only"
            );
        }
        assert!(self.resident() <= self.frames, "no more pages are resident than frames allocated");
    }
}
