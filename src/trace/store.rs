//! The trace store: page accesses, interned and run-length coded, without losing a position.
//!
//! Page numbers of any width become dense [`PageId`]s in first-seen order. Consecutive accesses to
//! one page are a *run*: real programs leave about half their accesses in runs, and every
//! replacement algorithm hits on all of a run but its first access. A bitmap with a rank index
//! marks the accesses that begin a run, so that any access position is found in O(1): one bit an
//! access and four bytes a run is the whole trace.

use std::sync::OnceLock;

use super::distances;
use crate::units::Page;

/// A page of one trace, numbered from 0 in the order in which the trace first uses its pages.
pub type PageId = u32;

/// How an access touches its page.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    /// An instruction fetch.
    Fetch,
    /// A read.
    Load,
    /// A write.
    Store,
    /// A read and then a write of the same place.
    Modify,
}

impl Kind {
    /// Whether the access leaves its page dirty.
    pub fn writes(self) -> bool {
        matches!(self, Self::Store | Self::Modify)
    }
}

/// Consecutive accesses to one page, or the part of them inside a stretch.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Run {
    /// The page.
    pub page: PageId,
    /// How many accesses; at least 1.
    pub accesses: u64,
}

/// The page accesses of one VM. Immutable; made by a [`TraceBuilder`].
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Trace {
    heads: RankedBits,
    pages: Vec<PageId>,
    numbers: Vec<Page>,
    first_runs: Vec<u32>,
    kinds: Option<Kinds>,
    distances: OnceLock<Vec<u32>>,
    repeat_distances: OnceLock<Vec<u32>>,
}

impl Trace {
    /// A trace of these page numbers, in this order, without access kinds.
    pub fn from_pages(pages: impl IntoIterator<Item = u64>) -> Self {
        let mut builder = TraceBuilder::default();
        for page in pages {
            builder.push(Page(page));
        }
        builder.finish()
    }

    /// The number of accesses.
    pub fn accesses(&self) -> u64 {
        self.heads.len
    }

    /// The number of distinct pages.
    pub fn distinct_pages(&self) -> usize {
        self.numbers.len()
    }

    /// The page of each run.
    pub fn run_pages(&self) -> &[PageId] {
        &self.pages
    }

    /// The VM's own numbers of its pages, by [`PageId`].
    pub fn numbers(&self) -> &[Page] {
        &self.numbers
    }

    /// For each page, by [`PageId`] and so ascending, the run that uses it first.
    pub fn first_runs(&self) -> &[u32] {
        &self.first_runs
    }

    /// The LRU stack distance of each run: see [`distances`](distances::distances()). Computed when first asked for.
    pub fn distances(&self) -> &[u32] {
        self.distances.get_or_init(|| distances::distances(self))
    }

    /// Whether the distances need not be computed any more.
    pub(super) fn has_distances(&self) -> bool {
        self.distances.get().is_some()
    }

    /// Gives the trace its distances, which somebody has computed before.
    pub(super) fn put_distances(&self, distances: Vec<u32>) {
        assert_eq!(distances.len(), self.pages.len(), "every run has a distance");
        // Whoever was faster put the same.
        drop(self.distances.set(distances));
    }

    /// Likewise for a second pass over the trace: see [`repeat_distances`](distances::repeat_distances).
    pub fn repeat_distances(&self) -> &[u32] {
        self.repeat_distances.get_or_init(|| distances::repeat_distances(self, self.distances()))
    }

    /// How access `at` touches its page, if the trace knows.
    pub fn kind(&self, at: u64) -> Option<Kind> {
        self.kinds.as_ref().map(|kinds| kinds.get(at))
    }

    /// Whether the trace knows how its accesses touch their pages.
    pub fn has_kinds(&self) -> bool {
        self.kinds.is_some()
    }

    /// The number of runs that begin before access `at`; for `at` inside the trace, minus one it
    /// is the run of the access before.
    pub fn runs_before(&self, at: u64) -> usize {
        self.heads.rank(at)
    }

    /// Whether access `at` begins a run.
    pub fn begins_run(&self, at: u64) -> bool {
        self.heads.get(at)
    }

    /// The number of accesses from `at` to the end of its run.
    pub fn rest_of_run(&self, at: u64) -> u64 {
        self.heads.next_one(at + 1) - at
    }

    /// The page of access `at`.
    pub fn page(&self, at: u64) -> PageId {
        self.pages[self.heads.rank(at + 1) - 1]
    }

    /// The accesses `from..to` as runs; the first and the last may be parts of a run of the trace.
    pub fn runs(&self, from: u64, to: u64) -> impl Iterator<Item = Run> + '_ {
        let mut at = from;
        let mut run = if from < to { self.heads.rank(from + 1) - 1 } else { 0 };
        std::iter::from_fn(move || {
            (at < to).then(|| {
                let end = self.heads.next_one(at + 1).min(to);
                let part = Run { page: self.pages[run], accesses: end - at };
                at = end;
                run += 1;
                part
            })
        })
    }

    /// The distinct pages among the first `accesses` accesses.
    pub fn distinct_before(&self, accesses: u64) -> usize {
        let runs = self.runs_before(accesses);
        self.first_runs.partition_point(|&first| (first as usize) < runs)
    }
}

/// Collects accesses into a [`Trace`].
#[derive(Debug, Default)]
pub struct TraceBuilder {
    heads: RankedBits,
    pages: Vec<PageId>,
    numbers: Vec<Page>,
    first_runs: Vec<u32>,
    kinds: Option<Kinds>,
    ids: Interner,
}

impl TraceBuilder {
    /// The most runs that a trace may have: run positions are 32 bits wide.
    pub const RUNS_MAX: usize = u32::MAX as usize;

    /// Adds an access of unknown kind.
    pub fn push(&mut self, page: Page) {
        let id = self.ids.intern(page, &mut self.numbers);
        let begins_run = self.pages.last() != Some(&id);
        self.heads.push(begins_run);
        if begins_run {
            assert!(self.pages.len() < Self::RUNS_MAX, "a trace has at most 2^32 - 1 runs");
            if id as usize == self.first_runs.len() {
                self.first_runs.push(self.pages.len() as u32);
            }
            self.pages.push(id);
        }
    }

    /// Adds an access of known kind. Either all accesses of a trace have a kind, or none.
    pub fn push_kind(&mut self, page: Page, kind: Kind) {
        self.kinds.get_or_insert_default().push(kind);
        self.push(page);
    }

    /// The number of accesses so far.
    pub fn accesses(&self) -> u64 {
        self.heads.len
    }

    /// The trace.
    ///
    /// # Panics
    /// If some accesses had a kind and others had none.
    pub fn finish(mut self) -> Trace {
        let kinds = self.kinds.as_ref().map_or(self.heads.len, |kinds| kinds.len);
        assert_eq!(kinds, self.heads.len, "some accesses have no kind");
        self.heads.finish();
        self.pages.shrink_to_fit();
        Trace {
            heads: self.heads,
            pages: self.pages,
            numbers: self.numbers,
            first_runs: self.first_runs,
            kinds: self.kinds,
            distances: OnceLock::new(),
            repeat_distances: OnceLock::new(),
        }
    }
}

/// Page number → dense id.
///
/// Programs use page numbers in a few dense neighbourhoods, so numbers are looked up in *leaves* of
/// 512 neighbours each, found through a small ordered map and the leaf of the access before. No
/// hashing: the ids depend on the order of the accesses alone.
#[derive(Debug, Default)]
struct Interner {
    leaves: Vec<[PageId; LEAF]>,
    index: std::collections::BTreeMap<u64, u32>,
    last: Option<(u64, u32)>,
}

const LEAF: usize = 512;
const NO_PAGE: PageId = PageId::MAX;

impl Interner {
    fn intern(&mut self, page: Page, numbers: &mut Vec<Page>) -> PageId {
        let neighbourhood = page.0 / LEAF as u64;
        let leaf = match self.last {
            Some((last, leaf)) if last == neighbourhood => leaf,
            _ => {
                let leaves = &mut self.leaves;
                *self.index.entry(neighbourhood).or_insert_with(|| {
                    leaves.push([NO_PAGE; LEAF]);
                    leaves.len() as u32 - 1
                })
            }
        };
        self.last = Some((neighbourhood, leaf));
        let id = &mut self.leaves[leaf as usize][(page.0 % LEAF as u64) as usize];
        if *id == NO_PAGE {
            *id = PageId::try_from(numbers.len()).expect("a trace has fewer than 2^32 pages");
            numbers.push(page);
        }
        *id
    }
}

/// Bits with the number of ones before each block of 512, so that `rank` is O(1).
#[derive(Clone, Debug, Default, PartialEq, Eq)]
struct RankedBits {
    words: Vec<u64>,
    ones_before_block: Vec<u64>,
    len: u64,
}

const BLOCK_WORDS: usize = 8;

impl RankedBits {
    fn push(&mut self, bit: bool) {
        if self.len.is_multiple_of(64) {
            self.words.push(0);
        }
        if bit {
            self.words[(self.len / 64) as usize] |= 1 << (self.len % 64);
        }
        self.len += 1;
    }

    fn finish(&mut self) {
        let mut ones = 0;
        self.ones_before_block = Vec::with_capacity(self.words.len() / BLOCK_WORDS + 1);
        for block in self.words.chunks(BLOCK_WORDS) {
            self.ones_before_block.push(ones);
            ones += block.iter().map(|word| u64::from(word.count_ones())).sum::<u64>();
        }
        self.ones_before_block.push(ones);
    }

    fn get(&self, at: u64) -> bool {
        self.words[(at / 64) as usize] >> (at % 64) & 1 == 1
    }

    /// The ones before position `at`, which may be the length.
    fn rank(&self, at: u64) -> usize {
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

    /// The first one at or after `at`, or the length.
    fn next_one(&self, at: u64) -> u64 {
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
struct Kinds {
    words: Vec<u64>,
    len: u64,
}

impl Kinds {
    fn push(&mut self, kind: Kind) {
        if self.len.is_multiple_of(32) {
            self.words.push(0);
        }
        self.words[(self.len / 32) as usize] |= (kind as u64) << (self.len % 32 * 2);
        self.len += 1;
    }

    fn get(&self, at: u64) -> Kind {
        match self.words[(at / 32) as usize] >> (at % 32 * 2) & 3 {
            0 => Kind::Fetch,
            1 => Kind::Load,
            2 => Kind::Store,
            _ => Kind::Modify,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    proptest! {
        /// The store against the plain sequence that it was made of.
        #[test]
        fn every_position_is_found_again(
            pages in prop::collection::vec((0_u64..5, 1_usize..200), 0..40),
            cut in (0.0..1.0_f64, 0.0..1.0_f64),
        ) {
            let plain: Vec<u64> = pages
                .iter()
                .flat_map(|&(page, repeats)| std::iter::repeat_n(page << 40, repeats))
                .collect();
            let trace = Trace::from_pages(plain.iter().copied());
            prop_assert_eq!(trace.accesses(), plain.len() as u64);
            for (at, &page) in plain.iter().enumerate() {
                let begins = at == 0 || plain[at - 1] != page;
                let rest = plain[at..].iter().take_while(|&&next| next == page).count();
                let at = at as u64;
                prop_assert_eq!(trace.numbers()[trace.page(at) as usize], Page(page));
                prop_assert_eq!(trace.begins_run(at), begins);
                prop_assert_eq!(trace.rest_of_run(at), rest as u64);
            }
            let cut_at = |part: f64| (part * plain.len() as f64) as usize;
            let (from, to) = (cut_at(cut.0.min(cut.1)), cut_at(cut.0.max(cut.1)));
            let unrolled: Vec<u64> = trace
                .runs(from as u64, to as u64)
                .flat_map(|run| {
                    let number = trace.numbers()[run.page as usize].0;
                    std::iter::repeat_n(number, run.accesses as usize)
                })
                .collect();
            prop_assert_eq!(&unrolled, &plain[from..to]);
            let distinct: std::collections::BTreeSet<_> = plain[..to].iter().collect();
            prop_assert_eq!(trace.distinct_before(to as u64), distinct.len());
        }

        #[test]
        fn kinds_are_kept(letters in prop::collection::vec(0_usize..4, 0..200)) {
            const KINDS: [Kind; 4] = [Kind::Fetch, Kind::Load, Kind::Store, Kind::Modify];
            let mut builder = TraceBuilder::default();
            for &letter in &letters {
                builder.push_kind(Page(letter as u64), KINDS[letter]);
            }
            let trace = builder.finish();
            for (at, &letter) in letters.iter().enumerate() {
                prop_assert_eq!(trace.kind(at as u64), Some(KINDS[letter]));
            }
        }
    }
}
