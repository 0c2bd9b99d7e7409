//! `cliffhanger-like`: shadow hits move memory from others at random, hill by hill.
//!
//! *Idea.* A hit in a VM's shadow list, just beyond what it holds, is the gradient of its hit-rate
//! curve: the VM gains a credit and another one, drawn at random, loses one. Credits move frames.
//! *Follows.* A. Cidon, A. Eisenman, M. Alizadeh and S. Katti, "Cliffhanger: scaling performance
//! cliffs in web memory caches", NSDI 2016: hill climbing; sizes as described from secondary
//! knowledge.
//! *Departs.* VMs for queues, and hits are counted up to the checkpoint: VM by VM in file order,
//! each at most as many as pay for the frames of its shadow list. The second mechanism, which
//! splits a queue to climb cliffs, needs two partitions of a VM, which a balloon does not have.
//! Frames that no VM holds are divided by need. It draws, so equal views may give unequal plans;
//! without shadow hits nothing moves.
//! *Cost.* O(V log V + V² + shadow hits) per checkpoint for V VMs.
//! *Parameters.* `hits`: shadow hits that move a frame (4); `shadow`: the observer's (1 % of the
//! host).

use std::cmp::Reverse;

use crate::balance::{Plan, Policy, PolicyError, PolicyKind, View, split};
use crate::meets::Meets;
use crate::observe::{SHADOW, SHADOW_SHARE, shadow_frames};
use crate::params::{Domain, Param, Settings, Value};
use crate::random::Stream;
use crate::units::Frames;

pub(in crate::balance) const KIND: PolicyKind = PolicyKind {
    name: "cliffhanger-like",
    summary: "moves a few frames at a time to VMs whose faults a little more memory would have \
              saved, from others at random",
    follows: "A. Cidon, A. Eisenman, M. Alizadeh and S. Katti, Cliffhanger: scaling performance \
              cliffs in web memory caches, NSDI 2016",
    live_interval: None,
    params: &[HITS, SHADOW_SHARE],
    meets: Meets::Never,
    observers: |_| &[&SHADOW],
    fits: |_, _, _| Ok(()),
    build: |settings| Box::new(CliffhangerLike(Credits::new(settings))),
};

struct CliffhangerLike(Credits);

impl Policy for CliffhangerLike {
    fn plan(&mut self, view: &View, rng: &mut Stream) -> Result<Plan, PolicyError> {
        // A shadow hit credits its queue and debits another at random; memory follows the credits.
        let floors: Vec<Frames> = view.vms.iter().map(|vm| vm.bounds.min).collect();
        Ok(self.0.turn(view, &floors, rng))
    }
}

/// The price of a frame.
const HITS: Param = Param {
    name: "hits",
    doc: "shadow hits that move a frame; credits of 1 KiB a hit, as the paper's are said to be, \
          and pages of 4 KiB",
    domain: Domain::Integer { min: 1, max: 1_000_000 },
    default: Value::Integer(4),
};

/// The credits of all VMs of a run. A shadow hit is a credit for its VM and a debit for another;
/// the price of a frame in credits moves a frame.
struct Credits {
    settings: Settings,
    /// Shadow hits that move a frame.
    price: i64,
    /// By VM.
    of: Vec<i64>,
}

impl Credits {
    fn new(settings: &Settings) -> Self {
        let price = settings.integer(HITS.name) as i64;
        Self { settings: settings.clone(), price, of: Vec::new() }
    }

    /// The largest credit and debt of a VM: a shadow list gives no information about more frames.
    fn most(&self, view: &View) -> i64 {
        let Frames(frames) = shadow_frames(&self.settings, view.host);
        frames.min(1 << 40) as i64 * self.price
    }

    /// Lets the interval's shadow hits move frames; no VM is brought below its floor.
    fn turn(&mut self, view: &View, floors: &[Frames], rng: &mut Stream) -> Plan {
        let (vms, most) = (&view.vms, self.most(view));
        let known = vms.iter().map(|vm| vm.id.index() + 1).max().unwrap_or(0);
        self.of.resize(self.of.len().max(known), 0);
        let mut credits: Vec<i64> = vms.iter().map(|vm| self.of[vm.id.index()]).collect();
        let Plan(mut frames) = split::settle(view, floors.to_vec());
        for vm in (0..vms.len()).filter(|&vm| vms[vm].seen.shadow_hits > 0) {
            let others: Vec<usize> = (0..vms.len()).filter(|&at| at != vm).collect();
            if others.is_empty() {
                break;
            }
            for _ in 0..vms[vm].seen.shadow_hits.min(most as u64) {
                let debtor = others[rng.below(others.len() as u64) as usize];
                credits[vm] += 1;
                credits[debtor] -= 1;
            }
        }
        for credits in &mut credits {
            *credits = (*credits).clamp(-most, most);
        }
        self.trade(view, floors, &mut frames, &mut credits);
        for (vm, credits) in vms.iter().zip(credits) {
            self.of[vm.id.index()] = credits;
        }
        Plan(frames)
    }

    /// Moves frames from the VMs with the most debt to those with the most credit; each frame costs
    /// the taker, and repays the giver, its price in credits. Frames that no VM holds go first.
    /// Ties go by file order.
    fn trade(&self, view: &View, floors: &[Frames], frames: &mut [Frames], credits: &mut [i64]) {
        let mut takers: Vec<usize> = (0..frames.len()).collect();
        takers.sort_by_key(|&at| Reverse(credits[at]));
        let mut givers: Vec<usize> = (0..frames.len()).collect();
        givers.sort_by_key(|&at| credits[at]);
        let mut givers = givers.into_iter().peekable();
        let mut free = split::spare(view, frames).0;
        for taker in takers {
            let room = view.vms[taker].bounds.max.0 - frames[taker].0;
            let mut wanted = room.min((credits[taker] / self.price).max(0) as u64);
            while wanted > 0 {
                let moved = if free > 0 {
                    let moved = wanted.min(free);
                    free -= moved;
                    moved
                } else {
                    let Some(&giver) = givers.peek() else { return };
                    let owed = (-credits[giver] / self.price).max(0) as u64;
                    let moved = wanted.min(owed).min(frames[giver].0 - floors[giver].0);
                    if moved == 0 {
                        givers.next();
                        continue;
                    }
                    frames[giver] -= Frames(moved);
                    credits[giver] += moved as i64 * self.price;
                    moved
                };
                frames[taker] += Frames(moved);
                credits[taker] -= moved as i64 * self.price;
                wanted -= moved;
            }
        }
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
