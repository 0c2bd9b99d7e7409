//! Output for people: text, charts, pages and event logs, one file per format.
//!
//! These are pure functions of results, without files, clocks or absolute paths.

pub mod chart;
pub mod checks;
pub mod events;
pub mod figures;
pub mod grid;
pub mod html;
pub mod lesson;
pub mod mrc;
pub(crate) mod narrator;
pub mod pdf;
pub mod plan;
pub mod reproduce;
pub mod rounds;
pub mod run;
pub mod sparkline;
pub(crate) mod svg;
mod sweep_figures;
mod timeline;
pub mod walk;

pub use svg::escaped;
