//! The optimal allocation for LRU: the fewest faults of two LRU VMs over all ways to move frames
//! between them.
//!
//! *Idea.* However frames move, the resident pages of an LRU VM are the first k of its stack. More
//! frames never hurt, so empty frames are always filled, and once the host is full its state is one
//! number: how many frames the first VM holds. At a fault, a VM either replaces its own page or
//! takes a frame from the other VM. A dynamic program keeps the fewest faults for each state.
//! *Follows.* R. L. Mattson, J. Gecsei, D. R. Slutz and I. L. Traiger, "Evaluation techniques for
//! storage hierarchies", IBM Systems Journal 9(2), 1970, for the stack; the program is ours.
//! *Departs.* For two VMs that start together, stay and free no pages. Accesses are at the nominal
//! pace; minima and maxima are respected. Moving a frame before the fault that needs it gains
//! nothing, so frames move at faults only.
//! *Cost.* O(F) for each run that is deeper than its VM's minimum, with F frames; two integers per
//! frame. Refused beyond 2³⁶ steps.
//! *Parameters.* None.

use std::iter::Peekable;
use std::ops::RangeInclusive;

use super::pace::Pace;
use crate::scenario::{After, Scenario, VmSpec};
use crate::units::Frames;

/// The most steps that the program may take.
const STEPS_MAX: u128 = 1 << 36;

/// The demand faults under the best way to move frames between the scenario's two VMs.
///
/// # Errors
/// Why the scenario has no such bound, in one sentence without a full stop.
pub fn opt_lru(scenario: &Scenario) -> Result<u64, String> {
    let [one, other] = &scenario.vms[..] else {
        let vms = scenario.vms.len();
        return Err(format!("opt-lru needs exactly two VMs, and the scenario has {vms}"));
    };
    for vm in [one, other] {
        if !vm.replacement.is_lru() {
            let (name, replacement) = (&vm.name, vm.replacement.name);
            return Err(format!("opt-lru needs LRU guests, but VM `{name}` runs {replacement}"));
        }
        if vm.trace.has_frees() {
            let name = &vm.name;
            return Err(format!("opt-lru needs guests that free no pages, unlike `{name}`"));
        }
        if vm.after != After::Idle || vm.stop.is_some() || vm.start != one.start {
            let name = &vm.name;
            return Err(format!(
                "opt-lru needs VMs that start together, stay and do not repeat, unlike `{name}`"
            ));
        }
    }
    let frames = scenario.host.memory;
    let runs: u128 = [one, other].map(|vm| vm.trace.run_pages().len() as u128).iter().sum();
    if runs * u128::from(frames.0) > STEPS_MAX {
        return Err(format!(
            "opt-lru would take {runs} runs × {frames} frames, more than 2^36 steps; lower \
             `host.memory` or shorten the traces"
        ));
    }
    let paces = Pace::of_all(scenario);
    let [first, second] = [0, 1].map(|vm| distances(&scenario.vms[vm], &paces[vm]).peekable());
    Ok(Partition::new(one, other, frames).replay(first, second))
}

/// The tick and the stack distance of each run of a VM.
fn distances<'a>(vm: &'a VmSpec, pace: &'a Pace) -> impl Iterator<Item = (u64, u64)> {
    let trace = &*vm.trace;
    let distances = trace.distances_of(true, 0..trace.run_pages().len()).slice();
    let mut access = 0;
    let runs = trace.runs(0, trace.accesses()).zip(distances);
    runs.map(move |(run, &distance)| {
        let tick = pace.tick(access);
        access += run.accesses;
        (tick, u64::from(distance))
    })
}

/// The frames of each VM and the faults so far.
struct Partition {
    host: u64,
    /// The most that each may hold beside the other's minimum.
    most: [u64; 2],
    /// What each holds while there are empty frames.
    held: [u64; 2],
    filling: u64,
    /// The fewest faults since the host was full, by the number of frames of the first VM;
    /// [`NEVER`] if it cannot hold that many.
    faults: Vec<u64>,
}

const NEVER: u64 = u64::MAX / 2;

impl Partition {
    fn new(one: &VmSpec, other: &VmSpec, host: Frames) -> Self {
        let most = [(one, other), (other, one)].map(|(vm, beside)| vm.max.min(host - beside.min).0);
        Self { host: host.0, most, held: [0; 2], filling: 0, faults: Vec::new() }
    }

    /// The fewest faults of these accesses. At equal ticks the first VM goes first.
    fn replay<I: Iterator<Item = (u64, u64)>>(
        mut self,
        mut first: Peekable<I>,
        mut second: Peekable<impl Iterator<Item = (u64, u64)>>,
    ) -> u64 {
        loop {
            let is_first = match (first.peek(), second.peek()) {
                (Some((one, _)), Some((other, _))) => one <= other,
                (one, other) if one.is_none() && other.is_none() => break,
                (one, _) => one.is_some(),
            };
            let next = if is_first { first.next() } else { second.next() };
            let distance = next.expect("it was there").1;
            if self.faults.is_empty() {
                self.fill(usize::from(!is_first), distance);
            } else if is_first {
                self.access_first(distance);
            } else {
                self.access_second(distance);
            }
        }
        self.filling + self.faults.iter().min().copied().unwrap_or(0)
    }

    /// The numbers of frames that the first VM can hold on a full host.
    fn choices(&self) -> RangeInclusive<usize> {
        self.host.saturating_sub(self.most[1]) as usize..=self.most[0] as usize
    }

    /// An access while there are empty frames.
    fn fill(&mut self, vm: usize, distance: u64) {
        if distance <= self.held[vm] {
            return;
        }
        self.filling += 1;
        self.held[vm] = (self.held[vm] + 1).min(self.most[vm]);
        if self.held[0] + self.held[1] == self.host {
            self.faults = vec![NEVER; self.host as usize + 1];
            self.faults[self.held[0] as usize] = 0;
        }
    }

    /// An access of the first VM. It faults with fewer frames than `distance`.
    fn access_first(&mut self, distance: u64) {
        let (least, most) = self.choices().into_inner();
        let deep = usize::try_from(distance).map_or(most + 1, |deep| deep.min(most + 1));
        // In descending order, so that entries are read before they are overwritten.
        for frames in (least..=deep.min(most)).rev() {
            let kept = self.faults[frames] + u64::from(frames < deep);
            let taken = if frames > least { self.faults[frames - 1] + 1 } else { NEVER };
            self.faults[frames] = kept.min(taken).min(NEVER);
        }
    }

    /// An access of the second VM, which holds the frames that the first does not.
    fn access_second(&mut self, distance: u64) {
        let (least, most) = self.choices().into_inner();
        let from = self.host.saturating_sub(distance) as usize;
        for frames in from.max(least)..=most {
            let faults = (self.host - frames as u64) < distance;
            let kept = self.faults[frames] + u64::from(faults);
            let taken = if frames < most { self.faults[frames + 1] + 1 } else { NEVER };
            self.faults[frames] = kept.min(taken).min(NEVER);
        }
    }
}
