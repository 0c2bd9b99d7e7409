//! Text for terminals: wrapping and escaping.

use std::borrow::Cow;
use std::path::Path;

/// `text` wrapped to lines of up to 80 characters, each indented by `margin` spaces.
pub(super) fn wrapped(text: &str, margin: usize) -> String {
    const WIDTH: usize = 80;
    let indent = " ".repeat(margin);
    let mut out = String::new();
    let mut line = String::new();
    for word in text.split_whitespace() {
        let length = margin + line.chars().count() + 1 + word.chars().count();
        if !line.is_empty() && length > WIDTH {
            out.extend([&indent, line.as_str(), "\n"]);
            line.clear();
        }
        if !line.is_empty() {
            line.push(' ');
        }
        line.push_str(word);
    }
    out + &format!("{indent}{line}\n")
}

/// The path in messages, with terminal control characters escaped.
pub(super) fn shown(path: &Path) -> String {
    escaped(&path.to_string_lossy())
}

/// The name of the trace at `path` in tables: its file name, which is the same on any machine.
pub(super) fn trace_name(path: &Path) -> String {
    path.file_name().map_or_else(|| "-".to_owned(), |name| no_formula(&name.to_string_lossy()))
}

/// A file name as a table cell. A name that a spreadsheet would evaluate as a formula is prefixed
/// with `./`.
pub(super) fn no_formula(name: &str) -> String {
    let is_formula = name.len() > 1 && name.starts_with(['=', '+', '-', '@', '\t', '\r']);
    if is_formula { format!("./{name}") } else { name.to_owned() }
}

/// `text` with characters that control a terminal or reorder text escaped, as in `\u{1b}`.
pub(super) fn escaped(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    for letter in text.chars() {
        if steers(letter) {
            out.extend(letter.escape_default());
        } else {
            out.push(letter);
        }
    }
    out
}

/// Multi-line text with control characters escaped. If `coloured`, colour sequences are kept.
pub(super) fn harmless(text: &str, coloured: bool) -> Cow<'_, str> {
    let is_plain = |letter: char| !steers(letter) || letter == '\n' || letter == '\t';
    if text.chars().all(is_plain) {
        return Cow::Borrowed(text);
    }
    let mut out = String::with_capacity(text.len());
    let mut rest = text;
    while let Some(letter) = rest.chars().next() {
        let colour = if coloured { colour_at(rest) } else { 0 };
        let length = colour.max(letter.len_utf8());
        if colour > 0 || is_plain(letter) {
            out.push_str(&rest[..length]);
        } else {
            out.extend(letter.escape_default());
        }
        rest = &rest[length..];
    }
    Cow::Owned(out)
}

/// The length in bytes of a colour sequence at the beginning of `text`, or 0.
fn colour_at(text: &str) -> usize {
    let Some(rest) = text.strip_prefix("\x1b[") else { return 0 };
    let numbers = rest.bytes().take_while(|byte| byte.is_ascii_digit() || *byte == b';').count();
    if rest[numbers..].starts_with('m') { numbers + 3 } else { 0 }
}

/// Whether a character controls a terminal or changes the direction of text.
fn steers(letter: char) -> bool {
    let turns = ['\u{200e}'..='\u{200f}', '\u{202a}'..='\u{202e}', '\u{2066}'..='\u{2069}'];
    letter.is_control() || turns.iter().any(|range| range.contains(&letter))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_steers_a_terminal_is_shown_instead() {
        assert_eq!(harmless("a\tb\n", false), "a\tb\n");
        let red = "\x1b[1;31merror\x1b[0m: \x1b]0;title\x07";
        assert_eq!(harmless(red, true), "\x1b[1;31merror\x1b[0m: \\u{1b}]0;title\\u{7}");
        assert_eq!(harmless(red, false).matches('\x1b').count(), 0);
        assert_eq!(escaped("a\x1b[2Jb\nc\u{9b}d\u{202e}é"), r"a\u{1b}[2Jb\nc\u{9b}d\u{202e}é");
    }
}
