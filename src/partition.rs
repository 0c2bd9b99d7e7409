//! Partitions: how many units of memory each of several parties should get, given their cost
//! curves.
//!
//! A curve is a list of [`Offer`]s, the points at which more units lower a party's cost.
//! Curve-based policies and the best static partition use three searches: [`greedy`] looks one unit
//! ahead, [`lookahead`] as far as the remaining units allow, and [`exact`] finds the least total
//! cost for curves of any shape. Ties always go to the first party.

use std::cmp::{Ordering, Reverse};
use std::collections::BinaryHeap;

/// A point of a cost curve: the cost with `taken` units, which is lower than with one unit less.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Offer {
    /// Units taken.
    pub taken: u32,
    /// The cost with these units.
    pub cost: u64,
}

/// The offers of a party that has at least `min` and at most `max` frames, in units of `group`
/// frames. `costs` are its costs with 0 frames, 1 frame and so on; the last entry also applies to
/// more frames. The last unit may exceed `max`.
pub(crate) fn offers(costs: &[u64], min: u64, max: u64, group: u64) -> Vec<Offer> {
    let Some(last) = costs.len().checked_sub(1) else { return vec![Offer { taken: 0, cost: 0 }] };
    let cost_with = |frames: u64| costs[usize::try_from(frames).map_or(last, |at| at.min(last))];
    let useful = max.min(last as u64);
    let mut offers = vec![Offer { taken: 0, cost: cost_with(min) }];
    let mut fewest = offers[0].cost;
    for taken in 1..=useful.saturating_sub(min).div_ceil(group) {
        let cost = cost_with((min + taken * group).min(useful));
        // More units at the same cost are never better.
        if cost < fewest {
            offers.push(Offer { taken: taken as u32, cost });
            fewest = cost;
        }
    }
    offers
}

/// Hands out `units` one at a time, each to the party whose cost falls most, until no party's cost
/// falls. Exact if all curves are convex; cannot see past a flat stretch.
pub(crate) fn greedy(parties: &[Vec<Offer>], units: u32) -> Vec<u32> {
    let next = |party: usize, at: usize, _: Option<u32>| {
        let offers = &parties[party];
        let further = offers.get(at + 1).filter(|next| next.taken == offers[at].taken + 1);
        further.map(|_| at + 1)
    };
    climb(parties, units, next).taken
}

/// Repeatedly gives a party the number of units that lowers its cost most per unit, the smallest of
/// several such numbers, until no party's cost falls.
pub(crate) fn lookahead(parties: &[Vec<Offer>], units: u32) -> Vec<u32> {
    lookahead_climb(parties, units).taken
}

/// The partition of `units` with the least total cost. Among several, the one in which the last
/// party takes the fewest units, then the one before it, and so on.
///
/// `O(units)` if lookahead never lacked units for the steepest offer: all its points then lie on
/// the curves' lower convex hulls, and its result is optimal. Otherwise the slope of the first such
/// offer gives a lower bound on every partition's cost, which rules out most offers; the dynamic
/// program over the rest is `O(parties · units · offers)`.
pub(crate) fn exact(parties: &[Vec<Offer>], units: u32) -> Vec<u32> {
    let climb = lookahead_climb(parties, units);
    match climb.cut {
        None => climb.taken,
        Some(cut) => search(&survivors(parties, units, &climb.taken, cut), units),
    }
}

/// The total cost of these numbers of units.
pub(crate) fn cost(parties: &[Vec<Offer>], taken: &[u32]) -> u64 {
    parties.iter().zip(taken).map(|(offers, &taken)| offers[affordable(offers, taken)].cost).sum()
}

/// The last offer of at most `units` units.
fn affordable(offers: &[Offer], units: u32) -> usize {
    offers.partition_point(|offer| offer.taken <= units) - 1
}

/// A fall of a party's cost for a number of further units; ordered by the fall per unit.
#[derive(Clone, Copy, Debug)]
struct Slope {
    fall: u64,
    units: u32,
}

impl Slope {
    fn between(from: Offer, to: Offer) -> Self {
        Self { fall: from.cost - to.cost, units: to.taken - from.taken }
    }
}

impl Ord for Slope {
    fn cmp(&self, other: &Self) -> Ordering {
        let product = |one: &Self, by: &Self| u128::from(one.fall) * u128::from(by.units);
        product(self, other).cmp(&product(other, self))
    }
}

impl PartialOrd for Slope {
    fn partial_cmp(&self, other: &Self) -> Option<Ordering> {
        Some(self.cmp(other))
    }
}

impl PartialEq for Slope {
    fn eq(&self, other: &Self) -> bool {
        self.cmp(other).is_eq()
    }
}

impl Eq for Slope {}

struct Climb {
    taken: Vec<u32>,
    /// The first slope for which too few units were left.
    cut: Option<Slope>,
}

/// Repeatedly lets the party with the steepest slope take its next offer. `next` returns the next
/// offer of a party, among all or among those that the remaining units allow.
fn climb(
    parties: &[Vec<Offer>],
    units: u32,
    next: impl Fn(usize, usize, Option<u32>) -> Option<usize>,
) -> Climb {
    let (mut left, mut cut) = (units, None);
    let mut at = vec![0; parties.len()];
    let wish = |party: usize, at: usize, left: Option<u32>| {
        let to = next(party, at, left)?;
        let offers = &parties[party];
        Some((Slope::between(offers[at], offers[to]), Reverse(party), to))
    };
    let mut wishes: BinaryHeap<_> =
        (0..parties.len()).filter_map(|party| wish(party, 0, None)).collect();
    while left > 0
        && let Some((slope, Reverse(party), to)) = wishes.pop()
    {
        if slope.units <= left {
            at[party] = to;
            left -= slope.units;
            wishes.extend(wish(party, to, None));
        } else {
            // Fewer remaining units allow no steeper slope, so the queue's order stays valid.
            cut = cut.or(Some(slope));
            wishes.extend(wish(party, at[party], Some(left)));
        }
    }
    let taken = parties.iter().zip(&at).map(|(offers, &at)| offers[at].taken).collect();
    Climb { taken, cut }
}

fn lookahead_climb(parties: &[Vec<Offer>], units: u32) -> Climb {
    let hulls: Vec<Vec<usize>> = parties.iter().map(|offers| hull(offers)).collect();
    climb(parties, units, |party, at, left| {
        let (offers, hull) = (&parties[party], &hulls[party]);
        // From a corner of the hull the steepest slope leads to the next one.
        let corner = hull.binary_search(&at).ok().and_then(|corner| hull.get(corner + 1));
        if left.is_none() && corner.is_some() {
            return corner.copied();
        }
        let reach = affordable(offers, offers[at].taken.saturating_add(left.unwrap_or(units)));
        // The first of equal slopes; `max_by_key` would give the last.
        (at + 1..=reach).rev().max_by_key(|&to| Slope::between(offers[at], offers[to]))
    })
}

/// The offers on the lower convex hull, including those inside its edges.
fn hull(offers: &[Offer]) -> Vec<usize> {
    let mut hull: Vec<usize> = Vec::new();
    for (at, &offer) in offers.iter().enumerate() {
        while let [.., before, last] = hull[..]
            && Slope::between(offers[before], offers[last]) < Slope::between(offers[last], offer)
        {
            hull.pop();
        }
        hull.push(at);
    }
    hull
}

/// The offers that can be part of an optimal partition (Lagrangian pruning). The reduced cost of an
/// offer is its cost plus its units times the price per unit, `cut`. No partition costs less than
/// the sum of the parties' least reduced costs minus the price of all units. If an offer exceeds
/// its party's least reduced cost by d, every partition with it exceeds that bound by at least d;
/// so an offer is removed if its d is greater than that of the partition `found`.
fn survivors(parties: &[Vec<Offer>], units: u32, found: &[u32], cut: Slope) -> Vec<Vec<Offer>> {
    // All terms are multiplied by `cut.units`, so that they are integers.
    let scaled = |cost: u64| u128::from(cost) * u128::from(cut.units);
    let price = |taken: u32| u128::from(cut.fall) * u128::from(taken);
    let reduced = |offer: &Offer| scaled(offer.cost) + price(offer.taken);
    let least = |offers: &Vec<Offer>| offers.iter().map(reduced).min().unwrap_or(0);
    let bound: u128 = parties.iter().map(least).sum();
    let gap = scaled(cost(parties, found)) + price(units) - bound;
    let kept = |offers: &Vec<Offer>| {
        let limit = least(offers) + gap;
        offers.iter().copied().filter(|offer| reduced(offer) <= limit).collect()
    };
    parties.iter().map(kept).collect()
}

/// The dynamic program, in the narrowest integers that hold the costs.
fn search(parties: &[Vec<Offer>], units: u32) -> Vec<u32> {
    // Subtract each party's first offer, which every partition includes.
    let lowered = |offers: &Vec<Offer>| -> Vec<Offer> {
        let (first, last) = (offers[0], offers[offers.len() - 1]);
        let lower = |offer: &Offer| Offer {
            taken: offer.taken - first.taken,
            cost: offer.cost - last.cost,
        };
        offers.iter().map(lower).collect()
    };
    let base: Vec<u32> = parties.iter().map(|offers| offers[0].taken).collect();
    let parties: Vec<Vec<Offer>> = parties.iter().map(lowered).collect();
    let units = (units - base.iter().sum::<u32>()) as usize;
    let most: u64 = parties.iter().map(|offers| offers[0].cost).sum();
    let taken = if most < u64::from(u32::MAX) {
        dynamic::<u32>(&parties, units)
    } else {
        dynamic::<u64>(&parties, units)
    };
    base.iter().zip(taken).map(|(base, taken)| base + taken).collect()
}

/// An integer for sums of costs.
trait Cost: Copy + Ord {
    /// More than any sum.
    const MAX: Self;
    fn of(cost: u64) -> Self;
    /// Adds; the sum is known to fit.
    fn plus(self, other: Self) -> Self;
}

impl Cost for u32 {
    const MAX: Self = Self::MAX;
    fn of(cost: u64) -> Self {
        cost as Self
    }
    #[inline(always)]
    fn plus(self, other: Self) -> Self {
        self.wrapping_add(other)
    }
}

impl Cost for u64 {
    const MAX: Self = Self::MAX;
    fn of(cost: u64) -> Self {
        cost
    }
    #[inline(always)]
    fn plus(self, other: Self) -> Self {
        self.wrapping_add(other)
    }
}

/// best(j, t), the least cost of the first j parties with at most t units, is the minimum over x of
/// best(j − 1, t − x) + cost(j, x). Every party's first offer takes nothing.
fn dynamic<T: Cost>(parties: &[Vec<Offer>], units: usize) -> Vec<u32> {
    let Some((last, but_last)) = parties.split_last() else { return Vec::new() };
    let widest = |offers: &Vec<Offer>| offers[offers.len() - 1].taken as usize;
    // The most that all later parties can take. Giving the parties so far less than the rest would
    // leave units unused.
    let mut later: usize = parties.iter().map(widest).sum();
    let mut reach = 0;
    let mut tables: Vec<Vec<T>> = Vec::with_capacity(but_last.len());
    for offers in but_last {
        later -= widest(offers);
        reach = units.min(reach + widest(offers));
        let from = units.saturating_sub(later).min(reach);
        let table = match tables.last() {
            None => {
                let cost = |t: usize| T::of(offers[affordable(offers, t as u32)].cost);
                (0..=reach).map(cost).collect()
            }
            Some(before) => together(before, offers, from, reach),
        };
        tables.push(table);
    }
    // From the last party back, each takes the fewest units that give the least cost.
    let mut left = units;
    let mut taken = Vec::with_capacity(parties.len());
    let backwards = std::iter::once(last).chain(but_last.iter().rev());
    for (offers, place) in backwards.zip((0..parties.len()).rev()) {
        let before = place.checked_sub(1).map(|before| &tables[before]);
        let total = |offer: &&Offer| {
            let rest = left - offer.taken as usize;
            let others = before.map(|table| table[rest.min(table.len() - 1)]);
            others.map_or(T::of(offer.cost), |others| others.plus(T::of(offer.cost)))
        };
        let reachable = &offers[..=affordable(offers, left as u32)];
        let best = reachable.iter().min_by_key(total).expect("the first offer takes nothing");
        left -= best.taken as usize;
        taken.push(best.taken);
    }
    taken.reverse();
    taken
}

/// The least costs of the parties so far and one more, with `from` to `reach` units.
fn together<T: Cost>(before: &[T], offers: &[Offer], from: usize, reach: usize) -> Vec<T> {
    // More units than the parties so far can use do not change their cost.
    let mut others = before.to_vec();
    others.resize(reach + 1, before[before.len() - 1]);
    let mut best = vec![T::MAX; reach + 1];
    pulp::Arch::new().dispatch(
        #[inline(always)]
        || {
            for offer in offers.iter().take_while(|offer| offer.taken as usize <= reach) {
                let (taken, own) = (offer.taken as usize, T::of(offer.cost));
                let from = from.max(taken);
                for (cell, &others) in best[from..].iter_mut().zip(&others[from - taken..]) {
                    *cell = (*cell).min(others.plus(own));
                }
            }
        },
    );
    best
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    /// Non-increasing curves that start at 100, with flat stretches and cliffs.
    fn curves() -> impl Strategy<Value = Vec<Vec<u64>>> {
        let drop = prop_oneof![Just(0_u64), 0_u64..4, 0_u64..40];
        let curve = prop::collection::vec(drop, 1..12).prop_map(|drops| {
            let mut left = 500;
            std::iter::once(left)
                .chain(drops.into_iter().map(|drop| {
                    left -= drop;
                    left
                }))
                .collect()
        });
        prop::collection::vec(curve, 1..4)
    }

    fn parties(curves: &[Vec<u64>]) -> Vec<Vec<Offer>> {
        curves.iter().map(|curve| offers(curve, 0, u64::MAX, 1)).collect()
    }

    /// Every split of up to `units`, the last party's part first.
    fn splits(parties: usize, units: u32) -> Vec<Vec<u32>> {
        if parties == 0 {
            return vec![Vec::new()];
        }
        let longer = |last: u32| {
            let shorter = splits(parties - 1, units - last).into_iter();
            shorter.map(move |split| [split, vec![last]].concat())
        };
        (0..=units).flat_map(longer).collect()
    }

    fn convex(curve: &[u64]) -> Vec<u64> {
        let mut drops: Vec<u64> = curve.windows(2).map(|pair| pair[0] - pair[1]).collect();
        drops.sort_unstable_by_key(|&drop| Reverse(drop));
        let mut left = curve[0];
        std::iter::once(left)
            .chain(drops.into_iter().map(|drop| {
                left -= drop;
                left
            }))
            .collect()
    }

    #[test]
    fn the_exact_partition_sees_past_a_tempting_offer() {
        let one = offers(&[100, 100, 100, 100, 100, 100, 10], 0, 10, 1);
        let other = offers(&[100, 100, 100, 100, 100, 100, 100, 0], 0, 10, 1);
        let parties = [one, other];
        assert_eq!(lookahead(&parties, 10), [6, 0]);
        assert_eq!(exact(&parties, 10), [0, 7]);
    }

    proptest! {
        #[test]
        fn exact_is_the_best_of_all_splits_and_no_other_search_beats_it(
            curves in curves(), units in 0_u32..21,
        ) {
            let parties = parties(&curves);
            let best = splits(parties.len(), units)
                .iter()
                .map(|split| cost(&parties, split))
                .min()
                .unwrap();
            let found = exact(&parties, units);
            prop_assert!(found.iter().sum::<u32>() <= units);
            prop_assert_eq!(cost(&parties, &found), best);
            for other in [greedy(&parties, units), lookahead(&parties, units)] {
                prop_assert!(other.iter().sum::<u32>() <= units);
                prop_assert!(best <= cost(&parties, &other));
            }
        }

        #[test]
        fn neither_the_shortcut_nor_the_pruning_changes_the_choice(
            curves in curves(), units in 0_u32..30,
        ) {
            let parties = parties(&curves);
            prop_assert_eq!(exact(&parties, units), search(&parties, units));
        }

        #[test]
        fn on_convex_curves_all_searches_agree(curves in curves(), units in 0_u32..30) {
            let convex: Vec<Vec<u64>> = curves.iter().map(|curve| convex(curve)).collect();
            let parties = parties(&convex);
            let best = exact(&parties, units);
            prop_assert_eq!(&greedy(&parties, units), &best);
            prop_assert_eq!(&lookahead(&parties, units), &best);
            prop_assert_eq!(search(&parties, units), best);
        }

        #[test]
        fn lookahead_is_what_its_paper_says(curves in curves(), units in 0_u32..21) {
            let parties = parties(&curves);
            let costs = |party: usize, taken: u32| {
                parties[party][affordable(&parties[party], taken)].cost
            };
            let (mut taken, mut left) = (vec![0; parties.len()], units);
            loop {
                let mut best: Option<(Slope, usize)> = None;
                for (party, &has) in taken.iter().enumerate() {
                    for units in 1..=left {
                        let fall = costs(party, has) - costs(party, has + units);
                        let slope = Slope { fall, units };
                        if fall > 0 && best.is_none_or(|(best, _)| slope > best) {
                            best = Some((slope, party));
                        }
                    }
                }
                let Some((slope, party)) = best else { break };
                taken[party] += slope.units;
                left -= slope.units;
            }
            prop_assert_eq!(lookahead(&parties, units), taken);
        }
    }

    /// Of equal slopes the first party's is taken.
    #[test]
    fn ties_of_lookahead_go_to_the_first_party() {
        let straight = vec![40, 30, 20, 10, 0];
        let steep_late = vec![40, 40, 20, 10, 0];
        let alike = [straight.clone(), straight.clone(), straight];
        assert_eq!(lookahead(&parties(&alike), 3), [3, 0, 0]);
        assert_eq!(lookahead(&parties(&alike), 6), [4, 2, 0]);
        // Both fall by 10 per unit at first: the second by its jump of two.
        let mixed = [vec![40, 30, 25, 20], steep_late];
        assert_eq!(lookahead(&parties(&mixed), 1), [1, 0]);
        assert_eq!(lookahead(&parties(&mixed), 3), [1, 2]);
    }

    #[test]
    fn costs_beyond_32_bits_are_dealt_with_alike() {
        let narrow = [vec![100, 100, 10], vec![90, 80, 80, 0]];
        let wide = narrow.clone().map(|curve| curve.iter().map(|cost| cost << 40).collect());
        for units in 0..7 {
            assert_eq!(exact(&parties(&narrow), units), exact(&parties(&wide), units));
            let [narrow, wide] = [&narrow, &wide].map(|curves| search(&parties(curves), units));
            assert_eq!(narrow, wide);
        }
    }
}
