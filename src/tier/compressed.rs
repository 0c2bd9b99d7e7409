//! compressed: a part of a VM's own frames holds several pages each.
//!
//! *Idea.* A VM of c frames has n near pages, which it can use, and q packed ones, which take
//! ⌈q / ratio⌉ frames: n + ⌈q / ratio⌉ ≤ c. A page too many packs the oldest near page, or several,
//! because a packed page may need a frame itself; while the pool is at its most, its oldest pages
//! leave first. So few frames hold more pages, but fewer of them are near.
//! *Follows.* zswap (S. Jennings, "The zswap compressed swap cache", LWN 2013;
//! Documentation/admin-guide/mm/zswap.rst of Linux): pages on their way to swap are compressed into
//! a pool in memory, whose oldest pages are written to the swap device when it is full;
//! `max_pool_percent` is 20.
//! *Departs.* Every page compresses by the same ratio, so that how many fit does not depend on
//! which. The pool takes pages again as soon as it has room; zswap waits until it has shrunk to
//! `accept_threshold_percent`. Nothing is rejected as incompressible.
//! *Cost.* Two integers a VM. A shrink takes a step for each page that is packed.
//! *Parameters.* `capacity`: the most of a VM's frames that the pool takes, a percentage below 100;
//! "20%", zswap's. `ratio`: pages in a frame, from 1 on; 3 (ours; zbud holds at most 2, zsmalloc
//! more). `fetch`: ticks to decompress, `put`: ticks to compress; 0.

use super::{Memory, TierKind};
use crate::units::Decimal;

pub(super) const KIND: TierKind = TierKind {
    name: "compressed",
    summary: "a part of a VM's own frames holds several packed pages each; must be the nearest \
              tier",
    follows: "S. Jennings, The zswap compressed swap cache, LWN 2013",
    memory: Memory::Vm,
    capacity: "a percentage of the frames that each VM holds (default \"20%\")",
};

/// The arithmetic of a pool of packed pages.
#[derive(Clone, Debug)]
pub struct Pool {
    /// The most frames, as a share of those of the VM: numerator and denominator.
    most: [u128; 2],
    /// So many pages take so many frames.
    ratio: [u128; 2],
}

/// What a VM of some frames has near and packed, and what it took to get there.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct Fit {
    /// The near pages.
    pub(super) near: u64,
    /// The packed pages.
    pub(super) packed: u64,
    /// The pages that were packed.
    pub(super) puts: u64,
    /// The packed pages that left the pool.
    pub(super) drops: u64,
    /// The near pages that a pool without a frame let pass.
    pub(super) passed: u64,
}

impl Pool {
    /// A pool of at most this percentage of the VM's frames, with so many pages in a frame.
    pub fn new(most: Decimal, ratio: Decimal) -> Self {
        let fraction = |of: Decimal| [of.digits, of.denominator()].map(u128::from);
        let [percent, whole] = fraction(most);
        Self { most: [percent, 100 * whole], ratio: fraction(ratio) }
    }

    /// The frames that these packed pages take.
    pub(super) fn frames_of(&self, packed: u64) -> u64 {
        let [pages, frames] = self.ratio;
        (u128::from(packed) * frames).div_ceil(pages) as u64
    }

    /// The most frames of the pool in a VM of so many.
    pub(super) fn most(&self, frames: u64) -> u64 {
        let [of, all] = self.most;
        (u128::from(frames) * of / all) as u64
    }

    /// Packs pages, and drops packed ones, until all is within `frames`.
    pub(super) fn fit(&self, frames: u64, mut near: u64, mut packed: u64) -> Fit {
        let most = self.most(frames);
        let [pages, per] = self.ratio;
        let holds = u64::try_from(u128::from(most) * pages / per).unwrap_or(u64::MAX);
        let mut fit = Fit { drops: packed.saturating_sub(holds), ..Fit::default() };
        packed -= fit.drops;
        while near + self.frames_of(packed) > frames {
            // While the pool is at its most, its oldest pages leave.
            if packed == holds && packed > 0 {
                packed -= 1;
                fit.drops += 1;
            }
            // Then the oldest near page is packed.
            near -= 1;
            if packed < holds {
                packed += 1;
                fit.puts += 1;
            } else {
                fit.passed += 1;
            }
        }
        Fit { near, packed, ..fit }
    }

    /// Whether a fault changes neither how many pages are near nor how many are packed, wherever it
    /// finds its page.
    pub(super) fn is_settled(&self, frames: u64, near: u64, packed: u64) -> bool {
        let stays = |from: u64| {
            let fit = self.fit(frames, near + 1, from);
            (fit.near, fit.packed) == (near, packed)
        };
        stays(packed) && (packed == 0 || stays(packed - 1))
    }
}
