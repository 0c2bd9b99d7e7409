//! `sampled-curve`: a miss-ratio curve from a sample of the pages.
//!
//! *Idea.* Like `curve`, but only from the accesses to a random sample of the pages, scaled up.
//! *Follows.* C. A. Waldspurger, N. Park, A. Garthwaite and I. Ahmad, "Efficient MRC construction
//! with SHARDS", FAST 2015, at a fixed rate, adjusted.
//! *Departs.* Decay is ours, as for `curve`. Weights have 32 fractional bits; the resulting curve
//! is truncated to eight. A sample with more than its share of the accesses would predict more
//! faults than accesses; the prediction is capped at the accesses.
//! *Cost.* A comparison per run, a stack distance per sampled run; on a real machine the sampled
//! accesses are intercepted.
//! *Parameters.* `decay` as for `curve`; `rate`: the share of the pages (default 1/10, ours: the
//! footprints of page traces are small).

use super::curve::{DECAY, fade, fade_fine};
use super::{Curve, Interval, Observer, ObserverKind, Seen, Subject};
use crate::params::{Domain, Param, Settings, Value};
use crate::trace::reduction::OnReduced;
use crate::trace::shards::{Sample, Sampler, WEIGHT_BITS};
use crate::units::{Decimal, Footprint};

/// The observer `sampled-curve`.
pub const SAMPLED_CURVE: ObserverKind = ObserverKind {
    name: "sampled-curve",
    summary: "an LRU miss-ratio curve of recent accesses, from a sample of the pages",
    follows: "C. A. Waldspurger et al., Efficient MRC construction with SHARDS, FAST 2015",
    params: &[DECAY, RATE],
    knows_the_future: false,
    on_reduced: OnReduced::Inexact,
    footprint: Footprint { page: 40, frame: 0, run: 0 },
    build: |settings, subject| Box::new(SampledCurve::new(settings, subject)),
};

/// The share of the pages in the sample.
pub const RATE: Param = Param {
    name: "rate",
    doc: "share of the pages that is sampled; ours, as page traces have small footprints",
    domain: Domain::Decimal {
        min: Decimal { digits: 1, places: 6 },
        max: Decimal { digits: 1, places: 0 },
    },
    default: Value::Decimal(Decimal { digits: 1, places: 1 }),
};

struct SampledCurve {
    sampler: Sampler,
    decay: Decimal,
    accesses: u64,
    /// Estimated weights of runs by distance, cold runs last, with the sampler's fractional bits.
    histogram: Vec<u128>,
}

impl SampledCurve {
    fn new(settings: &Settings, mut subject: Subject) -> Self {
        let sample = Sample::Rate(settings.decimal(RATE.name));
        let salt = subject.rng.below(1 << 32);
        let histogram = vec![0; subject.trace.distinct_pages() + 2];
        Self {
            sampler: Sampler::new(&subject.trace, sample, salt),
            decay: settings.decimal(DECAY.name),
            accesses: 0,
            histogram,
        }
    }
}

impl Observer for SampledCurve {
    fn observe(&mut self, interval: &Interval<'_>) -> u64 {
        self.histogram.iter_mut().for_each(|weight| *weight = fade_fine(*weight, self.decay));
        fade(std::slice::from_mut(&mut self.accesses), self.decay);
        self.accesses += interval.accesses() * Curve::ONE;
        let mut intercepted = 0;
        for part in interval.parts() {
            for &page in part.pages {
                if let Some((bucket, weight)) = self.sampler.weigh(page) {
                    self.histogram[bucket] += weight;
                    intercepted += 1;
                }
            }
            part.freed.iter().for_each(|&page| self.sampler.free(page));
        }
        intercepted
    }

    fn report(&self, seen: &mut Seen) {
        let (cold, reused) = self.histogram.split_last().expect("a histogram has a cold entry");
        let most = u128::from(self.accesses);
        let whole = |weight: u128| (weight >> (WEIGHT_BITS - Curve::PLACES)).min(most) as u64;
        let curve = &mut seen.curve;
        curve.accesses = self.accesses;
        curve.cold = whole(*cold);
        curve.faults.clear();
        curve.faults.resize(reused.len(), self.accesses);
        let mut deeper = *cold;
        for (faults, &weight) in curve.faults.iter_mut().zip(reused).skip(1).rev() {
            *faults = whole(deeper);
            deeper += weight;
        }
    }
}
