//! `proportional`: a guarantee for every VM, the rest in proportion to all misses so far.
//!
//! *Idea.* Whoever has missed most since the start gets the largest share of the frames that are
//! not guaranteed.
//! *Follows.* Strategy 3 of H. Wu, S. Wu and W. Zhang, "Simulation of memory management in virtual
//! machines", COEN 283 report, 2011.
//! *Departs.* The report's program computes the shares in single precision, here by integers. It
//! knows no bounds; here a VM's guarantee is raised to its minimum and lowered to its maximum, and
//! what a share exceeds the maximum by is divided among the others by the same rule.
//! *Cost.* O(V) a checkpoint for V VMs, times the number of maxima that bind.
//! *Knobs.* `count`: which faults (`replacement_misses`, the report's); `guarantee`: frames that
//! every VM keeps (2, the report's); `rounding`: who gets the frames that rounding leaves over
//! (`random`, the report's one lucky VM).

use super::{Plan, Policy, PolicyKind, View, counter};
use crate::knobs::{Domain, Knob, Value};
use crate::random::Stream;
use crate::replace::Counts;
use crate::units::Frames;

pub(super) const KIND: PolicyKind = PolicyKind {
    name: "proportional",
    summary: "guarantees every VM a few frames and divides the rest by all misses so far",
    follows: "strategy 3 of H. Wu, S. Wu and W. Zhang, Simulation of memory management in virtual \
              machines, COEN 283 report, 2011",
    knobs: &[counter::KNOB, GUARANTEE, ROUNDING],
    fits: |settings, host, vms| {
        let guarantee = Frames(settings.integer(GUARANTEE.name));
        let kept: u128 = vms.iter().map(|bounds| u128::from(bounds.clamp(guarantee).0)).sum();
        if kept <= u128::from(host.0) {
            return Ok(());
        }
        Err(format!(
            "`proportional` guarantees {guarantee} frames or the minimum to each of {} VMs, {kept} \
             together, and the host has {host}; lower `policy.proportional.guarantee` or raise \
             `host.memory`",
            vms.len()
        ))
    },
    build: |settings| {
        Box::new(Proportional {
            count: counter::of(settings),
            guarantee: Frames(settings.integer(GUARANTEE.name)),
            random_rounding: settings.choice(ROUNDING.name) == RANDOM,
        })
    },
};

const GUARANTEE: Knob = Knob {
    name: "guarantee",
    doc: "frames that every VM keeps; the report's MIN_PAGE_PER_VM",
    domain: Domain::Frames { min: 1 },
    default: Value::Integer(2),
};

const ROUNDING: Knob = Knob {
    name: "rounding",
    doc: "who gets the frames that rounding leaves over: one VM drawn at random (the report's), or \
          the VMs with the largest remainders, one each, ties in file order",
    domain: Domain::Choice(&[RANDOM, "largest-remainder"]),
    default: Value::Choice(RANDOM),
};

const RANDOM: &str = "random";

struct Proportional {
    count: fn(&Counts) -> u64,
    guarantee: Frames,
    random_rounding: bool,
}

impl Policy for Proportional {
    fn divide(&mut self, view: &View, draw: &mut Stream) -> Plan {
        let misses: Vec<u64> = view.vms.iter().map(|vm| (self.count)(&vm.total)).collect();
        if misses.iter().all(|&count| count == 0) {
            return Plan::unchanged(view);
        }
        let mut targets: Vec<Frames> =
            view.vms.iter().map(|vm| vm.bounds.clamp(self.guarantee)).collect();
        let mut left = view.host - targets.iter().copied().sum();
        let mut open: Vec<usize> = (0..misses.len()).collect();
        while left.0 > 0 && !open.is_empty() {
            let bonus = left;
            let sum: u128 = open.iter().map(|&vm| u128::from(misses[vm])).sum();
            if sum == 0 {
                break;
            }
            let product = |vm: usize| u128::from(misses[vm]) * u128::from(bonus.0);
            for &vm in &open {
                let share = Frames((product(vm) / sum) as u64);
                let given = share.min(view.vms[vm].bounds.max - targets[vm]);
                targets[vm] += given;
                left -= given;
            }
            let full = |vm: usize| targets[vm] == view.vms[vm].bounds.max;
            let share_cut = open.iter().any(|&vm| full(vm));
            if share_cut {
                open.retain(|&vm| !full(vm));
                continue;
            }
            if self.random_rounding {
                let lucky = open[draw.below(open.len() as u64) as usize];
                let given = left.min(view.vms[lucky].bounds.max - targets[lucky]);
                targets[lucky] += given;
                left -= given;
            } else {
                open.sort_by_key(|&vm| std::cmp::Reverse(product(vm) % sum));
                for &vm in open.iter().take(left.0 as usize) {
                    targets[vm] += Frames(1);
                    left -= Frames(1);
                }
            }
            break;
        }
        Plan(targets)
    }
}
