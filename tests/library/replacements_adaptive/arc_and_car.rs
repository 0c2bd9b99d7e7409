//! ARC and CAR, written a second time from figures 4 and 2 of their papers.

use std::collections::VecDeque;

use super::*;

/// Lists with the most recent page first.
#[derive(Default)]
pub(super) struct NaiveArc {
    c: usize,
    p: f64,
    whole: bool,
    t1: VecDeque<PageId>,
    t2: VecDeque<PageId>,
    b1: VecDeque<PageId>,
    b2: VecDeque<PageId>,
}

fn delete(list: &mut VecDeque<PageId>, page: PageId) -> bool {
    let at = list.iter().position(|&other| other == page);
    at.and_then(|at| list.remove(at)).is_some()
}

fn step(others: usize, own: usize, whole: bool) -> f64 {
    if whole { (others / own).max(1) as f64 } else { (others as f64 / own as f64).max(1.0) }
}

/// The four lists, with the target beside the first.
fn four(p: f64, [t1, t2, b1, b2]: [List; 4]) -> Vec<List> {
    vec![List { wanted: Some(p), ..t1 }, t2, b1, b2]
}

impl NaiveArc {
    pub(super) fn make(Start { settings, frames, .. }: Start<'_>) -> Box<dyn Naive> {
        let whole = settings.choice("step") == "whole";
        Box::new(Self { c: frames, whole, ..Self::default() })
    }

    fn replace(&mut self, x_in_b2: bool) -> PageId {
        let t1 = self.t1.len() as f64;
        if t1 >= 1.0 && ((x_in_b2 && t1 >= self.p) || t1 > self.p) {
            let victim = self.t1.pop_back().unwrap();
            self.b1.push_front(victim);
            victim
        } else {
            let victim = self.t2.pop_back().unwrap();
            self.b2.push_front(victim);
            victim
        }
    }

    fn replace_if_full(&mut self, x_in_b2: bool) -> Option<PageId> {
        (self.t1.len() + self.t2.len() == self.c).then(|| self.replace(x_in_b2))
    }

    fn check_bounds(&self) {
        let [t1, t2, b1, b2] = [&self.t1, &self.t2, &self.b1, &self.b2].map(VecDeque::len);
        assert!(self.p <= self.c as f64 && t1 + t2 <= self.c);
        assert!(t1 + b1 <= self.c && t1 + t2 + b1 + b2 <= 2 * self.c);
    }
}

impl Naive for NaiveArc {
    fn access(&mut self, Use { page: x, .. }: Use) -> Option<PageId> {
        if delete(&mut self.t1, x) || delete(&mut self.t2, x) {
            self.t2.push_front(x);
            return None;
        }
        let victim;
        if self.b1.contains(&x) {
            let step = step(self.b2.len(), self.b1.len(), self.whole);
            self.p = (self.c as f64).min(self.p + step);
            victim = self.replace_if_full(false);
            delete(&mut self.b1, x);
            self.t2.push_front(x);
        } else if self.b2.contains(&x) {
            self.p = (self.p - step(self.b1.len(), self.b2.len(), self.whole)).max(0.0);
            victim = self.replace_if_full(true);
            delete(&mut self.b2, x);
            self.t2.push_front(x);
        } else {
            let l1 = self.t1.len() + self.b1.len();
            if l1 == self.c {
                if self.t1.len() < self.c {
                    self.b1.pop_back().unwrap();
                    victim = self.replace_if_full(false);
                } else {
                    victim = self.t1.pop_back();
                }
            } else {
                if l1 + self.t2.len() + self.b2.len() == 2 * self.c {
                    self.b2.pop_back().unwrap();
                }
                victim = self.replace_if_full(false);
            }
            self.t1.push_front(x);
        }
        self.check_bounds();
        victim
    }

    fn free(&mut self, page: PageId) {
        for list in [&mut self.t1, &mut self.t2, &mut self.b1, &mut self.b2] {
            delete(list, page);
        }
    }

    fn resize(&mut self, frames: usize) -> Vec<PageId> {
        self.c = frames;
        self.p = self.p.min(frames as f64);
        let excess = (self.t1.len() + self.t2.len()).saturating_sub(frames);
        let evicted = shrink(excess, || self.replace(false));
        while self.t1.len() + self.b1.len() > frames {
            self.b1.pop_back().unwrap();
        }
        while self.t1.len() + self.t2.len() + self.b1.len() + self.b2.len() > 2 * frames {
            self.b2.pop_back().unwrap();
        }
        self.check_bounds();
        evicted
    }

    fn lists(&self) -> Vec<List> {
        let lists = [
            List::resident("T1", self.t1.clone()),
            List::resident("T2", self.t2.clone()),
            List::ghosts("B1", self.b1.clone()),
            List::ghosts("B2", self.b2.clone()),
        ];
        four(self.p, lists)
    }
}

/// Clocks with their heads first, pages with their bits; ghosts with the most recent page first.
#[derive(Default)]
pub(super) struct NaiveCar {
    c: usize,
    p: f64,
    whole: bool,
    t1: VecDeque<(PageId, bool)>,
    t2: VecDeque<(PageId, bool)>,
    b1: VecDeque<PageId>,
    b2: VecDeque<PageId>,
}

impl NaiveCar {
    pub(super) fn make(Start { settings, frames, .. }: Start<'_>) -> Box<dyn Naive> {
        let whole = settings.choice("step") == "whole";
        Box::new(Self { c: frames, whole, ..Self::default() })
    }

    fn replace(&mut self) -> PageId {
        loop {
            if self.t1.len() as f64 >= self.p.max(1.0) {
                match self.t1.pop_front().unwrap() {
                    (page, false) => {
                        self.b1.push_front(page);
                        return page;
                    }
                    (page, true) => self.t2.push_back((page, false)),
                }
            } else {
                match self.t2.pop_front().unwrap() {
                    (page, false) => {
                        self.b2.push_front(page);
                        return page;
                    }
                    (page, true) => self.t2.push_back((page, false)),
                }
            }
        }
    }

    fn trim(&mut self, once: usize, all: usize) {
        while self.t1.len() + self.b1.len() > once {
            self.b1.pop_back().unwrap();
        }
        while self.t1.len() + self.t2.len() + self.b1.len() + self.b2.len() > all {
            self.b2.pop_back().unwrap();
        }
    }
}

impl Naive for NaiveCar {
    fn access(&mut self, Use { page: x, .. }: Use) -> Option<PageId> {
        for (page, bit) in self.t1.iter_mut().chain(&mut self.t2) {
            if *page == x {
                *bit = true;
                return None;
            }
        }
        let full = self.t1.len() + self.t2.len() == self.c;
        let victim = full.then(|| self.replace());
        if self.b1.contains(&x) {
            let step = step(self.b2.len(), self.b1.len(), self.whole);
            self.p = (self.c as f64).min(self.p + step);
            delete(&mut self.b1, x);
            self.t2.push_back((x, false));
        } else if self.b2.contains(&x) {
            self.p = (self.p - step(self.b1.len(), self.b2.len(), self.whole)).max(0.0);
            delete(&mut self.b2, x);
            self.t2.push_back((x, false));
        } else {
            self.trim(self.c - 1, 2 * self.c - 1);
            self.t1.push_back((x, false));
        }
        assert!(self.p <= self.c as f64 && self.t1.len() + self.t2.len() <= self.c);
        assert!(self.t1.len() + self.b1.len() <= self.c);
        victim
    }

    fn free(&mut self, page: PageId) {
        self.t1.retain(|entry| entry.0 != page);
        self.t2.retain(|entry| entry.0 != page);
        delete(&mut self.b1, page);
        delete(&mut self.b2, page);
    }

    fn resize(&mut self, frames: usize) -> Vec<PageId> {
        self.c = frames;
        self.p = self.p.min(frames as f64);
        let excess = (self.t1.len() + self.t2.len()).saturating_sub(frames);
        let evicted = shrink(excess, || self.replace());
        self.trim(frames, 2 * frames);
        evicted
    }

    fn lists(&self) -> Vec<List> {
        let clock =
            |name, clock: &VecDeque<(PageId, bool)>| marked(name, clock.iter().rev().copied());
        let lists = [
            clock("T1", &self.t1),
            clock("T2", &self.t2),
            List::ghosts("B1", self.b1.clone()),
            List::ghosts("B2", self.b2.clone()),
        ];
        four(self.p, lists)
    }
}

#[test]
fn ghosts_stand_beside_no_empty_frame_unless_the_allocation_has_grown() {
    for number in 0..2_000 {
        let mut draw = Stream::new(Generator::ChaCha8, number, 0, "test/ghosts");
        let trace = Arc::new(Trace::from_pages(skewed_pages(&mut draw, 12, 80)));
        for name in ["arc", "car"] {
            let kind = kind(name);
            let mut frames = 12;
            let mut algorithm = build(kind, &Settings::defaults(kind.params), &trace, 12);
            for at in 0..trace.accesses() {
                frames -= u64::from(frames > 1 && draw.below(10) == 0);
                algorithm.resize(Frames(frames));
                algorithm.run(stretch(at, 1));
                let ghosts = algorithm
                    .lists()
                    .into_iter()
                    .any(|list| !list.resident && !list.pages.is_empty());
                assert!(algorithm.resident().0 == frames || !ghosts, "{name} {number}");
            }
        }
    }
}
