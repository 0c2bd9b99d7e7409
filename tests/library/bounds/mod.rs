//! The bounds compared with brute force on small scenarios, the report's figures, and each other.

#![allow(clippy::disallowed_methods, reason = "the environment says how many cases to try")]

mod naive;

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use crate::common;
use crate::common::policies;
use crate::common::simulate;
use balloonist::balance;
use balloonist::bound::{self, Global};
use balloonist::params::Settings;
use balloonist::random::{Generator, Stream};
use balloonist::replace::{self, Delays, ReplacementKind};
use balloonist::scenario::{Actuator, Admission, After, Phase, Scenario, VmSpec, WarmUp};
use balloonist::trace::tempo::Tempo;
use balloonist::trace::{Trace, TraceBuilder};
use balloonist::units::{Decimal, Frames, Page, Ticks};
use balloonist::watch::NullWatcher;

use naive::{exhaustive_best_static, exhaustive_min, naive_global_fifo, naive_global_lru};

/// An access in the order of the run, (VM, page), a free, or a VM's departure.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
enum Event {
    Access(usize, u64),
    Free(usize, u64),
    Depart(usize),
}

impl Event {
    /// Whether it is an access or a free of this VM.
    fn is_of(self, vm: usize) -> bool {
        matches!(self, Self::Access(owner, _) | Self::Free(owner, _) if owner == vm)
    }
}

/// One VM of the naive run.
#[derive(Default)]
struct Stay {
    here: bool,
    /// When its next access starts, and how many it has made.
    next: u64,
    made: u64,
    over: Option<u64>,
}

/// The run without delays, tick by tick: its events, and each VM's first tick.
fn run(scenario: &Scenario) -> (Vec<Event>, Vec<Option<u64>>) {
    let (events, starts) = timed_run(scenario);
    (events.into_iter().map(|(_, event)| event).collect(), starts)
}

/// The same, each event with its tick.
fn timed_run(scenario: &Scenario) -> (Vec<(u64, Event)>, Vec<Option<u64>>) {
    let specs = &scenario.vms;
    let mut stays: Vec<Stay> = specs.iter().map(|_| Stay::default()).collect();
    let mut queue: Vec<usize> = Vec::new();
    let mut starts = vec![None; specs.len()];
    let mut events = Vec::new();
    for tick in 0.. {
        for (at, stay) in stays.iter_mut().enumerate() {
            let stops = specs[at].stop == Some(Ticks(tick));
            let leaves = specs[at].after == After::Leave && stay.over == Some(tick);
            if stay.here && (stops || leaves) {
                (stay.here, stay.over) = (false, stay.over.or(Some(tick)));
                events.push((tick, Event::Depart(at)));
            } else if stops && queue.contains(&at) {
                queue.retain(|&other| other != at);
                stay.over = Some(tick);
            }
        }
        for (at, spec) in specs.iter().enumerate() {
            if spec.start.0 == tick {
                queue.push(at);
            }
            admit(scenario, &mut stays, &mut queue, tick);
        }
        let awaited = (0..specs.len())
            .filter(|&at| specs[at].after != After::Repeat || specs[at].stop.is_some());
        let over: Vec<Option<u64>> = awaited.map(|at| stays[at].over).collect();
        if over.iter().all(|over| over.is_some_and(|over| over <= tick)) {
            return (events, starts);
        }
        for (at, (spec, stay)) in specs.iter().zip(&mut stays).enumerate() {
            if stay.here {
                starts[at].get_or_insert(tick);
            }
            let idles = spec.idle.iter().any(|phase| phase.contains(Ticks(tick)));
            if !stay.here || stay.over.is_some() || stay.next > tick || idles {
                continue;
            }
            let position = stay.made % spec.trace.accesses();
            let page = spec.trace.page(position) as usize;
            events.push((tick, Event::Access(at, spec.trace.numbers()[page].0)));
            for &page in spec.trace.freed_after(position) {
                events.push((tick, Event::Free(at, spec.trace.numbers()[page as usize].0)));
            }
            (stay.made, stay.next) = (stay.made + 1, tick + period(spec));
            if spec.after != After::Repeat && stay.made == spec.trace.accesses() {
                let stop = spec.stop.map_or(u64::MAX, |stop| stop.0);
                stay.over = Some(stay.next.min(stop));
            }
        }
    }
    unreachable!("the run ends")
}

/// First come, first served: a VM starts if its minimum fits beside the minima of the VMs present.
fn admit(scenario: &Scenario, stays: &mut [Stay], queue: &mut Vec<usize>, tick: u64) {
    let min = |at: usize| scenario.vms[at].min.0;
    let stays_for_ever =
        |at: usize| scenario.vms[at].after != After::Leave && scenario.vms[at].stop.is_none();
    let mut turn = 0;
    let mut blocked = false;
    let mut forever: u64 =
        (0..stays.len()).filter(|&at| stays[at].here && stays_for_ever(at)).map(min).sum();
    while turn < queue.len() {
        let at = queue[turn];
        let here: u64 = (0..stays.len()).filter(|&at| stays[at].here).map(min).sum();
        let fits = here + min(at) <= scenario.host.memory.0;
        let refuses = scenario.host.admission == Admission::Refuse && !fits;
        if forever + min(at) > scenario.host.memory.0 || refuses {
            queue.remove(turn);
            stays[at].over = Some(tick);
            continue;
        }
        if stays_for_ever(at) {
            forever += min(at);
        }
        if fits && !blocked {
            queue.remove(turn);
            (stays[at].here, stays[at].next) = (true, tick);
        } else {
            blocked = true;
            turn += 1;
        }
    }
}

/// Ticks from one access to the next.
fn period(spec: &VmSpec) -> u64 {
    let Tempo::Steps(period) = spec.tempo else { panic!("these VMs are in steps") };
    period.0
}

/// A trace of these pages, of which one is freed now and then.
fn with_frees(pages: &[u64], draw: &mut Stream) -> Arc<Trace> {
    let mut builder = TraceBuilder::default();
    for &page in pages {
        builder.push(Page(page));
        while draw.below(4) == 0 {
            builder.free(Page(draw.below(4)));
        }
    }
    Arc::new(builder.finish())
}

fn random_scenario(number: u64) -> Scenario {
    let mut draw = Stream::new(Generator::ChaCha8, number, 0, "test/bounds");
    let mut frees = Stream::new(Generator::ChaCha8, number, 0, "test/bounds/frees");
    let vms = 1 + draw.below(3);
    let memory = vms + draw.below(5);
    let one_pace = draw.below(2) == 0;
    let specs = (0..vms).map(|at| {
        let length = 1 + draw.below(9);
        let trace: Vec<u64> = (0..length).map(|_| draw.below(4)).collect();
        let mut vm = common::vm(at as usize, &trace, 1, memory);
        if number.is_multiple_of(2) {
            vm.trace = with_frees(&trace, &mut frees);
        }
        vm.start = Ticks(draw.below(3));
        vm.tempo = Tempo::Steps(Ticks(if one_pace { 2 } else { 1 + draw.below(3) }));
        vm.after = [After::Idle, After::Leave, After::Repeat][draw.below(3) as usize];
        if at == 0 || draw.below(3) == 0 {
            vm.stop = Some(Ticks(vm.start.0 + 1 + draw.below(20)));
        }
        let mut at = 0;
        while draw.below(3) == 0 {
            let from = at + draw.below(8);
            at = from + 1 + draw.below(8);
            vm.idle.push(Phase { from: Ticks(from), until: Ticks(at) });
        }
        vm
    });
    let mut specs: Vec<VmSpec> = specs.collect();
    let mut spare = memory - vms;
    for vm in &mut specs {
        let more = draw.below(spare + 1);
        spare -= more;
        vm.min = Frames(1 + more);
        vm.max = Frames(vm.min.0 + draw.below(memory - vm.min.0 + 1));
        vm.initial = vm.min;
    }
    let admission = Admission::ALL[draw.below(3) as usize].1;
    if admission != Admission::Guaranteed {
        for vm in &mut specs {
            vm.min = Frames(vm.min.0 + draw.below(vm.max.0 - vm.min.0 + 1));
            vm.initial = vm.min;
        }
    }
    let mut scenario = common::scenario(specs, memory, 2);
    scenario.host.admission = admission;
    scenario
}

/// How many random scenarios are tried: 3,000, or what the environment says.
fn cases() -> u64 {
    let said = std::env::var("BOUNDS_CASES").ok();
    said.and_then(|cases| cases.parse().ok()).unwrap_or(3_000)
}

#[test]
fn bounds_are_those_of_brute_force() {
    for number in 0..cases() {
        bounds_are_right(number, &random_scenario(number));
    }
}

/// A VM waits until another departs, which happens at its own stop: it makes no access, and its
/// minimum leaves a split to others.
#[test]
fn a_vm_that_is_admitted_at_its_stop_has_no_part_in_a_split() {
    let long = common::vm(0, &[1, 2, 3, 1, 2, 3, 1, 2], 1, 3);
    let mut leaves = common::vm(1, &[1, 2, 3, 1, 2, 3], 2, 3);
    let mut waits = common::vm(2, &[1, 2, 1], 2, 3);
    for vm in [&mut leaves, &mut waits] {
        vm.stop = Some(Ticks(4));
        (vm.min, vm.initial) = (Frames(2), Frames(2));
    }
    let mut scenario = common::scenario(vec![long, leaves, waits], 3, 2);
    scenario.host.admission = Admission::Queue;
    bounds_are_right(0, &scenario);
    assert_eq!(bound::best_static(&scenario).unwrap().frames[2], Frames(0));
}

fn bounds_are_right(number: u64, scenario: &Scenario) {
    let (events, starts) = run(scenario);
    let frames = scenario.host.memory.0 as usize;
    let found: BTreeMap<_, u64> =
        bound::all(scenario).into_iter().map(|bound| (bound.name, bound.demand_faults)).collect();
    let (mut in_use, mut cold) = (BTreeSet::new(), 0);
    for event in &events {
        match *event {
            Event::Access(vm, page) => cold += u64::from(in_use.insert((vm, page))),
            Event::Free(vm, page) => drop(in_use.remove(&(vm, page))),
            Event::Depart(_) => {}
        }
    }
    assert_eq!(found["cold"], cold, "scenario {number}: cold");
    assert_eq!(found["global-lru"], naive_global_lru(&events, frames), "scenario {number}");
    assert_eq!(found["min"], exhaustive_min(&events, frames), "scenario {number}: min");
    let global = Global::new(scenario).unwrap();
    for (name, expected) in [
        ("lru", found["global-lru"]),
        ("min", found["min"]),
        ("fifo", naive_global_fifo(&events, frames)),
    ] {
        assert_eq!(global.faults(algorithm(name)), expected, "scenario {number}: {name}");
    }
    let best = exhaustive_best_static(scenario, &events, &starts);
    let found = found.get("best-static").copied();
    assert_eq!(found, best, "scenario {number}: best-static");
}

fn algorithm(name: &str) -> &'static ReplacementKind {
    replace::ALL.iter().find(|kind| kind.name == name).unwrap()
}

/// Which events count: accesses that do not belong to the warm-up of their VM.
fn counted(scenario: &Scenario, events: &[(u64, Event)], starts: &[Option<u64>]) -> Vec<bool> {
    let mut made = vec![0; scenario.vms.len()];
    let counts = |&(tick, event): &(u64, Event)| {
        let Event::Access(vm, _) = event else { return false };
        made[vm] += 1;
        let length = scenario.vms[vm].trace.accesses();
        match scenario.warm_up.unwrap() {
            WarmUp::Share(share) => {
                (made[vm] - 1) >= length * share.digits / 10_u64.pow(share.places)
            }
            WarmUp::Accesses(accesses) => made[vm] > accesses,
            WarmUp::For(ticks) => tick >= starts[vm].unwrap() + ticks.0,
            WarmUp::Until(until) => tick >= until.0,
        }
    };
    events.iter().map(counts).collect()
}

/// The counted faults of one list of `frames` pages; when it is full, `victim` gives the position
/// of the page to evict; the list has the page used last in front.
fn counted_faults(
    events: &[Event],
    counted: &[bool],
    frames: usize,
    victim: impl Fn(&[(usize, u64)], usize) -> usize,
) -> u64 {
    let (mut list, mut faults) = (Vec::new(), 0);
    for (at, event) in events.iter().enumerate() {
        match *event {
            Event::Depart(vm) => list.retain(|&(owner, _)| owner != vm),
            Event::Free(vm, page) => list.retain(|&entry| entry != (vm, page)),
            Event::Access(vm, page) => {
                match list.iter().position(|&entry| entry == (vm, page)) {
                    Some(place) => drop(list.remove(place)),
                    None if frames == 0 => faults += u64::from(counted[at]),
                    None => {
                        faults += u64::from(counted[at]);
                        if list.len() == frames {
                            list.remove(victim(&list, at));
                        }
                    }
                }
                list.insert(0, (vm, page));
                list.truncate(frames);
            }
        }
    }
    faults
}

/// Each kind of warm-up in turn, of some length.
fn warm_up(kind: u64, some: u64) -> WarmUp {
    match kind {
        0 => WarmUp::Share(Decimal { digits: some * 7, places: 2 }),
        1 => WarmUp::Accesses(some),
        2 => WarmUp::For(Ticks(some)),
        _ => WarmUp::Until(Ticks(some)),
    }
}

#[test]
fn bounds_after_a_warm_up_are_simulated_whole_and_counted_from_there() {
    let mut shorter = 0;
    for number in 0..cases() {
        let mut scenario = random_scenario(number);
        let some = number / 4 % 13;
        scenario.warm_up = Some(warm_up(number % 4, some));
        let (timed, starts) = timed_run(&scenario);
        let counted = counted(&scenario, &timed, &starts);
        let events: Vec<Event> = timed.iter().map(|&(_, event)| event).collect();
        let frames = scenario.host.memory.0 as usize;
        let found: BTreeMap<_, u64> = bound::all(&scenario)
            .into_iter()
            .map(|bound| (bound.name, bound.demand_faults))
            .collect();
        let in_use = |at: usize| {
            let Event::Access(vm, page) = events[at] else { return false };
            let free = Event::Free(vm, page);
            let is_its = |event: &&Event| **event == events[at] || **event == free;
            events[..at].iter().rfind(is_its) == Some(&events[at])
        };
        let cold = (0..events.len()).filter(|&at| counted[at] && !in_use(at)).count();
        assert_eq!(found["cold"], cold as u64, "scenario {number}: cold");
        let lru = |list: &[(usize, u64)], _: usize| list.len() - 1;
        let global = counted_faults(&events, &counted, frames, lru);
        assert_eq!(found["global-lru"], global, "scenario {number}: global-lru");
        let list = Global::new(&scenario).unwrap();
        assert_eq!(list.faults(algorithm("lru")), global, "scenario {number}: one list");
        let furthest = |list: &[(usize, u64)], at: usize| {
            let used = |&(vm, page): &(usize, u64)| {
                let is_its = |event: &&Event| {
                    [Event::Access(vm, page), Event::Free(vm, page)].contains(event)
                };
                let next = events[at..].iter().find(is_its);
                let later = events[at..].iter();
                match next {
                    Some(Event::Access(..)) => later.take_while(|event| !is_its(event)).count(),
                    _ => usize::MAX,
                }
            };
            let next: Vec<usize> = list.iter().map(used).collect();
            (0..next.len()).max_by_key(|&place| next[place]).unwrap()
        };
        let min = counted_faults(&events, &counted, frames, furthest);
        assert_eq!(found["min"], min, "scenario {number}: min");
        let mut splits: Vec<(u64, u64)> = vec![(scenario.host.memory.0, 0)];
        for vm in (0..scenario.vms.len()).filter(|&vm| starts[vm].is_some()) {
            let own = |at: &usize| events[*at].is_of(vm);
            let at: Vec<usize> = (0..events.len()).filter(own).collect();
            let events: Vec<Event> = at.iter().map(|&at| events[at]).collect();
            let counts: Vec<bool> = at.iter().map(|&at| counted[at]).collect();
            let bounds = scenario.vms[vm].min.0..=scenario.vms[vm].max.0;
            let faults: Vec<(u64, u64)> = bounds
                .map(|held| (held, counted_faults(&events, &counts, held as usize, lru)))
                .collect();
            let deal = |&(left, sum): &(u64, u64)| {
                let fits = faults.iter().filter(move |&&(held, _)| held <= left);
                fits.map(move |&(held, faults)| (left - held, sum + faults)).collect::<Vec<_>>()
            };
            splits = splits.iter().flat_map(deal).collect();
        }
        let best = splits.into_iter().map(|(_, faults)| faults).min();
        assert_eq!(found.get("best-static").copied(), best, "scenario {number}: best-static");
        shorter += u64::from(counted.iter().any(|&counts| counts) && cold > 0);
    }
    assert!(shorter > 1_000, "{shorter} scenarios have a cold fault left to count");
}

#[test]
fn no_policy_beats_min() {
    for number in 0..cases() {
        let mut scenario = random_scenario(number);
        let bounds = bound::all(&scenario);
        let any = &balance::ALL[number as usize % balance::ALL.len()];
        let mut draw = Stream::new(Generator::ChaCha8, number, 0, "test/settings");
        policies::set(&mut scenario, any, policies::random_settings(any, &mut draw));
        for policy in [common::policy("static"), common::policy("last-n"), any] {
            if !common::fits(&scenario, policy) {
                continue;
            }
            let outcome = simulate(&scenario, policy, &mut NullWatcher);
            let faults = outcome.all.counts.demand_faults;
            assert!(bounds[1].demand_faults <= faults, "scenario {number} {}", policy.name);
            assert_eq!(bounds[0].demand_faults, outcome.all.counts.cold_faults);
        }
    }
}

/// E. Peserico, "Paging with dynamic memory capacity", STACS 2019: MIN faults least under given
/// allocations.
#[test]
fn no_run_faults_less_than_min_under_its_own_allocations() {
    let mut better = 0;
    for number in 0..cases() {
        let mut scenario = random_scenario(number);
        let policy = &balance::ALL[number as usize % balance::ALL.len()];
        let kind = &replace::ALL[number as usize / 7 % replace::ALL.len()];
        for vm in &mut scenario.vms {
            vm.replacement = kind;
            vm.replacement_settings = Settings::defaults(kind.params);
        }
        let mut draw = Stream::new(Generator::ChaCha8, number, 0, "test/settings");
        policies::set(&mut scenario, policy, policies::random_settings(policy, &mut draw));
        if !policy.pools() && draw.below(2) == 0 {
            let (latency, step) = (Ticks(draw.below(6)), Ticks(1 + draw.below(3)));
            scenario.actuator = Actuator { latency, rate: Frames(1 + draw.below(3)), step };
        }
        let mut ticks = |bound| Ticks(if draw.below(2) == 0 { 0 } else { draw.below(bound) });
        let (fault, zero_fill, swap_in) = (ticks(7), ticks(3), ticks(5));
        scenario.cost.delays = Delays { fault, zero_fill, swap_in, write_back: ticks(5) };
        // With a policy that takes a whole interval, no VM could run.
        (scenario.cost.trap, scenario.cost.policy) = (ticks(3), ticks(2));
        if !common::fits(&scenario, policy) {
            continue;
        }
        let mut history = bound::History::new(&scenario);
        let outcome = simulate(&scenario, policy, &mut history);
        let faults = outcome.all.counts.demand_faults;
        let given = bound::opt_given(&scenario, &history, &outcome);
        assert!(given <= faults, "scenario {number}: {} on {}", policy.name, kind.name);
        if kind.knows_the_future {
            assert_eq!(given, faults, "scenario {number}: MIN is MIN");
        }
        better += u64::from(given < faults);
    }
    assert!(better > 100, "MIN is better in {better} runs alone");
}

/// Until the first VM has finished, no minimum keeps a page that the common list would evict.
#[test]
fn global_lru_as_a_policy_is_the_bound_where_no_minimum_binds() {
    let mut draw = Stream::new(Generator::ChaCha8, 1, 0, "test/global-lru");
    for _ in 0..2_000 {
        let vms = 1 + draw.below(4);
        let memory = 3 * vms + draw.below(8);
        let length = 1 + draw.below(60);
        let mut page = 0;
        let vm = |at| {
            let mut access = |_| {
                if draw.below(3) > 0 {
                    page = draw.below(9);
                }
                page
            };
            let pages: Vec<u64> = (0..length).map(&mut access).collect();
            common::vm(at as usize, &pages, 1 + (memory - vms) / vms, memory)
        };
        let specs: Vec<VmSpec> = (0..vms).map(vm).collect();
        let scenario = common::scenario(specs, memory, 1 + length / 3);
        let bounds = bound::all(&scenario);
        let bound = bounds.iter().find(|bound| bound.name == "global-lru").unwrap();
        let outcome = simulate(&scenario, common::policy("global-lru"), &mut NullWatcher);
        assert_eq!(outcome.all.counts.demand_faults, bound.demand_faults);
    }
}
