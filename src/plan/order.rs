//! What order statistics say of needs that were drawn alike, whatever their distribution.

use crate::number::Millionths;
use crate::units::Decimal;

/// The fewest drawn values for which the next one can be bounded with this confidence.
///
/// ```
/// use balloonist::plan::order::fewest;
/// use balloonist::units::Decimal;
/// assert_eq!(fewest(Decimal::parse("0.95").unwrap()), 19);
/// ```
pub fn fewest(confidence: Decimal) -> u64 {
    let (digits, one) = (confidence.digits, confidence.denominator());
    digits.div_ceil(one - digits)
}

/// The rank, from 1, of the smallest of `n` drawn values that the next value drawn does not exceed
/// with at least this confidence: the next is equally likely to fall between any two, so it is at
/// most the k-th smallest with probability k / (n + 1) (S. Wilks, "Determination of sample sizes
/// for setting tolerance limits", Annals of Mathematical Statistics 12(1), 1941). `None` if there
/// are too few.
pub fn rank_of_bound(n: u64, confidence: Decimal) -> Option<u64> {
    let (digits, one) = (u128::from(confidence.digits), u128::from(confidence.denominator()));
    let rank = (digits * u128::from(n + 1)).div_ceil(one) as u64;
    (rank <= n).then_some(rank)
}

/// An interval of the median of the distribution that `sorted` was drawn from, at this confidence:
/// between order statistics, interpolated (T. Hettmansperger and S. Sheather, "Confidence intervals
/// based on interpolated order statistics", Statistics & Probability Letters 4(2), 1986). Its ends
/// are rounded outwards. `None` if there are too few values.
pub fn median_interval(sorted: &[u64], confidence: Decimal) -> Option<(u64, u64)> {
    let n = sorted.len();
    let wanted = confidence.digits as f64 / confidence.denominator() as f64;
    // Sums, products and quotients of IEEE 754 are the same on every machine.
    let coverages = coverages(n);
    let depth = coverages.iter().rposition(|&coverage| coverage >= wanted)?;
    let (outer, inner) = (coverages[depth], coverages.get(depth + 1).copied().unwrap_or(0.0));
    // Ranks depth + 1 and n − depth, from 1; one rank further in at most the median itself.
    let (d, n_real) = ((depth + 1) as f64, n as f64);
    let share = (outer - wanted) / (outer - inner);
    let weight = (n_real - d) * share / (d + (n_real - 2.0 * d) * share);
    let next = (depth + 1).min(n - 1 - depth);
    let between = |from: u64, to: u64| from as f64 + (to as f64 - from as f64) * weight;
    let low = between(sorted[depth], sorted[next]).floor() as u64;
    let high = between(sorted[n - 1 - depth], sorted[n - 1 - next]).ceil() as u64;
    Some((low, high))
}

/// For each depth d, from 0, the probability that the median lies between the values d from both
/// ends: 1 − 2 · P(at most d of n fall below it), each falling below it with probability ½.
fn coverages(n: usize) -> Vec<f64> {
    let mut exactly = (0..n).fold(1.0, |power, _| power / 2.0);
    let mut at_most = 0.0;
    let half = 0..n / 2;
    half.map(|below| {
        at_most += exactly;
        exactly = exactly * (n - below) as f64 / (below + 1) as f64;
        1.0 - 2.0 * at_most
    })
    .collect()
}

/// The value at this share of `sorted`: the smallest that at least so many are not above.
pub fn quantile(sorted: &[Millionths], percent: usize) -> Option<Millionths> {
    let rank = (sorted.len() * percent).div_ceil(100).max(1);
    sorted.get(rank - 1).copied()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::random::{Generator, Stream};

    fn confidence(text: &str) -> Decimal {
        Decimal::parse(text).unwrap()
    }

    #[test]
    fn ranks_are_those_of_the_textbook() {
        assert_eq!(fewest(confidence("0.9")), 9);
        assert_eq!(fewest(confidence("0.99")), 99);
        assert_eq!(rank_of_bound(18, confidence("0.95")), None);
        assert_eq!(rank_of_bound(19, confidence("0.95")), Some(19));
        assert_eq!(rank_of_bound(39, confidence("0.95")), Some(38));
    }

    /// The binomial probabilities of n = 10: P(at most 1) = 11/1024, and so on.
    #[test]
    fn coverages_are_binomial() {
        let expected = [2, 22, 112, 352, 772].map(|twice| 1.0 - f64::from(twice) / 1024.0);
        assert_eq!(coverages(10), expected);
    }

    /// Of 4,000 samples of a skewed distribution, the share that each statement holds for.
    #[test]
    fn the_stated_confidence_holds() {
        const SAMPLES: u64 = 4000;
        let mut stream = Stream::new(Generator::ChaCha8, 7, 0, "needs");
        // The largest of two uniform draws, squared: its median is 10^12 / 2.
        let mut draw = || {
            let one = stream.below(1_000_000).max(stream.below(1_000_000));
            one * one
        };
        for n in [19, 20, 39, 60] {
            let (mut fits, mut covered) = (0, 0);
            for _ in 0..SAMPLES {
                let mut sorted: Vec<u64> = (0..n).map(|_| draw()).collect();
                sorted.sort_unstable();
                let rank = rank_of_bound(n, confidence("0.95")).unwrap();
                fits += u64::from(draw() <= sorted[rank as usize - 1]);
                let (low, high) = median_interval(&sorted, confidence("0.95")).unwrap();
                covered += u64::from((low..=high).contains(&500_000_000_000));
            }
            let percent = |held: u64| held as f64 * 100.0 / SAMPLES as f64;
            assert!((93.0..=97.5).contains(&percent(fits)), "n = {n}: fits {}", percent(fits));
            assert!((93.0..=97.0).contains(&percent(covered)), "n = {n}: {}", percent(covered));
        }
    }
}
