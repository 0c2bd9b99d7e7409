//! A scenario's expectations, checked against the outcomes of its runs.

use std::cmp::Ordering;

use crate::account::Outcome;
use crate::balance;
use crate::bound::{self, Bound};
use crate::number::{Millionths, grouped};
use crate::scenario::{Expect, Expected, Limit, Place, Reference, Scenario};
use crate::simulate::simulate;
use crate::units::Decimal;
use crate::watch::NullWatcher;

/// An expectation that does not hold.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Unmet {
    /// What was found and what was expected, in a sentence without a full stop.
    pub text: String,
    /// Where it is written.
    pub place: Place,
}

impl Unmet {
    /// Their sentences.
    pub fn texts(all: Vec<Self>) -> Vec<String> {
        all.into_iter().map(|unmet| unmet.text).collect()
    }
}

/// The expectations that runs failed, in the runs' order and then in file order. All are runs of
/// `scenario`.
///
/// An expectation that names no policy applies to the scenario's own policy, and to a policy that
/// is in no list: the caller runs it in the place of the scenario's. A limit that is a share of
/// another policy's number is taken from its outcome if that is given, or else from a run of it.
pub fn failed(scenario: &Scenario, outcomes: &[&Outcome]) -> Vec<Unmet> {
    let mut judge = Judge { scenario, outcomes, runs: Vec::new(), bounds: None };
    let mut failed = Vec::new();
    for outcome in outcomes {
        let is_own = balance::ALL.iter().all(|kind| kind.name != outcome.policy);
        let in_force = is_own || scenario.policy.name == outcome.policy;
        let applies = |expect: &&Expect| {
            let is_named = expect.policies.contains(&outcome.policy.as_str());
            expect.policies.is_empty() && in_force || is_named
        };
        let expects = scenario.expects.iter().filter(applies);
        failed.extend(expects.filter_map(|expect| {
            let text = judge.judge(outcome, expect)?;
            Some(Unmet { text, place: expect.place.clone() })
        }));
    }
    failed
}

/// What limits are judged by.
struct Judge<'a> {
    scenario: &'a Scenario,
    outcomes: &'a [&'a Outcome],
    /// The runs that only limits refer to; a policy that failed has a reason.
    runs: Vec<(&'static str, Result<Outcome, String>)>,
    /// The bounds, once a limit has referred to one.
    bounds: Option<Vec<Bound>>,
}

impl Judge<'_> {
    /// A sentence if the run fails the expectation.
    fn judge(&mut self, outcome: &Outcome, expect: &Expect) -> Option<String> {
        let Expect { metric, vm, at_least, at_most, .. } = expect;
        let found = self.read(outcome, expect);
        let mut expected = None;
        for (limit, wrong, words) in
            [(at_least, Ordering::Less, "at least"), (at_most, Ordering::Greater, "at most")]
        {
            let Some(limit) = limit else { continue };
            let (is_outside, shown) = match limit {
                Limit::Number(number) => {
                    (found.is_none_or(|found| found.compare(*number) == wrong), grouped(number))
                }
                Limit::Share { percent, of } => match self.reference(*of, expect) {
                    Ok(base) => {
                        let is_outside =
                            found.is_none_or(|found| against(found, *percent, base) == wrong);
                        let base = shown(metric, base);
                        (is_outside, format!("{percent} % of {}'s {base}", of.name()))
                    }
                    Err(reason) => (true, format!("{percent} % of {}, {reason}", of.name())),
                },
            };
            if is_outside {
                expected = expected.or(Some(format!("{words} {shown}")));
            }
        }
        let (name, policy) = (&self.scenario.name, &outcome.policy);
        let found = match found {
            None => "has no value".to_owned(),
            Some(found) => format!("is {}", shown(metric, found)),
        };
        let metric = metric.name();
        expected.map(|limit| {
            format!("{name} under {policy}: {metric} of {vm} {found}, expected {limit}")
        })
    }

    /// The metric of an expectation in a run; `None` if it is undefined.
    fn read(&self, outcome: &Outcome, Expect { metric, vm, .. }: &Expect) -> Option<Millionths> {
        let place = self.scenario.vms.iter().position(|spec| spec.name == *vm);
        metric.read(place.map_or(&outcome.all, |at| &outcome.vms[at]))
    }

    /// The metric of an expectation where a limit refers to.
    fn reference(&mut self, of: Reference, expect: &Expect) -> Result<Millionths, String> {
        let value = match of {
            Reference::Policy(name) => {
                let given = self.outcomes.iter().find(|outcome| outcome.policy == name);
                match given {
                    Some(outcome) => self.read(outcome, expect),
                    None => self.run(name).map(|outcome| self.read(&outcome, expect))?,
                }
            }
            Reference::Bound(name) => {
                let scenario = self.scenario;
                let bounds = self.bounds.get_or_insert_with(|| bound::all(scenario));
                let bound = bounds.iter().find(|bound| bound.name == name);
                bound
                    .map(|bound| match expect.metric.name() {
                        "capacity_faults" => bound.capacity_faults,
                        _ => bound.demand_faults,
                    })
                    .map(|faults| Millionths(u128::from(faults) * Millionths::ONE))
            }
        };
        value.ok_or_else(|| "which has no value".to_owned())
    }

    /// The outcome of a policy that the caller has not run.
    fn run(&mut self, policy: &'static str) -> Result<Outcome, String> {
        if let Some((_, run)) = self.runs.iter().find(|(name, _)| *name == policy) {
            return run.clone();
        }
        let kind = balance::ALL.iter().find(|kind| kind.name == policy);
        let kind = kind.expect("the check has found it");
        let run = self.scenario.fits(kind).and_then(|()| {
            simulate(self.scenario, kind, &mut NullWatcher).map_err(|error| error.to_string())
        });
        let run = run.map_err(|reason| format!("which cannot run: {reason}"));
        self.runs.push((policy, run.clone()));
        run
    }
}

/// Compares a number with a share of another.
pub(super) fn against(found: Millionths, percent: Decimal, base: Millionths) -> Ordering {
    // Numbers are at most 2⁶⁴ and shares have at most twelve digits, so nothing overflows.
    let scaled = found.0 * 100 * u128::from(percent.denominator());
    scaled.cmp(&(base.0 * u128::from(percent.digits)))
}

/// A value of a metric as people read it.
fn shown(metric: &Expected, value: Millionths) -> String {
    if metric.is_count() { grouped(value.0 / Millionths::ONE) } else { grouped(value) }
}
