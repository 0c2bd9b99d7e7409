//! A scenario's expectations, checked against the outcomes of its runs.

use std::cmp::Ordering;

use crate::account::Outcome;
use crate::balance;
use crate::number::{Millionths, grouped};
use crate::scenario::{Expect, Scenario};
use crate::units::Decimal;

/// A sentence for each expectation that a run failed, in file order.
///
/// An expectation that names no policy applies to the scenario's own policy, and to a policy that
/// is in no list: the caller runs it in the place of the scenario's.
pub fn failed(scenario: &Scenario, outcome: &Outcome) -> Vec<String> {
    let is_own = balance::ALL.iter().all(|kind| kind.name != outcome.policy);
    let applies = |expect: &&Expect| {
        let in_force = is_own || scenario.policy.name == outcome.policy;
        expect.policies.is_empty() && in_force || expect.policies.contains(&outcome.policy.as_str())
    };
    let expects = scenario.expects.iter().filter(applies);
    expects.filter_map(|expect| judge(scenario, outcome, expect)).collect()
}

fn judge(scenario: &Scenario, outcome: &Outcome, expect: &Expect) -> Option<String> {
    let Expect { metric, vm, at_least, at_most, .. } = expect;
    let place = scenario.vms.iter().position(|spec| spec.name == *vm);
    let account = place.map_or(&outcome.all, |at| &outcome.vms[at]);
    let found = metric.read(account);
    let is_outside =
        |limit: &Decimal, wrong| found.is_none_or(|found| found.compare(*limit) == wrong);
    let limit = match (at_least, at_most) {
        (Some(least), _) if is_outside(least, Ordering::Less) => {
            format!("at least {}", grouped(least))
        }
        (_, Some(most)) if is_outside(most, Ordering::Greater) => {
            format!("at most {}", grouped(most))
        }
        _ => return None,
    };
    let (name, policy) = (&scenario.name, &outcome.policy);
    let found = match found {
        None => "has no value".to_owned(),
        Some(found) if metric.is_count() => format!("is {}", grouped(found.0 / Millionths::ONE)),
        Some(found) => format!("is {}", grouped(found)),
    };
    Some(format!("{name} under {policy}: {} of {vm} {found}, expected {limit}", metric.name()))
}
