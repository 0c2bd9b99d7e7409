//! The compact form: a trace as compressed columns, small, checksummed and quick to open.
//!
//! All integers are little-endian. A file is a header of 64 bytes and then the columns:
//!
//! | bytes | header |
//! |---|---|
//! | 0..8 | `b1 "balloon"` |
//! | 8..12, 12..16 | version (1); flags: 1 kinds, 2 times, 4 reduced, 8 frees, 16 spans of kinds |
//! | 16..24, 24..32, 32..40 | accesses, runs, distinct pages |
//! | 40..48 | the trace's [`content_checksum`](crate::trace::content_checksum()) |
//! | 48..56 | bytes of all columns |
//! | 56..64 | checksum of the bytes 0..56 |
//!
//! A column is 8 bytes of length, 8 bytes of checksum of the length and the data, then the data: a
//! zstd frame. The columns are
//! 1. page numbers in first-seen order, each the difference to the one before, zigzag LEB128;
//! 2. the page of each run, as an index into column 1: 1, 2 or 4 bytes, the fewest that fit;
//! 3. accesses of each run, minus 1, LEB128;
//! 4. if there are kinds: for each page its kind (0 fetch, 1 load, 2 store, 3 modify) if all its
//!    accesses have the same, else 4; then the kinds of all accesses to pages with a 4, in order,
//!    or, if there are spans of kinds, for each run of such a page the spans of accesses of one
//!    kind: the kind, plus 4 for the last span of the run, and for others its accesses, LEB128;
//! 5. if there are times: when the recording began, then for each access the nanoseconds since the
//!    access before, for the first since the beginning, LEB128;
//! 6. if it is [reduced](crate::trace::reduce): K, and the resolution or 0, LEB128;
//! 7. if its guest frees pages: how many times; then for each the runs since the free before and
//!    the page, as an index into column 1, LEB128.
//!
//! The repetitions of a program lie millions of accesses apart, which zstd finds in a window of
//! 32 MiB; predicting the next run from those before made the columns larger, not smaller. Every
//! bit is under a checksum whose steps are one-to-one, so no single flipped word goes unseen.

mod decode;
mod encode;

pub use encode::{write_compact, write_compact_fast};

use super::kind::FormatKind;
use crate::random::{fnv1a, mix};
use crate::trace::reduction::Reduction;

pub(super) const KIND: FormatKind = FormatKind {
    name: "balloonist",
    summary: "our own compact, checksummed form, with kinds or without",
    source: "our own",
    extensions: &["balloonist"],
    options: &["time"],
    looks_like: |head| decode::looks_like(head.bytes).into(),
    read: |input, builder, source| {
        let room = builder.room().clone();
        let trace = decode::read(input, source.options, &room)?;
        let mut notes = Vec::new();
        if let Some(Reduction { frames, resolution }) = trace.reduction() {
            let blocks = resolution.map(|block| format!(" and blocks of {block} accesses"));
            notes.push(format!("reduced for {frames} frames{}", blocks.unwrap_or_default()));
        }
        let wants_times = source.options.wants_times()?;
        if trace.times().is_some() && !wants_times {
            notes.push("its recorded times are not used; `--time recorded` does".to_owned());
        }
        builder.adopt(if wants_times { trace } else { trace.without_times() });
        Ok(notes)
    },
};

const MAGIC: [u8; 8] = *b"\xb1balloon";
const VERSION: u32 = 1;
const HEADER: usize = 64;
const HAS_KINDS: u32 = 1;
const HAS_TIMES: u32 = 2;
const IS_REDUCED: u32 = 4;
const HAS_FREES: u32 = 8;
const HAS_SPANS: u32 = 16;
/// All flags of this version.
const FLAGS: u32 = HAS_KINDS | HAS_TIMES | IS_REDUCED | HAS_FREES | HAS_SPANS;
/// Stands for a page whose accesses have several kinds.
const MIXED: u8 = 4;
/// Added to the kind of the last span of a run.
const LAST_SPAN: u8 = 4;
/// The logarithm of the bytes in which zstd looks for repetitions.
const WINDOW_LOG: u32 = 25;

/// What the header of a compact trace says.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Header {
    /// Accesses.
    pub accesses: u64,
    /// Runs.
    pub runs: u64,
    /// Distinct pages.
    pub pages: u64,
    /// What the trace has beside its pages.
    flags: u32,
    /// The trace's [`content_checksum`](crate::trace::content_checksum()).
    pub content_checksum: u64,
    /// Bytes of all columns.
    bytes: u64,
}

/// The bytes of an index below `pages`.
fn index_width(pages: u64) -> usize {
    match pages {
        0..=0x100 => 1,
        0x101..=0x1_0000 => 2,
        _ => 4,
    }
}

/// A checksum of bytes that come in pieces.
#[derive(Clone, Copy, Debug)]
struct Checksum {
    hash: u64,
    word: [u8; 8],
    bytes: u64,
}

impl Checksum {
    fn new() -> Self {
        Self { hash: fnv1a(b"balloonist/column/1"), word: [0; 8], bytes: 0 }
    }

    fn add(&mut self, mut bytes: &[u8]) {
        let filled = (self.bytes % 8) as usize;
        self.bytes += bytes.len() as u64;
        if filled > 0 {
            let (first, rest) = bytes.split_at(bytes.len().min(8 - filled));
            self.word[filled..filled + first.len()].copy_from_slice(first);
            bytes = rest;
            if filled + first.len() < 8 {
                return;
            }
            self.hash = mix(self.hash, u64::from_le_bytes(self.word));
        }
        let (words, rest) = bytes.as_chunks::<8>();
        self.hash = words.iter().fold(self.hash, |hash, &word| mix(hash, u64::from_le_bytes(word)));
        self.word[..rest.len()].copy_from_slice(rest);
    }

    fn finish(mut self) -> u64 {
        let filled = (self.bytes % 8) as usize;
        self.word[filled..].fill(0);
        let hash = mix(self.hash, u64::from_le_bytes(self.word));
        mix(hash, self.bytes)
    }
}

fn checksum(bytes: &[u8]) -> u64 {
    let mut checksum = Checksum::new();
    checksum.add(bytes);
    checksum.finish()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::formats::ReadErrorKind;
    use crate::formats::compression::Compression;
    use crate::formats::{ReadOptions, load_from};
    use crate::trace::reduce::reduce;
    use crate::trace::reduction::Reduction;
    use crate::trace::{AccessKind, Trace, TraceBuilder};
    use crate::units::Page;
    use proptest::prelude::*;

    #[test]
    fn what_is_written_fast_is_read_alike() {
        let trace =
            trace(&(0..5_000).map(|at| (at * at % 77, at as usize % 3)).collect::<Vec<_>>(), true);
        let mut bytes = Vec::new();
        write_compact_fast(&trace, &mut bytes).unwrap();
        let loaded = load_from(&bytes[..], "", None, &ReadOptions::default()).unwrap();
        assert_eq!(loaded.trace, trace);
    }

    fn saved(trace: &Trace) -> Vec<u8> {
        let mut bytes = Vec::new();
        write_compact(trace, &mut bytes).unwrap();
        bytes
    }

    fn trace(accesses: &[(u64, usize)], kinds: bool) -> Trace {
        let mut builder = TraceBuilder::default();
        for &(page, kind) in accesses {
            if kinds {
                builder.push_kind(Page(page), AccessKind::ALL[kind]);
            } else {
                builder.push(Page(page));
            }
        }
        builder.finish()
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(64))]

        #[test]
        fn what_is_written_is_read_again(
            accesses in prop::collection::vec(
                (prop_oneof![0_u64..4, 0_u64..1000, any::<u64>()], 0_usize..4), 1..2000),
            kinds in any::<bool>(),
        ) {
            let trace = trace(&accesses, kinds);
            let bytes = saved(&trace);
            let loaded = load_from(&bytes[..], "", None, &ReadOptions::default()).unwrap();
            prop_assert_eq!(loaded.trace.content_hash(), trace.content_hash());
            prop_assert_eq!(loaded.trace, trace);
            prop_assert_eq!(loaded.compression, Compression::None);
        }

        #[test]
        fn a_checksum_in_pieces_is_that_of_the_whole(
            bytes in prop::collection::vec(any::<u8>(), 0..100), cut in 0_usize..100,
        ) {
            let (first, rest) = bytes.split_at(cut.min(bytes.len()));
            let mut pieces = Checksum::new();
            pieces.add(first);
            pieces.add(rest);
            prop_assert_eq!(pieces.finish(), checksum(&bytes));
        }
    }

    #[test]
    fn times_are_read_again() {
        let mut builder = TraceBuilder::default();
        for (page, time) in [(7, 1 << 40), (7, 1 << 40), (9, (1 << 40) + 5), (7, u64::MAX)] {
            builder.push(Page(page));
            builder.at(time);
        }
        builder.since(3);
        let trace = builder.finish();
        let options = ReadOptions { time: Some("recorded".to_owned()), ..ReadOptions::default() };
        let loaded = load_from(&saved(&trace)[..], "", None, &options).unwrap();
        assert_eq!(loaded.trace, trace);
        assert_eq!(loaded.trace.times().unwrap().origin(), 3);
    }

    /// Pages 5 and 6, both freed, used again and then one freed at the end.
    fn with_frees() -> Trace {
        let mut builder = TraceBuilder::default();
        for page in [5, 6] {
            builder.push(Page(page));
            assert!(builder.free(Page(page)));
            builder.push(Page(page));
        }
        assert!(builder.free(Page(5)));
        builder.finish()
    }

    #[test]
    fn frees_are_read_again() {
        let trace = with_frees();
        let read = load_from(&saved(&trace)[..], "", None, &ReadOptions::default()).unwrap();
        assert_eq!(read.trace, trace);
        assert_eq!(read.trace.frees().unwrap().len(), 3);
    }

    #[test]
    fn a_reduction_is_read_again() {
        for resolution in [None, Some(10_000)] {
            let reduction = Reduction { frames: 32, resolution };
            let whole = trace(&[(7, 0), (9, 0), (7, 0), (9, 0), (7, 0)], false);
            let reduced = reduce(&whole, reduction).unwrap();
            let read = load_from(&saved(&reduced)[..], "", None, &ReadOptions::default()).unwrap();
            assert_eq!((read.trace.reduction(), &read.trace), (Some(reduction), &reduced));
            assert!(saved(&reduced) != saved(&whole));
        }
    }

    #[test]
    fn every_flipped_bit_and_every_cut_is_seen() {
        let accesses: Vec<(u64, usize)> =
            (0..300).map(|at| (at * at % 37, at as usize % 3)).collect();
        for bytes in [saved(&trace(&accesses, true)), saved(&with_frees())] {
            no_flip_or_cut_is_read(&bytes);
        }
    }

    fn no_flip_or_cut_is_read(bytes: &[u8]) {
        for bit in 0..bytes.len() * 8 {
            let mut flipped = bytes.to_vec();
            flipped[bit / 8] ^= 1 << (bit % 8);
            let options = ReadOptions { format: "balloonist".to_owned(), ..ReadOptions::default() };
            let result = load_from(&flipped[..], "", None, &options);
            assert!(result.is_err(), "bit {bit}");
        }
        for length in 0..bytes.len() {
            assert!(load_from(&bytes[..length], "", None, &ReadOptions::default()).is_err());
        }
        // A header that is right by its checksum and counts more bytes than any file has.
        let mut endless = bytes.to_vec();
        endless[HEADER - 16..HEADER - 8].copy_from_slice(&u64::MAX.to_le_bytes());
        let sum = checksum(&endless[..HEADER - 8]);
        endless[HEADER - 8..HEADER].copy_from_slice(&sum.to_le_bytes());
        let error = load_from(&endless[..], "", None, &ReadOptions::default()).unwrap_err();
        assert_eq!(error.kind, ReadErrorKind::Damaged);
        let longer = [bytes, b"x"].concat();
        let error = load_from(&longer[..], "", None, &ReadOptions::default()).unwrap_err();
        assert_eq!(error.kind, ReadErrorKind::Damaged);
    }
}
