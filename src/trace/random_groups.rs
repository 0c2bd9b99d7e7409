//! Intervals of sampled miss-ratio curves, by random groups.
//!
//! *Idea.* The sample of [`shards`](super::shards) is divided at random into eight groups of pages.
//! Each is a smaller sample with a curve of its own, and how far these curves lie apart says how
//! far the sample's curve may lie from the exact one.
//! *Follows.* The method of random groups: K. M. Wolter, "Introduction to Variance Estimation", 2nd
//! edition, Springer 2007, chapter 2, with the correction for finite populations and Student's t.
//! *Departs.* None.
//! *Cost.* A hash per access, a stack distance per sampled access; 8 bytes per sampled access and
//! 40 per distinct page.
//! *Parameters.* None.

use super::access::PageId;
use super::distances::COLD;
use super::holes::Stack;
use super::shards::{HASH_BITS, Sampled};
use super::shared::Trace;

/// The groups.
const GROUPS: usize = 8;

/// The square of Student's t for 95 % and 7 degrees of freedom (2.3646), by which the squared
/// standard error of a mean of eight is multiplied, over 8 · 7; in millionths.
const T_SQUARED: u128 = 99_847;

/// The interval that contains the exact curve at each number of frames with a confidence of about
/// 95 %: the fewest and the most demand faults, from 0 frames to the number of distinct pages;
/// `trace` and `from` are those of the estimate. With fewer than a thousand pages in the sample the
/// confidence is lower.
pub fn interval(trace: &Trace, from: u64, sampled: &Sampled) -> (Vec<u64>, Vec<u64>) {
    let pages = trace.distinct_pages();
    let (mut sums, mut squares) = (vec![0_u64; pages + 1], vec![0_u128; pages + 1]);
    for group in groups(trace, from, sampled) {
        let mut deeper = 0_u64;
        let counts = counts(&group, trace, sampled.threshold);
        for frames in (0..=pages).rev() {
            deeper += counts[frames + 1];
            let estimate = (u128::from(deeper) * GROUPS as u128) << HASH_BITS;
            let estimate = (estimate / u128::from(sampled.threshold)) as u64;
            sums[frames] += estimate;
            squares[frames] += u128::from(estimate).pow(2);
        }
    }
    let most = trace.accesses() - from;
    // Of the whole as a sample nothing is unknown.
    let unseen = (1 << HASH_BITS) - u128::from(sampled.threshold);
    let bounds = |frames: usize| {
        let sum = u128::from(sums[frames]);
        let spread = squares[frames] - sum * sum / GROUPS as u128;
        let half = ((spread * T_SQUARED / 1_000_000 * unseen) >> HASH_BITS).isqrt() as u64;
        let centre = sampled.faults[frames];
        (centre.saturating_sub(half), centre.saturating_add(half).min(most))
    };
    (0..=pages).map(bounds).unzip()
}

/// What happens to a page of a group.
#[derive(Clone, Copy)]
enum Event {
    /// It is used; whether that counts, or is a part of the warm-up.
    Use(bool),
    /// Its guest frees it.
    Free,
}

/// What happens to the pages of each group, in order.
fn groups(trace: &Trace, from: u64, sampled: &Sampled) -> [Vec<(PageId, Event)>; GROUPS] {
    let mut groups = [const { Vec::new() }; GROUPS];
    let mut note = |page: PageId, event: Event| {
        let hash = sampled.hashes[page as usize];
        if hash < sampled.threshold {
            let group = u128::from(hash) * GROUPS as u128 / u128::from(sampled.threshold);
            groups[group as usize].push((page, event));
        }
    };
    let first = trace.runs_before(from);
    for (run, &page) in trace.run_pages().iter().enumerate() {
        if let Some(frees) = trace.frees() {
            frees.just_before(run).iter().for_each(|&page| note(page, Event::Free));
        }
        note(page, Event::Use(run >= first));
    }
    groups
}

/// A group's accesses that count by distance, scaled to the trace; cold ones last.
fn counts(group: &[(PageId, Event)], trace: &Trace, threshold: u64) -> Vec<u64> {
    let pages = trace.distinct_pages();
    let mut counts = vec![0; pages + 2];
    let mut stack = Stack::new(pages, trace.has_frees());
    for &(page, event) in group {
        let Event::Use(is_counted) = event else {
            stack.free(page);
            continue;
        };
        let depth = stack.depth(page);
        let scaled = (u128::from(depth) * GROUPS as u128) << HASH_BITS;
        let scaled = scaled.div_ceil(u128::from(threshold)).min(pages as u128);
        let bucket = if depth == COLD { pages + 1 } else { scaled as usize };
        counts[bucket] += u64::from(is_counted);
    }
    counts
}

#[cfg(test)]
mod tests {
    use super::super::curve::lru_faults;
    use super::super::shards::{Sample, sampled_lru_faults};
    use super::*;
    use crate::random::{Generator, Stream};
    use crate::units::Decimal;

    fn skewed(pages: u64, accesses: u64) -> Trace {
        let mut rng = Stream::new(Generator::ChaCha8, 1, 0, "test/random-groups");
        Trace::from_pages((0..accesses).map(|_| {
            let (one, other) = (rng.below(pages), rng.below(pages));
            one * other / pages
        }))
    }

    /// Of the intervals of 200 samples about 95 % contain the exact number.
    #[test]
    fn intervals_hold_as_often_as_they_say() {
        const SIZES: [usize; 4] = [500, 2000, 6000, 12_000];
        let trace = skewed(20_000, 100_000);
        let exact = lru_faults(&trace, trace.accesses());
        let rate = Sample::Rate(Decimal::parse("0.1").unwrap());
        let mut holds = [0; SIZES.len()];
        for salt in 0..200 {
            let sampled = sampled_lru_faults(&trace, 0, rate, salt);
            let (low, high) = interval(&trace, 0, &sampled);
            for (holds, frames) in holds.iter_mut().zip(SIZES) {
                *holds += u64::from((low[frames]..=high[frames]).contains(&exact[frames]));
            }
        }
        assert!(holds.iter().all(|holds| (180..=199).contains(holds)), "{holds:?} of 200");
    }

    #[test]
    fn nothing_is_uncertain_about_the_whole() {
        let trace = skewed(300, 5000);
        let all = Sample::Rate(Decimal::parse("1").unwrap());
        let sampled = sampled_lru_faults(&trace, 0, all, 7);
        let (low, high) = interval(&trace, 0, &sampled);
        assert!(low == sampled.faults && high == sampled.faults);
    }
}
