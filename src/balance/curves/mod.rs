//! Policies that follow miss-ratio curves: what each VM would have faulted with more or less.

pub(super) mod lu_shen_like;
pub(super) mod meb;
pub(super) mod mrc_dp;
pub(super) mod stone_greedy;
pub(super) mod ucp_lookahead;
pub(super) mod zhou_greedy;

use super::{Plan, Policy, PolicyError, View, VmView, split};
use crate::observe::{CURVE, DECAY, ObserverKind, RATE, SAMPLED_CURVE};
use crate::params::{Domain, Param, Settings, Value};
use crate::partition::{self, Offer};
use crate::random::Stream;
use crate::units::Frames;

/// The parameter that says where the curves come from. Who has it has [`DECAY`] and [`RATE`] too.
pub(super) const OBSERVER: Param = Param {
    name: "observer",
    doc: "where the curves come from: all accesses, or those to a sample of the pages",
    domain: Domain::Choice(&[CURVE.name, SAMPLED_CURVE.name]),
    default: Value::Choice(CURVE.name),
};

/// The parameters of a policy that has none of its own.
const PARAMS: &[Param] = &[OBSERVER, DECAY, RATE];

/// The observer that the parameter names.
pub(super) fn observers(settings: &Settings) -> &'static [&'static ObserverKind] {
    if settings.choice(OBSERVER.name) == SAMPLED_CURVE.name { &[&SAMPLED_CURVE] } else { &[&CURVE] }
}

/// A search of [`partition`].
pub(super) type Search = fn(&[Vec<Offer>], u32) -> Vec<u32>;

/// A policy that searches the VMs' fault curves in steps of one frame.
pub(super) struct FrameByFrame(pub(super) Search);

impl Policy for FrameByFrame {
    fn plan(&mut self, view: &View, _: &mut Stream) -> Result<Plan, PolicyError> {
        let minima = view.vms.iter().map(|vm| vm.bounds.min).collect();
        Ok(deal(view, minima, 1, |vm, min| fault_offers(vm, min, 1), self.0))
    }
}

/// What more frames than `min` do for a VM, in units of `unit` frames.
pub(super) fn fault_offers(vm: &VmView, min: Frames, unit: u64) -> Vec<Offer> {
    partition::offers(&vm.seen.curve.faults, min.0, vm.bounds.max.0, unit)
}

/// Gives each VM its minimum of `minima`, what the search finds beyond that in units of `unit`
/// frames, and no more than its maximum. Frames that lower no VM's curve stay where they are.
pub(super) fn deal(
    view: &View,
    minima: Vec<Frames>,
    unit: u64,
    offers: impl Fn(&VmView, Frames) -> Vec<Offer>,
    search: Search,
) -> Plan {
    let units = u32::try_from(split::spare(view, &minima).0 / unit).unwrap_or(u32::MAX);
    let parties: Vec<Vec<Offer>> =
        view.vms.iter().zip(&minima).map(|(vm, &min)| offers(vm, min)).collect();
    let mut frames = minima;
    for ((vm, frames), taken) in view.vms.iter().zip(&mut frames).zip(search(&parties, units)) {
        *frames = vm.bounds.max.min(Frames(frames.0 + u64::from(taken) * unit));
    }
    split::settle(view, frames)
}

#[cfg(test)]
pub(super) mod tests {
    use super::*;
    use crate::balance::PolicyKind;
    use crate::balance::split::tests::view;
    use crate::observe::Curve;
    use crate::random::Generator;

    /// One VM has 100 faults until it has 8 frames and then none; the other has 5 fewer with each.
    pub(in crate::balance) fn cliff() -> Vec<Vec<u64>> {
        let steady = (0..=20).map(|frames| 100 - 5 * frames).collect();
        vec![vec![100, 100, 100, 100, 100, 100, 100, 100, 0], steady]
    }

    /// One VM falls from 100 to 10 faults with 6 frames, the other from 100 to 0 with 7.
    pub(in crate::balance) fn two_cliffs() -> Vec<Vec<u64>> {
        vec![[vec![100; 6], vec![10]].concat(), [vec![100; 7], vec![0]].concat()]
    }

    /// What the policy divides a host into whose VMs have these curves and no limits.
    pub(in crate::balance) fn divided(
        kind: &PolicyKind,
        host: u64,
        curves: &[Vec<u64>],
    ) -> Vec<u64> {
        divided_with(kind, &Settings::defaults(kind.params), host, curves)
    }

    pub(in crate::balance) fn divided_with(
        kind: &PolicyKind,
        settings: &Settings,
        host: u64,
        curves: &[Vec<u64>],
    ) -> Vec<u64> {
        let mut view = view(host, &vec![host / curves.len() as u64; curves.len()]);
        for (vm, faults) in view.vms.iter_mut().zip(curves) {
            let accesses = faults[0].max(1);
            vm.seen.curve = Curve { accesses, faults: faults.clone(), ..Curve::default() };
        }
        let mut rng = Stream::new(Generator::ChaCha8, 1, 0, "test");
        let plan = (kind.build)(settings).plan(&view, &mut rng).unwrap();
        plan.0.iter().map(|frames| frames.0).collect()
    }

    pub(in crate::balance) fn faults(curves: &[Vec<u64>], frames: &[u64]) -> u64 {
        let at =
            |(curve, &frames): (&Vec<u64>, &u64)| curve[(curve.len() - 1).min(frames as usize)];
        curves.iter().zip(frames).map(at).sum()
    }
}
