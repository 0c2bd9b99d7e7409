//! `mom-balloon`: all guests shrink while the host is short of memory, and grow while it is not.
//!
//! *Idea.* Below a threshold of free host memory every guest gives a twentieth a round, but keeps
//! what it uses and some free memory, the less the shorter the host is. Above it every guest grows
//! by a twentieth. *Follows.* The sample balloon rules of oVirt's Memory Overcommitment Manager
//! (doc/balloon.rules at e0f3d3b, November 2013), A. Litke and others, 2010 on. *Departs.* A
//! checkpoint is a round and takes one sample; free host memory and what guests use are means of
//! the last samples, of which MOM takes two a round. Used memory is the working set of the
//! interval, at most the allocation, unless the parameter says otherwise: a page that was not used
//! lately counts as free, because traces free nothing. Every product is rounded down. Growth beyond
//! the free frames is given in file order. There is neither a preference for idle guests nor
//! balance between guests, as in the original, and no range of free memory in which nothing moves:
//! guests that use little swing around the threshold. *Cost.* O(V log V) a checkpoint for V VMs.
//! *Parameters.* `threshold`: free part of the host's memory below which guests shrink (0.2);
//! `critical`: part at which they are made to swap (0.05); `guest_free`: part of its memory that a
//! guest would like free (0.2); `max_change`, `min_change`: the most and the least change of a
//! guest's memory in a round (0.05, 0.0025); `samples`: samples of which means are taken (10); all
//! MOM's. `used`: what is used (`working-set`).

use std::cmp::Ordering;
use std::collections::{BTreeMap, VecDeque};

use crate::balance::{Bounds, Plan, Policy, PolicyError, PolicyKind, View, VmView, exact, used};
use crate::meets::Meets;
use crate::observe::WINDOW;
use crate::params::{Domain, Param, Settings, Value};
use crate::random::Stream;
use crate::units::{Decimal, Frames, VmId};

pub(in crate::balance) const KIND: PolicyKind = PolicyKind {
    name: "mom-balloon",
    summary: "shrinks all guests alike while the host is short of free memory and grows them while \
              it is not",
    follows: "the sample balloon rules of oVirt's Memory Overcommitment Manager, November 2013",
    params: PARAMS,
    meets: Meets::Never,
    observers: |_| &[&WINDOW],
    fits: |_, _, _| Ok(()),
    build: |settings| {
        Box::new(MomBalloon { rules: Rules::of(settings), statistics: Statistics::of(settings) })
    },
};

pub(super) const PARAMS: &[Param] = &[
    part("threshold", "free part of the host's memory below which guests shrink; MOM's", 2000),
    part("critical", "free part of the host's memory at which guests are made to swap; MOM's", 500),
    part("guest_free", "part of its memory that a guest would like free; MOM's", 2000),
    part(
        "max_change",
        "part of its memory by which a guest changes at most in a round; MOM's",
        500,
    ),
    part("min_change", "part of its memory by which a guest must change, or not at all; MOM's", 25),
    SAMPLES,
    used::WORKING_SET_PARAM,
];

const fn part(name: &'static str, doc: &'static str, ten_thousandths: u64) -> Param {
    Param {
        name,
        doc,
        domain: Domain::Decimal { min: exact::ten_thousandths(1), max: exact::hundredths(100) },
        default: Value::Decimal(exact::ten_thousandths(ten_thousandths)),
    }
}

const SAMPLES: Param = Param {
    name: "samples",
    doc: "samples, one a checkpoint, of which means are taken; MOM's",
    domain: Domain::Integer { min: 1, max: 1000 },
    default: Value::Integer(10),
};

struct MomBalloon {
    rules: Rules,
    statistics: Statistics,
}

impl Policy for MomBalloon {
    fn plan(&mut self, view: &View, _: &mut Stream) -> Result<Plan, PolicyError> {
        let (host, guests) = self.statistics.sample(view);
        let wanted: Vec<Frames> = guests
            .iter()
            .map(|guest| {
                let target = if self.rules.is_short(host) {
                    // The floor is the greater of what is guaranteed and what is needed.
                    self.rules.shrink(guest, guest.bounds.min.max(self.rules.need(host, guest)))
                } else {
                    self.rules.grow(guest)
                };
                target.unwrap_or(guest.now)
            })
            .collect();
        Ok(Plan::in_file_order(view, &wanted))
    }
}

/// The constants and the formulas of the rules.
pub(super) struct Rules {
    threshold: Decimal,
    critical: Decimal,
    guest_free: Decimal,
    max_change: Decimal,
    min_change: Decimal,
}

/// What the rules know of the host.
#[derive(Clone, Copy)]
pub(super) struct HostMemory {
    pub(super) free: Frames,
    pub(super) all: Frames,
}

/// What the rules know of a guest.
#[derive(Clone, Copy)]
pub(super) struct Guest {
    pub(super) now: Frames,
    pub(super) used: Frames,
    pub(super) bounds: Bounds,
}

impl Rules {
    pub(super) fn of(settings: &Settings) -> Self {
        Self {
            threshold: settings.decimal("threshold"),
            critical: settings.decimal("critical"),
            guest_free: settings.decimal("guest_free"),
            max_change: settings.decimal("max_change"),
            min_change: settings.decimal("min_change"),
        }
    }

    pub(super) fn is_short(&self, host: HostMemory) -> bool {
        Decimal::compare_ratio(host.free.0, host.all.0, self.threshold) == Ordering::Less
    }

    /// What a guest of a host that is short needs: what it uses, and some of its memory free.
    pub(super) fn need(&self, host: HostMemory, guest: &Guest) -> Frames {
        let host_free = Frames(exact::part(guest.now.0, host.free.0, host.all.0));
        if Decimal::compare_ratio(host.free.0, host.all.0, self.critical) == Ordering::Greater {
            // Normal pressure: the less the host has free, the less the guest.
            guest.used + exact::times(exact::over(host_free, self.threshold), self.guest_free)
        } else {
            // Critical pressure: the guest's free memory is negative, it is forced to swap.
            let critical = exact::times(guest.now, self.critical);
            Frames((guest.used + host_free).0.saturating_sub(critical.0))
        }
    }

    /// The smaller size of a guest that keeps so many frames; `None` if it stays as it is.
    pub(super) fn shrink(&self, guest: &Guest, floor: Frames) -> Option<Frames> {
        // Not too fast.
        let target = exact::times(guest.now, exact::rest_of_one(self.max_change)).max(floor);
        (target <= guest.now && self.is_worth_it(guest, target)).then_some(target)
    }

    /// The larger size of a guest; `None` if it stays as it is.
    fn grow(&self, guest: &Guest) -> Option<Frames> {
        if guest.now >= guest.bounds.max {
            return None; // Its balloon is empty.
        }
        let need = guest.used + exact::times(guest.now, self.guest_free);
        let faster = guest.now + exact::times(guest.now, self.max_change);
        let target = faster.max(guest.bounds.min.max(need)).min(guest.bounds.max);
        self.is_worth_it(guest, target).then_some(target)
    }

    fn is_worth_it(&self, guest: &Guest, target: Frames) -> bool {
        // A whole number exceeds a product if it exceeds the product rounded down.
        target.0.abs_diff(guest.now.0) > exact::times(guest.now, self.min_change).0
    }
}

/// The latest samples of the host and of each guest.
pub(super) struct Statistics {
    samples: usize,
    used: fn(&VmView) -> Frames,
    free: VecDeque<Frames>,
    guests: BTreeMap<VmId, VecDeque<Frames>>,
}

impl Statistics {
    pub(super) fn of(settings: &Settings) -> Self {
        Self {
            samples: settings.integer(SAMPLES.name) as usize,
            used: used::of(settings),
            free: VecDeque::new(),
            guests: BTreeMap::new(),
        }
    }

    /// Takes a sample; returns the means.
    pub(super) fn sample(&mut self, view: &View) -> (HostMemory, Vec<Guest>) {
        let free = mean_with(&mut self.free, view.free(), self.samples);
        let guest = |vm: &VmView| {
            let used = (self.used)(vm).min(vm.allocation);
            let samples = self.guests.entry(vm.id).or_default();
            let used = mean_with(samples, used, self.samples);
            Guest { now: vm.allocation, used, bounds: vm.bounds }
        };
        let guests = view.vms.iter().map(guest).collect();
        (HostMemory { free, all: view.host }, guests)
    }
}

/// The mean of the last `count` samples, this one included, rounded down.
fn mean_with(samples: &mut VecDeque<Frames>, sample: Frames, count: usize) -> Frames {
    if samples.len() == count {
        samples.pop_front();
    }
    samples.push_back(sample);
    let sum: u128 = samples.iter().map(|sample| u128::from(sample.0)).sum();
    Frames((sum / samples.len() as u128) as u64)
}

#[cfg(test)]
mod tests {
    use super::super::super::testing::{policy, step, using, view, vm};
    use super::*;

    /// A host with so many percent free, on which a guest has `now` frames and uses `used`.
    fn target(free: u64, now: u64, used: u64) -> u64 {
        let held = 100 * now - now * free;
        let guests = vec![using(used, vm(now, 200, 1000)), vm(held - now, 1, 100_000)];
        step(&mut *policy(&KIND, &[]), &mut view(100 * now, guests))[0]
    }

    #[test]
    fn a_guest_that_uses_half_shrinks_by_a_twentieth() {
        assert_eq!(target(10, 1000, 500), 950);
    }

    #[test]
    fn a_guest_keeps_what_it_uses_and_some_free() {
        assert_eq!(target(10, 1000, 880), 980);
    }

    #[test]
    fn under_critical_pressure_a_guest_must_swap() {
        assert_eq!(target(3, 1000, 980), 960);
    }

    #[test]
    fn on_a_host_with_room_a_guest_grows_by_a_twentieth() {
        assert_eq!(target(30, 800, 500), 840);
    }

    #[test]
    fn on_a_host_with_room_a_guest_gets_free_memory_at_once() {
        assert_eq!(target(30, 800, 790), 950);
    }

    #[test]
    fn guests_that_use_little_swing_around_the_threshold_in_a_cycle_of_21_rounds() {
        let guests = vec![using(10, vm(450, 1, 1000)), using(10, vm(450, 1, 1000))];
        let mut view = view(1000, guests);
        let mut mom = policy(&KIND, &[("samples", Value::Integer(1))]);
        let rounds: Vec<u64> = (0..300).map(|_| step(&mut *mom, &mut view)[0]).collect();
        let repeats = |length: usize| rounds[200..].iter().eq(&rounds[200 - length..300 - length]);
        assert_eq!((1..100).find(|&length| repeats(length)), Some(21));
        let swing = &rounds[279..];
        assert_eq!((swing.iter().min(), swing.iter().max()), (Some(&381), Some(&420)));
    }
}
