//! `squeezed`: every VM gets the same part of the way from its minimum to its maximum.
//!
//! *Idea.* Each domain declares a range. If all maxima fit, all have them; if not, one number says
//! for all how far above their minima they are.
//! *Follows.* The squeezed daemon of `XenServer` (xapi-project/squeezed, squeeze.ml), 2008 on.
//! *Departs.* A domain's dynamic range is the VM's bounds. Targets are rounded down, and what that
//! leaves over stays free. Drivers always make progress here, so nobody is declared stuck, and
//! allocations are exact, so there is no margin of inaccuracy. What guests use is not asked, as in
//! the original.
//! *Cost.* O(V) a checkpoint for V VMs.
//! *Knobs.* None.

use crate::balance::{Plan, Policy, PolicyKind, View};
use crate::random::Stream;
use crate::units::Frames;

pub(in crate::balance) const KIND: PolicyKind = PolicyKind {
    name: "squeezed",
    summary: "puts every VM at the same part of the way from its minimum to its maximum",
    follows: "squeezed, the memory daemon of XenServer, 2008",
    knobs: &[],
    observers: |_| &[],
    fits: |_, _, _| Ok(()),
    build: |_| Box::new(Squeezed),
};

struct Squeezed;

impl Policy for Squeezed {
    fn divide(&mut self, view: &View, _: &mut Stream) -> Plan {
        let minima: Frames = view.vms.iter().map(|vm| vm.bounds.min).sum();
        let above = |at: usize| (view.vms[at].bounds.max - view.vms[at].bounds.min).0;
        let ranges: u128 = (0..view.vms.len()).map(|at| u128::from(above(at))).sum();
        let left = u128::from((view.host - minima).0);
        // γ = (F − Σmin) / Σ(max − min), at most 1.
        let gamma = |range: u64| {
            if left >= ranges { range } else { (u128::from(range) * left / ranges) as u64 }
        };
        let target = |at: usize| view.vms[at].bounds.min + Frames(gamma(above(at)));
        Plan((0..view.vms.len()).map(target).collect())
    }
}

#[cfg(test)]
mod tests {
    use super::super::super::testing::{policy, step, view, vm};
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
}
