//! The words with which the rows of a table say what they do to a page.

use super::layout::Plan;
use super::pages::{frees, operation};
use crate::trace::AccessKind;

/// What a row does.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Operation {
    /// An access of this kind.
    Known(AccessKind),
    /// An access, and no more is said of it.
    Plain,
    /// The guest frees the page.
    Free,
    /// A word that is not known: it counts as a read.
    Unknown,
}

/// What is counted while the rows are read, and the words that have been met.
#[derive(Debug, Default)]
pub(super) struct Tally {
    pub(super) known: u64,
    /// Rows that say no more than that there is an access.
    pub(super) plain: u64,
    pub(super) unknown: u64,
    pub(super) first_unknown: Vec<u8>,
    /// Rows that free pages, and how many pages were in use.
    pub(super) frees: u64,
    pub(super) freed: u64,
    /// The first words that were met, packed.
    met: Vec<(u128, Operation)>,
}

/// A table has few words; so many are remembered.
const MET: usize = 16;

impl Tally {
    /// What a word says, which is counted.
    #[inline]
    pub(super) fn operation(&mut self, plan: &Plan, word: &[u8]) -> Operation {
        let packed = packed(word);
        let of_word = |packed| self.met.iter().find(|(word, _)| *word == packed);
        let says = match packed.and_then(of_word) {
            Some(&(_, says)) => says,
            None => self.meet(plan, word, packed),
        };
        match says {
            Operation::Known(_) => self.known += 1,
            Operation::Plain => self.plain += 1,
            Operation::Free => self.frees += 1,
            Operation::Unknown => self.unknown += 1,
        }
        says
    }

    #[cold]
    fn meet(&mut self, plan: &Plan, word: &[u8], packed: Option<u128>) -> Operation {
        let says = meaning(plan, word);
        if says == Operation::Unknown && self.unknown == 0 {
            self.first_unknown = word.to_vec();
        }
        if let Some(packed) = packed.filter(|_| self.met.len() < MET) {
            self.met.push((packed, says));
        }
        says
    }
}

/// A word of at most 15 bytes with its length.
#[inline]
fn packed(word: &[u8]) -> Option<u128> {
    let length = Some(word.len()).filter(|&length| length < 16)?;
    let packed = word.iter().fold(0, |packed, &byte| packed << 8 | u128::from(byte));
    Some(packed << 8 | length as u128)
}

fn meaning(plan: &Plan, word: &[u8]) -> Operation {
    let is = |words: &[Vec<u8>]| words.iter().any(|known| word.eq_ignore_ascii_case(known));
    if is(&plan.reads) {
        return Operation::Known(AccessKind::Load);
    }
    if is(&plan.writes) {
        return Operation::Known(AccessKind::Store);
    }
    if let Some(kind) = operation(word).filter(|_| !is(&plan.frees)) {
        return Operation::Known(kind);
    }
    if word.eq_ignore_ascii_case(b"access") {
        Operation::Plain
    } else if is(&plan.frees) || frees(word) {
        Operation::Free
    } else {
        Operation::Unknown
    }
}
