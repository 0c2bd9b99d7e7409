//! Events as JSON lines: one object each, with a member `event`, in order.

use serde_json::{Value, json};

use crate::account::Outcome;
use crate::render::narrator::{Event, Resized, Touch, Touched};
use crate::scenario::Scenario;
use crate::store::trail;
use crate::units::{Ticks, VmId};
use crate::watch::Checkpoint;

/// The first line: the scenario and the policy.
pub(crate) fn first(scenario: &Scenario, policy: &str) -> String {
    let names: Vec<&str> = scenario.vms.iter().map(|vm| vm.name.as_str()).collect();
    ended(&json!({
        "event": "run",
        "scenario": scenario.name,
        "policy": policy,
        "seed": scenario.seed,
        "host_frames": scenario.host.memory.0,
        "checkpoint_every": scenario.checkpoint_every.0,
        "vms": names,
    }))
}

/// The line of an event.
pub(crate) fn line(scenario: &Scenario, at: Ticks, event: &Event<'_>) -> String {
    let name = |vm: VmId| scenario.vms[vm.index()].name.as_str();
    let changes = |changes: &[Resized<'_>]| -> Vec<Value> {
        let change = |change: &Resized<'_>| {
            json!({
                "vm": name(change.held.vm),
                "before": change.before.0,
                "after": change.held.frames.0,
            })
        };
        changes.iter().map(change).collect()
    };
    let at = at.0;
    ended(&match event {
        Event::Skipped(_) => return String::new(),
        Event::Wait(vm) => json!({ "tick": at, "event": "wait", "vm": name(*vm) }),
        Event::Refuse { vm, left, .. } => {
            json!({ "tick": at, "event": "refusal", "vm": name(*vm), "frames_left": left.0 })
        }
        Event::Arrive(held, shrunk) => json!({
            "tick": at,
            "event": "arrival",
            "vm": name(held.vm),
            "frames": held.frames.0,
            "changes": changes(shrunk),
        }),
        Event::Move(moved, in_flight) => json!({
            "tick": at,
            "event": "move",
            "changes": changes(moved),
            "in_flight": in_flight.0,
        }),
        Event::Depart(vm, allocation) => {
            json!({ "tick": at, "event": "departure", "vm": name(*vm), "frames": allocation.0 })
        }
        Event::Access(touch) => access(name(touch.held.vm), at, touch),
        Event::Checkpoint(checkpoint, moved) => {
            let mut line = json!({
                "tick": at,
                "event": "checkpoint",
                "number": checkpoint.number,
                "vms": views(checkpoint, name),
                "changes": changes(moved),
                "in_flight": checkpoint.in_flight.0,
                "fingerprint": trail::shown(checkpoint.fingerprint),
            });
            let reasons = checkpoint.reasons();
            if !reasons.is_empty() {
                let reasons = reasons.iter();
                let reasons = reasons.map(|reason| json!([name(reason.vm), reason.text]));
                line["reasons"] = reasons.collect();
            }
            line
        }
    })
}

/// The last line: the results.
pub(crate) fn last(outcome: &Outcome) -> String {
    let counts = outcome.all.counts;
    ended(&json!({
        "tick": outcome.end.0,
        "event": "end",
        "accesses": counts.accesses,
        "demand_faults": counts.demand_faults,
        "cold_faults": counts.cold_faults,
        "replacement_misses": counts.replacement_misses,
        "granted": outcome.all.granted.0,
        "fingerprint": trail::shown(outcome.fingerprint),
    }))
}

fn access(vm: &str, at: u64, touch: &Touch<'_>) -> Value {
    let outcome = match &touch.outcome {
        Touched::Hit => "hit",
        Touched::HostFault => "host fault",
        Touched::Fill => "fill",
        Touched::Evicts(_) => "replacement miss",
    };
    let evicted = match touch.evicted() {
        [] => Value::Null,
        [page] => page.0.into(),
        pages => pages.iter().map(|page| page.0).collect(),
    };
    let mut line = json!({
        "tick": at,
        "event": "access",
        "vm": vm,
        "position": touch.position,
        "page": touch.page.0,
        "outcome": outcome,
        "evicts": evicted,
        "cold": touch.cold,
    });
    if !touch.freed.is_empty() {
        line["frees"] = touch.freed.iter().map(|page| json!(page.0)).collect();
    }
    line
}

fn views<'a>(checkpoint: &Checkpoint<'_>, name: impl Fn(VmId) -> &'a str) -> Vec<Value> {
    let vms = checkpoint.view.vms.iter().zip(&checkpoint.plan.0);
    vms.map(|(vm, target)| {
        json!({
            "vm": name(vm.id),
            "frames": vm.allocation.0,
            "resident": vm.resident.0,
            "accesses": vm.interval.accesses,
            "demand_faults": vm.interval.demand_faults,
            "replacement_misses": vm.interval.replacement_misses,
            "total_demand_faults": vm.total.demand_faults,
            "total_replacement_misses": vm.total.replacement_misses,
            "target": target.0,
        })
    })
    .collect()
}

fn ended(value: &Value) -> String {
    format!("{value}\n")
}
