//! `satori-like`: what sharing saves goes to the VMs whose pages are shared.
//!
//! *Idea.* A VM is entitled to what it held first, and to its part of each shared frame: of n pages
//! in one frame n − 1 frames are saved, (n − 1) / n of a frame for each page.
//! *Follows.* G. Miłoś, D. G. Murray, S. Hand and M. A. Fetterman, "Satori: enlightened page
//! sharing", USENIX ATC 2009.
//! *Departs.* Only its abstract was read, so the name says *like*: that the surplus goes to those
//! who share is the paper's; equal parts of a frame are ours. Sharing is found by the host's
//! scanner, not by the guests' disks. Parts are rounded down to frames; what is left stays free. On
//! a host that does not share every VM keeps what it held first.
//! *Cost.* O(V) per checkpoint for V VMs.
//! *Parameters.* None.

use std::collections::BTreeMap;

use crate::balance::{Plan, Policy, PolicyError, PolicyKind, View};
use crate::meets::Meets;
use crate::random::Stream;
use crate::units::{Frames, VmId};

pub(in crate::balance) const KIND: PolicyKind = PolicyKind {
    name: "satori-like",
    summary: "gives what sharing saves to the VMs whose pages are shared, in equal parts",
    follows: "G. Miłoś, D. G. Murray, S. Hand and M. A. Fetterman, Satori: enlightened page \
              sharing, USENIX ATC 2009",
    live_interval: None,
    params: &[],
    meets: Meets::Never,
    observers: |_| &[],
    fits: |_, _, _| Ok(()),
    build: |_| Box::new(SatoriLike { first: BTreeMap::new() }),
};

struct SatoriLike {
    /// What each VM was ordered to hold when it was first seen.
    first: BTreeMap<VmId, Frames>,
}

impl Policy for SatoriLike {
    fn plan(&mut self, view: &View, _: &mut Stream) -> Result<Plan, PolicyError> {
        let mut left = view.host;
        // First what VMs are entitled to without sharing, as far as their minima and arrivals leave
        // it, then what they save.
        let minima: Frames = view.vms.iter().map(|vm| vm.bounds.min).sum();
        left -= minima;
        let mut targets: Vec<Frames> = view.vms.iter().map(|vm| vm.bounds.min).collect();
        for pass in [false, true] {
            for (vm, target) in view.vms.iter().zip(&mut targets) {
                let first = *self.first.entry(vm.id).or_insert(vm.target);
                let wanted = if pass { first + vm.saved } else { first };
                let more = Frames(vm.bounds.clamp(wanted).0.saturating_sub(target.0)).min(left);
                *target += more;
                left -= more;
            }
        }
        Ok(Plan(targets))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::balance::{Bounds, VmView};
    use crate::random::Generator;
    use crate::units::Ticks;

    #[test]
    fn savings_go_to_those_who_share() {
        let mut policy = (KIND.build)(&crate::params::Settings::defaults(KIND.params));
        let mut rng = Stream::new(Generator::ChaCha8, 1, 0, "policy");
        let bounds = Bounds { min: Frames(2), max: Frames(7) };
        let vm = |id, held| VmView::new(VmId(id), "vm", bounds, Frames(held));
        let mut targets = |host, vms: [VmView; 2]| {
            let view = View::new(Ticks(1), Frames(host), vms.into());
            policy.plan(&view, &mut rng).unwrap().0
        };
        // Two frames are saved, both by the first VM, on a host of 10.
        let sharing = VmView { saved: Frames(2), ..vm(0, 5) };
        assert_eq!(targets(12, [sharing.clone(), vm(1, 5)]), [7, 5].map(Frames));
        // What it is entitled to does not grow with what it was given, and keeps its bounds.
        let more = VmView { saved: Frames(3), ..vm(0, 7) };
        assert_eq!(targets(13, [more, vm(1, 5)]), [7, 5].map(Frames));
        // The saving is gone.
        assert_eq!(targets(10, [vm(0, 7), vm(1, 3)]), [5, 5].map(Frames));
    }
}
