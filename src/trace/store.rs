//! The trace store: page accesses, interned and run-length coded, without losing a position.
//!
//! Page numbers of any width become dense [`PageId`]s in first-seen order. Consecutive accesses to
//! one page are a *run*: real programs leave about half their accesses in runs, and every
//! replacement algorithm hits on all of a run but its first access. A bitmap with a rank index
//! marks the accesses that begin a run, so that any access position is found in O(1): one bit an
//! access and four bytes a run is the whole trace.

use std::ops::Range;
use std::sync::OnceLock;

use super::bits::{Kinds, RankedBits};
use super::content_hash::ContentHash;
use super::distances;
use super::index::{Index, StackDistances};
use super::reduce::Reduction;
use super::times::Times;
use crate::units::Page;

mod builder;

pub use builder::TraceBuilder;

/// A page of one trace, numbered from 0 in the order in which the trace first uses its pages.
pub type PageId = u32;

/// How an access touches its page.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum AccessKind {
    /// An instruction fetch.
    Fetch,
    /// A read.
    Load,
    /// A write.
    Store,
    /// A read and then a write of the same place.
    Modify,
}

impl AccessKind {
    /// Every kind, in the order of its two-bit code.
    pub const ALL: [Self; 4] = [Self::Fetch, Self::Load, Self::Store, Self::Modify];

    /// The letter that trace files give it: `I`, `L`, `S` or `M`.
    pub fn letter(self) -> char {
        ['I', 'L', 'S', 'M'][self as usize]
    }

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
#[derive(Clone, Debug)]
pub struct Trace {
    heads: RankedBits,
    pages: Vec<PageId>,
    numbers: Vec<Page>,
    first_runs: Vec<u32>,
    kinds: Option<Kinds>,
    times: Option<Times>,
    reduction: Option<Reduction>,
    distances: OnceLock<Vec<u32>>,
    repeat_distances: OnceLock<Vec<u32>>,
    /// Of the distances of the first pass, and of the repeated ones.
    indexes: [OnceLock<Index>; 2],
    pub(super) content_hash: OnceLock<ContentHash>,
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
        self.heads.len()
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

    /// The LRU stack distance of each run: see [`distances`](distances::distances()). Computed when
    /// first asked for.
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

    /// Likewise for a second pass over the trace: see
    /// [`repeat_distances`](distances::repeat_distances).
    pub fn repeat_distances(&self) -> &[u32] {
        self.repeat_distances.get_or_init(|| distances::repeat_distances(self, self.distances()))
    }

    /// The distances of these runs, in the first pass over the trace or a later one.
    pub fn distances_of(&self, first_pass: bool, runs: Range<usize>) -> StackDistances<'_> {
        let all = if first_pass { self.distances() } else { self.repeat_distances() };
        let index = self.indexes[0].get().map(|first| {
            let again = || first.like(all, self.distinct_pages());
            if first_pass { first } else { self.indexes[1].get_or_init(again) }
        });
        StackDistances::new(all, index, runs)
    }

    /// Makes an index over the distances, if there is none yet. It changes no result; it pays where
    /// the trace is replayed [`RUNS_MIN`](super::index::RUNS_MIN) times or more.
    pub fn index(&self) {
        self.indexes[0].get_or_init(|| Index::new(self.distances(), self.distinct_pages()));
    }

    /// Likewise, with a row of the index every so many runs, for tests of small traces.
    pub fn index_every(&self, runs: usize) {
        let index = || Index::with_rows(self.distances(), self.distinct_pages(), runs);
        self.indexes[0].get_or_init(index);
    }

    /// How access `at` touches its page, if the trace knows.
    pub fn kind(&self, at: u64) -> Option<AccessKind> {
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

    /// The access that begins a run; the number of accesses for the run behind the last.
    pub fn run_start(&self, run: usize) -> u64 {
        self.heads.select(run)
    }

    /// The number of accesses from `at` to the end of its run.
    pub fn rest_of_run(&self, at: u64) -> u64 {
        self.heads.next_one(at + 1) - at
    }

    /// The page of access `at`.
    pub fn page(&self, at: u64) -> PageId {
        self.pages[self.heads.rank(at + 1) - 1]
    }

    /// How many accesses have each kind, in the order of [`AccessKind::ALL`], if the trace knows.
    pub fn kind_counts(&self) -> Option<[u64; 4]> {
        self.kinds.as_ref().map(Kinds::counts)
    }

    /// The kinds as words of 32 two-bit codes, the first lowest, with zeros behind the last.
    pub(super) fn kind_words(&self) -> Option<&[u64]> {
        self.kinds.as_ref().map(Kinds::words)
    }

    /// The trace of these columns, whose agreement the caller has checked.
    pub(super) fn from_columns(
        heads: RankedBits,
        pages: Vec<PageId>,
        numbers: Vec<Page>,
        first_runs: Vec<u32>,
    ) -> Self {
        debug_assert_eq!(heads.rank(heads.len()), pages.len());
        Self {
            heads,
            pages,
            numbers,
            first_runs,
            kinds: None,
            times: None,
            reduction: None,
            distances: OnceLock::new(),
            repeat_distances: OnceLock::new(),
            indexes: Default::default(),
            content_hash: OnceLock::new(),
        }
    }

    /// When its accesses were recorded, if the trace knows.
    pub fn times(&self) -> Option<&Times> {
        self.times.as_ref()
    }

    /// This trace with the kinds of its accesses.
    pub(super) fn with_kinds(self, kinds: Kinds) -> Self {
        assert_eq!(kinds.len(), self.accesses(), "a trace has one kind an access");
        Self { kinds: Some(kinds), content_hash: OnceLock::new(), ..self }
    }

    /// How it was reduced, if it was.
    pub fn reduction(&self) -> Option<Reduction> {
        self.reduction
    }

    /// This trace, which was reduced in this way.
    pub(super) fn with_reduction(self, reduction: Reduction) -> Self {
        Self { reduction: Some(reduction), content_hash: OnceLock::new(), ..self }
    }

    /// This trace with the times of its accesses.
    pub(super) fn with_times(self, times: Times) -> Self {
        assert_eq!(times.len(), self.accesses(), "a trace has one time an access");
        Self { times: Some(times), content_hash: OnceLock::new(), ..self }
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

    /// The distinct pages among the accesses `from..to`, which count on over all passes.
    pub fn distinct_between(&self, from: u64, to: u64) -> usize {
        let length = self.accesses();
        if from == 0 || to - from >= length {
            return self.distinct_before((to - from).min(length));
        }
        let (from, to) = (from % length, from % length + (to - from));
        let mut seen = vec![false; self.distinct_pages()];
        let passes = [from..to.min(length), 0..to.saturating_sub(length)];
        for run in passes.into_iter().flat_map(|part| self.runs(part.start, part.end)) {
            seen[run.page as usize] = true;
        }
        seen.into_iter().filter(|&seen| seen).count()
    }

    /// The distinct pages among the first `accesses` accesses.
    pub fn distinct_before(&self, accesses: u64) -> usize {
        let runs = self.runs_before(accesses);
        self.first_runs.partition_point(|&first| (first as usize) < runs)
    }
}

/// Traces are equal if their accesses are, whatever has been computed about them.
impl PartialEq for Trace {
    fn eq(&self, other: &Self) -> bool {
        self.heads == other.heads
            && self.pages == other.pages
            && self.numbers == other.numbers
            && self.kinds == other.kinds
            && self.times == other.times
            && self.reduction == other.reduction
    }
}

impl Eq for Trace {}

#[cfg(test)]
mod tests;
