//! Observers compared: the estimates of one with the counts of another, over whole traces.

use std::ops::Range;
use std::sync::Arc;

use balloonist::observe::{
    ACTIVE, CURVE, Curve, HOT_COLD, INTERMITTENT, Interval, Observer, ObserverKind, SAMPLED_CURVE,
    SHADOW, Seen, Subject, WINDOW,
};
use balloonist::params::{Settings, Value};
use balloonist::random::{Generator, Stream};
use balloonist::replace::{Counts, Delays};
use balloonist::trace::Trace;
use balloonist::units::{Decimal, Frames, Ticks};

/// An observer of a VM with `memory` frames on a host of 1000.
fn built(
    kind: &ObserverKind,
    settings: &[(&str, Value)],
    trace: &Arc<Trace>,
    memory: u64,
    seed: u64,
) -> Box<dyn Observer> {
    let mut all = Settings::defaults(kind.params);
    for (name, value) in settings {
        all.set(name, value.clone());
    }
    let draw = Stream::new(Generator::ChaCha8, seed, 0, "test/observer");
    let (memory, host) = (Frames(memory), Frames(1000));
    (kind.build)(&all, Subject { trace: trace.clone(), memory, host, rng: draw })
}

/// An interval in which nothing faults, of a VM that holds 8 frames.
fn interval(trace: &Trace, accesses: Range<u64>) -> Interval<'_> {
    let made = accesses.end - accesses.start;
    let mut counts = Counts::default();
    counts.accesses = made;
    Interval {
        trace,
        from: accesses.start,
        to: accesses.end,
        counts,
        ticks: Ticks(made),
        delays: Delays::default(),
        allocation: Frames(8),
        resident: Frames(8),
        coming: made,
    }
}

/// What an observer intercepts in an interval and reports.
fn shown(observer: &mut dyn Observer, interval: &Interval<'_>) -> (u64, Seen) {
    let mut seen = Seen::default();
    let traps = observer.observe(interval);
    observer.report(&mut seen);
    (traps, seen)
}

/// The same over one interval after another.
fn observed(
    kind: &ObserverKind,
    settings: &[(&str, Value)],
    trace: &Arc<Trace>,
    intervals: impl Iterator<Item = Range<u64>>,
) -> Vec<(u64, Seen)> {
    let mut observer = built(kind, settings, trace, trace.distinct_pages() as u64, 1);
    intervals.map(|accesses| shown(&mut *observer, &interval(trace, accesses))).collect()
}

fn part(digits: u64, places: u32) -> Value {
    Value::Decimal(Decimal { digits, places })
}

/// A trace as intervals of `every` accesses.
fn intervals(trace: &Trace, every: u64) -> impl Iterator<Item = Range<u64>> {
    (0..trace.accesses() / every).map(move |nth| nth * every..(nth + 1) * every)
}

fn skewed(accesses: u64, pages: u64) -> Arc<Trace> {
    let mut draw = Stream::new(Generator::ChaCha8, 1, 0, "test/trace");
    let page = |_| draw.below(pages) * draw.below(pages) / pages;
    Arc::new(Trace::from_pages((0..accesses).map(page)))
}

#[test]
fn hot_cold_without_hot_set_and_decay_is_exact() {
    let trace = skewed(5000, 60);
    let undecayed = ("decay", part(1, 0));
    let exact = observed(&CURVE, std::slice::from_ref(&undecayed), &trace, intervals(&trace, 500));
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
fn a_larger_hot_set_never_traps_more() {
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
    // The VM's memory is its 40 pages, so the hot set has at most 20; a loop over 40 always traps.
    // Then the VM uses one page only, and nothing traps.
    assert_eq!(hidden[..4], [16, 20, 20, 20]);
    assert_eq!(hidden[9..], [20, 10, 8, 8, 8, 8, 8, 8, 8, 8, 8]);
}

#[test]
fn intermittent_tracking_is_off_until_the_proxy_changes() {
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
/// m(T) (P. J. Denning and S. C. Schwartz, "Properties of the working-set model", CACM 15(3),
/// 1972). Summed over a trace that ends, both sides are integers, and a page whose last use is less
/// than T before the end is missing on the left.
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

/// In units of 2⁻¹⁶.
const ONE: f64 = 65_536.0;

#[test]
fn the_mean_of_many_samples_is_the_share_of_memory_that_is_touched() {
    // 300 of 1000 pages are used; 100 are drawn without replacement.
    let trace = Arc::new(Trace::from_pages(0..300));
    let estimate = |seed: u64| {
        let mut observer = built(&ACTIVE, &[], &trace, 1000, seed);
        let (touched, seen) = shown(&mut *observer, &interval(&trace, 0..300));
        assert_eq!(u64::from(seen.active.fraction), (touched << 16) / 100);
        assert_eq!(seen.active.frames.0, (1000 * u64::from(seen.active.fraction)) >> 16);
        f64::from(seen.active.fraction) / ONE
    };
    let estimates: Vec<f64> = (0..1000).map(estimate).collect();
    let mean = estimates.iter().sum::<f64>() / 1000.0;
    let squares: f64 = estimates.iter().map(|estimate| (estimate - mean).powi(2)).sum();
    let deviation = (squares / 999.0).sqrt();
    let expected = (0.3 * 0.7 / 100.0 * 900.0 / 999.0_f64).sqrt();
    assert!((mean - 0.3).abs() < 3.0 * expected / 1000.0_f64.sqrt(), "{mean}");
    assert!(deviation <= 0.05 && (deviation - expected).abs() < 0.005, "{deviation} {expected}");
}

#[test]
fn the_active_estimate_is_the_largest_of_the_latest_sample_and_two_averages() {
    let mut draw = Stream::new(Generator::ChaCha8, 1, 0, "test/trace");
    // An interval is 200 accesses to the first pages of 400.
    let sizes: Vec<u64> = (0..200).map(|_| 1 + draw.below(400)).collect();
    let pages = sizes.iter().flat_map(|&size| (0..200).map(move |at| at * 7 % size));
    let trace = Arc::new(Trace::from_pages((0..400).chain(pages)));
    let mut observer = built(&ACTIVE, &[("samples", Value::Integer(50))], &trace, 400, 1);
    let mut averages = None;
    for nth in 2..202 {
        let accesses = interval(&trace, 200 * nth..200 * (nth + 1));
        let (touched, seen) = shown(&mut *observer, &accesses);
        let latest = touched as f64 / 50.0 * ONE;
        let (slow, fast) = averages.unwrap_or((latest, latest));
        let (slow, fast) = (slow + (latest - slow) / 8.0, f64::midpoint(fast, latest));
        averages = Some((slow, fast));
        let estimate = f64::from(seen.active.fraction);
        let largest = slow.max(fast).max(latest);
        assert!((estimate - largest).abs() <= 16.0, "{nth}: {estimate} for {largest}");
    }
}

#[test]
fn the_active_estimate_rises_at_once_and_falls_slowly() {
    // A tenth of 100 pages for 20 intervals, all of them in one, and a tenth again for 40.
    let tenths = |intervals: u64| (0..100 * intervals).map(|at| at % 10);
    let trace = Arc::new(Trace::from_pages(tenths(20).chain(0..100).chain(tenths(40))));
    // As many samples as pages: no sample errs.
    let seen = observed(&ACTIVE, &[], &trace, intervals(&trace, 100));
    let fractions: Vec<f64> =
        seen.iter().map(|(_, seen)| f64::from(seen.active.fraction)).collect();
    let tenth = (ONE / 10.0).floor();
    assert_eq!(fractions[..20], [tenth; 20]);
    assert_eq!(fractions[20..21], [ONE]);
    // The slow average went an eighth of the way up; the fast one went half of it and falls below.
    let fast = |n: i32| tenth + (ONE - tenth) * 0.5_f64.powi(n + 1);
    let slow = |n: i32| tenth + (ONE - tenth) / 8.0 * 0.875_f64.powi(n);
    for (n, &fraction) in (1..).zip(&fractions[21..]) {
        let expected = fast(n).max(slow(n));
        assert!((fraction - expected).abs() <= 16.0, "{n}: {fraction} for {expected}");
    }
    // From all to none: seven eighths remain each time.
    let trace = Arc::new(Trace::from_pages(0..100));
    let mut observer = built(&ACTIVE, &[("samples", Value::Integer(1000))], &trace, 100, 1);
    for n in 0..30 {
        let accesses = if n == 0 { 0..100 } else { 100..100 };
        let (_, seen) = shown(&mut *observer, &interval(&trace, accesses));
        let expected = ONE * 0.875_f64.powi(n);
        assert!((f64::from(seen.active.fraction) - expected).abs() <= 8.0, "{n}");
    }
}

#[test]
fn as_many_samples_as_pages_see_the_exact_share() {
    let mut draw = Stream::new(Generator::ChaCha8, 1, 0, "test/trace");
    for seed in 0..200 {
        let touched = 1 + draw.below(90);
        let trace = Arc::new(Trace::from_pages(0..touched));
        let mut observer = built(&ACTIVE, &[("samples", Value::Integer(90))], &trace, 90, seed);
        let (traps, seen) = shown(&mut *observer, &interval(&trace, 0..touched));
        assert_eq!((traps, u64::from(seen.active.fraction)), (touched, (touched << 16) / 90));
    }
}

#[test]
fn a_sample_of_all_pages_is_the_curve() {
    let trace = skewed(5000, 60);
    let seen = |kind: &ObserverKind, settings: &[(&str, Value)]| -> Vec<Seen> {
        let seen = observed(kind, settings, &trace, intervals(&trace, 500));
        seen.into_iter().map(|(_, seen)| seen).collect()
    };
    let all = ("rate", part(1, 0));
    for decay in [part(0, 0), part(1, 0)] {
        let exact = seen(&CURVE, &[("decay", decay.clone())]);
        let sampled = seen(&SAMPLED_CURVE, &[("decay", decay), all.clone()]);
        for (exact, sampled) in exact.iter().zip(&sampled) {
            assert_eq!(exact.curve, sampled.curve);
        }
    }
    // Decaying weights keep their fractions; the curve's counts are rounded one by one.
    let now = seen(&CURVE, &[("decay", part(0, 0))]);
    for (digits, places) in [(5, 1), (3, 1), (99, 2)] {
        let decay = digits as f64 / 10.0_f64.powi(places);
        let sampled = seen(&SAMPLED_CURVE, &[("decay", part(digits, places as u32)), all.clone()]);
        let mut faded = vec![0.0; trace.distinct_pages() + 1];
        for (now, sampled) in now.iter().zip(&sampled) {
            let most = sampled.curve.accesses as f64;
            for ((faded, &now), &sampled) in
                faded.iter_mut().zip(&now.curve.faults).zip(&sampled.curve.faults)
            {
                *faded = *faded * decay + now as f64;
                let expected = faded.min(most);
                // Fractions of a unit of weight are cut off; accesses are rounded at every
                // checkpoint.
                let below = expected - sampled as f64;
                assert!((-0.001..=1.001).contains(&below), "{decay}: {sampled} for {expected}");
            }
        }
    }
}

#[test]
fn a_sampled_curve_never_rises_and_never_predicts_more_faults_than_accesses() {
    let trace = skewed(5000, 300);
    for seed in 0..50 {
        let settings = [("rate", part(1 + seed % 9, 1 + seed as u32 % 3))];
        let mut observer = built(&SAMPLED_CURVE, &settings, &trace, 300, seed);
        for accesses in intervals(&trace, 500) {
            let (_, seen) = shown(&mut *observer, &interval(&trace, accesses));
            let curve = seen.curve;
            assert!(curve.faults.is_sorted_by(|fewer, more| fewer >= more), "{seed}: {curve:?}");
            assert!(curve.faults[0] == curve.accesses && curve.cold <= curve.accesses);
        }
    }
}

/// W. Hu et al. and the authors of SHARDS give errors of curves as means over all sizes.
#[test]
fn a_sample_of_a_tenth_has_a_small_mean_error() {
    // Zipf's law with exponent 0.8 over 5000 pages.
    let mut draw = Stream::new(Generator::ChaCha8, 1, 0, "test/trace");
    let mut sums = vec![0_u64];
    for rank in 1..=5000 {
        let weight = 1e9 * f64::from(rank).powf(-0.8);
        sums.push(sums[sums.len() - 1] + weight as u64);
    }
    let mut page = |_| {
        let at = draw.below(sums[5000]);
        sums.partition_point(|&sum| sum <= at) as u64
    };
    let trace = Arc::new(Trace::from_pages((0..100_000).map(&mut page)));
    let whole = || interval(&trace, 0..100_000);
    let (_, exact) = shown(&mut *built(&CURVE, &[], &trace, 5000, 1), &whole());
    let error = |rate: Value| -> f64 {
        let of_salt = |seed: u64| {
            let mut observer = built(&SAMPLED_CURVE, &[("rate", rate.clone())], &trace, 5000, seed);
            let (_, seen) = shown(&mut *observer, &whole());
            let pairs = exact.curve.faults.iter().zip(&seen.curve.faults);
            let sum: u64 = pairs.map(|(exact, sampled)| exact.abs_diff(*sampled)).sum();
            sum as f64 / exact.curve.faults.len() as f64 / exact.curve.accesses as f64
        };
        (0..20).map(of_salt).sum::<f64>() / 20.0
    };
    let (tenth, half) = (error(part(1, 1)), error(part(5, 1)));
    assert!(half < tenth && tenth < 0.03, "{half} {tenth}");
}

/// Regression: weights with 32 fractional bits overflowed 64 bits if one page of a small sample was
/// used often.
#[test]
fn a_sampled_page_may_be_used_any_number_of_times() {
    let rare = [("rate", part(1, 4)), ("decay", part(1, 0))];
    let trace = Arc::new(Trace::from_pages((0..2_000_000).map(|at| at % 2)));
    let is_seen = |&seed: &u64| {
        let mut observer = built(&SAMPLED_CURVE, &rare, &trace, 2, seed);
        observer.observe(&interval(&trace, 0..2)) > 0
    };
    let seed = (0..100_000).find(is_seen).expect("a salt with one of two pages in the sample");
    let mut observer = built(&SAMPLED_CURVE, &rare, &trace, 2, seed);
    let (traps, seen) = shown(&mut *observer, &interval(&trace, 0..2_000_000));
    assert_eq!(traps, 1_000_000);
    assert_eq!(seen.curve.faults[..2], [2_000_000 * Curve::ONE; 2]);
}

/// The LRU stack distance of each access by a plain list; `None` at first uses.
fn distances(trace: &Trace) -> Vec<Option<u64>> {
    let mut stack: Vec<u32> = Vec::new();
    let mut distance = |at: u64| {
        let page = trace.page(at);
        let found = stack.iter().position(|&other| other == page);
        found.map(|depth| stack.remove(depth));
        stack.insert(0, page);
        found.map(|depth| depth as u64 + 1)
    };
    (0..trace.accesses()).map(&mut distance).collect()
}

#[test]
fn shadow_hits_are_the_accesses_just_beyond_the_allocation() {
    let mut draw = Stream::new(Generator::ChaCha8, 1, 0, "test/shadow");
    let mut hits = 0;
    for number in 0..60 {
        let trace =
            Arc::new(Trace::from_pages((0..3000).map(|_| draw.below(60) * draw.below(60) / 60)));
        if number % 2 == 0 {
            trace.index_every(1 + number / 2);
        }
        let distances = distances(&trace);
        // Thousandths of a host of 1000 frames; at least one frame.
        let share = draw.below(20);
        let mut observer = built(&SHADOW, &[("shadow", part(share, 3))], &trace, 60, 1);
        for accesses in intervals(&trace, 250) {
            let allocation = 1 + draw.below(60);
            let shadow = allocation + 1..=allocation + share.max(1);
            let of_interval = &distances[accesses.start as usize..accesses.end as usize];
            let expected =
                of_interval.iter().flatten().filter(|&distance| shadow.contains(distance)).count();
            let mut interval = interval(&trace, accesses);
            interval.allocation = Frames(allocation);
            let (traps, seen) = shown(&mut *observer, &interval);
            assert_eq!((traps, seen.shadow_hits), (0, expected as u64), "trace {number}");
            hits += expected;
        }
    }
    assert!(hits > 1000, "{hits} shadow hits");
}

#[test]
fn window_reports_committed_memory_swap_and_stall_time() {
    let trace = Arc::new(Trace::from_pages([1, 2, 1, 3, 4, 4, 2, 5]));
    let mut observer = built(&WINDOW, &[], &trace, 5, 1);
    let mut tell = |accesses: Range<u64>, resident: u64, demand_faults: u64, cold_faults: u64| {
        let mut interval = interval(&trace, accesses);
        interval.resident = Frames(resident);
        interval.counts.demand_faults = demand_faults;
        interval.counts.cold_faults = cold_faults;
        interval.ticks = Ticks(100);
        let (fault, zero_fill, swap_in, write_back) = (Ticks(3), Ticks(7), Ticks(2), Ticks(5));
        interval.delays = Delays { fault, zero_fill, swap_in, write_back };
        let (traps, seen) = shown(&mut *observer, &interval);
        assert_eq!((traps, seen.window.ticks), (0, Ticks(100)));
        let window = seen.window;
        let swap = (window.in_swap.0, window.swapped_in, window.stalled.0);
        (window.distinct.0, window.committed.0, swap)
    };
    // Pages of the interval, pages so far, and how many of the latter are not resident. Faults that
    // are not cold come from swap and take 3 + 2 ticks each.
    assert_eq!(tell(0..3, 2, 2, 2), (2, 2, (0, 0, 0)));
    assert_eq!(tell(3..6, 1, 2, 2), (2, 4, (3, 0, 0)));
    assert_eq!(tell(6..8, 2, 2, 1), (2, 5, (3, 1, 5)));
    // The second pass commits nothing new.
    assert_eq!(tell(8..16, 2, 6, 0), (5, 5, (3, 6, 30)));
    // Nothing is in swap if every page is resident.
    assert_eq!(tell(16..16, 5, 0, 0), (0, 5, (0, 0, 0)));
}
