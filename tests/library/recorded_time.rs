//! Recorded time compared with the naive simulator, which proceeds tick by tick.

use std::sync::Arc;

use balloonist::balance::PolicyKind;
use balloonist::random::{Generator, Stream};
use balloonist::scenario::Scenario;
use balloonist::simulate::simulate;
use balloonist::trace::tempo::Tempo;
use balloonist::trace::{Trace, TraceBuilder};
use balloonist::units::Decimal;
use balloonist::watch::{Access, NullWatcher, Watcher};

use crate::common::scenarios::random_scenario;
use crate::common::{self, simulator};

/// The same accesses and frees at these times after the beginning.
fn at_times(trace: &Trace, since: u64, mut next: impl FnMut() -> u64) -> Trace {
    let mut builder = TraceBuilder::default();
    builder.since(since);
    for at in 0..trace.accesses() {
        let number = trace.numbers()[trace.page(at) as usize];
        match trace.kind(at) {
            Some(kind) => builder.push_kind(number, kind),
            None => builder.push(number),
        }
        builder.at(next());
        for &freed in trace.freed_after(at) {
            builder.free(trace.numbers()[freed as usize]);
        }
    }
    builder.finish()
}

/// The same accesses at random times, some of them equal.
fn recorded(trace: &Trace, draw: &mut Stream) -> Trace {
    let mut time = draw.below(1 << 40);
    let widest = 1 + draw.below(8);
    at_times(trace, time, || {
        time += draw.below(widest);
        time
    })
}

/// Random scenarios in which one VM at least is replayed at recorded time.
fn for_recorded(scenarios: u64, mut check: impl FnMut(u64, &Scenario, &'static PolicyKind)) -> u64 {
    let mut checked = 0;
    for number in 0..scenarios {
        let (mut scenario, policy) = random_scenario(number);
        let mut draw = Stream::new(Generator::ChaCha8, number, 0, "test/recorded");
        let vms = scenario.vms.len();
        for (at, vm) in scenario.vms.iter_mut().enumerate() {
            if draw.below(2) == 0 || at + 1 == vms {
                vm.trace = Arc::new(recorded(&vm.trace, &mut draw));
                let digits = [1, 1, 2, 5, 15][draw.below(5) as usize];
                let places = u32::from(digits > 2);
                vm.tempo = Tempo::Recorded(Decimal { digits, places });
            }
        }
        if common::fits(&scenario, policy) {
            checked += 1;
            check(number, &scenario, policy);
        }
    }
    checked
}

/// Checks that accesses are in order of time.
#[derive(Default)]
struct InOrder {
    last: u64,
    accesses: u64,
}

impl Watcher for InOrder {
    fn wants_accesses(&self) -> bool {
        true
    }

    fn access(&mut self, access: &Access<'_>) {
        assert!(access.at.0 >= self.last, "accesses are shown in order");
        assert_eq!(access.counts.accesses, 1, "each is shown");
        (self.last, self.accesses) = (access.at.0, self.accesses + 1);
    }
}

#[test]
fn recorded_time_agrees_with_the_naive_simulator_and_with_true_order() {
    let mut compared = 0;
    let checked = for_recorded(30_000, |number, scenario, policy| {
        let ahead = simulate(scenario, policy, &mut NullWatcher).unwrap();
        let mut shown = InOrder::default();
        let in_order = simulate(scenario, policy, &mut shown).unwrap();
        assert_eq!(in_order, ahead, "scenario {number}: run ahead against true order");
        assert_eq!(shown.accesses, ahead.all.counts.accesses, "scenario {number}");
        let all_lru = scenario.vms.iter().all(|vm| vm.replacement.name == "lru");
        if !all_lru || !simulator::POLICIES.contains(&policy.name) {
            return;
        }
        compared += 1;
        let naive = simulator::simulate(scenario, policy.name);
        assert_eq!(ahead.end.0, naive.end, "scenario {number}: end");
        for (at, (account, naive)) in ahead.vms.iter().zip(&naive.vms).enumerate() {
            assert_eq!(account.counts, naive.counts, "scenario {number}: counts of VM {at}");
            assert_eq!(account.stall_ticks, naive.stalled, "scenario {number}: VM {at} stalls");
            assert_eq!(account.overhead_ticks, naive.overhead, "scenario {number}: VM {at}");
            assert_eq!(account.started.map(|at| at.0), naive.started, "scenario {number}: VM {at}");
            let Some(frames) = &naive.frames else { continue };
            let sum: u64 = frames.iter().sum();
            assert_eq!(account.frames.frame_ticks, u128::from(sum), "scenario {number}: VM {at}");
        }
    });
    assert!(checked > 20_000 && compared > 5_000, "{checked} checked, {compared} compared");
}

/// Times that are one tick apart are steps.
#[test]
fn recorded_times_one_tick_apart_equal_steps() {
    for number in 0..5_000 {
        let (mut scenario, policy) = random_scenario(number);
        for vm in &mut scenario.vms {
            vm.tempo = Tempo::default();
        }
        let mut timed = scenario.clone();
        for vm in &mut timed.vms {
            let mut times = 77..;
            let next = || times.next().expect("times go on");
            vm.trace = Arc::new(at_times(&vm.trace, 77, next));
            vm.tempo = Tempo::Recorded(Decimal { digits: 1, places: 0 });
        }
        // In steps, a yardstick's foresight ignores that a VM is delayed.
        let fits = common::fits(&timed, policy) && !policy.is_yardstick();
        if fits && common::fits(&scenario, policy) {
            let steps = simulate(&scenario, policy, &mut NullWatcher).unwrap();
            let recorded = simulate(&timed, policy, &mut NullWatcher).unwrap();
            assert_eq!(recorded, steps, "{} on scenario {number}", policy.name);
        }
    }
}
