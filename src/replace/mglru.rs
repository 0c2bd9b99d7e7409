//! Multi-generational LRU: pages age in up to four generations; scans of their accessed bits make
//! used pages young again.
//!
//! *Idea.* If an access only sets a bit, all that is known of a page is whether it was used since
//! the last scan. Each scan opens a new generation and moves the used pages into it; pages are
//! evicted from the oldest generation.
//! *Follows.* Y. Zhao, "Multi-Gen LRU", Linux 6.1, 2022: `Documentation/mm/multigen_lru.rst` and
//! `mm/vmscan.c`. Names are the kernel's.
//! *Departs.* Included: `max_seq` and `min_seq`, 2 to 4 generations of which the two youngest are
//! never evicted from, aging by a walk over the accessed bits, and the second look at the bit when
//! a page is about to be evicted. A page that faults in joins the youngest generation with its bit
//! set. Left out: tiers and their PID controller, which rank pages read through file descriptors,
//! while all accesses of a trace go through page tables; the distinction of anonymous and file
//! pages; Bloom filters, with which the kernel's walk skips page tables; aging ahead of need;
//! refaults, which make a page young, as every fault does here. The walk visits pages generation by
//! generation, oldest first, and moves them at once; the kernel walks by address and moves a page
//! when eviction meets it. A *shrink* evicts by the same rule until the pages fit, and ages on the
//! way if it must. A *grant* changes nothing, and nothing is remembered of pages that are not
//! resident, so growing and shrinking back is a no-op if no access happens in between.
//! *Cost.* O(1) per hit; a fault that opens a generation walks all resident pages, other faults are
//! amortised O(1); 12 bytes per touched page.
//! *Parameters.* None; the numbers of generations are the kernel's.

use super::algorithm::{Accesses, Algorithm, Touch};
use super::links::Links;
use super::paged::Paged;
use super::{Guest, List, ReplacementKind};
use crate::trace::PageId;
use crate::trace::reduction::OnReduced;
use crate::units::Footprint;

pub(super) const KIND: ReplacementKind = ReplacementKind {
    name: "mglru",
    summary: "ages pages in up to four generations by scans of their accessed bits",
    follows: "Y. Zhao, Multi-Gen LRU, Linux 6.1, 2022",
    knows_the_future: false,
    on_reduced: OnReduced::Inexact,
    footprint: Footprint { page: 12, frame: 0, run: 0 },
    params: &[],
    build: &|_, guest| Paged::boxed(guest, MultiGen::new(guest)),
};

/// The kernel's `MIN_NR_GENS` and `MAX_NR_GENS`.
const MIN_GENS: u64 = 2;
const MAX_GENS: u64 = 4;

#[derive(Clone, Copy, Debug, Default)]
struct Entry {
    resident: bool,
    /// The accessed bit in the page table.
    accessed: bool,
}

struct MultiGen {
    /// Generation `seq` is list `seq` modulo [`MAX_GENS`], evicted from its back.
    pages: Links<Entry>,
    /// The youngest and the oldest generation.
    max_seq: u64,
    min_seq: u64,
    resident: u64,
    frames: u64,
}

fn list_of(seq: u64) -> usize {
    (seq % MAX_GENS) as usize
}

impl MultiGen {
    fn new(guest: &Guest<'_>) -> Self {
        Self {
            pages: Links::new(MAX_GENS as usize),
            // As in the kernel, all generations exist at the start and are empty.
            max_seq: MAX_GENS - 1,
            min_seq: 0,
            resident: 0,
            frames: guest.frames.0,
        }
    }

    /// Moves a page to the youngest generation.
    fn make_young(&mut self, page: PageId) {
        self.pages.tag_mut(page).accessed = false;
        self.pages.remove(page);
        self.pages.push_front(list_of(self.max_seq), page);
    }

    /// Aging: opens a generation, moves every page whose bit is set into it and clears the bit.
    fn age(&mut self) {
        self.max_seq += 1;
        for seq in self.min_seq..self.max_seq {
            let mut next = self.pages.back(list_of(seq));
            while let Some(page) = next {
                next = self.pages.before(page);
                if self.pages.tag(page).accessed {
                    self.make_young(page);
                }
            }
        }
    }

    /// Eviction: evicts a page of the oldest generation.
    fn evict(&mut self) -> PageId {
        loop {
            // Only the two youngest generations are left, which are never evicted from: aging opens
            // another.
            if self.max_seq - self.min_seq < MIN_GENS {
                self.age();
            }
            let Some(page) = self.pages.back(list_of(self.min_seq)) else {
                // The oldest generation is empty: the next one becomes the oldest.
                self.min_seq += 1;
                continue;
            };
            if self.pages.tag(page).accessed {
                // It was used since the walk: it becomes young.
                self.make_young(page);
                continue;
            }
            self.pages.remove(page);
            *self.pages.tag_mut(page) = Entry::default();
            return page;
        }
    }
}

impl Accesses for MultiGen {
    fn make_room(&mut self, pages: usize) {
        self.pages.make_room(pages);
    }

    #[inline(always)]
    fn touch(&mut self, page: PageId, _: u64) -> Touch {
        let entry = self.pages.tag_mut(page);
        if entry.resident {
            entry.accessed = true;
            return Touch::Hit;
        }
        let touch = if self.resident < self.frames {
            self.resident += 1;
            Touch::Fill
        } else {
            Touch::Replacement(self.evict())
        };
        *self.pages.tag_mut(page) = Entry { resident: true, accessed: true };
        self.pages.push_front(list_of(self.max_seq), page);
        touch
    }

    fn free(&mut self, page: PageId) -> bool {
        let Entry { resident, .. } = std::mem::take(self.pages.tag_mut(page));
        if resident {
            self.pages.remove(page);
            self.resident -= 1;
        }
        resident
    }

    #[inline(always)]
    fn read_ahead(&self, pages: &[PageId]) {
        self.pages.read_ahead(pages);
    }
}

impl Algorithm for MultiGen {
    fn resize(&mut self, frames: u64, mut evicted: impl FnMut(PageId)) {
        self.frames = frames;
        while self.resident > frames {
            evicted(self.evict());
            self.resident -= 1;
        }
    }

    fn resident(&self) -> u64 {
        self.resident
    }

    /// From the youngest generation to the oldest.
    fn lists(&self) -> Vec<List> {
        let names = ["youngest", "second", "third", "fourth"].into_iter();
        let generations = (self.min_seq..=self.max_seq).rev();
        let is_accessed = |page| self.pages.tag(page).accessed;
        let list =
            |(name, seq)| List::resident(name, self.pages.iter(list_of(seq))).marked(is_accessed);
        names.zip(generations).map(list).collect()
    }

    fn audit(&self) {
        let resident: usize = self.pages.audit().iter().sum();
        assert_eq!(resident as u64, self.resident, "every resident page is in a generation");
        assert!(self.resident <= self.frames, "no more pages are resident than frames allocated");
        let span = self.max_seq - self.min_seq + 1;
        assert!((MIN_GENS..=MAX_GENS).contains(&span), "2 to 4 generations");
        let mut lists = self.lists().into_iter();
        assert!(lists.all(|list| list.pages.iter().all(|&page| self.pages.tag(page).resident)));
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use super::*;
    use crate::random::{Generator, Stream};
    use crate::trace::Trace;
    use crate::units::Frames;

    #[test]
    fn sequence_numbers_only_grow() {
        let mut evictions = 0;
        for number in 0..2_000 {
            let draw = || Stream::new(Generator::ChaCha8, number, 0, "test/mglru");
            let mut stream = draw();
            let trace = Arc::new(Trace::from_pages(0..12));
            let mut frames = 1 + stream.below(12);
            let guest = Guest {
                trace: &trace,
                frames: Frames(frames),
                draw: &draw,
                counts_write_backs: false,
                tiers: &[],
                backing: None,
            };
            let mut generations = MultiGen::new(&guest);
            generations.make_room(12);
            for _ in 0..80 {
                let before = (generations.max_seq, generations.min_seq);
                if stream.below(8) == 0 {
                    frames = 1 + stream.below(12);
                    generations.resize(frames, |_| evictions += 1);
                } else if let Touch::Replacement(_) = generations.touch(stream.below(12) as u32, 0)
                {
                    evictions += 1;
                }
                assert!(generations.max_seq >= before.0 && generations.min_seq >= before.1);
                // 2 to 4 generations, and every resident page in one of them.
                generations.audit();
            }
        }
        assert!(evictions > 10_000, "{evictions}");
    }
}
