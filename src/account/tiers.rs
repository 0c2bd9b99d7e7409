//! The account of a tier: what happened to its pages, and the frames that it could fill.

use super::{Held, Metric, Reading};
use crate::tier::TierCounts;
use crate::units::Ticks;

/// The account of a tier of one VM, or of all VMs together.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct TierAccount {
    /// What happened to its pages.
    pub counts: TierCounts,
    /// The frames that it could fill, over time.
    pub frames: Held,
}

impl TierAccount {
    /// The counts since `before`, with this account's frames.
    pub(crate) fn since(&self, before: &Self) -> Self {
        Self { counts: self.counts.since(&before.counts), frames: self.frames }
    }

    /// Adds the account of another VM. The frames of all VMs together are those of the sum, over
    /// `ticks`.
    pub(crate) fn add(&mut self, other: &Self, ticks: Ticks) {
        self.counts.add(&other.counts);
        self.frames.frame_ticks += other.frames.frame_ticks;
        self.frames.ticks = ticks;
    }
}

/// Every metric of a tier. NAME stands for the tier's name.
pub const TIER_METRICS: &[Metric<TierAccount>] = &[
    count("found_NAME", "demand faults that found their page in the tier", |of| of.counts.found),
    count("puts_NAME", "pages that came down into the tier", |of| of.counts.puts),
    count(
        "drops_NAME",
        "pages that the tier passed on, to the next one or to the store, for want of room",
        |of| of.counts.drops,
    ),
    Metric {
        name: "frames_mean_NAME",
        means: "the mean of the frames that the tier could fill",
        of: Reading::Ratio(|of| Some(of.frames.mean())),
    },
];

const fn count(
    name: &'static str,
    means: &'static str,
    of: fn(&TierAccount) -> u64,
) -> Metric<TierAccount> {
    Metric { name, means, of: Reading::Count(of) }
}

impl Metric<TierAccount> {
    /// The metric's name for the tier of this name: `found_zswap`.
    pub fn named(&self, tier: &str) -> String {
        self.name.replace("NAME", tier)
    }
}
