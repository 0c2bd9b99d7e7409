//! Custom policies, plans that the host refuses, and runs in steps.

use crate::common;
use crate::common::scenarios::random_scenario;
use balloonist::balance::{Bounds, Plan, PlanError, Policy, PolicyError, PolicyKind, View};
use balloonist::meets::Meets;
use balloonist::observe;
use balloonist::params::{Domain, Param, Settings, Value};
use balloonist::random::{Generator, Stream};
use balloonist::scenario::Scenario;
use balloonist::simulate::{PolicyRun, RunError, Simulation, simulate};
use balloonist::store::vms;
use balloonist::units::{Frames, Ticks, VmId};
use balloonist::watch::NullWatcher;

/// A policy that is a closure.
struct Rule<F>(F);

impl<F> Policy for Rule<F>
where
    F: FnMut(&View) -> Result<Plan, PolicyError> + Send,
{
    fn plan(&mut self, view: &View, _: &mut Stream) -> Result<Plan, PolicyError> {
        (self.0)(view)
    }
}

fn mine(rule: impl FnMut(&View) -> Result<Plan, PolicyError> + Send + 'static) -> PolicyRun {
    PolicyRun::new("mine", Box::new(Rule(rule)))
}

/// VM0 of 3 frames that loops over 4 pages, VM1 of 5 that uses one page, on 8 frames; checkpoints
/// at 10, 20 and 30.
fn two_vms() -> Scenario {
    let looping: Vec<u64> = (0..30).map(|access| access % 4).collect();
    let vms = vec![common::vm(0, &looping, 3, 6), common::vm(1, &[7; 30], 5, 8)];
    common::scenario(vms, 8, 10)
}

fn run(scenario: &Scenario, policy: PolicyRun) -> Result<balloonist::account::Outcome, RunError> {
    Simulation::new(scenario, policy, &mut NullWatcher).run()
}

#[test]
fn a_custom_policy_runs_under_its_own_name() {
    let scenario = two_vms();
    let outcome = run(&scenario, mine(|_| Ok(Plan(vec![Frames(4), Frames(4)])))).unwrap();
    assert_eq!(outcome.policy, "mine");
    // 10 faults with 3 frames for a loop over 4 pages; the 11th access loads the missing page into
    // the fourth frame, and no access faults from then on.
    assert_eq!(outcome.vms[0].counts.demand_faults, 11);
    assert_eq!(outcome.vms[1].counts.demand_faults, 1);
    let table = vms::table(&scenario, &outcome).to_csv();
    assert!(table.lines().skip(1).all(|row| row.starts_with("test,mine,10,1,")), "{table}");
}

#[test]
fn an_unlisted_kind_runs_with_its_defaults_or_the_scenarios_settings() {
    const GIVEN: Param = Param {
        name: "given",
        doc: "frames of the first VM",
        domain: Domain::Frames { min: 1 },
        default: Value::Integer(4),
    };
    const KIND: PolicyKind = PolicyKind {
        name: "fixed",
        summary: "",
        follows: "",
        live_interval: None,
        params: &[GIVEN],
        meets: Meets::Never,
        observers: |_| &[],
        fits: |_, _, _| Ok(()),
        build: |settings| {
            let given = settings.integer("given");
            Box::new(Rule(move |view: &View| {
                Ok(Plan(vec![Frames(given), view.host - Frames(given)]))
            }))
        },
    };
    let mut scenario = two_vms();
    let last = |scenario: &Scenario| {
        let outcome = simulate(scenario, &KIND, &mut NullWatcher).unwrap();
        (outcome.policy, outcome.vms[0].frames.last)
    };
    assert_eq!(last(&scenario), ("fixed".to_owned(), Frames(4)));
    let mut settings = Settings::defaults(KIND.params);
    settings.set("given", Value::Integer(6));
    scenario.policy_settings.insert("fixed", settings);
    assert_eq!(last(&scenario), ("fixed".to_owned(), Frames(6)));
}

#[test]
fn a_custom_policy_sees_its_observers() {
    let scenario = two_vms();
    let window = observe::ALL.iter().find(|kind| kind.name == "window").expect("an observer");
    let observers: &'static [_] = Vec::leak(vec![*window]);
    let policy = mine(|view| {
        // The first interval uses 4 pages and 1 page.
        let used: Vec<Frames> = view.vms.iter().map(|vm| vm.seen.window.distinct).collect();
        assert_eq!(used, [Frames(4), Frames(1)]);
        Ok(Plan::unchanged(view))
    });
    run(&scenario, policy.observing(observers, Settings::defaults(window.params))).unwrap();
}

/// The result of a run under a policy that always makes this plan.
fn refused(scenario: &Scenario, targets: &[u64]) -> RunError {
    let plan = Plan(targets.iter().copied().map(Frames).collect());
    run(scenario, mine(move |_| Ok(plan.clone()))).unwrap_err()
}

#[test]
fn the_host_refuses_each_kind_of_bad_plan_and_says_why() {
    let scenario = two_vms();
    let cases: [(&[u64], PlanError, &str); 5] = [
        (
            &[4],
            PlanError::Length { targets: 1, vms: 2 },
            "the plan has 1 targets, expected one for each of 2 VMs",
        ),
        (
            &[4, 4, 0],
            PlanError::Length { targets: 3, vms: 2 },
            "the plan has 3 targets, expected one for each of 2 VMs",
        ),
        (
            &[7, 1],
            PlanError::Target {
                vm: VmId(0),
                target: Frames(7),
                bounds: Bounds { min: Frames(1), max: Frames(6) },
            },
            "the plan gives VM `VM0` 7 frames, expected 1 to 6",
        ),
        (
            &[4, 0],
            PlanError::Target {
                vm: VmId(1),
                target: Frames(0),
                bounds: Bounds { min: Frames(1), max: Frames(8) },
            },
            "the plan gives VM `VM1` 0 frames, expected 1 to 8",
        ),
        (
            &[4, 5],
            PlanError::Sum { sum: 9, host: Frames(8) },
            "the plan gives 9 frames in all, expected at most the host's 8",
        ),
    ];
    for (targets, kind, sentence) in cases {
        let error = refused(&scenario, targets);
        assert_eq!(error.to_string(), format!("policy mine at tick 10: {sentence}"));
        assert_eq!(error.error, PolicyError::BadPlan(kind));
        assert_eq!((error.policy.as_str(), error.at), ("mine", Ticks(10)));
    }
}

#[test]
fn a_wrapper_does_not_hide_a_bad_plan() {
    let mut scenario = two_vms();
    // Both targets are inside the band, so nothing would move.
    scenario.wrapper.set("dead_band", Value::Integer(8));
    let error = refused(&scenario, &[4, 5]);
    assert_eq!(error.error, PolicyError::BadPlan(PlanError::Sum { sum: 9, host: Frames(8) }));
}

#[test]
fn a_policy_that_fails_ends_the_run_where_it_failed() {
    let scenario = two_vms();
    let policy = || {
        mine(|view| match view.at {
            Ticks(20) => Err(PolicyError::failed("the program has ended, start it again")),
            _ => Ok(Plan::unchanged(view)),
        })
    };
    let error = run(&scenario, policy()).unwrap_err();
    let text = "policy mine at tick 20: the program has ended, start it again";
    assert_eq!(error.to_string(), text);
    // Further steps return the same error, and the policy is not called again.
    let mut watcher = NullWatcher;
    let mut steps = Simulation::new(&scenario, policy(), &mut watcher);
    assert!(steps.run_until(Ticks(20)).unwrap());
    assert_eq!(steps.run_until(Ticks(21)).unwrap_err(), error);
    assert_eq!(steps.step().unwrap_err(), error);
    assert_eq!(steps.run().unwrap_err(), error);
}

#[test]
fn a_run_in_steps_equals_the_whole_run() {
    for number in 0..150 {
        let (scenario, policy) = random_scenario(number);
        if !common::fits(&scenario, policy) {
            continue;
        }
        let whole = simulate(&scenario, policy, &mut NullWatcher).unwrap();

        let mut watcher = NullWatcher;
        let mut steps = Simulation::new(&scenario, policy.run(&scenario), &mut watcher);
        let mut last = Ticks(0);
        while let Some(at) = steps.step().unwrap() {
            assert!(at >= last, "events come in order");
            last = at;
        }
        assert_eq!(steps.run().unwrap(), whole, "step by step, scenario {number}");

        let mut draw = Stream::new(Generator::ChaCha8, number, 0, "test/parts");
        let mut watcher = NullWatcher;
        let mut parts = Simulation::new(&scenario, policy.run(&scenario), &mut watcher);
        let mut tick = Ticks(0);
        while parts.run_until(tick).unwrap() {
            tick += Ticks(1 + draw.below(whole.end.0 / 3 + 2));
        }
        assert_eq!(parts.run().unwrap(), whole, "in parts, scenario {number}");
    }
}

#[test]
fn a_part_of_a_run_has_the_accesses_before_its_tick_and_no_others() {
    let scenario = two_vms();
    let policy = common::policy("static");
    for tick in [0, 1, 9, 10, 11, 29, 30, 1000] {
        let mut watcher = NullWatcher;
        let mut part = Simulation::new(&scenario, policy.run(&scenario), &mut watcher);
        assert_eq!(part.run_until(Ticks(tick)).unwrap(), tick <= 30, "{tick}");
        for vm in [VmId(0), VmId(1)] {
            assert_eq!(part.counts(vm).accesses, tick.min(30), "{tick}");
        }
        let held = (tick > 0).then_some(Frames(5));
        assert_eq!(part.host().allocation(VmId(1)), held, "{tick}");
    }
}
