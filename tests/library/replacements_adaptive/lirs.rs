//! LIRS, written a second time from section 3 of its paper.

use std::collections::VecDeque;

use super::*;

#[derive(Clone, Copy, PartialEq)]
enum Status {
    Lir,
    HirResident,
    HirNonResident,
}

pub(super) struct NaiveLirs {
    c: usize,
    settings: Settings,
    /// S, the bottom first.
    s: Vec<(PageId, Status)>,
    /// Q, the front first.
    q: VecDeque<PageId>,
    /// Non-resident pages in S, in the order in which they were evicted.
    ghosts: VecDeque<PageId>,
    /// The page used last: using it again right away is no new use.
    used_last: Option<PageId>,
}

impl NaiveLirs {
    pub(super) fn make(Start { settings, frames, .. }: Start<'_>) -> Box<dyn Naive> {
        let (s, q, ghosts) = (Vec::new(), VecDeque::new(), VecDeque::new());
        let settings = settings.clone();
        Box::new(Self { c: frames, settings, s, q, ghosts, used_last: None })
    }

    /// The number of frames for LIR pages.
    fn lir_frames(&self) -> usize {
        let hir_min = if self.c >= 10 { 2 } else { 1 };
        self.c - part(&self.settings, "hir_share", self.c).max(hir_min)
    }

    fn lirs(&self) -> usize {
        self.s.iter().filter(|(_, status)| *status == Status::Lir).count()
    }

    /// Removes a page from S; `None` if it is not there.
    fn take(&mut self, page: PageId) -> Option<Status> {
        let at = self.s.iter().position(|&(other, _)| other == page)?;
        Some(self.s.remove(at).1)
    }

    fn prune(&mut self) {
        while !self.s.is_empty() && self.s[0].1 != Status::Lir {
            let (page, _) = self.s.remove(0);
            self.ghosts.retain(|&ghost| ghost != page);
        }
    }

    fn demote_until(&mut self, lirs: usize) {
        while self.lirs() > lirs {
            self.prune();
            let (page, _) = self.s.remove(0);
            self.q.push_back(page);
        }
        self.prune();
    }

    fn evict(&mut self) -> PageId {
        let page = self.q.pop_front().unwrap();
        if let Some(entry) = self.s.iter_mut().find(|(other, _)| *other == page) {
            entry.1 = Status::HirNonResident;
            self.ghosts.push_back(page);
        }
        page
    }

    fn bound(&mut self) {
        let ghosts_max = self.settings.integer("non_resident") as usize * self.c;
        while self.ghosts.len() > ghosts_max {
            let page = self.ghosts.pop_front().unwrap();
            self.take(page);
        }
    }
}

impl Naive for NaiveLirs {
    fn access(&mut self, Use { page: x, .. }: Use) -> Option<PageId> {
        let quota = self.lir_frames();
        let again = self.used_last.replace(x) == Some(x);
        if again && self.q.contains(&x) && self.s.last() == Some(&(x, Status::HirResident)) {
            return None;
        }
        let in_s = self.take(x);
        let in_q = self.q.contains(&x);
        if in_s == Some(Status::Lir) {
            self.s.push((x, Status::Lir));
            self.prune();
            return None;
        }
        self.q.retain(|&page| page != x);
        self.ghosts.retain(|&page| page != x);
        let mut victim = None;
        if !in_q && self.lirs() + self.q.len() == self.c {
            victim = Some(self.evict());
            self.bound();
        }
        if in_s.is_some() || self.lirs() < quota {
            self.s.push((x, Status::Lir));
            self.demote_until(quota);
        } else {
            self.s.push((x, Status::HirResident));
            self.q.push_back(x);
            self.prune();
        }
        victim
    }

    fn free(&mut self, page: PageId) {
        self.take(page);
        self.q.retain(|&other| other != page);
        self.ghosts.retain(|&ghost| ghost != page);
        self.prune();
    }

    fn resize(&mut self, frames: usize) -> Vec<PageId> {
        self.c = frames;
        self.demote_until(self.lir_frames());
        let excess = (self.lirs() + self.q.len()).saturating_sub(frames);
        let evicted = shrink(excess, || self.evict());
        self.bound();
        evicted
    }

    fn lists(&self) -> Vec<List> {
        let lir = self.s.iter().rev().filter(|(_, status)| *status == Status::Lir);
        vec![
            List::resident("LIR", lir.map(|&(page, _)| page)),
            List::resident("Q", self.q.iter().rev().copied()),
            List::ghosts("non-resident", self.ghosts.iter().rev().copied()),
        ]
    }
}
