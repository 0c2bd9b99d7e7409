//! What a replacement algorithm that decides page by page is: [`Accesses`] says what it does with
//! each access, [`Algorithm`] what else it can be told and asked. `replace/paged.rs` drives it.

use super::{Counts, List};
use crate::trace::PageId;

/// What one access did.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Touch {
    /// The page was resident.
    Hit,
    /// The page was not resident and went into an empty frame.
    Fill,
    /// The page was not resident and replaced this one.
    Replacement(PageId),
    /// The page was not resident and went into a frame that was emptied by evicting several pages
    /// at once, for this fault or for one before it.
    Reclaimed,
}

/// What an algorithm does at each access.
pub trait Accesses {
    /// Called before a stretch, which touches only pages below `pages`. Pages are numbered in the
    /// order of their first use, so state grows with the pages that the VM has touched.
    fn make_room(&mut self, _pages: usize) {}

    /// Makes the first access of a run or of a stretch, at this position of the trace.
    fn touch(&mut self, page: PageId, position: u64) -> Touch;

    /// The pages evicted by the last touch, in order, if that was [`Touch::Reclaimed`]; none if the
    /// frame was emptied before.
    fn reclaimed(&self) -> &[PageId] {
        &[]
    }

    /// The guest frees a page: it leaves all lists, of ghosts too, as if it had never been used.
    /// Its frame, if it has one, is empty. Returns whether it had one.
    fn free(&mut self, page: PageId) -> bool;

    /// Makes `times` further accesses to the page touched last, the first of them at this position.
    /// All of them hit.
    fn again(&mut self, _page: PageId, _position: u64, _times: u64) {}

    /// Whether accesses may cost ticks beside those of [`Delays`](super::Delays).
    fn takes_time(&self) -> bool {
        false
    }

    /// Adds to `counts` what the last access cost beside its faults.
    fn charge(&mut self, _counts: &mut Counts) {}

    /// Announces the pages that will be touched next. Changes no state; an algorithm may prefetch
    /// entries of large arrays here, so that their cache misses overlap.
    fn read_ahead(&self, _pages: &[PageId]) {}
}

/// A replacement algorithm that decides page by page.
pub trait Algorithm: Accesses + Send {
    /// Sets the allocation, at least 1 frame, and calls `evicted` with each page that no longer
    /// fits, in order of eviction.
    fn resize(&mut self, frames: u64, evicted: impl FnMut(PageId));

    /// The number of resident pages.
    fn resident(&self) -> u64;

    /// Its lists, those of resident pages first.
    fn lists(&self) -> Vec<List>;

    /// Re-derives every count and walks every link; for tests.
    ///
    /// # Panics
    /// If its state contradicts itself.
    fn audit(&self);
}

/// Extends a per-page array to at least `pages` entries.
pub(super) fn grow<T: Clone>(entries: &mut Vec<T>, pages: usize, absent: T) {
    if pages > entries.len() {
        entries.resize(pages, absent);
    }
}
