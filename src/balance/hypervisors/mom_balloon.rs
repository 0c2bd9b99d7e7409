//! `mom-balloon`: all guests shrink while the host is short of memory, and grow while it is not.
//!
//! *Idea.* Below a threshold of free host memory every guest gives a twentieth a round, but keeps
//! what it uses and some free memory, the less the shorter the host is. Above it every guest grows
//! by a twentieth.
//! *Follows.* The sample balloon rules of oVirt's Memory Overcommitment Manager: oVirt/mom
//! doc/balloon.rules, with mom/Collectors and mom/Entity.py, at 3de1c8e; A. Litke and others, 2010
//! on. The rules are those of November 2013.
//! *Departs.* Host memory and guest memory are as `balance/meminfo.rs` defines them: host free is
//! `MemFree` + `Buffers` + `Cached`, so frames that no guest has touched are free, and a guest uses
//! its resident pages. Amounts are kept in 2⁻²⁴ frames where the original has floating-point
//! numbers, and the target is rounded down to a frame. Growth beyond the free frames is given in
//! file order; the original grants it and lets the host swap. There is neither a preference for
//! idle guests nor balance between guests, as in the original.
//! *Cost.* O(V log V) per checkpoint or sample for V VMs.
//! *Parameters.* `threshold`: free part of the host's memory below which guests shrink (0.2);
//! `critical`: part at which they are made to swap (0.05); `guest_free`: part of its memory that a
//! guest would like free (0.2); `max_change`, `min_change`: the most and the least change of a
//! guest's memory in a round (0.05, 0.0025); `samples`: samples of which means are taken (10);
//! `sample_every`: time between two samples (5 s); all MOM's. `used`: what is used (`resident`).

use std::cmp::Ordering;
use std::collections::{BTreeMap, VecDeque};

use crate::balance::{
    Bounds, Plan, Policy, PolicyError, PolicyKind, SAMPLES_MAX, View, VmView, exact, meminfo,
};
use crate::meets::Meets;
use crate::observe::WINDOW;
use crate::params::{Domain, Param, Settings, Value};
use crate::random::Stream;
use crate::units::{Decimal, Frames, Ticks, VmId};

pub(in crate::balance) const KIND: PolicyKind = PolicyKind {
    name: "mom-balloon",
    summary: "shrinks all guests alike while the host is short of free memory and grows them while \
              it is not",
    follows: "the sample balloon rules of oVirt's Memory Overcommitment Manager, November 2013",
    live_interval: Some(Ticks(10_000_000_000)),
    params: PARAMS,
    meets: Meets::Never,
    observers: |_| &[&WINDOW],
    fits: |_, _, _| Ok(()),
    build: |settings| {
        Mom::boxed(settings, |rules, host| Some(if rules.is_short(host) { shrink } else { grow }))
    },
};

pub(super) const PARAMS: &[Param] = &[
    THRESHOLD,
    CRITICAL,
    GUEST_FREE,
    MAX_CHANGE,
    MIN_CHANGE,
    SAMPLES,
    SAMPLE_EVERY,
    meminfo::RESIDENT_PARAM,
];

pub(super) const THRESHOLD: Param =
    part("threshold", "free part of the host's memory below which guests shrink; MOM's", 2000);

pub(super) const CRITICAL: Param =
    part("critical", "free part of the host's memory at which guests are made to swap; MOM's", 500);

pub(super) const GUEST_FREE: Param =
    part("guest_free", "part of its memory that a guest would like free; MOM's", 2000);

pub(super) const MAX_CHANGE: Param = part(
    "max_change",
    "part of its memory by which a guest changes at most in a round; MOM's",
    500,
);

pub(super) const MIN_CHANGE: Param =
    part("min_change", "part of its memory by which a guest must change, or not at all; MOM's", 25);

const fn part(name: &'static str, doc: &'static str, ten_thousandths: u64) -> Param {
    Param {
        name,
        doc,
        domain: Domain::Decimal { min: exact::ten_thousandths(1), max: exact::hundredths(100) },
        default: Value::Decimal(exact::ten_thousandths(ten_thousandths)),
    }
}

pub(in crate::balance) const SAMPLES: Param = Param {
    name: "samples",
    doc: "latest samples of which means are taken; MOM's",
    domain: Domain::Integer { min: 1, max: SAMPLES_MAX },
    default: Value::Integer(10),
};

pub(in crate::balance) const SAMPLE_EVERY: Param = Param {
    name: "sample_every",
    doc: "time between two samples after a checkpoint, at which one is taken too; MOM's 5 s",
    domain: Domain::Ticks { min: 1 },
    default: Value::Integer(5_000_000_000),
};

/// The size that rules give a guest; `None` does not change it.
pub(super) type Target = fn(&Rules, HostFree, &Guest) -> Option<i128>;

/// The daemon: it takes samples, and at each round gives every guest its target.
pub(super) struct Mom {
    rules: Rules,
    statistics: Statistics,
    round: Round,
}

/// Which of its rules a round follows; `None` ends the round with an error.
pub(super) type Round = fn(&Rules, HostFree) -> Option<Target>;

impl Mom {
    pub(super) fn boxed(settings: &Settings, round: Round) -> Box<dyn Policy> {
        let (rules, statistics) = (Rules::of(settings), Statistics::of(settings));
        Box::new(Self { rules, statistics, round })
    }
}

impl Policy for Mom {
    fn plan(&mut self, view: &View, _: &mut Stream) -> Result<Plan, PolicyError> {
        self.statistics.sample(view);
        let host = self.statistics.host(view);
        let Some(target) = (self.round)(&self.rules, host) else {
            return Ok(Plan::unchanged(view));
        };
        let guests = self.statistics.guests(view);
        let wanted = guests.map(|guest| target(&self.rules, host, &guest).unwrap_or(guest.now));
        let wanted: Vec<Frames> = wanted.map(exact::whole).collect();
        Ok(Plan::in_file_order(view, &wanted))
    }

    fn samples_every(&self) -> Option<Ticks> {
        Some(self.statistics.every)
    }

    fn sample(&mut self, view: &View) {
        self.statistics.sample(view);
    }
}

/// The floor is the greater of what is guaranteed and what is needed.
pub(super) fn shrink(rules: &Rules, host: HostFree, guest: &Guest) -> Option<i128> {
    rules.shrink(guest, guest.min().max(rules.need_under_pressure(host, guest)))
}

fn grow(rules: &Rules, _: HostFree, guest: &Guest) -> Option<i128> {
    rules.grow(guest, rules.need_in_plenty(guest))
}

/// The constants and the formulas of the rules. Sizes are in 2⁻²⁴ of a frame.
pub(super) struct Rules {
    threshold: Decimal,
    critical: Decimal,
    guest_free: Decimal,
    max_change: Decimal,
    min_change: Decimal,
}

/// Under critical pressure a guest keeps free the host's free part minus this, which is negative.
/// The rules have it as a number, independent of the critical part.
const SWAPPED: Decimal = exact::hundredths(5);

/// What the rules know of the host: a part of its memory is free.
#[derive(Clone, Copy)]
pub(super) struct HostFree {
    free: u64,
    of: u64,
}

/// What the rules know of a guest, in 2⁻²⁴ of a frame.
#[derive(Clone, Copy)]
pub(super) struct Guest {
    now: i128,
    used: i128,
    bounds: Bounds,
}

impl Guest {
    pub(super) fn min(&self) -> i128 {
        exact::fine(self.bounds.min)
    }

    fn max(&self) -> i128 {
        exact::fine(self.bounds.max)
    }
}

impl Rules {
    fn of(settings: &Settings) -> Self {
        Self {
            threshold: settings.decimal("threshold"),
            critical: settings.decimal("critical"),
            guest_free: settings.decimal("guest_free"),
            max_change: settings.decimal("max_change"),
            min_change: settings.decimal("min_change"),
        }
    }

    pub(super) fn is_short(&self, host: HostFree) -> bool {
        Decimal::compare_ratio(host.free, host.of, self.threshold) == Ordering::Less
    }

    /// What a guest needs: what it uses, and a part of its memory free that follows the host's.
    pub(super) fn need_under_pressure(&self, host: HostFree, guest: &Guest) -> i128 {
        let host_free = exact::scale(guest.now, host.free, host.of);
        if Decimal::compare_ratio(host.free, host.of, self.critical) == Ordering::Greater {
            // Normal pressure: the less the host has free, the less the guest.
            let of_threshold =
                exact::scale(host_free, self.threshold.denominator(), self.threshold.digits);
            guest.used + times(of_threshold, self.guest_free)
        } else {
            // Critical pressure: the guest's free memory is negative, it is forced to swap.
            guest.used + host_free - times(guest.now, SWAPPED)
        }
    }

    /// What a guest needs where the host has plenty: what it uses, and some free.
    fn need_in_plenty(&self, guest: &Guest) -> i128 {
        guest.used + times(guest.now, self.guest_free)
    }

    /// The smaller size of a guest that keeps this much; `None` if it does not change.
    pub(super) fn shrink(&self, guest: &Guest, floor: i128) -> Option<i128> {
        // Not too fast.
        let target = times(guest.now, exact::rest_of_one(self.max_change)).max(floor);
        (target <= guest.now && self.is_worth_it(guest, target)).then_some(target)
    }

    /// The larger size of a guest that needs this much; `None` if it does not change.
    pub(super) fn grow(&self, guest: &Guest, need: i128) -> Option<i128> {
        if guest.now >= guest.max() {
            return None; // Its balloon is empty.
        }
        let faster = guest.now + times(guest.now, self.max_change);
        let target = faster.max(guest.min().max(need)).min(guest.max());
        self.is_worth_it(guest, target).then_some(target)
    }

    fn is_worth_it(&self, guest: &Guest, target: i128) -> bool {
        (target - guest.now).abs() > times(guest.now, self.min_change)
    }
}

fn times(fine: i128, factor: Decimal) -> i128 {
    exact::scale(fine, factor.digits, factor.denominator())
}

/// Adds a sample; of more than `count` the oldest goes.
pub(in crate::balance) fn note<T>(samples: &mut VecDeque<T>, sample: T, count: usize) {
    if samples.len() == count {
        samples.pop_front();
    }
    samples.push_back(sample);
}

/// The latest samples of the host and of each guest.
struct Statistics {
    samples: usize,
    every: Ticks,
    used: fn(&VmView) -> Frames,
    free: VecDeque<Frames>,
    guests: BTreeMap<VmId, VecDeque<Frames>>,
}

impl Statistics {
    fn of(settings: &Settings) -> Self {
        Self {
            samples: settings.integer(SAMPLES.name) as usize,
            every: Ticks(settings.integer(SAMPLE_EVERY.name)),
            used: meminfo::used_of(settings),
            free: VecDeque::new(),
            guests: BTreeMap::new(),
        }
    }

    /// Takes a sample.
    fn sample(&mut self, view: &View) {
        note(&mut self.free, view.host - view.used(), self.samples);
        for vm in &view.vms {
            let used = (self.used)(vm).min(vm.allocation);
            note(self.guests.entry(vm.id).or_default(), used, self.samples);
        }
    }

    /// The mean of the host's samples.
    fn host(&self, view: &View) -> HostFree {
        let free = self.free.iter().copied().sum::<Frames>().0;
        HostFree { free, of: view.host.0 * self.free.len() as u64 }
    }

    /// What the guests have now, and the means of what they used.
    fn guests(&self, view: &View) -> impl Iterator<Item = Guest> {
        view.vms.iter().map(|vm| {
            let samples = &self.guests[&vm.id];
            let sum = exact::fine(samples.iter().copied().sum());
            let used = sum / samples.len() as i128;
            Guest { now: exact::fine(vm.allocation), used, bounds: vm.bounds }
        })
    }
}

#[cfg(test)]
mod tests {
    use super::super::super::testing::{policy, resident, step, view, vm};
    use super::*;

    /// A host of which `free` percent are free, on which a guest has `now` frames and uses `used`.
    fn target(free: u64, now: u64, used: u64) -> u64 {
        let held = 100 * now - now * free - used;
        let guests = vec![resident(used, vm(now, 200, 1000)), vm(held, 1, 100_000)];
        let mut view = view(100 * now, guests);
        step(&mut *policy(&KIND, &[]), &mut view)[0]
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
    fn frames_that_no_guest_has_touched_are_free() {
        // Nine tenths are granted, but half of the host is free, so the guest grows.
        let mut half = view(1000, vec![resident(500, vm(900, 200, 1000))]);
        assert_eq!(step(&mut *policy(&KIND, &[]), &mut half), [945]);
    }

    #[test]
    fn resident_pages_are_used_whether_the_guest_needs_them_or_not() {
        let mut tight = view(1000, vec![vm(450, 100, 1000), vm(450, 100, 1000)]);
        assert_eq!(step(&mut *policy(&KIND, &[]), &mut tight), [450, 450]);
    }

    #[test]
    fn the_critical_part_decides_the_branch_and_not_the_formula() {
        // 980 used, 8 % of the host free: 980 + (0.08 − 0.05)·1000, whatever `critical` is.
        let guests = vec![resident(980, vm(1200, 1, 1200)), vm(8220, 1, 10_000)];
        let mut view = view(10_000, guests);
        let critical = ("critical", Value::Decimal(exact::hundredths(10)));
        assert_eq!(step(&mut *policy(&KIND, &[critical]), &mut view)[0], 1140);
    }

    #[test]
    fn means_are_of_all_samples_and_samples_are_dropped_when_there_are_enough() {
        let mut mom = policy(&KIND, &[("samples", Value::Integer(2))]);
        let mut view = view(1000, vec![resident(900, vm(950, 1, 1000))]);
        assert_eq!(step(&mut *mom, &mut view), [950]);
        // Free 10 % and 90 %: the mean is 50 %.
        view.vms[0].resident = Frames(100);
        assert_eq!(step(&mut *mom, &mut view), [997]);
    }
}
