//! Doubly linked lists of pages in one array, used by most replacement algorithms.

use super::algorithm::grow;
use crate::trace::PageId;

/// Lists of pages, each from front to back; a page is in at most one of them. Links are indices.
/// Each list is a ring closed by a sentinel; the sentinels come before all pages, so that pages can
/// be added later. An algorithm's tag for a page is stored beside its links, so that both are read
/// at once.
#[derive(Clone, Debug)]
pub(crate) struct Links<T = ()> {
    /// The sentinels of the lists, then the pages.
    links: Vec<Link<T>>,
    lists: u32,
}

#[derive(Clone, Copy, Debug)]
struct Link<T> {
    /// The neighbour towards the front.
    before: u32,
    /// The neighbour towards the back; [`ABSENT`] if the page is in no list.
    behind: u32,
    tag: T,
}

const ABSENT: u32 = u32::MAX;

impl<T: Copy + Default> Links<T> {
    /// Empty lists, numbered from 0, with room for no page.
    pub(crate) fn new(lists: usize) -> Self {
        let lists = lists as u32;
        let sentinel = |at| Link { before: at, behind: at, tag: T::default() };
        Self { links: (0..lists).map(sentinel).collect(), lists }
    }

    /// Makes room for the pages below `pages`.
    pub(crate) fn make_room(&mut self, pages: usize) {
        let links = self.lists as usize + pages;
        let absent = Link { before: ABSENT, behind: ABSENT, tag: T::default() };
        grow(&mut self.links, links, absent);
    }

    /// The index of a page's entry.
    #[inline(always)]
    fn at(&self, page: PageId) -> usize {
        (self.lists + page) as usize
    }

    /// Whether the page is in any list.
    #[inline(always)]
    pub(crate) fn contains(&self, page: PageId) -> bool {
        self.links[self.at(page)].behind != ABSENT
    }

    /// The tag of a page.
    #[inline(always)]
    pub(crate) fn tag(&self, page: PageId) -> T {
        self.links[self.at(page)].tag
    }

    /// The tag of a page, mutable.
    #[inline(always)]
    pub(crate) fn tag_mut(&mut self, page: PageId) -> &mut T {
        let at = self.at(page);
        &mut self.links[at].tag
    }

    /// Inserts a page that is in no list at the front of `list`.
    #[inline(always)]
    pub(crate) fn push_front(&mut self, list: usize, page: PageId) {
        self.insert(page, list as u32, self.links[list].behind);
    }

    /// Inserts a page that is in no list at the back of `list`.
    #[inline(always)]
    pub(crate) fn push_back(&mut self, list: usize, page: PageId) {
        self.insert(page, self.links[list].before, list as u32);
    }

    #[inline(always)]
    fn insert(&mut self, page: PageId, before: u32, behind: u32) {
        debug_assert!(!self.contains(page), "a page is in one list at most");
        let at = self.at(page);
        let link = &mut self.links[at];
        (link.before, link.behind) = (before, behind);
        self.links[before as usize].behind = at as u32;
        self.links[behind as usize].before = at as u32;
    }

    /// Removes a page from its list.
    #[inline(always)]
    pub(crate) fn remove(&mut self, page: PageId) {
        let at = self.at(page);
        let Link { before, behind, .. } = self.links[at];
        self.links[before as usize].behind = behind;
        self.links[behind as usize].before = before;
        self.links[at].behind = ABSENT;
    }

    /// The page at the back of a list.
    #[inline(always)]
    pub(crate) fn back(&self, list: usize) -> Option<PageId> {
        self.page(self.links[list].before)
    }

    /// Removes the page at the back of a list.
    #[inline(always)]
    pub(crate) fn pop_back(&mut self, list: usize) -> Option<PageId> {
        let page = self.back(list)?;
        self.remove(page);
        Some(page)
    }

    #[inline(always)]
    fn page(&self, at: u32) -> Option<PageId> {
        at.checked_sub(self.lists)
    }

    /// Prefetches the entries of these pages and of their neighbours, so that their cache misses
    /// overlap.
    #[inline(always)]
    pub(crate) fn read_ahead(&self, pages: &[PageId]) {
        let mut read = 0;
        for &page in pages {
            read ^= self.links[self.at(page)].behind;
        }
        for &page in pages {
            let Link { before, behind, .. } = self.links[self.at(page)];
            for neighbour in [before, behind] {
                read ^= self.links.get(neighbour as usize).map_or(0, |link| link.before);
            }
        }
        std::hint::black_box(read);
    }

    /// The pages of a list from front to back.
    pub(crate) fn iter(&self, list: usize) -> impl Iterator<Item = PageId> {
        let behind = |at: usize| self.page(self.links[at].behind);
        std::iter::successors(behind(list), move |&page| behind(self.at(page)))
    }

    /// Walks all links of all lists both ways; for tests. Returns the length of each list.
    pub(crate) fn audit(&self) -> Vec<usize> {
        let mut lengths = vec![0; self.lists as usize];
        for (list, length) in lengths.iter_mut().enumerate() {
            let mut before = list;
            for at in self.iter(list).map(|page| self.at(page)).chain([list]) {
                let link = self.links[at];
                assert_eq!(link.before as usize, before, "link {at} is linked both ways");
                before = at;
                *length += 1;
            }
            *length -= 1;
        }
        let pages = &self.links[self.lists as usize..];
        let linked = pages.iter().filter(|link| link.behind != ABSENT).count();
        assert_eq!(linked, lengths.iter().sum::<usize>(), "every page that is linked is in a list");
        lengths
    }
}
