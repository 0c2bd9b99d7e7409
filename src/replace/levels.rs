//! Where the pages of an LRU guest are, by their depths in its full stack: in its frames alone, or
//! also in tiers behind them.
//!
//! [`lru`](super::lru) is compiled once for each, so that a guest without tiers pays nothing.

use super::Counts;
use crate::tier::TierState;
use crate::tier::counter::Stack;
use crate::trace::index::StackDistances;
use crate::units::Frames;

/// Which pages of the stack are resident, and what a fault does. Depths and distances count from 1.
pub(super) trait Levels: Send + 'static {
    /// Whether there are tiers.
    const HAS_TIERS: bool;

    /// The number of resident pages: the first of the stack.
    fn resident(&self) -> u64;

    /// Notes how many pages are resident. Only without tiers.
    fn set_resident(&mut self, _resident: u64) {
        unreachable!("with tiers the levels decide what is resident");
    }

    /// The allocation.
    fn frames(&self) -> u64;

    /// Sets the allocation, and evicts the pages that no longer fit.
    fn resize(&mut self, frames: u64);

    /// An access to a page that is not resident. Returns how many pages it evicts.
    fn fault(&mut self, distance: u32) -> u64;

    /// The page at this depth is freed. Returns whether it was resident.
    fn free(&mut self, depth: u32) -> bool;

    /// Accesses at these distances; adds their faults to `counts`, except how many are cold.
    fn count(&mut self, distances: &StackDistances<'_>, counts: &mut Counts);

    /// Adds what tiers did since the last call to `counts`.
    fn charge(&mut self, _counts: &mut Counts) {}

    /// Whether tiers cost ticks.
    fn takes_time(&self) -> bool {
        false
    }

    /// The tiers.
    fn tiers(&self) -> &[TierState] {
        &[]
    }

    /// The ticks that tiers have cost so far.
    fn waited(&self) -> u64 {
        0
    }

    /// Sets the frames of each tier.
    fn resize_tiers(&mut self, _parts: &[Frames]) {}

    /// Empties the tiers.
    fn flush_tiers(&mut self) {}

    /// Checks what must always hold.
    fn audit(&self);
}

/// A guest without tiers.
pub(super) struct Plain {
    /// k: the resident pages are the first k of the full LRU stack.
    resident: u32,
    frames: u64,
}

impl Plain {
    /// No page is resident.
    pub(super) fn new(frames: u64) -> Self {
        Self { resident: 0, frames }
    }
}

impl Levels for Plain {
    const HAS_TIERS: bool = false;

    #[inline(always)]
    fn resident(&self) -> u64 {
        self.resident.into()
    }

    fn set_resident(&mut self, resident: u64) {
        self.resident = resident as u32;
    }

    fn frames(&self) -> u64 {
        self.frames
    }

    fn resize(&mut self, frames: u64) {
        self.frames = frames;
        self.resident = u64::from(self.resident).min(frames) as u32;
    }

    #[inline(always)]
    fn fault(&mut self, _: u32) -> u64 {
        let is_full = u64::from(self.resident) == self.frames;
        self.resident += u32::from(!is_full);
        u64::from(is_full)
    }

    #[inline(always)]
    fn free(&mut self, depth: u32) -> bool {
        let was_resident = depth <= self.resident;
        self.resident -= u32::from(was_resident);
        was_resident
    }

    /// While a frame is empty, each fault makes one more page resident.
    fn count(&mut self, distances: &StackDistances<'_>, counts: &mut Counts) {
        let before = self.resident;
        let filling = distances.grow(&mut self.resident, self.frames, |_| {});
        counts.demand_faults += u64::from(self.resident - before);
        let faults = distances.skip(filling).deeper(self.resident);
        counts.demand_faults += faults;
        counts.replacement_misses += faults;
    }

    fn audit(&self) {
        assert!(u64::from(self.resident) <= self.frames, "no more pages than frames");
    }
}

impl Levels for Stack {
    const HAS_TIERS: bool = true;

    fn resident(&self) -> u64 {
        self.resident()
    }

    fn frames(&self) -> u64 {
        self.frames()
    }

    fn resize(&mut self, frames: u64) {
        self.resize(frames);
    }

    fn fault(&mut self, distance: u32) -> u64 {
        self.fault(distance)
    }

    fn free(&mut self, depth: u32) -> bool {
        self.free(depth)
    }

    fn count(&mut self, distances: &StackDistances<'_>, counts: &mut Counts) {
        let faults = self.count(distances);
        counts.demand_faults += faults.all;
        counts.replacement_misses += faults.replacements;
        Levels::charge(self, counts);
    }

    fn charge(&mut self, counts: &mut Counts) {
        let [found, waited] = self.charge();
        counts.found.tiers += found;
        counts.waited += waited;
    }

    fn takes_time(&self) -> bool {
        self.takes_time()
    }

    fn tiers(&self) -> &[TierState] {
        self.tiers()
    }

    fn waited(&self) -> u64 {
        self.waited()
    }

    fn resize_tiers(&mut self, parts: &[Frames]) {
        self.resize_tiers(parts);
    }

    fn flush_tiers(&mut self) {
        self.flush();
    }

    fn audit(&self) {
        self.audit();
    }
}
