//! Prose for terminals.

use std::borrow::Cow;
use std::path::Path;

/// The words of `text` in lines of up to 80 characters, each after `margin` spaces and with a line
/// end.
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

/// The name in messages of the file at `path`, which cannot steer a terminal.
pub(super) fn shown(path: &Path) -> String {
    escaped(&path.to_string_lossy())
}

/// The name in tables of the trace at `path`: its file's name, the same on any machine.
pub(super) fn trace_name(path: &Path) -> String {
    path.file_name().map_or_else(|| "-".to_owned(), |name| no_formula(&name.to_string_lossy()))
}

/// The name of a file as a cell of a table. Spreadsheets run cells that begin like formulas, so
/// such a name gets `./` before it.
pub(super) fn no_formula(name: &str) -> String {
    let is_formula = name.len() > 1 && name.starts_with(['=', '+', '-', '@', '\t', '\r']);
    if is_formula { format!("./{name}") } else { name.to_owned() }
}

/// `text` with characters that steer a terminal or reorder a line written as `\u{1b}`.
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

/// Text of several lines whose contents cannot steer a terminal. If it is coloured, sequences that
/// choose colours are kept.
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

/// The length in bytes of a colour sequence at the beginning of `text`, else 0.
fn colour_at(text: &str) -> usize {
    let Some(rest) = text.strip_prefix("\x1b[") else { return 0 };
    let numbers = rest.bytes().take_while(|byte| byte.is_ascii_digit() || *byte == b';').count();
    if rest[numbers..].starts_with('m') { numbers + 3 } else { 0 }
}

/// Whether a terminal does anything but show a character: control characters, and those that change
/// the direction of text.
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
