//! `proxmox-autoballoon`: the host is kept at four fifths of its memory, by shares.
//!
//! *Idea.* If the host uses less than its goal, guests under pressure may grow; if it uses more,
//! comfortable guests shrink. What VMs hold above their minimum is to be in proportion to shares.
//! *Follows.* Proxmox VE's auto-ballooning (pve-manager, PVE/AutoBalloon.pm), 2012 on. *Departs.*
//! The host's used memory is the resident pages of all VMs. A guest's free memory is its allocation
//! less its working set, unless the parameter says otherwise: a page that was not used lately
//! counts as free, because traces free nothing. Shares are at least 1, so nobody opts out. Division
//! is in integers, rounded down (towards the minimum). The original goes round while anything
//! moves; here at most once for each VM and once more. Growth beyond the free frames is given in
//! file order, to guests under pressure first. As in the original a guest above its share shrinks
//! while the host may grow, before it turns out that the others are full; a round later it grows
//! back, so sizes may swing for ever where the goal cannot be met. *Cost.* O(V²) a checkpoint for V
//! VMs at worst, O(V) mostly. *Parameters.* `goal`: the part of the host's memory that should be
//! used (0.8, Proxmox'); `tolerance`: frames by which it may be missed (2560, Proxmox' 10 MiB);
//! `step`: frames by which a VM changes at most (25600, Proxmox' 100 MiB); `pressure`: a guest is
//! under pressure if its free memory is no more than this part of its minimum (0.25, Proxmox');
//! `used`: what is used (`working-set`).

use crate::balance::{Plan, Policy, PolicyError, PolicyKind, View, VmView, exact, used};
use crate::meets::Meets;
use crate::observe::WINDOW;
use crate::params::{Domain, Param, Value};
use crate::random::Stream;
use crate::units::{Decimal, Frames};

pub(in crate::balance) const KIND: PolicyKind = PolicyKind {
    name: "proxmox-autoballoon",
    summary: "grows guests under pressure or shrinks comfortable ones, by shares, to keep the host \
              at four fifths",
    follows: "the auto-ballooning of Proxmox VE, 2012",
    params: &[GOAL, TOLERANCE, STEP, PRESSURE, used::WORKING_SET_PARAM],
    meets: Meets::Never,
    observers: |_| &[&WINDOW],
    fits: |_, _, _| Ok(()),
    build: |settings| {
        Box::new(AutoBalloon {
            goal: settings.decimal(GOAL.name),
            tolerance: i128::from(settings.integer(TOLERANCE.name)),
            step: i128::from(settings.integer(STEP.name)),
            pressure: settings.decimal(PRESSURE.name),
            used: used::of(settings),
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
    doc: "frames by which the goal may be missed; Proxmox' 10 MiB in frames of 4 KiB",
    domain: Domain::Frames { min: 0 },
    default: Value::Integer(2_560),
};

const STEP: Param = Param {
    name: "step",
    doc: "frames by which a VM changes at most; Proxmox' 100 MiB in frames of 4 KiB",
    domain: Domain::Frames { min: 1 },
    default: Value::Integer(25_600),
};

const PRESSURE: Param = Param {
    name: "pressure",
    doc: "a guest is under pressure while its free memory is at most this part of its minimum; \
          Proxmox'",
    domain: ANY_PART,
    default: Value::Decimal(exact::hundredths(25)),
};

struct AutoBalloon {
    goal: Decimal,
    tolerance: i128,
    step: i128,
    pressure: Decimal,
    used: fn(&VmView) -> Frames,
}

impl Policy for AutoBalloon {
    fn plan(&mut self, view: &View, _: &mut Stream) -> Result<Plan, PolicyError> {
        let resident: Frames = view.vms.iter().map(|vm| vm.resident).sum();
        let goal = signed(exact::times(view.host, self.goal)) - signed(resident);
        if goal.abs() <= self.tolerance {
            // Too small a change to be worth it.
            return Ok(Plan::unchanged(view));
        }
        let all: Vec<usize> = (0..view.vms.len()).collect();
        let (pressed, comfortable): (Vec<usize>, Vec<usize>) =
            all.iter().partition(|&&at| self.is_pressed(&view.vms[at]));
        // To grow, VMs under pressure come first; to shrink, comfortable ones.
        let first = if goal > 0 { &pressed } else { &comfortable };
        let mut targets: Vec<i128> = view.vms.iter().map(|vm| signed(vm.allocation)).collect();
        let rest = self.change(view, &mut targets, first, goal);
        if rest.abs() >= goal.abs() {
            // No progress: all VMs are considered.
            self.change(view, &mut targets, &all, rest);
        }
        let wanted: Vec<Frames> = targets.into_iter().map(|frames| Frames(frames as u64)).collect();
        Ok(Plan::in_order(view, &wanted, pressed.iter().chain(&comfortable).copied()))
    }
}

impl AutoBalloon {
    fn is_pressed(&self, vm: &VmView) -> bool {
        let free = vm.allocation.0.saturating_sub((self.used)(vm).0);
        Frames(free) <= exact::times(vm.bounds.min, self.pressure)
    }

    /// Changes what these VMs hold above their minima towards proportion to their shares, so that
    /// they hold `amount` more together, and returns the part of the amount that is left.
    fn change(&self, view: &View, targets: &mut [i128], vms: &[usize], amount: i128) -> i128 {
        let mut rest = amount;
        let mut open = vms.to_vec();
        for _ in 0..=vms.len() {
            let min = |at: usize| signed(view.vms[at].bounds.min);
            let shares: i128 = open.iter().map(|&at| i128::from(view.vms[at].shares)).sum();
            let above: i128 = open.iter().map(|&at| targets[at] - min(at)).sum::<i128>() + rest;
            let mut changes = 0;
            open.retain(|&at| {
                let vm = &view.vms[at];
                let share = above * i128::from(vm.shares) / shares;
                let desired = (min(at) + share).clamp(min(at), signed(vm.bounds.max));
                let held = signed(vm.allocation);
                if desired == held || (desired > held && amount < 0) {
                    // It is where it should be, or must not grow while the host shrinks.
                    return false;
                }
                let target = desired.clamp(held - self.step, held + self.step);
                changes += target - targets[at];
                targets[at] = target;
                true
            });
            rest -= changes;
            if rest == 0 || changes == 0 {
                break;
            }
        }
        rest
    }
}

fn signed(frames: Frames) -> i128 {
    i128::from(frames.0)
}

#[cfg(test)]
mod tests {
    use super::super::super::testing::{policy, step, using, view, vm};
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
        // 200 too many; the first uses all it has, the second a tenth.
        let vms = vec![using(500, vm(500, 100, 900)), using(50, vm(500, 100, 900))];
        let mut view = view(1000, vms);
        let mut proxmox = policy(&KIND, SMALL);
        assert_eq!(step(&mut *proxmox, &mut view), [500, 400]);
        assert_eq!(step(&mut *proxmox, &mut view), [500, 300]);
        assert_eq!(step(&mut *proxmox, &mut view), [500, 300], "the goal is reached");
    }

    #[test]
    fn guests_under_pressure_grow_first_and_by_shares() {
        let vms = vec![
            using(100, vm(100, 100, 900)),
            using(100, vm(100, 100, 900)),
            using(10, vm(100, 100, 900)),
        ];
        let mut view = view(1000, vms);
        view.vms[0].shares = 3000;
        let settings = [SMALL[0].clone(), ("step", Value::Integer(1000))];
        // 500 to the two in proportion 3 to 1.
        assert_eq!(step(&mut *policy(&KIND, &settings), &mut view), [475, 225, 100]);
    }

    #[test]
    fn if_nobody_comfortable_can_give_all_give_by_shares() {
        let vms = vec![using(600, vm(600, 100, 900)), using(400, vm(400, 100, 900))];
        let mut view = view(1000, vms);
        // 600 above the minima are to be 300 each: the first gives its step, the second nothing.
        let mut proxmox = policy(&KIND, SMALL);
        assert_eq!(step(&mut *proxmox, &mut view), [500, 400]);
        assert_eq!(step(&mut *proxmox, &mut view), [400, 400]);
        assert_eq!(step(&mut *proxmox, &mut view), [400, 400]);
    }

    #[test]
    fn a_guest_swings_between_two_sizes_while_the_others_are_full_and_the_goal_is_out_of_reach() {
        let vms = vec![using(2, vm(2, 1, 2)), using(5, vm(5, 1, 5)), using(10, vm(21, 1, 21))];
        let mut view = view(56, vms);
        view.vms[2].resident = Frames(15);
        let settings = [("tolerance", Value::Integer(1)), ("step", Value::Integer(5))];
        let mut proxmox = policy(&KIND, &settings);
        for _ in 0..9 {
            assert_eq!(step(&mut *proxmox, &mut view), [2, 5, 16]);
            assert_eq!(step(&mut *proxmox, &mut view), [2, 5, 21]);
        }
    }
}
