//! Expectations: bounds that the numbers of a run must keep.

use std::fmt;

use super::Place;
use crate::account::{Account, Metric, TierAccount};
use crate::number::Millionths;
use crate::units::Decimal;

/// What an expectation measures.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub enum Expected {
    /// A metric of a VM, or of all VMs.
    Vm(&'static Metric),
    /// A metric of a tier: its name, and the tier's place in the scenario.
    Tier(&'static Metric<TierAccount>, String, usize),
}

impl Expected {
    /// The metric's name.
    pub fn name(&self) -> &str {
        match self {
            Self::Vm(metric) => metric.name,
            Self::Tier(_, name, _) => name,
        }
    }

    /// Whether it is a whole number.
    pub fn is_count(&self) -> bool {
        match self {
            Self::Vm(metric) => metric.is_count(),
            Self::Tier(metric, _, _) => metric.is_count(),
        }
    }

    /// The metric's value in an account; `None` if it is undefined.
    pub fn read(&self, account: &Account) -> Option<Millionths> {
        match self {
            Self::Vm(metric) => metric.read(account),
            Self::Tier(metric, _, at) => metric.read(&account.tiers[*at]),
        }
    }
}

/// A bound that a metric of the run must keep.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct Expect {
    /// What is measured.
    pub metric: Expected,
    /// The VM's name, or "all".
    pub vm: String,
    /// The policies for which it must hold; empty: the one in force.
    pub policies: Vec<&'static str>,
    /// The smallest value allowed.
    pub at_least: Option<Limit>,
    /// The largest value allowed.
    pub at_most: Option<Limit>,
    /// Where it is written.
    pub place: Place,
}

/// A limit of an expectation.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Limit {
    /// A number.
    Number(Decimal),
    /// A share of the same metric elsewhere: "105% of static".
    Share {
        /// The share, in percent.
        percent: Decimal,
        /// What it is a share of.
        of: Reference,
    },
}

/// What a relative limit refers to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Reference {
    /// A run of the same scenario under the policy of this name.
    Policy(&'static str),
    /// The bound of this name.
    Bound(&'static str),
}

impl Reference {
    /// The policy's or the bound's name.
    pub fn name(&self) -> &'static str {
        match self {
            Self::Policy(name) | Self::Bound(name) => name,
        }
    }
}

/// The names of the bounds that a limit may refer to.
pub(crate) const BOUNDS: &[&str] = &["cold", "min", "best-static", "global-lru"];

impl fmt::Display for Limit {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Number(number) => number.fmt(out),
            Self::Share { percent, of } => write!(out, "\"{percent}% of {}\"", of.name()),
        }
    }
}
