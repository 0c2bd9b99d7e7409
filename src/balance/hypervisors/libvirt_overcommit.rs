//! `libvirt-overcommit`: guests keep the memory that they were sold; the host swaps.
//!
//! *Idea.* VMs are placed on a host while their memory is at most a multiple of the host's. No
//! balloon moves. A guest takes a frame when it touches a page, and when no frame is left the
//! host's kernel swaps out the page used least recently, whosever it is.
//! *Follows.* QEMU guests under libvirt as `OpenStack` places them: openstack/nova
//! nova/conf/compute.py (`initial_ram_allocation_ratio`, `reserved_host_memory_mb`) at 1c6f99d.
//! What happens then is the reclaim of the kernel.
//! *Departs.* The kernel's reclaim is taken as one LRU list of all VMs, as in `global-lru`. What
//! VMs may hold at most is their memory, and their minimum is memory that the host cannot take.
//! *Cost.* As `global-lru`.
//! *Parameters.* `ratio`: memory of the VMs for each byte of the host's (1.5); `reserved`: memory
//! that the host keeps for itself when VMs are placed (512 MiB); both Nova's. A host no larger than
//! that keeps nothing.

use super::overcommit::HostSwaps;
use crate::balance::{Bounds, PolicyKind, exact};
use crate::meets::Meets;
use crate::params::{Domain, Param, Settings, Value};
use crate::units::Frames;

pub(in crate::balance) const KIND: PolicyKind = PolicyKind {
    name: "libvirt-overcommit",
    summary: "leaves every guest the memory that it was sold, up to a multiple of the host's, and \
              lets the host swap",
    follows: "OpenStack Nova's placement of libvirt guests, initial_ram_allocation_ratio",
    live_interval: None,
    params: &[RATIO, RESERVED],
    meets: Meets::AtFaults,
    observers: |_| &[],
    fits,
    build: |_| Box::new(HostSwaps),
};

const RATIO: Param = Param {
    name: "ratio",
    doc: "the memory of all VMs for each byte of the host's at which the host is full; Nova's",
    domain: Domain::Decimal { min: exact::hundredths(1), max: exact::hundredths(1_000_000) },
    default: Value::Decimal(exact::hundredths(150)),
};

const RESERVED: Param = Param {
    name: "reserved",
    doc: "frames that count as the host's own when VMs are placed, where it has more; Nova's",
    domain: Domain::Frames { min: 0 },
    default: Value::Bytes(512 << 20),
};

/// Whether the scheduler would place these VMs.
fn fits(settings: &Settings, host: Frames, vms: &[Bounds]) -> Result<(), String> {
    let reserved = Frames(settings.integer(RESERVED.name));
    let usable = if host > reserved { host - reserved } else { host };
    let ratio = settings.decimal(RATIO.name);
    let most = u128::from(usable.0) * u128::from(ratio.digits) / u128::from(ratio.denominator());
    let sold: u128 = vms.iter().map(|vm| u128::from(vm.max.0)).sum();
    if sold <= most {
        return Ok(());
    }
    Err(format!(
        "libvirt-overcommit would not place these VMs: their maxima are {sold} frames, and the \
         host takes {most}; raise `policy.libvirt-overcommit.ratio` or lower the maxima"
    ))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_host_takes_half_as_much_again() {
        let settings = Settings::defaults(KIND.params);
        let gib = |gib: u64| Frames(gib << 18);
        let host = gib(64);
        let vm = |max| Bounds { min: Frames(1), max };
        // 63.5 GiB count one and a half times: 95.25 GiB.
        assert_eq!(fits(&settings, host, &[vm(gib(48)), vm(gib(47))]), Ok(()));
        let error = fits(&settings, host, &[vm(gib(48)), vm(gib(48))]).unwrap_err();
        assert!(error.contains("25165824 frames, and the host takes 24969216"), "{error}");
    }
}
