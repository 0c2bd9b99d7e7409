//! The policy language of the Memory Overcommitment Manager: small, total and bounded.
//!
//! It is a Lisp with the habits of the 1960s: `(defvar name value)`, `(set name value)`, `(def name
//! (a b) code)`, `(let ((a 1)) code)`, `(if condition yes no)`, `(with list name code)`, blocks in
//! braces, the operators `+ - * / < > <= >= == != << >>`, `and or not min max null valid abs
//! debug`, and the methods `Stat StatAvg Prop GetVar SetVar GetControl Control` of the host and of
//! guests.
//!
//! Follows oVirt/mom mom/Policy/Parser.py and mom/Entity.py at 3de1c8e. What departs is named in
//! `balance/own/mom_rules.rs`; `tests/mom-rules/programs.jsonl` holds what the original made of
//! random programs.

mod evaluate;
mod scan;
mod tree;
mod value;
mod world;

use std::any::Any;
use std::fmt::Write as _;
use std::sync::Arc;

pub(crate) use evaluate::Change;
pub(crate) use world::{Entity, Statistic, World};

use evaluate::{Evaluator, Failed};
use tree::{Node, Place};
use value::Value;

use crate::params::{Fault, TextFile};

/// The rules of a few files, one after the other.
#[derive(Clone, Debug)]
pub(crate) struct Program {
    /// Read by [`parse`].
    files: Vec<TextFile>,
}

/// The expressions of a file of rules, which is the `at`th.
pub(crate) fn parse(text: &str, at: usize) -> Result<Arc<dyn Any + Send + Sync>, Fault> {
    let code: Code = tree::read(text, at)?;
    Ok(Arc::new(code))
}

type Code = Vec<Node>;

impl Program {
    /// The program of these files, which [`parse`] has read.
    pub(super) fn of(files: &[TextFile]) -> Self {
        Self { files: files.to_vec() }
    }

    /// Runs it: what it set, in its order. The sentence of an error has its place and shows its
    /// line.
    pub(super) fn run(&self, world: &mut World) -> Result<Vec<Change>, String> {
        let mut evaluator = Evaluator::new(world);
        let mut code = self.files.iter().filter_map(TextFile::parsed::<Code>).flatten();
        let ended = code.try_for_each(|node| evaluator.eval(node).map(drop));
        ended.map_err(|failed| self.shown(&failed))?;
        Ok(evaluator.changes)
    }

    /// The number that a control of the host or of a guest was set to, rounded toward 0, if it was
    /// set.
    pub(super) fn number(
        &self,
        world: &World,
        of: usize,
        control: &str,
    ) -> Result<Option<i128>, String> {
        let Some((value, place)) = world.entities[of].controls.get(control) else {
            return Ok(None);
        };
        if let Some(number) = value.truncated() {
            return Ok(Some(number));
        }
        match value {
            Value::Nil => Ok(None),
            value => {
                let message = format!("`{control}` is {value}, expected a number");
                Err(self.shown(&Failed { place: place.clone(), message }))
            }
        }
    }

    /// An error with its place, its line, and carets under what failed.
    fn shown(&self, Failed { place, message }: &Failed) -> String {
        let (line, column, text) = self.line_of(place);
        let carets = self.text_of(place).lines().next().unwrap_or_default().chars().count();
        let margin = " ".repeat(column - 1);
        let carets = "^".repeat(carets.max(1));
        format!(
            "{message}\n --> {}:{line}:{column}\n  | {text}\n  | {margin}{carets}",
            self.name(place)
        )
    }

    /// Where a control was set, to what, and the conditions that led there.
    pub(super) fn told(&self, change: &Change) -> String {
        let Change { place, control, value, because, .. } = change;
        let mut reason = format!("{}: {control} = {value}", self.at(place));
        for condition in because {
            let holds = if condition.holds { "holds" } else { "does not hold" };
            let text = squeezed(self.text_of(&condition.place));
            let _ = write!(reason, "; {} {text} {holds}", self.at(&condition.place));
            let compared = condition.compared.iter();
            let compared = compared.map(|(sign, one, other)| format!("{one} {sign} {other}"));
            let compared: Vec<String> = compared.collect();
            if !compared.is_empty() {
                let _ = write!(reason, " ({})", compared.join(", "));
            }
        }
        reason
    }

    fn at(&self, place: &Place) -> String {
        format!("{}:{}", self.name(place), self.line_of(place).0)
    }

    fn name(&self, place: &Place) -> &str {
        &self.files[place.file].path
    }

    /// The whole text of the file.
    fn text(&self, place: &Place) -> &str {
        self.files[place.file].text.as_deref().unwrap_or_default()
    }

    fn text_of(&self, place: &Place) -> &str {
        &self.text(place)[place.bytes.clone()]
    }

    /// The number of the line, counted from 1, the column in characters, and the line, in which
    /// tabs are spaces.
    fn line_of(&self, place: &Place) -> (usize, usize, String) {
        let text = self.text(place);
        let before = &text[..place.bytes.start];
        let start = before.rfind('\n').map_or(0, |at| at + 1);
        let line = text[start..].lines().next().unwrap_or_default().replace('\t', " ");
        (before.matches('\n').count() + 1, before[start..].chars().count() + 1, line)
    }
}

/// The text in one line, without comments, cut where it is long.
fn squeezed(text: &str) -> String {
    const MAX: usize = 120;
    let lines = text.lines().map(|line| line.split('#').next().unwrap_or_default());
    let words: Vec<&str> = lines.flat_map(str::split_whitespace).collect();
    let text = words.join(" ");
    match text.char_indices().nth(MAX) {
        Some((at, _)) => format!("{}…", &text[..at]),
        None => text,
    }
}

#[cfg(test)]
mod tests;
