//! The cold minimum: every distinct page must be fetched once, whatever anybody does.

use crate::scenario::Scenario;

/// The cold faults of all VMs.
pub(super) fn faults(scenario: &Scenario) -> u64 {
    let made = super::accesses(scenario);
    let distinct = |(vm, accesses): (&crate::scenario::VmSpec, u64)| {
        vm.trace.distinct_before(accesses.min(vm.trace.accesses())) as u64
    };
    scenario.vms.iter().zip(made).map(distinct).sum()
}
