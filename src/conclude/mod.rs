//! Conclusions from results: verdicts, notes and expectations, in numbers and in sentences.
//!
//! This module reads outcomes; it knows no files and draws nothing. Only `expects` starts runs:
//! those that a limit refers to and the caller has not made.

pub mod anomaly;
pub mod compare;
pub mod contest;
pub mod expects;
pub(crate) mod life;
pub mod plan;
pub mod whatif;
