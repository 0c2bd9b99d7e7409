//! 2Q: a page joins the LRU list only when it faults again soon after its first eviction.
//!
//! *Idea.* A new page enters the FIFO queue A1in. When it is evicted from there, its number is
//! remembered in A1out; only a page that returns while it is remembered joins the LRU list Am.
//! Pages used in one burst, and scans, never reach Am.
//! *Follows.* The full version in T. Johnson and D. Shasha, "2Q: a low overhead high performance
//! buffer management replacement algorithm", VLDB 1994.
//! *Departs.* Kin and Kout are rounded down. A returning page leaves A1out before room is made for
//! it, so no other number is dropped for it. If Am is empty when it should evict, A1in evicts
//! instead. Resizing is ours: Kin and Kout are computed anew, then pages are evicted by the same
//! rule until the others fit, remembered as usual, and A1out drops its oldest numbers; a grant
//! keeps all lists. Growing and shrinking back therefore does not restore the old state: pages that
//! left A1in are in A1out, and the oldest numbers are lost.
//! *Cost.* O(1) per access, O(pages evicted) per shrink; 13 bytes per touched page, of which a hit
//! in A1in reads one.
//! *Parameters.* `in`: Kin as a share of the frames (default 0.25, the paper's); `out`: Kout
//! likewise (default 0.5, the paper's).

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
    name: "2q",
    summary: "new pages enter a FIFO queue; those that fault again soon after leaving it enter an \
              LRU list",
    follows: "T. Johnson and D. Shasha, 2Q: a low overhead high performance buffer management \
              replacement algorithm, VLDB 1994",
    knows_the_future: false,
    on_reduced: OnReduced::Inexact,
    footprint: Footprint { page: 9, frame: 4, run: 0 },
    params: &[IN, OUT],
    build: &|settings, guest| Paged::boxed(guest, TwoQueue::new(settings, guest)),
};

const IN: Param = Param {
    name: "in",
    doc: "Kin, the length above which A1in evicts, as a share of the frames; the paper's",
    domain: Domain::Decimal {
        min: Decimal { digits: 0, places: 0 },
        max: Decimal { digits: 1, places: 0 },
    },
    default: Value::Decimal(Decimal { digits: 25, places: 2 }),
};

const OUT: Param = Param {
    name: "out",
    doc: "Kout, the number of pages remembered in A1out, as a share of the frames; the paper's",
    domain: Domain::Decimal {
        min: Decimal { digits: 0, places: 0 },
        max: Decimal { digits: 10, places: 0 },
    },
    default: Value::Decimal(Decimal { digits: 5, places: 1 }),
};

/// Where a page is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Place {
    Nowhere,
    A1In,
    A1Out,
    Am,
}

/// The lists of [`TwoQueue::links`].
const AM: usize = 0;
const A1OUT: usize = 1;

struct TwoQueue {
    /// Oldest in front.
    a1in: Queue,
    /// Am, most recently used first, and A1out, newest first.
    links: Links,
    places: Vec<Place>,
    am_size: u64,
    a1out_size: u64,
    in_part: Decimal,
    out_part: Decimal,
    kin: u64,
    kout: u64,
    frames: u64,
}

impl TwoQueue {
    fn new(settings: &Settings, guest: &Guest<'_>) -> Self {
        let (in_part, out_part) = (settings.decimal(IN.name), settings.decimal(OUT.name));
        Self {
            a1in: Queue::default(),
            links: Links::new(2),
            places: Vec::new(),
            am_size: 0,
            a1out_size: 0,
            in_part,
            out_part,
            kin: in_part.floor_of(guest.frames.0),
            kout: out_part.floor_of(guest.frames.0),
            frames: guest.frames.0,
        }
    }

    #[inline(always)]
    fn evict(&mut self) -> PageId {
        if self.a1in.len() as u64 > self.kin || self.am_size == 0 {
            // Page out the tail of A1in and put its number at the head of A1out.
            let page = self.a1in.pop_front().expect("a page is resident");
            self.links.push_front(A1OUT, page);
            self.places[page as usize] = Place::A1Out;
            self.a1out_size += 1;
            self.trim();
            page
        } else {
            // Page out the tail of Am; it is not remembered, because it has not been used for a
            // long time.
            let page = self.links.pop_back(AM).expect("Am is not empty");
            self.places[page as usize] = Place::Nowhere;
            self.am_size -= 1;
            page
        }
    }

    /// Drops the oldest numbers of A1out beyond Kout.
    fn trim(&mut self) {
        while self.a1out_size > self.kout {
            let page = self.links.pop_back(A1OUT).expect("a number is remembered");
            self.places[page as usize] = Place::Nowhere;
            self.a1out_size -= 1;
        }
    }

    /// Finds a frame for a page that is in no list.
    #[inline(always)]
    fn reclaim(&mut self) -> Touch {
        if self.resident() == self.frames { Touch::Replacement(self.evict()) } else { Touch::Fill }
    }
}

impl Accesses for TwoQueue {
    fn make_room(&mut self, pages: usize) {
        self.links.make_room(pages);
        grow(&mut self.places, pages, Place::Nowhere);
    }

    #[inline(always)]
    fn touch(&mut self, page: PageId, _: u64) -> Touch {
        match self.places[page as usize] {
            // In A1in: nothing moves.
            Place::A1In => Touch::Hit,
            // In Am: it goes to the head.
            Place::Am => {
                self.links.remove(page);
                self.links.push_front(AM, page);
                Touch::Hit
            }
            // Remembered in A1out: it gets a frame and goes to the head of Am.
            Place::A1Out => {
                self.links.remove(page);
                self.a1out_size -= 1;
                let touch = self.reclaim();
                self.links.push_front(AM, page);
                self.places[page as usize] = Place::Am;
                self.am_size += 1;
                touch
            }
            // Unknown: it gets a frame and goes to the head of A1in.
            Place::Nowhere => {
                let touch = self.reclaim();
                self.a1in.push_back(page);
                self.places[page as usize] = Place::A1In;
                touch
            }
        }
    }

    fn free(&mut self, page: PageId) -> bool {
        let place = std::mem::replace(&mut self.places[page as usize], Place::Nowhere);
        match place {
            Place::Nowhere => {}
            Place::A1In => self.a1in.leave(page),
            Place::Am => {
                self.links.remove(page);
                self.am_size -= 1;
            }
            Place::A1Out => {
                self.links.remove(page);
                self.a1out_size -= 1;
            }
        }
        matches!(place, Place::A1In | Place::Am)
    }
}

impl Algorithm for TwoQueue {
    fn resize(&mut self, frames: u64, mut evicted: impl FnMut(PageId)) {
        self.frames = frames;
        self.kin = self.in_part.floor_of(frames);
        self.kout = self.out_part.floor_of(frames);
        while self.resident() > self.frames {
            evicted(self.evict());
        }
        self.trim();
    }

    #[inline(always)]
    fn resident(&self) -> u64 {
        self.a1in.len() as u64 + self.am_size
    }

    fn lists(&self) -> Vec<List> {
        vec![
            List::resident("A1in", self.a1in.iter().rev()),
            List::resident("Am", self.links.iter(AM)),
            List::ghosts("A1out", self.links.iter(A1OUT)),
        ]
    }

    fn audit(&self) {
        let lengths = self.links.audit();
        assert_eq!(lengths, [self.am_size as usize, self.a1out_size as usize], "sizes are right");
        let mut places = vec![Place::Nowhere; self.places.len()];
        let mut put = |page: PageId, place| {
            let before = std::mem::replace(&mut places[page as usize], place);
            assert_eq!(before, Place::Nowhere, "page {page} is in one list");
        };
        self.a1in.iter().for_each(|page| put(page, Place::A1In));
        self.links.iter(AM).for_each(|page| put(page, Place::Am));
        self.links.iter(A1OUT).for_each(|page| put(page, Place::A1Out));
        assert_eq!(self.places, places, "every page is where it says");
        assert!(self.a1out_size <= self.kout, "A1out holds Kout numbers at most");
        assert!(self.resident() <= self.frames, "no more pages are resident than frames allocated");
    }
}
