//! How a trace was [reduced](super::reduce), and which results that affects.

/// How a trace was reduced.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Reduction {
    /// K: with this many frames or more, LRU's faults are those of the whole trace.
    pub frames: u64,
    /// The block length in accesses: each page's first reference in every block was kept.
    pub resolution: Option<u64>,
}

/// Whether a part of a simulation gives exact results on a reduced trace.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum OnReduced {
    /// The same as on the whole trace.
    Exact,
    /// The same with K frames or more.
    FromK,
    /// The same while no allocation shrinks.
    UnlessShrunk,
    /// The same over whole blocks of the resolution.
    Blocks,
    /// Something else.
    Inexact,
}

impl OnReduced {
    /// The note to show to users; `None` if it is exact.
    pub(crate) fn told(self, reduction: Reduction) -> Option<String> {
        let frames = reduction.frames;
        match (self, reduction.resolution) {
            (Self::Exact, _) => None,
            (Self::FromK, _) => Some(format!("exact from {frames} frames on")),
            (Self::UnlessShrunk, _) => Some("exact while no allocation shrinks".to_owned()),
            (Self::Blocks, Some(block)) => {
                Some(format!("exact only over whole blocks of {block} accesses"))
            }
            (Self::Blocks | Self::Inexact, _) => Some("not exact".to_owned()),
        }
    }
}
