//! LFU: least frequently used.
//!
//! *Idea.* Each resident page counts its uses, and the page with the fewest is evicted. A page that
//! was once popular stays for a long time.
//! *Follows.* In-cache LFU in L. Breslau, P. Cao, L. Fan, G. Phillips and S. Shenker, "Web caching
//! and Zipf-like distributions: evidence and implications", INFOCOM 1999: a page loses its count
//! when it is evicted.
//! *Departs.* Every access of a run counts as a use. Among pages with equal counts the least
//! recently used is evicted; the source leaves this open. Resizing is ours: a shrink evicts by the
//! same rule until the others fit; a grant keeps all counts. Growing and shrinking back therefore
//! does not restore the old state: pages loaded in between are evicted first only if their counts
//! are the smallest.
//! *Cost.* O(1) per hit. The heap holds counts that may be out of date: an eviction pops the
//! smallest, pushes it back with its current count, and repeats until the popped count is current;
//! amortised O(log frames) per access. 40 bytes per touched page, of which a hit writes sixteen.
//! *Parameters.* None.

use std::cmp::Reverse;
use std::collections::BinaryHeap;
use std::collections::binary_heap::PeekMut;

use super::algorithm::{Accesses, Algorithm, Touch, grow};
use super::paged::Paged;
use super::{Guest, List, ReplacementKind};
use crate::random::Map;
use crate::trace::PageId;
use crate::trace::reduction::OnReduced;
use crate::units::Footprint;

pub(super) const KIND: ReplacementKind = ReplacementKind {
    name: "lfu",
    summary: "evicts the page used least often since it became resident",
    follows: "L. Breslau, P. Cao, L. Fan, G. Phillips and S. Shenker, Web caching and Zipf-like \
              distributions: evidence and implications, INFOCOM 1999",
    knows_the_future: false,
    on_reduced: OnReduced::Inexact,
    footprint: Footprint { page: 16, frame: 24, run: 0 },
    params: &[],
    build: &|_, guest| Paged::boxed(guest, Lfu::new(guest)),
};

/// The uses of a page. The resident page with the smallest value is evicted first.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord)]
struct Uses {
    /// Uses since it became resident; 0 if it is not resident.
    count: u64,
    /// When it was last used, counted in runs.
    last: u64,
}

struct Lfu {
    uses: Vec<Uses>,
    /// The resident pages with their uses at some earlier time. Uses only grow, so if the smallest
    /// entry is up to date, no page has fewer.
    least: BinaryHeap<Reverse<(Uses, PageId)>>,
    /// When each page was freed last of which the heap may still have an entry from before.
    freed: Map<PageId, u64>,
    /// How many such entries there are.
    gone: usize,
    now: u64,
    frames: u64,
}

impl Lfu {
    fn new(guest: &Guest<'_>) -> Self {
        Self {
            uses: Vec::new(),
            least: BinaryHeap::new(),
            freed: Map::default(),
            gone: 0,
            now: 0,
            frames: guest.frames.0,
        }
    }

    #[inline(always)]
    fn evict(&mut self) -> PageId {
        loop {
            let mut least = self.least.peek_mut().expect("a page is resident");
            let Reverse((then, page)) = *least;
            if self.gone > 0 && is_gone(&self.freed, then, page) {
                PeekMut::pop(least);
                self.gone -= 1;
                continue;
            }
            let uses = &mut self.uses[page as usize];
            if then == *uses {
                PeekMut::pop(least);
                uses.count = 0;
                return page;
            }
            *least = Reverse((*uses, page));
        }
    }
}

/// Whether an entry of the heap is from before its page was freed.
fn is_gone(freed: &Map<PageId, u64>, then: Uses, page: PageId) -> bool {
    freed.get(&page).is_some_and(|&freed| then.last <= freed)
}

impl Accesses for Lfu {
    fn make_room(&mut self, pages: usize) {
        grow(&mut self.uses, pages, Uses::default());
    }

    #[inline(always)]
    fn touch(&mut self, page: PageId, _: u64) -> Touch {
        self.now += 1;
        let uses = &mut self.uses[page as usize];
        if uses.count > 0 {
            *uses = Uses { count: uses.count + 1, last: self.now };
            return Touch::Hit;
        }
        let touch = if self.resident() == self.frames {
            Touch::Replacement(self.evict())
        } else {
            Touch::Fill
        };
        let uses = Uses { count: 1, last: self.now };
        self.uses[page as usize] = uses;
        self.least.push(Reverse((uses, page)));
        touch
    }

    /// The entry of the page stays in the heap until it is the least, or half of them are such.
    fn free(&mut self, page: PageId) -> bool {
        let Uses { count, .. } = std::mem::take(&mut self.uses[page as usize]);
        if count > 0 {
            self.freed.insert(page, self.now);
            self.gone += 1;
            if self.gone > self.least.len() / 2 {
                let freed = std::mem::take(&mut self.freed);
                self.least.retain(|Reverse((then, page))| !is_gone(&freed, *then, *page));
                self.gone = 0;
            }
        }
        count > 0
    }

    #[inline(always)]
    fn again(&mut self, page: PageId, _: u64, times: u64) {
        self.uses[page as usize].count += times;
    }
}

impl Algorithm for Lfu {
    fn resize(&mut self, frames: u64, mut evicted: impl FnMut(PageId)) {
        self.frames = frames;
        while self.resident() > self.frames {
            evicted(self.evict());
        }
    }

    #[inline(always)]
    fn resident(&self) -> u64 {
        (self.least.len() - self.gone) as u64
    }

    fn lists(&self) -> Vec<List> {
        let entries = self.least.iter().map(|&Reverse(entry)| entry);
        let entries = entries.filter(|&(then, page)| !is_gone(&self.freed, then, page));
        let mut pages: Vec<PageId> = entries.map(|(_, page)| page).collect();
        pages.sort_unstable_by_key(|&page| Reverse(self.uses[page as usize]));
        vec![List::resident("", pages)]
    }

    fn audit(&self) {
        let mut seen = vec![false; self.uses.len()];
        let mut gone = 0;
        for &Reverse((then, page)) in &self.least {
            if is_gone(&self.freed, then, page) {
                gone += 1;
                continue;
            }
            let uses = self.uses[page as usize];
            assert!(!seen[page as usize], "page {page} is in the heap once");
            assert!(then <= uses, "the uses of page {page} have grown");
            seen[page as usize] = true;
        }
        assert_eq!(gone, self.gone, "entries of pages that were freed are counted");
        for (page, uses) in self.uses.iter().enumerate() {
            assert_eq!(uses.count > 0, seen[page], "page {page} has uses in a frame only");
            assert!(uses.last <= self.now, "page {page} was not used later than now");
        }
        assert!(self.resident() <= self.frames, "no more pages are resident than frames allocated");
    }
}
