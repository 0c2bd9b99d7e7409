//! The narrator: a run as one stream of events, which each view presents in its own way.
//!
//! A [`Narrator`] watches a run, counts its rounds, and hands its [`Teller`] the events of the
//! shown rounds. The event log shows all rounds; a walk-through and a lesson show a range of them,
//! outside of which the run is simulated at full speed, and if wanted the events of one VM alone.

use super::rounds::Rounds;
use crate::account::Refusal;
use crate::host::Change;
use crate::replace::{FrameEvent, List, Replacement};
use crate::scenario::Scenario;
use crate::trace::PageId;
use crate::units::{Frames, Page, Ticks, VmId};
use crate::watch::{Access, Arrival, Checkpoint, Moved, Watcher};

/// What happened at one tick.
pub enum Event<'a> {
    /// The shown rounds begin; the state of each VM.
    Skipped(Vec<Held<'a>>),
    /// A VM that arrived waits for its minimum.
    Wait(VmId),
    /// A VM will never start.
    Refuse {
        /// The VM.
        vm: VmId,
        /// The frames that were left for it.
        left: Frames,
        /// Whether it waited until its `stop`; otherwise it was refused.
        gave_up: bool,
    },
    /// A VM started, and these others shrank for it.
    Arrive(Held<'a>, Vec<Resized<'a>>),
    /// Allocations changed outside checkpoints; the number of frames now in flight.
    Move(Vec<Resized<'a>>, Frames),
    /// A VM left and gave back its frames.
    Depart(VmId, Frames),
    /// A VM made an access.
    Access(Touch<'a>),
    /// A checkpoint: the policy decided, and these allocations changed at once.
    Checkpoint(&'a Checkpoint<'a>, Vec<Resized<'a>>),
}

/// A VM's allocation and pages.
pub struct Held<'a> {
    /// The VM.
    pub vm: VmId,
    /// Its allocation.
    pub frames: Frames,
    replacement: &'a dyn Replacement,
}

impl Held<'_> {
    /// The lists of its replacement algorithm.
    pub(crate) fn lists(&self) -> Vec<List> {
        self.replacement.lists()
    }
}

/// A change of a VM's allocation.
pub struct Resized<'a> {
    /// What the VM holds after it.
    pub held: Held<'a>,
    /// Its allocation before.
    pub before: Frames,
    /// The pages that a shrink evicted, the first evicted last, as in an LRU list. Empty if
    /// accesses are not shown.
    pub evicted: Vec<Page>,
}

impl Resized<'_> {
    /// Whether the VM takes or gives frames, as a verb, and how many.
    pub(crate) fn moved(&self) -> (&'static str, Frames) {
        let (before, after) = (self.before, self.held.frames);
        if after > before { ("takes", after - before) } else { ("gives", before - after) }
    }
}

/// One access and its outcome.
pub struct Touch<'a> {
    /// What the VM holds after it.
    pub held: Held<'a>,
    /// The access's position in the VM's trace.
    pub position: u64,
    /// The page.
    pub page: Page,
    /// Its outcome.
    pub outcome: Touched,
    /// Whether it was the first access ever to the page, or the first since it was freed.
    pub cold: bool,
    /// The pages that the guest frees after it.
    pub freed: Vec<Page>,
}

impl Touch<'_> {
    /// The pages that it evicted.
    pub(crate) fn evicted(&self) -> &[Page] {
        match &self.outcome {
            Touched::Hit | Touched::HostFault | Touched::Fill => &[],
            Touched::Evicts(pages) => pages,
        }
    }

    /// The end of a sentence on the access: "; page 7 is freed" for each page that is.
    pub(crate) fn freed_words(&self) -> String {
        self.freed.iter().fold(String::new(), |all, page| all + &format!("; page {page} is freed"))
    }
}

/// Pages with commas.
pub(crate) fn listed(pages: &[Page]) -> String {
    pages.iter().map(Page::to_string).collect::<Vec<_>>().join(", ")
}

/// The outcome of an access.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Touched {
    /// The page was resident.
    Hit,
    /// The page was in the guest's memory, but no frame backed it: the host read it from its swap
    /// space.
    HostFault,
    /// The page filled an empty frame.
    Fill,
    /// The page took a frame that these left: one, several that went at once, or none if the frame
    /// was emptied for a fault before.
    Evicts(Vec<Page>),
}

/// Presents the events of a run.
pub trait Teller {
    /// Whether it wants accesses and evictions too. Asked before every access.
    fn wants_accesses(&self) -> bool;

    /// Takes the next event, in this round.
    fn tell(&mut self, at: Ticks, round: u64, event: &Event<'_>);
}

/// Watches a run for a teller.
pub struct Narrator<'a, T> {
    scenario: &'a Scenario,
    rounds: Rounds,
    pub(super) teller: T,
}

impl<'a, T: Teller> Narrator<'a, T> {
    /// Narrates the `rounds` of a run of `scenario`.
    pub(super) fn of(scenario: &'a Scenario, rounds: Rounds, teller: T) -> Self {
        Self { scenario, rounds, teller }
    }

    /// Passes on an event that is neither an access nor a checkpoint.
    fn tell(&mut self, at: Ticks, event: &Event<'_>) {
        self.rounds.enter(at);
        self.tell_now(at, event);
    }

    fn tell_now(&mut self, at: Ticks, event: &Event<'_>) {
        if self.rounds.shown() && self.concerns(event) {
            self.teller.tell(at, self.rounds.now(), event);
        }
    }

    /// Whether an event concerns a VM that is shown. Changes of other VMs have been left out of it.
    fn concerns(&self, event: &Event<'_>) -> bool {
        match event {
            Event::Skipped(_) | Event::Checkpoint(..) => true,
            Event::Wait(vm) | Event::Refuse { vm, .. } | Event::Depart(vm, _) => {
                self.rounds.shows(*vm)
            }
            Event::Arrive(held, shrunk) => self.rounds.shows(held.vm) || !shrunk.is_empty(),
            Event::Move(changes, _) => self.rounds.only.is_none() || !changes.is_empty(),
            Event::Access(touch) => self.rounds.shows(touch.held.vm),
        }
    }

    fn number(&self, vm: VmId, page: PageId) -> Page {
        self.scenario.vms[vm.index()].trace.numbers()[page as usize]
    }

    /// The changes of shown VMs, with each VM's algorithm and its last evictions as `held` gives
    /// them.
    fn resized<'b>(
        &self,
        changes: &[Change],
        held: impl Fn(VmId) -> (&'b dyn Replacement, &'b [FrameEvent]),
    ) -> Vec<Resized<'b>> {
        let wants_evicted = self.wants_accesses();
        let resized = |&Change { vm, before, after }: &Change| {
            let (replacement, events) = held(vm);
            let shrinks = wants_evicted && after < before;
            let evicted = events.iter().rev().filter(|_| shrinks);
            let evicted = evicted.filter_map(|event| event.evicted());
            Resized {
                held: Held { vm, frames: after, replacement },
                before,
                evicted: evicted.map(|page| self.number(vm, page)).collect(),
            }
        };
        changes.iter().filter(|change| self.rounds.shows(change.vm)).map(resized).collect()
    }

    fn touch<'b>(&self, access: &Access<'b>) -> Touch<'b> {
        let &Access { vm, position, allocation: frames, replacement, .. } = access;
        let evicted = access.events.iter().filter_map(|event| event.evicted());
        let outcome = match access.counts {
            counts if counts.found.host_swap > 0 => Touched::HostFault,
            counts if counts.demand_faults == 0 => Touched::Hit,
            counts if counts.replacement_misses == 0 => Touched::Fill,
            _ => Touched::Evicts(evicted.map(|page| self.number(vm, page)).collect()),
        };
        Touch {
            held: Held { vm, frames, replacement },
            position,
            page: self.number(vm, self.scenario.vms[vm.index()].trace.page(position)),
            outcome,
            cold: access.counts.cold_faults > 0,
            freed: self.scenario.vms[vm.index()]
                .trace
                .freed_after(position)
                .iter()
                .map(|&page| self.number(vm, page))
                .collect(),
        }
    }
}

impl<T: Teller> Watcher for Narrator<'_, T> {
    fn wants_accesses(&self) -> bool {
        self.rounds.shown() && self.teller.wants_accesses()
    }

    fn wait(&mut self, at: Ticks, vm: VmId) {
        self.tell(at, &Event::Wait(vm));
    }

    fn refuse(&mut self, vm: VmId, Refusal { at, left }: Refusal) {
        let gave_up = self.scenario.vms[vm.index()].stop == Some(at);
        self.tell(at, &Event::Refuse { vm, left, gave_up });
    }

    fn arrive(&mut self, arrival: &Arrival<'_>) {
        let Arrival { at, vm, allocation: frames, shrunk, .. } = *arrival;
        let of = |vm| (arrival.guests.replacement(vm), arrival.guests.evictions(vm));
        let shrunk = self.resized(shrunk, of);
        let held = Held { vm, frames, replacement: arrival.guests.replacement(vm) };
        self.tell(at, &Event::Arrive(held, shrunk));
    }

    fn moved(&mut self, moved: &Moved<'_>) {
        let of = |vm| (moved.guests.replacement(vm), moved.guests.evictions(vm));
        let changes = self.resized(moved.changes, of);
        self.tell(moved.at, &Event::Move(changes, moved.in_flight));
    }

    fn depart(&mut self, at: Ticks, vm: VmId, allocation: Frames) {
        self.tell(at, &Event::Depart(vm, allocation));
    }

    fn access(&mut self, access: &Access<'_>) {
        self.tell_now(access.at, &Event::Access(self.touch(access)));
    }

    fn checkpoint(&mut self, checkpoint: &Checkpoint<'_>) {
        let at = checkpoint.view.at;
        self.rounds.check(checkpoint.number);
        let of = |vm| (checkpoint.guests.replacement(vm), checkpoint.guests.evictions(vm));
        let changes = self.resized(checkpoint.changes, of);
        self.tell_now(at, &Event::Checkpoint(checkpoint, changes));
        if self.rounds.next() {
            let held = checkpoint.view.vms.iter().map(|vm| {
                let change = checkpoint.changes.iter().rfind(|change| change.vm == vm.id);
                let frames = change.map_or(vm.allocation, |change| change.after);
                Held { vm: vm.id, frames, replacement: checkpoint.guests.replacement(vm.id) }
            });
            self.tell_now(at, &Event::Skipped(held.collect()));
        }
    }
}
