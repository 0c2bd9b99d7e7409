//! Rules of the operator's own: files that a daemon reads, and the daemon itself.

mod mom;
pub(super) mod mom_rules;
