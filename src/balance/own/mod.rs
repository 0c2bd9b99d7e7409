//! Rules of the operator's own: files that a daemon reads, and the daemon itself.

pub mod exec;
pub(super) mod mom_rules;
