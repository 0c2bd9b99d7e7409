//! `pinatrace`: what Pin's example tool of that name writes: `0x7f..: R 0x7ffd..` a line.
//!
//! The instruction's address with a colon, `R` or `W`, the address accessed; `#eof` ends the file.
//! Pin's other example of that name adds the bytes that are accessed, in decimal, and their values;
//! whatever else follows the address is ignored. Instruction fetches are not in such a trace.
//! (Intel Pin, source/tools/ManualExamples/pinatrace.cpp and SimpleExamples/pinatrace.cpp.)

use super::error::ReadError;
use super::input::{Field, Fields, Input, Line, decimal};
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

/// No instruction of x86-64 accesses more bytes at once.
const SIZE_MAX: u64 = 64;

fn looks_like(head: &Head<'_>) -> Verdict {
    head.all_lines(|bytes| {
        let mut fields = Line { bytes, number: 0 }.fields();
        fields.next().is_some_and(|first| record(first, &mut fields).is_ok())
    })
}

/// Kind, address and size of a record, and the address's field.
fn record<'a>(
    first: Field<'a>,
    fields: &mut Fields<'a>,
) -> Result<(AccessKind, Field<'a>, u64, u64), ReadError> {
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
    // A size in its place is no address.
    if !field.bytes.starts_with(b"0x") {
        return Err(field.unexpected(ADDRESS));
    }
    let address = field.hex(ADDRESS)?;
    let size = fields.next().and_then(|field| decimal(field.bytes).ok());
    let size = size.filter(|&size| size <= SIZE_MAX).unwrap_or(1);
    Ok((kind, field, address, size))
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
        let (kind, field, address, size) = record(first, &mut fields)?;
        pages.touch(builder, address, size, Some(kind)).map_err(|why| field.error(why))
    })?;
    let cut = "the trace has no #eof mark: Pin may not have finished it".to_owned();
    Ok(if complete { Vec::new() } else { vec![cut] })
}
