//! Builds scenarios in code.

#![allow(dead_code, reason = "each test uses its part")]

pub mod policies;
pub mod replacements;
pub mod scenarios;
pub mod simulator;
pub mod views;

use std::sync::Arc;

use balloonist::account::Outcome;
use balloonist::balance;
use balloonist::params::Settings;
use balloonist::random::Generator;
use balloonist::replace;
use balloonist::scenario::{
    Actuator, Admission, After, Cost, HostSpec, Scenario, Split, TraceSource, VmSpec,
};
use balloonist::trace::Trace;
use balloonist::trace::tempo::Tempo;
use balloonist::units::{Frames, Ticks};
use balloonist::watch::Watcher;

/// The policy of that name.
pub(crate) fn policy(name: &str) -> &'static balance::PolicyKind {
    balance::ALL.iter().find(|kind| kind.name == name).expect("a known policy")
}

/// A VM in lockstep that may hold 1 to `memory` frames and starts with `initial`.
pub(crate) fn vm(at: usize, pages: &[u64], initial: u64, memory: u64) -> VmSpec {
    let replacement = &replace::ALL[0];
    VmSpec {
        name: format!("VM{at}"),
        replacement,
        replacement_settings: Settings::defaults(replacement.params),
        min: Frames(1),
        max: Frames(memory),
        size: Frames(memory),
        shares: 1000,
        initial: Frames(initial),
        start: Ticks(0),
        start_within: Ticks(0),
        start_drawn: Ticks(0),
        tempo: Tempo::default(),
        stop: None,
        after: After::Idle,
        idle: Vec::new(),
        stuck: Vec::new(),
        trace: Arc::new(Trace::from_pages(pages.iter().copied())),
        source: TraceSource::Pages(pages.to_vec()),
        content: Vec::new(),
    }
}

/// These VMs on a host of `memory` frames, a checkpoint every `every` ticks, glibc's draws.
pub(crate) fn scenario(vms: Vec<VmSpec>, memory: u64, every: u64) -> Scenario {
    Scenario {
        name: "test".to_owned(),
        seed: 1,
        repetition: 0,
        random: Generator::Glibc,
        programs: None,
        compare: balance::ALL.iter().collect(),
        host: HostSpec {
            memory: Frames(memory),
            page_size: 4096,
            in_bytes: false,
            split: Split::Initial,
            admission: Admission::Guaranteed,
        },
        checkpoint_every: Ticks(every),
        in_time: false,
        policy: policy("static"),
        policy_settings: std::collections::BTreeMap::new(),
        wrapper: Settings::defaults(balance::wrapped::PARAMS),
        cost: Cost::default(),
        actuator: Actuator::INSTANT,
        paging: None,
        states: None,
        sharing: None,
        tiers: Vec::new(),
        warm_up: None,
        vms,
        expects: Vec::new(),
        plan: None,
        sweep: None,
    }
}

/// A run under a policy that always has a good plan.
pub(crate) fn simulate(
    scenario: &Scenario,
    policy: &balance::PolicyKind,
    watcher: &mut dyn Watcher,
) -> Outcome {
    balloonist::simulate::simulate(scenario, policy, watcher).unwrap()
}

/// Whether the policy can run the scenario.
pub(crate) fn fits(scenario: &Scenario, policy: &balance::PolicyKind) -> bool {
    scenario.fits(policy).is_ok()
}
