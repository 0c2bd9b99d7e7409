//! Exact identities: names → dense numbers, and (address space, page) → page number.
//!
//! A page of a trace of several processes, volumes or targets is a pair: what owns it and its
//! number there. Pages of the first owner keep their numbers. Those of owner *k* are numbered from
//! *k* × 2^48 on. Pairs that do not fit are numbered one after the other from 2^64 − 2^48 on, so
//! that no two pairs ever share a number.

use std::collections::BTreeMap;

/// Names of any bytes, numbered from 0 in the order in which they are first seen.
///
/// A table of open addressing over one arena: 24 bytes a name and its own bytes. A slot holds the
/// upper half of the hash beside the number plus one. A name that finds [`WINDOW`] slots taken, as
/// only names that were made to collide do, goes to an ordered map.
#[derive(Debug, Default)]
pub(super) struct Texts {
    bytes: Vec<u8>,
    ends: Vec<usize>,
    slots: Vec<u64>,
    crowded: BTreeMap<Box<[u8]>, u32>,
    last: Option<u32>,
}

/// How many slots are looked at.
const WINDOW: usize = 32;

impl Texts {
    /// The most names.
    const MOST: usize = u32::MAX as usize - 1;

    /// How many names there are.
    pub(super) fn len(&self) -> usize {
        self.ends.len()
    }

    /// The name of this number.
    pub(super) fn name(&self, number: u32) -> &[u8] {
        let at = number as usize;
        let start = if at == 0 { 0 } else { self.ends[at - 1] };
        &self.bytes[start..self.ends[at]]
    }

    /// The number of a name; `None` if there are 2^32 − 2 others.
    #[inline]
    pub(super) fn intern(&mut self, name: &[u8]) -> Option<u32> {
        // Sorted tables repeat the name of the row before.
        if let Some(last) = self.last.filter(|&last| self.name(last) == name) {
            return Some(last);
        }
        if (self.len() + 1) * 4 > self.slots.len() * 3 {
            self.grow();
        }
        let number = self.find_or_add(name)?;
        self.last = Some(number);
        Some(number)
    }

    fn find_or_add(&mut self, name: &[u8]) -> Option<u32> {
        let hash = hash(name);
        let mask = self.slots.len() - 1;
        for step in 0..WINDOW {
            let at = (hash as usize + step) & mask;
            let slot = self.slots[at];
            if slot == 0 {
                let number = self.add(name)?;
                self.slots[at] = tagged(hash, number);
                return Some(number);
            }
            let number = slot as u32 - 1;
            if slot >> 32 == hash >> 32 && self.name(number) == name {
                return Some(number);
            }
        }
        if let Some(&number) = self.crowded.get(name) {
            return Some(number);
        }
        let number = self.add(name)?;
        self.crowded.insert(name.into(), number);
        Some(number)
    }

    fn add(&mut self, name: &[u8]) -> Option<u32> {
        let number = self.len();
        if number >= Self::MOST {
            return None;
        }
        self.bytes.extend_from_slice(name);
        self.ends.push(self.bytes.len());
        Some(number as u32)
    }

    #[cold]
    fn grow(&mut self) {
        let slots = (self.slots.len() * 2).max(1024);
        self.slots = vec![0; slots];
        self.crowded.clear();
        for number in 0..self.len() as u32 {
            let name = self.name(number);
            let hash = hash(name);
            let free = (0..WINDOW)
                .map(|step| (hash as usize + step) & (slots - 1))
                .find(|&at| self.slots[at] == 0);
            match free {
                Some(at) => self.slots[at] = tagged(hash, number),
                None => drop(self.crowded.insert(self.name(number).into(), number)),
            }
        }
    }
}

fn tagged(hash: u64, number: u32) -> u64 {
    hash >> 32 << 32 | u64::from(number + 1)
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
        assert!(plain.iter().all(|(name, &number)| texts.name(number) == name.as_bytes()));
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
