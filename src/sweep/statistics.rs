//! Statistics of counts: sums of integers, integer square roots, no floating-point numbers.
//!
//! Means, deviations and quartiles are exact to the last digit shown; a confidence interval may be
//! off by one in its last digit. For counts further apart than 2⁴⁰, deviation and interval have
//! twelve digits.

use crate::account::Account;
use crate::number::{Millionths, SignedMillionths};

/// Reads a count from the account of all VMs of a run.
type Count = fn(&Account) -> u64;

/// The counts that are always summarised: their names and how they are read.
pub const SUMMARISED: [(&str, Count); 3] = [
    ("demand_faults", |all| all.counts.demand_faults),
    ("replacement_misses", |all| all.counts.replacement_misses),
    ("frames_moved", Account::frames_moved),
];

/// The summary of a list of counts.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Summary {
    /// The number of counts.
    pub n: u64,
    /// The mean.
    pub mean: Millionths,
    /// The sample standard deviation, with n − 1; unknown for a single count.
    pub sd: Option<Millionths>,
    /// The smallest.
    pub min: u64,
    /// The lower quartile, the median and the upper quartile, of type 7 in R. J. Hyndman and
    /// Y. Fan, "Sample quantiles in statistical packages", The American Statistician 50(4), 1996.
    pub quartiles: [Millionths; 3],
    /// The largest.
    pub max: u64,
    /// The 95 % confidence interval of the mean by Student's t with n − 1 degrees of freedom;
    /// unknown for a single count. ("Student", "The probable error of a mean", Biometrika 6(1),
    /// 1908.)
    pub interval: Option<[SignedMillionths; 2]>,
}

/// How counts differ from those of a baseline, repetition by repetition: a paired comparison, which
/// removes the randomness that both share in a repetition.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Paired {
    /// The mean of the differences, count minus baseline.
    pub mean: SignedMillionths,
    /// The 95 % confidence interval of that mean; unknown for a single difference.
    pub interval: Option<[SignedMillionths; 2]>,
    /// The number of repetitions in which the count is below the baseline's. Counts are costs.
    pub wins: u64,
    /// The number of repetitions in which the two are equal.
    pub ties: u64,
    /// The number of repetitions in which it is above.
    pub losses: u64,
}

impl Summary {
    /// Summarises counts; `None` if there are none.
    pub(crate) fn of(counts: &[u64]) -> Option<Self> {
        let mut sorted = counts.to_vec();
        sorted.sort_unstable();
        let (&min, &max) = (sorted.first()?, sorted.last()?);
        let n = sorted.len() as u128;
        let sum: u128 = sorted.iter().map(|&count| u128::from(count)).sum();
        let mean = Millionths::ratio(sum, n)?;
        let spread = Spread::of(&sorted.iter().map(|&count| i128::from(count)));
        Some(Self {
            n: n as u64,
            mean,
            sd: spread.deviation(),
            min,
            quartiles: [1, 2, 3].map(|quarters| quartile(&sorted, quarters)),
            max,
            interval: spread.interval(),
        })
    }
}

impl Paired {
    /// Compares counts with those of the baseline in the same repetitions; `None` if there are
    /// none.
    pub(crate) fn of(counts: &[u64], baseline: &[u64]) -> Option<Self> {
        assert_eq!(counts.len(), baseline.len(), "both have every repetition");
        let pairs = counts.iter().zip(baseline);
        let differences = || pairs.clone().map(|(&own, &base)| i128::from(own) - i128::from(base));
        let spread = Spread::of(&differences());
        let number = |is: fn(i128) -> bool| differences().filter(|&by| is(by)).count() as u64;
        Some(Self {
            mean: SignedMillionths::ratio(differences().sum(), spread.n)?,
            interval: spread.interval(),
            wins: number(|by| by < 0),
            ties: number(|by| by == 0),
            losses: number(|by| by > 0),
        })
    }
}

/// The sums from which mean and deviation are computed.
struct Spread {
    n: u128,
    /// The smallest value. Distances from it have the same deviation and keep the squares small.
    least: i128,
    sum: u128,
    /// n² times the population variance of the distances without their last `shift` bits. `shift`
    /// is as small as overflow allows: 0 for 10⁷ values within 2⁴⁰.
    numerator: u128,
    shift: u32,
}

impl Spread {
    fn of(values: &(impl Iterator<Item = i128> + Clone)) -> Self {
        let least = values.clone().min().unwrap_or(0);
        let distances = || values.clone().map(|value| value.abs_diff(least));
        let (mut n, mut most, mut sum): (u128, u128, u128) = (0, 0, 0);
        for above in distances() {
            (n, most, sum) = (n + 1, most.max(above), sum + above);
        }
        let bits = |number: u128| u128::BITS - number.leading_zeros();
        let shift = (bits(n) + bits(most)).saturating_sub(64);
        let (mut squares, mut shifted) = (0, 0);
        for above in distances().map(|above| above >> shift) {
            (squares, shifted) = (squares + above * above, shifted + above);
        }
        Self { n, least, sum, numerator: n * squares - shifted * shifted, shift }
    }

    /// The sample standard deviation, rounded half up. Above 2⁴² only the first twelve digits are
    /// exact.
    fn deviation(&self) -> Option<Millionths> {
        let denominator = self.n * self.n.checked_sub(1).filter(|&degrees| degrees > 0)?;
        // Twice the root is the root of four times the variance; its last bit rounds half up.
        let scale = 4 * Millionths::ONE * Millionths::ONE;
        let deviation = match scaled(self.numerator, denominator, scale) {
            Some(square) => square.isqrt().div_ceil(2),
            None => (self.numerator / denominator).isqrt() * Millionths::ONE,
        };
        Some(Millionths(deviation << self.shift))
    }

    /// The mean plus and minus t·s/√n.
    fn interval(&self) -> Option<[SignedMillionths; 2]> {
        if self.n < 2 {
            return None;
        }
        let denominator = self.n * self.n * (self.n - 1);
        // The standard error in units of 10⁻⁹ if it fits, so that rounding it does not show after
        // the multiplication by t.
        let (scale, unit) = (10_u128.pow(18), 10_u128.pow(9));
        let error = match scaled(self.numerator, denominator, scale) {
            Some(square) => square.isqrt(),
            None => (self.numerator / denominator).isqrt() * unit,
        };
        let half = ((error * t_of(self.n - 1) / unit + 500) / 1000) << self.shift;
        let above = Millionths::ratio(self.sum, self.n)?.0 as i128;
        let mean = self.least * Millionths::ONE as i128 + above;
        Some([mean - half as i128, mean + half as i128].map(SignedMillionths))
    }
}

/// numerator · scale / denominator, rounded down; `None` if that does not fit or the denominator is
/// 0.
fn scaled(numerator: u128, denominator: u128, scale: u128) -> Option<u128> {
    let whole = numerator.checked_div(denominator)?.checked_mul(scale)?;
    let (mut rest, mut below) = (numerator % denominator, denominator);
    // If the product overflows, insignificant bits are dropped from both.
    while rest.checked_mul(scale).is_none() {
        (rest, below) = (rest >> 1, (below >> 1).max(1));
    }
    whole.checked_add(rest * scale / below)
}

/// The 97.5 % quantile of Student's t with this number of degrees of freedom, in 10⁻⁹.
///
/// Up to 30 from the table; above by the expansion in powers of 1/ν around the normal quantile of
/// M. Abramowitz and I. A. Stegun, "Handbook of Mathematical Functions", 26.7.5, whose error is
/// then below 2·10⁻⁸.
fn t_of(degrees: u128) -> u128 {
    if let Some(&tabled) = T_TABLE.get(degrees as usize - 1) {
        return tabled;
    }
    let [normal, one, two, three, four] = T_EXPANSION;
    let mut sum = four;
    for coefficient in [three, two, one, normal] {
        sum = coefficient + sum / degrees;
    }
    sum
}

/// scipy 1.17: `[round(scipy.stats.t.ppf(.975, v) * 10**9) for v in range(1, 31)]`.
const T_TABLE: [u128; 30] = [
    12_706_204_736,
    4_302_652_730,
    3_182_446_305,
    2_776_445_105,
    2_570_581_836,
    2_446_911_851,
    2_364_624_252,
    2_306_004_135,
    2_262_157_163,
    2_228_138_852,
    2_200_985_160,
    2_178_812_830,
    2_160_368_656,
    2_144_786_688,
    2_131_449_546,
    2_119_905_299,
    2_109_815_578,
    2_100_922_040,
    2_093_024_054,
    2_085_963_447,
    2_079_613_845,
    2_073_873_068,
    2_068_657_610,
    2_063_898_562,
    2_059_538_553,
    2_055_529_439,
    2_051_830_516,
    2_048_407_142,
    2_045_229_642,
    2_042_272_456,
];

/// z = 1.959963985, then (z³ + z)/4, (5z⁵ + 16z³ + 3z)/96, (3z⁷ + 19z⁵ + 17z³ − 15z)/384 and
/// (79z⁹ + 776z⁷ + 1482z⁵ − 1920z³ − 945z)/92160.
const T_EXPANSION: [u128; 5] =
    [1_959_963_985, 2_372_271_230, 2_822_498_616, 2_555_849_680, 1_589_534_053];

/// The quantile at `quarters` / 4 of ascending counts: type 7, which interpolates between the
/// counts around position (n − 1)·p.
fn quartile(sorted: &[u64], quarters: usize) -> Millionths {
    let position = (sorted.len() - 1) * quarters;
    let (at, beyond) = (position / 4, (position % 4) as u128);
    let low = u128::from(sorted[at]);
    let high = u128::from(sorted[(at + 1).min(sorted.len() - 1)]);
    Millionths::ratio_or_zero(4 * low + beyond * (high - low), 4)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_summary_has_the_usual_statistics() {
        let summary = Summary::of(&[2, 4, 4, 4, 5, 5, 7, 9]).unwrap();
        assert_eq!(summary.mean.to_string(), "5.000000");
        assert_eq!(summary.sd.unwrap().to_string(), "2.138090");
        assert_eq!(
            summary.quartiles.map(|quartile| quartile.to_string()),
            ["4.000000", "4.500000", "5.500000"]
        );
    }

    #[test]
    fn one_count_has_no_deviation() {
        let summary = Summary::of(&[7]).unwrap();
        assert_eq!((summary.n, summary.sd, summary.min, summary.max), (1, None, 7, 7));
        assert_eq!(summary.interval, None);
        assert!(summary.quartiles.iter().all(|quartile| quartile.0 == 7 * Millionths::ONE));
        assert_eq!(Summary::of(&[]), None);
        assert_eq!(Paired::of(&[], &[]), None);
        assert_eq!(
            Paired::of(&[7], &[9]).map(|paired| (paired.wins, paired.interval)),
            Some((1, None))
        );
    }

    /// R: `sd(c(1, 2, 3, 4, 10))` and `quantile(c(1, 2, 3, 4, 10), c(.25, .5, .75))`.
    #[test]
    fn small_lists_agree_with_r() {
        let summary = Summary::of(&[10, 1, 3, 2, 4]).unwrap();
        assert_eq!(summary.sd.unwrap().to_string(), "3.535534");
        assert_eq!(summary.quartiles.map(|quartile| quartile.0), [2_000_000, 3_000_000, 4_000_000]);
        let even = Summary::of(&[1, 2, 3, 4]).unwrap();
        assert_eq!(even.quartiles.map(|quartile| quartile.0), [1_750_000, 2_500_000, 3_250_000]);
        assert_eq!(even.sd.unwrap().to_string(), "1.290994");
    }

    #[test]
    fn a_large_offset_changes_no_digit_of_the_deviation() {
        let small = Summary::of(&[0, 1, 5]).unwrap();
        let large = Summary::of(&[u64::MAX - 5, u64::MAX - 4, u64::MAX]).unwrap();
        assert_eq!(small.sd, large.sd);
    }

    /// Half of the counts are 0 and half are the maximum: the deviation is the maximum times √(n /
    /// (n − 1)) / 2, and for pairs with the largest difference twice that.
    #[test]
    fn the_widest_spread_of_many_counts_has_a_deviation() {
        for n in [2_u32, 3, 10, 1000, 100_000] {
            let counts: Vec<u64> =
                (0..n).map(|at| if at % 2 == 0 { 0 } else { u64::MAX }).collect();
            let others: Vec<u64> = counts.iter().map(|count| u64::MAX - count).collect();
            let (ones, all) = (f64::from(n / 2), f64::from(n));
            let part = (ones * (all - ones) / (all * (all - 1.0))).sqrt();
            let close = |found: u128, expected: f64| {
                (found as f64 / Millionths::ONE as f64 / expected - 1.0).abs() < 1e-11
            };
            let deviation = Summary::of(&counts).unwrap().sd.unwrap();
            assert!(close(deviation.0, part * u64::MAX as f64), "{n}: {deviation}");
            let [low, high] = Paired::of(&counts, &others).unwrap().interval.unwrap();
            let t = t_of(u128::from(n) - 1) as f64 / 1e9;
            let width = 2.0 * t * 2.0 * part * u64::MAX as f64 / all.sqrt();
            assert!(close(high.0.abs_diff(low.0), width), "{n}: {low} to {high}");
        }
    }

    fn shown(interval: Option<[SignedMillionths; 2]>) -> [String; 2] {
        interval.unwrap().map(|end| end.to_string())
    }

    /// The values of numpy 2 and scipy 1.17:
    /// ```python
    /// def ci(x): return t.interval(.95, len(x) - 1, loc=np.mean(x), scale=sem(x))
    /// print(np.mean(a), np.std(a, ddof=1), np.quantile(a, [.25, .5, .75]), ci(a))
    /// d = a - b
    /// print(np.mean(d), ci(d), (d < 0).sum(), (d == 0).sum(), (d > 0).sum())
    /// ```
    #[test]
    fn summaries_agree_with_scipy() {
        let a = [12, 15, 11, 18, 14, 14, 13, 20, 9, 16];
        let b = [14, 15, 13, 25, 13, 19, 14, 22, 12, 16];
        let summary = Summary::of(&a).unwrap();
        assert_eq!(summary.mean.to_string(), "14.200000");
        assert_eq!(summary.sd.unwrap().to_string(), "3.259175");
        assert_eq!(
            summary.quartiles.map(|quartile| quartile.0),
            [12_250_000, 14_000_000, 15_750_000]
        );
        assert_eq!(shown(summary.interval), ["11.868527", "16.531473"]);
        let paired = Paired::of(&a, &b).unwrap();
        assert_eq!(paired.mean.to_string(), "-2.100000");
        assert_eq!(shown(paired.interval), ["-3.834320", "-0.365680"]);
        assert_eq!((paired.wins, paired.ties, paired.losses), (7, 2, 1));
    }

    /// The same for 200 numbers, beyond the table of t: `x = [(i*i*7919) % 10007 for i in range(1,
    /// 201)]`, `y = [(i*7907 + 13) % 10009 for i in range(1, 201)]`; the interval of the difference
    /// is `scipy.stats.ttest_rel(x, y).confidence_interval(.95)` too.
    #[test]
    fn long_lists_agree_with_scipy() {
        let x: Vec<u64> = (1..=200).map(|i| (i * i * 7919) % 10007).collect();
        let y: Vec<u64> = (1..=200).map(|i| (i * 7907 + 13) % 10009).collect();
        let summary = Summary::of(&x).unwrap();
        assert_eq!(summary.mean.to_string(), "4826.045000");
        assert_eq!(summary.sd.unwrap().to_string(), "2802.472708");
        let quartiles = summary.quartiles.map(|quartile| quartile.0);
        assert_eq!(quartiles, [2_527_500_000, 4_788_000_000, 7_368_250_000]);
        assert_eq!(shown(summary.interval), ["4435.272733", "5216.817267"]);
        let paired = Paired::of(&x, &y).unwrap();
        assert_eq!(paired.mean.to_string(), "-180.400000");
        assert_eq!(shown(paired.interval), ["-769.687185", "408.887185"]);
        assert_eq!((paired.wins, paired.ties, paired.losses), (103, 0, 97));
    }

    /// `scipy.stats.t.ppf(.975, v)`.
    #[test]
    fn quantiles_of_t_agree_with_scipy() {
        for (degrees, quantile) in [
            (1, 12_706_204_736_u128),
            (30, 2_042_272_456),
            (31, 2_039_513_446),
            (32, 2_036_933_343),
            (60, 2_000_297_822),
            (1000, 1_962_339_081),
            (1_000_000, 1_959_966_357),
        ] {
            let found = t_of(degrees);
            assert!(found.abs_diff(quantile) < 40, "{degrees}: {found}");
        }
    }
}
