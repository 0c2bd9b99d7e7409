//! Replacement: the algorithm inside a VM that picks the page to evict.
//!
//! [`ALL`] is the one list of them: names, help, scenario keys and the loops of the property tests
//! come from it.

mod lru;
mod lru_list;
pub(crate) mod ring;

use std::sync::Arc;

use crate::knobs::{Knob, Settings};
use crate::trace::{PageId, Trace};
use crate::units::{Frames, Ticks};

/// A replacement algorithm as the scenario names it.
#[derive(Debug)]
pub struct ReplacementKind {
    /// The name in scenario files.
    pub name: &'static str,
    /// What it does, in one sentence without a full stop.
    pub summary: &'static str,
    /// Authors, title, venue and year of the algorithm.
    pub follows: &'static str,
    /// Its parameters.
    pub knobs: &'static [Knob],
    /// Makes it.
    pub build: Build,
    /// Makes it in the form that has its lists laid out, for those who want to see them; its
    /// counts are the same.
    pub build_shown: Build,
}

/// Makes an algorithm for a VM that replays `trace` and starts with no page and `frames` frames.
pub type Build = fn(&Settings, trace: &Arc<Trace>, frames: Frames) -> Box<dyn Replacement>;

/// Every replacement algorithm, in the order in which they are listed.
pub const ALL: &[ReplacementKind] = &[lru::KIND];

/// What a VM's accesses came to.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Counts {
    /// Accesses made.
    pub accesses: u64,
    /// Accesses to a page that was not resident.
    pub demand_faults: u64,
    /// Demand faults at the first access ever to their page.
    pub cold_faults: u64,
    /// Demand faults that had to evict a resident page.
    pub replacement_misses: u64,
}

impl Counts {
    /// Accesses that found their page resident.
    pub fn hits(&self) -> u64 {
        self.accesses - self.demand_faults
    }

    /// Demand faults that are not cold.
    pub fn capacity_faults(&self) -> u64 {
        self.demand_faults - self.cold_faults
    }

    /// Demand faults into an empty frame.
    pub fn fills(&self) -> u64 {
        self.demand_faults - self.replacement_misses
    }

    /// Adds the counts of another stretch of accesses.
    pub fn add(&mut self, other: Self) {
        self.accesses += other.accesses;
        self.demand_faults += other.demand_faults;
        self.cold_faults += other.cold_faults;
        self.replacement_misses += other.replacement_misses;
    }
}

/// The accesses that a VM may make before it must stop for others.
#[derive(Clone, Copy, Debug)]
pub struct Stretch {
    /// The position in the trace of the first access.
    pub from: u64,
    /// Whether this pass over the trace is its first; cold faults happen in no other.
    pub first_pass: bool,
    /// Ticks left: an access may start while fewer have been spent. At least 1.
    pub budget: Ticks,
    /// Ticks that each access takes; at least 1.
    pub period: Ticks,
    /// Ticks that each demand fault takes on top.
    pub fault_cost: Ticks,
}

/// What one access did.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Touch {
    /// The page was resident.
    Hit,
    /// The page was not resident and went into an empty frame.
    Fill,
    /// The page was not resident and took the frame of another.
    Replacement,
}

/// Makes the accesses of a stretch, asking `touch` about the first access of each run; the others
/// of a run are hits that change nothing. Inlined into each algorithm, so nothing is dispatched
/// inside a stretch.
#[inline(always)]
fn drive(trace: &Trace, stretch: Stretch, mut touch: impl FnMut(PageId) -> Touch) -> Counts {
    let Stretch { from, budget, period, fault_cost, .. } = stretch;
    let end = stretch.end_without_faults(trace);
    let mut counts = Counts::default();
    for run in trace.runs(from, end) {
        let mut accesses = run.accesses;
        match touch(run.page) {
            Touch::Hit => {}
            Touch::Fill => counts.demand_faults += 1,
            Touch::Replacement => {
                counts.demand_faults += 1;
                counts.replacement_misses += 1;
            }
        }
        if fault_cost.0 > 0 {
            // The first access has started; the rest of the run starts while ticks are left.
            let spent = (counts.accesses + 1) * period.0 + counts.demand_faults * fault_cost.0;
            let affordable = budget.0.saturating_sub(spent).div_ceil(period.0);
            accesses = accesses.min(1 + affordable);
            counts.accesses += accesses;
            if affordable < run.accesses {
                break;
            }
        } else {
            counts.accesses += accesses;
        }
    }
    counts.cold_faults = cold_faults(trace, stretch, counts.accesses);
    counts
}

/// Cold faults among the first accesses of a stretch: every first use of a page is a demand fault,
/// whatever the algorithm.
fn cold_faults(trace: &Trace, stretch: Stretch, accesses: u64) -> u64 {
    if !stretch.first_pass {
        return 0;
    }
    let new = trace.distinct_before(stretch.from + accesses) - trace.distinct_before(stretch.from);
    new as u64
}

impl Stretch {
    /// Where the stretch ends if no access faults or faults cost nothing.
    fn end_without_faults(&self, trace: &Trace) -> u64 {
        trace.accesses().min(self.from.saturating_add(self.budget.0.div_ceil(self.period.0)))
    }
}

/// A replacement algorithm at work in one VM.
///
/// The simulator makes one for each VM, from that VM's trace and first allocation, and then calls
/// [`run`](Self::run) for stretch after stretch: each begins where the one before ended, or at 0
/// again for the next pass of a repeating VM. Between stretches it may call
/// [`resize`](Self::resize). No call depends on another VM.
pub trait Replacement: Send {
    /// Makes accesses from `stretch.from` on until the trace ends or the stretch's ticks are spent;
    /// at least one.
    fn run(&mut self, stretch: Stretch) -> Counts;

    /// Sets the allocation, at least 1 frame. On a shrink below the resident count the algorithm
    /// evicts pages by its own rule until they fit; frames gained are empty.
    fn resize(&mut self, frames: Frames);

    /// The number of resident pages.
    fn resident(&self) -> Frames;

    /// The resident pages in the algorithm's own order, the last the next to go.
    fn order(&self) -> Vec<PageId>;

    /// Re-derives every count and walks every link; for tests.
    ///
    /// # Panics
    /// If the algorithm's state contradicts itself.
    fn audit(&self);
}
