//! Linux's algorithms against Linux: major faults that were measured in a guest, beside those that
//! the models predict for the same accesses.
//!
//! `validation/run` measures them and docs/validation.md says how. The accesses are made here anew,
//! so that no trace need be recorded: they are those of validation/touch.c. The first use of a page
//! is no major fault.

use std::collections::BTreeMap;
use std::sync::Arc;

use balloonist::params::{Settings, Value};
use balloonist::replace::replay;
use balloonist::trace::Trace;
use balloonist::units::Frames;

use crate::common::replacements::{draw, kind};

/// The measured runs of a limit.
#[derive(Default)]
struct Runs {
    majors: Vec<u64>,
    /// Pages of the limit that do not hold pages of the workload, in each run.
    others: Vec<u64>,
}

/// What a kernel was measured to do with a workload in a control group, by limit in pages.
fn measured(kernel: &str, workload: &str) -> BTreeMap<u64, Runs> {
    let table = include_str!("../../validation/measured.csv");
    let mut lines = table.lines();
    let heading = "part,kernel,workload,limit_pages,repeat,major_faults,other_pages";
    assert_eq!(lines.next(), Some(heading));
    let mut limits: BTreeMap<u64, Runs> = BTreeMap::new();
    for line in lines {
        let cells: Vec<&str> = line.split(',').collect();
        if cells[..3] == ["group", kernel, workload] {
            let number = |at: usize| cells[at].parse::<u64>().unwrap();
            let runs = limits.entry(number(3)).or_default();
            runs.majors.push(number(5));
            runs.others.push(number(6));
        }
    }
    limits
}

/// A workload of validation/run.
struct Case {
    name: &'static str,
    phases: &'static [Phase],
}

/// Accesses to the pages from `first` on.
struct Phase {
    kind: Kind,
    first: u64,
    pages: u64,
    accesses: u64,
    seed: u64,
}

#[derive(Clone, Copy)]
enum Kind {
    /// By Zipf's law with exponent 1, over the pages in a random order.
    Zipf,
    /// In order, again and again.
    Loop,
    /// Nine of ten among the first tenth of the pages, the others anywhere.
    Mix,
}

const fn phase(kind: Kind, first: u64, pages: u64, accesses: u64, seed: u64) -> Phase {
    Phase { kind, first, pages, accesses, seed }
}

const CASES: &[Case] = &[
    Case { name: "loop", phases: &[phase(Kind::Loop, 0, 8192, 81_920, 1)] },
    Case {
        name: "phases",
        phases: &[
            phase(Kind::Zipf, 0, 8192, 300_000, 1),
            phase(Kind::Loop, 8192, 4096, 81_920, 1),
            phase(Kind::Loop, 0, 16_384, 32_768, 1),
            phase(Kind::Zipf, 4096, 8192, 300_000, 2),
            phase(Kind::Mix, 0, 16_384, 300_000, 3),
        ],
    },
    Case { name: "zipf", phases: &[phase(Kind::Zipf, 0, 16_384, 1_000_000, 1)] },
];

/// Vigna's `SplitMix64`, which the measured program uses.
struct SplitMix(u64);

impl SplitMix {
    fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut z = self.0;
        z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        z ^ (z >> 31)
    }

    fn below(&mut self, bound: u64) -> u64 {
        self.next() % bound
    }
}

impl Phase {
    /// The pages that the measured program touches.
    fn touched(&self) -> Vec<u64> {
        let mut draw = SplitMix(self.seed * 1_000_003);
        let mut order: Vec<u64> = (0..self.pages).collect();
        if matches!(self.kind, Kind::Zipf) {
            for at in (1..order.len()).rev() {
                order.swap(at, draw.below(at as u64 + 1) as usize);
            }
        }
        let log = (self.pages as f64 + 1.0).ln();
        let page = |at: u64| {
            let page = match self.kind {
                Kind::Loop => at % self.pages,
                Kind::Mix if draw.below(10) > 0 => draw.below(self.pages / 10),
                Kind::Mix => draw.below(self.pages),
                Kind::Zipf => {
                    let uniform = (draw.next() >> 11) as f64 * 0.5_f64.powi(53);
                    let rank = (uniform * log).exp() as u64 - 1;
                    order[rank.min(self.pages - 1) as usize]
                }
            };
            draw.next(); // Whether it writes: all accesses do.
            self.first + page
        };
        (0..self.accesses).map(page).collect()
    }
}

/// The errors of the predictions of an algorithm for these workloads: where more than 2 % of the
/// accesses fault, and elsewhere. Each in percent of the nearest of the measured runs.
fn worst(name: &str, walk: Option<&'static str>, kernel: &str, cases: &[&Case]) -> [f64; 2] {
    let algorithm = kind(name);
    let mut settings = Settings::defaults(algorithm.params);
    if let Some(walk) = walk {
        settings.set("walk", Value::Choice(walk));
    }
    let mut worst = [0.0_f64; 2];
    for case in cases {
        let pages = case.phases.iter().flat_map(Phase::touched);
        let trace = Arc::new(Trace::from_pages(pages));
        let limits = measured(kernel, case.name);
        assert!(limits.len() > 2, "{kernel}, {}", case.name);
        for (limit, Runs { majors: runs, others }) in limits {
            let frames = Frames(limit - others.iter().max().unwrap());
            let predicted = replay(algorithm.build, &settings, &trace, 0, frames, &|| draw(1));
            let majors = predicted.capacity_faults();
            let error =
                |run: u64| (majors as f64 - run as f64).abs() * 100.0 / (run as f64).max(1.0);
            let error = runs.iter().map(|&run| error(run)).fold(f64::MAX, f64::min);
            println!("{name} {} {limit}: {majors} of {runs:?}, {error:.1} %", case.name);
            let is_rare = runs[0] * 50 <= predicted.accesses;
            let worst = &mut worst[usize::from(is_rare)];
            *worst = worst.max(error);
        }
    }
    worst
}

#[test]
fn the_two_lists_fault_as_the_kernels_do() {
    let cases: Vec<&Case> = CASES.iter().collect();
    let [often, seldom] = worst("linux-two-list", None, "two-list", &cases);
    assert!(often < 5.0 && seldom < 10.0, "{often:.1} % and {seldom:.1} %");
}

/// What is off most is a loop that is somewhat larger than the memory, which faults half as often.
#[test]
fn the_generations_fault_as_the_kernels_do_but_for_loops() {
    let (loops, others): (Vec<&Case>, Vec<&Case>) =
        CASES.iter().partition(|case| case.name == "loop");
    for (walk, most) in [("never", [12.0, 23.0]), ("always", [21.0, 5.0])] {
        let [often, seldom] = worst("mglru", Some(walk), "mglru", &others);
        assert!(often < most[0] && seldom < most[1], "{walk}: {often:.1} % and {seldom:.1} %");
        let [of_loops, _] = worst("mglru", Some(walk), "mglru", &loops);
        assert!(of_loops < 51.0, "{walk}, loops: {of_loops:.1} %");
    }
}
