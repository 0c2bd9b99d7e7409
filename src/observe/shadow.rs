//! `shadow`: how many faults a few more frames would have saved.
//!
//! *Idea.* A shadow list holds the numbers of the pages evicted last. A fault on one of them would
//! have been a hit with slightly more memory.
//! *Follows.* A. Cidon, A. Eisenman, M. Alizadeh and S. Katti, "Cliffhanger: scaling performance
//! cliffs in web memory caches", NSDI 2016.
//! *Departs.* The list is the part of the LRU stack just below the allocation that the VM has at
//! the end of the interval.
//! *Cost.* Two comparisons per run, or O(1) per interval with an [index](crate::trace::index). On a
//! real machine only accesses that fault anyway are intercepted.
//! *Parameters.* The list's length, as a share of the host's frames (`shadow`, 0.01, ours) or as a
//! size (`shadow_size`, 10 MiB, that of utah-scs/lsm-sim, which simulates Cliffhanger and
//! Memshare).

use super::{Interval, Observer, ObserverKind, Part, Seen};
use crate::params::{Domain, Param, Settings, Value};
use crate::trace::distances::COLD;
use crate::trace::reduction::OnReduced;
use crate::units::{Decimal, Footprint, Frames};

/// The observer `shadow`.
pub const SHADOW: ObserverKind = ObserverKind {
    name: "shadow",
    summary: "hits that a few more frames would have produced",
    follows: "A. Cidon et al., Cliffhanger: scaling performance cliffs in web memory caches, NSDI \
              2016",
    params: &[SHADOW_SHARE],
    knows_the_future: false,
    on_reduced: OnReduced::Exact,
    footprint: Footprint { page: 0, frame: 0, run: 0 },
    build: |settings, subject| {
        Box::new(Shadow { frames: shadow_frames(settings, subject.host), hits: 0 })
    },
};

/// The same with a list of a given size.
pub const SHADOW_OF_SIZE: ObserverKind = ObserverKind {
    name: "shadow-of-size",
    params: &[SHADOW_SIZE],
    build: |settings, _| {
        let frames = Frames(settings.integer(SHADOW_SIZE.name));
        Box::new(Shadow { frames, hits: 0 })
    },
    ..SHADOW
};

/// The length of the shadow list as a size.
pub const SHADOW_SIZE: Param = Param {
    name: "shadow_size",
    doc: "length of the shadow list; the value of the Memshare authors' simulator",
    domain: Domain::Frames { min: 1 },
    default: Value::Bytes(10 << 20),
};

/// The length of the shadow list.
pub const SHADOW_SHARE: Param = Param {
    name: "shadow",
    doc: "length of the shadow list as a share of the host's frames, rounded down but at least \
          one frame; ours",
    domain: Domain::Decimal {
        min: Decimal { digits: 0, places: 0 },
        max: Decimal { digits: 1, places: 0 },
    },
    default: Value::Decimal(Decimal { digits: 1, places: 2 }),
};

/// The same in frames, on a host of `host` frames.
pub(crate) fn shadow_frames(settings: &Settings, host: Frames) -> Frames {
    Frames(settings.decimal(SHADOW_SHARE.name).floor_of(host.0).max(1))
}

struct Shadow {
    frames: Frames,
    hits: u64,
}

impl Observer for Shadow {
    fn observe(&mut self, interval: &Interval<'_>) -> u64 {
        let depth = |frames: u64| u32::try_from(frames).unwrap_or(COLD);
        let from = interval.allocation.0;
        let (from, to) = (depth(from), depth(from.saturating_add(self.frames.0)));
        let shadow = |part: Part<'_>| part.positions.deeper(from) - part.positions.deeper(to);
        self.hits = interval.parts().map(shadow).sum();
        0
    }

    fn report(&self, seen: &mut Seen) {
        seen.shadow_hits = self.hits;
    }
}
