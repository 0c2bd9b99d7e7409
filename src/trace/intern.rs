//! Page numbers of any width → dense ids in first-seen order.
//!
//! There are two tables. Numbers below a *bound* index a direct table: one load per lookup. The
//! bound doubles while at least a quarter of the numbers below the doubled bound have been seen, so
//! the direct table has at most four slots for each page in it. All other numbers go through an
//! open-addressing table of 8-byte slots with a load factor of 3/8 to 3/4. Both together take at
//! most 22 bytes per page, however sparse the numbers are.
//!
//! The hash function is fixed; ids depend only on the order of the accesses, so it cannot change a
//! result. A hostile trace may make all its numbers collide. A lookup therefore probes at most
//! [`WINDOW`] slots; numbers that find no slot there go to an ordered map, so that even then an
//! access costs O(log pages).

use std::collections::BTreeMap;

use super::access::PageId;
use crate::units::Page;

/// Page number → id.
#[derive(Clone, Debug, Default)]
pub(super) struct Interner {
    /// Ids of the numbers below the bound, which is the length; `NO_PAGE` for numbers not seen.
    direct: Vec<PageId>,
    /// The number of pages at which raising the bound is considered next.
    reconsider_at: usize,
    /// Slots of `tag << 32 | id`, or `EMPTY`; their number is a power of two plus a window.
    slots: Vec<u64>,
    /// 64 minus the binary logarithm of the number of slots without the window.
    shift: u32,
    /// Slots in use; those of numbers that moved below the bound count until the table grows.
    taken: usize,
    /// Ids of the numbers whose window was full.
    crowded: BTreeMap<u64, PageId>,
}

/// The most slots that a lookup probes.
const WINDOW: usize = 32;
/// Not an id of any page.
pub(super) const NO_PAGE: PageId = PageId::MAX;
const EMPTY: u64 = u64::MAX;
const DIRECT_MIN: usize = 1 << 10;
const SLOTS_MIN: usize = 1 << 6;

impl Interner {
    /// The id of page number `page`. A new number gets the next id and is appended to `numbers`,
    /// which holds the number of each id.
    #[inline]
    pub(super) fn intern(&mut self, page: Page, numbers: &mut Vec<Page>) -> PageId {
        if page.0 < self.direct.len() as u64 {
            let id = self.direct[page.0 as usize];
            if id != NO_PAGE {
                return id;
            }
        } else if let Some(id) = self.find(page.0, numbers) {
            return id;
        }
        self.add(page, numbers)
    }

    /// The id of page number `page`, if it has one.
    pub(super) fn get(&self, page: Page, numbers: &[Page]) -> Option<PageId> {
        let id = self.direct(page.0);
        if id == NO_PAGE { self.find(page.0, numbers) } else { Some(id) }
    }

    /// The id of page number `page` if it is in the direct table, else `NO_PAGE`.
    #[inline]
    pub(super) fn direct(&self, page: u64) -> PageId {
        let at = usize::try_from(page).unwrap_or(usize::MAX);
        self.direct.get(at).copied().unwrap_or(NO_PAGE)
    }

    #[inline]
    fn find(&self, page: u64, numbers: &[Page]) -> Option<PageId> {
        if self.slots.is_empty() {
            return None;
        }
        let hash = mix(page);
        let home = (hash >> self.shift) as usize;
        for &slot in &self.slots[home..home + WINDOW] {
            if slot == EMPTY {
                return None;
            }
            let id = slot as u32;
            if (slot >> 32) as u32 == hash as u32 && numbers[id as usize].0 == page {
                return Some(id);
            }
        }
        self.crowded.get(&page).copied()
    }

    #[cold]
    #[inline(never)]
    fn add(&mut self, page: Page, numbers: &mut Vec<Page>) -> PageId {
        let id = numbers.len() as PageId;
        assert!(id != NO_PAGE, "a trace has fewer than 2^32 - 1 pages");
        numbers.push(page);
        if page.0 < self.direct.len() as u64 {
            self.direct[page.0 as usize] = id;
        } else if self.taken * 4 >= self.slots.len().saturating_sub(WINDOW) * 3 {
            // Growing inserts all numbers, the new one included.
            self.grow_slots(numbers);
        } else {
            self.place(page.0, id);
        }
        if numbers.len() >= self.reconsider_at {
            self.raise_bound(numbers);
        }
        id
    }

    fn place(&mut self, page: u64, id: PageId) {
        let hash = mix(page);
        let home = (hash >> self.shift) as usize;
        let window = &mut self.slots[home..home + WINDOW];
        match window.iter_mut().find(|slot| **slot == EMPTY) {
            Some(slot) => *slot = u64::from(hash as u32) << 32 | u64::from(id),
            None => drop(self.crowded.insert(page, id)),
        }
        self.taken += 1;
    }

    fn grow_slots(&mut self, numbers: &[Page]) {
        let bound = self.direct.len() as u64;
        let hashed = numbers.iter().filter(|page| page.0 >= bound).count();
        let slots = (hashed * 4 / 3 + 1).next_power_of_two().max(SLOTS_MIN);
        // The old table is dropped first; `numbers` has its content.
        self.slots = Vec::new();
        self.slots = vec![EMPTY; slots + WINDOW];
        self.shift = 64 - slots.trailing_zeros();
        self.taken = 0;
        self.crowded.clear();
        for (id, page) in numbers.iter().enumerate() {
            if page.0 >= bound {
                self.place(page.0, id as PageId);
            }
        }
    }

    fn raise_bound(&mut self, numbers: &[Page]) {
        let mut of_width = [0_usize; 65];
        for page in numbers {
            of_width[(u64::BITS - page.0.leading_zeros()) as usize] += 1;
        }
        let old = self.direct.len();
        let mut bound = old.max(DIRECT_MIN / 2);
        let seen_below = |bound: usize| of_width[..=bound.ilog2() as usize].iter().sum::<usize>();
        while seen_below(bound * 2) >= bound / 2 {
            bound *= 2;
        }
        if bound > old && bound >= DIRECT_MIN {
            self.direct.resize(bound, NO_PAGE);
            for (id, page) in numbers.iter().enumerate() {
                if page.0 < bound as u64 {
                    self.direct[page.0 as usize] = id as PageId;
                }
            }
        }
        self.reconsider_at = (numbers.len() * 2).max(DIRECT_MIN / 4);
    }
}

/// Both halves of a 128-bit product, so that every bit of the number reaches the high bits, which
/// choose the slot, and the low ones, which are its tag.
#[inline]
fn mix(page: u64) -> u64 {
    let product = u128::from(page ^ 0x243f_6a88_85a3_08d3) * 0x9e37_79b9_7f4a_7c15_u128;
    (product >> 64) as u64 ^ product as u64
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    /// Interns all and compares the ids with an ordered map's.
    fn check(pages: impl Iterator<Item = u64>) -> Interner {
        let mut interner = Interner::default();
        let mut numbers = Vec::new();
        let mut plain = BTreeMap::new();
        for page in pages {
            let next = plain.len() as PageId;
            let expected = *plain.entry(page).or_insert(next);
            assert_eq!(interner.intern(Page(page), &mut numbers), expected, "page {page}");
        }
        assert_eq!(numbers.len(), plain.len());
        interner
    }

    proptest! {
        #[test]
        fn ids_are_dense_and_in_first_seen_order(
            pages in prop::collection::vec(
                prop_oneof![0_u64..3000, any::<u64>(), (0_u64..3000).prop_map(|low| low << 40)],
                0..6000,
            ),
        ) {
            check(pages.iter().chain(&pages).copied());
        }
    }

    #[test]
    fn dense_numbers_end_up_in_the_direct_table() {
        let interner = check((0..100_000).map(|at| at * 7 % 100_000));
        assert!(interner.direct.len() >= 65_536, "{}", interner.direct.len());
    }

    #[test]
    fn sparse_numbers_stay_below_22_bytes_a_page() {
        for pages in [1_000_u64, 10_000, 99_999, 300_000] {
            let interner = check((0..pages).map(|at| at.wrapping_mul(0x1234_5678_9abc_def1)));
            let bytes = interner.direct.len() * 4 + interner.slots.len() * 8;
            assert!(bytes as u64 <= pages * 22 + 4096, "{bytes} bytes for {pages} pages");
        }
    }

    #[test]
    fn numbers_made_to_collide_stay_correct() {
        // The inverse of the mix's multiplier makes products whose high bits are all the same.
        let inverse = (0..6).fold(1_u64, |x, _| {
            x.wrapping_mul(2_u64.wrapping_sub(0x9e37_79b9_7f4a_7c15_u64.wrapping_mul(x)))
        });
        let hostile = (1..50_000_u64).map(|at| at.wrapping_mul(inverse) ^ 0x243f_6a88_85a3_08d3);
        check(hostile);
        check((0..50_000_u64).map(|at| at.rotate_right(16)));
    }
}
