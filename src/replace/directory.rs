//! The directory that ARC and CAR share: two lists of resident pages, two of ghosts, and a target
//! length that ghost hits adjust.
//!
//! L1 = T1 ∪ B1 holds pages used once recently, L2 = T2 ∪ B2 pages used more often. T1 and T2 are
//! resident; B1 and B2 remember pages evicted from them. Invariants after every access, resize and
//! free, however the allocation c changes: 0 ≤ p ≤ c, |T1| + |T2| ≤ c, |L1| ≤ c and |L1| + |L2| ≤
//! 2c. As long as the allocation has not grown and no page was freed, there are no ghosts while a
//! frame is empty.

use super::links::Links;
use super::{Guest, List};
use crate::params::{Domain, Param, Settings, Value};
use crate::trace::PageId;

/// The parameter of both algorithms.
pub(super) const STEP: Param = Param {
    name: "step",
    doc: "how far the target moves at a ghost hit: the ratio of the ghost lists' lengths, at \
          least 1, as a real number (as in the paper) or rounded down",
    domain: Domain::Choice(&["real", "whole"]),
    default: Value::Choice("real"),
};

/// The lists. New pages enter at the front.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Place {
    /// Resident, used once recently.
    T1,
    /// Resident, used more than once.
    T2,
    /// Evicted from T1.
    B1,
    /// Evicted from T2.
    B2,
}

/// The state of a page.
#[derive(Clone, Copy, Debug, Default)]
struct Entry {
    /// The list that contains it.
    place: Option<Place>,
    /// CAR's reference bit.
    referenced: bool,
}

/// The four lists and the target.
pub(super) struct Directory {
    pages: Links<Entry>,
    lengths: [u64; 4],
    /// p, the target length of T1.
    target: f64,
    frames: u64,
    whole_steps: bool,
}

impl Directory {
    pub(super) fn new(settings: &Settings, guest: &Guest<'_>) -> Self {
        Self {
            pages: Links::new(4),
            lengths: [0; 4],
            target: 0.0,
            frames: guest.frames.0,
            whole_steps: settings.choice("step") == "whole",
        }
    }

    /// c.
    pub(super) fn frames(&self) -> u64 {
        self.frames
    }

    /// p.
    pub(super) fn target(&self) -> f64 {
        self.target
    }

    #[inline(always)]
    pub(super) fn length(&self, place: Place) -> u64 {
        self.lengths[place as usize]
    }

    #[inline(always)]
    pub(super) fn resident(&self) -> u64 {
        self.length(Place::T1) + self.length(Place::T2)
    }

    #[inline(always)]
    pub(super) fn is_full(&self) -> bool {
        self.resident() == self.frames
    }

    /// |L1|.
    pub(super) fn once(&self) -> u64 {
        self.length(Place::T1) + self.length(Place::B1)
    }

    /// |L1| + |L2|.
    pub(super) fn remembered(&self) -> u64 {
        self.lengths.iter().sum()
    }

    /// The list that contains a page.
    #[inline(always)]
    pub(super) fn place(&self, page: PageId) -> Option<Place> {
        self.pages.tag(page).place
    }

    /// The reference bit of a page.
    #[inline(always)]
    pub(super) fn referenced(&mut self, page: PageId) -> &mut bool {
        &mut self.pages.tag_mut(page).referenced
    }

    /// The page at the back of a list that is not empty.
    #[inline(always)]
    pub(super) fn oldest(&self, place: Place) -> PageId {
        self.pages.back(place as usize).expect("the list is not empty")
    }

    /// Moves a page to the front of a list.
    #[inline(always)]
    pub(super) fn move_to(&mut self, place: Place, page: PageId) {
        self.take(page);
        self.pages.push_front(place as usize, page);
        self.pages.tag_mut(page).place = Some(place);
        self.lengths[place as usize] += 1;
    }

    /// Removes a page from its list, if it is in one.
    #[inline(always)]
    fn take(&mut self, page: PageId) {
        if let Some(place) = self.place(page) {
            self.pages.remove(page);
            self.lengths[place as usize] -= 1;
        }
    }

    /// Removes the page at the back of a list and forgets it.
    pub(super) fn forget_oldest(&mut self, place: Place) -> PageId {
        let page = self.oldest(place);
        self.take(page);
        self.pages.tag_mut(page).place = None;
        page
    }

    /// Removes a page from its list, if it is in one, and forgets it. Returns whether it was
    /// resident.
    pub(super) fn free(&mut self, page: PageId) -> bool {
        self.take(page);
        let Entry { place, .. } = std::mem::take(self.pages.tag_mut(page));
        matches!(place, Some(Place::T1 | Place::T2))
    }

    /// A ghost in B1 was hit: T1 should have been longer.
    pub(super) fn lengthen_target(&mut self) {
        self.target = (self.target + self.step(Place::B2, Place::B1)).min(self.frames as f64);
    }

    /// A ghost in B2 was hit: T2 should have been longer.
    pub(super) fn shorten_target(&mut self) {
        self.target = (self.target - self.step(Place::B1, Place::B2)).max(0.0);
    }

    /// The ratio of the lengths of two ghost lists, at least 1.
    fn step(&self, others: Place, own: Place) -> f64 {
        let ratio = self.length(others) as f64 / self.length(own) as f64;
        // A quotient of integers below 2⁵³ rounds to an integer only if it is one.
        if self.whole_steps { ratio.floor().max(1.0) } else { ratio.max(1.0) }
    }

    pub(super) fn make_room(&mut self, pages: usize) {
        self.pages.make_room(pages);
    }

    #[inline(always)]
    pub(super) fn read_ahead(&self, pages: &[PageId]) {
        self.pages.read_ahead(pages);
    }

    /// Sets the allocation and clips the target to it. On a shrink `evict` demotes pages to ghosts
    /// until the others fit; then surplus ghosts are forgotten, the oldest first.
    pub(super) fn resize(&mut self, frames: u64, mut evict: impl FnMut(&mut Self)) {
        self.frames = frames;
        self.target = self.target.min(frames as f64);
        while self.resident() > frames {
            evict(self);
        }
        while self.once() > frames {
            self.forget_oldest(Place::B1);
        }
        while self.remembered() > 2 * frames {
            self.forget_oldest(Place::B2);
        }
    }

    pub(super) fn lists(&self) -> Vec<List> {
        let pages = |place: Place| self.pages.iter(place as usize);
        vec![
            List { wanted: Some(self.target), ..List::resident("T1", pages(Place::T1)) },
            List::resident("T2", pages(Place::T2)),
            List::ghosts("B1", pages(Place::B1)),
            List::ghosts("B2", pages(Place::B2)),
        ]
    }

    /// The lists, with the bits of resident pages as marks.
    pub(super) fn marked_lists(&self) -> Vec<List> {
        let is_referenced = |page| self.pages.tag(page).referenced;
        let mark = |list: List| if list.resident { list.marked(is_referenced) } else { list };
        self.lists().into_iter().map(mark).collect()
    }

    /// Walks every list and checks the bounds; for tests.
    pub(super) fn audit(&self) {
        let lengths: Vec<u64> =
            self.pages.audit().into_iter().map(|length| length as u64).collect();
        assert_eq!(lengths, self.lengths, "lists are as long as counted");
        for place in [Place::T1, Place::T2, Place::B1, Place::B2] {
            let mut pages = self.pages.iter(place as usize);
            assert!(pages.all(|page| self.place(page) == Some(place)), "pages know their list");
        }
        assert!((0.0..=self.frames as f64).contains(&self.target), "0 ≤ p ≤ c");
        assert!(self.resident() <= self.frames, "|T1| + |T2| ≤ c");
        assert!(self.once() <= self.frames, "|T1| + |B1| ≤ c");
        assert!(self.remembered() <= 2 * self.frames, "|T1| + |T2| + |B1| + |B2| ≤ 2c");
    }
}
