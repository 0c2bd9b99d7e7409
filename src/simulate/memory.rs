//! The memory that runs take, computed beforehand from the pages that each VM can touch.

use crate::balance::PolicyKind;
use crate::scenario::{Scenario, VmSpec};
use crate::trace::Trace;
use crate::units::Footprint;

/// The bytes of a VM independent of its trace.
const VM: u64 = 4096;

/// What the host keeps of each page beside its pager: its state, and a link if the pager is LRU.
const PAGED: Footprint = Footprint { page: 9, frame: 0, run: 0 };

/// What a host that shares keeps of each page: its state, its place and the page there, its
/// content, its frame, and when it was noted.
const SHARED: Footprint = Footprint { page: 26, frame: 0, run: 0 };

/// The bytes per page for pooled frames and for bounds.
const POOLED: u64 = 8;
const BOUNDED: u64 = 16;

/// An upper bound on the bytes of a run of the scenario under this policy, without its traces.
///
/// ```
/// use balloonist::balance::ALL;
/// use balloonist::scenario::Document;
/// use balloonist::simulate::bytes_of_run;
/// let text = "host.memory = 9\ncheckpoint.every = 9\n[[vm]]\nname = 'a'\ntrace.pages = [1, 2, 2]";
/// let scenario = Document::from_toml("two.toml", text.as_bytes()).check().unwrap().scenario;
/// // LRU keeps 8 bytes for each of the two pages, to find victims.
/// assert_eq!(bytes_of_run(&scenario, &ALL[0]), 4096 + 2 * 8);
/// ```
pub fn bytes_of_run(scenario: &Scenario, policy: &PolicyKind) -> u64 {
    let observers = (policy.observers)(&scenario.settings_of(policy));
    let pooled =
        Footprint { page: if policy.pools() { POOLED } else { 0 }, ..Footprint::default() };
    let of_vm = |vm: &VmSpec| {
        let (pages, runs) = (pages_touched(vm), vm.trace.run_pages().len() as u64);
        let frames = pages.min(vm.max.0);
        let observed = observers.iter().map(|observer| observer.footprint);
        let paged = scenario.paging.as_ref().map(|paging| [paging.pager.footprint, PAGED]);
        let shared = scenario.sharing.map(|_| SHARED);
        let all = observed.chain([vm.replacement.footprint, pooled]).chain(shared);
        let all = all.chain(paged.into_iter().flatten());
        VM + all
            .map(|Footprint { page, frame, run }| page * pages + frame * frames + run * runs)
            .sum::<u64>()
    };
    scenario.vms.iter().map(of_vm).sum()
}

/// An upper bound on the bytes of the scenario's bounds, without its traces.
pub fn bytes_of_bounds(scenario: &Scenario) -> u64 {
    scenario.vms.iter().map(|vm| BOUNDED * vm.trace.distinct_pages() as u64).sum()
}

/// An upper bound on the bytes of a trace and its stack distances.
pub fn bytes_of_trace(trace: &Trace) -> u64 {
    let (accesses, runs) = (trace.accesses(), trace.run_pages().len() as u64);
    // Per access: a bit with its rank index, two bits of kind and a time. Per run: a page and a
    // distance. Per page: its number, first run and repeat distance.
    let kinds = if trace.has_kinds() { accesses / 4 } else { 0 };
    let times = if trace.times().is_some() { 8 * accesses } else { 0 };
    accesses / 6 + kinds + times + 8 * runs + 16 * trace.distinct_pages() as u64
}

/// The distinct pages that a VM can touch before its stop.
fn pages_touched(vm: &VmSpec) -> u64 {
    let most = vm.stop.map_or(u64::MAX, |stop| {
        vm.tempo.accesses_before(&vm.trace, stop.0.saturating_sub(vm.start.0))
    });
    vm.trace.distinct_before(most.min(vm.trace.accesses())) as u64
}
