//! `cloudphysics-vscsi`: VMware's vscsi traces, little-endian records of two versions.
//!
//! Version 1 has 32 bytes: `u32` number, length in bytes, scatter-gather entries; `u16` SCSI
//! command, version; `u64` block of 512 bytes, time in microseconds. Version 2 has 40 bytes: `u16`
//! command, version; then the same, and a `u64` response time. The high byte of the version tells
//! them apart. (libCacheSim, traceReader/customizedReader/vscsi.h.)

use super::clock::Clock;
use super::error::ReadError;
use super::input::Input;
use super::kind::{FormatKind, Head, Source, Verdict};
use super::pages::{Scale, operation};
use crate::trace::{AccessKind, TraceBuilder};
pub(super) const KIND: FormatKind = FormatKind {
    name: "cloudphysics-vscsi",
    summary: "VMware's vscsi records of 32 or 40 bytes: lbn in sectors of 512 bytes, length in \
              bytes",
    source: "libCacheSim, traceReader/customizedReader/vscsi.h",
    extensions: &["vscsi"],
    options: &["page_size", "unit", "time"],
    looks_like,
    read,
};

/// The offsets of a record's members.
#[derive(Clone, Copy)]
struct Layout {
    version: u16,
    size: usize,
    command: usize,
    length: usize,
    block: usize,
    /// Microseconds.
    time: usize,
}

const LAYOUTS: [Layout; 2] = [
    Layout { version: 1, size: 32, command: 12, length: 4, block: 16, time: 24 },
    Layout { version: 2, size: 40, command: 0, length: 8, block: 16, time: 24 },
];

fn half(record: &[u8], at: usize) -> u16 {
    u16::from_le_bytes([record[at], record[at + 1]])
}

fn layout(head: &[u8]) -> Option<Layout> {
    let fits = |layout: &Layout| {
        let mut records = head.chunks_exact(layout.size).take(64).peekable();
        let is_it = |record: &[u8]| half(record, layout.command + 2) >> 8 == layout.version;
        records.peek().is_some() && records.all(is_it)
    };
    LAYOUTS.into_iter().find(fits)
}

/// How the SCSI command touches its blocks.
fn kind(command: u16) -> Option<AccessKind> {
    operation(format!("{command:x}").as_bytes()).filter(|_| command > 0xf)
}

fn looks_like(head: &Head<'_>) -> Verdict {
    let Some(layout) = layout(head.bytes) else { return Verdict::No };
    if head.whole && !head.bytes.len().is_multiple_of(layout.size) {
        return Verdict::No;
    }
    let mut records = head.bytes.chunks_exact(layout.size);
    records.all(|record| kind(half(record, layout.command)).is_some()).into()
}

fn read(
    input: &mut Input<'_>,
    builder: &mut TraceBuilder,
    source: &Source<'_>,
) -> Result<Vec<String>, ReadError> {
    let scale = Scale::of(source.options, Some(512))?;
    let layout = layout(input.peek(4096)?).ok_or_else(|| {
        ReadError::format(
            "the records are neither of version 1 nor of version 2 of vscsi".to_owned(),
        )
    })?;
    let mut clock = Clock::of(source.options)?;
    let (mut number, mut unknown) = (0_u64, 0_u64);
    while let Some(block) = input.records(layout.size)? {
        for record in block.chunks_exact(layout.size) {
            let word = |at: usize, bytes: usize| {
                let bytes = record[at..at + bytes].iter().rev();
                bytes.fold(0, |value, &byte| value << 8 | u64::from(byte))
            };
            let known = kind(half(record, layout.command));
            unknown += u64::from(known.is_none());
            let kind = known.unwrap_or(AccessKind::Load);
            let (first, length) = (word(layout.block, 8), word(layout.length, 4));
            let touched = scale.touch(builder, first, Some(length), Some(kind));
            touched.map_err(|why| {
                let at = u128::from(number) * layout.size as u128;
                ReadError::damaged(format!("byte {at}: record {number}: {why}"))
            })?;
            if let Some(clock) = &mut clock {
                clock.at(builder, word(layout.time, 8).saturating_mul(1000));
            }
            number += 1;
        }
        if builder.overflowed() {
            break;
        }
    }
    let mut notes = vec![format!(
        "read as version {} with blocks of 512 bytes and lengths in bytes, because its records say \
         so; `--unit` says otherwise",
        layout.version
    )];
    if unknown > 0 {
        notes.push(format!("{unknown} commands are neither READ nor WRITE and count as reads"));
    }
    Ok(notes)
}
