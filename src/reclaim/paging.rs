//! paging: the host takes frames from a guest that does not know it.
//!
//! *Idea.* A VM has a size, which its guest believes in, and frames, which back some of the pages
//! of its memory. Its guest's algorithm runs at the size; the host's *pager* decides which pages
//! are backed. An access to a page of the guest's memory that no frame backs is a *host fault*: the
//! host reads the page from its own swap space, and the guest notices nothing but the time.
//! *Follows.* C. A. Waldspurger, "Memory resource management in VMware ESX Server", OSDI 2002,
//! sections 3.1 and 3.3: the host's choice can coincide with the guest's, and then a page is read
//! only to be written out again (*double paging*), so ESX pages by random choice. The classes of
//! needless transfers are those of N. Amit, D. Tsafrir and A. Schuster, "VSwapper: a memory
//! swapper for virtualized environments", ASPLOS 2014: *silent* writes of clean pages, *stale* and
//! *false* reads of pages that are about to be overwritten; its mapper avoids all three.
//! *Departs.* A pager sees every access, as if accessed bits were perfect. A place in the guest's
//! memory that the guest emptied without using it at once, by a free or with others in one go, is
//! backed again without a read. Page-outs are synchronous and not clustered; decayed sequentiality
//! and false anonymity are not modelled. Any replacement algorithm can be the pager, except those
//! that know the future.
//! *Cost.* That of the guest's algorithm page by page and that of the pager, and a byte a page
//! (`replace/host_pager.rs`).
//! *Parameters.* `pager`: a replacement algorithm; random, ESX's. `swapper`: naive or mapper;
//! naive. `cost.host_read`, `cost.host_write`: ticks; 0. `vm.size`: the guest's memory; its `max`.

use super::MechanismKind;

pub(super) const KIND: MechanismKind = MechanismKind {
    name: "paging",
    summary: "the host takes frames at once and unseen by the guests: an access to a page that it \
              took is a host fault",
    follows: "C. A. Waldspurger, Memory resource management in VMware ESX Server, OSDI 2002; N. \
              Amit, D. Tsafrir and A. Schuster, VSwapper: a memory swapper for virtualized \
              environments, ASPLOS 2014",
    balloons: false,
    pages: true,
};

/// What the host knows about the contents of the pages that it moves.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Swapper {
    /// Nothing: it writes every page that its swap space does not hold as it is, and reads a page
    /// that the guest is about to overwrite whole.
    #[default]
    Naive,
    /// Which pages equal a block of the guest's disk, and which are overwritten whole: it writes
    /// dirty pages only, and reads nothing in vain.
    Mapper,
}

impl Swapper {
    /// Every choice with the name that scenarios give it.
    pub const ALL: &[(&'static str, Self)] = &[("naive", Self::Naive), ("mapper", Self::Mapper)];
}

/// What host paging did to a VM's pages.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct PagingCounts {
    /// Pages read from the host's swap space: for host faults, for double paging, and in vain.
    pub reads: u64,
    /// Pages written to the host's swap space.
    pub writes: u64,
    /// Dirty pages that the guest evicted while no frame backed them.
    pub double_pagings: u64,
    /// Writes of pages that equal the guest's disk.
    pub silent_writes: u64,
    /// Reads of pages that the guest was overwriting with what it read from its disk.
    pub stale_reads: u64,
    /// Reads of pages that the guest was filling for the first time.
    pub false_reads: u64,
}

impl PagingCounts {
    /// Transfers that a host which knew the contents would spare.
    pub fn superfluous(&self) -> u64 {
        self.silent_writes + self.stale_reads + self.false_reads
    }

    /// The counts since `before`.
    pub(crate) fn since(&self, before: &Self) -> Self {
        Self {
            reads: self.reads - before.reads,
            writes: self.writes - before.writes,
            double_pagings: self.double_pagings - before.double_pagings,
            silent_writes: self.silent_writes - before.silent_writes,
            stale_reads: self.stale_reads - before.stale_reads,
            false_reads: self.false_reads - before.false_reads,
        }
    }

    /// Adds other counts.
    pub(crate) fn add(&mut self, other: &Self) {
        // All fields are named, so that the compiler reports a new one that is missing here.
        let Self { reads, writes, double_pagings, silent_writes, stale_reads, false_reads } =
            *other;
        self.reads += reads;
        self.writes += writes;
        self.double_pagings += double_pagings;
        self.silent_writes += silent_writes;
        self.stale_reads += stale_reads;
        self.false_reads += false_reads;
    }
}
