//! LRU as a list, for a host's pager: the pages that it backs are not the first of its guest's
//! stack when the guest runs another algorithm, so [`lru`](super::lru) cannot serve.

use super::links::Links;
use super::pager::Pager;
use crate::trace::PageId;

/// Pages by last use.
pub(super) struct LruList {
    /// The backed pages, the most recently used in front.
    list: Links,
    backed: u64,
    frames: u64,
}

impl LruList {
    /// An empty list of at most this many pages.
    pub(super) fn new(frames: u64) -> Self {
        Self { list: Links::new(1), backed: 0, frames }
    }

    /// Takes the oldest pages until they fit beside `more`.
    fn fit(&mut self, more: u64, taken: &mut Vec<PageId>) {
        while self.backed + more > self.frames {
            taken.push(self.list.pop_back(0).expect("backed pages are on the list"));
            self.backed -= 1;
        }
    }
}

impl Pager for LruList {
    fn make_room(&mut self, pages: usize) {
        self.list.make_room(pages);
    }

    fn back(&mut self, page: PageId, _: u64, taken: &mut Vec<PageId>) -> bool {
        let was_backed = self.list.contains(page);
        if was_backed {
            self.list.remove(page);
        } else {
            self.fit(1, taken);
            self.backed += 1;
        }
        self.list.push_front(0, page);
        was_backed
    }

    fn again(&mut self, _: PageId, _: u64, _: u64) {}

    fn release(&mut self, page: PageId) {
        self.list.remove(page);
        self.backed -= 1;
    }

    fn resize(&mut self, frames: u64, taken: &mut Vec<PageId>) {
        self.frames = frames;
        self.fit(0, taken);
    }

    fn backed(&self) -> u64 {
        self.backed
    }

    fn audit(&self) {
        assert_eq!(self.list.audit(), [self.backed as usize], "backed pages are on the list");
        assert!(self.backed <= self.frames, "no more pages than frames");
    }
}
