//! curves.csv: the exact LRU curve of each VM, whatever its replacement algorithm, reduced to a few
//! hundred points.

use crate::account::Outcome;
use crate::number::Millionths;
use crate::scenario::Scenario;
use crate::store::row::row;
use crate::trace::curve::lru_faults_between;

row! {
    /// A row of curves.csv: a point of a VM's curve. Between its points a curve is level or nearly
    /// straight.
    pub struct CurveRow {
        vm: String,
        frames: u64,
        demand_faults: u64,
        miss_ratio: Millionths,
    }
}

/// The most points of a VM's curve.
const POINTS: usize = 512;

/// The rows of each VM in file order, from 0 frames (or the fewest for which its trace is reduced)
/// to those of the host: the demand faults of LRU over the accesses that the VM made in `outcome`
/// and that count.
pub fn rows(scenario: &Scenario, outcome: &Outcome) -> Vec<CurveRow> {
    let mut rows = Vec::new();
    for (vm, account) in scenario.vms.iter().zip(&outcome.vms) {
        let accesses = account.counts.accesses;
        let warm = account.warm_up_accesses;
        let faults = lru_faults_between(&vm.trace, warm, warm + accesses);
        let least = vm.trace.reduction().map_or(0, |reduction| reduction.frames);
        let frames = least..=scenario.host.memory.0.min(faults.len() as u64 - 1);
        let points: Vec<(u64, u64)> =
            frames.map(|frames| (frames, faults[frames as usize])).collect();
        rows.extend(thinned(&points, POINTS).into_iter().map(|(frames, faults)| CurveRow {
            vm: vm.name.clone(),
            frames,
            demand_faults: faults,
            miss_ratio: Millionths::ratio_or_zero(u128::from(faults), u128::from(accesses)),
        }));
    }
    rows
}

/// A few points of a curve for a chart; apart from the ends, no two have the same height.
pub(crate) fn thinned(points: &[(u64, u64)], most: usize) -> Vec<(u64, u64)> {
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
