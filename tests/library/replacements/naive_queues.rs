//! The algorithms with several queues and ghosts, written a second time from their sources.

use balloonist::params::Settings;
use balloonist::replace::List;
use balloonist::trace::PageId;

use crate::common::replacements::{Naive, Start, Use, marked, part, shrink};

/// The full version's pseudo-code, all lists head first.
pub struct TwoQueue {
    frames: usize,
    settings: Settings,
    a1in: Vec<PageId>,
    a1out: Vec<PageId>,
    am: Vec<PageId>,
}

impl TwoQueue {
    pub fn new(&Start { settings, frames, .. }: &Start<'_>) -> Self {
        let settings = settings.clone();
        Self { frames, settings, a1in: Vec::new(), a1out: Vec::new(), am: Vec::new() }
    }

    fn reclaim(&mut self) -> Option<PageId> {
        (self.a1in.len() + self.am.len() == self.frames).then(|| self.page_out())
    }

    fn page_out(&mut self) -> PageId {
        if self.a1in.len() > part(&self.settings, "in", self.frames) || self.am.is_empty() {
            let page = self.a1in.pop().unwrap();
            self.a1out.insert(0, page);
            self.a1out.truncate(part(&self.settings, "out", self.frames));
            page
        } else {
            self.am.pop().unwrap()
        }
    }
}

impl Naive for TwoQueue {
    fn access(&mut self, Use { page, .. }: Use) -> Option<PageId> {
        if let Some(at) = self.am.iter().position(|&other| other == page) {
            self.am.remove(at);
            self.am.insert(0, page);
            None
        } else if let Some(at) = self.a1out.iter().position(|&other| other == page) {
            self.a1out.remove(at);
            let victim = self.reclaim();
            self.am.insert(0, page);
            victim
        } else if self.a1in.contains(&page) {
            None
        } else {
            let victim = self.reclaim();
            self.a1in.insert(0, page);
            victim
        }
    }

    fn free(&mut self, page: PageId) {
        for list in [&mut self.a1in, &mut self.a1out, &mut self.am] {
            list.retain(|&other| other != page);
        }
    }

    fn resize(&mut self, frames: usize) -> Vec<PageId> {
        self.frames = frames;
        let excess = (self.a1in.len() + self.am.len()).saturating_sub(frames);
        let evicted = shrink(excess, || self.page_out());
        self.a1out.truncate(part(&self.settings, "out", frames));
        evicted
    }

    fn lists(&self) -> Vec<List> {
        let [a1in, am, a1out] = [&self.a1in, &self.am, &self.a1out].map(Clone::clone);
        vec![List::resident("A1in", a1in), List::resident("Am", am), List::ghosts("A1out", a1out)]
    }
}

/// Algorithm 1 of the paper, all queues head first, except that a miss evicts one page.
pub struct S3Fifo {
    frames: usize,
    settings: Settings,
    small: Vec<(PageId, u8)>,
    main: Vec<(PageId, u8)>,
    ghosts: Vec<PageId>,
}

impl S3Fifo {
    pub fn new(&Start { settings, frames, .. }: &Start<'_>) -> Self {
        let settings = settings.clone();
        Self { frames, settings, small: Vec::new(), main: Vec::new(), ghosts: Vec::new() }
    }

    fn small_part(&self) -> usize {
        part(&self.settings, "small", self.frames).max(1)
    }

    fn evict(&mut self) -> PageId {
        let from_small =
            if self.small.len() >= self.small_part() { self.evict_small() } else { None };
        from_small.unwrap_or_else(|| self.evict_main())
    }

    fn evict_small(&mut self) -> Option<PageId> {
        while let Some((page, uses)) = self.small.pop() {
            if u64::from(uses) >= self.settings.integer("uses") {
                self.main.insert(0, (page, 0));
            } else {
                self.ghosts.insert(0, page);
                self.ghosts.truncate(self.frames - self.small_part());
                return Some(page);
            }
        }
        None
    }

    fn evict_main(&mut self) -> PageId {
        loop {
            let (page, uses) = self.main.pop().unwrap();
            if uses == 0 {
                return page;
            }
            self.main.insert(0, (page, uses - 1));
        }
    }
}

impl Naive for S3Fifo {
    fn access(&mut self, Use { page, .. }: Use) -> Option<PageId> {
        let mut resident = self.small.iter_mut().chain(&mut self.main);
        if let Some(object) = resident.find(|object| object.0 == page) {
            object.1 = 3.min(object.1 + 1);
            return None;
        }
        let is_ghost = self.ghosts.contains(&page);
        self.ghosts.retain(|&ghost| ghost != page);
        let is_full = self.small.len() + self.main.len() == self.frames;
        let victim = is_full.then(|| self.evict());
        let queue = if is_ghost { &mut self.main } else { &mut self.small };
        queue.insert(0, (page, 0));
        victim
    }

    fn free(&mut self, page: PageId) {
        self.small.retain(|object| object.0 != page);
        self.main.retain(|object| object.0 != page);
        self.ghosts.retain(|&ghost| ghost != page);
    }

    fn resize(&mut self, frames: usize) -> Vec<PageId> {
        self.frames = frames;
        let excess = (self.small.len() + self.main.len()).saturating_sub(frames);
        let evicted = shrink(excess, || self.evict());
        self.ghosts.truncate(frames - self.small_part());
        evicted
    }

    fn lists(&self) -> Vec<List> {
        let queue = |name, queue: &[(PageId, u8)]| marked(name, queue.iter().copied());
        vec![
            queue("S", &self.small),
            queue("M", &self.main),
            List::ghosts("G", self.ghosts.clone()),
        ]
    }
}
