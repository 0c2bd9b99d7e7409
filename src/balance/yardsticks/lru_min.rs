//! `lru-min`: of all VMs' LRU ends the one goes that is needed least. Knows the future.
//!
//! *Idea.* What balancing can win while the guests replace by LRU. A frame that waits n ticks for
//! the next use of its page earns a hit in n ticks. A VM's LRU end may be needed soon and yet stand
//! before pages that never are, and only through it can their frames be had; so of each VM the
//! first page, the first two, the first three … are weighed, and the VM gives whose pages earn
//! least on average, as many of them as make it least. With one page that is Belady's rule over the
//! LRU ends: the page goes whose next use is furthest.
//! *Follows.* L. A. Belady, "A study of replacement algorithms for a virtual-storage computer", IBM
//! Systems Journal 5(2), 1966, with the candidates of `global-lru`; the averages are ours.
//! *Departs.* It is greedy, and no bound: `opt-lru` is. Next uses are those at the VMs' nominal
//! pace; ties go to the first VM.
//! *Cost.* O(V · depth) per fault that draws a frame from V VMs; 8 bytes per run.
//! *Parameters.* `depth`: of the observer, the most pages weighed.

use crate::balance::{LruEnd, Plan, Policy, PolicyError, PolicyKind, View};
use crate::meets::Meets;
use crate::observe::{DEPTH, NEXT_USES};
use crate::random::Stream;
use crate::units::Ticks;

pub(in crate::balance) const KIND: PolicyKind = PolicyKind {
    name: "lru-min",
    summary: "knows the future: a VM that faults takes the frame of the LRU page that is needed \
              least, with those behind it",
    follows: "L. A. Belady, A study of replacement algorithms for a virtual-storage computer, IBM \
              Systems Journal 5(2), 1966",
    live_interval: None,
    params: &[DEPTH],
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

    fn giver(&mut self, at: Ticks, ends: &[LruEnd]) -> usize {
        let least =
            ends.iter().enumerate().min_by_key(|(_, end)| (earns(at, &end.next_uses), end.vm));
        least.expect("the VM that faults can give").0
    }
}

/// The least that the first of these pages, or the first few, earn on average: hits for a tick, in
/// 2⁹⁶ths.
fn earns(at: Ticks, next_uses: &[Option<Ticks>]) -> u128 {
    let mut sum = 0;
    let averages = (1..).zip(next_uses).map(|(pages, next)| {
        sum += next.map_or(0, |next| (1 << 96) / u128::from(next.0.saturating_sub(at.0).max(1)));
        sum / pages
    });
    averages.min().unwrap_or(0)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::units::VmId;

    fn gives(ends: &[(u32, &[Option<u64>])]) -> usize {
        let end = |&(vm, next_uses): &(u32, &[Option<u64>])| LruEnd {
            vm: VmId(vm),
            used: Ticks(0),
            next_uses: next_uses.iter().map(|next| next.map(Ticks)).collect(),
        };
        LruMin.giver(Ticks(9), &ends.iter().map(end).collect::<Vec<_>>())
    }

    #[test]
    fn the_page_that_is_used_last_or_never_goes() {
        assert_eq!(gives(&[(1, &[Some(20)]), (2, &[Some(30)]), (0, &[Some(30)])]), 2);
        assert_eq!(gives(&[(1, &[Some(20)]), (2, &[None]), (0, &[Some(30)])]), 1);
    }

    /// One hit in 10 ticks and no hit, over two frames, average one hit in 20 ticks.
    #[test]
    fn a_page_in_front_of_pages_that_are_not_needed_goes() {
        assert_eq!(gives(&[(0, &[Some(19), None]), (1, &[Some(28), Some(28)])]), 0);
        assert_eq!(gives(&[(0, &[Some(19), None]), (1, &[Some(30), Some(10)])]), 1);
        // Three frames bring two hits in 10 ticks: as much as a hit in 15 each.
        assert_eq!(gives(&[(0, &[Some(19), Some(19), None]), (1, &[Some(23)])]), 0);
        assert_eq!(gives(&[(0, &[Some(19), Some(19), None]), (1, &[Some(25)])]), 1);
    }
}
