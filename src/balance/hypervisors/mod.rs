//! The balancers that hypervisors and their tools ship.

pub(super) mod balance_available;
pub(super) mod esx_idle_tax;
pub(super) mod hyperv_like;
pub(super) mod hyperv_linux;
pub(super) mod ksmtuned;
pub(super) mod kubevirt_overcommit;
pub(super) mod libvirt_overcommit;
pub(super) mod mom_balloon;
pub(super) mod mom_balloon_2013_07;
pub(super) mod mom_ovirt;
pub(super) mod neon_autoscaler;
mod overcommit;
pub(super) mod proxmox_autoballoon;
pub(super) mod qmemman;
pub(super) mod satori_like;
pub(super) mod selfballoon;
pub(super) mod squeezed;
pub(super) mod xen_static;
