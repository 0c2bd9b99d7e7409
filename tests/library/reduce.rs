//! Reduced traces compared with whole ones: the same faults at the same ticks for all allocations
//! of at least the frames that the trace is reduced for.

#![allow(clippy::disallowed_methods, reason = "the environment says how many cases to try")]

use std::collections::BTreeMap;
use std::sync::Arc;

use crate::common;
use crate::common::scenarios::{random_scenario, suit};
use balloonist::balance;
use balloonist::params::Settings;
use balloonist::random::{Generator, Stream};
use balloonist::replace::{self, Counts, Delays, Guest, ReplacementKind, Stretch};
use balloonist::scenario::{Admission, Scenario};
use balloonist::simulate::simulate;
use balloonist::trace::curve::lru_faults;
use balloonist::trace::reduce::reduce;
use balloonist::trace::reduction::{OnReduced, Reduction};
use balloonist::trace::tempo::Tempo;
use balloonist::trace::{AccessKind, Trace, TraceBuilder};
use balloonist::units::{Frames, Page, Ticks};
use balloonist::watch::NullWatcher;

/// A trace of a few pages, now and then with kinds or frees, and a reduction of it.
fn random_traces(draw: &mut Stream, frames: u64) -> (Arc<Trace>, Arc<Trace>) {
    let (length, pages, kinds) = (1 + draw.below(80), 2 + draw.below(12), draw.below(2) == 0);
    let frees = draw.below(3) == 0;
    let mut builder = TraceBuilder::default();
    for _ in 0..length {
        let page = Page(draw.below(pages).min(draw.below(pages)));
        if kinds {
            builder.push_kind(page, AccessKind::ALL[draw.below(4) as usize]);
        } else {
            builder.push(page);
        }
        while frees && draw.below(6) == 0 {
            builder.free(Page(draw.below(pages)));
        }
    }
    let trace = builder.finish();
    let resolution = (draw.below(3) == 0).then(|| 1 + draw.below(20));
    let reduced = reduce(&trace, Reduction { frames, resolution }).unwrap();
    (Arc::new(trace), Arc::new(reduced))
}

/// The counts of each access under allocations that change at random, never below `least`.
fn counts(
    kind: &ReplacementKind,
    trace: &Arc<Trace>,
    history: &[(u64, u64)],
    counts_write_backs: bool,
) -> Vec<Counts> {
    let draw = || Stream::new(Generator::ChaCha8, 1, 0, "test/reduce");
    let frames = Frames(history[0].1);
    let guest = Guest {
        trace,
        frames,
        draw: &draw,
        counts_write_backs,
        tiers: &[],
        backing: None,
        shares: None,
    };
    let mut guest = (kind.build)(&Settings::defaults(kind.params), &guest);
    let mut all = Vec::new();
    for pass in 0..2 {
        for from in 0..trace.accesses() {
            let made = pass * trace.accesses() + from;
            let mut written = 0;
            for &(_, frames) in history[1..].iter().filter(|&&(at, _)| at == made) {
                written += guest.resize(Frames(frames));
            }
            let mut counts = guest.run(Stretch {
                from,
                first_pass: pass == 0,
                budget: Ticks(1),
                most: u64::MAX,
                tempo: Tempo::default(),
                delays: Delays::default(),
            });
            counts.write_backs += written;
            all.push(counts);
        }
    }
    all
}

#[test]
fn what_is_declared_exact_faults_at_the_same_accesses() {
    let cases = std::env::var("REDUCE_CASES").ok().and_then(|cases| cases.parse().ok());
    let mut compared: BTreeMap<&str, u64> = BTreeMap::new();
    for number in 0..cases.unwrap_or(3_000) {
        let mut draw = Stream::new(Generator::ChaCha8, number, 0, "test/reduce/history");
        let least = 2 + draw.below(6);
        let (whole, reduced) = random_traces(&mut draw, least);
        let mut history: Vec<(u64, u64)> = (0..2 * whole.accesses())
            .filter(|&at| at == 0 || draw.below(4) == 0)
            .map(|at| (at, 0))
            .collect();
        for (_, frames) in &mut history {
            *frames = least + draw.below(6);
        }
        let mut growing = history.clone();
        growing.sort_by_key(|&(_, frames)| frames);
        let growing: Vec<(u64, u64)> =
            history.iter().zip(&growing).map(|(&(at, _), &(_, frames))| (at, frames)).collect();
        for kind in replace::ALL {
            let history = match kind.on_reduced {
                OnReduced::Exact => &history,
                OnReduced::UnlessShrunk => &growing,
                _ => continue,
            };
            for write_backs in [false, whole.has_kinds()] {
                assert_eq!(
                    counts(kind, &reduced, history, write_backs),
                    counts(kind, &whole, history, write_backs),
                    "case {number}: {}",
                    kind.name
                );
            }
            *compared.entry(kind.name).or_default() +=
                u64::from(reduced.run_pages().len() < whole.run_pages().len());
        }
        let accesses = 3 * whole.accesses() - 1;
        let curves = [&whole, &reduced].map(|trace| lru_faults(trace, accesses));
        let from_least = curves.each_ref().map(|curve| curve.get(least as usize..));
        assert_eq!(from_least[0], from_least[1], "case {number}: the curve");
    }
    assert_eq!(compared.keys().copied().collect::<Vec<_>>(), ["lru", "min"]);
    assert!(compared.values().all(|&shrunk| shrunk > 1_000), "{compared:?}");
}

/// Why MIN is exact only while no allocation shrinks: on the whole trace the shrink to two frames
/// evicts page 3; on the reduced one, page 3 replaces the dropped 1 and stays.
#[test]
fn a_shrink_before_a_dropped_reference_may_cost_min_a_fault() {
    let whole = Trace::from_pages([2, 1, 3, 1, 2, 1]);
    let reduced = reduce(&whole, Reduction { frames: 3, resolution: None }).unwrap();
    assert_eq!(reduced.rest_of_run(2), 2, "the fourth access repeats page 3");
    let min = replace::ALL.iter().find(|kind| kind.name == "min").unwrap();
    let history = [(0, 3), (3, 2)];
    let faults = |trace: &Trace| -> u64 {
        let counts = counts(min, &Arc::new(trace.clone()), &history, false);
        counts[..6].iter().map(|counts| counts.demand_faults).sum()
    };
    assert_eq!((faults(&whole), faults(&reduced)), (3, 4));
}

/// The scenario with reduced traces.
fn reduced(scenario: &Scenario, frames: u64) -> Scenario {
    let mut scenario = scenario.clone();
    for vm in &mut scenario.vms {
        let reduction = Reduction { frames, resolution: None };
        vm.trace = Arc::new(reduce(&vm.trace, reduction).unwrap());
    }
    scenario
}

#[test]
fn policies_that_see_what_is_exact_decide_the_same() {
    let cases = std::env::var("REDUCE_CASES").ok().and_then(|cases| cases.parse().ok());
    let mut compared: BTreeMap<&str, u64> = BTreeMap::new();
    for number in 0..cases.unwrap_or(2_000) {
        let (mut scenario, _) = random_scenario(number);
        let mut draw = Stream::new(Generator::ChaCha8, number, 0, "test/reduce/policy");
        let policy = &balance::ALL[draw.below(balance::ALL.len() as u64) as usize];
        let exact = |scenario: &Scenario| {
            let observers = (policy.observers)(&scenario.settings_of(policy));
            !policy.pools()
                && observers.iter().all(|observer| observer.on_reduced == OnReduced::Exact)
        };
        let least = 2 + draw.below(4);
        scenario.host.admission = Admission::Guaranteed;
        scenario.host.memory = Frames(scenario.vms.len() as u64 * (least + 4));
        for vm in &mut scenario.vms {
            vm.replacement = &replace::ALL[0];
            vm.replacement_settings = Settings::defaults(vm.replacement.params);
            (vm.min, vm.max) = (Frames(least), scenario.host.memory);
            vm.initial = Frames(least + draw.below(5));
            vm.trace = random_traces(&mut draw, least).0;
        }
        suit(&mut scenario, policy, &mut draw);
        if !exact(&scenario) || !common::fits(&scenario, policy) {
            continue;
        }
        let reduced = reduced(&scenario, least);
        assert_eq!(
            simulate(&reduced, policy, &mut NullWatcher).unwrap(),
            simulate(&scenario, policy, &mut NullWatcher).unwrap(),
            "case {number}: {}",
            policy.name
        );
        *compared.entry(policy.name).or_default() += 1;
    }
    for name in ["static", "last-n", "proportional", "cliffhanger-like", "xen-static"] {
        assert!(compared.get(name).is_some_and(|&cases| cases > 20), "{compared:?}");
    }
}
