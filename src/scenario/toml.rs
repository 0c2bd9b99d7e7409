//! TOML text → nodes, with all syntax errors at once.

use std::ops::Range;

use toml::Spanned;
use toml::de::{DeTable, DeValue};
use toml_parser::lexer::TokenKind;

use super::codes;
use super::diagnostic::Diagnostic;
use super::document::{Entry, Literal, Node, Origin, State, Table};

/// Deeper than any key of a scenario.
const DEPTH_MAX: usize = 16;

/// Above this size only the first syntax error is reported: a file of millions of errors, each with
/// its message, would take gigabytes.
const ALL_ERRORS_BYTES_MAX: usize = 256 << 10;

/// Arrays of at least this many integers are kept without a place for each integer.
const PAGES_MIN: usize = 64;

/// Reads a file's text. What cannot be read is reported to `problem` and left out.
pub(super) fn read(text: &str, source: usize, mut problem: impl FnMut(State, Diagnostic)) -> Table {
    if let Some(key) = longest_key_fault(text) {
        problem(State::Nothing, too_deep(Origin::at(source, key)));
        return Table::new();
    }
    let (table, errors) = if text.len() <= ALL_ERRORS_BYTES_MAX {
        DeTable::parse_recoverable(text)
    } else {
        match DeTable::parse(text) {
            Ok(table) => (table, Vec::new()),
            Err(error) => (Spanned::new(0..0, DeTable::new()), vec![error]),
        }
    };
    for error in &errors {
        problem(State::Partial, syntax_error(error, text, source));
    }
    let mut reader = Reader { source, too_deep: None };
    let table = reader.table(table.into_inner(), 0);
    if let Some(origin) = reader.too_deep {
        problem(State::Partial, too_deep(origin));
    }
    table
}

/// Reads one value, such as the right side of a setting; `start` is its place in the source. `None`
/// if the text is not a TOML value.
pub(super) fn read_value(text: &str, source: usize, start: usize) -> Option<Node> {
    if longest_key_fault(text).is_some() {
        return None;
    }
    let value = DeValue::parse(text).ok()?;
    let mut reader = Reader { source, too_deep: None };
    let mut node = reader.node(value, 0);
    // Places inside the value are not needed: a setting is one short line.
    whole_origin(&mut node, Origin::at(source, start..start + text.len()));
    reader.too_deep.is_none().then_some(node)
}

fn whole_origin(node: &mut Node, origin: Origin) {
    node.origin = origin;
    match &mut node.value {
        Literal::Table(table) => {
            for entry in table.values_mut() {
                entry.key = origin;
                whole_origin(&mut entry.node, origin);
            }
        }
        Literal::Array(items) => items.iter_mut().for_each(|item| whole_origin(item, origin)),
        _ => {}
    }
}

fn syntax_error(error: &toml::de::Error, text: &str, source: usize) -> Diagnostic {
    let span = error.span().unwrap_or(0..0);
    let start = span.start.min(text.len());
    let origin = Origin::at(source, start..span.end.clamp(start, text.len()));
    // The crate's message has up to three lines: the fault, what was expected, and where.
    let message = error.message().trim().replace('\n', ", ");
    if message == "duplicate key" {
        let name = text.get(span).unwrap_or_default();
        let message = format!("`{}` is given twice", super::diagnostic::clip(name));
        let remedy = "remove this one or the one above";
        return Diagnostic::error(codes::DUPLICATE_KEY, origin, message, remedy);
    }
    if message.contains("recurs") {
        return too_deep(origin);
    }
    let message = format!("not TOML: {message}");
    Diagnostic::error(codes::SYNTAX, origin, message, "the syntax breaks here")
}

fn too_deep(origin: Origin) -> Diagnostic {
    let message = format!("values are nested more than {DEPTH_MAX} deep");
    let remedy = "no key of a scenario lies that deep";
    Diagnostic::error(codes::TOO_DEEP, origin, message, remedy)
}

struct Reader {
    source: usize,
    too_deep: Option<Origin>,
}

impl Reader {
    fn table(&mut self, table: DeTable, depth: usize) -> Table {
        let mut read = Table::new();
        for (key, value) in table {
            let entry = Entry {
                key: Origin::at(self.source, key.span()),
                node: self.node(value, depth + 1),
            };
            read.insert(key.into_inner().into_owned(), entry);
        }
        read
    }

    fn node(&mut self, value: Spanned<DeValue>, depth: usize) -> Node {
        let origin = Origin::at(self.source, value.span());
        let value = match value.into_inner() {
            DeValue::Table(_) | DeValue::Array(_) if depth > DEPTH_MAX => {
                self.too_deep.get_or_insert(origin);
                Literal::Bool
            }
            DeValue::Table(table) => Literal::Table(self.table(table, depth)),
            DeValue::Array(items) => match pages(&items) {
                Some(pages) => Literal::Pages(pages.into()),
                None => Literal::Array(
                    items.into_iter().map(|item| self.node(item, depth + 1)).collect(),
                ),
            },
            DeValue::String(text) => Literal::String(text.into_owned()),
            DeValue::Integer(integer) => {
                let text = integer.as_str();
                let end = if text.starts_with('-') { i128::MIN } else { i128::MAX };
                Literal::Integer(i128::from_str_radix(text, integer.radix()).unwrap_or(end))
            }
            DeValue::Float(float) => Literal::Decimal(float.as_str().to_owned()),
            DeValue::Boolean(_) => Literal::Bool,
            DeValue::Datetime(_) => Literal::Date,
        };
        Node { origin, value }
    }
}

/// The first dotted key with more parts than values may be nested, wherever it is.
///
/// The TOML reader limits brackets and keys to 80 each, but not their product: keys of 80 parts in
/// inline tables 80 deep make a tree that no stack can drop. So such text is refused before.
fn longest_key_fault(text: &str) -> Option<Range<usize>> {
    let mut key: Option<Range<usize>> = None;
    let mut dots = 0;
    for token in toml_parser::Source::new(text).lex() {
        let span = token.span().start()..token.span().end();
        match token.kind() {
            TokenKind::Dot => dots += 1,
            TokenKind::Whitespace => continue,
            // Anything else that may be taken for a part of a key where the syntax is broken.
            TokenKind::Atom
            | TokenKind::BasicString
            | TokenKind::LiteralString
            | TokenKind::MlBasicString
            | TokenKind::MlLiteralString => {}
            _ => {
                (key, dots) = (None, 0);
                continue;
            }
        }
        let start = key.map_or(span.start, |key| key.start);
        key = Some(start..span.end);
        if dots > DEPTH_MAX {
            return key;
        }
    }
    None
}

/// The numbers of a long array of nothing but 64-bit numbers.
fn pages(items: &[Spanned<DeValue>]) -> Option<Vec<u64>> {
    if items.len() < PAGES_MIN {
        return None;
    }
    let number = |item: &Spanned<DeValue>| match item.get_ref() {
        DeValue::Integer(integer) => u64::from_str_radix(integer.as_str(), integer.radix()).ok(),
        _ => None,
    };
    items.iter().map(number).collect()
}
