//! Bounds: offline results to compare policies with.
//!
//! They replay the VMs' accesses at their nominal pace, that is, without delays by faults, with the
//! scenario's idle phases and admission, on a host that moves frames at once. None is a policy:
//! each knows the future, or picks from the pages of all VMs.

mod best_static;
mod cold;
mod global;
mod global_lru;
mod merged;
mod min;
mod opt_given;
mod opt_lru;
mod pace;

pub use best_static::{StaticSplit, best_static};
pub use global::Global;
pub use opt_given::{History, opt_given};
pub use opt_lru::opt_lru;

use std::borrow::Cow;

use self::global_lru::GlobalLru;
use self::min::Min;
use self::pace::Pace;
use crate::scenario::{Scenario, VmSpec};
use crate::trace::PageId;

/// A bound and its value.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Bound {
    /// Its name in results.
    pub name: Cow<'static, str>,
    /// What it is, in a few words.
    pub summary: &'static str,
    /// Its demand faults, all VMs together.
    pub demand_faults: u64,
    /// Its demand faults that are not cold.
    pub capacity_faults: u64,
    /// A remark, such as the partition or that the value is approximate.
    pub note: Option<String>,
}

impl Bound {
    /// The bound of [`opt_lru`](opt_lru()), given the bounds that [`all`] has computed.
    pub fn opt_lru(demand_faults: u64, others: &[Self]) -> Self {
        let summary = "the best way to move frames between LRU VMs";
        Self::beside(others, Cow::Borrowed("opt-lru"), summary, demand_faults)
    }

    /// The bound of [`Global`] for an algorithm, given the bounds that [`all`] has computed.
    pub fn global(algorithm: &str, demand_faults: u64, others: &[Self]) -> Self {
        let name = Cow::Owned(format!("global-{algorithm}"));
        let summary = "one replacement algorithm over all VMs' pages";
        Self::beside(others, name, summary, demand_faults)
    }

    /// A bound that was asked for, with as many cold faults as the others have.
    fn beside(
        others: &[Self],
        name: Cow<'static, str>,
        summary: &'static str,
        demand_faults: u64,
    ) -> Self {
        let cold = others.iter().find(|bound| bound.name == "cold");
        let capacity_faults = demand_faults - cold.map_or(0, |cold| cold.demand_faults);
        Self { name, summary, demand_faults, capacity_faults, note: None }
    }
}

/// All bounds of a scenario, lowest first. Bounds that replay all VMs together are left out if the
/// VMs have 2³² pages or more in total, or if one has a reduced trace. The best static partition is
/// left out if the minima of the VMs that start do not fit together.
///
/// ```
/// use balloonist::bound;
/// use balloonist::scenario::Document;
/// let text = "host.memory = 4\ncheckpoint.every = 3\n\
///             [[vm]]\nname = 'web'\ntrace.pages = [1, 2, 3, 1, 2, 3]\n\
///             [[vm]]\nname = 'idle'\ntrace.pages = [7, 7, 7, 7, 7, 7]\n";
/// let scenario = Document::from_toml("mine.toml", text.as_bytes()).check().unwrap().scenario;
/// let bounds = bound::all(&scenario);
/// let names: Vec<&str> = bounds.iter().map(|bound| &*bound.name).collect();
/// assert_eq!(names, ["cold", "min", "best-static", "global-lru"]);
/// // Three frames and one are enough.
/// assert!(bounds.iter().all(|bound| bound.demand_faults == 4));
/// assert_eq!(bounds[2].note.as_deref(), Some("web 3, idle 1"));
/// ```
pub fn all(scenario: &Scenario) -> Vec<Bound> {
    let paces = Pace::of_all(scenario);
    let cold = cold::faults(scenario, &paces);
    let (partition, replayed) =
        rayon::join(|| best_static::of(scenario, &paces), || replayed(scenario, &paces));
    let bound = |name, summary, demand_faults: u64, note| Bound {
        name: Cow::Borrowed(name),
        summary,
        demand_faults,
        capacity_faults: demand_faults - cold,
        note,
    };
    let absent = paces.iter().filter(|pace| !pace.starts).count();
    let absent = (absent > 0).then(|| format!("without VMs that never start: {absent}"));
    let mut bounds = vec![bound("cold", "every page is loaded once", cold, absent)];
    if let Some((min, _)) = replayed {
        // It minimises the faults of the whole run, so some in the warm-up may be saved at a cost
        // later.
        let note = scenario.warm_up.map(|_| "fewest in the whole run, warm-up included".to_owned());
        bounds.push(bound("min", "Belady's MIN, all VMs sharing the host", min, note));
    }
    if let Some(partition) = partition {
        let (summary, note) = ("LRU under the best fixed partition", partition.note(scenario));
        bounds.push(bound("best-static", summary, partition.demand_faults, Some(note)));
    }
    if let Some((_, global_lru)) = replayed {
        bounds.push(bound("global-lru", "one LRU list for all VMs", global_lru, None));
    }
    bounds
}

/// The first VM with a reduced trace: it may get fewer frames here than its trace is reduced for.
fn reduced(scenario: &Scenario) -> Option<&VmSpec> {
    scenario.vms.iter().find(|vm| vm.trace.reduction().is_some())
}

/// The demand faults of MIN and of global LRU.
fn replayed(scenario: &Scenario, paces: &[Pace]) -> Option<(u64, u64)> {
    if reduced(scenario).is_some() {
        return None;
    }
    let pages = merged::pages(scenario);
    PageId::try_from(pages).ok().filter(|&pages| pages < PageId::MAX)?;
    let frames = scenario.host.memory.0;
    let (mut min, mut global_lru) = (Min::new(pages, frames), GlobalLru::new(pages, frames));
    merged::replay(scenario, paces, &mut min, &mut global_lru);
    Some((min.faults(), global_lru.faults()))
}

#[cfg(test)]
mod tests {
    use crate::scenario::{BOUNDS, Document};

    #[test]
    fn a_limit_can_be_a_share_of_every_bound() {
        let text = "host.memory = 4\ncheckpoint.every = 3\n\
                    [[vm]]\nname = 'web'\ntrace.pages = [1, 2, 3, 1]\n";
        let scenario = Document::from_toml("mine.toml", text.as_bytes()).check().unwrap().scenario;
        let bounds = super::all(&scenario);
        let names: Vec<&str> = bounds.iter().map(|bound| &*bound.name).collect();
        assert_eq!(names, BOUNDS);
    }
}
