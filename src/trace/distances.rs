//! Exact LRU stack distances: for each run of a trace, how deep in the full LRU stack its page
//! lies.
//!
//! *Idea.* Every page has a mark at the slot of its last use. The distance of an access is the
//! number of marks from its page's mark to the newest; then the page's mark moves to a new slot.
//! *Follows.* B. T. Bennett and V. J. Kruskal, "LRU stack processing", IBM Journal of Research and
//! Development 19(4), 1975; the bounded number of slots, renumbered when they run out, is F.
//! Olken's ("Efficient methods for calculating the success function of fixed space replacement
//! policies", LBL-12370, 1981).
//! *Departs.* The marks are bits, and their counts are kept for blocks of three sizes, which SIMD
//! instructions sum fast, instead of in a binary tree. Near marks, the common case in real
//! programs, are counted in a few words without reading any block's count.
//! *Cost.* A few population counts per access if the page was used recently, otherwise at most a
//! few dozen additions (and one per 2¹⁹ slots); 4 bytes per run for the result, and about 5 bytes
//! per page while it is computed.
//! *Parameters.* None.

use super::access::PageId;
use super::columns::Columns;

/// The distance of a run that uses its page for the first time: deeper than any stack.
pub const COLD: u32 = u32::MAX;

/// The distance of each run of `trace`: the number of distinct pages used since its page was last
/// used, that page included; [`COLD`] at a first use.
///
/// ```
/// use balloonist::trace::{Trace, distances::{COLD, distances}};
/// let trace = Trace::from_pages([1, 2, 3, 2, 1, 4, 3, 1]);
/// assert_eq!(distances(&trace), [COLD, COLD, COLD, 2, 3, COLD, 4, 3]);
/// ```
pub fn distances(trace: &Columns) -> Vec<u32> {
    let mut stack = LruStack::new(trace.distinct_pages());
    let mut depths = vec![0; trace.run_pages().len()];
    stack.depths(trace.run_pages(), &mut depths);
    depths
}

/// The distances in a second pass that follows the first directly. First uses are no longer cold:
/// their distances reach back into the first pass. All others are unchanged.
pub fn repeat_distances(trace: &Columns, distances: &[u32]) -> Vec<u32> {
    let mut stack = LruStack::new(trace.distinct_pages());
    let pages = trace.run_pages();
    stack.depths(pages, &mut vec![0; pages.len()]);
    // The depth of a page at its first use in the second pass depends only on the first uses before
    // it; repeated uses do not change which pages are above it.
    let first_uses: Vec<PageId> = (0..trace.distinct_pages() as PageId).collect();
    let mut wrapped = vec![0; first_uses.len()];
    stack.depths(&first_uses, &mut wrapped);
    let mut repeated = distances.to_vec();
    for (&run, depth) in trace.first_runs().iter().zip(wrapped) {
        repeated[run as usize] = depth;
    }
    repeated
}

const WORD: usize = 64;
/// Slots per entry of `blocks`.
const BLOCK: usize = 8 * WORD;
/// Slots per entry of `groups`.
const GROUP: usize = 32 * BLOCK;
/// Slots per entry of `regions`.
const REGION: usize = 32 * GROUP;

/// Accesses whose cache lines are prefetched together.
const AHEAD: usize = 32;

const NEVER: u32 = u32::MAX;

/// The full LRU stack of a trace, as marks on a line of slots: the later the mark, the more recent
/// the page.
pub(super) struct LruStack {
    /// The slot of each page's mark.
    slots: Vec<u32>,
    /// A bit for each slot.
    marks: Vec<u64>,
    /// Marks in each block, group and region of slots.
    blocks: Vec<u16>,
    groups: Vec<u16>,
    regions: Vec<u32>,
    /// The next slot to use.
    next: usize,
    /// The number of marks.
    pages: u32,
}

impl LruStack {
    /// An empty stack for pages below `pages`.
    pub(super) fn new(pages: usize) -> Self {
        // With four slots per page, renumbering costs less than a tenth of the accesses between two
        // renumberings. Small stacks get as many slots as fit into the L1 cache.
        let slots = (4 * pages).max(1 << 16).next_multiple_of(GROUP);
        Self {
            slots: vec![NEVER; pages],
            marks: vec![0; slots / WORD],
            blocks: vec![0; slots / BLOCK],
            groups: vec![0; (slots / GROUP).next_multiple_of(32)],
            regions: vec![0; slots.div_ceil(REGION)],
            next: 0,
            pages: 0,
        }
    }

    /// Uses `pages` in order and writes the depth of each to `depths`.
    pub(super) fn depths(&mut self, pages: &[PageId], depths: &mut [u32]) {
        pulp::Arch::new().dispatch(Depths { stack: self, pages, found_at: depths });
    }

    /// Prefetches the cache lines of the next accesses, so that their misses overlap.
    #[inline(always)]
    fn look_at(&self, pages: &[PageId]) {
        let mut seen = 0;
        for &page in pages {
            let slot = self.slots[page as usize] as usize;
            seen ^= self.marks.get(slot / WORD).copied().unwrap_or(0);
        }
        std::hint::black_box(seen);
    }

    /// Removes a page from the stack, as if it had never been used.
    pub(super) fn forget(&mut self, page: PageId) {
        let slot = std::mem::replace(&mut self.slots[page as usize], NEVER);
        if slot != NEVER {
            let slot = slot as usize;
            self.marks[slot / WORD] &= !(1 << (slot % WORD));
            self.count(slot, -1);
            self.pages -= 1;
        }
    }

    /// Gives the mark of a page to another, which has none.
    pub(super) fn rename(&mut self, page: PageId, other: PageId) {
        self.slots[other as usize] = std::mem::replace(&mut self.slots[page as usize], NEVER);
    }

    /// Uses a page and moves `other`, which is above it, to the page's old position. Returns the
    /// page's depth before.
    pub(super) fn depth_leaving(&mut self, page: PageId, other: PageId) -> u32 {
        if self.next == self.marks.len() * WORD {
            self.renumber();
        }
        let to = self.slots[page as usize];
        let depth = self.depth(page);
        let from = std::mem::replace(&mut self.slots[other as usize], to);
        for (slot, change) in [(from as usize, -1), (to as usize, 1)] {
            self.marks[slot / WORD] ^= 1 << (slot % WORD);
            self.count(slot, change);
        }
        depth
    }

    /// Uses a page and returns its depth before, or [`COLD`].
    #[inline(always)]
    pub(super) fn depth(&mut self, page: PageId) -> u32 {
        if self.next == self.marks.len() * WORD {
            self.renumber();
        }
        let new = self.next;
        self.next += 1;
        let old = std::mem::replace(&mut self.slots[page as usize], new as u32);
        self.marks[new / WORD] |= 1 << (new % WORD);
        if old == NEVER {
            self.count(new, 1);
            self.pages += 1;
            return COLD;
        }
        let old = old as usize;
        let depth = self.marks_between(old, new);
        self.marks[old / WORD] &= !(1 << (old % WORD));
        if old / BLOCK != new / BLOCK {
            self.count(new, 1);
            self.count(old, -1);
        }
        depth
    }

    #[inline(always)]
    fn count(&mut self, slot: usize, change: i16) {
        let block = &mut self.blocks[slot / BLOCK];
        *block = block.wrapping_add_signed(change);
        let group = &mut self.groups[slot / GROUP];
        *group = group.wrapping_add_signed(change);
        let region = &mut self.regions[slot / REGION];
        *region = region.wrapping_add_signed(i32::from(change));
    }

    /// The marks at `old` and after it, without the one just set at `new`.
    #[inline(always)]
    fn marks_between(&self, old: usize, new: usize) -> u32 {
        let (first, last) = (old / WORD, new / WORD);
        let from_old = self.marks[first] >> (old % WORD);
        if last - first < 8 {
            let rest = &self.marks[first + 1..=last];
            return from_old.count_ones() + ones(rest) - 1;
        }
        // To the end of the block, of the group, of the region and of all slots. The counts do not
        // yet include the mark at `new`.
        let (block, group) = (old / BLOCK, old / GROUP);
        from_old.count_ones() + ones_after(&self.marks[block * 8..][..8], first % 8)
            - u32::from(last / 8 == block)
            + sum_after(&self.blocks[group * 32..][..32], block % 32)
            + sum_after(&self.groups[old / REGION * 32..][..32], group % 32)
            + self.regions[old / REGION + 1..].iter().sum::<u32>()
    }

    /// Compacts all marks to the beginning of the slots, in their order.
    #[cold]
    fn renumber(&mut self) {
        let mut before = Vec::with_capacity(self.marks.len());
        let mut ones = 0;
        for word in &self.marks {
            before.push(ones);
            ones += word.count_ones();
        }
        for slot in self.slots.iter_mut().filter(|slot| **slot != NEVER) {
            let (word, bit) = (*slot as usize / WORD, *slot as usize % WORD);
            let below = self.marks[word] & ((1 << bit) - 1);
            *slot = before[word] + below.count_ones();
        }
        self.next = self.pages as usize;
        let filled = |at: usize, size: usize| self.next.saturating_sub(at * size).min(size);
        for (at, word) in self.marks.iter_mut().enumerate() {
            let bits = filled(at, WORD);
            *word = if bits == WORD { u64::MAX } else { (1 << bits) - 1 };
        }
        for (at, block) in self.blocks.iter_mut().enumerate() {
            *block = filled(at, BLOCK) as u16;
        }
        for (at, group) in self.groups.iter_mut().enumerate() {
            *group = filled(at, GROUP) as u16;
        }
        for (at, region) in self.regions.iter_mut().enumerate() {
            *region = filled(at, REGION) as u32;
        }
    }
}

/// The loop of [`LruStack::depths`], compiled for several instruction sets.
struct Depths<'a> {
    stack: &'a mut LruStack,
    pages: &'a [PageId],
    found_at: &'a mut [u32],
}

impl pulp::NullaryFnOnce for Depths<'_> {
    type Output = ();

    #[inline(always)]
    fn call(self) {
        for (pages, depths) in self.pages.chunks(AHEAD).zip(self.found_at.chunks_mut(AHEAD)) {
            self.stack.look_at(pages);
            for (&page, depth) in pages.iter().zip(depths) {
                *depth = self.stack.depth(page);
            }
        }
    }
}

#[inline(always)]
fn ones(words: &[u64]) -> u32 {
    words.iter().map(|word| word.count_ones()).sum()
}

/// The ones in those of eight words that follow `at`. Reads every word, without branches.
#[inline(always)]
fn ones_after(words: &[u64], at: usize) -> u32 {
    let mut ones = 0;
    for (place, word) in words[..8].iter().enumerate() {
        ones += if place > at { word.count_ones() } else { 0 };
    }
    ones
}

/// The sum of those of 32 counts that follow `at`. Reads every count, without branches.
#[inline(always)]
fn sum_after(counts: &[u16], at: usize) -> u32 {
    let mut sum = 0;
    for (place, &count) in counts[..32].iter().enumerate() {
        sum += if place as u16 > at as u16 { u32::from(count) } else { 0 };
    }
    sum
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::random::{Generator, Stream};
    use crate::trace::Trace;
    use proptest::prelude::*;

    /// Mattson's list walk, as the oracle.
    fn by_list(pages: &[u64]) -> Vec<u32> {
        let mut list: Vec<u64> = Vec::new();
        let mut depths = Vec::new();
        for page in pages {
            let found = list.iter().position(|other| other == page);
            depths.push(found.map_or(COLD, |at| at as u32 + 1));
            if let Some(at) = found {
                list.remove(at);
            }
            list.insert(0, *page);
        }
        depths
    }

    fn without_repeats(mut pages: Vec<u64>) -> Vec<u64> {
        pages.dedup();
        pages
    }

    #[test]
    fn far_marks_are_counted_through_every_level() {
        // Reuse at every scale: a loop over `pages` pages needs more slots than one region.
        for pages in [600, 17_000, 530_000_u64] {
            let rounds = 2_000_000 / pages + 2;
            let depths = distances(&Trace::from_pages((0..rounds * pages).map(|at| at % pages)));
            let (cold, reused) = depths.split_at(pages as usize);
            assert!(cold.iter().all(|&depth| depth == COLD));
            assert!(reused.iter().all(|&depth| u64::from(depth) == pages), "{pages}");
        }
    }

    proptest! {
        #[test]
        fn distances_are_those_of_the_list(pages in prop::collection::vec(0_u64..300, 0..2000)) {
            let pages = without_repeats(pages);
            let trace = Trace::from_pages(pages.iter().copied());
            prop_assert_eq!(distances(&trace), by_list(&pages));
        }

        #[test]
        fn a_second_pass_reaches_back_over_the_end(
            pages in prop::collection::vec(0_u64..30, 1..200),
        ) {
            let pages = without_repeats(pages);
            let trace = Trace::from_pages(pages.iter().copied());
            let twice = by_list(&[pages.clone(), pages.clone()].concat());
            let repeated = repeat_distances(&trace, &distances(&trace));
            prop_assert_eq!(&repeated[..], &twice[pages.len()..]);
        }
    }

    /// Long random walks with jumps at all scales, across renumberings, compared with the list.
    #[test]
    fn renumbering_changes_no_distance() {
        let mut rng = Stream::new(Generator::ChaCha8, 3, 0, "test");
        let pages: Vec<u64> = (0..200_000)
            .map(|_| {
                let scale = 1 << (1 + rng.below(9));
                rng.below(scale)
            })
            .collect();
        let pages = without_repeats(pages);
        let trace = Trace::from_pages(pages.iter().copied());
        assert_eq!(distances(&trace), by_list(&pages));
    }
}
