//! Traces: the page accesses of a VM, stored once and shared by every run that replays them.

pub mod store;
pub mod read;
pub mod formats;
pub mod compression;
pub mod compact;
pub mod convert;
pub mod info;
pub mod workloads;
mod content_hash;
mod input;
mod intern;
mod bits;

pub use content_hash::content_hash;
pub use read::{ReadError, ReadErrorKind, read_trace};
pub use store::{Kind, PageId, Run, Trace, TraceBuilder};
