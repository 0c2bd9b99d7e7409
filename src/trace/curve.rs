//! Miss-ratio curves: the exact LRU demand faults of a trace at every number of frames.

use super::shared::Trace;

/// The LRU demand faults of the first `accesses` accesses of `trace`, repeated as often as needed,
/// for every allocation from 0 frames to the number of distinct pages; more frames change nothing.
///
/// With 0 frames every access is a fault. The curve is the tail sum of the histogram of stack
/// distances (R. L. Mattson et al., IBM Systems Journal 9(2), 1970).
///
/// ```
/// use balloonist::trace::{Trace, curve::lru_faults};
/// let trace = Trace::from_pages([1, 2, 3, 1, 2, 3]);
/// assert_eq!(lru_faults(&trace, 6), [6, 6, 6, 3]);
/// ```
pub fn lru_faults(trace: &Trace, accesses: u64) -> Vec<u64> {
    lru_faults_between(trace, 0, accesses)
}

/// The same for the accesses `from..to`, numbered over all passes, after those before have been
/// replayed.
///
/// ```
/// use balloonist::trace::{Trace, curve::lru_faults_between};
/// let trace = Trace::from_pages([1, 2, 3, 1, 2, 3]);
/// assert_eq!(lru_faults_between(&trace, 3, 6), [3, 3, 3, 0]);
/// ```
pub fn lru_faults_between(trace: &Trace, from: u64, to: u64) -> Vec<u64> {
    let pages = trace.distinct_pages();
    // By distance, cold accesses last.
    let mut histogram = vec![0_u64; pages + 2];
    add(&mut histogram, trace, to, 1);
    if from > 0 {
        add(&mut histogram, trace, from, 1_u64.wrapping_neg());
    }
    let mut faults = vec![0; pages + 1];
    let mut deeper = 0;
    for frames in (0..=pages).rev() {
        deeper += histogram[frames + 1];
        faults[frames] = deeper;
    }
    faults[0] = to - from;
    faults
}

/// Adds `weight` to the entry of the distance of each of the first `accesses` accesses.
fn add(histogram: &mut [u64], trace: &Trace, accesses: u64, weight: u64) {
    let pages = trace.distinct_pages();
    let mut add = |distances: &[u32], times: u64| {
        let times = times.wrapping_mul(weight);
        for &distance in distances {
            let entry = &mut histogram[(distance as usize).min(pages + 1)];
            *entry = entry.wrapping_add(times);
        }
    };
    let (passes, rest) = (accesses / trace.accesses(), accesses % trace.accesses());
    let rest = trace.runs_before(rest);
    if passes == 0 {
        add(&trace.positions(true)[..rest], 1);
    } else {
        add(trace.positions(true), 1);
        if accesses > trace.accesses() {
            let repeated = trace.positions(false);
            add(repeated, passes - 1);
            add(&repeated[..rest], 1);
        }
    }
}
