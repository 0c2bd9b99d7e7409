//! How a trace was [reduced](super::reduce), and what that changes.

/// How a trace was reduced.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Reduction {
    /// K: with so many frames or more LRU faults as on the whole trace.
    pub frames: u64,
    /// The accesses of a block in which each page's first reference was kept, if any were.
    pub resolution: Option<u64>,
}

/// What a part of a run comes to on a reduced trace.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum OnReduced {
    /// The same as on the whole trace.
    Exact,
    /// The same from K frames on.
    FromK,
    /// The same while no allocation shrinks.
    UnlessShrunk,
    /// The same over whole blocks of the resolution.
    Blocks,
    /// Something else.
    Inexact,
}

impl OnReduced {
    /// What is to be told of it; nothing where it is exact.
    pub(crate) fn told(self, reduction: Reduction) -> Option<String> {
        let frames = reduction.frames;
        match (self, reduction.resolution) {
            (Self::Exact, _) => None,
            (Self::FromK, _) => Some(format!("exact from {frames} frames on")),
            (Self::UnlessShrunk, _) => Some("exact while no allocation shrinks".to_owned()),
            (Self::Blocks, Some(block)) => {
                Some(format!("exact over whole blocks of {block} accesses, else not"))
            }
            (Self::Blocks | Self::Inexact, _) => Some("not exact".to_owned()),
        }
    }
}
