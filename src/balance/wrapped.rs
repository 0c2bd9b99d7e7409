//! What may be put around any policy: a dead band, a largest move, a warm-up and a cadence.
//!
//! # Idea
//! Memory managers in use hold their own rule back: they are asked now and then, let nothing move
//! at first, pass over small differences and go in steps. Here that is set beside `kind` for
//! whichever policy is in force, so that a rule can be told from its guards.
//!
//! # Follows
//! No paper; dead band, rate limit and sampling period, as in control engineering.
//!
//! # Order
//! At each checkpoint with a VM on the host, the only ones that are counted, numbered from 1:
//!
//! 1. `cadence`: the policy is asked if the number is a multiple of it; else nothing moves. The
//!    `interval` that it sees is then everything since it was last asked, or since the VM started.
//!    Observers are shown each interval as ever, so that what they report of an interval is of the
//!    last one. A policy without observers and a cadence of *n* are the same as that policy and
//!    checkpoints *n* times as far apart (`tests/library/laws.rs`).
//! 2. `warm_up`: the policy is asked, learns and draws during the first so many checkpoints too,
//!    but its plan is dropped and nothing moves.
//! 3. `dead_band`: a VM whose target differs from its allocation by no more than this keeps its
//!    allocation. The policy's own target decides, not what the next two steps leave of it.
//! 4. `largest_move`: a target farther away than this is cut to this.
//! 5. What is reclaimed is reclaimed, and the frames that are then free are granted. Where the
//!    policy counted on frames that the steps before left with their VMs, the grants exceed them
//!    and shrink in proportion, by largest remainder, ties in file order.
//!
//! So no VM moves farther than its target or against it, hence the bounds are kept; and the frames
//! granted are free ones, hence the host is not exceeded. `tests/library/policies.rs` checks that
//! for every policy. Frames that move at faults pass none of these steps, so policies that pool
//! frames are refused beside them.
//!
//! # Cost
//! O(VMs) per checkpoint, O(VMs²) at worst where grants shrink; with a cadence, a copy of the view
//! whenever the policy is asked. Nothing at all if everything is off.
//!
//! # Parameters
//! `dead_band`, frames (0: off); `largest_move`, frames (0: no limit); `warm_up`, checkpoints (0:
//! off); `cadence`, checkpoints (1: every one). The defaults leave the policy alone.

use super::split::{add, spare};
use super::{LruEnd, Plan, Policy, PolicyError, Reason, View, VmView};
use crate::params::{Domain, Param, Settings, Value};
use crate::random::Stream;
use crate::replace::Counts;
use crate::share::Scanning;
use crate::units::{Frames, Ticks};

/// What it is for, in one sentence without a full stop.
pub const SUMMARY: &str = "keys beside `kind` that hold back whichever policy is in force: it is \
                           asked at the cadence, its plans are dropped during the warm-up, and \
                           what is left of them passes the dead band and the largest move; \
                           grants shrink in proportion to the frames that are then free";

/// Where it comes from.
pub const FOLLOWS: &str = "dead band, rate limit and sampling period, as in control engineering";

/// The most checkpoints that a parameter may say.
const CHECKPOINTS_MAX: u64 = 1_000_000_000;

const DEAD_BAND: Param = Param {
    name: "dead_band",
    doc: "a VM whose target differs from its allocation by no more frames stays as it is",
    domain: Domain::Frames { min: 0 },
    default: Value::Integer(0),
};

const LARGEST_MOVE: Param = Param {
    name: "largest_move",
    doc: "the most frames by which a checkpoint changes a VM's allocation; 0 is no limit",
    domain: Domain::Frames { min: 0 },
    default: Value::Integer(0),
};

const WARM_UP: Param = Param {
    name: "warm_up",
    doc: "checkpoints with a VM on the host during which the policy learns and nothing moves",
    domain: Domain::Integer { min: 0, max: CHECKPOINTS_MAX },
    default: Value::Integer(0),
};

const CADENCE: Param = Param {
    name: "cadence",
    doc: "the policy is asked at every n-th checkpoint and sees the counts since it was last asked",
    domain: Domain::Integer { min: 1, max: CHECKPOINTS_MAX },
    default: Value::Integer(1),
};

/// The keys beside `kind`.
pub const PARAMS: &[Param] = &[DEAD_BAND, LARGEST_MOVE, WARM_UP, CADENCE];

/// Puts around a policy what the settings of [`PARAMS`] say: nothing by default.
pub fn wrap(policy: Box<dyn Policy>, settings: &Settings) -> Box<dyn Policy> {
    if *settings == Settings::defaults(PARAMS) {
        return policy;
    }
    let largest_move = match settings.integer(LARGEST_MOVE.name) {
        0 => Frames(u64::MAX),
        limit => Frames(limit),
    };
    Box::new(Wrapped {
        policy,
        dead_band: Frames(settings.integer(DEAD_BAND.name)),
        largest_move,
        warm_up: settings.integer(WARM_UP.name),
        cadence: settings.integer(CADENCE.name),
        checkpoints: 0,
        pending: Vec::new(),
        asked: false,
    })
}

struct Wrapped {
    policy: Box<dyn Policy>,
    dead_band: Frames,
    /// At least 1.
    largest_move: Frames,
    warm_up: u64,
    /// At least 1.
    cadence: u64,
    checkpoints: u64,
    /// What happened to each VM, by id, since the policy was last asked; missing ones are zero.
    pending: Vec<Counts>,
    /// Whether the policy was asked at the latest checkpoint.
    asked: bool,
}

impl Policy for Wrapped {
    fn plan(&mut self, view: &View, rng: &mut Stream) -> Result<Plan, PolicyError> {
        self.checkpoints += 1;
        let plan = self.ask(view, rng)?;
        self.asked = plan.is_some();
        match plan {
            Some(plan) if self.checkpoints > self.warm_up => {
                // What is held back of a bad plan could pass for a good one.
                plan.check(view)?;
                Ok(self.hold_back(view, &plan))
            }
            _ => Ok(Plan::unchanged(view)),
        }
    }

    fn giver(&mut self, at: Ticks, ends: &[LruEnd]) -> usize {
        self.policy.giver(at, ends)
    }

    fn reasons(&self) -> Vec<Reason> {
        if self.asked { self.policy.reasons() } else { Vec::new() }
    }

    fn samples_every(&self) -> Option<Ticks> {
        self.policy.samples_every()
    }

    fn scanning(&self) -> Option<Scanning> {
        self.policy.scanning()
    }

    fn sample(&mut self, view: &View) {
        self.policy.sample(view);
    }
}

impl Wrapped {
    /// The policy's own plan, if this is a checkpoint at which it is asked.
    fn ask(&mut self, view: &View, rng: &mut Stream) -> Result<Option<Plan>, PolicyError> {
        if self.cadence == 1 {
            return self.policy.plan(view, rng).map(Some);
        }
        for vm in &view.vms {
            let at = vm.id.index();
            if at >= self.pending.len() {
                self.pending.resize(at + 1, Counts::default());
            }
            self.pending[at].add(vm.interval);
        }
        if !self.checkpoints.is_multiple_of(self.cadence) {
            return Ok(None);
        }
        let mut since = view.clone();
        for vm in &mut since.vms {
            vm.interval = self.pending[vm.id.index()];
        }
        self.pending.clear();
        self.policy.plan(&since, rng).map(Some)
    }

    /// The plan with small moves left out and large ones cut, and grants of no more than is free.
    fn hold_back(&self, view: &View, plan: &Plan) -> Plan {
        let wanted: Vec<Frames> =
            view.vms.iter().zip(&plan.0).map(|(vm, &target)| self.allow(vm, target)).collect();
        let mut targets: Vec<Frames> =
            view.vms.iter().zip(&wanted).map(|(vm, &wanted)| wanted.min(vm.allocation)).collect();
        let grants: Vec<Frames> =
            wanted.iter().zip(&targets).map(|(&wanted, &target)| wanted - target).collect();
        let weights: Vec<u64> = grants.iter().map(|grant| grant.0).collect();
        let granted = spare(view, &targets).min(grants.iter().copied().sum());
        add(&mut targets, granted, &weights, &grants);
        Plan(targets)
    }

    /// How far the VM may go towards its target.
    fn allow(&self, vm: &VmView, Frames(target): Frames) -> Frames {
        let Frames(held) = vm.allocation;
        if target.abs_diff(held) <= self.dead_band.0 {
            return vm.allocation;
        }
        let Frames(limit) = self.largest_move;
        Frames(target.clamp(held.saturating_sub(limit), held.saturating_add(limit)))
    }
}

#[cfg(test)]
mod tests {
    use super::super::testing::{self, frames, view, vm};
    use super::*;

    /// Returns given plans, checkpoint by checkpoint, and records the accesses that it saw.
    struct Scripted {
        plans: Vec<Vec<u64>>,
        shown: std::sync::mpsc::Sender<Vec<u64>>,
    }

    impl Policy for Scripted {
        fn plan(&mut self, view: &View, _: &mut Stream) -> Result<Plan, PolicyError> {
            let accesses = view.vms.iter().map(|vm| vm.interval.accesses).collect();
            self.shown.send(accesses).expect("the test listens");
            Ok(Plan(frames(&self.plans.remove(0))))
        }

        fn reasons(&self) -> Vec<Reason> {
            vec![Reason { vm: crate::units::VmId(0), text: "it was asked".to_owned() }]
        }
    }

    struct Rig {
        policy: Box<dyn Policy>,
        shown: std::sync::mpsc::Receiver<Vec<u64>>,
    }

    impl Rig {
        fn new(set: &[(&str, u64)], plans: &[&[u64]]) -> Self {
            let mut settings = Settings::defaults(PARAMS);
            for &(name, value) in set {
                settings.set(name, Value::Integer(value));
            }
            let (sender, shown) = std::sync::mpsc::channel();
            let plans = plans.iter().map(|plan| plan.to_vec()).collect();
            let policy = wrap(Box::new(Scripted { plans, shown: sender }), &settings);
            Self { policy, shown }
        }

        fn step(&mut self, view: &mut View) -> Vec<u64> {
            testing::step(&mut *self.policy, view)
        }
    }

    /// VMs that hold these frames and may hold from 1 to all.
    fn held(host: u64, allocations: &[u64]) -> View {
        view(host, allocations.iter().map(|&allocation| vm(allocation, 1, host)).collect())
    }

    fn once(set: &[(&str, u64)], host: u64, allocations: &[u64], plan: &[u64]) -> Vec<u64> {
        Rig::new(set, &[plan]).step(&mut held(host, allocations))
    }

    #[test]
    fn by_default_plans_pass() {
        assert_eq!(once(&[], 30, &[10, 10, 10], &[1, 9, 20]), [1, 9, 20]);
    }

    #[test]
    fn in_the_dead_band_nothing_moves() {
        let moved = |plan: &[u64]| once(&[("dead_band", 4)], 40, &[10, 10, 20], plan);
        assert_eq!(moved(&[6, 14, 20]), [10, 10, 20], "4 away is inside");
        assert_eq!(moved(&[5, 15, 20]), [5, 15, 20], "5 away is outside, and moves all the way");
    }

    #[test]
    fn grants_shrink_where_the_dead_band_keeps_what_they_counted_on() {
        let set = &[("dead_band", 4)];
        // The first keeps its 4, so of the 12 frames wanted the 8 of the second are left.
        assert_eq!(once(set, 40, &[10, 10, 10, 10], &[6, 2, 16, 16]), [10, 2, 14, 14]);
        // 7 for 6 and 5 of 11: 3.8 and 3.2, the frame left over to the larger remainder.
        assert_eq!(once(set, 40, &[10, 10, 10, 10], &[6, 3, 16, 15]), [10, 3, 14, 13]);
        // 7 for 5 and 5: 3.5 each, the frame left over to the first.
        assert_eq!(once(set, 40, &[10, 10, 10, 10], &[7, 3, 15, 15]), [10, 3, 14, 13]);
        // Nothing is freed, so nothing is granted.
        assert_eq!(once(set, 30, &[10, 10, 10], &[7, 7, 16]), [10, 10, 10]);
        // Frames that no VM holds are granted first as last.
        assert_eq!(once(set, 32, &[10, 10, 10], &[8, 8, 16]), [10, 10, 12]);
    }

    #[test]
    fn no_vm_moves_farther_than_the_largest_move() {
        let set = &[("largest_move", 3)];
        assert_eq!(once(set, 30, &[10, 10, 10], &[1, 9, 20]), [7, 9, 13]);
        // Two give 3 each; of the 9 that three others may take, each gets 2.
        let plan = &[1, 1, 16, 16, 16];
        assert_eq!(once(set, 50, &[10; 5], plan), [7, 7, 12, 12, 12]);
    }

    #[test]
    fn a_far_target_is_reached_in_steps_up_to_the_dead_band() {
        let set = &[("largest_move", 4), ("dead_band", 2)];
        let plan: &[u64] = &[2, 18];
        let (mut rig, mut view) = (Rig::new(set, &[plan; 3]), held(20, &[13, 7]));
        assert_eq!(rig.step(&mut view), [9, 11]);
        assert_eq!(rig.step(&mut view), [5, 15]);
        assert_eq!(rig.step(&mut view), [2, 18], "3 away is outside the band");
        assert_eq!(once(set, 20, &[4, 16], plan), [4, 16], "2 away is inside");
    }

    #[test]
    fn a_dead_band_wider_than_the_largest_move_still_lets_far_targets_through() {
        let set = &[("largest_move", 1), ("dead_band", 5)];
        assert_eq!(once(set, 20, &[10, 10], &[4, 16]), [9, 11]);
        assert_eq!(once(set, 20, &[10, 10], &[5, 15]), [10, 10]);
    }

    #[test]
    fn during_the_warm_up_the_policy_is_asked_and_nothing_moves() {
        let plans: &[&[u64]] = &[&[1, 19], &[2, 18], &[3, 17]];
        let (mut rig, mut view) = (Rig::new(&[("warm_up", 2)], plans), held(20, &[10, 10]));
        assert_eq!(rig.step(&mut view), [10, 10]);
        assert_eq!(rig.step(&mut view), [10, 10]);
        assert_eq!(rig.step(&mut view), [3, 17]);
        assert_eq!(rig.shown.try_iter().count(), 3);
    }

    #[test]
    fn at_a_cadence_the_policy_sees_everything_since_it_was_last_asked() {
        let plans: &[&[u64]] = &[&[9, 10], &[7, 11, 2]];
        let (mut rig, mut view) = (Rig::new(&[("cadence", 3)], plans), held(20, &[10, 10]));
        let mut made = |view: &mut View, accesses: &[u64]| {
            for (vm, &accesses) in view.vms.iter_mut().zip(accesses) {
                vm.interval.accesses = accesses;
            }
            rig.step(view)
        };
        assert_eq!(made(&mut view, &[1, 10]), [10, 10]);
        assert_eq!(made(&mut view, &[2, 20]), [10, 10]);
        assert_eq!(made(&mut view, &[3, 30]), [9, 10]);
        assert_eq!(made(&mut view, &[4, 40]), [9, 10]);
        // A third VM has arrived.
        view.vms.push(VmView { id: crate::units::VmId(2), ..vm(1, 1, 20) });
        assert_eq!(made(&mut view, &[5, 50, 500]), [9, 10, 1]);
        assert_eq!(made(&mut view, &[6, 60, 600]), [7, 11, 2]);
        let shown: Vec<Vec<u64>> = rig.shown.try_iter().collect();
        assert_eq!(shown, [vec![6, 60], vec![15, 150, 1100]]);
    }

    #[test]
    fn reasons_are_of_the_latest_question_alone() {
        let plans: &[&[u64]] = &[&[9, 10], &[9, 10]];
        let (mut rig, mut view) = (Rig::new(&[("cadence", 2)], plans), held(20, &[10, 10]));
        let told = |rig: &mut Rig, view: &mut View| {
            rig.step(view);
            rig.policy.reasons().len()
        };
        assert_eq!([(); 4].map(|()| told(&mut rig, &mut view)), [0, 1, 0, 1]);
    }

    #[test]
    fn a_departed_vm_leaves_its_counts_to_nobody() {
        let plans: &[&[u64]] = &[&[10]];
        let (mut rig, mut view) = (Rig::new(&[("cadence", 2)], plans), held(20, &[10, 10]));
        view.vms[0].interval.accesses = 7;
        view.vms[1].interval.accesses = 1;
        rig.step(&mut view);
        view.vms.remove(0);
        assert_eq!(rig.step(&mut view), [10]);
        assert_eq!(rig.shown.try_iter().collect::<Vec<_>>(), [vec![2]]);
    }

    #[test]
    fn warm_up_counts_checkpoints_and_not_questions() {
        let plans: &[&[u64]] = &[&[1, 19], &[2, 18]];
        let set = &[("warm_up", 3), ("cadence", 2)];
        let (mut rig, mut view) = (Rig::new(set, plans), held(20, &[10, 10]));
        let steps: Vec<Vec<u64>> = (0..4).map(|_| rig.step(&mut view)).collect();
        assert_eq!(steps, [[10, 10], [10, 10], [10, 10], [2, 18]]);
    }

    #[test]
    fn no_policy_is_called_like_a_key_beside_kind() {
        for param in PARAMS {
            assert!(super::super::ALL.iter().all(|kind| kind.name != param.name), "{}", param.name);
        }
    }
}
