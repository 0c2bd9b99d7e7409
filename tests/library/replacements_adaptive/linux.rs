//! Linux's two algorithms, written a second time from the kernel's sources.

use std::collections::{BTreeMap, VecDeque};

use super::*;

/// Lists with the head first; pages with `PG_referenced`.
#[derive(Default)]
pub(super) struct NaiveTwoList {
    frames: usize,
    ratio: usize,
    inactive: VecDeque<(PageId, bool)>,
    active: VecDeque<(PageId, bool)>,
    nonresident_age: usize,
    shadows: BTreeMap<PageId, usize>,
}

impl NaiveTwoList {
    pub(super) fn make(Start { settings, frames, .. }: Start<'_>) -> Box<dyn Naive> {
        // Less than a GiB of pages: the kernel's ratio is 1.
        let ratio = settings.integer("inactive_ratio").max(1) as usize;
        Box::new(Self { frames, ratio, ..Self::default() })
    }

    fn reclaim(&mut self) -> PageId {
        while self.inactive.len() * self.ratio < self.active.len() {
            let demoted = self.active.pop_back().unwrap();
            self.inactive.push_front(demoted);
        }
        let (victim, _) = self.inactive.pop_back().unwrap();
        self.shadows.insert(victim, self.nonresident_age);
        self.nonresident_age += 1;
        victim
    }
}

impl Naive for NaiveTwoList {
    fn access(&mut self, Use { page, .. }: Use) -> Option<PageId> {
        if let Some(entry) = self.active.iter_mut().find(|entry| entry.0 == page) {
            entry.1 = true;
            return None;
        }
        if let Some(at) = self.inactive.iter().position(|entry| entry.0 == page) {
            if self.inactive[at].1 {
                self.inactive.remove(at);
                self.active.push_front((page, false));
                self.nonresident_age += 1;
            } else {
                self.inactive[at].1 = true;
            }
            return None;
        }
        let full = self.inactive.len() + self.active.len() == self.frames;
        let victim = full.then(|| self.reclaim());
        let distance = self.shadows.get(&page).map(|shadow| self.nonresident_age - shadow);
        if distance.is_some_and(|distance| distance <= self.active.len()) {
            self.active.push_front((page, true));
            self.nonresident_age += 1;
        } else {
            self.inactive.push_front((page, true));
        }
        victim
    }

    fn free(&mut self, page: PageId) {
        self.inactive.retain(|entry| entry.0 != page);
        self.active.retain(|entry| entry.0 != page);
        self.shadows.remove(&page);
    }

    fn resize(&mut self, frames: usize) -> Vec<PageId> {
        self.frames = frames;
        let excess = (self.inactive.len() + self.active.len()).saturating_sub(frames);
        shrink(excess, || self.reclaim())
    }

    fn lists(&self) -> Vec<List> {
        let list = |name, list: &VecDeque<_>| marked(name, list.iter().copied());
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
