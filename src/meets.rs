//! Where VMs interact: the accesses at which a VM must not run ahead of the others.
//!
//! A component that lets VMs share state between control events declares where; the strictest
//! declaration of a run applies ([`Meets::max`](Ord::max)). `simulate/horizon.rs` depends on
//! nothing else and treats the last two alike; pooling follows
//! [`PolicyRun::pools`](crate::simulate::PolicyRun::pools).

/// At which of its accesses a VM can interact with the others between control events.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord)]
#[non_exhaustive]
pub enum Meets {
    /// None: a VM runs ahead to the next control event.
    #[default]
    Never,
    /// An access that may draw a frame from the host, while there may be too few free frames for
    /// all VMs.
    AtDraws,
    /// A demand fault of the guest.
    AtFaults,
    /// Every access, because results depend on when each page was last used.
    AtAccesses,
}
