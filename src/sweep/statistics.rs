//! Statistics of counts, exact to the last digit that is shown: sums of integers, an integer square
//! root, no floating-point number.

use crate::output::Millionths;

/// What a list of counts looks like.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Summary {
    /// How many there are.
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
}

impl Summary {
    /// Summarises counts; `None` where there is none.
    ///
    /// ```
    /// use balloonist::sweep::statistics::Summary;
    /// let summary = Summary::of(&[2, 4, 4, 4, 5, 5, 7, 9]).unwrap();
    /// assert_eq!(summary.mean.to_string(), "5.000000");
    /// assert_eq!(summary.sd.unwrap().to_string(), "2.138090");
    /// assert_eq!(summary.quartiles.map(|quartile| quartile.to_string()),
    ///            ["4.000000", "4.500000", "5.500000"]);
    /// ```
    pub fn of(counts: &[u64]) -> Option<Self> {
        let mut sorted = counts.to_vec();
        sorted.sort_unstable();
        let (&min, &max) = (sorted.first()?, sorted.last()?);
        let n = sorted.len() as u128;
        let sum: u128 = sorted.iter().map(|&count| u128::from(count)).sum();
        Some(Self {
            n: n as u64,
            mean: Millionths::ratio(sum, n)?,
            sd: deviation(&sorted),
            min,
            quartiles: [1, 2, 3].map(|quarters| quartile(&sorted, quarters)),
            max,
        })
    }
}

/// The sample standard deviation of ascending counts, rounded half up.
fn deviation(sorted: &[u64]) -> Option<Millionths> {
    let n = sorted.len() as u128;
    // Distances from the smallest have the same deviation and keep the squares small.
    let above = |count: &u64| u128::from(count - sorted[0]);
    let sum: u128 = sorted.iter().map(above).sum();
    let squares: u128 = sorted.iter().map(|count| above(count).pow(2)).sum();
    let numerator = n * squares - sum * sum;
    let denominator = n * (n - 1);
    let quotient = numerator.checked_div(denominator)?;
    let rest = numerator % denominator;
    // Twice the root is the root of four times the variance: its last bit rounds half up.
    let scale = 4 * Millionths::ONE * Millionths::ONE;
    let doubled = (quotient * scale + rest * scale / denominator).isqrt();
    Some(Millionths(doubled.div_ceil(2)))
}

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
    fn one_count_has_no_deviation() {
        let summary = Summary::of(&[7]).unwrap();
        assert_eq!((summary.n, summary.sd, summary.min, summary.max), (1, None, 7, 7));
        assert!(summary.quartiles.iter().all(|quartile| quartile.0 == 7 * Millionths::ONE));
        assert_eq!(Summary::of(&[]), None);
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
}
