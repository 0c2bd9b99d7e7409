//! A policy of one's own, compared with two of balloonist's list: `own-policy SCENARIO`.
//!
//! `halve-the-idle` takes half of what a VM holds above its minimum from each VM that had no demand
//! fault since the last checkpoint, and gives that to the VM with the most.

use std::error::Error;

use balloonist::balance::{self, Plan, Policy, PolicyError, View};
use balloonist::bound;
use balloonist::conclude::compare::{Contender, verdict};
use balloonist::random::Stream;
use balloonist::scenario::Document;
use balloonist::simulate::{PolicyRun, RunError, Simulation};
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

    let run = |policy: PolicyRun| -> Result<Contender, RunError> {
        let outcome = Simulation::new(&scenario, policy, &mut NullWatcher).run()?;
        Ok(Contender::new(&scenario, None, outcome))
    };
    let mine = || PolicyRun::new("halve-the-idle", Box::new(HalveTheIdle));
    let of_the_list = |name| balance::ALL.iter().find(|kind| kind.name == name).expect("is listed");
    let runs = [
        run(of_the_list("static").run(&scenario))?,
        run(of_the_list("last-n").run(&scenario))?,
        run(mine())?,
    ];

    for run in &runs {
        let faults = run.outcome.all.counts.demand_faults;
        println!("{}: {faults} demand faults", run.outcome.policy);
    }
    let least = bound::opt_given(&scenario, mine())?;
    println!("halve-the-idle could have had {least} with its frames, if VMs ran MIN");
    println!("{}", verdict(&runs, &bound::all(&scenario), 0));
    print!("{}", vms::table(&scenario, &runs[2].outcome).to_csv());
    Ok(())
}
