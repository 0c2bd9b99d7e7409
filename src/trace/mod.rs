//! Traces: the page accesses of a VM, stored once and shared by every run that replays them.

pub mod curve;
pub mod distances;
pub mod read;
pub mod store;

pub use store::{PageId, Run, Trace, TraceBuilder};
