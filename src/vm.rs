//! One VM in a run: its place in its trace, its clock, its replacement algorithm and its observers.

mod resize;

use std::collections::VecDeque;
use std::sync::Arc;

use crate::account::{Account, Held, Rates, Refusal};
use crate::balance::{Bounds, VmView};
use crate::host::Holding;
use crate::movement::{Returns, Settling};
use crate::observe::{Interval, Observer, ObserverKind, Seen, Subject};
use crate::params::Settings;
use crate::random::{Generator, Stream};
use crate::replace::{
    Backing, Counts, Delays, FrameEvent, Guest, Replacement, SharedPages, Stretch,
};
use crate::scenario::{After, Cost, Phase, Scenario, TraceSource, VmSpec, WarmUp, WarmUpEnd};
use crate::trace::tempo::Tempo;
use crate::units::{Frames, Ticks, VmId};

/// A VM during a run.
pub(crate) struct Vm<'a> {
    pub(crate) spec: &'a VmSpec,
    pub(crate) replacement: Box<dyn Replacement>,
    /// The frame events of its last accesses or its last shrink; empty if not watched.
    pub(crate) events: Vec<FrameEvent>,
    /// The position of its next access.
    pub(crate) position: u64,
    first_pass: bool,
    /// When its next access starts, or when its last one ended.
    pub(crate) next: Ticks,
    /// The number of idle phases that are over.
    idle_over: usize,
    pub(crate) finished: bool,
    pub(crate) interval: Counts,
    /// The part of the interval that belongs to the warm-up, once that is over.
    uncounted: Counts,
    /// The counts of closed intervals that are not in the rates of all VMs yet.
    unnoted: Counts,
    rates: Rates,
    pub(crate) account: Account,
    /// The warm-up; `None` once it is over.
    warm_up: Option<WarmUp>,
    /// Its account and the tick at the end of the warm-up, or at the start if there is none.
    counted_from: (Account, Ticks),
    returns: Returns,
    pub(crate) settling: Settling,
    /// The first accesses of the remaining phases of its workload.
    phases: VecDeque<u64>,
    /// The number of beginnings and ends of idle phases that have passed.
    idle_bounds: usize,
    /// What its guest believes in, if the host reclaims by states: the rest is in its balloon.
    believed: Option<Frames>,
    observers: Vec<Box<dyn Observer>>,
    /// The observers' measurements; moved into the policy's view while it exists.
    seen: Seen,
    name: Arc<str>,
    /// Whether a host that shares pages was short of frames at its last accesses.
    scarce: bool,
}

impl<'a> Vm<'a> {
    /// A VM that has not started.
    pub(crate) fn new(
        spec: &'a VmSpec,
        scenario: &Scenario,
        observers: &[&ObserverKind],
        settings: &Settings,
    ) -> Self {
        let stream = |purpose: &str| {
            let purpose = format!("vm/{}/{purpose}", spec.name);
            Stream::new(Generator::ChaCha8, scenario.seed, scenario.repetition, &purpose)
        };
        let guest = Guest {
            trace: &spec.trace,
            frames: spec.initial,
            draw: &|| stream("replacement"),
            counts_write_backs: scenario.cost.counts_write_backs,
            tiers: &scenario.tiers,
            backing: None,
            shares: scenario.sharing.map(|_| scenario.cost.copy),
        };
        let draw = || stream("pager");
        let backing = scenario.paging.as_ref().map(|paging| Backing {
            paging,
            frames: spec.initial,
            draw: &draw,
        });
        let believed = scenario.states.map(|_| spec.initial);
        let size = believed.unwrap_or(spec.size);
        let frames = if backing.is_some() { size } else { spec.initial };
        let guest = Guest { frames, backing, ..guest };
        let observer = |observer: &&ObserverKind| {
            let rng = stream(observer.name);
            let (trace, host) = (spec.trace.clone(), scenario.host.memory);
            let subject = Subject { trace, memory: spec.max, host, rng };
            (observer.build)(settings, subject)
        };
        Self {
            spec,
            replacement: (spec.replacement.build)(&spec.replacement_settings, &guest),
            events: Vec::new(),
            position: 0,
            first_pass: true,
            next: spec.start,
            idle_over: 0,
            finished: false,
            interval: Counts::default(),
            uncounted: Counts::default(),
            unnoted: Counts::default(),
            rates: Rates::default(),
            account: Account::default(),
            warm_up: scenario.warm_up,
            counted_from: (Account::default(), spec.start),
            returns: Returns::default(),
            settling: Settling::default(),
            phases: match &spec.source {
                TraceSource::Workload(workload) => workload.phase_starts().into(),
                _ => VecDeque::new(),
            },
            idle_bounds: 0,
            believed,
            observers: observers.iter().map(observer).collect(),
            seen: Seen::default(),
            name: spec.name.as_str().into(),
            scarce: false,
        }
    }

    /// What a host that shares knows of its pages.
    pub(crate) fn shared_pages(&mut self) -> &mut SharedPages {
        self.replacement.shared_pages_mut().expect("a host that shares knows the pages")
    }

    /// When it leaves the host; `Ticks(u64::MAX)` if never.
    pub(crate) fn stop(&self) -> Ticks {
        self.spec.stop.unwrap_or(Ticks(u64::MAX))
    }

    /// Starts it with this allocation.
    pub(crate) fn start(&mut self, allocation: Frames, at: Ticks) {
        // Nothing is resident yet.
        let _ = self.replacement.resize(allocation);
        if let Some(believed) = &mut self.believed {
            *believed = allocation;
            let _ = self.replacement.resize_guest_into(allocation, None);
        }
        self.account.started = Some(at);
        self.account.frames = Held::begin(allocation, at);
        for (account, tier) in self.account.tiers.iter_mut().zip(self.replacement.tiers()) {
            account.frames = Held::begin(tier.frames, at);
        }
        self.next = at + Ticks(self.spec.tempo.lead(&self.spec.trace));
        self.delay(0);
    }

    /// Notes that it never starts: it is refused, or has waited until its stop.
    pub(crate) fn note_refusal(&mut self, refusal: Refusal) {
        self.account.refused = Some(refusal);
        self.next = refusal.at;
        self.finished = true;
    }

    /// A lower bound on when it finishes; greater than `at` unless it has finished. A VM that has
    /// not started may still be refused.
    pub(crate) fn finish_bound(&self, at: Ticks) -> Ticks {
        if self.finished {
            return self.next;
        }
        if self.account.started.is_none() {
            return self.next.max(at + Ticks(1));
        }
        if self.spec.after == After::Repeat {
            return self.stop();
        }
        let nominal = self.nominal(self.position, self.spec.trace.accesses());
        Ticks(self.next.0.saturating_add(nominal)).min(self.stop())
    }

    /// A lower bound on when it departs or gives up waiting; at most `at` if it has.
    pub(crate) fn departure_bound(&self, at: Ticks) -> Ticks {
        let can_leave = self.spec.after == After::Leave && self.account.started.is_some();
        if can_leave { self.finish_bound(at) } else { self.stop() }
    }

    /// Makes its accesses that start before `horizon`, at least one. If `watched`, records the
    /// frame events. If frames are `scarce`, ends before an access that could need a free one.
    pub(crate) fn run(&mut self, horizon: Ticks, delays: Delays, watched: bool, scarce: bool) {
        self.events.clear();
        if scarce != self.scarce {
            self.scarce = scarce;
            self.shared_pages().set_scarce(scarce);
        }
        let horizon = horizon.min(self.stop());
        let length = self.spec.trace.accesses();
        while self.next < horizon && !self.finished {
            let (ticks, most) = self.warm_up_left();
            let stretch = Stretch {
                from: self.position,
                first_pass: self.first_pass,
                budget: ticks.min(self.next_idle().min(horizon) - self.next),
                // Several recorded accesses may start at the same tick; a watcher sees each one.
                most: if watched { 1 } else { most },
                tempo: self.spec.tempo,
                delays,
            };
            let events = watched.then_some(&mut self.events);
            let counts = self.replacement.run_into(stretch, events);
            debug_assert!(counts.accesses > 0, "a stretch makes at least one access");
            let nominal = self.nominal(self.position, self.position + counts.accesses);
            let spent = nominal + delays.of(&counts);
            self.account.nominal_ticks += nominal;
            self.next += Ticks(spent);
            self.account.stall_ticks += delays.of(&counts);
            self.position += counts.accesses;
            self.interval.add(counts);
            if self.position == length {
                match self.spec.after {
                    After::Repeat => {
                        (self.position, self.first_pass) = (0, false);
                        self.next += Ticks(self.spec.tempo.lead(&self.spec.trace));
                    }
                    After::Idle | After::Leave => self.finished = true,
                }
            }
            self.skip_idle();
            if watched || scarce {
                break;
            }
        }
        if self.next >= self.stop() {
            self.next = self.stop();
            self.finished = true;
        }
    }

    /// When its next idle phase begins.
    pub(crate) fn next_idle(&self) -> Ticks {
        self.spec.idle.get(self.idle_over).map_or(Phase::NEVER, |phase| phase.from)
    }

    /// Whether this is its first pass over its trace.
    pub(crate) fn is_first_pass(&self) -> bool {
        self.first_pass
    }

    /// The policy's view of it, without the observers' measurements.
    pub(crate) fn view_now(&self, id: VmId, Holding { allocation, target }: Holding) -> VmView {
        let mut total = self.account.counts;
        total.add(self.interval);
        VmView {
            id,
            name: Arc::clone(&self.name),
            bounds: Bounds { min: self.spec.min, max: self.spec.max },
            shares: self.spec.shares,
            allocation,
            target,
            resident: self.replacement.resident(),
            saved: Frames(0),
            interval: self.interval,
            total,
            seen: Seen::default(),
        }
    }

    /// The ticks and accesses left of its warm-up; ends the warm-up when none are left.
    fn warm_up_left(&mut self) -> (Ticks, u64) {
        let without = (Ticks(u64::MAX), u64::MAX);
        let Some(warm_up) = self.warm_up else { return without };
        let started = self.account.started.unwrap_or(self.spec.start);
        let left = match warm_up.end(started, self.spec.trace.accesses()) {
            WarmUpEnd::Accesses(accesses) => {
                (Ticks(u64::MAX), accesses.saturating_sub(self.accesses()))
            }
            WarmUpEnd::Tick(tick) => (Ticks(tick.0.saturating_sub(self.next.0)), u64::MAX),
        };
        if left.0 > Ticks(0) && left.1 > 0 {
            return left;
        }
        self.end_warm_up(self.next);
        without
    }

    /// The nominal ticks from one access of this pass to another.
    pub(crate) fn nominal(&self, from: u64, to: u64) -> u64 {
        self.spec.tempo.ticks(&self.spec.trace, from, to)
    }

    /// Ends its warm-up at `at`; everything after it is counted.
    pub(crate) fn end_warm_up(&mut self, at: Ticks) {
        self.warm_up = None;
        self.uncounted = self.interval;
        let mut before = self.gathered();
        before.counts.add(self.interval);
        self.note_tiers(at);
        for (account, tier) in self.account.tiers.iter_mut().zip(self.replacement.tiers()) {
            account.frames = Held::begin(tier.frames, at);
        }
        self.counted_from = (before, at);
        self.account.frames = Held::begin(self.account.frames.last, at);
        self.settling = Settling::default();
    }

    /// Its account with what its replacement algorithm has counted: in tiers, by host paging and on
    /// shared pages.
    fn gathered(&self) -> Account {
        let mut account = self.account;
        for (account, tier) in account.tiers.iter_mut().zip(self.replacement.tiers()) {
            account.counts = tier.counts;
        }
        account.paging = self.replacement.paging().copied().unwrap_or_default();
        let counts = self.replacement.shared_pages().map_or([0, 0], SharedPages::counts);
        [account.sharing.copies, account.sharing.hollow] = counts;
        account
    }

    /// When counting began; `None` during its warm-up.
    pub(crate) fn counted_since(&self) -> Option<Ticks> {
        self.warm_up.is_none().then_some(self.counted_from.1)
    }

    /// The number of accesses in `from..to`, numbered over all passes, that belong to the warm-up.
    pub(crate) fn warm_up_within(&self, from: u64, to: u64) -> u64 {
        let end = if self.warm_up.is_some() { to } else { self.counted_from.0.counts.accesses };
        end.clamp(from, to) - from
    }

    /// Its account without the warm-up, for a run that ends at `end`. Called after its last
    /// interval is closed.
    pub(crate) fn counted(&mut self, end: Ticks) -> Account {
        if self.warm_up.is_some() {
            self.end_warm_up(self.next.min(end));
        }
        let account = self.gathered();
        let (before, since) = &self.counted_from;
        let (from, to) = (before.counts.accesses, account.counts.accesses);
        Account {
            ticks: self.next.min(end).0.saturating_sub(since.0),
            distinct_pages: self.spec.trace.distinct_between(from, to) as u64,
            rates: self.rates.quantiles(),
            ..account.since(before)
        }
    }

    /// What its account has gathered since its warm-up, while no interval is open.
    pub(crate) fn so_far(&self) -> Account {
        if self.warm_up.is_some() {
            return Account::default();
        }
        self.gathered().since(&self.counted_from.0)
    }

    /// Passes the interval that ends now to the observers, closes it, and returns the policy's view
    /// of the VM. The VM is charged for the accesses that observers intercepted. `ticks` is the
    /// length of this interval, `coming` that of the next.
    pub(crate) fn close_and_view(
        &mut self,
        id: VmId,
        holding: Holding,
        at: Ticks,
        [ticks, coming]: [Ticks; 2],
        cost: Cost,
    ) -> VmView {
        let interval = self.interval;
        let from = self.account.counts.accesses;
        let shown = Interval {
            trace: &self.spec.trace,
            from,
            to: from + interval.accesses,
            counts: interval,
            ticks,
            delays: cost.delays,
            allocation: holding.allocation,
            resident: self.replacement.resident(),
            coming: self.accesses_within(at, coming),
        };
        let mut seen = std::mem::take(&mut self.seen);
        let mut intercepted = 0;
        for observer in &mut self.observers {
            intercepted += observer.observe(&shown);
            observer.report(&mut seen);
        }
        let overhead = intercepted * cost.trap.0 + cost.policy.0;
        self.account.overhead_ticks += self.delay(overhead);
        self.close_interval();
        VmView { interval, seen, ..self.view_now(id, holding) }
    }

    /// The number of accesses that it makes in the next `ticks` without delays.
    fn accesses_within(&self, at: Ticks, ticks: Ticks) -> u64 {
        let left = match self.spec.after {
            _ if self.finished => 0,
            After::Repeat => u64::MAX,
            After::Idle | After::Leave => self.spec.trace.accesses() - self.position,
        };
        match self.spec.tempo {
            Tempo::Steps(period) => left.min(ticks.0.div_ceil(period.0)),
            Tempo::Recorded(_) => {
                // It is between two accesses; the next one may be far away.
                let (trace, tempo) = (&self.spec.trace, self.spec.tempo);
                let next = tempo.tick_of(trace, self.position);
                let until = (next + ticks.0).saturating_sub(self.next.0.saturating_sub(at.0));
                let before = tempo.accesses_before(trace, until);
                left.min(before.saturating_sub(self.position))
            }
        }
    }

    /// Postpones its next access to the end of the idle phase that it would start in.
    fn skip_idle(&mut self) {
        while let Some(phase) = self.spec.idle.get(self.idle_over)
            && phase.from <= self.next
            && !self.finished
        {
            self.next = self.next.max(phase.until);
            self.idle_over += 1;
        }
    }

    /// Delays its next access, if there is one. Returns the delay.
    fn delay(&mut self, ticks: u64) -> u64 {
        if self.finished {
            return 0;
        }
        self.next += Ticks(ticks);
        self.skip_idle();
        self.next = self.next.min(self.stop());
        ticks
    }

    /// Records its allocation at the start of a checkpoint. Returns the gain since the last one.
    pub(crate) fn note_moves(&mut self, allocation: Frames) -> i64 {
        let (gained, returned) = self.returns.note(allocation);
        self.account.movement.oscillations += returned;
        gained
    }

    /// Whether a phase of its workload, an idle phase or an active phase began since the last call.
    pub(crate) fn enters_phase(&mut self, at: Ticks) -> bool {
        let begun = |&&start: &&u64| start <= self.position;
        let entered = self.phases.iter().take_while(begun).count();
        self.phases.drain(..entered);
        let bounds = self.spec.idle.iter().flat_map(|phase| [phase.from, phase.until]);
        let passed = bounds.skip(self.idle_bounds).take_while(|&bound| bound <= at).count();
        self.idle_bounds += passed;
        entered + passed > 0
    }

    /// The accesses made so far.
    pub(crate) fn accesses(&self) -> u64 {
        self.account.counts.accesses + self.interval.accesses
    }

    /// Takes the buffers of an earlier view back to reuse their memory.
    pub(crate) fn reuse_buffers(&mut self, view: VmView) {
        self.seen = view.seen;
    }

    /// Adds the interval's counts to the account.
    pub(crate) fn close_interval(&mut self) {
        let interval = std::mem::take(&mut self.interval);
        self.account.counts.add(interval);
        let uncounted = std::mem::take(&mut self.uncounted);
        if self.warm_up.is_none() {
            let counted = interval.since(&uncounted);
            self.rates.note(counted);
            self.unnoted.add(counted);
        }
    }

    /// The counts of the intervals closed since the last call, without the warm-up.
    pub(crate) fn take_counted(&mut self) -> Counts {
        std::mem::take(&mut self.unnoted)
    }
}
