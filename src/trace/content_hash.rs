//! The hash of what a trace says, whatever file it came from.

use super::store::Trace;
use crate::random::{fnv1a, mix};

/// A 64-bit hash of a trace's accesses: page numbers, their order, and kinds and times if it
/// knows them.
///
/// The same accesses give the same hash from every format and on every machine, so manifests and
/// cache keys use it. It is no protection against forgery. It is computed when first asked for.
///
/// ```
/// use balloonist::trace::{Trace, content_hash};
/// let hash = content_hash(&Trace::from_pages([1, 1, 2]));
/// assert_eq!(hash, content_hash(&Trace::from_pages([1, 1, 2])));
/// assert_ne!(hash, content_hash(&Trace::from_pages([1, 2, 2])));
/// ```
pub fn content_hash(trace: &Trace) -> u64 {
    *trace.content_hash.get_or_init(|| computed(trace))
}

fn computed(trace: &Trace) -> u64 {
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
    // The last word has been multiplied once only; the high bits reach the low ones here.
    mix(mix(hash, 1), hash >> 32)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::trace::{AccessKind, TraceBuilder};
    use crate::units::Page;

    fn with_kinds(accesses: &[(u64, AccessKind)]) -> u64 {
        let mut builder = TraceBuilder::default();
        for &(page, kind) in accesses {
            builder.push_kind(Page(page), kind);
        }
        content_hash(&builder.finish())
    }

    fn with_times(accesses: &[(u64, u64)]) -> u64 {
        let mut builder = TraceBuilder::default();
        for &(page, time) in accesses {
            builder.push(Page(page));
            builder.at(time);
        }
        content_hash(&builder.finish())
    }

    #[test]
    fn the_hash_tells_pages_order_repeats_kinds_and_times_apart() {
        let hashes = [
            content_hash(&Trace::from_pages([])),
            content_hash(&Trace::from_pages([0])),
            content_hash(&Trace::from_pages([0, 0])),
            content_hash(&Trace::from_pages([0, 1])),
            content_hash(&Trace::from_pages([1, 0])),
            content_hash(&Trace::from_pages([0, 1, 0])),
            with_kinds(&[(0, AccessKind::Fetch), (1, AccessKind::Fetch)]),
            with_kinds(&[(0, AccessKind::Fetch), (1, AccessKind::Load)]),
            with_kinds(&[(0, AccessKind::Load), (1, AccessKind::Fetch)]),
            with_times(&[(0, 7), (1, 7)]),
            with_times(&[(0, 7), (1, 8)]),
        ];
        let distinct: std::collections::BTreeSet<u64> = hashes.into_iter().collect();
        assert_eq!(distinct.len(), hashes.len());
    }

    /// Cache keys and manifests of earlier versions must stay valid.
    #[test]
    fn the_hash_is_the_same_in_every_version() {
        assert_eq!(content_hash(&Trace::from_pages([1, 1, 2, 1 << 40])), 0xb1b2_148e_33b0_fff2);
    }
}
