//! What a plan asks for: memory or a tier as small as possible, or as many copies as possible.

use crate::number::{counted, grouped};
use crate::scenario::Document;
use crate::scenario::plan::Asked;
use crate::units::{Frames, show_size_up};

/// What is varied until a limit is just kept.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Quantity {
    /// The fewest frames of the host's memory.
    Memory,
    /// The fewest frames of the tier of this name.
    Tier(String),
    /// The most copies of all VMs on a host with this memory.
    Copies(Frames),
}

impl Quantity {
    /// The name of its column.
    pub fn column(&self) -> &'static str {
        self.asked().column()
    }

    /// What a scenario calls it.
    pub fn asked(&self) -> Asked {
        match self {
            Self::Memory => Asked::Memory,
            Self::Tier(name) => Asked::Tier(name.clone()),
            Self::Copies(_) => Asked::Copies(None),
        }
    }

    /// Whether more of it makes the limit easier to keep, so that the least is asked for; otherwise
    /// the most is.
    pub fn is_least(&self) -> bool {
        !matches!(self, Self::Copies(_))
    }

    /// The amounts, ascending, at which mixes run: `count` of them in equal steps up to `most`. A
    /// tier begins with none, and copies with one.
    pub fn amounts(&self, most: u64, count: u64) -> Vec<u64> {
        let steps = |steps: u64| move |at: u64| (most * at).div_ceil(steps);
        let mut amounts: Vec<u64> = match self {
            Self::Memory => (1..=count).map(steps(count)).collect(),
            Self::Tier(_) => (0..count).map(steps((count - 1).max(1))).collect(),
            Self::Copies(_) => [1].into_iter().chain((1..=count).map(steps(count))).collect(),
        };
        amounts.dedup();
        amounts
    }

    /// A scenario with this amount of it.
    pub(super) fn set(&self, document: &Document, amount: u64) -> Document {
        let mut document = match self {
            Self::Copies(_) => document.copied(amount),
            Self::Memory | Self::Tier(_) => document.clone(),
        };
        match self {
            Self::Memory => document.set(&format!("host.memory={amount}")),
            Self::Tier(name) => document.set(&format!("tier.{name}.capacity={amount}")),
            // A share of the VMs' memory would grow with them.
            Self::Copies(Frames(memory)) => document.set(&format!("host.memory={memory}")),
        }
        document
    }

    /// Whether the limit is easier to keep with the one amount than with the other.
    pub(super) fn is_easier(&self, one: u64, other: u64) -> bool {
        if self.is_least() { one > other } else { one < other }
    }

    /// The next amount with which the limit is harder to keep, if there is one.
    pub(super) fn harder(&self, amount: u64) -> Option<u64> {
        match self {
            Self::Memory => Some(amount - 1).filter(|&frames| frames > 0),
            Self::Tier(_) => amount.checked_sub(1),
            Self::Copies(_) => Some(amount + 1),
        }
    }

    /// The amount that is this percentage harder: less memory, a smaller tier, or more copies.
    pub fn harder_by(&self, amount: u64, percent: u64) -> u64 {
        let step = (amount * percent).div_ceil(100);
        if self.is_least() { amount - step } else { amount + step }
    }

    /// The memory of the host with this amount, if `memory` is the scenario's own.
    pub fn memory(&self, amount: u64, memory: Frames) -> Frames {
        if *self == Self::Memory { Frames(amount) } else { memory }
    }

    /// How often the scenario's VMs are there with this amount.
    pub fn copies(&self, amount: u64) -> u64 {
        if self.is_least() { 1 } else { amount }
    }

    /// An amount in words: "753 frames (47.1 MiB)", "12 copies".
    pub fn shown(&self, amount: u64, page_size: u64) -> String {
        match self {
            Self::Copies(_) if amount == 1 => "1 copy".to_owned(),
            Self::Copies(_) => format!("{} copies", grouped(amount)),
            _ => {
                let size = show_size_up(amount.saturating_mul(page_size));
                format!("{} ({size})", counted(amount, "frame"))
            }
        }
    }
}
