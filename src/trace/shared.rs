//! A trace and what has been computed about it, shared by every run that replays it.

use std::ops::{Deref, Range};
use std::sync::OnceLock;

use super::columns::Columns;
use super::content_hash::ContentHash;
use super::distances;
use super::index::{Index, StackDistances};

/// The page accesses of one VM. It dereferences to its [`Columns`]; stack distances, their index
/// and the content hash are computed on first use and kept.
#[derive(Clone, Debug)]
pub struct Trace {
    columns: Columns,
    distances: OnceLock<Vec<u32>>,
    repeat_distances: OnceLock<Vec<u32>>,
    /// The indexes over the distances of the first pass and of later passes.
    indexes: [OnceLock<Index>; 2],
    content_hash: OnceLock<ContentHash>,
}

impl From<Columns> for Trace {
    fn from(columns: Columns) -> Self {
        Self {
            columns,
            distances: OnceLock::new(),
            repeat_distances: OnceLock::new(),
            indexes: Default::default(),
            content_hash: OnceLock::new(),
        }
    }
}

impl Deref for Trace {
    type Target = Columns;

    fn deref(&self) -> &Columns {
        &self.columns
    }
}

/// Traces are equal if their accesses are; computed data is not compared.
impl PartialEq for Trace {
    fn eq(&self, other: &Self) -> bool {
        self.columns == other.columns
    }
}

impl Eq for Trace {}

impl Trace {
    /// The LRU stack distance of each run: see [`distances`](distances::distances()). Computed on
    /// first use.
    pub fn distances(&self) -> &[u32] {
        self.distances.get_or_init(|| distances::distances(self))
    }

    /// Whether the distances are already computed.
    pub(super) fn has_distances(&self) -> bool {
        self.distances.get().is_some()
    }

    /// Sets distances that were computed before.
    pub(super) fn put_distances(&self, distances: Vec<u32>) {
        assert_eq!(distances.len(), self.pages.len(), "every run has a distance");
        // If another thread was faster, it set the same ones.
        drop(self.distances.set(distances));
    }

    /// The same for later passes over the trace: see
    /// [`repeat_distances`](distances::repeat_distances).
    pub fn repeat_distances(&self) -> &[u32] {
        self.repeat_distances.get_or_init(|| distances::repeat_distances(self, self.distances()))
    }

    /// The distances of these runs, in the first pass over the trace or a later one.
    pub fn distances_of(&self, first_pass: bool, runs: Range<usize>) -> StackDistances<'_> {
        let all = if first_pass { self.distances() } else { self.repeat_distances() };
        let index = self.indexes[0].get().map(|first| {
            let again = || first.like(all, self.distinct_pages());
            if first_pass { first } else { self.indexes[1].get_or_init(again) }
        });
        StackDistances::new(all, index, runs)
    }

    /// Builds an index over the distances if there is none yet. It changes no result; it pays off
    /// if the trace is replayed [`RUNS_MIN`](super::index::RUNS_MIN) times or more.
    pub fn index(&self) {
        self.indexes[0].get_or_init(|| Index::new(self.distances(), self.distinct_pages()));
    }

    /// The same with a row every `runs` runs, for tests of small traces.
    pub fn index_every(&self, runs: usize) {
        let index = || Index::with_rows(self.distances(), self.distinct_pages(), runs);
        self.indexes[0].get_or_init(index);
    }

    /// The hash of its accesses: see [`ContentHash`].
    pub fn content_hash(&self) -> ContentHash {
        *self.content_hash.get_or_init(|| ContentHash::of(self))
    }
}
