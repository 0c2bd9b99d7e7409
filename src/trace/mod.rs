//! Traces: the page accesses of a VM, stored once and shared by every run that replays them.

mod access;
pub(crate) mod bits;
mod builder;
pub mod cache;
mod columns;
mod content_hash;
pub mod curve;
pub mod distances;
mod frees;
pub(crate) mod future;
mod holes;
pub mod index;
mod intern;
pub mod points;
pub mod random_groups;
pub mod reduce;
pub mod reduction;
pub mod reuse_times;
mod room;
pub mod shards;
mod shared;
pub mod tempo;
pub(crate) mod times;
pub mod workloads;

pub use access::{AccessKind, PageId, Run};
pub use builder::TraceBuilder;
pub use columns::Columns;
pub use content_hash::{ContentHash, content_checksum};
pub use frees::Frees;
pub use room::Room;
pub use shared::Trace;
