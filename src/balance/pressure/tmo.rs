//! `tmo`: a little memory is taken from every VM as long as none waits for it.
//!
//! *Idea.* Every round each workload loses a small part of its memory, the less the nearer its
//! pressure stall is to the target; what it misses it gets back on demand.
//! *Follows.* J. Weiner et al., "TMO: transparent memory offloading in datacenters", ASPLOS 2022;
//! the formula from an account of it.
//! *Departs.* Frames that a VM may hold count as its memory, used or not. A real machine serves
//! demand within the round; here a VM gets a frame at the checkpoint for each fault that evicted a
//! page, from the free frames and in file order. Pressure is the time of capacity faults in the
//! interval, which takes ticks only where `cost.fault` says so; without it no VM ever stalls.
//! Products are rounded down, so at the default ratio a VM of less than 2000 frames loses none, and
//! the stall time allowed is rounded down to whole ticks. A VM that neither stalls nor faults
//! shrinks to its minimum or to that size.
//! *Cost.* O(V) per checkpoint for V VMs.
//! *Parameters.* `ratio`: the part taken each round without pressure (0.0005); `pressure`: stalled
//! part of the time at which nothing is taken (0.001); `most`: the most taken in a round (0.01);
//! all the paper's.

use crate::balance::{Plan, Policy, PolicyError, PolicyKind, View, VmView, exact};
use crate::meets::Meets;
use crate::observe::WINDOW;
use crate::params::{Domain, Param, Value};
use crate::random::Stream;
use crate::units::{Decimal, Frames, Ticks};

pub(in crate::balance) const KIND: PolicyKind = PolicyKind {
    name: "tmo",
    summary: "takes a small part of each VM's frames, less as it stalls, and gives frames back on \
              demand",
    follows: "J. Weiner et al., TMO: transparent memory offloading in datacenters, ASPLOS 2022",
    live_interval: Some(Ticks(6_000_000_000)),
    params: &[RATIO, PRESSURE, MOST],
    meets: Meets::Never,
    observers: |_| &[&WINDOW],
    fits: |_, _, _| Ok(()),
    build: |settings| {
        Box::new(Offloading {
            ratio: settings.decimal(RATIO.name),
            pressure: settings.decimal(PRESSURE.name),
            most: settings.decimal(MOST.name),
        })
    },
};

const RATIO: Param = Param {
    name: "ratio",
    doc: "the part of its memory that a VM without pressure loses each round; the paper's",
    domain: Domain::Decimal { min: exact::hundredths(0), max: exact::hundredths(100) },
    default: Value::Decimal(exact::ten_thousandths(5)),
};

const PRESSURE: Param = Param {
    name: "pressure",
    doc: "the part of the time that a VM stalls at which nothing is taken; the paper's",
    domain: Domain::Decimal { min: exact::ten_thousandths(1), max: exact::hundredths(100) },
    default: Value::Decimal(exact::ten_thousandths(10)),
};

const MOST: Param = Param {
    name: "most",
    doc: "the most that a VM loses in a round, in parts of its memory; the paper's",
    domain: Domain::Decimal { min: exact::hundredths(0), max: exact::hundredths(100) },
    default: Value::Decimal(exact::hundredths(1)),
};

struct Offloading {
    ratio: Decimal,
    pressure: Decimal,
    most: Decimal,
}

impl Policy for Offloading {
    fn plan(&mut self, view: &View, _: &mut Stream) -> Result<Plan, PolicyError> {
        let want = |vm: &VmView| {
            let asked = Frames(vm.interval.replacement_misses);
            vm.allocation - self.reclaimed(vm) + asked
        };
        let wanted: Vec<Frames> = view.vms.iter().map(want).collect();
        Ok(Plan::in_file_order(view, &wanted))
    }
}

impl Offloading {
    /// current · ratio · max(0, 1 − stall / target), at most the most.
    fn reclaimed(&self, vm: &VmView) -> Frames {
        let calm = exact::times(vm.allocation, self.ratio);
        let stalled = vm.seen.window.stalled.0;
        let allowed = exact::times(Frames(vm.seen.window.ticks.0), self.pressure).0;
        let part = match allowed.saturating_sub(stalled) {
            _ if stalled == 0 => calm,
            0 => Frames(0),
            left => Frames(exact::part(calm.0, left, allowed)),
        };
        part.min(exact::times(vm.allocation, self.most))
    }
}

#[cfg(test)]
mod tests {
    use super::super::super::testing::{policy, step, view, vm};
    use super::*;

    const MEMORY: u64 = 1 << 18;

    fn lost(stalled: u64, set: &[(&str, Value)]) -> u64 {
        let mut vm = vm(MEMORY, 1, MEMORY);
        vm.seen.window.ticks = Ticks(1_000_000);
        vm.seen.window.stalled = Ticks(stalled);
        MEMORY - step(&mut *policy(&KIND, set), &mut view(MEMORY, vec![vm]))[0]
    }

    #[test]
    fn the_nearer_to_the_target_the_less_is_taken() {
        // 131.07, 65.5 and 0 frames of a GiB at pressures of 0, 0.05 % and 0.1 %.
        assert_eq!([0, 500, 1000, 2000].map(|stalled| lost(stalled, &[])), [131, 65, 0, 0]);
    }

    #[test]
    fn no_more_than_a_hundredth_is_taken() {
        let ratio = ("ratio", Value::Decimal(exact::hundredths(50)));
        assert_eq!(lost(0, &[ratio]), MEMORY / 100);
    }

    #[test]
    fn what_is_missed_is_given_back_from_the_free_frames() {
        let mut vms = vec![vm(4000, 1, 9000), vm(4000, 1, 9000)];
        vms[1].interval.replacement_misses = 30;
        assert_eq!(step(&mut *policy(&KIND, &[]), &mut view(8000, vms)), [3998, 4002]);
    }
}
