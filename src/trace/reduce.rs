//! Trace reduction: drops references that make no difference to LRU with K frames or more.
//!
//! *Idea.* Of three references to a page, the middle one is dropped if fewer than K other pages are
//! used between the outer two: with K frames the page stays resident over all three anyway.
//! *Follows.* S. F. Kaplan, Y. Smaragdakis and P. R. Wilson, "Flexible reference trace reduction
//! for VM simulations", ACM Transactions on Modeling and Computer Simulation 13(1), 2003: safely
//! allowed drop. `replace/lru.rs` has the proof that faults stay where they are.
//! *Departs.* A dropped reference becomes a repeat of the page before it, so that positions, ticks
//! and times stay the same. If the trace has kinds, a write is dropped only after a kept write to
//! the same page, so that dirty pages stay dirty; a read replaces it. With a resolution, each
//! page's first reference in every block of that many accesses is kept too. A page that is freed
//! and used again is another page: its last reference before a free and its first one after it are
//! kept. So is the reference that follows any free, because the page before it may be gone.
//! *Cost.* O(log runs) per run; 4 bytes per run and 24 per page.
//! *Parameters.* K, at least 2; the resolution.

use super::access::AccessKind;
use super::builder::TraceBuilder;
use super::reduction::Reduction;
use super::shared::Trace;

/// `trace` without the references that `reduction` drops.
///
/// # Errors
/// The trace is already reduced, so its original distances are not known.
///
/// ```
/// use balloonist::trace::Trace;
/// use balloonist::trace::reduce::reduce;
/// use balloonist::trace::reduction::Reduction;
/// // With two frames the middle 1 is a hit, whatever happens.
/// let trace = Trace::from_pages([1, 2, 1, 2, 1, 3, 4]);
/// let reduced = reduce(&trace, Reduction { frames: 2, resolution: None }).unwrap();
/// let pages: Vec<u64> = (0..7).map(|at| reduced.numbers()[reduced.page(at) as usize].0).collect();
/// assert_eq!(pages, [1, 2, 2, 2, 1, 3, 4]);
/// ```
pub fn reduce(trace: &Trace, reduction: Reduction) -> Result<Trace, String> {
    if let Some(before) = trace.reduction() {
        return Err(format!(
            "the trace is already reduced for {} frames; reduce the original trace",
            before.frames
        ));
    }
    let dropped = dropped(trace, reduction);
    let mut builder = TraceBuilder::default();
    let (mut kept, mut at) = (None, 0);
    for (run, &is_dropped) in trace.runs(0, trace.accesses()).zip(&dropped) {
        let page = match kept {
            Some(before) if is_dropped => before,
            _ => trace.numbers()[run.page as usize],
        };
        builder.push_run(page, run.accesses);
        let last = at + run.accesses - 1;
        for at in at..at + run.accesses {
            if let Some(kind) = trace.kind(at) {
                let read = is_dropped && kind.writes();
                builder.extend_kinds(&[if read { AccessKind::Load } else { kind }]);
            }
        }
        at += run.accesses;
        kept = Some(page);
        for &freed in trace.freed_after(last) {
            builder.free(trace.numbers()[freed as usize]);
        }
    }
    let reduced = builder.columns().with_reduction(reduction);
    Ok(Trace::from(match trace.times() {
        Some(times) => reduced.with_times(times.clone()),
        None => reduced,
    }))
}

/// The state of a page during the pass over the trace.
#[derive(Clone, Copy, Default)]
struct Seen {
    /// Its last kept run before the latest.
    kept: Option<usize>,
    /// Its latest run, for which it is not yet known whether it can be dropped.
    latest: Option<usize>,
    /// Whether the latest run must stay, whatever follows.
    stays: bool,
    /// Whether its last kept run writes, and whether the latest does.
    writes: [bool; 2],
    /// The block of its last access.
    block: Option<u64>,
    /// It was freed since its latest run.
    was_freed: bool,
}

/// For each run, whether it can be dropped.
fn dropped(trace: &Trace, reduction: Reduction) -> Vec<bool> {
    let runs = trace.run_pages().len();
    let mut dropped = vec![false; runs];
    let mut seen = vec![Seen::default(); trace.distinct_pages()];
    let mut latest = Marks::new(runs);
    let (mut at, mut follows_free) = (0, false);
    for (index, run) in trace.runs(0, trace.accesses()).enumerate() {
        let (first, last) = (at, at + run.accesses - 1);
        at += run.accesses;
        let page = &mut seen[run.page as usize];
        if let Some(middle) = page.latest {
            latest.clear(middle);
            // All marks from the outer run on are those of other pages: its own is cleared.
            let goes = !page.stays
                && page.kept.is_some_and(|outer| {
                    latest.from(outer) < usize::try_from(reduction.frames).unwrap_or(usize::MAX)
                });
            if goes {
                dropped[middle] = true;
            } else {
                (page.kept, page.writes[0]) = (Some(middle), page.writes[1]);
            }
        }
        latest.set(index);
        let block = |at: u64| reduction.resolution.map(|accesses| at / accesses);
        let is_first = page.block != block(first) || block(first) != block(last);
        let writes = (first..=last).any(|at| trace.kind(at).is_some_and(AccessKind::writes));
        page.stays = reduction.resolution.is_some() && is_first
            || writes && !page.writes[0]
            || page.was_freed
            || follows_free;
        page.writes[1] = writes;
        page.block = block(last);
        page.latest = Some(index);
        page.was_freed = false;
        let freed = trace.freed_after(last);
        follows_free = !freed.is_empty();
        for &page in freed {
            let page = &mut seen[page as usize];
            (page.stays, page.was_freed) = (true, true);
        }
    }
    dropped
}

/// A set of marked positions, counted by a binary indexed tree (P. M. Fenwick, Software: Practice
/// and Experience 24(3), 1994).
struct Marks {
    tree: Vec<u32>,
    all: usize,
}

impl Marks {
    fn new(places: usize) -> Self {
        Self { tree: vec![0; places + 1], all: 0 }
    }

    fn set(&mut self, place: usize) {
        self.add(place, 1);
        self.all += 1;
    }

    fn clear(&mut self, place: usize) {
        self.add(place, u32::MAX);
        self.all -= 1;
    }

    fn add(&mut self, place: usize, count: u32) {
        let mut at = place + 1;
        while at < self.tree.len() {
            self.tree[at] = self.tree[at].wrapping_add(count);
            at += at & at.wrapping_neg();
        }
    }

    /// The number of marks at `place` or after it.
    fn from(&self, place: usize) -> usize {
        let mut before = 0;
        let mut at = place;
        while at > 0 {
            before += self.tree[at] as usize;
            at -= at & at.wrapping_neg();
        }
        self.all - before
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::random::{Generator, Stream};
    use crate::trace::PageId;
    use std::collections::BTreeSet;

    /// By the definition, reference by reference: a reference is dropped if fewer than K other
    /// pages are used between the kept reference before it and the next reference to the same page.
    fn naive(pages: &[PageId], frames: u64, resolution: Option<u64>) -> Vec<bool> {
        let mut dropped = vec![false; pages.len()];
        for middle in 0..pages.len() {
            let page = pages[middle];
            let outer = (0..middle).rev().find(|&at| pages[at] == page && !dropped[at]);
            let next = (middle + 1..pages.len()).find(|&at| pages[at] == page);
            let (Some(outer), Some(next)) = (outer, next) else { continue };
            let others: BTreeSet<PageId> =
                pages[outer..next].iter().copied().filter(|&other| other != page).collect();
            let first_in_block = resolution.is_some_and(|accesses| {
                let begins = middle / accesses as usize * accesses as usize;
                !pages[begins..middle].contains(&page)
            });
            dropped[middle] = (others.len() as u64) < frames && !first_in_block;
        }
        dropped
    }

    #[test]
    fn what_is_dropped_is_what_the_definition_drops() {
        let mut rng = Stream::new(Generator::ChaCha8, 1, 0, "test/reduce");
        for _ in 0..3_000 {
            let (length, distinct) = (1 + rng.below(60), 2 + rng.below(9));
            let mut pages: Vec<u64> = (0..length).map(|_| rng.below(distinct)).collect();
            pages.dedup();
            let trace = Trace::from_pages(pages.iter().copied());
            let resolution = (rng.below(2) == 0).then(|| 1 + rng.below(12));
            let reduction = Reduction { frames: 2 + rng.below(6), resolution };
            let expected = naive(trace.run_pages(), reduction.frames, resolution);
            assert_eq!(dropped(&trace, reduction), expected, "{pages:?} {reduction:?}");
            let reduced = reduce(&trace, reduction).unwrap();
            assert_eq!(reduced.accesses(), trace.accesses());
            assert!(reduce(&reduced, reduction).is_err());
            let Some(block) = resolution else { continue };
            let touched = |trace: &Trace, from: u64| {
                let to = (from + block).min(trace.accesses());
                let pages = trace.runs(from, to).map(|run| trace.numbers()[run.page as usize]);
                pages.collect::<BTreeSet<_>>()
            };
            for from in (0..trace.accesses()).step_by(block as usize) {
                assert_eq!(touched(&reduced, from), touched(&trace, from), "{pages:?}");
            }
        }
    }
}
