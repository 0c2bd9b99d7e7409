//! Multi-generational LRU: pages age in up to four generations; scans of their accessed bits make
//! used pages young again.
//!
//! *Idea.* If an access only sets a bit, all that is known of a page is whether it was used since
//! the last scan. Each scan opens a new generation and moves the used pages into it; pages are
//! evicted from the oldest generation.
//! *Follows.* Y. Zhao, "Multi-Gen LRU", Linux 6.1, 2022: `Documentation/mm/multigen_lru.rst` and
//! `mm/vmscan.c`. Names are the kernel's.
//! *Departs.* All pages are anonymous memory of one process, a page table maps 512 of them, and
//! pages whose numbers follow each other lie side by side. Included: 2 to 4 generations, of which
//! the two youngest are never evicted from; aging when they are uneven; its walk over the page
//! tables, which moves no page at once and skips the tables that are not in the Bloom filter, here
//! a set without false positives; the second look at the bit when a page is about to be evicted,
//! and then at those of the 64 pages around it; pages that refault into the generation that they
//! left, which are spared once (the kernel spares them if they refault more than others); reclaims
//! of 32 pages or some more, by passes of rising effort. With fewer than 2048 frames, as no Linux
//! has, a reclaim frees a 64th of them. Left out: tiers of pages read through file descriptors, the
//! distinction of anonymous and file pages, aging ahead of need, pages that wait in a buffer of
//! their processor.
//! *Measured* (docs/validation.md). Linux 6.1 leaves a process out of a walk if no processor has
//! switched to it since the last one, which hangs on what else runs. Of a program that faults
//! nearly all the time most predictions are within 11 % of the kernel's faults, with walks and
//! without; but a loop somewhat larger than memory faults half as often as there, and where few
//! pages do not fit predictions are up to 17 % off. Of sqlite3, which computes between its faults,
//! those with walks are nearer (docs/validation.md).
//! A *shrink* reclaims by the same rule until the pages fit, no more. A *grant* changes nothing.
//! Growing and shrinking back is a no-op if no access happens in between.
//! *Cost.* O(1) per hit; an aging looks at the pages of the tables that it does not skip, other
//! faults are amortised O(1); 36 bytes per page.
//! *Parameters.* `walk`: whether aging walks the page tables, `never` by default.

mod space;

use std::collections::BTreeSet;
use std::ops::Range;

use self::space::{AROUND, Space, TABLE};
use super::algorithm::{Accesses, Algorithm, Touch, grow};
use super::links::Links;
use super::linux_reclaim::{Batch, PRIORITY_MAX, SWAP_CLUSTER_MAX, round};
use super::paged::Paged;
use super::{Guest, List, ReplacementKind};
use crate::params::{Domain, Param, Settings, Value};
use crate::trace::PageId;
use crate::trace::reduction::OnReduced;
use crate::units::Footprint;

pub(super) const KIND: ReplacementKind = ReplacementKind {
    name: "mglru",
    summary: "ages pages in up to four generations by scans of their accessed bits",
    follows: "Y. Zhao, Multi-Gen LRU, Linux 6.1, 2022",
    knows_the_future: false,
    on_reduced: OnReduced::Inexact,
    footprint: Footprint { page: 36, frame: 0, run: 0 },
    params: &[Param {
        name: "walk",
        doc: "whether aging walks the page tables to look for used pages; `always` is nearest to \
              what was measured of programs that compute for long between faults",
        domain: Domain::Choice(&["always", "never"]),
        default: Value::Choice("never"),
    }],
    build: &|settings, guest| Paged::boxed(guest, MultiGen::new(settings, guest)),
};

/// The kernel's `MIN_NR_GENS` and `MAX_NR_GENS`.
const MIN_GENS: u64 = 2;
const MAX_GENS: u64 = 4;

/// The pages that the kernel looks at in one go at most.
const MAX_LRU_BATCH: u64 = 4096;

fn list_of(seq: u64) -> usize {
    (seq % MAX_GENS) as usize
}

/// The kernel's `suitable_to_scan`: a table is worth a walk if an eighth of what was seen of it, a
/// page in each cache line, is young.
fn is_worth_it(seen: u64, young: u64) -> bool {
    young * 8 >= seen
}

#[derive(Clone, Copy, Debug, Default)]
struct Entry {
    resident: bool,
    /// The accessed bit in the page table.
    accessed: bool,
    /// Whether it refaulted into the generation that it left.
    spared: bool,
    /// The generation that it belongs to, modulo [`MAX_GENS`]. It may still stand on the list of an
    /// older one: eviction moves it when it meets it.
    generation: u8,
}

struct MultiGen {
    /// List `seq` modulo [`MAX_GENS`] is for generation `seq`, evicted from its back.
    pages: Links<Entry>,
    /// How many pages belong to each generation, whichever list they stand on.
    sizes: [u64; MAX_GENS as usize],
    /// The youngest and the oldest generation.
    max_seq: u64,
    min_seq: u64,
    frames: u64,
    walks: bool,
    space: Space,
    /// The page tables worth a walk, for the generations with even and with odd numbers.
    filters: [Filter; 2],
    /// The oldest generation when each page was evicted; [`NEVER`] if it was not.
    shadows: Vec<u64>,
    batch: Batch,
}

const NEVER: u64 = u64::MAX;

/// A Bloom filter; `None` if there has been no walk to make it.
type Filter = Option<BTreeSet<u64>>;

impl MultiGen {
    fn new(settings: &Settings, guest: &Guest<'_>) -> Self {
        Self {
            pages: Links::new(MAX_GENS as usize),
            sizes: [0; MAX_GENS as usize],
            // As in the kernel, all generations exist at the start and are empty.
            max_seq: MAX_GENS - 1,
            min_seq: 0,
            frames: guest.frames.0,
            walks: settings.choice("walk") == "always",
            space: Space::new(guest.trace),
            filters: [None, None],
            shadows: Vec::new(),
            batch: Batch::default(),
        }
    }

    fn resident(&self) -> u64 {
        self.sizes.iter().sum()
    }

    /// Lets a page that is in no generation join one.
    fn join(&mut self, page: PageId, seq: u64) {
        self.pages.tag_mut(page).generation = list_of(seq) as u8;
        self.sizes[list_of(seq)] += 1;
    }

    /// Lets a page that is in a generation join another, on whichever list it stands.
    fn change(&mut self, page: PageId, seq: u64) {
        let entry = self.pages.tag_mut(page);
        entry.spared = false;
        self.sizes[usize::from(entry.generation)] -= 1;
        self.join(page, seq);
    }

    /// Clears the accessed bits of the pages at these places, and makes those that were used young
    /// unless they are about to be evicted. Returns their number.
    fn make_young(&mut self, places: Range<usize>) -> u64 {
        let mut young = 0;
        for place in places {
            let page = self.space.page(place);
            // Later pages have not been touched.
            if (page as usize) < self.shadows.len() && self.pages.tag(page).accessed {
                self.pages.tag_mut(page).accessed = false;
                young += 1;
                if self.pages.contains(page) {
                    self.change(page, self.max_seq);
                }
            }
        }
        young
    }

    /// `try_to_inc_max_seq`: aging, by a walk if the process is walked, opens a generation.
    fn age(&mut self) {
        if self.walks {
            self.walk();
        }
        if self.max_seq - self.min_seq + 1 == MAX_GENS {
            self.merge_oldest();
        }
        self.max_seq += 1;
    }

    /// `walk_mm`: makes the used pages young, table by table, and notes for the next walk which
    /// tables are worth it.
    fn walk(&mut self) {
        let filter = self.filters[self.max_seq as usize % 2].take();
        let mut worth = BTreeSet::new();
        let mut from = 0;
        while let Some((table, places)) = self.space.table_at(from) {
            from = places.end;
            if filter.as_ref().is_none_or(|tables| tables.contains(&table)) {
                let young = self.make_young(places);
                if is_worth_it(TABLE, young) {
                    worth.insert(table);
                }
            }
        }
        self.filters[(self.max_seq as usize + 1) % 2] = Some(worth);
    }

    /// `inc_min_seq`: the pages of the oldest generation join the next one, at the back.
    fn merge_oldest(&mut self) {
        while let Some(page) = self.pages.pop_back(list_of(self.min_seq)) {
            if usize::from(self.pages.tag(page).generation) == list_of(self.min_seq) {
                self.change(page, self.min_seq + 1);
            }
            let list = usize::from(self.pages.tag(page).generation);
            self.pages.push_back(list, page);
        }
        self.min_seq += 1;
    }

    /// `should_run_aging`: only the two youngest generations are left, which are never evicted
    /// from, or the three are uneven.
    fn should_age(&self) -> bool {
        match self.max_seq - self.min_seq {
            generations if generations < MIN_GENS => true,
            MIN_GENS => {
                let [young, old] = [self.max_seq, self.min_seq].map(|seq| self.sizes[list_of(seq)]);
                let total = self.resident();
                young * MIN_GENS > total || old * (MIN_GENS + 2) < total
            }
            _ => false,
        }
    }

    /// `try_to_inc_min_seq`: empty generations are not the oldest.
    fn skip_empty(&mut self) {
        let is_empty = |it: &Self| it.pages.back(list_of(it.min_seq)).is_none();
        while self.max_seq - self.min_seq >= MIN_GENS && is_empty(self) {
            self.min_seq += 1;
        }
    }

    /// Reclaims at least `wanted` pages, of which there are as many, and exactly so many if
    /// `exact`.
    fn reclaim(&mut self, wanted: u64, exact: bool, mut evicted: impl FnMut(PageId)) {
        let mut freed = 0;
        while freed < wanted {
            freed += round(wanted - freed, |priority, wanted| {
                self.pass(priority, (wanted, exact), &mut evicted)
            });
        }
    }

    /// `lru_gen_shrink_lruvec`: scans this part of the pages. Returns the number of pages evicted.
    fn pass(
        &mut self,
        priority: u32,
        (wanted, exact): (u64, bool),
        evicted: &mut impl FnMut(PageId),
    ) -> u64 {
        let first_max = self.max_seq;
        let (mut scanned, mut freed) = (0, 0);
        loop {
            let to_scan = self.resident() >> priority;
            if self.should_age() && priority < PRIORITY_MAX {
                self.age();
            }
            if to_scan == 0 {
                return freed;
            }
            let most = if exact { wanted - freed } else { u64::MAX };
            let before = self.resident();
            let seen = self.evict_oldest(most, evicted);
            freed += before - self.resident();
            scanned += seen;
            let has_aged = self.max_seq - first_max > 1;
            if seen == 0 || scanned >= to_scan || freed >= wanted || has_aged {
                return freed;
            }
        }
    }

    /// `evict_folios`: takes pages from the oldest generation, at most as many as the kernel does
    /// at once or `most`, and evicts those that were not used. Returns how many were seen.
    fn evict_oldest(&mut self, most: u64, evicted: &mut impl FnMut(PageId)) -> u64 {
        self.skip_empty();
        if self.max_seq - self.min_seq < MIN_GENS {
            return 0;
        }
        let (oldest, most) = (list_of(self.min_seq), most.min(AROUND.min(self.frames / 32).max(1)));
        let mut taken = Vec::new();
        let mut seen = 0;
        while seen < MAX_LRU_BATCH && (taken.len() as u64) < most {
            let Some(page) = self.pages.pop_back(oldest) else { break };
            seen += 1;
            let entry = self.pages.tag(page);
            if usize::from(entry.generation) != oldest {
                self.pages.push_front(usize::from(entry.generation), page);
            } else if entry.spared {
                self.change(page, self.min_seq + 1);
                self.pages.push_back(list_of(self.min_seq + 1), page);
            } else {
                self.sizes[oldest] -= 1;
                taken.push(page);
            }
        }
        for page in taken {
            if self.pages.tag(page).accessed {
                self.look_around(page);
                self.join(page, self.max_seq);
                self.pages.push_front(list_of(self.max_seq), page);
            } else {
                *self.pages.tag_mut(page) = Entry::default();
                self.shadows[page as usize] = self.min_seq;
                evicted(page);
            }
        }
        self.skip_empty();
        seen
    }

    /// `lru_gen_look_around`: makes the used pages around a used one young.
    fn look_around(&mut self, page: PageId) {
        let (table, places) = self.space.around(page);
        let young = self.make_young(places);
        if is_worth_it(AROUND, young)
            && let Some(tables) = &mut self.filters[self.max_seq as usize % 2]
        {
            tables.insert(table);
        }
    }

    /// Makes room for a page that faults, and says what its frame was.
    fn room(&mut self) -> Touch {
        let mut batch = std::mem::take(&mut self.batch);
        let wanted = SWAP_CLUSTER_MAX.min(self.frames / 64).max(1);
        let touch = batch.fault(self.resident() == self.frames, |evicted| {
            self.reclaim(wanted, false, |page| evicted.push(page));
        });
        self.batch = batch;
        touch
    }
}

impl Accesses for MultiGen {
    fn make_room(&mut self, pages: usize) {
        self.pages.make_room(pages);
        grow(&mut self.shadows, pages, NEVER);
    }

    #[inline(always)]
    fn touch(&mut self, page: PageId, _: u64) -> Touch {
        let entry = self.pages.tag_mut(page);
        if entry.resident {
            entry.accessed = true;
            return Touch::Hit;
        }
        let touch = self.room();
        let spared = self.shadows[page as usize] == self.min_seq;
        let entry = Entry { resident: true, accessed: true, spared, generation: 0 };
        *self.pages.tag_mut(page) = entry;
        self.join(page, self.max_seq);
        self.pages.push_front(list_of(self.max_seq), page);
        touch
    }

    fn reclaimed(&self) -> &[PageId] {
        self.batch.evicted()
    }

    /// The page leaves its list, and if it was evicted, its shadow goes with its swap slot.
    fn free(&mut self, page: PageId) -> bool {
        self.shadows[page as usize] = NEVER;
        let Entry { resident, generation, .. } = std::mem::take(self.pages.tag_mut(page));
        if resident {
            self.pages.remove(page);
            self.sizes[usize::from(generation)] -= 1;
        }
        resident
    }

    #[inline(always)]
    fn read_ahead(&self, pages: &[PageId]) {
        self.pages.read_ahead(pages);
    }
}

impl Algorithm for MultiGen {
    fn resize(&mut self, frames: u64, evicted: impl FnMut(PageId)) {
        self.frames = frames;
        self.reclaim(self.resident().saturating_sub(frames), true, evicted);
        self.batch.resize(frames - self.resident());
    }

    fn resident(&self) -> u64 {
        self.resident()
    }

    /// From the youngest generation to the oldest, by the lists on which pages stand. A page has a
    /// mark if `accessed`, and two more if `spared`.
    fn lists(&self) -> Vec<List> {
        let names = ["youngest", "second", "third", "fourth"].into_iter();
        let generations = (self.min_seq..=self.max_seq).rev();
        let mark = |page| {
            let Entry { accessed, spared, .. } = self.pages.tag(page);
            u8::from(accessed) + 2 * u8::from(spared)
        };
        let list = |(name, seq)| List::resident(name, self.pages.iter(list_of(seq))).marked(mark);
        names.zip(generations).map(list).collect()
    }

    fn audit(&self) {
        let span = self.max_seq - self.min_seq + 1;
        assert!((MIN_GENS..=MAX_GENS).contains(&span), "2 to 4 generations");
        let listed: usize = self.pages.audit().iter().sum();
        assert_eq!(listed as u64, self.resident(), "every resident page is in a generation");
        let mut sizes = [0; MAX_GENS as usize];
        for (at, list) in self.lists().into_iter().enumerate() {
            for page in list.pages {
                let entry = self.pages.tag(page);
                assert!(entry.resident, "a page on a list is resident");
                sizes[usize::from(entry.generation)] += 1;
                let seq = (self.min_seq..=self.max_seq)
                    .find(|&seq| list_of(seq) == usize::from(entry.generation));
                let stands = self.max_seq - at as u64;
                assert!(seq.is_some_and(|seq| seq >= stands), "no page is older than its list");
            }
        }
        assert_eq!(sizes, self.sizes, "generations are as large as counted");
        let taken = self.resident() + self.batch.emptied();
        assert!(taken <= self.frames, "frames hold pages or are empty");
        let mut shadows = self.shadows.iter().filter(|&&shadow| shadow != NEVER);
        assert!(shadows.all(|&shadow| shadow <= self.min_seq), "shadow entries are from the past");
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use super::*;
    use crate::random::{Generator, Stream};
    use crate::trace::Trace;
    use crate::units::Frames;

    #[test]
    fn sequence_numbers_only_grow() {
        let mut evictions = 0;
        for number in 0..2_000 {
            let settings = Settings::defaults(KIND.params);
            let draw = || Stream::new(Generator::ChaCha8, number, 0, "test/mglru");
            let mut stream = draw();
            let trace = Arc::new(Trace::from_pages(0..12));
            let mut frames = 1 + stream.below(12);
            let guest = Guest {
                trace: &trace,
                frames: Frames(frames),
                draw: &draw,
                counts_write_backs: false,
                tiers: &[],
                backing: None,
                shares: None,
            };
            let mut generations = MultiGen::new(&settings, &guest);
            generations.make_room(12);
            for _ in 0..80 {
                let before = (generations.max_seq, generations.min_seq);
                if stream.below(8) == 0 {
                    frames = 1 + stream.below(12);
                    generations.resize(frames, |_| evictions += 1);
                } else if generations.touch(stream.below(12) as u32, 0) == Touch::Reclaimed {
                    evictions += generations.reclaimed().len();
                }
                assert!(generations.max_seq >= before.0 && generations.min_seq >= before.1);
                // 2 to 4 generations, and every resident page in one of them.
                generations.audit();
            }
        }
        assert!(evictions > 10_000, "{evictions}");
    }
}
