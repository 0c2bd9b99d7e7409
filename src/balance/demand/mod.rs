//! Policies that give each VM what it needs by itself: its working set, or what keeps its faults
//! rare.

pub(super) mod global_lru;
pub(super) mod pff;
pub(super) mod ws;
pub(super) mod ws_share;
