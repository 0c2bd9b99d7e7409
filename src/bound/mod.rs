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

use self::global_lru::GlobalLru;
use self::min::Min;
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

/// All bounds of a scenario, the lowest kind first. Those that replay all VMs together are left out
/// where the VMs have 2³² pages or more together.
pub fn all(scenario: &Scenario) -> Vec<Bound> {
    let cold = cold::faults(scenario);
    let (partition, replayed) = rayon::join(|| best_static(scenario), || replayed(scenario));
    let bound = |name, summary, demand_faults: u64, note| Bound {
        name,
        summary,
        demand_faults,
        capacity_faults: demand_faults - cold,
        note,
    };
    let mut bounds = vec![
        bound("cold", "every page is fetched once", cold, None),
        bound(
            "best-static",
            "LRU under the best split that never changes",
            partition.demand_faults,
            Some(partition.note(scenario)),
        ),
    ];
    if let Some((min, global_lru)) = replayed {
        bounds.insert(1, bound("min", "Belady's MIN, all VMs sharing the host", min, None));
        bounds.push(bound("global-lru", "one LRU list for all VMs", global_lru, None));
    }
    bounds
}

/// The demand faults of MIN and of global LRU.
fn replayed(scenario: &Scenario) -> Option<(u64, u64)> {
    let pages = merged::pages(scenario);
    PageId::try_from(pages).ok().filter(|&pages| pages < PageId::MAX)?;
    let frames = scenario.host.memory.0;
    let (mut min, mut global_lru) = (Min::new(pages, frames), GlobalLru::new(pages, frames));
    merged::replay(scenario, &mut min, &mut global_lru);
    Some((min.faults(), global_lru.faults()))
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
