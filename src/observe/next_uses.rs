//! `next-uses`: when the pages at each VM's LRU end are used next. Knows the future.
//!
//! *Idea.* A policy that pools frames is told, with the LRU end of a VM, when its page and the ones
//! that would go after it are used next if nothing delays the VM.
//! *Follows.* L. A. Belady, "A study of replacement algorithms for a virtual-storage computer", IBM
//! Systems Journal 5(2), 1966, for what is known.
//! *Departs.* It measures nothing at checkpoints: the answers are in
//! [`LruEnd`](crate::balance::LruEnd), for the policies that declare it.
//! *Cost.* 8 bytes a run; O(depth) a VM at a fault that draws a frame.
//! *Parameters.* `depth`: of so many pages of each VM (32, ours).

use super::{Interval, Observer, ObserverKind, Seen};
use crate::params::{Domain, Param, Value};
use crate::trace::reduction::OnReduced;
use crate::units::Footprint;

/// See the module.
pub const NEXT_USES: ObserverKind = ObserverKind {
    name: "next-uses",
    summary: "when the pages at each VM's LRU end are used next, told at faults that draw a frame",
    follows: "L. A. Belady, A study of replacement algorithms for a virtual-storage computer, IBM \
              Systems Journal 5(2), 1966",
    params: &[DEPTH],
    knows_the_future: true,
    on_reduced: OnReduced::Inexact,
    footprint: Footprint { page: 8, frame: 0, run: 8 },
    build: |_, _| Box::new(AtFaults),
};

/// How far it looks.
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
