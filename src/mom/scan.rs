//! Text → words. A word is matched as the original's scanner matches it, whose rules are tried in
//! the order of their names: brackets, numbers, comments, strings, symbols, operators.

use std::ops::Range;
use std::sync::Arc;

use super::value::{BINARY, Value};
use crate::params::Fault;

/// A word of the language.
#[derive(Clone, Debug)]
pub(super) enum Word {
    Open(char),
    Close(char),
    Number(Value),
    /// What stands between the quotes, escapes as they are.
    Text(Arc<str>),
    Symbol(Arc<str>),
    /// The name of the function that the operator calls.
    Operator(&'static str),
}

/// The next word at or after byte `at`, and its place; `None` at the end.
pub(super) fn next(text: &str, mut at: usize) -> Result<Option<(Word, Range<usize>)>, Fault> {
    loop {
        let rest = &text[at..];
        let Some(first) = rest.chars().next() else { return Ok(None) };
        if is_space(first) {
            at += first.len_utf8();
        } else if first == '#' {
            at += rest.find('\n').map_or(rest.len(), |length| length + 1);
        } else {
            let (word, length) = word(rest, first).map_err(|(message, remedy)| Fault {
                place: at..at + first.len_utf8(),
                message,
                remedy: remedy.to_owned(),
            })?;
            return Ok(Some((word, at..at + length)));
        }
    }
}

/// White space as Python's `\s` has it, the separators of ASCII included.
fn is_space(letter: char) -> bool {
    letter.is_whitespace() || ('\u{1c}'..='\u{1f}').contains(&letter)
}

fn word(rest: &str, first: char) -> Result<(Word, usize), (String, &'static str)> {
    match first {
        '(' | '[' | '{' => return Ok((Word::Open(first), 1)),
        ')' | ']' | '}' => return Ok((Word::Close(first), 1)),
        '"' | '\'' => {
            let length = string_length(rest, first).ok_or_else(|| {
                (
                    "the text has no closing quote".to_owned(),
                    "close it with the quote it began with",
                )
            })?;
            return Ok((Word::Text(rest[1..length - 1].into()), length));
        }
        _ => {}
    }
    if let Some((number, length)) = number(rest)? {
        return Ok((Word::Number(number), length));
    }
    let is_symbol = |byte: &u8| byte.is_ascii_alphanumeric() || b"_-.".contains(byte);
    if first.is_ascii_alphabetic() || first == '_' {
        let length = rest.bytes().take_while(is_symbol).count();
        return Ok((Word::Symbol(rest[..length].into()), length));
    }
    if let Some((name, sign)) = BINARY.iter().find(|(_, sign)| rest.starts_with(sign)) {
        return Ok((Word::Operator(name), sign.len()));
    }
    let remedy = "remove it: MOM would ignore everything from here on";
    Err((format!("no word begins with `{}`", first.escape_default()), remedy))
}

/// The length of a string with its quotes. A backslash takes the next character along, but no line
/// end.
fn string_length(rest: &str, quote: char) -> Option<usize> {
    let mut letters = rest.char_indices().skip(1);
    while let Some((at, letter)) = letters.next() {
        if letter == quote {
            return Some(at + 1);
        }
        if letter == '\\' && letters.next()?.1 == '\n' {
            return None;
        }
    }
    None
}

/// The number at the beginning, if there is one, and its length.
fn number(rest: &str) -> Result<Option<(Value, usize)>, (String, &'static str)> {
    let bytes = rest.as_bytes();
    let digits = |from: usize| {
        bytes.get(from..).unwrap_or(&[]).iter().take_while(|byte| byte.is_ascii_digit()).count()
    };
    let byte = |at: usize| bytes.get(at).copied().unwrap_or(b' ');
    let sign = usize::from(byte(0) == b'-');
    let whole = sign + digits(sign);
    let exponent = |from: usize| {
        if !byte(from).eq_ignore_ascii_case(&b'e') {
            return None;
        }
        let signed = from + 1 + usize::from(b"+-".contains(&byte(from + 1)));
        Some(signed + digits(signed)).filter(|&end| end > signed)
    };
    let float = |end: usize| {
        let value = rest[..end].parse().expect("digits, a point and an exponent");
        Ok(Some((Value::Float(value), end)))
    };
    // A fraction: digits may be missing before the point, not behind it.
    if byte(whole) == b'.' && digits(whole + 1) > 0 {
        let end = whole + 1 + digits(whole + 1);
        return float(exponent(end).unwrap_or(end));
    }
    let radix = |letters: &[u8], radix: u32| {
        let is_prefix = byte(0) == b'0' && letters.contains(&byte(1));
        let is_digit = |byte: &&u8| match radix {
            16 => byte.is_ascii_hexdigit(),
            _ => byte.is_ascii_digit(),
        };
        let count = bytes.get(2..).unwrap_or(&[]).iter().take_while(is_digit).count();
        (is_prefix && count > 0)
            .then(|| (i128::from_str_radix(&rest[2..2 + count], radix), 2 + count))
    };
    let integer = |(parsed, end): (Result<i128, _>, usize)| match parsed {
        Ok(value) => Ok(Some((Value::Int(value), end))),
        Err(_) => Err((format!("{} is no number", &rest[..end.min(40)]), "write another number")),
    };
    if let Some(found) = radix(b"xX", 16) {
        return integer(found);
    }
    let leads_zero = byte(sign) == b'0' && (whole > sign + 1 || b"oXx".contains(&byte(whole)));
    if whole > sign && !leads_zero {
        if !byte(whole).eq_ignore_ascii_case(&b'e') {
            return integer((rest[..whole].parse(), whole));
        }
        if let Some(end) = exponent(whole) {
            return float(end);
        }
    }
    radix(b"o", 8).map_or(Ok(None), integer)
}
