//! A queue of pages that can leave from anywhere, for algorithms that otherwise take them from its
//! front alone.
//!
//! A page that leaves is not searched: its entry stays and is passed over when it comes to the
//! front. Pages enter at the end only, so of several entries of a page the older ones are those
//! that have left.

use std::collections::VecDeque;

use crate::random::Map;
use crate::trace::PageId;

/// Pages, oldest first.
#[derive(Clone, Debug, Default)]
pub(super) struct Queue {
    entries: VecDeque<PageId>,
    /// How many entries of a page have left; none for most pages.
    left: Map<PageId, u32>,
    /// The sum of these.
    gone: usize,
}

/// Fewer entries that have left are not worth dropping.
const GONE_MIN: usize = 64;

impl Queue {
    /// The number of pages.
    #[inline(always)]
    pub(super) fn len(&self) -> usize {
        self.entries.len() - self.gone
    }

    /// Whether it has no page.
    #[inline(always)]
    pub(super) fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// Adds a page at the end.
    #[inline(always)]
    pub(super) fn push_back(&mut self, page: PageId) {
        self.entries.push_back(page);
    }

    /// Removes the oldest page.
    #[inline(always)]
    pub(super) fn pop_front(&mut self) -> Option<PageId> {
        loop {
            let page = self.entries.pop_front()?;
            if self.gone == 0 || !self.has_left(page) {
                return Some(page);
            }
        }
    }

    /// Whether the oldest entry of a page, which is taken out, had left.
    #[cold]
    fn has_left(&mut self, page: PageId) -> bool {
        let Some(left) = self.left.get_mut(&page) else { return false };
        *left -= 1;
        if *left == 0 {
            self.left.swap_remove(&page);
        }
        self.gone -= 1;
        true
    }

    /// A page of the queue leaves it.
    pub(super) fn leave(&mut self, page: PageId) {
        *self.left.entry(page).or_default() += 1;
        self.gone += 1;
        if self.gone > self.len() + GONE_MIN {
            self.entries = self.iter().collect();
            self.left.clear();
            self.gone = 0;
        }
    }

    /// The pages, oldest first.
    pub(super) fn iter(&self) -> impl DoubleEndedIterator<Item = PageId> + use<> {
        let mut left = self.left.clone();
        let mut stays = |page: &PageId| match left.get_mut(page) {
            Some(left) if *left > 0 => {
                *left -= 1;
                false
            }
            _ => true,
        };
        let pages: Vec<PageId> = self.entries.iter().copied().filter(|page| stays(page)).collect();
        pages.into_iter()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::random::{Generator, Stream};

    #[test]
    fn a_queue_is_a_list_that_pages_leave_from_anywhere() {
        let mut draw = Stream::new(Generator::ChaCha8, 1, 0, "test/queue");
        let (mut queue, mut plain) = (Queue::default(), Vec::new());
        for _ in 0..60_000 {
            let page = draw.below(400) as PageId;
            match draw.below(5) {
                0 => assert_eq!(queue.pop_front(), (!plain.is_empty()).then(|| plain.remove(0))),
                1 | 2 if plain.contains(&page) => {
                    queue.leave(page);
                    plain.retain(|&other| other != page);
                }
                _ if !plain.contains(&page) => {
                    queue.push_back(page);
                    plain.push(page);
                }
                _ => {}
            }
            assert_eq!((queue.len(), queue.is_empty()), (plain.len(), plain.is_empty()));
            if draw.below(50) == 0 {
                assert!(queue.iter().eq(plain.iter().copied()));
            }
        }
    }
}
