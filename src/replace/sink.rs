//! The fault stream: what an algorithm does with the frames of its VM, told in order.
//!
//! An algorithm tells a [`Sink`] of each page that comes into a frame and of each that leaves one.
//! Every sink is compiled into the loop of every algorithm, and which loop runs is decided once a
//! stretch: [`Null`] where nobody listens, at no cost, or else [`Dirty`], a recorder of
//! [`FrameEvent`]s, or both. What will stand behind a guest's frames belongs here too: a tier gets
//! the victims and is asked at faults; a pager of the host and shared contents see
//! [`used`](Sink::used) as well.

use std::ops::Range;
use std::sync::Arc;

use crate::trace::{AccessKind, PageId, Trace};

/// What an algorithm did with a frame. Positions are those of accesses in the VM's trace.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum FrameEvent {
    /// A demand fault: the access at this position brought the page into an empty frame.
    Fill {
        /// The access that faulted.
        position: u64,
        /// The page that came.
        page: PageId,
    },
    /// A replacement miss: the access at this position brought the page into the victim's frame.
    Replacement {
        /// The access that faulted.
        position: u64,
        /// The page that came.
        page: PageId,
        /// The page that left.
        victim: PageId,
    },
    /// A shrink took this page out of its frame.
    Eviction {
        /// The page that left.
        page: PageId,
    },
}

impl FrameEvent {
    /// The page that left its frame, if one did.
    pub fn evicted(self) -> Option<PageId> {
        match self {
            Self::Fill { .. } => None,
            Self::Replacement { victim: page, .. } | Self::Eviction { page } => Some(page),
        }
    }
}

/// Is told what an algorithm does, while it does it.
pub(super) trait Sink {
    /// A page came into a frame or left one. Returns how many dirty pages, 0 or 1, were written
    /// back for that.
    fn tell(&mut self, event: FrameEvent) -> u64;

    /// These accesses, positions in the trace, used the page, which is resident. Called for every
    /// stretch of accesses to one page, after any fault of the first of them.
    fn used(&mut self, page: PageId, accesses: Range<u64>);
}

/// Nobody listens.
pub(super) struct Null;

impl Sink for Null {
    #[inline(always)]
    fn tell(&mut self, _: FrameEvent) -> u64 {
        0
    }

    #[inline(always)]
    fn used(&mut self, _: PageId, _: Range<u64>) {}
}

/// The recorder: keeps the events in order.
impl Sink for Vec<FrameEvent> {
    fn tell(&mut self, event: FrameEvent) -> u64 {
        self.push(event);
        0
    }

    fn used(&mut self, _: PageId, _: Range<u64>) {}
}

/// Which resident pages were written since they came into their frame.
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
    /// A dirty page is written back when it leaves.
    fn tell(&mut self, event: FrameEvent) -> u64 {
        let evicted = event.evicted();
        evicted.map_or(0, |page| u64::from(std::mem::take(&mut self.pages[page as usize])))
    }

    /// An access of unknown kind does not write.
    fn used(&mut self, page: PageId, mut accesses: Range<u64>) {
        let dirty = &mut self.pages[page as usize];
        *dirty |= accesses.any(|at| self.trace.kind(at).is_some_and(AccessKind::writes));
    }
}

/// A sink that may be missing.
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
}

/// Two sinks, told the same.
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
}
