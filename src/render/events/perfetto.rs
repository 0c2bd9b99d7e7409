//! Events as a timeline in the Chrome trace event format, which the Perfetto UI opens: a process
//! for the host and for each VM, counters of frames, resident pages and faults, instants for
//! checkpoints, slices where a VM gives or takes frames, and flows from the giver to the taker.
//!
//! A tick is shown as a microsecond, the format's unit. The file is bounded: a long run keeps every
//! second, fourth, … checkpoint, and only the first of very many moves; `otherData` tells what was
//! omitted. Frames are interchangeable; a flow pairs the frames that became free first with the VM
//! that takes first.

use std::collections::VecDeque;

use serde_json::{Value, json};

use crate::account::Outcome;
use crate::host::Change;
use crate::render::narrator::{Event, Resized};
use crate::scenario::Scenario;
use crate::store::trail;
use crate::units::{Ticks, VmId};
use crate::watch::Checkpoint;

/// The most samples of VMs, each at most three counter events.
const SAMPLES: usize = 40_000;
/// The most slices, flow ends and instants of VMs.
const MOVES: usize = 40_000;

/// The host's process id; those of the VMs follow in file order.
const HOST: u64 = 1;

/// A timeline under construction.
pub(crate) struct Timeline {
    about: Value,
    names: Vec<String>,
    /// Slices, flows and instants, and their ticks.
    moves: Vec<(Ticks, Value)>,
    moves_left_out: u64,
    flows: u64,
    samples: Vec<Sample>,
    /// Every `stride`th checkpoint is kept.
    stride: u64,
    /// The free frames, in the order in which they became free, and their last owners.
    free: VecDeque<Freed>,
}

struct Freed {
    by: Option<(VmId, Ticks)>,
    frames: u64,
}

/// The state at a checkpoint, after it.
struct Sample {
    at: Ticks,
    number: u64,
    fingerprint: u64,
    vms: Vec<(VmId, Gauge)>,
}

#[derive(Clone, Copy, Default)]
struct Gauge {
    frames: u64,
    resident: u64,
    /// The demand faults since the run began.
    faults: u64,
}

impl Timeline {
    /// An empty timeline.
    pub(crate) fn new(scenario: &Scenario, policy: &str) -> Self {
        Self {
            about: json!({
                "scenario": scenario.name,
                "policy": policy,
                "seed": scenario.seed,
                "host_frames": scenario.host.memory.0,
                "checkpoint_every": scenario.checkpoint_every.0,
                "time": "a tick is shown as one microsecond",
            }),
            names: scenario.vms.iter().map(|vm| vm.name.clone()).collect(),
            moves: Vec::new(),
            moves_left_out: 0,
            flows: 0,
            samples: Vec::new(),
            stride: 1,
            free: [Freed { by: None, frames: scenario.host.memory.0 }].into(),
        }
    }

    /// Records an event.
    pub(crate) fn note(&mut self, at: Ticks, event: &Event<'_>) {
        match event {
            Event::Wait(vm) => self.instant(at, *vm, "waits"),
            Event::Refuse { vm, .. } => self.instant(at, *vm, "is refused"),
            Event::Arrive(held, shrunk) => {
                self.change(at, shrunk);
                self.take(at, held.vm, held.frames.0, "arrives with");
            }
            Event::Move(changes, _) => self.change(at, changes),
            Event::Depart(vm, allocation) => self.give(at, *vm, allocation.0, "leaves behind"),
            Event::Skipped(_) | Event::Access(_) => {}
            Event::Checkpoint(checkpoint, changes) => {
                self.sample(checkpoint);
                self.change(at, changes);
            }
        }
    }

    /// The whole file.
    pub(crate) fn finish(&mut self, outcome: &Outcome) -> String {
        let mut about = std::mem::take(&mut self.about);
        about["fingerprint"] = trail::shown(outcome.fingerprint).into();
        about["checkpoints"] = outcome.checkpoints.into();
        about["checkpoints_shown_every"] = self.stride.into();
        about["moves_left_out"] = self.moves_left_out.into();
        let mut events = self.processes();
        let mut timed = std::mem::take(&mut self.moves);
        timed.extend(self.counters());
        timed.sort_by_key(|(at, _)| *at);
        events.extend(timed.into_iter().map(|(_, event)| event));
        // One event per line, so that differences between two files can be read.
        let events: Vec<String> = events.iter().map(ToString::to_string).collect();
        format!(
            "{{\"displayTimeUnit\":\"ms\",\"otherData\":{about},\"traceEvents\":[\n{}\n]}}\n",
            events.join(",\n")
        )
    }

    fn processes(&self) -> Vec<Value> {
        let mut events = Vec::new();

        let names = self.names.iter().map(String::as_str);
        for (nth, name) in ["host"].into_iter().chain(names).enumerate() {
            let pid = HOST + nth as u64;
            let event = |kind: &str, args: Value| {
                // The keys that metadata events need.
                json!({ "ph": "M", "name": kind, "pid": pid, "tid": pid, "args": args })
            };
            events.push(event("process_name", json!({ "name": name })));
            events.push(event("process_sort_index", json!({ "sort_index": nth })));
            let thread = if nth == 0 { "checkpoints" } else { "frames given and taken" };
            events.push(event("thread_name", json!({ "name": thread })));
        }
        events
    }

    fn change(&mut self, at: Ticks, changes: &[Resized<'_>]) {
        for change in changes {
            let (vm, (verb, moved)) = (change.held.vm, change.moved());
            if change.held.frames > change.before {
                self.take(at, vm, moved.0, verb);
            } else {
                self.give(at, vm, moved.0, verb);
            }
        }
    }

    fn give(&mut self, at: Ticks, vm: VmId, frames: u64, verb: &str) {
        self.slice(at, vm, frames, verb);
        self.free.push_back(Freed { by: Some((vm, at)), frames });
    }

    fn take(&mut self, at: Ticks, vm: VmId, frames: u64, verb: &str) {
        self.slice(at, vm, frames, verb);
        let mut wanted = frames;
        while wanted > 0 {
            let freed = self.free.front_mut().expect("frames are conserved");
            let taken = wanted.min(freed.frames);
            freed.frames -= taken;
            wanted -= taken;
            let by = freed.by;
            if freed.frames == 0 {
                self.free.pop_front();
            }
            if let Some((donor, freed_at)) = by {
                self.flow((donor, freed_at), (vm, at), taken);
            }
        }
    }

    fn slice(&mut self, at: Ticks, vm: VmId, frames: u64, verb: &str) {
        let name = format!("{verb} {frames}");
        let event = json!({
            "ph": "X", "cat": "frames", "name": name, "pid": pid(vm), "tid": pid(vm),
            "ts": at.0, "dur": 1, "args": { "frames": frames },
        });
        self.keep([(at, event)]);
    }

    /// An arrow between two slices. Both ends are kept or left out together.
    fn flow(&mut self, from: (VmId, Ticks), to: (VmId, Ticks), frames: u64) {
        let id = self.flows;
        self.flows += 1;
        let end = |phase: &str, (vm, at): (VmId, Ticks)| {
            let mut event = json!({
                "ph": phase, "cat": "frames", "name": "frames", "id": id,
                "pid": pid(vm), "tid": pid(vm), "ts": at.0, "args": { "frames": frames },
            });
            if phase == "f" {
                event["bp"] = "e".into(); // It ends in the enclosing slice, not the next one.
            }
            (at, event)
        };
        self.keep([end("s", from), end("f", to)]);
    }

    fn instant(&mut self, at: Ticks, vm: VmId, what: &str) {
        let event = json!({
            "ph": "i", "cat": "frames", "name": what, "pid": pid(vm), "tid": pid(vm),
            "ts": at.0, "s": "p",
        });
        self.keep([(at, event)]);
    }

    fn keep<const N: usize>(&mut self, events: [(Ticks, Value); N]) {
        // After the first omission everything is omitted, so that no arrow lacks its slice.
        if self.moves_left_out > 0 || self.moves.len() + N > MOVES {
            self.moves_left_out += 1;
        } else {
            self.moves.extend(events);
        }
    }

    fn sample(&mut self, checkpoint: &Checkpoint<'_>) {
        if !checkpoint.number.is_multiple_of(self.stride) {
            return;
        }
        let mut vms: Vec<(VmId, Gauge)> = Vec::with_capacity(checkpoint.view.vms.len());
        for (vm, resident) in checkpoint.view.vms.iter().zip(checkpoint.resident) {
            let faults = vm.total.demand_faults;
            vms.push((vm.id, Gauge { frames: vm.allocation.0, resident: resident.0, faults }));
        }
        for &Change { vm, after, .. } in checkpoint.changes {
            let at = vms.binary_search_by_key(&vm, |(id, _)| *id);
            vms[at.expect("a VM that changes is in the view")].1.frames = after.0;
        }
        let (at, number) = (checkpoint.view.at, checkpoint.number);
        self.samples.push(Sample { at, number, fingerprint: checkpoint.fingerprint, vms });
        let held = |samples: &[Sample]| samples.iter().map(|sample| sample.vms.len() + 1).sum();
        while self.samples.len() > 1 && SAMPLES < held(&self.samples) {
            self.stride *= 2;
            self.samples.retain(|sample| sample.number.is_multiple_of(self.stride));
        }
    }

    /// The kept checkpoints, and the counters that changed at each.
    fn counters(&mut self) -> Vec<(Ticks, Value)> {
        let mut events = Vec::new();
        let mut before: Vec<Option<Gauge>> = vec![None; self.names.len()];
        let mut faults_before: Vec<Option<u64>> = vec![None; self.names.len()];
        for Sample { at, number, fingerprint, vms } in std::mem::take(&mut self.samples) {
            let name = format!("checkpoint {number}");
            let instant = json!({
                "ph": "i", "cat": "checkpoints", "name": name, "pid": HOST, "tid": HOST,
                "ts": at.0, "s": "g", "args": { "fingerprint": trail::shown(fingerprint) },
            });
            events.push((at, instant));
            for (vm, now) in vms {
                let last = before[vm.index()].replace(now);
                let faults = now.faults - last.map_or(0, |last| last.faults);
                let faults_last = faults_before[vm.index()].replace(faults);
                let gauges = [
                    ("frames", now.frames, last.map(|last| last.frames)),
                    ("resident", now.resident, last.map(|last| last.resident)),
                    ("faults", faults, faults_last),
                ];
                for (name, value, shown) in gauges {
                    if shown != Some(value) {
                        let counter = json!({
                            "ph": "C", "name": name, "pid": pid(vm), "ts": at.0,
                            "args": { name: value },
                        });
                        events.push((at, counter));
                    }
                }
            }
        }
        events
    }
}

fn pid(vm: VmId) -> u64 {
    HOST + 1 + vm.index() as u64
}
