//! Balancing: the hypervisor's rules for moving frames between VMs at checkpoints.
//!
//! A policy is a pure decision: an immutable [`View`] of what a hypervisor may know, in; a [`Plan`]
//! of target allocations, out. No policy sees a trace, a clock or another run, and none the future
//! but the yardsticks, which are marked. [`ALL`] is the one list of policies: names, help, scenario
//! keys and the loops of the property tests come from it.

mod climbing;
mod curves;
mod demand;
mod density;
mod error;
mod exact;
mod fill;
mod hypervisors;
mod market;
mod meminfo;
mod own;
mod pressure;
mod report;
mod split;
#[cfg(test)]
mod testing;
pub mod wrapped;
mod yardsticks;

use std::sync::Arc;

use crate::meets::Meets;
use crate::observe::{ObserverKind, Seen};
use crate::params::{Param, Settings};
use crate::random::Stream;
use crate::replace::Counts;
use crate::share::Scanning;
use crate::units::{Frames, Ticks, VmId};

pub use error::{PlanError, PolicyError};
pub use own::exec;

/// A policy as the scenario names it.
#[derive(Debug)]
pub struct PolicyKind {
    /// The name in scenario files and results.
    pub name: &'static str,
    /// What it does, in one sentence without a full stop.
    pub summary: &'static str,
    /// Authors, title, venue and year of the rule.
    pub follows: &'static str,
    /// How often the rule runs where it is deployed, at 1 ns a tick; `None` if it is not deployed,
    /// or runs when something happens.
    pub live_interval: Option<Ticks>,
    /// Its parameters.
    pub params: &'static [Param],
    /// Where VMs meet between checkpoints. [`Meets::AtFaults`]: at a fault that finds no empty
    /// frame a VM draws one from the VM that [`Policy::giver`] names.
    pub meets: Meets,
    /// Its observers of each VM; the policy inherits their parameters.
    pub observers: fn(&Settings) -> &'static [&'static ObserverKind],
    /// Whether it can run on a host of this many frames with VMs of these bounds; if not, a
    /// sentence with the reason and the remedy.
    pub fits: fn(&Settings, host: Frames, vms: &[Bounds]) -> Result<(), String>,
    /// Makes it.
    pub build: fn(&Settings) -> Box<dyn Policy>,
}

impl PolicyKind {
    /// Whether it knows the future; then it is not ranked among those that do not.
    pub fn is_yardstick(&self) -> bool {
        let observers = (self.observers)(&Settings::defaults(self.params));
        observers.iter().any(|observer| observer.knows_the_future)
    }

    /// Whether its VMs draw frames from each other between checkpoints.
    pub fn pools(&self) -> bool {
        self.meets == Meets::AtFaults
    }
}

/// Every policy, family by family, in the order in which they are listed.
pub const ALL: &[PolicyKind] = &[
    report::static_split::KIND,
    report::last_n::KIND,
    report::proportional::KIND,
    demand::ws::KIND,
    demand::ws_share::KIND,
    demand::pff::KIND,
    demand::global_lru::KIND,
    hypervisors::esx_idle_tax::KIND,
    hypervisors::xen_static::KIND,
    hypervisors::selfballoon::KIND,
    hypervisors::squeezed::KIND,
    hypervisors::qmemman::KIND,
    hypervisors::proxmox_autoballoon::KIND,
    hypervisors::mom_balloon::KIND,
    hypervisors::mom_balloon_2013_07::KIND,
    hypervisors::mom_ovirt::KIND,
    hypervisors::hyperv_like::KIND,
    hypervisors::hyperv_linux::KIND,
    hypervisors::balance_available::KIND,
    hypervisors::neon_autoscaler::KIND,
    hypervisors::ksmtuned::KIND,
    hypervisors::satori_like::KIND,
    hypervisors::libvirt_overcommit::KIND,
    hypervisors::kubevirt_overcommit::KIND,
    own::mom_rules::KIND,
    own::exec::KIND,
    pressure::senpai::KIND,
    pressure::senpai_oomd::KIND,
    pressure::tmo::KIND,
    pressure::damon_reclaim::KIND,
    curves::zhou_greedy::KIND,
    curves::stone_greedy::KIND,
    curves::ucp_lookahead::KIND,
    curves::mrc_dp::KIND,
    curves::lu_shen_like::KIND,
    curves::meb::KIND,
    climbing::cliffhanger_like::KIND,
    climbing::memshare_like::KIND,
    market::ginseng_like::KIND,
    density::hit_density::KIND,
    yardsticks::opt_static::KIND,
    yardsticks::epoch_dp::KIND,
    yardsticks::lru_min::KIND,
];

/// The most samples between two checkpoints that a policy may remember.
pub(crate) const SAMPLES_MAX: u64 = 1000;

/// The fewest and the most frames that a VM may hold; the fewest are at least 1.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Bounds {
    /// The fewest.
    pub min: Frames,
    /// The most.
    pub max: Frames,
}

impl Bounds {
    /// The nearest number of frames within the bounds.
    pub fn clamp(self, frames: Frames) -> Frames {
        frames.clamp(self.min, self.max)
    }
}

/// What a policy may know at a checkpoint.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct View {
    /// The tick of the checkpoint.
    pub at: Ticks,
    /// All frames that plans may give out: the host's, less those that it keeps free, and those
    /// that sharing saves.
    pub host: Frames,
    /// The frames that sharing saves now: pages of equal content in one frame.
    pub saving: Frames,
    /// The VMs on the host now, in file order.
    pub vms: Vec<VmView>,
}

/// What a policy may know of one VM.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct VmView {
    /// The VM.
    pub id: VmId,
    /// Its name.
    pub name: Arc<str>,
    /// The fewest and the most frames that it may hold.
    pub bounds: Bounds,
    /// Its weight where frames are divided by shares.
    pub shares: u64,
    /// The frames it may hold now.
    pub allocation: Frames,
    /// What it was last ordered to hold; its allocation, once the order is carried out.
    pub target: Frames,
    /// The frames of its allocation that hold a page.
    pub resident: Frames,
    /// Its part of what sharing saves now, if those who map a frame have equal parts of it.
    pub saved: Frames,
    /// What happened since the checkpoint before, or since the policy was last asked if that is
    /// longer ago.
    pub interval: Counts,
    /// What happened since the VM started.
    pub total: Counts,
    /// What the observers that the policy declares have measured.
    pub seen: Seen,
}

impl View {
    /// These VMs, in file order, on a host of so many frames.
    pub fn new(at: Ticks, host: Frames, vms: Vec<VmView>) -> Self {
        Self { at, host, saving: Frames(0), vms }
    }
}

impl VmView {
    /// A VM with `allocation` frames, all of them full, no measurements and the default weight of
    /// 1000, for tests of a policy.
    pub fn new(id: VmId, name: &str, bounds: Bounds, allocation: Frames) -> Self {
        Self {
            id,
            name: name.into(),
            bounds,
            shares: 1000,
            allocation,
            target: allocation,
            resident: allocation,
            saved: Frames(0),
            interval: Counts::default(),
            total: Counts::default(),
            seen: Seen::default(),
        }
    }
}

/// What a policy decides: a target allocation for each VM of the view, in the view's order.
///
/// Targets add up to no more than the host's frames and keep each VM's bounds. The host checks
/// that, takes frames from VMs above their target first, and then gives to those below. With a slow
/// actuator that takes its time; the next plan replaces what is not yet carried out of this one.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Plan(pub Vec<Frames>);

impl Plan {
    /// Leaves all orders as they are: every VM keeps what it has, or gets what is under way.
    pub fn unchanged(view: &View) -> Self {
        Self(view.vms.iter().map(|vm| vm.target).collect())
    }

    /// Leaves every VM what it has now, and takes back what is not yet carried out.
    pub fn held(view: &View) -> Self {
        Self(view.vms.iter().map(|vm| vm.allocation).collect())
    }

    /// Checks the plan's contract.
    ///
    /// # Errors
    /// The violation: a plan must have a target for each VM of the view, within the VM's bounds,
    /// and the targets must not add up to more than the host's memory.
    pub fn check(&self, view: &View) -> Result<(), PlanError> {
        let Self(targets) = self;
        if targets.len() != view.vms.len() {
            return Err(PlanError::Length { targets: targets.len(), vms: view.vms.len() });
        }
        for (&VmView { id: vm, bounds, .. }, &target) in view.vms.iter().zip(targets) {
            if bounds.clamp(target) != target {
                return Err(PlanError::Target { vm, target, bounds });
            }
        }
        let sum: u128 = targets.iter().map(|target| u128::from(target.0)).sum();
        let host = view.host;
        if sum > u128::from(host.0) { Err(PlanError::Sum { sum, host }) } else { Ok(()) }
    }
}

/// A balancing policy at work in one run.
///
/// A run has its own, which the simulator asks at every checkpoint, in order, with at least one VM
/// in the view; [`wrapped::wrap`] may stand between and ask it less often. `rng` is the run's
/// stream called "policy".
pub trait Policy: Send {
    /// Decides the targets.
    ///
    /// # Errors
    /// If it cannot decide; that ends the run. A rule that only computes never fails.
    fn plan(&mut self, view: &View, rng: &mut Stream) -> Result<Plan, PolicyError>;

    /// How often it looks at the host between checkpoints, if it does. The time runs from each
    /// checkpoint anew.
    fn samples_every(&self) -> Option<Ticks> {
        None
    }

    /// Samples the host between two checkpoints. The view has no measurements of observers, because
    /// their interval is not over.
    fn sample(&mut self, _view: &View) {}

    /// Lets it start programs, where the user allows that; told before the first plan.
    fn connect(&mut self, _programs: &Arc<dyn exec::Programs>) {}

    /// Why its latest plan is what it is, where it can tell.
    fn reasons(&self) -> Vec<Reason> {
        Vec::new()
    }

    /// How the host is to scan for equal pages from now on, if the policy decides that.
    fn scanning(&self) -> Option<Scanning> {
        None
    }

    /// Chooses the VM that gives a frame to a faulting VM when no frame on the host is empty, for
    /// policies that pool frames. Returns an index into `ends`, which is not empty: the VMs above
    /// their minima in file order, then the faulting VM, which replaces its own page if chosen. By
    /// default the least recently used page is evicted, ties in file order.
    fn giver(&mut self, _at: Ticks, ends: &[LruEnd]) -> usize {
        let oldest = (0..ends.len()).min_by_key(|&at| (ends[at].used, ends[at].vm));
        oldest.expect("the VM that faults can give")
    }
}

/// Why a policy wants a VM to have its target.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Reason {
    /// The VM.
    pub vm: VmId,
    /// The reason, without a full stop.
    pub text: String,
}

/// The page of a VM that it would replace next, as a policy that pools frames sees it.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct LruEnd {
    /// The VM.
    pub vm: VmId,
    /// When the page was used last.
    pub used: Ticks,
    /// When this page, the one that the VM would replace after it, and so on, are used next at the
    /// VM's nominal pace; nothing where that is never. Empty but for policies that declare
    /// [`NEXT_USES`](crate::observe::NEXT_USES).
    pub next_uses: Vec<Option<Ticks>>,
}
