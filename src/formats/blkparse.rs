//! `blkparse`: block requests, as blkparse prints what blktrace recorded.
//!
//! A line is `8,0 3 1 0.000000000 697 Q W 223490 + 8 [kjournald]`: the device, the processor, a
//! number, seconds, the process, the action, the kind of request, its first sector of 512 bytes and
//! how many there are. A request passes several actions, each with a line of its own: of queued
//! (`Q`), issued (`D`) and completed (`C`), the first that the file begins with is read, and each
//! request counts once. (Linux, blktrace, `blkparse_fmt.c` and the manual page of blkparse.)
//!
//! A kind begins with `F` if the request flushes first; then `R` reads, `W` writes, and `D`
//! discards sectors. Requests without sectors and discards are left out. Lines that are no requests
//! (the totals at the end) are skipped.

use super::clock::{Clock, S, nanoseconds};
use super::error::ReadError;
use super::input::{HEAD, Input, Line, decimal, without_mark};
use super::kind::{FormatKind, Head, Source, Verdict};
use super::owner::Owner;
use super::pages::{Scale, each_line};
use crate::trace::{AccessKind, TraceBuilder};

pub(super) const KIND: FormatKind = FormatKind {
    name: "blkparse",
    summary: "block requests as blkparse prints them: sectors of 512 bytes, page of (device, \
              sector)",
    source: "Linux, blktrace, blkparse_fmt.c",
    extensions: &[],
    options: &["page_size", "key", "split", "time"],
    looks_like,
    read,
};

/// The actions of which one is read, the best first.
const ACTIONS: [&[u8]; 3] = [b"Q", b"D", b"C"];

/// A line of the output.
struct Record<'a> {
    device: &'a [u8],
    time: &'a [u8],
    action: &'a [u8],
    kind: &'a [u8],
    /// The first sector, and how many.
    sectors: Option<(u64, u64)>,
}

impl<'a> Record<'a> {
    /// `None` for a line that is no record, such as those of the totals.
    fn of(line: Line<'a>) -> Option<Self> {
        let mut fields = line.fields();
        let device = fields.next()?.bytes;
        let comma = memchr::memchr(b',', device)?;
        let is_number = |digits: &[u8]| decimal(digits).is_ok();
        let is_device = is_number(&device[..comma]) && is_number(&device[comma + 1..]);
        let (processor, number) = (fields.next()?.bytes, fields.next()?.bytes);
        let (time, pid) = (fields.next()?.bytes, fields.next()?.bytes);
        if !is_device || ![processor, number, pid].into_iter().all(is_number) {
            return None;
        }
        nanoseconds(time, S)?;
        let action = fields.next().filter(|field| field.bytes.len() <= 2)?.bytes;
        let kind = fields.next()?.bytes;
        let first = fields.next().and_then(|field| decimal(field.bytes).ok());
        let has_plus = fields.next().is_some_and(|field| field.bytes == b"+");
        let count = fields.next().and_then(|field| decimal(field.bytes).ok());
        let sectors = first.zip(count).filter(|_| has_plus);
        Some(Self { device, time, action, kind, sectors })
    }
}

fn looks_like(head: &Head<'_>) -> Verdict {
    let first = head.lines().next().and_then(|bytes| Record::of(Line { bytes, number: 0 }));
    first.is_some().into()
}

/// The action to read: the best of those that the first records have.
fn action(head: &[u8]) -> Option<&'static [u8]> {
    let has = |action: &&[u8]| {
        head.split(|&byte| byte == b'\n').any(|bytes| {
            Record::of(Line { bytes, number: 0 }).is_some_and(|record| record.action == *action)
        })
    };
    ACTIONS.into_iter().find(has)
}

fn read(
    input: &mut Input<'_>,
    builder: &mut TraceBuilder,
    source: &Source<'_>,
) -> Result<Vec<String>, ReadError> {
    let scale = Scale::of(source.options, Some(512))?;
    let mut owner = Owner::of(source, "device")?;
    let mut clock = Clock::of(source.options)?;
    let wanted = action(without_mark(input.peek(HEAD)?)).ok_or_else(|| {
        ReadError::format(
            "no request is queued (Q), issued (D) or completed (C) in the first lines; record one \
             of them, such as `blktrace -a queue`"
                .to_owned(),
        )
    })?;
    let (mut others, mut left_out) = (0_u64, 0_u64);
    each_line(input, builder, |line, builder| {
        let Some(record) = Record::of(line) else { return Ok(()) };
        if record.action != wanted {
            others += 1;
            return Ok(());
        }
        let kind = match record.kind.strip_prefix(b"F").unwrap_or(record.kind).first() {
            Some(b'R') => AccessKind::Load,
            Some(b'W') => AccessKind::Store,
            _ => {
                left_out += 1;
                return Ok(());
            }
        };
        let Some((first, count)) = record.sectors.filter(|&(_, count)| count > 0) else {
            left_out += 1;
            return Ok(());
        };
        let size = count.checked_mul(512).ok_or_else(|| line.error(0, "2^64 bytes or more"))?;
        owner.set(builder, record.device, &[]).map_err(|why| line.error(0, why))?;
        let touched = owner.touch_value(scale, builder, first, Some(size), Some(kind));
        touched.map_err(|why| line.error(0, why))?;
        if let (Some(clock), Some(time)) = (&mut clock, nanoseconds(record.time, S)) {
            clock.at(builder, time);
        }
        Ok(())
    })?;
    let action = wanted.escape_ascii();
    let mut notes = vec![format!(
        "read as requests with the action {action} in sectors of 512 bytes, a page being one of \
         (device, sector), because a request has a line for each action; {others} lines of other \
         actions are left out; `--key none` joins the devices"
    )];
    if left_out > 0 {
        notes.push(format!("{left_out} discards and requests without sectors are left out"));
    }
    Ok(notes)
}
