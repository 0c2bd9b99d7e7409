//! Output: results become bytes.

pub mod walk;
