//! Balloons, stuck drivers, admission and idle phases, compared with timelines written by hand.

use crate::common;
use crate::common::simulate;
use balloonist::account::{Outcome, Refusal};
use balloonist::balance::{Plan, Policy, PolicyError, PolicyKind, View};
use balloonist::host::Change;
use balloonist::meets::Meets;
use balloonist::random::Stream;
use balloonist::scenario::{Actuator, Admission, After, Document, Phase, Scenario};
use balloonist::trace::tempo::Tempo;
use balloonist::units::{Frames, Ticks};
use balloonist::watch::{Access, Arrival, Checkpoint, Moved, NullWatcher, Watcher};

/// Orders 5 and 15 frames at the first checkpoint and never changes that.
struct TenFrames(bool);

impl Policy for TenFrames {
    fn plan(&mut self, view: &View, _: &mut Stream) -> Result<Plan, PolicyError> {
        if std::mem::replace(&mut self.0, true) {
            return Ok(Plan::unchanged(view));
        }
        Ok(Plan(vec![Frames(5), Frames(15)]))
    }
}

const TEN_FRAMES: PolicyKind = PolicyKind {
    name: "static",
    summary: "",
    follows: "",
    live_interval: None,
    params: &[],
    meets: Meets::Never,
    observers: |_| &[],
    fits: |_, _, _| Ok(()),
    build: |_| Box::new(TenFrames(false)),
};

/// Every change of an allocation: (tick, VM, its allocation now, frames in flight now).
#[derive(Default)]
struct Timeline(Vec<(u64, u32, u64, u64)>);

impl Timeline {
    fn note(&mut self, at: Ticks, changes: &[Change], in_flight: Frames) {
        let row = |change: &Change| (at.0, change.vm.0, change.after.0, in_flight.0);
        self.0.extend(changes.iter().map(row));
    }
}

impl Watcher for Timeline {
    fn arrive(&mut self, arrival: &Arrival<'_>) {
        self.note(arrival.at, arrival.shrunk, Frames(0));
        self.0.push((arrival.at.0, arrival.vm.0, arrival.allocation.0, 0));
    }

    fn moved(&mut self, moved: &Moved<'_>) {
        self.note(moved.at, moved.changes, moved.in_flight);
    }

    fn checkpoint(&mut self, checkpoint: &Checkpoint<'_>) {
        self.note(checkpoint.view.at, checkpoint.changes, checkpoint.in_flight);
    }
}

fn phase(from: u64, until: u64) -> Phase {
    Phase { from: Ticks(from), until: Ticks(until) }
}

fn balloon(latency: u64, rate: u64, step: u64) -> Actuator {
    Actuator { latency: Ticks(latency), rate: Frames(rate), step: Ticks(step) }
}

/// Two VMs of 15 and 5 frames on 20, checkpoints at 100, 200 …, and a run of 150 ticks.
fn ten_frames_to_move() -> Scenario {
    let pages: Vec<u64> = (0..150).map(|access| access % 4).collect();
    let vms = vec![common::vm(0, &pages, 15, 20), common::vm(1, &pages, 5, 20)];
    let mut scenario = common::scenario(vms, 20, 100);
    scenario.actuator = balloon(7, 3, 5);
    scenario
}

fn timeline(scenario: &Scenario) -> (Vec<(u64, u32, u64, u64)>, Outcome) {
    let mut timeline = Timeline::default();
    let outcome = simulate(scenario, &TEN_FRAMES, &mut timeline);
    assert_eq!(simulate(scenario, &TEN_FRAMES, &mut NullWatcher), outcome);
    timeline.0.retain(|&(at, ..)| at > 0);
    (timeline.0, outcome)
}

#[test]
fn a_balloons_timeline_is_as_written_by_hand() {
    let (rows, outcome) = timeline(&ten_frames_to_move());
    let expected = [
        (100, 0, 12, 3),
        (105, 0, 9, 6),
        (107, 1, 8, 3),
        (110, 0, 6, 6),
        (112, 1, 11, 3),
        (115, 0, 5, 4),
        (117, 1, 14, 1),
        (122, 1, 15, 0),
    ];
    assert_eq!(rows, expected);
    assert_eq!((outcome.all.granted, outcome.all.reclaimed), (Frames(10), Frames(10)));
    // Frames in flight belong to no VM: at each of 150 ticks, 20 frames less those in flight.
    let under_way = 3 * 5 + 6 * 2 + 3 * 3 + 6 * 2 + 3 * 3 + 4 * 2 + 5;
    assert_eq!(outcome.all.frames.frame_ticks, 20 * 150 - under_way);
}

#[test]
fn a_stuck_driver_gives_nothing_until_it_works_again() {
    let mut scenario = ten_frames_to_move();
    scenario.vms[0].stuck = vec![phase(103, 120)];
    let expected = [
        (100, 0, 12, 3),
        (107, 1, 8, 0),
        (120, 0, 9, 3),
        (125, 0, 6, 6),
        (127, 1, 11, 3),
        (130, 0, 5, 4),
        (132, 1, 14, 1),
        (137, 1, 15, 0),
    ];
    assert_eq!(timeline(&scenario).0, expected);
    // If a VM's driver takes nothing, the frames stay free until it works.
    scenario.vms[0].stuck = Vec::new();
    scenario.vms[1].stuck = vec![phase(101, 125)];
    let expected =
        [(100, 0, 12, 3), (105, 0, 9, 6), (110, 0, 6, 6), (115, 0, 5, 4), (125, 1, 15, 0)];
    assert_eq!(timeline(&scenario).0, expected);
}

#[test]
fn a_stuck_vm_keeps_its_frames_under_the_instant_actuator() {
    let mut scenario = ten_frames_to_move();
    scenario.actuator = Actuator::INSTANT;
    assert_eq!(timeline(&scenario).0, [(100, 0, 5, 0), (100, 1, 15, 0)]);
    scenario.vms[0].stuck = vec![phase(50, u64::MAX)];
    assert_eq!(timeline(&scenario).0, []);
    scenario.vms[0].stuck = vec![phase(50, 130)];
    assert_eq!(timeline(&scenario).0, [(130, 0, 5, 0), (130, 1, 15, 0)]);
}

#[test]
fn a_vm_that_arrives_waits_for_its_minimum_from_the_balloons_of_others() {
    let pages: Vec<u64> = (0..20).collect();
    let mut vms = vec![common::vm(0, &pages, 10, 10), common::vm(1, &pages, 4, 10)];
    (vms[1].start, vms[1].min) = (Ticks(3), Frames(4));
    let mut scenario = common::scenario(vms, 10, 1000);
    scenario.actuator = balloon(2, 2, 1);
    let mut rows = Timeline::default();
    let outcome = simulate(&scenario, &TEN_FRAMES, &mut rows);
    // Two frames leave at 3 and two at 4; the last arrive at 6. The VM's last access is at 25.
    assert_eq!(rows.0, [(0, 0, 10, 0), (3, 0, 8, 2), (4, 0, 6, 4), (6, 1, 4, 0)]);
    assert_eq!((outcome.vms[1].started, outcome.end), (Some(Ticks(6)), Ticks(26)));
    // The driver of the only VM that could give does not work, and never will.
    scenario.vms[0].stuck = vec![phase(0, u64::MAX)];
    let outcome = simulate(&scenario, &TEN_FRAMES, &mut NullWatcher);
    let refusal = Refusal { at: Ticks(3), left: Frames(0) };
    assert_eq!((outcome.vms[1].refused, outcome.end), (Some(refusal), Ticks(20)));
}

/// On 10 frames: one that needs 6 until tick 20, one of 5 at tick 5, one of 3 at tick 6.
fn full_host(admission: Admission) -> Scenario {
    let pages: Vec<u64> = (0..20).collect();
    let vm = |at: usize, min: u64, start: u64| {
        let mut vm = common::vm(at, &pages, min, 10);
        (vm.min, vm.start) = (Frames(min), Ticks(start));
        vm
    };
    let mut vms = vec![vm(0, 6, 0), vm(1, 5, 5), vm(2, 3, 6)];
    vms[0].after = After::Leave;
    let mut scenario = common::scenario(vms, 10, 1000);
    scenario.host.admission = admission;
    scenario
}

#[test]
fn vms_that_do_not_fit_are_refused_or_wait_in_order() {
    type Ends = [(Option<u64>, Option<(u64, u64)>); 3];
    let run = |scenario: &Scenario| -> (Ends, u64) {
        let outcome = simulate(scenario, common::policy("static"), &mut NullWatcher);
        let ends = [0, 1, 2].map(|at: usize| {
            let refused = outcome.vms[at].refused.map(|refusal| (refusal.at.0, refusal.left.0));
            (outcome.vms[at].started.map(|at| at.0), refused)
        });
        (ends, outcome.end.0)
    };
    let refuse = full_host(Admission::Refuse);
    assert_eq!(run(&refuse), ([(Some(0), None), (None, Some((5, 4))), (Some(6), None)], 26));
    let mut queue = full_host(Admission::Queue);
    assert_eq!(run(&queue), ([(Some(0), None), (Some(20), None), (Some(20), None)], 40));
    // The first VM never leaves, so the second never fits; the third need not wait for it.
    queue.vms[0].after = After::Idle;
    assert_eq!(run(&queue), ([(Some(0), None), (None, Some((5, 4))), (Some(6), None)], 26));
    // The second VM has given up before.
    queue.vms[0].after = After::Leave;
    queue.vms[1].stop = Some(Ticks(12));
    assert_eq!(run(&queue), ([(Some(0), None), (None, Some((12, 4))), (Some(12), None)], 32));
}

/// Keeps the ticks of all accesses.
#[derive(Default)]
struct Accesses(Vec<u64>);

impl Watcher for Accesses {
    fn wants_accesses(&self) -> bool {
        true
    }

    fn access(&mut self, access: &Access<'_>) {
        self.0.push(access.at.0);
    }
}

#[test]
fn an_access_that_would_start_in_an_idle_phase_starts_at_its_end() {
    let mut vm = common::vm(0, &[1, 2, 3, 4, 5], 2, 4);
    vm.tempo = Tempo::Steps(Ticks(2));
    // The access of tick 4 waits until 8; the next two phases are one gap; the last is too late.
    vm.idle = vec![phase(3, 8), phase(9, 11), phase(11, 20), phase(23, 99)];
    let mut accesses = Accesses::default();
    let scenario = common::scenario(vec![vm], 4, 6);
    let outcome = simulate(&scenario, common::policy("static"), &mut accesses);
    assert_eq!(accesses.0, [0, 2, 8, 20, 22]);
    assert_eq!(outcome.end, Ticks(24));
}

/// A balloon of any rate without latency is the instant actuator.
#[test]
fn the_fastest_balloon_is_instant() {
    let mut scenario = ten_frames_to_move();
    scenario.actuator = Actuator::INSTANT;
    let instant = timeline(&scenario);
    scenario.actuator = balloon(0, 20, 1);
    assert_eq!(timeline(&scenario), instant);
}

#[test]
fn the_shipped_scenario_shows_a_slow_balloon_a_stuck_driver_and_a_full_host() {
    let document = Document::open(std::path::Path::new("scenarios/slow-balloon.toml"));
    let scenario = document.check().unwrap().scenario;
    let mut timeline = Timeline::default();
    let outcome = simulate(&scenario, scenario.policy, &mut timeline);
    let moves = |vm: u32, ticks: std::ops::Range<u64>| {
        timeline.0.iter().filter(|row| row.1 == vm && ticks.contains(&row.0)).count()
    };
    assert!(moves(0, 1..60_000) > 0, "frames go to and from web");
    assert_eq!(moves(1, 1..60_000), 0, "the driver of db is stuck");
    assert!(moves(1, 60_000..200_000) > 0, "until then");
    assert!(timeline.0.iter().any(|row| row.3 > 0), "frames are in flight");
    let [batch, late] = [2, 3].map(|at: usize| outcome.vms[at]);
    let left = scenario.vms[2].start.0 + batch.frames.ticks.0;
    assert_eq!(late.started, Some(Ticks(left)), "it starts when the batch job has left");
}
