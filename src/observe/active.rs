//! `active`: the share of its memory that a VM uses, from a sample of its pages.
//!
//! *Idea.* At the start of a period, pages are drawn at random and their mappings dropped; the
//! first touch of each is intercepted. The share of sampled pages that was touched, smoothed, is
//! the estimate.
//! *Follows.* C. A. Waldspurger, "Memory resource management in `VMware` ESX Server", OSDI 2002:
//! 100 pages per period; the estimate is the largest of a slow average, a fast one, and a fast one
//! that gives the latest sample full weight, so that it rises quickly and falls slowly.
//! *Departs.* A period is a checkpoint interval. In the paper it is measured in the VM's execution
//! time, so an idle phase ends no period there; here an idle interval is a sample without touches.
//! The gains of the averages are not published; ours are 1/8 and 1/2. The averages start at the
//! first sample and are kept in units of 2⁻¹⁶; changes are rounded towards zero. A sampled page
//! that the VM has never used counts as untouched. In the paper the third average includes the
//! unfinished period; at a checkpoint no period is unfinished, so it is the latest sample itself.
//! *Cost.* One table look-up per run; on a real machine one trap for each sampled page touched.
//! *Parameters.* `samples`: pages drawn each period (default 100, the paper's).

use std::sync::Arc;

use super::{Active, Interval, Observer, ObserverKind, Seen, Subject};
use crate::params::{Domain, Param, Settings, Value};
use crate::random::Stream;
use crate::trace::Trace;
use crate::trace::reduction::OnReduced;
use crate::units::{Footprint, Frames};

/// The observer `active`.
pub const ACTIVE: ObserverKind = ObserverKind {
    name: "active",
    summary: "the share of its memory that a VM uses, from a sample of its pages",
    follows: "C. A. Waldspurger, Memory resource management in VMware ESX Server, OSDI 2002",
    params: &[SAMPLES],
    knows_the_future: false,
    on_reduced: OnReduced::Inexact,
    footprint: Footprint { page: 8, frame: 0, run: 0 },
    build: |settings, subject| Box::new(TouchSampler::new(settings, subject)),
};

/// The number of pages drawn.
pub const SAMPLES: Param = Param {
    name: "samples",
    doc: "pages drawn in each interval; the paper's",
    domain: Domain::Integer { min: 1, max: 1_000_000 },
    default: Value::Integer(100),
};

/// Estimates are in units of 2⁻¹⁶.
const ONE: u32 = 1 << 16;

struct TouchSampler {
    trace: Arc<Trace>,
    /// The size of the VM's configured memory, in pages.
    memory: u64,
    samples: u64,
    rng: Stream,
    /// For each page, the interval in which it was last drawn.
    drawn: Vec<u32>,
    interval: u32,
    slow: u32,
    fast: u32,
    latest: u32,
}

impl TouchSampler {
    fn new(settings: &Settings, subject: Subject) -> Self {
        // A VM may use more pages than its configured memory; those are sampled too.
        let memory = subject.memory.0.max(subject.trace.distinct_pages() as u64);
        Self {
            memory,
            samples: settings.integer(SAMPLES.name).min(memory),
            rng: subject.rng,
            drawn: vec![0; subject.trace.distinct_pages()],
            trace: subject.trace,
            interval: 0,
            slow: 0,
            fast: 0,
            latest: 0,
        }
    }

    /// Draws this interval's pages, each at most once. Pages that the trace never uses need no
    /// mark.
    fn draw_pages(&mut self) {
        self.interval += 1;
        let mut left = self.samples;
        let mut unused_drawn = 0;
        let used = self.trace.distinct_pages() as u64;
        while left > 0 {
            let page = self.rng.below(self.memory - unused_drawn);
            if page >= used {
                unused_drawn += 1;
                left -= 1;
            } else {
                // Branch-free: whether the page is new is random and would be mispredicted.
                let drawn = std::mem::replace(&mut self.drawn[page as usize], self.interval);
                left -= u64::from(drawn != self.interval);
            }
        }
    }
}

impl Observer for TouchSampler {
    fn observe(&mut self, interval: &Interval<'_>) -> u64 {
        self.draw_pages();
        let mut touched = 0;
        let mut distinct = 0;
        for part in interval.parts() {
            part.count_in_use(&mut distinct, |at| {
                let drawn = &mut self.drawn[part.pages[at] as usize];
                touched += u64::from(*drawn == self.interval);
                // A page that is freed and used again is the first use of another.
                *drawn = 0;
            });
        }
        let sample = (touched * u64::from(ONE) / self.samples) as u32;
        let average = |old: u32, gain: u32| old - old / gain + sample / gain;
        let first = self.interval == 1;
        self.slow = if first { sample } else { average(self.slow, 8) };
        self.fast = if first { sample } else { average(self.fast, 2) };
        self.latest = sample;
        touched
    }

    fn report(&self, seen: &mut Seen) {
        let fraction = self.slow.max(self.fast).max(self.latest);
        let frames = u128::from(self.memory) * u128::from(fraction) / u128::from(ONE);
        seen.active = Active { fraction, frames: Frames(frames as u64) };
    }
}
