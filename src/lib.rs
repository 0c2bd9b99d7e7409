//! balloonist replays the page accesses of several VMs on one host under any memory-balancing
//! policy, and says exactly what each policy would have cost.

pub mod account;
pub mod balance;
pub mod bound;
pub mod host;
pub mod knobs;
mod movement;
pub mod observe;
pub mod output;
pub mod partition;
pub mod random;
pub mod replace;
pub mod reproduce;
pub mod scenario;
pub mod shares;
pub mod simulate;
pub mod sweep;
pub mod trace;
pub mod units;
mod vm;
pub mod watch;
