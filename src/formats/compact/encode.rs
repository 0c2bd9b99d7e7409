//! Trace → compact form.

use std::io::{self, Write};

use super::{
    Checksum, HAS_FREES, HAS_KINDS, HAS_SPANS, HAS_TIMES, HEADER, Header, IS_REDUCED, LAST_SPAN,
    MAGIC, MIXED, VERSION, WINDOW_LOG,
};
use super::{checksum, index_width};
use crate::formats::codecs::write_zstd_frame;
use crate::trace::reduction::Reduction;
use crate::trace::times::Times;
use crate::trace::{AccessKind, Frees, Trace, content_checksum};

/// How hard zstd tries. A trace is written once and read often.
const LEVEL: u32 = 19;

/// How hard it tries where a program waits for the file: a tenth larger, eight times faster.
const LEVEL_FAST: u32 = 12;

/// Writes `trace` in compact form.
///
/// # Errors
/// `out` cannot be written to.
pub fn write_compact(trace: &Trace, out: &mut dyn Write) -> io::Result<()> {
    write_at(LEVEL, trace, out)
}

/// Writes `trace` in compact form in much less time than [`write_compact`] and some tenth larger.
///
/// # Errors
/// `out` cannot be written to.
pub fn write_compact_fast(trace: &Trace, out: &mut dyn Write) -> io::Result<()> {
    write_at(LEVEL_FAST, trace, out)
}

fn write_at(level: u32, trace: &Trace, out: &mut dyn Write) -> io::Result<()> {
    let mut all = Vec::new();
    let mut flags = 0;
    let mut column = |write: &mut Filling<'_>| column(&mut all, level, write);
    column(&mut |out| numbers(trace, out))?;
    column(&mut |out| run_pages(trace, out))?;
    column(&mut |out| run_lengths(trace, out))?;
    if trace.has_kinds() {
        let kinds = KindColumn::of(trace);
        column(&mut |out| kinds.write(trace, out))?;
        flags |= HAS_KINDS | if kinds.by_spans { HAS_SPANS } else { 0 };
    }
    if let Some(recorded) = trace.times() {
        column(&mut |out| times(recorded, out))?;
        flags |= HAS_TIMES;
    }
    if let Some(Reduction { frames, resolution }) = trace.reduction() {
        column(&mut |out| {
            varint(out, frames)?;
            varint(out, resolution.unwrap_or(0))
        })?;
        flags |= IS_REDUCED;
    }
    if let Some(freed) = trace.frees() {
        column(&mut |out| frees(freed, out))?;
        flags |= HAS_FREES;
    }
    let header = Header {
        accesses: trace.accesses(),
        runs: trace.run_pages().len() as u64,
        pages: trace.distinct_pages() as u64,
        flags,
        content_checksum: content_checksum(trace),
        bytes: all.len() as u64,
    };
    out.write_all(&header.to_bytes())?;
    out.write_all(&all)
}

/// Writes a column's data.
type Filling<'a> = dyn FnMut(&mut dyn Write) -> io::Result<()> + 'a;

impl Header {
    fn to_bytes(self) -> [u8; HEADER] {
        let words = [self.accesses, self.runs, self.pages, self.content_checksum, self.bytes];
        let mut bytes = [0; HEADER];
        bytes[..8].copy_from_slice(&MAGIC);
        bytes[8..12].copy_from_slice(&VERSION.to_le_bytes());
        bytes[12..16].copy_from_slice(&self.flags.to_le_bytes());
        for (slot, word) in bytes[16..56].chunks_exact_mut(8).zip(words) {
            slot.copy_from_slice(&word.to_le_bytes());
        }
        let check = checksum(&bytes[..56]);
        bytes[56..].copy_from_slice(&check.to_le_bytes());
        bytes
    }
}

/// Appends a column: its length, its checksum, its zstd frame.
fn column(columns: &mut Vec<u8>, level: u32, write: &mut Filling<'_>) -> io::Result<()> {
    let start = columns.len();
    columns.extend_from_slice(&[0; 16]);
    write_zstd_frame(columns, [level, WINDOW_LOG], write)?;
    let (head, data) = columns[start..].split_at_mut(16);
    head[..8].copy_from_slice(&(data.len() as u64).to_le_bytes());
    let mut check = Checksum::new();
    check.add(&head[..8]);
    check.add(data);
    head[8..].copy_from_slice(&check.finish().to_le_bytes());
    Ok(())
}

fn numbers(trace: &Trace, out: &mut dyn Write) -> io::Result<()> {
    let mut before = 0_u64;
    for number in trace.numbers() {
        let difference = number.0.wrapping_sub(before).cast_signed();
        varint(out, ((difference << 1) ^ (difference >> 63)).cast_unsigned())?;
        before = number.0;
    }
    Ok(())
}

fn run_pages(trace: &Trace, out: &mut dyn Write) -> io::Result<()> {
    let width = index_width(trace.distinct_pages() as u64);
    trace.run_pages().iter().try_for_each(|page| out.write_all(&page.to_le_bytes()[..width]))
}

fn run_lengths(trace: &Trace, out: &mut dyn Write) -> io::Result<()> {
    trace.runs(0, trace.accesses()).try_for_each(|run| varint(out, run.accesses - 1))
}

/// The kinds of a trace: of each page, and of the spans of accesses of one kind.
struct KindColumn {
    /// For each page its kind, or [`MIXED`].
    of_page: Vec<u8>,
    /// Whether spans are fewer than accesses by so much that they are written instead.
    by_spans: bool,
}

impl KindColumn {
    fn of(trace: &Trace) -> Self {
        let mut of_page: Vec<Option<u8>> = vec![None; trace.distinct_pages()];
        for span in spans(trace) {
            let known = &mut of_page[span.page];
            let same = known.is_none_or(|known| known == span.kind);
            *known = Some(if same { span.kind } else { MIXED });
        }
        let of_page: Vec<u8> = of_page.into_iter().map(|kind| kind.unwrap_or(0)).collect();
        let mixed = spans(trace).filter(|span| of_page[span.page] == MIXED);
        let [spans, accesses] =
            mixed.fold([0_u64, 0], |[spans, all], span| [spans + 1, all + span.accesses]);
        Self { by_spans: accesses / 4 > spans, of_page }
    }

    fn write(&self, trace: &Trace, out: &mut dyn Write) -> io::Result<()> {
        out.write_all(&self.of_page)?;
        for span in spans(trace).filter(|span| self.of_page[span.page] == MIXED) {
            match (self.by_spans, span.is_last) {
                (false, _) => (0..span.accesses).try_for_each(|_| out.write_all(&[span.kind]))?,
                (true, true) => out.write_all(&[span.kind + LAST_SPAN])?,
                (true, false) => {
                    out.write_all(&[span.kind])?;
                    varint(out, span.accesses)?;
                }
            }
        }
        Ok(())
    }
}

/// Consecutive accesses of one run and one kind.
struct Span {
    page: usize,
    kind: u8,
    accesses: u64,
    is_last: bool,
}

fn spans(trace: &Trace) -> impl Iterator<Item = Span> {
    let kind_at = |at| trace.kind(at).map_or(0, |kind: AccessKind| kind as u8);
    let (mut runs, mut at, mut end, mut page) = (trace.runs(0, trace.accesses()), 0, 0, 0);
    std::iter::from_fn(move || {
        if at == end {
            let run = runs.next()?;
            (page, end) = (run.page as usize, at + run.accesses);
        }
        let (first, kind) = (at, kind_at(at));
        at = trace.kind_end(at, end);
        Some(Span { page, kind, accesses: at - first, is_last: at == end })
    })
}

fn times(times: &Times, out: &mut dyn Write) -> io::Result<()> {
    varint(out, times.origin())?;
    let mut before = times.origin();
    for at in 0..times.len() {
        let time = times.get(at);
        varint(out, time - before)?;
        before = time;
    }
    Ok(())
}

fn frees(frees: &Frees, out: &mut dyn Write) -> io::Result<()> {
    varint(out, frees.len() as u64)?;
    let mut before = 0;
    for (&run, &page) in frees.runs().iter().zip(frees.pages()) {
        varint(out, (run - before).into())?;
        varint(out, page.into())?;
        before = run;
    }
    Ok(())
}

/// Seven bits a byte, the lowest first, the high bit set on all but the last (LEB128).
fn varint(out: &mut dyn Write, mut value: u64) -> io::Result<()> {
    while value >= 0x80 {
        out.write_all(&[value as u8 | 0x80])?;
        value >>= 7;
    }
    out.write_all(&[value as u8])
}
