//! What a guest does to its pages, as a host that shares them must know it: which are in frames,
//! which were written, and which of those in shared frames were written or left.
//!
//! [`SharedPages`] is a [`Sink`]: it hears what the guest's algorithm does with its memory.
//! `simulate/sharing.rs` says which pages share, takes the list of those that no longer do, and
//! decides what that costs. Where frames are scarce, a stretch ends before an access that could
//! need one (*Meets* in `share/mod.rs`), so that VMs make such accesses in their order.

use std::ops::Range;
use std::sync::Arc;

use super::algorithm::grow;
use super::sink::{Dirty, Sink};
use super::{Counts, FrameEvent, Guest};
use crate::trace::{AccessKind, PageId, Trace};
use crate::units::Ticks;

/// Bits of a page's state.
const RESIDENT: u8 = 1;
/// It is in the table of shared frames.
const SHARED: u8 = 2;
/// It was written, so that nothing else holds what it holds.
const WRITTEN: u8 = 4;

/// How a page stopped sharing.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Parted {
    /// It was written, and so copied.
    Written(PageId),
    /// It was evicted or freed.
    Gone(PageId),
}

/// What a host that shares knows of a guest's pages.
pub struct SharedPages {
    trace: Arc<Trace>,
    /// The dirty pages, if write-backs are counted.
    disk: Option<Dirty>,
    /// The state of each page.
    pages: Vec<u8>,
    /// The place of each page in the order of the trace's numbers, and the page at each place.
    places: Vec<u32>,
    order: Vec<PageId>,
    /// A bit for each place whose page is resident.
    resident: Vec<u64>,
    /// How many pages are resident and how many the guest may have.
    count: u64,
    frames: u64,
    /// How many pages share.
    shared: u64,
    /// Whether a stretch ends before an access that could need a free frame.
    is_scarce: bool,
    parted: Vec<Parted>,
    /// Writes to shared pages, and shared pages that left, so far.
    copies: u64,
    hollow: u64,
    /// The ticks that a copy takes, and those not yet charged.
    copy: Ticks,
    waited: u64,
}

impl SharedPages {
    /// The pages of a guest that has used none.
    pub(super) fn new(guest: &Guest<'_>, copy: Ticks) -> Self {
        let numbers = guest.trace.numbers();
        let mut order: Vec<PageId> = (0..numbers.len() as PageId).collect();
        order.sort_unstable_by_key(|&page| numbers[page as usize]);
        let mut places = vec![0; order.len()];
        for (place, &page) in (0..).zip(&order) {
            places[page as usize] = place;
        }
        Self {
            trace: Arc::clone(guest.trace),
            disk: guest.counts_write_backs.then(|| Dirty::new(guest.trace)),
            pages: Vec::new(),
            resident: vec![0; order.len().div_ceil(64)],
            places,
            order,
            count: 0,
            frames: guest.frames.0,
            shared: 0,
            is_scarce: false,
            parted: Vec::new(),
            copies: 0,
            hollow: 0,
            copy,
            waited: 0,
        }
    }

    /// The guest may have so many pages from now on.
    pub(super) fn set_frames(&mut self, frames: u64) {
        self.frames = frames;
    }

    /// Says whether the next stretches end before accesses that could need free frames.
    pub(crate) fn set_scarce(&mut self, is_scarce: bool) {
        self.is_scarce = is_scarce;
    }

    /// The page is in the table of shared frames from now on.
    pub(crate) fn share(&mut self, page: PageId) {
        debug_assert!(self.is(page, RESIDENT) && !self.is(page, WRITTEN | SHARED));
        self.pages[page as usize] |= SHARED;
        self.shared += 1;
    }

    /// All pages leave, because the guest departs; none is noted as one that stopped sharing.
    pub(crate) fn clear(&mut self) {
        self.pages.fill(0);
        self.resident.fill(0);
        (self.count, self.shared) = (0, 0);
    }

    /// Takes the pages that stopped sharing, in order.
    pub(crate) fn take_parted(&mut self, into: &mut Vec<Parted>) {
        into.append(&mut self.parted);
    }

    /// How many writes to shared pages there were, and how many shared pages left.
    pub(crate) fn counts(&self) -> [u64; 2] {
        [self.copies, self.hollow]
    }

    /// The first resident page from this place on, in the order of numbers, and its place.
    pub(crate) fn next(&self, from: usize) -> Option<(usize, PageId)> {
        let mut at = from / 64;
        let mut word = *self.resident.get(at)? & (!0 << (from % 64));
        while word == 0 {
            at += 1;
            word = *self.resident.get(at)?;
        }
        let place = at * 64 + word.trailing_zeros() as usize;
        Some((place, self.order[place]))
    }

    /// How many pages are resident.
    pub(crate) fn count(&self) -> u64 {
        self.count
    }

    /// The resident page with so many before it in the order of numbers; there is one.
    pub(crate) fn nth(&self, nth: u64) -> PageId {
        let mut left = nth;
        for (at, &word) in self.resident.iter().enumerate() {
            let here = u64::from(word.count_ones());
            if left < here {
                // The lowest bits are taken away, as many as pages are before it.
                let rest = (0..left).fold(word, |word, _| word & (word - 1));
                return self.order[at * 64 + rest.trailing_zeros() as usize];
            }
            left -= here;
        }
        panic!("page {nth} of {} resident ones", self.count);
    }

    /// Whether the page is in a frame.
    pub(crate) fn is_resident(&self, page: PageId) -> bool {
        self.is(page, RESIDENT)
    }

    /// Whether the page was written.
    pub(crate) fn is_written(&self, page: PageId) -> bool {
        self.is(page, WRITTEN)
    }

    fn is(&self, page: PageId, bits: u8) -> bool {
        self.pages.get(page as usize).is_some_and(|state| state & bits != 0)
    }

    fn load(&mut self, page: PageId) {
        self.pages[page as usize] |= RESIDENT;
        self.flip(page);
        self.count += 1;
    }

    fn leave(&mut self, page: PageId) {
        self.pages[page as usize] &= !RESIDENT;
        self.flip(page);
        self.count -= 1;
        if self.stop_sharing(page) {
            self.hollow += 1;
            self.parted.push(Parted::Gone(page));
        }
    }

    fn flip(&mut self, page: PageId) {
        let place = self.places[page as usize] as usize;
        self.resident[place / 64] ^= 1 << (place % 64);
    }

    fn stop_sharing(&mut self, page: PageId) -> bool {
        let was_shared = self.is(page, SHARED);
        if was_shared {
            self.pages[page as usize] &= !SHARED;
            self.shared -= 1;
        }
        was_shared
    }

    fn writes(&self, accesses: &Range<u64>) -> Option<u64> {
        let writes = |&at: &u64| self.trace.kind(at).is_some_and(AccessKind::writes);
        accesses.clone().find(writes)
    }
}

impl Sink for SharedPages {
    fn make_room(&mut self, pages: usize) {
        grow(&mut self.pages, pages, 0);
    }

    fn tell(&mut self, event: FrameEvent) -> u64 {
        match event {
            FrameEvent::Fill { page, .. } => self.load(page),
            FrameEvent::Replacement { page, victim, .. } => {
                self.leave(victim);
                self.load(page);
            }
            FrameEvent::Eviction { page } | FrameEvent::Free { page } => self.leave(page),
        }
        self.disk.as_mut().map_or(0, |disk| disk.tell(event))
    }

    fn used(&mut self, page: PageId, accesses: Range<u64>) {
        if !self.is(page, WRITTEN) && self.writes(&accesses).is_some() {
            self.pages[page as usize] |= WRITTEN;
            if self.stop_sharing(page) {
                self.copies += 1;
                self.parted.push(Parted::Written(page));
                self.waited += self.copy.0;
            }
        }
        if let Some(disk) = &mut self.disk {
            disk.used(page, accesses);
        }
    }

    /// Where frames are scarce, before a shared page is written or freed, or may be the victim of a
    /// fault; else after a copy that takes time.
    fn alone(&self, page: PageId, accesses: Range<u64>) -> Option<u64> {
        let writes = if self.is(page, SHARED) { self.writes(&accesses) } else { None };
        let copies = self.copy > Ticks(0);
        if !self.is_scarce || self.shared == 0 {
            return writes.filter(|_| copies).map(|write| write + 1 - accesses.start);
        }
        if !self.is(page, RESIDENT) && self.count >= self.frames {
            return Some(0);
        }
        // What is freed after an access takes effect with it.
        let next = self.trace.next_free(accesses.start);
        let frees = |at: u64| self.trace.freed_after(at).iter().any(|&page| self.is(page, SHARED));
        let freed = (next <= accesses.end && frees(next - 1)).then(|| next - 1);
        let first = writes.into_iter().chain(freed).min();
        first.map(|at| at - accesses.start)
    }

    fn takes_time(&self) -> bool {
        self.copy > Ticks(0)
    }

    fn charge(&mut self, counts: &mut Counts) {
        counts.waited += std::mem::take(&mut self.waited);
    }
}
