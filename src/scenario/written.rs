//! Values as scenarios write them.

use std::fmt::Write as _;

use super::document::{Entry, Literal, Node};

/// A value of the document as TOML writes it.
pub(super) fn written(node: &Node) -> String {
    match &node.value {
        Literal::String(text) => quoted(text),
        Literal::Integer(value) => value.to_string(),
        Literal::Decimal(text) => text.clone(),
        // No key takes such a value, so nothing depends on this text.
        Literal::Bool | Literal::Date => "true".to_owned(),
        Literal::Pages(pages) => {
            format!("[{}]", pages.iter().map(u64::to_string).collect::<Vec<_>>().join(", "))
        }
        Literal::Array(items) => {
            format!("[{}]", items.iter().map(written).collect::<Vec<_>>().join(", "))
        }
        Literal::Table(table) => {
            let pair = |(key, entry): (&String, &Entry)| {
                format!("{} = {}", quoted(key), written(&entry.node))
            };
            format!("{{ {} }}", table.iter().map(pair).collect::<Vec<_>>().join(", "))
        }
    }
}

/// A value as messages and result columns show it: a string without its quotes.
pub(super) fn label(node: &Node) -> String {
    match node.text() {
        Some(text) if !text.chars().any(char::is_control) => text.to_owned(),
        _ => written(node),
    }
}

/// A TOML basic string.
pub(crate) fn quoted(text: &str) -> String {
    let mut quoted = String::from('"');
    for letter in text.chars() {
        match letter {
            '"' | '\\' => quoted.extend(['\\', letter]),
            letter if letter.is_control() => {
                let _ = write!(quoted, "\\u{:04X}", letter as u32);
            }
            letter => quoted.push(letter),
        }
    }
    quoted.push('"');
    quoted
}
