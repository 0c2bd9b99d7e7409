//! The cold minimum: every distinct page must be fetched once, whatever the policy.

use super::pace::Pace;
use crate::scenario::Scenario;

/// The cold faults of all VMs.
pub(super) fn faults(scenario: &Scenario, paces: &[Pace]) -> u64 {
    let distinct = |(vm, pace): (&crate::scenario::VmSpec, &Pace)| {
        vm.trace.distinct_before(pace.accesses.min(vm.trace.accesses())) as u64
    };
    scenario.vms.iter().zip(paces).map(distinct).sum()
}
