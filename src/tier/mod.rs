//! Tiers: where the pages that leave a VM's memory stay within reach, before the store.
//!
//! A VM's pages are in its frames, in one of its tiers, nearest first, or in the *store*, which has
//! room for all: swap space, or the disk that a file's pages come from. A page that is used goes
//! into a frame, wherever it was; a page that leaves the frames or a tier goes on top of the next
//! tier, and from the last one to the store. A tier that has no room passes its oldest page on.
//! [`ALL`] is the only list of kinds.
//!
//! # Who decides what
//! A replacement algorithm has the tiers of its VM ([`Guest::tiers`](crate::replace::Guest)): it
//! knows which page it evicts and which page faults. For LRU that takes one integer a tier
//! (`counter.rs`, which has the proof). The simulation tells it at every control event how many
//! frames each tier has for this VM (`parts.rs`). Tiers are private: no VM's page displaces
//! another's, so VMs still meet only at control events.
//!
//! # Laws
//! demand faults = cold faults + pages found in tiers + store reads · puts = pages found + drops +
//! flushes + pages there · a tier's parts together fit into its capacity.
//! `tests/library/tiers.rs` checks them.

mod compressed;
pub(crate) mod counter;
mod ephemeral;
mod exclusive;
pub(crate) mod parts;

pub use compressed::Pool;

use crate::units::{Decimal, Frames, Ticks};

/// A kind of tier, as scenarios name it.
#[derive(Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct TierKind {
    /// The name in scenario files.
    pub name: &'static str,
    /// What it is, in one sentence without a full stop.
    pub summary: &'static str,
    /// Authors, title, venue and year of what it models.
    pub follows: &'static str,
    /// Whose frames it fills.
    pub memory: Memory,
    /// How much it holds, and whose memory that is: the meaning of the key `capacity`.
    pub capacity: &'static str,
}

/// Whose frames a tier fills.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Memory {
    /// Frames beside the host's: a device, or memory on another machine.
    Own,
    /// The host's frames that no VM holds.
    Host,
    /// The VM's own frames.
    Vm,
}

/// Every kind of tier, in the order in which they are listed.
pub const ALL: &[TierKind] = &[exclusive::KIND, ephemeral::KIND, compressed::KIND];

/// The most tiers of a scenario.
pub const TIERS_MAX: usize = 4;

/// A tier of a scenario. All its VMs have it, each its own part.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct TierSpec {
    /// Lower-case letters, digits and `_`; unique, and part of the names of columns.
    pub name: String,
    /// What it is.
    pub kind: &'static TierKind,
    /// How much it holds.
    pub capacity: Capacity,
    /// How it is divided among the VMs.
    pub division: Division,
    /// The ticks that an access waits which finds its page here, beside those of its fault.
    pub fetch: Ticks,
    /// The ticks that its VM waits for each page that comes down into it.
    pub put: Ticks,
    /// For a compressed tier, the pages that one frame holds; at least 1.
    pub ratio: Decimal,
}

impl TierSpec {
    /// Whether it fills the VM's own frames.
    pub fn is_in_vm(&self) -> bool {
        self.kind.memory == Memory::Vm
    }
}

/// How much a tier holds.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Capacity {
    /// These frames, for all VMs together.
    Frames(Frames),
    /// The frames of the host that are free and not reserved after each control event.
    Spare,
    /// At most this percentage of the frames that a VM holds.
    Percent(Decimal),
}

/// How a tier is divided among the VMs that are present.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Division {
    /// By the VMs' shares.
    #[default]
    Shares,
    /// Equally.
    Equal,
}

impl Division {
    /// Every choice with the name that scenarios give it.
    pub const ALL: &[(&'static str, Self)] = &[("shares", Self::Shares), ("equal", Self::Equal)];
}

/// What a VM's part of a tier holds now, and what has happened to it so far.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct TierState {
    /// The frames that it may fill.
    pub frames: Frames,
    /// The pages in it.
    pub pages: u64,
    /// What has happened.
    pub counts: TierCounts,
}

/// What happened to the pages of a tier.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct TierCounts {
    /// Demand faults that found their page here. The page left the tier.
    pub found: u64,
    /// Pages that came down into it. A tier without a frame is passed by, which is no put.
    pub puts: u64,
    /// Pages that it passed on to the next tier or to the store, for want of room.
    pub drops: u64,
    /// Pages that its VM freed, or that it held when its VM departed.
    pub flushes: u64,
}

impl TierCounts {
    /// The counts since `before`.
    pub(crate) fn since(&self, before: &Self) -> Self {
        Self {
            found: self.found - before.found,
            puts: self.puts - before.puts,
            drops: self.drops - before.drops,
            flushes: self.flushes - before.flushes,
        }
    }

    /// Adds other counts.
    pub(crate) fn add(&mut self, other: &Self) {
        // All fields are named, so that the compiler reports a new one that is missing here.
        let Self { found, puts, drops, flushes } = *other;
        self.found += found;
        self.puts += puts;
        self.drops += drops;
        self.flushes += flushes;
    }
}
