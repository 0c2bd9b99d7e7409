//! Policies beside the programs that they follow: targets that the programs' own code computed.
//!
//! tests/policies/vectors.json names each program; what a round does not give stays as it was, and
//! a VM goes on using the pages that it used. `tests/command/live_host.rs` runs the same vectors.

use std::fs;

use balloonist::balance::{self, Bounds, Plan, View, VmView};
use balloonist::params::Settings;
use balloonist::random::{Generator, Stream};
use balloonist::units::{Frames, Ticks, VmId};
use serde_json::Value as Json;

const VECTORS: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/policies/vectors.json");

fn vm(at: usize, described: &Json) -> VmView {
    let number = |key: &str| described[key].as_u64();
    let bounds =
        Bounds { min: Frames(number("min").unwrap()), max: Frames(number("max").unwrap()) };
    let allocation = Frames(number("allocation").unwrap());
    let mut vm = VmView::new(VmId(at as u32), &format!("vm{at}"), bounds, allocation);
    vm.resident = number("resident").map_or(allocation, Frames);
    vm.shares = number("shares").unwrap_or(vm.shares);
    vm.seen.window.distinct = Frames(number("distinct").unwrap_or(0));
    vm.seen.window.committed = Frames(number("committed").unwrap_or(0));
    vm
}

#[test]
fn policies_give_what_the_programs_give() {
    let vectors: Vec<Json> = serde_json::from_slice(&fs::read(VECTORS).unwrap()).unwrap();
    assert!(vectors.len() >= 19);
    for vector in &vectors {
        let name = &vector["name"];
        let kind = balance::ALL.iter().find(|kind| vector["policy"] == kind.name).unwrap();
        let mut policy = (kind.build)(&Settings::defaults(kind.params));
        let vms = vector["vms"].as_array().unwrap().iter().enumerate();
        let vms: Vec<VmView> = vms.map(|(at, described)| vm(at, described)).collect();
        let used =
            |at: usize| vector["vms"][at]["resident"].as_u64().map_or(Frames(u64::MAX), Frames);
        let mut view = View::new(Ticks(0), Frames(vector["host"].as_u64().unwrap()), vms);
        let rounds = vector["rounds"].as_array().unwrap();
        for (round, expected) in rounds.iter().zip(vector["expected"].as_array().unwrap()) {
            for (at, vm) in view.vms.iter_mut().enumerate() {
                if let Some(distinct) = round["distinct"][at].as_u64() {
                    vm.seen.window.distinct = Frames(distinct);
                }
                vm.seen.window.stalled = Ticks(round["stalled"][at].as_u64().unwrap_or(0));
            }
            let mut draws = Stream::new(Generator::ChaCha8, 1, 0, "policy");
            let Plan(targets) = policy.plan(&view, &mut draws).unwrap();
            let found: Vec<u64> = targets.iter().map(|frames| frames.0).collect();
            assert_eq!(Json::from(found), *expected, "{name}");
            for (at, (vm, target)) in view.vms.iter_mut().zip(targets).enumerate() {
                (vm.allocation, vm.target, vm.resident) = (target, target, used(at).min(target));
            }
        }
    }
}
