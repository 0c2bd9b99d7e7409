//! Observers beside each other: what one estimates against what another counts, over whole traces.

use std::ops::Range;
use std::sync::Arc;

use balloonist::knobs::{Settings, Value};
use balloonist::observe::{
    CURVE, HOT_COLD, INTERMITTENT, Interval, ObserverKind, Seen, Subject, WINDOW,
};
use balloonist::random::{Generator, Stream};
use balloonist::replace::{Counts, Delays};
use balloonist::trace::Trace;
use balloonist::units::{Decimal, Frames, Ticks};

/// What an observer intercepts and reports over one interval after another.
fn observed(
    kind: &ObserverKind,
    settings: &[(&str, Value)],
    trace: &Arc<Trace>,
    intervals: impl Iterator<Item = Range<u64>>,
) -> Vec<(u64, Seen)> {
    let mut all = Settings::defaults(kind.knobs);
    for &(name, value) in settings {
        all.set(name, value);
    }
    let subject = Subject {
        trace: trace.clone(),
        memory: Frames(trace.distinct_pages() as u64),
        draw: Stream::new(Generator::ChaCha8, 1, 0, "test/observer"),
    };
    let mut observer = (kind.build)(&all, subject);
    let mut seen = Seen::default();
    let mut observe = |interval: Range<u64>| {
        let accesses = interval.end - interval.start;
        let traps = observer.observe(&Interval {
            trace,
            from: interval.start,
            to: interval.end,
            counts: Counts { accesses, ..Counts::default() },
            ticks: Ticks(accesses),
            delays: Delays::default(),
            allocation: Frames(8),
            resident: Frames(8),
            coming: accesses,
        });
        observer.report(&mut seen);
        (traps, seen.clone())
    };
    intervals.map(&mut observe).collect()
}

/// The intervals of `every` accesses that a trace has.
fn intervals(trace: &Trace, every: u64) -> impl Iterator<Item = Range<u64>> {
    (0..trace.accesses() / every).map(move |nth| nth * every..(nth + 1) * every)
}

fn skewed(accesses: u64, pages: u64) -> Arc<Trace> {
    let mut draw = Stream::new(Generator::ChaCha8, 1, 0, "test/trace");
    let page = |_| draw.below(pages) * draw.below(pages) / pages;
    Arc::new(Trace::from_pages((0..accesses).map(page)))
}

#[test]
fn without_a_hot_set_and_decay_the_trapped_curve_is_exact() {
    let trace = skewed(5000, 60);
    let undecayed = ("decay", Value::Decimal(Decimal { digits: 1, places: 0 }));
    let exact = observed(&CURVE, &[undecayed], &trace, intervals(&trace, 500));
    let trapped = observed(
        &HOT_COLD,
        &[undecayed, ("hot", Value::Integer(0))],
        &trace,
        intervals(&trace, 500),
    );
    for ((_, exact), (_, trapped)) in exact.iter().zip(&trapped) {
        assert_eq!(exact.curve, trapped.curve);
    }
}

#[test]
fn a_larger_hot_set_traps_no_more() {
    let trace = skewed(5000, 60);
    let traps = |hot: u64| -> u64 {
        let seen =
            observed(&HOT_COLD, &[("hot", Value::Integer(hot))], &trace, intervals(&trace, 500));
        seen.iter().map(|(traps, _)| traps).sum()
    };
    let traps: Vec<u64> = (0..70).map(traps).collect();
    assert!(traps.is_sorted_by(|fewer, more| fewer >= more) && traps[0] > traps[69], "{traps:?}");
    assert_eq!(traps[69], trace.distinct_pages() as u64, "cold accesses alone");
}

#[test]
fn a_dynamic_hot_set_doubles_while_too_many_accesses_trap_and_halves_while_few_do() {
    // Ten intervals over 40 pages in turn, of which 8 are hot, and as many over one page.
    let loops = (0..5000).map(|at| at % 40);
    let trace = Arc::new(Trace::from_pages(loops.chain(std::iter::repeat_n(0, 5000))));
    let dynamic = [("hot", Value::Integer(8)), ("hot_set", Value::Choice("dynamic"))];
    let seen = observed(&HOT_COLD, &dynamic, &trace, intervals(&trace, 500));
    let hidden: Vec<u64> = seen.iter().map(|(_, seen)| seen.curve.hidden.0).collect();
    // The observed VM's memory is its 40 pages, so 20 is the most; a loop of 40 always traps. It
    // rests on one page, and so nothing traps.
    assert_eq!(hidden[..4], [16, 20, 20, 20]);
    assert_eq!(hidden[9..], [20, 10, 8, 8, 8, 8, 8, 8, 8, 8, 8]);
}

#[test]
fn intermittent_tracking_rests_until_the_proxy_moves() {
    // Twenty intervals over one set of 50 pages, then as many over 200 others.
    let phase = |from: u64, pages: u64| (0..20_000).map(move |at| from + at % pages);
    let trace = Arc::new(Trace::from_pages(phase(0, 50).chain(phase(1000, 200))));
    let always = observed(&HOT_COLD, &[], &trace, intervals(&trace, 1000));
    let rarely = observed(&INTERMITTENT, &[], &trace, intervals(&trace, 1000));
    let traps: Vec<u64> = rarely.iter().map(|(traps, _)| *traps).collect();
    assert!(traps[0] >= always[0].0, "it begins with traps, and watches its proxy beside");
    assert!(traps[10] < 50 && traps[19] < 50, "it rests on stable working sets: {traps:?}");
    assert!(traps[21..24].iter().all(|&traps| traps >= 1000), "it wakes: {traps:?}");
    assert!(traps[35] <= 200, "and rests again: {traps:?}");
    let sum = |intervals: &[(u64, Seen)]| intervals.iter().map(|(traps, _)| traps).sum::<u64>();
    assert!(sum(&rarely) * 2 < sum(&always));
    let half = Decimal { digits: 5, places: 1 };
    for at in [10, 19, 35, 39] {
        let [exact, kept] = [&always, &rarely].map(|intervals| intervals[at].1.curve.needed(half));
        assert_eq!(exact, kept, "interval {at}");
    }
}

/// The mean working set grows with its window as the miss rate of that window: s(T + 1) − s(T) is
/// m(T) (P. J. Denning and S. C. Schwartz, "Properties of the working-set model", CACM 15(3), 1972).
/// Summed over a trace that ends, both sides are integers, and a page whose last use is less than T
/// before the end is missing on the left.
#[test]
fn the_working_set_grows_with_its_window_as_the_miss_rate_says() {
    let trace = skewed(3000, 60);
    let pages: Vec<u32> = (0..trace.accesses()).map(|at| trace.page(at)).collect();
    let accesses = pages.len();
    let working_sets = |window: usize| -> u64 {
        let ends = 1..=accesses;
        let windows = ends.map(|end: usize| end.saturating_sub(window) as u64..end as u64);
        let seen = observed(&WINDOW, &[], &trace, windows);
        seen.iter().map(|(_, seen)| seen.window.distinct.0).sum()
    };
    for window in [1, 2, 3, 7, 20, 60, 150, 400] {
        // A use is missed if the same page is not among the `window` accesses before it.
        let is_missed = |&at: &usize| !pages[at.saturating_sub(window)..at].contains(&pages[at]);
        let is_last = |&at: &usize| !pages[at + 1..].contains(&pages[at]);
        let missed = (0..accesses).filter(is_missed).count() as u64;
        let cut_off = (accesses - window..accesses).filter(is_last).count() as u64;
        let grown = working_sets(window + 1) - working_sets(window);
        assert_eq!(grown + cut_off, missed, "a window of {window}");
    }
}
