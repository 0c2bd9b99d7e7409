//! Policies that know the future, on two programs that swap roles.

use balloonist::bound;
use balloonist::scenario::Scenario;
use balloonist::units::Frames;
use balloonist::watch::NullWatcher;

use crate::common;
use crate::common::simulate;

/// Two programs on five frames: one loops over four pages while the other uses one page; at a
/// checkpoint the roles are swapped.
pub(crate) fn programs_that_swap() -> Scenario {
    let loops = |round: u64| 1 + round % 4;
    let first: Vec<u64> = (0..32).map(|at| if at < 16 { loops(at) } else { 1 }).collect();
    let second: Vec<u64> = (0..32).map(|at| if at < 16 { 1 } else { loops(at) }).collect();
    let vms = vec![common::vm(0, &first, 1, 5), common::vm(1, &second, 1, 5)];
    let mut scenario = common::scenario(vms, 5, 8);
    (scenario.vms[0].initial, scenario.vms[1].initial) = (Frames(3), Frames(2));
    scenario
}

#[test]
fn epoch_dp_knows_the_next_interval() {
    let scenario = programs_that_swap();
    let outcome = simulate(&scenario, common::policy("epoch-dp"), &mut NullWatcher);
    // The first interval is the split's: 8 faults of a loop over 4 pages in 3 frames, and 1. Then
    // the loop has 4 frames and faults once more. At the change it is left 1 frame and its page is
    // not the one used last; of the other's four pages three are new.
    let faults: Vec<u64> = outcome.vms.iter().map(|vm| vm.counts.demand_faults).collect();
    assert_eq!(faults, [8 + 1 + 1, 1 + 3]);
    let last: Vec<u64> = outcome.vms.iter().map(|vm| vm.frames.last.0).collect();
    assert_eq!(last, [1, 4]);
}

#[test]
fn opt_static_holds_the_best_static_split_from_the_first_checkpoint_on() {
    let scenario = programs_that_swap();
    let best = bound::best_static(&scenario).expect("all minima fit");
    let outcome = simulate(&scenario, common::policy("opt-static"), &mut NullWatcher);
    for (vm, frames) in outcome.vms.iter().zip(&best.frames) {
        assert!(vm.frames.last >= *frames);
    }
    assert!(common::policy("opt-static").is_yardstick());
    assert!(!common::policy("mrc-dp").is_yardstick());
}
