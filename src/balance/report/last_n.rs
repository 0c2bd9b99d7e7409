//! `last-n`: one frame from the VM that misses least to the one that misses most, pair by pair.
//!
//! *Idea.* VMs are sorted by the miss ratio of the last interval; the first and the last make a
//! pair, the second and the one before the last, and so on. In each pair one frame moves.
//! *Follows.* Strategy 2 of H. Wu, S. Wu and W. Zhang, "Simulation of memory management in virtual
//! machines", COEN 283 report, 2011. Its n is the checkpoint interval.
//! *Departs.* The report compares counts, which is the same where all VMs access at one rate; here
//! ratios are compared, by cross multiplication. Its program knows no bounds; here a pair whose
//! giver is at its minimum or whose taker is at its maximum moves nothing.
//! *Cost.* O(V log V) per checkpoint for V VMs.
//! *Parameters.* `count`: which faults make the ratio (`replacement_misses`, the report's).

use std::cmp::Ordering;

use super::counter;
use crate::balance::{Plan, Policy, PolicyError, PolicyKind, View, VmView};
use crate::meets::Meets;
use crate::random::Stream;
use crate::replace::Counts;
use crate::units::Frames;

pub(in crate::balance) const KIND: PolicyKind = PolicyKind {
    name: "last-n",
    summary: "pairs the VMs by the miss ratio of the last interval and moves one frame in each \
              pair",
    follows: "strategy 2 of H. Wu, S. Wu and W. Zhang, Simulation of memory management in \
              virtual machines, COEN 283 report, 2011",
    live_interval: None,
    params: &[counter::PARAM],
    meets: Meets::Never,
    observers: |_| &[],
    fits: |_, _, _| Ok(()),
    build: |settings| Box::new(LastN { count: counter::of(settings) }),
};

struct LastN {
    count: fn(&Counts) -> u64,
}

impl LastN {
    /// Orders two VMs by the miss ratio of the interval; a VM without an access has ratio 0.
    fn by_ratio(&self, one: &VmView, other: &VmView) -> Ordering {
        let product = |misses_of: &VmView, accesses_of: &VmView| {
            let accesses = accesses_of.interval.accesses.max(1);
            u128::from((self.count)(&misses_of.interval)) * u128::from(accesses)
        };
        product(one, other).cmp(&product(other, one))
    }
}

impl Policy for LastN {
    fn plan(&mut self, view: &View, _: &mut Stream) -> Result<Plan, PolicyError> {
        let mut plan = Plan::unchanged(view);
        let mut ranks: Vec<usize> = (0..view.vms.len()).collect();
        // A stable sort: VMs of equal ratio stay in file order.
        ranks.sort_by(|&one, &other| self.by_ratio(&view.vms[one], &view.vms[other]));
        let half = ranks.len() / 2;
        for (&giver, &taker) in ranks[..half].iter().zip(ranks.iter().rev()) {
            if self.by_ratio(&view.vms[giver], &view.vms[taker]) == Ordering::Equal {
                break;
            }
            if plan.0[giver] > view.vms[giver].bounds.min
                && plan.0[taker] < view.vms[taker].bounds.max
            {
                plan.0[giver] -= Frames(1);
                plan.0[taker] += Frames(1);
            }
        }
        Ok(plan)
    }
}
