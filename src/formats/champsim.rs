//! `champsim` and `cloudsuite`: ChampSim's instruction records, little-endian.
//!
//! A record of 64 bytes: `u64` instruction address, `u8` is-branch, `u8` taken, two and four `u8`
//! registers, two `u64` addresses written, four `u64` addresses read; an address of 0 is none. The
//! `CloudSuite` variant has 96 bytes, for the compiler pads it: four and four registers, 6 bytes of
//! padding, four addresses written, four read, two `u8` that name the address space, 6 bytes of
//! padding. Each record makes an instruction fetch, then its reads, then its writes. (ChampSim,
//! `inc/trace_instruction.h`.)

use super::error::ReadError;
use super::input::Input;
use super::kind::{FormatKind, Head, Source, Verdict};
use super::options::ADDRESSES;
use super::owner::Owner;
use super::pages::Pages;
use crate::trace::{AccessKind, TraceBuilder};
pub(super) const KIND: FormatKind = FormatKind {
    name: "champsim",
    summary: "ChampSim's instruction records of 64 bytes",
    source: "ChampSim, inc/trace_instruction.h",
    extensions: &["champsim", "champsimtrace"],
    options: ADDRESSES,
    looks_like: |head| {
        let (records, rest) = head.bytes.as_chunks::<RECORD>();
        let plausible = records.iter().all(|record| record[8] <= 1 && record[9] <= 1);
        if records.is_empty() || !plausible || (head.whole && !rest.is_empty()) {
            return Verdict::No;
        }
        Verdict::Perhaps
    },
    read: |input, builder, source| {
        read::<RECORD>(input, builder, source, &[4, 5, 6, 7], &[2, 3], |_| b"")
    },
};

pub(super) const CLOUDSUITE: FormatKind = FormatKind {
    name: "cloudsuite",
    summary: "ChampSim's CloudSuite records of 96 bytes; a page of (address space, address)",
    source: "ChampSim, inc/trace_instruction.h",
    extensions: &["cloudsuite"],
    options: &["page_size", "key", "split"],
    looks_like: looks_like_cloudsuite,
    read: |input, builder, source| {
        const READS: &[usize] = &[7, 8, 9, 10];
        read::<CLOUDSUITE_RECORD>(input, builder, source, READS, &[3, 4, 5, 6], |r| &r[88..90])
    },
};

const RECORD: usize = 64;
const CLOUDSUITE_RECORD: usize = 96;

/// This many records with zeros in the padding identify the format.
const RECORDS_MIN: usize = 4;

fn looks_like_cloudsuite(head: &Head<'_>) -> Verdict {
    let (records, rest) = head.bytes.as_chunks::<CLOUDSUITE_RECORD>();
    let is_record = |record: &[u8; CLOUDSUITE_RECORD]| {
        let padding = record[18..24].iter().chain(&record[90..96]);
        let has_address = record[..8].iter().any(|&byte| byte != 0);
        record[8] <= 1 && record[9] <= 1 && has_address && padding.into_iter().all(|&b| b == 0)
    };
    if !records.iter().all(is_record) || records.is_empty() || (head.whole && !rest.is_empty()) {
        return Verdict::No;
    }
    if records.len() >= RECORDS_MIN { Verdict::Yes } else { Verdict::Perhaps }
}

fn read<const N: usize>(
    input: &mut Input<'_>,
    builder: &mut TraceBuilder,
    source: &Source<'_>,
    reads: &[usize],
    writes: &[usize],
    space: fn(&[u8; N]) -> &[u8],
) -> Result<Vec<String>, ReadError> {
    let pages = Pages::of(source.options)?;
    let mut owner = Owner::of(source, "asid")?;
    while let Some(block) = input.records(N)? {
        for record in block.as_chunks::<N>().0 {
            let words = record.as_chunks::<8>().0;
            let word = |at: usize| u64::from_le_bytes(words[at]);
            let space = space(record);
            if !space.is_empty() {
                let set = owner.set(builder, space, &[]);
                set.map_err(|why| ReadError::damaged(why.to_owned()))?;
            }
            let reads = reads.iter().map(|&at| (word(at), AccessKind::Load));
            let writes = writes.iter().map(|&at| (word(at), AccessKind::Store));
            let data = reads.chain(writes).filter(|(address, _)| *address != 0);
            for (address, kind) in std::iter::once((word(0), AccessKind::Fetch)).chain(data) {
                // One byte cannot cross the end of the address space.
                let _ = owner.touch(pages, builder, address, 1, Some(kind));
            }
        }
        if builder.overflowed() {
            break;
        }
    }
    let spaces = owner.spaces();
    let note = format!("read as pages of (address space, address), because {spaces} are named");
    Ok(if spaces > 1 { vec![note + "; `--key none` joins them"] } else { Vec::new() })
}
