//! `hit-density`: a fault takes the frame that earns the fewest hits per unit of time.
//!
//! *Idea.* `global-lru` takes the oldest of all VMs' LRU pages, which is right if pages of all
//! programs age alike. They do not: an old page of a loop is about to be used, a young one of a
//! scan never is. So the policy estimates, for each VM's LRU page, the hits per tick that a page of
//! its age still earns, and evicts the page that earns least.
//! *Follows.* N. Beckmann, H. Chen and A. Cidon, "LHD: improving cache hit rate by maximizing hit
//! density", NSDI 2018, for caches of objects.
//! *Departs.* The classes are VMs, and the only candidate of a VM is the page at its LRU end, so
//! that guests replace as they do. Hazards are learned by the observer `reuse-ages` from all pages,
//! resident or not, and weigh those not used again. LHD's density expects hits until eviction; here
//! it is the largest over horizons τ of P(used within τ) / E[ticks until used or τ], so it asks
//! nothing of future evictions: a loop's page keeps its value until its period is over. But under
//! LRU a page is kept only together with all younger ones: who waits for the page at the far end of
//! a loop needs frames for the whole loop. So horizons end where the VM's younger pages would take
//! more frames than it can hope to hold, `reach` of what the others' minima leave. A prior of a few
//! pages stands for what a VM has not shown yet: their hazard falls with age, so where little is
//! known the oldest page goes, as under `global-lru`; so it does before the first checkpoint and
//! among equals.
//! *Cost.* O(V) per fault that draws a frame from V VMs; O(log² ticks) for each bucket of ages that
//! a VM's LRU end comes to between two checkpoints; the observer.
//! *Parameters.* `decay`: of the observer; `prior`: the pages of the prior (1, ours); `reach`: see
//! above (0.8, ours).

use crate::balance::{LruEnd, Plan, Policy, PolicyError, PolicyKind, View, exact};
use crate::meets::Meets;
use crate::observe::{AGES_DECAY, Ages, Curve, REUSE_AGES};
use crate::params::{Domain, Param, Value};
use crate::random::Stream;
use crate::units::{Decimal, Frames, Ticks};

pub(in crate::balance) const KIND: PolicyKind = PolicyKind {
    name: "hit-density",
    summary: "a VM that faults takes the frame of the LRU page that earns the fewest hits for its \
              time",
    follows: "N. Beckmann, H. Chen and A. Cidon, LHD: improving cache hit rate by maximizing hit \
              density, NSDI 2018",
    live_interval: None,
    params: &[AGES_DECAY, PRIOR, REACH],
    meets: Meets::AtFaults,
    observers: |_| &[&REUSE_AGES],
    fits: |_, _, _| Ok(()),
    build: |settings| {
        let (prior, reach) = (settings.integer(PRIOR.name), settings.decimal(REACH.name));
        Box::new(HitDensity { prior, reach, vms: Vec::new() })
    },
};

const PRIOR: Param = Param {
    name: "prior",
    doc: "pages that every VM is taken to have seen at each age, whose hazard falls as 0.3 by age; \
          docs/hit-density.md says how it was chosen",
    domain: Domain::Integer { min: 0, max: 1_000_000 },
    default: Value::Integer(1),
};

const REACH: Param = Param {
    name: "reach",
    doc: "the part of the frames beyond the other VMs' minima that a VM can hope to hold: pages \
          whose next use needs more are worth nothing; docs/hit-density.md says how it was chosen",
    domain: Domain::Decimal {
        min: Decimal { digits: 0, places: 0 },
        max: Decimal { digits: 1000, places: 0 },
    },
    default: Value::Decimal(Decimal { digits: 8, places: 1 }),
};

/// By VM, what was learned up to the last checkpoint.
struct HitDensity {
    prior: u64,
    reach: Decimal,
    vms: Vec<Known>,
}

#[derive(Default)]
struct Known {
    ages: Ages,
    /// Horizons end before the bucket of ages from which on the VM would need too many frames.
    end: usize,
    /// The density of a page in each bucket of ages; computed on first use.
    densities: Vec<Option<u128>>,
}

impl Policy for HitDensity {
    fn plan(&mut self, view: &View, _: &mut Stream) -> Result<Plan, PolicyError> {
        let minima: Frames = view.vms.iter().map(|vm| vm.bounds.min).sum();
        for vm in &view.vms {
            if self.vms.len() <= vm.id.index() {
                self.vms.resize_with(vm.id.index() + 1, Known::default);
            }
            let known = &mut self.vms[vm.id.index()];
            known.ages.clone_from(&vm.seen.ages);
            let most = (view.host - minima + vm.bounds.min).min(vm.bounds.max);
            known.end = known.ages.end_within(exact::times(most, self.reach));
            known.densities.clear();
            known.densities.resize(known.ages.reuses.len(), None);
        }
        Ok(Plan::held(view))
    }

    fn giver(&mut self, at: Ticks, ends: &[LruEnd]) -> usize {
        let mut earns = |end: &LruEnd| {
            let known = self.vms.get_mut(end.vm.index());
            known.map_or(0, |known| known.density(at - end.used, self.prior))
        };
        let least = ends.iter().enumerate().min_by_key(|(_, end)| (earns(end), end.used, end.vm));
        least.expect("the VM that faults can give").0
    }
}

impl Ages {
    /// The first bucket of ages whose pages have more than this many younger pages.
    fn end_within(&self, frames: Frames) -> usize {
        let mut younger = 0;
        let too_many = self.pages.iter().position(|&pages| {
            let is_beyond = younger > frames.0;
            younger += pages;
            is_beyond
        });
        too_many.unwrap_or(self.pages.len())
    }
}

/// Probabilities are in 2³²nds.
const ONE: u128 = 1 << 32;

/// The probability, in tenths, that a page of the prior is used while its age doubles.
const PRIOR_TENTHS: u128 = 3;

impl Known {
    fn density(&mut self, age: Ticks, prior: u64) -> u128 {
        let bucket = Ages::bucket(age);
        let Some(slot) = self.densities.get_mut(bucket) else { return 0 };
        *slot.get_or_insert_with(|| density(&self.ages, bucket, self.end, prior))
    }
}

/// The hits for a tick, in 2⁶⁴ths, that a page in the middle of this bucket of ages earns until the
/// best time to give it up, if it cannot be kept from the bucket `end` on.
fn density(ages: &Ages, bucket: usize, end: usize, prior: u64) -> u128 {
    // Behind the oldest page there is the prior alone, whose hazard only falls.
    let known = ages.exposure.iter().rposition(|&exposure| exposure > 0).map_or(0, |at| at + 1);
    let known = known.min(end);
    let (mut survival, mut hits, mut ticks, mut best) = (ONE, 0, 0, 0);
    for at in bucket..known.max(bucket + 1) {
        let width = Ages::start(at + 1).0 - Ages::start(at).0;
        let part = if at == bucket { width.div_ceil(2) } else { width };
        let hit = survival * used_within(ages, at, part, prior) / ONE;
        hits += hit;
        // A page that is used within the bucket has waited half of it on average.
        ticks += (survival - hit / 2) * u128::from(part);
        survival -= hit;
        best = best.max((hits << 64) / ticks.max(1));
        if survival < ONE >> 13 {
            break;
        }
    }
    best
}

/// The probability that a page of this bucket is used within so many ticks, those of `prior` pages
/// included: the actuaries' estimate from the hazard, reuses by page-ticks, in which a page that is
/// used is there for half of the ticks.
fn used_within(ages: &Ages, bucket: usize, ticks: u64, prior: u64) -> u128 {
    let start = Ages::start(bucket).0;
    let spent = u128::from(prior) * u128::from(Ages::start(bucket + 1).0 - start);
    let prior = spent * u128::from(Curve::ONE) * PRIOR_TENTHS / (10 * u128::from(start.max(1)));
    let reuses = u128::from(ages.reuses[bucket]) + prior;
    let exposure = u128::from(ages.exposure[bucket]) + spent;
    let (used, stayed) = (reuses * u128::from(ticks), exposure * u128::from(Curve::ONE));
    (used.saturating_mul(2 * ONE) / (2 * stayed + used).max(1)).min(ONE)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::units::VmId;

    /// Pages of which `reuses` were used at each age of the bucket, of `exposure` page-ticks.
    fn known(by_age: &[(u64, u64, u64)]) -> Known {
        let mut ages = Ages { reuses: vec![0; 80], exposure: vec![0; 80], pages: Vec::new() };
        for &(age, reuses, exposure) in by_age {
            ages.reuses[Ages::bucket(Ticks(age))] = reuses * Curve::ONE;
            ages.exposure[Ages::bucket(Ticks(age))] = exposure;
        }
        Known { ages, end: 80, densities: vec![None; 80] }
    }

    fn gives(vms: Vec<Known>, ages: &[u64]) -> usize {
        let at = Ticks(1_000_000);
        let end = |(vm, &age): (usize, &u64)| LruEnd {
            vm: VmId(vm as u32),
            used: at - Ticks(age),
            next_uses: Vec::new(),
        };
        let ends: Vec<LruEnd> = ages.iter().enumerate().map(end).collect();
        HitDensity { prior: 1, reach: Decimal { digits: 1, places: 0 }, vms }.giver(at, &ends)
    }

    /// Pages of a loop of 1,000 to 1,200 ticks all come back then; those of a scan never do.
    #[test]
    fn an_old_page_of_a_loop_outlives_a_young_one_of_a_scan_until_it_is_overdue() {
        let many = 1_000_000;
        let looping = || known(&[(900, 0, many), (1_100, 5_000, many), (1_300, 0, many)]);
        let scanning = || known(&[(100, 1, many), (1_100, 0, many), (1_300, 0, many)]);
        assert_eq!(gives(vec![looping(), scanning()], &[900, 100]), 1);
        assert_eq!(gives(vec![looping(), scanning()], &[1_300, 100]), 0);
    }

    /// To keep the page until the loop is over takes frames for its 200 pages.
    #[test]
    fn a_page_of_a_loop_that_cannot_fit_goes_before_one_that_is_used_later() {
        let many = 1_000_000;
        let looping = |fits: bool| {
            let mut looping = known(&[(900, 0, many), (1_100, 5_000, many), (1_300, 0, many)]);
            looping.ages.pages = vec![0; 80];
            looping.ages.pages[Ages::bucket(Ticks(500))] = 200;
            looping.end = looping.ages.end_within(Frames(if fits { 200 } else { 199 }));
            looping
        };
        let slower = || known(&[(900, 0, many), (3_000, 5_000, many)]);
        assert_eq!(gives(vec![looping(true), slower()], &[900, 900]), 1);
        assert_eq!(gives(vec![looping(false), slower()], &[900, 900]), 0);
    }

    #[test]
    fn where_nothing_is_known_or_all_is_alike_the_oldest_goes() {
        assert_eq!(gives(Vec::new(), &[5, 9, 9, 7]), 1);
        assert_eq!(gives(vec![known(&[]), known(&[])], &[5, 900]), 1);
        let alike = || known(&[(8, 5, 100)]);
        assert_eq!(gives(vec![alike(), alike()], &[8, 9]), 1);
    }

    /// With a hazard that does not change the density is the hazard, whatever the age.
    #[test]
    fn a_constant_hazard_is_the_density() {
        let mut ages = Ages { reuses: vec![0; 80], exposure: vec![0; 80], pages: Vec::new() };
        for bucket in 0..80 {
            ages.reuses[bucket] = Curve::ONE;
            ages.exposure[bucket] = 1 << 20;
        }
        for bucket in 0..40 {
            let density = density(&ages, bucket, 80, 0);
            let hazard = 1 << 44;
            assert!(density.abs_diff(hazard) < hazard / 1000, "{bucket}: {density} {hazard}");
        }
    }
}
