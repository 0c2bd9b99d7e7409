//! SHARDS: miss-ratio curves from a sample of the pages.
//!
//! *Idea.* A page is in the sample if the hash of its number is below a threshold, so all its
//! accesses are or none. Distances in the sample are smaller than in the trace by the sampling
//! rate, and each sampled access stands for 1/rate accesses.
//! *Follows.* C. A. Waldspurger, N. Park, A. Garthwaite and I. Ahmad, "Efficient MRC construction
//! with SHARDS", FAST 2015: fixed rate, fixed size (the threshold falls so that the sample never
//! has more than a given number of pages), and the adjustment (the difference between the actual
//! and the expected number of sampled accesses counts as hits at the smallest distance).
//! *Departs.* Weights are integers with 32 fractional bits, fixed when their access is seen; the
//! paper rescales counts whenever the threshold falls. The whole trace is in memory here: the aim
//! is to model a sampler's accuracy, not to save space.
//! *Cost.* A hash per access, a stack distance per sampled access; 16 bytes per distinct page.
//! *Parameters.* `rate` or `size`; `salt`, which gives repetitions different samples.

use std::collections::BinaryHeap;

use super::access::PageId;
use super::distances::COLD;
use super::holes::Stack;
use super::shared::Trace;
use crate::random::mix;
use crate::units::{Decimal, Page};

/// Which pages are in the sample.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Sample {
    /// This share of all pages, above 0 and at most 1.
    Rate(Decimal),
    /// So many pages, at least 1.
    Size(usize),
}

/// The estimated LRU demand faults of the accesses of `trace` from access `from` on, after those
/// before have been replayed, for every allocation from 0 frames to the number of distinct pages;
/// with rate 1 exactly [`lru_faults_between`](super::curve::lru_faults_between).
pub fn sampled_lru_faults(trace: &Trace, from: u64, sample: Sample, salt: u64) -> Sampled {
    let pages = trace.distinct_pages();
    let mut sampler = Sampler::new(trace, sample, salt);
    // Weights by distance, cold accesses last. There is no distance 0.
    let mut weights = vec![0_u128; pages + 2];
    let start = trace.runs_before(from);
    for (run, &page) in trace.run_pages().iter().enumerate() {
        if let Some(frees) = trace.frees() {
            frees.just_before(run).iter().for_each(|&page| sampler.free(page));
        }
        // The rest of a run repeats its page and hits with one frame or more, so it adds no weight.
        if let Some((bucket, weight)) = sampler.weigh(page)
            && run >= start
        {
            weights[bucket] += weight;
        }
    }
    let mut faults = vec![0; pages + 1];
    let mut deeper = 0;
    for frames in (0..=pages).rev() {
        deeper += weights[frames + 1];
        let estimate = u64::try_from(deeper >> WEIGHT_BITS).unwrap_or(u64::MAX);
        faults[frames] = estimate.min(trace.accesses() - from);
    }
    faults[0] = trace.accesses() - from;
    let Sampler { hashes, threshold, .. } = sampler;
    Sampled { faults, hashes, threshold }
}

/// An estimated curve, and the sample that it is made from;
/// [`interval`](super::random_groups::interval) says how sure it is.
#[derive(Clone, Debug)]
pub struct Sampled {
    /// The estimated demand faults, from 0 frames to the number of distinct pages.
    pub faults: Vec<u64>,
    pub(super) hashes: Vec<u64>,
    /// Pages whose hash is below it are in the sample.
    pub(super) threshold: u64,
}

impl Sampled {
    /// The number of distinct pages in the sample, which determines the error.
    pub fn pages(&self) -> usize {
        self.hashes.iter().filter(|&&hash| hash < self.threshold).count()
    }
}

/// The bits of the hashes that are compared with thresholds.
pub(super) const HASH_BITS: u32 = 32;
/// Fractional bits of a weight.
pub(crate) const WEIGHT_BITS: u32 = 32;

fn hash(page: Page, salt: u64) -> u64 {
    mix(mix(mix(0, salt), page.0), 0) >> (64 - HASH_BITS)
}

/// The sample of a trace's pages, with their LRU stack.
pub(crate) struct Sampler {
    stack: Stack,
    hashes: Vec<u64>,
    /// The threshold, rate × 2³²: pages whose hash is below it are in the sample.
    threshold: u64,
    size: usize,
    /// The pages in the sample by hash, if their number is limited.
    members: BinaryHeap<(u64, PageId)>,
    /// Which pages these are; one that is freed stays among them.
    is_member: Vec<bool>,
}

impl Sampler {
    pub(crate) fn new(trace: &Trace, sample: Sample, salt: u64) -> Self {
        let (threshold, size) = match sample {
            Sample::Rate(rate) => {
                let scaled = u128::from(rate.digits) << HASH_BITS;
                let threshold = scaled / u128::from(rate.denominator());
                ((threshold as u64).clamp(1, 1 << HASH_BITS), usize::MAX)
            }
            Sample::Size(size) => (1 << HASH_BITS, size),
        };
        let stack = Stack::new(trace.distinct_pages(), trace.has_frees());
        let hashes = trace.numbers().iter().map(|&page| hash(page, salt)).collect();
        let is_member = vec![false; trace.distinct_pages()];
        Self { stack, hashes, threshold, size, members: BinaryHeap::new(), is_member }
    }

    /// Uses a page. If it is in the sample, returns its distance scaled to the trace (the number of
    /// pages plus one if it is cold) and the number of accesses that this one stands for, with
    /// [`WEIGHT_BITS`] fractional bits.
    #[inline(always)]
    pub(crate) fn weigh(&mut self, page: PageId) -> Option<(usize, u128)> {
        let depth = self.depth(page, self.hashes[page as usize])?;
        let pages = self.hashes.len();
        let bucket = if depth == COLD { pages + 1 } else { self.scaled(depth).min(pages) };
        Some((bucket, self.weight()))
    }

    /// The depth of a page in the sample's stack; `None` if it is not in the sample.
    fn depth(&mut self, page: PageId, hash: u64) -> Option<u32> {
        if hash >= self.threshold {
            return None;
        }
        let depth = self.stack.depth(page);
        if depth == COLD && self.size < usize::MAX {
            if !std::mem::replace(&mut self.is_member[page as usize], true) {
                self.members.push((hash, page));
            }
            if self.members.len() > self.size {
                self.lower_threshold();
            }
            if hash >= self.threshold {
                return None;
            }
        }
        Some(depth)
    }

    /// The guest frees a page.
    pub(crate) fn free(&mut self, page: PageId) {
        if self.hashes[page as usize] < self.threshold {
            self.stack.free(page);
        }
    }

    /// Lowers the threshold to the largest hash in the sample and drops the pages that have it.
    fn lower_threshold(&mut self) {
        let Some(&(largest, _)) = self.members.peek() else { return };
        self.threshold = largest.max(1);
        while let Some(&(hash, page)) = self.members.peek()
            && hash >= self.threshold
        {
            self.members.pop();
            self.stack.forget(page);
        }
    }

    /// A distance in the sample scaled to the trace, rounded up.
    fn scaled(&self, depth: u32) -> usize {
        (u64::from(depth) << HASH_BITS).div_ceil(self.threshold) as usize
    }

    /// The accesses that one in the sample stands for.
    fn weight(&self) -> u128 {
        (1_u128 << (HASH_BITS + WEIGHT_BITS)) / u128::from(self.threshold)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::random::{Generator, Stream};
    use crate::trace::curve::{lru_faults, lru_faults_between};

    /// Accesses to 3,000 pages, the low numbers far more often.
    fn skewed() -> Trace {
        let mut rng = Stream::new(Generator::ChaCha8, 1, 0, "test/shards");
        Trace::from_pages((0..100_000).map(|_| {
            let (one, other) = (rng.below(3000), rng.below(3000));
            one * other / 3000
        }))
    }

    #[test]
    fn the_whole_as_a_sample_is_exact() {
        let trace = skewed();
        let exact = lru_faults(&trace, trace.accesses());
        let pages = trace.distinct_pages();
        let all = Decimal::parse("1").unwrap();
        let sampled = |from, sample| {
            let sampled = sampled_lru_faults(&trace, from, sample, 7);
            (sampled.pages(), sampled.faults)
        };
        assert_eq!(sampled(0, Sample::Rate(all)), (pages, exact.clone()));
        assert_eq!(sampled(0, Sample::Size(3000)), (pages, exact));
        let expected = (pages, lru_faults_between(&trace, 30_000, trace.accesses()));
        assert_eq!(sampled(30_000, Sample::Rate(all)), expected);
    }

    /// With one page in three sampled, depth d in the sample is depth 3 d or more in the trace.
    #[test]
    fn a_distance_among_the_sampled_stands_for_the_next_larger_one() {
        let scaled = |rate, depths: [u32; 4]| {
            let sample = Sample::Rate(Decimal::parse(rate).unwrap());
            let sampler = Sampler::new(&skewed(), sample, 7);
            depths.map(|depth| sampler.scaled(depth))
        };
        assert_eq!(scaled("0.3", [1, 2, 4, 100]), [4, 7, 14, 334]);
        assert_eq!(scaled("0.5", [1, 2, 3, 100]), [2, 4, 6, 200]);
        assert_eq!(scaled("1", [1, 2, 3, 100]), [1, 2, 3, 100]);
    }

    /// The mean absolute error of the miss ratio over all sizes and ten salts, in millionths.
    fn error(trace: &Trace, sample: Sample) -> u64 {
        let exact = lru_faults(trace, trace.accesses());
        let salts = 0..10;
        let errors = salts.map(|salt| {
            let sampled = sampled_lru_faults(trace, 0, sample, salt);
            assert!(!matches!(sample, Sample::Size(size) if sampled.pages() > size));
            let differences =
                exact.iter().zip(&sampled.faults).map(|(one, other)| one.abs_diff(*other));
            differences.sum::<u64>() * 1_000_000 / trace.accesses() / exact.len() as u64
        });
        errors.sum::<u64>() / 10
    }

    #[test]
    fn larger_samples_err_less() {
        let trace = skewed();
        let rate = |text| Sample::Rate(Decimal::parse(text).unwrap());
        let errors = ["0.5", "0.1", "0.01"].map(|text| error(&trace, rate(text)));
        assert!(errors[0] < errors[1] && errors[1] < errors[2], "{errors:?}");
        assert!(errors[1] < 30_000, "a tenth of the pages errs by less than 0.03: {errors:?}");
        let sizes = [1500, 300, 30].map(|size| error(&trace, Sample::Size(size)));
        assert!(sizes[0] < sizes[1] && sizes[1] < sizes[2], "{sizes:?}");
    }
}
