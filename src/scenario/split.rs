//! First allocations: divides the host's frames among the VMs before the run.

use crate::balance::Bounds;
use crate::units::Frames;

/// One VM as seen by a split.
#[derive(Clone, Copy, Debug)]
pub(super) struct Claim {
    /// Its bounds; the minima of all claims together fit into the host.
    pub(super) bounds: Bounds,
    /// Its weight, at least 1.
    pub(super) weight: u64,
}

/// The report's split: each VM in turn gets the quotient of frames and VMs, rounded up, until no
/// frame is left; none gets more than its maximum. The last VMs may get less than their minimum.
pub(super) fn ceil(host: Frames, claims: &[Claim]) -> Vec<Frames> {
    let quotient = Frames(host.0.div_ceil(claims.len().max(1) as u64));
    let mut left = host;
    claims
        .iter()
        .map(|claim| {
            let given = quotient.min(left).min(claim.bounds.max);
            left -= given;
            given
        })
        .collect()
}

/// Gives each VM its share by weight, rounded down, or the nearest of its bounds: for VMs that are
/// not all present together, because their minima do not fit into the host.
pub(super) fn one_by_one(host: Frames, claims: &[Claim]) -> Vec<Frames> {
    let weights: u128 = claims.iter().map(|claim| u128::from(claim.weight)).sum();
    let part = |claim: &Claim| u128::from(host.0) * u128::from(claim.weight) / weights;
    // A share of the host fits into 64 bits, as the host does.
    claims.iter().map(|claim| claim.bounds.clamp(Frames(part(claim) as u64))).collect()
}

/// Divides in proportion to the weights within the bounds, by water-filling: a VM whose share would
/// be below its minimum or above its maximum gets that bound, and the others divide the rest. The
/// frames that rounding leaves over go, one each, to the largest remainders, ties in file order.
///
/// All frames are given out unless every VM is at its maximum. With equal weights the result equals
/// dealing frame by frame to the VM that has least; the test
/// `equal_weights_are_dealt_frame_by_frame` checks it.
pub(super) fn proportional(host: Frames, claims: &[Claim]) -> Vec<Frames> {
    let sum = |bound: fn(&Claim) -> Frames| -> u128 {
        claims.iter().map(|claim| u128::from(bound(claim).0)).sum()
    };
    if sum(|claim| claim.bounds.max) <= u128::from(host.0) {
        return claims.iter().map(|claim| claim.bounds.max).collect();
    }
    let level = highest_level_within(host, claims);
    let mut given: Vec<Frames> = claims.iter().map(|claim| level.clamp(claim)).collect();
    // From this level to the next bound, the claims that no bound holds rise in proportion.
    let open: Vec<usize> = (0..claims.len()).filter(|&vm| level.is_open(&claims[vm])).collect();
    let held: u128 = (0..claims.len())
        .filter(|&vm| !level.is_open(&claims[vm]))
        .map(|vm| u128::from(given[vm].0))
        .sum();
    let weights: u128 = open.iter().map(|&vm| u128::from(claims[vm].weight)).sum();
    let shared = u128::from(host.0) - held;
    let product = |vm: usize| shared * u128::from(claims[vm].weight);
    let mut left = shared;
    for &vm in &open {
        given[vm] = Frames((product(vm) / weights) as u64);
        left -= u128::from(given[vm].0);
    }
    let mut by_remainder = open;
    by_remainder.sort_by_key(|&vm| std::cmp::Reverse(product(vm) % weights));
    for &vm in by_remainder.iter().take(left as usize) {
        given[vm] += Frames(1);
    }
    given
}

/// Frames for each unit of weight, as an exact fraction.
#[derive(Clone, Copy, Debug)]
struct Level {
    frames: u64,
    weight: u64,
}

impl Level {
    /// Compares what the claim gets at this level, unbounded, with `frames`.
    fn order(self, claim: &Claim, frames: Frames) -> std::cmp::Ordering {
        let product = |one: u64, other: u64| u128::from(one) * u128::from(other);
        product(self.frames, claim.weight).cmp(&product(frames.0, self.weight))
    }

    /// Whether the claim rises with the level just above this one.
    fn is_open(self, claim: &Claim) -> bool {
        self.order(claim, claim.bounds.min).is_ge() && self.order(claim, claim.bounds.max).is_lt()
    }

    /// The whole frames that the claim gets at this level.
    fn clamp(self, claim: &Claim) -> Frames {
        let share = u128::from(self.frames) * u128::from(claim.weight) / u128::from(self.weight);
        claim.bounds.clamp(Frames(u64::try_from(share).unwrap_or(u64::MAX)))
    }

    /// Whether all claims at this level, unrounded, fit into the host.
    fn fits(self, host: Frames, claims: &[Claim]) -> bool {
        let mut left = u128::from(host.0) * u128::from(self.weight);
        claims.iter().all(|claim| {
            let (min, max) = (claim.bounds.min, claim.bounds.max);
            let wanted = if self.order(claim, min).is_le() {
                u128::from(min.0) * u128::from(self.weight)
            } else if self.order(claim, max).is_ge() {
                u128::from(max.0) * u128::from(self.weight)
            } else {
                u128::from(self.frames) * u128::from(claim.weight)
            };
            left.checked_sub(wanted).map(|rest| left = rest).is_some()
        })
    }
}

/// The highest level at which some claim reaches a bound and all claims fit. The exact level lies
/// between it and the next such level; no claim reaches a bound in between.
fn highest_level_within(host: Frames, claims: &[Claim]) -> Level {
    let level = |frames: Frames, claim: &Claim| Level { frames: frames.0, weight: claim.weight };
    let mut levels: Vec<Level> = claims
        .iter()
        .flat_map(|claim| [level(claim.bounds.min, claim), level(claim.bounds.max, claim)])
        .collect();
    let product = |one: u64, other: u64| u128::from(one) * u128::from(other);
    levels.sort_by(|one, other| {
        product(one.frames, other.weight).cmp(&product(other.frames, one.weight))
    });
    let fitting = levels.partition_point(|level| level.fits(host, claims));
    // At the lowest level every claim has its minimum, which fits by contract.
    levels[fitting.saturating_sub(1)]
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn claim(min: u64, max: u64, weight: u64) -> Claim {
        Claim { bounds: Bounds { min: Frames(min), max: Frames(max) }, weight }
    }

    fn numbers(given: &[Frames]) -> Vec<u64> {
        given.iter().map(|frames| frames.0).collect()
    }

    /// The oracle: every VM has its minimum; then frame after frame goes to the VM that has least
    /// and is not full, ties to the first.
    fn dealt(host: u64, claims: &[Claim]) -> Vec<u64> {
        let mut given: Vec<u64> = claims.iter().map(|claim| claim.bounds.min.0).collect();
        for _ in given.iter().sum()..host {
            let open = (0..given.len()).filter(|&vm| given[vm] < claims[vm].bounds.max.0);
            let Some(least) = open.min_by_key(|&vm| given[vm]) else { break };
            given[least] += 1;
        }
        given
    }

    fn claims(weights: std::ops::Range<u64>) -> impl Strategy<Value = (u64, Vec<Claim>)> {
        let one =
            (1_u64..8, 0_u64..12, weights).prop_map(|(min, room, w)| claim(min, min + room, w));
        (0_u64..60, prop::collection::vec(one, 1..8)).prop_map(|(spare, claims)| {
            let minima: u64 = claims.iter().map(|claim| claim.bounds.min.0).sum();
            (minima + spare, claims)
        })
    }

    #[test]
    fn the_reports_split() {
        let split = |vms: usize| numbers(&ceil(Frames(16), &vec![claim(1, 16, 1); vms]));
        assert_eq!(split(4), [4, 4, 4, 4]);
        assert_eq!(split(2), [8, 8]);
        assert_eq!(split(3), [6, 6, 4]);
        assert_eq!(split(9), [2, 2, 2, 2, 2, 2, 2, 2, 0]);
    }

    #[test]
    fn shares_divide_in_proportion() {
        let split = |claims: &[Claim]| numbers(&proportional(Frames(10), claims));
        assert_eq!(split(&[claim(1, 10, 1), claim(1, 10, 4)]), [2, 8]);
        assert_eq!(split(&[claim(1, 10, 1), claim(1, 10, 2)]), [3, 7], "3⅓ and 6⅔");
        assert_eq!(split(&[claim(1, 10, 1), claim(1, 5, 9)]), [5, 5], "the maximum frees 4");
        assert_eq!(split(&[claim(4, 10, 1), claim(1, 10, 9)]), [4, 6], "the minimum takes 3");
        assert_eq!(split(&[claim(1, 2, 1), claim(1, 3, 1)]), [2, 3], "5 frames stay free");
    }

    #[test]
    fn the_largest_host_does_not_overflow() {
        let all = vec![claim(1, u64::MAX, 1_000_000_000); 3];
        let given = proportional(Frames(u64::MAX), &all);
        assert_eq!(numbers(&given), [u64::MAX / 3; 3]);
    }

    proptest! {
        #[test]
        fn equal_weights_are_dealt_frame_by_frame((host, claims) in claims(7..8)) {
            prop_assert_eq!(numbers(&proportional(Frames(host), &claims)), dealt(host, &claims));
        }

        /// For any weights: bounds hold, all frames are given out, and no VM within its bounds is a
        /// whole frame away from its share relative to another.
        #[test]
        fn shares_are_fair((host, claims) in claims(1..6)) {
            let given = numbers(&proportional(Frames(host), &claims));
            let maxima: u64 = claims.iter().map(|claim| claim.bounds.max.0).sum();
            prop_assert_eq!(given.iter().sum::<u64>(), host.min(maxima));
            for (one, claim) in given.iter().zip(&claims) {
                prop_assert!((claim.bounds.min.0..=claim.bounds.max.0).contains(one));
            }
            for (has, richer) in given.iter().zip(&claims) {
                for (lacks, poorer) in given.iter().zip(&claims) {
                    let may_give = *has > richer.bounds.min.0;
                    let may_take = *lacks < poorer.bounds.max.0;
                    // Moving a frame from one to the other must not bring their levels nearer by
                    // more than the frame that rounding may have misplaced on either side.
                    let over = (has - u64::from(may_give)) * poorer.weight;
                    let under = (lacks + 1) * richer.weight;
                    let slack = richer.weight.max(poorer.weight);
                    let fair = !(may_give && may_take) || over < under + slack;
                    prop_assert!(fair, "{:?} of {:?}", given, claims);
                }
            }
        }
    }
}
