//! `meb`: the working set of each VM, more where it swaps, and the rest in proportion.
//!
//! *Idea.* A VM that does not swap needs its working set; one that swaps needs what it has and what
//! it swapped. If the host has enough for all needs, the rest is a bonus in proportion to need. If
//! not, memory is divided so that the predicted misses are fewest.
//! *Follows.* W. Zhao and Z. Wang, "Dynamic memory balancing for virtual machines", VEE 2009, as
//! described from secondary knowledge: growth by swap and the approximation in groups are.
//! *Departs.* The miss ratio is of the accesses that the tracker sees, those beyond the hot set.
//! Misses that no memory prevents do not count against a working set. The hot set is below every
//! curve, so no working set is smaller than the hot set or what the VM has used of it, and where
//! the host has so much, no VM gets less. Our curves reach beyond what a VM holds. The groups are
//! combined exactly. Growth is what was swapped in in the interval. Ties as in `mrc-dp`; frames
//! that no VM gains from in the second case stay where they are.
//! *Cost.* O(pages) per checkpoint where memory is enough, otherwise at most O(V · (F/G)²) for V
//! VMs on F frames in groups of G. A VM that goes on swapping needs more each time, so memory moves
//! between the two cases even under a view that stays the same; it comes back to where it was
//! within at most F checkpoints.
//! *Parameters.* `group`: frames dealt together where memory is short (4, ours); `miss_ratio`: what
//! a working set may leave (1/20); `tracking`: whether the traps rest while nothing changes
//! (`always` on, or `intermittent`, of W. Zhao et al., USENIX ATC 2011); `decay`, `hot`, `hot_set`,
//! `traps_low`, `traps_high`, `stable`, `moved`: the observer's.

use super::{deal, fault_offers};
use crate::balance::{Plan, Policy, PolicyError, PolicyKind, View, VmView, split};
use crate::meets::Meets;
use crate::observe::{
    DECAY, HOT, HOT_COLD, HOT_SET, INTERMITTENT, MOVED, STABLE, TRAPS_HIGH, TRAPS_LOW, WINDOW,
};
use crate::params::{Domain, Param, Value};
use crate::partition;
use crate::random::Stream;
use crate::units::{Decimal, Frames};

pub(in crate::balance) const KIND: PolicyKind = PolicyKind {
    name: "meb",
    summary: "gives each VM its working set and more where it swaps, and divides the rest in \
              proportion; short of memory, predicted misses decide",
    follows: "W. Zhao and Z. Wang, Dynamic memory balancing for virtual machines, VEE 2009",
    live_interval: None,
    params: &[
        GROUP, MISS_RATIO, TRACKING, DECAY, HOT, HOT_SET, TRAPS_LOW, TRAPS_HIGH, STABLE, MOVED,
    ],
    meets: Meets::Never,
    observers: |settings| {
        if settings.choice(TRACKING.name) == INTERMITTENT.name {
            &[&INTERMITTENT, &WINDOW]
        } else {
            &[&HOT_COLD, &WINDOW]
        }
    },
    fits: |_, _, _| Ok(()),
    build: |settings| {
        Box::new(Meb {
            group: settings.integer(GROUP.name),
            miss_ratio: settings.decimal(MISS_RATIO.name),
        })
    },
};

const GROUP: Param = Param {
    name: "group",
    doc: "frames that are dealt together where memory is short; 1 is exact; ours",
    domain: Domain::Frames { min: 1 },
    default: Value::Integer(4),
};

const MISS_RATIO: Param = Param {
    name: "miss_ratio",
    doc: "the share of the accesses seen that miss with the working set, but for cold ones; about \
          the paper's",
    domain: Domain::Decimal {
        min: Decimal { digits: 0, places: 0 },
        max: Decimal { digits: 1, places: 0 },
    },
    default: Value::Decimal(Decimal { digits: 5, places: 2 }),
};

const TRACKING: Param = Param {
    name: "tracking",
    doc: "whether accesses are tracked at all times, or not while the working set is stable",
    domain: Domain::Choice(&["always", INTERMITTENT.name]),
    default: Value::Choice("always"),
};

struct Meb {
    group: u64,
    miss_ratio: Decimal,
}

impl Meb {
    /// What of the hot set the VM has used: the curve cannot show whether less would do.
    fn unseen(vm: &VmView) -> Frames {
        vm.seen.curve.hidden.min(vm.seen.window.committed)
    }

    /// The frames that the VM is expected to need.
    fn expected(&self, vm: &VmView) -> Frames {
        let swapped = vm.seen.window.swapped_in;
        let frames = if swapped > 0 {
            // The guest swaps: what it has, and what it swapped in.
            Frames(vm.allocation.0.saturating_add(swapped))
        } else {
            // It does not: its working set. All above can be reclaimed.
            vm.seen.curve.needed(self.miss_ratio).max(Self::unseen(vm))
        };
        vm.bounds.clamp(frames)
    }
}

impl Policy for Meb {
    fn plan(&mut self, view: &View, _: &mut Stream) -> Result<Plan, PolicyError> {
        let total =
            |frames: &[Frames]| frames.iter().map(|frames| u128::from(frames.0)).sum::<u128>();
        let host = u128::from(view.host.0);
        let mut expected: Vec<Frames> = view.vms.iter().map(|vm| self.expected(vm)).collect();
        if total(&expected) <= host {
            // Enough for all: the bonus is divided in proportion to need.
            let weights: Vec<u64> = expected.iter().map(|frames| frames.0).collect();
            let room: Vec<Frames> =
                view.vms.iter().zip(&expected).map(|(vm, &need)| vm.bounds.max - need).collect();
            let bonus = split::spare(view, &expected);
            split::add(&mut expected, bonus, &weights, &room);
            return Ok(Plan(expected));
        }
        // Not enough: the fewest predicted misses.
        let mut floors: Vec<Frames> =
            view.vms.iter().map(|vm| vm.bounds.clamp(Self::unseen(vm))).collect();
        if total(&floors) > host {
            floors = view.vms.iter().map(|vm| vm.bounds.min).collect();
        }
        let offers = |vm: &VmView, min: Frames| fault_offers(vm, min, self.group);
        Ok(deal(view, floors, self.group, offers, partition::exact))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::balance::split::tests::view;
    use crate::observe::Curve;
    use crate::params::Settings;
    use crate::random::Generator;

    /// A VM whose accesses all need so many frames.
    fn loops_over(frames: u64) -> Curve {
        let faults = (0..=frames).map(|held| if held < frames { 1000 } else { 0 }).collect();
        Curve { accesses: 1000, faults, ..Curve::default() }
    }

    fn divided(view: &View) -> Vec<u64> {
        let mut settings = Settings::defaults(KIND.params);
        settings.set("group", Value::Integer(1));
        let mut rng = Stream::new(Generator::ChaCha8, 1, 0, "test");
        let plan = (KIND.build)(&settings).plan(view, &mut rng).unwrap();
        plan.0.iter().map(|frames| frames.0).collect()
    }

    #[test]
    fn enough_memory_is_divided_in_proportion_to_need() {
        let mut view = view(1000, &[500, 500]);
        view.vms[0].seen.curve = loops_over(200);
        view.vms[1].seen.curve = loops_over(300);
        assert_eq!(divided(&view), [400, 600]);
        view.vms.reverse();
        assert_eq!(divided(&view), [600, 400], "whatever the order");
    }

    #[test]
    fn who_swaps_grows_by_what_it_swapped() {
        let mut view = view(1000, &[200, 300]);
        view.vms[0].seen.curve = loops_over(200);
        view.vms[1].seen.window.swapped_in = 500;
        assert_eq!(divided(&view), [200, 800]);
    }

    #[test]
    fn short_memory_goes_where_it_saves_most_misses() {
        let mut view = view(100, &[50, 50]);
        view.vms[0].seen.curve = loops_over(70);
        view.vms[1].seen.curve = loops_over(60);
        assert_eq!(divided(&view), [70, 30], "a tie: the last VM gets as little as it can");
        view.vms[1].seen.curve.faults[0] = 2000;
        view.vms[1].seen.curve.faults[1..60].fill(2000);
        assert_eq!(divided(&view), [40, 60]);
    }
}
