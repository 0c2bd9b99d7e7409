//! One VM in a run: its place in its trace, its clock, its replacement algorithm and its observers.

use std::collections::VecDeque;

use crate::account::Account;
use crate::balance::{Bounds, VmView};
use crate::host::Change;
use crate::knobs::Settings;
use crate::movement::{Returns, Settling};
use crate::observe::{Interval, Observer, ObserverKind, Seen, Subject};
use crate::random::{Generator, Stream};
use crate::replace::{Counts, Delays, Guest, Replacement, Stretch};
use crate::scenario::{After, Cost, Scenario, TraceSource, VmSpec};
use crate::units::{Frames, Ticks, VmId};

/// A VM at work.
pub(crate) struct Vm<'a> {
    pub(crate) spec: &'a VmSpec,
    pub(crate) replacement: Box<dyn Replacement>,
    /// The position of its next access.
    pub(crate) position: u64,
    first_pass: bool,
    /// When its next access starts, or when its last one was over.
    pub(crate) next: Ticks,
    pub(crate) finished: bool,
    pub(crate) interval: Counts,
    pub(crate) account: Account,
    returns: Returns,
    pub(crate) settling: Settling,
    /// Where its workload's phases that are still to come begin.
    phases: VecDeque<u64>,
    observers: Vec<Box<dyn Observer>>,
    /// What the observers have measured; with the policy's view while there is one.
    seen: Seen,
}

impl<'a> Vm<'a> {
    /// Makes a VM that is not on the host yet; `shown`: somebody looks at its lists.
    pub(crate) fn new(
        spec: &'a VmSpec,
        scenario: &Scenario,
        observers: &[&ObserverKind],
        settings: &Settings,
        shown: bool,
    ) -> Self {
        let kind = spec.replacement;
        let build = if shown { kind.build_shown } else { kind.build };
        let stream = |purpose: &str| {
            let purpose = format!("vm/{}/{purpose}", spec.name);
            Stream::new(Generator::ChaCha8, scenario.seed, scenario.repetition, &purpose)
        };
        let guest = Guest {
            trace: &spec.trace,
            frames: spec.initial,
            draw: &|| stream("replacement"),
            counts_write_backs: scenario.cost.counts_write_backs,
        };
        let observer = |observer: &&ObserverKind| {
            let draw = stream(observer.name);
            let subject = Subject { trace: spec.trace.clone(), memory: spec.max, draw };
            (observer.build)(settings, subject)
        };
        Self {
            spec,
            replacement: build(&spec.replacement_settings, &guest),
            position: 0,
            first_pass: true,
            next: spec.start,
            finished: false,
            interval: Counts::default(),
            account: Account::default(),
            returns: Returns::default(),
            settling: Settling::default(),
            phases: match &spec.source {
                TraceSource::Workload(workload) => workload.phase_starts().into(),
                _ => VecDeque::new(),
            },
            observers: observers.iter().map(observer).collect(),
            seen: Seen::default(),
        }
    }

    /// Whether the run waits for it; who repeats without a stop is never waited for.
    pub(crate) fn is_awaited(&self) -> bool {
        self.spec.after != After::Repeat || self.spec.stop.is_some()
    }

    /// When it leaves, if ever.
    pub(crate) fn stop(&self) -> Ticks {
        self.spec.stop.unwrap_or(Ticks(u64::MAX))
    }

    /// The earliest tick at which it can have finished.
    pub(crate) fn finish_bound(&self) -> Ticks {
        if self.finished || self.spec.after == After::Repeat {
            return if self.finished { self.next } else { self.stop() };
        }
        let left = self.spec.trace.accesses() - self.position;
        Ticks(self.next.0 + left * self.spec.period.0).min(self.stop())
    }

    /// Makes its accesses that start before `horizon`; the first of them exists.
    pub(crate) fn run(&mut self, horizon: Ticks, delays: Delays) {
        let horizon = horizon.min(self.stop());
        let length = self.spec.trace.accesses();
        while self.next < horizon && !self.finished {
            let counts = self.replacement.run(Stretch {
                from: self.position,
                first_pass: self.first_pass,
                budget: horizon - self.next,
                period: self.spec.period,
                delays,
            });
            debug_assert!(counts.accesses > 0, "a stretch makes at least one access");
            let nominal = counts.accesses * self.spec.period.0;
            let spent = nominal + delays.of(&counts);
            self.account.nominal_ticks += nominal;
            self.next += Ticks(spent);
            self.account.stall_ticks += delays.of(&counts);
            self.position += counts.accesses;
            self.interval.add(counts);
            if self.position == length {
                match self.spec.after {
                    After::Repeat => (self.position, self.first_pass) = (0, false),
                    After::Idle | After::Leave => self.finished = true,
                }
            }
        }
        if self.next >= self.stop() {
            self.next = self.stop();
            self.finished = true;
        }
    }

    /// Shows the interval that ends at `at` to the observers, closes it, and makes the policy's
    /// view of it. What the observers intercepted is charged to the VM. `ticks` are the lengths of
    /// this interval and of the next.
    pub(crate) fn look(
        &mut self,
        id: VmId,
        allocation: Frames,
        [ticks, coming]: [Ticks; 2],
        cost: Cost,
    ) -> VmView {
        let interval = self.interval;
        let resident = self.replacement.resident();
        let from = self.account.counts.accesses;
        let shown = Interval {
            trace: &self.spec.trace,
            from,
            to: from + interval.accesses,
            counts: interval,
            ticks,
            delays: cost.delays,
            allocation,
            resident,
            coming: self.coming(coming),
        };
        let mut seen = std::mem::take(&mut self.seen);
        let mut intercepted = 0;
        for observer in &mut self.observers {
            intercepted += observer.observe(&shown);
            observer.report(&mut seen);
        }
        let overhead = intercepted * cost.trap.0 + cost.policy.0;
        self.account.overhead_ticks += self.hold_up(overhead);
        self.close_interval();
        VmView {
            id,
            bounds: Bounds { min: self.spec.min, max: self.spec.max },
            shares: self.spec.shares,
            allocation,
            resident,
            interval,
            total: self.account.counts,
            seen,
        }
    }

    /// The accesses that it makes in the next so many ticks if nothing delays it.
    fn coming(&self, ticks: Ticks) -> u64 {
        let left = match self.spec.after {
            _ if self.finished => 0,
            After::Repeat => u64::MAX,
            After::Idle | After::Leave => self.spec.trace.accesses() - self.position,
        };
        left.min(ticks.0.div_ceil(self.spec.period.0))
    }

    /// Makes it wait before its next access, if there is one; returns for how long.
    fn hold_up(&mut self, ticks: u64) -> u64 {
        if self.finished {
            return 0;
        }
        self.next = (self.next + Ticks(ticks)).min(self.stop());
        ticks
    }

    /// Notes its allocation as a checkpoint begins; returns what it gained since the one before.
    pub(crate) fn note_moves(&mut self, allocation: Frames) -> i64 {
        let (gained, returned) = self.returns.note(allocation);
        self.account.movement.oscillations += returned;
        self.account.movement.violations += u64::from(allocation < self.spec.min);
        gained
    }

    /// Whether another phase of its workload began since this was last asked.
    pub(crate) fn enters_phase(&mut self) -> bool {
        let begun = |&&start: &&u64| start <= self.position;
        let entered = self.phases.iter().take_while(begun).count();
        self.phases.drain(..entered);
        entered > 0
    }

    /// Takes back what the view of an earlier checkpoint held, for its memory.
    pub(crate) fn looked_at(&mut self, view: VmView) {
        self.seen = view.seen;
    }

    /// Adds the interval's counts to the account.
    pub(crate) fn close_interval(&mut self) {
        self.account.counts.add(std::mem::take(&mut self.interval));
    }

    /// Follows a change of its allocation, and waits for what must be written back.
    pub(crate) fn resize(&mut self, change: Change, at: Ticks, cost: Cost) {
        let Change { before, after, .. } = change;
        if after > before {
            self.account.granted += after - before;
        } else {
            self.account.reclaimed += before - after;
        }
        self.account.frames.change(after, at);
        let write_backs = self.replacement.resize(after);
        self.interval.write_backs += write_backs;
        let stall = self.hold_up(write_backs * cost.delays.write_back.0);
        self.account.stall_ticks += stall;
    }
}
