//! Miss-ratio curves: the exact LRU demand faults of a trace at every number of frames.

use super::store::Trace;

/// The LRU demand faults of the first `accesses` accesses of `trace`, which starts again where it
/// ends, for every allocation from 0 frames to the number of distinct pages; with more frames
/// nothing changes.
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
    let pages = trace.distinct_pages();
    // By distance, cold ones last.
    let mut histogram = vec![0_u64; pages + 2];
    let mut add = |distances: &[u32], times: u64| {
        for &distance in distances {
            histogram[(distance as usize).min(pages + 1)] += times;
        }
    };
    let (passes, rest) = (accesses / trace.accesses(), accesses % trace.accesses());
    let rest = trace.runs_before(rest);
    if passes == 0 {
        add(&trace.distances()[..rest], 1);
    } else {
        add(trace.distances(), 1);
        if accesses > trace.accesses() {
            let repeated = trace.repeat_distances();
            add(repeated, passes - 1);
            add(&repeated[..rest], 1);
        }
    }
    let mut faults = vec![0; pages + 1];
    let mut deeper = 0;
    for frames in (0..=pages).rev() {
        deeper += histogram[frames + 1];
        faults[frames] = deeper;
    }
    faults[0] = accesses;
    faults
}
