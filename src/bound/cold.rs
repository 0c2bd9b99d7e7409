//! The cold minimum: every distinct page must be loaded once under any policy.

use super::pace::Pace;
use crate::scenario::Scenario;

/// The cold faults of all VMs.
pub(super) fn faults(scenario: &Scenario, paces: &[Pace]) -> u64 {
    let distinct = |(vm, pace): (&crate::scenario::VmSpec, &Pace)| {
        let before = |accesses: u64| vm.trace.distinct_before(accesses.min(vm.trace.accesses()));
        (before(pace.accesses) - before(pace.warm_up)) as u64
    };
    scenario.vms.iter().zip(paces).map(distinct).sum()
}
