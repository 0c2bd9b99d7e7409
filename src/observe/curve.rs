//! `curve`: the exact miss-ratio curve of recent accesses.
//!
//! *Idea.* A histogram of stack distances with exponential decay: at every checkpoint older
//! intervals lose weight.
//! *Follows.* P. Zhou, V. Pandey, J. Sundaresan, A. Raghuraman, Y. Zhou and S. Kumar, "Dynamic
//! tracking of page miss ratio curve for memory management", ASPLOS 2004.
//! *Departs.* Groups of one page: the curve is exact. No access is hidden by the processor's
//! caches. Weights have eight fractional bits.
//! *Cost.* One addition per run, or with an [index](crate::trace::index) none for most of a long
//! interval; O(pages) per checkpoint. On a real machine every access would be intercepted.
//! *Parameters.* `decay`: the factor applied to older weights at a checkpoint (default ½, ours).

use super::{Curve, Interval, Observer, ObserverKind, Seen, Subject};
use crate::params::{Domain, Param, Settings, Value};
use crate::trace::reduction::OnReduced;
use crate::units::{Decimal, Footprint};

/// The observer `curve`.
pub const CURVE: ObserverKind = ObserverKind {
    name: "curve",
    summary: "the exact LRU miss-ratio curve of recent accesses",
    follows: "P. Zhou et al., Dynamic tracking of page miss ratio curve for memory management, \
              ASPLOS 2004",
    params: &[DECAY],
    knows_the_future: false,
    on_reduced: OnReduced::FromK,
    footprint: Footprint { page: 24, frame: 0, run: 0 },
    build: |settings, subject| Box::new(ExactCurve::new(settings, &subject)),
};

/// The decay of older intervals.
pub const DECAY: Param = Param {
    name: "decay",
    doc: "factor applied to the weight of earlier intervals at each checkpoint, 0 to forget them \
          and 1 to keep them; ours, as no published value could be verified",
    domain: Domain::Decimal {
        min: Decimal { digits: 0, places: 0 },
        max: Decimal { digits: 1, places: 0 },
    },
    default: Value::Decimal(Decimal { digits: 5, places: 1 }),
};

/// Multiplies a fixed-point count by `decay`, rounding down.
pub(super) fn fade_fine(count: u128, decay: Decimal) -> u128 {
    let (keep, of) = (u128::from(decay.digits), u128::from(decay.denominator()));
    count / of * keep + count % of * keep / of
}

/// Multiplies every count by `decay`, rounding down.
pub(super) fn fade(counts: &mut [u64], decay: Decimal) {
    let (keep, of) = (u128::from(decay.digits), u128::from(decay.denominator()));
    if keep == of {
        return;
    }
    if of == 2 * keep {
        // By far the most common value; a shift vectorises.
        for count in counts {
            *count >>= 1;
        }
        return;
    }
    for count in counts {
        *count = (u128::from(*count) * keep / of) as u64;
    }
}

struct ExactCurve {
    decay: Decimal,
    accesses: u64,
    /// The weights of runs by distance, cold runs last.
    histogram: Vec<u64>,
}

impl ExactCurve {
    fn new(settings: &Settings, subject: &Subject) -> Self {
        let histogram = vec![0; subject.trace.distinct_pages() + 2];
        let decay = settings.decimal(DECAY.name);
        Self { decay, accesses: 0, histogram }
    }
}

impl Observer for ExactCurve {
    fn observe(&mut self, interval: &Interval<'_>) -> u64 {
        fade(&mut self.histogram, self.decay);
        fade(std::slice::from_mut(&mut self.accesses), self.decay);
        self.accesses += interval.accesses() * Curve::ONE;
        interval.parts().for_each(|part| part.positions.add_to(&mut self.histogram, Curve::ONE));
        interval.accesses()
    }

    fn report(&self, seen: &mut Seen) {
        seen.curve.of_histogram(self.accesses, &self.histogram);
    }
}
