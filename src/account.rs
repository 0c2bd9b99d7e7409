//! The account of a run: the counts, allocations and costs of each VM and of all VMs together.
//!
//! [`METRICS`] lists its numbers by column name.

mod metrics;
mod rates;
mod tiers;

pub use metrics::{METRICS, Metric, Reading};
pub use rates::FaultRates;
pub(crate) use rates::Rates;
pub use tiers::{TIER_METRICS, TierAccount};

use crate::number::Millionths;
use crate::reclaim::PagingCounts;
use crate::replace::Counts;
use crate::share::{Savings, SharingCounts};
use crate::tier::TIERS_MAX;
use crate::units::{Frames, Ticks};

/// The result of a run.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Outcome {
    /// The policy's name.
    pub policy: String,
    /// What knew the future in this run: the policy, or else the replacement algorithm of a VM.
    /// Such a run is a yardstick and never ranked.
    pub foresight: Option<String>,
    /// Each VM's account, in file order.
    pub vms: Vec<Account>,
    /// All VMs together.
    pub all: Account,
    /// The checkpoints that happened.
    pub checkpoints: u64,
    /// When the last VM finished its last access.
    pub end: Ticks,
    /// The frames in flight at that time.
    pub in_flight: Frames,
    /// A 64-bit hash of time, frames, counts and draws at every checkpoint: equal fingerprints
    /// mean equal trajectories.
    pub fingerprint: u64,
}

/// The counts and allocations of one VM or of all VMs together.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct Account {
    /// Accesses and faults. This and all other numbers exclude the warm-up.
    pub counts: Counts,
    /// Accesses of the warm-up.
    pub warm_up_accesses: u64,
    /// Frames granted by the policy.
    pub granted: Frames,
    /// Frames reclaimed by the policy or for an arrival; departures do not count.
    pub reclaimed: Frames,
    /// Distinct pages accessed.
    pub distinct_pages: u64,
    /// The allocation over time.
    pub frames: Held,
    /// Ticks from the start until the last access ended, the VM stopped or the run ended; for all
    /// VMs, the length of the run.
    pub ticks: u64,
    /// Ticks that the accesses take if all pages are resident and nothing is observed.
    pub nominal_ticks: u64,
    /// Ticks charged for faults and write-backs.
    pub stall_ticks: u64,
    /// Ticks charged for accesses that observers intercepted and for the policy.
    pub overhead_ticks: u64,
    /// How the allocation moved.
    pub movement: Movement,
    /// Jain's index of the VMs' progress, in millionths; only in the account of all VMs.
    pub jain: Option<u128>,
    /// When it started, which is after its `start` if it had to wait; `None` if it never started,
    /// and for all VMs together.
    pub started: Option<Ticks>,
    /// Why and when it was refused, or gave up waiting at its `stop`.
    pub refused: Option<Refusal>,
    /// Its tiers, in the scenario's order.
    pub tiers: [TierAccount; TIERS_MAX],
    /// What host paging did to its pages.
    pub paging: PagingCounts,
    /// How its fault ratio varied from interval to interval; `None` without accesses.
    pub rates: Option<FaultRates>,
    /// Ticks that it waited for frames to be taken while the host's free memory was low.
    pub blocked_ticks: u64,
    /// The ticks in which the host's free memory was high, soft, hard and low, if the host reclaims
    /// by that; only in the account of all VMs.
    pub states: Option<[u64; 4]>,
    /// What sharing did to its pages.
    pub sharing: SharingCounts,
    /// The frames that it pays for at the end of the run if those who map a frame pay in equal
    /// parts, in millionths; `None` unless the host shares and the VM is there.
    pub charged: Option<u128>,
    /// What sharing saved, if the host shares; only in the account of all VMs.
    pub savings: Option<Savings>,
}

impl Account {
    /// The frames that moved. A frame that moves from VM to VM is both reclaimed and granted but
    /// counts once; one that moves to or from the free pool counts too.
    pub fn frames_moved(&self) -> u64 {
        self.granted.max(self.reclaimed).0
    }

    /// Ticks charged in addition to the nominal ones.
    pub fn delayed_ticks(&self) -> u64 {
        self.stall_ticks + self.overhead_ticks
    }

    /// The mean allocation over the ticks in which anything was held.
    pub fn frames_mean(&self) -> Millionths {
        self.frames.mean()
    }

    /// Demand faults per access; 0 without accesses.
    pub fn fault_ratio(&self) -> Millionths {
        let Counts { demand_faults, accesses, .. } = self.counts;
        Millionths::ratio_or_zero(u128::from(demand_faults), u128::from(accesses))
    }

    /// Replacement misses per access; 0 without accesses.
    pub fn replacement_ratio(&self) -> Millionths {
        let Counts { replacement_misses, accesses, .. } = self.counts;
        Millionths::ratio_or_zero(u128::from(replacement_misses), u128::from(accesses))
    }

    /// How many times longer than nominal the accesses took; `None` without accesses.
    pub fn slowdown(&self) -> Option<Millionths> {
        let nominal = u128::from(self.nominal_ticks);
        Millionths::ratio(nominal + u128::from(self.delayed_ticks()), nominal)
    }

    /// The counts since the account `before`, with this account's allocations.
    pub(crate) fn since(&self, before: &Self) -> Self {
        // All fields are named, so that the compiler reports a new one that is missing here.
        let Self {
            counts,
            warm_up_accesses: _,
            granted,
            reclaimed,
            distinct_pages,
            frames,
            ticks,
            nominal_ticks,
            stall_ticks,
            overhead_ticks,
            movement,
            jain,
            started,
            refused,
            tiers,
            paging,
            rates,
            blocked_ticks,
            states,
            sharing,
            charged,
            savings,
        } = *self;
        Self {
            counts: counts.since(&before.counts),
            warm_up_accesses: before.counts.accesses,
            granted: granted - before.granted,
            reclaimed: reclaimed - before.reclaimed,
            distinct_pages,
            frames,
            ticks,
            nominal_ticks: nominal_ticks - before.nominal_ticks,
            stall_ticks: stall_ticks - before.stall_ticks,
            overhead_ticks: overhead_ticks - before.overhead_ticks,
            movement: movement.since(&before.movement),
            jain,
            started,
            refused,
            tiers: std::array::from_fn(|at| tiers[at].since(&before.tiers[at])),
            paging: paging.since(&before.paging),
            rates,
            blocked_ticks: blocked_ticks - before.blocked_ticks,
            states,
            sharing: sharing.since(&before.sharing),
            charged,
            savings,
        }
    }

    /// The sum of all VMs' accounts, with the given allocations and length.
    pub(crate) fn all(vms: &[Self], frames: Held, ticks: Ticks) -> Self {
        let all_ticks = frames.ticks;
        let mut all = Self { frames, ticks: ticks.0, ..Self::default() };
        for vm in vms {
            // All fields are named, so that the compiler reports a new one that is missing here.
            let Self {
                counts,
                warm_up_accesses,
                granted,
                reclaimed,
                distinct_pages,
                frames: _,
                ticks: _,
                nominal_ticks,
                stall_ticks,
                overhead_ticks,
                movement: Movement { oscillations, violations, settle_checkpoints: _ },
                jain: _,
                started: _,
                refused: _,
                tiers,
                paging,
                rates: _,
                blocked_ticks,
                states: _,
                sharing,
                charged,
                savings: _,
            } = *vm;
            all.sharing.add(&sharing);
            all.charged = all.charged.into_iter().chain(charged).reduce(|sum, of| sum + of);
            all.paging.add(&paging);
            all.blocked_ticks += blocked_ticks;
            all.counts.add(counts);
            all.warm_up_accesses += warm_up_accesses;
            all.granted += granted;
            all.reclaimed += reclaimed;
            all.distinct_pages += distinct_pages;
            all.nominal_ticks += nominal_ticks;
            all.stall_ticks += stall_ticks;
            all.overhead_ticks += overhead_ticks;
            all.movement.oscillations += oscillations;
            all.movement.violations += violations;
            for (all, tier) in all.tiers.iter_mut().zip(&tiers) {
                all.add(tier, all_ticks);
            }
        }
        all.jain = jain(vms);
        all
    }
}

/// Jain's index, in millionths, of the progress of the VMs that made an access; progress is rounded
/// down to millionths.
fn jain(vms: &[Account]) -> Option<u128> {
    const ONE: u128 = 1_000_000;
    let progress = |vm: &Account| {
        let nominal = u128::from(vm.nominal_ticks);
        (nominal * ONE).checked_div(nominal + u128::from(vm.delayed_ticks()))
    };
    let progress: Vec<u128> = vms.iter().filter_map(progress).collect();
    let sum: u128 = progress.iter().sum();
    let squares: u128 = progress.iter().map(|x| x * x).sum();
    (sum * sum * ONE).checked_div(progress.len() as u128 * squares)
}

/// Why a VM was refused.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Refusal {
    /// When.
    pub at: Ticks,
    /// The frames not guaranteed to other VMs: fewer than its minimum.
    pub left: Frames,
}

/// How allocations moved between checkpoints.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct Movement {
    /// Frames that moved back within two checkpoints.
    pub oscillations: u64,
    /// Checkpoints at which it waited for its minimum or was refused.
    pub violations: u64,
    /// The longest settling time, in checkpoints.
    pub settle_checkpoints: u64,
}

impl Movement {
    /// The oscillations and violations since `before`, with this account's settling time.
    fn since(&self, before: &Self) -> Self {
        let Self { oscillations, violations, settle_checkpoints } = *self;
        Self {
            oscillations: oscillations - before.oscillations,
            violations: violations - before.violations,
            settle_checkpoints,
        }
    }
}

/// An allocation over time, from arrival to departure or the end of the run.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Held {
    /// The first allocation.
    pub first: Frames,
    /// The last allocation.
    pub last: Frames,
    /// The smallest allocation.
    pub min: Frames,
    /// The largest allocation.
    pub max: Frames,
    /// The integral over time, in frame-ticks.
    pub frame_ticks: u128,
    /// The ticks in which anything was held.
    pub ticks: Ticks,
    /// When the current allocation began.
    pub(crate) since: Ticks,
}

impl Held {
    /// The mean over the ticks in which anything was held.
    pub fn mean(&self) -> Millionths {
        let mean = Millionths::ratio(self.frame_ticks, u128::from(self.ticks.0));
        mean.unwrap_or(Millionths(u128::from(self.last.0) * Millionths::ONE))
    }

    pub(crate) fn begin(frames: Frames, at: Ticks) -> Self {
        Self { first: frames, last: frames, min: frames, max: frames, since: at, ..Self::default() }
    }

    pub(crate) fn change(&mut self, frames: Frames, at: Ticks) {
        self.end(at);
        self.last = frames;
        self.min = self.min.min(frames);
        self.max = self.max.max(frames);
    }

    pub(crate) fn end(&mut self, at: Ticks) {
        let held = at - self.since;
        self.frame_ticks += u128::from(self.last.0) * u128::from(held.0);
        self.ticks += held;
        self.since = at;
    }
}
