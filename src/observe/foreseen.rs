//! `coming` and `whole`: curves that no hypervisor can see, for yardsticks.
//!
//! *Idea.* The exact curve of the next interval, or of the whole trace.
//! *Follows.* R. L. Mattson, J. Gecsei, D. R. Slutz and I. L. Traiger, "Evaluation techniques for
//! storage hierarchies", IBM Systems Journal 9(2), 1970, for the curves.
//! *Departs.* Both know the future, so a policy that declares one of them is a yardstick. The next
//! interval's accesses are those at the VM's nominal pace; with delays the curve is an estimate.
//! *Cost.* One addition for each run of the next interval, O(pages) per checkpoint.
//! *Parameters.* None.

use std::sync::Arc;

use super::{Curve, Interval, Observer, ObserverKind, Seen, parts};
use crate::trace::reduction::OnReduced;
use crate::trace::{Trace, curve};
use crate::units::Footprint;

/// The curve of the next interval.
pub const COMING: ObserverKind = ObserverKind {
    name: "coming",
    summary: "the exact LRU miss-ratio curve of the next interval; knows the future",
    follows: "R. L. Mattson et al., Evaluation techniques for storage hierarchies, IBM Systems \
              Journal 9(2), 1970",
    params: &[],
    knows_the_future: true,
    on_reduced: OnReduced::FromK,
    footprint: Footprint { page: 24, frame: 0, run: 0 },
    build: |_, subject| {
        let histogram = vec![0; subject.trace.distinct_pages() + 2];
        Box::new(Coming { trace: subject.trace, accesses: 0, histogram })
    },
};

/// The curve of the whole trace.
pub const WHOLE: ObserverKind = ObserverKind {
    name: "whole",
    summary: "the exact LRU miss-ratio curve of the VM's whole trace; knows the future",
    follows: "R. L. Mattson et al., Evaluation techniques for storage hierarchies, IBM Systems \
              Journal 9(2), 1970",
    params: &[],
    knows_the_future: true,
    on_reduced: OnReduced::FromK,
    footprint: Footprint { page: 24, frame: 0, run: 0 },
    build: |_, subject| Box::new(Whole { trace: subject.trace, faults: Vec::new() }),
};

struct Coming {
    trace: Arc<Trace>,
    accesses: u64,
    /// The number of runs by distance, cold runs last.
    histogram: Vec<u64>,
}

impl Observer for Coming {
    fn observe(&mut self, interval: &Interval<'_>) -> u64 {
        self.accesses = interval.coming.saturating_mul(Curve::ONE);
        self.histogram.fill(0);
        let coming = parts(&self.trace, interval.to, interval.to + interval.coming);
        coming.for_each(|part| part.positions.add_to(&mut self.histogram, Curve::ONE));
        0
    }

    fn report(&self, seen: &mut Seen) {
        seen.curve.of_histogram(self.accesses, &self.histogram);
    }
}

struct Whole {
    trace: Arc<Trace>,
    faults: Vec<u64>,
}

impl Observer for Whole {
    fn observe(&mut self, _: &Interval<'_>) -> u64 {
        if self.faults.is_empty() {
            self.faults = curve::lru_faults(&self.trace, self.trace.accesses());
            self.faults.iter_mut().for_each(|faults| *faults *= Curve::ONE);
        }
        0
    }

    fn report(&self, seen: &mut Seen) {
        if seen.curve.faults.is_empty() {
            seen.curve.accesses = self.trace.accesses() * Curve::ONE;
            seen.curve.cold = self.trace.cold_before(self.trace.accesses()) * Curve::ONE;
            seen.curve.faults.clone_from(&self.faults);
        }
    }
}
