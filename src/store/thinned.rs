//! A run's series, thinned out to the resolution of a chart.
//!
//! Consecutive checkpoints are summed in buckets of equal width. The width starts at one checkpoint
//! and doubles whenever there would be too many buckets, so that the length of a run need not be
//! known beforehand. All sums are integers.

use crate::scenario::Scenario;
use crate::watch::{Checkpoint, Watcher};

/// The sums of a VM's intervals in a bucket.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Sum {
    /// The frames of its allocation in each interval.
    pub frames: u64,
    /// Its accesses.
    pub accesses: u64,
    /// Its demand faults.
    pub demand_faults: u64,
}

impl Sum {
    /// Saturates, because a file that is read back may contain anything.
    fn add(&mut self, other: Self) {
        self.frames = self.frames.saturating_add(other.frames);
        self.accesses = self.accesses.saturating_add(other.accesses);
        self.demand_faults = self.demand_faults.saturating_add(other.demand_faults);
    }
}

/// Consecutive checkpoints.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Bucket {
    /// The tick of its last checkpoint.
    pub until: u64,
    /// How many there are.
    pub checkpoints: u64,
    /// The sums of each VM.
    pub vms: Vec<Sum>,
}

impl Bucket {
    fn add(&mut self, other: &Self) {
        self.until = other.until;
        self.checkpoints += other.checkpoints;
        for (sum, other) in self.vms.iter_mut().zip(&other.vms) {
            sum.add(*other);
        }
    }
}

/// A series in buckets.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Thinned {
    vms: usize,
    width: u64,
    most: usize,
    buckets: Vec<Bucket>,
}

impl Thinned {
    /// An empty series of `vms` VMs.
    pub fn new(vms: usize) -> Self {
        // Even, so that pairs of buckets can be joined; fewer for many VMs.
        let most = (6144 / vms.max(1)).clamp(48, 240) / 2 * 2;
        Self { vms, width: 1, most, buckets: Vec::new() }
    }

    /// Adds what a VM held and did in the interval that the checkpoint at `tick` closed. Ticks
    /// never decrease.
    pub fn add(&mut self, tick: u64, vm: usize, sum: Sum) {
        if self.buckets.last().is_none_or(|last| last.until != tick) {
            self.begin(tick);
        }
        let bucket = self.buckets.last_mut().expect("a checkpoint has begun");
        bucket.vms[vm].add(sum);
    }

    fn begin(&mut self, tick: u64) {
        if let Some(last) = self.buckets.last_mut().filter(|last| last.checkpoints < self.width) {
            last.until = tick;
            last.checkpoints += 1;
            return;
        }
        if self.buckets.len() == self.most {
            self.widen();
        }
        let vms = vec![Sum::default(); self.vms];
        self.buckets.push(Bucket { until: tick, checkpoints: 1, vms });
    }

    /// Joins each pair of neighbours.
    fn widen(&mut self) {
        let join = |pair: &[Bucket]| {
            let mut joined = pair[0].clone();
            pair.iter().skip(1).for_each(|other| joined.add(other));
            joined
        };
        self.buckets = self.buckets.chunks(2).map(join).collect();
        self.width *= 2;
    }

    /// The buckets, each of [`width`](Self::width) checkpoints, except that the last may have
    /// fewer.
    pub fn buckets(&self) -> &[Bucket] {
        &self.buckets
    }

    /// Checkpoints in a bucket.
    pub fn width(&self) -> u64 {
        self.width
    }

    /// The same series with buckets of `width`, which must be the current width times a power of
    /// two.
    pub fn at_width(mut self, width: u64) -> Self {
        while self.width < width {
            self.widen();
        }
        self
    }
}

impl Watcher for Thinned {
    fn checkpoint(&mut self, checkpoint: &Checkpoint<'_>) {
        for vm in &checkpoint.view.vms {
            let interval = vm.interval;
            let sum = Sum {
                frames: vm.allocation.0,
                accesses: interval.accesses,
                demand_faults: interval.demand_faults,
            };
            self.add(checkpoint.view.at.0, vm.id.index(), sum);
        }
    }
}

impl From<&Scenario> for Thinned {
    fn from(scenario: &Scenario) -> Self {
        Self::new(scenario.vms.len())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn series(checkpoints: u64) -> Thinned {
        let mut thinned = Thinned::new(2);
        for at in 1..=checkpoints {
            for vm in 0..2 {
                thinned.add(10 * at, vm, Sum { frames: at, accesses: 3, demand_faults: vm as u64 });
            }
        }
        thinned
    }

    #[test]
    fn sums_and_lengths_survive_any_number_of_checkpoints() {
        for checkpoints in [1, 2, 239, 240, 241, 480, 481, 5000, 100_000] {
            let thinned = series(checkpoints);
            let buckets = thinned.buckets();
            assert!(buckets.len() <= 240, "{} of {checkpoints}", buckets.len());
            assert!(checkpoints < 240 || buckets.len() >= 120);
            assert_eq!(buckets.iter().map(|bucket| bucket.checkpoints).sum::<u64>(), checkpoints);
            assert_eq!(buckets.last().unwrap().until, 10 * checkpoints);
            let (last, full) = buckets.split_last().unwrap();
            assert!(full.iter().all(|bucket| bucket.checkpoints == thinned.width()));
            assert!(last.checkpoints <= thinned.width());
            let frames: u64 = buckets.iter().map(|bucket| bucket.vms[0].frames).sum();
            assert_eq!(frames, checkpoints * (checkpoints + 1) / 2);
            let faults: u64 = buckets.iter().map(|bucket| bucket.vms[1].demand_faults).sum();
            assert_eq!(faults, checkpoints);
        }
    }

    #[test]
    fn widening_later_is_widening_at_once() {
        let (short, long) = (series(200), series(500));
        assert_eq!((short.width(), long.width()), (1, 4));
        let wide = short.at_width(4);
        assert_eq!(wide.buckets(), &long.buckets()[..50]);
    }
}
