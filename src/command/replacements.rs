//! Replacement algorithms by their names on the command line.

use balloonist::replace::{self, ReplacementKind};
use clap::builder::PossibleValuesParser;

use super::Failure;

/// A parser of the algorithms' names, and of "all".
pub(super) fn names() -> PossibleValuesParser {
    PossibleValuesParser::new(replace::ALL.iter().map(|kind| kind.name).chain(["all"]))
}

/// The algorithms called `names`, which [`names()`] has parsed.
pub(super) fn named(names: &[String]) -> Result<Vec<&'static ReplacementKind>, Failure> {
    let mut kinds: Vec<&'static ReplacementKind> = Vec::new();
    for name in names {
        for kind in replace::ALL.iter().filter(|kind| name == "all" || kind.name == name) {
            if kinds.iter().any(|known| known.name == kind.name) {
                let text = format!("replacement `{}` is named twice, name it once", kind.name);
                return Err(Failure::Usage(text));
            }
            kinds.push(kind);
        }
    }
    Ok(kinds)
}
