//! Traces: the page accesses of a VM, stored once and shared by every run that replays them.

pub mod cache;
pub mod curve;
pub mod distances;
pub mod read;
pub mod shards;
pub mod store;

pub use store::{PageId, Run, Trace, TraceBuilder};
