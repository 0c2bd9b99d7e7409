//! When VMs make their accesses at the nominal pace: without delays, and without waiting for frames
//! that another VM still holds.
//!
//! Idle phases apply, and so does the host's admission: a VM starts if the minima of the VMs
//! present leave room for its own, otherwise never.

use std::cmp::Reverse;
use std::collections::BinaryHeap;
use std::sync::Arc;

use crate::host::{Acts, Host};
use crate::scenario::{After, Phase, Scenario, VmSpec, WarmUpEnd};
use crate::trace::Trace;
use crate::trace::tempo::Tempo;
use crate::units::{Ticks, VmId};

/// One VM's accesses in time.
pub(super) struct Pace {
    /// Stretches without an idle phase: the first access of each, and its tick.
    stretches: Vec<(u64, u64)>,
    trace: Arc<Trace>,
    tempo: Tempo,
    /// The number of its accesses over all passes; 0 if it never starts.
    pub(super) accesses: u64,
    /// The number of accesses that belong to its warm-up.
    pub(super) warm_up: u64,
    /// When it departs, if it does.
    pub(super) departs: Option<u64>,
    /// Whether it starts before the run ends.
    pub(super) starts: bool,
}

impl Pace {
    /// The paces of all VMs.
    pub(super) fn of_all(scenario: &Scenario) -> Vec<Self> {
        let mut paces: Vec<Self> = scenario.vms.iter().map(Self::absent).collect();
        let mut host = Host::ideal(scenario);
        let mut acts = Acts::default();
        // Departures come before arrivals, both in file order, as in the simulation.
        let arrival = |(vm, spec): (usize, &VmSpec)| Reverse((spec.start.0, true, vm));
        let mut events: BinaryHeap<_> = scenario.vms.iter().enumerate().map(arrival).collect();
        let mut starts = vec![u64::MAX; paces.len()];
        let mut end = 0;
        while let Some(Reverse((at, arrives, vm))) = events.pop() {
            let id = VmId(vm as u32);
            if arrives {
                host.arrive(id);
                events.extend(scenario.vms[vm].stop.map(|stop| Reverse((stop.0, false, vm))));
            } else if host.allocation(id).is_some() {
                host.remove(id);
            } else if host.waits(id) {
                host.give_up(id);
                end = end.max(at);
            }
            host.act(Ticks(at), &mut acts);
            for started in &acts.started {
                let spec = &scenario.vms[started.index()];
                let pace = Self::from(spec, at);
                events
                    .extend(pace.departs.map(|departs| Reverse((departs, false, started.index()))));
                if spec.is_awaited() {
                    end = end.max(pace.over(spec));
                }
                starts[started.index()] = at;
                paces[started.index()] = pace;
            }
            let refused = acts.refused.iter().map(|(vm, _)| &scenario.vms[vm.index()]);
            if refused.filter(|spec| spec.is_awaited()).count() > 0 {
                end = end.max(at);
            }
        }
        for ((pace, spec), start) in paces.iter_mut().zip(&scenario.vms).zip(starts) {
            // A VM may be admitted at its stop, when another departs then; it makes no access.
            let stops_at_once = spec.stop == Some(Ticks(start));
            if start >= end || stops_at_once {
                *pace = Self::absent(spec);
            } else if spec.after == After::Repeat {
                pace.accesses = pace.accesses_before(spec.stop.map_or(end, |stop| stop.0.min(end)));
            }
            if let Some(warm_up) = scenario.warm_up.filter(|_| pace.starts) {
                let accesses = match warm_up.end(Ticks(start), spec.trace.accesses()) {
                    WarmUpEnd::Accesses(accesses) => accesses,
                    WarmUpEnd::Tick(tick) => pace.accesses_before(tick.0),
                };
                pace.warm_up = accesses.min(pace.accesses);
            }
        }
        paces
    }

    fn absent(spec: &VmSpec) -> Self {
        Self {
            stretches: Vec::new(),
            trace: Arc::clone(&spec.trace),
            tempo: spec.tempo,
            accesses: 0,
            warm_up: 0,
            departs: None,
            starts: false,
        }
    }

    /// The pace from this tick on, before the number of accesses is known.
    fn from(spec: &VmSpec, start: u64) -> Self {
        let first = start.saturating_add(spec.tempo.lead(&spec.trace));
        let mut pace = Self { stretches: vec![(0, first)], starts: true, ..Self::absent(spec) };
        for &Phase { from, until } in spec.idle.iter().filter(|phase| phase.until.0 > start) {
            // An access that would start in an idle phase starts at its end.
            let (first, tick) = pace.stretches[pace.stretches.len() - 1];
            let before = pace.made(first, from.0.saturating_sub(tick));
            if tick.saturating_add(pace.between(first, first + before)) >= until.0 {
                continue;
            }
            if before == 0 {
                pace.stretches.pop();
            }
            pace.stretches.push((first + before, until.0));
        }
        let stop = spec.stop.map_or(u64::MAX, |stop| stop.0);
        let length = spec.trace.accesses();
        pace.accesses = length.min(pace.accesses_before(stop));
        pace.departs = match spec.after {
            After::Leave => Some(pace.over(spec)),
            After::Idle | After::Repeat => spec.stop.map(|stop| stop.0),
        };
        pace
    }

    /// When its trace ends or it departs.
    fn over(&self, spec: &VmSpec) -> u64 {
        let stop = spec.stop.map_or(u64::MAX, |stop| stop.0);
        if spec.after == After::Repeat || self.accesses == 0 {
            return stop;
        }
        if self.accesses < spec.trace.accesses() {
            return stop;
        }
        let last = self.accesses - 1;
        stop.min(self.tick(last) + self.tempo.ticks(&self.trace, last, last + 1))
    }

    /// The tick of an access.
    #[inline]
    pub(super) fn tick(&self, access: u64) -> u64 {
        let behind = self.stretches.partition_point(|&(first, _)| first <= access);
        let (first, tick) = self.stretches[behind - 1];
        tick.saturating_add(self.between(first, access))
    }

    /// The nominal ticks from one access to another, numbered over all passes.
    fn between(&self, from: u64, to: u64) -> u64 {
        self.tempo.between(&self.trace, from, to)
    }

    /// The number of accesses that start less than `ticks` after access `first`.
    fn made(&self, first: u64, ticks: u64) -> u64 {
        let begin = self.tempo.tick_of(&self.trace, first);
        self.tempo.accesses_before(&self.trace, begin.saturating_add(ticks)).saturating_sub(first)
    }

    /// The number of accesses that start before a tick, if the trace never ends.
    fn accesses_before(&self, end: u64) -> u64 {
        let behind = self.stretches.partition_point(|&(_, tick)| tick < end);
        let Some(&(first, tick)) = behind.checked_sub(1).map(|at| &self.stretches[at]) else {
            return 0;
        };
        let until_next = self.stretches.get(behind).map_or(u64::MAX, |&(next, _)| next - first);
        first + self.made(first, end - tick).min(until_next)
    }

    /// Whether all VMs have the same period and none has idle phases.
    pub(super) fn is_one_pace(paces: &[Self]) -> bool {
        let even = |pace: &&Self| pace.starts;
        let mut started = paces.iter().filter(even);
        let first = started.next().map(|pace| pace.tempo);
        let keeps = |pace: &Self| {
            matches!(pace.tempo, Tempo::Steps(_))
                && Some(pace.tempo) == first
                && pace.stretches.len() == 1
        };
        paces.iter().filter(even).all(keeps)
    }
}
