//! Replacement page by page: what all algorithms that see every access have in common.
//!
//! [`Paged`] drives an [`Algorithm`] through stretches of accesses, keeps the counts, and reports
//! frame events to a [`Sink`]. The loop is monomorphised for each algorithm and sink, so there is
//! no dynamic dispatch inside a stretch.

use std::sync::Arc;

use super::algorithm::{Accesses, Algorithm, Touch};
use super::beneath::{Beneath, evict};
use super::host_pager::HostPager;
use super::pager::Pager;
use super::shared_pages::SharedPages;
use super::sink::{Dirty, Null, Sink};
use super::{Counts, Delays, FrameEvent, Guest, List, Replacement, Stretch};
use crate::reclaim::PagingCounts;
use crate::trace::{PageId, Trace};
use crate::units::{Frames, Ticks};

/// The number of runs announced at a time.
const READ_AHEAD: usize = 16;

/// An [`Algorithm`] as a [`Replacement`].
pub struct Paged<A> {
    trace: Arc<Trace>,
    algorithm: A,
    beneath: Option<Beneath>,
}

impl<A: Algorithm + 'static> Paged<A> {
    /// Boxes an algorithm for a guest.
    pub fn boxed(guest: &Guest<'_>, algorithm: A) -> Box<dyn Replacement> {
        let beneath = Beneath::of(guest);
        Box::new(Self { trace: Arc::clone(guest.trace), algorithm, beneath })
    }
}

impl<A: Algorithm + 'static> Replacement for Paged<A> {
    fn run_into(&mut self, stretch: Stretch, events: Option<&mut Vec<FrameEvent>>) -> Counts {
        let Self { trace, algorithm, beneath } = self;
        match beneath {
            None if events.is_none() => drive(trace, stretch, algorithm, &mut Null),
            None => drive(trace, stretch, algorithm, &mut (None::<&mut Dirty>, events)),
            Some(Beneath::Disk(dirty)) => {
                drive(trace, stretch, algorithm, &mut (Some(dirty), events))
            }
            Some(Beneath::Host(pager)) => {
                drive(trace, stretch, algorithm, &mut (&mut **pager, events))
            }
            Some(Beneath::Shared(pages)) => {
                drive(trace, stretch, algorithm, &mut (&mut **pages, events))
            }
        }
    }

    fn resize_into(&mut self, frames: Frames, events: Option<&mut Vec<FrameEvent>>) -> u64 {
        if let Some(pager) = self.beneath.as_mut().and_then(Beneath::pager_mut) {
            pager.resize(frames);
            return 0;
        }
        self.resize_guest_into(frames, events)
    }

    fn resize_guest_into(
        &mut self,
        frames: Frames,
        mut events: Option<&mut Vec<FrameEvent>>,
    ) -> u64 {
        if let Some(pages) = self.shared_pages_mut() {
            pages.set_frames(frames.0);
        }
        let mut write_backs = 0;
        let beneath = &mut self.beneath;
        self.algorithm.resize(frames.0, |page| {
            write_backs += evict(beneath, &mut events, page);
        });
        write_backs
    }

    fn resident(&self) -> Frames {
        let pager = self.beneath.as_ref().and_then(Beneath::pager);
        pager.map_or(Frames(self.algorithm.resident()), HostPager::backed)
    }

    fn waited(&self) -> u64 {
        self.beneath.as_ref().and_then(Beneath::pager).map_or(0, HostPager::waited)
    }

    fn paging(&self) -> Option<&PagingCounts> {
        Some(self.beneath.as_ref()?.pager()?.counts())
    }

    fn shared_pages(&self) -> Option<&SharedPages> {
        self.beneath.as_ref()?.shared()
    }

    fn shared_pages_mut(&mut self) -> Option<&mut SharedPages> {
        self.beneath.as_mut()?.shared_mut()
    }

    fn into_pager(self: Box<Self>) -> Box<dyn Pager> {
        Box::new(self.algorithm)
    }

    fn lists(&self) -> Vec<List> {
        self.algorithm.lists()
    }

    fn audit(&self) {
        self.algorithm.audit();
        let resident = self.resident_pages().len() as u64;
        assert_eq!(resident, self.algorithm.resident(), "resident pages are in lists");
        if let Some(pager) = self.beneath.as_ref().and_then(Beneath::pager) {
            pager.audit();
        }
    }
}

/// Makes the accesses of a stretch and the frees after them, and reports frame events to `sink`.
#[inline(always)]
pub(super) fn drive(
    trace: &Trace,
    stretch: Stretch,
    accesses: &mut impl Accesses,
    sink: &mut impl Sink,
) -> Counts {
    let mut counts = Counts::default();
    let mut part = stretch;
    loop {
        let frees_at = trace.next_free(part.from);
        part.most = part.most.min(frees_at - part.from);
        let is_first = counts.accesses == 0;
        let (made, is_over) = drive_accesses(trace, part, is_first, accesses, sink);
        counts.add(made);
        part.from = stretch.from + counts.accesses;
        if part.from != frees_at {
            return counts;
        }
        for &page in trace.freed_after(frees_at - 1) {
            sink.freed(page);
            if accesses.free(page) {
                sink.tell(FrameEvent::Free { page });
            }
        }
        let spent =
            stretch.tempo.ticks(trace, stretch.from, part.from) + stretch.delays.of(&counts);
        part.budget = Ticks(stretch.budget.0.saturating_sub(spent));
        part.most = stretch.most - counts.accesses;
        if is_over || part.budget == Ticks(0) || part.most == 0 || part.from == trace.accesses() {
            return counts;
        }
    }
}

/// Makes the accesses of a stretch within which no page is freed, and says whether the stretch ends
/// because of the last of them or the next. The first access of all is made in any case.
#[inline(always)]
fn drive_accesses(
    trace: &Trace,
    stretch: Stretch,
    is_first: bool,
    accesses: &mut impl Accesses,
    sink: &mut impl Sink,
) -> (Counts, bool) {
    let Stretch { from, budget, tempo, delays, .. } = stretch;
    let end = stretch.end_without_delays(trace);
    let mut counts = Counts::default();
    let timed = delays.are_some() || accesses.takes_time() || sink.takes_time();
    let runs_end = trace.runs_before(end);
    make_room(trace, stretch, runs_end, accesses, sink);
    let first_run = trace.runs_before(from + 1) - 1;
    let (mut announced, mut is_over) = (first_run, false);
    let mut at = from;
    for (run_at, run) in (first_run..).zip(trace.runs(from, end)) {
        if run_at >= announced {
            announced = (run_at + READ_AHEAD).min(runs_end);
            accesses.read_ahead(&trace.run_pages()[run_at..announced]);
        }
        let (page, mut until) = (run.page, at + run.accesses);
        if let Some(alone) = sink.alone(page, at..until) {
            is_over = true;
            until = until.min(at + alone.max(u64::from(is_first && at == from)));
            if until == at {
                break;
            }
        }
        touch(accesses, sink, (page, at), &mut counts);
        accesses.charge(&mut counts);
        sink.charge(&mut counts);
        if timed {
            // The first use of a page is always a fault.
            let is_cold = trace.is_cold(stretch.first_pass, run_at) && trace.begins_run(at);
            counts.cold_faults += u64::from(is_cold);
            // The first access has started; the run's others start as long as ticks are left.
            let left = budget.0.saturating_sub(delays.of(&counts));
            until = until.min(tempo.reach(trace, from, left).max(at + 1));
        }
        if until - at > 1 {
            accesses.again(page, at + 1, until - at - 1);
        }
        sink.used(page, at..until);
        if is_over {
            sink.charge(&mut counts);
        }
        at = until;
        if timed {
            let nominal = tempo.ticks(trace, from, at);
            if nominal + delays.of(&counts) >= budget.0 {
                break;
            }
        }
        if is_over {
            break;
        }
    }
    counts.accesses = at - from;
    if !timed && (stretch.first_pass || trace.has_frees()) {
        counts.cold_faults = cold_faults(trace, stretch, counts.accesses);
    }
    (counts, is_over)
}

/// Uses a page, and counts and tells what that did with frames.
#[inline(always)]
fn touch(
    accesses: &mut impl Accesses,
    sink: &mut impl Sink,
    (page, position): (PageId, u64),
    counts: &mut Counts,
) {
    match accesses.touch(page, position) {
        Touch::Hit => sink.hit(page, position),
        Touch::Fill => {
            counts.demand_faults += 1;
            counts.write_backs += sink.tell(FrameEvent::Fill { position, page });
        }
        Touch::Replacement(victim) => {
            counts.demand_faults += 1;
            counts.replacement_misses += 1;
            counts.write_backs += sink.tell(FrameEvent::Replacement { position, page, victim });
        }
        Touch::Reclaimed => {
            counts.demand_faults += 1;
            counts.replacement_misses += 1;
            for &page in accesses.reclaimed() {
                counts.write_backs += sink.tell(FrameEvent::Eviction { page });
            }
            counts.write_backs += sink.tell(FrameEvent::Fill { position, page });
        }
    }
}

/// Makes room for the pages of a stretch up to this run.
#[inline(always)]
fn make_room(
    trace: &Trace,
    stretch: Stretch,
    runs_end: usize,
    accesses: &mut impl Accesses,
    sink: &mut impl Sink,
) {
    let used =
        if stretch.first_pass { trace.distinct_in_runs(runs_end) } else { trace.distinct_pages() };
    accesses.make_room(used);
    sink.make_room(used);
}

/// Cold faults among the first `accesses` accesses of a stretch: under every algorithm, the first
/// use of a page, or the first since it was freed, is a demand fault.
pub(super) fn cold_faults(trace: &Trace, stretch: Stretch, accesses: u64) -> u64 {
    let before = |at: u64| trace.cold_runs(stretch.first_pass, trace.runs_before(at));
    before(stretch.from + accesses) - before(stretch.from)
}

impl Delays {
    /// Whether faults take time.
    fn are_some(&self) -> bool {
        *self != Self::default()
    }
}

impl Stretch {
    /// Where the stretch ends if no access is delayed.
    pub(super) fn end_without_delays(&self, trace: &Trace) -> u64 {
        let most = self.from.saturating_add(self.most);
        self.tempo.reach(trace, self.from, self.budget.0).min(most)
    }
}
