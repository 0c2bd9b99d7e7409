//! LIRS: pages with a short time between their last two uses keep their frames.
//!
//! *Idea.* A page whose last two uses were close together (low inter-reference recency, LIR) is
//! likely to be used again soon, however long its last use is ago compared with a scan's. LIR pages
//! hold all frames but a few, through which all others (HIR) pass; a HIR page that is used again
//! sooner than the LIR page with the oldest last use changes places with it.
//! *Follows.* S. Jiang and X. Zhang, "LIRS: an efficient low inter-reference recency set
//! replacement policy to improve buffer cache performance", SIGMETRICS 2002, section 3; the bound on
//! pages that are not resident is that of B. Manes' Caffeine simulator, as the paper leaves it open.
//! *Departs.* HIR pages have `hir_share` of the c frames, rounded down, at least one; with one frame
//! there is no LIR page and S is empty. Of the non-resident pages in S at most `non_resident` times
//! c are remembered; those evicted first are forgotten first. The paper has a cache of one size. On
//! a *shrink* the LIR pages at the bottom of S become HIR until no more are LIR than may be, then
//! pages leave Q from its front until the others fit, then non-resident pages beyond the bound are
//! forgotten. A *grant* moves nothing, but as at the start of the paper, whatever is used becomes
//! LIR while fewer are LIR than may be; so growing and shrinking back with accesses between turns
//! pages used once into LIR.
//! libCacheSim counts differently: there a hit on a page of Q alone demotes a LIR page though none
//! is promoted, and S as a whole has at most 2c pages.
//! *Cost.* O(1) an access on the average, as a page is pruned from S once for each time that it came
//! on top; 12 bytes a page, and at most 12 a page in S, 12 in Q and 12 remembered.
//! *Knobs.* `hir_share`, 0.01, the paper's; `non_resident`, 2, Caffeine's.

use super::line::Line;
use super::paged::{Accesses, Algorithm, Paged, Touch};
use super::{Guest, List, ReplacementKind};
use crate::knobs::{Domain, Knob, Settings, Value};
use crate::trace::PageId;
use crate::units::Decimal;

pub(super) const KIND: ReplacementKind = ReplacementKind {
    name: "lirs",
    summary: "keeps pages whose last two uses were close together; the others pass through a few \
              frames",
    follows: "S. Jiang and X. Zhang, LIRS: an efficient low inter-reference recency set \
              replacement policy to improve buffer cache performance, SIGMETRICS 2002",
    knows_the_future: false,
    knobs: &[
        Knob {
            name: "hir_share",
            doc: "share of the frames for resident HIR pages, at least one frame; the paper has 1 %",
            domain: Domain::Decimal {
                min: Decimal { digits: 0, places: 0 },
                max: Decimal { digits: 1, places: 0 },
            },
            default: Value::Decimal(Decimal { digits: 1, places: 2 }),
        },
        Knob {
            name: "non_resident",
            doc: "pages remembered that are not resident, at most, in allocations; Caffeine has 2",
            domain: Domain::Integer { min: 0, max: 1_000_000 },
            default: Value::Integer(2),
        },
    ],
    build: |settings, guest| Paged::boxed(guest, Lirs::new(settings, guest)),
    build_shown: |settings, guest| Paged::boxed(guest, Lirs::new(settings, guest)),
};

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum State {
    Unknown,
    /// In S, resident.
    Lir,
    /// In Q, resident, perhaps in S.
    Hir,
    /// In S, and remembered among the non-resident.
    NonResident,
}

/// What is known of a page.
#[derive(Clone, Copy, Debug)]
struct Entry {
    /// Its slot in S, or [`ABSENT`].
    in_stack: u32,
    /// Its slot in Q or among the non-resident, as its state says.
    in_queue: u32,
    state: State,
}

const ABSENT: u32 = u32::MAX;

struct Lirs {
    entries: Vec<Entry>,
    /// S: the bottom is the oldest. It is a LIR page.
    stack: Line,
    /// Q: the front is the oldest.
    queue: Line,
    /// The non-resident pages in the order in which they were evicted.
    non_resident: Line,
    frames: u64,
    lir: u64,
    /// The most pages that may be LIR, and that may be non-resident.
    lir_max: u64,
    non_resident_max: u64,
    hir_share: Decimal,
    non_resident_share: u64,
}

impl Lirs {
    fn new(settings: &Settings, guest: &Guest<'_>) -> Self {
        let unknown = Entry { in_stack: ABSENT, in_queue: ABSENT, state: State::Unknown };
        let mut lirs = Self {
            entries: vec![unknown; guest.trace.distinct_pages()],
            stack: Line::new(),
            queue: Line::new(),
            non_resident: Line::new(),
            frames: 0,
            lir: 0,
            lir_max: 0,
            non_resident_max: 0,
            hir_share: settings.decimal("hir_share"),
            non_resident_share: settings.integer("non_resident"),
        };
        lirs.set_quotas(guest.frames.0);
        lirs
    }

    fn set_quotas(&mut self, frames: u64) {
        self.frames = frames;
        self.lir_max = frames - self.hir_share.floor_of(frames).max(1);
        self.non_resident_max = self.non_resident_share.saturating_mul(frames);
    }

    #[inline(always)]
    fn resident(&self) -> u64 {
        self.lir + self.queue.pages()
    }

    #[inline(always)]
    fn entry(&mut self, page: PageId) -> &mut Entry {
        &mut self.entries[page as usize]
    }

    /// Puts a page on top of S, which it may be in. Returns whether it was.
    #[inline(always)]
    fn raise(&mut self, page: PageId) -> bool {
        let entry = &mut self.entries[page as usize];
        let was_in = entry.in_stack != ABSENT;
        if was_in {
            self.stack.leave(entry.in_stack);
        }
        entry.in_stack = self.stack.push(page);
        if self.stack.is_sparse() {
            let entries = &mut self.entries;
            self.stack.close_up(|page, slot| entries[page as usize].in_stack = slot);
        }
        was_in
    }

    /// Puts a page that is in neither at the end of Q or of the non-resident pages.
    #[inline(always)]
    fn enqueue(&mut self, page: PageId, state: State) {
        let line = if state == State::Hir { &mut self.queue } else { &mut self.non_resident };
        let entry = &mut self.entries[page as usize];
        (entry.state, entry.in_queue) = (state, line.push(page));
        if line.is_sparse() {
            line.close_up(|page, slot| self.entries[page as usize].in_queue = slot);
        }
    }

    /// Stack pruning: takes HIR pages from the bottom of S until a LIR page is there.
    #[inline(always)]
    fn prune(&mut self) {
        while let Some(bottom) = self.stack.oldest() {
            match self.entry(bottom).state {
                State::Lir => break,
                State::NonResident => self.forget(bottom),
                _ => self.unstack(bottom),
            }
        }
    }

    /// Takes a page out of S.
    #[inline(always)]
    fn unstack(&mut self, page: PageId) {
        let slot = std::mem::replace(&mut self.entry(page).in_stack, ABSENT);
        self.stack.leave(slot);
    }

    /// Forgets a page that is not resident.
    #[inline(always)]
    fn forget(&mut self, page: PageId) {
        self.unstack(page);
        let entry = &mut self.entries[page as usize];
        self.non_resident.leave(entry.in_queue);
        entry.state = State::Unknown;
    }

    /// The LIR page at the bottom of S becomes HIR and goes to the end of Q.
    fn demote(&mut self) {
        let bottom = self.stack.oldest().expect("the bottom of S is a LIR page");
        self.unstack(bottom);
        self.lir -= 1;
        self.enqueue(bottom, State::Hir);
        self.prune();
    }

    /// A page on top of S becomes LIR; the one at the bottom makes room if need be.
    fn promote(&mut self, page: PageId) {
        self.entry(page).state = State::Lir;
        self.lir += 1;
        if self.lir > self.lir_max {
            self.demote();
        }
    }

    /// Takes the page at the front of Q out of its frame; if it is in S, it stays there.
    fn evict(&mut self) -> PageId {
        let page = self.queue.oldest().expect("a page that is not LIR is resident");
        let Entry { in_stack, in_queue, .. } = *self.entry(page);
        self.queue.leave(in_queue);
        if in_stack == ABSENT {
            self.entry(page).state = State::Unknown;
        } else {
            self.enqueue(page, State::NonResident);
            self.bound_non_resident();
        }
        page
    }

    /// Forgets the non-resident pages beyond the bound.
    #[inline(always)]
    fn bound_non_resident(&mut self) {
        while self.non_resident.pages() > self.non_resident_max {
            let oldest = self.non_resident.oldest().expect("a page is not resident");
            self.forget(oldest);
        }
    }

    /// A hit on a LIR page: it goes to the top of S, which is pruned if it was at the bottom.
    #[inline(always)]
    fn hit_lir(&mut self, page: PageId) {
        let was_bottom = self.stack.oldest() == Some(page);
        self.raise(page);
        if was_bottom {
            self.prune();
        }
    }

    /// A hit on a resident HIR page.
    fn hit_hir(&mut self, page: PageId) {
        let slot = self.entry(page).in_queue;
        self.queue.leave(slot);
        // It is in S: it becomes LIR, and the LIR page at the bottom HIR. It is not: it stays HIR
        // and goes to the end of Q.
        self.place(page);
    }

    /// A page that is in no queue goes on top of S, as LIR if it was in S, else to the end of Q.
    fn place(&mut self, page: PageId) {
        if self.lir_max > 0 && self.raise(page) || self.lir < self.lir_max {
            self.promote(page);
        } else {
            self.enqueue(page, State::Hir);
        }
    }
}

impl Accesses for Lirs {
    #[inline(always)]
    fn touch(&mut self, page: PageId, _: u64) -> Touch {
        match self.entry(page).state {
            State::Lir => {
                self.hit_lir(page);
                Touch::Hit
            }
            State::Hir => {
                self.hit_hir(page);
                Touch::Hit
            }
            state => {
                // It is remembered until it is here, whatever the eviction makes forget.
                if state == State::NonResident {
                    let slot = self.entry(page).in_queue;
                    self.non_resident.leave(slot);
                }
                // The page at the front of Q goes first, then the other comes.
                let victim = (self.resident() == self.frames).then(|| self.evict());
                self.place(page);
                victim.map_or(Touch::Fill, Touch::Replacement)
            }
        }
    }

    /// The second access of a run finds its page in S, so that a HIR page becomes LIR; a LIR page on
    /// top stays there.
    #[inline(always)]
    fn again(&mut self, page: PageId, _: u64, _: u64) {
        if self.entry(page).state == State::Hir {
            self.hit_hir(page);
        }
    }

    #[inline(always)]
    fn read_ahead(&self, pages: &[PageId]) {
        let mut read = 0;
        for &page in pages {
            read ^= self.entries[page as usize].in_stack;
        }
        std::hint::black_box(read);
    }
}

impl Algorithm for Lirs {
    fn resize(&mut self, frames: u64, mut evicted: impl FnMut(PageId)) {
        self.set_quotas(frames);
        while self.lir > self.lir_max {
            self.demote();
        }
        while self.resident() > frames {
            evicted(self.evict());
        }
        self.bound_non_resident();
    }

    fn resident(&self) -> u64 {
        self.resident()
    }

    fn lists(&self) -> Vec<List> {
        let pages = |line: &Line| line.newest_first().map(|(page, _)| page).collect::<Vec<_>>();
        let mut lir = pages(&self.stack);
        lir.retain(|&page| self.entries[page as usize].state == State::Lir);
        vec![
            List::resident("LIR", lir),
            List::resident("Q", pages(&self.queue)),
            List::ghosts("non-resident", pages(&self.non_resident)),
        ]
    }

    fn audit(&self) {
        for line in [&self.stack, &self.queue, &self.non_resident] {
            line.audit();
        }
        let entry = |page: PageId| &self.entries[page as usize];
        for (page, slot) in self.stack.newest_first() {
            assert_eq!(entry(page).in_stack, slot, "pages know their slot in S");
            assert_ne!(entry(page).state, State::Unknown, "what is in S is known");
        }
        for (line, state) in [(&self.queue, State::Hir), (&self.non_resident, State::NonResident)] {
            for (page, slot) in line.newest_first() {
                assert_eq!(entry(page).in_queue, slot, "pages know their slot");
                assert_eq!(entry(page).state, state, "pages know their queue");
            }
            let count = self.entries.iter().filter(|entry| entry.state == state).count();
            assert_eq!(count as u64, line.pages(), "who is in a queue stands there");
        }
        let stacked = self.entries.iter().filter(|entry| entry.in_stack != ABSENT);
        assert_eq!(stacked.count() as u64, self.stack.pages(), "who is in S stands there");
        let mut ghosts = self.non_resident.newest_first();
        assert!(ghosts.all(|(page, _)| entry(page).in_stack != ABSENT), "a ghost is in S");
        let lir = self.stack.newest_first().filter(|&(page, _)| entry(page).state == State::Lir);
        assert_eq!(lir.count() as u64, self.lir, "all LIR pages are in S");
        let bottom = self.stack.newest_first().last();
        let is_lir = bottom.is_none_or(|(page, _)| entry(page).state == State::Lir);
        assert!(is_lir, "the bottom of S is LIR");
        assert!(self.lir <= self.lir_max, "no more pages are LIR than may be");
        assert!(self.resident() <= self.frames, "#LIR + #HIR ≤ c");
        assert!(self.non_resident.pages() <= self.non_resident_max, "ghosts are bounded");
    }
}
