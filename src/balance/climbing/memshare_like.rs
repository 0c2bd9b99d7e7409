//! `memshare-like`: a reserve for every VM, and shadow hits move what is pooled.
//!
//! *Idea.* Part of each VM's memory is reserved for it and the rest is pooled. A shadow hit takes a
//! little from the pooled part of another VM, drawn at random, and adds it to the VM's own.
//! *Follows.* A. Cidon, D. Rushton, S. M. Rumble and R. Stutsman, "Memshare: a dynamic multi-tenant
//! key-value cache", USENIX ATC 2017; the authors' simulator, utah-scs/lsm-sim `src/lsc_multi.cpp`
//! and .h (`process_request`, `try_steal_from`) at 730e339.
//! *Departs.* VMs for tenants, and LRU stack distances for the shadow queue. Hits are counted up to
//! the checkpoint and served VM by VM in file order; the original serves each as it comes. What the
//! VM's shares entitle it to stands for the memory that a tenant bought; a reserve is a part of it,
//! within the VM's bounds. A VM at its maximum takes nothing. Bytes that make no whole frame are
//! kept for the next checkpoint, and no VM holds the frames that they are in. Other frames that no
//! VM holds are divided by need. It draws, so equal views may give unequal plans; without shadow
//! hits nothing moves once the reserves are kept.
//! *Cost.* O(V log V + shadow hits) per checkpoint for V VMs.
//! *Parameters.* `reserved`: the reserve's part of what the VM is entitled to (0.75); `steal`: what
//! a shadow hit moves (64 KiB); `draws`: VMs that are drawn for a shadow hit until one can give
//! (10); `shadow_size`: the length of the shadow list (10 MiB); all the authors' simulator's.

use std::collections::BTreeMap;

use crate::balance::{Plan, Policy, PolicyError, PolicyKind, View, exact, split};
use crate::meets::Meets;
use crate::observe::{SHADOW_OF_SIZE, SHADOW_SIZE};
use crate::params::{Domain, Param, Value};
use crate::random::Stream;
use crate::units::{Decimal, Frames, VmId};

pub(in crate::balance) const KIND: PolicyKind = PolicyKind {
    name: "memshare-like",
    summary: "reserves a part of every VM's share and moves the rest, a little at a time, to VMs \
              whose faults a little more memory would have saved",
    follows: "A. Cidon, D. Rushton, S. M. Rumble and R. Stutsman, Memshare: a dynamic multi-tenant \
              key-value cache, USENIX ATC 2017",
    live_interval: None,
    params: &[RESERVED, STEAL, DRAWS, SHADOW_SIZE],
    meets: Meets::Never,
    observers: |_| &[&SHADOW_OF_SIZE],
    fits: |_, _, _| Ok(()),
    build: |settings| {
        Box::new(MemshareLike {
            page: i128::from(settings.page_size()),
            reserved: settings.decimal(RESERVED.name),
            steal: match settings.integer(STEAL.name) {
                0 => 64 << 10,
                frames => i128::from(frames) * i128::from(settings.page_size()),
            },
            draws: settings.integer(DRAWS.name),
            parts: BTreeMap::new(),
        })
    },
};

const RESERVED: Param = Param {
    name: "reserved",
    doc: "the part of what its shares entitle a VM to that is reserved for it; the authors' \
          simulator's",
    domain: Domain::Decimal { min: exact::hundredths(0), max: exact::hundredths(100) },
    default: Value::Decimal(exact::hundredths(75)),
};

const STEAL: Param = Param {
    name: "steal",
    doc: "frames that a shadow hit moves; 0: 64 KiB, the authors' simulator's, even where that is \
          a part of a frame",
    domain: Domain::Frames { min: 0 },
    default: Value::Integer(0),
};

const DRAWS: Param = Param {
    name: "draws",
    doc: "VMs that are drawn for a shadow hit until one can give; the authors' simulator's",
    domain: Domain::Integer { min: 1, max: 1000 },
    default: Value::Integer(10),
};

/// Sizes are in bytes.
struct MemshareLike {
    page: i128,
    reserved: Decimal,
    steal: i128,
    draws: u64,
    /// What each VM has beyond its whole frames.
    parts: BTreeMap<VmId, i128>,
}

impl Policy for MemshareLike {
    fn plan(&mut self, view: &View, rng: &mut Stream) -> Result<Plan, PolicyError> {
        let reserve = |part: Frames| Frames(self.reserved.floor_of(part.0));
        let vms = view.vms.iter().zip(split::entitled(view));
        let floors: Vec<Frames> = vms.map(|(vm, part)| vm.bounds.clamp(reserve(part))).collect();
        let Plan(mut frames) = self.settle(view, floors.clone());
        let bytes = |frames: Frames| i128::from(frames.0) * self.page;
        let mut limits: Vec<i128> = view
            .vms
            .iter()
            .zip(&frames)
            .map(|(vm, &frames)| bytes(frames) + self.parts.get(&vm.id).copied().unwrap_or(0))
            .collect();
        for (at, vm) in view.vms.iter().enumerate() {
            for _ in 0..vm.seen.shadow_hits {
                if limits[at] + self.steal > bytes(vm.bounds.max) {
                    break;
                }
                for _ in 0..self.draws {
                    let victim = rng.below(limits.len() as u64) as usize;
                    if victim != at && limits[victim] - self.steal >= bytes(floors[victim]) {
                        limits[victim] -= self.steal;
                        limits[at] += self.steal;
                        break;
                    }
                    // It may find none; then nothing moves.
                }
            }
        }
        for ((vm, frames), limit) in view.vms.iter().zip(&mut frames).zip(limits) {
            *frames = Frames((limit / self.page) as u64);
            self.parts.insert(vm.id, limit % self.page);
        }
        Ok(Plan(frames))
    }
}

impl MemshareLike {
    /// Settles the frames that VMs hold, apart from those that back the fractions carried over.
    fn settle(&mut self, view: &View, floors: Vec<Frames>) -> Plan {
        self.parts.retain(|id, _| view.vms.iter().any(|vm| vm.id == *id));
        let parts: i128 = self.parts.values().sum();
        let pooled = Frames(parts.unsigned_abs().div_ceil(self.page.unsigned_abs()) as u64);
        if pooled == Frames(0) {
            return split::settle(view, floors);
        }
        if pooled > split::spare(view, &floors) {
            self.parts.clear();
            return split::settle(view, floors);
        }
        split::settle(&View { host: view.host - pooled, ..view.clone() }, floors)
    }
}

#[cfg(test)]
mod tests {
    use super::super::super::testing::{policy, step, view, vm};
    use super::super::tests::climbed;
    use super::*;
    use crate::params::Settings;

    #[test]
    fn no_vm_is_brought_below_its_reserve() {
        assert_eq!(climbed(&KIND, 300, &[0, 0, 0], 5), [100, 100, 100]);
        // Reserves are 75 each, and 16 frames go at once.
        assert_eq!(climbed(&KIND, 300, &[0, 40, 0], 20), [84, 132, 84]);
    }

    /// 32 hits move a frame of 2 MiB; fractions that are carried over are not given away twice.
    #[test]
    fn parts_of_frames_are_kept() {
        let mut policy = (KIND.build)(&Settings::defaults_on(KIND.params, 2 << 20));
        let mut view = view(30, vec![vm(10, 1, 30), vm(10, 1, 30), vm(10, 1, 30)]);
        let mut draws = Stream::new(crate::random::Generator::ChaCha8, 1, 0, "policy");
        for round in 1..=64 {
            view.vms[0].seen.shadow_hits = 1;
            let Plan(frames) = policy.plan(&view, &mut draws).unwrap();
            // Both others give, and each keeps the rest of a frame.
            let given = 20 - frames[1].0 - frames[2].0;
            assert_eq!(frames[0].0, 10 + round / 32, "{round}: {frames:?}");
            assert!((given - round / 32) <= 2, "{round}: {frames:?}");
            for (vm, &frames) in view.vms.iter_mut().zip(&frames) {
                (vm.allocation, vm.target) = (frames, frames);
            }
        }
    }

    /// What the authors' simulator moves.
    #[test]
    fn a_shadow_hit_moves_64_kib() {
        let mut vms = vec![vm(1000, 1, 3000), vm(1000, 1, 3000), vm(1000, 1, 3000)];
        vms[0].seen.shadow_hits = 10;
        let frames = step(&mut *policy(&KIND, &[]), &mut view(3000, vms));
        assert_eq!(frames[0], 1160, "{frames:?}");
        assert_eq!(frames.iter().sum::<u64>(), 3000);
    }
}
