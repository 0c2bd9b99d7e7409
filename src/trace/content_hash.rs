//! The hash of a trace's content, independent of its file format.

use std::fmt;

use super::columns::Columns;
use super::reduction::Reduction;
use crate::random::{fnv1a, mix};

/// The BLAKE3 hash of a trace's accesses: page numbers, their order, and kinds, times and frees if
/// it has them.
///
/// The same accesses give the same hash from every format and on every machine, and collisions
/// cannot be constructed, so manifests, journals and cache keys use it. It is computed on first
/// use.
///
/// ```
/// use balloonist::trace::Trace;
/// let hash = Trace::from_pages([1, 1, 2]).content_hash();
/// assert_eq!(hash, Trace::from_pages([1, 1, 2]).content_hash());
/// assert_ne!(hash, Trace::from_pages([1, 2, 2]).content_hash());
/// ```
///
/// Displayed as 64 hexadecimal digits.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct ContentHash([u8; 32]);

impl ContentHash {
    /// The hash of these accesses.
    pub(super) fn of(trace: &Columns) -> Self {
        let mut hasher = blake3::Hasher::new_derive_key("balloonist trace content 2");
        hasher.update(&trace.accesses().to_le_bytes());
        let mut block = vec![0; BLOCK];
        let mut runs = trace.runs(0, trace.accesses()).peekable();
        while runs.peek().is_some() {
            let (places, _) = block.as_chunks_mut::<RUN>();
            let mut filled = 0;
            for (place, run) in places.iter_mut().zip(&mut runs) {
                let page = trace.numbers()[run.page as usize].0;
                let word = u128::from(run.accesses) << 64 | u128::from(page);
                *place = word.to_le_bytes();
                filled += RUN;
            }
            hasher.update(&block[..filled]);
        }
        if let Some(words) = trace.kind_words() {
            hasher.update(b"kinds...");
            for words in words.chunks(BLOCK / 8) {
                block.clear();
                block.extend(words.iter().flat_map(|word| word.to_le_bytes()));
                hasher.update(&block);
            }
        }
        if let Some(times) = trace.times() {
            hasher.update(b"times...");
            for first in (0..times.len()).step_by(BLOCK / 8) {
                let words = first..times.len().min(first + (BLOCK / 8) as u64);
                block.clear();
                block.extend(words.flat_map(|at| times.elapsed(at).to_le_bytes()));
                hasher.update(&block);
            }
        }
        if let Some(frees) = trace.frees() {
            hasher.update(b"frees...");
            for (run, page) in frees.runs().iter().zip(frees.pages()) {
                hasher.update(&u64::from(*run).to_le_bytes());
                hasher.update(&trace.numbers()[*page as usize].0.to_le_bytes());
            }
        }
        Self(*hasher.finalize().as_bytes())
    }

    /// The hash as bytes.
    pub(crate) fn bytes(&self) -> &[u8; 32] {
        &self.0
    }
}

impl fmt::Display for ContentHash {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.iter().try_for_each(|byte| write!(out, "{byte:02x}"))
    }
}

/// Bytes hashed at a time.
const BLOCK: usize = 1 << 16;

/// Bytes of a run: its page number and its accesses.
const RUN: usize = 16;

/// A 64-bit checksum of a trace's accesses, stored in the header of a compact file. It detects
/// damage but, unlike [`ContentHash`], not forgery.
pub fn content_checksum(trace: &Columns) -> u64 {
    let mut hash = mix(fnv1a(b"balloonist/trace/1"), trace.accesses());
    for run in trace.runs(0, trace.accesses()) {
        hash = mix(hash, trace.numbers()[run.page as usize].0);
        hash = mix(hash, run.accesses);
    }
    if let Some(words) = trace.kind_words() {
        hash = mix(hash, u64::from_le_bytes(*b"kinds..."));
        hash = words.iter().fold(hash, |hash, &word| mix(hash, word));
    }
    if let Some(times) = trace.times() {
        hash = mix(hash, u64::from_le_bytes(*b"times..."));
        hash = (0..times.len()).fold(hash, |hash, at| mix(hash, times.elapsed(at)));
    }
    if let Some(frees) = trace.frees() {
        hash = mix(hash, u64::from_le_bytes(*b"frees..."));
        for (run, page) in frees.runs().iter().zip(frees.pages()) {
            hash = mix(mix(hash, (*run).into()), trace.numbers()[*page as usize].0);
        }
    }
    if let Some(Reduction { frames, resolution }) = trace.reduction() {
        hash = mix(hash, u64::from_le_bytes(*b"reduced."));
        hash = mix(mix(hash, frames), resolution.unwrap_or(0));
    }
    // The last word was multiplied only once; this mixes the high bits into the low ones.
    mix(mix(hash, 1), hash >> 32)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::trace::{AccessKind, Trace, TraceBuilder};
    use crate::units::Page;

    fn with_kinds(accesses: &[(u64, AccessKind)]) -> Trace {
        let mut builder = TraceBuilder::default();
        for &(page, kind) in accesses {
            builder.push_kind(Page(page), kind);
        }
        builder.finish()
    }

    fn with_times(accesses: &[(u64, u64)]) -> Trace {
        let mut builder = TraceBuilder::default();
        for &(page, time) in accesses {
            builder.push(Page(page));
            builder.at(time);
        }
        builder.finish()
    }

    /// Pages 0 and 1, of which one is freed at the end.
    fn with_free(page: u64) -> Trace {
        let mut builder = TraceBuilder::default();
        builder.push(Page(0));
        builder.push(Page(1));
        assert!(builder.free(Page(page)));
        builder.finish()
    }

    #[test]
    fn hashes_tell_pages_order_repeats_kinds_times_and_frees_apart() {
        let traces = [
            Trace::from_pages([]),
            Trace::from_pages([0]),
            Trace::from_pages([0, 0]),
            Trace::from_pages([0, 1]),
            Trace::from_pages([1, 0]),
            Trace::from_pages([0, 1, 0]),
            with_kinds(&[(0, AccessKind::Fetch), (1, AccessKind::Fetch)]),
            with_kinds(&[(0, AccessKind::Fetch), (1, AccessKind::Load)]),
            with_kinds(&[(0, AccessKind::Load), (1, AccessKind::Fetch)]),
            with_times(&[(0, 7), (1, 7)]),
            with_times(&[(0, 7), (1, 8)]),
            with_free(0),
            with_free(1),
        ];
        let hashes: std::collections::BTreeSet<_> =
            traces.iter().map(Trace::content_hash).collect();
        assert_eq!(hashes.len(), traces.len());
        let sums: std::collections::BTreeSet<_> =
            traces.iter().map(|trace| content_checksum(trace)).collect();
        assert_eq!(sums.len(), traces.len());
    }

    /// The checksum's steps are invertible, so a collision can be constructed. The content hash
    /// tells such traces apart.
    #[test]
    fn two_traces_of_one_checksum_have_two_hashes() {
        // The multiplier of `mix` and its inverse modulo 2^64.
        let constant = 0x9e37_79b9_7f4a_7c15_u64;
        let inverse = (0..6).fold(1_u64, |found, _| {
            found.wrapping_mul(2_u64.wrapping_sub(constant.wrapping_mul(found)))
        });
        let undone = |hash: u64, word: u64| hash.rotate_right(29).wrapping_mul(inverse) ^ word;
        let start = mix(fnv1a(b"balloonist/trace/1"), 2);
        let after = |page: u64| mix(mix(start, page), 1);
        // The pages (1, 2), and a page that after 7 leads to the same state.
        let wanted = mix(after(1), 2);
        let second = undone(wanted, after(7));
        let (one, other) = (Trace::from_pages([1, 2]), Trace::from_pages([7, second]));
        assert_eq!(content_checksum(&one), content_checksum(&other));
        assert_ne!(one.content_hash(), other.content_hash());
    }

    /// Compact files, cache keys and manifests of earlier versions must stay valid.
    #[test]
    fn both_are_the_same_in_every_version() {
        let trace = Trace::from_pages([1, 1, 2, 1 << 40]);
        assert_eq!(content_checksum(&trace), 0xb1b2_148e_33b0_fff2);
        // Made by another implementation of BLAKE3 from 8 bytes of length and 16 of each run.
        let expected = "ca3fed6c4c263f86fd894d58f10e756527a521b186ee0262f3190590fb9fa39b";
        assert_eq!(trace.content_hash().to_string(), expected);
    }
}
