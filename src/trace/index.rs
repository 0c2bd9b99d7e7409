//! An index over the stack distances of a trace: counts faults in a stretch of runs without reading
//! it.
//!
//! *Idea.* At regular intervals a row stores, for every depth k, how many runs so far were deeper
//! than k. The count for a stretch is the difference of the rows next to its two ends, corrected by
//! the few runs between the ends and the rows. So a VM's faults cost two look-ups, and its whole
//! fault curve one subtraction of rows, however long the interval. While the stack is still
//! growing, the next deeper run is needed instead: the maximum distance of each block tells which
//! blocks can be skipped.
//! *Follows.* Prefix counts by bucket, sampled and completed by a scan, as in G. Jacobson,
//! "Space-efficient static trees and graphs", FOCS 1989, for bits.
//! *Departs.* A wavelet matrix (F. Claude, G. Navarro and A. Ordóñez, Information Systems 47, 2015)
//! answers a count in O(log pages) from as much memory, but needs a query per depth for a whole
//! curve, and for traces with few pages its dozens of dependent reads are slower than scanning the
//! two ends. A row's size grows with the number of pages, so rows are further apart in traces with
//! more pages.
//! *Cost.* One pass to build. A count: O(1) plus a scan of on average half the runs between two
//! rows; a curve: O(pages) more. At most 2 bytes per run, half of what the distances take.
//! Stretches shorter than two rows are scanned.
//! *Parameters.* None.

use std::ops::Range;

use super::distances::COLD;

/// Runs per block, of which the maximum distance is stored.
const BLOCK: usize = 128;

/// Runs compared in a few SIMD instructions.
const FEW: usize = 16;

/// A stretch of this many rows or more uses the index. Measured by `benches/replay.rs`: a look-up
/// waits for two rows and two ends that are in no cache.
const LONG: usize = 2;

/// From this many replays of a trace on, an index saves more than it costs: building it takes as
/// long as reading the distances a few times.
pub const REPLAYS_MIN: u64 = 8;

/// The index; see the module's head.
#[derive(Clone, Debug)]
pub(super) struct Index {
    /// Runs between two rows.
    every: usize,
    /// Entries of a row: one for each depth from 0 to the number of pages.
    width: usize,
    /// Row r, entry k: the number of the first r · `every` runs deeper than k.
    rows: Vec<u32>,
    block: usize,
    /// The maximum distance of each block.
    deepest: Vec<u32>,
}

impl Index {
    /// An index whose rows take at most half the memory of the distances.
    pub(super) fn new(distances: &[u32], pages: usize) -> Self {
        Self::with_rows(distances, pages, (2 * (pages + 1)).next_power_of_two().max(BLOCK))
    }

    /// An index with a row every `every` runs.
    pub(super) fn with_rows(distances: &[u32], pages: usize, every: usize) -> Self {
        let width = pages + 1;
        let mut rows = Vec::with_capacity((distances.len() / every + 1) * width);
        rows.resize(width, 0);
        let mut histogram = vec![0_u32; width + 1];
        for chunk in distances.chunks_exact(every) {
            for &distance in chunk {
                histogram[bucket(distance, pages)] += 1;
            }
            let mut deeper = 0;
            let row = rows.len();
            rows.resize(row + width, 0);
            for (entry, count) in rows[row..].iter_mut().zip(&histogram[1..]).rev() {
                deeper += count;
                *entry = deeper;
            }
        }
        let block = every.min(BLOCK);
        let deepest = distances.chunks(block).map(deepest).collect();
        Self { every, width, rows, block, deepest }
    }

    /// An index of the same shape over other distances of the trace.
    pub(super) fn like(&self, distances: &[u32], pages: usize) -> Self {
        Self::with_rows(distances, pages, self.every)
    }

    /// The row nearest to a run, and the run before which it counts.
    fn nearest(&self, at: usize) -> (&[u32], usize) {
        let last = self.rows.len() / self.width - 1;
        let row = ((at + self.every / 2) / self.every).min(last);
        (&self.rows[row * self.width..][..self.width], row * self.every)
    }
}

/// The entry of a distance in a histogram of distances up to `pages`. Cold accesses have the last
/// entry, `pages + 1`.
pub(crate) fn bucket(distance: u32, pages: usize) -> usize {
    (distance as usize).min(pages + 1)
}

/// The stack distances of consecutive runs of one pass over a trace. Queries use the index if there
/// is one and the stretch is long enough.
#[derive(Clone, Debug)]
pub struct StackDistances<'a> {
    /// The distances of the whole pass.
    all: &'a [u32],
    index: Option<&'a Index>,
    runs: Range<usize>,
}

impl<'a> StackDistances<'a> {
    pub(super) fn new(all: &'a [u32], index: Option<&'a Index>, runs: Range<usize>) -> Self {
        assert!(runs.start <= runs.end && runs.end <= all.len(), "these runs exist");
        Self { all, index, runs }
    }

    /// The distances themselves.
    pub(crate) fn slice(&self) -> &'a [u32] {
        &self.all[self.runs.clone()]
    }

    /// The distances after the first `runs`.
    pub(crate) fn skip(&self, runs: usize) -> Self {
        Self { runs: self.runs.start + runs..self.runs.end, ..*self }
    }

    /// The first `runs` distances.
    pub(crate) fn first(&self, runs: usize) -> Self {
        Self { runs: self.runs.start..self.runs.start + runs, ..*self }
    }

    /// The index, if the stretch is long enough for it.
    fn index(&self) -> Option<&'a Index> {
        self.index.filter(|index| self.runs.len() >= LONG * index.every)
    }

    /// How many are greater than `depth`.
    pub fn deeper(&self, depth: u32) -> u64 {
        let Some(index) = self.index().filter(|_| depth < COLD) else {
            return deeper(self.slice(), depth);
        };
        let before = |at: usize| {
            let (row, stands) = index.nearest(at);
            // A run deeper than the number of pages is cold, and so deeper than any depth.
            let counted = u64::from(row[(depth as usize).min(index.width - 1)]);
            if stands <= at {
                counted + deeper(&self.all[stands..at], depth)
            } else {
                counted - deeper(&self.all[at..stands], depth)
            }
        };
        before(self.runs.end) - before(self.runs.start)
    }

    /// Adds `weight` to a histogram for each of these distances; the last entry is for cold runs.
    pub fn add_to(&self, histogram: &mut [u64], weight: u64) {
        let pages = histogram.len() - 2;
        let Some(index) = self.index() else {
            for &distance in self.slice() {
                histogram[bucket(distance, pages)] += weight;
            }
            return;
        };
        let ((first, from), (last, to)) =
            (index.nearest(self.runs.start), index.nearest(self.runs.end));
        // Entries may wrap below zero until everything is added. Ranges that end before they begin
        // are empty.
        let mut count = |runs: Range<usize>, by: u64| {
            for &distance in self.all.get(runs).unwrap_or_default() {
                let entry = &mut histogram[bucket(distance, pages)];
                *entry = entry.wrapping_add(by);
            }
        };
        let (more, less) = (weight, weight.wrapping_neg());
        count(self.runs.start..from, more);
        count(from..self.runs.start, less);
        count(to..self.runs.end, more);
        count(self.runs.end..to, less);
        // The runs at depth k are deeper than k - 1 and not deeper than k.
        let at_depth = |row: &[u32]| row[0].wrapping_sub(row[1]);
        let rows = last.windows(2).zip(first.windows(2));
        for (entry, (last, first)) in histogram[1..].iter_mut().zip(rows) {
            let between = at_depth(last).wrapping_sub(at_depth(first));
            *entry = entry.wrapping_add(u64::from(between) * weight);
        }
        let cold = last[pages] - first[pages];
        histogram[pages + 1] = histogram[pages + 1].wrapping_add(u64::from(cold) * weight);
    }

    /// Lets a stack of `depth` pages grow by one page at each deeper run until it has `most` pages,
    /// and calls `grows` with each position at which it grows. Returns how many runs that took.
    /// From an empty stack without limit, the positions are the first uses of pages in these runs.
    pub(crate) fn grow(&self, depth: &mut u32, most: u64, grows: impl FnMut(usize)) -> usize {
        pulp::Arch::new().dispatch(
            #[inline(always)]
            || self.grow_here(depth, most, grows),
        )
    }

    #[inline(always)]
    fn grow_here(&self, depth: &mut u32, most: u64, mut grows: impl FnMut(usize)) -> usize {
        let slice = self.slice();
        let mut at = 0;
        while at < slice.len() && u64::from(*depth) < most {
            let place = self.runs.start + at;
            let block = self.index.map_or(BLOCK, |index| index.block);
            let end = ((place / block + 1) * block - self.runs.start).min(slice.len());
            let chunk = &slice[at..end];
            let none = match self.index {
                Some(index) => index.deepest[place / block] <= *depth,
                None => deeper(chunk, *depth) == 0,
            };
            if none {
                at = end;
                continue;
            }
            for few in chunk.chunks(FEW) {
                if u64::from(*depth) == most {
                    return at;
                }
                if deepest(few) <= *depth {
                    at += few.len();
                    continue;
                }
                for &distance in few {
                    if u64::from(*depth) == most {
                        return at;
                    }
                    if distance > *depth {
                        *depth += 1;
                        grows(at);
                    }
                    at += 1;
                }
            }
        }
        at
    }
}

/// The greatest of these distances.
#[inline(always)]
fn deepest(distances: &[u32]) -> u32 {
    distances.iter().copied().fold(0, u32::max)
}

/// How many distances are greater than `depth`.
fn deeper(distances: &[u32], depth: u32) -> u64 {
    pulp::Arch::new().dispatch(
        #[inline(always)]
        || {
            // Counts of 32 bits keep the lanes as wide as the distances.
            let chunks = distances.chunks(1 << 16);
            chunks
                .map(|chunk| {
                    let deeper: u32 =
                        chunk.iter().map(|&distance| u32::from(distance > depth)).sum();
                    u64::from(deeper)
                })
                .sum()
        },
    )
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    /// Distances up to the number of pages, with cold ones among them.
    fn distances(pages: u32) -> impl Strategy<Value = Vec<u32>> {
        prop::collection::vec(prop_oneof![9 => 1..=pages, 1 => Just(COLD)], 0..400)
    }

    proptest! {
        /// Every stretch, at every depth, with near and far rows, compared with plain loops.
        #[test]
        fn whatever_the_rows_the_answers_are_those_of_the_runs(
            (pages, all) in (1_u32..40).prop_flat_map(|pages| (Just(pages), distances(pages))),
            every in 1_usize..50,
            ends in (0_usize..=400, 0_usize..=400),
            depth in prop_oneof![20 => 0_u32..50, 1 => Just(COLD - 1), 1 => Just(COLD)],
            most in 0_u64..60,
        ) {
            let ends = [ends.0.min(all.len()), ends.1.min(all.len())];
            let runs = ends[0].min(ends[1])..ends[0].max(ends[1]);
            let plain = &all[runs.clone()];
            let index = Index::with_rows(&all, pages as usize, every);
            for index in [None, Some(&index)] {
                let stretch = StackDistances::new(&all, index, runs.clone());
                prop_assert_eq!(stretch.slice(), plain);

                let deeper = plain.iter().filter(|&&distance| distance > depth).count();
                prop_assert_eq!(stretch.deeper(depth), deeper as u64);

                let mut expected = vec![7; pages as usize + 2];
                let mut histogram = expected.clone();
                for &distance in plain {
                    expected[if distance == COLD { pages + 1 } else { distance } as usize] += 3;
                }
                stretch.add_to(&mut histogram, 3);
                prop_assert_eq!(histogram, expected);

                let (mut expected, mut stack, mut taken) = (Vec::new(), depth, plain.len());
                for (at, &distance) in plain.iter().enumerate() {
                    if u64::from(stack) >= most {
                        taken = at;
                        break;
                    }
                    if distance > stack {
                        stack += 1;
                        expected.push(at);
                    }
                }
                if u64::from(depth) <= most {
                    let (mut grown, mut places) = (depth, Vec::new());
                    let end = stretch.grow(&mut grown, most, |at| places.push(at));
                    prop_assert_eq!((grown, end, places), (stack, taken, expected));
                }
            }
        }
    }

    /// The stated bound, for traces of few pages and of many.
    #[test]
    fn an_index_takes_at_most_half_the_memory_of_the_distances() {
        for pages in [1, 200, 600, 5_000, 100_000] {
            let distances: Vec<u32> = (0..1_000_000).map(|at| at % pages + 1).collect();
            let index = Index::new(&distances, pages as usize);
            let entries = index.rows.len() + index.deepest.len();
            let first_row = pages as usize + 1;
            assert!(entries <= first_row + distances.len() / 2 + distances.len() / BLOCK + 1);
        }
    }

    #[test]
    fn the_first_uses_of_pages_are_where_an_empty_stack_grows() {
        let trace = crate::trace::Trace::from_pages([1, 2, 1, 3, 2, 4, 3, 1]);
        let (mut distinct, mut places) = (0, Vec::new());
        trace.distances_of(true, 2..7).grow(&mut distinct, u64::MAX, |at| places.push(2 + at));
        assert_eq!((distinct, places), (4, vec![2, 3, 4, 5]));
    }
}
