//! `qmemman`: memory in proportion to what guests use, a preferred size before all.
//!
//! *Idea.* A domain prefers a third more than it uses. While all can have that, the surplus is
//! divided in the same proportion; if not, those above their preference give up the difference and
//! the others share it. *Follows.* qmemman of Qubes OS (qubes-core-admin, qmemman/algo.py), R.
//! Wojtczuk and M. Marczykowski, 2010 on. *Departs.* Used memory is the working set of the interval
//! unless the parameter says otherwise: a real guest's caches do not count as used, and of a
//! trace's pages nobody knows which are cache. The factors are applied in integers, rounded down
//! after each. The minimum preference is lowered to a VM's maximum and raised to its minimum, and
//! there is no dom0 with an allowance of its own. What maxima leave over is divided equally until
//! nobody can take more. In shortage the published code subtracts what donors free from the free
//! memory, so takers get it a round later; here at once, and what a taker's maximum refuses a round
//! later. It also takes the safety factor from all that takers hold, here from what they are given,
//! so that nobody shrinks where nothing changes. A VM that arrives is served by the host, not by
//! borrowing from donors. *Cost.* O(V) a checkpoint for V VMs, times the number of maxima that
//! bind. *Parameters.* `cache_factor`: preferred frames per used frame (1.3, Qubes'); `pref_min`:
//! the fewest that a VM prefers (51200, Qubes' 200 MiB); `donor_min`: in shortage, surplus below
//! which a VM is left alone (2560, Qubes' 10 MiB); `safety`: the part of each target that is given
//! (0.999, Qubes'); `used`: what is used (`working-set`).

use crate::balance::{Plan, Policy, PolicyError, PolicyKind, View, VmView, exact, used};
use crate::meets::Meets;
use crate::observe::WINDOW;
use crate::params::{Domain, Param, Value};
use crate::random::Stream;
use crate::shares;
use crate::units::{Decimal, Frames};

pub(in crate::balance) const KIND: PolicyKind = PolicyKind {
    name: "qmemman",
    summary: "divides memory in proportion to what guests use and a third more",
    follows: "qmemman of Qubes OS, R. Wojtczuk and M. Marczykowski, 2010",
    params: &[CACHE_FACTOR, PREF_MIN, DONOR_MIN, SAFETY, used::WORKING_SET_PARAM],
    meets: Meets::Never,
    observers: |_| &[&WINDOW],
    fits: |_, _, _| Ok(()),
    build: |settings| {
        Box::new(Qmemman {
            cache_factor: settings.decimal(CACHE_FACTOR.name),
            pref_min: Frames(settings.integer(PREF_MIN.name)),
            donor_min: Frames(settings.integer(DONOR_MIN.name)),
            safety: settings.decimal(SAFETY.name),
            used: used::of(settings),
        })
    },
};

const CACHE_FACTOR: Param = Param {
    name: "cache_factor",
    doc: "frames that a VM prefers for each one that it uses; Qubes'",
    domain: Domain::Decimal { min: exact::hundredths(100), max: exact::hundredths(1000) },
    default: Value::Decimal(Decimal { digits: 13, places: 1 }),
};

const PREF_MIN: Param = Param {
    name: "pref_min",
    doc: "the fewest frames that a VM prefers; Qubes' 200 MiB in frames of 4 KiB",
    domain: Domain::Frames { min: 0 },
    default: Value::Integer(51_200),
};

const DONOR_MIN: Param = Param {
    name: "donor_min",
    doc: "in shortage, a VM with a smaller surplus is left alone; Qubes' 10 MiB in frames of 4 KiB",
    domain: Domain::Frames { min: 0 },
    default: Value::Integer(2_560),
};

const SAFETY: Param = Param {
    name: "safety",
    doc: "the part of what a VM should get that it gets; Qubes', against rounding",
    domain: Domain::Decimal { min: exact::hundredths(50), max: exact::hundredths(100) },
    default: Value::Decimal(Decimal { digits: 999, places: 3 }),
};

struct Qmemman {
    cache_factor: Decimal,
    pref_min: Frames,
    donor_min: Frames,
    safety: Decimal,
    used: fn(&VmView) -> Frames,
}

impl Policy for Qmemman {
    fn plan(&mut self, view: &View, _: &mut Stream) -> Result<Plan, PolicyError> {
        let preferred: Vec<Frames> = view.vms.iter().map(|vm| self.preferred(vm)).collect();
        let sum: u128 = preferred.iter().map(|frames| u128::from(frames.0)).sum();
        // Available: what is free, less all that VMs prefer beyond what they have.
        Ok(if u128::from(view.host.0) > sum {
            self.share_plenty(view, &preferred, sum as u64)
        } else {
            self.share_shortage(view, &preferred)
        })
    }
}

impl Qmemman {
    fn preferred(&self, vm: &VmView) -> Frames {
        vm.bounds.clamp(exact::times((self.used)(vm), self.cache_factor).max(self.pref_min))
    }

    /// Everybody has what it prefers; what is available beyond is divided in the same proportion.
    fn share_plenty(&self, view: &View, preferred: &[Frames], sum: u64) -> Plan {
        let given = exact::times(view.host, self.safety);
        let mut left = Frames(0);
        let mut targets = Vec::with_capacity(preferred.len());
        for (vm, preferred) in view.vms.iter().zip(preferred) {
            let share = Frames(exact::part(preferred.0, given.0, sum));
            let target = share.max(vm.bounds.min);
            // More than the maximum is not given but left over.
            left += target - target.min(vm.bounds.max);
            targets.push(target.min(vm.bounds.max));
        }
        let room: Vec<Frames> =
            view.vms.iter().zip(&targets).map(|(vm, &target)| vm.bounds.max - target).collect();
        let more = shares::divide(exact::times(left, self.safety), &vec![1; room.len()], &room);
        for (target, more) in targets.iter_mut().zip(more.given) {
            *target += more;
        }
        Plan(targets)
    }

    /// Donors go down to what they prefer; takers share that and what is free by preference.
    fn share_shortage(&self, view: &View, preferred: &[Frames]) -> Plan {
        let mut plan = Plan::held(view);
        let mut freed = view.free();
        let mut takers = vec![0; preferred.len()];
        for (at, vm) in view.vms.iter().enumerate() {
            if preferred[at] > vm.allocation {
                takers[at] = preferred[at].0;
            } else if vm.allocation - preferred[at] >= self.donor_min {
                // Smaller surpluses were probably tried before.
                freed += vm.allocation - preferred[at];
                plan.0[at] = preferred[at];
            }
        }
        let given = exact::times(freed, self.safety);
        let sum: u64 = takers.iter().sum();
        for (at, vm) in view.vms.iter().enumerate().filter(|&(at, _)| takers[at] > 0) {
            let share = Frames(exact::part(given.0, takers[at], sum));
            plan.0[at] += share.min(vm.bounds.max - vm.allocation);
        }
        plan
    }
}

#[cfg(test)]
mod tests {
    use super::super::super::testing::{policy, step, using, view, vm};
    use super::*;

    const SMALL: &[(&str, Value)] =
        &[("pref_min", Value::Integer(200)), ("donor_min", Value::Integer(10))];

    fn divided(used: [u64; 2], max: u64) -> Vec<u64> {
        let mut view = view(1000, used.map(|used| using(used, vm(500, 1, max))).to_vec());
        let mut qmemman = policy(&KIND, SMALL);
        let targets = step(&mut *qmemman, &mut view);
        for _ in 0..9 {
            assert_eq!(step(&mut *qmemman, &mut view), targets, "nothing changes, nothing moves");
        }
        targets
    }

    #[test]
    fn plenty_is_divided_in_proportion_to_preferences() {
        // Preferred 260 and 520, available 220.
        assert_eq!(divided([200, 400], 900), [333, 666]);
    }

    #[test]
    fn in_shortage_the_donor_gives_what_it_does_not_prefer() {
        // Preferred 260 and 900: 910 is above the maximum.
        assert_eq!(divided([200, 700], 900), [260, 739]);
    }

    #[test]
    fn what_a_maximum_leaves_over_goes_to_the_others() {
        let vms = vec![using(100, vm(300, 1, 250)), using(100, vm(100, 1, 900))];
        let mut view = view(1000, vms);
        // 499 each, the 249 beyond the maximum to the other, less a thousandth.
        assert_eq!(step(&mut *policy(&KIND, SMALL), &mut view), [250, 747]);
    }

    #[test]
    fn a_small_surplus_is_not_collected() {
        let vms = vec![using(380, vm(503, 1, 900)), using(700, vm(497, 1, 900))];
        let mut view = view(1000, vms);
        assert_eq!(step(&mut *policy(&KIND, SMALL), &mut view), [503, 497]);
    }
}
