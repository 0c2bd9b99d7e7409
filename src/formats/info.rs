//! What there is to say about a trace.

use super::read::Loaded;
use crate::trace::ContentHash;
use crate::units::Page;

/// What `trace info` shows.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct TraceInfo {
    /// The format that the file was read as.
    pub format: &'static str,
    /// How it was compressed.
    pub compression: &'static str,
    /// Its size, decompressed.
    pub bytes: u64,
    /// Accesses.
    pub accesses: u64,
    /// Runs of accesses to one page.
    pub runs: u64,
    /// Distinct pages.
    pub distinct_pages: u64,
    /// The smallest page number.
    pub page_min: Page,
    /// The largest page number.
    pub page_max: Page,
    /// Fetches, loads, stores and modifies, if the trace has kinds.
    pub kinds: Option<[u64; 4]>,
    /// The hash of what the trace says, the same from every format.
    pub content_hash: ContentHash,
    /// What the user should know about how it was read.
    pub notes: Vec<String>,
}

impl TraceInfo {
    /// What there is to say about a trace that has just been read.
    pub fn of(loaded: &Loaded) -> Self {
        let trace = &loaded.trace;
        let numbers = trace.numbers().iter().copied();
        Self {
            format: loaded.format.name,
            compression: loaded.compression.name(),
            bytes: loaded.bytes,
            accesses: trace.accesses(),
            runs: trace.run_pages().len() as u64,
            distinct_pages: trace.distinct_pages() as u64,
            page_min: numbers.clone().min().unwrap_or_default(),
            page_max: numbers.max().unwrap_or_default(),
            kinds: trace.kind_counts(),
            content_hash: trace.content_hash(),
            notes: loaded.notes.clone(),
        }
    }
}
