//! `proportional`: a guarantee for every VM, the rest in proportion to all misses so far.
//!
//! *Idea.* Whoever has missed most since the start gets the largest share of the frames that are
//! not guaranteed.
//! *Follows.* Strategy 3 of H. Wu, S. Wu and W. Zhang, "Simulation of memory management in virtual
//! machines", COEN 283 report, 2011.
//! *Departs.* As in the report a lucky VM is drawn at every checkpoint, so by default frames move
//! though nothing has changed. Its program computes the shares in single precision, here integers.
//! It knows no bounds; here a VM's guarantee is raised to its minimum and lowered to its maximum,
//! what a share exceeds a maximum by is divided among the others by the same rule, and what the
//! lucky VM's maximum cannot take goes on to the next VMs in file order.
//! *Cost.* O(V) per checkpoint for V VMs, times the number of maxima that bind.
//! *Parameters.* `count`: which faults (`replacement_misses`, the report's); `guarantee`: frames
//! that every VM keeps (2, the report's); `rounding`: who gets the frames that rounding leaves over
//! (`random`, the report's one lucky VM).

use super::counter;
use crate::balance::{Plan, Policy, PolicyError, PolicyKind, View};
use crate::meets::Meets;
use crate::params::{Domain, Param, Value};
use crate::random::Stream;
use crate::replace::Counts;
use crate::shares;
use crate::units::Frames;

pub(in crate::balance) const KIND: PolicyKind = PolicyKind {
    name: "proportional",
    summary: "guarantees every VM a few frames and divides the rest by all misses so far",
    follows: "strategy 3 of H. Wu, S. Wu and W. Zhang, Simulation of memory management in virtual \
              machines, COEN 283 report, 2011",
    live_interval: None,
    params: &[counter::PARAM, GUARANTEE, ROUNDING],
    meets: Meets::Never,
    observers: |_| &[],
    fits: |settings, host, vms| {
        let guarantee = Frames(settings.integer(GUARANTEE.name));
        let kept: u128 = vms.iter().map(|bounds| u128::from(bounds.clamp(guarantee).0)).sum();
        // Minima that do not fit together are never here together.
        let minima_alone = vms.iter().all(|bounds| guarantee <= bounds.min);
        if minima_alone || kept <= u128::from(host.0) {
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

const GUARANTEE: Param = Param {
    name: "guarantee",
    doc: "frames that every VM keeps; the report's MIN_PAGE_PER_VM",
    domain: Domain::Frames { min: 1 },
    default: Value::Integer(2),
};

const ROUNDING: Param = Param {
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
    fn plan(&mut self, view: &View, rng: &mut Stream) -> Result<Plan, PolicyError> {
        let misses: Vec<u64> = view.vms.iter().map(|vm| (self.count)(&vm.total)).collect();
        if misses.iter().all(|&count| count == 0) {
            return Ok(Plan::unchanged(view));
        }
        let kept = view.vms.iter().map(|vm| vm.bounds.clamp(self.guarantee));
        let mut targets: Vec<Frames> = kept.collect();
        let room: Vec<Frames> =
            view.vms.iter().zip(&targets).map(|(vm, &kept)| vm.bounds.max - kept).collect();
        let bonus = view.host - targets.iter().copied().sum();
        let mut shares = shares::divide(bonus, &misses, &room);
        let given = if self.random_rounding {
            if shares.left > Frames(0) {
                let vms = view.vms.len();
                let lucky = rng.below(vms as u64) as usize;
                for vm in (lucky..vms).chain(0..lucky) {
                    let taken = shares.left.min(room[vm] - shares.given[vm]);
                    shares.given[vm] += taken;
                    shares.left -= taken;
                }
            }
            shares.given
        } else {
            shares.largest_remainder(&room)
        };
        for (target, given) in targets.iter_mut().zip(given) {
            *target += given;
        }
        Ok(Plan(targets))
    }
}
