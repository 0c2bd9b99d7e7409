//! A page access: its page, by dense number, and its kind.

/// A page of one trace, numbered from 0 in the order in which the trace first uses its pages.
pub type PageId = u32;

/// The kind of an access.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum AccessKind {
    /// An instruction fetch.
    Fetch,
    /// A read.
    Load,
    /// A write.
    Store,
    /// A read and then a write of the same address.
    Modify,
}

impl AccessKind {
    /// Every kind, in the order of the two-bit codes.
    pub const ALL: [Self; 4] = [Self::Fetch, Self::Load, Self::Store, Self::Modify];

    /// Its letter in trace files: `I`, `L`, `S` or `M`.
    pub fn letter(self) -> char {
        ['I', 'L', 'S', 'M'][self as usize]
    }

    /// Whether the access leaves its page dirty.
    pub fn writes(self) -> bool {
        matches!(self, Self::Store | Self::Modify)
    }
}

/// Consecutive accesses to one page, or the part of them inside a stretch.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Run {
    /// The page.
    pub page: PageId,
    /// How many accesses; at least 1.
    pub accesses: u64,
}
