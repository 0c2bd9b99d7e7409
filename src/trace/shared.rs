//! A trace and what has been computed about it, shared by every run that replays it.

use std::ops::{Deref, Range};
use std::sync::OnceLock;

use super::columns::Columns;
use super::content_hash::ContentHash;
use super::distances;
use super::holes;
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
    /// The same where the guest frees pages, in the first pass and in later ones.
    holed: [OnceLock<Holed>; 2],
    content_hash: OnceLock<ContentHash>,
}

/// What is known of a pass over a trace with frees.
#[derive(Clone, Debug)]
struct Holed {
    pass: holes::Pass,
    /// Of the positions.
    index: OnceLock<Index>,
}

impl From<Columns> for Trace {
    fn from(columns: Columns) -> Self {
        Self {
            columns,
            distances: OnceLock::new(),
            repeat_distances: OnceLock::new(),
            indexes: Default::default(),
            holed: Default::default(),
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
        match self.holed(true) {
            Some(holed) => &holed.pass.distances,
            None => self.distances.get_or_init(|| distances::distances(self)),
        }
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
        if let Some(holed) = self.holed(false) {
            return &holed.pass.distances;
        }
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

    /// A pass over a trace with frees.
    fn holed(&self, first_pass: bool) -> Option<&Holed> {
        let frees = self.columns.frees.as_ref()?;
        let holed = || Holed {
            pass: holes::pass(&self.columns, frees, first_pass),
            index: OnceLock::new(),
        };
        Some(self.holed[usize::from(!first_pass)].get_or_init(holed))
    }

    /// The depth in the LRU stack of each page that is freed; nothing without frees.
    pub(crate) fn free_depths(&self, first_pass: bool) -> &[u32] {
        self.holed(first_pass).map_or(&[], |holed| &holed.pass.free_depths)
    }

    /// For each run, the fewest frames of a VM of a fixed size with which it hits;
    /// [`COLD`](distances::COLD) if it never does. Without frees these are the distances.
    pub fn positions(&self, first_pass: bool) -> &[u32] {
        match self.holed(first_pass) {
            Some(holed) => &holed.pass.positions,
            None if first_pass => self.distances(),
            None => self.repeat_distances(),
        }
    }

    /// The positions of these runs, in the first pass over the trace or a later one.
    pub fn positions_of(&self, first_pass: bool, runs: Range<usize>) -> StackDistances<'_> {
        let Some(holed) = self.holed(first_pass) else {
            return self.distances_of(first_pass, runs);
        };
        let all = &holed.pass.positions;
        let index = self.indexes[0]
            .get()
            .map(|first| holed.index.get_or_init(|| first.like(all, self.distinct_pages())));
        StackDistances::new(all, index, runs)
    }

    /// Builds an index over the distances if there is none yet. It changes no result; it pays off
    /// if the trace is replayed [`REPLAYS_MIN`](super::index::REPLAYS_MIN) times or more.
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
