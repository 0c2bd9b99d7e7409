//! balloonist replays the page accesses of several VMs on one host under any memory-balancing
//! policy, and says exactly what each policy would have cost.

pub mod balance;
pub mod bound;
pub mod host;
pub mod knobs;
pub mod random;
pub mod replace;
pub mod scenario;
pub mod shares;
pub mod simulate;
pub mod trace;
pub mod units;
