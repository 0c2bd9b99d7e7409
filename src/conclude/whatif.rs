//! The expectations of a scenario's `[plan]`, judged by the answers of a plan.

use std::cmp::Ordering;

use super::expects::against;
use crate::number::{Millionths, grouped};
use crate::plan::Answers;
use crate::scenario::plan::{PlanExpect, PlanMetric};
use crate::scenario::{Limit, Place, PlanSpec};

/// An expectation of a policy's answer, judged.
#[derive(Clone, Debug)]
pub struct Judged {
    /// What is expected: "frames under qmemman, at most 12,288 frames (48 GiB)".
    pub name: String,
    /// What was found, and what is expected, in a sentence without a full stop.
    pub text: String,
    /// Whether it holds.
    pub holds: bool,
    /// Where it is written.
    pub place: Place,
}

/// Each expectation for each policy that it names, in file order. A number without a value, such as
/// an amount for which the mixes are too few, meets none, and neither does a policy that was not
/// planned.
pub fn judged(answers: &Answers<'_>, plan: &PlanSpec) -> Vec<Judged> {
    let mut all = Vec::new();
    for expect in &plan.expects {
        let own = [answers.scenario.policy.name];
        let policies = if expect.policies.is_empty() { &own[..] } else { &expect.policies };
        all.extend(policies.iter().map(|name| judge(answers, name, expect)));
    }
    all
}

fn position(answers: &Answers<'_>, name: &str) -> Option<usize> {
    answers.question.policies.iter().position(|kind| kind.name == name)
}

fn judge(answers: &Answers<'_>, kind: &str, expect: &PlanExpect) -> Judged {
    let PlanExpect { metric, at_least, at_most, place, .. } = expect;
    let policy = position(answers, kind);
    let found = policy.and_then(|policy| read(answers, policy, *metric));
    // More copies than were tried may fit.
    let bound = policy.and_then(|policy| answers.bound(policy));
    let is_open =
        *metric == PlanMetric::Amount && bound.is_some_and(|bound| answers.is_cut_off(bound));
    let mut holds = true;
    let (mut asked, mut limits) = (Vec::new(), Vec::new());
    for (limit, wrong, words) in
        [(at_least, Ordering::Less, "at least"), (at_most, Ordering::Greater, "at most")]
    {
        let Some(limit) = limit else { continue };
        let (compared, [short, long]) = compare(answers, *metric, found, limit);
        let is_known = !is_open || wrong == Ordering::Less;
        holds &= is_known && compared.is_some_and(|compared| compared != wrong);
        asked.push(format!("{words} {short}"));
        limits.push(format!("{words} {long}"));
    }
    let [asked, limits] = [asked, limits].map(|limits| limits.join(" and "));
    let scenario = &answers.scenario.name;
    let column = metric.name(&answers.question.quantity.asked());
    let found = match found {
        Some(found) if is_open => format!("{} or more", shown(answers, *metric, found)),
        Some(found) if *metric == PlanMetric::Amount => shown(answers, *metric, found),
        Some(found) => format!("{column} is {}", shown(answers, *metric, found)),
        None if policy.is_none() => "is not planned".to_owned(),
        None => format!("{column} has no value"),
    };
    Judged {
        name: format!("{column} under {kind}, {asked}"),
        text: format!("{scenario} under {kind}: {found}, expected {limits}"),
        holds,
        place: place.clone(),
    }
}

/// How a value compares with a limit, if both are known, and the limit in words: as it is written,
/// and with the number that it refers to.
fn compare(
    answers: &Answers<'_>,
    metric: PlanMetric,
    found: Option<Millionths>,
    limit: &Limit,
) -> (Option<Ordering>, [String; 2]) {
    match limit {
        Limit::Number(number) => {
            let limit = if metric.is_amount() {
                answers.question.quantity.shown(number.digits, page_size(answers))
            } else {
                grouped(number)
            };
            (found.map(|found| found.compare(*number)), [limit.clone(), limit])
        }
        Limit::Share { percent, of } => {
            let base = position(answers, of.name());
            let base = base.and_then(|policy| read(answers, policy, metric));
            let share = format!("{percent} % of {}", of.name());
            let long = match base {
                Some(base) => format!("{share}'s {}", shown(answers, metric, base)),
                None => format!("{share}, which has no value"),
            };
            let compared = found.zip(base).map(|(found, base)| against(found, *percent, base));
            (compared, [share, long])
        }
    }
}

fn page_size(answers: &Answers<'_>) -> u64 {
    answers.scenario.host.page_size
}

/// The number of a policy's answer; `None` if it has none.
fn read(answers: &Answers<'_>, policy: usize, metric: PlanMetric) -> Option<Millionths> {
    let count = match metric {
        PlanMetric::Amount => answers.bound(policy)?,
        PlanMetric::Overcommit => return answers.overcommit(answers.bound(policy)?),
        PlanMetric::Knee => answers.knee(policy)?,
        PlanMetric::Median => answers.median(policy)?,
        PlanMetric::Never => answers.never(policy),
        PlanMetric::Split => answers.split(policy),
    };
    Some(Millionths(u128::from(count) * Millionths::ONE))
}

fn shown(answers: &Answers<'_>, metric: PlanMetric, value: Millionths) -> String {
    let whole = || u64::try_from(value.0 / Millionths::ONE).unwrap_or(u64::MAX);
    match metric {
        PlanMetric::Overcommit => grouped(value),
        PlanMetric::Never | PlanMetric::Split => grouped(whole()),
        PlanMetric::Amount | PlanMetric::Knee | PlanMetric::Median => {
            answers.question.quantity.shown(whole(), page_size(answers))
        }
    }
}
