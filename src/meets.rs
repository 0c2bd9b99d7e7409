//! Where VMs meet: the accesses at which a VM must not run ahead of the others.
//!
//! Whatever lets VMs share state between control events declares it here; the strictest declaration
//! of a run holds ([`Meets::max`](Ord::max)). `simulate/horizon.rs` asks nothing else.

/// At which of its accesses a VM can meet the others between control events.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord)]
#[non_exhaustive]
pub enum Meets {
    /// At none: a VM runs ahead to the next control event.
    #[default]
    Never,
    /// At an access that can draw a frame from the host, while the free frames may not last for
    /// the draws of all VMs.
    AtDraws,
    /// At an access that misses the guest's memory.
    AtFaults,
    /// At every access, because results depend on when each page was last used.
    AtAccesses,
}
