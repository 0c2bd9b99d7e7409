//! What a scenario expects of its runs, held against what they came to.

use crate::account::Outcome;
use crate::number::grouped;
use crate::scenario::{Expect, Scenario};

/// A sentence for each expectation that a run failed, in file order.
///
/// An expectation that names no policy is about the policy that the scenario puts in force.
pub fn failed(scenario: &Scenario, outcome: &Outcome) -> Vec<String> {
    let applies = |expect: &&Expect| {
        let in_force = expect.policies.is_empty() && scenario.policy.name == outcome.policy;
        in_force || expect.policies.contains(&outcome.policy.as_str())
    };
    let expects = scenario.expects.iter().filter(applies);
    expects.filter_map(|expect| judge(scenario, outcome, expect)).collect()
}

fn judge(scenario: &Scenario, outcome: &Outcome, expect: &Expect) -> Option<String> {
    let Expect { metric, vm, at_least, at_most, .. } = expect;
    let place = scenario.vms.iter().position(|spec| spec.name == *vm);
    let account = place.map_or(&outcome.all, |at| &outcome.vms[at]);
    let found = (metric.of)(account);
    let limit = match (at_least, at_most) {
        (Some(least), _) if found < *least => format!("at least {}", grouped(least)),
        (_, Some(most)) if found > *most => format!("at most {}", grouped(most)),
        _ => return None,
    };
    let (name, policy, found) = (&scenario.name, &outcome.policy, grouped(found));
    Some(format!("{name} under {policy}: {} of {vm} is {found}, expected {limit}", metric.name))
}
