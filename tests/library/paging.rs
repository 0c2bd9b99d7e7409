//! Host paging: the given vector, a naive second implementation page by page, the counter of LRU
//! beneath LRU, and the laws of runs.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::sync::Arc;

use crate::common;
use crate::common::replacements::{random_settings, stretch};
use crate::common::scenarios::random_scenario;
use balloonist::balance::PolicyKind;
use balloonist::params::Settings;
use balloonist::random::{Generator, Stream};
use balloonist::reclaim::{PagingCounts, Swapper};
use balloonist::replace::Counts;
use balloonist::replace::{self, Backing, Guest, Paging, Replacement, ReplacementKind};
use balloonist::scenario::Scenario;
use balloonist::trace::{AccessKind, Trace, TraceBuilder};
use balloonist::units::{Frames, Page, Ticks};
use balloonist::watch::{Access, Checkpoint, NullWatcher, Watcher};
use serde_json::Value as Json;

pub(crate) fn algorithm(name: &str) -> &'static ReplacementKind {
    replace::ALL.iter().find(|kind| kind.name == name).unwrap()
}

pub(crate) fn paging(pager: &str, swapper: Swapper) -> Paging {
    let pager = algorithm(pager);
    let settings = Settings::defaults(pager.params);
    Paging { pager, settings, swapper, read: Ticks(0), write: Ticks(0) }
}

/// A guest of this size, of which so many pages are backed.
fn guest(
    trace: &Arc<Trace>,
    kind: &str,
    [size, backed]: [u64; 2],
    paging: &Paging,
) -> Box<dyn Replacement> {
    let draw = || Stream::new(Generator::ChaCha8, 7, 0, "test/paging");
    let backing = Backing { paging, frames: Frames(backed), draw: &draw };
    let guest = Guest {
        trace,
        frames: Frames(size),
        draw: &draw,
        counts_write_backs: false,
        tiers: &[],
        backing: Some(backing),
        shares: None,
    };
    let kind = algorithm(kind);
    (kind.build)(&Settings::defaults(kind.params), &guest)
}

pub(crate) fn trace(accesses: &[(u64, bool)]) -> Arc<Trace> {
    let mut builder = TraceBuilder::default();
    for &(page, writes) in accesses {
        let kind = if writes { AccessKind::Store } else { AccessKind::Load };
        builder.push_kind(Page(page), kind);
    }
    Arc::new(builder.finish())
}

/// A guest's memory and the host's frames as plain lists, both with the next victim last: LRU or
/// FIFO.
pub(crate) struct Naive {
    size: usize,
    backed: usize,
    /// Whether a use moves a page to the front of the guest's list, and of the host's.
    moves: [bool; 2],
    swapper: Swapper,
    memory: Vec<u64>,
    pub(crate) frames: Vec<u64>,
    dirty: BTreeSet<u64>,
    copied: BTreeSet<u64>,
    used: BTreeSet<u64>,
    pub(crate) counts: Counts,
    pub(crate) paging: PagingCounts,
    taken: Vec<u64>,
}

impl Naive {
    pub(crate) fn new(
        [guest, host]: [&str; 2],
        [size, backed]: [u64; 2],
        swapper: Swapper,
    ) -> Self {
        Self {
            size: size as usize,
            backed: backed as usize,
            moves: [guest == "lru", host == "lru"],
            swapper,
            memory: Vec::new(),
            frames: Vec::new(),
            dirty: BTreeSet::new(),
            copied: BTreeSet::new(),
            used: BTreeSet::new(),
            counts: Counts::default(),
            paging: PagingCounts::default(),
            taken: Vec::new(),
        }
    }

    fn take(&mut self) {
        let page = self.frames.pop().unwrap();
        self.taken.push(page);
        if !self.copied.contains(&page)
            && (self.dirty.contains(&page) || self.swapper == Swapper::Naive)
        {
            self.paging.writes += 1;
            self.paging.silent_writes += u64::from(!self.dirty.contains(&page));
            self.copied.insert(page);
        }
    }

    fn back(&mut self, page: u64) {
        if self.frames.len() == self.backed {
            self.take();
        }
        self.frames.insert(0, page);
    }

    pub(crate) fn resize(&mut self, backed: u64) {
        self.backed = backed as usize;
        while self.frames.len() > self.backed {
            self.take();
        }
    }

    pub(crate) fn touch(&mut self, page: u64, writes: bool) {
        self.counts.accesses += 1;
        if self.memory.contains(&page) {
            if self.moves[0] {
                self.memory.retain(|&other| other != page);
                self.memory.insert(0, page);
            }
            if !self.frames.contains(&page) {
                self.counts.found.host_swap += 1;
                self.paging.reads += 1;
                self.back(page);
            } else if self.moves[1] {
                self.frames.retain(|&other| other != page);
                self.frames.insert(0, page);
            }
        } else {
            self.counts.demand_faults += 1;
            self.counts.cold_faults += u64::from(!self.used.contains(&page));
            if self.memory.len() == self.size {
                self.counts.replacement_misses += 1;
                self.replace(page);
            } else {
                self.back(page);
            }
            self.memory.insert(0, page);
            self.used.insert(page);
            self.dirty.remove(&page);
            self.copied.remove(&page);
        }
        if writes {
            self.dirty.insert(page);
            self.copied.remove(&page);
        }
    }

    /// A balloon in the guest takes or gives pages of its memory.
    pub(crate) fn resize_guest(&mut self, size: u64) {
        self.size = size as usize;
        while self.memory.len() > self.size {
            let victim = self.evict();
            self.frames.retain(|&frame| frame != victim);
        }
    }

    /// Takes the guest's victim out of its memory; a dirty one is read if it must be, and written.
    fn evict(&mut self) -> u64 {
        let victim = self.memory.pop().unwrap();
        if self.dirty.remove(&victim) {
            if !self.frames.contains(&victim) {
                self.paging.double_pagings += 1;
                self.paging.reads += 1;
                self.back(victim);
            }
            self.counts.write_backs += 1;
        }
        self.copied.remove(&victim);
        victim
    }

    fn replace(&mut self, page: u64) {
        let victim = self.evict();
        if let Some(at) = self.frames.iter().position(|&frame| frame == victim) {
            self.frames.remove(at);
            self.frames.insert(0, page);
            return;
        }
        if self.swapper == Swapper::Naive {
            self.paging.reads += 1;
            if self.used.contains(&page) {
                self.paging.stale_reads += 1;
            } else {
                self.paging.false_reads += 1;
            }
        }
        self.back(page);
    }

    fn free(&mut self, page: u64) {
        self.used.remove(&page);
        self.memory.retain(|&other| other != page);
        self.frames.retain(|&other| other != page);
        self.dirty.remove(&page);
        self.copied.remove(&page);
    }
}

const SWAPPERS: [(&str, Swapper); 2] = [("naive", Swapper::Naive), ("mapper", Swapper::Mapper)];

#[test]
fn paging_gives_the_vector() {
    let path = format!("{}/tests/paging/vector.json", env!("CARGO_MANIFEST_DIR"));
    let vector: Json = serde_json::from_slice(&fs::read(path).unwrap()).unwrap();
    let of = |json: &Json| json.as_u64().unwrap();
    let accesses = vector["trace"].as_array().unwrap();
    let accesses: Vec<(u64, bool)> =
        accesses.iter().map(|access| (of(&access[0]), of(&access[1]) == 1)).collect();
    let sizes = [of(&vector["size"]), of(&vector["backed"])];
    let trace = trace(&accesses);
    let mut compared = 0;
    for run in vector["runs"].as_array().unwrap() {
        let (pager, swapper) = (run["host"].as_str().unwrap(), run["swapper"].as_str().unwrap());
        if pager == "told" {
            continue; // No algorithm of the list picks victims by a count of them.
        }
        let swapper = SWAPPERS.iter().find(|(name, _)| *name == swapper).unwrap().1;
        let paging = paging(pager, swapper);
        let mut guest = guest(&trace, "lru", sizes, &paging);
        let counts = guest.run(stretch(0, u64::MAX));
        let of_host = *guest.paging().unwrap();
        let expected = |key: &str| of(&run[key]);
        assert_eq!(counts.hits(), expected("hits"));
        assert_eq!(counts.found.host_swap, expected("host_faults"));
        assert_eq!(counts.demand_faults, expected("guest_faults"));
        assert_eq!(counts.cold_faults, expected("cold"));
        assert_eq!(counts.store_reads(), expected("guest_reads"));
        assert_eq!(counts.write_backs, expected("guest_writes"));
        assert_eq!(of_host.reads, expected("host_reads"));
        assert_eq!(of_host.writes, expected("host_writes"));
        assert_eq!(of_host.double_pagings, expected("double_pagings"));
        assert_eq!(of_host.silent_writes, expected("silent_writes"));
        assert_eq!(of_host.stale_reads, expected("stale_reads"));
        assert_eq!(of_host.false_reads, expected("false_reads"));
        let mut naive = Naive::new(["lru", pager], sizes, swapper);
        for &(page, writes) in &accesses {
            naive.touch(page, writes);
        }
        let taken: Vec<u64> = run["taken"].as_array().unwrap().iter().map(of).collect();
        assert_eq!(naive.taken, taken, "the second implementation takes the vector's pages");
        compared += 1;
    }
    assert_eq!(compared, 4);
}

/// A trace with writes and frees, cut at random into stretches and changes of its frames.
fn compare_with_lists(number: u64) {
    let mut draw = Stream::new(Generator::ChaCha8, number, 0, "test/paging/lists");
    let pages = 2 + draw.below(12);
    let mut builder = TraceBuilder::default();
    let mut events: Vec<(u64, bool, Vec<u64>)> = Vec::new();
    let frees = draw.below(2) == 0;
    for _ in 0..60 + draw.below(60) {
        let (page, writes) = (draw.below(pages), draw.below(3) == 0);
        builder.push_kind(Page(page), if writes { AccessKind::Store } else { AccessKind::Load });
        let mut freed = Vec::new();
        if frees && draw.below(12) == 0 {
            let page = draw.below(pages);
            if builder.free(Page(page)) {
                freed.push(page);
            }
        }
        events.push((page, writes, freed));
    }
    let trace = Arc::new(builder.finish());
    let size = 1 + draw.below(pages);
    let mut backed = 1 + draw.below(size);
    let names = ["lru", "fifo"];
    let kinds = [names[draw.below(2) as usize], names[draw.below(2) as usize]];
    let (_, swapper) = SWAPPERS[draw.below(2) as usize];
    let mut paging = paging(kinds[1], swapper);
    (paging.read, paging.write) = (Ticks(draw.below(3)), Ticks(draw.below(3)));
    let mut guest = guest(&trace, kinds[0], [size, backed], &paging);
    let mut naive = Naive::new(kinds, [size, backed], swapper);
    let (mut counts, mut at, mut resized) = (Counts::default(), 0, 0);
    while at < events.len() {
        if draw.below(3) == 0 {
            backed = 1 + draw.below(size);
            let before = guest.waited();
            guest.resize(Frames(backed));
            resized += guest.waited() - before;
            naive.resize(backed);
        }
        let run = guest.run(stretch(at as u64, 1 + draw.below(9)));
        for (page, writes, freed) in &events[at..at + run.accesses as usize] {
            naive.touch(*page, *writes);
            for &page in freed {
                naive.free(page);
            }
        }
        counts.add(run);
        at += run.accesses as usize;
        let waited = naive.paging.reads * paging.read.0 + naive.paging.writes * paging.write.0;
        assert_eq!(counts.waited + resized, waited, "case {number} at {at}");
        let mut without = counts;
        without.waited = 0;
        assert_eq!(without, naive.counts, "case {number} at {at}");
        assert_eq!(*guest.paging().unwrap(), naive.paging, "case {number} at {at}");
        assert_eq!(guest.resident(), Frames(naive.frames.len() as u64));
        guest.audit();
        // LRU beneath LRU: both are pieces of one stack, so two numbers decide.
        if kinds == ["lru"; 2] {
            assert_eq!(naive.frames, naive.memory[..naive.frames.len()]);
        }
    }
}

#[test]
fn paging_agrees_with_lists() {
    (0..3_000).for_each(compare_with_lists);
}

/// A random scenario whose host pages.
fn with_paging(number: u64) -> (Scenario, &'static PolicyKind) {
    let (mut scenario, policy) = random_scenario(number);
    let mut draw = Stream::new(Generator::ChaCha8, number, 0, "test/paging/scenario");
    let pagers: Vec<_> = replace::ALL.iter().filter(|kind| !kind.knows_the_future).collect();
    let pager = pagers[draw.below(pagers.len() as u64) as usize];
    let (_, swapper) = SWAPPERS[draw.below(2) as usize];
    let [read, write] = [Ticks(draw.below(4)), Ticks(draw.below(4))];
    let settings = random_settings(pager.params, &mut draw);
    scenario.paging = Some(Paging { pager, settings, swapper, read, write });
    scenario.actuator = balloonist::scenario::Actuator::INSTANT;
    for vm in &mut scenario.vms {
        vm.size = Frames(vm.max.0 + draw.below(4));
    }
    let policy = if scenario.fits(policy).is_ok() { policy } else { common::policy("last-n") };
    (scenario, policy)
}

/// Checks the laws at every checkpoint, in simulation order or running ahead.
struct Laws {
    in_order: bool,
}

impl Watcher for Laws {
    fn wants_accesses(&self) -> bool {
        self.in_order
    }

    fn access(&mut self, access: &Access<'_>) {
        assert!(access.counts.found.host_swap + access.counts.demand_faults <= 1);
        access.replacement.audit();
    }

    fn checkpoint(&mut self, checkpoint: &Checkpoint<'_>) {
        for vm in &checkpoint.view.vms {
            let guest = checkpoint.guests.replacement(vm.id);
            guest.audit();
            assert!(vm.resident <= vm.allocation, "no more pages are backed than frames held");
            let paging = guest.paging().unwrap();
            let needed = vm.total.found.host_swap + paging.double_pagings;
            let vain = paging.stale_reads + paging.false_reads;
            assert_eq!(paging.reads, needed + vain, "every read has a reason");
            assert!(paging.double_pagings <= vm.total.write_backs);
        }
    }
}

#[test]
fn running_ahead_changes_nothing_and_the_host_is_invisible_to_guests() {
    let (mut pagers, mut faults, mut doubles) = (BTreeSet::new(), 0, 0);
    for number in 0..300 {
        let (scenario, policy) = with_paging(number);
        let run = |in_order| common::simulate(&scenario, policy, &mut Laws { in_order });
        let ahead = run(false);
        assert_eq!(ahead, run(true), "scenario {number} under {}", policy.name);
        let paging = scenario.paging.as_ref().unwrap();
        for account in &ahead.vms {
            let counts = account.counts;
            let all = counts.hits() + counts.found.host_swap + counts.demand_faults;
            assert_eq!(all, counts.accesses);
            if paging.swapper == Swapper::Mapper {
                assert_eq!(account.paging.superfluous(), 0);
            }
        }
        if ahead.all.counts.found.host_swap > 0 {
            pagers.insert(paging.pager.name);
        }
        faults += ahead.all.counts.found.host_swap;
        doubles += ahead.all.paging.double_pagings;
    }
    assert!(pagers.len() > 10, "{pagers:?}");
    assert!(faults > 300 && doubles > 5, "{faults} {doubles}");
}

/// Guests that make all of their accesses, without costs, have the same demand faults under every
/// policy, pager and host; with as many frames as they believe in, as without paging.
#[test]
fn demand_faults_depend_on_the_size_alone() {
    let mut seen: BTreeMap<u64, u64> = BTreeMap::new();
    for number in 0..200 {
        let (mut scenario, policy) = with_paging(number);
        scenario.cost = balloonist::scenario::Cost::default();
        scenario.warm_up = None;
        scenario.host.admission = balloonist::scenario::Admission::Guaranteed;
        for vm in &mut scenario.vms {
            vm.min = Frames(1);
            (vm.stop, vm.after) = (None, balloonist::scenario::After::Idle);
        }
        let mut free = scenario.clone();
        free.paging = None;
        free.host.memory = free.vms.iter().map(|vm| vm.size).sum();
        for vm in &mut free.vms {
            (vm.min, vm.max, vm.initial) = (vm.size, vm.size, vm.size);
        }
        let mut backed = free.clone();
        backed.paging = scenario.paging.clone();
        let of = |scenario: &Scenario, policy| {
            let outcome = common::simulate(scenario, policy, &mut NullWatcher);
            let faults = |account: &balloonist::account::Account| account.counts.demand_faults;
            (outcome.vms.iter().map(faults).collect::<Vec<_>>(), outcome.all)
        };
        let alone = of(&free, common::policy("static"));
        let whole = of(&backed, common::policy("static"));
        assert_eq!(alone.0, whole.0, "scenario {number}");
        assert_eq!(whole.1.paging, PagingCounts::default(), "nothing is paged if all is backed");
        let paged = of(&scenario, policy);
        assert_eq!(paged.0, alone.0, "scenario {number} under {}", policy.name);
        *seen.entry(paged.1.counts.found.host_swap.min(1)).or_default() += 1;
    }
    assert!(seen[&1] > 50, "{seen:?}");
}
