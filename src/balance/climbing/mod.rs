//! Policies that climb: shadow hits say who would gain from a little more, and a little moves.

pub(super) mod cliffhanger_like;
pub(super) mod memshare_like;

use std::cmp::Reverse;

use super::{Plan, View, split};
use crate::observe::shadow_frames;
use crate::params::{Domain, Param, Settings, Value};
use crate::random::Stream;
use crate::units::Frames;

/// The price of a frame.
const HITS: Param = Param {
    name: "hits",
    doc: "shadow hits that move a frame; credits of 1 KiB a hit, as the paper's are said to be, and \
          pages of 4 KiB",
    domain: Domain::Integer { min: 1, max: 1_000_000 },
    default: Value::Integer(4),
};

/// Who may be debited for a VM's shadow hit.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Debtors {
    /// Any other VM.
    Others,
    /// Any other VM that has a part of a frame above its floor.
    Above,
}

/// The credits of all VMs of a run. A shadow hit is a credit for its VM and a debit for another;
/// the price of a frame in credits moves a frame.
struct Credits {
    settings: Settings,
    /// Shadow hits that move a frame.
    price: i64,
    debtors: Debtors,
    /// By VM.
    of: Vec<i64>,
}

impl Credits {
    fn new(settings: &Settings, debtors: Debtors) -> Self {
        let price = settings.integer(HITS.name) as i64;
        Self { settings: settings.clone(), price, debtors, of: Vec::new() }
    }

    /// The most credits, and debts, that a VM may have: a shadow list cannot tell of more frames.
    fn most(&self, view: &View) -> i64 {
        let Frames(frames) = shadow_frames(&self.settings, view.host);
        frames.min(1 << 40) as i64 * self.price
    }

    /// Lets the interval's shadow hits move frames; nobody is brought below its floor.
    fn turn(&mut self, view: &View, floors: &[Frames], rng: &mut Stream) -> Plan {
        let (vms, most) = (&view.vms, self.most(view));
        let known = vms.iter().map(|vm| vm.id.index() + 1).max().unwrap_or(0);
        self.of.resize(self.of.len().max(known), 0);
        let mut credits: Vec<i64> = vms.iter().map(|vm| self.of[vm.id.index()]).collect();
        let Plan(mut frames) = split::settle(view, floors.to_vec());
        let spare = |frames: &[Frames], at: usize| frames[at] - floors[at];
        for vm in (0..vms.len()).filter(|&vm| vms[vm].seen.shadow_hits > 0) {
            let may_pay = |at: usize, credits: &[i64]| {
                let pooled = spare(&frames, at).0.min(1 << 40) as i64 * self.price;
                at != vm && (self.debtors == Debtors::Others || pooled + credits[at] > 0)
            };
            let mut debtors: Vec<usize> =
                (0..vms.len()).filter(|&at| may_pay(at, &credits)).collect();
            for _ in 0..vms[vm].seen.shadow_hits.min(most as u64) {
                if debtors.is_empty() {
                    break;
                }
                let drawn = rng.below(debtors.len() as u64) as usize;
                let debtor = debtors[drawn];
                credits[vm] += 1;
                credits[debtor] -= 1;
                if !may_pay(debtor, &credits) {
                    debtors.remove(drawn);
                }
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

    /// Moves frames from those deepest in debt to those with most credit, for its price. Frames
    /// that nobody holds go first. Ties go by file order.
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
    use super::*;
    use crate::balance::PolicyKind;
    use crate::balance::split::tests::view;
    use crate::random::Generator;
    use crate::units::Decimal;

    /// The frames after so many checkpoints, each with these shadow hits, where three VMs begin
    /// with a third of the host each and shadow lists are three tenths of it.
    pub(super) fn climbed(
        kind: &PolicyKind,
        host: u64,
        hits: &[u64],
        checkpoints: usize,
    ) -> Vec<u64> {
        let mut view = view(host, &[host / 3; 3]);
        let mut settings = Settings::defaults(kind.params);
        settings.set("shadow", Value::Decimal(Decimal { digits: 3, places: 1 }));
        let mut policy = (kind.build)(&settings);
        let mut rng = Stream::new(Generator::ChaCha8, 1, 0, "test");
        for _ in 0..checkpoints {
            for (vm, &hits) in view.vms.iter_mut().zip(hits) {
                vm.seen.shadow_hits = hits;
            }
            let plan = policy.plan(&view, &mut rng).unwrap();
            for (vm, frames) in view.vms.iter_mut().zip(plan.0) {
                vm.allocation = frames;
            }
        }
        view.vms.iter().map(|vm| vm.allocation.0).collect()
    }
}
