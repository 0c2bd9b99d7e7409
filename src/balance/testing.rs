//! Views made by hand, for the tests of the policies.

use super::{Bounds, Plan, Policy, PolicyKind, View, VmView};
use crate::params::{Settings, Value};
use crate::random::{Generator, Stream};
use crate::units::{Frames, Ticks, VmId};

/// A VM that holds `allocation` full frames and has seen nothing happen.
pub(super) fn vm(allocation: u64, min: u64, max: u64) -> VmView {
    let bounds = Bounds { min: Frames(min), max: Frames(max) };
    VmView::new(VmId(0), "", bounds, Frames(allocation))
}

/// A VM that used `distinct` pages in the interval and no others before.
pub(super) fn using(distinct: u64, vm: VmView) -> VmView {
    let mut vm = vm;
    vm.seen.window.distinct = Frames(distinct);
    vm.seen.window.committed = Frames(distinct);
    vm
}

/// A VM with a page in so many of its frames.
pub(super) fn resident(frames: u64, vm: VmView) -> VmView {
    VmView { resident: Frames(frames), ..vm }
}

/// These VMs, in this order, on a host of so many frames.
pub(super) fn view(host: u64, mut vms: Vec<VmView>) -> View {
    for (at, vm) in vms.iter_mut().enumerate() {
        vm.id = VmId(at as u32);
        vm.name = format!("vm{at}").into();
    }
    View::new(Ticks(0), Frames(host), vms)
}

pub(super) fn frames(numbers: &[u64]) -> Vec<Frames> {
    numbers.iter().copied().map(Frames).collect()
}

/// The policy with these of its parameters set.
pub(super) fn policy(kind: &PolicyKind, set: &[(&str, Value)]) -> Box<dyn Policy> {
    let mut settings = Settings::defaults(kind.params);
    for (name, value) in set {
        settings.set(name, value.clone());
    }
    (kind.build)(&settings)
}

/// The targets that the policy plans for this view.
pub(super) fn divide(policy: &mut dyn Policy, view: &View) -> Vec<Frames> {
    let mut rng = Stream::new(Generator::ChaCha8, 1, 0, "policy");
    let Plan(targets) = policy.plan(view, &mut rng).expect("a rule that only computes");
    targets
}

/// What the policy decides on this view, as plain numbers, and the view after it.
pub(super) fn step(policy: &mut dyn Policy, view: &mut View) -> Vec<u64> {
    let targets = divide(policy, view);
    let held: Frames = targets.iter().copied().sum();
    assert!(held <= view.host, "a plan promises {held} frames of {}", view.host);
    for (vm, &target) in view.vms.iter_mut().zip(&targets) {
        assert_eq!(target, vm.bounds.clamp(target));
        (vm.allocation, vm.target) = (target, target);
        vm.resident = vm.resident.min(target);
    }
    targets.into_iter().map(|frames| frames.0).collect()
}
