//! `proxmox-autoballoon`: the host is kept at four fifths of its memory, by shares.
//!
//! *Idea.* If the host uses less than its goal, guests under pressure may grow; if it uses more,
//! comfortable guests shrink. What VMs hold above their minimum is to be in proportion to shares.
//! *Follows.* Proxmox VE's auto-ballooning: proxmox/pve-manager PVE/AutoBalloon.pm (`compute_alg1`)
//! and PVE/Service/pvestatd.pm (`auto_ballooning`) at 14a22df; D. Maurer, 2012 on.
//! *Departs.* Host memory and guest memory are as `balance/meminfo.rs` defines them: the host uses
//! the resident pages of all VMs, and a guest's free memory is what it holds less its resident
//! pages. Bytes are divided in integers, where the original has floating-point numbers; the result
//! is rounded down to a frame. VMs are taken in file order, where the original takes them in no
//! order. Shares are at least 1, so no VM opts out. Growth beyond the free frames is given to
//! guests under pressure first, in file order; the original grants it and lets the host swap. As in
//! the original a guest above its share shrinks while the host may grow, before it turns out that
//! the others are full; a round later it grows back, so sizes may oscillate forever if the goal
//! cannot be met.
//! *Cost.* O(V²) per checkpoint for V VMs at worst, O(V) mostly.
//! *Parameters.* `goal`: the part of the host's memory that should be used (0.8); `tolerance`: what
//! the goal may be missed by (10 MiB); `step`: what a VM changes by at most (100 MiB); `pressure`:
//! a guest is under pressure if its free memory is no more than this part of its minimum (0.25);
//! all Proxmox'. `used`: what a guest uses (`resident`).

use crate::balance::{Plan, Policy, PolicyError, PolicyKind, View, VmView, exact, meminfo};
use crate::meets::Meets;
use crate::observe::WINDOW;
use crate::params::{Domain, Param, Value};
use crate::random::Stream;
use crate::units::{Decimal, Frames, Ticks};

pub(in crate::balance) const KIND: PolicyKind = PolicyKind {
    name: "proxmox-autoballoon",
    summary: "grows guests under pressure or shrinks comfortable ones, by shares, to keep the host \
              at four fifths",
    follows: "the auto-ballooning of Proxmox VE, 2012",
    live_interval: Some(Ticks(10_000_000_000)),
    params: &[GOAL, TOLERANCE, STEP, PRESSURE, meminfo::RESIDENT_PARAM],
    meets: Meets::Never,
    observers: |_| &[&WINDOW],
    fits: |_, _, _| Ok(()),
    build: |settings| {
        Box::new(AutoBalloon {
            page: settings.page_size().into(),
            goal: settings.decimal(GOAL.name),
            tolerance: exact::bytes(settings, TOLERANCE.name),
            step: exact::bytes(settings, STEP.name),
            pressure: settings.decimal(PRESSURE.name),
            used: meminfo::used_of(settings),
        })
    },
};

const ANY_PART: Domain = Domain::Decimal { min: exact::hundredths(0), max: exact::hundredths(100) };

const GOAL: Param = Param {
    name: "goal",
    doc: "the part of the host's memory that should be used; Proxmox'",
    domain: ANY_PART,
    default: Value::Decimal(exact::hundredths(80)),
};

const TOLERANCE: Param = Param {
    name: "tolerance",
    doc: "frames by which the goal may be missed; Proxmox'",
    domain: Domain::Frames { min: 0 },
    default: Value::Bytes(10 << 20),
};

const STEP: Param = Param {
    name: "step",
    doc: "frames by which a VM changes at most; Proxmox'",
    domain: Domain::Frames { min: 1 },
    default: Value::Bytes(100 << 20),
};

const PRESSURE: Param = Param {
    name: "pressure",
    doc: "a guest is under pressure while its free memory is at most this part of its minimum; \
          Proxmox'",
    domain: ANY_PART,
    default: Value::Decimal(exact::hundredths(25)),
};

/// All sizes are in bytes.
struct AutoBalloon {
    page: i128,
    goal: Decimal,
    tolerance: i128,
    step: i128,
    pressure: Decimal,
    used: fn(&VmView) -> Frames,
}

/// A VM as the rule sees it, in bytes.
#[derive(Clone, Copy)]
struct Guest {
    min: i128,
    max: i128,
    shares: i128,
    balloon: i128,
    /// The size that was decided so far, if one was.
    target: Option<i128>,
}

impl Policy for AutoBalloon {
    fn plan(&mut self, view: &View, _: &mut Stream) -> Result<Plan, PolicyError> {
        let total = self.bytes(view.host);
        let goal = total * i128::from(self.goal.digits) / i128::from(self.goal.denominator());
        let goal = goal - self.bytes(view.used());
        if goal.abs() <= self.tolerance {
            // Too small a change to be worth it.
            return Ok(Plan::unchanged(view));
        }
        let all: Vec<usize> = (0..view.vms.len()).collect();
        let (pressed, comfortable): (Vec<usize>, Vec<usize>) =
            all.iter().partition(|&&at| self.is_pressed(&view.vms[at]));
        // To grow, VMs under pressure come first; to shrink, comfortable ones.
        let first = if goal > 0 { &pressed } else { &comfortable };
        let mut guests: Vec<Guest> = view.vms.iter().map(|vm| self.guest(vm)).collect();
        let rest = self.change(&mut guests, first, goal);
        let no_progress = if goal > 0 { rest >= goal } else { rest <= goal };
        if no_progress {
            self.change(&mut guests, &all, rest);
        }
        let wanted = guests.iter().zip(&view.vms).map(|(guest, vm)| {
            guest.target.map_or(vm.allocation, |bytes| Frames((bytes / self.page) as u64))
        });
        let wanted: Vec<Frames> = wanted.collect();
        Ok(Plan::in_order(view, &wanted, pressed.iter().chain(&comfortable).copied()))
    }
}

impl AutoBalloon {
    fn bytes(&self, frames: Frames) -> i128 {
        i128::from(frames.0) * self.page
    }

    fn guest(&self, vm: &VmView) -> Guest {
        Guest {
            min: self.bytes(vm.bounds.min),
            max: self.bytes(vm.bounds.max),
            shares: i128::from(vm.shares),
            balloon: self.bytes(vm.allocation),
            target: None,
        }
    }

    fn is_pressed(&self, vm: &VmView) -> bool {
        let free = i128::from(vm.allocation.0.saturating_sub((self.used)(vm).0));
        let part = i128::from(vm.bounds.min.0) * i128::from(self.pressure.digits);
        free == 0 || free * i128::from(self.pressure.denominator()) <= part
    }

    /// Changes what these VMs hold above their minima towards proportion to their shares, so that
    /// they hold `amount` more together, and returns the part of the amount that is left.
    fn change(&self, guests: &mut [Guest], vms: &[usize], amount: i128) -> i128 {
        let mut rest = amount;
        let mut open = vms.to_vec();
        let mut progress = true;
        // It goes round while a VM moved, be it up or down.
        while rest != 0 && progress && !open.is_empty() {
            progress = false;
            let shares: i128 = open.iter().map(|&at| guests[at].shares).sum();
            let held = |at: usize| guests[at].target.unwrap_or(guests[at].balloon);
            let above: i128 = open.iter().map(|&at| held(at) - guests[at].min).sum();
            let above = above + rest;
            open.retain(|&at| {
                let guest = &mut guests[at];
                let desired = guest.min + above * guest.shares / shares;
                let desired = desired.min(guest.max).max(guest.min);
                let target = if amount > 0 && desired > guest.balloon {
                    desired.min(guest.balloon + self.step)
                } else if desired < guest.balloon {
                    desired.max(guest.balloon - self.step)
                } else {
                    // It is where it should be, or must not grow while the host shrinks.
                    return false;
                };
                let before = guest.target.replace(target).unwrap_or(guest.balloon);
                progress |= target != before;
                rest -= target - before;
                true
            });
        }
        rest
    }
}

#[cfg(test)]
mod tests {
    use super::super::super::testing::{policy, resident, step, view, vm};
    use super::*;

    const SMALL: &[(&str, Value)] =
        &[("tolerance", Value::Integer(10)), ("step", Value::Integer(100))];

    #[test]
    fn within_the_tolerance_nothing_moves() {
        for resident in [790, 800, 810] {
            let mut view = view(1000, vec![vm(900, 1, 1000), vm(100, 1, 1000)]);
            view.vms[0].resident = Frames(resident - 100);
            assert_eq!(step(&mut *policy(&KIND, SMALL), &mut view), [900, 100]);
        }
    }

    #[test]
    fn comfortable_guests_shrink_first_and_by_no_more_than_a_step() {
        // 170 too many; the first uses all it has, the second has some free.
        let vms = vec![vm(500, 100, 900), resident(470, vm(500, 100, 900))];
        let mut view = view(1000, vms);
        let mut proxmox = policy(&KIND, SMALL);
        assert_eq!(step(&mut *proxmox, &mut view), [500, 400]);
    }

    #[test]
    fn guests_under_pressure_grow_first_and_by_shares() {
        let vms = vec![vm(100, 100, 900), vm(100, 100, 900), resident(10, vm(100, 100, 900))];
        let mut view = view(1000, vms);
        view.vms[0].shares = 3000;
        let settings = [SMALL[0].clone(), ("step", Value::Integer(1000))];
        // 590 to the two in proportion 3 to 1.
        assert_eq!(step(&mut *policy(&KIND, &settings), &mut view), [542, 247, 100]);
    }

    #[test]
    fn if_nobody_comfortable_can_give_all_give_by_shares() {
        let vms = vec![vm(600, 100, 900), vm(400, 100, 900)];
        let mut view = view(1000, vms);
        // 600 above the minima are to be 300 each: the first gives its step, the second nothing.
        let mut proxmox = policy(&KIND, SMALL);
        assert_eq!(step(&mut *proxmox, &mut view), [500, 400]);
        assert_eq!(step(&mut *proxmox, &mut view), [400, 400]);
        assert_eq!(step(&mut *proxmox, &mut view), [400, 400]);
    }

    #[test]
    fn a_guest_swings_between_two_sizes_while_the_others_are_full_and_the_goal_is_out_of_reach() {
        let vms = vec![vm(2, 1, 2), vm(5, 1, 5), vm(21, 1, 21)];
        let mut view = view(56, vms);
        view.vms[2].resident = Frames(15);
        let settings = [("tolerance", Value::Integer(1)), ("step", Value::Integer(5))];
        let mut proxmox = policy(&KIND, &settings);
        for _ in 0..9 {
            assert_eq!(step(&mut *proxmox, &mut view), [2, 5, 16]);
            assert_eq!(step(&mut *proxmox, &mut view), [2, 5, 21]);
        }
    }

    /// The original's decisions on the same numbers.
    #[test]
    fn a_pass_ends_when_no_vm_moved_not_when_the_changes_cancel() {
        let mut vms = vec![vm(1, 1, 60_000), vm(42_000, 1000, 200_000), vm(10_000, 10_000, 10_000)];
        (vms[0].shares, vms[2].shares) = (2000, 2000);
        let mut view = view(104_002, vms);
        assert_eq!(step(&mut *policy(&KIND, &[]), &mut view), [25_601, 25_066, 10_000]);
    }

    #[test]
    fn half_a_frame_is_progress() {
        let vms = vec![vm(10_000, 1, 10_000), resident(14_999, vm(15_000, 1, 100_000))];
        let mut view = view(37_500, vms);
        assert_eq!(step(&mut *policy(&KIND, &[]), &mut view), [10_000, 20_001]);
    }
}
