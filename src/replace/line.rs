//! Pages that stand in line: what replacement algorithms are made of whose pages leave from
//! anywhere, but come only behind all others.

use crate::trace::PageId;

/// Pages in the order in which they came. Each stands in a slot of one array, whose number its
/// owner keeps; whoever leaves leaves a hole. Unlike a linked list this touches no
/// neighbours, which are anywhere in memory: new slots are beside each other, as the oldest are.
#[derive(Clone, Debug)]
pub(super) struct Line {
    slots: Vec<PageId>,
    /// No page stands before this slot.
    oldest: usize,
    pages: usize,
    /// With so many slots the holes are to be closed.
    slots_max: usize,
}

/// No page has this number, for the last one below it counts the pages.
const HOLE: PageId = PageId::MAX;

/// So few slots are not worth closing.
const SLOTS_MIN: usize = 64;

/// Between two closings there are as many new pages as this less one times those that had to move.
const SLOTS_A_PAGE: usize = 3;

impl Line {
    pub(super) fn new() -> Self {
        Self { slots: Vec::new(), oldest: 0, pages: 0, slots_max: SLOTS_MIN }
    }

    /// How many pages stand in line.
    #[inline(always)]
    pub(super) fn pages(&self) -> u64 {
        self.pages as u64
    }

    /// Puts a page behind all others. Returns its slot.
    #[inline(always)]
    pub(super) fn push(&mut self, page: PageId) -> u32 {
        let slot = self.slots.len() as u32;
        self.slots.push(page);
        self.pages += 1;
        slot
    }

    /// The page in this slot leaves.
    #[inline(always)]
    pub(super) fn leave(&mut self, slot: u32) {
        debug_assert_ne!(self.slots[slot as usize], HOLE, "a page stands there");
        self.slots[slot as usize] = HOLE;
        self.pages -= 1;
    }

    /// The page that came first.
    #[inline(always)]
    pub(super) fn oldest(&mut self) -> Option<PageId> {
        loop {
            let page = *self.slots.get(self.oldest)?;
            if page != HOLE {
                return Some(page);
            }
            self.oldest += 1;
        }
    }

    /// Whether there are so many holes that [`close_up`](Self::close_up) is due.
    #[inline(always)]
    pub(super) fn is_sparse(&self) -> bool {
        self.slots.len() >= self.slots_max
    }

    /// Closes the holes, and tells `moved` each page and its new slot.
    #[cold]
    pub(super) fn close_up(&mut self, mut moved: impl FnMut(PageId, u32)) {
        self.slots.retain(|&page| page != HOLE);
        for (slot, &page) in (0..).zip(&self.slots) {
            moved(page, slot);
        }
        self.oldest = 0;
        // A slot's number has 32 bits, and one of them is none.
        self.slots_max = (SLOTS_A_PAGE * self.pages).clamp(SLOTS_MIN, HOLE as usize);
    }

    /// The pages and their slots, those that came last first.
    pub(super) fn newest_first(&self) -> impl Iterator<Item = (PageId, u32)> {
        let slots = self.slots.iter().enumerate().rev();
        slots.map(|(slot, &page)| (page, slot as u32)).filter(|&(page, _)| page != HOLE)
    }

    /// Counts the pages again; for tests.
    pub(super) fn audit(&self) {
        assert_eq!(
            self.newest_first().count(),
            self.pages,
            "as many pages stand in line as counted"
        );
        let passed = &self.slots[..self.oldest];
        assert!(passed.iter().all(|&page| page == HOLE), "no page stands before the oldest");
    }
}
