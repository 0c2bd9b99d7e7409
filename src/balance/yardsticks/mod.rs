//! Yardsticks: policies that know the future, because an observer of theirs does. They say how far
//! rules stay from what could be reached, and are never ranked among them.

pub(super) mod epoch_dp;
pub(super) mod lru_min;
pub(super) mod opt_static;
