//! `xen-static`: reservations, and free frames for the VM that asks first.
//!
//! *Idea.* A domain keeps what it was created with. It may ask for more, up to its maximum, and
//! gets it while frames are free; no domain is made to give any back.
//! *Follows.* P. Barham et al., "Xen and the art of virtualization", SOSP 2003; the mechanism is
//! that of Xen's balloon driver.
//! *Departs.* The reservation is the first allocation. A guest asks for a frame for each
//! replacement miss of the interval, which a real guest's administrator or daemon would decide.
//! Guests give frames back only by leaving. Requests are served in file order, the last perhaps in
//! part.
//! *Cost.* O(V) per checkpoint for V VMs.
//! *Parameters.* None.

use crate::balance::{Plan, Policy, PolicyError, PolicyKind, View};
use crate::meets::Meets;
use crate::random::Stream;
use crate::units::Frames;

pub(in crate::balance) const KIND: PolicyKind = PolicyKind {
    name: "xen-static",
    summary: "leaves every VM its reservation and gives free frames to those that ask first",
    follows: "P. Barham et al., Xen and the art of virtualization, SOSP 2003",
    live_interval: None,
    params: &[],
    meets: Meets::Never,
    observers: |_| &[],
    fits: |_, _, _| Ok(()),
    build: |_| Box::new(Reservations),
};

struct Reservations;

impl Policy for Reservations {
    fn plan(&mut self, view: &View, _: &mut Stream) -> Result<Plan, PolicyError> {
        let asked = view.vms.iter().map(|vm| Frames(vm.interval.replacement_misses));
        let wanted: Vec<Frames> =
            view.vms.iter().zip(asked).map(|(vm, asked)| vm.allocation + asked).collect();
        Ok(Plan::in_file_order(view, &wanted))
    }
}

#[cfg(test)]
mod tests {
    use super::super::super::testing::{policy, step, view, vm};
    use super::*;

    #[test]
    fn the_pool_serves_those_who_ask_first_and_takes_nothing_back() {
        let mut vms = vec![vm(20, 1, 30), vm(20, 1, 90), vm(20, 1, 90)];
        for vm in &mut vms {
            vm.interval.replacement_misses = 25;
        }
        let mut view = view(100, vms);
        let mut xen = policy(&KIND, &[]);
        assert_eq!(step(&mut *xen, &mut view), [30, 45, 25]);
        assert_eq!(step(&mut *xen, &mut view), [30, 45, 25]);
    }
}
