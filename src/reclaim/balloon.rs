//! balloon: guests give frames in batches, which arrive late.
//!
//! *Idea.* A driver in the guest allocates pages and tells the host their frames. The guest evicts
//! pages by its own algorithm to make room for it. This takes time, and a guest whose driver does
//! not run gives nothing.
//! *Follows.* C. A. Waldspurger, "Memory resource management in VMware ESX Server", OSDI 2002,
//! section 3.2.
//! *Departs.* A batch is taken from the guest's memory when it is ordered, and is free after a
//! fixed latency; there the driver inflates by pages.
//! *Cost.* A step for each batch (`host.rs`).
//! *Parameters.* `rate`: frames a batch; required. `step`: ticks between batches of a VM; 1.
//! `latency`: ticks until a batch is free; 0.

use super::MechanismKind;

pub(super) const KIND: MechanismKind = MechanismKind {
    name: "balloon",
    summary: "the guests give frames in batches of `rate`, `step` ticks apart, which are free \
              after `latency`",
    follows: "C. A. Waldspurger, Memory resource management in VMware ESX Server, OSDI 2002",
    balloons: true,
    pages: false,
};
