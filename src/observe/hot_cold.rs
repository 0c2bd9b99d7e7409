//! `hot-cold`: a miss-ratio curve from intercepted accesses to cold pages.
//!
//! *Idea.* The pages used last are *hot*: accesses to them run free and are not seen. Only an
//! access to a *cold* page traps; its distance goes into the histogram and the page becomes hot.
//! *Follows.* W. Zhao and Z. Wang, "Dynamic memory balancing for virtual machines", VEE 2009, as
//! described from secondary knowledge.
//! *Departs.* Their hot set is a queue, from which a page leaves in order of its arrival; here it
//! is the top of the LRU stack, so that what is seen is exact: distances beyond the hot set.
//! *Cost.* A comparison a run; on a real machine one trap for each access that is seen.
//! *Knobs.* `decay` as for `curve`; `hot`: frames in the hot set (16, ours).

use std::sync::Arc;

use super::curve::{DECAY, fade};
use super::{Interval, Observer, ObserverKind, Seen, Subject, bucket};
use crate::knobs::{Domain, Knob, Settings, Value};
use crate::trace::Trace;
use crate::units::Decimal;

/// See the module.
pub const HOT_COLD: ObserverKind = ObserverKind {
    name: "hot-cold",
    summary: "an LRU miss-ratio curve from the accesses to pages outside a hot set",
    follows: "W. Zhao and Z. Wang, Dynamic memory balancing for virtual machines, VEE 2009",
    knobs: &[DECAY, HOT],
    foresees: false,
    build: |settings, subject| Box::new(HotCold::new(settings, subject)),
};

/// The size of the hot set.
pub const HOT: Knob = Knob {
    name: "hot",
    doc: "frames whose accesses run free and are not seen; ours",
    domain: Domain::Frames { min: 0 },
    default: Value::Integer(16),
};

pub(super) struct HotCold {
    trace: Arc<Trace>,
    decay: Decimal,
    hot: u64,
    accesses: u64,
    /// Runs by distance, cold ones last; those within the hot set are not known.
    histogram: Vec<u64>,
}

impl HotCold {
    pub(super) fn new(settings: &Settings, subject: Subject) -> Self {
        Self {
            decay: settings.decimal(DECAY.name),
            hot: settings.integer(HOT.name),
            accesses: 0,
            histogram: vec![0; subject.trace.distinct_pages() + 2],
            trace: subject.trace,
        }
    }
}

impl Observer for HotCold {
    fn observe(&mut self, interval: &Interval<'_>) -> u64 {
        fade(&mut self.histogram, self.decay);
        fade(std::slice::from_mut(&mut self.accesses), self.decay);
        self.accesses += interval.accesses();
        let pages = self.trace.distinct_pages();
        let mut traps = 0;
        for &distance in interval.parts().flat_map(|part| part.distances) {
            if u64::from(distance) > self.hot {
                self.histogram[bucket(distance, pages)] += 1;
                traps += 1;
            }
        }
        traps
    }

    fn report(&self, seen: &mut Seen) {
        seen.curve.of_histogram(self.accesses, &self.histogram);
    }
}
