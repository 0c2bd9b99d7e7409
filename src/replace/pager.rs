//! What a host's pager must do; every [`Algorithm`] can.

use super::algorithm::{Accesses, Algorithm, Touch};
use crate::trace::PageId;

/// Picks which pages of a guest's memory are backed with frames.
pub trait Pager: Send {
    /// Makes room for the pages below `pages`.
    fn make_room(&mut self, pages: usize);

    /// The guest uses a page at this position of its trace, and a frame must back it. Returns
    /// whether one did; appends the pages that lose theirs to `taken`.
    fn back(&mut self, page: PageId, position: u64, taken: &mut Vec<PageId>) -> bool;

    /// The guest uses the page `times` more times, from this position on.
    fn again(&mut self, page: PageId, position: u64, times: u64);

    /// The page is no longer in the guest's memory; its frame, if it has one, is empty.
    fn release(&mut self, page: PageId);

    /// Sets the number of frames; appends the pages that lose theirs to `taken`.
    fn resize(&mut self, frames: u64, taken: &mut Vec<PageId>);

    /// The number of pages that are backed.
    fn backed(&self) -> u64;

    /// Checks what must always hold.
    fn audit(&self);
}

impl<A: Algorithm> Pager for A {
    fn make_room(&mut self, pages: usize) {
        Accesses::make_room(self, pages);
    }

    fn back(&mut self, page: PageId, position: u64, taken: &mut Vec<PageId>) -> bool {
        match self.touch(page, position) {
            Touch::Hit => return true,
            Touch::Fill => {}
            Touch::Replacement(victim) => taken.push(victim),
            Touch::Reclaimed => taken.extend_from_slice(self.reclaimed()),
        }
        false
    }

    fn again(&mut self, page: PageId, position: u64, times: u64) {
        Accesses::again(self, page, position, times);
    }

    fn release(&mut self, page: PageId) {
        self.free(page);
    }

    fn resize(&mut self, frames: u64, taken: &mut Vec<PageId>) {
        Algorithm::resize(self, frames, |page| taken.push(page));
    }

    fn backed(&self) -> u64 {
        self.resident()
    }

    fn audit(&self) {
        Algorithm::audit(self);
    }
}
