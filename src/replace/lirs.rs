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
//! *Cost.* O(1) an access on the average, as a page is pruned from S once for each time that it came
//! on top; 20 bytes a page.
//! *Knobs.* `hir_share`, 0.01, the paper's; `non_resident`, 2, Caffeine's.

use super::links::Links;
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

#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
enum State {
    #[default]
    Unknown,
    /// In S, resident.
    Lir,
    /// In Q, resident, perhaps in S.
    Hir,
    /// In S, and remembered among the non-resident.
    NonResident,
}

/// The lists beside S, in one array: a page is in one of them at most.
const Q: usize = 0;
const NON_RESIDENT: usize = 1;

struct Lirs {
    /// S: the top is the front.
    stack: Links<State>,
    /// Q and the non-resident pages: new ones at the front, the next to go at the back.
    queues: Links,
    frames: u64,
    lir: u64,
    hir: u64,
    non_resident: u64,
    /// The most pages that may be LIR, and that may be non-resident.
    lir_max: u64,
    non_resident_max: u64,
    hir_share: Decimal,
    non_resident_share: u64,
}

impl Lirs {
    fn new(settings: &Settings, guest: &Guest<'_>) -> Self {
        let pages = guest.trace.distinct_pages();
        let mut lirs = Self {
            stack: Links::new(pages, 1),
            queues: Links::new(pages, 2),
            frames: 0,
            lir: 0,
            hir: 0,
            non_resident: 0,
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
        let Decimal { digits, .. } = self.hir_share;
        let hir =
            u128::from(frames) * u128::from(digits) / u128::from(self.hir_share.denominator());
        self.lir_max = frames - (hir as u64).max(1);
        self.non_resident_max = self.non_resident_share.saturating_mul(frames);
    }

    fn resident(&self) -> u64 {
        self.lir + self.hir
    }

    fn set_state(&mut self, page: PageId, state: State) {
        *self.stack.tag_mut(page) = state;
    }

    /// Puts a page on top of S, which it may be in. Returns whether it was.
    #[inline(always)]
    fn raise(&mut self, page: PageId) -> bool {
        let was_in = self.stack.contains(page);
        if was_in {
            self.stack.remove(page);
        }
        self.stack.push_front(0, page);
        was_in
    }

    /// Stack pruning: takes HIR pages from the bottom of S until a LIR page is there.
    #[inline(always)]
    fn prune(&mut self) {
        while let Some(bottom) = self.stack.back(0) {
            match self.stack.tag(bottom) {
                State::Lir => break,
                State::NonResident => self.forget(bottom),
                _ => self.stack.remove(bottom),
            }
        }
    }

    /// Forgets a page that is not resident.
    fn forget(&mut self, page: PageId) {
        self.stack.remove(page);
        self.queues.remove(page);
        self.non_resident -= 1;
        self.set_state(page, State::Unknown);
    }

    /// The LIR page at the bottom of S becomes HIR and goes to the end of Q.
    fn demote(&mut self) {
        let bottom = self.stack.pop_back(0).expect("the bottom of S is a LIR page");
        self.lir -= 1;
        self.hir += 1;
        self.set_state(bottom, State::Hir);
        self.queues.push_front(Q, bottom);
        self.prune();
    }

    /// A page on top of S becomes LIR; the one at the bottom makes room if need be.
    fn promote(&mut self, page: PageId) {
        self.set_state(page, State::Lir);
        self.lir += 1;
        if self.lir > self.lir_max {
            self.demote();
        }
    }

    /// Takes the page at the front of Q out of its frame; if it is in S, it stays there.
    fn evict(&mut self) -> PageId {
        let page = self.queues.pop_back(Q).expect("a page that is not LIR is resident");
        self.hir -= 1;
        if self.stack.contains(page) {
            self.set_state(page, State::NonResident);
            self.queues.push_front(NON_RESIDENT, page);
            self.non_resident += 1;
            self.bound_non_resident();
        } else {
            self.set_state(page, State::Unknown);
        }
        page
    }

    /// Forgets the non-resident pages beyond the bound.
    fn bound_non_resident(&mut self) {
        while self.non_resident > self.non_resident_max {
            let oldest = self.queues.back(NON_RESIDENT).expect("a page is not resident");
            self.forget(oldest);
        }
    }

    /// A hit on a LIR page: it goes to the top of S, which is pruned if it was at the bottom.
    #[inline(always)]
    fn hit_lir(&mut self, page: PageId) {
        let was_bottom = self.stack.back(0) == Some(page);
        self.raise(page);
        if was_bottom {
            self.prune();
        }
    }

    /// A hit on a resident HIR page.
    fn hit_hir(&mut self, page: PageId) {
        self.queues.remove(page);
        if self.lir_max > 0 && self.raise(page) || self.lir < self.lir_max {
            // It is in S: it becomes LIR, and the LIR page at the bottom HIR.
            self.hir -= 1;
            self.promote(page);
        } else {
            // It is not: it stays HIR and goes to the end of Q.
            self.queues.push_front(Q, page);
        }
    }

    /// A fault: the page goes on top of S, as LIR if it was in S, else to the end of Q.
    fn load(&mut self, page: PageId) {
        if self.lir_max > 0 && self.raise(page) || self.lir < self.lir_max {
            self.promote(page);
        } else {
            self.set_state(page, State::Hir);
            self.hir += 1;
            self.queues.push_front(Q, page);
        }
    }
}

impl Accesses for Lirs {
    #[inline(always)]
    fn touch(&mut self, page: PageId, _: u64) -> Touch {
        match self.stack.tag(page) {
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
                    self.queues.remove(page);
                    self.non_resident -= 1;
                }
                // The page at the front of Q goes first, then the other comes.
                let victim = (self.resident() == self.frames).then(|| self.evict());
                self.load(page);
                victim.map_or(Touch::Fill, Touch::Replacement)
            }
        }
    }

    /// The second access of a run finds its page in S, so that a HIR page becomes LIR; a LIR page on
    /// top stays there.
    #[inline(always)]
    fn again(&mut self, page: PageId, _: u64, _: u64) {
        if self.stack.tag(page) == State::Hir {
            self.hit_hir(page);
        }
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
        let lir = self.stack.iter(0).filter(|&page| self.stack.tag(page) == State::Lir);
        let list = |name, resident, pages| List { name, resident, pages };
        vec![
            list("LIR", true, lir.collect()),
            list("Q", true, self.queues.iter(Q).collect()),
            list("non-resident", false, self.queues.iter(NON_RESIDENT).collect()),
        ]
    }

    fn audit(&self) {
        self.stack.audit();
        let lengths = self.queues.audit();
        assert_eq!(lengths, [self.hir as usize, self.non_resident as usize], "queue lengths");
        let is = |state| move |&page: &PageId| self.stack.tag(page) == state;
        assert!(self.queues.iter(Q).all(|page| is(State::Hir)(&page)), "Q holds HIR pages");
        let mut non_resident = self.queues.iter(NON_RESIDENT);
        assert!(
            non_resident.all(|page| is(State::NonResident)(&page) && self.stack.contains(page)),
            "a page that is not resident is in S"
        );
        let lir = self.stack.iter(0).filter(is(State::Lir)).count();
        assert_eq!(lir as u64, self.lir, "all LIR pages are in S");
        let bottom = self.stack.back(0);
        assert!(bottom.is_none_or(|page| is(State::Lir)(&page)), "the bottom of S is LIR");
        assert!(self.lir <= self.lir_max, "no more pages are LIR than may be");
        assert!(self.resident() <= self.frames, "#LIR + #HIR ≤ c");
        assert!(self.non_resident <= self.non_resident_max, "ghosts are bounded");
    }
}
