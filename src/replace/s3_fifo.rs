//! S3-FIFO: three FIFO queues; a small one filters out pages that are used only once.
//!
//! *Idea.* Most pages are used once or in one burst. They enter the small queue S and leave it
//! soon. Pages that are used again in S, or that miss soon after they left it (the ghosts G), enter
//! the main queue M, where a count of their uses gives them further rounds.
//! *Follows.* J. Yang, Y. Zhang, Z. Qiu, Y. Yue and K. V. Rashmi, "FIFO queues are all you need for
//! cache eviction", SOSP 2023.
//! *Departs.* A miss evicts exactly one page, as in the authors' simulator, libCacheSim: where
//! pages from S make M too large, M evicts only as frames are needed, not at once. The share of S
//! is rounded down, but is at least one frame. A ghost is looked up before room is made for its
//! page, and is removed from G at once. As in the paper, new pages enter S even while frames are
//! empty; libCacheSim puts them into M once S has its share, until the first eviction. As in the
//! paper, G holds as many ghosts as M has frames; libCacheSim (1a1a11a/libCacheSim S3FIFO.c at
//! aa0fc40) holds 0.9 of all frames, rounded down, which can be one fewer. Resizing is ours: the
//! shares of S, M and G are computed anew, then pages are evicted by the same rule until the others
//! fit, those of S become ghosts, and G drops its oldest; a grant keeps all queues. Growing and
//! shrinking back therefore does not restore the old state: pages have changed queues, and counts
//! and ghosts are lost.
//! *Cost.* O(1) per access, amortised: a page is reinserted into M at most once for each use of it.
//! 17 bytes per touched page, of which a hit writes one.
//! *Parameters.* `small`: the share of S (default 0.1, the paper's); `uses`: the uses in S that
//! take a page to M (default 2, the paper's; some implementations have 1).

use super::algorithm::{Accesses, Algorithm, Touch, grow};
use super::links::Links;
use super::paged::Paged;
use super::queue::Queue;
use super::{Guest, List, ReplacementKind};
use crate::params::{Domain, Param, Settings, Value};
use crate::trace::PageId;
use crate::trace::reduction::OnReduced;
use crate::units::{Decimal, Footprint};

pub(super) const KIND: ReplacementKind = ReplacementKind {
    name: "s3-fifo",
    summary: "new pages enter a small queue; those used again there or soon after move to a large \
              one",
    follows: "J. Yang, Y. Zhang, Z. Qiu, Y. Yue and K. V. Rashmi, FIFO queues are all you need for \
              cache eviction, SOSP 2023",
    knows_the_future: false,
    on_reduced: OnReduced::Inexact,
    footprint: Footprint { page: 9, frame: 8, run: 0 },
    params: &[SMALL, USES],
    build: &|settings, guest| Paged::boxed(guest, S3Fifo::new(settings, guest)),
};

const SMALL: Param = Param {
    name: "small",
    doc: "the share of the frames that the small queue should hold; the paper's",
    domain: Domain::Decimal {
        min: Decimal { digits: 0, places: 0 },
        max: Decimal { digits: 1, places: 0 },
    },
    default: Value::Decimal(Decimal { digits: 1, places: 1 }),
};

const USES: Param = Param {
    name: "uses",
    doc: "the uses in the small queue that move a page to the main queue; the paper's",
    domain: Domain::Integer { min: 1, max: COUNT_MAX as u64 },
    default: Value::Integer(2),
};

/// The largest count of a page's two bits.
const COUNT_MAX: u8 = 3;

/// The state of a page in one byte, the only one that a hit reads: the queue that contains it and,
/// in the lowest two bits, how often it was used in S or M.
const ABSENT: u8 = 0;
const IN_G: u8 = 1;
const IN_S: u8 = 4;
const IN_M: u8 = 8;

struct S3Fifo {
    /// S, oldest in front.
    small: Queue,
    /// M, oldest in front.
    main: Queue,
    /// G, newest first.
    ghosts: Links,
    ghosts_size: u64,
    states: Vec<u8>,
    small_part: Decimal,
    uses: u8,
    /// S evicts from this length on.
    small_max: u64,
    frames: u64,
}

impl S3Fifo {
    fn new(settings: &Settings, guest: &Guest<'_>) -> Self {
        let small_part = settings.decimal(SMALL.name);
        Self {
            small: Queue::default(),
            main: Queue::default(),
            ghosts: Links::new(1),
            ghosts_size: 0,
            states: Vec::new(),
            small_part,
            uses: settings.integer(USES.name) as u8,
            small_max: small_max(small_part, guest.frames.0),
            frames: guest.frames.0,
        }
    }

    #[inline(always)]
    fn evict(&mut self) -> PageId {
        // The paper's EVICT: from S if it has its share of the frames, otherwise from M.
        if self.small.len() as u64 >= self.small_max {
            while let Some(page) = self.small.pop_front() {
                let state = &mut self.states[page as usize];
                if *state - IN_S < self.uses {
                    *state = IN_G;
                    self.remember(page);
                    return page;
                }
                // Used more than once: it moves to M, where its count starts again.
                *state = IN_M;
                self.main.push_back(page);
            }
        }
        loop {
            let page = self.main.pop_front().expect("a page is resident");
            let state = &mut self.states[page as usize];
            if *state == IN_M {
                *state = ABSENT;
                return page;
            }
            // Used: it is reinserted at the head of M with one use less.
            *state -= 1;
            self.main.push_back(page);
        }
    }

    /// Puts a page at the head of G.
    #[inline(always)]
    fn remember(&mut self, page: PageId) {
        self.ghosts.push_front(0, page);
        self.ghosts_size += 1;
        self.trim();
    }

    /// G may hold as many ghosts as M has frames.
    fn ghosts_max(&self) -> u64 {
        self.frames - self.small_max
    }

    /// Drops the oldest ghosts beyond the maximum.
    #[inline(always)]
    fn trim(&mut self) {
        while self.ghosts_size > self.ghosts_max() {
            let page = self.ghosts.pop_back(0).expect("there are ghosts");
            self.states[page as usize] = ABSENT;
            self.ghosts_size -= 1;
        }
    }
}

/// The share of S.
fn small_max(small_part: Decimal, frames: u64) -> u64 {
    small_part.floor_of(frames).max(1)
}

impl Accesses for S3Fifo {
    fn make_room(&mut self, pages: usize) {
        self.ghosts.make_room(pages);
        grow(&mut self.states, pages, ABSENT);
    }

    #[inline(always)]
    fn touch(&mut self, page: PageId, _: u64) -> Touch {
        let state = self.states[page as usize];
        if state >= IN_S {
            self.states[page as usize] = used(state, 1);
            return Touch::Hit;
        }
        let is_ghost = state == IN_G;
        if is_ghost {
            self.ghosts.remove(page);
            self.ghosts_size -= 1;
        }
        let touch = if self.resident() == self.frames {
            Touch::Replacement(self.evict())
        } else {
            Touch::Fill
        };
        if is_ghost {
            self.main.push_back(page);
            self.states[page as usize] = IN_M;
        } else {
            self.small.push_back(page);
            self.states[page as usize] = IN_S;
        }
        touch
    }

    fn free(&mut self, page: PageId) -> bool {
        let state = std::mem::replace(&mut self.states[page as usize], ABSENT);
        if state >= IN_M {
            self.main.leave(page);
        } else if state >= IN_S {
            self.small.leave(page);
        } else if state == IN_G {
            self.ghosts.remove(page);
            self.ghosts_size -= 1;
        }
        state >= IN_S
    }

    #[inline(always)]
    fn again(&mut self, page: PageId, _: u64, times: u64) {
        self.states[page as usize] = used(self.states[page as usize], times);
    }
}

/// The state of a resident page after further uses.
#[inline(always)]
fn used(state: u8, times: u64) -> u8 {
    let left = COUNT_MAX - state % IN_S;
    state + times.min(u64::from(left)) as u8
}

impl Algorithm for S3Fifo {
    fn resize(&mut self, frames: u64, mut evicted: impl FnMut(PageId)) {
        self.frames = frames;
        self.small_max = small_max(self.small_part, frames);
        while self.resident() > self.frames {
            evicted(self.evict());
        }
        self.trim();
    }

    #[inline(always)]
    fn resident(&self) -> u64 {
        (self.small.len() + self.main.len()) as u64
    }

    fn lists(&self) -> Vec<List> {
        let uses = |page| self.states[page as usize] % IN_S;
        let newest_first =
            |name, queue: &Queue| List::resident(name, queue.iter().rev()).marked(uses);
        vec![
            newest_first("S", &self.small),
            newest_first("M", &self.main),
            List::ghosts("G", self.ghosts.iter(0)),
        ]
    }

    fn audit(&self) {
        assert_eq!(self.ghosts.audit(), [self.ghosts_size as usize], "ghosts are counted");
        let mut places = vec![ABSENT; self.states.len()];
        let mut put = |page: PageId, place| {
            let before = std::mem::replace(&mut places[page as usize], place);
            assert_eq!(before, ABSENT, "page {page} is in one queue");
        };
        self.small.iter().for_each(|page| put(page, IN_S));
        self.main.iter().for_each(|page| put(page, IN_M));
        self.ghosts.iter(0).for_each(|page| put(page, IN_G));
        for (page, (&state, place)) in self.states.iter().zip(places).enumerate() {
            let without_count = if state >= IN_S { state - state % IN_S } else { state };
            assert_eq!(without_count, place, "page {page} is where it says");
        }
        assert!(self.ghosts_size <= self.ghosts_max(), "no more ghosts than M may hold");
        assert!(self.resident() <= self.frames, "no more pages are resident than frames allocated");
    }
}
