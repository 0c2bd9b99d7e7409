//! Doubly linked lists of pages in one array: the building block of most replacement algorithms.

use crate::trace::PageId;

/// Lists of pages, each from front to back; a page is in at most one of them. Links are indices,
/// and a sentinel behind all pages closes each list to a ring. If the algorithm wants a tag for
/// each page, it is stored beside the links, so that both are read at once.
#[derive(Clone, Debug)]
pub(crate) struct Links<T = ()> {
    links: Vec<Link<T>>,
    pages: u32,
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
    /// Empty lists, numbered from 0, for pages below `pages`.
    pub(crate) fn new(pages: usize, lists: usize) -> Self {
        let link = |at: u32| Link { before: at, behind: at, tag: T::default() };
        let absent = link(ABSENT);
        let sentinel = |at: usize| link(at as u32);
        let links = std::iter::repeat_n(absent, pages).chain((pages..pages + lists).map(sentinel));
        Self { links: links.collect(), pages: pages as u32 }
    }

    /// Whether the page is in any list.
    #[inline(always)]
    pub(crate) fn contains(&self, page: PageId) -> bool {
        self.links[page as usize].behind != ABSENT
    }

    /// The tag of a page.
    #[inline(always)]
    pub(crate) fn tag(&self, page: PageId) -> T {
        self.links[page as usize].tag
    }

    /// The tag of a page, to change it.
    #[inline(always)]
    pub(crate) fn tag_mut(&mut self, page: PageId) -> &mut T {
        &mut self.links[page as usize].tag
    }

    /// Inserts a page that is in no list at the front of one.
    #[inline(always)]
    pub(crate) fn push_front(&mut self, list: usize, page: PageId) {
        let sentinel = self.pages + list as u32;
        self.insert(page, sentinel, self.links[sentinel as usize].behind);
    }

    #[inline(always)]
    fn insert(&mut self, page: PageId, before: u32, behind: u32) {
        debug_assert!(!self.contains(page), "a page is in one list at most");
        let link = &mut self.links[page as usize];
        (link.before, link.behind) = (before, behind);
        self.links[before as usize].behind = page;
        self.links[behind as usize].before = page;
    }

    /// Removes a page from its list.
    #[inline(always)]
    pub(crate) fn remove(&mut self, page: PageId) {
        let Link { before, behind, .. } = self.links[page as usize];
        self.links[before as usize].behind = behind;
        self.links[behind as usize].before = before;
        self.links[page as usize].behind = ABSENT;
    }

    /// The page at the back of a list.
    #[inline(always)]
    pub(crate) fn back(&self, list: usize) -> Option<PageId> {
        self.page(self.links[self.pages as usize + list].before)
    }

    /// Removes the page at the back of a list.
    #[inline(always)]
    pub(crate) fn pop_back(&mut self, list: usize) -> Option<PageId> {
        let page = self.back(list)?;
        self.remove(page);
        Some(page)
    }

    /// The neighbour of a page towards the front of its list.
    #[inline(always)]
    pub(crate) fn before(&self, page: PageId) -> Option<PageId> {
        self.page(self.links[page as usize].before)
    }

    #[inline(always)]
    fn page(&self, at: u32) -> Option<PageId> {
        (at < self.pages).then_some(at)
    }

    /// Reads the entries of these pages and of their neighbours, so that the cache misses overlap
    /// and later uses find them in the cache.
    #[inline(always)]
    pub(crate) fn read_ahead(&self, pages: &[PageId]) {
        let mut read = 0;
        for &page in pages {
            read ^= self.links[page as usize].behind;
        }
        for &page in pages {
            let Link { before, behind, .. } = self.links[page as usize];
            for neighbour in [before, behind] {
                read ^= self.links.get(neighbour as usize).map_or(0, |link| link.before);
            }
        }
        std::hint::black_box(read);
    }

    /// The pages of a list from front to back.
    pub(crate) fn iter(&self, list: usize) -> impl Iterator<Item = PageId> {
        let behind = |at: u32| self.page(self.links[at as usize].behind);
        std::iter::successors(behind(self.pages + list as u32), move |&page| behind(page))
    }

    /// Walks all links of all lists both ways; for tests. Returns the length of each list.
    pub(crate) fn audit(&self) -> Vec<usize> {
        let lists = self.links.len() - self.pages as usize;
        let mut lengths = vec![0; lists];
        for (list, length) in lengths.iter_mut().enumerate() {
            let sentinel = self.pages + list as u32;
            let mut before = sentinel;
            for page in self.iter(list).chain([sentinel]) {
                let link = self.links[page as usize];
                assert_eq!(link.before, before, "page {page} is linked both ways");
                before = page;
                *length += 1;
            }
            *length -= 1;
        }
        let linked = (0..self.pages).filter(|&page| self.contains(page)).count();
        assert_eq!(linked, lengths.iter().sum::<usize>(), "every page that is linked is in a list");
        lengths
    }
}
