//! Sharing in a run: scans, what VMs do to shared pages, and the savings that end.
//!
//! While as many frames are free as sharing saves, the ends of savings commute, and VMs run ahead
//! as ever. Otherwise a VM makes an access that could need a free frame in its turn
//! (`replace/shared_pages.rs` finds it). What the host owes is paid, and targets are fitted to what
//! there is, at control events alone, for which every VM has stopped.

use super::{EventKind, Simulation};
use crate::balance::View;
use crate::host::Change;
use crate::random::{Generator, Stream};
use crate::replace::{Parted, SharedPages};
use crate::scenario::Scenario;
use crate::share::content::{Class, Classes, OWN};
use crate::share::table::{Mapped, Table};
use crate::share::{Looks, Pages, Savings, Scanner, Scanning, SharingSpec};
use crate::trace::PageId;
use crate::units::{Ticks, VmId};
use crate::vm::Vm;
use crate::watch::{Guests, Moved};

/// The state of sharing.
pub(super) struct Sharing {
    scanning: Scanning,
    /// When the next scan is, if scans go on.
    pub(super) next_scan: Option<Ticks>,
    last_scan: Ticks,
    scanner: Box<dyn Scanner>,
    table: Table,
    /// What each page of each VM holds until it is written.
    contents: Vec<Vec<Class>>,
    pub(super) savings: Savings,
    /// Passes that were complete when counting began.
    full_scans: u64,
    // Kept to reuse their memory.
    looks: Looks,
    parted: Vec<Parted>,
}

impl Sharing {
    /// Sharing before the first access.
    pub(super) fn new(scenario: &Scenario) -> Option<Self> {
        let spec: SharingSpec = scenario.sharing?;
        let mut classes = Classes::default();
        let of = |vm: &crate::scenario::VmSpec| classes.of(&vm.trace, &vm.content);
        let contents: Vec<Vec<Class>> = scenario.vms.iter().map(of).collect();
        let pages: Vec<usize> = contents.iter().map(Vec::len).collect();
        let stream =
            || Stream::new(Generator::ChaCha8, scenario.seed, scenario.repetition, "sharing");
        Some(Self {
            scanning: Scanning { every: spec.every, pages: spec.pages },
            next_scan: Some(spec.every),
            last_scan: Ticks(0),
            scanner: (spec.scanner.build)(&spec, &pages, &stream),
            table: Table::new(spec.max_sharing, &pages),
            contents,
            savings: Savings::default(),
            full_scans: 0,
            looks: Looks::default(),
            parted: Vec::new(),
        })
    }

    /// Tells each VM's part of what is saved.
    pub(super) fn tell_saved(&self, view: &mut View) {
        for vm in &mut view.vms {
            vm.saved = self.table.saved(vm.id.index());
        }
    }

    /// Counts from now on.
    pub(super) fn count(&mut self) {
        self.savings = Savings::default();
        self.full_scans = self.scanner.full_scans();
    }

    /// What was saved since counting began.
    pub(super) fn counted(&self) -> Savings {
        Savings { full_scans: self.scanner.full_scans() - self.full_scans, ..self.savings }
    }
}

/// What a scanner sees.
struct Seen<'a> {
    vms: &'a [Vm<'a>],
    contents: &'a [Vec<Class>],
}

impl Seen<'_> {
    fn of(&self, vm: usize) -> &SharedPages {
        self.vms[vm].replacement.shared_pages().expect("a host that shares knows the pages")
    }
}

impl Pages for Seen<'_> {
    fn vms(&self) -> usize {
        self.vms.len()
    }

    fn next(&self, vm: usize, from: usize) -> Option<(usize, PageId)> {
        self.of(vm).next(from)
    }

    fn count(&self, vm: usize) -> u64 {
        self.of(vm).count()
    }

    fn nth(&self, vm: usize, nth: u64) -> PageId {
        self.of(vm).nth(nth)
    }

    fn content(&self, vm: usize, page: PageId) -> Class {
        if self.of(vm).is_written(page) { OWN } else { self.contents[vm][page as usize] }
    }

    fn is_resident(&self, vm: usize, page: PageId) -> bool {
        self.of(vm).is_resident(page)
    }
}

impl Simulation<'_> {
    /// Looks at pages, and gives out the frames that merges free.
    pub(super) fn scan(&mut self, at: Ticks) {
        // The policy may have changed when scans are.
        if self.sharing.as_ref().is_none_or(|sharing| sharing.next_scan != Some(at)) {
            return;
        }
        self.settle_savings(at);
        let Some(mut sharing) = self.sharing.take() else { return };
        let Sharing { scanner, table, contents, looks, scanning, savings, .. } = &mut sharing;
        looks.clear();
        scanner.scan(*scanning, &Seen { vms: &self.vms, contents }, table, looks);
        for &(vm, looks) in looks.iter() {
            self.vms[vm].account.sharing.scanned += looks;
        }
        let mut has_merged = false;
        for Mapped { vm, page, saves } in table.take_mapped() {
            self.vms[vm].shared_pages().share(page);
            if saves {
                self.vms[vm].account.sharing.merges += 1;
                self.host.merge();
                has_merged = true;
            }
        }
        #[cfg(debug_assertions)]
        table.audit(&Seen { vms: &self.vms, contents });
        let saving = table.saving();
        savings.scans += 1;
        savings.sum += u128::from(saving.0);
        savings.most = savings.most.max(saving);
        sharing.queue_next(at);
        if let Some(next) = sharing.next_scan {
            self.push(next, EventKind::Scan);
        }
        self.sharing = Some(sharing);
        if has_merged {
            self.act(at);
        }
    }

    /// Scans from now on as the policy wants it, if it wants anything. A scan that would be earlier
    /// happens at once.
    pub(super) fn set_scanning(&mut self, at: Ticks) {
        let Some((sharing, scanning)) = self.sharing.as_mut().zip(self.policy.scanning()) else {
            return;
        };
        if sharing.scanning == scanning {
            return;
        }
        let keeps_time = sharing.next_scan.is_some() && scanning.every == sharing.scanning.every;
        sharing.scanning = scanning;
        if scanning.pages == 0 {
            sharing.next_scan = None;
        } else if !keeps_time {
            let next = sharing.last_scan + scanning.every;
            sharing.next_scan = Some(next.max(at));
            self.push(next.max(at), EventKind::Scan);
        }
    }

    /// At a control event: who holds most above its minimum pays what the host owes, and targets
    /// are lowered to what there is to divide.
    pub(super) fn settle_savings(&mut self, at: Ticks) {
        let Some(sharing) = &mut self.sharing else { return };
        sharing.savings.debt = sharing.savings.debt.max(self.host.debt());
        while let Some(change) = self.host.pay() {
            self.vms[change.vm.index()].events.clear();
            let change = self.take_back(change, at);
            self.tell_moved(change, at);
        }
        self.host.fit_targets();
        debug_assert_eq!(
            self.sharing.as_ref().map(|of| of.table.saving()),
            Some(self.host.saving())
        );
    }

    /// Follows what an access did to shared pages.
    pub(super) fn follow_access(&mut self, id: VmId, at: Ticks) {
        if self.sharing.is_none() {
            return;
        }
        let before = self.host.allocation(id);
        if let Some(vm) = self.vms.get_mut(id.index())
            && self.watcher.wants_accesses()
        {
            vm.events.clear();
        }
        self.follow_pages(id, at);
        if let (Some(before), Some(after)) = (before, self.host.allocation(id))
            && before != after
        {
            self.tell_moved(Change { vm: id, before, after }, at);
        }
    }

    /// Follows what a VM did to shared pages: where others still map the frame, a saving ends.
    pub(super) fn follow_pages(&mut self, id: VmId, at: Ticks) {
        let Some(mut sharing) = self.sharing.take() else { return };
        let mut parted = std::mem::take(&mut sharing.parted);
        self.vms[id.index()].shared_pages().take_parted(&mut parted);
        for &(Parted::Written(page) | Parted::Gone(page)) in &parted {
            if sharing.table.part(id.index(), page)
                && let Some(change) = self.host.lose(id)
            {
                self.sharing = Some(sharing);
                self.take_back(change, at);
                sharing = self.sharing.take().expect("it was just put back");
            }
        }
        parted.clear();
        sharing.parted = parted;
        self.sharing = Some(sharing);
    }

    /// The VM holds a frame less, because a saving is gone. Returns the whole change: what it
    /// evicts for that may share too.
    fn take_back(&mut self, change: Change, at: Ticks) -> Change {
        let (vm, cost) = (&mut self.vms[change.vm.index()], self.scenario.cost);
        vm.account.sharing.forced += 1;
        vm.resize(change, at, cost, self.host.taking(change.vm), self.watcher.wants_accesses());
        self.note_held(at);
        self.follow_pages(change.vm, at);
        Change { after: self.host.allocation(change.vm).unwrap_or(change.after), ..change }
    }

    fn tell_moved(&mut self, change: Change, at: Ticks) {
        let (changes, in_flight) = (&[change][..], self.host.in_flight());
        self.watcher.moved(&Moved { at, changes, in_flight, guests: Guests(&self.vms) });
    }

    /// The pages of a VM that departs, which has given its frames back, leave the table; frames
    /// that others still map stay with them.
    pub(super) fn part_all(&mut self, id: VmId) {
        let Some(sharing) = &mut self.sharing else { return };
        let vm = &mut self.vms[id.index()];
        vm.shared_pages().clear();
        let pages: Vec<PageId> = sharing.table.pages(id.index()).collect();
        for page in pages {
            if sharing.table.part(id.index(), page) {
                let change = self.host.lose(id);
                debug_assert!(change.is_none(), "a VM that is gone holds nothing");
            }
        }
    }

    /// At the end: what each VM that is present pays for.
    pub(super) fn charge_all(&mut self) {
        let Some(sharing) = &self.sharing else { return };
        for (index, vm) in self.vms.iter_mut().enumerate() {
            let id = VmId(index as u32);
            if self.host.allocation(id).is_some() {
                vm.account.charged = Some(charged(vm, &sharing.table, id));
            }
        }
    }
}

impl Simulation<'_> {
    /// Queues the first scan.
    pub(super) fn queue_scan(&mut self) {
        if let Some(next) = self.sharing.as_ref().and_then(|sharing| sharing.next_scan) {
            self.push(next, EventKind::Scan);
        }
    }
}

impl Sharing {
    /// The scan after this tick.
    fn queue_next(&mut self, at: Ticks) {
        let Scanning { every, pages } = self.scanning;
        self.last_scan = at;
        self.next_scan = (pages > 0).then_some(at + every);
    }
}

/// The frames that the VM pays for if those who map a frame pay in equal parts, in millionths.
fn charged(vm: &Vm, table: &Table, id: VmId) -> u128 {
    let private = vm.replacement.resident().0 - table.pages_of(id.index());
    u128::from(private) * 1_000_000 + table.charged(id.index())
}
