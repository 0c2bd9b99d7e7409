//! `drmemtrace`: what DynamoRIO's `view` tool prints of a memory trace.
//!
//! A record is a line such as `8 1: W0.T3256418 ifetch 3 byte(s) @ 0x00007fc205a61940 48 89 e7`,
//! with `read` or `write` for data. Prefetches (`pref`, `pref-r-L1` and so on), flushes and
//! instructions that were not fetched are no accesses. All other lines (markers, headings) are
//! skipped, but the marker
//! `<marker: page size N>` sets the page size unless the options do. All threads are merged in the
//! file's order. (DynamoRIO, clients/drcachesim/tools/view.cpp.) Binary traces and those of
//! Google's workloads must be printed by `view` first.

use std::sync::LazyLock;

use memchr::memmem::Finder;

use super::clock::Clock;
use super::error::ReadError;
use super::input::{Input, Line, decimal, hex};
use super::kind::{FormatKind, Head, Source, Verdict};
use super::pages::{Pages, each_line};
use crate::trace::{AccessKind, TraceBuilder};
pub(super) const KIND: FormatKind = FormatKind {
    name: "drmemtrace",
    summary: "the text that DynamoRIO's view tool prints of a memory trace",
    source: "DynamoRIO, clients/drcachesim/tools/view.cpp",
    extensions: &["drmemtrace"],
    options: &["page_size", "time"],
    looks_like,
    read,
};

const BYTES_AT: &[u8] = b" byte(s) @ 0x";

/// Finds [`BYTES_AT`] in a line.
static RECORDS: LazyLock<Finder<'static>> = LazyLock::new(|| Finder::new(BYTES_AT));

const PAGE_SIZE: &[u8] = b"<marker: page size ";
/// The number of a marker with this prefix, parsed by `of`; `None` if the line is not such a
/// marker.
fn marker(
    line: Line<'_>,
    begins: &[u8],
    expected: &str,
    of: impl FnOnce(u64) -> Option<u64>,
) -> Result<Option<u64>, ReadError> {
    let Some(at) = memchr::memmem::find(line.bytes, begins) else { return Ok(None) };
    let at = at + begins.len();
    let digits = line.bytes[at..].split(|&byte| byte == b'>').next();
    let number = digits.and_then(|digits| decimal(digits).ok()).and_then(of);
    number.map(Some).ok_or_else(|| line.unexpected(at, expected))
}

/// Microseconds since 1601, before the records of the time.
const TIMESTAMP: &[u8] = b"<marker: timestamp ";

fn looks_like(head: &Head<'_>) -> Verdict {
    head.lines().any(|bytes| matches!(record(Line { bytes, number: 0 }), Ok(Some(_)))).into()
}

/// Kind, address and size of a record; `None` for a line that is none.
fn record(line: Line<'_>) -> Result<Option<(Option<AccessKind>, u64, u64)>, ReadError> {
    let Some(at) = RECORDS.find(line.bytes) else { return Ok(None) };
    let mut words = line.bytes[..at].rsplit(u8::is_ascii_whitespace).filter(|w| !w.is_empty());
    let size = words.next().and_then(|size| decimal(size).ok());
    let size = size.ok_or_else(|| line.error(at, "expected a size before `byte(s) @`"))?;
    let kind = match words.next().unwrap_or_default() {
        b"ifetch" => Some(AccessKind::Fetch),
        b"read" => Some(AccessKind::Load),
        b"write" => Some(AccessKind::Store),
        // Prefetches are hints: `pref`, `pref-r-L1`, `pref-NTA`, `pref-HW` and more.
        word if word.starts_with(b"pref") || word.ends_with(b"flush") => None,
        _ => return Err(line.error(at, "expected ifetch, read or write before the size")),
    };
    let digits = &line.bytes[at + BYTES_AT.len()..];
    let kind = kind.filter(|_| !digits.ends_with(b"non-fetched instruction"));
    let length = digits.iter().position(|byte| !byte.is_ascii_hexdigit()).unwrap_or(digits.len());
    let address = hex(&digits[..length])
        .map_err(|_| line.unexpected(at + BYTES_AT.len() - 2, "an address below 2^64"))?;
    Ok(Some((kind, address, size)))
}

fn read(
    input: &mut Input<'_>,
    builder: &mut TraceBuilder,
    source: &Source<'_>,
) -> Result<Vec<String>, ReadError> {
    let mut pages = Pages::of(source.options)?;
    let mut notes = Vec::new();
    let mut clock = Clock::of(source.options)?;
    let mut time = None;
    each_line(input, builder, |line, builder| {
        if let Some((kind, address, size)) = record(line)? {
            let Some(kind) = kind else { return Ok(()) };
            return pages
                .touch(builder, address, size, Some(kind))
                .map_err(|why| line.error(0, why));
        }
        if let Some(clock) = &mut clock
            && let Some(now) = marker(line, TIMESTAMP, "microseconds", since_1970)?
        {
            // Records before the first marker get its time.
            clock.at(builder, time.unwrap_or(now));
            time = Some(now);
            return Ok(());
        }
        let power = |size: u64| Some(size).filter(|size| size.is_power_of_two());
        if source.options.page_size.is_none()
            && source.options.host_page_size.is_none()
            && let Some(size) =
                marker(line, PAGE_SIZE, "a page size that is a power of two", power)?
        {
            pages = Pages::of_size(size)?;
            notes.push(format!("pages of {size} bytes, as the trace says"));
        }
        Ok(())
    })?;
    if let (Some(clock), Some(time)) = (&mut clock, time) {
        clock.at(builder, time);
    }
    notes.dedup();
    notes.truncate(8);
    Ok(notes)
}

/// Microseconds since 1601 in nanoseconds since 1970, which 64 bits hold.
fn since_1970(microseconds: u64) -> Option<u64> {
    const BETWEEN: u64 = 11_644_473_600_000_000;
    microseconds.saturating_sub(BETWEEN).checked_mul(1000)
}
