//! `hot-cold`: a miss-ratio curve from intercepted accesses to cold pages.
//!
//! *Idea.* The most recently used pages are *hot*: accesses to them do not trap and are not seen.
//! Only an access to a *cold* page traps; its distance goes into the histogram and the page becomes
//! hot. A dynamic hot set doubles when too many accesses trap and halves when few do.
//! *Follows.* W. Zhao and Z. Wang, "Dynamic memory balancing for virtual machines", VEE 2009, and
//! for the dynamic hot set W. Zhao, X. Jin, Z. Wang, X. Wang, Y. Luo and X. Li, "Low cost working
//! set size tracking", USENIX ATC 2011; both from secondary sources.
//! *Departs.* Their hot set is a FIFO queue. Ours is the top of the LRU stack, so distances beyond
//! the hot set are exact. The curve covers only the accesses that trapped; the others are not
//! counted anywhere.
//! *Cost.* One comparison per run; on a real machine one trap for each access to a cold page.
//! *Parameters.* `decay` as for `curve`; `hot`: frames in the hot set (default 16, ours);
//! `hot_set`: whether the hot set keeps that size (`fixed`) or never falls below it (`dynamic`, at
//! most half of the VM's memory); `traps_low`, `traps_high`: a dynamic hot set keeps its size while
//! the share of accesses that trap is between them (defaults 1/200 and 1/20, ours).

use std::cmp::Ordering;
use std::sync::Arc;

use super::curve::{DECAY, fade};
use super::{Curve, Interval, Observer, ObserverKind, Seen, Subject};
use crate::params::{Domain, Param, Settings, Value};
use crate::trace::Trace;
use crate::trace::index::bucket;
use crate::trace::reduction::OnReduced;
use crate::units::{Decimal, Footprint, Frames};

/// The observer `hot-cold`.
pub const HOT_COLD: ObserverKind = ObserverKind {
    name: "hot-cold",
    summary: "an LRU miss-ratio curve from the accesses to pages outside a hot set",
    follows: "W. Zhao and Z. Wang, Dynamic memory balancing for virtual machines, VEE 2009",
    params: &[DECAY, HOT, HOT_SET, TRAPS_LOW, TRAPS_HIGH],
    knows_the_future: false,
    on_reduced: OnReduced::Inexact,
    footprint: Footprint { page: 24, frame: 0, run: 0 },
    build: |settings, subject| Box::new(HotCold::new(settings, subject)),
};

/// The size of the hot set.
pub const HOT: Param = Param {
    name: "hot",
    doc: "frames in the hot set, whose accesses do not trap and are not seen; ours",
    domain: Domain::Frames { min: 0 },
    default: Value::Integer(16),
};

/// Whether the hot set changes its size.
pub const HOT_SET: Param = Param {
    name: "hot_set",
    doc: "whether the hot set keeps its size, or doubles and halves to keep traps rare",
    domain: Domain::Choice(&["fixed", "dynamic"]),
    default: Value::Choice("fixed"),
};

/// When a dynamic hot set halves.
pub const TRAPS_LOW: Param = Param {
    name: "traps_low",
    doc: "the share of accesses that trap below which a dynamic hot set halves; ours",
    domain: SHARE,
    default: Value::Decimal(Decimal { digits: 5, places: 3 }),
};

/// When a dynamic hot set doubles.
pub const TRAPS_HIGH: Param = Param {
    name: "traps_high",
    doc: "the share of accesses that trap above which a dynamic hot set doubles; ours",
    domain: SHARE,
    default: Value::Decimal(Decimal { digits: 5, places: 2 }),
};

const SHARE: Domain = Domain::Decimal {
    min: Decimal { digits: 0, places: 0 },
    max: Decimal { digits: 1, places: 0 },
};

pub(super) struct HotCold {
    trace: Arc<Trace>,
    decay: Decimal,
    hot: u64,
    /// The bounds of a dynamic hot set.
    dynamic: Option<Limits>,
    /// The weight of the accesses seen.
    accesses: u64,
    /// Weights of runs by distance, cold runs last; those within the hot set are unknown.
    histogram: Vec<u64>,
}

struct Limits {
    /// The fewest and the most frames.
    hot: [u64; 2],
    /// The shares of accesses that trap at which it halves and doubles.
    traps: [Decimal; 2],
}

impl HotCold {
    pub(super) fn new(settings: &Settings, subject: Subject) -> Self {
        let least = settings.integer(HOT.name);
        let limits = || Limits {
            hot: [least, least.max(subject.memory.0 / 2)],
            traps: [TRAPS_LOW, TRAPS_HIGH].map(|param| settings.decimal(param.name)),
        };
        Self {
            decay: settings.decimal(DECAY.name),
            hot: least,
            dynamic: (settings.choice(HOT_SET.name) == "dynamic").then(limits),
            accesses: 0,
            histogram: vec![0; subject.trace.distinct_pages() + 2],
            trace: subject.trace,
        }
    }

    /// Adapts a dynamic hot set to the traps of an interval.
    fn resize(&mut self, traps: u64, accesses: u64) {
        let Some(Limits { hot: [least, most], traps: [low, high] }) = self.dynamic else { return };
        match (
            Decimal::compare_ratio(traps, accesses, low),
            Decimal::compare_ratio(traps, accesses, high),
        ) {
            (Ordering::Less, _) => self.hot = (self.hot / 2).max(least),
            (_, Ordering::Greater) => self.hot = (self.hot.max(1) * 2).min(most),
            _ => {}
        }
    }
}

impl Observer for HotCold {
    fn observe(&mut self, interval: &Interval<'_>) -> u64 {
        fade(&mut self.histogram, self.decay);
        fade(std::slice::from_mut(&mut self.accesses), self.decay);
        let pages = self.trace.distinct_pages();
        let mut traps = 0;
        for part in interval.parts() {
            for (&distance, &position) in part.distances.slice().iter().zip(part.positions.slice())
            {
                if u64::from(distance) > self.hot {
                    self.histogram[bucket(position, pages)] += Curve::ONE;
                    traps += 1;
                }
            }
        }
        if self.hot == 0 {
            // Every access traps, including repeats of a page.
            traps = interval.accesses();
        }
        self.accesses += traps * Curve::ONE;
        if interval.accesses() > 0 {
            self.resize(traps, interval.accesses());
        }
        traps
    }

    fn report(&self, seen: &mut Seen) {
        seen.curve.of_histogram(self.accesses, &self.histogram);
        seen.curve.hidden = Frames(self.hot);
    }
}
