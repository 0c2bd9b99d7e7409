//! What `linux-two-list` and `mglru` share of the kernel's reclaim: passes of rising effort, which
//! evict more pages at once than the fault needs that asked for a frame.

use super::algorithm::Touch;
use crate::trace::PageId;

/// The kernel's `SWAP_CLUSTER_MAX`, the pages that a reclaim frees at least.
pub(super) const SWAP_CLUSTER_MAX: u64 = 32;

/// The kernel's `DEF_PRIORITY`: the first pass of a reclaim scans what there is divided by two to
/// this power.
pub(super) const PRIORITY_MAX: u32 = 12;

/// `do_try_to_free_pages`: each pass may scan twice as much as the one before, until `wanted` pages
/// are freed. `pass` gets its priority and how many are left to free, and returns how many it
/// freed. Returns their sum.
pub(super) fn round(wanted: u64, mut pass: impl FnMut(u32, u64) -> u64) -> u64 {
    let mut freed = 0;
    for priority in (0..=PRIORITY_MAX).rev() {
        freed += pass(priority, wanted - freed);
        if freed >= wanted {
            break;
        }
    }
    freed
}

/// The frames that reclaims have emptied ahead of need.
#[derive(Debug, Default)]
pub(super) struct Batch {
    /// How many of them are still empty.
    emptied: u64,
    /// The pages evicted by the last fault.
    evicted: Vec<PageId>,
}

impl Batch {
    /// A page faults; if no frame is empty, `reclaim` adds the pages that it evicts. Says what the
    /// frame of the page was.
    #[inline(always)]
    pub(super) fn fault(&mut self, is_full: bool, reclaim: impl FnOnce(&mut Vec<PageId>)) -> Touch {
        self.evicted.clear();
        if is_full {
            reclaim(&mut self.evicted);
            self.emptied = self.evicted.len() as u64;
        }
        match self.emptied.checked_sub(1) {
            Some(emptied) => {
                self.emptied = emptied;
                Touch::Reclaimed
            }
            None => Touch::Fill,
        }
    }

    /// The pages evicted by the last fault.
    pub(super) fn evicted(&self) -> &[PageId] {
        &self.evicted
    }

    /// The number of frames changed, and so many are empty.
    pub(super) fn resize(&mut self, empty: u64) {
        self.emptied = self.emptied.min(empty);
    }

    /// How many frames are empty that a reclaim emptied.
    pub(super) fn emptied(&self) -> u64 {
        self.emptied
    }
}
