//! The parameters of policies and replacement algorithms.

use std::collections::BTreeMap;

use super::super::codes;
use super::super::diagnostic::clip;
use super::super::document::{Document, Literal};
use super::files::{self, Texts};
use super::values::{Field, Findings, Section};
use crate::balance::{self, PolicyKind, wrapped};
use crate::params::{self, Domain, Param, Settings};
use crate::replace::{self, ReplacementKind};
use crate::units::Decimal;

/// Every policy by its name.
pub(super) fn policies() -> impl Iterator<Item = (&'static str, &'static PolicyKind)> + Clone {
    balance::ALL.iter().map(|kind| (kind.name, kind))
}

/// The parameters of the wrapper, which are beside `kind` and the policies' tables.
pub(super) fn wrapper(
    findings: &mut Findings,
    policy: &Section,
    page_size: Option<u64>,
) -> Settings {
    let own = wrapped::PARAMS.iter().map(|param| param.name);
    let known: Vec<&str> =
        std::iter::once("kind").chain(own).chain(policies().map(|(name, _)| name)).collect();
    policy.only_or(findings, &known, |key| {
        let has_it = |kind: &&PolicyKind| kind.params.iter().any(|param| param.name == key);
        let owners =
            balance::ALL.iter().filter(has_it).map(|kind| format!("`policy.{}`", kind.name));
        let owners: Vec<String> = owners.collect();
        (!owners.is_empty()).then(|| format!("it is a parameter of {}", owners.join(", ")))
    });
    values(findings, policy, wrapped::PARAMS, page_size)
}

/// The settings of all policies, by name.
pub(super) fn policy_settings(
    findings: &mut Findings,
    policy: &Section,
    page_size: Option<u64>,
    (document, texts): (&Document, &mut Texts),
) -> BTreeMap<&'static str, Settings> {
    balance::ALL
        .iter()
        .map(|kind| {
            let section = policy.section(findings, kind.name);
            let mut settings = settings(findings, &section, kind.params, &[], page_size);
            let around = (document, &mut *texts);
            files::load(findings, &section, kind.params, &mut settings, around);
            (kind.name, settings)
        })
        .collect()
}

/// A replacement algorithm at `key`, by name, or as a table of its `kind` and parameters; `absent`
/// if there is none.
pub(super) fn replacement(
    findings: &mut Findings,
    section: &Section,
    (key, absent): (&str, &'static ReplacementKind),
    page_size: Option<u64>,
) -> Option<(&'static ReplacementKind, Settings)> {
    let own = findings.own.replacements.clone();
    let kinds = || {
        let own = own.clone().into_iter().map(|kind| (kind.name, kind));
        replace::ALL.iter().map(|kind| (kind.name, kind)).chain(own)
    };
    let Some(field) = section.get(key) else {
        return Some((absent, Settings::defaults(absent.params)));
    };
    match &field.node.value {
        Literal::String(_) => {
            let kind = findings.choice(&field, kinds())?;
            Some((kind, Settings::defaults(kind.params)))
        }
        Literal::Table(_) => {
            let section = section.section(findings, key);
            let remedy = "name the algorithm, for example `kind = \"lru\"`";
            let kind = section.need(findings, "kind", remedy)?;
            let kind = findings.choice(&kind, kinds())?;
            let settings = settings(findings, &section, kind.params, &["kind"], page_size);
            Some((kind, settings))
        }
        _ => {
            findings.wrong_type(&field, "a name such as \"lru\", or a table");
            None
        }
    }
}

/// The parameters of one list, in a table that also has the keys `beside`.
pub(super) fn settings(
    findings: &mut Findings,
    section: &Section,
    params: &[Param],
    beside: &[&str],
    page_size: Option<u64>,
) -> Settings {
    let known: Vec<&str> =
        beside.iter().copied().chain(params.iter().map(|param| param.name)).collect();
    section.only(findings, &known);
    values(findings, section, params, page_size)
}

/// The parameters of one list, in a table whose keys are already checked.
fn values(
    findings: &mut Findings,
    section: &Section,
    params: &[Param],
    page_size: Option<u64>,
) -> Settings {
    let mut settings = Settings::defaults_on(params, page_size.unwrap_or(params::PAGE_SIZE));
    for param in params {
        let value =
            section.get(param.name).and_then(|field| value(findings, &field, param, page_size));
        if let Some(value) = value {
            settings.set(param.name, value);
        }
    }
    settings
}

fn value(
    findings: &mut Findings,
    field: &Field,
    param: &Param,
    page_size: Option<u64>,
) -> Option<params::Value> {
    match param.domain {
        Domain::Integer { min, max } => {
            findings.integer(field, min, max).map(params::Value::Integer)
        }
        Domain::Frames { min } => {
            findings.frames(field, min, page_size).map(|frames| params::Value::Integer(frames.0))
        }
        Domain::Ticks { min } => {
            findings.ticks(field, min).map(|ticks| params::Value::Integer(ticks.0))
        }
        Domain::Decimal { min, max } => {
            decimal(findings, field, min, max).map(params::Value::Decimal)
        }
        Domain::Choice(words) => {
            let words = words.iter().map(|&word| (word, word));
            findings.choice(field, words).map(params::Value::Choice)
        }
        Domain::Text => text(findings, field).map(|text| params::Value::Text(text.into())),
        Domain::Texts => {
            let words = findings.words(field);
            let texts = words.iter().map(|word| text(findings, word));
            texts.collect::<Option<_>>().map(params::Value::Texts)
        }
        // They are loaded when all names are known.
        Domain::Files { .. } => None,
    }
}

fn text(findings: &mut Findings, field: &Field) -> Option<String> {
    let Literal::String(text) = &field.node.value else {
        findings.wrong_type(field, "a text in quotes");
        return None;
    };
    Some(text.clone())
}

pub(super) fn decimal(
    findings: &mut Findings,
    field: &Field,
    min: Decimal,
    max: Decimal,
) -> Option<Decimal> {
    let text = match &field.node.value {
        Literal::Decimal(text) => text.clone(),
        Literal::Integer(value) => value.to_string(),
        _ => {
            findings.wrong_type(field, "a decimal number");
            return None;
        }
    };
    let (path, origin) = (&field.path, field.node.origin);
    if text.starts_with('-') {
        let message = format!("`{path}` is negative");
        let remedy = format!("at least {min} is needed");
        findings.error(codes::TOO_SMALL, origin, message, remedy);
        return None;
    }
    let Some(decimal) = Decimal::parse(text.strip_prefix('+').unwrap_or(&text)) else {
        let message = format!("`{path}`: {} cannot be read exactly", clip(&text));
        let remedy = "write digits and a point, at most 18 digits after it";
        findings.error(codes::WRONG_TYPE, origin, message, remedy);
        return None;
    };
    if compare(decimal, min).is_lt() {
        let message = format!("`{path}` is too small");
        let remedy = format!("at least {min} is needed");
        findings.error(codes::TOO_SMALL, origin, message, remedy);
        return None;
    }
    if compare(decimal, max).is_gt() {
        let message = format!("`{path}` is too large");
        let remedy = format!("at most {max} is allowed");
        findings.error(codes::TOO_BIG, origin, message, remedy);
        return None;
    }
    Some(decimal)
}

/// Compares two decimal numbers exactly: cross multiplication fits into 128 bits, because neither
/// digits nor denominators exceed 64.
pub(super) fn compare(one: Decimal, other: Decimal) -> std::cmp::Ordering {
    let scaled = |one: Decimal, by: Decimal| u128::from(one.digits) * u128::from(by.denominator());
    scaled(one, other).cmp(&scaled(other, one))
}

#[cfg(test)]
mod tests {
    use super::super::super::document::{Node, Origin};
    use super::*;

    const HALF: Decimal = Decimal { digits: 5, places: 1 };
    const TWO: Decimal = Decimal { digits: 2, places: 0 };

    fn read(value: Literal) -> Result<Decimal, &'static str> {
        let mut findings = Findings::default();
        let node = Node { origin: Origin::whole(0), value };
        let field = Field { path: "x".to_owned(), node: &node };
        decimal(&mut findings, &field, HALF, TWO).ok_or_else(|| findings.list[0].code.id)
    }

    #[test]
    fn decimals_are_compared_without_rounding() {
        let text = |text: &str| read(Literal::Decimal(text.to_owned()));
        assert_eq!(text("0.50"), Ok(Decimal { digits: 50, places: 2 }));
        assert_eq!(text("+1.25"), Ok(Decimal { digits: 125, places: 2 }));
        assert_eq!(read(Literal::Integer(2)), Ok(TWO));
        assert_eq!(text("0.499999999999999999"), Err("S017"));
        assert_eq!(text("2.000000000000000001"), Err("S018"));
        assert_eq!(text("-0.5"), Err("S017"));
        for bad in ["nan", "inf", "1e0"] {
            assert_eq!(text(bad), Err("S014"), "{bad}");
        }
        assert_eq!(read(Literal::Bool), Err("S014"));
    }

    #[test]
    fn a_text_parameter_takes_any_text_and_nothing_else() {
        let param = Param {
            name: "rules",
            doc: "a file of rules",
            domain: Domain::Text,
            default: params::Value::Text("mom.rules".into()),
        };
        let mut settings = Settings::defaults(std::slice::from_ref(&param));
        assert_eq!(settings.text("rules"), "mom.rules");
        let read = |value: Literal| {
            let mut findings = Findings::default();
            let node = Node { origin: Origin::whole(0), value };
            let field = Field { path: "policy.mine.rules".to_owned(), node: &node };
            let value = super::value(&mut findings, &field, &param, None);
            value.ok_or_else(|| findings.list.remove(0))
        };
        settings.set("rules", read(Literal::String("my \"own\" rules".to_owned())).unwrap());
        assert_eq!(settings.text("rules"), "my \"own\" rules");
        let wrong = read(Literal::Integer(3)).unwrap_err();
        assert_eq!(wrong.code.id, "S014");
    }

    #[test]
    fn decimals_are_shown_as_they_are_read() {
        for text in ["0.05", "12.50", "3", "0.000000000000000001"] {
            assert_eq!(Decimal::parse(text).unwrap().to_string(), text);
        }
    }
}
