//! `next-uses`: the next uses of the pages at each VM's LRU end. Knows the future.
//!
//! *Idea.* For a policy that pools frames, the LRU end of a VM includes the next uses of its page
//! and of the pages that would be evicted after it, at the VM's nominal pace.
//! *Follows.* L. A. Belady, "A study of replacement algorithms for a virtual-storage computer", IBM
//! Systems Journal 5(2), 1966, for the knowledge of next uses.
//! *Departs.* It measures nothing at checkpoints: the results are in
//! [`LruEnd`](crate::balance::LruEnd) for the policies that declare it.
//! *Cost.* 8 bytes per run; O(depth) per VM at a fault that draws a frame.
//! *Parameters.* `depth`: the number of pages of each VM (32, ours).

use super::{Interval, Observer, ObserverKind, Seen};
use crate::params::{Domain, Param, Value};
use crate::trace::reduction::OnReduced;
use crate::units::Footprint;

/// The observer `next-uses`.
pub const NEXT_USES: ObserverKind = ObserverKind {
    name: "next-uses",
    summary: "the next uses of the pages at each VM's LRU end, at faults that draw a frame; knows \
              the future",
    follows: "L. A. Belady, A study of replacement algorithms for a virtual-storage computer, IBM \
              Systems Journal 5(2), 1966",
    params: &[DEPTH],
    knows_the_future: true,
    on_reduced: OnReduced::Inexact,
    footprint: Footprint { page: 8, frame: 0, run: 8 },
    build: |_, _| Box::new(AtFaults),
};

/// The number of pages examined.
pub const DEPTH: Param = Param {
    name: "depth",
    doc: "pages of each VM, from its LRU end on, whose next uses are known",
    domain: Domain::Integer { min: 1, max: 65_536 },
    default: Value::Integer(32),
};

struct AtFaults;

impl Observer for AtFaults {
    fn observe(&mut self, _: &Interval<'_>) -> u64 {
        0
    }

    fn report(&self, _: &mut Seen) {}
}
