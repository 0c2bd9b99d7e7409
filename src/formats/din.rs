//! `din`: Dinero's classic: a label and a hexadecimal address per line.
//!
//! The labels are 0 read, 1 write and 2 instruction fetch; 3 (escape) and 4 (flush) are no
//! accesses and skipped. The rest of a line is a comment. (M. D. Hill, Dinero III manual page,
//! "din" format.)

use super::error::ReadError;
use super::input::{Input, Line, hex};
use super::kind::{FormatKind, Head, Source, Verdict};
use super::options::ADDRESSES;
use super::pages::{Pages, each_line};
use super::text;
use crate::trace::{AccessKind, TraceBuilder};
pub(super) const KIND: FormatKind = FormatKind {
    name: "din",
    summary: "a label 0 to 4 (read, write, fetch, escape, flush) and a hexadecimal address a line",
    source: "Dinero III, din format",
    extensions: &["din"],
    options: ADDRESSES,
    looks_like,
    read,
};

const ADDRESS: &str = "a hexadecimal address";

fn looks_like(head: &Head<'_>) -> Verdict {
    if text::is_one_list(head) {
        return Verdict::No;
    }
    head.all_lines(|bytes| {
        let mut fields = Line { bytes, number: 0 }.fields();
        let label = fields.next().is_some_and(|field| matches!(field.bytes, [b'0'..=b'4']));
        label && fields.next().is_some_and(|field| hex(field.bytes).is_ok())
    })
}

fn read(
    input: &mut Input<'_>,
    builder: &mut TraceBuilder,
    source: &Source<'_>,
) -> Result<Vec<String>, ReadError> {
    let pages = Pages::of(source.options)?;
    each_line(input, builder, |line, builder| {
        let mut fields = line.fields();
        let Some(label) = fields.next() else { return Ok(()) };
        let kind = match label.bytes {
            b"0" => AccessKind::Load,
            b"1" => AccessKind::Store,
            b"2" => AccessKind::Fetch,
            b"3" | b"4" => return Ok(()),
            _ => return Err(label.unexpected("a label from 0 to 4")),
        };
        let field = fields.need(ADDRESS)?;
        let address = field.hex(ADDRESS)?;
        pages.touch(builder, address, 1, Some(kind)).map_err(|why| field.error(why))
    })?;
    Ok(Vec::new())
}
