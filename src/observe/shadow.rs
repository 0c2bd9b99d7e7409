//! `shadow`: how many faults a few frames more would have saved.
//!
//! *Idea.* Behind the resident pages stands a short list of those that went last, without their
//! content. A fault on one of them would have been a hit with a little more memory.
//! *Follows.* A. Cidon, A. Eisenman, M. Alizadeh and S. Katti, "Cliffhanger: scaling performance
//! cliffs in web memory caches", NSDI 2016.
//! *Departs.* The list is the LRU stack just below the allocation, at its size at the end of the
//! interval.
//! *Cost.* A comparison a run; on a real machine nothing is intercepted that does not fault anyway.
//! *Knobs.* `shadow`: frames' worth of the list (8, ours).

use super::{Interval, Observer, ObserverKind, Seen};
use crate::knobs::{Domain, Knob, Value};

/// See the module.
pub const SHADOW: ObserverKind = ObserverKind {
    name: "shadow",
    summary: "hits that a few frames more would have made",
    follows: "A. Cidon et al., Cliffhanger: scaling performance cliffs in web memory caches, NSDI \
              2016",
    knobs: &[SHADOW_FRAMES],
    knows_the_future: false,
    build: |settings, _| Box::new(Shadow { frames: settings.integer(SHADOW_FRAMES.name), hits: 0 }),
};

/// The length of the shadow list.
pub const SHADOW_FRAMES: Knob = Knob {
    name: "shadow",
    doc: "frames more than the allocation whose hits are counted; ours",
    domain: Domain::Frames { min: 1 },
    default: Value::Integer(8),
};

struct Shadow {
    frames: u64,
    hits: u64,
}

impl Observer for Shadow {
    fn observe(&mut self, interval: &Interval<'_>) -> u64 {
        let from = interval.allocation.0;
        let to = from.saturating_add(self.frames);
        let shadow = |&&distance: &&u32| {
            let distance = u64::from(distance);
            from < distance && distance <= to
        };
        let distances = interval.parts().flat_map(|part| part.distances);
        self.hits = distances.filter(shadow).count() as u64;
        0
    }

    fn report(&self, seen: &mut Seen) {
        seen.shadow_hits = self.hits;
    }
}
