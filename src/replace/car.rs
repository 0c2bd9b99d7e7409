//! CAR: ARC with clocks in place of its LRU lists.
//!
//! *Idea.* As ARC, but a hit only sets a bit, as the processor does it; what the bit means is
//! looked at when a page must go. *Follows.* S. Bansal and D. S. Modha, "CAR: Clock with adaptive
//! replacement", FAST 2004, figure 2; line numbers are those of the paper's listing. *Departs.* p
//! is real, as in the paper: a double, whose sums and quotients IEEE 754 defines to the last bit,
//! so that it is the same everywhere. The paper has a cache of one size. Here the directory is
//! trimmed for every page that is new to it (lines 6 to 10), also beside an empty frame, which at
//! one size makes no difference. A *shrink* clips p to the new c, calls `replace` until the pages
//! fit, and then forgets the oldest of B1 while |T1| + |B1| > c and of B2 while all are more than
//! 2c. A *grant* leaves p, clocks and ghosts as they are. Growing and shrinking back is a no-op if
//! there is no access between; shrinking and growing back is not, for the hands move. Caffeine's
//! simulator has whole steps of p. libCacheSim has them too, and moves p and forgets the ghost that
//! was used before it calls `replace`; then, also if x was a ghost, it discards the LRU page of B1
//! if |T1| + |B1| ≥ c, and it never discards one of B2, whose length has no bound. *Cost.* O(1) a
//! hit, O(1) a fault on the average (each page that a hand passes has been hit since); 12 bytes a
//! page. *Parameters.* `step`, real: the step of p as the paper has it.

use super::directory::{Directory, Place, STEP};
use super::paged::{Accesses, Algorithm, Paged, Touch};
use super::{Guest, List, ReplacementKind};
use crate::params::Settings;
use crate::trace::PageId;

pub(super) const KIND: ReplacementKind = ReplacementKind {
    name: "car",
    summary: "ARC with clocks in place of LRU lists, so that a hit only sets a bit",
    follows: "S. Bansal and D. S. Modha, CAR: Clock with adaptive replacement, FAST 2004",
    knows_the_future: false,
    params: &[STEP],
    build: |settings, guest| Paged::boxed(guest, Car::new(settings, guest)),
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
        // T1 is at least max(1, p) long: look at its head, else at that of T2.
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
                    // Lines 8 and 9: all are 2c, the LRU page of B2 is forgotten.
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
        // Lines 13, 16 and 19: its bit is 0; so it is, for no ghost has a bit.
        victim.map_or(Touch::Fill, Touch::Replacement)
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
