//! Traces: the page accesses of a VM, stored once and shared by every run that replays them.

pub mod store;
pub mod read;
pub mod formats;
pub mod compression;
mod input;
mod bits;
mod intern;

pub use read::{ReadError, ReadErrorKind, read_trace};
pub use store::{Kind, PageId, Run, Trace, TraceBuilder};
