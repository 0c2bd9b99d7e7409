//! What a search makes small.

use crate::account::{Account, Held, METRICS, Metric};
use crate::number::Millionths;
use crate::scenario::meant;
use crate::units::{Decimal, Ticks};

/// A weighted sum of columns, of all VMs together or of the VM that has most.
#[derive(Clone, Debug)]
pub struct Objective {
    text: String,
    terms: Vec<Term>,
}

#[derive(Clone, Debug)]
struct Term {
    weight: Decimal,
    is_worst: bool,
    metric: &'static Metric,
}

/// The columns that mean the same over a part of a run.
const COLUMNS: &[&str] = &[
    "demand_faults",
    "cold_faults",
    "capacity_faults",
    "replacement_misses",
    "stall_ticks",
    "overhead_ticks",
    "write_backs",
    "found",
    "store_reads",
    "host_faults",
    "host_reads",
    "host_writes",
    "blocked_ticks",
    "frames_moved",
    "oscillations",
    "guarantee_violations",
    "fault_ratio",
    "replacement_ratio",
    "slowdown",
];

impl Objective {
    /// Reads terms with `+` between them: `demand_faults + 0.1 frames_moved`, `worst slowdown`.
    ///
    /// # Errors
    /// What is wrong with it.
    ///
    /// ```
    /// use balloonist::plan::objective::Objective;
    /// assert!(Objective::parse("demand_faults + 0.5 worst stall_ticks").is_ok());
    /// assert!(Objective::parse("frames_last").unwrap_err().contains("a part of a run"));
    /// ```
    pub fn parse(text: &str) -> Result<Self, String> {
        let terms = text.split('+').map(Term::parse).collect::<Result<Vec<_>, _>>()?;
        Ok(Self { text: text.split_whitespace().collect::<Vec<_>>().join(" "), terms })
    }

    /// As it was written.
    pub fn text(&self) -> &str {
        &self.text
    }

    /// Its value in the accounts of all VMs, rounded down in each term.
    pub fn value(&self, vms: &[Account]) -> Millionths {
        let all = Account::all(vms, Held::default(), Ticks(0));
        let of = |term: &Term| {
            let read = |account| term.metric.read(account).unwrap_or_default().0;
            let value =
                if term.is_worst { vms.iter().map(read).max().unwrap_or(0) } else { read(&all) };
            let Decimal { digits, .. } = term.weight;
            value.saturating_mul(u128::from(digits)) / u128::from(term.weight.denominator())
        };
        Millionths(self.terms.iter().map(of).fold(0, u128::saturating_add))
    }
}

impl Term {
    fn parse(text: &str) -> Result<Self, String> {
        let mut words: Vec<&str> = text.split_whitespace().collect();
        let name = words.pop().ok_or("a column is missing")?;
        let is_worst = words.pop_if(|word| *word == "worst").is_some();
        let weight = match words.as_slice() {
            [] => Some(Decimal { digits: 1, places: 0 }),
            [weight] => Decimal::parse(weight),
            _ => None,
        };
        let weight = weight.ok_or_else(|| {
            format!("`{}` is no term: write `[WEIGHT] [worst] COLUMN`", text.trim())
        })?;
        let metric = METRICS.iter().find(|metric| metric.name == name);
        match metric {
            Some(metric) if COLUMNS.contains(&name) => Ok(Self { weight, is_worst, metric }),
            Some(_) => Err(format!(
                "`{name}` means nothing over a part of a run; these do: {}",
                COLUMNS.join(", ")
            )),
            None => Err(match meant(name, COLUMNS.iter().copied()) {
                Some(meant) => format!("no column `{name}`; did you mean `{meant}`?"),
                None => {
                    format!("no column `{name}`; these can be minimised: {}", COLUMNS.join(", "))
                }
            }),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::units::Frames;

    #[test]
    fn terms_are_summed_with_their_weights() {
        let vm = |granted, stall_ticks| Account {
            granted: Frames(granted),
            nominal_ticks: 100,
            stall_ticks,
            ..Account::default()
        };
        let vms = [vm(4, 50), vm(6, 0)];
        let value = |text: &str| Objective::parse(text).unwrap().value(&vms).0;
        assert_eq!(value("frames_moved"), 10_000_000);
        assert_eq!(value("slowdown"), 1_250_000);
        assert_eq!(value("worst slowdown + 0.5 frames_moved"), 6_500_000);
        for wrong in ["", "slowdown +", "x slowdown", "1 2 slowdown", "slowdwn", "jain_index"] {
            assert!(Objective::parse(wrong).is_err(), "{wrong}");
        }
    }
}
