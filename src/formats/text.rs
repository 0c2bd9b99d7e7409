//! `text`: a page number per line, decimal or hexadecimal after `0x`, then perhaps `R` or `W`.
//!
//! A line of five numbers or more, with blanks or commas between them, is a list of pages, as
//! textbooks write them. `#` begins a comment; blank lines are skipped. Either every line says `R`
//! (read) or `W` (write), or none does. A line with `F` frees its page: the guest needs it no more.
//! The numbers are pages unless the option `unit` says how many bytes they count in, 1 for
//! addresses. The format is our own and that of most ad-hoc traces.

use super::error::ReadError;
use super::input::{Input, number};
use super::kind::{FormatKind, Head, Source, Verdict};
use super::options::VALUES;
use super::pages::{Scale, each_line, page_numbers};
use super::presets;
use crate::trace::{AccessKind, TraceBuilder};
use crate::units::Page;

pub(super) const KIND: FormatKind = FormatKind {
    name: "text",
    summary: "a page number a line, decimal or 0x hexadecimal, with R or W behind it or not; F \
              frees the page",
    source: "our own; the plainest there is",
    extensions: &["txt", "text"],
    options: VALUES,
    looks_like,
    read,
};

const PAGE: &str = "a page number such as 123 or 0x7b";

fn looks_like(head: &Head<'_>) -> Verdict {
    if presets::recognises(head) {
        return Verdict::No;
    }
    if is_one_list(head) {
        return Verdict::Yes;
    }
    head.all_lines(|line| {
        let line = line.split(|&byte| byte == b'#').next().unwrap_or(line);
        let mut words = line.split(u8::is_ascii_whitespace).filter(|word| !word.is_empty());
        let page = words.next().is_some_and(|word| number(word).is_ok());
        page && words.next().is_none_or(|word| frees(word) || kind(word).is_some())
            && words.next().is_none()
    })
}

/// So many numbers on a line are a list of pages: records of other formats have fewer.
const LIST_MIN: usize = 5;

/// Whether the text is one line of numbers.
pub(super) fn is_one_list(head: &Head<'_>) -> bool {
    let mut lines = head.lines().filter(|line| line[0] != b'#');
    head.whole && lines.next().is_some_and(|line| list(line).is_some()) && lines.next().is_none()
}

/// The numbers of a list.
fn list(line: &[u8]) -> Option<Vec<u64>> {
    let is_gap = |byte: &u8| byte.is_ascii_whitespace() || *byte == b',' || *byte == b';';
    let words = line.split(is_gap).filter(|word| !word.is_empty());
    let numbers: Vec<u64> = words.map(|word| number(word).ok()).collect::<Option<_>>()?;
    Some(numbers).filter(|numbers| numbers.len() >= LIST_MIN)
}

fn frees(word: &[u8]) -> bool {
    matches!(word, b"F" | b"f")
}

fn kind(word: &[u8]) -> Option<AccessKind> {
    match word {
        b"R" | b"r" => Some(AccessKind::Load),
        b"W" | b"w" => Some(AccessKind::Store),
        _ => None,
    }
}

fn read(
    input: &mut Input<'_>,
    builder: &mut TraceBuilder,
    source: &Source<'_>,
) -> Result<Vec<String>, ReadError> {
    let scale = Scale::of(source.options, None)?;
    each_line(input, builder, |line, builder| {
        // Most lines are a decimal number and nothing else.
        if builder.kinds_known() == 0
            && scale.unit.is_none()
            && let Ok(page) = number(line.bytes)
        {
            builder.push(Page(page));
            return Ok(());
        }
        let mut line = line;
        line.bytes = line.bytes.split(|&byte| byte == b'#').next().unwrap_or_default();
        let mut fields = line.fields();
        let Some(field) = fields.next() else { return Ok(()) };
        if builder.kinds_known() == 0
            && let Some(pages) = list(line.bytes)
        {
            let touched = pages.into_iter().try_for_each(|p| scale.touch(builder, p, None, None));
            return touched.map_err(|why| field.error(why));
        }
        let page = field.number(PAGE)?;
        let with_kinds = builder.kinds_known() == builder.accesses();
        let word = fields.next();
        if word.as_ref().is_some_and(|word| frees(word.bytes)) {
            let freed = scale.inside(page, None).map_err(|why| field.error(why))?;
            freed.map(|pages| builder.free_range(pages));
            return fields.end("the end of the line");
        }
        let kind = match word {
            Some(word) if with_kinds => {
                Some(kind(word.bytes).ok_or_else(|| word.unexpected("R, W, F or nothing"))?)
            }
            Some(word) => return Err(word.unexpected("nothing, as in the lines before")),
            None if builder.kinds_known() > 0 => {
                let expected = "R or W, as in the lines before";
                return Err(line.unexpected(line.bytes.len(), expected));
            }
            None => None,
        };
        scale.touch(builder, page, None, kind).map_err(|why| field.error(why))?;
        fields.end("the end of the line")
    })?;
    Ok(page_numbers(source.options))
}
