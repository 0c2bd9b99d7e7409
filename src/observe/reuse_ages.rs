//! `reuse-ages`: at which ages a VM's pages are reused, and how long they spend at each age.
//!
//! *Idea.* The age of a page is the time since its last use. For each age the observer counts the
//! reuses at that age and the page-ticks that pages spent at it, including pages not reused so far.
//! Their ratio is the hazard rate of a reuse, without bias towards pages that are reused.
//! *Follows.* N. Beckmann, H. Chen and A. Cidon, "LHD: improving cache hit rate by maximizing hit
//! density", NSDI 2018, whose events are hits and evictions by age. Including pages not reused so
//! far is survival analysis with censored data: E. L. Kaplan and P. Meier, "Nonparametric
//! estimation from incomplete observations", JASA 53(282), 1958.
//! *Departs.* Pages that are not resident count too, so the measurement does not depend on the
//! allocation. Ages are in ticks of the host, in four buckets per doubling; accesses are assumed to
//! be evenly spread within an interval.
//! *Cost.* A few instructions per run, O(pages) per checkpoint, 8 bytes per touched page; on a real
//! machine every access would be intercepted.
//! *Parameters.* `decay`: the factor applied to older weights at a checkpoint.

use super::curve::fade;
use super::{Curve, Interval, Observer, ObserverKind, Seen};
use crate::params::{Domain, Param, Value};
use crate::trace::PageId;
use crate::trace::reduction::OnReduced;
use crate::units::{Decimal, Footprint, Ticks};

/// The observer `reuse-ages`.
pub const REUSE_AGES: ObserverKind = ObserverKind {
    name: "reuse-ages",
    summary: "at which ages pages are reused, and the page-ticks that they spend at each age",
    follows: "N. Beckmann, H. Chen and A. Cidon, LHD: improving cache hit rate by maximizing hit \
              density, NSDI 2018",
    params: &[AGES_DECAY],
    knows_the_future: false,
    on_reduced: OnReduced::Inexact,
    footprint: Footprint { page: 8, frame: 0, run: 0 },
    build: |settings, _| Box::new(ReuseAges::new(settings.decimal(AGES_DECAY.name))),
};

/// The decay of older intervals.
pub const AGES_DECAY: Param = Param {
    name: "decay",
    doc: "factor applied to the weight of earlier intervals at each checkpoint, 0 to forget them \
          and 1 to keep them; docs/hit-density.md says how it was chosen",
    domain: Domain::Decimal {
        min: Decimal { digits: 0, places: 0 },
        max: Decimal { digits: 1, places: 0 },
    },
    default: Value::Decimal(Decimal { digits: 9, places: 1 }),
};

/// Reuses and page-ticks by age, with less weight for older intervals.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Ages {
    /// The weight of the reuses in each bucket; [`Curve::ONE`] is one reuse.
    pub reuses: Vec<u64>,
    /// The page-ticks spent in each bucket.
    pub exposure: Vec<u64>,
    /// The number of pages in each bucket now, resident or not.
    pub pages: Vec<u64>,
}

impl Ages {
    /// The bucket of an age: one for each age below 4, then four per doubling.
    #[inline(always)]
    pub(crate) fn bucket(age: Ticks) -> usize {
        if age.0 < 4 {
            return age.0 as usize;
        }
        let log = age.0.ilog2();
        (4 * (log - 1) + (age.0 >> (log - 2) & 3) as u32) as usize
    }

    /// The first age of a bucket.
    pub(crate) fn start(bucket: usize) -> Ticks {
        if bucket < 4 {
            return Ticks(bucket as u64);
        }
        if bucket > LAST_BUCKET {
            return Ticks(u64::MAX);
        }
        Ticks((4 + bucket as u64 % 4) << (bucket / 4 - 1))
    }
}

/// The bucket of the largest possible age.
const LAST_BUCKET: usize = 4 * 62 + 3;

/// In place of the last use of a page that is free.
const FREED: u64 = u64::MAX;

struct ReuseAges {
    decay: Decimal,
    /// The tick of each touched page's last use. Pages are numbered in the order of their first
    /// use.
    last: Vec<u64>,
    /// The page of the last access.
    current: Option<PageId>,
    /// When the interval begins.
    now: u64,
    /// For each bucket, the stays that end in it minus those that the interval began with, and the
    /// same for the sums of their ages. A stay is the time between two uses of a page.
    counts: Vec<u64>,
    sums: Vec<u64>,
    ages: Ages,
}

impl ReuseAges {
    fn new(decay: Decimal) -> Self {
        let empty = || vec![0; LAST_BUCKET + 1];
        Self {
            decay,
            last: Vec::new(),
            current: None,
            now: 0,
            counts: empty(),
            sums: empty(),
            ages: Ages { reuses: empty(), exposure: empty(), pages: empty() },
        }
    }

    /// Adds the stay of a page last used at `last` and not used again before `at`.
    #[inline(always)]
    fn note_stay(&mut self, last: u64, at: u64) -> usize {
        let age = at - last;
        let bucket = Ages::bucket(Ticks(age));
        self.counts[bucket] = self.counts[bucket].wrapping_add(1);
        self.sums[bucket] = self.sums[bucket].wrapping_add(age);
        if last < self.now {
            // Earlier intervals have counted it up to this tick.
            let counted = self.now - last;
            let bucket = Ages::bucket(Ticks(counted));
            self.counts[bucket] = self.counts[bucket].wrapping_sub(1);
            self.sums[bucket] = self.sums[bucket].wrapping_sub(counted);
        }
        bucket
    }

    /// Converts the stays to page-ticks and clears them.
    fn close_stays(&mut self) {
        let mut longer = 0_u64;
        for bucket in (0..=LAST_BUCKET).rev() {
            let start = Ages::start(bucket).0;
            let width = Ages::start(bucket + 1).0 - start;
            let (count, sum) =
                (std::mem::take(&mut self.counts[bucket]), std::mem::take(&mut self.sums[bucket]));
            let within = sum.wrapping_sub(count.wrapping_mul(start));
            let spent = longer.wrapping_mul(width).wrapping_add(within);
            self.ages.exposure[bucket] = self.ages.exposure[bucket].saturating_add(spent);
            longer = longer.wrapping_add(count);
        }
    }
}

impl Observer for ReuseAges {
    fn observe(&mut self, interval: &Interval<'_>) -> u64 {
        fade(&mut self.ages.reuses, self.decay);
        fade(&mut self.ages.exposure, self.decay);
        let (trace, end) = (interval.trace, self.now + interval.ticks.0);
        // Ticks per access, with 32 fractional bits.
        let pace = (u128::from(interval.ticks.0) << 32) / u128::from(interval.accesses().max(1));
        let tick = |now: u64, access: u64| {
            now + ((u128::from(access - interval.from) * pace) >> 32) as u64
        };
        let mut at = interval.from;
        while at < interval.to {
            let from = at % trace.accesses();
            let to = trace.accesses().min(from + interval.to - at);
            for run in trace.runs(from, to) {
                let used = tick(self.now, at + run.accesses - 1);
                if run.page as usize == self.last.len() {
                    self.last.push(used);
                } else {
                    let before = std::mem::replace(&mut self.last[run.page as usize], used);
                    if self.current != Some(run.page) && before != FREED {
                        let bucket = self.note_stay(before, tick(self.now, at));
                        self.ages.reuses[bucket] += Curve::ONE;
                    }
                }
                self.current = Some(run.page);
                at += run.accesses;
                for &page in trace.freed_after((at - 1) % trace.accesses()) {
                    let last = std::mem::replace(&mut self.last[page as usize], FREED);
                    self.note_stay(last, tick(self.now, at));
                    self.current = self.current.filter(|&current| current != page);
                }
            }
        }
        self.ages.pages.fill(0);
        for page in 0..self.last.len() {
            if self.last[page] == FREED {
                continue;
            }
            let bucket = self.note_stay(self.last[page], end);
            self.ages.pages[bucket] += 1;
        }
        self.close_stays();
        self.now = end;
        interval.accesses()
    }

    fn report(&self, seen: &mut Seen) {
        seen.ages.clone_from(&self.ages);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::random::{Generator, Stream};
    use crate::replace::{Counts, Delays};
    use crate::trace::Trace;
    use crate::units::Frames;
    use std::sync::Arc;

    #[test]
    fn buckets_cover_all_ages_in_order() {
        for bucket in 0..LAST_BUCKET {
            let (start, next) = (Ages::start(bucket).0, Ages::start(bucket + 1).0);
            assert!(start < next, "{bucket}");
            assert_eq!(Ages::bucket(Ticks(start)), bucket);
            assert_eq!(Ages::bucket(Ticks(next - 1)), bucket);
        }
        assert_eq!(Ages::bucket(Ticks(u64::MAX)), LAST_BUCKET);
        assert_eq!(Ages::start(LAST_BUCKET + 1), Ticks(u64::MAX));
    }

    /// Compares with a simulation tick by tick and page by page.
    #[test]
    fn ages_are_those_of_a_clock_for_each_page() {
        let mut draw = Stream::new(Generator::ChaCha8, 5, 0, "test/ages");
        for _ in 0..200 {
            let pages: Vec<u64> = (0..=draw.below(120)).map(|_| draw.below(9)).collect();
            let trace = Arc::new(Trace::from_pages(pages.iter().copied()));
            let mut observer = ReuseAges::new(Decimal { digits: 1, places: 0 });
            let every = 1 + draw.below(50);
            let mut reuses = vec![0; LAST_BUCKET + 1];
            let mut exposure = reuses.clone();
            let mut last: [Option<u64>; 9] = [None; 9];
            let (mut from, mut current) = (0, None);
            while from < 2 * trace.accesses() {
                let to = (from + every).min(2 * trace.accesses());
                for at in from..to {
                    let page = pages[(at % trace.accesses()) as usize] as usize;
                    if let Some(last) = last[page].filter(|_| current != Some(page)) {
                        reuses[Ages::bucket(Ticks(at - last))] += Curve::ONE;
                    }
                    (last[page], current) = (Some(at), Some(page));
                    // The age during a tick is the age at its end minus one.
                    for last in last.iter().flatten() {
                        exposure[Ages::bucket(Ticks(at - last))] += 1;
                    }
                }
                let (ticks, frames) = (Ticks(to - from), Frames(1));
                observer.observe(&Interval {
                    trace: &trace,
                    from,
                    to,
                    counts: Counts::default(),
                    ticks,
                    delays: Delays::default(),
                    allocation: frames,
                    resident: frames,
                    coming: 0,
                });
                from = to;
            }
            assert_eq!(observer.ages.reuses, reuses);
            let mut now = vec![0; LAST_BUCKET + 1];
            last.iter().flatten().for_each(|last| now[Ages::bucket(Ticks(from - last))] += 1);
            assert_eq!(observer.ages.pages, now);
            // Stays within a run of accesses to one page are left out.
            let repeats: u64 = (0..2 * trace.accesses())
                .map(|at| (at % trace.accesses()) as usize)
                .filter(|&at| pages[at] == pages[(at + 1) % pages.len()])
                .count() as u64;
            assert!(exposure[0] - observer.ages.exposure[0] <= repeats + 1);
            assert_eq!(observer.ages.exposure[1..], exposure[1..]);
        }
    }
}
