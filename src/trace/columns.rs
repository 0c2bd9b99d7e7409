//! A trace as columns: page accesses, interned and run-length encoded, with every position kept.
//!
//! Page numbers of any width become dense [`PageId`]s in first-seen order. Consecutive accesses to
//! one page are a *run*: in traces of real programs about half the accesses repeat the page before,
//! and every replacement algorithm hits on all of a run but its first access. A bitmap with a rank
//! index marks the accesses that begin a run, so that any access position is found in O(1). The
//! whole trace takes one bit per access and four bytes per run.

use super::access::{AccessKind, PageId, Run};
use super::bits::{Kinds, RankedBits};
use super::frees::Frees;
use super::reduction::Reduction;
use super::times::Times;
use crate::units::Page;

/// The page accesses of one VM. Immutable; built by a [`TraceBuilder`](super::TraceBuilder).
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Columns {
    pub(super) heads: RankedBits,
    pub(super) pages: Vec<PageId>,
    pub(super) numbers: Vec<Page>,
    pub(super) first_runs: Vec<u32>,
    pub(super) kinds: Option<Kinds>,
    pub(super) times: Option<Times>,
    pub(super) frees: Option<Frees>,
    pub(super) reduction: Option<Reduction>,
}

impl Columns {
    /// A trace of these columns. The caller has checked that they are consistent.
    pub(crate) fn new(
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
            frees: None,
            reduction: None,
        }
    }

    /// This trace with the kinds of its accesses.
    pub(crate) fn with_kinds(self, kinds: Kinds) -> Self {
        assert_eq!(kinds.len(), self.accesses(), "a trace has one kind an access");
        Self { kinds: Some(kinds), ..self }
    }

    /// This trace with the times of its accesses.
    pub(crate) fn with_times(self, times: Times) -> Self {
        assert_eq!(times.len(), self.accesses(), "a trace has one time an access");
        Self { times: Some(times), ..self }
    }

    /// This trace without the times of its accesses.
    pub(crate) fn without_times(self) -> Self {
        Self { times: None, ..self }
    }

    /// This trace with the frees of its guest.
    pub(crate) fn with_frees(self, frees: Frees) -> Self {
        Self { frees: Some(frees), ..self }
    }

    /// This trace, marked as reduced in this way.
    pub(crate) fn with_reduction(self, reduction: Reduction) -> Self {
        Self { reduction: Some(reduction), ..self }
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

    /// The page numbers of the VM, by [`PageId`].
    pub fn numbers(&self) -> &[Page] {
        &self.numbers
    }

    /// The first run of each page, by [`PageId`] and so ascending.
    pub fn first_runs(&self) -> &[u32] {
        &self.first_runs
    }

    /// The kind of access `at`, if the trace has kinds.
    pub fn kind(&self, at: u64) -> Option<AccessKind> {
        self.kinds.as_ref().map(|kinds| kinds.get(at))
    }

    /// Where the accesses of the kind of access `at` end that follow it, at most at `end`.
    pub(crate) fn kind_end(&self, at: u64, end: u64) -> u64 {
        self.kinds.as_ref().map_or(end, |kinds| kinds.span_end(at, end))
    }

    /// Whether the trace has access kinds.
    pub fn has_kinds(&self) -> bool {
        self.kinds.is_some()
    }

    /// The number of runs that begin before access `at`. One less is the run of access `at - 1`.
    pub fn runs_before(&self, at: u64) -> usize {
        self.heads.rank(at)
    }

    /// Whether access `at` begins a run.
    pub fn begins_run(&self, at: u64) -> bool {
        self.heads.get(at)
    }

    /// The access that begins a run; the number of accesses for one past the last run.
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

    /// The number of accesses of each kind, in the order of [`AccessKind::ALL`], if the trace has
    /// kinds.
    pub fn kind_counts(&self) -> Option<[u64; 4]> {
        self.kinds.as_ref().map(Kinds::counts)
    }

    /// The kinds as words of 32 two-bit codes, the first in the lowest bits, padded with zeros.
    pub(crate) fn kind_words(&self) -> Option<&[u64]> {
        self.kinds.as_ref().map(Kinds::words)
    }

    /// When its accesses were recorded, if the trace has times.
    pub fn times(&self) -> Option<&Times> {
        self.times.as_ref()
    }

    /// The pages that its guest frees, if it frees any.
    pub fn frees(&self) -> Option<&Frees> {
        self.frees.as_ref()
    }

    /// How many frees have happened when `at` accesses of a pass have been made: a free takes
    /// effect with the access before it.
    pub(crate) fn frees_until(&self, at: u64) -> usize {
        let Some(frees) = &self.frees else { return 0 };
        let begun = self.heads.rank(at);
        let is_boundary = at == self.accesses() || self.begins_run(at);
        frees.before_run(if is_boundary { begun } else { begun - 1 })
    }

    /// Whether pages are freed.
    #[inline]
    pub(crate) fn has_frees(&self) -> bool {
        self.frees.is_some()
    }

    /// The pages that are freed right after access `at` of a pass.
    pub fn freed_after(&self, at: u64) -> &[PageId] {
        let Some(frees) = &self.frees else { return &[] };
        &frees.pages()[self.frees_until(at)..self.frees_until(at + 1)]
    }

    /// The access after which, counted from `at` on, pages are freed next; `u64::MAX` if none are.
    #[inline]
    pub(crate) fn next_free(&self, at: u64) -> u64 {
        let Some(frees) = &self.frees else { return u64::MAX };
        frees.runs().get(self.frees_until(at)).map_or(u64::MAX, |&run| self.run_start(run as usize))
    }

    /// How many of the first `runs` runs of a pass are cold: they use a page for the first time, or
    /// for the first time since it was freed.
    pub(crate) fn cold_runs(&self, first_pass: bool, runs: usize) -> u64 {
        let new = if first_pass { self.distinct_in_runs(runs) } else { 0 };
        let again = self.frees.as_ref().map_or(0, |frees| frees.refills(first_pass, runs));
        (new + again) as u64
    }

    /// Whether this run of a pass is cold.
    #[inline]
    pub(crate) fn is_cold(&self, first_pass: bool, run: usize) -> bool {
        let is_first = self.first_runs[self.pages[run] as usize] as usize == run;
        match &self.frees {
            None => first_pass && is_first,
            Some(_) => self.cold_runs(first_pass, run + 1) > self.cold_runs(first_pass, run),
        }
    }

    /// The cold accesses among the first `accesses`, which count on over all passes.
    pub(crate) fn cold_before(&self, accesses: u64) -> u64 {
        let (passes, rest) =
            (accesses / self.accesses(), self.runs_before(accesses % self.accesses()));
        let all = self.pages.len();
        match passes {
            0 => self.cold_runs(true, rest),
            _ => {
                self.cold_runs(true, all)
                    + (passes - 1) * self.cold_runs(false, all)
                    + self.cold_runs(false, rest)
            }
        }
    }

    /// The pages in use, used and not freed since, after the first `accesses` accesses, which count
    /// on over all passes.
    pub fn in_use(&self, accesses: u64) -> u64 {
        let pass = accesses.saturating_sub(1) / self.accesses();
        let at = accesses - pass * self.accesses();
        let freed = self.frees_until(at) as u64;
        let ended = self.frees.as_ref().map_or(0, Frees::free_at_end);
        let kept = if pass == 0 { 0 } else { self.distinct_pages() - ended };
        kept as u64 + self.cold_runs(pass == 0, self.runs_before(at)) - freed
    }

    /// How it was reduced, if it was.
    pub fn reduction(&self) -> Option<Reduction> {
        self.reduction
    }

    /// The accesses `from..to` as runs; the first and the last may be parts of a run of the trace.
    pub fn runs(&self, from: u64, to: u64) -> impl Iterator<Item = Run> + '_ {
        let run = if from < to { self.heads.rank(from + 1) - 1 } else { self.pages.len() };
        let mut heads = self.heads.ones_from(from + 1);
        let mut at = from;
        self.pages[run..].iter().map_while(move |&page| {
            (at < to).then(|| {
                let end = heads.next().map_or(to, |head| head.min(to));
                let part = Run { page, accesses: end - at };
                at = end;
                part
            })
        })
    }

    /// The number of distinct pages among the accesses `from..to`, numbered over all passes.
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

    /// The number of distinct pages among the first `accesses` accesses.
    pub fn distinct_before(&self, accesses: u64) -> usize {
        self.distinct_in_runs(self.runs_before(accesses))
    }

    /// The number of distinct pages among the first `runs` runs.
    pub(crate) fn distinct_in_runs(&self, runs: usize) -> usize {
        self.first_runs.partition_point(|&first| (first as usize) < runs)
    }
}
