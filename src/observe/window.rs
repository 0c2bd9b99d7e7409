//! `window`: a guest's own statistics: working set, committed memory, swap, stalls.
//!
//! *Idea.* Counts the distinct pages used in the interval, the pages in use (committed memory), and
//! the capacity faults (swap-ins) with the time that they take.
//! *Follows.* P. J. Denning, "The working set model for program behavior", CACM 11(5), 1968, for
//! the working set. Pressure stall information has the meaning of J. Weiner et al., "TMO:
//! transparent memory offloading in datacenters", ASPLOS 2022.
//! *Departs.* The window is the interval. A page that is freed within it leaves its working set.
//! Committed memory is what was used and not freed since; memory that a guest has promised to a
//! program and that the program has not touched is unknown to a trace.
//! *Cost.* One comparison per run; a real guest keeps these statistics anyway.
//! *Parameters.* None; `cost.fault` and `cost.swap_in` set the length of a stall.

use std::sync::Arc;

use super::{Interval, Observer, ObserverKind, Seen, Subject, Window};
use crate::replace::Delays;
use crate::trace::Trace;
use crate::trace::reduction::OnReduced;
use crate::units::{Footprint, Frames, Ticks};

/// The observer `window`.
pub const WINDOW: ObserverKind = ObserverKind {
    name: "window",
    summary: "distinct pages of the interval, committed memory, swap and stall time",
    follows: "P. J. Denning, The working set model for program behavior, CACM 11(5), 1968",
    params: &[],
    knows_the_future: false,
    on_reduced: OnReduced::Blocks,
    footprint: Footprint { page: 0, frame: 0, run: 0 },
    build: |_, subject| Box::new(GuestStatistics::new(subject)),
};

struct GuestStatistics {
    trace: Arc<Trace>,
    window: Window,
}

impl GuestStatistics {
    fn new(subject: Subject) -> Self {
        Self { trace: subject.trace, window: Window::default() }
    }
}

impl Observer for GuestStatistics {
    fn observe(&mut self, interval: &Interval<'_>) -> u64 {
        // If the first access continues a run of the previous interval, its page counts too.
        let continues = interval.from < interval.to
            && !self.trace.begins_run(interval.from % self.trace.accesses());
        let mut distinct = u32::from(continues);
        for part in interval.parts() {
            part.count_in_use(&mut distinct, |_| {});
        }
        let committed = self.trace.in_use(interval.to);
        let counts = interval.counts;
        let Delays { fault, swap_in, .. } = interval.delays;
        self.window = Window {
            distinct: Frames(u64::from(distinct)),
            committed: Frames(committed),
            swapped_in: counts.capacity_faults(),
            in_swap: Frames(committed.saturating_sub(interval.resident.0)),
            ticks: interval.ticks,
            stalled: Ticks(counts.capacity_faults() * (fault.0 + swap_in.0)),
        };
        0
    }

    fn report(&self, seen: &mut Seen) {
        seen.window = self.window;
    }
}
