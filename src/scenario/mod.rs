//! Scenarios: what a run needs, read from a file and checked once; correct from here on.
//!
//! Source text becomes a [`Document`] of values that remember where they were written; `extends`,
//! `--set` and sweep axes overlay documents; [`Document::check`] turns the result into a
//! [`Scenario`] or into *all* its [`Diagnostic`]s. Nothing below a checked scenario can fail on
//! input: its traces are loaded, its sums fit, its names are known.
//!
//! ```
//! use balloonist::scenario::Document;
//! let mut document = Document::from_dat("twice.dat", b"2\n3 1 2 1\n3 5 5 5\n");
//! document.set("host.memory=8");
//! let scenario = document.check().unwrap().scenario;
//! assert_eq!(scenario.name, "twice");
//! assert_eq!(scenario.vms[1].initial.0, 4);
//! ```

mod check;
pub mod codes;
mod dat;
pub mod diagnostic;
mod document;
mod effective;
mod expect;
mod fits;
mod grid;
mod load;
mod mechanisms;
mod origin;
mod own;
pub mod plan;
mod range;
mod set;
mod split;
mod sweep_flags;
mod toml;
mod warm_up;
pub(crate) mod written;

use std::borrow::Cow;
use std::collections::BTreeMap;
use std::sync::Arc;

pub use check::{Checked, ReadFile, Traces};
pub use diagnostic::{Diagnostic, Diagnostics, Severity, meant};
pub use document::Document;
#[cfg(test)]
pub(crate) use expect::BOUNDS;
pub use expect::{Expect, Expected, Limit, Reference};
pub use grid::{Dimension, Grid};
pub use mechanisms::Mechanisms;
pub use origin::{Origin, Place, SourceText};
pub use own::Own;
pub use plan::PlanSpec;
pub use warm_up::{WarmUp, WarmUpEnd};

use crate::balance::PolicyKind;
use crate::balance::exec::Programs;
use crate::formats::ReadOptions;
use crate::meets::Meets;
use crate::params::Settings;
use crate::random::Generator;
use crate::reclaim::{Grow, States};
use crate::replace::{Delays, Paging, ReplacementKind};
use crate::share::{self, Holds, SharingSpec};
use crate::tier::TierSpec;
use crate::trace::Trace;
use crate::trace::tempo::Tempo;
use crate::trace::workloads::WorkloadSpec;
use crate::units::{Frames, Ticks};

/// The frames of the report's host, which its .dat files do not contain.
const REPORT_FRAMES: Frames = Frames(16);

/// A checked scenario.
#[derive(Clone, Debug)]
pub struct Scenario {
    /// Lower-case letters, digits and hyphens; for a .dat file, made from the file's name.
    pub name: String,
    /// The seed of all randomness.
    pub seed: u64,
    /// The repetition of a sweep, 0 outside one; with the seed it keys the random streams.
    pub repetition: u64,
    /// The generator of the policies' random draws.
    pub random: Generator,
    /// The policies that `compare` and `verify` run, each once.
    pub compare: Vec<&'static PolicyKind>,
    /// The host.
    pub host: HostSpec,
    /// Ticks between two checkpoints; at least 1.
    pub checkpoint_every: Ticks,
    /// Whether the scenario gives that as a duration: a tick is then a nanosecond, and people are
    /// shown durations.
    pub in_time: bool,
    /// The policy in force.
    pub policy: &'static PolicyKind,
    /// The parameters of the policies, by the policies' names.
    pub policy_settings: BTreeMap<&'static str, Settings>,
    /// The parameters of [`crate::balance::wrapped`], which limit any policy.
    pub wrapper: Settings,
    /// What events cost the VM that waits for them.
    pub cost: Cost,
    /// How orders to move frames are carried out.
    pub actuator: Actuator,
    /// How the host pages, if it does.
    pub paging: Option<Paging>,
    /// When it balloons and when it pages, if the state of its free memory decides that.
    pub states: Option<States>,
    /// How it shares pages of equal content, if it does.
    pub sharing: Option<SharingSpec>,
    /// The tiers behind every VM's memory, nearest first.
    pub tiers: Vec<TierSpec>,
    /// What each VM does first, run but not counted.
    pub warm_up: Option<WarmUp>,
    /// The VMs, in file order; at least one.
    pub vms: Vec<VmSpec>,
    /// What must hold after a run.
    pub expects: Vec<Expect>,
    /// What is asked of `plan`, if the scenario has a `[plan]`; a run ignores it.
    pub plan: Option<PlanSpec>,
    /// What a sweep varies, if the scenario has a `[sweep]`; a single run ignores it.
    pub sweep: Option<Grid>,
    /// Who starts the programs that policies ask, if the user allows that.
    pub programs: Option<Arc<dyn Programs>>,
}

impl Scenario {
    /// The frames that VMs may be promised: all but those that the host keeps free.
    pub fn promised(&self) -> Frames {
        self.states.map_or(self.host.memory, |states| self.host.memory - states.marks[0])
    }

    /// Where its mechanisms let VMs meet between control events.
    pub(crate) fn meets(&self) -> Meets {
        let grows = self.states.is_some_and(|states| states.grow == Grow::AtFaults);
        let of_growth = if grows { Meets::AtDraws } else { Meets::Never };
        self.sharing.map_or(Meets::Never, |_| share::MEETS).max(of_growth)
    }

    /// The number of checkpoints from one at which the policy is asked to the next such one.
    pub(crate) fn cadence(&self) -> u64 {
        self.wrapper.integer("cadence")
    }

    /// The most VMs that a scenario may have.
    pub const VMS_MAX: usize = 65_536;

    /// The same scenario with this replacement algorithm, at its default parameters, in every VM.
    #[must_use]
    pub fn with_replacement(&self, replacement: &'static ReplacementKind) -> Self {
        let mut scenario = self.clone();
        for vm in &mut scenario.vms {
            vm.replacement = replacement;
            vm.replacement_settings = Settings::defaults(replacement.params);
        }
        scenario
    }

    /// Whether all VMs run LRU, which stack distances and the bounds made from them describe.
    pub fn all_lru(&self) -> bool {
        self.vms.iter().all(|vm| vm.replacement.is_lru())
    }

    /// Whether any VM runs LRU. Otherwise LRU's best static partition says nothing about the run.
    pub fn any_lru(&self) -> bool {
        self.vms.iter().any(|vm| vm.replacement.is_lru())
    }

    /// Indexes the distances of those traces whose faults are decided by stack distances. It pays
    /// off for [`REPLAYS_MIN`](crate::trace::index::REPLAYS_MIN) runs or more and changes no
    /// result.
    pub fn index(&self) {
        let counted = self.vms.iter().filter(|vm| vm.replacement.is_lru());
        counted.for_each(|vm| vm.trace.index());
    }

    /// What is inexact, or exact only in part, on reduced traces: a sentence, without a full stop,
    /// for each algorithm and each observer of these policies.
    pub fn on_reduced(&self, policies: &[&PolicyKind]) -> Vec<String> {
        let mut told = Vec::new();
        let mut tell = |text: String| {
            if !told.contains(&text) {
                told.push(text);
            }
        };
        let packs = self.tiers.iter().any(TierSpec::is_in_vm);
        let shares = self.sharing.is_some();
        for vm in &self.vms {
            let Some(reduction) = vm.trace.reduction() else { continue };
            let of = format!("on traces reduced for {} frames", reduction.frames);
            if shares {
                tell(format!("{of} sharing is inexact: writes may have been dropped"));
            }
            if packs {
                tell(format!("{of} a compressed tier is inexact"));
            }
            if let Some(text) = vm.replacement.on_reduced.told(reduction) {
                tell(format!("{of} {} is {text}", vm.replacement.name));
            }
            for policy in policies {
                for observer in (policy.observers)(&self.settings_of(policy)) {
                    if let Some(text) = observer.on_reduced.told(reduction) {
                        tell(format!("{of} {} of {} is {text}", observer.name, policy.name));
                    }
                }
            }
        }
        told
    }

    /// Whether anything can delay a VM.
    pub fn has_costs(&self) -> bool {
        self.cost.delays != Delays::default()
            || self.cost.trap > Ticks(0)
            || self.cost.policy > Ticks(0)
            || !self.tiers.is_empty()
            || self.sharing.is_some() && self.cost.copy > Ticks(0)
    }

    /// The parameters of `policy`: those that the scenario sets, or the defaults if it does not
    /// know the policy.
    pub fn settings_of(&self, policy: &PolicyKind) -> Cow<'_, Settings> {
        let known = self.policy_settings.get(policy.name);
        known.map_or_else(|| Cow::Owned(Settings::defaults(policy.params)), Cow::Borrowed)
    }
}

/// The host's memory.
#[derive(Clone, Debug)]
pub struct HostSpec {
    /// All frames that VMs may hold.
    pub memory: Frames,
    /// Bytes of a frame; a power of two.
    pub page_size: u64,
    /// Whether the scenario gives the memory as a size, which people are then shown.
    pub in_bytes: bool,
    /// How the first allocations were divided.
    pub split: Split,
    /// Whether VMs whose minima do not fit together are allowed, and what happens then.
    pub admission: Admission,
}

/// What happens to an arriving VM whose minimum does not fit beside those of others.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Admission {
    /// It cannot happen: the minima of all VMs together fit into the host.
    #[default]
    Guaranteed,
    /// It never runs.
    Refuse,
    /// It waits until others have left, first come, first served.
    Queue,
}

impl Admission {
    /// Every choice with the name that scenarios give it.
    pub const ALL: &[(&'static str, Self)] =
        &[("guaranteed", Self::Guaranteed), ("refuse", Self::Refuse), ("queue", Self::Queue)];
}

/// How orders to move frames are carried out: as by a balloon in each VM.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Actuator {
    /// Ticks from when a frame leaves its VM until it is in the host's free pool.
    pub latency: Ticks,
    /// The most frames that leave a VM in one step; at least 1.
    pub rate: Frames,
    /// Ticks from one step of a VM's balloon to the next; at least 1 unless it is instant.
    pub step: Ticks,
}

impl Actuator {
    /// Carries out everything at once.
    pub const INSTANT: Self = Self { latency: Ticks(0), rate: Frames(u64::MAX), step: Ticks(0) };
}

impl Default for Actuator {
    fn default() -> Self {
        Self::INSTANT
    }
}

/// A period: from a tick to before another.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Phase {
    /// The first tick.
    pub from: Ticks,
    /// The tick after the last; later than `from`, and [`NEVER`](Self::NEVER) if there is no end.
    pub until: Ticks,
}

impl Phase {
    /// The end of an endless phase.
    pub const NEVER: Ticks = Ticks(u64::MAX);

    /// Whether the tick is in the phase.
    pub fn contains(&self, at: Ticks) -> bool {
        self.from <= at && at < self.until
    }
}

/// How the host's frames are first divided among the VMs.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Split {
    /// The same for each VM within its bounds; the remainder goes to the first VMs.
    #[default]
    Equal,
    /// The report's: each VM in turn gets the quotient, rounded up, until no frame is left.
    Ceil,
    /// In proportion to the VMs' shares, within their bounds.
    Shares,
    /// Each VM's `initial`.
    Initial,
}

impl Split {
    /// Every split with the name that scenarios give it.
    pub const ALL: &[(&'static str, Self)] = &[
        ("equal", Self::Equal),
        ("ceil", Self::Ceil),
        ("shares", Self::Shares),
        ("initial", Self::Initial),
    ];
}

/// What events cost the VM that waits for them.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct Cost {
    /// Ticks for its faults.
    pub delays: Delays,
    /// Whether dirty pages are tracked and their write-backs counted: if the scenario says what one
    /// costs.
    pub counts_write_backs: bool,
    /// Ticks for each access that an observer intercepts, charged at the checkpoint that ends the
    /// interval.
    pub trap: Ticks,
    /// Ticks by which each checkpoint delays every VM: the time that the policy takes.
    pub policy: Ticks,
    /// Ticks for each page that the host reads from its swap space, if it pages.
    pub host_read: Ticks,
    /// Ticks for each page that it writes there.
    pub host_write: Ticks,
    /// Ticks for each copy of a shared page that is written.
    pub copy: Ticks,
}

/// One VM.
#[derive(Clone, Debug)]
pub struct VmSpec {
    /// Letters, digits, `-`, `_` and `.`; unique in the scenario.
    pub name: String,
    /// The algorithm that picks the page to evict.
    pub replacement: &'static ReplacementKind,
    /// The parameters of that algorithm.
    pub replacement_settings: Settings,
    /// The fewest frames it may hold once it has started; at least 1.
    pub min: Frames,
    /// The most frames it may hold; at least `min`, at most the host's memory.
    pub max: Frames,
    /// The memory that its guest believes in; at least `max`. Only host paging distinguishes it
    /// from what the VM holds.
    pub size: Frames,
    /// Its weight when frames are divided by shares; at least 1.
    pub shares: u64,
    /// The frames that it gets when it starts, from the split; within its bounds.
    pub initial: Frames,
    /// When it starts.
    pub start: Ticks,
    /// The ticks within which its start was drawn; 0 if it was not.
    pub start_within: Ticks,
    /// How many of the ticks of `start` were drawn.
    pub start_drawn: Ticks,
    /// How its accesses follow each other.
    pub tempo: Tempo,
    /// When it leaves the host, whether or not its trace is over; later than `start`.
    pub stop: Option<Ticks>,
    /// What it does when its trace is over.
    pub after: After,
    /// When it starts no access: finite phases, in order, without overlap.
    pub idle: Vec<Phase>,
    /// When its balloon driver is stuck: phases in order, without overlap.
    pub stuck: Vec<Phase>,
    /// Its accesses; at least one.
    pub trace: Arc<Trace>,
    /// Where the accesses come from.
    pub source: TraceSource,
    /// What its pages hold at first, as far as equality goes.
    pub content: Vec<Holds>,
}

impl VmSpec {
    /// Whether the run waits for it; a VM that repeats without a stop is not waited for.
    pub fn is_awaited(&self) -> bool {
        self.after != After::Repeat || self.stop.is_some()
    }

    /// Whether it leaves the host at some time.
    pub fn leaves(&self) -> bool {
        self.after == After::Leave || self.stop.is_some()
    }
}

/// What a VM does when its trace is over.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub enum After {
    /// It keeps its frames and makes no more accesses.
    #[default]
    Idle,
    /// It leaves the host, and its frames become free.
    Leave,
    /// It starts its trace again, until all VMs that do not repeat have finished.
    Repeat,
}

impl After {
    /// Every choice with the name that scenarios give it.
    pub const ALL: &[(&'static str, Self)] =
        &[("idle", Self::Idle), ("leave", Self::Leave), ("repeat", Self::Repeat)];
}

/// Where a VM's accesses come from, for `check --effective` and the manifest.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum TraceSource {
    /// Page numbers in the scenario itself.
    Pages(Vec<u64>),
    /// A trace file; the path as the scenario gives it, relative to the scenario.
    File {
        /// The path.
        path: String,
        /// How it is read: its format and the reader's options.
        options: Box<ReadOptions>,
        /// What its reader assumed and left out.
        reading: Vec<String>,
    },
    /// Drawn by a generator from the stream "vm/NAME/workload" of the seed and the repetition.
    Workload(WorkloadSpec),
}
