//! What memory runs take, known before they are made: of each VM by the pages that it can touch.

use crate::balance::PolicyKind;
use crate::scenario::{Scenario, VmSpec};
use crate::trace::Trace;
use crate::units::Footprint;

/// The bytes of a VM whatever its trace is.
const VM: u64 = 4096;

/// The bytes of a page whose frames are pooled, and of one that bounds list.
const POOLED: u64 = 8;
const BOUNDED: u64 = 16;

/// The bytes that a run of the scenario under this policy takes beside its traces, at most.
///
/// ```
/// use balloonist::balance::ALL;
/// use balloonist::scenario::Document;
/// use balloonist::simulate::bytes_of_run;
/// let text = "host.memory = 9\ncheckpoint.every = 9\n[[vm]]\nname = 'a'\ntrace.pages = [1, 2, 2]";
/// let scenario = Document::from_toml("two.toml", text.as_bytes()).check().unwrap().scenario;
/// // LRU keeps 8 bytes for each of the two pages where it has to name victims.
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
        let all = observed.chain([vm.replacement.footprint, pooled]);
        VM + all
            .map(|Footprint { page, frame, run }| page * pages + frame * frames + run * runs)
            .sum::<u64>()
    };
    scenario.vms.iter().map(of_vm).sum()
}

/// The bytes that the bounds of the scenario take beside its traces, at most.
pub fn bytes_of_bounds(scenario: &Scenario) -> u64 {
    scenario.vms.iter().map(|vm| BOUNDED * vm.trace.distinct_pages() as u64).sum()
}

/// The bytes of a trace and of its stack distances, at most.
pub fn bytes_of_trace(trace: &Trace) -> u64 {
    let (accesses, runs) = (trace.accesses(), trace.run_pages().len() as u64);
    // A bit an access and its ranks, two bits for its kind, a time; a page and a distance a run;
    // the number, the first run and the repeat's distance of a page.
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
