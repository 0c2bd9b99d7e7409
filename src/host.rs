//! The host: which VM holds which frames, which VMs wait for frames, and how frames move between
//! VMs.
//!
//! Frames are conserved: held, free and in-flight frames add up to the host's memory, and to what
//! sharing saves beside it (`host/ledger.rs`, `host/savings.rs`), and every change of an allocation
//! goes through here. `Host::order` checks a policy's [`Plan`], once, for all policies.
//!
//! # Orders
//! A plan's targets are orders. `Host::act` carries out as much of them as is possible now. A VM
//! above its target gives a batch to its balloon, if its driver is not stuck and at least one step
//! has passed since its last batch; the batch belongs to no VM until it arrives in the free pool.
//! VMs below their targets are given free frames, in file order. The instant actuator is a balloon
//! without latency whose batches are of any size, so one `act` carries out the whole plan.
//!
//! # Admission
//! Arriving VMs enter a queue, most of them only for an instant. The VM at the head is *admitted*
//! as soon as its minimum fits beside the minima of all present VMs. From then on its minimum is
//! reserved; the part of it that is not free is taken from the targets of the VMs with the largest
//! surplus above their own minima. The VM starts when its minimum is free. A VM whose minimum can
//! never be reserved is refused, so that no VM waits forever (`host/admission.rs`).
//!
//! # Cost
//! With V VMs, O(log V) for each VM whose orders, frames or driver change: sums over all VMs are
//! updated incrementally, and queues hold the VMs that can give or take next. A plan examines all
//! VMs, and so does the first arrival after it that needs room. Removing a VM from the middle of
//! the waiting queue costs the queue's length. Debug builds recompute the sums, the next tick and
//! the reserved frames from all VMs after every `act`.

mod admission;
mod ledger;
mod savings;
mod states;
mod tenant;
mod turns;

use std::cmp::Reverse;
use std::collections::{BinaryHeap, VecDeque};

use self::ledger::Ledger;
use self::states::Free;
pub(crate) use self::states::Taking;
use self::tenant::{Sums, Tenant};
use self::turns::{FileOrder, Timers};
use crate::account::Refusal;
use crate::balance::{Bounds, Plan, PlanError, View};
#[cfg(debug_assertions)]
use crate::scenario::Phase;
use crate::scenario::{Actuator, Admission, Scenario};
use crate::units::{Frames, Ticks, VmId};

/// The frames of one host.
#[derive(Debug)]
pub struct Host {
    ledger: Ledger,
    /// What VMs may be promised: all frames, less those that the host keeps free.
    promised: Frames,
    /// The state of its free memory, if it reclaims by that.
    states: Option<Free>,
    actuator: Actuator,
    admission: Admission,
    tenants: Vec<Tenant>,
    sums: Sums,
    /// The tick up to which driver phases and balloons are processed.
    now: Ticks,
    /// VMs above their targets that may be able to give frames.
    givers: FileOrder,
    /// VMs below their targets that may be able to take frames.
    takers: FileOrder,
    /// When VMs can next move towards their targets without another VM's help.
    wakes: Timers,
    /// When drivers get stuck or work again.
    phases: Timers,
    /// VMs by surplus, the first of the largest on top; stale entries are skipped. `None` after
    /// each order, until room is needed.
    surplus: Option<BinaryHeap<(Frames, Reverse<usize>)>>,
    /// VMs that have arrived and not started, first come first; `admitted` of them are admitted.
    waiting: VecDeque<VmId>,
    admitted: usize,
    /// The number of waiting VMs already examined, and the sum of their minima that are never
    /// returned.
    judged: usize,
    stay: Frames,
    /// The value of `sums.permanent` when they were examined.
    permanent: Frames,
    /// The minima of the VMs that are admitted and have not started.
    reserved: Frames,
    /// When `act` can next do more than it did.
    due: Option<Ticks>,
    /// Whether a VM is below its target.
    unsettled: bool,
}

/// A VM's allocation and target.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Holding {
    /// What it holds.
    pub allocation: Frames,
    /// What it is ordered to hold.
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

/// What one call of [`Host::act`] did.
#[derive(Debug, Default)]
pub(crate) struct Acts {
    /// Allocations that changed: all that shrank, then all that grew, each in file order.
    pub changes: Vec<Change>,
    /// VMs that started.
    pub started: Vec<VmId>,
    /// VMs that were refused.
    pub refused: Vec<(VmId, Refusal)>,
}

impl Host {
    /// The scenario's host, empty.
    pub(crate) fn new(scenario: &Scenario) -> Self {
        let vms = scenario.vms.len();
        let mut tenants: Vec<Tenant> = scenario.vms.iter().map(Tenant::of).collect();
        for tenant in tenants.iter_mut().filter(|_| scenario.paging.is_some()) {
            // The host takes frames without the guests' drivers.
            tenant.is_paged = true;
            if scenario.states.is_none() {
                tenant.stuck.clear();
            }
        }
        Self {
            ledger: Ledger::new(scenario.host.memory),
            promised: scenario.promised(),
            states: scenario.states.map(Free::new),
            actuator: scenario.actuator,
            admission: scenario.host.admission,
            tenants,
            sums: Sums::default(),
            now: Ticks(0),
            givers: FileOrder::of(vms),
            takers: FileOrder::of(vms),
            wakes: Timers::of(vms),
            phases: Timers::of(vms),
            surplus: None,
            waiting: VecDeque::new(),
            admitted: 0,
            judged: 0,
            stay: Frames(0),
            permanent: Frames(0),
            reserved: Frames(0),
            due: None,
            unsettled: false,
        }
    }

    /// The scenario's host with the instant actuator.
    pub(crate) fn ideal(scenario: &Scenario) -> Self {
        let mut host = Self { actuator: Actuator::INSTANT, states: None, ..Self::new(scenario) };
        for tenant in &mut host.tenants {
            tenant.stuck.clear();
        }
        host
    }

    /// The frames that all VMs hold.
    pub(crate) fn held(&self) -> Frames {
        self.ledger.held()
    }

    /// The frames that no VM holds and that are not in flight.
    pub fn free(&self) -> Frames {
        self.ledger.free()
    }

    /// The frames that have left their VMs and not yet arrived in the free pool.
    pub(crate) fn in_flight(&self) -> Frames {
        self.ledger.in_flight()
    }

    /// The free frames that are not reserved.
    pub(crate) fn spare(&self) -> Frames {
        Frames(self.free().0.saturating_sub(self.reserved.0))
    }

    /// The present VMs that hold more than their minima.
    pub(crate) fn above_minimum(&self) -> impl Iterator<Item = VmId> {
        let gives = |tenant: &Tenant| tenant.held.is_some_and(|held| held > tenant.bounds.min);
        let ids = self.tenants.iter().enumerate().filter(move |(_, tenant)| gives(tenant));
        ids.map(|(at, _)| VmId(at as u32))
    }

    /// Moves a frame at once to a VM below its maximum, from a VM above its minimum or from the
    /// spare frames.
    pub(crate) fn move_frame(&mut self, giver: Option<VmId>, taker: VmId, acts: &mut Acts) {
        acts.changes.clear();
        acts.started.clear();
        acts.refused.clear();
        // The heap is dropped, because updating it at every fault would cost more than rebuilding
        // it at rare arrivals.
        self.surplus = None;
        for (vm, gains) in giver.map(|vm| (vm, false)).into_iter().chain([(taker, true)]) {
            let tenant = &self.tenants[vm.index()];
            let before = tenant.held.expect("frames go between VMs that are present");
            let after = if gains { before + Frames(1) } else { before - Frames(1) };
            let Bounds { min, max } = tenant.bounds;
            assert!((min..=max).contains(&after), "min ≤ allocation ≤ max");
            self.set_holding(vm.index(), Some(after), after);
            acts.changes.push(Change { vm, before, after });
        }
        if giver.is_none() {
            self.ledger.take(Frames(1));
        }
    }

    /// What the VM holds; `None` unless it is present.
    pub fn allocation(&self, vm: VmId) -> Option<Frames> {
        self.tenants[vm.index()].held
    }

    /// What the VM holds and is ordered to hold; `None` unless it is present.
    pub(crate) fn holding(&self, vm: VmId) -> Option<Holding> {
        let Tenant { held, target, .. } = self.tenants[vm.index()];
        held.map(|allocation| Holding { allocation, target })
    }

    /// When [`act`](Self::act) can do more than it did at its last call.
    pub(crate) fn due(&self) -> Option<Ticks> {
        self.due
    }

    /// Whether a departure could change a VM's allocation or let a VM start.
    pub(crate) fn departures_matter(&self) -> bool {
        self.unsettled || !self.waiting.is_empty()
    }

    /// Removes a VM and frees its frames; returns how many it held.
    pub(crate) fn remove(&mut self, vm: VmId) -> Frames {
        let Tenant { held, target, .. } = self.tenants[vm.index()];
        let held = held.expect("only a VM that is present departs");
        self.set_holding(vm.index(), None, target);
        self.ledger.put_back(held);
        held
    }

    /// Takes a policy's plan for the VMs of `view` as orders, replacing earlier ones.
    ///
    /// # Errors
    /// If the plan breaks its contract ([`Plan::check`]); then all orders stay as they were.
    pub(crate) fn order(&mut self, view: &View, plan: &Plan) -> Result<(), PlanError> {
        plan.check(view)?;
        self.advance_to(view.at);
        self.surplus = None;
        for (vm, &target) in view.vms.iter().zip(&plan.0) {
            let tenant = &self.tenants[vm.id.index()];
            if target != tenant.target {
                self.set_holding(vm.id.index(), tenant.held, target);
            }
        }
        Ok(())
    }

    /// Carries out what is possible now.
    pub(crate) fn act(&mut self, at: Ticks, acts: &mut Acts) {
        acts.changes.clear();
        acts.started.clear();
        acts.refused.clear();
        self.advance_to(at);
        self.ledger.land(at);
        if !self.waiting.is_empty() {
            self.admit(at, acts);
        }
        if self.admitted > 0 {
            self.make_room();
        }
        self.see_state(at);
        self.page(acts);
        if !self.is_high() {
            self.reclaim(at, acts);
        }
        self.ledger.land(at);
        if self.admitted > 0 {
            self.start(acts);
        }
        if !self.grows_at_faults() {
            self.grant(acts);
        }
        self.settle();
    }

    /// Advances to `at`: drivers get stuck or unstuck, balloons become ready.
    fn advance_to(&mut self, at: Ticks) {
        self.now = at;
        while let Some(vm) = self.phases.pop(at) {
            self.update_stuck(vm);
        }
        while let Some(vm) = self.wakes.pop(at) {
            self.enqueue_turn(vm);
        }
    }

    /// Updates whether a VM's driver is stuck.
    fn update_stuck(&mut self, vm: usize) {
        let now = self.now;
        self.change(vm, |tenant| tenant.stuck_now = tenant.stuck_until(now));
        self.phases.set(vm, self.tenants[vm].next_phase(now));
    }

    /// Sets what a VM holds and is ordered to hold.
    fn set_holding(&mut self, vm: usize, held: Option<Frames>, target: Frames) {
        self.change(vm, |tenant| (tenant.held, tenant.target) = (held, target));
    }

    /// Changes a VM. Every change goes through here, so that sums and queues follow.
    fn change(&mut self, vm: usize, change: impl FnOnce(&mut Tenant)) {
        let tenant = &mut self.tenants[vm];
        let (part, surplus) = (tenant.contribution(), tenant.surplus());
        change(tenant);
        self.sums.replace(part, tenant.contribution());
        if let Some(largest) = &mut self.surplus
            && tenant.surplus() != surplus
        {
            largest.push((tenant.surplus(), Reverse(vm)));
        }
        self.enqueue_turn(vm);
    }

    /// Queues the VM for the moment at which it can move towards its target.
    fn enqueue_turn(&mut self, vm: usize) {
        let tenant = &self.tenants[vm];
        if tenant.excess().is_some() && tenant.ready <= self.now {
            self.givers.push(vm);
        } else if tenant.shortage().is_some() {
            self.takers.push(vm);
        } else {
            self.wakes.set(vm, tenant.due(self.now));
        }
    }

    /// Takes a batch from every VM above its target whose balloon is ready.
    fn reclaim(&mut self, at: Ticks, acts: &mut Acts) {
        let Actuator { latency, rate, step } = self.actuator;
        while let Some(giver) = self.givers.pop() {
            let tenant = &mut self.tenants[giver];
            // Its orders and its driver may have changed since it was queued.
            let (Some(held), Some(excess)) = (tenant.held, tenant.excess()) else { continue };
            let batch = rate.min(excess);
            tenant.ready = at + step;
            let target = tenant.target;
            self.set_holding(giver, Some(held - batch), target);
            self.ledger.launch(batch, at + latency);
            let vm = VmId(giver as u32);
            acts.changes.push(Change { vm, before: held, after: held - batch });
        }
    }

    /// Gives free frames that are not reserved to VMs below their targets.
    fn grant(&mut self, acts: &mut Acts) {
        let mut left = self.spare();
        while left > Frames(0)
            && let Some(taker) = self.takers.first()
        {
            let Tenant { held, target, .. } = self.tenants[taker];
            let wanted = held.zip(self.tenants[taker].shortage());
            let Some((held, given)) = wanted.map(|(held, short)| (held, left.min(short))) else {
                self.takers.pop();
                continue;
            };
            self.set_holding(taker, Some(held + given), target);
            self.ledger.take(given);
            left -= given;
            let vm = VmId(taker as u32);
            acts.changes.push(Change { vm, before: held, after: held + given });
        }
    }

    /// Computes when there is more to do, and checks that no frame was lost.
    fn settle(&mut self) {
        let (tenants, now) = (&self.tenants, self.now);
        let lands = self.ledger.next_landing();
        let wakes = self.wakes.first(|vm| tenants[vm].due(now));
        // When a phase begins or ends, other VMs can give frames to the waiting ones.
        let phases = (!self.waiting.is_empty())
            .then(|| self.phases.first(|vm| tenants[vm].next_phase(now)))
            .flatten();
        self.due = [lands, wakes, phases, self.next_look()].into_iter().flatten().min();
        self.unsettled = self.sums.short > 0;
        self.ledger.check(self.sums.held);
        assert!(self.sums.targets <= self.to_divide(), "targets fit into the host");
        #[cfg(debug_assertions)]
        self.audit();
    }

    /// Recomputes from all VMs what is kept up to date incrementally.
    #[cfg(debug_assertions)]
    fn audit(&self) {
        let mut sums = Sums::default();
        let mut due = self.ledger.next_landing().into_iter().chain(self.next_look()).min();
        let mut sooner = |tick: Option<Ticks>| due = due.into_iter().chain(tick).min();
        for tenant in &self.tenants {
            let phase = tenant.stuck.iter().find(|phase| phase.contains(self.now));
            if tenant.held.is_none() {
                continue;
            }
            assert_eq!(tenant.stuck_now, phase.map(|phase| phase.until), "stuck or not");
            sums.replace(Sums::default(), tenant.contribution());
            assert!(
                tenant.excess().is_none() || tenant.ready > self.now || self.is_high(),
                "every VM that can give has given"
            );
            let is_given = tenant.shortage().is_none() || self.grows_at_faults();
            assert!(is_given || self.spare() == Frames(0), "every VM that can take has taken");
            sooner(tenant.due(self.now));
            if !self.waiting.is_empty() {
                let ticks = tenant.stuck.iter().flat_map(|phase| [phase.from, phase.until]);
                let to_come = |tick: &Ticks| *tick > self.now && *tick != Phase::NEVER;
                sooner(ticks.filter(to_come).min());
            }
        }
        assert_eq!(self.sums, sums, "sums over all VMs");
        assert_eq!(self.due, due, "when there is more to do");
        let minima = |waiting: usize| -> Frames {
            let waiting = self.waiting.iter().take(waiting);
            waiting.map(|vm| self.tenants[vm.index()].bounds.min).sum()
        };
        assert_eq!(self.reserved, minima(self.admitted), "reserved minima");
    }
}
