//! Comma-separated lists on the command line: policies and replacement algorithms.
//! Each list is checked as a whole, so that all its errors are reported at once.

use std::ffi::OsStr;

use balloonist::balance::{self, PolicyKind};
use balloonist::replace::{self, ReplacementKind};
use balloonist::scenario::meant;
use clap::builder::{PossibleValue, StringValueParser, TypedValueParser};
use clap::{Arg, Command};

use super::Failure;

/// A parser that accepts any word but offers names to shell completion.
#[derive(Clone)]
pub(super) struct Proposed(Vec<&'static str>);

impl TypedValueParser for Proposed {
    type Value = String;

    fn parse_ref(
        &self,
        command: &Command,
        flag: Option<&Arg>,
        word: &OsStr,
    ) -> Result<String, clap::Error> {
        StringValueParser::new().parse_ref(command, flag, word)
    }

    fn possible_values(&self) -> Option<Box<dyn Iterator<Item = PossibleValue> + '_>> {
        Some(Box::new(self.0.iter().map(PossibleValue::new)))
    }
}

/// A parser of the names of replacement algorithms, for [`replacements`].
pub(super) fn replacement_names() -> Proposed {
    Proposed(replace::ALL.iter().map(|kind| kind.name).chain(["all"]).collect())
}

/// The replacement algorithms of these names; "all" is all of them.
pub(super) fn replacements(words: &[String]) -> Result<Vec<&'static ReplacementKind>, Failure> {
    chosen(("replacement", "list replacements"), words, replace::ALL, |kind| kind.name)
}

/// The policies of these names; "all" is all of them.
pub(super) fn policies(words: &[String]) -> Result<Vec<&'static PolicyKind>, Failure> {
    chosen(("policy", "list policies"), words, balance::ALL, |kind| kind.name)
}

/// The policy of this name.
pub(super) fn policy(word: &str) -> Result<&'static PolicyKind, Failure> {
    one(&policies(&[word.to_owned()])?, "--policy")
}

/// The replacement algorithm of this name.
pub(super) fn replacement(word: &str) -> Result<&'static ReplacementKind, Failure> {
    one(&replacements(&[word.to_owned()])?, "--replacement")
}

/// The only one of those that "all" or a name stands for.
fn one<K>(kinds: &[&'static K], flag: &str) -> Result<&'static K, Failure> {
    match kinds {
        [kind] => Ok(kind),
        _ => Err(Failure::Usage(format!("{flag} takes one name here, not `all`"))),
    }
}

fn chosen<K>(
    (what, lister): (&str, &str),
    words: &[String],
    all: &'static [K],
    name: fn(&K) -> &'static str,
) -> Result<Vec<&'static K>, Failure> {
    let mut kinds: Vec<&'static K> = Vec::new();
    let (mut unknown, mut doubled) = (Vec::new(), Vec::new());
    for word in words.iter().map(|word| word.trim()) {
        let named: Vec<&K> =
            all.iter().filter(|kind| word == "all" || name(kind) == word).collect();
        if named.is_empty() {
            let meant = meant(word, all.iter().map(name).chain(["all"]));
            let meant = meant.map_or(String::new(), |meant| format!(" (did you mean `{meant}`?)"));
            unknown.push(format!("unknown {what} `{word}`{meant}"));
        }
        for kind in named {
            if kinds.iter().any(|known| name(known) == name(kind)) {
                doubled.push(format!("{what} `{}` is given twice", name(kind)));
            } else {
                kinds.push(kind);
            }
        }
    }
    let hint = (!unknown.is_empty()).then(|| format!("`{lister}` shows all names"));
    let wrong: Vec<String> = unknown.into_iter().chain(doubled).chain(hint).collect();
    if wrong.is_empty() { Ok(kinds) } else { Err(Failure::Usage(wrong.join("; "))) }
}
