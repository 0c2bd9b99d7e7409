//! Proportional division of frames by weights, with a limit for each party.

use std::cmp::Reverse;

use crate::units::Frames;

/// A proportional division, rounded down, and the frames left over by rounding.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Shares {
    /// The frames of each party; at most its room.
    pub given: Vec<Frames>,
    /// The frames left over by rounding; fewer than the parties in `open`, unless that is empty.
    pub left: Frames,
    /// The parties with room left, ascending.
    pub open: Vec<usize>,
    /// The remainder of the division for each party of `open`.
    remainders: Vec<u128>,
}

/// Divides `amount` in proportion to `weights`. A party whose share would exceed its room gets its
/// room, and the rest is divided again among the others (water-filling). If all remaining weights
/// are 0, the rest is left over.
pub(crate) fn divide(amount: Frames, weights: &[u64], room: &[Frames]) -> Shares {
    let mut given = vec![Frames(0); weights.len()];
    let mut open: Vec<usize> = (0..weights.len()).filter(|&at| weights[at] > 0).collect();
    let mut rest = amount;
    loop {
        let sum: u128 = open.iter().map(|&at| u128::from(weights[at])).sum();
        let product = |at: usize| u128::from(weights[at]) * u128::from(rest.0);
        let fits = |at: usize| product(at) / sum <= u128::from(room[at].0);
        let (within, beyond): (Vec<_>, Vec<_>) = open.iter().partition(|&&at| fits(at));
        if !beyond.is_empty() {
            for at in beyond {
                given[at] = room[at];
                rest -= room[at];
            }
            open = within;
            continue;
        }
        let mut left = rest;
        let mut remainders = Vec::with_capacity(open.len());
        for &at in &open {
            let share = Frames((product(at) / sum) as u64);
            remainders.push(product(at) % sum);
            given[at] = share;
            left -= share;
        }
        return Shares { given, left, open, remainders };
    }
}

impl Shares {
    /// Gives the frames left over, one each, to the parties with the largest remainders, ties to
    /// the first; frames for which there is no room stay left over. Returns the frames of each
    /// party.
    pub(crate) fn largest_remainder(self, room: &[Frames]) -> Vec<Frames> {
        let Self { mut given, mut left, open, remainders } = self;
        let mut ranks: Vec<(usize, u128)> = open.into_iter().zip(remainders).collect();
        ranks.sort_by_key(|&(_, remainder)| Reverse(remainder));
        for (at, _) in ranks {
            if left > Frames(0) && given[at] < room[at] {
                given[at] += Frames(1);
                left -= Frames(1);
            }
        }
        given
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn frames(numbers: &[u64]) -> Vec<Frames> {
        numbers.iter().copied().map(Frames).collect()
    }

    #[test]
    fn shares_are_rounded_down_and_the_rest_is_left() {
        let shares = divide(Frames(8), &[1, 1, 1], &frames(&[99, 99, 99]));
        assert_eq!(shares.given, frames(&[2, 2, 2]));
        assert_eq!((shares.left, shares.open.len()), (Frames(2), 3));
        assert_eq!(shares.largest_remainder(&frames(&[99, 99, 99])), frames(&[3, 3, 2]));
    }

    #[test]
    fn what_exceeds_a_room_is_divided_among_the_others() {
        let room = frames(&[10, 100, 100]);
        let shares = divide(Frames(100), &[8, 1, 1], &room);
        assert_eq!(shares.given, frames(&[10, 45, 45]));
        assert_eq!(shares.open, [1, 2]);
    }

    #[test]
    fn without_weight_nothing_is_given() {
        let shares = divide(Frames(5), &[0, 0], &frames(&[9, 9]));
        assert_eq!((shares.given, shares.left), (frames(&[0, 0]), Frames(5)));
    }

    proptest! {
        #[test]
        fn frames_are_conserved_and_rooms_kept(
            amount in 0_u64..1000,
            parties in prop::collection::vec((0_u64..50, 0_u64..300), 1..8),
        ) {
            let weights: Vec<u64> = parties.iter().map(|party| party.0).collect();
            let room: Vec<Frames> = parties.iter().map(|party| Frames(party.1)).collect();
            let shares = divide(Frames(amount), &weights, &room);
            let given: Frames = shares.given.iter().copied().sum();
            prop_assert_eq!(given + shares.left, Frames(amount));
            prop_assert!(shares.given.iter().zip(&room).all(|(given, room)| given <= room));
            prop_assert!(shares.open.is_empty() || shares.left.0 < shares.open.len() as u64);
            // Each party with room left has its exact share of the rest, rounded down.
            let full: Frames = (0..weights.len())
                .filter(|at| !shares.open.contains(at))
                .map(|at| shares.given[at])
                .sum();
            let sum: u64 = shares.open.iter().map(|&at| weights[at]).sum();
            for &at in &shares.open {
                prop_assert_eq!(shares.given[at].0, weights[at] * (amount - full.0) / sum);
            }
        }
    }
}
