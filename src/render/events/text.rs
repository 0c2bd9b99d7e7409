//! Events as sentences, in the 2011 report's words: a page miss takes a frame from another page,
//! and at a checkpoint a VM gives or takes page frames.

use std::fmt::Write as _;

use crate::account::Outcome;
use crate::number::{counted, every, grouped};
use crate::render::narrator::{Event, Resized, Touch, Touched, listed};
use crate::scenario::Scenario;
use crate::units::{Frames, Ticks, VmId};
use crate::watch::Checkpoint;

/// The legend.
pub(crate) fn first(scenario: &Scenario, policy: &str) -> String {
    format!(
        "{} under {}: {}, {}, a checkpoint {}\n\
         page miss: an access that takes the frame of another page; fault: an access to a page \
         that is in no frame\n\n",
        scenario.name,
        policy,
        counted(scenario.vms.len() as u64, "VM"),
        frames(scenario.host.memory),
        every(scenario.checkpoint_every.0, scenario.in_time),
    )
}

/// The lines of an event.
pub(crate) fn lines(scenario: &Scenario, at: Ticks, event: &Event<'_>) -> String {
    let name = |vm: VmId| scenario.vms[vm.index()].name.as_str();
    let said = match event {
        Event::Skipped(_) => return String::new(),
        Event::Wait(vm) => {
            let min = frames(scenario.vms[vm.index()].min);
            format!("{} waits for its minimum of {min}", name(*vm))
        }
        Event::Refuse { vm, gave_up: true, .. } => {
            format!("{} gives up: its stop is reached", name(*vm))
        }
        Event::Refuse { vm, left, .. } => {
            let min = frames(scenario.vms[vm.index()].min);
            format!("{} is refused: its minimum is {min}, {} left", name(*vm), grouped(left.0))
        }
        Event::Arrive(held, shrunk) => {
            let mut said = format!("{} arrives and takes {}", name(held.vm), frames(held.frames));
            said += &changes(at, shrunk, name);
            said
        }
        Event::Move(moved, in_flight) => {
            format!("frames move{}{}", changes(at, moved, name), flying(at, *in_flight))
        }
        Event::Depart(vm, allocation) => {
            format!("{} leaves and gives back {}", name(*vm), frames(*allocation))
        }
        Event::Access(touch) => access(name(touch.held.vm), touch),
        Event::Checkpoint(checkpoint, moved) => looked(at, checkpoint, moved, name),
    };
    format!("t={at}  {said}\n")
}

/// The results.
pub(crate) fn last(outcome: &Outcome) -> String {
    let counts = outcome.all.counts;
    format!(
        "t={}  the end: {} page accesses, {} ({} cold), {}, {} moved\n",
        outcome.end,
        grouped(counts.accesses),
        counted(counts.demand_faults, "fault"),
        grouped(counts.cold_faults),
        misses(counts.replacement_misses),
        counted(outcome.all.frames_moved(), "frame"),
    )
}

fn access(vm: &str, touch: &Touch<'_>) -> String {
    let outcome = match &touch.outcome {
        Touched::Hit => "hit".to_owned(),
        Touched::HostFault => "host fault, the host reads it from its swap space".to_owned(),
        Touched::Fill => "fault, an empty frame takes it".to_owned(),
        Touched::Evicts(pages) => match &pages[..] {
            [] => "page miss, a frame that was emptied before takes it".to_owned(),
            [page] => format!("page miss, page {page} leaves its frame"),
            pages => format!("page miss, pages {} leave their frames", listed(pages)),
        },
    };
    let cold = if touch.cold { ", the first access ever" } else { "" };
    format!("{vm} accesses page {}: {outcome}{cold}{}", touch.page, touch.freed_words())
}

fn looked<'a>(
    at: Ticks,
    checkpoint: &Checkpoint<'_>,
    moved: &[Resized<'_>],
    name: impl Fn(VmId) -> &'a str + Copy,
) -> String {
    let mut said = format!("checkpoint {}", checkpoint.number);
    for (vm, target) in checkpoint.view.vms.iter().zip(&checkpoint.plan.0) {
        let _ = write!(
            said,
            "\nt={at}    {} has {}, {} in use: {}, {} since the last checkpoint; {}, {} in all; \
             target {}",
            name(vm.id),
            frames(vm.allocation),
            grouped(vm.resident.0),
            misses(vm.interval.replacement_misses),
            counted(vm.interval.demand_faults, "fault"),
            misses(vm.total.replacement_misses),
            counted(vm.total.demand_faults, "fault"),
            grouped(target.0),
        );
    }
    for reason in checkpoint.reasons() {
        let _ = write!(said, "\nt={at}    {} because {}", name(reason.vm), reason.text);
    }
    said += &changes(at, moved, name);
    if moved.is_empty() {
        let _ = write!(said, "\nt={at}    nothing moves");
    }
    said + &flying(at, checkpoint.in_flight)
}

fn changes<'a>(at: Ticks, changes: &[Resized<'_>], name: impl Fn(VmId) -> &'a str) -> String {
    let mut said = String::new();
    for change in changes {
        let (verb, moved) = change.moved();
        let _ = write!(said, "\nt={at}    {} {verb} {}", name(change.held.vm), frames(moved));
    }
    said
}

fn flying(at: Ticks, in_flight: Frames) -> String {
    if in_flight == Frames(0) {
        return String::new();
    }
    format!("\nt={at}    in flight: {}", frames(in_flight))
}

fn frames(frames: Frames) -> String {
    counted(frames.0, "page frame")
}

fn misses(misses: u64) -> String {
    counted(misses, "page miss")
}
