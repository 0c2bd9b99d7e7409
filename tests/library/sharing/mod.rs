//! Sharing: runs worked out by hand, a naive second implementation tick by tick, and the laws of
//! runs.

mod naive;

use std::sync::Arc;

use self::naive::Naive;
use crate::common;
use crate::common::scenarios::random_scenario;
use balloonist::account::Outcome;
use balloonist::balance::{Bounds, Plan, Policy, PolicyError, PolicyKind, View};
use balloonist::random::{Generator, Stream};
use balloonist::scenario::{Phase, Scenario, VmSpec};
use balloonist::share::{self, Holds, SharingSpec, Source};
use balloonist::simulate::{PolicyRun, Simulation};
use balloonist::trace::{AccessKind, TraceBuilder};
use balloonist::units::{Decimal, Frames, Page, Ticks, VmId};
use balloonist::watch::{Checkpoint, NullWatcher, Watcher};

/// Orders its plans one after the other, and the last one from then on.
struct Told(Vec<Vec<u64>>);

impl Policy for Told {
    fn plan(&mut self, _: &View, _: &mut Stream) -> Result<Plan, PolicyError> {
        let plan = if self.0.len() > 1 { self.0.remove(0) } else { self.0[0].clone() };
        Ok(Plan(plan.into_iter().map(Frames).collect()))
    }
}

/// Wants every access, so that nothing runs ahead.
struct InOrder;

impl Watcher for InOrder {
    fn wants_accesses(&self) -> bool {
        true
    }
}

fn holds(from: u64, until: u64, source: Source) -> Holds {
    Holds { from, until, source, part: Decimal { digits: 1, places: 0 } }
}

/// The image's page 0 is in page `from`.
fn image(from: u64, until: u64) -> Holds {
    holds(from, until, Source::Image { name: "os".to_owned(), offset: 0 })
}

fn sharing(every: u64, pages: u64, max_sharing: u64) -> SharingSpec {
    let scanner = &share::ALL[0];
    let zero_pages = false;
    SharingSpec { scanner, every: Ticks(every), pages, per_vm: 9, max_sharing, zero_pages }
}

/// A VM that makes these accesses at these ticks: a page, and whether it is written.
fn timed(at: usize, accesses: &[(u64, u64, bool)], held: u64, content: Vec<Holds>) -> VmSpec {
    let mut vm = common::vm(at, &[0], held, 16);
    let mut builder = TraceBuilder::default();
    for &(_, page, writes) in accesses {
        let kind = if writes { AccessKind::Store } else { AccessKind::Load };
        builder.push_kind(Page(page), kind);
    }
    vm.trace = Arc::new(builder.finish());
    let pauses = accesses.windows(2).filter(|pair| pair[1].0 > pair[0].0 + 1);
    let pause =
        |pair: &[(u64, u64, bool)]| Phase { from: Ticks(pair[0].0 + 1), until: Ticks(pair[1].0) };
    vm.idle = pauses.map(pause).collect();
    vm.content = content;
    vm
}

/// Reads of these pages at ticks 0, 1, 2, …
fn reads(pages: &[u64]) -> Vec<(u64, u64, bool)> {
    (0..).zip(pages).map(|(at, &page)| (at, page, false)).collect()
}

/// Three VMs of 5 frames on a host of 16, at most 3 pages in a frame; a scan of 8 pages every 10
/// ticks. VM0 and VM1 have pages 0 and 1 of an image and two pages of zeros, VM2 page 0 of the
/// image.
fn three_vms() -> Scenario {
    let both = || vec![image(0, 2), holds(2, 4, Source::Zero)];
    let first = reads(&[4, 3, 2, 1, 0]);
    let vms = vec![
        timed(0, &[first.clone(), vec![(65, 2, true), (85, 0, false)]].concat(), 5, both()),
        timed(1, &[first.clone(), vec![(35, 1, true)]].concat(), 5, both()),
        timed(2, &[first, vec![(65, 0, true)]].concat(), 5, vec![image(0, 1)]),
    ];
    let mut scenario = common::scenario(vms, 16, 1_000);
    scenario.sharing = Some(sharing(10, 8, 3));
    scenario
}

#[test]
fn ksm_merges_what_stays_unchanged_for_a_pass() {
    // Free frames and frames saved after each tick. The first pass (two scans) only notes contents.
    // The second merges VM0's pages of zeros with each other and with VM1's first, and VM1's image
    // pages with VM0's. The frame of zeros is then full. At 35 VM1 writes page 1; at 40 VM2's page
    // 0 joins; at 65 VM0 writes a page of zeros and VM2 its page 0; at 80 VM1's second page of
    // zeros takes the place that VM0's left.
    let expected = [
        (11, [1, 0]),
        (21, [1, 0]),
        (31, [5, 4]),
        (36, [4, 3]),
        (41, [5, 4]),
        (51, [5, 4]),
        (61, [5, 4]),
        (66, [3, 2]),
        (71, [3, 2]),
        (81, [4, 3]),
    ];
    let scenario = three_vms();
    let plain = PolicyRun::new("told", Box::new(Told(vec![vec![5; 3]])));
    let mut watcher = NullWatcher;
    let mut run = Simulation::new(&scenario, plain, &mut watcher);
    for (tick, [free, saving]) in expected {
        run.run_until(Ticks(tick)).unwrap();
        let found = [run.host().free().0, run.host().saving().0];
        assert_eq!(found, [free, saving], "at tick {tick}");
    }
    let outcome = run.run().unwrap();
    let of = |vm: usize| {
        let account = &outcome.vms[vm];
        let of = account.sharing;
        [account.counts.hits(), of.merges, of.copies, of.hollow, of.forced]
    };
    assert_eq!([of(0), of(1), of(2)], [[2, 1, 1, 0, 0], [1, 4, 1, 0, 0], [1, 1, 1, 0, 0]]);
    let savings = outcome.all.savings.unwrap();
    assert_eq!((savings.scans, savings.full_scans, savings.most), (8, 4, Frames(4)));
    assert_eq!((savings.sum, savings.debt), (4 * 4 + 2 + 3, Frames(0)));
    // VM0 shares page 0 and a page of zeros with VM1, and VM1 another page of zeros with both.
    assert_eq!(outcome.vms[0].charged, Some(3_000_000 + 500_000 + 333_333));
}

#[test]
fn zeros_of_the_host_cost_no_frame() {
    let mut scenario = three_vms();
    scenario.sharing = Some(SharingSpec { zero_pages: true, ..sharing(10, 8, 3) });
    let told = PolicyRun::new("told", Box::new(Told(vec![vec![5; 3]])));
    let mut watcher = NullWatcher;
    let mut run = Simulation::new(&scenario, told, &mut watcher);
    // Two pages of zeros and the image's of each of the first two VMs; at 40 VM1's second page of
    // zeros, which no limit keeps out.
    for (tick, [free, saving]) in [(21, [1, 0]), (31, [6, 5]), (41, [7, 6]), (66, [5, 4])] {
        run.run_until(Ticks(tick)).unwrap();
        let found = [run.host().free().0, run.host().saving().0];
        assert_eq!(found, [free, saving], "at tick {tick}");
    }
}

/// Two VMs of at least 2 frames on a host of 8 share all of their four pages; a plan gives VM0
/// three of the four frames saved.
fn given_away() -> Scenario {
    let first = reads(&[3, 2, 1, 0]);
    let later = vec![(110, 4, false), (111, 5, false), (112, 6, false), (145, 7, false)];
    let vm0 = [first.clone(), later, vec![(210, 7, false)]].concat();
    let vm1 = [first, vec![(121, 0, true), (131, 1, true)]].concat();
    let vms = vec![timed(0, &vm0, 4, vec![image(0, 4)]), timed(1, &vm1, 4, vec![image(0, 4)])];
    let mut scenario = common::scenario(vms, 8, 100);
    for vm in &mut scenario.vms {
        vm.min = Frames(2);
        vm.max = Frames(8);
    }
    scenario.sharing = Some(sharing(10, 8, 256));
    scenario
}

#[test]
fn a_write_that_ends_a_saving_takes_a_frame_from_somewhere() {
    let scenario = given_away();
    let told = PolicyRun::new("told", Box::new(Told(vec![vec![7, 4], vec![3, 2]])));
    let mut watcher = NullWatcher;
    let mut run = Simulation::new(&scenario, told, &mut watcher);
    // What each VM holds; free frames, frames saved and owed.
    let expected = [
        (50, [4, 4], [4, 4, 0]),
        (101, [7, 4], [1, 4, 0]),
        (121, [7, 4], [1, 4, 0]),
        // VM1 writes page 0, and a free frame is left.
        (122, [7, 4], [0, 3, 0]),
        // It writes page 1. None is free, so it holds one less; its oldest pages, 3 and 2, share
        // too and bring no frame; it is at its minimum, and the host owes one.
        (132, [7, 2], [0, 0, 1]),
        // VM0, which holds most above its minimum, pays at the next scan, with page 3.
        (141, [6, 2], [0, 0, 0]),
        // It reads page 7 in place of page 2.
        (146, [6, 2], [0, 0, 0]),
        // A plan takes frames from it.
        (201, [3, 2], [3, 0, 0]),
    ];
    for (tick, held, [free, saving, debt]) in expected {
        run.run_until(Ticks(tick)).unwrap();
        let host = run.host();
        let found = [0, 1].map(|vm| host.allocation(VmId(vm)).unwrap().0);
        assert_eq!(found, held, "at tick {tick}");
        assert_eq!([host.free().0, host.saving().0, host.debt().0], [free, saving, debt]);
    }
    let outcome = run.run().unwrap();
    let of = |vm: usize| {
        let account = &outcome.vms[vm];
        let of = account.sharing;
        [account.counts.hits(), account.counts.demand_faults, of.copies, of.hollow, of.forced]
    };
    assert_eq!([of(0), of(1)], [[1, 8, 0, 4, 1], [2, 4, 2, 2, 2]]);
    assert_eq!(outcome.all.savings.unwrap().debt, Frames(1));
}

/// Contents of a few pages: pages of an image, and zeros.
fn random_content(draw: &mut Stream) -> Vec<Holds> {
    let from = draw.below(3);
    let until = from + 1 + draw.below(6);
    let mut content = vec![image(from, until)];
    if draw.below(2) == 0 {
        let from = draw.below(8);
        content.push(holds(from, from + 1 + draw.below(4), Source::Zero));
    }
    content
}

/// A plan within these bounds that adds up to no more than `most`.
fn random_plan(draw: &mut Stream, bounds: &[Bounds], most: u64) -> Vec<u64> {
    let mut plan: Vec<u64> = bounds.iter().map(|of| of.min.0).collect();
    for _ in 0..most {
        let vm = draw.below(plan.len() as u64) as usize;
        if plan.iter().sum::<u64>() < most && plan[vm] < bounds[vm].max.0 {
            plan[vm] += 1;
        }
    }
    plan
}

/// Orders random plans that give out all that there is.
struct Generous(Stream);

impl Policy for Generous {
    fn plan(&mut self, view: &View, _: &mut Stream) -> Result<Plan, PolicyError> {
        let bounds: Vec<Bounds> = view.vms.iter().map(|vm| vm.bounds).collect();
        let plan = random_plan(&mut self.0, &bounds, view.host.0);
        Ok(Plan(plan.into_iter().map(Frames).collect()))
    }
}

/// A scenario, and the accesses of each VM: a tick, a page, and whether it is written.
type Drawn = (Scenario, Vec<Vec<(u64, u64, bool)>>);

/// A random scenario of LRU guests.
fn drawn(draw: &mut Stream) -> Drawn {
    let length = 20 + draw.below(60);
    let traces: Vec<Vec<(u64, u64, bool)>> = (0..=draw.below(4))
        .map(|_| (0..length).map(|at| (at, draw.below(9), draw.below(10) == 0)).collect())
        .collect();
    let vms = traces.iter().enumerate();
    let vms = vms.map(|(at, trace)| timed(at, trace, 1, random_content(draw))).collect();
    let mut scenario = common::scenario(vms, 0, 5 + draw.below(10));
    let mut memory = draw.below(4);
    for vm in &mut scenario.vms {
        vm.min = Frames(1 + draw.below(3));
        vm.initial = vm.min + Frames(draw.below(5));
        memory += vm.initial.0;
    }
    scenario.host.memory = Frames(memory);
    for vm in &mut scenario.vms {
        vm.max = Frames(memory);
    }
    scenario.sharing = Some(sharing(1 + draw.below(6), 1 + draw.below(8), 2 + draw.below(3)));
    (scenario, traces)
}

/// The naive run under [`Generous`]; returns the most that the host owed.
fn run_naive(naive: &mut Naive, drawn: &Drawn, plans: Stream) -> u64 {
    let ((scenario, traces), mut plans, mut most_debt) = (drawn, plans, 0);
    let bounds = |vm: &VmSpec| Bounds { min: vm.min, max: vm.max };
    let bounds: Vec<Bounds> = scenario.vms.iter().map(bounds).collect();
    let (every, scans) = (scenario.checkpoint_every.0, scenario.sharing.unwrap());
    let length = traces[0].len() as u64;
    for at in 0..=length {
        if at > 0 && at % scans.every.0 == 0 {
            most_debt = most_debt.max(naive.debt);
            let before = naive.saving;
            naive.settle();
            naive.scan(scans.pages);
            if naive.saving > before {
                naive.settle();
                naive.act();
            }
            naive.audit();
        }
        if at > 0 && at % every == 0 {
            most_debt = most_debt.max(naive.debt);
            naive.settle();
            naive.target = random_plan(&mut plans, &bounds, naive.memory + naive.saving);
            naive.act();
            naive.audit();
        }
        for (vm, trace) in traces.iter().enumerate().filter(|_| at < length) {
            let (_, page, writes) = trace[at as usize];
            naive.access(vm, page, writes);
            naive.audit();
        }
    }
    most_debt
}

/// A random run compared with the naive host; returns all merges, copies, hollow and forced ones,
/// and debts.
fn compare_with_naive(number: u64) -> [u64; 5] {
    let mut draw = Stream::new(Generator::ChaCha8, number, 0, "test/sharing");
    let drawn = drawn(&mut draw);
    let plans = || Stream::new(Generator::ChaCha8, number, 0, "test/sharing/plans");
    let mut naive = Naive::new(&drawn.0);
    let most_debt = run_naive(&mut naive, &drawn, plans());
    let simulate = |watcher: &mut dyn Watcher| {
        let generous = PolicyRun::new("generous", Box::new(Generous(plans())));
        Simulation::new(&drawn.0, generous, watcher).run().unwrap()
    };
    let outcome = simulate(&mut NullWatcher);
    assert_eq!(outcome, simulate(&mut InOrder), "case {number}");
    for (vm, account) in outcome.vms.iter().enumerate() {
        let of = account.sharing;
        let found = [account.counts.demand_faults, of.merges, of.copies, of.hollow, of.forced];
        assert_eq!(found, naive.counts[vm], "case {number}, VM {vm}");
        assert_eq!(account.frames.last.0, naive.held[vm], "case {number}, VM {vm}");
    }
    assert_eq!(outcome.all.savings.unwrap().debt.0, most_debt, "case {number}");
    let of = outcome.all.sharing;
    [of.merges, of.copies, of.hollow, of.forced, most_debt]
}

#[test]
fn runs_agree_with_a_naive_host() {
    let mut all = [0; 5];
    for number in 0..3_000 {
        for (all, of) in all.iter_mut().zip(compare_with_naive(number)) {
            *all += of;
        }
    }
    assert!(all.iter().all(|&of| of > 20), "{all:?}");
}

/// A random scenario whose host shares pages.
fn with_sharing(number: u64) -> (Scenario, &'static PolicyKind) {
    let (mut scenario, policy) = random_scenario(number);
    let mut draw = Stream::new(Generator::ChaCha8, number, 0, "test/sharing/scenario");
    for vm in &mut scenario.vms {
        vm.content = random_content(&mut draw);
    }
    let [every, pages] = [1 + draw.below(9), 1 + draw.below(30)];
    let spec = sharing(every, pages, 2 + draw.below(4));
    let scanner = &share::ALL[draw.below(share::ALL.len() as u64) as usize];
    scenario.sharing = Some(SharingSpec { scanner, zero_pages: draw.below(3) == 0, ..spec });
    scenario.cost.copy = Ticks(draw.below(3));
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
        assert!(view.host >= self.scenario.host.memory, "savings are memory");
        let sum = |of: &dyn Fn(usize) -> Frames| -> Frames { (0..view.vms.len()).map(of).sum() };
        assert!(sum(&|vm| plan.0[vm]) <= view.host, "no plan gives out more");
        assert!(sum(&|vm| view.vms[vm].target) <= view.host, "orders fit into what there is");
        assert!(sum(&|vm| view.vms[vm].allocation) <= view.host, "no more is held");
        for vm in &view.vms {
            checkpoint.guests.replacement(vm.id).audit();
            assert!(vm.bounds.min <= vm.allocation, "a VM keeps its minimum");
        }
    }
}

fn laws_of(scenario: &Scenario, policy: &PolicyKind, what: &str) -> Outcome {
    let simulate = |in_order| {
        let mut laws = Laws { scenario, in_order };
        common::simulate(scenario, policy, &mut laws)
    };
    let ahead = simulate(false);
    assert_eq!(ahead, simulate(true), "{what} under {}", policy.name);
    for vm in &ahead.vms {
        let (of, counts) = (vm.sharing, vm.counts);
        assert!(of.copies <= counts.accesses && of.merges <= of.scanned, "{what}");
    }
    ahead
}

#[test]
fn random_scenarios_keep_the_laws_in_any_order() {
    let mut all = [0; 4];
    for number in 0..3_000 {
        let (scenario, policy) = with_sharing(number);
        let of = laws_of(&scenario, policy, &format!("scenario {number}")).all.sharing;
        for (all, of) in all.iter_mut().zip([of.merges, of.copies, of.hollow, of.forced]) {
            *all += of;
        }
    }
    assert!(all.iter().all(|&of| of > 100), "{all:?}");
}

#[test]
fn every_policy_shares_or_is_refused() {
    for number in 0..40 {
        for policy in common::policies::without_programs() {
            let (mut scenario, _) = with_sharing(number);
            let mut draw = Stream::new(Generator::ChaCha8, number, 0, "test/sharing/policies");
            common::scenarios::suit(&mut scenario, policy, &mut draw);
            if scenario.fits(policy).is_ok() {
                laws_of(&scenario, policy, &format!("scenario {number}"));
            }
        }
    }
}

#[test]
fn without_equal_pages_nothing_changes() {
    for number in 0..300 {
        let (mut scenario, policy) = with_sharing(number);
        for vm in &mut scenario.vms {
            vm.content.clear();
        }
        let mut outcome = common::simulate(&scenario, policy, &mut NullWatcher);
        scenario.sharing = None;
        let plain = common::simulate(&scenario, policy, &mut NullWatcher);
        // Only the looks are counted, and what a VM pays for is known.
        for (with, plain) in outcome.vms.iter_mut().zip(&plain.vms) {
            (with.sharing, with.charged) = (plain.sharing, plain.charged);
        }
        assert_eq!(outcome.vms, plain.vms, "scenario {number} under {}", policy.name);
        assert_eq!((outcome.end, outcome.checkpoints), (plain.end, plain.checkpoints));
    }
}
