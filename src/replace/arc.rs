//! ARC: two LRU lists, and ghost lists that decide which of the two should be longer.
//!
//! *Idea.* ARC keeps pages used once recently and pages used more often in separate LRU lists. A
//! fault on a page recently evicted from one list lengthens that list at the other's expense. A
//! scan therefore passes through the first list, and hot pages survive in the second.
//! *Follows.* N. Megiddo and D. S. Modha, "ARC: a self-tuning, low overhead replacement cache",
//! FAST 2003, figure 4. Cases and names are the paper's.
//! *Departs.* p is a real number, as in the paper. We use a double; IEEE 754 defines its sums and
//! quotients to the last bit, so the result is the same on every machine. The paper's cache has a
//! fixed size. Here a page is evicted only if no frame is empty; at a fixed size that is exactly
//! when the paper evicts. A *shrink* clips p to the new c and calls REPLACE until the pages fit, so
//! p decides which list they leave. It then forgets the oldest pages of B1 while |L1| > c, and of
//! B2 while all four lists hold more than 2c. A *grant* leaves p, lists and ghosts unchanged; until
//! the new frames are filled, there are ghosts beside empty frames. Growing and shrinking back is a
//! no-op if no access happens in between.
//! *Cost.* O(1) per access, O(pages evicted and forgotten) per shrink; 12 bytes per touched page.
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
    name: "arc",
    summary: "balances pages used once against pages used more often; faults on recently evicted \
              pages move the balance",
    follows: "N. Megiddo and D. S. Modha, ARC: a self-tuning, low overhead replacement cache, \
              FAST 2003",
    knows_the_future: false,
    on_reduced: OnReduced::Inexact,
    footprint: Footprint { page: 12, frame: 0, run: 0 },
    params: &[STEP],
    build: &|settings, guest| Paged::boxed(guest, Arc::new(settings, guest)),
};

struct Arc {
    directory: Directory,
}

impl Arc {
    fn new(settings: &Settings, guest: &Guest<'_>) -> Self {
        Self { directory: Directory::new(settings, guest) }
    }
}

/// REPLACE(x, p): demotes the page at the back of T1 or T2 to a ghost.
#[inline(always)]
fn replace(directory: &mut Directory, is_in_b2: bool) -> PageId {
    let (once, target) = (directory.length(Place::T1), directory.target());
    let length = once as f64;
    // If T1 is not empty and longer than p, or exactly p long and x is in B2, the LRU page of T1
    // moves to B1. Otherwise the LRU page of T2 moves to B2.
    let from_t1 = once > 0 && (length > target || is_in_b2 && length >= target);
    let (from, to) = if from_t1 { (Place::T1, Place::B1) } else { (Place::T2, Place::B2) };
    let victim = directory.oldest(from);
    directory.move_to(to, victim);
    victim
}

impl Accesses for Arc {
    fn make_room(&mut self, pages: usize) {
        self.directory.make_room(pages);
    }

    #[inline(always)]
    fn touch(&mut self, page: PageId, _: u64) -> Touch {
        let directory = &mut self.directory;
        let place = directory.place(page);
        let mut victim = None;
        match place {
            // Case I: x is in T1 or T2. It becomes the MRU page of T2.
            Some(Place::T1 | Place::T2) => {
                directory.move_to(Place::T2, page);
                return Touch::Hit;
            }
            // Cases II and III: x is in B1 or B2. Adapt p, REPLACE, x becomes the MRU page of T2.
            Some(Place::B1 | Place::B2) => {
                let is_in_b2 = place == Some(Place::B2);
                if is_in_b2 {
                    directory.shorten_target();
                } else {
                    directory.lengthen_target();
                }
                if directory.is_full() {
                    victim = Some(replace(directory, is_in_b2));
                }
                directory.move_to(Place::T2, page);
            }
            // Case IV: x is in none of them. It becomes the MRU page of T1.
            None => {
                let frames = directory.frames();
                if directory.once() == frames && directory.length(Place::T1) == frames {
                    // Case A, |L1| = c, B1 is empty: the LRU page of T1 is evicted and forgotten.
                    victim = Some(directory.forget_oldest(Place::T1));
                } else {
                    if directory.once() == frames {
                        // Case A, |L1| = c: the LRU page of B1 is forgotten.
                        directory.forget_oldest(Place::B1);
                    } else if directory.remembered() == 2 * frames {
                        // Case B, |L1| < c, |L1| + |L2| = 2c: the LRU page of B2 is forgotten.
                        directory.forget_oldest(Place::B2);
                    }
                    if directory.is_full() {
                        victim = Some(replace(directory, false));
                    }
                }
                directory.move_to(Place::T1, page);
            }
        }
        victim.map_or(Touch::Fill, Touch::Replacement)
    }

    fn free(&mut self, page: PageId) -> bool {
        self.directory.free(page)
    }

    /// The second access of a run moves its page to the front of T2, where it stays.
    #[inline(always)]
    fn again(&mut self, page: PageId, _: u64, _: u64) {
        if self.directory.place(page) == Some(Place::T1) {
            self.directory.move_to(Place::T2, page);
        }
    }

    #[inline(always)]
    fn read_ahead(&self, pages: &[PageId]) {
        self.directory.read_ahead(pages);
    }
}

impl Algorithm for Arc {
    fn resize(&mut self, frames: u64, mut evicted: impl FnMut(PageId)) {
        self.directory.resize(frames, |directory| evicted(replace(directory, false)));
    }

    fn resident(&self) -> u64 {
        self.directory.resident()
    }

    fn lists(&self) -> Vec<List> {
        self.directory.lists()
    }

    fn audit(&self) {
        self.directory.audit();
    }
}
