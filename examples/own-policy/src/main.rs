//! A policy of one's own, run beside a policy of balloonist's list: `own-policy SCENARIO`.
//!
//! `halve-the-idle` takes half of what a VM holds above its minimum from each VM that had no demand
//! fault since the last checkpoint, and gives that to the VM with the most.

use std::error::Error;

use balloonist::balance::{self, Plan, Policy, PolicyError, View};
use balloonist::random::Stream;
use balloonist::scenario::Document;
use balloonist::simulate::{PolicyRun, Simulation, simulate};
use balloonist::store::vms;
use balloonist::units::Frames;
use balloonist::watch::NullWatcher;

struct HalveTheIdle;

impl Policy for HalveTheIdle {
    fn plan(&mut self, view: &View, _: &mut Stream) -> Result<Plan, PolicyError> {
        let mut plan = Plan::unchanged(view);
        let faults = |at: &usize| view.vms[*at].interval.demand_faults;
        // Of equals the first in file order.
        let taker = (0..view.vms.len()).rev().max_by_key(faults).expect("a view has a VM");
        let mut room = view.vms[taker].bounds.max - plan.0[taker];
        for (at, vm) in view.vms.iter().enumerate() {
            if at != taker && vm.interval.demand_faults == 0 {
                let half = Frames((plan.0[at] - vm.bounds.min).0 / 2).min(room);
                plan.0[at] -= half;
                plan.0[taker] += half;
                room -= half;
            }
        }
        Ok(plan)
    }
}

fn main() -> Result<(), Box<dyn Error>> {
    let place = std::env::args().nth(1).ok_or("usage: own-policy SCENARIO")?;
    let checked = Document::open(place.as_ref()).check();
    let scenario = checked.map_err(|errors| errors.render(false))?.scenario;

    let mine = PolicyRun::new("halve-the-idle", Box::new(HalveTheIdle));
    let mine = Simulation::new(&scenario, mine, &mut NullWatcher).run()?;
    let last_n = balance::ALL.iter().find(|kind| kind.name == "last-n").expect("it is in the list");
    let last_n = simulate(&scenario, last_n, &mut NullWatcher)?;

    for outcome in [&mine, &last_n] {
        let faults = outcome.all.counts.demand_faults;
        println!("{}: {faults} demand faults", outcome.policy);
    }
    print!("{}", vms::table(&scenario, &mine).to_csv());
    Ok(())
}
