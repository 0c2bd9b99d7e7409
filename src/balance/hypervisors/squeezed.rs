//! `squeezed`: every VM gets the same part of the way from its minimum to its maximum.
//!
//! *Idea.* Each domain declares a range. If all maxima fit, all domains get them; otherwise a
//! common factor places every domain between its minimum and its maximum.
//! *Follows.* The squeezed daemon of `XenServer`: xapi-project/xen-api
//! ocaml/squeezed/lib/squeeze.ml and `src/squeeze_xen.ml` at e2ee48d; D. Scott, 2008 on.
//! *Departs.* A domain's dynamic range is the VM's bounds. The daemon works in KiB and
//! floating-point numbers; here the way is rounded down to a frame, and what that leaves over stays
//! free. Allocations are exact, so there is no margin of inaccuracy (the daemon counts 4 KiB a
//! domain, twice). What guests use is not asked, as in the original. The daemon looks every second
//! while it balances and forgets which domains were stuck when it starts anew; here progress is
//! looked for at checkpoints. A stuck driver that has too much is still asked for what the rule
//! would have it give, and stays stuck until it gives; one that has too little is to keep that, and
//! is asked anew at the next checkpoint. The daemon frees before it allocates; here the host does.
//! A VM's maximum is at most the host's memory, for a scenario allows no more; the daemon takes
//! any, so that a domain with a larger one is farther above its minimum. A host no larger than
//! `reserve` keeps no reserve.
//! *Cost.* O(V) per checkpoint for V VMs.
//! *Parameters.* `stuck_after` in ticks: 5 s; `reserve`: memory that stays free (72 MiB); both the
//! original's.

use crate::balance::{Plan, Policy, PolicyError, PolicyKind, View, VmView};
use crate::meets::Meets;
use crate::params::{Domain, Param, Value};
use crate::random::Stream;
use crate::units::{Frames, Ticks};

const STUCK_AFTER: Param = Param {
    name: "stuck_after",
    doc: "ticks without progress towards a target after which a VM's driver counts as stuck and \
          its frames are left out (5 s, the original's)",
    domain: Domain::Ticks { min: 1 },
    default: Value::Integer(5_000_000_000),
};

const RESERVE: Param = Param {
    name: "reserve",
    doc: "frames that stay free, where the host has more than that; the original's",
    domain: Domain::Frames { min: 0 },
    default: Value::Bytes(72 << 20),
};

pub(in crate::balance) const KIND: PolicyKind = PolicyKind {
    name: "squeezed",
    summary: "gives every VM the same fraction of the range from its minimum to its maximum",
    follows: "squeezed, the memory daemon of XenServer, 2008",
    live_interval: Some(Ticks(10_000_000_000)),
    params: &[STUCK_AFTER, RESERVE],
    meets: Meets::Never,
    observers: |_| &[],
    fits: |_, _, _| Ok(()),
    build: |settings| {
        let stuck_after = Ticks(settings.integer(STUCK_AFTER.name));
        let reserve = Frames(settings.integer(RESERVE.name));
        Box::new(Squeezed { stuck_after, reserve, watched: Vec::new() })
    },
};

struct Squeezed {
    stuck_after: Ticks,
    reserve: Frames,
    /// What is known of each VM's driver, by id.
    watched: Vec<Option<Driver>>,
}

/// What the daemon remembers of a balloon driver.
#[derive(Clone, Copy)]
struct Driver {
    /// What the VM held when it was last looked at.
    held: Frames,
    /// When it had last reached its target or come nearer to it.
    progress: Ticks,
    stuck: bool,
}

impl Policy for Squeezed {
    fn plan(&mut self, view: &View, _: &mut Stream) -> Result<Plan, PolicyError> {
        let stuck: Vec<bool> = view.vms.iter().map(|vm| self.is_stuck(vm, view.at)).collect();
        let none_stuck = vec![false; stuck.len()];
        let mut targets = self.squeeze(view, &none_stuck);
        if stuck.contains(&true) {
            let rest = self.squeeze(view, &stuck);
            for (at, vm) in view.vms.iter().enumerate() {
                targets[at] = if stuck[at] { targets[at].min(vm.allocation) } else { rest[at] };
            }
        }
        Ok(Plan(targets))
    }
}

impl Squeezed {
    /// Whether the VM has been off its target for so long without coming nearer.
    fn is_stuck(&mut self, vm: &VmView, now: Ticks) -> bool {
        let at = vm.id.index();
        if at >= self.watched.len() {
            self.watched.resize(at + 1, None);
        }
        let held = vm.allocation;
        let fresh = Driver { held, progress: now, stuck: false };
        let mut driver = self.watched[at].unwrap_or(fresh);
        let moved = (held > driver.held && held < vm.target)
            || (held < driver.held && held > vm.target)
            || held == vm.target;
        if moved {
            driver = fresh;
        }
        driver.held = held;
        driver.stuck |= now - driver.progress > self.stuck_after;
        self.watched[at] = Some(driver);
        driver.stuck
    }

    /// The same part of the way for all that are not left out, on what those leave of the host.
    fn squeeze(&self, view: &View, left_out: &[bool]) -> Vec<Frames> {
        let reserve = if view.host > self.reserve { self.reserve } else { Frames(0) };
        let vms = || view.vms.iter().zip(left_out);
        let taken = |(vm, &out): (&VmView, &bool)| if out { vm.allocation } else { vm.bounds.min };
        let taken: Frames = vms().map(taken).sum();
        let above = |vm: &VmView| (vm.bounds.max - vm.bounds.min).0;
        let ranges: u128 =
            vms().filter(|(_, out)| !**out).map(|(vm, _)| u128::from(above(vm))).sum();
        let left = u128::from(view.host.0.saturating_sub(taken.0 + reserve.0));
        // γ = (F − Σmin) / Σ(max − min), at most 1.
        let gamma = |range: u64| {
            if left >= ranges { range } else { (u128::from(range) * left / ranges) as u64 }
        };
        vms().map(|(vm, _)| vm.bounds.min + Frames(gamma(above(vm)))).collect()
    }
}

#[cfg(test)]
mod tests {
    use super::super::super::testing::{divide, policy, step, view, vm};
    use super::*;

    #[test]
    fn all_are_the_same_part_of_the_way_above_their_minima() {
        // γ = 700 / 1300 = 0.538.
        let mut view = view(1000, vec![vm(100, 100, 600), vm(200, 200, 1000)]);
        let mut squeezed = policy(&KIND, &[]);
        assert_eq!(step(&mut *squeezed, &mut view), [369, 630]);
        assert_eq!(step(&mut *squeezed, &mut view), [369, 630], "nothing changes, nothing moves");
    }

    #[test]
    fn maxima_that_fit_are_given_and_minima_are_kept() {
        let mut wide = view(1000, vec![vm(1, 1, 600), vm(1, 1, 300)]);
        assert_eq!(step(&mut *policy(&KIND, &[]), &mut wide), [600, 300]);
        let mut tight = view(30, vec![vm(10, 10, 30), vm(20, 20, 30)]);
        assert_eq!(step(&mut *policy(&KIND, &[]), &mut tight), [10, 20]);
    }

    #[test]
    fn seventy_two_mebibytes_stay_free() {
        // 100 000 − 18 432 frames; γ = 61 568 / 180 000.
        let vms = vec![vm(10_000, 10_000, 100_000), vm(10_000, 10_000, 100_000)];
        let mut view = view(100_000, vms);
        assert_eq!(step(&mut *policy(&KIND, &[]), &mut view), [40_784, 40_784]);
    }

    /// A VM that is shown at these ticks with these frames: what it and the others are to hold.
    fn shown(times: &[(u64, u64)], mut view: View) -> Vec<Vec<u64>> {
        let mut squeezed = policy(&KIND, &[("stuck_after", Value::Integer(50))]);
        let mut decided = Vec::new();
        for &(tick, held) in times {
            view.at = Ticks(tick);
            view.vms[0].allocation = Frames(held);
            let targets = divide(&mut *squeezed, &view);
            for (vm, &target) in view.vms.iter_mut().zip(&targets) {
                vm.target = target;
            }
            decided.push(targets.into_iter().map(|frames| frames.0).collect());
        }
        decided
    }

    /// 900 frames: all would hold 300. The first is stuck at 600, so from the time of no progress
    /// on the others have 150 each, and it is still asked for 300.
    #[test]
    fn a_stuck_driver_is_left_out_until_it_makes_progress() {
        let view = view(900, vec![vm(600, 0, 900), vm(150, 0, 900), vm(150, 0, 900)]);
        let times = [(100, 600), (150, 600), (151, 600), (200, 600), (250, 590)];
        let all = vec![300, 300, 300];
        let without = vec![300, 150, 150];
        let expected = vec![all.clone(), all.clone(), without.clone(), without, all];
        assert_eq!(shown(&times, view), expected, "and it works again at last");
    }

    /// The first is to grow to 300 and does not take: the others have what it leaves.
    #[test]
    fn a_driver_that_does_not_take_is_stuck_too() {
        let mut view = view(900, vec![vm(100, 0, 900), vm(400, 0, 900), vm(400, 0, 900)]);
        for vm in &mut view.vms[1..] {
            vm.allocation = Frames(300);
        }
        let times = [(100, 100), (150, 100), (151, 100), (152, 100)];
        let all = vec![300, 300, 300];
        let expected = vec![all.clone(), all.clone(), vec![100, 400, 400], all];
        assert_eq!(shown(&times, view), expected, "and at last it is asked anew");
    }
}
