//! `ucsd`: the address traces of a course at UC San Diego: `l 0x1fffff58 1` a line.
//!
//! `l` is a load and `s` a store; the last number, instructions since the access before, is
//! ignored. (Caffeine's simulator, parser/address/AddressTraceReader.java.)

use super::error::ReadError;
use super::input::{Input, Line, decimal};
use super::kind::{FormatKind, Head, Source, Verdict};
use super::options::ADDRESSES;
use super::pages::{Pages, each_line};
use crate::trace::{AccessKind, TraceBuilder};
pub(super) const KIND: FormatKind = FormatKind {
    name: "ucsd",
    summary: "l or s, a 0x hexadecimal address and a count of instructions a line",
    source: "Caffeine simulator, parser/address/AddressTraceReader.java",
    extensions: &["ucsd"],
    options: ADDRESSES,
    looks_like,
    read,
};

const ADDRESS: &str = "a hexadecimal address such as 0x1fffff58";

fn looks_like(head: &Head<'_>) -> Verdict {
    head.all_lines(|bytes| {
        let mut fields = Line { bytes, number: 0 }.fields();
        fields.next().is_some_and(|field| matches!(field.bytes, b"l" | b"s"))
            && fields.next().is_some_and(|f| f.bytes.starts_with(b"0x") && f.hex("").is_ok())
            && fields.next().is_some_and(|field| decimal(field.bytes).is_ok())
            && fields.next().is_none()
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
        let Some(letter) = fields.next() else { return Ok(()) };
        let kind = match letter.bytes {
            b"l" => AccessKind::Load,
            b"s" => AccessKind::Store,
            _ => return Err(letter.unexpected("l or s")),
        };
        let field = fields.need(ADDRESS)?;
        let address = field.hex(ADDRESS)?;
        fields.need("a count of instructions")?.decimal("a count of instructions")?;
        fields.end("the end of the line")?;
        pages.touch(builder, address, 1, Some(kind)).map_err(|why| field.error(why))
    })?;
    Ok(Vec::new())
}
