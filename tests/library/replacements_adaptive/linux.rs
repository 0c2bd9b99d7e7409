//! Linux's two algorithms, written a second time from the kernel's sources.

use std::collections::{BTreeMap, VecDeque};

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

/// Generations, the oldest first, each with the page to evict first in front; pages with their
/// accessed bits.
pub(super) struct NaiveMultiGen {
    frames: usize,
    generations: VecDeque<VecDeque<(PageId, bool)>>,
}

impl NaiveMultiGen {
    pub(super) fn make(Start { frames, .. }: Start<'_>) -> Box<dyn Naive> {
        Box::new(Self { frames, generations: vec![VecDeque::new(); 4].into() })
    }

    fn resident(&self) -> usize {
        self.generations.iter().map(VecDeque::len).sum()
    }

    fn evict(&mut self) -> PageId {
        loop {
            if self.generations.len() == 2 {
                let mut young = VecDeque::new();
                for generation in &mut self.generations {
                    young.extend(generation.iter().filter(|entry| entry.1).map(|e| (e.0, false)));
                    generation.retain(|entry| !entry.1);
                }
                self.generations.push_back(young);
            }
            assert!((2..=4).contains(&self.generations.len()));
            match self.generations[0].pop_front() {
                None => drop(self.generations.pop_front()),
                Some((page, false)) => return page,
                Some((page, true)) => self.generations.back_mut().unwrap().push_back((page, false)),
            }
        }
    }
}

impl Naive for NaiveMultiGen {
    fn access(&mut self, Use { page, .. }: Use) -> Option<PageId> {
        for entry in self.generations.iter_mut().flatten() {
            if entry.0 == page {
                entry.1 = true;
                return None;
            }
        }
        let victim = (self.resident() == self.frames).then(|| self.evict());
        self.generations.back_mut().unwrap().push_back((page, true));
        victim
    }

    fn free(&mut self, page: PageId) {
        for generation in &mut self.generations {
            generation.retain(|entry| entry.0 != page);
        }
    }

    fn resize(&mut self, frames: usize) -> Vec<PageId> {
        self.frames = frames;
        shrink(self.resident().saturating_sub(frames), || self.evict())
    }

    fn lists(&self) -> Vec<List> {
        let names = ["youngest", "second", "third", "fourth"].into_iter();
        let list = |(name, list): (_, &VecDeque<_>)| marked(name, list.iter().rev().copied());
        names.zip(self.generations.iter().rev()).map(list).collect()
    }
}
