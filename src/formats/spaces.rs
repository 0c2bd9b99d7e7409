//! Exact identities: names → dense numbers, and (address space, page) → page number.
//!
//! A page of a trace of several processes, volumes or targets is a pair: what owns it and its
//! number there. Pages of the first owner keep their numbers. Those of owner *k* are numbered from
//! *k* × 2^48 on. Pairs that do not fit are numbered one after the other from 2^64 − 2^48 on, so
//! that no two pairs ever share a number.

use std::collections::BTreeMap;

/// Names of any bytes, numbered from 0 in the order in which they are first seen.
///
/// A table of open addressing over one arena, so that a name that is found costs two places in
/// memory: 8 bytes a name and its own bytes in the arena, and 11 to 21 in the table. A name that
/// finds [`WINDOW`] slots taken, as only names that were made to collide do, goes to an ordered
/// map.
#[derive(Debug, Default)]
pub(super) struct Texts {
    /// Each name behind its number and its length, 4 bytes each.
    arena: Vec<u8>,
    /// Where a name stands in the arena, plus one, in the lower [`PLACE_BITS`]; above it the same
    /// bits of its hash. 0 is free.
    slots: Vec<u64>,
    crowded: BTreeMap<Box<[u8]>, u32>,
    /// How many names there are.
    count: usize,
    /// Where the name that was given last stands.
    last: Option<usize>,
}

/// How many slots are looked at.
const WINDOW: usize = 32;

/// A place in the arena: 2^40 bytes of names are more than a trace may have.
const PLACE_BITS: u32 = 40;

const PLACE: u64 = (1 << PLACE_BITS) - 1;

/// The bytes before a name in the arena.
const HEADER: usize = 8;

impl Texts {
    /// The most names.
    const MOST: usize = u32::MAX as usize - 1;

    /// How many names there are.
    pub(super) fn len(&self) -> usize {
        self.count
    }

    /// The names, in the order of their numbers.
    pub(super) fn names(&self) -> impl Iterator<Item = &[u8]> {
        let mut at = 0;
        std::iter::from_fn(move || {
            let name = (at < self.arena.len()).then(|| self.name(at))?;
            at += HEADER + name.len();
            Some(name)
        })
    }

    fn half(&self, at: usize) -> u32 {
        let bytes = self.arena[at..at + 4].first_chunk().expect("they are four");
        u32::from_le_bytes(*bytes)
    }

    /// The name that stands at this place.
    #[inline]
    fn name(&self, at: usize) -> &[u8] {
        let from = at + HEADER;
        &self.arena[from..from + self.half(at + 4) as usize]
    }

    /// The number of a name; `None` if there are 2^32 − 2 others.
    #[inline]
    pub(super) fn intern(&mut self, name: &[u8]) -> Option<u32> {
        // Sorted tables repeat the name of the row before.
        if let Some(last) = self.last
            && self.name(last) == name
        {
            return Some(self.half(last));
        }
        let hash = hash(name);
        if let Some(place) = self.find(hash, name) {
            self.last = Some(place);
            return Some(self.half(place));
        }
        self.crowded.get(name).copied().or_else(|| self.add(hash, name))
    }

    #[inline]
    fn find(&self, hash: u64, name: &[u8]) -> Option<usize> {
        let mask = self.slots.len().checked_sub(1)?;
        for step in 0..WINDOW {
            let slot = self.slots[(hash as usize + step) & mask];
            if slot == 0 {
                return None;
            }
            let place = (slot & PLACE) as usize - 1;
            if (slot ^ hash) & !PLACE == 0 && self.name(place) == name {
                return Some(place);
            }
        }
        None
    }

    #[cold]
    #[inline(never)]
    fn add(&mut self, hash: u64, name: &[u8]) -> Option<u32> {
        let (number, place) = (self.count as u32, self.arena.len());
        if self.count >= Self::MOST || place as u64 + 1 >= PLACE {
            return None;
        }
        self.arena.extend_from_slice(&number.to_le_bytes());
        self.arena.extend_from_slice(&u32::try_from(name.len()).ok()?.to_le_bytes());
        self.arena.extend_from_slice(name);
        self.count += 1;
        self.last = Some(place);
        if self.count * 4 > self.slots.len() * 3 {
            // All names are placed, the new one included.
            self.grow();
        } else {
            self.place(hash, place, number);
        }
        Some(number)
    }

    fn place(&mut self, hash: u64, place: usize, number: u32) {
        let mask = self.slots.len() - 1;
        let mut window = (0..WINDOW).map(|step| (hash as usize + step) & mask);
        match window.find(|&at| self.slots[at] == 0) {
            Some(at) => self.slots[at] = hash & !PLACE | (place as u64 + 1),
            None => drop(self.crowded.insert(self.name(place).into(), number)),
        }
    }

    fn grow(&mut self) {
        let slots = (self.slots.len() * 2).max(1024);
        self.slots = Vec::new();
        self.slots = vec![0; slots];
        self.crowded.clear();
        let mut place = 0;
        while place < self.arena.len() {
            let name = self.name(place);
            let (hash, length) = (hash(name), name.len());
            self.place(hash, place, self.half(place));
            place += HEADER + length;
        }
    }
}

/// Eight bytes at a time, each folded in by both halves of a product of 128 bits.
#[inline]
fn hash(name: &[u8]) -> u64 {
    let fold = |hash: u64, word: u64| {
        let product = u128::from(hash ^ word) * 0x9e37_79b9_7f4a_7c15_u128;
        (product >> 64) as u64 ^ product as u64
    };
    let (words, rest) = name.as_chunks::<8>();
    let mut hash = 0x243f_6a88_85a3_08d3 ^ name.len() as u64;
    for &word in words {
        hash = fold(hash, u64::from_le_bytes(word));
    }
    let mut last = [0; 8];
    last[..rest.len()].copy_from_slice(rest);
    fold(hash, u64::from_le_bytes(last))
}

/// Address spaces and the numbers of their pages.
#[derive(Debug, Default)]
pub(super) struct Spaces {
    names: Texts,
    pairs: Texts,
}

impl Spaces {
    const SHIFT: u32 = 48;
    const LAST: u64 = 0xffff;

    /// How many address spaces there are.
    pub(super) fn len(&self) -> usize {
        self.names.len()
    }

    /// The address space of this name.
    #[inline]
    pub(super) fn space(&mut self, name: &[u8]) -> Result<u32, &'static str> {
        self.names.intern(name).ok_or("there are 2^32 names or more")
    }

    /// The number of a page of an address space.
    #[inline]
    pub(super) fn page(&mut self, space: u32, page: u64) -> u64 {
        if page >> Self::SHIFT == 0 && u64::from(space) < Self::LAST {
            return u64::from(space) << Self::SHIFT | page;
        }
        self.page_beyond(space, page)
    }

    #[cold]
    fn page_beyond(&mut self, space: u32, page: u64) -> u64 {
        let mut pair = [0; 12];
        pair[..4].copy_from_slice(&space.to_le_bytes());
        pair[4..].copy_from_slice(&page.to_le_bytes());
        // A trace has fewer runs than there are numbers here.
        let number = self.pairs.intern(&pair).map_or(u64::from(u32::MAX), u64::from);
        Self::LAST << Self::SHIFT | number
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_numbered_as_an_ordered_map_numbers_them() {
        let mut texts = Texts::default();
        let mut plain = BTreeMap::new();
        for round in 0_u64..200_000 {
            let draw = round.wrapping_mul(0x9e37_79b9_7f4a_7c15) >> 40;
            let name = match draw % 3 {
                0 => format!("{}", draw % 5000),
                1 => format!("q:q:{}:8WTf", draw % 70_000),
                _ => "x".repeat(draw as usize % 40),
            };
            let next = plain.len() as u32;
            let expected = *plain.entry(name.clone()).or_insert(next);
            assert_eq!(texts.intern(name.as_bytes()), Some(expected), "{name}");
        }
        assert_eq!(texts.len(), plain.len());
        let mut names: Vec<(u32, &str)> = plain.iter().map(|(name, &at)| (at, &**name)).collect();
        names.sort_unstable();
        assert!(names.iter().map(|(_, name)| name.as_bytes()).eq(texts.names()));
    }

    #[test]
    fn names_of_zero_bytes_and_of_many_lengths_differ() {
        let mut texts = Texts::default();
        for length in 0..40_u32 {
            assert_eq!(texts.intern(&vec![0; length as usize]), Some(length));
        }
    }

    #[test]
    fn no_two_pairs_share_a_number() {
        let mut spaces = Spaces::default();
        let mut seen = BTreeMap::new();
        for space in [0, 1, 2, 0xfffe, 0xffff, 0x1_0000, u32::MAX - 2] {
            for page in [0, 1, (1 << 48) - 1, 1 << 48, (1 << 48) + 1, 2 << 48, u64::MAX] {
                for _ in 0..2 {
                    let number = spaces.page(space, page);
                    assert_eq!(*seen.entry(number).or_insert((space, page)), (space, page));
                }
            }
        }
        assert_eq!(seen.len(), 49);
        assert_eq!(spaces.page(0, 77), 77);
    }
}
