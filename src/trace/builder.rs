//! Builds a trace from the accesses of a reader or a generator.

use std::ops::RangeInclusive;

use super::access::{AccessKind, PageId};
use super::bits::{Kinds, RankedBits};
use super::columns::Columns;
use super::frees::Frees;
use super::intern::{Interner, NO_PAGE};
use super::reduction::Reduction;
use super::room::Room;
use super::shared::Trace;
use super::times::Times;
use crate::units::Page;

/// Collects accesses into a [`Trace`].
#[derive(Debug)]
pub struct TraceBuilder {
    heads: RankedBits,
    pages: Vec<PageId>,
    numbers: Vec<Page>,
    first_runs: Vec<u32>,
    kinds: Option<Kinds>,
    times: Option<Times>,
    freeing: Option<Box<Freeing>>,
    reduction: Option<Reduction>,
    backwards: u64,
    ids: Interner,
    last: Option<Page>,
    accesses_max: u64,
    room: Room,
    overflowed: bool,
    outgrown: bool,
}

/// The pages that are freed while a trace is built.
#[derive(Debug, Default)]
struct Freeing {
    runs: Vec<u32>,
    pages: Vec<PageId>,
    /// Whether each page is free now; pages behind the end are in use.
    is_free: Vec<bool>,
}

impl Freeing {
    /// A page is used, again if it was free.
    #[inline(never)]
    fn uses(&mut self, id: PageId) {
        if let Some(is_free) = self.is_free.get_mut(id as usize) {
            *is_free = false;
        }
    }
}

impl From<Frees> for Freeing {
    /// Those of a whole trace, to which no access is added.
    fn from(frees: Frees) -> Self {
        let (runs, pages) = (frees.runs().to_vec(), frees.pages().to_vec());
        Self { runs, pages, is_free: Vec::new() }
    }
}

/// Bytes per distinct page: its number, its first run, its entry in the interner.
const PAGE: u64 = 8 + 4 + 16;

/// The bits of a run longer than this are charged to the room at once, not with the list of runs.
const LONG_RUN: u64 = 1 << 20;

impl Default for TraceBuilder {
    fn default() -> Self {
        Self::with_limit(u64::MAX)
    }
}

impl TraceBuilder {
    /// The most runs of a trace: run numbers are 32 bits wide.
    pub const RUNS_MAX: usize = u32::MAX as usize;

    /// A builder that takes at most `accesses_max` accesses; see [`overflowed`](Self::overflowed).
    pub fn with_limit(accesses_max: u64) -> Self {
        Self {
            heads: RankedBits::default(),
            pages: Vec::new(),
            numbers: Vec::new(),
            first_runs: Vec::new(),
            kinds: None,
            times: None,
            freeing: None,
            reduction: None,
            backwards: 0,
            ids: Interner::default(),
            last: None,
            accesses_max,
            room: Room::default(),
            overflowed: false,
            outgrown: false,
        }
    }

    /// This builder, with its memory taken from `room`.
    #[must_use]
    pub(crate) fn within(mut self, room: &Room) -> Self {
        self.room = room.clone();
        self
    }

    /// The room that it takes its memory from.
    pub(crate) fn room(&self) -> &Room {
        &self.room
    }

    /// Adds an access of unknown kind.
    #[inline]
    pub fn push(&mut self, page: Page) {
        let begins_run = self.last != Some(page);
        if self.heads.len() >= self.accesses_max
            || (begins_run && self.pages.len() >= Self::RUNS_MAX)
        {
            self.refuse();
            return;
        }
        if begins_run && self.pages.len() == self.pages.capacity() && !self.grow() {
            return;
        }
        self.heads.push(begins_run);
        if begins_run {
            self.begin_run(page);
        }
    }

    /// Adds an access of known kind. Either all accesses of a trace have a kind, or none.
    #[inline]
    pub fn push_kind(&mut self, page: Page, kind: AccessKind) {
        self.push(page);
        if !self.overflowed {
            self.kinds.get_or_insert_default().push(kind);
        }
    }

    /// The guest frees a page, after the accesses given so far. Returns whether the page was in
    /// use; if not, nothing happens.
    ///
    /// ```
    /// use balloonist::trace::TraceBuilder;
    /// use balloonist::units::Page;
    /// let mut builder = TraceBuilder::default();
    /// builder.push(Page(7));
    /// assert!(builder.free(Page(7)));
    /// assert!(!builder.free(Page(7)));
    /// builder.push(Page(7));
    /// // Another page with the old number: it comes with a cold fault.
    /// assert_eq!(builder.finish().in_use(2), 1);
    /// ```
    pub fn free(&mut self, page: Page) -> bool {
        let Some(id) = self.ids.get(page, &self.numbers).filter(|_| !self.overflowed) else {
            return false;
        };
        let freeing = self.freeing.get_or_insert_default();
        let place = id as usize;
        if freeing.is_free.get(place).copied().unwrap_or(false) {
            return false;
        }
        let before = freeing.is_free.len();
        freeing.is_free.resize(before.max(place + 1), false);
        let has_room = self.room.take((freeing.is_free.len() - before) as u64)
            && self.room.reserve(&mut freeing.runs, 1, usize::MAX)
            && self.room.reserve(&mut freeing.pages, 1, usize::MAX);
        if !has_room {
            self.outgrow();
            return false;
        }
        freeing.is_free[place] = true;
        freeing.runs.push(self.pages.len() as u32);
        freeing.pages.push(id);
        // What follows does not continue the run before.
        self.last = None;
        true
    }

    /// The guest frees the pages of these numbers. Returns how many of them were in use.
    pub fn free_range(&mut self, pages: RangeInclusive<u64>) -> u64 {
        let count = pages.end().saturating_sub(*pages.start());
        if count < self.numbers.len() as u64 {
            return pages.map(|page| u64::from(self.free(Page(page)))).sum();
        }
        let mut known: Vec<Page> =
            self.numbers.iter().copied().filter(|page| pages.contains(&page.0)).collect();
        known.sort_unstable();
        known.into_iter().map(|page| u64::from(self.free(page))).sum()
    }

    /// Adds a run of accesses of unknown kind.
    pub fn push_run(&mut self, page: Page, accesses: u64) {
        if accesses == 0 {
            return;
        }
        if self.accesses_max - self.heads.len() < accesses {
            self.refuse();
            return;
        }
        if accesses > LONG_RUN && !self.room.take(accesses / 8) {
            self.outgrow();
            return;
        }
        self.push(page);
        if !self.overflowed {
            self.heads.push_zeros(accesses - 1);
        }
    }

    /// Adds many accesses of unknown kind. Repeats of a page cost next to nothing.
    pub fn extend_u32(&mut self, pages: &[u32]) {
        self.extend_words(pages);
    }

    /// Adds many accesses of unknown kind. Repeats of a page cost next to nothing.
    pub fn extend_u64(&mut self, pages: &[u64]) {
        self.extend_words(pages);
    }

    fn extend_words<Word: Copy + Default + PartialEq + Into<u64>>(&mut self, pages: &[Word]) {
        let to_boundary = (64 - self.heads.len() as usize % 64) % 64;
        let (first, rest) = pages.split_at(to_boundary.min(pages.len()));
        for &page in first {
            self.push(Page(page.into()));
        }
        let mut blocks = rest.chunks_exact(64);
        for block in &mut blocks {
            let room = self.accesses_max - self.heads.len() >= 64
                && Self::RUNS_MAX - self.pages.len() >= 64
                && self.pages.capacity() - self.pages.len() >= 64
                && self.freeing.is_none();
            match self.last {
                Some(last) if room && !self.overflowed => self.extend_block(last, block),
                _ => block.iter().for_each(|&page| self.push(Page(page.into()))),
            }
        }
        blocks.remainder().iter().for_each(|&page| self.push(Page(page.into())));
    }

    /// Adds 64 accesses at a multiple of 64. Their run heads are found first, without branches.
    fn extend_block<Word: Copy + Default + PartialEq + Into<u64>>(
        &mut self,
        last: Page,
        block: &[Word],
    ) {
        let mut heads = u64::from(Page(block[0].into()) != last);
        for (at, pair) in block.windows(2).enumerate() {
            heads |= u64::from(pair[0] != pair[1]) << (at + 1);
        }
        self.heads.push_word(heads);
        let mut pages = [Word::default(); 64];
        let mut runs = 0;
        while heads != 0 {
            pages[runs] = block[heads.trailing_zeros() as usize];
            heads &= heads - 1;
            runs += 1;
        }
        // Look up all ids before checking any, so that the loads overlap.
        let pages = &pages[..runs];
        let mut ids = [NO_PAGE; 64];
        for (id, &page) in ids.iter_mut().zip(pages) {
            *id = self.ids.direct(page.into());
        }
        let ids = &ids[..runs];
        if ids.contains(&NO_PAGE) {
            for &page in pages {
                self.begin_run(Page(page.into()));
            }
        } else {
            self.pages.extend_from_slice(ids);
            self.last = Some(Page(block[63].into()));
        }
    }

    /// Appends access kinds, from the trace's first access on. When the trace is finished, there
    /// must be one kind per access.
    pub fn extend_kinds(&mut self, kinds: &[AccessKind]) {
        self.kinds.get_or_insert_default().extend(kinds);
    }

    /// Adds a run of accesses of one kind.
    pub(crate) fn push_run_kind(&mut self, page: Page, kind: AccessKind, accesses: u64) {
        let left = self.accesses_max - self.heads.len();
        if (LONG_RUN + 1..=left).contains(&accesses) && !self.room.take(accesses / 4) {
            self.outgrow();
            return;
        }
        self.push_run(page, accesses);
        if !self.overflowed {
            self.kinds.get_or_insert_default().push_many(kind, accesses);
        }
    }

    /// Marks the trace as reduced in this way.
    pub(crate) fn is_reduced(&mut self, reduction: Reduction) {
        self.reduction = Some(reduction);
    }

    /// Sets the time of all accesses added since the last call, in nanoseconds of the recording's
    /// clock. Either all accesses of a trace have a time, or none.
    ///
    /// ```
    /// use balloonist::trace::TraceBuilder;
    /// use balloonist::units::Page;
    /// let mut builder = TraceBuilder::default();
    /// for (time, page) in [(1_000, 7), (1_500, 8), (4_000, 7)] {
    ///     builder.push(Page(page));
    ///     builder.at(time);
    /// }
    /// let trace = builder.finish();
    /// assert_eq!(trace.times().unwrap().elapsed(2), 3_000);
    /// ```
    pub fn at(&mut self, time: u64) {
        let times = self.times.get_or_insert_default();
        while times.len() < self.heads.len() {
            self.backwards += u64::from(times.push(time));
        }
    }

    /// Sets when the recording began, if not at the first access: all VMs of a recording have the
    /// same beginning.
    pub fn since(&mut self, origin: u64) {
        self.times.get_or_insert_default().since(origin);
    }

    /// Whether any access has a time.
    pub(crate) fn has_times(&self) -> bool {
        self.times.as_ref().is_some_and(|times| !times.is_empty())
    }

    /// The number of accesses whose time was earlier than that of the access before; they have the
    /// earlier access's time.
    pub(crate) fn backwards(&self) -> u64 {
        self.backwards
    }

    /// Replaces the content by a whole trace, or by its first accesses up to the limit. The builder
    /// then takes no more accesses.
    pub(crate) fn adopt(&mut self, trace: Columns) {
        self.reduction = trace.reduction;
        if trace.accesses() > self.accesses_max {
            for at in 0..self.accesses_max {
                let page = trace.numbers[trace.page(at) as usize];
                match trace.kind(at) {
                    Some(kind) => self.push_kind(page, kind),
                    None => self.push(page),
                }
                if let Some(times) = &trace.times {
                    self.since(times.origin());
                    self.at(times.get(at));
                }
                for freed in trace.freed_after(at) {
                    self.free(trace.numbers[*freed as usize]);
                }
            }
            return self.refuse();
        }
        *self = Self {
            heads: trace.heads,
            pages: trace.pages,
            numbers: trace.numbers,
            first_runs: trace.first_runs,
            kinds: trace.kinds,
            times: trace.times,
            freeing: trace.frees.map(Freeing::from).map(Box::new),
            reduction: trace.reduction,
            ..Self::with_limit(0)
        };
        self.accesses_max = self.heads.len();
    }

    /// Makes room for more runs. If there is none, refuses all further accesses.
    #[cold]
    fn grow(&mut self) -> bool {
        let before = self.pages.capacity();
        let has_room = self.room.reserve(&mut self.pages, 1, Self::RUNS_MAX)
            && self.room.take((self.pages.capacity() - before) as u64 * self.beside_a_run());
        if !has_room {
            self.outgrow();
        }
        has_room
    }

    /// An estimate of the bytes per run besides its page id: its share of the distinct pages, and
    /// an access's kind and time.
    fn beside_a_run(&self) -> u64 {
        let runs = self.pages.len().max(1) as u64;
        let pages = (self.numbers.len() as u64 * PAGE).div_ceil(runs);
        pages + u64::from(self.kinds.is_some()) + 4 * u64::from(self.times.is_some())
    }

    #[cold]
    fn outgrow(&mut self) {
        self.outgrown = true;
        self.refuse();
    }

    #[cold]
    fn refuse(&mut self) {
        self.overflowed = true;
        self.accesses_max = self.heads.len();
    }

    #[inline(always)]
    fn begin_run(&mut self, page: Page) {
        let id = self.ids.intern(page, &mut self.numbers);
        if id as usize == self.first_runs.len() {
            self.first_runs.push(self.pages.len() as u32);
        }
        self.pages.push(id);
        self.last = Some(page);
        if let Some(freeing) = &mut self.freeing {
            freeing.uses(id);
        }
    }

    /// The number of accesses so far.
    pub fn accesses(&self) -> u64 {
        self.heads.len()
    }

    /// The number of accesses so far whose kind is known.
    pub(crate) fn kinds_known(&self) -> u64 {
        self.kinds.as_ref().map_or(0, Kinds::len)
    }

    /// Whether an access was refused because the trace reached its limit or
    /// [`RUNS_MAX`](Self::RUNS_MAX). All later accesses are refused too.
    pub fn overflowed(&self) -> bool {
        self.overflowed
    }

    /// Whether an access was refused because the [`Room`] was full.
    pub(crate) fn outgrown(&self) -> bool {
        self.outgrown
    }

    /// Accepts the accesses so far as the trace, although others were refused.
    pub(crate) fn cut(&mut self) {
        self.overflowed = false;
    }

    /// The trace.
    ///
    /// # Panics
    /// If some accesses had a kind or a time and others had none, or if an access was refused.
    pub fn finish(self) -> Trace {
        Trace::from(self.columns())
    }

    /// The trace's columns.
    pub(super) fn columns(mut self) -> Columns {
        assert!(!self.overflowed, "the trace has more accesses or runs than allowed");
        let kinds = self.kinds.as_ref().map_or(self.heads.len(), Kinds::len);
        assert_eq!(kinds, self.heads.len(), "some accesses have no kind");
        let times = self.times.as_ref().map_or(self.heads.len(), Times::len);
        assert_eq!(times, self.heads.len(), "some accesses have no time");
        self.heads.finish();
        self.pages.shrink_to_fit();
        self.numbers.shrink_to_fit();
        self.first_runs.shrink_to_fit();
        let frees = self.freeing.filter(|freeing| !freeing.runs.is_empty()).map(|freeing| {
            let Freeing { runs, pages, .. } = *freeing;
            let frees = Frees::of(runs, pages, &self.pages, &self.first_runs);
            frees.expect("only pages in use were freed")
        });
        Columns {
            heads: self.heads,
            pages: self.pages,
            numbers: self.numbers,
            first_runs: self.first_runs,
            kinds: self.kinds,
            times: self.times,
            frees,
            reduction: self.reduction,
        }
    }
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
}

#[cfg(test)]
mod tests;
