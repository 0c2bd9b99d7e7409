//! Water-filling: frames divided by weights within bounds, at one price for all.
//!
//! A VM of weight *S* is entitled to *S·μ* frames at price level *μ*. Of these it gets the first
//! *A* in full and a part of the others, at least its minimum and at most its maximum. [`fill`]
//! finds the level at which all together get what there is.

use std::cmp::{Ordering, Reverse};

use super::Bounds;
use crate::units::{Decimal, Frames};

/// What one VM may claim.
#[derive(Clone, Copy, Debug)]
pub(super) struct Claim {
    /// Its weight, at most 2³².
    pub(super) weight: u64,
    /// The frames that it gets in full.
    pub(super) in_full: Frames,
    /// The fewest and the most that it gets.
    pub(super) bounds: Bounds,
}

/// Parts of a frame in which the division is made.
const FINE: u32 = 20;
/// A level with this many fractional bits has steps below one part for any weight.
const LEVEL: u32 = 32;
/// At this level every VM has its maximum: 2^(64 + 7) frames of weight 1.
const BEYOND: u128 = (1 << (64 + 7 + FINE + LEVEL)) - 1;
/// What lies beyond `in_full` counts in these.
const TEN_THOUSAND: u64 = 10_000;

/// Divides `amount`, which covers all minima. Of frames beyond those given in full a VM gets one in
/// `1 / (1 − withheld)`; `withheld` counts to its fourth decimal place and is at most 0.99.
///
/// All is given unless all have their maximum or weight 0. Halving finds the level in 2⁻²⁰ frames;
/// the whole frames of each are given, and those that rounding leaves over go one each to the
/// largest remainders, ties to the first.
pub(super) fn fill(amount: Frames, claims: &[Claim], withheld: Decimal) -> Vec<Frames> {
    let kept = TEN_THOUSAND - super::exact::times(Frames(TEN_THOUSAND), withheld).0;
    let sum = |level: u128| -> u128 { claims.iter().map(|claim| claim.fine(level, kept)).sum() };
    let amount_fine = u128::from(amount.0) << FINE;
    // Where the level lies if no bound binds and all is given in full.
    let weights: u128 = claims.iter().map(|claim| u128::from(claim.weight)).sum();
    let enough = highest((amount_fine << LEVEL) / weights.max(1) + 1, amount_fine, sum);
    let fine: Vec<u128> = claims.iter().map(|claim| claim.fine(enough, kept)).collect();
    let mut given: Vec<Frames> = fine.iter().map(|fine| Frames((fine >> FINE) as u64)).collect();
    let mut left = amount - given.iter().copied().sum();
    let mut ranks: Vec<usize> = (0..claims.len()).filter(|&at| claims[at].weight > 0).collect();
    ranks.sort_by_key(|&at| Reverse(fine[at] & ((1 << FINE) - 1)));
    for at in ranks {
        if left > Frames(0) && given[at] < claims[at].bounds.max {
            given[at] += Frames(1);
            left -= Frames(1);
        }
    }
    given
}

/// The highest level for which the amount suffices, or one at which all get the same: sums never
/// decrease with the level. The search starts at `guess`.
fn highest(guess: u128, amount: u128, sum: impl Fn(u128) -> u128) -> u128 {
    if sum(BEYOND) <= amount {
        return BEYOND;
    }
    let (mut enough, mut too_high, mut next) = (0, BEYOND, guess);
    while too_high - enough > 1 {
        match sum(next).cmp(&amount) {
            Ordering::Equal => return next,
            Ordering::Less => enough = next,
            Ordering::Greater => too_high = next,
        }
        let middle = u128::midpoint(enough, too_high);
        next = if too_high == BEYOND { middle.min(2 * next) } else { middle };
    }
    enough
}

impl Claim {
    /// What it gets at this level, in 2⁻²⁰ frames.
    fn fine(&self, level: u128, kept: u64) -> u128 {
        let fine = |frames: Frames| u128::from(frames.0) << FINE;
        let (min, max) = (fine(self.bounds.min), fine(self.bounds.max));
        let Some(entitled) = level.checked_mul(u128::from(self.weight)) else { return max };
        let entitled = entitled >> LEVEL;
        let in_full = fine(self.in_full);
        let got = if entitled <= in_full {
            entitled
        } else {
            let parts = (entitled - in_full) * u128::from(kept);
            // Where it fits, a division of 64 bits takes a tenth of the time.
            in_full
                + u64::try_from(parts).map_or_else(
                    |_| parts / u128::from(TEN_THOUSAND),
                    |parts| u128::from(parts / TEN_THOUSAND),
                )
        };
        got.clamp(min, max)
    }
}

#[cfg(test)]
mod tests {
    use super::super::exact::hundredths;
    use super::*;
    use proptest::prelude::*;

    fn claims(parts: &[(u64, u64, u64, u64)]) -> Vec<Claim> {
        let claim = |&(weight, in_full, min, max): &(u64, u64, u64, u64)| Claim {
            weight,
            in_full: Frames(in_full),
            bounds: Bounds { min: Frames(min), max: Frames(max) },
        };
        parts.iter().map(claim).collect()
    }

    fn filled(amount: u64, parts: &[(u64, u64, u64, u64)], withheld: u64) -> Vec<u64> {
        let given = fill(Frames(amount), &claims(parts), hundredths(withheld));
        given.into_iter().map(|frames| frames.0).collect()
    }

    #[test]
    fn bounds_bind_and_the_others_share_the_rest_by_weight() {
        assert_eq!(filled(100, &[(1, 0, 1, 10), (1, 0, 50, 90), (3, 0, 1, 90)], 0), [10, 50, 40]);
        assert_eq!(filled(100, &[(1, 0, 1, 10), (0, 0, 5, 90)], 0), [10, 5]);
        assert_eq!(filled(8, &[(1, 0, 1, 9), (1, 0, 1, 9), (1, 0, 1, 9)], 0), [3, 3, 2]);
    }

    #[test]
    fn the_largest_quantities_fit() {
        let all = u64::MAX / 2;
        let wide = [(1, 0, 1, all), (1 << 32, all, 1, all)];
        assert_eq!(filled(all, &wide, 99).iter().sum::<u64>(), all);
        assert_eq!(filled(all, &[(1, 0, 1, all)], 99), [all]);
    }

    /// The level by halving all there are.
    fn halved(amount: u128, sum: impl Fn(u128) -> u128) -> u128 {
        let (mut enough, mut too_high) = (0, BEYOND + 1);
        while too_high - enough > 1 {
            let middle = u128::midpoint(enough, too_high);
            *(if sum(middle) <= amount { &mut enough } else { &mut too_high }) = middle;
        }
        enough
    }

    proptest! {
        #[test]
        fn the_level_found_gives_what_the_highest_gives(
            parts in prop::collection::vec(
                (0_u64..=1 << 32, 0_u64..1 << 40, 1_u64..20, 0_u64..1 << 40), 1..7),
            narrow in 0_u32..40,
            extra in 0_u64..1 << 42,
            kept in 100_u64..=10_000,
            guess in 1_u128..1 << 100,
        ) {
            let narrowed = |(weight, full, min, room): (u64, u64, u64, u64)| {
                (weight >> (narrow * 3 / 4), full >> narrow, min, min + (room >> narrow))
            };
            let parts: Vec<_> = parts.into_iter().map(narrowed).collect();
            let claims = claims(&parts);
            let minima: u64 = parts.iter().map(|part| part.2).sum();
            let amount = u128::from(minima + (extra >> narrow)) << FINE;
            let sum =
                |level: u128| -> u128 { claims.iter().map(|claim| claim.fine(level, kept)).sum() };
            let of = |level: u128| -> Vec<u128> {
                claims.iter().map(|claim| claim.fine(level, kept)).collect()
            };
            prop_assert_eq!(of(highest(guess, amount, sum)), of(halved(amount, sum)));
        }

        #[test]
        fn all_is_given_within_bounds_and_more_in_full_never_means_less(
            parts in prop::collection::vec((1_u64..50, 0_u64..300, 1_u64..20, 0_u64..300), 1..7),
            extra in 0_u64..1500,
            withheld in 0_u64..100,
            chosen in 0_usize..7,
            more in 0_u64..100,
        ) {
            let mut parts: Vec<_> =
                parts.into_iter().map(|(weight, full, min, room)| (weight, full, min, min + room))
                    .collect();
            let minima: u64 = parts.iter().map(|part| part.2).sum();
            let maxima: u64 = parts.iter().map(|part| part.3).sum();
            let amount = minima + extra;
            let given = filled(amount, &parts, withheld);
            prop_assert_eq!(given.iter().sum::<u64>(), amount.min(maxima));
            for (&frames, part) in given.iter().zip(&parts) {
                prop_assert!((part.2..=part.3).contains(&frames));
            }
            let chosen = chosen % parts.len();
            parts[chosen].1 += more;
            prop_assert!(filled(amount, &parts, withheld)[chosen] >= given[chosen]);
        }
    }
}
