//! Host paging beneath a guest's algorithm: which pages of its memory a frame backs.
//!
//! [`HostPager`] is a [`Sink`]: it hears what the guest's algorithm does with its memory and which
//! pages it uses, and asks its [`Pager`], another algorithm of the list, which pages lose their
//! frames. `reclaim/paging.rs` has the idea and the sources.

use std::sync::Arc;

use super::algorithm::grow;
use super::pager::Pager;
use super::sink::Sink;
use super::{Backing, Counts, FrameEvent, Guest};
use crate::reclaim::{PagingCounts, Swapper};
use crate::trace::{AccessKind, PageId, Trace};
use crate::units::Frames;

/// Bits of a page's state.
const BACKED: u8 = 1;
/// It differs from the guest's disk.
const DIRTY: u8 = 2;
/// The host's swap space holds it as it is.
const COPIED: u8 = 4;
/// The guest has used it, and has not freed it since.
const USED: u8 = 8;

/// The host's pager at work beneath one guest.
pub(super) struct HostPager {
    trace: Arc<Trace>,
    pager: Box<dyn Pager>,
    swapper: Swapper,
    /// The ticks of a read and of a write.
    ticks: [u64; 2],
    /// The state of each page.
    pages: Vec<u8>,
    faults: u64,
    counts: PagingCounts,
    /// Host faults and ticks when they were last charged to a stretch.
    charged: [u64; 2],
    /// The position of the last access.
    position: u64,
    // Kept to reuse its memory.
    taken: Vec<PageId>,
}

impl HostPager {
    /// A pager whose guest has used no page.
    pub(super) fn new(guest: &Guest<'_>, backing: &Backing<'_>) -> Self {
        let Backing { paging, frames, draw } = *backing;
        let beneath = Guest { frames, draw, counts_write_backs: false, backing: None, ..*guest };
        Self {
            trace: Arc::clone(guest.trace),
            pager: (paging.pager.build)(&paging.settings, &beneath).into_pager(),
            swapper: paging.swapper,
            ticks: [paging.read.0, paging.write.0],
            pages: Vec::new(),
            faults: 0,
            counts: PagingCounts::default(),
            charged: [0, 0],
            position: 0,
            taken: Vec::new(),
        }
    }

    pub(super) fn counts(&self) -> &PagingCounts {
        &self.counts
    }

    /// The pages that a frame backs.
    pub(super) fn backed(&self) -> Frames {
        Frames(self.pager.backed())
    }

    /// The ticks that reads and writes have cost so far.
    pub(super) fn waited(&self) -> u64 {
        self.counts.reads * self.ticks[0] + self.counts.writes * self.ticks[1]
    }

    /// Sets the number of frames. Whoever resizes it charges what that costs.
    pub(super) fn resize(&mut self, frames: Frames) {
        let before = self.waited();
        self.pager.resize(frames.0, &mut self.taken);
        self.note_taken();
        self.charged[1] += self.waited() - before;
    }

    /// [`tell`](Sink::tell) between stretches. Whoever makes the guest evict charges the costs.
    pub(super) fn tell_between(&mut self, event: FrameEvent) -> u64 {
        let before = self.waited();
        let write_backs = self.tell(event);
        self.charged[1] += self.waited() - before;
        write_backs
    }

    /// A frame backs the page from now on. Returns whether one did.
    fn back(&mut self, page: PageId) -> bool {
        let was_backed = self.pager.back(page, self.position, &mut self.taken);
        debug_assert_eq!(was_backed, self.is(page, BACKED), "both know which pages are backed");
        self.pages[page as usize] |= BACKED;
        self.note_taken();
        was_backed
    }

    /// The host takes the frames of pages: a naive swapper writes all but exact copies.
    fn note_taken(&mut self) {
        for page in self.taken.drain(..) {
            let state = &mut self.pages[page as usize];
            let is_dirty = *state & DIRTY != 0;
            *state &= !BACKED;
            if *state & COPIED == 0 && (is_dirty || self.swapper == Swapper::Naive) {
                *state |= COPIED;
                self.counts.writes += 1;
                self.counts.silent_writes += u64::from(!is_dirty);
            }
        }
    }

    /// The page leaves the guest's memory. If it is dirty and no frame backs it, it comes in only
    /// to be written to the guest's disk. Returns whether it is dirty.
    fn evict(&mut self, page: PageId) -> bool {
        let is_dirty = self.is(page, DIRTY);
        if is_dirty && !self.is(page, BACKED) {
            self.counts.double_pagings += 1;
            self.counts.reads += 1;
            self.back(page);
        }
        is_dirty
    }

    /// The page is no longer in the guest's memory. Returns whether a frame backed it.
    fn release(&mut self, page: PageId) -> bool {
        let was_backed = self.is(page, BACKED);
        if was_backed {
            self.pager.release(page);
        }
        self.pages[page as usize] &= USED;
        was_backed
    }

    /// The guest loads a page into its memory.
    fn load(&mut self, page: PageId) {
        self.back(page);
        self.pages[page as usize] |= USED;
    }

    fn is(&self, page: PageId, bit: u8) -> bool {
        self.pages[page as usize] & bit != 0
    }

    /// Checks what must always hold.
    pub(super) fn audit(&self) {
        self.pager.audit();
        let backed = self.pages.iter().filter(|&&state| state & BACKED != 0).count() as u64;
        assert_eq!(backed, self.pager.backed(), "the pager's pages are those that are backed");
    }
}

impl Sink for HostPager {
    fn make_room(&mut self, pages: usize) {
        grow(&mut self.pages, pages, 0);
        self.pager.make_room(pages);
    }

    fn tell(&mut self, event: FrameEvent) -> u64 {
        match event {
            FrameEvent::Fill { position, page } => {
                self.position = position;
                self.load(page);
                0
            }
            FrameEvent::Replacement { position, page, victim } => {
                self.position = position;
                let is_dirty = self.evict(victim);
                // The page takes the victim's place in the guest's memory, and its frame. Without a
                // frame, the host brings in what is about to be overwritten, unless it knows that.
                if !self.release(victim) && self.swapper == Swapper::Naive {
                    self.counts.reads += 1;
                    let stale = self.is(page, USED);
                    self.counts.stale_reads += u64::from(stale);
                    self.counts.false_reads += u64::from(!stale);
                }
                self.load(page);
                u64::from(is_dirty)
            }
            FrameEvent::Eviction { page } => {
                let is_dirty = self.evict(page);
                self.release(page);
                u64::from(is_dirty)
            }
            FrameEvent::Free { page } => {
                self.release(page);
                0
            }
        }
    }

    fn hit(&mut self, page: PageId, position: u64) {
        self.position = position;
        if !self.back(page) {
            self.faults += 1;
            self.counts.reads += 1;
        }
    }

    fn used(&mut self, page: PageId, mut accesses: std::ops::Range<u64>) {
        let times = accesses.end - accesses.start;
        if times > 1 {
            self.pager.again(page, accesses.start + 1, times - 1);
        }
        if accesses.any(|at| self.trace.kind(at).is_some_and(AccessKind::writes)) {
            let state = &mut self.pages[page as usize];
            *state = (*state | DIRTY) & !COPIED;
        }
    }

    fn freed(&mut self, page: PageId) {
        if let Some(state) = self.pages.get_mut(page as usize) {
            *state &= !USED;
        }
    }

    fn takes_time(&self) -> bool {
        self.ticks != [0, 0]
    }

    fn charge(&mut self, counts: &mut Counts) {
        let now = [self.faults, self.waited()];
        let [faults, waited] = std::mem::replace(&mut self.charged, now);
        counts.found.host_swap += now[0] - faults;
        counts.waited += now[1] - waited;
    }
}
