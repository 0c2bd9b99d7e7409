//! Observers: what a policy may see of a VM beyond its counts.
//!
//! A policy declares its observers. The simulator creates one of each for every VM, passes it the
//! accesses of each interval before it calls the policy, and puts the measurements into the view as
//! [`Seen`]. Observers use data that the run has anyway (stack distances, counts), so they are
//! cheap to simulate. They count the accesses that a real hypervisor would have to intercept; a
//! scenario can charge these to the VM (`cost.trap`). [`ALL`] is the only list of observers.

mod active;
mod curve;
mod foreseen;
mod hot_cold;
mod intermittent;
mod next_uses;
mod reuse_ages;
mod sampled_curve;
mod shadow;
mod window;

use std::sync::Arc;

use crate::params::{Param, Settings};
use crate::random::Stream;
use crate::replace::{Counts, Delays};
use crate::trace::index::StackDistances;
use crate::trace::reduction::OnReduced;
use crate::trace::{PageId, Trace};
use crate::units::{Decimal, Footprint, Frames, Ticks};

pub use active::{ACTIVE, SAMPLES};
pub use curve::{CURVE, DECAY};
pub use foreseen::{COMING, WHOLE};
pub use hot_cold::{HOT, HOT_COLD, HOT_SET, TRAPS_HIGH, TRAPS_LOW};
pub use intermittent::{INTERMITTENT, MOVED, STABLE};
pub use next_uses::{DEPTH, NEXT_USES};
pub use reuse_ages::{AGES_DECAY, Ages, REUSE_AGES};
pub use sampled_curve::{RATE, SAMPLED_CURVE};
pub(crate) use shadow::shadow_frames;
pub use shadow::{SHADOW, SHADOW_OF_SIZE, SHADOW_SHARE, SHADOW_SIZE};
pub use window::WINDOW;

/// A kind of observer, as policies declare it.
#[derive(Debug)]
#[non_exhaustive]
pub struct ObserverKind {
    /// Its name in lists.
    pub name: &'static str,
    /// What it measures, in one sentence without a full stop.
    pub summary: &'static str,
    /// Authors, title, venue and year of the method.
    pub follows: &'static str,
    /// Its parameters, which the policies that declare it inherit.
    pub params: &'static [Param],
    /// Whether it knows the future. A policy that declares such an observer is a yardstick.
    pub knows_the_future: bool,
    /// Whether it is exact on a reduced trace.
    pub on_reduced: OnReduced,
    /// The most memory that its state takes in one VM.
    pub footprint: Footprint,
    /// Builds it for a VM from the settings of the policy that declares it.
    pub build: fn(&Settings, Subject) -> Box<dyn Observer>,
}

/// Every observer, in the order in which they are listed.
pub const ALL: &[&ObserverKind] = &[
    &CURVE,
    &SAMPLED_CURVE,
    &HOT_COLD,
    &INTERMITTENT,
    &ACTIVE,
    &WINDOW,
    &SHADOW,
    &SHADOW_OF_SIZE,
    &REUSE_AGES,
    &COMING,
    &WHOLE,
    &NEXT_USES,
];

/// The VM that an observer is for.
#[derive(Debug)]
pub struct Subject {
    /// Its trace. An observer reads it interval by interval, never ahead.
    pub trace: Arc<Trace>,
    /// The most frames that it may hold: its configured memory.
    pub memory: Frames,
    /// All frames of its host.
    pub host: Frames,
    /// The random stream of this observer of this VM, "vm/NAME/OBSERVER".
    pub rng: Stream,
}

/// An observer at work on one VM.
///
/// At each checkpoint while the VM is present, the simulator calls [`observe`](Self::observe) with
/// everything since the previous checkpoint, and then [`report`](Self::report).
pub trait Observer: Send {
    /// Observes an interval. Returns the number of accesses that it had to intercept.
    fn observe(&mut self, interval: &Interval<'_>) -> u64;

    /// Writes its measurements to its part of `seen`, overwriting earlier ones.
    fn report(&self, seen: &mut Seen);
}

/// What happened to a VM since the previous checkpoint.
#[derive(Debug)]
pub struct Interval<'a> {
    /// The VM's trace.
    pub trace: &'a Trace,
    /// The VM's first access of the interval, numbered over all passes.
    pub from: u64,
    /// The first access after the interval.
    pub to: u64,
    /// The counts of these accesses.
    pub counts: Counts,
    /// The length of the interval.
    pub ticks: Ticks,
    /// The delays of the VM's faults.
    pub delays: Delays,
    /// The frames that the VM held.
    pub allocation: Frames,
    /// The pages that were resident at its end.
    pub resident: Frames,
    /// The number of accesses that the VM makes in the next interval at its nominal pace, for
    /// observers that know the future.
    pub coming: u64,
}

/// Accesses of one pass over the trace, run by run.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct Part<'a> {
    /// The pages of the runs that begin in this part.
    pub pages: &'a [PageId],
    /// Their LRU stack distances.
    pub distances: StackDistances<'a>,
    /// The number of frames with which each of them hits in a VM of a fixed size; without frees,
    /// their distances.
    pub positions: StackDistances<'a>,
    /// The pages that are freed after these runs, and the LRU stack distance of each.
    pub freed: &'a [PageId],
    /// Likewise.
    pub freed_depths: &'a [u32],
}

impl Part<'_> {
    /// Goes on counting the pages of an interval that are in use, and tells the runs of this part
    /// that add one: a stack that starts empty grows at the first use of each page and shrinks when
    /// one of its pages is freed.
    pub fn count_in_use(&self, pages: &mut u32, grows: impl FnMut(usize)) {
        self.distances.grow(pages, u64::MAX, grows);
        for depth in self.freed_depths {
            *pages -= u32::from(depth <= pages);
        }
    }
}

impl<'a> Interval<'a> {
    /// The number of accesses.
    pub fn accesses(&self) -> u64 {
        self.to - self.from
    }

    /// The runs that begin in the interval, cut where a pass over the trace ends or pages are
    /// freed. All other accesses of the interval repeat the page of the access before: distance 1.
    pub fn parts(&self) -> impl Iterator<Item = Part<'a>> + use<'a> {
        parts(self.trace, self.from, self.to)
    }
}

/// The runs that begin among the accesses `from..to`, cut where a pass over the trace ends or pages
/// are freed.
fn parts(trace: &Trace, mut from: u64, to: u64) -> impl Iterator<Item = Part<'_>> {
    std::iter::from_fn(move || {
        (from < to).then(|| {
            let length = trace.accesses();
            let pass = from / length;
            let (begin, end) = (from % length, length.min(to - pass * length));
            let end = end.min(trace.next_free(begin));
            from = pass * length + end;
            let runs = trace.runs_before(begin)..trace.runs_before(end);
            let is_first = pass == 0;
            let (freed, freed_depths) = match trace.frees() {
                None => (&[][..], &[][..]),
                Some(frees) => {
                    let range = trace.frees_until(end - 1)..trace.frees_until(end);
                    (&frees.pages()[range.clone()], &trace.free_depths(is_first)[range])
                }
            };
            Part {
                pages: &trace.run_pages()[runs.clone()],
                distances: trace.distances_of(is_first, runs.clone()),
                positions: trace.positions_of(is_first, runs),
                freed,
                freed_depths,
            }
        })
    })
}

/// One VM's measurements by the observers that a policy declares. The parts of other observers are
/// empty.
#[derive(Clone, Debug, Default)]
#[non_exhaustive]
pub struct Seen {
    /// Of [`CURVE`], [`SAMPLED_CURVE`], [`HOT_COLD`], [`INTERMITTENT`], [`COMING`] or [`WHOLE`].
    pub curve: Curve,
    /// Of [`ACTIVE`].
    pub active: Active,
    /// Of [`WINDOW`].
    pub window: Window,
    /// Of [`SHADOW`] or [`SHADOW_OF_SIZE`]: hits that a few more frames would have produced.
    pub shadow_hits: u64,
    /// Of [`REUSE_AGES`].
    pub ages: Ages,
}

/// LRU demand faults by number of frames, over an observer's window. All counts are weights:
/// [`ONE`](Self::ONE) is an access of the latest interval.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct Curve {
    /// The accesses of the window that were seen.
    pub accesses: u64,
    /// Cold faults, which no number of frames prevents; included in all entries of `faults`.
    pub cold: u64,
    /// The faults with 0 frames, 1 frame and so on; non-increasing. The last entry also applies to
    /// more frames.
    pub faults: Vec<u64>,
    /// The curve is unknown below this number of frames.
    pub hidden: Frames,
}

impl Curve {
    /// The fractional bits of weights. Without them an access would lose its whole weight at the
    /// first decay, however slow the decay.
    const PLACES: u32 = 8;

    /// The weight of an access in the latest interval.
    pub const ONE: u64 = 1 << Self::PLACES;

    /// The faults of the window with this number of frames.
    pub fn at(&self, frames: Frames) -> u64 {
        let last = self.faults.len().saturating_sub(1);
        let at = usize::try_from(frames.0).map_or(last, |frames| frames.min(last));
        self.faults.get(at).copied().unwrap_or(0)
    }

    /// The fewest frames from which on the faults do not change.
    pub fn useful(&self) -> Frames {
        let least = self.faults.last().copied().unwrap_or(0);
        Frames(self.faults.iter().position(|&faults| faults == least).unwrap_or(0) as u64)
    }

    /// The fewest frames with which the preventable faults are at most this share of the accesses:
    /// an estimate of the working set.
    pub fn needed(&self, miss_ratio: Decimal) -> Frames {
        let allowed = u128::from(self.accesses) * u128::from(miss_ratio.digits);
        let within = |&faults: &u64| {
            let reused = faults.saturating_sub(self.cold);
            u128::from(reused) * u128::from(miss_ratio.denominator()) <= allowed
        };
        Frames(self.faults.iter().position(within).unwrap_or(0) as u64)
    }

    /// Computes the tail sums of a histogram of distances whose last entry holds the cold runs.
    fn of_histogram(&mut self, accesses: u64, histogram: &[u64]) {
        let (cold, reused) = histogram.split_last().expect("a histogram has a cold entry");
        self.accesses = accesses;
        self.cold = *cold;
        self.faults.clear();
        self.faults.resize(reused.len(), 0);
        let mut deeper = *cold;
        for (faults, &count) in self.faults[..].iter_mut().zip(reused).skip(1).rev() {
            *faults = deeper;
            deeper += count;
        }
        if let Some(none) = self.faults.first_mut() {
            *none = accesses;
        }
    }
}

/// An estimate of how much of its memory a VM uses.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct Active {
    /// The estimate: pages in use as a share of the VM's configured memory, in units of 2⁻¹⁶.
    pub fraction: u32,
    /// The same, in frames of the VM's configured memory.
    pub frames: Frames,
}

/// A guest's own statistics of an interval.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct Window {
    /// Distinct pages used in the interval and not freed since.
    pub distinct: Frames,
    /// Committed memory: the pages used since the VM started and not freed since.
    pub committed: Frames,
    /// Demand faults on pages that were resident before: pages swapped in.
    pub swapped_in: u64,
    /// Pages in use and not resident: pages in swap.
    pub in_swap: Frames,
    /// The length of the interval in ticks, and the ticks for which the VM waited for swap-ins.
    pub ticks: Ticks,
    /// Part of `ticks`.
    pub stalled: Ticks,
}
