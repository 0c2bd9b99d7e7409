//! Trace files: recognised, decompressed and read into a [`Trace`](crate::trace::Trace), and
//! written.
//!
//! [`ALL`] is the only list of formats: recognition, names, help and the loops of the tests are
//! derived from it.

pub mod compact;
pub mod compression;
pub mod info;
pub mod recording;
pub mod write;

mod cells;
mod clock;
mod codecs;
mod error;
mod input;
mod kind;
mod layout;
mod leb128;
mod operations;
mod options;
mod owner;
mod pages;
mod parts;
mod read;
mod recognise;
mod spaces;
mod table;

mod arc;
mod blkparse;
mod champsim;
mod csv;
mod damon;
mod dat;
mod din;
mod drmemtrace;
mod execlog;
mod foreign;
mod jsonl;
mod lackey;
mod lirs;
mod perf_script;
mod pinatrace;
mod presets;
mod raw;
mod structure;
mod text;
mod ucsd;
mod vscsi;

pub use error::{ReadError, ReadErrorKind};
pub use kind::{FormatKind, Head, Source, Verdict};
pub use options::ReadOptions;
pub use pages::PAGE_NUMBERS;
pub use read::{Loaded, Part, keep_largest, load, load_from, load_head, load_parts};
pub use read::{load_parts_from, read_trace};
pub use recognise::{find, of_extension, recognise};

/// Every format, in the order in which they are listed.
pub const ALL: &[FormatKind] = &[
    compact::KIND,
    text::KIND,
    raw::U32,
    raw::U64,
    dat::KIND,
    lackey::KIND,
    perf_script::KIND,
    execlog::KIND,
    drmemtrace::KIND,
    pinatrace::KIND,
    champsim::KIND,
    champsim::CLOUDSUITE,
    damon::KIND,
    csv::KIND,
    jsonl::KIND,
    presets::OS_COURSE,
    presets::ADDRESSES,
    presets::MSR,
    presets::SPC,
    presets::ALIBABA,
    presets::TENCENT,
    presets::SYSTOR,
    presets::CLOUDPHYSICS,
    vscsi::KIND,
    presets::TWITTER,
    blkparse::KIND,
    presets::FIU,
    presets::IBM,
    presets::GEM5,
    presets::RAMULATOR,
    presets::DRAMSIM,
    structure::STRUCT,
    structure::ORACLE_GENERAL,
    lirs::KIND,
    arc::KIND,
    din::KIND,
    ucsd::KIND,
];
