//! `kubevirt-overcommit`: pods of VMs ask for less than their guests have; the node swaps.
//!
//! *Idea.* The pod of a VM requests its guest's memory divided by the overcommit, and the scheduler
//! places pods while their requests fit on the node. On the node nothing balances: frames go to
//! the VM that touches a page first, and then the node's kernel swaps.
//! *Follows.* `KubeVirt`: kubevirt/kubevirt pkg/virt-controller/services/renderresources.go
//! (`WithMemoryRequests`) at 03a60d5; Kubernetes' scheduler, which adds up requests.
//! *Departs.* The kernel's reclaim is taken as one LRU list of all VMs, as in `global-lru`; a node
//! without swap would evict a pod instead. The memory that `KubeVirt` adds for its own processes is
//! left out, and what the node keeps for itself too. What a VM may hold at most is its guest's
//! memory, and its minimum is memory that the node cannot take.
//! *Cost.* As `global-lru`.
//! *Parameters.* `overcommit`: guest memory for each 100 bytes requested (100, `KubeVirt`'s: none).

use super::overcommit::HostSwaps;
use crate::balance::{Bounds, PolicyKind};
use crate::meets::Meets;
use crate::params::{Domain, Param, Settings, Value};
use crate::units::Frames;

pub(in crate::balance) const KIND: PolicyKind = PolicyKind {
    name: "kubevirt-overcommit",
    summary: "places VMs by requests that are a part of their memory, and lets the node swap",
    follows: "KubeVirt's memory overcommit under Kubernetes' scheduler",
    live_interval: None,
    params: &[OVERCOMMIT],
    meets: Meets::AtFaults,
    observers: |_| &[],
    fits,
    build: |_| Box::new(HostSwaps),
};

const OVERCOMMIT: Param = Param {
    name: "overcommit",
    doc: "percent of its request that a guest has as memory, KubeVirt's memoryOvercommit",
    domain: Domain::Integer { min: 10, max: 1_000_000 },
    default: Value::Integer(100),
};

/// Whether the scheduler would place these VMs.
fn fits(settings: &Settings, host: Frames, vms: &[Bounds]) -> Result<(), String> {
    let overcommit = u128::from(settings.integer(OVERCOMMIT.name));
    let page = u128::from(settings.page_size());
    let request = |vm: &Bounds| u128::from(vm.max.0) * page * 100 / overcommit;
    let requested: u128 = vms.iter().map(request).sum();
    let allocatable = u128::from(host.0) * page;
    if requested <= allocatable {
        return Ok(());
    }
    Err(format!(
        "kubevirt-overcommit would not place these VMs: they request {requested} bytes of the \
         host's {allocatable}; raise `policy.kubevirt-overcommit.overcommit` or lower the maxima"
    ))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn requests_are_a_part_of_the_guests_memory() {
        let gib = |gib: u64| Frames(gib << 18);
        let vms = [48, 48].map(|max| Bounds { min: Frames(1), max: gib(max) });
        let mut settings = Settings::defaults(KIND.params);
        assert!(fits(&settings, gib(64), &vms).unwrap_err().contains("103079215104 bytes"));
        settings.set(OVERCOMMIT.name, Value::Integer(150));
        assert_eq!(fits(&settings, gib(64), &vms), Ok(()));
        settings.set(OVERCOMMIT.name, Value::Integer(149));
        assert!(fits(&settings, gib(64), &vms).is_err());
    }
}
