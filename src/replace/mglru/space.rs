//! Which pages lie side by side.

use std::ops::Range;

use crate::trace::{PageId, Trace};

/// Pages that a page table of x86-64 maps.
pub(super) const TABLE: u64 = 1 << TABLE_LOG2;
const TABLE_LOG2: u32 = 9;

/// Pages that a look-around sees: the kernel's `MIN_LRU_BATCH`.
pub(super) const AROUND: u64 = 64;

/// The address space: the pages of the trace in the order of their numbers.
pub(super) struct Space {
    numbers: Vec<u64>,
    order: Vec<PageId>,
    /// The place of each page in `order`.
    ranks: Vec<u32>,
}

impl Space {
    pub(super) fn new(trace: &Trace) -> Self {
        let numbers = trace.numbers();
        let mut order: Vec<PageId> = (0..numbers.len() as PageId).collect();
        order.sort_unstable_by_key(|&page| numbers[page as usize]);
        let mut ranks = vec![0; order.len()];
        for (rank, &page) in order.iter().enumerate() {
            ranks[page as usize] = rank as u32;
        }
        let numbers = order.iter().map(|&page| numbers[page as usize].0).collect();
        Self { numbers, order, ranks }
    }

    /// The page at a place of the order.
    pub(super) fn page(&self, place: usize) -> PageId {
        self.order[place]
    }

    /// The table of the page at a place, and the places of all its pages.
    pub(super) fn table_at(&self, place: usize) -> Option<(u64, Range<usize>)> {
        let table = self.numbers.get(place)? >> TABLE_LOG2;
        let first = table << TABLE_LOG2;
        Some((table, self.places(first, first.saturating_add(TABLE - 1))))
    }

    /// The table of a page, and the places of the pages of the table that a look-around from it
    /// sees.
    pub(super) fn around(&self, page: PageId) -> (u64, Range<usize>) {
        let number = self.numbers[self.ranks[page as usize] as usize];
        let (table, half) = (number >> TABLE_LOG2, AROUND / 2);
        let first = table << TABLE_LOG2;
        let from = first + (number - first).clamp(half, TABLE - half) - half;
        (table, self.places(from, from + (AROUND - 1)))
    }

    /// The places of the pages with these numbers, the last one included.
    fn places(&self, first: u64, last: u64) -> Range<usize> {
        let from = self.numbers.partition_point(|&number| number < first);
        from..self.numbers.partition_point(|&number| number <= last)
    }
}
