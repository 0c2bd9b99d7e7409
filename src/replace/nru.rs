//! NRU: not recently used.
//!
//! *Idea.* Each page has two bits: referenced, cleared from time to time, and modified. The victim
//! is drawn from the lowest class that is not empty: neither bit, modified only, referenced only,
//! both.
//! *Follows.* A. S. Tanenbaum, "Modern Operating Systems", the section on page replacement.
//! *Departs.* The clock tick that clears the reference bits comes after a number of the VM's
//! accesses, not after a time, so it does not depend on the VM's period. Access kinds tell which
//! pages are modified; in a trace without kinds none are. Resizing is ours: a shrink draws victims
//! by the same rule until the others fit; a grant keeps bits and classes. Growing and shrinking
//! back therefore does not restore the old state: the victim need not be the page loaded in
//! between.
//! *Cost.* O(1) per access, amortised: the access that sets a bit pays for clearing it; one random
//! draw per eviction. 21 bytes per touched page, of which a hit on a referenced page reads one.
//! *Parameters.* `tick`: the number of accesses after which the reference bits are cleared (default
//! 1000, ours; the book clears them at a clock interrupt). The draws come from the stream
//! "vm/NAME/replacement".

use std::sync::Arc;

use super::algorithm::{Accesses, Algorithm, Touch, grow};
use super::paged::Paged;
use super::{Guest, List, ReplacementKind};
use crate::params::{Domain, Param, Settings, Value};
use crate::random::Stream;
use crate::trace::reduction::OnReduced;
use crate::trace::{AccessKind, PageId, Trace};
use crate::units::Footprint;

pub(super) const KIND: ReplacementKind = ReplacementKind {
    name: "nru",
    summary: "evicts a random page of those not recently used, unmodified pages first",
    follows: "A. S. Tanenbaum, Modern Operating Systems",
    knows_the_future: false,
    on_reduced: OnReduced::Inexact,
    footprint: Footprint { page: 5, frame: 16, run: 0 },
    params: &[TICK],
    build: &|settings, guest| Paged::boxed(guest, Nru::new(settings, guest)),
};

const TICK: Param = Param {
    name: "tick",
    doc: "accesses of the VM between two clearings of the reference bits; our choice",
    domain: Domain::Integer { min: 1, max: u64::MAX },
    default: Value::Integer(1000),
};

/// These bits number the classes, as in the book.
const MODIFIED: u8 = 1;
const REFERENCED: u8 = 2;
const ABSENT: u8 = 4;

struct Nru {
    trace: Arc<Trace>,
    rng: Stream,
    /// The pages of each class, in no particular order.
    members: [Vec<PageId>; 4],
    /// The class of each page, or [`ABSENT`].
    classes: Vec<u8>,
    /// The position of each resident page within its class.
    places: Vec<u32>,
    tick: u64,
    /// Accesses since the last tick: 1 to `tick` after the first access.
    since_tick: u64,
    resident: u64,
    frames: u64,
}

impl Nru {
    fn new(settings: &Settings, guest: &Guest<'_>) -> Self {
        Self {
            trace: Arc::clone(guest.trace),
            rng: (guest.draw)(),
            members: Default::default(),
            classes: Vec::new(),
            places: Vec::new(),
            tick: settings.integer(TICK.name),
            since_tick: 0,
            resident: 0,
            frames: guest.frames.0,
        }
    }

    /// Puts a page that is in no class into a class.
    fn put(&mut self, page: PageId, class: u8) {
        let members = &mut self.members[usize::from(class)];
        self.places[page as usize] = members.len() as u32;
        self.classes[page as usize] = class;
        members.push(page);
    }

    /// Removes a page from its class; the last page of the class takes its position.
    fn take(&mut self, page: PageId) {
        let members = &mut self.members[usize::from(self.classes[page as usize])];
        let place = self.places[page as usize];
        members.swap_remove(place as usize);
        if let Some(&moved) = members.get(place as usize) {
            self.places[moved as usize] = place;
        }
        self.classes[page as usize] = ABSENT;
    }

    fn evict(&mut self) -> PageId {
        let lowest = self.members.iter().find(|members| !members.is_empty());
        let lowest = lowest.expect("a page is resident");
        let victim = lowest[self.rng.below(lowest.len() as u64) as usize];
        self.take(victim);
        self.resident -= 1;
        victim
    }

    /// Clears the reference bits.
    fn tick(&mut self) {
        for class in REFERENCED..ABSENT {
            let members = std::mem::take(&mut self.members[usize::from(class)]);
            for &page in &members {
                self.put(page, class - REFERENCED);
            }
            // Keeps the emptied list's memory for reuse.
            self.members[usize::from(class)] = members;
            self.members[usize::from(class)].clear();
        }
    }

    /// Sets the bits of a resident page.
    #[inline(always)]
    fn mark(&mut self, page: PageId, bits: u8) {
        let class = self.classes[page as usize];
        if class | bits != class {
            self.take(page);
            self.put(page, class | bits);
        }
    }

    /// The modified bit that these accesses set.
    #[inline(always)]
    fn written(&self, position: u64, times: u64) -> u8 {
        let mut accesses = position..position + times;
        let writes = |at| self.trace.kind(at).is_some_and(AccessKind::writes);
        if self.trace.has_kinds() && accesses.any(writes) { MODIFIED } else { 0 }
    }
}

impl Accesses for Nru {
    fn make_room(&mut self, pages: usize) {
        grow(&mut self.classes, pages, ABSENT);
        grow(&mut self.places, pages, 0);
    }

    #[inline(always)]
    fn touch(&mut self, page: PageId, position: u64) -> Touch {
        if self.since_tick == self.tick {
            self.tick();
            self.since_tick = 0;
        }
        self.since_tick += 1;
        let bits = REFERENCED | self.written(position, 1);
        if self.classes[page as usize] != ABSENT {
            self.mark(page, bits);
            return Touch::Hit;
        }
        let touch = if self.resident == self.frames {
            Touch::Replacement(self.evict())
        } else {
            Touch::Fill
        };
        self.put(page, bits);
        self.resident += 1;
        touch
    }

    fn free(&mut self, page: PageId) -> bool {
        let was_resident = self.classes[page as usize] != ABSENT;
        if was_resident {
            self.take(page);
            self.resident -= 1;
        }
        was_resident
    }

    #[inline(always)]
    fn again(&mut self, page: PageId, position: u64, times: u64) {
        if times > self.tick - self.since_tick {
            // Further ticks during these accesses find no other page's bit set.
            self.tick();
            self.since_tick = (times - (self.tick - self.since_tick) - 1) % self.tick + 1;
        } else {
            self.since_tick += times;
        }
        self.mark(page, REFERENCED | self.written(position, times));
    }
}

impl Algorithm for Nru {
    fn resize(&mut self, frames: u64, mut evicted: impl FnMut(PageId)) {
        self.frames = frames;
        while self.resident > self.frames {
            evicted(self.evict());
        }
    }

    fn resident(&self) -> u64 {
        self.resident
    }

    fn lists(&self) -> Vec<List> {
        let names = ["class 3", "class 2", "class 1", "class 0"];
        let is_referenced = |page| self.classes[page as usize] & REFERENCED != 0;
        let list = |(name, pages): (_, &Vec<PageId>)| {
            List::resident(name, pages.iter().copied()).marked(is_referenced)
        };
        names.into_iter().zip(self.members.iter().rev()).map(list).collect()
    }

    fn audit(&self) {
        let mut classes = vec![ABSENT; self.classes.len()];
        for (class, members) in self.members.iter().enumerate() {
            for (place, &page) in members.iter().enumerate() {
                assert_eq!(classes[page as usize], ABSENT, "page {page} is in one class");
                classes[page as usize] = class as u8;
                assert_eq!(self.places[page as usize] as usize, place, "page {page} knows where");
            }
        }
        assert_eq!(self.classes, classes, "every page is in the class that it says");
        let resident: usize = self.members.iter().map(Vec::len).sum();
        assert_eq!(self.resident, resident as u64, "resident pages are counted");
        assert!(self.since_tick <= self.tick, "ticks are not missed");
        assert!(self.resident <= self.frames, "no more pages are resident than frames allocated");
    }
}
