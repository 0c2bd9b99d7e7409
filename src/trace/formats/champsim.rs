//! `champsim`: ChampSim's instruction records of 64 bytes, little-endian.
//!
//! `u64` instruction address, `u8` is-branch, `u8` taken, two and four `u8` registers, two `u64`
//! addresses written, four `u64` addresses read; an address of 0 is none. Each record makes an
//! instruction fetch, then its reads, then its writes. (ChampSim, `inc/trace_instruction.h`.) The
//! cloudsuite variant has 88 bytes: read it as `struct`.

use super::{ADDRESSES, FormatKind, Head, Pages, Source, Verdict};
use crate::trace::input::Input;
use crate::trace::read::ReadError;
use crate::trace::store::{AccessKind, TraceBuilder};

pub(super) const KIND: FormatKind = FormatKind {
    name: "champsim",
    summary: "ChampSim's instruction records of 64 bytes",
    source: "ChampSim, inc/trace_instruction.h",
    extensions: &["champsim", "champsimtrace"],
    options: ADDRESSES,
    looks_like,
    read,
};

const RECORD: usize = 64;

fn looks_like(head: &Head<'_>) -> Verdict {
    let (records, rest) = head.bytes.as_chunks::<RECORD>();
    let plausible = records.iter().all(|record| record[8] <= 1 && record[9] <= 1);
    if records.is_empty() || !plausible || (head.whole && !rest.is_empty()) {
        return Verdict::No;
    }
    Verdict::Perhaps
}

fn read(
    input: &mut Input<'_>,
    builder: &mut TraceBuilder,
    source: &Source<'_>,
) -> Result<Vec<String>, ReadError> {
    let pages = Pages::of(source.options)?;
    while let Some(block) = input.records(RECORD)? {
        for record in block.as_chunks::<RECORD>().0 {
            let words = record.as_chunks::<8>().0;
            let word = |at: usize| u64::from_le_bytes(words[at]);
            let writes = [2, 3].map(|at| (word(at), AccessKind::Store));
            let reads = [4, 5, 6, 7].map(|at| (word(at), AccessKind::Load));
            let data = reads.into_iter().chain(writes).filter(|(address, _)| *address != 0);
            for (address, kind) in std::iter::once((word(0), AccessKind::Fetch)).chain(data) {
                // One byte cannot cross the end of the address space.
                let _ = pages.touch(builder, address, 1, Some(kind));
            }
        }
        if builder.overflowed() {
            break;
        }
    }
    Ok(Vec::new())
}
