//! The fingerprint: a hash of every checkpoint's view, plan and resulting allocations.

use super::Simulation;
use crate::balance::Plan;
use crate::random::mix;
use crate::replace::{Counts, Found};

impl Simulation<'_> {
    pub(super) fn note_fingerprint(&mut self, plan: &Plan) {
        let mut hash = mix(self.fingerprint, self.view.at.0);
        let vms = self.view.vms.iter().zip(&plan.0).zip(&self.resident);
        for ((vm, target), resident) in vms {
            for word in [u64::from(vm.id.0), target.0, resident.0] {
                hash = mix(hash, word);
            }
            // With the instant actuator the allocation equals the target.
            let held = self.host.allocation(vm.id).filter(|held| held != target);
            hash = held.map_or(hash, |held| mix(hash, held.0));
            hash = mix_counts(hash, &vm.interval);
        }
        self.fingerprint = mix(hash, self.rng.trail());
    }
}

pub(super) fn mix_counts(hash: u64, counts: &Counts) -> u64 {
    let Counts {
        accesses,
        demand_faults,
        cold_faults,
        replacement_misses,
        write_backs,
        found,
        waited,
    } = *counts;
    let hash =
        [accesses, demand_faults, cold_faults, replacement_misses].into_iter().fold(hash, mix);
    // Without write-backs, tiers and paging the fingerprint is that of earlier versions.
    let Found { tiers, host_swap } = found;
    let further = [write_backs, tiers, waited, host_swap].into_iter().filter(|&count| count > 0);
    further.fold(hash, mix)
}
