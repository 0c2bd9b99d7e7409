//! `squeezed`: every VM gets the same part of the way from its minimum to its maximum.
//!
//! *Idea.* Each domain declares a range. If all maxima fit, all have them; if not, one number says
//! for all how far above their minima they are.
//! *Follows.* The squeezed daemon of `XenServer` (xapi-project/squeezed, squeeze.ml), 2008 on.
//! *Departs.* A domain's dynamic range is the VM's bounds. Targets are rounded down, and what that
//! leaves over stays free. Allocations are exact, so there is no margin of inaccuracy. What guests
//! use is not asked, as in the original. Progress is looked for at checkpoints. A stuck driver is
//! still asked for what the rule would have it give, so that it shows when it works again.
//! *Cost.* O(V) a checkpoint for V VMs.
//! *Parameters.* `stuck_after` in ticks: 5 s, the original's.

use crate::balance::{Plan, Policy, PolicyError, PolicyKind, View, VmView};
use crate::meets::Meets;
use crate::params::{Domain, Param, Value};
use crate::random::Stream;
use crate::units::{Frames, Ticks};

const STUCK_AFTER: Param = Param {
    name: "stuck_after",
    doc: "ticks without progress towards a lower target after which a VM's driver counts as stuck \
          and its frames are left out (5 s, as published)",
    domain: Domain::Ticks { min: 1 },
    default: Value::Integer(5_000_000_000),
};

pub(in crate::balance) const KIND: PolicyKind = PolicyKind {
    name: "squeezed",
    summary: "puts every VM at the same part of the way from its minimum to its maximum",
    follows: "squeezed, the memory daemon of XenServer, 2008",
    params: &[STUCK_AFTER],
    meets: Meets::Never,
    observers: |_| &[],
    fits: |_, _, _| Ok(()),
    build: |settings| {
        let stuck_after = Ticks(settings.integer(STUCK_AFTER.name));
        Box::new(Squeezed { stuck_after, watched: Vec::new() })
    },
};

struct Squeezed {
    stuck_after: Ticks,
    /// What each VM, by id, held when it was last looked at, and since when.
    watched: Vec<Option<(Frames, Ticks)>>,
}

impl Policy for Squeezed {
    fn plan(&mut self, view: &View, _: &mut Stream) -> Result<Plan, PolicyError> {
        let stuck: Vec<bool> = view.vms.iter().map(|vm| self.is_stuck(vm, view.at)).collect();
        let everybody = vec![false; stuck.len()];
        let mut targets = squeeze(view, &everybody);
        if stuck.contains(&true) {
            let rest = squeeze(view, &stuck);
            for (at, vm) in view.vms.iter().enumerate() {
                targets[at] = if stuck[at] { targets[at].min(vm.allocation) } else { rest[at] };
            }
        }
        Ok(Plan(targets))
    }
}

impl Squeezed {
    /// Whether the VM has been above its target for so long without giving a frame.
    fn is_stuck(&mut self, vm: &VmView, now: Ticks) -> bool {
        let at = vm.id.index();
        if at >= self.watched.len() {
            self.watched.resize(at + 1, None);
        }
        let still = |&(held, _): &(Frames, Ticks)| held == vm.allocation;
        let since = match self.watched[at].filter(still) {
            Some((_, since)) if vm.allocation > vm.target => since,
            _ => now,
        };
        self.watched[at] = Some((vm.allocation, since));
        now - since >= self.stuck_after
    }
}

/// The same part of the way for all that are not left out, on what those leave of the host.
fn squeeze(view: &View, left_out: &[bool]) -> Vec<Frames> {
    let vms = || view.vms.iter().zip(left_out);
    let taken = |(vm, &out): (&VmView, &bool)| if out { vm.allocation } else { vm.bounds.min };
    let taken: Frames = vms().map(taken).sum();
    let above = |vm: &VmView| (vm.bounds.max - vm.bounds.min).0;
    let ranges: u128 = vms().filter(|(_, out)| !**out).map(|(vm, _)| u128::from(above(vm))).sum();
    let left = u128::from((view.host - taken).0);
    // γ = (F − Σmin) / Σ(max − min), at most 1.
    let gamma = |range: u64| {
        if left >= ranges { range } else { (u128::from(range) * left / ranges) as u64 }
    };
    vms().map(|(vm, _)| vm.bounds.min + Frames(gamma(above(vm)))).collect()
}

#[cfg(test)]
mod tests {
    use super::super::super::testing::{divide, policy, step, view, vm};
    use super::*;

    #[test]
    fn all_are_the_same_part_of_the_way_above_their_minima() {
        // γ = 700 / 1300 = 0.538.
        let mut view = view(1000, vec![vm(100, 100, 600), vm(200, 200, 1000)]);
        let mut squeezed = policy(&KIND, &[]);
        assert_eq!(step(&mut *squeezed, &mut view), [369, 630]);
        assert_eq!(step(&mut *squeezed, &mut view), [369, 630], "nothing changes, nothing moves");
    }

    #[test]
    fn maxima_that_fit_are_given_and_minima_are_kept() {
        let mut wide = view(1000, vec![vm(1, 1, 600), vm(1, 1, 300)]);
        assert_eq!(step(&mut *policy(&KIND, &[]), &mut wide), [600, 300]);
        let mut tight = view(30, vec![vm(10, 10, 30), vm(20, 20, 30)]);
        assert_eq!(step(&mut *policy(&KIND, &[]), &mut tight), [10, 20]);
    }

    /// 900 frames: all would hold 300. The first is stuck at 600, so from the time of no progress
    /// on the others have 150 each, and it is still asked for 300.
    #[test]
    fn a_stuck_driver_is_left_out_until_it_makes_progress() {
        let stuck_after = ("stuck_after", Value::Integer(50));
        let mut squeezed = policy(&KIND, &[stuck_after]);
        let mut view = view(900, vec![vm(600, 0, 900), vm(150, 0, 900), vm(150, 0, 900)]);
        let mut at = |tick: u64, held: u64| {
            view.at = Ticks(tick);
            view.vms[0].allocation = Frames(held);
            let targets = divide(&mut *squeezed, &view);
            for (vm, &target) in view.vms.iter_mut().zip(&targets) {
                vm.target = target;
            }
            targets.into_iter().map(|frames| frames.0).collect::<Vec<_>>()
        };
        assert_eq!(at(100, 600), [300, 300, 300]);
        assert_eq!(at(149, 600), [300, 300, 300]);
        assert_eq!(at(150, 600), [300, 150, 150]);
        assert_eq!(at(200, 600), [300, 150, 150]);
        assert_eq!(at(250, 590), [300, 300, 300], "it works again");
    }
}
