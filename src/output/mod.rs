//! Output: results to bytes, one file a format, nothing but pure functions of what was run.
//!
//! Nothing here opens a file or looks at a clock: whoever calls decides where the bytes go. All
//! tables are UTF-8 with LF and a header, rows in a stable order, ratios as [`Millionths`].

mod cell;
pub mod chart;
pub mod columns;
pub mod compare;
pub mod contest;
pub mod curves;
pub mod digest;
pub mod events;
pub mod expects;
pub mod figures;
pub mod golden;
pub mod html;
mod latex;
pub mod lesson;
mod life;
pub mod manifest;
pub mod mrc;
pub mod number;
pub mod outcomes;
pub mod reproduce;
pub mod results;
pub mod rounds;
pub mod run;
pub mod series;
pub mod sparkline;
pub mod svg;
pub mod sweep;
mod sweep_figures;
pub mod table;
pub mod thinned;
pub mod traces;
pub mod trail;
pub mod vms;
pub mod walk;

pub use number::{Millionths, SignedMillionths};
pub use table::{Cell, Format, Table};
