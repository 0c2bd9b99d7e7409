//! ARC and CAR, written again from figures 4 and 2 of their papers.

use std::collections::VecDeque;

use super::*;

/// Lists with the most recent page first.
#[derive(Default)]
struct NaiveArc {
    c: usize,
    p: usize,
    t1: VecDeque<PageId>,
    t2: VecDeque<PageId>,
    b1: VecDeque<PageId>,
    b2: VecDeque<PageId>,
}

fn delete(list: &mut VecDeque<PageId>, page: PageId) -> bool {
    let at = list.iter().position(|&other| other == page);
    at.and_then(|at| list.remove(at)).is_some()
}

impl NaiveArc {
    fn make(_: &Trace, frames: usize) -> Box<dyn Naive> {
        Box::new(Self { c: frames, ..Self::default() })
    }

    fn replace(&mut self, x_in_b2: bool) -> PageId {
        let t1 = self.t1.len();
        if t1 >= 1 && ((x_in_b2 && t1 == self.p) || t1 > self.p) {
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
        assert!(self.p <= self.c && t1 + t2 <= self.c);
        assert!(t1 + b1 <= self.c && t1 + t2 + b1 + b2 <= 2 * self.c);
    }
}

impl Naive for NaiveArc {
    fn access(&mut self, x: PageId) -> Fault {
        if delete(&mut self.t1, x) || delete(&mut self.t2, x) {
            self.t2.push_front(x);
            return None;
        }
        let victim;
        if self.b1.contains(&x) {
            self.p = self.c.min(self.p + (self.b2.len() / self.b1.len()).max(1));
            victim = self.replace_if_full(false);
            delete(&mut self.b1, x);
            self.t2.push_front(x);
        } else if self.b2.contains(&x) {
            self.p = self.p.saturating_sub((self.b1.len() / self.b2.len()).max(1));
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
        Some(victim)
    }

    fn resize(&mut self, frames: usize) {
        self.c = frames;
        self.p = self.p.min(frames);
        while self.t1.len() + self.t2.len() > frames {
            self.replace(false);
        }
        while self.t1.len() + self.b1.len() > frames {
            self.b1.pop_back().unwrap();
        }
        while self.t1.len() + self.t2.len() + self.b1.len() + self.b2.len() > 2 * frames {
            self.b2.pop_back().unwrap();
        }
        self.check_bounds();
    }

    fn lists(&self) -> Vec<Vec<PageId>> {
        [&self.t1, &self.t2, &self.b1, &self.b2].map(|list| list.iter().copied().collect()).into()
    }
}

/// Clocks with their heads first, pages with their bits; ghosts with the most recent page first.
#[derive(Default)]
struct NaiveCar {
    c: usize,
    p: usize,
    t1: VecDeque<(PageId, bool)>,
    t2: VecDeque<(PageId, bool)>,
    b1: VecDeque<PageId>,
    b2: VecDeque<PageId>,
}

impl NaiveCar {
    fn make(_: &Trace, frames: usize) -> Box<dyn Naive> {
        Box::new(Self { c: frames, ..Self::default() })
    }

    fn replace(&mut self) -> PageId {
        loop {
            if self.t1.len() >= self.p.max(1) {
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
    fn access(&mut self, x: PageId) -> Fault {
        for (page, bit) in self.t1.iter_mut().chain(&mut self.t2) {
            if *page == x {
                *bit = true;
                return None;
            }
        }
        let full = self.t1.len() + self.t2.len() == self.c;
        let victim = full.then(|| self.replace());
        if self.b1.contains(&x) {
            self.p = self.c.min(self.p + (self.b2.len() / self.b1.len()).max(1));
            delete(&mut self.b1, x);
            self.t2.push_back((x, false));
        } else if self.b2.contains(&x) {
            self.p = self.p.saturating_sub((self.b1.len() / self.b2.len()).max(1));
            delete(&mut self.b2, x);
            self.t2.push_back((x, false));
        } else {
            self.trim(self.c - 1, 2 * self.c - 1);
            self.t1.push_back((x, false));
        }
        assert!(self.p <= self.c && self.t1.len() + self.t2.len() <= self.c);
        assert!(self.t1.len() + self.b1.len() <= self.c);
        Some(victim)
    }

    fn resize(&mut self, frames: usize) {
        self.c = frames;
        self.p = self.p.min(frames);
        while self.t1.len() + self.t2.len() > frames {
            self.replace();
        }
        self.trim(frames, 2 * frames);
    }

    fn lists(&self) -> Vec<Vec<PageId>> {
        let clock = |clock: &VecDeque<(PageId, bool)>| {
            clock.iter().rev().map(|&(page, _)| page).collect::<Vec<_>>()
        };
        let ghosts = |list: &VecDeque<PageId>| list.iter().copied().collect();
        vec![clock(&self.t1), clock(&self.t2), ghosts(&self.b1), ghosts(&self.b2)]
    }
}

#[test]
fn arc_faults_as_known() {
    assert_eq!(faults_of_strings("arc"), [13, 9, 10, 7]);
}

#[test]
fn arc_is_as_its_naive_twin() {
    compare_with_twin("arc", NaiveArc::make);
}

#[test]
fn car_is_as_its_naive_twin() {
    compare_with_twin("car", NaiveCar::make);
}

#[test]
fn ghosts_stand_beside_no_empty_frame_unless_the_allocation_has_grown() {
    for number in 0..2_000 {
        let mut draw = Stream::new(Generator::ChaCha8, number, 0, "test/ghosts");
        let trace = trace(&random_trace(&mut draw, 12, 80));
        for name in ["arc", "car"] {
            let kind = kind(name);
            let mut frames = 12;
            let mut algorithm = start(kind, &Settings::defaults(&[]), &trace, 12);
            for at in 0..trace.accesses() {
                frames -= u64::from(frames > 1 && draw.below(10) == 0);
                algorithm.resize(Frames(frames));
                run(&mut *algorithm, at, true, 1);
                let ghosts = algorithm
                    .lists()
                    .into_iter()
                    .any(|list| !list.resident && !list.pages.is_empty());
                assert!(algorithm.resident().0 == frames || !ghosts, "{name} {number}");
            }
        }
    }
}
