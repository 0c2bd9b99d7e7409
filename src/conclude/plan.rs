//! The answer of a plan in sentences.

use crate::number::{Millionths, counted, decimal, grouped};
use crate::plan::order::fewest;
use crate::plan::{Answers, Quantity, Question, Shortfall};
use crate::units::{Decimal, show_size_up};

/// The answer in one sentence that an operator understands.
pub fn answer(answers: &Answers<'_>) -> String {
    let Question { quantity, policies, .. } = answers.question;
    let limit = limit(answers.question);
    let page_size = answers.scenario.host.page_size;
    let Some((at, bound)) = answers.best() else {
        if answers.is_drawn && (answers.needs.len() as u64) < fewest(answers.confidence) {
            let mixes = counted(fewest(answers.confidence), "mix");
            return format!("this confidence needs {mixes}.");
        }
        let called = if *quantity == Quantity::Memory { "host" } else { "tier" };
        return format!("under no policy is there a {called} so large that {limit}.");
    };
    if bound == 0 && !quantity.is_least() {
        let memory = show_size_up(answers.scenario.host.memory.0.saturating_mul(page_size));
        return format!("under no policy does a single copy fit into {memory}, so that {limit}.");
    }
    let name = policies[at].name;
    let sure = answers.is_drawn.then(|| percent(answers.confidence));
    let sure = sure.map(|sure| format!(" with {sure} confidence")).unwrap_or_default();
    let without = without_balancing(answers, at);
    let vms = answers.scenario.vms.len() as u64;
    let enough = match quantity {
        Quantity::Memory => {
            let vms = if vms == 1 { "this VM needs" } else { &format!("these {vms} VMs need") };
            format!("{vms} {}", quantity.shown(bound, page_size))
        }
        Quantity::Tier(tier) => {
            format!("a tier {tier} of {} is enough", quantity.shown(bound, page_size))
        }
        Quantity::Copies(memory) => {
            let such = match vms {
                1 => counted(bound, "such VM"),
                _ => format!("{} of these {vms} VMs", quantity.shown(bound, page_size)),
            };
            let or_more = if answers.is_cut_off(bound) { " or more" } else { "" };
            let fit = if bound == 1 { "fits" } else { "fit" };
            let memory = show_size_up(memory.0.saturating_mul(page_size));
            format!("{such}{or_more} {fit} into {memory}")
        }
    };
    format!("{enough} under {name}{sure}, so that {limit}{without}.")
}

/// The answer without balancing, if another policy has the best one.
fn without_balancing(answers: &Answers<'_>, best: usize) -> String {
    let Question { quantity, policies, .. } = answers.question;
    let unbalanced = policies.iter().position(|policy| policy.name == UNBALANCED);
    let Some(unbalanced) = unbalanced.filter(|&at| at != best) else { return String::new() };
    let amount = match (quantity, answers.bound(unbalanced)) {
        (_, None) => "no amount is enough".to_owned(),
        (Quantity::Copies(_), Some(copies)) => grouped(copies),
        (_, Some(amount)) => quantity.shown(amount, answers.scenario.host.page_size),
    };
    format!("; {amount} without balancing ({UNBALANCED})")
}

/// The policy that never moves memory.
const UNBALANCED: &str = "static";

/// "no VM is slowed down by more than 20 %", "no VM's `fault_ratio` is above 0.001".
fn limit(Question { metric, at_most, .. }: &Question) -> String {
    if metric.name != "slowdown" || at_most.digits < at_most.denominator() {
        return format!("no VM's {} is above {at_most}", metric.name);
    }
    let more = Decimal { digits: at_most.digits - at_most.denominator(), ..*at_most };
    match more.digits {
        0 => "no VM is slowed down".to_owned(),
        _ => format!("no VM is slowed down by more than {}", percent(more)),
    }
}

fn percent(share: Decimal) -> String {
    match share.digits.checked_mul(100) {
        Some(hundredfold) => format!("{} %", decimal(hundredfold, share.denominator())),
        None => format!("{share} times"),
    }
}

/// What happens under the best policy if its answer is missed, a sentence for each percentage.
pub fn shortfalls(answers: &Answers<'_>, all: &[Shortfall]) -> Vec<String> {
    let Question { quantity, policies, metric, .. } = answers.question;
    let Some((best, _)) = answers.best() else { return Vec::new() };
    let page_size = answers.scenario.host.page_size;
    let sentence = |of: &Shortfall| {
        let amount = quantity.shown(of.point.amount, page_size);
        let missed = match quantity {
            Quantity::Memory => format!("{} % less memory, {amount}", of.percent),
            Quantity::Tier(_) => format!("a tier {} % smaller, {amount}", of.percent),
            Quantity::Copies(_) => amount,
        };
        let broken = of.point.mixes - of.point.kept;
        let mixes = counted(of.point.mixes, "mix");
        let breaks = if broken == 1 { "breaks" } else { "break" };
        let worst = of.point.share(100).map(|worst| match metric.name {
            "slowdown" => {
                let more = worst.0.saturating_sub(Millionths::ONE) / 1000 * 1000;
                let more = u64::try_from(more).unwrap_or(u64::MAX);
                format!("the slowest VM is slowed down by {} %", decimal(more, 10_000))
            }
            name => format!("the largest {name} is {worst}"),
        });
        let worst = worst.unwrap_or_else(|| "no VM runs".to_owned());
        format!(
            "Under {} with {missed}: {broken} of {mixes} {breaks} the limit; {worst}.",
            policies[best].name
        )
    };
    all.iter().filter(|of| of.policy == best && of.percent > 0).map(sentence).collect()
}

/// Which run of a policy's answer a page shows.
pub fn witness(answers: &Answers<'_>, policy: usize) -> String {
    let Question { quantity, policies, .. } = answers.question;
    let (Some(bound), Some(mix)) = (answers.bound(policy), answers.deciding(policy)) else {
        return String::new();
    };
    let decides = if answers.is_drawn {
        format!(
            " of mix {mix} (repetition {mix} of the scenario), which decides the answer: it is its \
             own need"
        )
    } else {
        String::new()
    };
    format!(
        "The run under {} with {}{decides}. The quantiles are over the intervals between \
         checkpoints: in half, 95 % and 99 % of them a VM has at most this share of demand faults.",
        policies[policy].name,
        quantity.shown(bound, answers.scenario.host.page_size)
    )
}

/// How sure the answer is, in sentences.
pub fn how_sure(answers: &Answers<'_>) -> String {
    let n = answers.needs.len() as u64;
    if !answers.is_drawn {
        "Nothing in the scenario is drawn, so this is the answer for this one mix; add \
         `start_within`, `of` or workloads to plan for others."
            .to_owned()
    } else if n < fewest(answers.confidence) {
        format!("Mixes drawn: {n}; a bound and its interval need more.")
    } else {
        let were = if n == 1 { "was" } else { "were" };
        format!(
            "{} {were} drawn. Another mix keeps the limit with a probability of {}, and the median \
             need is in its interval with the same.",
            counted(n, "mix"),
            percent(answers.confidence)
        )
    }
}
