//! `memshare-like`: a reserve for every VM, and shadow hits move what is pooled.
//!
//! *Idea.* Part of each VM's memory is reserved for it and the rest is pooled. A shadow hit takes a
//! little from the pooled part of another VM, drawn at random of those that have any, and adds it
//! to the VM's own. *Follows.* A. Cidon, D. Rushton, S. M. Rumble and R. Stutsman, "Memshare: a
//! dynamic multi-tenant key-value cache", USENIX ATC 2017, as described from secondary knowledge.
//! *Departs.* VMs for tenants; frames for bytes, and hits are counted up to the checkpoint: VM by
//! VM in file order, each at most as many as pay for the frames of its shadow list. A reserve is a
//! share of what the VM's shares entitle it to, within its bounds. Frames that nobody holds are
//! divided by need. It draws, so equal views may give unequal plans; without shadow hits nothing
//! moves once the reserves are kept. *Cost.* O(V log V + V² + shadow hits) a checkpoint for V VMs.
//! *Parameters.* `reserved`: the reserve's share of the VM's part by shares (½, ours); `hits`:
//! shadow hits that move a frame (4); `shadow`: the observer's (1 % of the host).

use super::{Credits, Debtors, HITS};
use crate::balance::{Plan, Policy, PolicyError, PolicyKind, View, split};
use crate::meets::Meets;
use crate::observe::{SHADOW, SHADOW_SHARE};
use crate::params::{Domain, Param, Value};
use crate::random::Stream;
use crate::units::{Decimal, Frames};

pub(in crate::balance) const KIND: PolicyKind = PolicyKind {
    name: "memshare-like",
    summary: "reserves a part of every VM's share and moves the rest, a few frames at a time, to \
              VMs whose faults a little more memory would have saved",
    follows: "A. Cidon, D. Rushton, S. M. Rumble and R. Stutsman, Memshare: a dynamic multi-tenant \
              key-value cache, USENIX ATC 2017",
    params: &[RESERVED, HITS, SHADOW_SHARE],
    meets: Meets::Never,
    observers: |_| &[&SHADOW],
    fits: |_, _, _| Ok(()),
    build: |settings| {
        Box::new(MemshareLike {
            reserved: settings.decimal(RESERVED.name),
            credits: Credits::new(settings, Debtors::Above),
        })
    },
};

const RESERVED: Param = Param {
    name: "reserved",
    doc: "the part of what its shares entitle a VM to that is reserved for it; ours",
    domain: Domain::Decimal {
        min: Decimal { digits: 0, places: 0 },
        max: Decimal { digits: 1, places: 0 },
    },
    default: Value::Decimal(Decimal { digits: 5, places: 1 }),
};

struct MemshareLike {
    reserved: Decimal,
    credits: Credits,
}

impl Policy for MemshareLike {
    fn plan(&mut self, view: &View, rng: &mut Stream) -> Result<Plan, PolicyError> {
        let reserve = |part: Frames| Frames(self.reserved.floor_of(part.0));
        // Targets are the reserve and what credits have made of the pooled part.
        let vms = view.vms.iter().zip(split::entitled(view));
        let floors: Vec<Frames> = vms.map(|(vm, part)| vm.bounds.clamp(reserve(part))).collect();
        Ok(self.credits.turn(view, &floors, rng))
    }
}

#[cfg(test)]
mod tests {
    use super::super::tests::climbed;
    use super::*;

    #[test]
    fn nobody_is_brought_below_its_reserve() {
        assert_eq!(climbed(&KIND, 30, &[0, 0, 0], 5), [10, 10, 10]);
        assert_eq!(climbed(&KIND, 30, &[0, 40, 0], 20), [5, 20, 5]);
    }
}
