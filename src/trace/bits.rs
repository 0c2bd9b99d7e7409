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

    /// For each of these numbers, adds a one and then so many zeros. Their words are made first, so
    /// that a run costs no more than setting its bit.
    #[inline(never)]
    pub(crate) fn push_runs(&mut self, zeros: &[u8]) {
        let mut at = self.len as usize;
        self.push_zeros(zeros.len() as u64 + sum(zeros));
        for &zeros in zeros {
            self.words[at / 64] |= 1 << (at % 64);
            at += usize::from(zeros) + 1;
        }
    }

    /// Adds `count` zeros.
    #[inline(never)]
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

    /// The positions of the ones from `at` on.
    #[inline]
    pub(crate) fn ones_from(&self, at: u64) -> Ones<'_> {
        let word = at / 64;
        let mut words = self.words.get(word as usize..).unwrap_or_default().iter();
        let rest = words.next().map_or(0, |bits| bits >> (at % 64) << (at % 64));
        Ones { words, base: word * 64, rest }
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

/// The positions of ones. What is left of a word stays in a register, so that a one costs a few
/// instructions in loops over millions.
pub(crate) struct Ones<'a> {
    words: std::slice::Iter<'a, u64>,
    /// The position of the lowest bit of `rest`.
    base: u64,
    rest: u64,
}

impl Iterator for Ones<'_> {
    type Item = u64;

    #[inline(always)]
    fn next(&mut self) -> Option<u64> {
        while self.rest == 0 {
            self.rest = *self.words.next()?;
            self.base += 64;
        }
        let at = self.base | u64::from(self.rest.trailing_zeros());
        self.rest &= self.rest - 1;
        Some(at)
    }
}

/// The sum of these numbers.
pub(crate) fn sum(numbers: &[u8]) -> u64 {
    numbers.iter().map(|&number| u64::from(number)).sum()
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

    /// Adds a kind many times: whole words of it, in which what is beyond the end is 0 again.
    #[inline(never)]
    pub(crate) fn push_many(&mut self, kind: AccessKind, count: u64) {
        let filled = (kind as u64) * 0x5555_5555_5555_5555;
        let end = self.len + count;
        if let Some(last) = self.words.last_mut()
            && !self.len.is_multiple_of(32)
        {
            *last |= filled << (self.len % 32 * 2);
        }
        let words = end.div_ceil(32) as usize;
        if words > self.words.len() {
            self.words.resize(words, filled);
        }
        if let Some(last) = self.words.last_mut()
            && !end.is_multiple_of(32)
        {
            *last &= (1 << (end % 32 * 2)) - 1;
        }
        self.len = end;
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

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    proptest! {
        /// What is added by words is what is added bit by bit.
        #[test]
        fn runs_are_ones_and_zeros(
            before in 0_u64..130, zeros in prop::collection::vec(any::<u8>(), 0..40),
        ) {
            let mut runs = RankedBits::default();
            runs.push_zeros(before);
            let mut bits = runs.clone();
            runs.push_runs(&zeros);
            for &zeros in &zeros {
                bits.push(true);
                (0..zeros).for_each(|_| bits.push(false));
            }
            prop_assert_eq!(&runs, &bits);
            for from in [0, 1, before, before + 1, runs.len() / 2, runs.len(), runs.len() + 70] {
                let ones = (from..runs.len()).filter(|&at| runs.get(at));
                prop_assert_eq!(runs.ones_from(from).collect::<Vec<_>>(), ones.collect::<Vec<_>>());
            }
        }

        #[test]
        fn many_kinds_are_one_after_the_other(
            spans in prop::collection::vec((0_usize..4, 0_u64..100), 0..20),
        ) {
            let (mut many, mut single) = (Kinds::default(), Kinds::default());
            for (kind, count) in spans {
                many.push_many(AccessKind::ALL[kind], count);
                (0..count).for_each(|_| single.push(AccessKind::ALL[kind]));
            }
            prop_assert_eq!(many, single);
        }
    }
}
