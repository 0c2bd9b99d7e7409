//! `lru-min`: of all VMs' LRU pages the one goes whose next use is furthest. Knows the future.
//!
//! *Idea.* What balancing can win while the guests replace by LRU: a VM that faults takes the frame
//! of the LRU page that is needed last. What MIN wins beyond that belongs to the guests.
//! *Follows.* L. A. Belady, "A study of replacement algorithms for a virtual-storage computer", IBM
//! Systems Journal 5(2), 1966, with the candidates of `global-lru`.
//! *Departs.* It is greedy, and no bound: a page that is needed soon may be the last before many of
//! its VM that never are, and lower faults are then reached through it. Next uses are those at the
//! VMs' nominal pace; of pages that are used at one tick, or never again, the first VM's goes.
//! *Cost.* O(V) a fault that draws a frame from V VMs; 8 bytes a run.
//! *Parameters.* None.

use std::cmp::Reverse;

use crate::balance::{LruEnd, Plan, Policy, PolicyError, PolicyKind, View};
use crate::meets::Meets;
use crate::observe::NEXT_USES;
use crate::random::Stream;
use crate::units::Ticks;

pub(in crate::balance) const KIND: PolicyKind = PolicyKind {
    name: "lru-min",
    summary: "knows the future: a VM that faults takes the frame of the LRU page that is used \
              again last",
    follows: "L. A. Belady, A study of replacement algorithms for a virtual-storage computer, IBM \
              Systems Journal 5(2), 1966",
    live_interval: None,
    params: &[],
    meets: Meets::AtFaults,
    observers: |_| &[&NEXT_USES],
    fits: |_, _, _| Ok(()),
    build: |_| Box::new(LruMin),
};

struct LruMin;

impl Policy for LruMin {
    fn plan(&mut self, view: &View, _: &mut Stream) -> Result<Plan, PolicyError> {
        Ok(Plan::held(view))
    }

    fn giver(&mut self, _: Ticks, ends: &[LruEnd]) -> usize {
        let furthest = ends.iter().enumerate().min_by_key(|(_, end)| {
            let next = end.next_use.unwrap_or(Ticks(u64::MAX));
            (Reverse(next), end.vm)
        });
        furthest.expect("the VM that faults can give").0
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::units::VmId;

    #[test]
    fn the_page_that_is_used_last_or_never_goes() {
        let end = |vm, next: Option<u64>| LruEnd {
            vm: VmId(vm),
            used: Ticks(0),
            next_use: next.map(Ticks),
        };
        let gives = |ends: &[LruEnd]| LruMin.giver(Ticks(9), ends);
        assert_eq!(gives(&[end(1, Some(20)), end(2, Some(30)), end(0, Some(30))]), 2);
        assert_eq!(gives(&[end(1, Some(20)), end(2, None), end(0, Some(30))]), 1);
    }
}
