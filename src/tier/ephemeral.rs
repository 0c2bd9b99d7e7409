//! ephemeral: frames that no VM holds keep evicted pages, until a VM is given them.
//!
//! *Idea.* Free memory is of no use to anyone. An evicted page is put into it; if it is used again
//! before the frame is needed, the store is spared a read. A grant takes the frames at once, and
//! the oldest pages in them are dropped. So the pool follows what the host has free.
//! *Follows.* The ephemeral pools of Xen's transcendent memory (D. Magenheimer, C. Mason, D.
//! McCracken and K. Hackel, "Transcendent memory and Linux", Ottawa Linux Symposium 2009): a get of
//! a private pool takes the page out, and what is put may vanish at any time. The spare frames of
//! J. Hwang, A. Uppal, T. Wood and H. Huang, "Mortar: filling the gaps in data center memory", VEE
//! 2014, and the exclusive cache of P. Lu and K. Shen, "Virtual machine memory access tracing with
//! hypervisor exclusive cache", USENIX ATC 2007, are used in the same way.
//! *Departs.* Each VM has its own part of the pool; Xen has one list of all pages, in put order,
//! unless weights are set. Its sizes follow the free frames at control events, as grants do. A
//! dirty page is written back before it is put, as cleancache requires. No page is compressed or
//! shared.
//! *Cost.* One integer a VM (`counter.rs`), and O(V) at each control event for V VMs.
//! *Parameters.* `capacity`: "spare" for all free frames, or at most these frames or this size of
//! them; "spare". `division`: shares or equal; shares. `fetch`, `put`: ticks; 0.

use super::{Memory, TierKind};

pub(super) const KIND: TierKind = TierKind {
    name: "ephemeral",
    summary: "the host's free frames hold what the VMs evict, and drop it when a VM is given them",
    follows: "D. Magenheimer, C. Mason, D. McCracken and K. Hackel, Transcendent memory and Linux, \
              Ottawa Linux Symposium 2009",
    memory: Memory::Host,
    capacity: "\"spare\" (default): all free frames; frames or a size: at most these of them",
};
