//! LIRS, written again from section 3 of its paper.

use std::collections::VecDeque;

use balloonist::knobs::Value;

use super::*;

#[derive(Clone, Copy, PartialEq)]
enum Status {
    Lir,
    HirResident,
    HirNonResident,
}

struct NaiveLirs {
    c: usize,
    /// How many frames are for LIR pages, out of so many allocated.
    lir_frames: fn(usize) -> usize,
    ghosts_max: usize,
    /// S, the bottom first.
    s: Vec<(PageId, Status)>,
    /// Q, the front first.
    q: VecDeque<PageId>,
    /// Non-resident pages in S, in the order in which they were evicted.
    ghosts: VecDeque<PageId>,
}

impl NaiveLirs {
    fn lirs(&self) -> usize {
        self.s.iter().filter(|(_, status)| *status == Status::Lir).count()
    }

    /// Takes a page out of S; `None` if it is not there.
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
        while self.ghosts.len() > self.ghosts_max * self.c {
            let page = self.ghosts.pop_front().unwrap();
            self.take(page);
        }
    }
}

impl Naive for NaiveLirs {
    fn access(&mut self, x: PageId) -> Fault {
        let quota = (self.lir_frames)(self.c);
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
        (!in_q).then_some(victim)
    }

    fn resize(&mut self, frames: usize) {
        self.c = frames;
        self.demote_until((self.lir_frames)(frames));
        while self.lirs() + self.q.len() > frames {
            self.evict();
            self.bound();
        }
        self.bound();
    }

    fn lists(&self) -> Vec<Vec<PageId>> {
        let lir = self.s.iter().rev().filter(|(_, status)| *status == Status::Lir);
        let queue = |queue: &VecDeque<PageId>| queue.iter().rev().copied().collect();
        vec![lir.map(|&(page, _)| page).collect(), queue(&self.q), queue(&self.ghosts)]
    }
}

fn make(frames: usize, lir_frames: fn(usize) -> usize, ghosts_max: usize) -> Box<dyn Naive> {
    let (s, q, ghosts) = (Vec::new(), VecDeque::new(), VecDeque::new());
    Box::new(NaiveLirs { c: frames, lir_frames, ghosts_max, s, q, ghosts })
}

#[test]
fn lirs_is_as_its_naive_twin() {
    compare_with_twin("lirs", |_, frames| make(frames, |c| c - (c / 100).max(1), 2));
}

#[test]
fn lirs_is_as_its_naive_twin_with_other_knobs() {
    let kind = kind("lirs");
    let mut settings = Settings::defaults(kind.knobs);
    let third = balloonist::units::Decimal::parse("0.3").unwrap();
    settings.set("hir_share", Value::Decimal(third));
    settings.set("non_resident", Value::Integer(1));
    for number in 0..20_000 {
        compare(number, kind, &settings, |_, frames| make(frames, |c| c - (c * 3 / 10).max(1), 1));
    }
}
