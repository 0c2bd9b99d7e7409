//! LIRS: pages whose last two uses were close together keep their frames.
//!
//! *Idea.* A page whose last two uses were close together (low inter-reference recency, LIR) is
//! likely to be used again soon, however long ago its last use was. LIR pages hold all frames but a
//! few; all other pages (HIR) pass through those few. A HIR page whose reuse distance is shorter
//! than the recency of the oldest LIR page changes places with it.
//! *Follows.* S. Jiang and X. Zhang, "LIRS: an efficient low inter-reference recency set
//! replacement policy to improve buffer cache performance", SIGMETRICS 2002, section 3. Where the
//! paper is silent, we follow the authors' program lirs.c of November 2002; our misses equal the
//! program's.
//! *Departs.* HIR pages get `hir_share` of the c frames, rounded down. The minimum is two for c ≥
//! 10, as in the program, which refuses fewer, and one below, as in the paper's example. With one
//! frame there is no LIR page and S is empty. A page used twice in a row keeps its status, as in
//! the program. At most `non_resident` times c non-resident pages are remembered in S; those
//! evicted first are forgotten first. The paper has no bound; the program bounds S as a whole at
//! 2,500 times c. The paper's cache has a fixed size. On a *shrink* the LIR pages at the bottom of
//! S become HIR until the LIR quota holds, then pages leave Q from its front until the others fit,
//! then non-resident pages beyond the bound are forgotten. A *grant* moves nothing. As in the
//! paper's start-up phase, any page used becomes LIR while the LIR quota is not full, so growing
//! and shrinking back with accesses in between turns pages used once into LIR pages. Other
//! implementations differ. In libCacheSim a hit on a page that is only in Q demotes a LIR page
//! although none is promoted, and S as a whole holds at most 2c pages. In Caffeine's simulator one
//! frame for HIR pages is enough, and 2c non-resident pages are remembered.
//! *Cost.* O(1) per access, amortised: a page is pruned from S at most once per push. 8 bytes per
//! touched page, at most 12 more for each page in S and 24 for each in Q. HIR pages are evicted in
//! the order of S, so two numbers tell which are remembered, and pruning, forgetting and evicting
//! read no page's entry.
//! *Parameters.* `hir_share`, default 0.01, the paper's; `non_resident`, default 2,500, the
//! program's.

use super::algorithm::{Accesses, Algorithm, Touch, grow};
use super::line::{Line, NO_NUMBER, Slot};
use super::paged::Paged;
use super::{Guest, List, ReplacementKind};
use crate::params::{Domain, Param, Settings, Value};
use crate::trace::PageId;
use crate::trace::reduction::OnReduced;
use crate::units::{Decimal, Footprint};

pub(super) const KIND: ReplacementKind = ReplacementKind {
    name: "lirs",
    summary: "keeps pages whose last two uses were close together; the others pass through a few \
              frames",
    follows: "S. Jiang and X. Zhang, LIRS: an efficient low inter-reference recency set \
              replacement policy to improve buffer cache performance, SIGMETRICS 2002",
    knows_the_future: false,
    on_reduced: OnReduced::Inexact,
    footprint: Footprint { page: 44, frame: 0, run: 0 },
    params: &[
        Param {
            name: "hir_share",
            doc: "share of the frames for resident HIR pages, at least two frames if there are \
                  ten or more; the paper has 1 %",
            domain: Domain::Decimal {
                min: Decimal { digits: 0, places: 0 },
                max: Decimal { digits: 1, places: 0 },
            },
            default: Value::Decimal(Decimal { digits: 1, places: 2 }),
        },
        Param {
            name: "non_resident",
            doc: "most non-resident pages remembered, as a multiple of the allocation; the paper \
                  has no bound, its authors' program 2,500, Caffeine's simulator 2",
            domain: Domain::Integer { min: 0, max: 1_000_000 },
            default: Value::Integer(2500),
        },
    ],
    build: &|settings, guest| Paged::boxed(guest, Lirs::new(settings, guest)),
};

/// The numbers of a page in S and in Q. The page is LIR if the second is [`LIR`], a resident HIR
/// page if Q's front has not passed that number, and otherwise not resident. A page that is not LIR
/// is in S if the first is at least [`Lirs::remembered`]. Pages can therefore leave either end
/// without a write.
#[derive(Clone, Copy, Debug)]
struct Entry {
    in_stack: u32,
    in_queue: u32,
}

/// Marks a LIR page; used in place of its number in Q.
const LIR: u32 = u32::MAX;

/// A slot in S: a page, and whether it is LIR.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Stacked(u32);

/// A trace whose page ids need this bit would not fit into memory.
const LIR_BIT: u32 = 1 << 31;

impl Stacked {
    #[inline(always)]
    fn page(self) -> PageId {
        self.0 & !LIR_BIT
    }

    #[inline(always)]
    fn is_lir(self) -> bool {
        self.0 & LIR_BIT != 0
    }
}

impl Slot for Stacked {
    const HOLE: Self = Self(LIR_BIT - 1);
}

/// A slot in Q: a page and its number in S, if it is there.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Queued {
    page: PageId,
    in_stack: u32,
}

impl Slot for Queued {
    const HOLE: Self = Self { page: PageId::MAX, in_stack: NO_NUMBER };
}

struct Lirs {
    entries: Vec<Entry>,
    /// S. Its front is the bottom of the stack, a LIR page.
    stack: Line<Stacked>,
    /// HIR pages with smaller numbers in S are forgotten.
    remembered: u32,
    /// Pages are evicted in the order of S: HIR pages up to this number in S are not resident,
    /// those above it are.
    evicted: u32,
    /// The number of HIR pages between the two.
    non_resident: u64,
    queue: Line<Queued>,
    queued: u64,
    frames: u64,
    lir: u64,
    /// The largest numbers of LIR and of non-resident pages.
    lir_max: u64,
    non_resident_max: u64,
    hir_share: Decimal,
    non_resident_share: u64,
}

impl Lirs {
    fn new(settings: &Settings, guest: &Guest<'_>) -> Self {
        let mut lirs = Self {
            entries: Vec::new(),
            stack: Line::new(),
            remembered: NO_NUMBER + 1,
            evicted: NO_NUMBER,
            non_resident: 0,
            queue: Line::new(),
            queued: 0,
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
        let hir_min = if frames < 10 { 1 } else { 2 };
        self.lir_max = frames - self.hir_share.floor_of(frames).max(hir_min);
        self.non_resident_max = self.non_resident_share.saturating_mul(frames);
    }

    #[inline(always)]
    fn resident(&self) -> u64 {
        self.lir + self.queued
    }

    #[inline(always)]
    fn entry(&mut self, page: PageId) -> &mut Entry {
        &mut self.entries[page as usize]
    }

    /// Puts a LIR page that is not in S on top of S.
    #[inline(always)]
    fn stack_lir(&mut self, page: PageId) {
        let in_stack = self.stack.push(Stacked(page | LIR_BIT));
        *self.entry(page) = Entry { in_stack, in_queue: LIR };
        if self.stack.is_long() {
            self.compact_stack();
        }
    }

    /// Puts a page that is not in Q at its end.
    #[inline(always)]
    fn enqueue(&mut self, page: PageId, in_stack: u32) {
        let in_queue = self.queue.push(Queued { page, in_stack });
        *self.entry(page) = Entry { in_stack, in_queue };
        self.queued += 1;
        if self.queue.is_long() {
            self.compact_queue();
        }
    }

    #[cold]
    fn compact_stack(&mut self) {
        let Self { entries, stack, queue, remembered, evicted, .. } = self;
        // Forgotten pages still have slots in S.
        for number in stack.front()..*remembered {
            if !stack.slot(number).is_lir() {
                stack.leave(number);
            }
        }
        if stack.must_renumber() {
            let is_forgotten =
                |entry: &&mut Entry| entry.in_queue != LIR && entry.in_stack < *remembered;
            entries.iter_mut().filter(is_forgotten).for_each(|entry| entry.in_stack = NO_NUMBER);
            queue.each(|slot| {
                if slot.in_stack < *remembered {
                    slot.in_stack = NO_NUMBER;
                }
            });
        }
        let mut last_evicted = None;
        let renumbered = stack.compact(|slot, old, new| {
            let entry = &mut entries[slot.page() as usize];
            entry.in_stack = new;
            if old <= *evicted {
                last_evicted = Some(new);
            } else if !slot.is_lir() {
                queue.slot_mut(entry.in_queue).in_stack = new;
            }
        });
        if renumbered {
            *remembered = stack.front();
            *evicted = last_evicted.unwrap_or(stack.front() - 1);
        }
    }

    #[cold]
    fn compact_queue(&mut self) {
        let Self { entries, queue, .. } = self;
        if queue.must_renumber() {
            let is_gone = |entry: &&mut Entry| entry.in_queue < queue.front();
            entries.iter_mut().filter(is_gone).for_each(|entry| entry.in_queue = NO_NUMBER);
        }
        queue.compact(|slot, _, new| entries[slot.page as usize].in_queue = new);
    }

    /// Stack pruning: HIR pages leave the bottom of S until a LIR page is there.
    #[inline(always)]
    fn prune(&mut self) {
        let mut bottom = self.stack.front();
        while bottom < self.stack.next() && !self.stack.slot(bottom).is_lir() {
            bottom += 1;
        }
        while self.remembered < bottom {
            self.forget();
        }
        self.stack.leave_before(bottom);
    }

    /// Advances the number up to which HIR pages are forgotten by one.
    #[inline(always)]
    fn forget(&mut self) {
        let slot = self.stack.slot(self.remembered);
        let is_hir = !slot.is_lir() && slot != Stacked::HOLE;
        self.non_resident -= u64::from(is_hir && self.remembered <= self.evicted);
        self.remembered += 1;
    }

    /// The LIR page at the bottom of S becomes HIR and moves to the end of Q.
    #[inline(always)]
    fn demote(&mut self) {
        let bottom = self.stack.front();
        let page = self.stack.slot(bottom).page();
        self.stack.leave(bottom);
        self.lir -= 1;
        self.enqueue(page, NO_NUMBER);
        self.prune();
    }

    /// Evicts the page at the front of Q; if it is in S, it stays there.
    #[inline(always)]
    fn evict(&mut self) -> PageId {
        let mut front = self.queue.front();
        while self.queue.slot(front) == Queued::HOLE {
            front += 1;
        }
        let Queued { page, in_stack } = self.queue.slot(front);
        self.queue.leave_before(front + 1);
        self.queued -= 1;
        if in_stack >= self.remembered {
            self.non_resident += 1;
            self.evicted = in_stack;
            self.bound_non_resident();
        }
        page
    }

    /// Forgets the non-resident pages beyond the bound, those evicted first.
    #[inline(always)]
    fn bound_non_resident(&mut self) {
        while self.non_resident > self.non_resident_max {
            self.forget();
        }
    }

    /// A hit on a LIR page: it moves to the top of S, which is pruned if it was at the bottom.
    #[inline(always)]
    fn hit_lir(&mut self, page: PageId, in_stack: u32) {
        self.stack.leave(in_stack);
        let was_bottom = in_stack == self.stack.front();
        self.stack_lir(page);
        if was_bottom {
            self.prune();
        }
    }

    /// A hit on a resident HIR page.
    #[inline(always)]
    fn hit_hir(&mut self, page: PageId) {
        let Entry { in_stack, in_queue } = *self.entry(page);
        let is_stacked = in_stack >= self.remembered;
        if is_stacked && in_stack + 1 == self.stack.next() {
            return; // It was used last and is already on top.
        }
        self.queue.leave(in_queue);
        self.queued -= 1;
        if is_stacked {
            self.stack.leave(in_stack);
        }
        // If it is in S, it becomes LIR and the LIR page at the bottom HIR. Otherwise it stays HIR
        // and moves to the end of Q.
        self.place(page, is_stacked);
    }

    /// Puts a page that is in neither S nor Q on top of S: as LIR if it was in S before, otherwise
    /// as HIR, which is also put at the end of Q.
    #[inline(always)]
    fn place(&mut self, page: PageId, was_stacked: bool) {
        if was_stacked || self.lir < self.lir_max {
            self.stack_lir(page);
            self.lir += 1;
            if self.lir > self.lir_max {
                self.demote();
            }
        } else if self.lir_max == 0 {
            self.enqueue(page, NO_NUMBER);
        } else {
            let in_stack = self.stack.push(Stacked(page));
            self.enqueue(page, in_stack);
            if self.stack.is_long() {
                self.compact_stack();
            }
        }
    }
}

impl Accesses for Lirs {
    fn make_room(&mut self, pages: usize) {
        grow(&mut self.entries, pages, Entry { in_stack: NO_NUMBER, in_queue: NO_NUMBER });
    }

    #[inline(always)]
    fn touch(&mut self, page: PageId, _: u64) -> Touch {
        let Entry { in_stack, in_queue } = *self.entry(page);
        if in_queue == LIR {
            self.hit_lir(page, in_stack);
            return Touch::Hit;
        }
        if in_queue >= self.queue.front() {
            self.hit_hir(page);
            return Touch::Hit;
        }
        let is_stacked = in_stack >= self.remembered;
        if is_stacked {
            // It leaves S first; otherwise the eviction could forget it.
            self.stack.leave(in_stack);
            self.non_resident -= 1;
        }
        // First the page at the front of Q is evicted, then the new one is loaded.
        let victim = (self.resident() == self.frames).then(|| self.evict());
        self.place(page, is_stacked);
        victim.map_or(Touch::Fill, Touch::Replacement)
    }

    fn free(&mut self, page: PageId) -> bool {
        let absent = Entry { in_stack: NO_NUMBER, in_queue: NO_NUMBER };
        let Entry { in_stack, in_queue } = std::mem::replace(self.entry(page), absent);
        if in_queue == LIR {
            self.stack.leave(in_stack);
            self.lir -= 1;
            if in_stack == self.stack.front() {
                self.prune();
            }
            return true;
        }
        let is_resident = in_queue >= self.queue.front();
        if is_resident {
            self.queue.leave(in_queue);
            self.queued -= 1;
        }
        if in_stack >= self.remembered {
            self.stack.leave(in_stack);
            self.non_resident -= u64::from(!is_resident);
        }
        is_resident
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
        let stacked = || self.stack.newest_first();
        let lir = stacked().filter(|(_, slot)| slot.is_lir());
        let non_resident = stacked().filter(|&(number, slot)| {
            !slot.is_lir() && (self.remembered..=self.evicted).contains(&number)
        });
        vec![
            List::resident("LIR", lir.map(|(_, slot)| slot.page())),
            List::resident("Q", self.queue.newest_first().map(|(_, slot)| slot.page)),
            List::ghosts("non-resident", non_resident.map(|(_, slot)| slot.page())),
        ]
    }

    fn audit(&self) {
        let lists = self.lists();
        let lengths = [self.lir, self.queued, self.non_resident];
        assert!(lists.iter().map(|list| list.pages.len() as u64).eq(lengths), "lists are counted");
        for (number, slot) in self.stack.newest_first() {
            let entry = self.entries[slot.page() as usize];
            if !slot.is_lir() && number < self.remembered {
                continue; // Forgotten: its entry is out of date.
            }
            assert_eq!(entry.in_stack, number, "pages know their number in S");
            assert_eq!(entry.in_queue == LIR, slot.is_lir(), "pages know whether they are LIR");
            if !slot.is_lir() {
                let is_resident = entry.in_queue >= self.queue.front();
                assert_eq!(is_resident, number > self.evicted, "pages leave Q in the order of S");
            }
        }
        for (number, slot) in self.queue.newest_first() {
            let entry = self.entries[slot.page as usize];
            assert_eq!(entry.in_queue, number, "pages know their number in Q");
            assert_eq!(entry.in_stack, slot.in_stack, "Q knows the numbers in S");
        }
        let bottom = self.stack.newest_first().last();
        assert!(bottom.is_none_or(|(_, slot)| slot.is_lir()), "the bottom of S is LIR");
        assert!(self.lir <= self.lir_max, "no more pages are LIR than may be");
        assert!(self.resident() <= self.frames, "#LIR + #HIR ≤ c");
        assert!(self.non_resident <= self.non_resident_max, "ghosts are bounded");
    }
}

#[cfg(test)]
mod tests;
