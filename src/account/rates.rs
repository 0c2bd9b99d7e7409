//! How fault ratios vary from interval to interval.

use std::collections::BTreeMap;

use crate::number::Millionths;
use crate::replace::Counts;

/// Quantiles of the fault ratio over the intervals between checkpoints in which accesses were made.
///
/// The quantile *p* is the smallest ratio that at least *p* % of the intervals do not exceed (the
/// nearest rank). The interval after the last checkpoint counts like the others, however short.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct FaultRates {
    /// The median.
    pub p50: Millionths,
    /// 95 of 100 intervals have at most this ratio.
    pub p95: Millionths,
    /// 99 of 100 intervals have at most this ratio.
    pub p99: Millionths,
    /// The highest ratio of an interval.
    pub worst: Millionths,
}

/// How many intervals had each fault ratio, in millionths. Its size is bounded by the number of
/// ratios, not of intervals.
#[derive(Clone, Debug, Default)]
pub(crate) struct Rates(BTreeMap<u32, u64>);

impl Rates {
    /// Records an interval; one without accesses has no ratio.
    pub(crate) fn note(&mut self, Counts { demand_faults, accesses, .. }: Counts) {
        // Faults are among the accesses, so the ratio is at most a million millionths.
        let ratio = Millionths::ratio(u128::from(demand_faults), u128::from(accesses));
        if let Some(Millionths(ratio)) = ratio {
            *self.0.entry(ratio as u32).or_default() += 1;
        }
    }

    /// The quantiles; `None` without an interval.
    pub(crate) fn quantiles(&self) -> Option<FaultRates> {
        let intervals: u64 = self.0.values().sum();
        let ratio = |(ratio, _): (&u32, _)| Millionths(u128::from(*ratio));
        let worst = self.0.last_key_value().map(ratio)?;
        let quantile = |percent: u128| {
            let rank = (u128::from(intervals) * percent).div_ceil(100);
            let mut below = 0;
            let mut reached = self.0.iter().skip_while(|(_, count)| {
                below += u128::from(**count);
                below < rank
            });
            reached.next().map_or(worst, ratio)
        };
        let [p50, p95, p99] = [50, 95, 99].map(quantile);
        Some(FaultRates { p50, p95, p99, worst })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::random::{Generator, Stream};

    #[test]
    fn a_quantile_is_the_element_at_its_rank() {
        let mut rng = Stream::new(Generator::ChaCha8, 1, 0, "test/rates");
        for intervals in 1..250 {
            let mut rates = Rates::default();
            let mut sorted = Vec::new();
            for _ in 0..intervals {
                let accesses = rng.below(9);
                let demand_faults = rng.below(accesses + 1);
                rates.note(Counts { accesses, demand_faults, ..Counts::default() });
                let ratio = Millionths::ratio(demand_faults.into(), accesses.into());
                sorted.extend(ratio);
            }
            sorted.sort_unstable();
            let at = |percent: usize| sorted[(sorted.len() * percent).div_ceil(100) - 1];
            let expected = (!sorted.is_empty()).then(|| {
                let worst = sorted[sorted.len() - 1];
                FaultRates { p50: at(50), p95: at(95), p99: at(99), worst }
            });
            assert_eq!(rates.quantiles(), expected);
        }
    }
}
