//! `intermittent`: `hot-cold` with its traps switched off while the working set is stable.
//!
//! *Idea.* A working set that has not changed for some intervals will probably not change in the
//! next one, so the traps are switched off and the curve is kept. A cheap proxy is monitored all
//! the time; when it changes, the traps are switched on again.
//! *Follows.* W. Zhao, X. Jin, Z. Wang, X. Wang, Y. Luo and X. Li, "Low cost working set size
//! tracking", USENIX ATC 2011, from secondary sources.
//! *Departs.* Their proxies are the processor's counters of cache and TLB misses. Ours is the
//! number of distinct pages of the interval in a sample of one page in 64, or more if the VM's
//! memory is so small that the sample would have fewer than 16 pages. The working set is the number
//! of frames with which 5 % of the tracked accesses miss; a change of at most 5 % counts as none.
//! Both percentages are ours.
//! *Cost.* As `hot-cold` while on; at all times one trap for each sampled page touched.
//! *Parameters.* `decay`, `hot`, `hot_set`, `traps_low` and `traps_high` as for `hot-cold`;
//! `stable`: intervals after which the traps are switched off (default 4, ours); `moved`: the
//! change of the proxy that switches them on (default 1/4, ours).

use std::sync::Arc;

use super::hot_cold::HotCold;
use super::{
    DECAY, HOT, HOT_SET, Interval, Observer, ObserverKind, Seen, Subject, TRAPS_HIGH, TRAPS_LOW,
};
use crate::params::{Domain, Param, Settings, Value};
use crate::random::mix;
use crate::trace::reduction::OnReduced;
use crate::trace::{PageId, Trace};
use crate::units::{Decimal, Footprint, Frames};

/// The observer `intermittent`.
pub const INTERMITTENT: ObserverKind = ObserverKind {
    name: "intermittent",
    summary: "the curve of hot-cold, with traps off while the working set is stable",
    follows: "W. Zhao et al., Low cost working set size tracking, USENIX ATC 2011",
    params: &[DECAY, HOT, HOT_SET, TRAPS_LOW, TRAPS_HIGH, STABLE, MOVED],
    knows_the_future: false,
    on_reduced: OnReduced::Inexact,
    footprint: Footprint { page: 24, frame: 0, run: 0 },
    build: |settings, subject| Box::new(Intermittent::new(settings, subject)),
};

/// After how many intervals the traps are switched off.
pub const STABLE: Param = Param {
    name: "stable",
    doc: "intervals of an unchanged working set after which tracking is switched off; ours",
    domain: Domain::Integer { min: 1, max: 1_000_000 },
    default: Value::Integer(4),
};

/// When the traps are switched on again.
pub const MOVED: Param = Param {
    name: "moved",
    doc: "relative change of the distinct pages in a sample that switches tracking on again; ours",
    domain: Domain::Decimal {
        min: Decimal { digits: 0, places: 0 },
        max: Decimal { digits: 100, places: 0 },
    },
    default: Value::Decimal(Decimal { digits: 25, places: 2 }),
};

/// The miss ratio that defines the working set, and the largest change of its size that counts as
/// none: 5 %.
const FIVE_PERCENT: Decimal = Decimal { digits: 5, places: 2 };

struct Intermittent {
    tracker: HotCold,
    trace: Arc<Trace>,
    stable: u64,
    moved: Decimal,
    /// One in this many pages is in the sample.
    one_in: u64,
    salt: u64,
    /// For each page, the interval in which it was last used.
    used: Vec<u32>,
    interval: u32,
    /// The tracker's last report.
    seen: Seen,
    working_set: Frames,
    unchanged: u64,
    /// While the traps are off, the proxy when they were switched off.
    resting: Option<u64>,
}

impl Intermittent {
    fn new(settings: &Settings, mut subject: Subject) -> Self {
        let salt = subject.rng.below(1 << 32);
        let trace = subject.trace.clone();
        Self {
            stable: settings.integer(STABLE.name),
            moved: settings.decimal(MOVED.name),
            one_in: (subject.memory.0 / 16).clamp(1, 64),
            salt,
            used: vec![0; trace.distinct_pages()],
            interval: 0,
            seen: Seen::default(),
            working_set: Frames(0),
            unchanged: 0,
            resting: None,
            tracker: HotCold::new(settings, subject),
            trace,
        }
    }

    /// Distinct pages of the interval in the sample.
    fn proxy(&mut self, interval: &Interval<'_>) -> u64 {
        self.interval += 1;
        let mut distinct = 0;
        let mut use_page = |page: PageId| {
            let used = &mut self.used[page as usize];
            if *used != self.interval {
                *used = self.interval;
                let number = self.trace.numbers()[page as usize].0;
                let hash = mix(mix(mix(0, self.salt), number), 0) >> 32;
                distinct += u64::from(hash.is_multiple_of(self.one_in));
            }
        };
        interval.parts().flat_map(|part| part.pages).copied().for_each(&mut use_page);
        distinct
    }

    /// Whether `one` and `other` differ by more than `share` of `other`.
    fn differ(one: u64, other: u64, share: Decimal) -> bool {
        let difference = u128::from(one.abs_diff(other)) * u128::from(share.denominator());
        difference > u128::from(other) * u128::from(share.digits)
    }
}

impl Observer for Intermittent {
    fn observe(&mut self, interval: &Interval<'_>) -> u64 {
        let proxy = self.proxy(interval);
        if let Some(before) = self.resting {
            if Self::differ(proxy, before, self.moved) {
                self.resting = None;
                self.unchanged = 0;
            }
            return proxy;
        }
        let traps = self.tracker.observe(interval);
        self.tracker.report(&mut self.seen);
        let working_set = self.seen.curve.needed(FIVE_PERCENT);
        let changed = Self::differ(working_set.0, self.working_set.0, FIVE_PERCENT);
        self.unchanged = if changed { 0 } else { self.unchanged + 1 };
        self.working_set = working_set;
        if self.unchanged >= self.stable {
            self.resting = Some(proxy);
        }
        proxy + traps
    }

    fn report(&self, seen: &mut Seen) {
        seen.curve.clone_from(&self.seen.curve);
    }
}
