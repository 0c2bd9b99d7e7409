//! Random scenarios of every kind, small enough for naive simulators.

use std::sync::Arc;

use balloonist::balance::{self, PolicyKind};
use balloonist::params::Settings;
use balloonist::random::{Generator, Stream};
use balloonist::replace::{self, Delays};
use balloonist::scenario::{Actuator, Admission, After, Phase, Scenario, VmSpec};
use balloonist::trace::tempo::Tempo;
use balloonist::trace::{AccessKind, TraceBuilder};
use balloonist::units::{Frames, Page, Ticks};

use super::policies::{self, set, small_settings};
use super::replacements::random_settings;
use super::simulator;

/// Up to three phases in order, sometimes without an end.
fn random_phases(draw: &mut Stream, endless: bool) -> Vec<Phase> {
    let mut at = 0;
    let mut phases = Vec::new();
    for _ in 0..draw.below(4) {
        let from = at + draw.below(15);
        at = from + 1 + draw.below(15);
        phases.push(Phase { from: Ticks(from), until: Ticks(at) });
    }
    if let Some(last) = phases.last_mut()
        && endless
        && draw.below(3) == 0
    {
        last.until = Phase::NEVER;
    }
    phases
}

fn random_vm(draw: &mut Stream, at: usize, memory: u64) -> VmSpec {
    let pages = 1 + draw.below(8);
    let length = 1 + draw.below(40);
    let mut page = 0;
    let trace: Vec<u64> = (0..length)
        .map(|_| {
            if draw.below(3) > 0 {
                page = draw.below(pages);
            }
            page
        })
        .collect();
    let mut vm = super::vm(at, &trace, 1, memory);
    // Half of the traces have kinds, and in a third of them pages are freed.
    let (has_kinds, frees) = (draw.below(2) == 0, draw.below(3) == 0);
    let mut builder = TraceBuilder::default();
    for &page in &trace {
        if has_kinds {
            builder.push_kind(Page(page), AccessKind::ALL[draw.below(4) as usize]);
        } else {
            builder.push(Page(page));
        }
        while frees && draw.below(4) == 0 {
            builder.free(Page(draw.below(pages)));
        }
    }
    vm.trace = Arc::new(builder.finish());
    vm.start = Ticks(if draw.below(2) == 0 { 0 } else { draw.below(30) });
    vm.tempo = Tempo::Steps(Ticks(if draw.below(2) == 0 { 1 } else { 1 + draw.below(4) }));
    vm.after = [After::Idle, After::Leave, After::Repeat][draw.below(3) as usize];
    if draw.below(4) == 0 {
        vm.stop = Some(Ticks(vm.start.0 + 1 + draw.below(60)));
    }
    if draw.below(4) == 0 {
        vm.idle = random_phases(draw, false);
    }
    if draw.below(4) == 0 {
        vm.stuck = random_phases(draw, true);
    }
    vm
}

/// A scenario of up to five VMs on up to 34 frames, and a policy for it.
pub fn random_scenario(number: u64) -> (Scenario, &'static PolicyKind) {
    let mut draw = Stream::new(Generator::ChaCha8, number, 0, "test/scenario");
    let vms = 1 + draw.below(5);
    let memory = 3 * vms + draw.below(20);
    let mut specs: Vec<VmSpec> =
        (0..vms).map(|at| random_vm(&mut draw, at as usize, memory)).collect();
    if specs.iter().all(|vm| vm.after == After::Repeat && vm.stop.is_none()) {
        specs[0].after = After::Idle;
    }
    let admission = Admission::ALL[draw.below(3) as usize].1;
    // Unless admission is guaranteed, minima need not fit together.
    let min_max = if admission == Admission::Guaranteed { 3 } else { 3 + draw.below(memory - 2) };
    for vm in &mut specs {
        vm.min = Frames(1 + draw.below(min_max));
        vm.max = Frames(vm.min.0 + draw.below(memory - vm.min.0 + 1));
        vm.initial = Frames((memory / vms).clamp(vm.min.0, vm.max.0));
    }
    // Half of them have a random replacement algorithm for each VM; the naive simulator knows LRU.
    if draw.below(2) == 0 {
        for vm in &mut specs {
            vm.replacement = &replace::ALL[draw.below(replace::ALL.len() as u64) as usize];
            vm.replacement_settings = random_settings(vm.replacement.params, &mut draw);
        }
    }
    let every = 1 + draw.below(20);
    let mut scenario = super::scenario(specs, memory, every);
    scenario.host.admission = admission;
    if draw.below(2) == 0 {
        let (latency, step) = (Ticks(draw.below(12)), Ticks(1 + draw.below(6)));
        scenario.actuator = Actuator { latency, rate: Frames(1 + draw.below(5)), step };
    }
    scenario.seed = number;
    scenario.random = if draw.below(2) == 0 { Generator::ChaCha8 } else { Generator::Glibc };
    let mut ticks = |bound| Ticks(if draw.below(2) == 0 { 0 } else { draw.below(bound) });
    scenario.cost.delays =
        Delays { fault: ticks(7), zero_fill: ticks(3), swap_in: ticks(5), write_back: ticks(5) };
    scenario.cost.counts_write_backs = draw.below(2) == 0;
    // Intercepted accesses delay VMs; the naive simulator's policies have no observers.
    scenario.cost.trap = Ticks(if draw.below(2) == 0 { 0 } else { draw.below(3) });
    scenario.cost.policy = Ticks(if draw.below(2) == 0 { 0 } else { draw.below(every) });
    // Half of them run under policies that the naive simulator knows.
    let policy = if draw.below(2) == 0 {
        super::policy(simulator::POLICIES[draw.below(3) as usize])
    } else {
        &balance::ALL[draw.below(balance::ALL.len() as u64) as usize]
    };
    suit(&mut scenario, policy, &mut draw);
    (scenario, policy)
}

/// Sets what a policy needs to run and, usually, settings with which it acts.
pub fn suit(scenario: &mut Scenario, policy: &PolicyKind, draw: &mut Stream) {
    if policy.name == "senpai" {
        // Without it no VM ever stalls, and limits never rise again.
        scenario.cost.delays.fault = Ticks(1 + draw.below(6));
    }
    if policy.pools() {
        // It needs all of them.
        scenario.actuator = Actuator::INSTANT;
        for vm in &mut scenario.vms {
            vm.stuck.clear();
            vm.replacement = &replace::ALL[0];
            vm.replacement_settings = Settings::defaults(vm.replacement.params);
        }
    }
    // Many defaults are for real machines; nothing would move here.
    match draw.below(4) {
        0 => (),
        1 => set(scenario, policy, small_settings(policy)),
        _ => set(scenario, policy, policies::random_settings(policy, draw)),
    }
}
