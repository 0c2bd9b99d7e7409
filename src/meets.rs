//! Where VMs meet: what a VM that runs ahead of the others must not pass by.
//!
//! Whatever lets VMs touch something in common between control events declares it here; the
//! strictest declaration of a run holds ([`Meets::max`](Ord::max)). It is the only thing that
//! `simulate/horizon.rs` asks.

/// At which of its accesses a VM can meet the others between control events.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord)]
pub enum Meets {
    /// At none: a VM runs ahead to the next control event.
    #[default]
    Never,
    /// At an access that can draw a frame from the host, while the free frames may not last for
    /// the draws of all VMs.
    AtDraws,
    /// At an access that misses the guest's memory.
    AtFaults,
    /// At every access, for what happens depends on when each page was last used.
    AtAccesses,
}
