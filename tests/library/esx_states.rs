//! ESX's states of free memory: crossings written by hand, a naive second implementation tick by
//! tick, and the laws of runs.

use crate::common;
use crate::common::scenarios::random_scenario;
use crate::paging::{self, Naive};
use balloonist::account::Outcome;
use balloonist::balance::{Plan, Policy, PolicyError, PolicyKind, View};
use balloonist::random::{Generator, Stream};
use balloonist::reclaim::{Grow, Marks, State, States, Swapper};
use balloonist::replace;
use balloonist::scenario::{Actuator, Phase, Scenario};
use balloonist::simulate::{PolicyRun, Simulation};
use balloonist::units::{Decimal, Frames, Ticks};
use balloonist::watch::{Checkpoint, NullWatcher, Watcher};

/// Orders its plans one after the other, and the last one from then on.
struct Told(Vec<Vec<u64>>);

impl Policy for Told {
    fn plan(&mut self, _: &View, _: &mut Stream) -> Result<Plan, PolicyError> {
        let plan = if self.0.len() > 1 { self.0.remove(0) } else { self.0[0].clone() };
        Ok(Plan(plan.into_iter().map(Frames).collect()))
    }
}

fn run(scenario: &Scenario, plans: &[Vec<u64>], watcher: &mut dyn Watcher) -> Outcome {
    let told = PolicyRun::new("told", Box::new(Told(plans.to_vec())));
    Simulation::new(scenario, told, watcher).run().unwrap()
}

/// Wants every access, so that nothing runs ahead.
struct InOrder;

impl Watcher for InOrder {
    fn wants_accesses(&self) -> bool {
        true
    }
}

fn states(scenario: &Scenario, period: u64, grow: Grow) -> States {
    let marks = Marks::PAPER.frames(scenario.host.memory, scenario.host.page_size);
    States { marks, period: Ticks(period), grow }
}

/// On 100 frames a VM of 64, and others of 30 together, all of which use a new page at each tick;
/// at tick 40 it is to have `kept`, and the others what that leaves. Balloons give a frame a tick,
/// which arrives much later.
fn crossing(others: u64, kept: u64) -> (Scenario, Vec<u64>) {
    let pages: Vec<u64> = (0..60).collect();
    let mut vms = vec![common::vm(0, &pages, 64, 90)];
    vms.extend((1..=others).map(|at| common::vm(at as usize, &pages, 30 / others, 90)));
    let mut scenario = common::scenario(vms, 100, 40);
    let pager = paging::paging("fifo", Swapper::Naive);
    scenario.paging = Some(replace::Paging { write: Ticks(3), ..pager });
    scenario.states = Some(states(&scenario, 1, Grow::AtFaults));
    scenario.actuator = Actuator { latency: Ticks(1000), rate: Frames(1), step: Ticks(1) };
    let mut plan = vec![kept];
    plan.extend((0..others).map(|_| (94 - kept) / others));
    (scenario, plan)
}

#[test]
fn each_mark_is_crossed_once() {
    // Free at ticks 40 to 45: 6, 5, 4, 3 (soft), 2, 1 (hard). The balloon gave 2 frames, and paging
    // takes the other 8, so that at tick 46 the state is high.
    let (scenario, plan) = crossing(1, 54);
    let outcome = run(&scenario, &[plan], &mut NullWatcher);
    let all = outcome.end.0;
    assert_eq!(outcome.all.states, Some([all - 3, 2, 1, 0]));
    let last: Vec<u64> = outcome.vms.iter().map(|vm| vm.frames.last.0).collect();
    assert_eq!((last, outcome.in_flight), (vec![54, 40], Frames(2)));
    // Two VMs draw from 6 frames at each tick: 6, 4, 2 (which is not below the mark of hard, but
    // below that of soft), 0 (low), and then much is free.
    let (scenario, plan) = crossing(2, 20);
    let outcome = run(&scenario, &[plan], &mut NullWatcher);
    let all = outcome.end.0;
    assert_eq!(outcome.all.states, Some([all - 2, 1, 0, 1]));
    // The VM has used 43 pages, of which it keeps 20; it waits for the others to be written.
    let giver = &outcome.vms[0];
    assert_eq!((giver.blocked_ticks, giver.frames.last), (23 * 3, Frames(20)));
    assert_eq!(outcome.all.blocked_ticks, giver.blocked_ticks);
}

#[test]
fn a_stuck_driver_does_not_stop_it() {
    let last = |scenario: &Scenario, plan: &[u64]| {
        let outcome = run(scenario, &[plan.to_vec()], &mut NullWatcher);
        outcome.vms.iter().map(|vm| vm.frames.last.0).collect::<Vec<_>>()
    };
    let (mut scenario, plan) = crossing(1, 54);
    scenario.vms[0].stuck = vec![Phase { from: Ticks(0), until: Phase::NEVER }];
    assert_eq!(last(&scenario, &plan), [54, 40]);
    scenario.states = None;
    scenario.paging = None;
    assert_eq!(last(&scenario, &plan), [64, 36], "a balloon waits for ever");
}

#[test]
fn marks_are_rounded_up_and_at_least_a_frame() {
    let percent = |digits, places| Decimal { digits, places };
    let marks = Marks::Percents([percent(125, 1), percent(4, 0), percent(0, 0), percent(0, 0)]);
    assert_eq!(marks.frames(Frames(30), 4096), [4, 2, 1, 1].map(Frames));
    let [high, soft, hard, low] = State::ALL;
    assert!(high < soft && soft < hard && hard < low);
}

/// The host of the simulation as plainly as possible, for VMs that start at tick 0 and make an
/// access at each tick.
struct Host<'a> {
    scenario: &'a Scenario,
    states: States,
    guests: Vec<Naive>,
    traces: &'a [Vec<(u64, bool)>],
    held: Vec<u64>,
    believed: Vec<u64>,
    target: Vec<u64>,
    ready: Vec<u64>,
    flights: Vec<(u64, u64)>,
    free: u64,
    state: usize,
    ticks: [u64; 4],
    due: Option<u64>,
}

impl Host<'_> {
    fn is_stuck(&self, vm: usize, at: u64) -> Option<u64> {
        let stuck = &self.scenario.vms[vm].stuck;
        stuck.iter().find(|phase| phase.contains(Ticks(at))).map(|phase| phase.until.0)
    }

    /// Down while the next mark is passed, up while the mark above is reached, as in the vector's
    /// model.
    fn see(&mut self) {
        let marks = self.states.marks.map(|mark| mark.0);
        while self.state < 3 && self.free < marks[self.state + 1] {
            self.state += 1;
        }
        while self.state > 0 && self.free >= marks[self.state - 1] {
            self.state -= 1;
        }
    }

    fn give(&mut self, vm: usize, frames: u64, by_balloon: bool) {
        self.held[vm] -= frames;
        if by_balloon {
            self.believed[vm] -= frames;
            self.guests[vm].resize_guest(self.believed[vm]);
        }
        self.guests[vm].resize(self.held[vm]);
    }

    fn take(&mut self, vm: usize, frames: u64) {
        self.free -= frames;
        self.held[vm] += frames;
        self.guests[vm].resize(self.held[vm]);
        self.believed[vm] = self.believed[vm].max(self.held[vm]);
        self.guests[vm].resize_guest(self.believed[vm]);
    }

    fn land(&mut self, at: u64) {
        let landed = self.flights.iter().filter(|&&(lands, _)| lands <= at);
        self.free += landed.map(|&(_, frames)| frames).sum::<u64>();
        self.flights.retain(|&(lands, _)| lands > at);
    }

    fn act(&mut self, at: u64) {
        self.land(at);
        self.see();
        let Actuator { latency, rate, step } = self.scenario.actuator;
        for vm in 0..self.held.len() {
            let over = self.held[vm].saturating_sub(self.target[vm]);
            let stuck = self.is_stuck(vm, at).is_some();
            if over == 0 || self.state == 0 {
                continue;
            }
            if self.state > 1 || stuck {
                self.give(vm, over, false);
                self.free += over;
            } else if self.ready[vm] <= at {
                let batch = over.min(rate.0);
                self.give(vm, batch, true);
                self.flights.push((at + latency.0, batch));
                self.ready[vm] = at + step.0;
            }
        }
        self.land(at);
        for vm in 0..self.held.len() {
            let short = self.target[vm].saturating_sub(self.held[vm]);
            if self.states.grow == Grow::AtOnce && self.is_stuck(vm, at).is_none() {
                self.take(vm, short.min(self.free));
            }
        }
        self.due = self.next_event(at);
    }

    fn next_event(&self, at: u64) -> Option<u64> {
        let off = (0..self.held.len()).filter(|&vm| self.held[vm] != self.target[vm]);
        let of_vm = |vm: usize| {
            let next = if self.held[vm] > self.target[vm] { self.ready[vm].max(at) } else { at };
            let next = self.is_stuck(vm, next).unwrap_or(next);
            (next > at && next != u64::MAX).then_some(next)
        };
        let period = self.states.period.0;
        let look = off.clone().next().map(|_| (at / period + 1) * period);
        let lands = self.flights.iter().map(|&(lands, _)| lands);
        lands.chain(off.filter_map(of_vm)).chain(look).min()
    }

    fn access(&mut self, vm: usize, at: u64) {
        let trace = &self.traces[vm];
        let Some(&(page, writes)) = trace.get(at as usize) else { return };
        let begins = at == 0 || trace[at as usize - 1].0 != page;
        if self.states.grow == Grow::AtFaults
            && begins
            && self.guests[vm].frames.len() as u64 == self.held[vm]
            && self.held[vm] < self.target[vm]
            && self.free > 0
            && self.is_stuck(vm, at).is_none()
        {
            self.take(vm, 1);
        }
        self.guests[vm].touch(page, writes);
    }
}

/// What VMs that start together use, whether they write it, and what they are told to hold.
struct Drawn {
    scenario: Scenario,
    traces: Vec<Vec<(u64, bool)>>,
    pager: &'static str,
    plans: Vec<Vec<u64>>,
}

/// Pages of up to 41, each of them used once or more, a third of them written.
fn random_trace(draw: &mut Stream, length: u64) -> Vec<(u64, bool)> {
    let pages = 2 + draw.below(40);
    let mut last = (0, false);
    let mut next = || {
        if draw.below(4) > 0 {
            last = (draw.below(pages), draw.below(3) == 0);
        }
        last
    };
    (0..length).map(|_| next()).collect()
}

/// Divides frames at random, at least one to each.
fn random_plan(draw: &mut Stream, vms: u64, promised: u64) -> Vec<u64> {
    let mut left = promised - vms;
    let mut next = || {
        let more = draw.below(left + 1);
        left -= more;
        1 + more
    };
    let mut plan: Vec<u64> = (0..vms).map(|_| next()).collect();
    plan.rotate_left(draw.below(vms) as usize);
    plan
}

fn drawn(number: u64) -> Drawn {
    let mut draw = Stream::new(Generator::ChaCha8, number, 0, "test/esx-states");
    let count = 1 + draw.below(4);
    let (length, memory) = (40 + draw.below(80), 30 + draw.below(40));
    let traces: Vec<_> = (0..count).map(|_| random_trace(&mut draw, length)).collect();
    let percents = [20 + draw.below(10), 10 + draw.below(10), 5 + draw.below(5), 1 + draw.below(4)];
    let marks = Marks::Percents(percents.map(|digits| Decimal { digits, places: 0 }));
    let marks = marks.frames(Frames(memory), 4096);
    let promised = memory - marks[0].0;
    let names = ["lru", "fifo"];
    let pager = names[draw.below(2) as usize];
    let (_, swapper) = Swapper::ALL[draw.below(2) as usize];
    let mut vms = Vec::new();
    for (at, accesses) in traces.iter().enumerate() {
        let mut vm = common::vm(at, &[0], promised / count, promised);
        vm.trace = paging::trace(accesses);
        vm.replacement = paging::algorithm(names[draw.below(2) as usize]);
        if draw.below(3) == 0 {
            let from = draw.below(60);
            let until = if draw.below(3) == 0 { u64::MAX } else { from + 1 + draw.below(40) };
            vm.stuck = vec![Phase { from: Ticks(from), until: Ticks(until) }];
        }
        vms.push(vm);
    }
    let mut scenario = common::scenario(vms, memory, 5 + draw.below(20));
    scenario.paging = Some(paging::paging(pager, swapper));
    let grow = Grow::ALL[draw.below(2) as usize].1;
    scenario.states = Some(States { marks, period: Ticks(1 + draw.below(9)), grow });
    let [latency, rate, step] = [draw.below(8), 1 + draw.below(5), 1 + draw.below(4)];
    scenario.actuator = Actuator { latency: Ticks(latency), rate: Frames(rate), step: Ticks(step) };
    let plans = (0..20).map(|_| random_plan(&mut draw, count, promised)).collect();
    Drawn { scenario, traces, pager, plans }
}

impl<'a> Host<'a> {
    /// All VMs have started.
    fn new(drawn: &'a Drawn) -> Self {
        let Drawn { scenario, traces, pager, .. } = drawn;
        let swapper = scenario.paging.as_ref().unwrap().swapper;
        let held: Vec<u64> = scenario.vms.iter().map(|vm| vm.initial.0).collect();
        let guest = |vm: &balloonist::scenario::VmSpec| {
            Naive::new([vm.replacement.name, pager], [vm.initial.0; 2], swapper)
        };
        Self {
            scenario,
            states: scenario.states.unwrap(),
            guests: scenario.vms.iter().map(guest).collect(),
            traces,
            believed: held.clone(),
            target: held.clone(),
            ready: vec![0; held.len()],
            flights: Vec::new(),
            free: scenario.host.memory.0 - held.iter().sum::<u64>(),
            held,
            state: 0,
            ticks: [0; 4],
            due: None,
        }
    }

    fn run(&mut self, plans: &[Vec<u64>]) {
        let every = self.scenario.checkpoint_every.0;
        let length = self.traces[0].len() as u64;
        for at in 0..=length {
            if self.due == Some(at) {
                self.act(at);
            }
            if at > 0 && at % every == 0 {
                let order = (at / every) as usize - 1;
                self.target.clone_from(&plans[order.min(plans.len() - 1)]);
                self.act(at);
            }
            if at < length {
                self.ticks[self.state] += 1;
                (0..self.held.len()).for_each(|vm| self.access(vm, at));
            }
        }
    }
}

/// A random run compared with the naive host.
fn compare_with_naive(number: u64) -> [u64; 4] {
    let drawn = drawn(number);
    let Drawn { scenario, plans, .. } = &drawn;
    let mut host = Host::new(&drawn);
    host.run(plans);
    let outcome = run(scenario, plans, &mut NullWatcher);
    assert_eq!(outcome, run(scenario, plans, &mut InOrder), "case {number}");
    for (vm, guest) in host.guests.iter().enumerate() {
        let account = &outcome.vms[vm];
        assert_eq!(account.counts, guest.counts, "case {number}, VM {vm}");
        assert_eq!(account.paging, guest.paging, "case {number}, VM {vm}");
        assert_eq!(account.frames.last.0, host.held[vm], "case {number}, VM {vm}");
    }
    assert_eq!(outcome.all.states, Some(host.ticks), "case {number}");
    host.ticks
}

#[test]
fn runs_agree_with_a_naive_host() {
    let mut visited = [0_u64; 4];
    for number in 0..4_000 {
        let ticks = compare_with_naive(number);
        for (visited, ticks) in visited.iter_mut().zip(ticks) {
            *visited += u64::from(ticks > 0);
        }
    }
    assert!(visited.iter().all(|&runs| runs > 200), "{visited:?}");
}

/// A random scenario whose host reclaims by states.
fn with_states(number: u64) -> (Scenario, &'static PolicyKind) {
    let (mut scenario, policy) = random_scenario(number);
    let mut draw = Stream::new(Generator::ChaCha8, number, 0, "test/esx-states/scenario");
    let pagers: Vec<_> = replace::ALL.iter().filter(|kind| !kind.knows_the_future).collect();
    let mut paging =
        paging::paging(pagers[draw.below(pagers.len() as u64) as usize].name, Swapper::Naive);
    (paging.read, paging.write) = (Ticks(draw.below(4)), Ticks(draw.below(4)));
    scenario.paging = Some(paging);
    // What is kept free comes on top, so that the minima fit.
    let promised = scenario.host.memory.0;
    let low = 1 + draw.below(2);
    let hard = low + draw.below(3);
    let soft = hard + draw.below(3);
    let high = soft + draw.below(4);
    scenario.host.memory = Frames(promised + high);
    let grow = Grow::ALL[draw.below(2) as usize].1;
    let marks = [high, soft, hard, low].map(Frames);
    scenario.states = Some(States { marks, period: Ticks(1 + draw.below(9)), grow });
    let [latency, rate, step] = [draw.below(8), 1 + draw.below(5), 1 + draw.below(4)];
    scenario.actuator = Actuator { latency: Ticks(latency), rate: Frames(rate), step: Ticks(step) };
    let policy = if scenario.fits(policy).is_ok() { policy } else { common::policy("last-n") };
    (scenario, policy)
}

/// Checks the laws at every checkpoint.
struct Laws<'a> {
    scenario: &'a Scenario,
    in_order: bool,
}

impl Watcher for Laws<'_> {
    fn wants_accesses(&self) -> bool {
        self.in_order
    }

    fn checkpoint(&mut self, checkpoint: &Checkpoint<'_>) {
        let (view, plan) = (checkpoint.view, checkpoint.plan);
        assert_eq!(view.host, self.scenario.promised());
        let targets: Frames = plan.0.iter().copied().sum();
        assert!(targets <= view.host, "what is kept free is promised to nobody");
        let mut held = checkpoint.in_flight;
        for vm in &view.vms {
            let guest = checkpoint.guests.replacement(vm.id);
            guest.audit();
            assert!(vm.resident <= vm.allocation, "no more pages are backed than frames held");
            let change = checkpoint.changes.iter().find(|change| change.vm == vm.id);
            held += change.map_or(vm.allocation, |change| change.after);
        }
        assert!(held <= self.scenario.host.memory, "frames are conserved");
    }
}

#[test]
fn random_scenarios_keep_the_laws_in_any_order() {
    let (mut visited, mut blocked) = ([0_u64; 4], 0);
    for number in 0..3_000 {
        let (scenario, policy) = with_states(number);
        let simulate = |in_order| {
            let mut laws = Laws { scenario: &scenario, in_order };
            common::simulate(&scenario, policy, &mut laws)
        };
        let ahead = simulate(false);
        assert_eq!(ahead, simulate(true), "scenario {number} under {}", policy.name);
        let states = ahead.all.states.unwrap();
        let counted = if ahead.all.ticks > 0 { ahead.all.ticks } else { states.iter().sum() };
        assert_eq!(states.iter().sum::<u64>(), counted, "scenario {number}");
        for (visited, ticks) in visited.iter_mut().zip(states) {
            *visited += u64::from(ticks > 0);
        }
        blocked += ahead.all.blocked_ticks;
    }
    assert!(visited.iter().all(|&runs| runs > 50) && blocked > 50, "{visited:?} {blocked}");
}
