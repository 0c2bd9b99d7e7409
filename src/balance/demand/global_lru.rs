//! `global-lru`: one LRU list over the pages of all VMs. Frames go from VM to VM at every fault.
//!
//! *Idea.* A VM that faults takes an empty frame, wherever one is, or else the frame of the page
//! that was used least recently of all VMs' pages.
//! *Follows.* The global replacement that P. J. Denning sets against working sets, "The working set
//! model for program behavior", CACM 11(5), 1968.
//! *Departs.* Minima and maxima are kept: a VM at its minimum gives nothing, one at its maximum
//! replaces a page of its own. At one tick the VMs' accesses follow each other in file order. The
//! bound of the same name knows no minima, so it may take a VM's last page.
//! *Cost.* O(1) a hit, O(V) a fault that takes a frame from another VM. VMs meet between
//! checkpoints, so none runs ahead of the others but within repeated accesses to one page.
//! *Parameters.* None. It needs LRU guests, the instant actuator and drivers that work.

use crate::balance::{Plan, Policy, PolicyError, PolicyKind, View};
use crate::meets::Meets;
use crate::random::Stream;
use crate::replace::links::Links;
use crate::trace::PageId;
use crate::units::{Ticks, VmId};

pub(in crate::balance) const KIND: PolicyKind = PolicyKind {
    name: "global-lru",
    summary: "one LRU list for all VMs: who faults takes the frame of the page used least recently",
    follows: "P. J. Denning, The working set model for program behavior, CACM 11(5), 1968",
    params: &[],
    meets: Meets::AtAccesses,
    observers: |_| &[],
    fits: |_, _, _| Ok(()),
    build: |_| Box::new(GlobalLru),
};

/// At checkpoints it has nothing to do.
struct GlobalLru;

impl Policy for GlobalLru {
    fn plan(&mut self, view: &View, _: &mut Stream) -> Result<Plan, PolicyError> {
        Ok(Plan::held(view))
    }
}

/// The resident pages of all VMs, by when they were used last.
pub(crate) struct Pool {
    /// A list for each VM, most recently used first.
    lists: Links,
    lengths: Vec<u64>,
    /// Where each VM's pages begin when all are numbered together.
    bases: Vec<PageId>,
    /// When each page was used last.
    used: Vec<Ticks>,
}

impl Pool {
    /// An empty pool for VMs of so many distinct pages.
    pub(crate) fn new(pages: impl Iterator<Item = usize>) -> Self {
        let mut bases = Vec::new();
        let mut all = 0;
        for pages in pages {
            bases.push(all as PageId);
            all += pages;
        }
        let (lists, used) = (Links::new(all, bases.len()), vec![Ticks(0); all]);
        Self { lists, lengths: vec![0; bases.len()], bases, used }
    }

    /// Whether the page is resident.
    pub(crate) fn holds(&self, vm: VmId, page: PageId) -> bool {
        self.lists.contains(self.bases[vm.index()] + page)
    }

    /// The page is used until `at`, and resident from now on.
    pub(crate) fn note(&mut self, vm: VmId, page: PageId, at: Ticks) {
        let page = self.bases[vm.index()] + page;
        if self.lists.contains(page) {
            self.lists.remove(page);
        } else {
            self.lengths[vm.index()] += 1;
        }
        self.lists.push_front(vm.index(), page);
        self.used[page as usize] = at;
    }

    /// The VM's pages that were used least recently are gone, so that so many are left.
    pub(crate) fn trim(&mut self, vm: VmId, resident: u64) {
        while self.lengths[vm.index()] > resident {
            self.lists.pop_back(vm.index());
            self.lengths[vm.index()] -= 1;
        }
    }

    /// Of these VMs the one whose least recently used page was used earliest; at one tick the
    /// earlier VM's was.
    pub(crate) fn oldest(&self, vms: impl Iterator<Item = VmId>) -> Option<VmId> {
        let last = |vm: VmId| Some((self.used[self.lists.back(vm.index())? as usize], vm));
        vms.filter_map(last).min().map(|(_, vm)| vm)
    }
}
