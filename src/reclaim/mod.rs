//! Mechanisms of reclaim: how a VM comes down to its target, and who picks the pages that go.
//!
//! [`ALL`] is the only list of mechanisms. A balloon asks the guest, which evicts pages by its own
//! algorithm and works slowly or not at all; host paging takes frames from a guest that does not
//! know it. `host.rs` moves the frames; the replacement algorithm of a guest keeps where its pages
//! are ([`Guest`](crate::replace::Guest)).

mod balloon;
mod esx_states;
mod instant;
mod paging;

pub use esx_states::{Grow, Marks, State, States};
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
    /// Whether guests give frames in batches.
    pub balloons: bool,
    /// Whether the host takes frames without the guest's help, so that the guest's memory has a
    /// size beside its frames. Where guests balloon too, the state of free memory decides.
    pub pages: bool,
}

/// Every mechanism, in the order in which they are listed. The first is the default.
pub const ALL: &[MechanismKind] = &[instant::KIND, balloon::KIND, paging::KIND, esx_states::KIND];

impl MechanismKind {
    /// Whether the host reclaims by the state of its free memory.
    pub(crate) fn has_states(&self) -> bool {
        self.balloons && self.pages
    }
}
