//! The VMs' lists in one round of the report's replay, as its Figure 2 shows them.

use super::{Strategy, input};
use crate::scenario::{Scenario, VmSpec};
use crate::simulate::simulate;
use crate::trace::PageId;
use crate::units::{Frames, VmId};
use crate::watch::{Access, Checkpoint, Watcher};

/// The round that Figure 2 shows: the first in which VMs of test3 are full, miss and hit.
pub const ROUND: u64 = 8;

/// A VM's list at the three moments of a round: each place holds a page or an empty frame, the most
/// recently used page first.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Lists {
    /// The VM.
    pub vm: String,
    /// The page that it accesses in the round.
    pub page: u64,
    /// Whether that is a hit, a fill or a replacement miss.
    pub event: &'static str,
    /// The list before the round, after the access, and after the checkpoint.
    pub moments: [Vec<Option<u64>>; 3],
}

/// The LRU lists of test3's VMs in [`ROUND`] under last-n.
pub fn lists() -> Vec<Lists> {
    let scenario = input("test3");
    let name = |vm: &VmSpec| Lists { vm: vm.name.clone(), ..Lists::default() };
    let lists = scenario.vms.iter().map(name).collect();
    let mut watcher = InRound { scenario: &scenario, lists, done: false };
    simulate(&scenario, Strategy::last_n(1).kind(), &mut watcher).expect(super::STRATEGIES_PLAN);
    watcher.lists
}

/// Fills the lists of one round.
struct InRound<'a> {
    scenario: &'a Scenario,
    lists: Vec<Lists>,
    done: bool,
}

impl InRound<'_> {
    fn list(&self, vm: VmId, pages: &[PageId], frames: Frames) -> Vec<Option<u64>> {
        let numbers = self.scenario.vms[vm.index()].trace.numbers();
        let page = |at: usize| pages.get(at).map(|&page| numbers[page as usize].0);
        (0..frames.0 as usize).map(page).collect()
    }
}

impl Watcher for InRound<'_> {
    fn wants_accesses(&self) -> bool {
        !self.done
    }

    fn access(&mut self, access: &Access<'_>) {
        if access.at.0 + 1 != ROUND {
            return;
        }
        let pages = access.replacement.resident_pages();
        let after = self.list(access.vm, &pages, access.allocation);
        let trace = &self.scenario.vms[access.vm.index()].trace;
        let page = trace.numbers()[trace.page(access.position) as usize].0;
        let lists = &mut self.lists[access.vm.index()];
        lists.page = page;
        lists.event = match access.counts {
            counts if counts.replacement_misses > 0 => "replacement miss",
            counts if counts.demand_faults > 0 => "fill",
            _ => "hit",
        };
        lists.moments[1] = after;
    }

    fn checkpoint(&mut self, checkpoint: &Checkpoint<'_>) {
        let moment = match checkpoint.number {
            number if number + 1 == ROUND => 0,
            ROUND => 2,
            _ => return,
        };
        for (vm, target) in checkpoint.view.vms.iter().zip(&checkpoint.plan.0) {
            let pages = checkpoint.guests.replacement(vm.id).resident_pages();
            let list = self.list(vm.id, &pages, *target);
            self.lists[vm.id.index()].moments[moment] = list;
        }
        self.done = moment == 2;
    }
}
