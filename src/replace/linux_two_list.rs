//! Linux's active and inactive lists: a page must be used again on the inactive list to become
//! active.
//!
//! *Idea.* A new page starts on the inactive list, from whose end pages are reclaimed; a second
//! touch there activates it. A page that faults again so soon after its eviction that it would
//! still be resident had there been no active pages is activated at once.
//! *Follows.* J. Weiner, "Thrash detection-based file cache sizing", LWN and Linux 3.15, 2014, and
//! the comment at the head of Linux's mm/workingset.c. The touches are those of
//! `folio_mark_accessed`; the balance of the lists is `inactive_is_low` in mm/vmscan.c.
//! *Departs.* There is one kind of page and so one pair of lists; the refault distance is compared
//! with the length of the active list. A fault is a page's first touch. Pages are reclaimed one at
//! a time, where the kernel takes 32, and the active list is shortened until the balance holds. The
//! ratio assumes pages of 4 KiB. As in the kernel, an active page is demoted whether or not it was
//! referenced, and loses its bit. An evicted page leaves its shadow entry, one number, which is
//! never dropped; the kernel drops the oldest ones, for which the test would fail anyway. A
//! *shrink* reclaims by the same rule until the pages fit and leaves a shadow entry for each. A
//! *grant* changes no list; the ratio depends on the number of resident pages, so it takes effect
//! at the next reclaim. Growing and shrinking back is a no-op if no access happens in between.
//! *Cost.* O(1) per access, amortised: every page demoted was activated before; 20 bytes per
//! touched page.
//! *Parameters.* `inactive_ratio`, default 0: the kernel's.

use super::links::Links;
use super::paged::{Accesses, Algorithm, Paged, Touch, grow};
use super::{Guest, List, ReplacementKind};
use crate::params::{Domain, Param, Settings, Value};
use crate::trace::PageId;
use crate::trace::reduction::OnReduced;
use crate::units::Footprint;

pub(super) const KIND: ReplacementKind = ReplacementKind {
    name: "linux-two-list",
    summary: "an inactive and an active list; a second touch or a quick refault activates a page",
    follows: "J. Weiner, Thrash detection-based file cache sizing, Linux 3.15, 2014",
    knows_the_future: false,
    on_reduced: OnReduced::Inexact,
    footprint: Footprint { page: 20, frame: 0, run: 0 },
    params: &[Param {
        name: "inactive_ratio",
        doc: "largest ratio of the active list's length to the inactive list's; 0 means the \
              kernel's √(10 × GiB resident), at least 1",
        domain: Domain::Integer { min: 0, max: 1_000_000 },
        default: Value::Integer(0),
    }],
    build: |settings, guest| Paged::boxed(guest, TwoList::new(settings, guest)),
};

const INACTIVE: usize = 0;
const ACTIVE: usize = 1;

/// The state of a page.
#[derive(Clone, Copy, Debug, Default)]
struct Entry {
    /// The list that contains it.
    list: Option<u8>,
    /// Touched since the bit was cleared.
    referenced: bool,
}

struct TwoList {
    pages: Links<Entry>,
    lengths: [u64; 2],
    frames: u64,
    ratio: u64,
    /// The kernel's `nonresident_age`: evictions and activations so far.
    age: u64,
    /// E for each page, the age at its eviction; [`NEVER`] if it has not been evicted.
    shadows: Vec<u64>,
}

const NEVER: u64 = u64::MAX;

impl TwoList {
    fn new(settings: &Settings, guest: &Guest<'_>) -> Self {
        Self {
            pages: Links::new(2),
            lengths: [0; 2],
            frames: guest.frames.0,
            ratio: settings.integer("inactive_ratio"),
            age: 0,
            shadows: Vec::new(),
        }
    }

    fn resident(&self) -> u64 {
        self.lengths[INACTIVE] + self.lengths[ACTIVE]
    }

    #[inline(always)]
    fn put(&mut self, list: usize, page: PageId) {
        self.pages.push_front(list, page);
        self.pages.tag_mut(page).list = Some(list as u8);
        self.lengths[list] += 1;
    }

    fn pop(&mut self, list: usize) -> PageId {
        self.lengths[list] -= 1;
        self.pages.pop_back(list).expect("the list is not empty")
    }

    /// `inactive_is_low`: the active list is more than `inactive_ratio` times as long as the
    /// inactive one.
    fn inactive_is_low(&self) -> bool {
        let ratio = match self.ratio {
            0 => kernels_ratio(self.resident()),
            ratio => ratio,
        };
        self.lengths[INACTIVE].saturating_mul(ratio) < self.lengths[ACTIVE]
    }

    /// Reclaims the page at the end of the inactive list.
    fn reclaim(&mut self) -> PageId {
        // While the inactive list is low, demote pages from the end of the active list.
        while self.inactive_is_low() {
            let page = self.pop(ACTIVE);
            self.put(INACTIVE, page);
        }
        let victim = self.pop(INACTIVE);
        *self.pages.tag_mut(victim) = Entry::default();
        // The shadow entry is the age before this eviction, which then increments it.
        self.shadows[victim as usize] = self.age;
        self.age += 1;
        victim
    }

    /// `folio_mark_accessed`: a touch of a resident page.
    #[inline(always)]
    fn mark_accessed(&mut self, page: PageId) {
        let entry = self.pages.tag_mut(page);
        if entry.referenced && entry.list == Some(INACTIVE as u8) {
            // Inactive and referenced: it becomes active and unreferenced; the age increases.
            entry.referenced = false;
            self.pages.remove(page);
            self.lengths[INACTIVE] -= 1;
            self.put(ACTIVE, page);
            self.age += 1;
        } else {
            // Inactive or active: it becomes referenced.
            entry.referenced = true;
        }
    }
}

/// The binary logarithm of the number of 4 KiB pages in a GiB.
const PAGES_PER_GIB_LOG2: u32 = 18;

/// The kernel's `inactive_ratio` for a number of pages on both lists.
fn kernels_ratio(pages: u64) -> u64 {
    (10 * (pages >> PAGES_PER_GIB_LOG2)).isqrt().max(1)
}

impl Accesses for TwoList {
    fn make_room(&mut self, pages: usize) {
        self.pages.make_room(pages);
        grow(&mut self.shadows, pages, NEVER);
    }

    #[inline(always)]
    fn touch(&mut self, page: PageId, _: u64) -> Touch {
        if self.pages.tag(page).list.is_some() {
            self.mark_accessed(page);
            return Touch::Hit;
        }
        let victim = (self.resident() == self.frames).then(|| self.reclaim());
        // If the refault distance R − E is at most the length of the active list, the page becomes
        // active at once; the age increases.
        let shadow = self.shadows[page as usize];
        if shadow != NEVER && self.age - shadow <= self.lengths[ACTIVE] {
            self.put(ACTIVE, page);
            self.age += 1;
        } else {
            self.put(INACTIVE, page);
        }
        self.mark_loaded(page);
        victim.map_or(Touch::Fill, Touch::Replacement)
    }

    /// The page leaves its list, and if it was evicted, its shadow goes with its swap slot.
    fn free(&mut self, page: PageId) -> bool {
        self.shadows[page as usize] = NEVER;
        let Entry { list, .. } = std::mem::take(self.pages.tag_mut(page));
        if let Some(list) = list {
            self.pages.remove(page);
            self.lengths[usize::from(list)] -= 1;
        }
        list.is_some()
    }

    /// The first access may activate the page; the next one then sets its referenced bit.
    #[inline(always)]
    fn again(&mut self, page: PageId, _: u64, times: u64) {
        for _ in 0..times.min(2) {
            self.mark_accessed(page);
        }
    }

    #[inline(always)]
    fn read_ahead(&self, pages: &[PageId]) {
        self.pages.read_ahead(pages);
    }
}

impl TwoList {
    /// The touch that faulted.
    fn mark_loaded(&mut self, page: PageId) {
        self.pages.tag_mut(page).referenced = true;
    }
}

impl Algorithm for TwoList {
    fn resize(&mut self, frames: u64, mut evicted: impl FnMut(PageId)) {
        self.frames = frames;
        while self.resident() > frames {
            evicted(self.reclaim());
        }
    }

    fn resident(&self) -> u64 {
        self.resident()
    }

    fn lists(&self) -> Vec<List> {
        let is_referenced = |page| self.pages.tag(page).referenced;
        let list = |(name, list)| List::resident(name, self.pages.iter(list)).marked(is_referenced);
        [("inactive", INACTIVE), ("active", ACTIVE)].map(list).into()
    }

    fn audit(&self) {
        let lengths: Vec<u64> =
            self.pages.audit().into_iter().map(|length| length as u64).collect();
        assert_eq!(lengths, self.lengths, "lists are as long as counted");
        for list in [INACTIVE, ACTIVE] {
            let mut pages = self.pages.iter(list);
            assert!(pages.all(|page| self.pages.tag(page).list == Some(list as u8)), "tags");
        }
        assert!(self.resident() <= self.frames, "no more pages are resident than frames allocated");
        let mut shadows = self.shadows.iter().filter(|&&shadow| shadow != NEVER);
        assert!(shadows.all(|&shadow| shadow < self.age), "shadow entries are from the past");
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The table of mm/vmscan.c: 100 MiB, 1 GiB, 10 GiB, 100 GiB, 1 TiB and 10 TiB.
    #[test]
    fn the_ratio_grows_as_the_kernels_table_says() {
        let gib = 1 << 18;
        let pages = [gib / 10, gib - 1, gib, 10 * gib, 100 * gib, 1024 * gib, 10 * 1024 * gib];
        assert_eq!(pages.map(kernels_ratio), [1, 1, 3, 10, 31, 101, 320]);
    }
}
