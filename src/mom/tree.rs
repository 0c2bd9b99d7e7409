//! Words → expressions.

use std::ops::Range;
use std::sync::Arc;

use super::scan::{self, Word};
use super::value::Value;
use crate::params::Fault;

/// An expression and where it is written.
#[derive(Clone, Debug)]
pub(super) struct Node {
    pub(super) place: Place,
    pub(super) form: Form,
}

/// A place in the files of a program.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Place {
    pub(super) file: usize,
    pub(super) bytes: Range<usize>,
}

impl Place {
    /// Whether the other lies in it.
    pub(super) fn contains(&self, other: &Self) -> bool {
        self.file == other.file
            && self.bytes.start <= other.bytes.start
            && other.bytes.end <= self.bytes.end
    }
}

/// What an expression is.
#[derive(Clone, Debug)]
pub(super) enum Form {
    Number(Value),
    Text(Arc<str>),
    Symbol(Arc<str>),
    /// An operator, by the name of the function that it calls.
    Operator(&'static str),
    /// Brackets of any kind. A block in braces is a call of `eval`.
    List(Vec<Node>),
}

/// Brackets deeper than this are refused.
const DEPTH_MAX: usize = 200;

/// Reads the expressions of the text of a file. An empty one has none.
pub(super) fn read(text: &str, file: usize) -> Result<Vec<Node>, Fault> {
    let mut open: Vec<(char, usize, Vec<Node>)> = Vec::new();
    let mut done = Vec::new();
    let mut at = 0;
    while let Some((word, bytes)) = scan::next(text, at)? {
        at = bytes.end;
        let fault = |message: String, remedy: &str| {
            Err(Fault { place: bytes.clone(), message, remedy: remedy.to_owned() })
        };
        let (bytes, form) = match word {
            Word::Open(bracket) => {
                if open.len() == DEPTH_MAX {
                    let message = format!("brackets are nested deeper than {DEPTH_MAX}");
                    return fault(message, "split the expression");
                }
                let eval = Node { place: Place { file, bytes: bytes.clone() }, form: eval() };
                let nodes = if bracket == '{' { vec![eval] } else { Vec::new() };
                open.push((bracket, bytes.start, nodes));
                continue;
            }
            Word::Close(bracket) => {
                let Some((opened, start, nodes)) = open.pop() else {
                    return fault(format!("`{bracket}` closes nothing"), "remove it");
                };
                let wanted = closing(opened);
                if wanted != bracket {
                    let message = format!("`{bracket}` does not close `{opened}`");
                    return fault(message, &format!("`{wanted}` is expected"));
                }
                (start..at, Form::List(nodes))
            }
            Word::Number(value) => (bytes, Form::Number(value)),
            Word::Text(text) => (bytes, Form::Text(text)),
            Word::Symbol(name) => (bytes, Form::Symbol(name)),
            Word::Operator(name) => (bytes, Form::Operator(name)),
        };
        let node = Node { place: Place { file, bytes }, form };
        open.last_mut().map_or(&mut done, |(_, _, nodes)| nodes).push(node);
    }
    match open.pop() {
        None => Ok(done),
        Some((opened, start, _)) => Err(Fault {
            place: start..start + 1,
            message: format!("`{opened}` is never closed"),
            remedy: format!("add `{}`", closing(opened)),
        }),
    }
}

fn eval() -> Form {
    Form::Symbol("eval".into())
}

fn closing(bracket: char) -> char {
    match bracket {
        '(' => ')',
        '[' => ']',
        _ => '}',
    }
}
