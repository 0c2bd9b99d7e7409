//! instant: a plan is carried out at once.
//!
//! *Idea.* At a checkpoint every VM above its target evicts pages by its own algorithm until they
//! fit, and those below their targets have the frames at the same tick.
//! *Follows.* The 2011 student report that this project began with.
//! *Departs.* Nowhere.
//! *Cost.* O(VMs whose orders change) at a checkpoint (`host.rs`).
//! *Parameters.* None.

use super::MechanismKind;

pub(super) const KIND: MechanismKind = MechanismKind {
    name: "instant",
    summary: "the guests evict pages at once, by their own algorithms",
    follows: "the 2011 report",
    balloons: false,
    pages: false,
};
