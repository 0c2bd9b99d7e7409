//! The cold minimum: under any policy a page must be loaded when it is used first, or first since
//! it was freed.

use super::pace::Pace;
use crate::scenario::Scenario;

/// The cold faults of all VMs.
pub(super) fn faults(scenario: &Scenario, paces: &[Pace]) -> u64 {
    let cold = |(vm, pace): (&crate::scenario::VmSpec, &Pace)| {
        vm.trace.cold_before(pace.accesses) - vm.trace.cold_before(pace.warm_up)
    };
    scenario.vms.iter().zip(paces).map(cold).sum()
}
