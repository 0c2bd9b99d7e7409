//! Stored results: the columns and rows of each file, the manifest, digests and golden tables. Each
//! file has one schema here, used by its writer and its reader.
//!
//! Nothing here opens a file or reads a clock: the caller decides where the bytes go. Tables are
//! UTF-8 with LF and a header, rows in a stable order, ratios as
//! [`Millionths`](crate::number::Millionths).

pub mod compare;
pub mod curves;
pub mod digest;
pub mod golden;
pub mod manifest;
pub mod mixes;
pub mod mrc;
pub mod outcomes;
pub mod pivot;
pub mod plan;
pub mod points;
pub mod results;
pub mod row;
pub mod series;
pub mod sweep;
pub mod thinned;
pub mod traces;
pub mod trail;
pub mod tune;
pub mod vms;
