//! `next-uses`: when the page at each VM's LRU end is used next. Knows the future.
//!
//! *Idea.* A policy that pools frames is told, with the LRU end of a VM, when its page is used next
//! if nothing delays the VM. *Follows.* L. A. Belady, "A study of replacement algorithms for a
//! virtual-storage computer", IBM Systems Journal 5(2), 1966, for what is known. *Departs.* It
//! measures nothing at checkpoints: the answers are in [`LruEnd`](crate::balance::LruEnd), for the
//! policies that declare it. *Cost.* 8 bytes a run. *Parameters.* None.

use super::{Interval, Observer, ObserverKind, Seen};
use crate::trace::reduction::OnReduced;

/// See the module.
pub const NEXT_USES: ObserverKind = ObserverKind {
    name: "next-uses",
    summary: "when the page at each VM's LRU end is used next, told at faults that draw a frame",
    follows: "L. A. Belady, A study of replacement algorithms for a virtual-storage computer, IBM \
              Systems Journal 5(2), 1966",
    params: &[],
    knows_the_future: true,
    on_reduced: OnReduced::Inexact,
    build: |_, _| Box::new(AtFaults),
};

struct AtFaults;

impl Observer for AtFaults {
    fn observe(&mut self, _: &Interval<'_>) -> u64 {
        0
    }

    fn report(&self, _: &mut Seen) {}
}
