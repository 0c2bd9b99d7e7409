//! What people see of results: text, charts, pages and event logs, one file a format.
//!
//! Pure functions of results: no file, no clock, no path of the machine.

pub mod chart;
pub mod events;
pub mod figures;
pub mod html;
pub mod lesson;
pub(crate) mod narrator;
pub mod reproduce;
pub mod rounds;
pub mod run;
pub mod sparkline;
pub(crate) mod svg;
mod sweep_figures;
pub mod walk;
