//! Mechanisms of reclaim: how a VM comes down to its target, and who picks the pages that go.
//!
//! [`ALL`] is the only list of mechanisms. A balloon asks the guest, which evicts pages by its own
//! algorithm and works slowly or not at all; host paging takes frames from a guest that does not
//! know it. `host.rs` moves the frames; the replacement algorithm of a guest keeps where its pages
//! are ([`Guest`](crate::replace::Guest)).

mod balloon;
mod instant;
mod paging;

pub use paging::{PagingCounts, Swapper};

/// A mechanism, as scenarios name it (`actuator.kind`).
#[derive(Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct MechanismKind {
    /// The name in scenario files.
    pub name: &'static str,
    /// What it does, in one sentence without a full stop.
    pub summary: &'static str,
    /// Authors, title, venue and year of what it models.
    pub follows: &'static str,
    /// Whether the host takes frames without the guest's help, so that the guest's memory has a
    /// size beside its frames.
    pub pages: bool,
}

/// Every mechanism, in the order in which they are listed. The first is the default.
pub const ALL: &[MechanismKind] = &[instant::KIND, balloon::KIND, paging::KIND];

/// The mechanism whose batches take time.
pub(crate) const BALLOON: &MechanismKind = &balloon::KIND;
