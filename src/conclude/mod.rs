//! Conclusions from results: verdicts, notes and expectations, in numbers and in sentences.
//!
//! It reads outcomes and knows of no file and no drawing.

pub mod compare;
pub mod contest;
pub mod expects;
pub(crate) mod life;
