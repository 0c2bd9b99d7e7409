//! Belady's anomaly: a replacement algorithm that faults more with more frames.
//!
//! L. A. Belady, R. A. Nelson and G. S. Shedler, "An anomaly in space-time characteristics of
//! certain programs running in a paging machine", CACM 12(6), 1969. Stack algorithms such as LRU
//! and MIN never show it: R. L. Mattson et al., IBM Systems Journal 9(2), 1970.

use crate::number::{counted, grouped};
use crate::units::Frames;

/// The sentence on the first anomaly among points of a curve of `name`: more faults than with the
/// next fewer frames. `None` if there is none.
///
/// ```
/// use balloonist::conclude::anomaly::anomaly;
/// use balloonist::units::Frames;
/// assert_eq!(
///     anomaly("fifo", &[(Frames(4), 10), (Frames(3), 9)]).as_deref(),
///     Some("fifo has 10 faults with 4 frames and 9 with 3: Belady's anomaly.")
/// );
/// assert_eq!(anomaly("lru", &[(Frames(3), 10), (Frames(4), 8)]), None);
/// ```
pub fn anomaly(name: &str, points: &[(Frames, u64)]) -> Option<String> {
    let mut points = points.to_vec();
    points.sort_unstable();
    let rise = points.windows(2).find(|pair| pair[1].1 > pair[0].1)?;
    let [(few, fewer_faults), (many, more_faults)] = [rise[0], rise[1]];
    Some(format!(
        "{name} has {} with {} and {} with {}: Belady's anomaly.",
        counted(more_faults, "fault"),
        counted(many.0, "frame"),
        grouped(fewer_faults),
        grouped(few.0),
    ))
}
