//! `tune`: it finds an optimum that was planted, and names an over-fit that was.

use std::fmt::Write as _;

use balloonist::plan::Mixes;
use balloonist::plan::knobs::Knob;
use balloonist::plan::objective::Objective;
use balloonist::plan::tune::{Search, Tuned};
use balloonist::random::{Generator, Stream};
use balloonist::scenario::{Document, Traces};
use balloonist::watch::NullWatcher;

use crate::common::{policy, simulate};

fn mixes(text: &str) -> Mixes {
    let document = Document::from_toml("tune.toml", text.as_bytes());
    Mixes::new(document, 1, Traces::default()).unwrap()
}

fn tune(scenarios: &[Mixes], kind: &str, knobs: &[&str], count: u64) -> Tuned {
    let policy = policy(kind);
    let knobs = knobs.iter().map(|knob| Knob::parse(knob, policy, 4096).unwrap()).collect();
    let objective = Objective::parse("demand_faults").unwrap();
    let search = Search {
        scenarios,
        mixes: count,
        policy,
        knobs,
        objective,
        settings: 24,
        rounds: 3,
        windows: 4,
        seed: 1,
    };
    search.run(|| {}).unwrap()
}

/// So many accesses to so many pages in a loop, a new one every few accesses.
type Part = (u64, u64, u64);

/// VMs with their names, shares and accesses.
fn loops(memory: u64, vms: &[(&str, u64, &[Part])]) -> String {
    let mut text =
        format!("host = {{ memory = {memory}, split = 'shares' }}\ncheckpoint.every = 100\n");
    for (name, shares, parts) in vms {
        let pages = parts.iter().flat_map(|&(accesses, pages, every)| {
            (0..accesses).map(move |at| (at / every % pages).to_string())
        });
        let pages: Vec<String> = pages.collect();
        let _ = write!(
            text,
            "[[vm]]\nname = '{name}'\nshares = {shares}\ntrace.pages = [{}]\n",
            pages.join(",")
        );
    }
    text
}

/// One VM loops over 30 pages, the other over 66, and 100 frames are divided by shares: with 30 to
/// 34 of 100 shares for the first, both fit.
#[test]
fn a_planted_optimum_is_found() {
    let text = loops(100, &[("a", 60, &[(4000, 30, 1)]), ("b", 66, &[(4000, 66, 1)])]);
    let scenarios = [mixes(&text)];
    let tuned = tune(&scenarios, "static", &["vm.a.shares=1..200"], 1);
    let shares: u64 = tuned.best.as_ref().unwrap()[0].parse().unwrap();
    assert!((30..=34).contains(&(100 * shares).div_ceil(shares + 66)), "{shares}");
    assert_eq!(tuned.seen.values.unwrap()[0].to_string(), "96.000000");
    assert!(!tuned.is_over_fitted());
    assert_eq!((tuned.held_out[0].what, tuned.held_out[0].folds), ("windows", 4));
    assert!(tuned.held_out[0].better >= 3);
}

/// In the first quarter of the run much is saved if the first VM has 50 frames, which costs a
/// little in each of the other quarters. In total 50 frames are best, but for that quarter alone.
#[test]
fn a_planted_over_fit_is_named() {
    let a: &[_] = &[(5000, 50, 1), (15_000, 1, 1)];
    let b: &[_] = &[(5000, 1, 1), (15_000, 55, 4)];
    let scenarios = [mixes(&loops(100, &[("a", 40, a), ("b", 60, b)]))];
    let tuned = tune(&scenarios, "static", &["vm.a.shares=20..200"], 1);
    assert!(tuned.best.is_some(), "{tuned:?}");
    assert!(tuned.is_over_fitted(), "{tuned:?}");
    // Three quarters trained with the first lose, and the first, left out, wins nothing.
    assert_eq!(tuned.held_out[0].better, 0);
}

/// Against all values of one knob, on drawn mixes.
#[test]
fn no_other_value_is_much_better_than_the_best() {
    let mut draw = Stream::new(Generator::ChaCha8, 5, 0, "tune");
    for case in 0..12 {
        let pages = 20 + draw.below(40);
        let text = format!(
            "host.memory = 60\ncheckpoint.every = 50\n\
             [[vm]]\nname = 'a'\nstart_within = 300\n\
             workload = {{ kind = 'zipf', pages = {pages}, accesses = 800 }}\n\
             [[vm]]\nname = 'b'\nstart_within = 300\n\
             workload = {{ kind = 'uniform', pages = 40, accesses = 800 }}\n"
        );
        let tuned = tune(&[mixes(&text)], "proportional", &["guarantee=1..25"], 3);
        let faults = |guarantee: u64| -> u64 {
            let of_mix = |mix| {
                let mut document = Document::from_toml("tune.toml", text.as_bytes()).at(1, mix);
                document.set(&format!("policy.proportional.guarantee={guarantee}"));
                let scenario = document.check().unwrap().scenario;
                let run = simulate(&scenario, policy("proportional"), &mut NullWatcher);
                run.all.counts.demand_faults
            };
            (0..3).map(of_mix).sum()
        };
        let least = (1..=25).map(faults).min().unwrap();
        let found = tuned.seen.values.unwrap()[0].0 / 1_000_000;
        assert!(found as u64 <= least + least / 50, "case {case}: {found}, not {least}");
        if let Some(best) = &tuned.best {
            assert_eq!(u128::from(faults(best[0].parse().unwrap())), found, "case {case}");
        }
    }
}

/// Scenarios weigh alike, whatever their size; each is left out once.
#[test]
fn scenarios_are_left_out_in_turn() {
    let small = loops(20, &[("a", 50, &[(500, 6, 1)]), ("b", 50, &[(500, 13, 1)])]);
    let large = loops(100, &[("a", 50, &[(9000, 30, 1)]), ("b", 50, &[(9000, 66, 1)])]);
    let scenarios = [mixes(&small), mixes(&large)];
    let tuned = tune(&scenarios, "static", &["vm.a.shares=1..200"], 1);
    assert!(tuned.seen.values.is_none());
    let held: Vec<_> = tuned.held_out.iter().map(|held| (held.what, held.folds)).collect();
    assert_eq!(held, [("windows", 4), ("scenarios", 2)]);
    assert!(!tuned.is_over_fitted(), "{tuned:?}");
}

/// A setting that a check refuses is told and never chosen; if all are, that is an error.
#[test]
fn settings_that_cannot_run_are_told() {
    let text = loops(100, &[("a", 60, &[(400, 30, 1)]), ("b", 66, &[(400, 66, 1)])]);
    let scenarios = [mixes(&text)];
    let tuned = tune(&scenarios, "static", &["vm.a.min=1..300"], 1);
    let (count, why) = &tuned.refused;
    assert!(*count > 0 && *count < tuned.tried && why.is_some());
    let policy = policy("static");
    let search = Search {
        scenarios: &scenarios,
        mixes: 1,
        policy,
        knobs: vec![Knob::parse("vm.a.min=200..300", policy, 4096).unwrap()],
        objective: Objective::parse("demand_faults").unwrap(),
        settings: 4,
        rounds: 1,
        windows: 1,
        seed: 1,
    };
    assert!(search.run(|| {}).is_err());
}
