//! Sharing: pages of equal content in one frame, within a VM and across VMs.
//!
//! `content.rs` says what a page holds, `table.rs` which pages share frames, and a file a scanner
//! how equal pages are found; [`ALL`] lists the scanners. A *saving* is a mapping of a shared
//! frame beyond its first: the host has that many frames more to give (`host/savings.rs`). What a
//! VM does to its pages is heard beneath its replacement algorithm (`replace/shared_pages.rs`), and
//! `simulate/sharing.rs` brings the two together.
//!
//! A VM that writes to a shared page gets a copy, and one that evicts a shared page leaves the
//! frame to the others (a *hollow* frame). Either ends a saving, and takes a free frame; if none is
//! free the VM holds one frame less, or, at its minimum, the host owes one until the next control
//! event. So VMs meet at these accesses, where too few frames are free (`MEETS`).
//!
//! # Laws
//! saving = Σ (mappers − 1) over shared frames · all mappers of a frame hold equal contents ·
//! without writes, evictions and departures savings never fall · copies ≤ writes.
//! `tests/library/sharing.rs` checks them, after every event.

pub(crate) mod content;
mod esx;
mod ksm;
pub(crate) mod scanner;
pub(crate) mod table;

pub use content::{Holds, Source};
pub(crate) use scanner::{Looks, Pages, Scanner};

use crate::meets::Meets;
use crate::random::Stream;
use crate::units::{Frames, Ticks};

/// Where VMs that share meet.
pub(crate) const MEETS: Meets = Meets::AtDraws;

/// A scanner, as scenarios name it (`sharing.scanner`).
#[derive(Debug)]
#[non_exhaustive]
pub struct ScannerKind {
    /// The name in scenario files.
    pub name: &'static str,
    /// What it does, in one sentence without a full stop.
    pub summary: &'static str,
    /// Authors, title, venue and year of what it models.
    pub follows: &'static str,
    /// The pages looked at in a scan by default.
    pub pages: u64,
    /// The most pages in a frame by default.
    pub max_sharing: u64,
    /// Makes it, for VMs of so many pages; it may draw from the stream "sharing".
    pub(crate) build: Build,
}

impl PartialEq for ScannerKind {
    fn eq(&self, other: &Self) -> bool {
        self.name == other.name
    }
}

impl Eq for ScannerKind {}

/// Makes a scanner.
pub(crate) type Build = fn(&SharingSpec, &[usize], &dyn Fn() -> Stream) -> Box<dyn Scanner>;

/// Every scanner, in the order in which they are listed. The first is the default.
pub const ALL: &[ScannerKind] = &[ksm::KIND, esx::KIND];

/// How a host shares pages.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct SharingSpec {
    /// Who finds equal pages.
    pub scanner: &'static ScannerKind,
    /// Ticks from one scan to the next; at least 1.
    pub every: Ticks,
    /// The most pages looked at in a scan; at least 1.
    pub pages: u64,
    /// The most of them in one VM, where VMs are looked at one by one; at least 1.
    pub per_vm: u64,
    /// The most pages in one frame; at least 2.
    pub max_sharing: u64,
    /// Whether pages of zeros share the host's own page of zeros, which costs no frame.
    pub zero_pages: bool,
}

/// How a host scans from now on: what a policy may set.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Scanning {
    /// Ticks from one scan to the next; at least 1.
    pub every: Ticks,
    /// The most pages looked at in a scan; 0 if scans stop. What is shared stays so.
    pub pages: u64,
}

/// What sharing did to a VM's pages.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct SharingCounts {
    /// Looks of the scanner at a page.
    pub scanned: u64,
    /// Pages that the scanner put into a frame which others map.
    pub merges: u64,
    /// Writes to pages of shared frames, each of which copies its page.
    pub copies: u64,
    /// Pages of shared frames that were evicted or freed.
    pub hollow: u64,
    /// Frames that the VM lost because a saving was gone and no frame was free.
    pub forced: u64,
}

impl SharingCounts {
    /// The counts since `before`.
    pub(crate) fn since(&self, before: &Self) -> Self {
        Self {
            scanned: self.scanned - before.scanned,
            merges: self.merges - before.merges,
            copies: self.copies - before.copies,
            hollow: self.hollow - before.hollow,
            forced: self.forced - before.forced,
        }
    }

    /// Adds other counts.
    pub(crate) fn add(&mut self, other: &Self) {
        // All fields are named, so that the compiler reports a new one that is missing here.
        let Self { scanned, merges, copies, hollow, forced } = *other;
        self.scanned += scanned;
        self.merges += merges;
        self.copies += copies;
        self.hollow += hollow;
        self.forced += forced;
    }
}

/// What sharing saved the host over a run.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct Savings {
    /// Scans since counting began.
    pub scans: u64,
    /// Passes over all pages that were completed.
    pub full_scans: u64,
    /// The frames saved, summed over the scans, after each of them.
    pub sum: u128,
    /// The most frames saved at a time.
    pub most: Frames,
    /// The most frames that the host owed at a time.
    pub debt: Frames,
}
