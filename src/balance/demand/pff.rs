//! `pff`: the fault rate of each VM is kept between two thresholds.
//!
//! *Idea.* Who faults often has too little: every fault adds a frame. Who faults rarely has too
//! much: the pages that were not used lately go.
//! *Follows.* W. W. Chu and H. Opderbeck, "The page fault frequency replacement algorithm", AFIPS
//! Fall Joint Computer Conference 1972, in the form with two thresholds.
//! *Departs.* The rate is that of the checkpoint interval, demand faults per access, not the time
//! between two faults. A VM above the upper threshold grows by a frame for each fault that evicted
//! a page (the others found an empty frame); one below the lower threshold shrinks to the pages
//! that it used in the interval. If no frame is free the original suspends a VM; here the VM that
//! faults most often is served first, ties in file order, and the others stay as they are. A phase
//! keeps the pages of the one before until faults are rare, as in the original.
//! *Cost.* O(V log V) per checkpoint for V VMs.
//! *Parameters.* `upper`: demand faults per access above which a VM grows (0.01, ours); `lower`:
//! those below which it shrinks (0.001, ours).

use std::cmp::Ordering;

use crate::balance::{Plan, Policy, PolicyError, PolicyKind, View, VmView, exact};
use crate::meets::Meets;
use crate::observe::WINDOW;
use crate::params::{Domain, Param, Value};
use crate::random::Stream;
use crate::replace::Counts;
use crate::units::{Decimal, Frames};

pub(in crate::balance) const KIND: PolicyKind = PolicyKind {
    name: "pff",
    summary: "grows a VM by its faults while they are frequent and shrinks it to the pages in use \
              when they are rare",
    follows: "W. W. Chu and H. Opderbeck, The page fault frequency replacement algorithm, AFIPS \
              FJCC 1972",
    live_interval: None,
    params: &[UPPER, LOWER],
    meets: Meets::Never,
    observers: |_| &[&WINDOW],
    fits: |settings, _, _| {
        let (upper, lower) = (settings.decimal(UPPER.name), settings.decimal(LOWER.name));
        if Decimal::compare_ratio(lower.digits, lower.denominator(), upper) != Ordering::Greater {
            return Ok(());
        }
        Err(format!(
            "`pff` shrinks below a fault rate of {lower} and grows above {upper}; lower \
             `policy.pff.lower` or raise `policy.pff.upper`"
        ))
    },
    build: |settings| {
        let (upper, lower) = (settings.decimal(UPPER.name), settings.decimal(LOWER.name));
        Box::new(FaultFrequency { upper, lower })
    },
};

const ANY_RATE: Domain = Domain::Decimal { min: exact::hundredths(0), max: exact::hundredths(100) };

const UPPER: Param = Param {
    name: "upper",
    doc: "demand faults per access above which a VM grows; ours",
    domain: ANY_RATE,
    default: Value::Decimal(exact::hundredths(1)),
};

const LOWER: Param = Param {
    name: "lower",
    doc: "demand faults per access below which a VM shrinks; ours",
    domain: ANY_RATE,
    default: Value::Decimal(exact::ten_thousandths(10)),
};

struct FaultFrequency {
    upper: Decimal,
    lower: Decimal,
}

impl Policy for FaultFrequency {
    fn plan(&mut self, view: &View, _: &mut Stream) -> Result<Plan, PolicyError> {
        let want = |vm: &VmView| {
            let Counts { accesses, demand_faults, .. } = vm.interval;
            if Decimal::compare_ratio(demand_faults, accesses, self.upper) == Ordering::Greater {
                // Faults are frequent: the page comes, and none goes for it.
                vm.allocation + Frames(vm.interval.replacement_misses)
            } else if Decimal::compare_ratio(demand_faults, accesses, self.lower) == Ordering::Less
            {
                // Faults are rare: every page goes that was not used since.
                vm.allocation.min(vm.seen.window.distinct)
            } else {
                vm.allocation
            }
        };
        let wanted: Vec<Frames> = view.vms.iter().map(want).collect();
        let mut ranks: Vec<usize> = (0..view.vms.len()).collect();
        ranks.sort_by(|&one, &other| compare_rates(&view.vms[other], &view.vms[one]));
        Ok(Plan::in_order(view, &wanted, ranks))
    }
}

fn compare_rates(one: &VmView, other: &VmView) -> Ordering {
    let product = |faults_of: &VmView, accesses_of: &VmView| {
        let accesses = accesses_of.interval.accesses.max(1);
        u128::from(faults_of.interval.demand_faults) * u128::from(accesses)
    };
    product(one, other).cmp(&product(other, one))
}

#[cfg(test)]
mod tests {
    use super::super::super::testing::{policy, step, using, view, vm};
    use super::*;
    use crate::params::Settings;

    fn faulting(faults: u64, distinct: u64, allocation: u64) -> VmView {
        let mut vm = using(distinct, vm(allocation, 1, 1000));
        vm.interval.accesses = 10_000;
        vm.interval.demand_faults = faults;
        vm.interval.replacement_misses = faults;
        vm
    }

    #[test]
    fn frequent_faults_add_frames_and_rare_ones_let_unused_pages_go() {
        let vms = vec![faulting(101, 300, 200), faulting(9, 50, 300), faulting(50, 10, 100)];
        assert_eq!(step(&mut *policy(&KIND, &[]), &mut view(1000, vms)), [301, 50, 100]);
    }

    #[test]
    fn the_thresholds_themselves_change_nothing() {
        let vms = vec![faulting(100, 300, 200), faulting(10, 50, 300)];
        assert_eq!(step(&mut *policy(&KIND, &[]), &mut view(1000, vms)), [200, 300]);
    }

    #[test]
    fn who_faults_most_often_is_served_first() {
        let vms = vec![faulting(200, 500, 400), faulting(300, 500, 400)];
        assert_eq!(step(&mut *policy(&KIND, &[]), &mut view(1000, vms)), [400, 600]);
    }

    #[test]
    fn thresholds_must_be_in_order() {
        let mut settings = Settings::defaults(KIND.params);
        settings.set("lower", Value::Decimal(exact::hundredths(2)));
        let complaint = (KIND.fits)(&settings, Frames(9), &[]).unwrap_err();
        assert!(complaint.contains("0.02"), "{complaint}");
    }
}
