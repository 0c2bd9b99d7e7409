//! A bit vector with rank, and two-bit access kinds: the dense columns of a trace.

use super::access::AccessKind;

/// Bits with the number of ones before each block of 512, so that `rank` is O(1).
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct RankedBits {
    words: Vec<u64>,
    ones_before_block: Vec<u64>,
    len: u64,
}

const BLOCK_WORDS: usize = 8;

impl RankedBits {
    /// The number of bits.
    pub(crate) fn len(&self) -> u64 {
        self.len
    }

    /// Adds a bit. `rank` works only after [`finish`](Self::finish).
    #[inline]
    pub(crate) fn push(&mut self, bit: bool) {
        if self.len.is_multiple_of(64) {
            self.words.push(0);
        }
        if bit {
            let word = self.words.len() - 1;
            self.words[word] |= 1 << (self.len % 64);
        }
        self.len += 1;
    }

    /// Adds 64 bits, the lowest first; the length must be a multiple of 64.
    #[inline]
    pub(crate) fn push_word(&mut self, word: u64) {
        debug_assert!(self.len.is_multiple_of(64));
        self.words.push(word);
        self.len += 64;
    }

    /// Adds `count` zeros.
    pub(crate) fn push_zeros(&mut self, count: u64) {
        self.len += count;
        let words = self.len.div_ceil(64) as usize;
        if words > self.words.len() {
            self.words.resize(words, 0);
        }
    }

    /// Builds the rank index.
    pub(crate) fn finish(&mut self) {
        let mut ones = 0;
        self.words.shrink_to_fit();
        self.ones_before_block = Vec::with_capacity(self.words.len() / BLOCK_WORDS + 2);
        for block in self.words.chunks(BLOCK_WORDS) {
            self.ones_before_block.push(ones);
            ones += block.iter().map(|word| u64::from(word.count_ones())).sum::<u64>();
        }
        self.ones_before_block.push(ones);
    }

    /// The bit at position `at`.
    pub(crate) fn get(&self, at: u64) -> bool {
        self.words[(at / 64) as usize] >> (at % 64) & 1 == 1
    }

    /// The number of ones before position `at`, at most the length.
    pub(crate) fn rank(&self, at: u64) -> usize {
        let word = (at / 64) as usize;
        let block = word / BLOCK_WORDS;
        let whole = &self.words[block * BLOCK_WORDS..word.min(self.words.len())];
        let mut ones = self.ones_before_block[block];
        ones += whole.iter().map(|word| u64::from(word.count_ones())).sum::<u64>();
        if !at.is_multiple_of(64) {
            let below = self.words[word] & ((1 << (at % 64)) - 1);
            ones += u64::from(below.count_ones());
        }
        ones as usize
    }

    /// The position of the one that has `rank` ones before it; the length if there is none.
    pub(crate) fn select(&self, rank: usize) -> u64 {
        let rank = rank as u64;
        let block = self.ones_before_block.partition_point(|&ones| ones <= rank) - 1;
        let mut left = rank - self.ones_before_block[block];
        let words = self.words.get(block * BLOCK_WORDS..).unwrap_or_default();
        for (at, &word) in words.iter().take(BLOCK_WORDS).enumerate() {
            let ones = u64::from(word.count_ones());
            if left < ones {
                // Clears the ones before it in the word.
                let rest = (0..left).fold(word, |rest, _| rest & (rest - 1));
                let word = (block * BLOCK_WORDS + at) as u64;
                return word * 64 + u64::from(rest.trailing_zeros());
            }
            left -= ones;
        }
        self.len
    }

    /// The first one at or after `at`, or the length.
    pub(crate) fn next_one(&self, at: u64) -> u64 {
        if at >= self.len {
            return self.len;
        }
        let mut word = (at / 64) as usize;
        let mut bits = self.words[word] >> (at % 64) << (at % 64);
        while bits == 0 {
            word += 1;
            match self.words.get(word) {
                Some(&next) => bits = next,
                None => return self.len,
            }
        }
        (word as u64 * 64 + u64::from(bits.trailing_zeros())).min(self.len)
    }
}

/// Access kinds, two bits each.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Kinds {
    words: Vec<u64>,
    len: u64,
}

impl Kinds {
    /// The number of accesses whose kind is known.
    pub(crate) fn len(&self) -> u64 {
        self.len
    }

    /// The kinds, 32 per word, the first in the lowest bits, padded with zeros.
    pub(crate) fn words(&self) -> &[u64] {
        &self.words
    }

    /// Adds a kind.
    #[inline]
    pub(crate) fn push(&mut self, kind: AccessKind) {
        if self.len.is_multiple_of(32) {
            self.words.push(0);
        }
        let word = self.words.len() - 1;
        self.words[word] |= (kind as u64) << (self.len % 32 * 2);
        self.len += 1;
    }

    /// Adds a kind many times.
    pub(crate) fn push_many(&mut self, kind: AccessKind, count: u64) {
        let first = ((32 - self.len % 32) % 32).min(count);
        (0..first).for_each(|_| self.push(kind));
        let words = (count - first) / 32;
        let word = (kind as u64) * 0x5555_5555_5555_5555;
        self.words.resize(self.words.len() + words as usize, word);
        self.len += words * 32;
        (0..(count - first) % 32).for_each(|_| self.push(kind));
    }

    /// Adds many kinds.
    pub(crate) fn extend(&mut self, kinds: &[AccessKind]) {
        let to_boundary = (32 - self.len as usize % 32) % 32;
        let (first, rest) = kinds.split_at(to_boundary.min(kinds.len()));
        for &kind in first {
            self.push(kind);
        }
        let chunks = rest.chunks_exact(32);
        let last = chunks.remainder();
        for chunk in chunks {
            let word = chunk.iter().rev().fold(0, |word, &kind| word << 2 | kind as u64);
            self.words.push(word);
            self.len += 32;
        }
        for &kind in last {
            self.push(kind);
        }
    }

    /// The kind of access `at`.
    pub(crate) fn get(&self, at: u64) -> AccessKind {
        AccessKind::ALL[(self.words[(at / 32) as usize] >> (at % 32 * 2) & 3) as usize]
    }

    /// Where the accesses of one kind that begin at `at` end, at most at `end`.
    pub(crate) fn span_end(&self, at: u64, end: u64) -> u64 {
        const LOW: u64 = 0x5555_5555_5555_5555;
        let same = (self.get(at) as u64) * LOW;
        let (mut word, mut shift) = ((at / 32) as usize, at % 32 * 2);
        while (word as u64) * 32 < end {
            let differs = (self.words[word] ^ same) >> shift << shift;
            if differs != 0 {
                let first = word as u64 * 32 + u64::from(differs.trailing_zeros() / 2);
                return first.min(end);
            }
            (word, shift) = (word + 1, 0);
        }
        end
    }

    /// How many accesses have each kind, in the order of [`AccessKind::ALL`].
    pub(crate) fn counts(&self) -> [u64; 4] {
        const LOW: u64 = 0x5555_5555_5555_5555;
        let mut counts = [0_u64; 4];
        for word in &self.words {
            let (low, high) = (word & LOW, word >> 1 & LOW);
            counts[1] += u64::from((low & !high).count_ones());
            counts[2] += u64::from((high & !low).count_ones());
            counts[3] += u64::from((high & low).count_ones());
        }
        counts[0] = self.len - counts[1] - counts[2] - counts[3];
        counts
    }
}
