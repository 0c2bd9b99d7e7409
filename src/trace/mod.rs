//! Traces: the page accesses of a VM, stored once and shared by every run that replays them.

mod bits;
pub mod cache;
mod codecs;
pub mod compact;
pub mod compression;
mod content_hash;
pub mod convert;
pub mod curve;
pub mod distances;
pub mod formats;
pub mod future;
pub mod index;
pub mod info;
mod input;
mod intern;
pub mod read;
pub mod reduce;
pub mod shards;
pub mod store;
pub mod times;
pub mod workloads;

pub use content_hash::{ContentHash, content_checksum, content_hash};
pub use read::{ReadError, ReadErrorKind, read_trace};
pub use store::{AccessKind, PageId, Run, Trace, TraceBuilder};
