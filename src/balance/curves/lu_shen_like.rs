//! `lu-shen-like`: the smallest product of miss ratios that lets no VM fall far behind its share.
//!
//! *Idea.* Halving one VM's misses is worth doubling another's, however many each has: the sum of
//! the logarithms of the predicted misses is least. No VM may miss much more than it would with
//! what its shares entitle it to.
//! *Follows.* P. Lu and K. Shen, "Virtual machine memory access tracing with hypervisor exclusive
//! cache", USENIX ATC 2007; the objective as described from secondary knowledge.
//! *Departs.* Their curves come from an exclusive cache of the hypervisor that holds what VMs
//! evict; here from an observer. The baseline is the VM's part by shares. Each VM counts one miss
//! more than predicted, so that one without a miss has a logarithm. Logarithms have 20 binary
//! places, rounded down. Ties and frames that no VM gains from as in `mrc-dp`.
//! *Cost.* As `mrc-dp`, and one logarithm a step of a curve.
//! *Parameters.* `slack`: how much more than with its part a VM may miss (1/10, ours); `observer`,
//! `decay`, `rate`: where the curves come from.

use super::{OBSERVER, deal, fault_offers, observers};
use crate::balance::{Plan, Policy, PolicyError, PolicyKind, View, VmView, split};
use crate::meets::Meets;
use crate::observe::{DECAY, RATE};
use crate::params::{Domain, Param, Value};
use crate::partition::{self, Offer};
use crate::random::Stream;
use crate::units::{Decimal, Frames};

pub(in crate::balance) const KIND: PolicyKind = PolicyKind {
    name: "lu-shen-like",
    summary: "the smallest product of predicted misses in which no VM misses much more than with \
              its part by shares",
    follows: "P. Lu and K. Shen, Virtual machine memory access tracing with hypervisor exclusive \
              cache, USENIX ATC 2007",
    live_interval: None,
    params: &[SLACK, OBSERVER, DECAY, RATE],
    meets: Meets::Never,
    observers,
    fits: |_, _, _| Ok(()),
    build: |settings| Box::new(LuShenLike { slack: settings.decimal(SLACK.name) }),
};

const SLACK: Param = Param {
    name: "slack",
    doc: "how much more than with its part by shares a VM may miss, as a share of that; ours",
    domain: Domain::Decimal {
        min: Decimal { digits: 0, places: 0 },
        max: Decimal { digits: 1000, places: 0 },
    },
    default: Value::Decimal(Decimal { digits: 1, places: 1 }),
};

struct LuShenLike {
    slack: Decimal,
}

impl LuShenLike {
    /// The fewest frames with which the VM misses at most `slack` more than with `base`.
    fn tolerable(&self, vm: &VmView, base: Frames) -> Frames {
        let (more, one) = (u128::from(self.slack.digits), u128::from(self.slack.denominator()));
        let allowed = u128::from(vm.seen.curve.at(base)) * (one + more);
        let within = |&frames: &u64| u128::from(vm.seen.curve.at(Frames(frames))) * one <= allowed;
        let fewest = (vm.bounds.min.0..base.0).find(within);
        fewest.map_or(base, Frames)
    }
}

impl Policy for LuShenLike {
    fn plan(&mut self, view: &View, _: &mut Stream) -> Result<Plan, PolicyError> {
        // No VM's misses may exceed those with its baseline by more than the slack.
        let bases = split::entitled(view);
        let vms = view.vms.iter().zip(bases);
        let minima = vms.map(|(vm, base)| self.tolerable(vm, base)).collect();
        // Within that, the sum of the logarithms of all misses is least.
        let offers = |vm: &VmView, min: Frames| {
            let mut offers = fault_offers(vm, min, 1);
            for Offer { cost, .. } in &mut offers {
                *cost = log2(cost.saturating_add(1));
            }
            offers.dedup_by_key(|offer| offer.cost);
            offers
        };
        Ok(deal(view, minima, 1, offers, partition::exact))
    }
}

/// Binary places of a logarithm.
const PLACES: u32 = 20;

/// The logarithm to base 2 of a number from 1 on, rounded down; never less for a larger number.
fn log2(number: u64) -> u64 {
    let whole = number.ilog2();
    // The number over 2^whole, with 31 binary places: squaring it doubles its logarithm.
    let mut factor = (u128::from(number) << 31 >> whole) as u64;
    let mut log = u64::from(whole);
    for _ in 0..PLACES {
        factor = (factor * factor) >> 31;
        let carry = factor >> 32;
        factor >>= carry;
        log = log << 1 | carry;
    }
    log
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::balance::curves::tests::{divided, divided_with};
    use crate::params::Settings;

    #[test]
    fn logarithms_are_exact_at_powers_and_grow() {
        for power in 0..64 {
            assert_eq!(log2(1 << power), power << PLACES);
        }
        assert_eq!(log2(3), 1_661_953, "1.5849625… · 2²⁰");
        assert_eq!(log2(10), 3_483_294, "3.321928… · 2²⁰");
        assert!((1..10_000).all(|number| log2(number) <= log2(number + 1)));
    }

    /// One VM halves a small number of misses with 6 frames, the other sheds many with 3 more.
    fn curves() -> [Vec<u64>; 2] {
        let small = vec![8, 8, 8, 8, 8, 8, 3];
        let large = vec![1000, 1000, 1000, 999, 999, 999, 700];
        [small, large]
    }

    #[test]
    fn ratios_count_and_not_numbers() {
        let mut settings = Settings::defaults(KIND.params);
        settings.set("slack", Value::Decimal(Decimal { digits: 1000, places: 0 }));
        assert!(divided_with(&KIND, &settings, 6, &curves())[0] == 6);
        assert!(divided(&crate::balance::curves::mrc_dp::KIND, 6, &curves())[1] == 6);
    }

    #[test]
    fn nobody_misses_much_more_than_with_its_part() {
        // With their parts, three frames each, the VMs miss 20 and 40 times; the slack is a tenth.
        let one = vec![25, 23, 22, 20, 4];
        let other = vec![90, 80, 60, 40, 40, 40];
        assert_eq!(divided(&KIND, 6, &[one.clone(), other.clone()]), [3, 3]);
        // Less than its part would be enough for the second here.
        let other = vec![90, 80, 44, 40, 40, 40];
        assert_eq!(divided(&KIND, 6, &[one, other]), [4, 2]);
    }
}
