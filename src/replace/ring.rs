//! A doubly linked ring of pages in arrays: what lists of pages are made of.

use crate::trace::PageId;

/// Pages in an order, from the front (used last) to the back (next to go). Links are indices; the
/// entry behind the last page is the ring's sentinel.
#[derive(Clone, Debug)]
pub(crate) struct Ring {
    links: Vec<Link>,
}

#[derive(Clone, Copy, Debug)]
struct Link {
    /// The page before it, towards the front.
    before: u32,
    /// The page behind it, towards the back; [`ABSENT`] where the page is not in the ring.
    behind: u32,
}

const ABSENT: u32 = u32::MAX;

impl Ring {
    /// An empty ring for pages below `pages`.
    pub(crate) fn new(pages: usize) -> Self {
        let mut links = vec![Link { before: ABSENT, behind: ABSENT }; pages + 1];
        links[pages] = Link { before: pages as u32, behind: pages as u32 };
        Self { links }
    }

    /// Whether the page is in the ring.
    #[inline(always)]
    pub(crate) fn contains(&self, page: PageId) -> bool {
        self.links[page as usize].behind != ABSENT
    }

    /// Puts a page that is not in the ring at the front.
    #[inline(always)]
    pub(crate) fn push_front(&mut self, page: PageId) {
        let sentinel = self.links.len() - 1;
        let behind = self.links[sentinel].behind;
        self.links[page as usize] = Link { before: sentinel as u32, behind };
        self.links[sentinel].behind = page;
        self.links[behind as usize].before = page;
    }

    /// Takes a page of the ring out.
    #[inline(always)]
    pub(crate) fn remove(&mut self, page: PageId) {
        let Link { before, behind } = self.links[page as usize];
        self.links[before as usize].behind = behind;
        self.links[behind as usize].before = before;
        self.links[page as usize].behind = ABSENT;
    }

    /// Takes the page at the back out; the ring is not empty.
    #[inline(always)]
    pub(crate) fn pop_back(&mut self) -> PageId {
        let page = self.links[self.links.len() - 1].before;
        self.remove(page);
        page
    }

    /// The pages from front to back.
    pub(crate) fn iter(&self) -> impl Iterator<Item = PageId> {
        let behind = |page: usize| self.links[page].behind;
        let sentinel = self.links.len() - 1;
        std::iter::successors(Some(behind(sentinel)), move |&page| Some(behind(page as usize)))
            .take_while(move |&page| page as usize != sentinel)
    }

    /// Walks all links both ways; for tests. Returns the number of pages.
    pub(crate) fn audit(&self) -> usize {
        let sentinel = self.links.len() as u32 - 1;
        let mut before = sentinel;
        let mut pages = 0;
        for page in self.iter().chain([sentinel]) {
            assert_eq!(self.links[page as usize].before, before, "page {page} is linked both ways");
            before = page;
            pages += 1;
        }
        let linked = self.links.iter().filter(|link| link.behind != ABSENT).count();
        assert_eq!(linked, pages, "every page that is linked is in the ring");
        pages - 1
    }
}
