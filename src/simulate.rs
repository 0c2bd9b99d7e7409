//! The simulation: one event queue, in logical time, on one thread.
//!
//! # Order
//! An event is a tick and a kind; their derived order *is* the tie rule: at one tick VMs depart,
//! then arrive, then balloons act, then pages are scanned, then the policy takes its sample, then
//! the checkpoint happens,
//! then VMs make their accesses, each in file order. Every event is unique, so there are no further
//! ties. The host reports only the next balloon tick; stale events are skipped.
//!
//! # Run ahead
//! VMs share nothing between control events. These are arrivals, balloons, samples and checkpoints,
//! and departures while a VM waits for frames; any other departure only frees frames, which no VM
//! gets before the next control event. So one access event makes *all* of its VM's accesses up to
//! the next control event, in one call of [`Replacement::run`](crate::replace::Replacement::run). A
//! [`Watcher`] that must see every access in its true order gets a horizon of one tick instead.
//! Both give the same outcome: `tests/library/laws.rs` compares them. A component that lets VMs
//! interact between control events declares it ([`Meets`]). Under a policy that pools frames, VMs
//! interact at faults without an empty frame, and run ahead otherwise (`simulate/pooled.rs`).

mod acts;
mod checkpoint;
mod error;
mod fingerprint;
mod horizon;
mod memory;
mod outcome;
mod policy_run;
mod pooled;
mod sampling;
mod sharing;

use std::cmp::Reverse;
use std::collections::BinaryHeap;

pub use error::RunError;
pub use memory::{bytes_of_bounds, bytes_of_run, bytes_of_trace};
pub use policy_run::PolicyRun;

use horizon::Departures;
use pooled::Pool;
use sharing::Sharing;

use crate::account::{Held, Outcome, Rates};
use crate::balance::{Policy, PolicyKind, View, wrapped};
use crate::host::{Acts, Host};
use crate::meets::Meets;
use crate::movement::Settling;
use crate::random::Stream;
use crate::replace::Counts;
use crate::scenario::{After, Scenario};
use crate::units::{Frames, Ticks, VmId};
use crate::vm::Vm;
use crate::watch::{Access, Watcher};

/// What happens at one tick, in this order.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
enum EventKind {
    Depart(VmId),
    Arrive(VmId),
    Balloon,
    Scan,
    Sample,
    Checkpoint,
    Access(VmId),
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
struct Event {
    at: Ticks,
    kind: EventKind,
}

/// Runs `scenario` under a policy of the list, which need not be the scenario's own, and shows the
/// run to `watcher`; a shortcut for [`Simulation::new`] and [`Simulation::run`].
///
/// # Errors
/// If the policy fails, or the host refuses its plan.
///
/// ```
/// use balloonist::balance;
/// use balloonist::scenario::Document;
/// use balloonist::simulate::simulate;
/// use balloonist::watch::{Checkpoint, Watcher};
///
/// /// Keeps the targets of each checkpoint.
/// struct Allocations(Vec<Vec<u64>>);
///
/// impl Watcher for Allocations {
///     fn checkpoint(&mut self, checkpoint: &Checkpoint<'_>) {
///         self.0.push(checkpoint.plan.0.iter().map(|frames| frames.0).collect());
///     }
/// }
///
/// let text = "host.memory = 4\ncheckpoint.every = 3\n\
///             [[vm]]\nname = 'web'\ntrace.pages = [1, 2, 3, 1, 2, 3, 1, 2, 3]\n\
///             [[vm]]\nname = 'idle'\ntrace.pages = [7, 7, 7, 7, 7, 7, 7, 7, 7]\n";
/// let scenario = Document::from_toml("mine.toml", text.as_bytes()).check().unwrap().scenario;
/// let last_n = balance::ALL.iter().find(|policy| policy.name == "last-n").unwrap();
/// let mut allocations = Allocations(Vec::new());
/// let outcome = simulate(&scenario, last_n, &mut allocations).unwrap();
/// assert_eq!(allocations.0, [[3, 1], [3, 1], [3, 1]]);
/// assert_eq!(outcome.all.frames_moved(), 1);
/// ```
pub fn simulate(
    scenario: &Scenario,
    policy: &PolicyKind,
    watcher: &mut dyn Watcher,
) -> Result<Outcome, RunError> {
    Simulation::new(scenario, policy.run(scenario), watcher).run()
}

/// One run of a scenario: at once, up to a tick, or event by event.
///
/// The outcome does not depend on how it is stepped.
///
/// ```
/// use balloonist::balance::{Plan, Policy, PolicyError, View};
/// use balloonist::random::Stream;
/// use balloonist::scenario::Document;
/// use balloonist::simulate::{PolicyRun, Simulation};
/// use balloonist::units::{Frames, Ticks, VmId};
/// use balloonist::watch::NullWatcher;
///
/// /// Gives every VM its minimum, and the rest to the first.
/// struct FirstFirst;
///
/// impl Policy for FirstFirst {
///     fn plan(&mut self, view: &View, _: &mut Stream) -> Result<Plan, PolicyError> {
///         let mut targets: Vec<Frames> = view.vms.iter().map(|vm| vm.bounds.min).collect();
///         let left = view.host - targets.iter().copied().sum();
///         targets[0] = view.vms[0].bounds.clamp(targets[0] + left);
///         Ok(Plan(targets))
///     }
/// }
///
/// let text = "host.memory = 4\ncheckpoint.every = 3\n\
///             [[vm]]\nname = 'web'\ntrace.pages = [1, 2, 3, 1, 2, 3, 1, 2, 3]\n\
///             [[vm]]\nname = 'idle'\ntrace.pages = [7, 7, 7, 7, 7, 7, 7, 7, 7]\n";
/// let scenario = Document::from_toml("mine.toml", text.as_bytes()).check().unwrap().scenario;
/// let mine = PolicyRun::new("first-first", Box::new(FirstFirst));
/// let mut watcher = NullWatcher;
/// let mut run = Simulation::new(&scenario, mine, &mut watcher);
/// run.run_until(Ticks(4))?;
/// assert_eq!(run.host().allocation(VmId(0)), Some(Frames(3)));
/// assert_eq!(run.counts(VmId(0)).accesses, 4);
/// let outcome = run.run()?;
/// assert_eq!((outcome.policy.as_str(), outcome.all.counts.demand_faults), ("first-first", 5));
/// # Ok::<(), balloonist::simulate::RunError>(())
/// ```
pub struct Simulation<'a> {
    scenario: &'a Scenario,
    watcher: &'a mut dyn Watcher,
    /// The policy's name.
    name: String,
    foresight: Option<String>,
    policy: Box<dyn Policy>,
    rng: Stream,
    /// Where VMs interact between control events.
    meets: Meets,
    /// The state of frame pooling, if VMs draw frames from each other.
    pool: Option<Pool>,
    /// The state of sharing, if the host shares pages.
    sharing: Option<Sharing>,
    queue: BinaryHeap<Reverse<Event>>,
    host: Host,
    vms: Vec<Vm<'a>>,
    /// Starts that are still to come, the next one last.
    arrivals: Vec<Ticks>,
    next_checkpoint: Ticks,
    /// The policy's next sample before the next checkpoint, if any.
    next_sample: Option<Ticks>,
    checkpoints: u64,
    departures: Departures,
    /// When the valid balloon event is queued, if there is one.
    balloon: Option<Ticks>,
    /// Accesses are made only before this tick, for now.
    until: Ticks,
    /// Why the run cannot continue.
    failed: Option<RunError>,
    /// A lower bound of the tick at which the run ends.
    end_bound: Ticks,
    /// How many VMs the run still waits for.
    unfinished: usize,
    /// When the run ends, once all VMs that do not repeat forever have finished.
    end: Option<Ticks>,
    all: Held,
    /// The fault ratios of all VMs together.
    rates: Rates,
    /// When the first VM began to be counted, if there is a warm-up.
    counted_since: Option<Ticks>,
    settling: Settling,
    /// Whether a VM arrived, departed or entered another phase since the last checkpoint.
    changed: bool,
    fingerprint: u64,
    // Kept to reuse its memory.
    view: View,
    resident: Vec<Frames>,
    acts: Acts,
}

impl<'a> Simulation<'a> {
    /// A run that has not begun. The scenario's wrapper ([`wrapped`]) is applied to the policy.
    ///
    /// # Panics
    /// If VMs draw frames from each other at faults ([`Meets::AtFaults`]) and one of them does not
    /// run LRU or replays recorded times, a driver gets stuck, the actuator is not instant, or the
    /// scenario has a wrapper.
    pub fn new(scenario: &'a Scenario, policy: PolicyRun, watcher: &'a mut dyn Watcher) -> Self {
        let PolicyRun { name, mut policy, observers, settings, pools, meets } = policy;
        if let Some(programs) = &scenario.programs {
            policy.connect(programs);
        }
        if pools && let Err(why) = scenario.allows_pooling() {
            panic!("{name} {why}");
        }
        let foresees = observers.iter().any(|observer| observer.knows_the_future);
        let mut guests = scenario.vms.iter().map(|vm| vm.replacement);
        let foresight = if foresees {
            Some(name.clone())
        } else {
            guests.find(|kind| kind.knows_the_future).map(|kind| kind.name.to_owned())
        };
        let vm = |spec| Vm::new(spec, scenario, observers, &settings);
        let vms: Vec<Vm> = scenario.vms.iter().map(vm).collect();
        let ids = || (0..vms.len()).map(|at| VmId(at as u32));
        let mut arrivals: Vec<Ticks> = scenario.vms.iter().map(|vm| vm.start).collect();
        arrivals.sort_unstable_by_key(|&start| Reverse(start));
        let mut queue: BinaryHeap<Reverse<Event>> = ids()
            .map(|vm| Event { at: vms[vm.index()].spec.start, kind: EventKind::Arrive(vm) })
            .map(Reverse)
            .collect();
        let next_checkpoint = scenario.checkpoint_every;
        queue.push(Reverse(Event { at: next_checkpoint, kind: EventKind::Checkpoint }));
        let mut run = Self {
            scenario,
            watcher,
            name,
            foresight,
            policy: wrapped::wrap(policy, &scenario.wrapper),
            meets: meets.max(scenario.meets()),
            sharing: Sharing::new(scenario),
            pool: pools.then(|| Pool::new(scenario, observers, &settings)),
            rng: Stream::new(scenario.random, scenario.seed, scenario.repetition, "policy"),
            queue,
            host: Host::new(scenario),
            arrivals,
            next_checkpoint,
            next_sample: None,
            checkpoints: 0,
            departures: Departures::of(&vms),
            balloon: None,
            until: Ticks(u64::MAX),
            failed: None,
            end_bound: Ticks(0),
            unfinished: scenario.vms.iter().filter(|vm| vm.is_awaited()).count(),
            vms,
            end: None,
            all: Held::default(),
            rates: Rates::default(),
            counted_since: None,
            settling: Settling::default(),
            changed: false,
            fingerprint: 0,
            view: View::new(Ticks(0), scenario.promised(), Vec::new()),
            resident: Vec::new(),
            acts: Acts::default(),
        };
        run.queue_sample(Ticks(0));
        run.queue_scan();
        run
    }

    /// Runs to the end from the current state.
    ///
    /// # Errors
    /// If the policy fails, or the host refuses its plan.
    pub fn run(mut self) -> Result<Outcome, RunError> {
        while self.step()?.is_some() {}
        Ok(self.finish())
    }

    /// Processes all events before `tick`. Returns whether there are more.
    ///
    /// # Errors
    /// As [`run`](Self::run); every later call then fails in the same way.
    pub fn run_until(&mut self, tick: Ticks) -> Result<bool, RunError> {
        self.until = tick;
        while self.next_event().is_some_and(|event| event.at < tick) {
            self.step()?;
        }
        if self.end.is_none_or(|end| tick <= end) {
            self.catch_up(tick);
        }
        self.until = Ticks(u64::MAX);
        Ok(self.next_event().is_some())
    }

    /// Processes one event and returns its tick, or `None` if the run is over. A VM's accesses up
    /// to the next control event are one event, so its counts are ahead of that tick. Under a
    /// policy that pools frames they may be behind it.
    ///
    /// # Errors
    /// As [`run`](Self::run); every later call then fails in the same way.
    pub fn step(&mut self) -> Result<Option<Ticks>, RunError> {
        if let Some(error) = &self.failed {
            return Err(error.clone());
        }
        let Some(event) = self.next_event() else { return Ok(None) };
        self.queue.pop();
        self.process(event)?;
        Ok(Some(event.at))
    }

    /// The host, with the current allocations.
    pub fn host(&self) -> &Host {
        &self.host
    }

    /// A VM's counts so far.
    pub fn counts(&self, vm: VmId) -> Counts {
        let vm = &self.vms[vm.index()];
        let mut counts = vm.account.counts;
        counts.add(vm.interval);
        counts
    }

    /// The next event.
    fn next_event(&mut self) -> Option<Event> {
        loop {
            let &Reverse(event) = self.queue.peek()?;
            // A VM that would start when all others have finished belongs to the next interval,
            // which does not happen.
            let over = self.end.is_some_and(|end| match event.kind {
                EventKind::Access(_) => event.at >= end,
                _ => event.at > end,
            });
            if !over {
                return Some(event);
            }
            self.queue.pop();
        }
    }

    fn process(&mut self, event: Event) -> Result<(), RunError> {
        if !matches!(event.kind, EventKind::Access(_)) {
            self.catch_up(event.at);
        }
        match event.kind {
            EventKind::Depart(vm) => self.depart(vm, event.at),
            EventKind::Arrive(vm) => self.arrive(vm, event.at),
            EventKind::Balloon => self.balloon(event.at),
            EventKind::Scan => self.scan(event.at),
            EventKind::Sample => self.sample(event.at),
            EventKind::Checkpoint => return self.checkpoint(event.at),
            EventKind::Access(vm) => self.access(vm, event.at),
        }
        Ok(())
    }

    fn push(&mut self, at: Ticks, kind: EventKind) {
        self.queue.push(Reverse(Event { at, kind }));
    }

    fn access(&mut self, id: VmId, at: Ticks) {
        if self.pool.is_some() {
            self.access_pooled(id, at);
            return;
        }
        if self.vms[id.index()].finished {
            return; // It was delayed until its stop.
        }
        let charged_to = self.vms[id.index()].next;
        if charged_to > at {
            // Intercepted accesses have delayed it since.
            self.push(charged_to, EventKind::Access(id));
            return;
        }
        self.draw(id, at);
        let horizon = self.horizon(id, at);
        let delays = self.scenario.cost.delays;
        let watched = self.watcher.wants_accesses();
        let vm = &mut self.vms[id.index()];
        let position = vm.position;
        let before = vm.interval;
        vm.run(horizon, delays, watched, self.sharing.is_some() && self.host.is_scarce());
        self.show_access(id, at, position, &before);
        self.follow_access(id, at);
        self.note_counted(id);
        let vm = &self.vms[id.index()];
        let (next, finished) = (vm.next, vm.finished);
        if finished {
            self.note_trace_over(id);
        } else {
            self.push(next, EventKind::Access(id));
        }
    }

    /// Shows an access to a watcher that wants every access.
    fn show_access(&mut self, id: VmId, at: Ticks, position: u64, before: &Counts) {
        if self.watcher.wants_accesses() {
            let vm = &self.vms[id.index()];
            let counts = vm.interval.since(before);
            let allocation = self.host.allocation(id).expect("a VM that is not here is still");
            let (events, replacement) = (&*vm.events, &*vm.replacement);
            let access = Access { at, vm: id, position, counts, events, allocation, replacement };
            self.watcher.access(&access);
        }
    }

    /// Notes that a VM has made its last access or reached its stop.
    fn note_trace_over(&mut self, id: VmId) {
        let vm = &self.vms[id.index()];
        if vm.spec.after == After::Leave && vm.spec.stop != Some(vm.next) {
            let next = vm.next;
            self.push(next, EventKind::Depart(id));
        }
        self.note_finished();
    }

    /// Notes when a VM that has run began to be counted.
    fn note_counted(&mut self, id: VmId) {
        if self.scenario.warm_up.is_some()
            && let Some(since) = self.vms[id.index()].counted_since()
        {
            self.count_from(since);
        }
    }

    /// Starts counting what all VMs hold and move, at the first tick at which one of them counts.
    /// No frame has moved since then, because a VM runs no further than the next control event.
    fn count_from(&mut self, since: Ticks) {
        if self.counted_since.is_none_or(|first| since < first) {
            self.counted_since = Some(since);
            self.all = Held::begin(self.all.last, since);
            self.host.count_states(since);
            self.sharing.iter_mut().for_each(Sharing::count);
            self.settling = Settling::default();
        }
    }

    /// Notes that the run waits for one VM less.
    fn note_finished(&mut self) {
        self.unfinished -= 1;
        if self.unfinished == 0 {
            let awaited = self.vms.iter().filter(|vm| vm.spec.is_awaited());
            self.end = awaited.map(|vm| vm.next).max();
        }
    }
}
