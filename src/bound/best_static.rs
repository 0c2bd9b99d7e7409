//! The best static partition: the fixed division of the host among LRU VMs with the fewest faults.
//!
//! *Idea.* best(j, t), the fewest faults of the first j VMs on t frames, is the minimum over x of
//! best(j − 1, t − x) + faults(j, x): a dynamic program over the VMs' exact fault curves, correct
//! for curves of any shape.
//! *Follows.* H. S. Stone, J. Turek and J. L. Wolf, "Optimal partitioning of cache memory", IEEE
//! Transactions on Computers 41(9), 1992, for the problem.
//! *Departs.* The VMs' minima and maxima are respected. A VM holds its share for the whole run,
//! even while it is absent.
//! *Cost.* At most O(V · F · M) for V VMs, F frames and M distinct pages of a VM. Beyond 2³² steps
//! or 2²⁸ stored sums, frames are assigned both in groups (exactly) and one by one (by the steepest
//! slopes); the better result is taken and marked as inexact. `partition.rs` has the searches.
//! *Parameters.* None.

use super::pace::Pace;
use crate::partition::{self, Offer};
use crate::scenario::Scenario;
use crate::trace::curve;
use crate::units::Frames;

/// A fixed partition and its faults.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct StaticSplit {
    /// The demand faults of all VMs.
    pub demand_faults: u64,
    /// The frames of each VM, as far as it can use them; the rest may go to any VM.
    pub frames: Vec<Frames>,
    /// The size of the groups in which frames were assigned. 1 means that the partition is optimal.
    pub group: u64,
}

impl StaticSplit {
    /// The partition in words, shortened if there are many VMs.
    pub fn note(&self, scenario: &Scenario) -> String {
        const SHOWN: usize = 8;
        let part =
            |(vm, frames): (&crate::scenario::VmSpec, &Frames)| format!("{} {frames}", vm.name);
        let mut parts: Vec<String> =
            scenario.vms.iter().zip(&self.frames).take(SHOWN).map(part).collect();
        if self.frames.len() > SHOWN {
            parts.push(format!("and {} more", self.frames.len() - SHOWN));
        }
        let coarse = if self.group > 1 {
            format!("; approximate: computed in groups of {} frames", self.group)
        } else {
            String::new()
        };
        parts.join(", ") + &coarse
    }
}

/// The most steps that the dynamic program may take.
const STEPS_MAX: u128 = 1 << 32;

/// The most sums that it may keep, of 4 or 8 bytes each.
const CELLS_MAX: u128 = 1 << 28;

/// The best static partition of the scenario's host, if the minima of the VMs that start fit into
/// it together.
pub fn best_static(scenario: &Scenario) -> Option<StaticSplit> {
    of(scenario, &Pace::of_all(scenario))
}

pub(super) fn of(scenario: &Scenario, paces: &[Pace]) -> Option<StaticSplit> {
    let vms: Vec<Part> = scenario
        .vms
        .iter()
        .zip(paces)
        .map(|(vm, pace)| {
            if !pace.starts {
                return Part { min: 0, useful: 0, faults: vec![0] };
            }
            let mut faults = curve::lru_faults_between(&vm.trace, pace.warm_up, pace.accesses);
            // It cannot have more frames than its maximum, or use more than it has pages.
            faults.truncate(usize::try_from(vm.max.0).map_or(faults.len(), |max| max + 1));
            // It holds its minimum even if that is more than its pages.
            let min = vm.min.0;
            let useful = (faults.len() as u64 - 1).max(min);
            Part { min, useful, faults }
        })
        .collect();
    let min: u64 = vms.iter().map(|vm| vm.min).sum();
    let wanted: u64 = vms.iter().map(|vm| vm.useful - vm.min).sum();
    let spare = scenario.host.memory.0.checked_sub(min)?.min(wanted);
    Some(split(&vms, spare))
}

/// Assigns `spare` frames above the minima.
fn split(vms: &[Part], spare: u64) -> StaticSplit {
    let group = smallest_group(vms, spare);
    let best = deal(vms, spare, group, partition::exact);
    if group == 1 {
        return best;
    }
    // A group may exceed a VM's whole share; assigning single frames by slope is then often better.
    let single = StaticSplit { group, ..deal(vms, spare, 1, partition::lookahead) };
    if single.demand_faults < best.demand_faults { single } else { best }
}

struct Part {
    /// Its minimum.
    min: u64,
    /// The most frames that it can use; at least `min`.
    useful: u64,
    /// Demand faults by frames.
    faults: Vec<u64>,
}

impl Part {
    fn offers(&self, group: u64) -> Vec<Offer> {
        partition::offers(&self.faults, self.min, self.useful, group)
    }
}

/// The smallest group size with which the dynamic program stays within its limits.
fn smallest_group(vms: &[Part], spare: u64) -> u64 {
    let mut group = 1;
    while steps(vms, spare, group) > STEPS_MAX || cells(vms, spare, group) > CELLS_MAX {
        group *= 2;
    }
    group
}

/// The sums that the dynamic program keeps: for each VM but the last, one for each number of groups
/// that it and the VMs before it can take.
fn cells(vms: &[Part], spare: u64, group: u64) -> u128 {
    let mut reach = 0;
    let but_last = &vms[..vms.len().saturating_sub(1)];
    let of_vm = |vm: &Part| {
        reach = spare.min(reach + (vm.useful - vm.min));
        u128::from(reach / group + 1)
    };
    but_last.iter().map(of_vm).sum()
}

/// The steps of the dynamic program: the first and the last VM need no search.
fn steps(vms: &[Part], spare: u64, group: u64) -> u128 {
    let totals = u128::from(spare / group + 1);
    let between = vms.get(1..vms.len() - 1).unwrap_or_default();
    between.iter().map(|vm| totals * vm.offers(group).len() as u128).sum()
}

/// Assigns `spare` frames above the minima in groups, as `search` decides.
fn deal(
    vms: &[Part],
    spare: u64,
    group: u64,
    search: fn(&[Vec<Offer>], u32) -> Vec<u32>,
) -> StaticSplit {
    let offers: Vec<Vec<Offer>> = vms.iter().map(|vm| vm.offers(group)).collect();
    let taken = search(&offers, u32::try_from(spare / group).unwrap_or(u32::MAX));
    let frames = vms.iter().zip(&taken).map(|(vm, &taken)| vm.min + u64::from(taken) * group);
    StaticSplit {
        demand_faults: partition::cost(&offers, &taken),
        frames: frames.map(Frames).collect(),
        group,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// n VMs that want one frame each need n²/2 sums, which passes 2²⁸ between these numbers of
    /// VMs, long before 2³² steps.
    #[test]
    fn many_small_vms_are_dealt_groups_for_their_memory() {
        let vms = |count: usize| -> Vec<Part> {
            (0..count).map(|_| Part { min: 0, useful: 1, faults: vec![5, 1] }).collect()
        };
        for (count, group) in [(2, 1), (23_000, 1), (23_300, 2)] {
            assert_eq!(smallest_group(&vms(count), count as u64), group, "{count} VMs");
        }
        assert!(steps(&vms(23_300), 23_300, 1) < STEPS_MAX);
    }

    /// One frame saves eight faults and the next none; assigned in groups, half of the VMs get
    /// none.
    #[test]
    fn where_groups_are_coarse_frames_go_one_by_one_too() {
        let vms: Vec<Part> =
            (0..23_400).map(|_| Part { min: 0, useful: 4, faults: vec![9, 1, 1, 1, 0] }).collect();
        let best = split(&vms, 23_400);
        assert!(best.group > 1);
        assert_eq!(best.demand_faults, 23_400);
        assert!(best.frames.iter().all(|&frames| frames == Frames(1)));
    }
}
