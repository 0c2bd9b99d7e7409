//! Linux's two algorithms, written a second time from the kernel's sources.

use std::collections::{BTreeMap, BTreeSet, VecDeque};
use std::ops::Range;

use super::*;

/// A page on a list.
#[derive(Clone, Copy)]
struct Entry {
    page: PageId,
    /// `PG_referenced`.
    referenced: bool,
    /// The accessed bit of its page table entry, which only anonymous memory has here.
    young: bool,
}

/// Lists with the head first.
#[derive(Default)]
pub(super) struct NaiveTwoList {
    frames: usize,
    anonymous: bool,
    ratio: usize,
    swap_cluster_max: usize,
    inactive: VecDeque<Entry>,
    active: VecDeque<Entry>,
    nonresident_age: usize,
    shadows: BTreeMap<PageId, usize>,
    /// Pages that refaults activated since the last reclaim.
    activated: usize,
    /// Frames emptied by reclaims and not used since.
    spare: usize,
    batch: Option<Vec<PageId>>,
}

impl NaiveTwoList {
    pub(super) fn make(Start { settings, frames, .. }: Start<'_>) -> Box<dyn Naive> {
        // Less than a GiB of pages: the kernel's ratio is 1.
        let ratio = settings.integer("inactive_ratio").max(1) as usize;
        let anonymous = settings.choice("memory") == "anonymous";
        let swap_cluster_max = settings.integer("batch") as usize;
        Box::new(Self { frames, anonymous, ratio, swap_cluster_max, ..Self::default() })
    }

    fn is_low(&self) -> bool {
        self.inactive.len() * self.ratio < self.active.len()
    }

    fn evict(&mut self, page: PageId) -> PageId {
        self.shadows.insert(page, self.nonresident_age);
        self.nonresident_age += 1;
        page
    }

    fn reclaim_file(&mut self) -> PageId {
        while self.is_low() {
            let demoted = self.active.pop_back().unwrap();
            self.inactive.push_front(demoted);
        }
        let victim = self.inactive.pop_back().unwrap().page;
        self.evict(victim)
    }

    fn cluster(&self) -> usize {
        let (most, part) =
            if self.swap_cluster_max == 0 { (32, 64) } else { (self.swap_cluster_max, 4) };
        most.min(self.frames / part).max(1)
    }

    /// `try_to_free_pages` until so many are free; `most` bounds what it frees.
    fn try_to_free(&mut self, wanted: usize, most: usize) -> Vec<PageId> {
        let mut freed = Vec::new();
        let priorities = (0..=12).rev().cycle();
        for priority in priorities {
            if freed.len() >= wanted {
                break;
            }
            let deactivates = self.activated > 0 || self.is_low();
            let (mut inactive, mut active) =
                (self.inactive.len() >> priority, self.active.len() >> priority);
            while inactive > 0 && freed.len() < wanted {
                let isolated = inactive.min(self.cluster());
                inactive -= isolated;
                let isolated = isolated.min(most - freed.len());
                let at = self.inactive.len() - isolated.min(self.inactive.len());
                for entry in self.inactive.split_off(at).into_iter().rev() {
                    match entry {
                        Entry { young: false, page, .. } => freed.push(self.evict(page)),
                        Entry { referenced: false, .. } => {
                            let kept = Entry { referenced: true, young: false, ..entry };
                            self.inactive.push_front(kept);
                        }
                        _ => {
                            self.active.push_front(Entry { young: false, ..entry });
                            self.nonresident_age += 1;
                        }
                    }
                }
                let scanned = active.min(self.cluster());
                active -= scanned;
                if deactivates {
                    self.deactivate(scanned);
                }
            }
            if self.is_low() {
                self.deactivate(self.cluster());
            }
            if priority == 0 {
                self.activated = 0;
            }
        }
        if wanted > 0 {
            self.activated = 0;
        }
        freed
    }

    fn deactivate(&mut self, scanned: usize) {
        for _ in 0..scanned {
            let Some(entry) = self.active.pop_back() else { return };
            self.inactive.push_front(Entry { young: false, ..entry });
        }
    }

    /// Makes room for a page. Returns the victim if one page goes at a time.
    fn room(&mut self) -> Option<PageId> {
        let is_full = self.inactive.len() + self.active.len() == self.frames;
        if !self.anonymous {
            return is_full.then(|| self.reclaim_file());
        }
        if is_full {
            let freed = self.try_to_free(self.cluster(), usize::MAX);
            self.spare = freed.len();
            self.batch = Some(freed);
        } else if self.spare > 0 {
            self.batch = Some(Vec::new());
        }
        self.spare = self.spare.saturating_sub(1);
        None
    }
}

impl Naive for NaiveTwoList {
    fn access(&mut self, Use { page, .. }: Use) -> Option<PageId> {
        self.batch = None;
        let anonymous = self.anonymous;
        if let Some(entry) = self.active.iter_mut().find(|entry| entry.page == page) {
            (entry.young, entry.referenced) = (anonymous, entry.referenced || !anonymous);
            return None;
        }
        if let Some(at) = self.inactive.iter().position(|entry| entry.page == page) {
            let entry = &mut self.inactive[at];
            if anonymous {
                entry.young = true;
            } else if entry.referenced {
                self.inactive.remove(at);
                self.active.push_front(Entry { page, referenced: false, young: false });
                self.nonresident_age += 1;
            } else {
                entry.referenced = true;
            }
            return None;
        }
        let victim = self.room();
        let entry = Entry { page, referenced: !anonymous, young: anonymous };
        let distance = self.shadows.get(&page).map(|shadow| self.nonresident_age - shadow);
        if distance.is_some_and(|distance| distance <= self.active.len()) {
            self.active.push_front(entry);
            self.nonresident_age += 1;
            self.activated += 1;
        } else {
            self.inactive.push_front(entry);
        }
        victim
    }

    fn reclaimed(&mut self) -> Option<Vec<PageId>> {
        self.batch.take()
    }

    fn free(&mut self, page: PageId) {
        self.inactive.retain(|entry| entry.page != page);
        self.active.retain(|entry| entry.page != page);
        self.shadows.remove(&page);
    }

    fn resize(&mut self, frames: usize) -> Vec<PageId> {
        self.frames = frames;
        let resident = self.inactive.len() + self.active.len();
        let excess = resident.saturating_sub(frames);
        let evicted = if self.anonymous {
            self.try_to_free(excess, excess)
        } else {
            shrink(excess, || self.reclaim_file())
        };
        self.spare = self.spare.min(frames - (resident - evicted.len()));
        evicted
    }

    fn lists(&self) -> Vec<List> {
        let mark = |entry: &Entry| u8::from(entry.referenced) + 2 * u8::from(entry.young);
        let list = |name, list: &VecDeque<Entry>| {
            marked(name, list.iter().map(|entry| (entry.page, mark(entry))))
        };
        vec![list("inactive", &self.inactive), list("active", &self.active)]
    }
}

/// A resident page of [`NaiveMultiGen`].
#[derive(Clone, Copy)]
struct Folio {
    young: bool,
    /// Whether it refaulted into the generation that it left.
    workingset: bool,
    /// `None` while it is isolated.
    generation: Option<usize>,
}

/// The multi-generational LRU. Generations are never renumbered; lists have the head first.
#[derive(Default)]
pub(super) struct NaiveMultiGen {
    frames: usize,
    walks: bool,
    numbers: Vec<u64>,
    min_seq: usize,
    max_seq: usize,
    lists: BTreeMap<usize, VecDeque<PageId>>,
    folios: BTreeMap<PageId, Folio>,
    /// The page tables in the Bloom filter of each generation that has one.
    filters: BTreeMap<usize, BTreeSet<u64>>,
    shadows: BTreeMap<PageId, usize>,
    spare: usize,
    batch: Option<Vec<PageId>>,
}

impl NaiveMultiGen {
    pub(super) fn make(Start { settings, frames, trace, .. }: Start<'_>) -> Box<dyn Naive> {
        let numbers = trace.numbers().iter().map(|page| page.0).collect();
        let walks = settings.choice("walk") == "always";
        Box::new(Self { frames, walks, numbers, max_seq: 3, ..Self::default() })
    }

    fn list(&mut self, seq: usize) -> &mut VecDeque<PageId> {
        self.lists.entry(seq).or_default()
    }

    fn size(&self, seq: usize) -> usize {
        self.folios.values().filter(|folio| folio.generation == Some(seq)).count()
    }

    /// Clears the accessed bits of the pages with these numbers and makes them young.
    fn test_and_clear_young(&mut self, numbers: Range<u64>) -> u64 {
        let mut found = 0;
        for (&page, folio) in &mut self.folios {
            if folio.young && numbers.contains(&self.numbers[page as usize]) {
                folio.young = false;
                found += 1;
                if folio.generation.is_some() {
                    (folio.generation, folio.workingset) = (Some(self.max_seq), false);
                }
            }
        }
        found
    }

    fn age(&mut self) {
        if self.walks {
            let mut next = BTreeSet::new();
            let tables: BTreeSet<u64> = self.numbers.iter().map(|number| number / 512).collect();
            for table in tables {
                let filter = self.filters.get(&self.max_seq);
                if filter.is_none_or(|filter| filter.contains(&table))
                    && self.test_and_clear_young(table * 512..(table + 1) * 512) >= 64
                {
                    next.insert(table);
                }
            }
            self.filters.insert(self.max_seq + 1, next);
        }
        if self.max_seq == self.min_seq + 3 {
            for page in std::mem::take(self.list(self.min_seq)).into_iter().rev() {
                let (min_seq, folio) = (self.min_seq, self.folios.get_mut(&page).unwrap());
                if folio.generation == Some(min_seq) {
                    (folio.generation, folio.workingset) = (Some(min_seq + 1), false);
                }
                let seq = folio.generation.unwrap();
                self.list(seq).push_back(page);
            }
            self.min_seq += 1;
        }
        self.max_seq += 1;
    }

    fn must_age(&self) -> bool {
        let [young, old] = [self.max_seq, self.min_seq].map(|seq| self.size(seq));
        match self.max_seq - self.min_seq {
            1 => true,
            2 => young * 2 > self.folios.len() || old * 4 < self.folios.len(),
            _ => false,
        }
    }

    fn skip_empty(&mut self) {
        while self.max_seq > self.min_seq + 1 && self.list(self.min_seq).is_empty() {
            self.min_seq += 1;
        }
    }

    /// Returns the pages freed and how many were looked at.
    fn evict_folios(&mut self, most: usize) -> (Vec<PageId>, usize) {
        self.skip_empty();
        let (mut freed, mut isolated, mut scanned) = (Vec::new(), Vec::new(), 0);
        if self.max_seq == self.min_seq + 1 {
            return (freed, scanned);
        }
        let min_seq = self.min_seq;
        while scanned < 4096 && isolated.len() < most.min((self.frames / 32).clamp(1, 64)) {
            let Some(page) = self.list(min_seq).pop_back() else { break };
            scanned += 1;
            let folio = self.folios.get_mut(&page).unwrap();
            let seq = folio.generation.unwrap();
            if seq != min_seq {
                self.list(seq).push_front(page);
            } else if folio.workingset {
                (folio.generation, folio.workingset) = (Some(min_seq + 1), false);
                self.list(min_seq + 1).push_back(page);
            } else {
                folio.generation = None;
                isolated.push(page);
            }
        }
        for page in isolated {
            if !self.folios[&page].young {
                self.folios.remove(&page);
                self.shadows.insert(page, min_seq);
                freed.push(page);
                continue;
            }
            let (number, max_seq) = (self.numbers[page as usize], self.max_seq);
            let (start, end) = (number / 512 * 512, (number / 512 + 1) * 512);
            let around = if number - start < 32 {
                start..start + 64
            } else if end - number < 32 {
                end - 64..end
            } else {
                number - 32..number + 32
            };
            let young = self.test_and_clear_young(around);
            if let Some(filter) = self.filters.get_mut(&max_seq).filter(|_| young >= 8) {
                filter.insert(number / 512);
            }
            self.folios.get_mut(&page).unwrap().generation = Some(max_seq);
            self.list(max_seq).push_front(page);
        }
        self.skip_empty();
        (freed, scanned)
    }

    fn try_to_free(&mut self, wanted: usize, is_exact: bool) -> Vec<PageId> {
        let mut freed = Vec::new();
        for priority in (0..=12).rev().cycle() {
            if freed.len() >= wanted {
                break;
            }
            let (first, mut scanned) = (self.max_seq, 0);
            loop {
                let to_scan = self.folios.len() >> priority;
                if priority < 12 && self.must_age() {
                    self.age();
                }
                if to_scan == 0 {
                    break;
                }
                let most = if is_exact { wanted - freed.len() } else { usize::MAX };
                let (more, looked) = self.evict_folios(most);
                freed.extend(more);
                scanned += looked;
                let is_done = freed.len() >= wanted || scanned >= to_scan;
                if looked == 0 || is_done || self.max_seq > first + 1 {
                    break;
                }
            }
        }
        freed
    }
}

impl Naive for NaiveMultiGen {
    fn access(&mut self, Use { page, .. }: Use) -> Option<PageId> {
        self.batch = None;
        if let Some(folio) = self.folios.get_mut(&page) {
            folio.young = true;
            return None;
        }
        if self.folios.len() == self.frames {
            let freed = self.try_to_free((self.frames / 64).clamp(1, 32), false);
            self.spare = freed.len();
            self.batch = Some(freed);
        } else if self.spare > 0 {
            self.batch = Some(Vec::new());
        }
        self.spare = self.spare.saturating_sub(1);
        let workingset = self.shadows.get(&page) == Some(&self.min_seq);
        let folio = Folio { young: true, workingset, generation: Some(self.max_seq) };
        self.folios.insert(page, folio);
        self.list(self.max_seq).push_front(page);
        None
    }

    fn reclaimed(&mut self) -> Option<Vec<PageId>> {
        self.batch.take()
    }

    fn free(&mut self, page: PageId) {
        self.folios.remove(&page);
        self.shadows.remove(&page);
        for list in self.lists.values_mut() {
            list.retain(|&other| other != page);
        }
    }

    fn resize(&mut self, frames: usize) -> Vec<PageId> {
        self.frames = frames;
        let excess = self.folios.len().saturating_sub(frames);
        let evicted = self.try_to_free(excess, true);
        self.spare = self.spare.min(frames - self.folios.len());
        evicted
    }

    fn lists(&self) -> Vec<List> {
        let names = ["youngest", "second", "third", "fourth"].into_iter();
        let mark = |page: PageId| {
            let folio = self.folios[&page];
            (page, u8::from(folio.young) + 2 * u8::from(folio.workingset))
        };
        let list = |(name, seq): (_, usize)| {
            let pages = self.lists.get(&seq).into_iter().flatten();
            marked(name, pages.map(|&page| mark(page)))
        };
        names.zip((self.min_seq..=self.max_seq).rev()).map(list).collect()
    }
}
