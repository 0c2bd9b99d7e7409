//! curves.csv: the exact LRU curve of each VM, whatever it runs itself, thinned out to a few
//! hundred points.

use crate::account::Outcome;
use crate::number::Millionths;
use crate::scenario::Scenario;
use crate::table::Table;
use crate::trace::curve::lru_faults;

/// The columns, in their order.
pub const COLUMNS: &[&str] = &["vm", "frames", "demand_faults", "miss_ratio"];

/// The most points of a VM's curve.
const POINTS: usize = 512;

/// A row for each VM and number of frames, from 0 to those of the host: the demand faults of LRU
/// over the accesses that the VM made in `outcome`. A curve is level, or nearly straight, between
/// the points.
pub fn table(scenario: &Scenario, outcome: &Outcome) -> Table {
    let mut table = Table::new(COLUMNS);
    for (vm, account) in scenario.vms.iter().zip(&outcome.vms) {
        let accesses = account.counts.accesses;
        let faults = lru_faults(&vm.trace, accesses);
        let frames = 0..=scenario.host.memory.0.min(faults.len() as u64 - 1);
        let points: Vec<(u64, u64)> =
            frames.map(|frames| (frames, faults[frames as usize])).collect();
        for (frames, faults) in thinned(&points, POINTS) {
            let ratio = Millionths::ratio_or_zero(u128::from(faults), u128::from(accesses));
            table.push(vec![vm.name.as_str().into(), frames.into(), faults.into(), ratio.into()]);
        }
    }
    table
}

/// As many points of a curve as a picture shows: no two at the same height but the ends, and few.
pub fn thinned(points: &[(u64, u64)], most: usize) -> Vec<(u64, u64)> {
    let last = points.len().saturating_sub(1);
    let bends = |&(at, point): &(usize, &(u64, u64))| {
        at == 0 || at == last || points[at - 1].1 != point.1 || points[at + 1].1 != point.1
    };
    let kept: Vec<_> = points.iter().enumerate().filter(bends).map(|(_, &point)| point).collect();
    if kept.len() <= most {
        return kept;
    }
    (0..most).map(|at| kept[at * (kept.len() - 1) / (most - 1)]).collect()
}
