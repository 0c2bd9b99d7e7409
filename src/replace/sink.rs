//! The fault stream: what an algorithm does with its VM's frames, in order.
//!
//! An algorithm reports each page that enters a frame and each that leaves one to a [`Sink`]. The
//! loop over accesses is compiled for each sink: for [`Null`], which costs nothing, and for each
//! variant of [`Beneath`](super::beneath::Beneath) together with a recorder of [`FrameEvent`]s.
//! Which of them runs is decided once per stretch. A second tier that takes victims and serves
//! faults would be another variant.

use std::ops::Range;
use std::sync::Arc;

use super::Counts;
use crate::trace::{AccessKind, PageId, Trace};

/// What an algorithm did with a frame. Positions are those of accesses in the VM's trace.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum FrameEvent {
    /// A demand fault that filled an empty frame, be it one that an [`Eviction`](Self::Eviction)
    /// emptied before.
    Fill {
        /// The access that faulted.
        position: u64,
        /// The page that was loaded.
        page: PageId,
    },
    /// A replacement miss: a demand fault that evicted the victim and took its frame.
    Replacement {
        /// The access that faulted.
        position: u64,
        /// The page that was loaded.
        page: PageId,
        /// The page that was evicted.
        victim: PageId,
    },
    /// The page was evicted because the allocation shrank, or with others at once to make room for
    /// several faults.
    Eviction {
        /// The page that was evicted.
        page: PageId,
    },
    /// The guest freed a resident page: its frame is empty, and nothing is written back.
    Free {
        /// The page that was freed.
        page: PageId,
    },
}

impl FrameEvent {
    /// The page that was evicted, if any.
    pub fn evicted(self) -> Option<PageId> {
        match self {
            Self::Fill { .. } | Self::Free { .. } => None,
            Self::Replacement { victim: page, .. } | Self::Eviction { page } => Some(page),
        }
    }
}

/// Receives an algorithm's frame events.
pub(super) trait Sink {
    /// A page entered a frame, left one, or both. Returns the number of dirty pages, 0 or 1, that
    /// had to be written back.
    fn tell(&mut self, event: FrameEvent) -> u64;

    /// The accesses at these positions of the trace used the page, which is resident. Called for
    /// each series of accesses to one page, after the fault of the first access, if it faulted.
    fn used(&mut self, page: PageId, accesses: Range<u64>);

    /// Called before a stretch, which touches only pages below `pages`.
    #[inline(always)]
    fn make_room(&mut self, _pages: usize) {}

    /// The access at this position, the first of a series to one page, found its page in the
    /// guest's memory.
    #[inline(always)]
    fn hit(&mut self, _page: PageId, _position: u64) {}

    /// The guest frees a page, in its memory or not; called before [`FrameEvent::Free`].
    #[inline(always)]
    fn freed(&mut self, _page: PageId) {}

    /// How many of these accesses to one page can be made before the stretch must end; `None` if it
    /// need not. Called before the page is touched. The first access of a stretch is made in any
    /// case.
    #[inline(always)]
    fn alone(&self, _page: PageId, _accesses: Range<u64>) -> Option<u64> {
        None
    }

    /// Whether it may cost ticks beside those of [`Delays`](super::Delays).
    #[inline(always)]
    fn takes_time(&self) -> bool {
        false
    }

    /// Adds to `counts` what it found and what that cost since the last call.
    #[inline(always)]
    fn charge(&mut self, _counts: &mut Counts) {}
}

/// Ignores everything.
pub(super) struct Null;

impl Sink for Null {
    #[inline(always)]
    fn tell(&mut self, _: FrameEvent) -> u64 {
        0
    }

    #[inline(always)]
    fn used(&mut self, _: PageId, _: Range<u64>) {}
}

/// Records the events in order.
impl Sink for Vec<FrameEvent> {
    fn tell(&mut self, event: FrameEvent) -> u64 {
        self.push(event);
        0
    }

    fn used(&mut self, _: PageId, _: Range<u64>) {}
}

/// Tracks which resident pages were written since they were loaded.
pub(super) struct Dirty {
    trace: Arc<Trace>,
    pages: Vec<bool>,
}

impl Dirty {
    /// No page is dirty.
    pub(super) fn new(trace: &Arc<Trace>) -> Self {
        Self { trace: Arc::clone(trace), pages: vec![false; trace.distinct_pages()] }
    }
}

impl Sink for Dirty {
    /// A dirty page is written back when it leaves, unless it was freed.
    fn tell(&mut self, event: FrameEvent) -> u64 {
        if let FrameEvent::Free { page } = event {
            self.pages[page as usize] = false;
        }
        let evicted = event.evicted();
        evicted.map_or(0, |page| u64::from(std::mem::take(&mut self.pages[page as usize])))
    }

    /// An access of unknown kind does not write.
    fn used(&mut self, page: PageId, mut accesses: Range<u64>) {
        let dirty = &mut self.pages[page as usize];
        *dirty |= accesses.any(|at| self.trace.kind(at).is_some_and(AccessKind::writes));
    }
}

/// A sink that is lent.
impl<S: Sink> Sink for &mut S {
    #[inline(always)]
    fn tell(&mut self, event: FrameEvent) -> u64 {
        (**self).tell(event)
    }

    #[inline(always)]
    fn used(&mut self, page: PageId, accesses: Range<u64>) {
        (**self).used(page, accesses);
    }

    #[inline(always)]
    fn make_room(&mut self, pages: usize) {
        (**self).make_room(pages);
    }

    #[inline(always)]
    fn hit(&mut self, page: PageId, position: u64) {
        (**self).hit(page, position);
    }

    #[inline(always)]
    fn freed(&mut self, page: PageId) {
        (**self).freed(page);
    }

    #[inline(always)]
    fn alone(&self, page: PageId, accesses: Range<u64>) -> Option<u64> {
        (**self).alone(page, accesses)
    }

    #[inline(always)]
    fn takes_time(&self) -> bool {
        (**self).takes_time()
    }

    #[inline(always)]
    fn charge(&mut self, counts: &mut Counts) {
        (**self).charge(counts);
    }
}

/// An optional sink.
impl<S: Sink> Sink for Option<&mut S> {
    #[inline(always)]
    fn tell(&mut self, event: FrameEvent) -> u64 {
        self.as_mut().map_or(0, |sink| sink.tell(event))
    }

    #[inline(always)]
    fn used(&mut self, page: PageId, accesses: Range<u64>) {
        if let Some(sink) = self {
            sink.used(page, accesses);
        }
    }

    #[inline(always)]
    fn make_room(&mut self, pages: usize) {
        if let Some(sink) = self {
            sink.make_room(pages);
        }
    }

    #[inline(always)]
    fn hit(&mut self, page: PageId, position: u64) {
        if let Some(sink) = self {
            sink.hit(page, position);
        }
    }

    #[inline(always)]
    fn freed(&mut self, page: PageId) {
        if let Some(sink) = self {
            sink.freed(page);
        }
    }

    #[inline(always)]
    fn alone(&self, page: PageId, accesses: Range<u64>) -> Option<u64> {
        self.as_deref()?.alone(page, accesses)
    }

    #[inline(always)]
    fn takes_time(&self) -> bool {
        self.as_deref().is_some_and(Sink::takes_time)
    }

    #[inline(always)]
    fn charge(&mut self, counts: &mut Counts) {
        if let Some(sink) = self {
            sink.charge(counts);
        }
    }
}

/// Two sinks that receive the same events.
impl<A: Sink, B: Sink> Sink for (A, B) {
    #[inline(always)]
    fn tell(&mut self, event: FrameEvent) -> u64 {
        self.0.tell(event) + self.1.tell(event)
    }

    #[inline(always)]
    fn used(&mut self, page: PageId, accesses: Range<u64>) {
        self.0.used(page, accesses.clone());
        self.1.used(page, accesses);
    }

    #[inline(always)]
    fn make_room(&mut self, pages: usize) {
        self.0.make_room(pages);
        self.1.make_room(pages);
    }

    #[inline(always)]
    fn hit(&mut self, page: PageId, position: u64) {
        self.0.hit(page, position);
        self.1.hit(page, position);
    }

    #[inline(always)]
    fn freed(&mut self, page: PageId) {
        self.0.freed(page);
        self.1.freed(page);
    }

    #[inline(always)]
    fn alone(&self, page: PageId, accesses: Range<u64>) -> Option<u64> {
        let both = [self.0.alone(page, accesses.clone()), self.1.alone(page, accesses)];
        both.into_iter().flatten().min()
    }

    #[inline(always)]
    fn takes_time(&self) -> bool {
        self.0.takes_time() || self.1.takes_time()
    }

    #[inline(always)]
    fn charge(&mut self, counts: &mut Counts) {
        self.0.charge(counts);
        self.1.charge(counts);
    }
}
