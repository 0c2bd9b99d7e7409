//! What the report's inputs show about its two hypotheses.
//!
//! *H1*: dynamic balancing lowers the page miss ratio. *H2*: where access frequency and miss ratio
//! are about equal in all VMs, balancing does not lower the miss ratio and only adds overhead.

use super::{Replay, Strategy, TESTS, find, total};
use crate::replace::Counts;
use crate::units::Frames;

/// The verdicts, each under both counts.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Verdicts {
    /// H1 counted in replacement misses, as the report counts.
    pub lowers_replacement_misses: Verdict,
    /// H1 counted in demand faults.
    pub lowers_demand_faults: Verdict,
    /// How nearly each file meets the condition of H2.
    pub equality: [Equality; 3],
}

impl Verdicts {
    /// The file with the smallest ratio of the most to the fewest demand faults of a VM; the first
    /// if several have it.
    pub(crate) fn nearest_to_equality(&self) -> &Equality {
        let by_spread = |one: &&Equality, other: &&Equality| {
            let product = |most: &Equality, fewest: &Equality| {
                u128::from(most.demand_faults.1) * u128::from(fewest.demand_faults.0)
            };
            product(one, other).cmp(&product(other, one))
        };
        self.equality.iter().min_by(by_spread).expect("the report has files")
    }
}

/// Whether both dynamic strategies lower a count over the three files.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Verdict {
    /// Both lower it.
    Supported,
    /// Neither does.
    Refuted,
    /// One does, the other does not.
    Mixed,
}

/// How equally the VMs of one file miss while no frame moves, and what balancing does there.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Equality {
    /// The file.
    pub test: &'static str,
    /// Accesses of each VM; equal in all of the report's files, so H2's frequencies are equal.
    pub accesses: u64,
    /// The fewest and the most replacement misses of a VM under static.
    pub replacement_misses: (u64, u64),
    /// The fewest and the most demand faults of a VM under static.
    pub demand_faults: (u64, u64),
    /// The file's demand faults, by strategy as in [`Strategy::COMPARED`].
    pub file_demand_faults: [u64; 3],
    /// The frames moved, in the same order.
    pub moved: [Frames; 3],
}

impl Equality {
    /// Whether the VMs miss about equally: under both counts the most is at most a tenth above the
    /// fewest. All VMs of a file make the same number of accesses, so counts compare as ratios do.
    pub(crate) fn is_met(&self) -> bool {
        let about_equal = |(fewest, most): (u64, u64)| 10 * most <= 11 * fewest;
        about_equal(self.replacement_misses) || about_equal(self.demand_faults)
    }
}

pub(super) fn verdicts(replays: &[Replay]) -> Verdicts {
    let lowers = |count: fn(&Counts) -> u64| {
        let [unmoved, last_n, proportional] =
            Strategy::COMPARED.map(|strategy| count(&total(replays, strategy).0));
        match (last_n < unmoved, proportional < unmoved) {
            (true, true) => Verdict::Supported,
            (false, false) => Verdict::Refuted,
            _ => Verdict::Mixed,
        }
    };
    Verdicts {
        lowers_replacement_misses: lowers(|counts| counts.replacement_misses),
        lowers_demand_faults: lowers(|counts| counts.demand_faults),
        equality: TESTS.map(|test| equality(replays, test)),
    }
}

fn equality(replays: &[Replay], test: &'static str) -> Equality {
    let unmoved = &find(replays, test, Strategy::STATIC).vms;
    let range = |count: fn(&Counts) -> u64| {
        let counts = || unmoved.iter().map(count);
        (counts().min().unwrap_or(0), counts().max().unwrap_or(0))
    };
    let compared = Strategy::COMPARED.map(|strategy| find(replays, test, strategy));
    Equality {
        test,
        accesses: unmoved[0].accesses,
        replacement_misses: range(|counts| counts.replacement_misses),
        demand_faults: range(|counts| counts.demand_faults),
        file_demand_faults: compared.map(|replay| replay.all().demand_faults),
        moved: compared.map(|replay| replay.moved),
    }
}
