//! Reads single values and reports those that are not what the key requires.

use std::sync::Arc;

use super::super::codes::{self, Code};
use super::super::diagnostic::{Diagnostic, Diagnostics, Severity, clip, meant};
use super::super::document::{Entry, Literal, Node, Origin, SourceText, Table};
use super::super::own::Own;
use crate::units::{self, FRAMES_MAX, Frames, TICKS_MAX, Ticks, UnitError};

/// TOML's largest integer, because the effective scenario is TOML.
pub(super) const INTEGER_MAX: u64 = i64::MAX.unsigned_abs();

/// Collects diagnostics and reads values. `None` is a value with a reported error.
#[derive(Default)]
pub(super) struct Findings {
    pub(super) list: Vec<Diagnostic>,
    /// Further texts that diagnostics point into, numbered after the document's sources.
    pub(super) sources: Vec<Arc<SourceText>>,
    /// What the caller brings.
    pub(super) own: Own,
}

/// A table of the scenario, and the table that has its defaults.
#[derive(Clone)]
pub(super) struct Section<'d> {
    /// The dotted path with a final dot; empty for the root.
    prefix: String,
    /// Where the table begins.
    pub(super) origin: Origin,
    table: &'d Table,
    /// The path and the table of the defaults.
    defaults: Option<(String, &'d Table)>,
}

/// A value with its path in messages.
#[derive(Clone)]
pub(super) struct Field<'d> {
    pub(super) path: String,
    pub(super) node: &'d Node,
}

static EMPTY: Table = Table::new();

impl<'d> Section<'d> {
    pub(super) fn new(prefix: String, origin: Origin, table: &'d Table) -> Self {
        Self { prefix, origin, table, defaults: None }
    }

    /// Looks up missing keys in `defaults`.
    pub(super) fn with_defaults(mut self, defaults: &Self) -> Self {
        self.defaults = Some((defaults.prefix.clone(), defaults.table));
        self
    }

    /// The keys themselves, without the defaults.
    pub(super) fn table(&self) -> &'d Table {
        self.table
    }

    pub(super) fn get(&self, key: &str) -> Option<Field<'d>> {
        let (prefix, entry) = match (self.table.get(key), &self.defaults) {
            (Some(entry), _) => (&self.prefix, entry),
            (None, Some((prefix, table))) => (prefix, table.get(key)?),
            (None, None) => return None,
        };
        Some(Field { path: format!("{prefix}{key}"), node: &entry.node })
    }

    /// The same for two exclusive keys: if the table has `other`, the default of `key` is ignored.
    pub(super) fn get_instead_of(&self, key: &str, other: &str) -> Option<Field<'d>> {
        let hidden = !self.table.contains_key(key) && self.table.contains_key(other);
        if hidden { None } else { self.get(key) }
    }

    /// The value of a required key.
    pub(super) fn need(
        &self,
        findings: &mut Findings,
        key: &str,
        remedy: &str,
    ) -> Option<Field<'d>> {
        let field = self.get(key);
        if field.is_none() {
            if let Some(entry) = self.table.get(CALLED).filter(|_| key == KIND) {
                findings.unknown_key(CALLED, entry, format!("did you mean `{KIND}`?"));
                return None;
            }
            let message = format!("`{}{key}` is missing", self.prefix);
            findings.error(codes::MISSING_KEY, self.origin, message, remedy);
        }
        field
    }

    /// The table at `key`, empty if there is none.
    pub(super) fn section(&self, findings: &mut Findings, key: &str) -> Self {
        let Some(field) = self.get(key) else {
            return Self::new(format!("{}{key}.", self.prefix), self.origin, &EMPTY);
        };
        let table = field.node.table().unwrap_or_else(|| {
            findings.wrong_type(&field, "a table");
            &EMPTY
        });
        Self::new(format!("{}.", field.path), field.node.origin, table)
    }

    /// The tables of the array at `key`, such as `[[vm]]`; `wanted` describes it in messages.
    pub(super) fn sections(&self, findings: &mut Findings, key: &str, wanted: &str) -> Vec<Self> {
        let Some(field) = self.get(key) else { return Vec::new() };
        let Literal::Array(items) = &field.node.value else {
            findings.wrong_type(&field, wanted);
            return Vec::new();
        };
        let mut sections = Vec::new();
        for item in items {
            let Some(table) = item.table() else {
                let field = Field { path: field.path.clone(), node: item };
                findings.wrong_type(&field, "a table");
                continue;
            };
            sections.push(Self::new(format!("{}.", field.path), item.origin, table));
        }
        sections
    }

    /// The place of the value of `key`, or of the table if it is missing.
    pub(super) fn origin_of(&self, key: &str) -> Origin {
        self.get(key).map_or(self.origin, |field| field.node.origin)
    }

    /// Reports every key that is not one of `known`.
    pub(super) fn only(&self, findings: &mut Findings, known: &[&str]) {
        self.only_or(findings, known, |_| None);
    }

    /// The same; `elsewhere` may say where a key belongs that resembles none of them.
    pub(super) fn only_or(
        &self,
        findings: &mut Findings,
        known: &[&str],
        elsewhere: impl Fn(&str) -> Option<String>,
    ) {
        let unknown = self.table.iter().filter(|(key, _)| !known.contains(&key.as_str()));
        for (at, (key, entry)) in unknown.enumerate() {
            // Searching for similar keys takes time, and no more diagnostics are shown.
            let candidates = if at < Diagnostics::KEPT_MAX { known } else { &[] };
            let remedy = match meant(key, candidates.iter().copied()) {
                _ if key == CALLED && known.contains(&KIND) => format!("did you mean `{KIND}`?"),
                Some(meant) => format!("did you mean `{meant}`?"),
                None if known.is_empty() => "no key is allowed here".to_owned(),
                None => elsewhere(key).unwrap_or_else(|| {
                    format!("the keys here are {}", listed(known, &self.prefix))
                }),
            };
            findings.unknown_key(key, entry, remedy);
        }
    }
}

impl Findings {
    pub(super) fn error(
        &mut self,
        code: &'static Code,
        origin: Origin,
        message: impl Into<String>,
        remedy: impl Into<String>,
    ) {
        self.list.push(Diagnostic::error(code, origin, message, remedy));
    }

    /// An error with a second, related place.
    pub(super) fn error_beside(
        &mut self,
        code: &'static Code,
        [origin, beside]: [Origin; 2],
        label: &'static str,
        message: impl Into<String>,
        remedy: impl Into<String>,
    ) {
        let error = Diagnostic::error(code, origin, message, remedy);
        self.list.push(Diagnostic { beside: Some(Box::new((beside, label))), ..error });
    }

    pub(super) fn warn(
        &mut self,
        code: &'static Code,
        origin: Origin,
        message: impl Into<String>,
        remedy: impl Into<String>,
    ) {
        let warning = Diagnostic::error(code, origin, message, remedy);
        self.list.push(Diagnostic { severity: Severity::Warning, ..warning });
    }

    fn unknown_key(&mut self, key: &str, entry: &Entry, remedy: String) {
        let message = format!("unknown key `{}`", clip(key));
        self.error(codes::UNKNOWN_KEY, entry.key, message, remedy);
    }

    /// Whether any finding forbids a run.
    pub(super) fn has_errors(&self) -> bool {
        self.list.iter().any(|found| found.severity == Severity::Error)
    }

    pub(super) fn wrong_type(&mut self, field: &Field, wanted: &str) {
        let message = format!("`{}` is {}", field.path, field.node.kind());
        let remedy = format!("expected {wanted}");
        self.error(codes::WRONG_TYPE, field.node.origin, message, remedy);
    }

    pub(super) fn text<'d>(&mut self, field: &Field<'d>) -> Option<&'d str> {
        let text = field.node.text();
        if text.is_none() {
            self.wrong_type(field, "a string");
        }
        text
    }

    /// An integer from `min` to `max`.
    pub(super) fn integer(&mut self, field: &Field, min: u64, max: u64) -> Option<u64> {
        let Literal::Integer(value) = field.node.value else {
            self.wrong_type(field, "an integer");
            return None;
        };
        self.in_range(field, value, min, max)
    }

    fn in_range(&mut self, field: &Field, value: i128, min: u64, max: u64) -> Option<u64> {
        let path = &field.path;
        if value < i128::from(min) {
            let message = format!("`{path}` is too small");
            let message = if value == 0 { format!("`{path}` is 0") } else { message };
            let remedy = format!("at least {min} is needed");
            self.error(codes::TOO_SMALL, field.node.origin, message, remedy);
            return None;
        }
        if value > i128::from(max) {
            let message = format!("`{path}` is too large");
            let remedy = format!("at most {max} is allowed");
            self.error(codes::TOO_BIG, field.node.origin, message, remedy);
            return None;
        }
        u64::try_from(value).ok()
    }

    /// A number of frames, or a size that is a whole number of pages. The page size is `None` if it
    /// was itself reported.
    pub(super) fn frames(
        &mut self,
        field: &Field,
        min: u64,
        page_size: Option<u64>,
    ) -> Option<Frames> {
        if let Literal::String(text) = &field.node.value {
            let example = "write a size such as \"2 MiB\", or a bare number of frames";
            let bytes = self.unit(field, text, "size", units::parse_size(text), example)?;
            let page_size = page_size?;
            if bytes % page_size != 0 {
                let pages = decimal_quotient(bytes, page_size);
                let size = units::show_size(page_size);
                let message = format!("{} is {pages} pages of {size}", clip(text.trim()));
                let remedy = "a whole number of pages is needed";
                self.error(codes::NOT_WHOLE_PAGES, field.node.origin, message, remedy);
                return None;
            }
            let frames = i128::from(bytes / page_size);
            return self.in_range(field, frames, min, FRAMES_MAX).map(Frames);
        }
        self.bare_or_string(field, min, FRAMES_MAX, "a number of frames or a size").map(Frames)
    }

    /// A number of ticks, or a duration, in which one tick is 1 ns.
    pub(super) fn ticks(&mut self, field: &Field, min: u64) -> Option<Ticks> {
        if let Literal::String(text) = &field.node.value {
            let example = "write a duration such as \"100 ms\", or a bare number of ticks";
            let ns = self.unit(field, text, "duration", units::parse_duration(text), example)?;
            return self.in_range(field, i128::from(ns), min, TICKS_MAX).map(Ticks);
        }
        self.bare_or_string(field, min, TICKS_MAX, "a number of ticks or a duration").map(Ticks)
    }

    /// The size of a page in bytes: a size, or a bare number of bytes.
    pub(super) fn page_size(&mut self, field: &Field) -> Option<u64> {
        let bytes = match &field.node.value {
            Literal::String(text) => {
                let example = "write a size such as \"4 KiB\"";
                self.unit(field, text, "size", units::parse_size(text), example)?
            }
            _ => self.bare_or_string(field, 1, u64::MAX, "a size such as \"4 KiB\"")?,
        };
        if !bytes.is_power_of_two() {
            let message = format!("a page of {bytes} bytes is not a power of two");
            let below = 1_u64 << bytes.max(1).ilog2();
            let remedy = format!("the next smaller one is {}", units::show_size(below));
            self.error(codes::BAD_PAGE_SIZE, field.node.origin, message, remedy);
            return None;
        }
        Some(bytes)
    }

    /// A size, or a bare number of bytes.
    pub(super) fn bytes(&mut self, field: &Field) -> Option<u64> {
        if let Literal::String(text) = &field.node.value {
            let example = "write a size such as \"64 GiB\"";
            return self.unit(field, text, "size", units::parse_size(text), example);
        }
        self.bare_or_string(field, 1, INTEGER_MAX, "a size such as \"64 GiB\"")
    }

    fn bare_or_string(&mut self, field: &Field, min: u64, max: u64, wanted: &str) -> Option<u64> {
        if !matches!(field.node.value, Literal::Integer(_)) {
            self.wrong_type(field, wanted);
            return None;
        }
        self.integer(field, min, max)
    }

    fn unit(
        &mut self,
        field: &Field,
        text: &str,
        what: &str,
        parsed: Result<u64, UnitError>,
        example: &str,
    ) -> Option<u64> {
        let error = match parsed {
            Ok(quantity) => return Some(quantity),
            Err(error) => error,
        };
        let code = match error {
            UnitError::AmbiguousUnit(..) => codes::AMBIGUOUS_UNIT,
            UnitError::Overflow => codes::TOO_BIG,
            _ => codes::BAD_UNIT,
        };
        let error = match error {
            UnitError::UnknownUnit(unit, known) => UnitError::UnknownUnit(clip(&unit), known),
            error => error,
        };
        let (path, text) = (&field.path, clip(text));
        let message = format!("`{path}`: \"{text}\" is not a {what}: {error}");
        self.error(code, field.node.origin, message, example);
        None
    }

    /// One of the words of `choices`, with its meaning.
    pub(super) fn choice<T: Copy>(
        &mut self,
        field: &Field,
        choices: impl IntoIterator<Item = (&'static str, T)> + Clone,
    ) -> Option<T> {
        let word = self.text(field)?;
        let found = choices.clone().into_iter().find(|(name, _)| *name == word);
        if found.is_none() {
            let names: Vec<&str> = choices.into_iter().map(|(name, _)| name).collect();
            let message = format!("`{}` cannot be `{}`", field.path, clip(word));
            let listed = listed(&names, &field.path);
            let remedy = match meant(word, names) {
                Some(meant) => format!("did you mean `{meant}`? The choices are {listed}"),
                None => format!("the choices are {listed}"),
            };
            self.error(codes::UNKNOWN_WORD, field.node.origin, message, remedy);
        }
        found.map(|(_, choice)| choice)
    }

    /// The items of an array of strings, each with its place.
    pub(super) fn words<'d>(&mut self, field: &Field<'d>) -> Vec<Field<'d>> {
        let Literal::Array(items) = &field.node.value else {
            self.wrong_type(field, "an array of strings");
            return Vec::new();
        };
        items.iter().map(|node| Field { path: field.path.clone(), node }).collect()
    }
}

/// The key that names a policy, algorithm or workload, and the key that people often write instead.
const KIND: &str = "kind";
const CALLED: &str = "name";

/// The names allowed at a path, or the first of many and the command that shows them all.
fn listed(names: &[&str], path: &str) -> String {
    const ALL_MAX: usize = 15;
    const SOME: usize = 6;
    if names.len() <= ALL_MAX {
        return names.join(", ");
    }
    let lists = [
        ("replacement", "list replacements"),
        ("workload", "list workloads"),
        ("trace", "list formats"),
    ];
    let lists = lists.into_iter().find(|(part, _)| path.contains(part));
    let command = lists.map_or("list policies", |(_, command)| command);
    let (some, more) = (names[..SOME].join(", "), names.len() - SOME);
    format!("{some} and {more} more, which `{command}` shows")
}

/// The quotient with at most three decimal places, for messages.
fn decimal_quotient(dividend: u64, divisor: u64) -> String {
    let (quotient, rest) = (dividend / divisor, u128::from(dividend % divisor) * 1000);
    let thousandths = rest / u128::from(divisor);
    if rest % u128::from(divisor) != 0 {
        return format!("about {quotient}.{thousandths:03}");
    }
    format!("{quotient}.{thousandths:03}").trim_end_matches('0').trim_end_matches('.').to_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn quotients_are_short_and_honest() {
        assert_eq!(decimal_quotient(10 << 10, 4096), "2.5");
        assert_eq!(decimal_quotient(4097, 4096), "about 1.000");
        assert_eq!(decimal_quotient(1, 8), "0.125");
    }
}
