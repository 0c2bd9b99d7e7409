//! `ws-share`: all frames in proportion to working sets.
//!
//! *Idea.* Each VM gets its working set, and of the frames that remain as much again as its
//! working set is of all; where they do not fit, all are squeezed alike.
//! *Follows.* P. J. Denning, "The working set model for program behavior", CACM 11(5), 1968, for
//! the demand.
//! *Departs.* Denning would rather suspend a VM than squeeze it, see `ws`; sharing is the soft form
//! of his rule and not his. Both cases come to proportion to working sets within the bounds of each
//! VM, so they are one case here. The window is the checkpoint interval. Rounding goes to the
//! largest remainders.
//! *Cost.* O(V) per checkpoint for V VMs, times 123 halvings.
//! *Parameters.* None.

use crate::balance::fill::{Claim, fill};
use crate::balance::{Plan, Policy, PolicyError, PolicyKind, View, exact};
use crate::meets::Meets;
use crate::observe::WINDOW;
use crate::random::Stream;

pub(in crate::balance) const KIND: PolicyKind = PolicyKind {
    name: "ws-share",
    summary: "divides all frames in proportion to working sets",
    follows: "P. J. Denning, The working set model for program behavior, CACM 11(5), 1968",
    live_interval: None,
    params: &[],
    meets: Meets::Never,
    observers: |_| &[&WINDOW],
    fits: |_, _, _| Ok(()),
    build: |_| Box::new(SharedByWorkingSet),
};

struct SharedByWorkingSet;

impl Policy for SharedByWorkingSet {
    fn plan(&mut self, view: &View, _: &mut Stream) -> Result<Plan, PolicyError> {
        if view.vms.iter().all(|vm| vm.seen.window.distinct.0 == 0) {
            return Ok(Plan::unchanged(view));
        }
        // c = w + spare · w / Σw = F · w / Σw, whatever the sign of spare = F − Σw.
        let claims = view.vms.iter().map(|vm| Claim {
            weight: vm.seen.window.distinct.0,
            in_full: vm.bounds.max,
            bounds: vm.bounds,
        });
        Ok(Plan(fill(view.host, &claims.collect::<Vec<_>>(), exact::hundredths(0))))
    }
}

#[cfg(test)]
mod tests {
    use super::super::super::testing::{policy, step, using, view, vm};
    use super::*;

    #[test]
    fn spare_frames_and_shortage_are_shared_in_proportion() {
        for (host, expected) in [(120, [20, 40, 60]), (30, [5, 10, 15])] {
            let vms = [10, 20, 30].map(|distinct| using(distinct, vm(10, 1, 200)));
            let mut view = view(host, vms.to_vec());
            let mut share = policy(&KIND, &[]);
            assert_eq!(step(&mut *share, &mut view), expected);
            assert_eq!(step(&mut *share, &mut view), expected, "nothing changes, nothing moves");
        }
    }

    #[test]
    fn without_any_use_nothing_moves() {
        let mut view = view(50, vec![vm(30, 1, 50), vm(20, 1, 50)]);
        assert_eq!(step(&mut *policy(&KIND, &[]), &mut view), [30, 20]);
    }
}
