//! balloonist replays the page accesses of several VMs on one host under any memory-balancing
//! policy, and says exactly what each policy would have cost.
//!
//! A scenario is read into a [`Document`](scenario::Document), checked, and run; what comes out is
//! counts, which [`store`] makes into tables:
//!
//! ```
//! use balloonist::store::vms;
//! use balloonist::scenario::Document;
//! use balloonist::simulate::simulate;
//! use balloonist::watch::NullWatcher;
//!
//! let text = r#"
//!     host.memory = 4
//!     checkpoint.every = 3
//!     policy.kind = "last-n"
//!     [[vm]]
//!     name = "web"
//!     trace.pages = [1, 2, 3, 1, 2, 3, 1, 2, 3]
//!     [[vm]]
//!     name = "idle"
//!     trace.pages = [7, 7, 7, 7, 7, 7, 7, 7, 7]
//! "#;
//! let checked = Document::from_toml("mine.toml", text.as_bytes()).check();
//! let scenario = checked.unwrap_or_else(|errors| panic!("{}", errors.render(false))).scenario;
//! let outcome = simulate(&scenario, scenario.policy, &mut NullWatcher).unwrap();
//! // Two frames fault on three pages in turn; the third frame, moved at tick 3, ends that.
//! assert_eq!(outcome.vms[0].counts.demand_faults, 4);
//! assert_eq!(outcome.vms[1].counts.demand_faults, 1);
//!
//! let table = vms::table(&scenario, &outcome);
//! assert!(table.to_csv().contains("\nmine,last-n,3,1,web,9,5,4,3,1,"));
//! ```
//!
//! ARCHITECTURE.md says where everything is and what may be relied on.

pub mod account;
pub mod balance;
pub mod bound;
pub mod conclude;
pub mod host;
pub mod meets;
mod movement;
pub mod number;
pub mod observe;
pub mod params;
pub mod partition;
pub mod random;
pub mod render;
pub mod replace;
pub mod reproduce;
pub mod scenario;
pub mod shares;
pub mod simulate;
pub mod store;
pub mod sweep;
pub mod table;
pub mod trace;
pub mod units;
mod vm;
pub mod watch;
