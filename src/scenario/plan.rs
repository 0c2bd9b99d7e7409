//! What a scenario asks of `plan`, and what it expects of the answers.

use super::expect::Limit;
use super::{Place, meant};
use crate::account::{METRICS, Metric};
use crate::balance::PolicyKind;
use crate::units::Decimal;

/// The `[plan]` of a scenario. What is missing has the default of the command.
#[derive(Clone, Debug, Default)]
#[non_exhaustive]
pub struct PlanSpec {
    /// What is limited for every VM.
    pub limit: Option<VmLimit>,
    /// What is asked for.
    pub asked: Asked,
    /// How sure the answer must be, from 0.01 to 0.999.
    pub confidence: Option<Decimal>,
    /// The number of mixes.
    pub mixes: Option<u64>,
    /// The number of amounts at which the limit is shown.
    pub sizes: Option<u64>,
    /// The policies; empty: those that the scenario compares.
    pub policies: Vec<&'static PolicyKind>,
    /// What must hold of the answers.
    pub expects: Vec<PlanExpect>,
}

/// What a plan looks for.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub enum Asked {
    /// The least memory of the host.
    #[default]
    Memory,
    /// The smallest tier of this name.
    Tier(String),
    /// The most copies of all VMs, and the most that are tried: `None` is as many as touch twice
    /// the host's memory.
    Copies(Option<u64>),
}

impl Asked {
    /// The name of its column.
    pub fn column(&self) -> &'static str {
        match self {
            Self::Memory => "frames",
            Self::Tier(_) => "capacity",
            Self::Copies(_) => "copies",
        }
    }
}

/// A column, and the most that any VM may have of it.
#[derive(Clone, Copy, Debug)]
pub struct VmLimit {
    /// The column.
    pub metric: &'static Metric,
    /// The most of it.
    pub at_most: Decimal,
}

impl VmLimit {
    /// The name of the metric that is limited by default.
    pub const SLOWDOWN: &'static str = "slowdown";

    /// No VM may be slowed down by more than this ratio.
    ///
    /// # Errors
    /// A sentence, if the ratio is below 1.
    pub fn slowdown(at_most: Decimal) -> Result<Self, String> {
        if at_most.digits < at_most.denominator() {
            return Err("a slowdown is at least 1, a VM's time without faults".to_owned());
        }
        let metric = METRICS.iter().find(|metric| metric.name == Self::SLOWDOWN);
        Ok(Self { metric: metric.expect("slowdown is a metric"), at_most })
    }

    /// Parses "`fault_ratio=0.001`".
    ///
    /// # Errors
    /// A sentence that says what is wrong.
    pub fn parse(text: &str) -> Result<Self, String> {
        let (name, value) = text.split_once('=').ok_or("expected a column, `=` and a value")?;
        let (name, value) = (name.trim(), value.trim());
        let Some(metric) = METRICS.iter().find(|metric| metric.name == name) else {
            let remedy = match meant(name, METRICS.iter().map(|metric| metric.name)) {
                Some(meant) => format!("did you mean `{meant}`?"),
                None => "`balloonist list columns` shows them".to_owned(),
            };
            return Err(format!("no column `{name}`; {remedy}"));
        };
        let at_most = Decimal::parse(value).ok_or_else(|| format!("`{value}` is not a number"))?;
        Ok(Self { metric, at_most })
    }
}

/// Parses a confidence from 1% to 99.9%, as a share.
///
/// # Errors
/// A sentence that says what is expected.
pub fn parse_confidence(text: &str) -> Result<Decimal, String> {
    let wrong = || format!("`{text}` is not a confidence, expected 1% to 99.9%");
    let percent = text.trim().strip_suffix('%').ok_or_else(wrong)?.trim();
    let mut share = Decimal::parse(percent).ok_or_else(wrong)?;
    share.places += 2;
    let thousand = share.digits.checked_mul(1000).ok_or_else(wrong)?;
    let one = share.denominator();
    let in_range = share.places <= 9 && thousand >= 10 * one && thousand <= 999 * one;
    in_range.then_some(share).ok_or_else(wrong)
}

/// The most mixes of a plan.
pub const MIXES_MAX: u64 = 10_000;

/// The most amounts on the curve of a plan.
pub const SIZES_MAX: u64 = 1000;

/// A bound that an answer must keep.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct PlanExpect {
    /// What is measured.
    pub metric: PlanMetric,
    /// The policies for which it must hold; empty: the one in force.
    pub policies: Vec<&'static str>,
    /// The smallest value allowed.
    pub at_least: Option<Limit>,
    /// The largest value allowed.
    pub at_most: Option<Limit>,
    /// Where it is written.
    pub place: Place,
}

/// A number of the answer of a policy: a column of the table of needs.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum PlanMetric {
    /// The amount that is enough for another mix, at the confidence.
    Amount,
    /// What the median mix touches with that amount, divided by the memory.
    Overcommit,
    /// Where the curve bends most.
    Knee,
    /// The median amount of the mixes.
    Median,
    /// The mixes whose limit no amount keeps.
    Never,
    /// The mixes in which a harder amount kept the limit although an easier one did not.
    Split,
}

impl PlanMetric {
    /// All of them.
    pub const ALL: [Self; 6] =
        [Self::Amount, Self::Overcommit, Self::Knee, Self::Median, Self::Never, Self::Split];

    /// The name of its column.
    pub fn name(self, asked: &Asked) -> String {
        let column = asked.column();
        match self {
            Self::Amount => column.to_owned(),
            Self::Overcommit => "overcommit".to_owned(),
            Self::Knee => "knee".to_owned(),
            Self::Median => format!("median_{column}"),
            Self::Never => "never".to_owned(),
            Self::Split => "split".to_owned(),
        }
    }

    /// Whether it is an amount of what is asked for.
    pub fn is_amount(self) -> bool {
        matches!(self, Self::Amount | Self::Knee | Self::Median)
    }
}
