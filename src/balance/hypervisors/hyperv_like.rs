//! `hyperv-like`: what each guest has committed, and a buffer.
//!
//! *Idea.* A guest reports how much memory it has promised its programs, and gets that and a fifth
//! more; where not all can have that, the weights of the VMs decide.
//! *Follows.* Hyper-V's Dynamic Memory (Microsoft, 2011), from secondary descriptions.
//! *Departs.* Step sizes are not published: targets are taken at once. Nor is how weights decide:
//! here all keep their minimum and the rest is divided by shares, no VM getting more than its
//! target. Committed memory is the pages used and not freed since, unless the parameter says
//! otherwise; where a trace frees none it never falls. Products are rounded down, the division to
//! the largest remainders.
//! *Cost.* O(V) per checkpoint for V VMs, times the number of targets that bind.
//! *Parameters.* `buffer`: frames beyond what is committed, for each committed one (0.2, Hyper-V's;
//! it allows 0.05 to 2); `used`: what is committed (`committed`). `hyperv-linux` adds what a Linux
//! guest's driver allows.

use crate::balance::{Plan, Policy, PolicyError, PolicyKind, View, VmView, exact, meminfo};
use crate::meets::Meets;
use crate::observe::WINDOW;
use crate::params::{Domain, Param, Value};
use crate::random::Stream;
use crate::shares;
use crate::units::{Decimal, Frames, Ticks};

pub(in crate::balance) const KIND: PolicyKind = PolicyKind {
    name: "hyperv-like",
    summary: "gives every VM its committed memory and a buffer; in a shortage divides by shares",
    follows: "Dynamic Memory of Microsoft Hyper-V, 2011, from secondary descriptions",
    live_interval: Some(Ticks(1_000_000_000)),
    params: &[BUFFER, meminfo::COMMITTED_PARAM],
    meets: Meets::Never,
    observers: |_| &[&WINDOW],
    fits: |_, _, _| Ok(()),
    build: |settings| {
        let buffer = settings.decimal(BUFFER.name);
        Box::new(DynamicMemory { buffer, used: meminfo::used_of(settings) })
    },
};

pub(super) const BUFFER: Param = Param {
    name: "buffer",
    doc: "frames beyond what is committed, for each committed one; Hyper-V's",
    domain: Domain::Decimal { min: exact::hundredths(5), max: exact::hundredths(200) },
    default: Value::Decimal(exact::hundredths(20)),
};

struct DynamicMemory {
    buffer: Decimal,
    used: fn(&VmView) -> Frames,
}

impl Policy for DynamicMemory {
    fn plan(&mut self, view: &View, _: &mut Stream) -> Result<Plan, PolicyError> {
        let wanted = view.vms.iter().map(|vm| {
            let committed = (self.used)(vm);
            committed + exact::times(committed, self.buffer)
        });
        let wanted: Vec<Frames> = wanted.collect();
        Ok(Plan(divide(view, &wanted)))
    }
}

/// Gives each VM what it wants within its bounds. Where that is too much for the host, all keep
/// their minima, and the rest is divided by shares; no VM gets more than it wants.
pub(super) fn divide(view: &View, wanted: &[Frames]) -> Vec<Frames> {
    let mut targets: Vec<Frames> = view.vms.iter().map(|vm| vm.bounds.min).collect();
    let left = view.host - targets.iter().copied().sum();
    let room = view.vms.iter().zip(wanted);
    let room: Vec<Frames> =
        room.map(|(vm, &wanted)| vm.bounds.clamp(wanted) - vm.bounds.min).collect();
    let weights: Vec<u64> = view.vms.iter().map(|vm| vm.shares).collect();
    let given = shares::divide(left, &weights, &room).largest_remainder(&room);
    for (target, given) in targets.iter_mut().zip(given) {
        *target += given;
    }
    targets
}

#[cfg(test)]
mod tests {
    use super::super::super::testing::{policy, step, using, view, vm};
    use super::*;

    #[test]
    fn a_fifth_is_added_to_what_is_committed() {
        let mut view = view(1000, vec![using(200, vm(500, 1, 900)), using(403, vm(500, 1, 900))]);
        let mut hyperv = policy(&KIND, &[]);
        assert_eq!(step(&mut *hyperv, &mut view), [240, 483]);
        assert_eq!(step(&mut *hyperv, &mut view), [240, 483], "nothing changes, nothing moves");
    }

    #[test]
    fn in_shortage_shares_decide() {
        let mut vms = [600, 600, 10].map(|used| using(used, vm(300, 10, 900)));
        vms[0].shares = 3000;
        let mut view = view(1000, vms.to_vec());
        // Minima, 2 more for the last, and 968 in proportion 3 to 1 up to 710 more.
        assert_eq!(step(&mut *policy(&KIND, &[]), &mut view), [720, 268, 12]);
    }
}
