//! Checks of expectations, and of lists of policies.

use std::sync::Arc;

use super::super::codes;
use super::super::diagnostic::{clip, meant};
use super::super::document::{Literal, SourceText};
use super::super::expect::{BOUNDS, Limit, Reference};
use super::super::{Expect, Expected};
use super::draft::Draft;
use super::params::{self, policies};
use super::values::{Field, Findings, INTEGER_MAX, Section};
use crate::account::{METRICS, TIER_METRICS};
use crate::balance::PolicyKind;
use crate::tier::TierSpec;
use crate::units::Decimal;

/// The policies of the array at `key`, each once; `None` if the key is missing.
pub(super) fn policy_list(
    findings: &mut Findings,
    section: &Section,
    key: &str,
) -> Option<Vec<(&'static PolicyKind, super::super::document::Origin)>> {
    let field = section.get(key)?;
    let mut listed: Vec<(&'static PolicyKind, _)> = Vec::new();
    for word in findings.words(&field) {
        let Some(kind) = findings.choice(&word, policies()) else { continue };
        if let Some(&(_, first)) = listed.iter().find(|(other, _)| other.name == kind.name) {
            let message = format!("`{}` is listed twice", kind.name);
            let remedy = "each policy runs once";
            let both = [word.node.origin, first];
            findings.error_beside(codes::LISTED_TWICE, both, "the first", message, remedy);
        }
        listed.push((kind, word.node.origin));
    }
    Some(listed)
}

/// The tables of `[[expect]]`.
pub(super) fn expectations(
    findings: &mut Findings,
    (root, sources): (&Section, &[Arc<SourceText>]),
    vms: &[Draft],
    tiers: Option<&[TierSpec]>,
) -> Vec<Expect> {
    let of_tier = |(at, tier): (usize, &TierSpec)| {
        let name = tier.name.clone();
        TIER_METRICS.iter().map(move |metric| Expected::Tier(metric, metric.named(&name), at))
    };
    let of_tiers = tiers.unwrap_or_default().iter().enumerate().flat_map(of_tier);
    let measures: Vec<Expected> = METRICS.iter().map(Expected::Vm).chain(of_tiers).collect();
    let wanted = "an array of tables, `[[expect]]`";
    let sections = root.sections(findings, "expect", wanted);
    let expectation = |section| expectation(findings, (section, sources), vms, &measures);
    sections.iter().filter_map(expectation).collect()
}

fn expectation(
    findings: &mut Findings,
    (section, sources): (&Section, &[Arc<SourceText>]),
    vms: &[Draft],
    measures: &[Expected],
) -> Option<Expect> {
    section.only(findings, &["metric", "vm", "policies", "at_least", "at_most"]);
    let remedy = "name a metric, for example `metric = \"demand_faults\"`";
    let metric = section.need(findings, "metric", remedy).and_then(|field| {
        let word = findings.text(&field)?;
        let found = measures.iter().find(|measure| measure.name() == word).cloned();
        if found.is_none() {
            let names = || measures.iter().map(Expected::name);
            let listed = names().collect::<Vec<_>>().join(", ");
            let remedy = match meant(word, names()) {
                Some(meant) => format!("did you mean `{meant}`?"),
                None => format!("the metrics are {listed}"),
            };
            let message = format!("no metric is named `{}`", clip(word));
            findings.error(codes::UNKNOWN_METRIC, field.node.origin, message, remedy);
        }
        found
    });
    let names = || vms.iter().filter_map(|vm| vm.name);
    let vm = section.get("vm").map_or(Some("all"), |field| {
        let word = findings.text(&field)?;
        if word == "all" || names().any(|name| name == word) {
            return Some(word);
        }
        let remedy = match meant(word, names().chain(["all"])) {
            Some(meant) => format!("did you mean `{meant}`?"),
            None => "name a VM of this scenario, or `all`".to_owned(),
        };
        let message = format!("no VM is named `{}`", clip(word));
        findings.error(codes::UNKNOWN_VM, field.node.origin, message, remedy);
        None
    });
    let policies = policy_list(findings, section, "policies").unwrap_or_default();
    let of_all = vm == Some("all");
    let mut bound =
        |key| section.get(key).map(|field| limit(findings, &field, metric.as_ref(), of_all));
    let [at_least, at_most] = ["at_least", "at_most"].map(|key| bound(key).flatten());
    check_limits(findings, section, at_least, at_most);
    Some(Expect {
        metric: metric?,
        vm: vm?.to_owned(),
        policies: policies.iter().map(|(kind, _)| kind.name).collect(),
        at_least,
        at_most,
        place: sources[section.origin.source].place(section.origin),
    })
}

/// A share such as "105% of static", and the name in it.
pub(super) fn share<'f>(findings: &mut Findings, field: &Field<'f>) -> Option<(Decimal, &'f str)> {
    let text = findings.text(field)?;
    let split = || {
        let (percent, name) = text.split_once('%')?;
        Some((Decimal::parse(percent.trim_end())?, name.trim_start().strip_prefix("of ")?.trim()))
    };
    let Some((percent, name)) = split() else {
        let message = format!("`{}` is no limit", clip(text));
        let remedy = "write a number, or a share such as \"105% of static\"";
        findings.error(codes::BAD_EXPECT, field.node.origin, message, remedy);
        return None;
    };
    if percent.places > PLACES_MAX || percent.digits > SHARE_MAX * percent.denominator() {
        let message = format!("{percent}% is no share that can be compared exactly");
        let remedy = format!("use at most {SHARE_MAX}% and {PLACES_MAX} decimals");
        findings.error(codes::BAD_EXPECT, field.node.origin, message, remedy);
        return None;
    }
    Some((percent, name))
}

/// The policy that a limit refers to; one that refers to what is neither a policy nor one of these
/// bounds is reported.
pub(super) fn policy_of_limit(
    findings: &mut Findings,
    field: &Field,
    name: &str,
    bounds: &[&str],
) -> Option<Reference> {
    if let Some((_, kind)) = policies().find(|(known, _)| *known == name) {
        return Some(Reference::Policy(kind.name));
    }
    let names = || policies().map(|(known, _)| known).chain(bounds.iter().copied());
    let (what, remedy) = match bounds {
        [] => ("no policy", "name a policy".to_owned()),
        _ => {
            ("no policy and no bound", format!("name a policy, or a bound: {}", bounds.join(", ")))
        }
    };
    let remedy = meant(name, names()).map_or(remedy, |meant| format!("did you mean `{meant}`?"));
    let message = format!("{what} is named `{}`", clip(name));
    findings.error(codes::BAD_EXPECT, field.node.origin, message, remedy);
    None
}

/// Reports limits between which no number lies, or that there is none.
pub(super) fn check_limits(
    findings: &mut Findings,
    section: &Section,
    at_least: Option<Limit>,
    at_most: Option<Limit>,
) {
    if section.get("at_least").is_none() && section.get("at_most").is_none() {
        let message = "the expectation has no bound";
        findings.error(codes::BAD_EXPECT, section.origin, message, "add `at_least` or `at_most`");
    }
    if let (Some(Limit::Number(least)), Some(Limit::Number(most))) = (at_least, at_most)
        && params::compare(least, most).is_gt()
    {
        let message = format!("no number is at least {least} and at most {most}");
        let origin = section.origin_of("at_least");
        findings.error(codes::BAD_EXPECT, origin, message, "`at_least` must not exceed `at_most`");
    }
}

/// The limit of an expectation: a whole number for a metric that counts, any decimal number for a
/// ratio, or for both a share such as "105% of static".
fn limit(
    findings: &mut Findings,
    field: &Field,
    metric: Option<&Expected>,
    of_all: bool,
) -> Option<Limit> {
    let is_count = metric.is_some_and(Expected::is_count);
    let Literal::String(_) = &field.node.value else {
        return if is_count {
            findings.integer(field, 0, INTEGER_MAX).map(|number| Limit::Number(whole(number)))
        } else {
            params::decimal(findings, field, whole(0), whole(INTEGER_MAX)).map(Limit::Number)
        };
    };
    let (percent, name) = share(findings, field)?;
    if let Some(&bound) = BOUNDS.iter().find(|bound| **bound == name) {
        let counts = ["demand_faults", "capacity_faults"];
        let is_known = |metric: &Expected| counts.contains(&metric.name()) && of_all;
        return match metric {
            Some(metric) if !is_known(metric) => {
                let message = format!("the bound {bound} has no {} of a VM", metric.name());
                let remedy = "a bound has demand_faults and capacity_faults of all VMs together";
                findings.error(codes::BAD_EXPECT, field.node.origin, message, remedy);
                None
            }
            _ => Some(Limit::Share { percent, of: Reference::Bound(bound) }),
        };
    }
    policy_of_limit(findings, field, name, BOUNDS).map(|of| Limit::Share { percent, of })
}

/// The largest share of another run's number, in percent.
const SHARE_MAX: u64 = 1_000_000;

/// Its largest number of decimals.
const PLACES_MAX: u32 = 6;

pub(super) fn whole(digits: u64) -> Decimal {
    Decimal { digits, places: 0 }
}
