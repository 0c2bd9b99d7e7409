//! Compact form → trace.

use std::io::{self, BufRead, BufReader, Read};

use super::{
    Checksum, FLAGS, HAS_FREES, HAS_KINDS, HAS_SPANS, HAS_TIMES, HEADER, Header, IS_REDUCED,
    LAST_SPAN, MAGIC, MIXED, VERSION, WINDOW_LOG,
};
use super::{checksum, index_width};
use crate::formats::codecs::{ZstdFrames, zstd_reader};
use crate::formats::error::{ReadError, ReadErrorKind};
use crate::formats::input::Input;
use crate::formats::leb128;
use crate::formats::options::ReadOptions;
use crate::formats::read::outgrows;
use crate::trace::bits::{Kinds, RankedBits, sum};
use crate::trace::reduction::Reduction;
use crate::trace::times::Times;
use crate::trace::{AccessKind, Columns, Frees, PageId, Room};
use crate::units::Page;

/// Whether a file begins like a compact trace.
pub(super) fn looks_like(head: &[u8]) -> bool {
    head.starts_with(&MAGIC)
}

/// Reads a compact trace.
pub(super) fn read(
    input: &mut Input<'_>,
    options: &ReadOptions,
    room: &Room,
) -> Result<Columns, ReadError> {
    let header = Header::read(input)?;
    let bytes = u128::from(header.runs) * 4 + u128::from(header.pages) * 8;
    if header.accesses > options.accesses_max || bytes > u128::from(options.bytes_max) {
        return Err(ReadError::new(
            ReadErrorKind::TooLarge,
            format!(
                "byte 16: the trace has {} accesses in {} runs, more than the limit",
                header.accesses, header.runs
            ),
        ));
    }
    let column_of = Reader { header, room };
    let numbers = column(input, "page numbers", room, |bytes| column_of.numbers(bytes))?;
    let pages = column(input, "pages of the runs", room, |bytes| column_of.run_pages(bytes))?;
    let heads = column(input, "lengths of the runs", room, |bytes| column_of.run_lengths(bytes))?;
    let (first_runs, repeats) = first_runs(&pages, header)?;
    let mut trace = Columns::new(heads, pages, numbers, first_runs);
    if header.flags & HAS_KINDS != 0 {
        let kinds = column(input, "kinds", room, |bytes| column_of.kinds(bytes, &trace))?;
        trace = trace.with_kinds(kinds);
    }
    if header.flags & HAS_TIMES != 0 {
        let times = column(input, "times", room, |bytes| column_of.times(bytes))?;
        trace = trace.with_times(times);
    }
    if header.flags & IS_REDUCED != 0 {
        trace = trace.with_reduction(column(input, "reduction", room, reduction)?);
    }
    if header.flags & HAS_FREES != 0 {
        let frees = column(input, "frees", room, |bytes| column_of.frees(bytes, &trace))?;
        trace = trace.with_frees(frees);
    }
    let is_begun_by_free =
        |run: &u32| trace.frees().is_some_and(|frees| frees.runs().binary_search(run).is_ok());
    if !repeats.iter().all(is_begun_by_free) {
        return Err(damaged(HEADER as u64, "a run continues the one before"));
    }
    let end = input.offset();
    if input.peek(1)?.is_empty() && end.checked_sub(HEADER as u64) == Some(header.bytes) {
        return Ok(trace);
    }
    Err(damaged(end, "expected the end of the file, as its header says"))
}

#[cold]
fn damaged(at: u64, what: &str) -> ReadError {
    ReadError::damaged(format!("byte {at}: {what}; the compact trace is damaged, make it again"))
}

impl Header {
    fn read(input: &mut Input<'_>) -> Result<Self, ReadError> {
        let bytes: [u8; HEADER] = *input
            .peek(HEADER)?
            .first_chunk()
            .ok_or_else(|| damaged(0, "the file ends inside its header of 64 bytes"))?;
        let word = |at: usize| u64::from_le_bytes(std::array::from_fn(|byte| bytes[at + byte]));
        let (version, flags) = (word(8) as u32, (word(8) >> 32) as u32);
        if bytes[..8] != MAGIC {
            return Err(ReadError::format(
                "byte 0: found no mark of a compact trace, expected b1 and `balloon`".to_owned(),
            ));
        }
        if word(56) != checksum(&bytes[..56]) {
            return Err(damaged(56, "the header's checksum is wrong"));
        }
        if version != VERSION || flags & !FLAGS != 0 {
            return Err(ReadError::format(format!(
                "byte 8: found version {version} with flags {flags}, expected version {VERSION}; \
                 a newer balloonist can read it"
            )));
        }
        input.skip(HEADER);
        let header = Self {
            accesses: word(16),
            runs: word(24),
            pages: word(32),
            content_checksum: word(40),
            bytes: word(48),
            flags,
        };
        let ordered = header.pages <= header.runs && header.runs <= header.accesses;
        if !ordered || header.runs > u64::from(u32::MAX) || header.pages == 0 {
            return Err(damaged(16, "the counts contradict each other"));
        }
        Ok(header)
    }
}

/// Reads one column with `read`, which must use up all of its data.
fn column<T>(
    input: &mut Input<'_>,
    name: &str,
    room: &Room,
    read: impl FnOnce(&mut dyn BufRead) -> io::Result<T>,
) -> Result<T, ReadError> {
    let start = input.offset();
    let head: [u8; 16] = *input
        .peek(16)?
        .first_chunk()
        .ok_or_else(|| damaged(start, &format!("the column of {name} is missing")))?;
    input.skip(16);
    let (length, expected) = head.split_at(8);
    let mut check = Checksum::new();
    check.add(length);
    let left = length.iter().rev().fold(0, |value, &byte| value << 8 | u64::from(byte));
    let mut section = Section { input, left, check };
    let value = decompressed(&mut section, read).map_err(|error| match error.kind() {
        io::ErrorKind::Unsupported => ReadError::from_stream(&error, start),
        io::ErrorKind::OutOfMemory => outgrows(room, start),
        _ => damaged(start, &format!("the column of {name} cannot be read ({error})")),
    })?;
    if section.left > 0 || section.check.finish().to_le_bytes() != expected {
        return Err(damaged(start, &format!("the checksum of the column of {name} is wrong")));
    }
    Ok(value)
}

fn decompressed<T>(
    section: &mut Section<'_, '_>,
    read: impl FnOnce(&mut dyn BufRead) -> io::Result<T>,
) -> io::Result<T> {
    let mut compressed = BufReader::with_capacity(1 << 16, section);
    let frame = zstd_reader(&mut compressed, WINDOW_LOG, ZstdFrames::One)?;
    let mut plain = BufReader::with_capacity(1 << 16, frame);
    let value = read(&mut plain)?;
    let is_used_up = plain.fill_buf()?.is_empty();
    drop(plain);
    // All compressed bytes must belong to the frame.
    if is_used_up && compressed.fill_buf()?.is_empty() {
        return Ok(value);
    }
    Err(contradiction("it is too long"))
}

fn contradiction(what: &str) -> io::Error {
    io::Error::new(io::ErrorKind::InvalidData, what.to_owned())
}

/// The data of one column.
struct Section<'a, 'b> {
    input: &'a mut Input<'b>,
    left: u64,
    check: Checksum,
}

impl Read for Section<'_, '_> {
    fn read(&mut self, out: &mut [u8]) -> io::Result<usize> {
        let want = out.len().min(usize::try_from(self.left).unwrap_or(usize::MAX));
        let bytes = self.input.peek(want).map_err(|error| contradiction(&error.message))?;
        let got = bytes.len();
        out[..got].copy_from_slice(bytes);
        self.check.add(bytes);
        self.input.skip(got);
        self.left -= got as u64;
        Ok(got)
    }
}

/// Reads the columns of a trace of this header, in the room that it has.
#[derive(Clone, Copy)]
struct Reader<'a> {
    header: Header,
    room: &'a Room,
}

impl Reader<'_> {
    fn reserve<T>(self, list: &mut Vec<T>, more: usize, most: u64) -> io::Result<()> {
        let has_room = self.room.reserve(list, more, most as usize);
        if has_room { Ok(()) } else { Err(io::ErrorKind::OutOfMemory.into()) }
    }

    fn take(self, bytes: u64) -> io::Result<()> {
        if self.room.take(bytes) { Ok(()) } else { Err(io::ErrorKind::OutOfMemory.into()) }
    }

    fn numbers(self, bytes: &mut dyn BufRead) -> io::Result<Vec<Page>> {
        let mut numbers = Vec::new();
        let mut number = 0_u64;
        for _ in 0..self.header.pages {
            self.reserve(&mut numbers, 1, self.header.pages)?;
            let zigzag = varint(bytes)?;
            number = number.wrapping_add((zigzag >> 1) ^ (zigzag & 1).wrapping_neg());
            numbers.push(Page(number));
        }
        Ok(numbers)
    }

    fn run_pages(self, bytes: &mut dyn BufRead) -> io::Result<Vec<PageId>> {
        let header = self.header;
        let width = index_width(header.pages);
        let mut pages = Vec::new();
        let mut carry = Vec::new();
        while (pages.len() as u64) < header.runs {
            let block = bytes.fill_buf()?;
            let left = (header.runs - pages.len() as u64) as usize;
            if carry.is_empty() && block.len() >= width {
                let used = (block.len() / width).min(left) * width;
                self.reserve(&mut pages, used / width, header.runs)?;
                match width {
                    1 => pages.extend(block[..used].iter().map(|&page| PageId::from(page))),
                    2 => pages.extend(
                        block[..used]
                            .as_chunks()
                            .0
                            .iter()
                            .map(|&p| PageId::from(u16::from_le_bytes(p))),
                    ),
                    _ => pages.extend(
                        block[..used].as_chunks().0.iter().map(|&page| PageId::from_le_bytes(page)),
                    ),
                }
                bytes.consume(used);
                continue;
            }
            // An index lies across two blocks.
            carry.push(byte(bytes)?);
            if carry.len() == width {
                self.reserve(&mut pages, 1, header.runs)?;
                pages
                    .push(carry.iter().rev().fold(0, |page, &byte| page << 8 | PageId::from(byte)));
                carry.clear();
            }
        }
        pages.shrink_to_fit();
        Ok(pages)
    }

    fn run_lengths(self, bytes: &mut dyn BufRead) -> io::Result<RankedBits> {
        let header = self.header;
        // A bit for each access, and their ranks.
        self.take(header.accesses / 6)?;
        let mut heads = RankedBits::default();
        let mut runs = 0;
        while runs < header.runs {
            // Nearly all runs are shorter than 129 accesses and take a byte.
            let block = bytes.fill_buf()?;
            let left = usize::try_from(header.runs - runs).unwrap_or(usize::MAX);
            let short = &block[..block.len().min(left)];
            let short =
                &short[..short.iter().position(|&more| more >= 0x80).unwrap_or(short.len())];
            let count = short.len();
            if count > 0 {
                if header.accesses - heads.len() < count as u64 + sum(short) {
                    return Err(contradiction("the runs have more accesses than the trace"));
                }
                heads.push_runs(short);
                bytes.consume(count);
                runs += count as u64;
                continue;
            }
            let more = varint(bytes)?;
            if header.accesses - heads.len() <= more {
                return Err(contradiction("the runs have more accesses than the trace"));
            }
            heads.push(true);
            heads.push_zeros(more);
            runs += 1;
        }
        if heads.len() != header.accesses {
            return Err(contradiction("the runs have fewer accesses than the trace"));
        }
        heads.finish();
        Ok(heads)
    }

    fn times(self, bytes: &mut dyn BufRead) -> io::Result<Times> {
        self.take(4 * self.header.accesses)?;
        let mut times = Times::default();
        let mut time = varint(bytes)?;
        times.since(time);
        for _ in 0..self.header.accesses {
            time = time
                .checked_add(varint(bytes)?)
                .ok_or_else(|| contradiction("a time has more than 64 bits"))?;
            let _ = times.push(time); // They rise, as they are differences.
        }
        Ok(times)
    }

    fn frees(self, bytes: &mut dyn BufRead, trace: &Columns) -> io::Result<Frees> {
        let count = varint(bytes)?;
        let wrong = || contradiction("it frees a page that is not in use");
        let (mut runs, mut pages, mut run) = (Vec::new(), Vec::new(), 0_u64);
        for _ in 0..count {
            self.reserve(&mut runs, 1, count)?;
            self.reserve(&mut pages, 1, count)?;
            run = run.saturating_add(varint(bytes)?);
            runs.push(u32::try_from(run).map_err(|_| wrong())?);
            pages.push(PageId::try_from(varint(bytes)?).map_err(|_| wrong())?);
        }
        let frees = Frees::of(runs, pages, trace.run_pages(), trace.first_runs());
        frees.filter(|_| count > 0).ok_or_else(wrong)
    }

    fn kinds(self, bytes: &mut dyn BufRead, trace: &Columns) -> io::Result<Kinds> {
        self.take(self.header.accesses / 4)?;
        let mut of_page = vec![0; trace.distinct_pages()];
        bytes.read_exact(&mut of_page)?;
        if of_page.iter().any(|&kind| kind > MIXED) {
            return Err(contradiction("a page has an unknown kind"));
        }
        let by_spans = self.header.flags & HAS_SPANS != 0;
        let mut kinds = Kinds::default();
        for run in trace.runs(0, trace.accesses()) {
            let of_page = of_page[run.page as usize];
            if of_page != MIXED {
                kinds.push_many(kind_of(of_page)?, run.accesses);
                continue;
            }
            let mut left = run.accesses;
            while left > 0 {
                let code = byte(bytes)?;
                let (code, accesses) = match code.checked_sub(LAST_SPAN) {
                    _ if !by_spans => (code, 1),
                    Some(code) => (code, left),
                    None => (code, varint(bytes)?),
                };
                if accesses == 0 || accesses > left {
                    return Err(contradiction("a span of kinds has the wrong length"));
                }
                kinds.push_many(kind_of(code)?, accesses);
                left -= accesses;
            }
        }
        Ok(kinds)
    }
}

fn kind_of(code: u8) -> io::Result<AccessKind> {
    let kind = AccessKind::ALL.get(usize::from(code)).copied();
    kind.ok_or_else(|| contradiction("an access has an unknown kind"))
}

fn varint(bytes: &mut dyn BufRead) -> io::Result<u64> {
    let number = leb128::read(|| byte(bytes))?;
    number.ok_or_else(|| contradiction("a number has more than 64 bits"))
}

#[inline]
fn byte(bytes: &mut dyn BufRead) -> io::Result<u8> {
    let first = bytes.fill_buf()?.first().copied();
    let first = first.ok_or_else(|| contradiction("it is too short"))?;
    bytes.consume(1);
    Ok(first)
}

/// The first run of each page, and the runs of the page of the run before, which only a free
/// begins; checks that pages are numbered in first-seen order.
fn first_runs(pages: &[PageId], header: Header) -> Result<(Vec<u32>, Vec<u32>), ReadError> {
    let (mut first_runs, mut repeats) = (Vec::new(), Vec::new());
    let mut before = PageId::MAX;
    let mut orderly = true;
    for (run, &page) in pages.iter().enumerate() {
        if page as usize >= first_runs.len() {
            orderly &= page as usize == first_runs.len();
            first_runs.push(run as u32);
        }
        if page == before {
            repeats.push(run as u32);
        }
        before = page;
    }
    if orderly && first_runs.len() as u64 == header.pages {
        return Ok((first_runs, repeats));
    }
    Err(damaged(HEADER as u64, "the runs do not use the pages in first-seen order"))
}

fn reduction(bytes: &mut dyn BufRead) -> io::Result<Reduction> {
    let (frames, resolution) = (varint(bytes)?, varint(bytes)?);
    if frames < 2 {
        return Err(contradiction("it is reduced for fewer than 2 frames"));
    }
    Ok(Reduction { frames, resolution: Some(resolution).filter(|&accesses| accesses > 0) })
}
