//! Checks of `[plan]`: what is asked of the mixes, and what is expected of the answers.

use std::sync::Arc;

use super::super::document::SourceText;
use super::super::plan::{
    Asked, MIXES_MAX, PlanExpect, PlanMetric, PlanSpec, SIZES_MAX, VmLimit, parse_confidence,
};
use super::super::{Limit, Scenario, codes, meant};
use super::expects::{check_limits, policy_list, policy_of_limit, share, whole};
use super::params;
use super::values::{Field, Findings, INTEGER_MAX, Section};
use crate::scenario::diagnostic::clip;
use crate::tier::TierSpec;

const KEYS: &[&str] =
    &["slowdown", "limit", "copies", "tier", "confidence", "mixes", "sizes", "policies", "expect"];

/// The `[plan]` of a scenario, if it has one.
pub(super) fn read(
    findings: &mut Findings,
    (root, sources): (&Section, &[Arc<SourceText>]),
    page_size: Option<u64>,
    tiers: Option<&[TierSpec]>,
) -> Option<PlanSpec> {
    root.get("plan")?;
    let section = root.section(findings, "plan");
    section.only(findings, KEYS);
    let integer = |findings: &mut Findings, key: &str, least, most| {
        section.get(key).and_then(|field| findings.integer(&field, least, most))
    };
    let asked = asked(findings, &section, tiers);
    let confidence = section.get("confidence").and_then(|field| {
        let text = findings.text(&field)?;
        said(findings, &field, parse_confidence(text))
    });
    let listed = policy_list(findings, &section, "policies").unwrap_or_default();
    let expects = section.sections(findings, "expect", "an array of tables, `[[plan.expect]]`");
    let expect = |section: &Section| expect(findings, (section, sources), &asked, page_size);
    Some(PlanSpec {
        expects: expects.iter().filter_map(expect).collect(),
        limit: limit(findings, &section),
        confidence,
        mixes: integer(findings, "mixes", 1, MIXES_MAX),
        sizes: integer(findings, "sizes", 2, SIZES_MAX),
        policies: listed.into_iter().map(|(kind, _)| kind).collect(),
        asked,
    })
}

/// Reports expectations that name policies that are not planned. The policy in force may be another
/// than the scenario's, so whether it is planned is asked when a plan is made.
pub(super) fn check(findings: &mut Findings, root: &Section, scenario: &Scenario) {
    let Some(plan) = &scenario.plan else { return };
    let planned = if plan.policies.is_empty() { &scenario.compare } else { &plan.policies };
    let is_planned = |name: &str| planned.iter().any(|kind| kind.name == name);
    let section = root.section(findings, "plan");
    let sections = section.sections(findings, "expect", "");
    for (section, expect) in sections.iter().zip(&plan.expects) {
        let limits = [&expect.at_least, &expect.at_most].into_iter().flatten();
        let references = limits.filter_map(|limit| match limit {
            Limit::Share { of, .. } => Some(of.name()),
            Limit::Number(_) => None,
        });
        let named = expect.policies.iter().copied().chain(references);
        for name in named.filter(|name| !is_planned(name)) {
            let message = format!("the expectation is about {name}, which is not planned");
            let remedy = "add it to `plan.policies`, or name others";
            findings.error(codes::BAD_EXPECT, section.origin, message, remedy);
        }
    }
}

/// What a plan looks for.
fn asked(findings: &mut Findings, section: &Section, tiers: Option<&[TierSpec]>) -> Asked {
    let (copies, tier) = (section.get("copies"), section.get("tier"));
    if let (Some(copies), Some(tier)) = (&copies, &tier) {
        let message = "a plan asks for one thing";
        let both = [tier.node.origin, copies.node.origin];
        let remedy = "remove `copies` or `tier`";
        findings.error_beside(codes::BAD_PLAN, both, "`copies`", message, remedy);
    }
    if let Some(field) = copies {
        let most = match field.node.text() {
            Some("auto") => None,
            Some(_) => {
                findings.wrong_type(&field, "a number of copies or \"auto\"");
                None
            }
            None => findings.integer(&field, 1, Scenario::VMS_MAX as u64),
        };
        return Asked::Copies(most);
    }
    let Some(field) = tier else { return Asked::Memory };
    let Some(name) = findings.text(&field) else { return Asked::Memory };
    if let Some(tiers) = tiers.filter(|tiers| tiers.iter().all(|tier| tier.name != name)) {
        let remedy = match meant(name, tiers.iter().map(|tier| tier.name.as_str())) {
            Some(meant) => format!("did you mean `{meant}`?"),
            None => "name a `[[tier]]` of this scenario".to_owned(),
        };
        let message = format!("no tier is named `{}`", clip(name));
        findings.error(codes::BAD_PLAN, field.node.origin, message, remedy);
    }
    Asked::Tier(name.to_owned())
}

/// What is limited for every VM.
fn limit(findings: &mut Findings, section: &Section) -> Option<VmLimit> {
    let (slowdown, limit) = (section.get("slowdown"), section.get("limit"));
    if let (Some(slowdown), Some(limit)) = (&slowdown, &limit) {
        let message = "a plan keeps one limit";
        let both = [limit.node.origin, slowdown.node.origin];
        let remedy = "remove `slowdown` or `limit`";
        findings.error_beside(codes::BAD_PLAN, both, "`slowdown`", message, remedy);
    }
    if let Some(field) = slowdown {
        let ratio = params::decimal(findings, &field, whole(0), whole(INTEGER_MAX))?;
        return said(findings, &field, VmLimit::slowdown(ratio));
    }
    let field = limit?;
    let text = findings.text(&field)?;
    said(findings, &field, VmLimit::parse(text))
}

/// The value, or `None` after a diagnostic with what is wrong.
fn said<T>(findings: &mut Findings, field: &Field, value: Result<T, String>) -> Option<T> {
    value
        .map_err(|wrong| {
            let message = format!("`{}`: {wrong}", field.path);
            let remedy = "`balloonist explain S076` says what a plan may ask";
            findings.error(codes::BAD_PLAN, field.node.origin, message, remedy);
        })
        .ok()
}

fn expect(
    findings: &mut Findings,
    (section, sources): (&Section, &[Arc<SourceText>]),
    asked: &Asked,
    page_size: Option<u64>,
) -> Option<PlanExpect> {
    section.only(findings, &["metric", "policies", "at_least", "at_most"]);
    let metric = section.get("metric").map_or(Some(PlanMetric::Amount), |field| {
        let word = findings.text(&field)?;
        let found = PlanMetric::ALL.into_iter().find(|metric| metric.name(asked) == word);
        if found.is_none() {
            let names: Vec<String> = PlanMetric::ALL.map(|metric| metric.name(asked)).into();
            let remedy = match meant(word, names.iter().map(String::as_str)) {
                Some(meant) => format!("did you mean `{meant}`?"),
                None => format!("an answer has {}", names.join(", ")),
            };
            let message = format!("an answer of this plan has no `{}`", clip(word));
            findings.error(codes::UNKNOWN_METRIC, field.node.origin, message, remedy);
        }
        found
    });
    let listed = policy_list(findings, section, "policies").unwrap_or_default();
    let of = metric.unwrap_or(PlanMetric::Amount);
    let mut bound = |key| {
        let field = section.get(key)?;
        bound(findings, &field, (of, asked), page_size)
    };
    let [at_least, at_most] = ["at_least", "at_most"].map(&mut bound);
    check_limits(findings, section, at_least, at_most);
    Some(PlanExpect {
        metric: metric?,
        policies: listed.iter().map(|(kind, _)| kind.name).collect(),
        at_least,
        at_most,
        place: sources[section.origin.source].place(section.origin),
    })
}

/// The limit of an expectation: a share of another policy's number, an amount in frames, as a size
/// or in copies, a whole number of mixes, or a ratio.
fn bound(
    findings: &mut Findings,
    field: &Field,
    (metric, asked): (PlanMetric, &Asked),
    page_size: Option<u64>,
) -> Option<Limit> {
    if field.node.text().is_some_and(|text| text.contains('%')) {
        let (percent, name) = share(findings, field)?;
        return policy_of_limit(findings, field, name, &[]).map(|of| Limit::Share { percent, of });
    }
    let number = match (metric, asked) {
        (PlanMetric::Overcommit, _) => {
            return params::decimal(findings, field, whole(0), whole(INTEGER_MAX))
                .map(Limit::Number);
        }
        (metric, Asked::Memory | Asked::Tier(_)) if metric.is_amount() => {
            findings.frames(field, 0, page_size)?.0
        }
        _ => findings.integer(field, 0, INTEGER_MAX)?,
    };
    Some(Limit::Number(whole(number)))
}
