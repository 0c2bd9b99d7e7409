//! Policies that take memory until it hurts: stall time or the age of pages says when.

pub(super) mod damon_reclaim;
mod psi;
pub(super) mod senpai;
pub(super) mod senpai_oomd;
pub(super) mod tmo;
