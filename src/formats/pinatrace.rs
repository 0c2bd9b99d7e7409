//! `pinatrace`: what Pin's example tool of that name writes: `0x7f..: R 0x7ffd..` a line.
//!
//! The instruction's address with a colon, `R` or `W`, the address accessed; `#eof` ends the file.
//! Whatever follows the address, which some variants add, is ignored. Instruction fetches are not
//! in such a trace. (Intel Pin, source/tools/ManualExamples/pinatrace.cpp.)

use super::error::ReadError;
use super::input::{Field, Fields, Input, Line};
use super::kind::{FormatKind, Head, Source, Verdict};
use super::options::ADDRESSES;
use super::pages::{Pages, each_line};
use crate::trace::{AccessKind, TraceBuilder};
pub(super) const KIND: FormatKind = FormatKind {
    name: "pinatrace",
    summary: "an instruction's address, R or W and the address accessed a line",
    source: "Intel Pin, ManualExamples/pinatrace.cpp",
    extensions: &["pinatrace"],
    options: ADDRESSES,
    looks_like,
    read,
};

fn looks_like(head: &Head<'_>) -> Verdict {
    head.all_lines(|bytes| {
        let mut fields = Line { bytes, number: 0 }.fields();
        fields.next().is_some_and(|first| record(first, &mut fields).is_ok())
    })
}

fn record<'a>(
    first: Field<'a>,
    fields: &mut Fields<'a>,
) -> Result<(AccessKind, Field<'a>, u64), ReadError> {
    const INSTRUCTION: &str = "an instruction's address such as 0x7f10:";
    const ADDRESS: &str = "a hexadecimal address such as 0x7ffd10";
    if !first.bytes.starts_with(b"0x") || first.bytes.last() != Some(&b':') {
        return Err(first.unexpected(INSTRUCTION));
    }
    first.part(0, 1).hex(INSTRUCTION)?;
    let letter = fields.need("R or W")?;
    let kind = match letter.bytes {
        b"R" => AccessKind::Load,
        b"W" => AccessKind::Store,
        _ => return Err(letter.unexpected("R or W")),
    };
    let field = fields.need(ADDRESS)?;
    Ok((kind, field, field.hex(ADDRESS)?))
}

fn read(
    input: &mut Input<'_>,
    builder: &mut TraceBuilder,
    source: &Source<'_>,
) -> Result<Vec<String>, ReadError> {
    let pages = Pages::of(source.options)?;
    let mut complete = false;
    each_line(input, builder, |line, builder| {
        let mut fields = line.fields();
        let Some(first) = fields.next() else { return Ok(()) };
        if first.bytes[0] == b'#' {
            complete |= first.bytes == b"#eof";
            return Ok(());
        }
        let (kind, field, address) = record(first, &mut fields)?;
        pages.touch(builder, address, 1, Some(kind)).map_err(|why| field.error(why))
    })?;
    let cut = "the trace has no #eof mark: Pin may not have finished it".to_owned();
    Ok(if complete { Vec::new() } else { vec![cut] })
}
