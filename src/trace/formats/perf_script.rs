//! `perf-script`: what `perf script` prints of samples that have an address.
//!
//! For example page faults, which work in any VM: `perf record -e page-faults -c 1 -d`, then
//! `perf script -F comm,tid,time,event,addr,ip`. A line is `sort 27602  1573.023137: page-faults:
//! 55d010e10548 ffffffff8175336a`: fields that vary with `-F`, an event's name with a colon behind
//! it, then the hexadecimal address. Lines that begin with a tab are call chains and skipped.
//! (Linux, tools/perf/builtin-script.c.) The samples are not all accesses: the notes say so.

use super::{ADDRESSES, FormatKind, Head, Pages, Source, Verdict, each_line};
use crate::trace::input::{Field, Input, Line};
use crate::trace::read::ReadError;
use crate::trace::store::TraceBuilder;

pub(super) const KIND: FormatKind = FormatKind {
    name: "perf-script",
    summary: "samples with addresses, such as page faults, as perf script prints them",
    source: "Linux, tools/perf/builtin-script.c",
    extensions: &["perf"],
    options: ADDRESSES,
    looks_like,
    read,
};

const SAMPLE: &str = "an event's name with a colon and a hexadecimal address behind it, as \
                      perf script -F comm,tid,time,event,addr prints them";

fn looks_like(head: &Head<'_>) -> Verdict {
    head.all_lines(|bytes| {
        address(Line { bytes, number: 0 }).is_some_and(|(event, field)| {
            event != *b"damon:damon_aggregated:" && field.hex("").is_ok()
        })
    })
}

fn read(
    input: &mut Input<'_>,
    builder: &mut TraceBuilder,
    source: &Source<'_>,
) -> Result<Vec<String>, ReadError> {
    let pages = Pages::of(source.options)?;
    each_line(input, builder, |line, builder| {
        if line.bytes.trim_ascii().is_empty() || matches!(line.bytes[0], b'#' | b'\t') {
            return Ok(());
        }
        let (_, field) = address(line).ok_or_else(|| line.unexpected(line.bytes.len(), SAMPLE))?;
        let address = field.hex(SAMPLE)?;
        pages.touch(builder, address, 1, None).map_err(|why| field.error(why))
    })?;
    Ok(vec!["sampled input: the samples of perf, not every access".to_owned()])
}

/// The event's name and the field behind it.
///
/// The event is the first field with a colon at its end behind the time, which has one too; if
/// there is no time, the first that begins with a letter.
fn address(line: Line<'_>) -> Option<(&[u8], Field<'_>)> {
    let is_time = |bytes: &[u8]| {
        bytes.last() == Some(&b':')
            && bytes.contains(&b'.')
            && bytes[..bytes.len() - 1].iter().all(|byte| byte.is_ascii_digit() || *byte == b'.')
    };
    let mut fields = line.fields();
    let mut behind_time = line.fields();
    while let Some(field) = behind_time.next() {
        if is_time(field.bytes) {
            fields = behind_time;
            break;
        }
    }
    while let Some(field) = fields.next() {
        if field.bytes.last() == Some(&b':') && field.bytes[0].is_ascii_alphabetic() {
            return fields.next().map(|address| (field.bytes, address));
        }
    }
    None
}
