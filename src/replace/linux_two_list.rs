//! Linux's active and inactive lists: a page must be used again on the inactive list to become
//! active.
//!
//! *Idea.* A new page starts on the inactive list, from whose end pages are reclaimed; a second use
//! there activates it. A page that faults again so soon after its eviction that it would still be
//! resident had there been no active pages is activated at once.
//! *Follows.* J. Weiner, "Thrash detection-based file cache sizing", LWN and Linux 3.15, 2014, and
//! of Linux 6.1 the comment at the head of mm/workingset.c and, in mm/vmscan.c,
//! `folio_check_references`, `shrink_inactive_list`, `shrink_active_list`, `shrink_lruvec`,
//! `inactive_is_low` and `prepare_scan_count`; for files `folio_mark_accessed` in mm/swap.c.
//! *Departs.* All pages of a VM are of one kind, so there is one pair of lists; the refault
//! distance is compared with the length of the active list. An evicted page leaves its shadow
//! entry, one number, which is never dropped; the kernel drops the oldest ones, for which the test
//! would fail anyway. The ratio assumes pages of 4 KiB.
//! Anonymous memory: the kernel learns of a use from the page table, when it scans, so an access
//! only sets a bit. A scan of the inactive list spares a page that was used, and activates it if it
//! was spared or active before. A reclaim frees `batch` pages or some more, by passes of rising
//! effort; the active list is scanned if it is too long or if a refault activated a page since the
//! last reclaim. Pages that wait for their list in a buffer of their processor are not modelled.
//! The kernel's 32 pages are a 64th of 8 MiB, the smallest memory that was measured. With fewer
//! frames, as no Linux has, a reclaim frees a 64th of them too, where 32 pages would be the half of
//! the memory. docs/validation.md compares predicted and measured faults.
//! Files: uses are those of `read`, each of which the kernel sees; a fault is a page's first. Pages
//! are reclaimed one at a time, and the active list is shortened until the balance holds.
//! A *shrink* reclaims by the same rule until the pages fit, no more, and leaves a shadow entry for
//! each. A *grant* changes no list; the ratio depends on the number of resident pages, so it takes
//! effect at the next reclaim. Growing and shrinking back is a no-op if no access happens in
//! between.
//! *Cost.* O(1) per access, amortised: every page scanned was used or activated before; 20 bytes
//! per touched page.
//! *Parameters.* `memory`: what the pages are, `anonymous` by default; `inactive_ratio`, default 0:
//! the kernel's; `batch`, default 0: the kernel's 32.

use super::algorithm::{Accesses, Algorithm, Touch, grow};
use super::links::Links;
use super::linux_reclaim::{Batch, SWAP_CLUSTER_MAX, round};
use super::paged::Paged;
use super::{Guest, List, ReplacementKind};
use crate::params::{Domain, Param, Settings, Value};
use crate::trace::PageId;
use crate::trace::reduction::OnReduced;
use crate::units::Footprint;

pub(super) const KIND: ReplacementKind = ReplacementKind {
    name: "linux-two-list",
    summary: "an inactive and an active list; a second use or a quick refault activates a page",
    follows: "J. Weiner, Thrash detection-based file cache sizing, Linux 3.15, 2014",
    knows_the_future: false,
    on_reduced: OnReduced::Inexact,
    footprint: Footprint { page: 20, frame: 0, run: 0 },
    params: &[
        Param {
            name: "memory",
            doc: "what the pages are: `anonymous` memory, whose uses are seen when pages are \
                  scanned, or parts of a `file`, whose uses are seen at once",
            domain: Domain::Choice(&["anonymous", "file"]),
            default: Value::Choice("anonymous"),
        },
        Param {
            name: "inactive_ratio",
            doc: "largest ratio of the active list's length to the inactive list's; 0 means the \
                  kernel's √(10 × GiB resident), at least 1",
            domain: Domain::Integer { min: 0, max: 1_000_000 },
            default: Value::Integer(0),
        },
        Param {
            name: "batch",
            doc: "pages of anonymous memory that a reclaim frees at least, at most a quarter of \
                  the frames; 0 means the kernel's 32, at most a 64th of the frames",
            domain: Domain::Integer { min: 0, max: 1_000_000 },
            default: Value::Integer(0),
        },
    ],
    build: &|settings, guest| Paged::boxed(guest, TwoList::new(settings, guest)),
};

const INACTIVE: usize = 0;
const ACTIVE: usize = 1;

/// The state of a page.
#[derive(Clone, Copy, Debug, Default)]
struct Entry {
    /// The list that contains it.
    list: Option<u8>,
    /// The kernel's `PG_referenced`: of a file, used since the bit was cleared; of anonymous
    /// memory, spared by a scan or active once.
    referenced: bool,
    /// The accessed bit in the page table: used since the last scan. Anonymous memory only.
    accessed: bool,
}

struct TwoList {
    pages: Links<Entry>,
    lengths: [u64; 2],
    frames: u64,
    anonymous: bool,
    ratio: u64,
    /// The parameter `batch`.
    batch_size: u64,
    batch: Batch,
    /// Whether a refault has activated a page since the last reclaim.
    has_activated: bool,
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
            anonymous: settings.choice("memory") == "anonymous",
            ratio: settings.integer("inactive_ratio"),
            batch_size: settings.integer("batch"),
            batch: Batch::default(),
            has_activated: false,
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

    /// Notes that a page that is on no list any more is evicted.
    fn leave_shadow(&mut self, victim: PageId) {
        *self.pages.tag_mut(victim) = Entry::default();
        // The shadow entry is the age before this eviction, which then increments it.
        self.shadows[victim as usize] = self.age;
        self.age += 1;
    }

    /// Files: reclaims the page at the end of the inactive list.
    fn reclaim_one(&mut self) -> PageId {
        // While the inactive list is low, demote pages from the end of the active list.
        while self.inactive_is_low() {
            let page = self.pop(ACTIVE);
            self.put(INACTIVE, page);
        }
        let victim = self.pop(INACTIVE);
        self.leave_shadow(victim);
        victim
    }

    /// Anonymous memory: reclaims at least `wanted` pages, of which there are as many, and exactly
    /// so many if `exact`.
    fn reclaim(&mut self, wanted: u64, exact: bool, mut evicted: impl FnMut(PageId)) {
        let chunk = self.chunk();
        let mut freed = 0;
        while freed < wanted {
            freed += round(wanted - freed, |priority, wanted| {
                self.pass(priority, chunk, (wanted, exact), &mut evicted)
            });
            self.has_activated = false;
        }
    }

    /// `shrink_lruvec`: scans this part of both lists. Returns the number of pages evicted.
    fn pass(
        &mut self,
        priority: u32,
        chunk: u64,
        (wanted, exact): (u64, bool),
        evicted: &mut impl FnMut(PageId),
    ) -> u64 {
        let may_deactivate = self.has_activated || self.inactive_is_low();
        let [mut inactive, mut active] = self.lengths.map(|length| length >> priority);
        let mut freed = 0;
        while inactive > 0 && freed < wanted {
            let scanned = inactive.min(chunk);
            inactive -= scanned;
            let most = if exact { wanted - freed } else { u64::MAX };
            freed += self.shrink_inactive(scanned.min(most), evicted);
            let scanned = active.min(chunk);
            active -= scanned;
            if may_deactivate {
                self.shrink_active(scanned);
            }
        }
        if self.inactive_is_low() {
            self.shrink_active(chunk);
        }
        freed
    }

    /// `shrink_active_list`: demotes pages, used or not.
    fn shrink_active(&mut self, scanned: u64) {
        for _ in 0..scanned.min(self.lengths[ACTIVE]) {
            let page = self.pop(ACTIVE);
            self.pages.tag_mut(page).accessed = false;
            self.put(INACTIVE, page);
        }
    }

    /// `shrink_inactive_list`: takes pages from the end and evicts those that were not used.
    /// Returns their number.
    fn shrink_inactive(&mut self, scanned: u64, evicted: &mut impl FnMut(PageId)) -> u64 {
        let mut freed = 0;
        for _ in 0..scanned.min(self.lengths[INACTIVE]) {
            let page = self.pop(INACTIVE);
            let entry = self.pages.tag_mut(page);
            if !entry.accessed {
                self.leave_shadow(page);
                evicted(page);
                freed += 1;
                continue;
            }
            // `folio_check_references`: an active page keeps the mark, so that it is activated at
            // its next use when it has been demoted.
            entry.accessed = false;
            if std::mem::replace(&mut entry.referenced, true) {
                self.put(ACTIVE, page);
                self.age += 1;
            } else {
                self.put(INACTIVE, page);
            }
        }
        freed
    }

    /// The pages that a scan takes at once and a fault reclaims at least.
    fn chunk(&self) -> u64 {
        let batch = match self.batch_size {
            0 => SWAP_CLUSTER_MAX.min(self.frames / 64),
            batch => batch.min(self.frames / 4),
        };
        batch.max(1)
    }

    /// Makes room for a page that faults, and says what its frame was.
    fn room(&mut self) -> Touch {
        if !self.anonymous {
            let is_full = self.resident() == self.frames;
            return if is_full { Touch::Replacement(self.reclaim_one()) } else { Touch::Fill };
        }
        let mut batch = std::mem::take(&mut self.batch);
        let touch = batch.fault(self.resident() == self.frames, |evicted| {
            self.reclaim(self.chunk(), false, |page| evicted.push(page));
        });
        self.batch = batch;
        touch
    }

    /// The use of a resident page: of a file, `folio_mark_accessed`.
    #[inline(always)]
    fn mark_accessed(&mut self, page: PageId) {
        let entry = self.pages.tag_mut(page);
        if self.anonymous {
            entry.accessed = true;
            return;
        }
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
        let touch = self.room();
        // If the refault distance R − E is at most the length of the active list, the page becomes
        // active at once; the age increases.
        let shadow = self.shadows[page as usize];
        if shadow != NEVER && self.age - shadow <= self.lengths[ACTIVE] {
            self.put(ACTIVE, page);
            self.age += 1;
            self.has_activated = true;
        } else {
            self.put(INACTIVE, page);
        }
        let entry = self.pages.tag_mut(page);
        (entry.accessed, entry.referenced) = (self.anonymous, !self.anonymous);
        touch
    }

    fn reclaimed(&self) -> &[PageId] {
        self.batch.evicted()
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

impl Algorithm for TwoList {
    fn resize(&mut self, frames: u64, mut evicted: impl FnMut(PageId)) {
        self.frames = frames;
        if self.anonymous {
            self.reclaim(self.resident().saturating_sub(frames), true, evicted);
        } else {
            while self.resident() > frames {
                evicted(self.reclaim_one());
            }
        }
        self.batch.resize(frames - self.resident());
    }

    fn resident(&self) -> u64 {
        self.resident()
    }

    /// A page has a mark if `referenced`, and two more if `accessed`.
    fn lists(&self) -> Vec<List> {
        let mark = |page| {
            let Entry { referenced, accessed, .. } = self.pages.tag(page);
            u8::from(referenced) + 2 * u8::from(accessed)
        };
        let list = |(name, list)| List::resident(name, self.pages.iter(list)).marked(mark);
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
        let taken = self.resident() + self.batch.emptied();
        assert!(taken <= self.frames, "frames hold pages or are empty");
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
