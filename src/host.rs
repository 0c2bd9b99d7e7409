//! The host: who holds which frames, who waits for some, and how frames go from one to another.
//!
//! Frames are conserved: what VMs hold, what is free and what is in flight always adds up to the
//! host's memory, and every change of an allocation goes through here. A policy's [`Plan`] is
//! checked once, in [`Host::order`], for all policies.
//!
//! # Orders
//! A plan's targets are orders. [`Host::act`] carries out what can be carried out of them now:
//! a VM above its target gives a batch to its balloon, if its driver is not stuck and the batch
//! before is a step ago; the batch belongs to nobody until it has arrived in the free pool; VMs
//! below their targets are given what is free, in file order. The instant actuator is a balloon
//! without latency whose batches are of any size, so one `act` carries out the whole plan.
//!
//! # Admission
//! VMs that arrive wait in a queue, most for no time at all. From its head, a VM is *admitted* as
//! soon as its minimum fits beside the minima of all that are here; from then on its minimum is
//! kept back for it, and taken from the targets of the VMs with the largest surplus above their
//! own minima where it is not free. It starts when its minimum is free. Whose minimum can never be
//! kept back is refused, so that nobody waits for ever.

use std::cmp::Reverse;
use std::collections::VecDeque;

use crate::account::Refusal;
use crate::balance::{Bounds, Plan, View};
use crate::scenario::{Actuator, Admission, Phase, Scenario, VmSpec};
use crate::units::{Frames, Ticks, VmId};

/// The frames of one host.
#[derive(Debug)]
pub struct Host {
    memory: Frames,
    free: Frames,
    actuator: Actuator,
    admission: Admission,
    places: Vec<Place>,
    /// Batches that have left their VMs, with the ticks at which they arrive in the free pool.
    flights: VecDeque<(Ticks, Frames)>,
    in_flight: Frames,
    /// VMs that have arrived and not started, first come first; `admitted` of them are admitted.
    waiting: VecDeque<VmId>,
    admitted: usize,
    /// The minima of those that are admitted and have not started.
    reserved: Frames,
    /// When `act` can do more than it did.
    due: Option<Ticks>,
    /// Whether a VM is below its target.
    unsettled: bool,
}

/// What the host knows of a VM.
#[derive(Debug)]
struct Place {
    bounds: Bounds,
    initial: Frames,
    /// Whether it leaves the host at some time, so that even its minimum comes back.
    leaves: bool,
    /// When its driver is stuck, in order.
    stuck: Vec<Phase>,
    /// What it holds; `None` before it starts and after it departs.
    held: Option<Frames>,
    /// What it shall hold.
    target: Frames,
    /// When its balloon may take the next batch.
    ready: Ticks,
    /// Whether it has arrived and not started.
    waits: bool,
}

impl Place {
    fn of(vm: &VmSpec) -> Self {
        Self {
            bounds: Bounds { min: vm.min, max: vm.max },
            initial: vm.initial,
            leaves: vm.leaves(),
            stuck: vm.stuck.clone(),
            held: None,
            target: Frames(0),
            ready: Ticks(0),
            waits: false,
        }
    }

    /// The end of the phase in which its driver is stuck at that tick.
    fn stuck_until(&self, at: Ticks) -> Option<Ticks> {
        self.stuck.iter().find(|phase| phase.contains(at)).map(|phase| phase.until)
    }

    /// When its driver next gets stuck or works again, behind `at`.
    fn next_phase(&self, at: Ticks) -> Option<Ticks> {
        let ticks = self.stuck.iter().flat_map(|phase| [phase.from, phase.until]);
        ticks.filter(|&tick| tick > at && tick != Phase::NEVER).min()
    }

    /// What it counts on, or keeps whether it shall or not.
    fn claim(&self, held: Frames, at: Ticks) -> Frames {
        if self.stuck_until(at).is_some() { self.target.max(held) } else { self.target }
    }

    /// How much less it could be ordered to hold, to any effect.
    fn surplus(&self, at: Ticks) -> Frames {
        let Some(held) = self.held else { return Frames(0) };
        let keeps = if self.stuck_until(at).is_some() { held } else { self.bounds.min };
        Frames(self.target.0.saturating_sub(keeps.0))
    }

    /// What nobody will ever get from it.
    fn for_ever(&self, held: Frames, at: Ticks) -> Frames {
        match self.stuck_until(at) {
            _ if self.leaves => Frames(0),
            Some(Phase::NEVER) => held,
            _ => self.bounds.min,
        }
    }

    /// When it can next come nearer to its target by itself, behind `at`.
    fn due(&self, held: Frames, at: Ticks) -> Option<Ticks> {
        if held == self.target {
            return None;
        }
        // What is below its target gets frames when there are some, unless its driver is stuck.
        let next = if held > self.target { self.ready.max(at) } else { at };
        let next = self.stuck_until(next).unwrap_or(next);
        (next > at && next != Phase::NEVER).then_some(next)
    }
}

/// What a VM holds, and what it was ordered to.
#[derive(Clone, Copy, Debug)]
pub struct Holding {
    /// What it holds.
    pub allocation: Frames,
    /// What it shall hold.
    pub target: Frames,
}

/// A VM's allocation changed to `after`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Change {
    /// The VM.
    pub vm: VmId,
    /// What it held before.
    pub before: Frames,
    /// What it holds now.
    pub after: Frames,
}

/// What the host did in one go.
#[derive(Debug, Default)]
pub struct Acts {
    /// Allocations that changed: all that shrank, then all that grew, each in file order.
    pub changes: Vec<Change>,
    /// VMs that started.
    pub started: Vec<VmId>,
    /// VMs that were refused.
    pub refused: Vec<(VmId, Refusal)>,
}

impl Host {
    /// The scenario's host, empty.
    pub fn new(scenario: &Scenario) -> Self {
        Self {
            memory: scenario.host.memory,
            free: scenario.host.memory,
            actuator: scenario.actuator,
            admission: scenario.host.admission,
            places: scenario.vms.iter().map(Place::of).collect(),
            flights: VecDeque::new(),
            in_flight: Frames(0),
            waiting: VecDeque::new(),
            admitted: 0,
            reserved: Frames(0),
            due: None,
            unsettled: false,
        }
    }

    /// The scenario's host, as if every order were carried out at once.
    pub(crate) fn ideal(scenario: &Scenario) -> Self {
        let mut host = Self { actuator: Actuator::INSTANT, ..Self::new(scenario) };
        for place in &mut host.places {
            place.stuck.clear();
        }
        host
    }

    /// What all VMs hold together.
    pub fn held(&self) -> Frames {
        self.memory - self.free - self.in_flight
    }

    /// The frames that no VM holds and that are not in flight.
    pub fn free(&self) -> Frames {
        self.free
    }

    /// The frames that have left their VMs and not yet arrived in the free pool.
    pub fn in_flight(&self) -> Frames {
        self.in_flight
    }

    /// The free frames that are kept back for nobody.
    pub fn spare(&self) -> Frames {
        Frames(self.free.0.saturating_sub(self.reserved.0))
    }

    /// The VMs that are here, above their minima.
    pub fn givers(&self) -> impl Iterator<Item = VmId> {
        let gives = |place: &Place| place.held.is_some_and(|held| held > place.bounds.min);
        let ids = self.places.iter().enumerate().filter(move |(_, place)| gives(place));
        ids.map(|(at, _)| VmId(at as u32))
    }

    /// A frame goes at once to a VM below its maximum, from a VM above its minimum or from those
    /// that are spare.
    pub fn pass(&mut self, giver: Option<VmId>, taker: VmId, acts: &mut Acts) {
        acts.changes.clear();
        acts.started.clear();
        acts.refused.clear();
        for (vm, gains) in giver.map(|vm| (vm, false)).into_iter().chain([(taker, true)]) {
            let place = &mut self.places[vm.index()];
            let before = place.held.expect("frames go between VMs that are here");
            let after = if gains { before + Frames(1) } else { before - Frames(1) };
            let Bounds { min, max } = place.bounds;
            assert!((min..=max).contains(&after), "min ≤ allocation ≤ max");
            (place.held, place.target) = (Some(after), after);
            acts.changes.push(Change { vm, before, after });
        }
        if giver.is_none() {
            self.free -= Frames(1);
        }
    }

    /// What the VM holds; `None` while it is not here.
    pub fn allocation(&self, vm: VmId) -> Option<Frames> {
        self.places[vm.index()].held
    }

    /// What the VM holds and shall hold; `None` while it is not here.
    pub fn holding(&self, vm: VmId) -> Option<Holding> {
        let Place { held, target, .. } = self.places[vm.index()];
        held.map(|allocation| Holding { allocation, target })
    }

    /// When [`act`](Self::act) can do more than it did when it was last called.
    pub fn due(&self) -> Option<Ticks> {
        self.due
    }

    /// Whether a departure would make somebody's allocation grow or shrink, or somebody start.
    pub fn heeds_departures(&self) -> bool {
        self.unsettled || !self.waiting.is_empty()
    }

    /// A VM arrives, and waits for [`act`](Self::act).
    pub fn arrive(&mut self, vm: VmId) {
        assert!(self.allocation(vm).is_none(), "a VM arrives once");
        self.waiting.push_back(vm);
        self.places[vm.index()].waits = true;
    }

    /// Whether the VM has arrived and not started.
    pub fn waits(&self, vm: VmId) -> bool {
        self.places[vm.index()].waits
    }

    /// A VM that waits gives up.
    pub fn give_up(&mut self, vm: VmId) -> Frames {
        let at = self.waiting.iter().position(|&other| other == vm);
        self.unqueue(at.expect("only a VM that waits gives up"));
        self.left_beside_minima()
    }

    /// Takes a VM's frames back for good; returns what it held.
    pub fn dismiss(&mut self, vm: VmId) -> Frames {
        let held = self.places[vm.index()].held.take();
        let held = held.expect("only a VM that is here departs");
        self.free += held;
        held
    }

    /// Takes a policy's plan for the VMs of `view` as orders, in place of those before.
    ///
    /// # Panics
    /// If the plan breaks its contract: a target for each VM of the view, within the VM's bounds,
    /// together no more than the host has.
    pub fn order(&mut self, view: &View, plan: &Plan) {
        let targets = &plan.0;
        assert_eq!(targets.len(), view.vms.len(), "a plan has one target for each VM");
        let mut sum = 0_u128;
        for (vm, &target) in view.vms.iter().zip(targets) {
            let place = &mut self.places[vm.id.index()];
            let Bounds { min, max } = place.bounds;
            assert!(
                (min..=max).contains(&target),
                "a plan gives VM {} {target} frames, outside {min} to {max}",
                vm.id.0
            );
            sum += u128::from(target.0);
            place.target = target;
        }
        assert!(
            sum <= u128::from(self.memory.0),
            "a plan promises {sum} frames of {}",
            self.memory
        );
    }

    /// Carries out what can be carried out now.
    pub fn act(&mut self, at: Ticks, acts: &mut Acts) {
        acts.changes.clear();
        acts.started.clear();
        acts.refused.clear();
        self.land(at);
        if !self.waiting.is_empty() {
            self.admit(at, acts);
        }
        if self.admitted > 0 {
            self.make_room(at);
        }
        self.reclaim(at, acts);
        self.land(at);
        if self.admitted > 0 {
            self.start(at, acts);
        }
        self.grant(at, acts);
        self.settle(at);
    }

    /// What has been in flight long enough is free.
    fn land(&mut self, at: Ticks) {
        while let Some(&(lands, frames)) = self.flights.front()
            && lands <= at
        {
            self.flights.pop_front();
            self.in_flight -= frames;
            self.free += frames;
        }
    }

    /// Admits from the head of the queue whose minima fit, and refuses whom it must.
    fn admit(&mut self, at: Ticks, acts: &mut Acts) {
        let here = self.places.iter().filter_map(|place| Some((place, place.held?)));
        let mut for_ever: Frames = here.map(|(place, held)| place.for_ever(held, at)).sum();
        let mut beside = self.left_beside_minima();
        let mut next = 0;
        while let Some(&vm) = self.waiting.get(next) {
            let Place { bounds: Bounds { min, .. }, leaves, .. } = self.places[vm.index()];
            let mut left = Frames(self.memory.0.saturating_sub(for_ever.0));
            if min <= left && next == self.admitted {
                if min <= beside {
                    self.admitted += 1;
                    self.reserved += min;
                    beside -= min;
                } else if self.admission == Admission::Refuse {
                    left = beside;
                }
            }
            if min > left {
                if next < self.admitted {
                    beside += min;
                }
                self.unqueue(next);
                acts.refused.push((vm, Refusal { at, left }));
                continue;
            }
            if !leaves {
                for_ever += min;
            }
            next += 1;
        }
    }

    fn left_beside_minima(&self) -> Frames {
        let here = self.places.iter().filter(|place| place.held.is_some());
        let minima: Frames = here.map(|place| place.bounds.min).sum();
        self.memory - minima - self.reserved
    }

    fn unqueue(&mut self, at: usize) {
        let vm = self.waiting.remove(at).expect("somebody waits there");
        let place = &mut self.places[vm.index()];
        place.waits = false;
        if at < self.admitted {
            self.admitted -= 1;
            self.reserved -= place.bounds.min;
        }
    }

    /// Lowers the targets with the largest surplus above their minima, ties in file order, until
    /// what is kept back for VMs to come is not promised to anybody else.
    fn make_room(&mut self, at: Ticks) {
        let mut needed = (self.claims(at) + self.reserved).0.saturating_sub(self.memory.0);
        if needed == 0 {
            return;
        }
        let givers = self.places.iter_mut().map(|place| (place.surplus(at), place));
        let mut givers: Vec<(Frames, &mut Place)> = givers.collect();
        givers.sort_by_key(|&(surplus, _)| Reverse(surplus));
        for (surplus, place) in givers {
            let taken = surplus.0.min(needed);
            place.target -= Frames(taken);
            needed -= taken;
        }
    }

    /// What the VMs that are here count on or keep, all together.
    fn claims(&self, at: Ticks) -> Frames {
        self.places.iter().filter_map(|place| Some(place.claim(place.held?, at))).sum()
    }

    /// Takes a batch from every VM above its target whose balloon is ready.
    fn reclaim(&mut self, at: Ticks, acts: &mut Acts) {
        let Actuator { latency, rate, step } = self.actuator;
        for (index, place) in self.places.iter_mut().enumerate() {
            let Some(held) = place.held.filter(|&held| held > place.target) else { continue };
            if place.ready > at || place.stuck_until(at).is_some() {
                continue;
            }
            let batch = rate.min(held - place.target);
            place.held = Some(held - batch);
            place.ready = at + step;
            self.flights.push_back((at + latency, batch));
            self.in_flight += batch;
            let vm = VmId(index as u32);
            acts.changes.push(Change { vm, before: held, after: held - batch });
        }
    }

    /// Starts VMs from the head of the queue while their minima are free. One gets what the split
    /// gave it, or as much of that as nobody else is promised, but its minimum at least.
    fn start(&mut self, at: Ticks, acts: &mut Acts) {
        let mut claims = self.claims(at);
        while self.admitted > 0 {
            let vm = self.waiting[0];
            let Place { bounds: Bounds { min, .. }, initial, .. } = self.places[vm.index()];
            if self.free < min {
                break;
            }
            self.unqueue(0);
            let spoken_for = claims + self.reserved;
            let open = Frames(self.memory.0.saturating_sub(spoken_for.0));
            let unreserved = Frames(self.free.0.saturating_sub(self.reserved.0));
            let given = initial.min(open).min(unreserved).max(min);
            let place = &mut self.places[vm.index()];
            (place.held, place.target) = (Some(given), given);
            claims += given;
            self.free -= given;
            acts.started.push(vm);
        }
    }

    /// Gives VMs below their targets what is free and not kept back.
    fn grant(&mut self, at: Ticks, acts: &mut Acts) {
        let mut left = Frames(self.free.0.saturating_sub(self.reserved.0));
        for (index, place) in self.places.iter_mut().enumerate() {
            let Some(held) = place.held.filter(|&held| held < place.target) else { continue };
            let given = left.min(place.target - held);
            if given == Frames(0) || place.stuck_until(at).is_some() {
                continue;
            }
            place.held = Some(held + given);
            self.free -= given;
            left -= given;
            let vm = VmId(index as u32);
            acts.changes.push(Change { vm, before: held, after: held + given });
        }
    }

    /// Sees what is left to do, and checks that no frame was lost.
    fn settle(&mut self, at: Ticks) {
        let (mut sum, mut ordered) = (self.free + self.in_flight, Frames(0));
        let mut due = self.flights.front().map(|&(lands, _)| lands);
        self.unsettled = false;
        let earlier = |due: Option<Ticks>, other: Option<Ticks>| match (due, other) {
            (Some(due), Some(other)) => Some(due.min(other)),
            (due, other) => due.or(other),
        };
        for place in &self.places {
            let Some(held) = place.held else { continue };
            (sum, ordered) = (sum + held, ordered + place.target);
            self.unsettled |= held < place.target;
            due = earlier(due, place.due(held, at));
            if !self.waiting.is_empty() {
                // Who can give to those that wait, and whom they can wait for, is then another.
                due = earlier(due, place.next_phase(at));
            }
        }
        self.due = due;
        assert_eq!(sum, self.memory, "frames are conserved");
        assert!(ordered <= self.memory, "targets fit into the host");
    }
}
