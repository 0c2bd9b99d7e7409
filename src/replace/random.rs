//! Random replacement.
//!
//! *Idea.* The victim is drawn from the resident pages, each equally likely; past uses do not
//! matter.
//! *Follows.* RAND in L. A. Belady, "A study of replacement algorithms for a virtual-storage
//! computer", IBM Systems Journal 5(2), 1966.
//! *Departs.* Only in resizing, which is ours: a shrink draws victims until the others fit, and the
//! page of the last frame moves into each victim's frame; a grant adds empty frames. Growing and
//! shrinking back therefore does not restore the old state: the victim need not be the page loaded
//! in between.
//! *Cost.* O(1) per access, one random draw per eviction; 5 bytes per touched page, of which a hit
//! reads one.
//! *Parameters.* None. The draws come from the stream "vm/NAME/replacement".

use super::algorithm::{Accesses, Algorithm, Touch, grow};
use super::paged::Paged;
use super::{Guest, List, ReplacementKind};
use crate::random::Stream;
use crate::trace::PageId;
use crate::trace::reduction::OnReduced;
use crate::units::Footprint;

pub(super) const KIND: ReplacementKind = ReplacementKind {
    name: "random",
    summary: "evicts a page drawn at random",
    follows: "L. A. Belady, A study of replacement algorithms for a virtual-storage computer, IBM \
              Systems Journal 5(2), 1966",
    knows_the_future: false,
    on_reduced: OnReduced::Inexact,
    footprint: Footprint { page: 1, frame: 4, run: 0 },
    params: &[],
    build: &|_, guest| Paged::boxed(guest, Random::new(guest)),
};

struct Random {
    /// The page of each frame that has one.
    pages: Vec<PageId>,
    is_resident: Vec<bool>,
    /// The frame of each resident page, once a page has been freed.
    places: Option<Vec<u32>>,
    frames: u64,
    rng: Stream,
}

impl Random {
    fn new(guest: &Guest<'_>) -> Self {
        Self {
            pages: Vec::new(),
            is_resident: Vec::new(),
            places: None,
            frames: guest.frames.0,
            rng: (guest.draw)(),
        }
    }

    /// Empties a frame; the page of the last one moves there.
    fn empty(&mut self, frame: usize) -> PageId {
        let page = self.pages.swap_remove(frame);
        if frame < self.pages.len() {
            self.note_place(frame);
        }
        page
    }

    #[inline(always)]
    fn note_place(&mut self, frame: usize) {
        if let Some(places) = &mut self.places {
            let page = self.pages[frame] as usize;
            grow(places, page + 1, 0);
            places[page] = frame as u32;
        }
    }

    /// Draws the frame to empty.
    fn victim(&mut self) -> usize {
        self.rng.below(self.pages.len() as u64) as usize
    }
}

impl Accesses for Random {
    fn make_room(&mut self, pages: usize) {
        grow(&mut self.is_resident, pages, false);
    }

    #[inline(always)]
    fn touch(&mut self, page: PageId, _: u64) -> Touch {
        if self.is_resident[page as usize] {
            return Touch::Hit;
        }
        self.is_resident[page as usize] = true;
        if self.pages.len() as u64 == self.frames {
            let frame = self.victim();
            let victim = std::mem::replace(&mut self.pages[frame], page);
            self.is_resident[victim as usize] = false;
            self.note_place(frame);
            Touch::Replacement(victim)
        } else {
            self.pages.push(page);
            self.note_place(self.pages.len() - 1);
            Touch::Fill
        }
    }

    /// The page of the last frame moves into its frame.
    fn free(&mut self, page: PageId) -> bool {
        if !std::mem::take(&mut self.is_resident[page as usize]) {
            return false;
        }
        if self.places.is_none() {
            self.places = Some(Vec::new());
            (0..self.pages.len()).for_each(|frame| self.note_place(frame));
        }
        let frame = self.places.as_ref().map_or(0, |places| places[page as usize]);
        self.empty(frame as usize);
        true
    }
}

impl Algorithm for Random {
    fn resize(&mut self, frames: u64, mut evicted: impl FnMut(PageId)) {
        self.frames = frames;
        while self.pages.len() as u64 > self.frames {
            let frame = self.victim();
            let victim = self.empty(frame);
            self.is_resident[victim as usize] = false;
            evicted(victim);
        }
    }

    fn resident(&self) -> u64 {
        self.pages.len() as u64
    }

    fn lists(&self) -> Vec<List> {
        vec![List::resident("", self.pages.iter().copied())]
    }

    fn audit(&self) {
        let mut is_resident = vec![false; self.is_resident.len()];
        for &page in &self.pages {
            assert!(!is_resident[page as usize], "page {page} is in one frame");
            is_resident[page as usize] = true;
        }
        assert_eq!(self.is_resident, is_resident, "resident pages are in frames");
        assert!(self.resident() <= self.frames, "no more pages are resident than frames allocated");
    }
}
