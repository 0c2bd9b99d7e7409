//! A policy of one's own, compared with two of balloonist's list: `own-policy SCENARIO`.
//!
//! `halve-the-idle` takes half of what a VM holds above its minimum from each VM that had no demand
//! fault since the last checkpoint, and gives that to the VM with the most.

use std::error::Error;

use balloonist::balance::{self, Plan, Policy, PolicyError, View};
use balloonist::bound::{self, History, opt_given};
use balloonist::conclude::compare::{Contender, verdict};
use balloonist::random::Stream;
use balloonist::scenario::Document;
use balloonist::simulate::{PolicyRun, RunError, Simulation};
use balloonist::store::{self, vms};
use balloonist::units::Frames;

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
        let mut history = History::new(&scenario);
        let outcome = Simulation::new(&scenario, policy, &mut history).run()?;
        let least = opt_given(&scenario, &history, &outcome);
        Ok(Contender { opt_given: Some(least), ..Contender::new(&scenario, None, outcome) })
    };
    let of_the_list = |name| balance::ALL.iter().find(|kind| kind.name == name).expect("is listed");
    let runs = [
        run(of_the_list("static").run(&scenario))?,
        run(of_the_list("last-n").run(&scenario))?,
        run(PolicyRun::new("halve-the-idle", Box::new(HalveTheIdle)))?,
    ];

    let bounds = bound::all(&scenario);
    let rows = store::compare::rows(&scenario, &runs, &bounds, 0);
    print!("{}", store::compare::table(&rows).to_markdown());
    println!("{}", verdict(&runs, &bounds, 0));
    print!("{}", vms::table(&scenario, &runs[2].outcome).to_csv());
    Ok(())
}
