//! The replacement algorithms that adapt, and the one that knows the future, against a second,
//! plain implementation of each, written from its source.

mod arc_and_car;
mod linux;
mod lirs;
mod min;

use std::sync::Arc;

use balloonist::knobs::Settings;
use balloonist::random::{Generator, Stream};
use balloonist::replace::{self, Counts, Delays, Guest, Replacement, ReplacementKind, Stretch};
use balloonist::trace::{PageId, Trace};
use balloonist::units::{Frames, Ticks};

/// What an access did: `None` if it hit, else the page whose frame it took, if any.
type Fault = Option<Option<PageId>>;

/// An algorithm in plain vectors.
trait Naive {
    fn access(&mut self, page: PageId) -> Fault;

    fn resize(&mut self, frames: usize);

    /// Its lists, in the order and the form of the implementation under test.
    fn lists(&self) -> Vec<Vec<PageId>>;
}

fn kind(name: &str) -> &'static ReplacementKind {
    replace::ALL.iter().find(|kind| kind.name == name).expect("a known algorithm")
}

fn start(
    kind: &ReplacementKind,
    settings: &Settings,
    trace: &Arc<Trace>,
    frames: usize,
) -> Box<dyn Replacement> {
    let draw = || Stream::new(Generator::ChaCha8, 1, 0, "test/replacement");
    let frames = Frames(frames as u64);
    (kind.build)(settings, &Guest { trace, frames, draw: &draw, counts_write_backs: false })
}

fn run(algorithm: &mut dyn Replacement, from: u64, first_pass: bool, accesses: u64) -> Counts {
    let stretch = Stretch {
        from,
        first_pass,
        budget: Ticks(accesses),
        period: Ticks(1),
        delays: Delays::default(),
    };
    algorithm.run(stretch)
}

/// The demand faults of one pass with so many frames.
fn faults(kind: &ReplacementKind, trace: &Arc<Trace>, frames: usize) -> u64 {
    let mut algorithm = start(kind, &Settings::defaults(kind.knobs), trace, frames);
    run(&mut *algorithm, 0, true, trace.accesses()).demand_faults
}

fn trace(pages: &[u64]) -> Arc<Trace> {
    Arc::new(Trace::from_pages(pages.iter().copied()))
}

/// The example of textbooks, and Belady's of FIFO's anomaly.
const TEXTBOOK: [u64; 20] = [7, 0, 1, 2, 0, 3, 0, 4, 2, 3, 0, 3, 2, 1, 2, 0, 1, 7, 0, 1];
const BELADY: [u64; 12] = [1, 2, 3, 4, 1, 2, 5, 1, 2, 3, 4, 5];

fn faults_of_strings(name: &str) -> [u64; 4] {
    let [textbook, belady] = [trace(&TEXTBOOK), trace(&BELADY)];
    [(&textbook, 3), (&textbook, 4), (&belady, 3), (&belady, 4)]
        .map(|(trace, frames)| faults(kind(name), trace, frames))
}

/// A random trace: pages that repeat, loops, and draws that favour low numbers.
fn random_trace(draw: &mut Stream, pages: u64, length: u64) -> Vec<u64> {
    let mut page = 0;
    let skewed = draw.below(2) == 0;
    let accesses = (0..length).map(|_| {
        match draw.below(4) {
            0 => {}
            1 => page = (page + 1) % pages,
            _ if skewed => {
                let below = 1 + draw.below(pages);
                page = draw.below(below);
            }
            _ => page = draw.below(pages),
        }
        page
    });
    accesses.collect()
}

/// Leads an algorithm and its naive twin through the same passes, stretches and allocations, drawn
/// at random, and wants the same counts and lists after each.
fn compare(
    number: u64,
    kind: &ReplacementKind,
    settings: &Settings,
    naive: impl Fn(&Trace, usize) -> Box<dyn Naive>,
) {
    let mut draw = Stream::new(Generator::ChaCha8, number, 0, "test/compare");
    let pages = 1 + draw.below(if number.is_multiple_of(8) { 40 } else { 12 });
    let length = 1 + draw.below(60);
    let trace = trace(&random_trace(&mut draw, pages, length));
    let frames_max = 1 + draw.below(pages + 2);
    let resizes = draw.below(3);
    let stretch_max = 1 + draw.below(8);
    let frames = 1 + draw.below(frames_max) as usize;
    let mut algorithm = start(kind, settings, &trace, frames);
    let mut naive = naive(&trace, frames);
    let case = |pass: u64, at: u64| format!("{} {number}: access {at} of pass {pass}", kind.name);
    for pass in 0..1 + draw.below(3) {
        let mut at = 0;
        while at < trace.accesses() {
            if draw.below(4) < resizes {
                let frames = 1 + draw.below(frames_max);
                algorithm.resize(Frames(frames));
                naive.resize(frames as usize);
                agree(&*algorithm, &*naive, &case(pass, at));
            }
            let accesses = (1 + draw.below(stretch_max)).min(trace.accesses() - at);
            let counts = run(&mut *algorithm, at, pass == 0, accesses);
            let mut expected = Counts { cold_faults: counts.cold_faults, ..Counts::default() };
            for position in at..at + accesses {
                let fault = naive.access(trace.page(position));
                expected.accesses += 1;
                expected.demand_faults += u64::from(fault.is_some());
                expected.replacement_misses += u64::from(fault.flatten().is_some());
            }
            assert_eq!(counts, expected, "{}", case(pass, at));
            agree(&*algorithm, &*naive, &case(pass, at));
            at += accesses;
        }
    }
}

/// Compares over many random cases, and over every short trace.
fn compare_with_twin(name: &str, naive: fn(&Trace, usize) -> Box<dyn Naive>) {
    let kind = kind(name);
    let settings = Settings::defaults(kind.knobs);
    for number in 0..100_000 {
        compare(number, kind, &settings, naive);
    }
    for pages in short_traces(7, 4) {
        let trace = trace(&pages);
        for frames in 1..=4 {
            let mut algorithm = start(kind, &settings, &trace, frames);
            let mut naive = naive(&trace, frames);
            for at in 0..trace.accesses() {
                let counts = run(&mut *algorithm, at, true, 1);
                let fault = naive.access(trace.page(at));
                let made = (counts.demand_faults, counts.replacement_misses);
                let expected = (u64::from(fault.is_some()), u64::from(fault.flatten().is_some()));
                assert_eq!(made, expected, "{name}: {pages:?} in {frames} frames at {at}");
            }
            agree(&*algorithm, &*naive, &format!("{name}: {pages:?} in {frames} frames"));
        }
    }
}

/// Every trace of so many accesses, up to the names of its pages; all shorter ones are beginnings of
/// them.
fn short_traces(length: usize, distinct: u64) -> Vec<Vec<u64>> {
    let mut traces = vec![Vec::new()];
    for _ in 0..length {
        let longer = |trace: &Vec<u64>| {
            let new = trace.iter().max().map_or(0, |max| max + 1);
            let trace = trace.clone();
            (0..=new.min(distinct - 1)).map(move |page| [trace.clone(), vec![page]].concat())
        };
        traces = traces.iter().flat_map(longer).collect();
    }
    traces
}

fn agree(algorithm: &dyn Replacement, naive: &dyn Naive, case: &str) {
    let lists: Vec<Vec<PageId>> = algorithm.lists().into_iter().map(|list| list.pages).collect();
    assert_eq!(lists, naive.lists(), "{case}");
    algorithm.audit();
}
