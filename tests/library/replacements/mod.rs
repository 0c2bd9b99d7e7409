//! Replacement algorithms page by page: vectors of faults, laws that need no second implementation,
//! and naive second implementations over random traces and over all short ones.

mod naive;
mod naive_queues;

use std::sync::Arc;

use crate::common;
use crate::common::replacements::{
    agree, agree_on_all_short, build, faults, kind, random_settings, random_trace, stretch,
};
use balloonist::params::{Settings, Value};
use balloonist::random::{Generator, Stream};
use balloonist::replace::{self, List, Replacement};
use balloonist::trace::{AccessKind, PageId, Trace, TraceBuilder};
use balloonist::units::{Frames, Page};

/// The string that textbooks use, and that of Belady, Nelson and Shedler's anomaly.
const TEXTBOOK: [u64; 20] = [7, 0, 1, 2, 0, 3, 0, 4, 2, 3, 0, 3, 2, 1, 2, 0, 1, 7, 0, 1];
const ANOMALY: [u64; 12] = [1, 2, 3, 4, 1, 2, 5, 1, 2, 3, 4, 5];

fn defaults(name: &str) -> Settings {
    Settings::defaults(kind(name).params)
}

fn set_on_load() -> Settings {
    let mut settings = defaults("clock");
    settings.set("load", Value::Choice("set"));
    settings
}

/// Faults with 3 and with 4 frames.
fn at_3_and_4(name: &str, settings: &Settings, pages: &[u64]) -> [u64; 2] {
    [3, 4].map(|frames| faults(kind(name), settings, pages, frames))
}

#[test]
fn the_textbook_string_has_the_published_faults() {
    for (name, settings, expected) in [
        ("lru", defaults("lru"), [12, 8]),
        ("fifo", defaults("fifo"), [15, 10]),
        ("clock", set_on_load(), [14, 9]),
        ("clock", defaults("clock"), [11, 8]),
        ("sieve", defaults("sieve"), [11, 8]),
    ] {
        assert_eq!(at_3_and_4(name, &settings, &TEXTBOOK), expected, "{name} {settings:?}");
    }
}

#[test]
fn beladys_anomaly_shows_in_fifo_and_not_in_lru() {
    for (name, settings, expected) in [
        ("lru", defaults("lru"), [10, 8]),
        ("fifo", defaults("fifo"), [9, 10]),
        ("clock", set_on_load(), [9, 10]),
        ("sieve", defaults("sieve"), [10, 8]),
    ] {
        assert_eq!(at_3_and_4(name, &settings, &ANOMALY), expected, "{name} {settings:?}");
    }
}

#[test]
fn naive_second_implementations_agree_over_random_accesses_and_resizes() {
    std::thread::scope(|scope| {
        for (name, make) in naive::ALL {
            scope.spawn(|| agree(name, *make, 100_000));
        }
    });
}

#[test]
fn naive_second_implementations_agree_on_every_short_trace() {
    std::thread::scope(|scope| {
        for (name, make) in naive::ALL {
            scope.spawn(|| agree_on_all_short(name, *make, 7, 4));
        }
    });
}

/// An algorithm led access by access, with its resident pages.
struct Steps {
    real: Box<dyn Replacement>,
    trace: Arc<Trace>,
    resident: Vec<PageId>,
    at: u64,
}

/// What one access did.
#[derive(Debug)]
struct Step {
    page: PageId,
    hit: bool,
    /// The pages that went, in the order in which they were resident.
    victims: Vec<PageId>,
    /// The resident pages before it.
    before: Vec<PageId>,
}

impl Step {
    /// The page that went, of an algorithm that evicts one at a time.
    fn victim(&self) -> Option<PageId> {
        assert!(self.victims.len() <= 1, "one page goes at most");
        self.victims.first().copied()
    }
}

impl Steps {
    fn new(name: &str, settings: &Settings, trace: &Arc<Trace>, frames: u64) -> Self {
        let real = build(kind(name), settings, trace, frames);
        Self { real, trace: Arc::clone(trace), resident: Vec::new(), at: 0 }
    }

    fn lists(&self) -> Vec<List> {
        self.real.lists()
    }

    fn pages(&self, list: &str) -> Vec<PageId> {
        self.lists().into_iter().find(|other| other.name == list).unwrap().pages
    }
}

impl Iterator for Steps {
    type Item = Step;

    fn next(&mut self) -> Option<Step> {
        if self.at == self.trace.accesses() {
            return None;
        }
        let counts = self.real.run(stretch(self.at, 1));
        let page = self.trace.page(self.at);
        self.at += 1;
        let after = self.real.resident_pages();
        let before = std::mem::replace(&mut self.resident, after);
        let gone = |page: &PageId| !self.resident.contains(page);
        let victims: Vec<PageId> = before.iter().copied().filter(gone).collect();
        assert!(counts.replacement_misses >= u64::from(!victims.is_empty()));
        assert_eq!(counts.demand_faults, u64::from(!before.contains(&page)));
        Some(Step { page, hit: before.contains(&page), victims, before })
    }
}

/// Calls `check` with many random traces and frames.
fn for_random(mut check: impl FnMut(&mut Stream, &Arc<Trace>, u64)) {
    for number in 0..3000 {
        let draw = &mut Stream::new(Generator::ChaCha8, number, 0, "test/law");
        let trace = random_trace(draw);
        let frames = 1 + draw.below(trace.distinct_pages() as u64);
        check(draw, &trace, frames);
    }
}

#[test]
fn every_algorithm_fills_every_frame_before_it_evicts_and_then_evicts_one_page_or_a_batch() {
    for_random(|draw, trace, frames| {
        for kind in replace::ALL {
            let settings = random_settings(kind.params, draw);
            let in_batches =
                kind.name == "linux-two-list" && settings.choice("memory") == "anonymous";
            let most = if in_batches { (frames as usize / 2).max(1) } else { 1 };
            for step in Steps::new(kind.name, &settings, trace, frames) {
                let is_full = step.before.len() as u64 == frames;
                assert_eq!(!step.victims.is_empty(), !step.hit && is_full, "{}", kind.name);
                assert!(step.victims.len() <= most, "{}: {step:?}", kind.name);
            }
        }
    });
}

#[test]
fn stretches_of_every_algorithm_may_end_anywhere() {
    for_random(|draw, trace, frames| {
        for kind in replace::ALL {
            let settings = random_settings(kind.params, draw);
            let mut whole = build(kind, &settings, trace, frames);
            let mut split = build(kind, &settings, trace, frames);
            let (mut at, mut faults) = (0, 0);
            while at < trace.accesses() {
                let counts = split.run(stretch(at, 1 + draw.below(5)));
                at += counts.accesses;
                faults += counts.demand_faults;
            }
            let expected = whole.run(stretch(0, trace.accesses())).demand_faults;
            assert_eq!((faults, split.lists()), (expected, whole.lists()), "{}", kind.name);
        }
    });
}

#[test]
fn a_hit_moves_no_page_of_the_algorithms_whose_hits_only_set_a_bit() {
    for_random(|_, trace, frames| {
        for name in ["fifo", "clock", "sieve", "car", "s3-fifo", "mglru"] {
            let mut steps = Steps::new(name, &defaults(name), trace, frames);
            let mut lists = steps.lists();
            while let Some(step) = steps.next() {
                let mut before = std::mem::replace(&mut lists, steps.lists());
                if step.hit {
                    // Except for the mark of the page that was used.
                    for (before, list) in before.iter_mut().zip(&lists) {
                        let at = list.pages.iter().position(|&page| page == step.page);
                        if let Some(at) = at.filter(|&at| at < list.marks.len()) {
                            before.marks[at] = list.marks[at].max(1);
                        }
                    }
                }
                assert_eq!(lists == before, step.hit, "{name}");
            }
        }
    });
}

/// Before an eviction, active pages are demoted until they are at most the ratio times the inactive
/// ones; after that one page left and one came.
#[test]
fn linux_keeps_the_active_list_in_its_ratio_to_the_inactive_one() {
    for_random(|draw, trace, frames| {
        let ratio = 1 + draw.below(4);
        let mut settings = defaults("linux-two-list");
        settings.set("memory", Value::Choice("file"));
        settings.set("inactive_ratio", Value::Integer(ratio));
        let mut steps = Steps::new("linux-two-list", &settings, trace, frames);
        while let Some(step) = steps.next() {
            let lengths = ["inactive", "active"].map(|list| steps.pages(list).len() as u64);
            let came_active = u64::from(steps.pages("active").contains(&step.page));
            if step.victim().is_some() {
                let [inactive, active] = [lengths[0] + came_active, lengths[1] - came_active];
                assert!(inactive * ratio >= active, "{lengths:?} {ratio}");
            }
        }
    });
}

/// Traces that fault less with this number of frames than with one more, found like the ones that
/// the test below finds.
const ANOMALIES: &[(&str, u64, &[u64])] = &[
    ("random", 2, &[1, 2, 5, 3, 0, 2, 4, 0, 1, 1, 1, 3, 3, 2, 0, 5]),
    ("fifo", 3, &[1, 0, 2, 5, 3, 0, 0, 2, 1, 0, 2, 4, 1, 3, 1, 0]),
    ("nru", 3, &[2, 4, 5, 0, 0, 5, 5, 5, 4, 1, 2, 0, 4, 1, 0, 0]),
    ("clock", 4, &[5, 2, 2, 0, 4, 5, 4, 5, 5, 1, 4, 3, 0, 1, 1, 1]),
    ("2q", 2, &[0, 4, 1, 0, 2, 2, 2, 5, 4, 4, 0, 2, 3, 0, 5, 0]),
    (
        "lirs",
        2,
        &[
            6, 6, 5, 1, 3, 4, 2, 0, 1, 3, 6, 6, 2, 4, 2, 5, 1, 6, 0, 2, 5, 4, 2, 7, 7, 5, 3, 6, 1,
            4, 7, 4, 2, 0, 4, 5, 5, 4, 6, 4,
        ],
    ),
    ("arc", 2, &[2, 0, 0, 1, 3, 4, 1, 3, 0, 4, 5, 2, 0, 2, 1, 1]),
    ("car", 2, &[2, 0, 0, 1, 3, 4, 1, 3, 0, 4, 5, 2, 0, 2, 1, 1]),
    ("s3-fifo", 2, &[1, 3, 5, 5, 4, 0, 3, 5, 5, 2, 4, 1, 0, 1, 4, 4]),
    ("sieve", 3, &[5, 4, 0, 5, 3, 0, 2, 4, 4, 3, 4, 4, 4, 1, 4, 3]),
    ("linux-two-list", 3, &[5, 0, 2, 4, 0, 1, 5, 0, 2, 3, 4, 5, 3, 5, 0, 3]),
    ("mglru", 4, &[4, 3, 2, 4, 5, 1, 3, 0, 0, 4, 0, 3, 2, 4, 5, 1]),
    ("lfu", 2, &[5, 4, 5, 0, 4, 0, 4, 2, 5, 2, 2, 3, 3, 5, 2, 5]),
];

/// With more frames they hold every page that they hold with fewer.
const STACKS: [&str; 2] = ["lru", "min"];

#[test]
fn algorithms_without_inclusion_fault_more_with_more_frames_on_some_random_trace() {
    for &(name, frames, pinned) in ANOMALIES {
        let mut settings = defaults(name);
        if name == "lirs" {
            // No such trace was found without a bound on its ghosts.
            settings.set("non_resident", Value::Integer(2));
        }
        let rises = |pages: &[u64], frames| {
            let at = |frames| faults(kind(name), &settings, pages, frames);
            at(frames) < at(frames + 1)
        };
        assert!(rises(pinned, frames), "{name}: the trace that was pinned");
        let bound = pinned.iter().max().unwrap() + 1;
        let found = (0..20_000).any(|number| {
            let draw = &mut Stream::new(Generator::ChaCha8, number, 0, "test/anomaly");
            let pages: Vec<u64> = pinned.iter().map(|_| draw.below(bound)).collect();
            (1..bound).any(|frames| rises(&pages, frames))
        });
        assert!(found, "{name}: on a random trace");
    }
    let with_anomalies = ANOMALIES.iter().map(|anomaly| anomaly.0);
    let others = replace::ALL.iter().map(|kind| kind.name).filter(|name| !STACKS.contains(name));
    assert!(with_anomalies.eq(others), "every algorithm is here or among the stack algorithms");
}

#[test]
fn stack_algorithms_never_fault_more_with_more_frames() {
    for number in 0..5_000 {
        let draw = &mut Stream::new(Generator::ChaCha8, number, 0, "test/inclusion");
        let trace = random_trace(draw);
        let pages: Vec<u64> = (0..trace.accesses()).map(|at| trace.page(at).into()).collect();
        let most = trace.distinct_pages() as u64;
        for name in STACKS {
            let all: Vec<u64> =
                (1..=most).map(|c| faults(kind(name), &defaults(name), &pages, c)).collect();
            assert!(all.is_sorted_by(|less, more| less >= more), "{name}: {all:?}");
            assert_eq!(all.last(), Some(&most), "{name}: all pages fit");
        }
    }
}

/// The hand moves only to evict, so a page used since the last eviction has its bit set, and a page
/// not used since it was loaded has not.
#[test]
fn clock_and_sieve_evict_no_page_just_used_while_one_was_never_used_again() {
    for_random(|_, trace, frames| {
        for name in ["clock", "sieve"] {
            let (mut just_used, mut never_used) = (Vec::new(), Vec::new());
            for step in Steps::new(name, &defaults(name), trace, frames) {
                if step.hit {
                    just_used.push(step.page);
                    never_used.retain(|&page| page != step.page);
                    continue;
                }
                if let Some(victim) = step.victim() {
                    assert!(!just_used.contains(&victim) || never_used.is_empty(), "{name}");
                    never_used.retain(|&page| page != victim);
                    just_used.clear();
                }
                never_used.push(step.page);
            }
        }
    });
}

#[test]
fn clock_is_fifo_where_no_page_is_used_while_it_is_resident() {
    for_random(|_, trace, frames| {
        let mut faulting = TraceBuilder::default();
        for step in Steps::new("fifo", &defaults("fifo"), trace, frames).filter(|step| !step.hit) {
            faulting.push(Page(u64::from(step.page)));
        }
        let trace = Arc::new(faulting.finish());
        let victims = |name, settings: &Settings| -> Vec<_> {
            Steps::new(name, settings, &trace, frames).map(|step| step.victim()).collect()
        };
        let expected = victims("fifo", &defaults("fifo"));
        assert_eq!(victims("clock", &defaults("clock")), expected);
        assert_eq!(victims("clock", &set_on_load()), expected);
    });
}

#[test]
fn nru_evicts_from_the_lowest_class() {
    for_random(|draw, trace, frames| {
        let mut settings = defaults("nru");
        let tick = 1 + draw.below(20);
        settings.set("tick", Value::Integer(tick));
        let (mut referenced, mut modified): (Vec<PageId>, Vec<PageId>) = (Vec::new(), Vec::new());
        for (at, step) in Steps::new("nru", &settings, trace, frames).enumerate() {
            if (at as u64).is_multiple_of(tick) {
                referenced.clear();
            }
            if let Some(victim) = step.victim() {
                let class = |page: &PageId| (referenced.contains(page), modified.contains(page));
                assert_eq!(Some(class(&victim)), step.before.iter().map(class).min());
                modified.retain(|&page| page != victim);
            }
            referenced.push(step.page);
            if trace.kind(at as u64).is_some_and(AccessKind::writes) {
                modified.push(step.page);
            }
        }
    });
}

#[test]
fn two_queue_remembers_kout_pages_at_most_and_a_hit_in_a1in_moves_nothing() {
    for_random(|_, trace, frames| {
        let mut steps = Steps::new("2q", &defaults("2q"), trace, frames);
        let (mut lists, mut a1in) = (steps.lists(), Vec::new());
        while let Some(step) = steps.next() {
            assert!(steps.pages("A1out").len() as u64 <= frames / 2);
            let before = std::mem::replace(&mut lists, steps.lists());
            let was_in = std::mem::replace(&mut a1in, steps.pages("A1in"));
            assert!(!was_in.contains(&step.page) || before == lists);
        }
    });
}

#[test]
fn s3_fifo_has_no_more_ghosts_than_frames_for_its_main_queue() {
    for_random(|_, trace, frames| {
        let mut steps = Steps::new("s3-fifo", &defaults("s3-fifo"), trace, frames);
        while steps.next().is_some() {
            assert!(steps.pages("G").len() as u64 <= frames - (frames / 10).max(1));
        }
    });
}

/// However often a page was used in the main queue, it is reinserted at most three times.
#[test]
fn s3_fifo_counts_to_three() {
    let survived = |uses: usize| {
        // One of three frames is for S. Page 0 enters M when 3 is loaded and is used there; all
        // later pages enter M too.
        let uses = [0, 0, 0, 1, 2, 3].into_iter().chain(std::iter::repeat_n(0, uses));
        let comers = (4..40).flat_map(|page| [page, page, page]);
        let trace = Arc::new(Trace::from_pages(uses.chain(comers)));
        let steps = Steps::new("s3-fifo", &defaults("s3-fifo"), &trace, 3);
        steps.take_while(|step| step.victim() != Some(0)).filter(|step| !step.hit).count()
    };
    assert!(survived(1) < survived(2) && survived(2) < survived(3));
    assert_eq!([4, 5, 1000].map(survived), [survived(3); 3]);
}

#[test]
fn random_and_nru_draw_from_the_stream_of_the_vm_alone() {
    let pages: Vec<u64> = (0..400).map(|at| at * at % 61).collect();
    let trace = Arc::new(Trace::from_pages(pages));
    for name in ["random", "nru"] {
        let resident = |seed| {
            let guest = replace::Guest {
                trace: &trace,
                frames: Frames(10),
                draw: &|| common::replacements::draw(seed),
                counts_write_backs: false,
                tiers: &[],
                backing: None,
                shares: None,
            };
            let mut real = (kind(name).build)(&defaults(name), &guest);
            real.run(stretch(0, trace.accesses()));
            real.resident_pages()
        };
        assert_eq!(resident(1), resident(1), "{name}");
        assert_ne!(resident(1), resident(2), "{name}");
    }
}

/// Each page equally likely: over a uniform trace FIFO and random fault equally often.
#[test]
fn random_faults_as_often_as_fifo_on_a_uniform_trace() {
    let draw = &mut Stream::new(Generator::ChaCha8, 1, 0, "test/uniform");
    let pages: Vec<u64> = (0..100_000).map(|_| draw.below(100)).collect();
    for frames in [10, 50, 90] {
        let count = |name| faults(kind(name), &defaults(name), &pages, frames);
        // An access faults with probability 1 − frames/100; five standard deviations of a
        // binomial count with n = 100000 and p = 1/2 are 791, those of a difference 1118.
        assert!(count("random").abs_diff(count("fifo")) < 1118, "{frames}");
    }
}

#[test]
fn growing_and_shrinking_back_restores_no_evicted_page() {
    let trace = Arc::new(Trace::from_pages([1, 2, 3, 4, 4, 4]));
    for (name, left) in [("fifo", [3, 2]), ("lfu", [3, 2]), ("clock", [3, 2]), ("sieve", [3, 2])] {
        let mut real = build(kind(name), &defaults(name), &trace, 2);
        real.run(stretch(0, 2));
        real.resize(Frames(4));
        real.run(stretch(2, 4));
        real.resize(Frames(2));
        // Pages 3 and 4, ids 2 and 3: the two that were loaded first are evicted.
        assert_eq!(real.resident_pages(), left, "{name}");
    }
}
