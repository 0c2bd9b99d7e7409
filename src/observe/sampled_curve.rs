//! `sampled-curve`: a miss-ratio curve from a sample of the pages.
//!
//! *Idea.* As `curve`, but only from the accesses to a random share of the pages, scaled up.
//! *Follows.* C. A. Waldspurger, N. Park, A. Garthwaite and I. Ahmad, "Efficient MRC construction
//! with SHARDS", FAST 2015, at a fixed rate, adjusted.
//! *Departs.* Decay is ours, as for `curve`. Weights have 32 binary places, which fade with them;
//! at the end the accesses beyond a distance are cut off to eight binary places. A sample with more
//! than its share of the accesses would predict more faults than accesses; the prediction is capped
//! there.
//! *Cost.* A comparison a run, a stack distance a sampled run; on a real machine the sampled
//! accesses are intercepted.
//! *Parameters.* `decay` as for `curve`; `rate`: the share of the pages (default 1/10, ours: the
//! footprints of page traces are small).

use super::curve::{DECAY, fade, fade_fine};
use super::{Curve, Interval, Observer, ObserverKind, Seen, Subject};
use crate::params::{Domain, Param, Settings, Value};
use crate::trace::reduction::OnReduced;
use crate::trace::shards::{Sample, Sampler, WEIGHT_BITS};
use crate::units::{Decimal, Footprint};

/// See the module.
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
    doc: "the share of the pages that is sampled; ours, as page traces have small footprints",
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
    /// Estimated runs by distance, cold ones last, with the sampler's binary places.
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
        for &page in interval.parts().flat_map(|part| part.pages) {
            if let Some((bucket, weight)) = self.sampler.weigh(page) {
                self.histogram[bucket] += weight;
                intercepted += 1;
            }
        }
        intercepted
    }

    fn report(&self, seen: &mut Seen) {
        let (cold, warm) = self.histogram.split_last().expect("a histogram has a cold entry");
        let most = u128::from(self.accesses);
        let whole = |weight: u128| (weight >> (WEIGHT_BITS - Curve::PLACES)).min(most) as u64;
        let curve = &mut seen.curve;
        curve.accesses = self.accesses;
        curve.cold = whole(*cold);
        curve.faults.clear();
        curve.faults.resize(warm.len(), self.accesses);
        let mut deeper = *cold;
        for (faults, &weight) in curve.faults.iter_mut().zip(warm).skip(1).rev() {
            *faults = whole(deeper);
            deeper += weight;
        }
    }
}
