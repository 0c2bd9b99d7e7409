//! The laws of a run, over random scenarios with all policies and replacement algorithms. The event
//! loop that runs ahead is compared with the one in simulation order, which asks for every victim,
//! and, if all VMs run LRU, with a naive simulator that proceeds tick by tick.

use std::cell::RefCell;
use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use crate::common;
use crate::common::replacements::traces;
use crate::common::scenarios::{random_scenario, suit};
use crate::common::simulate;
use crate::common::simulator;
use balloonist::account::Movement;
use balloonist::balance::PolicyKind;
use balloonist::host::Change;
use balloonist::meets::Meets;
use balloonist::params::{Settings, Value};
use balloonist::random::{Generator, Stream};
use balloonist::replace::{self, Counts, Delays, FrameEvent, Guest, Stretch};
use balloonist::scenario::Scenario;
use balloonist::simulate::Simulation;
use balloonist::trace::tempo::Tempo;
use balloonist::trace::{PageId, Trace};
use balloonist::units::{Frames, Ticks, VmId};
use balloonist::watch::{Access, Arrival, Checkpoint, Moved, NullWatcher, Watcher};

/// Checks invariants after every event, from what watchers see.
struct Laws<'a> {
    scenario: &'a Scenario,
    allocations: Vec<Option<Frames>>,
    /// When a VM's balloon last took frames.
    batches: Vec<Option<Ticks>>,
    moved: Vec<(Frames, Frames)>,
    last: (Ticks, Option<VmId>),
    /// Frames that left VMs and are not free yet, with the tick at which they are.
    flights: Vec<(Ticks, Frames)>,
}

impl<'a> Laws<'a> {
    fn of(scenario: &'a Scenario) -> Self {
        let vms = scenario.vms.len();
        Self {
            scenario,
            allocations: vec![None; vms],
            batches: vec![None; vms],
            moved: vec![(Frames(0), Frames(0)); vms],
            last: (Ticks(0), None),
            flights: Vec::new(),
        }
    }

    fn change(&mut self, at: Ticks, &Change { vm, before, after }: &Change) {
        let (spec, actuator) = (&self.scenario.vms[vm.index()], self.scenario.actuator);
        assert!((spec.min..=spec.max).contains(&after), "min ≤ allocation ≤ max");
        assert!(!spec.stuck.iter().any(|phase| phase.contains(at)), "stuck drivers do nothing");
        let held = self.allocations[vm.index()].replace(after).expect("only present VMs change");
        assert_eq!(held, before);
        let (granted, reclaimed) = &mut self.moved[vm.index()];
        *granted += Frames(after.0.saturating_sub(held.0));
        *reclaimed += Frames(held.0.saturating_sub(after.0));
        if after < before {
            assert!(before - after <= actuator.rate, "a batch is no larger than the rate");
            if let Some(last) = self.batches[vm.index()].replace(at) {
                assert!(at >= last + actuator.step, "batches are a step apart");
            }
            self.flights.push((at + actuator.latency, before - after));
        }
    }

    /// Σ allocations + in flight ≤ host, and in flight are the frames that left and have not
    /// landed.
    fn check_sum(&mut self, at: Ticks, in_flight: Option<Frames>) {
        self.flights.retain(|&(lands, _)| lands > at);
        let flying: Frames = self.flights.iter().map(|&(_, frames)| frames).sum();
        let held: Frames = self.allocations.iter().flatten().copied().sum();
        assert!(held + flying <= self.scenario.host.memory, "allocations fit into the host");
        assert!(in_flight.is_none_or(|frames| frames == flying), "{in_flight:?} {flying}");
    }
}

impl Watcher for Laws<'_> {
    fn wants_accesses(&self) -> bool {
        true
    }

    fn arrive(&mut self, arrival: &Arrival<'_>) {
        let Arrival { at, vm, allocation, shrunk, .. } = *arrival;
        for change in shrunk {
            arrival.guests.replacement(change.vm).audit();
            assert!(change.after < change.before);
            self.change(at, change);
        }
        let min = self.scenario.vms[vm.index()].min;
        assert!(allocation >= min, "a started VM holds its minimum");
        assert_eq!(self.allocations[vm.index()].replace(allocation), None);
        self.check_sum(at, None);
    }

    fn moved(&mut self, moved: &Moved<'_>) {
        for change in moved.changes {
            self.change(moved.at, change);
        }
        self.check_sum(moved.at, Some(moved.in_flight));
    }

    fn depart(&mut self, _: Ticks, vm: VmId, allocation: Frames) {
        assert_eq!(self.allocations[vm.index()].take(), Some(allocation));
    }

    fn access(&mut self, access: &Access<'_>) {
        let here = (access.at, Some(access.vm));
        assert!(self.last < here, "accesses are in order of time, then of the file");
        self.last = here;
        access.replacement.audit();
        assert_eq!(Some(access.allocation), self.allocations[access.vm.index()]);
        assert!(access.replacement.resident() <= access.allocation, "resident ≤ allocation");
        let Counts { accesses, demand_faults, cold_faults, replacement_misses, .. } = access.counts;
        assert_eq!(accesses, 1);
        assert!(demand_faults <= 1 && cold_faults.max(replacement_misses) <= demand_faults);
    }

    fn checkpoint(&mut self, checkpoint: &Checkpoint<'_>) {
        let at = checkpoint.view.at;
        for (vm, &target) in checkpoint.view.vms.iter().zip(&checkpoint.plan.0) {
            assert_eq!(Some(vm.allocation), self.allocations[vm.id.index()]);
            assert!((vm.bounds.min..=vm.bounds.max).contains(&target), "min ≤ target ≤ max");
        }
        for change in checkpoint.changes {
            self.change(at, change);
        }
        for (vm, &resident) in checkpoint.view.vms.iter().zip(checkpoint.resident) {
            checkpoint.guests.replacement(vm.id).audit();
            assert_eq!(checkpoint.guests.replacement(vm.id).resident(), resident);
            assert!(Some(resident) <= self.allocations[vm.id.index()]);
        }
        self.check_sum(at, Some(checkpoint.in_flight));
    }
}

#[test]
fn random_scenarios_keep_the_laws_in_any_order_and_agree_with_the_naive_simulator() {
    let (mut waited, mut refused, mut in_flight) = (0, 0, 0);
    // For each policy, the number of runs in which it granted frames and in which it reclaimed
    // some.
    let mut moved: BTreeMap<&str, [u64; 2]> = BTreeMap::new();
    for number in 0..120_000 {
        let (scenario, policy) = random_scenario(number);
        if !common::fits(&scenario, policy) {
            continue;
        }
        let mut laws = Laws::of(&scenario);
        let in_true_order = simulate(&scenario, policy, &mut laws);
        index_half(&scenario, number);
        let ahead = simulate(&scenario, policy, &mut NullWatcher);
        assert_eq!(ahead, in_true_order, "scenario {number}: run ahead against true order");
        for (account, (granted, reclaimed)) in ahead.vms.iter().zip(&laws.moved) {
            assert_eq!((account.granted, account.reclaimed), (*granted, *reclaimed));
        }
        for (vm, account) in scenario.vms.iter().zip(&ahead.vms) {
            waited += u64::from(account.started.is_some_and(|started| started > vm.start));
            refused += u64::from(account.refused.is_some());
        }
        in_flight += u64::from(ahead.in_flight > Frames(0));
        let [granted, reclaimed] = moved.entry(policy.name).or_default();
        *granted += u64::from(ahead.all.granted > Frames(0));
        *reclaimed += u64::from(ahead.all.reclaimed > Frames(0));
        let all_lru = scenario.vms.iter().all(|vm| vm.replacement.name == "lru");
        if !all_lru || !simulator::POLICIES.contains(&policy.name) {
            continue;
        }
        let naive = simulator::simulate(&scenario, policy.name);
        assert_eq!(ahead.end.0, naive.end, "scenario {number}: end");
        assert_eq!(ahead.in_flight.0, naive.in_flight, "scenario {number}: in flight");
        for (at, (account, naive)) in ahead.vms.iter().zip(&naive.vms).enumerate() {
            assert_eq!(account.counts, naive.counts, "scenario {number}: counts of VM {at}");
            assert_eq!(account.distinct_pages, naive.distinct, "scenario {number}: VM {at}");
            assert_eq!(account.stall_ticks, naive.stalled, "scenario {number}: VM {at} stalls");
            // The naive simulator's policies have no observers.
            assert_eq!(account.overhead_ticks, naive.overhead, "scenario {number}: VM {at}");
            let started = account.started.map(|at| at.0);
            assert_eq!(started, naive.started, "scenario {number}: VM {at} starts");
            let refused = account.refused.map(|refusal| refusal.at.0);
            assert_eq!(refused, naive.refused, "scenario {number}: VM {at} is refused");
            let Some(frames) = &naive.frames else { continue };
            let held = account.frames;
            assert_eq!(held.ticks.0, frames.len() as u64, "scenario {number}: VM {at} ticks held");
            let sum: u64 = frames.iter().sum();
            assert_eq!(held.frame_ticks, u128::from(sum), "scenario {number}: VM {at}");
        }
    }
    let often = [waited > 1_000, refused > 1_000, in_flight > 500];
    assert_eq!(often, [true; 3], "{waited} waited, {refused} refused, {in_flight} in flight");
    let movers = common::policies::without_programs();
    // The last two move only what sharing saves.
    let still = ["static", "ksmtuned", "satori-like"];
    for kind in movers.filter(|kind| !still.contains(&kind.name) && !kind.is_yardstick()) {
        let [granted, reclaimed] = moved.get(kind.name).copied().unwrap_or_default();
        // Because of a defect in its rules, no VM ever grows.
        let never_grants = kind.name == "mom-balloon-2013-07";
        assert_eq!(never_grants, granted == 0, "{} grants", kind.name);
        let runs = if never_grants { reclaimed } else { granted };
        assert!(runs >= 100, "{} moves frames in {runs} runs", kind.name);
    }
}

/// Indexes the traces of every other scenario so densely that even short stretches use the index.
fn index_half(scenario: &Scenario, number: u64) {
    if number.is_multiple_of(2) {
        let every = 1 + number as usize / 2 % 5;
        scenario.vms.iter().for_each(|vm| vm.trace.index_every(every));
    }
}

/// The claim of `replace/lru.rs`: the resident pages are always the first of the full stack,
/// however the allocation changes.
#[test]
fn under_every_policy_the_counter_is_the_list() {
    for policy in common::policies::without_programs() {
        let mut compared = 0;
        for number in 0..500 {
            let (mut scenario, _) = random_scenario(number);
            for vm in &mut scenario.vms {
                vm.replacement = &replace::ALL[0];
                vm.replacement_settings = Settings::defaults(vm.replacement.params);
            }
            scenario.cost.counts_write_backs = false;
            let mut draw = Stream::new(Generator::ChaCha8, number, 0, "test/counter");
            suit(&mut scenario, policy, &mut draw);
            if !common::fits(&scenario, policy) {
                continue;
            }
            // A watcher of accesses needs the victims.
            let by_tail = simulate(&scenario, policy, &mut Laws::of(&scenario));
            index_half(&scenario, number);
            let by_counter = simulate(&scenario, policy, &mut NullWatcher);
            assert_eq!(by_counter, by_tail, "{} on scenario {number}", policy.name);
            compared += 1;
        }
        assert!(compared >= 100, "{} fits {compared} scenarios", policy.name);
    }
}

/// Interacting more often than needed only shortens the stretches that VMs run ahead.
#[test]
fn wherever_vms_meet_the_outcome_is_the_same() {
    for_fitting(3_000, |scenario, policy, case| {
        if policy.pools() {
            return;
        }
        let run = |meets| {
            let mut watcher = NullWatcher;
            let run = policy.run(&scenario).meeting(meets);
            Simulation::new(&scenario, run, &mut watcher).run().unwrap()
        };
        let apart = run(Meets::Never);
        assert_eq!(run(Meets::AtDraws), apart, "{case}");
        assert_eq!(run(Meets::AtAccesses), apart, "{case}");
    });
}

/// Calls `check` with many random scenarios and a policy that fits them.
fn for_fitting(scenarios: u64, check: impl Fn(Scenario, &'static PolicyKind, &str)) {
    for number in 0..scenarios {
        let (scenario, policy) = random_scenario(number);
        if common::fits(&scenario, policy) {
            check(scenario, policy, &format!("{} on scenario {number}", policy.name));
        }
    }
}

/// As `for_fitting`, without policies that move frames at faults, which no wrapper holds back.
fn for_wrapped(scenarios: u64, check: impl Fn(Scenario, &'static PolicyKind, &str)) {
    for_fitting(scenarios, |scenario, policy, case| {
        if !policy.pools() {
            check(scenario, policy, case);
        }
    });
}

/// Counts the checkpoints at which the policy might be asked, and checks how far VMs move.
#[derive(Default)]
struct Moves {
    checkpoints: u64,
    warm_up: u64,
    cadence: u64,
    largest: u64,
}

impl Watcher for Moves {
    fn checkpoint(&mut self, checkpoint: &Checkpoint<'_>) {
        self.checkpoints += 1;
        let rests =
            self.checkpoints <= self.warm_up || !self.checkpoints.is_multiple_of(self.cadence);
        for (vm, target) in checkpoint.view.vms.iter().zip(&checkpoint.plan.0) {
            let moved = target.0.abs_diff(if rests { vm.target.0 } else { vm.allocation.0 });
            assert!(moved <= if rests { 0 } else { self.largest });
        }
    }
}

#[test]
fn wrapped_policies_obey_the_laws_and_their_limits() {
    for_wrapped(20_000, |mut scenario, policy, case| {
        let mut draw = Stream::new(Generator::ChaCha8, scenario.seed, 0, "test/wrapper");
        let mut set = |name, from: u64, below: u64| {
            let value = from + draw.below(below);
            scenario.wrapper.set(name, Value::Integer(value));
            value
        };
        set("dead_band", 0, 4);
        let largest = set("largest_move", 1, 5);
        let (warm_up, cadence) = (set("warm_up", 0, 3), set("cadence", 1, 3));
        let in_true_order = simulate(&scenario, policy, &mut Laws::of(&scenario));
        let mut moves = Moves { checkpoints: 0, warm_up, cadence, largest };
        assert_eq!(simulate(&scenario, policy, &mut moves), in_true_order, "{case}");
    });
}

#[test]
fn every_policy_keeps_the_laws_whatever_its_guests_run() {
    let met = RefCell::new(BTreeSet::new());
    for_fitting(20_000, |mut scenario, policy, case| {
        let mut draw = Stream::new(Generator::ChaCha8, scenario.seed, 0, "test/guests");
        for vm in &mut scenario.vms {
            // Several random guests are hardly ever all LRU.
            let kinds = if policy.pools() { &replace::ALL[..2] } else { replace::ALL };
            let kind = &kinds[draw.below(kinds.len() as u64) as usize];
            vm.replacement = kind;
            vm.replacement_settings = Settings::defaults(kind.params);
        }
        if !common::fits(&scenario, policy) {
            return; // As a scenario file is refused: who pools frames wants all guests LRU.
        }
        met.borrow_mut().extend(scenario.vms.iter().map(|vm| (policy.name, vm.replacement.name)));
        let in_true_order = simulate(&scenario, policy, &mut Laws::of(&scenario));
        assert_eq!(simulate(&scenario, policy, &mut NullWatcher), in_true_order, "{case}");
    });
    let guests_of = |policy: &'static PolicyKind| {
        let guests = replace::ALL.iter().filter(|kind| kind.is_lru() || !policy.pools());
        guests.map(|kind| (policy.name, kind.name))
    };
    let pairs: BTreeSet<_> = common::policies::without_programs().flat_map(guests_of).collect();
    let differ: Vec<_> = met.borrow().symmetric_difference(&pairs).copied().collect();
    assert_eq!(differ, [], "every policy meets every algorithm that it may");
}

#[test]
fn a_wrapper_without_limits_keeps_the_fingerprint() {
    for_wrapped(10_000, |mut scenario, policy, case| {
        let bare = simulate(&scenario, policy, &mut NullWatcher);
        let all = Value::Integer(scenario.host.memory.0);
        scenario.wrapper.set("largest_move", all);
        assert_eq!(simulate(&scenario, policy, &mut NullWatcher), bare, "{case}");
    });
}

#[test]
fn without_observers_a_cadence_equals_a_longer_interval() {
    for_wrapped(10_000, |mut scenario, policy, case| {
        if !(policy.observers)(&scenario.settings_of(policy)).is_empty() {
            return;
        }
        // Checkpoints delay VMs whether or not the policy is asked.
        scenario.cost.policy = Ticks(0);
        let mut rare = scenario.clone();
        let cadence = 2 + scenario.seed % 3;
        rare.checkpoint_every = Ticks(rare.checkpoint_every.0 * cadence);
        scenario.wrapper.set("cadence", Value::Integer(cadence));
        let mut moves = Moves { cadence, largest: u64::MAX, ..Moves::default() };
        let mut wrapped = simulate(&scenario, policy, &mut moves);
        if moves.checkpoints < wrapped.checkpoints {
            return; // A checkpoint of an empty host is not counted.
        }
        let mut rare = simulate(&rare, policy, &mut NullWatcher);
        for outcome in [&mut wrapped, &mut rare] {
            let accounts = outcome.vms.iter_mut().chain([&mut outcome.all]);
            // They count checkpoints and intervals.
            accounts.for_each(|of| (of.movement, of.rates) = (Movement::default(), None));
        }
        assert_eq!((wrapped.vms, wrapped.all), (rare.vms, rare.all), "{case}");
    });
}

/// Found by the random scenarios: a delayed access came after the departure.
#[test]
fn a_vm_delayed_past_its_stop_departs() {
    let mut vm = common::vm(0, &[1, 2, 3, 1, 2, 3], 2, 4);
    vm.stop = Some(Ticks(5));
    let mut scenario = common::scenario(vec![vm], 4, 2);
    scenario.cost.trap = Ticks(10);
    let policy = common::policy("mrc-dp");
    let in_true_order = simulate(&scenario, policy, &mut Laws::of(&scenario));
    assert_eq!(simulate(&scenario, policy, &mut NullWatcher), in_true_order);
    assert_eq!((in_true_order.all.counts.accesses, in_true_order.end), (2, Ticks(5)));
}

/// The oracle of LRU: a list, most recent first. Returns what moves, a shrink's evictions first,
/// and whether the access was a demand fault and whether it evicted a page.
fn oracle(
    list: &mut Vec<u64>,
    at: usize,
    page: u64,
    allocation: usize,
) -> (Vec<FrameEvent>, bool, bool) {
    let mut moves = Vec::new();
    while list.len() > allocation {
        moves.push(FrameEvent::Eviction { page: list.pop().unwrap() as PageId });
    }
    let found = list.iter().position(|&other| other == page);
    let evicts = found.is_none() && list.len() == allocation;
    let (position, id) = (at as u64, page as PageId);
    if let Some(at) = found {
        list.remove(at);
    } else if evicts {
        let victim = list.pop().unwrap() as PageId;
        moves.push(FrameEvent::Replacement { position, page: id, victim });
    } else {
        moves.push(FrameEvent::Fill { position, page: id });
    }
    list.insert(0, page);
    (moves, found.is_none(), evicts)
}

#[test]
fn every_short_trace_under_every_sequence_of_allocations_is_as_the_list_says() {
    const PAGES: u64 = 4;
    let mut cases = 0_u64;
    for length in 1..=7 {
        for pages in traces(length, PAGES) {
            let trace = Arc::new(Trace::from_pages(pages.iter().copied()));
            for allocations in 0..PAGES.pow(length as u32) {
                let guest = Guest {
                    trace: &trace,
                    frames: Frames(1),
                    draw: &|| Stream::new(Generator::ChaCha8, 0, 0, "test/replacement"),
                    counts_write_backs: false,
                    tiers: &[],
                    backing: None,
                    shares: None,
                };
                // Never asked for events, always, and every other time.
                let mut forms = [[false; 2], [true; 2], [false, true]]
                    .map(|told| (told, (replace::ALL[0].build)(&Settings::defaults(&[]), &guest)));
                let mut list = Vec::new();
                for (at, &page) in pages.iter().enumerate() {
                    let allocation = 1 + allocations / PAGES.pow(at as u32) % PAGES;
                    let (moves, demand, evicts) = oracle(&mut list, at, page, allocation as usize);
                    for (told, form) in &mut forms {
                        let mut events = Vec::new();
                        let mut sink = told[at % 2].then_some(&mut events);
                        form.resize_into(Frames(allocation), sink.as_deref_mut());
                        let stretch = Stretch {
                            from: at as u64,
                            first_pass: true,
                            budget: Ticks(1),
                            most: u64::MAX,
                            tempo: Tempo::default(),
                            delays: Delays::default(),
                        };
                        let counts = form.run_into(stretch, sink);
                        if told[at % 2] {
                            assert_eq!(events, moves, "{pages:?} {at}");
                        }
                        assert_eq!(counts.demand_faults, u64::from(demand), "{pages:?} {at}");
                        assert_eq!(counts.replacement_misses, u64::from(evicts), "{pages:?} {at}");
                        assert_eq!(form.resident().0, list.len() as u64, "{pages:?} {at}");
                    }
                }
                for (_, form) in &forms {
                    let order: Vec<u64> =
                        form.resident_pages().into_iter().map(u64::from).collect();
                    assert_eq!(order, list, "{pages:?} {allocations}");
                }
                cases += 1;
            }
        }
    }
    // Σ over lengths of the traces up to names (1, 2, 5, 15, 51, 187, 715) times 4^length.
    assert_eq!(cases, 12_536_932);
}
