//! CAR: ARC with clocks in place of its LRU lists.
//!
//! *Idea.* CAR works like ARC, but a hit only sets a reference bit, as hardware does. The bits are
//! read when a page must be evicted.
//! *Follows.* S. Bansal and D. S. Modha, "CAR: Clock with adaptive replacement", FAST 2004, figure
//! 2. Line numbers are those of the paper's listing.
//! *Departs.* p is a real number, as in the paper. We use a double; IEEE 754 defines its sums and
//! quotients to the last bit, so the result is the same on every machine. The paper's cache has a
//! fixed size. Here the directory is trimmed for every page that is new to it (lines 6 to 10), even
//! if a frame is empty; at a fixed size this makes no difference. A *shrink* clips p to the new c
//! and calls `replace` until the pages fit. It then forgets the oldest pages of B1 while |T1| +
//! |B1| > c, and of B2 while all four lists hold more than 2c. A *grant* leaves p, clocks and
//! ghosts unchanged. Growing and shrinking back is a no-op if no access happens in between;
//! shrinking and growing back is not, because the hands move. Caffeine's simulator moves p by whole
//! steps. So does libCacheSim, which also adjusts p and removes the ghost that was hit before it
//! calls `replace`. It then discards the LRU page of B1 if |T1| + |B1| ≥ c, even if x was a ghost,
//! and never discards a page of B2, whose length has no bound.
//! *Cost.* O(1) per hit, amortised O(1) per fault (a hand passes only pages that were hit since it
//! last passed them); 12 bytes per touched page.
//! *Parameters.* `step`, default real: p moves by the paper's ratio.

use super::algorithm::{Accesses, Algorithm, Touch};
use super::directory::{Directory, Place, STEP};
use super::paged::Paged;
use super::{Guest, List, ReplacementKind};
use crate::params::Settings;
use crate::trace::PageId;
use crate::trace::reduction::OnReduced;
use crate::units::Footprint;

pub(super) const KIND: ReplacementKind = ReplacementKind {
    name: "car",
    summary: "ARC with clocks in place of LRU lists, so that a hit only sets a bit",
    follows: "S. Bansal and D. S. Modha, CAR: Clock with adaptive replacement, FAST 2004",
    knows_the_future: false,
    on_reduced: OnReduced::Inexact,
    footprint: Footprint { page: 12, frame: 0, run: 0 },
    params: &[STEP],
    build: &|settings, guest| Paged::boxed(guest, Car::new(settings, guest)),
};

/// The back of a list is the paper's head, where the hand points; the front is its tail.
struct Car {
    directory: Directory,
}

impl Car {
    fn new(settings: &Settings, guest: &Guest<'_>) -> Self {
        Self { directory: Directory::new(settings, guest) }
    }
}

/// `replace()`, lines 22 to 39: demotes a page of T1 or T2 to a ghost.
#[inline(always)]
fn replace(directory: &mut Directory) -> PageId {
    loop {
        // If T1 is at least max(1, p) long, look at its head, otherwise at the head of T2.
        let from_t1 = directory.length(Place::T1) as f64 >= directory.target().max(1.0);
        let (from, to) = if from_t1 { (Place::T1, Place::B1) } else { (Place::T2, Place::B2) };
        let head = directory.oldest(from);
        let was_referenced = std::mem::take(directory.referenced(head));
        if !was_referenced {
            // The bit is 0: the page becomes the MRU ghost.
            directory.move_to(to, head);
            return head;
        }
        // The bit is 1: it is cleared and the page becomes the tail of T2.
        directory.move_to(Place::T2, head);
    }
}

impl Accesses for Car {
    fn make_room(&mut self, pages: usize) {
        self.directory.make_room(pages);
    }

    #[inline(always)]
    fn touch(&mut self, page: PageId, _: u64) -> Touch {
        let directory = &mut self.directory;
        let place = directory.place(page);
        // Lines 1 and 2: x is in T1 or T2. Its bit is set.
        if let Some(Place::T1 | Place::T2) = place {
            *directory.referenced(page) = true;
            return Touch::Hit;
        }
        // Lines 4 and 5: the cache is full.
        let victim = directory.is_full().then(|| replace(directory));
        match place {
            None => {
                let frames = directory.frames();
                if directory.once() == frames {
                    // Lines 6 and 7: |T1| + |B1| = c, the LRU page of B1 is forgotten.
                    directory.forget_oldest(Place::B1);
                } else if directory.remembered() == 2 * frames {
                    // Lines 8 and 9: all lists hold 2c, the LRU page of B2 is forgotten.
                    directory.forget_oldest(Place::B2);
                }
                // Lines 12 and 13: x becomes the tail of T1.
                directory.move_to(Place::T1, page);
            }
            // Lines 14 to 16: x is in B1. p grows, x becomes the tail of T2.
            Some(Place::B1) => {
                directory.lengthen_target();
                directory.move_to(Place::T2, page);
            }
            // Lines 17 to 19: x is in B2. p shrinks, x becomes the tail of T2.
            Some(_) => {
                directory.shorten_target();
                directory.move_to(Place::T2, page);
            }
        }
        // Lines 13, 16 and 19: its bit is 0. Nothing to do: no ghost has its bit set.
        victim.map_or(Touch::Fill, Touch::Replacement)
    }

    fn free(&mut self, page: PageId) -> bool {
        self.directory.free(page)
    }

    /// The second access of a run sets its page's bit.
    #[inline(always)]
    fn again(&mut self, page: PageId, _: u64, _: u64) {
        *self.directory.referenced(page) = true;
    }

    #[inline(always)]
    fn read_ahead(&self, pages: &[PageId]) {
        self.directory.read_ahead(pages);
    }
}

impl Algorithm for Car {
    fn resize(&mut self, frames: u64, mut evicted: impl FnMut(PageId)) {
        self.directory.resize(frames, |directory| evicted(replace(directory)));
    }

    fn resident(&self) -> u64 {
        self.directory.resident()
    }

    fn lists(&self) -> Vec<List> {
        self.directory.marked_lists()
    }

    fn audit(&self) {
        self.directory.audit();
    }
}
