//! Bounds: offline yardsticks for every comparison.
//!
//! They replay the accesses that the scenario's VMs make at their nominal pace, without the delays
//! of faults. None is a policy: each knows the future.

mod best_static;
mod cold;
mod global_lru;
mod merged;
mod min;

pub use best_static::{Partition, best_static};

use crate::scenario::{After, Scenario, VmSpec};
use crate::trace::PageId;

/// A yardstick and what it came to.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Bound {
    /// Its name in results.
    pub name: &'static str,
    /// What it is, in a few words.
    pub summary: &'static str,
    /// Its demand faults, all VMs together.
    pub demand_faults: u64,
    /// Those that are not cold.
    pub capacity_faults: u64,
    /// What else there is to say: a split, or that something was coarsened.
    pub note: Option<String>,
}

/// All bounds of a scenario, the lowest kind first.
pub fn all(scenario: &Scenario) -> Vec<Bound> {
    let cold = cold::faults(scenario);
    let partition = best_static(scenario);
    let bound = |name, summary, demand_faults: u64, note| Bound {
        name,
        summary,
        demand_faults,
        capacity_faults: demand_faults - cold,
        note,
    };
    vec![
        bound("cold", "every page is fetched once", cold, None),
        bound("min", "Belady's MIN, all VMs sharing the host", min::faults(scenario), None),
        bound(
            "best-static",
            "LRU under the best split that never changes",
            partition.demand_faults,
            Some(partition.note(scenario)),
        ),
        bound("global-lru", "one LRU list for all VMs", global_lru::faults(scenario), None),
    ]
}

/// The number of accesses that each VM makes at its nominal pace.
fn accesses(scenario: &Scenario) -> Vec<u64> {
    let stop = |vm: &VmSpec| vm.stop.map_or(u64::MAX, |stop| stop.0);
    let over = |vm: &VmSpec| vm.start.0 + vm.trace.accesses() * vm.period.0;
    let end = scenario.vms.iter().filter_map(|vm| match (vm.after, vm.stop) {
        (After::Repeat, stop) => stop.map(|stop| stop.0),
        _ => Some(over(vm).min(stop(vm))),
    });
    let end = end.max().expect("a checked scenario ends");
    let made = |vm: &VmSpec| match vm.after {
        After::Repeat => end.min(stop(vm)).saturating_sub(vm.start.0).div_ceil(vm.period.0),
        After::Idle | After::Leave => {
            let ticks = over(vm).min(stop(vm)) - vm.start.0;
            ticks.div_ceil(vm.period.0)
        }
    };
    scenario.vms.iter().map(made).collect()
}

/// Where each VM's pages begin when all are numbered together, and at last their number.
fn page_bases(scenario: &Scenario) -> Vec<PageId> {
    let mut bases = vec![0];
    for vm in &scenario.vms {
        let last = bases[bases.len() - 1];
        let pages = PageId::try_from(vm.trace.distinct_pages()).ok();
        let next = pages.and_then(|pages| pages.checked_add(last));
        bases.push(next.expect("all VMs together have fewer than 2^32 pages"));
    }
    bases
}
