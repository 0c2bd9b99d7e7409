//! exclusive: memory beside the host's that holds what its VMs evict, and nothing else.
//!
//! *Idea.* A page is in the VM's frames or in the tier, never in both: evicted pages go into the
//! tier, and a page that is used again leaves it. So the tier adds its whole size to what the VM
//! reaches without the store. It is divided among the VMs that are present, and a part that shrinks
//! passes its oldest pages on.
//! *Follows.* T. M. Wong and J. Wilkes, "My cache or yours? Making storage more exclusive", USENIX
//! ATC 2002: with demotions, a client's cache and the array's behave as one LRU cache of their
//! total size.
//! *Departs.* Every evicted page is kept, clean or dirty, and its transfer takes the ticks that the
//! scenario says; there, clean blocks are sent over the network too, which is what makes demotions
//! expensive.
//! *Cost.* One integer a VM (`counter.rs`).
//! *Parameters.* `capacity`: frames or a size for all VMs together; required. `division`: shares or
//! equal; shares. `fetch`, `put`: ticks; 0.

use super::{Memory, TierKind};

pub(super) const KIND: TierKind = TierKind {
    name: "exclusive",
    summary: "memory beside the host's that holds what the VMs evict: a device, or memory on \
              another machine",
    follows: "T. M. Wong and J. Wilkes, My cache or yours? Making storage more exclusive, USENIX \
              ATC 2002",
    memory: Memory::Own,
    capacity: "frames or a size, for all VMs together",
};
