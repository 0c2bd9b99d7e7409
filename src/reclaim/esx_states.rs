//! esx-states: a balloon while free memory suffices, paging when it does not.
//!
//! *Idea.* The host keeps some of its memory free. While it has enough, VMs above their targets
//! keep what they hold. With less it asks their balloons; with still less it pages, which is dear
//! but needs nobody's help; at the end VMs above their targets are held up until they are there.
//! *Follows.* C. A. Waldspurger, "Memory resource management in VMware ESX Server", OSDI 2002,
//! section 6.3: the states high, soft, hard and low, at 6, 4, 2 and 1 % of memory. `esxi-6` has the
//! marks of `ESXi` 5 and later: 100, 64, 32 and 16 % of *minFree*, which is 6 % of the first 4 GiB,
//! 4 % up to 12 GiB, 2 % up to 28 GiB and 1 % beyond.
//! *Departs.* A state is left for a better one when the mark above is reached; the paper only wants
//! some distance. The state is seen at control events and every `period`. A VM starts with its
//! balloon inflated to its first allocation. A balloon that takes frames lowers the guest's memory
//! by as many; frames that a VM is given serve first pages that were taken by paging, then deflate
//! the balloon. The marks are not promised to VMs: targets add up to what is left, and policies are
//! shown of a VM no more frames than it is ordered to hold. The state clear
//! of `ESXi`, in which large pages are broken up for sharing, is part of high, and hard does not
//! compress. Page-outs are synchronous, so VMs wait for them in every state that pages.
//! *Cost.* O(V) at a control event in which the host pages, for V VMs; and that of host paging.
//! While a VM grows at faults, an event for each frame that it draws.
//! *Parameters.* `marks`: percents of the host's memory, or "esxi-6"; 6, 4, 2, 1, the paper's.
//! `period`: ticks between two looks at free memory; required. `grow`: whether a VM below its
//! target is given free frames at once or draws them at faults; at-once. `rate`, `step`, `latency`:
//! those of the balloon. `pager`, `swapper` and costs: those of paging.

use super::MechanismKind;
use crate::units::{Decimal, Frames, Ticks};

pub(super) const KIND: MechanismKind = MechanismKind {
    name: "esx-states",
    summary: "nothing, balloons, paging, or paging at once, by how much of the host is free",
    follows: "C. A. Waldspurger, Memory resource management in VMware ESX Server, OSDI 2002; \
              VMware, documentation of ESXi 5 and 6",
    balloons: true,
    pages: true,
};

/// How much of a host's memory is free.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord)]
pub enum State {
    /// Enough: nothing is reclaimed.
    #[default]
    High,
    /// Balloons take frames from VMs above their targets, and paging where a driver is stuck.
    Soft,
    /// Paging takes all at once.
    Hard,
    /// As hard; there ESX blocks VMs above their targets besides.
    Low,
}

impl State {
    /// Every state, the best first.
    pub const ALL: [Self; 4] = [Self::High, Self::Soft, Self::Hard, Self::Low];

    /// The state that follows with so many free frames: a worse one if its mark is passed, a better
    /// one if the mark above it is reached again.
    #[must_use]
    pub fn next(self, free: Frames, [high, soft, hard, low]: [Frames; 4]) -> Self {
        let passed = [soft, hard, low].iter().filter(|&&mark| free < mark).count();
        let below = [high, soft, hard].iter().filter(|&&mark| free < mark).count();
        Self::ALL[(self as usize).clamp(passed, below)]
    }
}

/// How a VM below its target is given free frames.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Grow {
    /// At control events, as many as there are.
    #[default]
    AtOnce,
    /// One by one, when its memory is full and it uses another page.
    AtFaults,
}

impl Grow {
    /// Every choice with the name that scenarios give it.
    pub const ALL: &[(&'static str, Self)] =
        &[("at-once", Self::AtOnce), ("at-faults", Self::AtFaults)];
}

/// A host that reclaims by states.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct States {
    /// The free frames below which each state but the first begins, and first those from which on
    /// nothing is reclaimed; none is larger than the one before, and each is at least 1.
    pub marks: [Frames; 4],
    /// Ticks between two looks at free memory; at least 1.
    pub period: Ticks,
    /// How VMs grow.
    pub grow: Grow,
}

/// The marks as scenarios give them.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Marks {
    /// Percents of the host's memory, below 100.
    Percents([Decimal; 4]),
    /// Those of `ESXi` 5 and later.
    Esxi6,
}

impl Marks {
    /// The paper's.
    pub const PAPER: Self = Self::Percents([percent(6), percent(4), percent(2), percent(1)]);

    /// The marks in frames, rounded up, of a host of so many frames of `page_size` bytes.
    pub fn frames(self, memory: Frames, page_size: u64) -> [Frames; 4] {
        let part = |whole: u128, percent: Decimal| {
            let part = whole * u128::from(percent.digits);
            let part = part.div_ceil(100 * u128::from(percent.denominator()));
            Frames(u64::try_from(part).unwrap_or(u64::MAX).max(1))
        };
        match self {
            Self::Percents(percents) => percents.map(|of| part(u128::from(memory.0), of)),
            Self::Esxi6 => {
                let bytes = u128::from(memory.0) * u128::from(page_size);
                [100, 64, 32, 16].map(|of| {
                    let hundredths = min_free_hundredths(bytes) * of;
                    let frames = hundredths.div_ceil(100 * 100 * u128::from(page_size));
                    Frames(u64::try_from(frames).unwrap_or(u64::MAX).max(1))
                })
            }
        }
    }
}

const fn percent(digits: u64) -> Decimal {
    Decimal { digits, places: 0 }
}

/// The minFree of `ESXi` on a host of so many bytes, in hundredths of a byte: 6 % of the first 4
/// GiB, 4 % of the next 8, 2 % of the next 16 and 1 % of the rest.
fn min_free_hundredths(bytes: u128) -> u128 {
    let mut left = bytes;
    let mut sum = 0;
    for (gib, percent) in [(4, 6), (8, 4), (16, 2)] {
        let part = left.min(gib << 30);
        sum += part * percent;
        left -= part;
    }
    sum + left
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::Value as Json;

    fn vector() -> Json {
        let path = format!("{}/tests/paging/esx-states.json", env!("CARGO_MANIFEST_DIR"));
        serde_json::from_slice(&std::fs::read(path).unwrap()).unwrap()
    }

    #[test]
    fn states_follow_the_given_walk() {
        let names = ["high", "soft", "hard", "low"];
        let mut state = State::High;
        let marks = Marks::PAPER.frames(Frames(1000), 4096);
        assert_eq!(marks, [60, 40, 20, 10].map(Frames));
        for step in vector()["walk"].as_array().unwrap() {
            state = state.next(Frames(step["free"].as_u64().unwrap()), marks);
            assert_eq!(names[state as usize], step["state"], "{step}");
        }
    }

    #[test]
    fn min_free_is_that_of_the_given_hosts() {
        for host in vector()["minfree_mb"].as_array().unwrap() {
            let bytes = u128::from(host["host_mb"].as_u64().unwrap()) << 20;
            let megabytes = min_free_hundredths(bytes) >> 20;
            let expected = host["minfree_mb"].as_f64().unwrap();
            assert_eq!(megabytes, (expected * 100.0).round() as u128, "{host}");
        }
        // Of 4 GiB in pages of 4 KiB: 6 %, and of those 64, 32 and 16 %, rounded up.
        let marks = Marks::Esxi6.frames(Frames(1 << 20), 4096);
        assert_eq!(marks, [62_915, 40_266, 20_133, 10_067].map(Frames));
    }
}
