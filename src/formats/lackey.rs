//! `lackey`: what `valgrind --tool=lackey --trace-mem=yes` prints.
//!
//! A record is `I  0401ab70,3` (an instruction fetch) or ` L 1fff000758,8` (` S` store, ` M`
//! modify): a letter, a hexadecimal address and a decimal size in bytes. Lines that begin with
//! `==`, `--` or `**` are valgrind's own, and `SB 0401ab70` is the start of a superblock, which
//! `--trace-superblocks=yes` adds: both are skipped. (Valgrind, `lackey/lk_main.c`, 3.19.) By
//! default valgrind writes to standard error, where the program writes too: `--log-file` keeps them
//! apart.

use super::error::ReadError;
use super::input::{Input, Line, decimal, hex};
use super::kind::{FormatKind, Head, Source, Verdict};
use super::options::ADDRESSES;
use super::pages::{Pages, each_line};
use crate::trace::{AccessKind, TraceBuilder};
pub(super) const KIND: FormatKind = FormatKind {
    name: "lackey",
    summary: "every access of a program under valgrind --tool=lackey --trace-mem=yes",
    source: "Valgrind 3.19, lackey/lk_main.c",
    extensions: &["lackey"],
    options: ADDRESSES,
    looks_like,
    read,
};

const RECORD: &str =
    "a record such as ` L 1fff000758,8`; keep the program's own output apart with --log-file";

fn looks_like(head: &Head<'_>) -> Verdict {
    let record = |line: &[u8]| matches!(line, [b'I' | b'L' | b'S' | b'M', b' ', ..]);
    let fits = |line: &[u8]| {
        let body = line.get(1..).unwrap_or_default().trim_ascii_start();
        is_own(line) || record(line) && parse(body).is_ok()
    };
    if head.lines().any(record) { head.all_lines(fits) } else { Verdict::No }
}

fn is_own(line: &[u8]) -> bool {
    matches!(line, [b'=', b'=', ..] | [b'-', b'-', ..] | [b'*', b'*', ..] | [b'S', b'B', b' ', ..])
}

fn read(
    input: &mut Input<'_>,
    builder: &mut TraceBuilder,
    source: &Source<'_>,
) -> Result<Vec<String>, ReadError> {
    let pages = Pages::of(source.options)?;
    each_line(input, builder, |line, builder| {
        let (kind, body) = match line.bytes {
            [b'I', b' ', b' ', body @ ..] => (AccessKind::Fetch, body),
            [b' ', b'L', b' ', body @ ..] => (AccessKind::Load, body),
            [b' ', b'S', b' ', body @ ..] => (AccessKind::Store, body),
            [b' ', b'M', b' ', body @ ..] => (AccessKind::Modify, body),
            _ => return other(line),
        };
        let (address, size) = parse(body).map_err(|at| line.unexpected(3 + at, RECORD))?;
        pages.touch(builder, address, size, Some(kind)).map_err(|why| line.error(3, why))
    })?;
    Ok(Vec::new())
}

#[cold]
fn other(line: Line<'_>) -> Result<(), ReadError> {
    if is_own(line.bytes) || line.bytes.trim_ascii().is_empty() {
        return Ok(());
    }
    Err(line.unexpected(0, RECORD))
}

/// Address and size of `0401ab70,3`, or where it goes wrong.
#[inline]
fn parse(body: &[u8]) -> Result<(u64, u64), usize> {
    let comma = body.iter().position(|&byte| byte == b',').ok_or(0_usize)?;
    let address = hex(&body[..comma]).map_err(|_| 0_usize)?;
    let size = decimal(&body[comma + 1..]).map_err(|_| comma + 1)?;
    Ok((address, size))
}
