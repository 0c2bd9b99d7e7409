//! `ws`: every VM holds its working set, or is as good as suspended.
//!
//! *Idea.* Memory that was not used recently is wasted, and a program with less than its working
//! set thrashes. So as many VMs as fit get exactly their working sets.
//! *Follows.* P. J. Denning, "The working set model for program behavior", CACM 11(5), 1968.
//! *Departs.* The window is the checkpoint interval in host time, not a span of the VM's own time,
//! and the pages resident are the most recent ones, as many as the working set of the interval
//! before had. A VM whose working set does not fit is suspended in the original; here it is
//! squeezed to its minimum and goes on, and it is back as soon as its working set fits. Priority is
//! the VM's shares, ties to the first in the file: VMs are taken in that order, each kept whole
//! where the others' minima leave room for it. Frames that no working set needs stay free.
//! *Cost.* O(V log V) per checkpoint for V VMs.
//! *Parameters.* None.

use std::cmp::Reverse;

use crate::balance::{Plan, Policy, PolicyError, PolicyKind, View};
use crate::meets::Meets;
use crate::observe::WINDOW;
use crate::random::Stream;
use crate::units::Frames;

pub(in crate::balance) const KIND: PolicyKind = PolicyKind {
    name: "ws",
    summary: "gives every VM its working set while they fit, and squeezes the others, lowest \
              shares first, to their minimum",
    follows: "P. J. Denning, The working set model for program behavior, CACM 11(5), 1968",
    live_interval: None,
    params: &[],
    meets: Meets::Never,
    observers: |_| &[&WINDOW],
    fits: |_, _, _| Ok(()),
    build: |_| Box::new(WorkingSets),
};

struct WorkingSets;

impl Policy for WorkingSets {
    fn plan(&mut self, view: &View, _: &mut Stream) -> Result<Plan, PolicyError> {
        let mut targets: Vec<Frames> = view.vms.iter().map(|vm| vm.bounds.min).collect();
        let mut left = view.host - targets.iter().copied().sum();
        let mut ranks: Vec<usize> = (0..view.vms.len()).collect();
        ranks.sort_by_key(|&at| Reverse(view.vms[at].shares));
        for at in ranks {
            let vm = &view.vms[at];
            let missing = vm.bounds.clamp(vm.seen.window.distinct) - targets[at];
            // A VM runs with its whole working set or not at all.
            if missing <= left {
                targets[at] += missing;
                left -= missing;
            }
        }
        Ok(Plan(targets))
    }
}

#[cfg(test)]
mod tests {
    use super::super::super::testing::{policy, step, using, view, vm};
    use super::*;

    #[test]
    fn working_sets_that_fit_are_held_exactly_and_the_rest_stays_free() {
        let vms = [using(30, vm(50, 1, 100)), using(0, vm(30, 4, 100)), using(99, vm(20, 1, 60))];
        let mut view = view(100, vms.to_vec());
        let mut ws = policy(&KIND, &[]);
        assert_eq!(step(&mut *ws, &mut view), [30, 4, 60]);
        assert_eq!(step(&mut *ws, &mut view), [30, 4, 60], "nothing changes, nothing moves");
    }

    #[test]
    fn whoever_has_least_shares_is_squeezed_and_nobody_else() {
        let mut vms = [50, 60, 20].map(|distinct| using(distinct, vm(33, 2, 100)));
        vms[1].shares = 999;
        let mut view = view(100, vms.to_vec());
        assert_eq!(step(&mut *policy(&KIND, &[]), &mut view), [50, 2, 20]);
    }
}
