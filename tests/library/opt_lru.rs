//! The bound `opt-lru` compared with brute force on small scenarios.

use balloonist::balance;
use balloonist::bound;
use balloonist::random::{Generator, Stream};
use balloonist::scenario::{After, Scenario};
use balloonist::trace::tempo::Tempo;
use balloonist::units::{Frames, Ticks};
use balloonist::watch::NullWatcher;

use crate::common;
use crate::common::simulate;
use crate::yardsticks::programs_that_swap;

/// The VMs' pages, most recently used first, and the fewest faults of the remaining accesses over
/// all ways to move frames.
fn exhaustive_lru(events: &[(usize, u64)], lists: &[Vec<u64>; 2], scenario: &Scenario) -> u64 {
    let Some((&(vm, page), left)) = events.split_first() else { return 0 };
    let mut lists = lists.clone();
    if let Some(at) = lists[vm].iter().position(|&other| other == page) {
        lists[vm].remove(at);
        lists[vm].insert(0, page);
        return exhaustive_lru(left, &lists, scenario);
    }
    lists[vm].insert(0, page);
    let held = |vm: usize, lists: &[Vec<u64>; 2]| Frames(lists[vm].len() as u64);
    let fits = |lists: &[Vec<u64>; 2]| {
        let [one, other] = [0, 1].map(|vm| held(vm, lists).max(scenario.vms[vm].min));
        let within = (0..2).all(|vm| held(vm, lists) <= scenario.vms[vm].max);
        within && one + other <= scenario.host.memory
    };
    // No page is evicted, or one of either VM.
    let losers = [None, Some(vm), Some(1 - vm)].into_iter().filter_map(|loser| {
        let mut lists = lists.clone();
        if let Some(loser) = loser {
            lists[loser].pop()?;
        }
        let keeps_minimum =
            loser.is_none_or(|loser| loser == vm || held(loser, &lists) >= scenario.vms[loser].min);
        (fits(&lists) && keeps_minimum).then(|| 1 + exhaustive_lru(left, &lists, scenario))
    });
    losers.min().expect("a VM can replace its own page")
}

#[test]
fn opt_lru_is_the_best_of_all_choices_and_no_policy_is_below_it() {
    let mut draw = Stream::new(Generator::ChaCha8, 1, 0, "test/opt-lru");
    let mut greedy_is_worse = 0;
    for number in 0..1_500 {
        let memory = 3 + draw.below(5);
        let vm = |at: usize, draw: &mut Stream| {
            let pages: Vec<u64> = (0..=draw.below(12)).map(|_| draw.below(5)).collect();
            let mut vm = common::vm(at, &pages, 1 + draw.below(memory / 2), memory);
            vm.initial = vm.min;
            vm.max = Frames(vm.min.0 + draw.below(memory - vm.min.0 + 1));
            let step = 1 + draw.below(2);
            vm.tempo = Tempo::Steps(Ticks(step));
            vm
        };
        let vms = vec![vm(0, &mut draw), vm(1, &mut draw)];
        let scenario = common::scenario(vms, memory, 1 + draw.below(5));
        let mut events: Vec<(u64, usize, u64)> = Vec::new();
        for (at, vm) in scenario.vms.iter().enumerate() {
            let access = |access| {
                (access * vm.tempo.ticks(&vm.trace, 0, 1), at, u64::from(vm.trace.page(access)))
            };
            events.extend((0..vm.trace.accesses()).map(access));
        }
        events.sort_unstable();
        let events: Vec<(usize, u64)> = events.iter().map(|&(_, vm, page)| (vm, page)).collect();
        let best = bound::opt_lru(&scenario).unwrap();
        let lists = [Vec::new(), Vec::new()];
        assert_eq!(best, exhaustive_lru(&events, &lists, &scenario), "scenario {number}");
        for policy in balance::ALL {
            if common::fits(&scenario, policy) {
                let outcome = simulate(&scenario, policy, &mut NullWatcher);
                let faults = outcome.all.counts.demand_faults;
                assert!(best <= faults, "scenario {number}: {} has {faults}", policy.name);
                greedy_is_worse += u64::from(policy.name == "lru-min" && best < faults);
            }
        }
    }
    assert!(greedy_is_worse > 0, "greedy foresight is the optimum nowhere but here");
}

#[test]
fn opt_lru_is_refused_with_the_reason() {
    let one = common::scenario(vec![common::vm(0, &[1, 2], 2, 4)], 4, 3);
    assert_eq!(
        bound::opt_lru(&one).unwrap_err(),
        "opt-lru needs exactly two VMs, and the scenario has 1"
    );
    let mut two = programs_that_swap();
    two.vms[1].after = After::Leave;
    assert!(bound::opt_lru(&two).unwrap_err().contains("stay"));
    two.vms[1].after = After::Idle;
    two.host.memory = Frames(1 << 31);
    assert!(bound::opt_lru(&two).unwrap_err().contains("host.memory"));
}
