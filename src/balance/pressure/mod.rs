//! Policies that take memory until it hurts: stall time says when.

pub(super) mod senpai;
pub(super) mod tmo;
