//! Conclusions from results: verdicts, notes and expectations, in numbers and in sentences.
//!
//! This module reads outcomes; it knows no files and draws nothing.

pub mod anomaly;
pub mod compare;
pub mod contest;
pub mod expects;
pub(crate) mod life;
