//! The report's three strategies (H. Wu, S. Wu and W. Zhang, "Simulation of memory management in
//! virtual machines", COEN 283 report, 2011).

mod counter;
pub(super) mod last_n;
pub(super) mod proportional;
pub(super) mod static_split;
