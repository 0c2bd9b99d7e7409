//! `cliffhanger-like`: shadow hits move memory from others at random, hill by hill.
//!
//! *Idea.* A hit in a VM's shadow list, just beyond what it holds, is the gradient of its hit-rate
//! curve: the VM gains a credit and another one, drawn at random, loses one. Credits move frames.
//! *Follows.* A. Cidon, A. Eisenman, M. Alizadeh and S. Katti, "Cliffhanger: scaling performance
//! cliffs in web memory caches", NSDI 2016: hill climbing; sizes as described from secondary
//! knowledge. *Departs.* VMs for queues, and hits are counted up to the checkpoint: VM by VM in
//! file order, each at most as many as pay for the frames of its shadow list. The second mechanism,
//! which splits a queue to climb cliffs, needs two partitions of a VM, which a balloon does not
//! have. Frames that nobody holds are divided by need. It draws, so equal views may give unequal
//! plans; without shadow hits nothing moves. *Cost.* O(V log V + V² + shadow hits) a checkpoint for
//! V VMs. *Parameters.* `hits`: shadow hits that move a frame (4); `shadow`: the observer's (1 % of
//! the host).

use super::{Credits, Debtors, HITS};
use crate::balance::{Plan, Policy, PolicyError, PolicyKind, View};
use crate::meets::Meets;
use crate::observe::{SHADOW, SHADOW_SHARE};
use crate::random::Stream;
use crate::units::Frames;

pub(in crate::balance) const KIND: PolicyKind = PolicyKind {
    name: "cliffhanger-like",
    summary: "moves a few frames at a time to VMs whose faults a little more memory would have \
              saved, from others at random",
    follows: "A. Cidon, A. Eisenman, M. Alizadeh and S. Katti, Cliffhanger: scaling performance \
              cliffs in web memory caches, NSDI 2016",
    params: &[HITS, SHADOW_SHARE],
    meets: Meets::Never,
    observers: |_| &[&SHADOW],
    fits: |_, _, _| Ok(()),
    build: |settings| Box::new(CliffhangerLike(Credits::new(settings, Debtors::Others))),
};

struct CliffhangerLike(Credits);

impl Policy for CliffhangerLike {
    fn plan(&mut self, view: &View, rng: &mut Stream) -> Result<Plan, PolicyError> {
        // A shadow hit credits its queue and debits another at random; memory follows the credits.
        let floors: Vec<Frames> = view.vms.iter().map(|vm| vm.bounds.min).collect();
        Ok(self.0.turn(view, &floors, rng))
    }
}

#[cfg(test)]
mod tests {
    use super::super::tests::climbed;
    use super::*;

    #[test]
    fn memory_climbs_to_who_has_shadow_hits() {
        assert_eq!(climbed(&KIND, 30, &[0, 0, 0], 5), [10, 10, 10]);
        let frames = climbed(&KIND, 30, &[0, 40, 0], 3);
        assert!(frames[1] > 20 && frames.iter().sum::<u64>() == 30, "{frames:?}");
        assert_eq!(climbed(&KIND, 30, &[0, 40, 0], 20), [0, 30, 0]);
    }

    #[test]
    fn a_shadow_list_moves_no_more_than_its_length_at_once() {
        let taken = |host: u64| climbed(&KIND, host, &[0, 1_000_000, 0], 1)[1] - host / 3;
        // The debts of the other two, drawn at random, each leave a part of a frame.
        assert!((8..=9).contains(&taken(30)), "{}", taken(30));
        assert!((8_999..=9_000).contains(&taken(30_000)), "{}", taken(30_000));
    }
}
