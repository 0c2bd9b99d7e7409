//! `ginseng-like`: one round of an auction, in which each VM bids what memory is worth to it.
//!
//! *Idea.* A VM values frames at its shares times the misses that they save. The host chooses the
//! quantities with the greatest total value; each winner pays for the harm that its winning does to
//! the others, so no VM gains by bidding anything but its true value.
//! *Follows.* O. Agmon Ben-Yehuda, E. Posener, M. Ben-Yehuda, A. Schuster and A. Mu'alem, "Ginseng:
//! market-driven memory allocation", VEE 2014: the progressive second price auction.
//! *Departs.* Their bid is one unit price and ranges of quantities, ours a price for each quantity,
//! the whole valuation, so that a truthful bid is the best one for any shape. Payments move money
//! and no frames; no VM here has a budget, so they are not computed at a checkpoint (the test
//! `no_other_bid_is_better_than_the_truth` computes them). There is no penalty for exchanging
//! memory. Values beyond 62 bits are rounded. Ties and frames that no VM values as in `mrc-dp`.
//! *Cost.* As `mrc-dp`.
//! *Parameters.* `observer`, `decay`, `rate`: where the curves come from; a VM's `shares` are what
//! a miss saved is worth to it.

use crate::balance::curves::{OBSERVER, deal, fault_offers, observers};
use crate::balance::{Plan, Policy, PolicyError, PolicyKind, View, VmView};
use crate::meets::Meets;
use crate::observe::{DECAY, RATE};
use crate::partition::{self, Offer};
use crate::random::Stream;
use crate::units::Frames;

pub(in crate::balance) const KIND: PolicyKind = PolicyKind {
    name: "ginseng-like",
    summary: "sells memory in an auction, in which a saved miss is worth its shares to each VM",
    follows: "O. Agmon Ben-Yehuda, E. Posener, M. Ben-Yehuda, A. Schuster and A. Mu'alem, Ginseng: \
              market-driven memory allocation, VEE 2014",
    live_interval: None,
    params: &[OBSERVER, DECAY, RATE],
    meets: Meets::Never,
    observers,
    fits: |_, _, _| Ok(()),
    build: |_| Box::new(GinsengLike),
};

struct GinsengLike;

impl Policy for GinsengLike {
    fn plan(&mut self, view: &View, _: &mut Stream) -> Result<Plan, PolicyError> {
        // Only the relation of shares counts; the smallest numbers leave room for more misses.
        let unit = view.vms.iter().map(|vm| vm.shares).fold(0, greatest_common_divisor).max(1);
        let worth = |vm: &VmView, misses: u64| u128::from(vm.shares / unit) * u128::from(misses);
        let most: u128 = view
            .vms
            .iter()
            .map(|vm| worth(vm, vm.seen.curve.faults.iter().copied().max().unwrap_or(0)))
            .sum();
        let beyond = (u128::BITS - most.leading_zeros()).saturating_sub(62);
        // A bid: for each quantity that is worth more than one frame less, what is lost without it.
        let bid = |vm: &VmView, min: Frames| {
            let mut offers = fault_offers(vm, min, 1);
            for Offer { cost, .. } in &mut offers {
                *cost = (worth(vm, *cost) >> beyond) as u64;
            }
            offers.dedup_by_key(|offer| offer.cost);
            offers
        };
        // The quantities with the greatest total value.
        let minima = view.vms.iter().map(|vm| vm.bounds.min).collect();
        Ok(deal(view, minima, 1, bid, partition::exact))
    }
}

fn greatest_common_divisor(one: u64, other: u64) -> u64 {
    if other == 0 { one } else { greatest_common_divisor(other, one % other) }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::balance::split::tests::view;
    use crate::observe::Curve;
    use crate::params::Settings;
    use crate::partition::{cost, exact, offers};
    use crate::random::Generator;

    #[test]
    fn linear_values_are_a_knapsack() {
        // Values a frame: 2 · 5, 3 · 4 and 1 · 11, up to 10, 4 and 3 frames.
        let (shares, slopes, most) = ([2, 3, 1], [5, 4, 11], [10, 4, 3]);
        let mut view = view(9, &[3, 3, 3]);
        for (at, vm) in view.vms.iter_mut().enumerate() {
            let faults = (0..=most[at]).map(|held| (most[at] - held) * slopes[at]).collect();
            vm.seen.curve = Curve { accesses: 1000, faults, ..Curve::default() };
            vm.shares = shares[at];
        }
        let mut rng = Stream::new(Generator::ChaCha8, 1, 0, "test");
        let plan = (KIND.build)(&Settings::defaults(KIND.params)).plan(&view, &mut rng).unwrap();
        assert_eq!(plan.0, [2, 4, 3].map(Frames));
    }

    /// What the first bidder gains: the value of what it wins less what the others lose by it.
    fn gain(bids: &[Vec<Offer>], value: &[Offer], units: u32) -> i64 {
        let won = exact(bids, units);
        let others = &bids[1..];
        let harm = cost(others, &won[1..]) - cost(others, &exact(others, units));
        let truth = [value.to_vec()];
        (cost(&truth, &[0]) - cost(&truth, &won[..1])) as i64 - harm as i64
    }

    #[test]
    fn no_other_bid_is_better_than_the_truth() {
        let mut rng = Stream::new(Generator::ChaCha8, 1, 0, "test/bids");
        let mut curve = || {
            let mut left = 300;
            let mut fall = || {
                left -= rng.below(30) * rng.below(2);
                left
            };
            offers(&std::array::from_fn::<u64, 9, _>(|_| fall()), 0, 8, 1)
        };
        for _ in 0..200 {
            let (value, one, other) = (curve(), curve(), curve());
            let truthful = gain(&[value.clone(), one.clone(), other.clone()], &value, 8);
            assert!(truthful >= 0, "a winner never pays more than its value");
            for _ in 0..10 {
                let lie = gain(&[curve(), one.clone(), other.clone()], &value, 8);
                assert!(lie <= truthful);
            }
        }
    }
}
