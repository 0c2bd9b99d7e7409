//! balloonist replays the page accesses of several VMs on one host under any memory-balancing
//! policy, and says exactly what each policy would have cost.
//!
//! # Run a scenario
//! A scenario is read into a [`Document`](scenario::Document), checked, and run by
//! [`simulate`](simulate::simulate). The result is an [`Outcome`](account::Outcome), from which
//! [`store`] builds tables:
//!
//! ```
//! use balloonist::scenario::Document;
//! use balloonist::simulate::simulate;
//! use balloonist::store::vms;
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
//! let outcome = simulate(&scenario, scenario.policy, &mut NullWatcher)?;
//! // A loop over three pages always faults in two frames; the third frame, moved at tick 3, ends
//! // that.
//! assert_eq!(outcome.vms[0].counts.demand_faults, 4);
//! assert_eq!(outcome.vms[1].counts.demand_faults, 1);
//!
//! let table = vms::table(&scenario, &outcome);
//! assert!(table.to_csv().contains("\nmine,last-n,3,1,web,9,5,4,3,1,"));
//! # Ok::<(), balloonist::simulate::RunError>(())
//! ```
//!
//! # Compare policies
//! [`balance::ALL`] has every policy. [`Scenario::fits`](scenario::Scenario::fits) tells which can
//! run a scenario, and [`bound`] computes what no policy can beat:
//!
//! ```
//! use balloonist::scenario::Document;
//! use balloonist::watch::NullWatcher;
//! use balloonist::{balance, bound, simulate::simulate};
//!
//! let text = b"2\n9 1 2 3 1 2 3 1 2 3\n9 7 7 7 7 7 7 7 7 7\n";
//! let mut document = Document::from_dat("two.dat", text);
//! document.set("host.memory=4");
//! let scenario = document.check().unwrap().scenario;
//! let mut faults = Vec::new();
//! for policy in balance::ALL.iter().filter(|policy| scenario.fits(policy).is_ok()) {
//!     let outcome = simulate(&scenario, policy, &mut NullWatcher)?;
//!     faults.push((outcome.all.counts.demand_faults, policy.name));
//! }
//! let least = bound::all(&scenario).iter().map(|bound| bound.demand_faults).min();
//! // Each of the four pages faults at least once in any run.
//! assert_eq!(least, Some(4));
//! assert!(faults.iter().all(|&(faults, _)| faults >= 4));
//! assert!(faults.contains(&(10, "static")));
//! assert!(faults.iter().any(|&(faults, _)| faults < 10));
//! # Ok::<(), balloonist::simulate::RunError>(())
//! ```
//!
//! # Run a policy of your own
//! A policy turns what a hypervisor can know ([`View`](balance::View)) into target allocations
//! ([`Plan`](balance::Plan)). It need not be in the list. `examples/own-policy/` is a complete
//! crate:
//!
//! ```
//! use balloonist::balance::{Plan, Policy, PolicyError, View};
//! use balloonist::random::Stream;
//! use balloonist::scenario::Document;
//! use balloonist::simulate::{PolicyRun, Simulation};
//! use balloonist::units::Frames;
//! use balloonist::watch::NullWatcher;
//!
//! /// Gives every VM its minimum, and the rest to the first.
//! struct FirstFirst;
//!
//! impl Policy for FirstFirst {
//!     fn plan(&mut self, view: &View, _: &mut Stream) -> Result<Plan, PolicyError> {
//!         let mut targets: Vec<Frames> = view.vms.iter().map(|vm| vm.bounds.min).collect();
//!         let left = view.host - targets.iter().copied().sum();
//!         targets[0] = view.vms[0].bounds.clamp(targets[0] + left);
//!         Ok(Plan(targets))
//!     }
//! }
//!
//! let mut document = Document::from_dat("two.dat", b"2\n6 1 2 3 1 2 3\n6 7 7 7 7 7 7\n");
//! document.set("host.memory=4");
//! let scenario = document.check().unwrap().scenario;
//! let mine = PolicyRun::new("first-first", Box::new(FirstFirst));
//! let outcome = Simulation::new(&scenario, mine, &mut NullWatcher).run()?;
//! assert_eq!((outcome.policy.as_str(), outcome.vms[0].frames.last), ("first-first", Frames(3)));
//! # Ok::<(), balloonist::simulate::RunError>(())
//! ```
//!
//! # Read a trace and its curve
//! [`formats`] recognises some twenty formats; [`trace::curve`] gives the demand faults of LRU at
//! every number of frames. Compressed traces need the features `xz` and `zstd`:
//!
//! ```
//! use balloonist::formats::read_trace;
//! use balloonist::trace::curve;
//!
//! let trace = read_trace("tests/traces/plain.txt".as_ref(), "auto")?;
//! let faults = curve::lru_faults(&trace, trace.accesses());
//! // With no frame every access faults; with enough, only the first to each page.
//! assert_eq!(faults.first(), Some(&trace.accesses()));
//! assert_eq!(faults.last(), Some(&(trace.distinct_pages() as u64)));
//! # Ok::<(), balloonist::formats::ReadError>(())
//! ```
//!
//! # Watch a run
//! A [`Watcher`](watch::Watcher) is shown arrivals, checkpoints and, if it asks for them, all
//! accesses:
//!
//! ```
//! use balloonist::scenario::Document;
//! use balloonist::simulate::simulate;
//! use balloonist::watch::{Access, Watcher};
//!
//! /// Counts the faults of each tick.
//! struct Faults(Vec<u64>);
//!
//! impl Watcher for Faults {
//!     fn wants_accesses(&self) -> bool {
//!         true
//!     }
//!
//!     fn access(&mut self, access: &Access<'_>) {
//!         self.0[access.at.0 as usize] += access.counts.demand_faults;
//!     }
//! }
//!
//! let document = Document::from_dat("two.dat", b"2\n4 1 2 1 2\n4 7 7 7 8\n");
//! let scenario = document.check().unwrap().scenario;
//! let mut faults = Faults(vec![0; 4]);
//! simulate(&scenario, scenario.policy, &mut faults)?;
//! assert_eq!(faults.0, [2, 1, 0, 1]);
//! # Ok::<(), balloonist::simulate::RunError>(())
//! ```
//!
//! # Features
//! `cli` builds the program; without it the library needs no command-line crates. `xz` and `zstd`
//! read these compressions (and write the compact form in them), and need a C compiler. All are on
//! by default.
//!
//! # The other modules
//! [`conclude`] ranks outcomes, [`store`] and [`table`] make files of them, [`render`] draws them
//! and logs runs; [`sweep`] runs a grid of them and [`reproduce`] the 2011 report. [`replace`] has
//! the algorithms inside VMs, [`observe`] what measures them for a policy, [`account`] what a run
//! counts; [`params`], [`units`], [`number`], [`random`], [`host`] and [`meets`] have the types
//! that these share. ARCHITECTURE.md says where everything is and what may be relied on.

pub mod account;
pub mod balance;
pub mod bound;
pub mod conclude;
pub mod device;
pub mod formats;
pub mod host;
pub mod meets;
mod mom;
mod movement;
pub mod number;
pub mod observe;
pub mod params;
mod partition;
pub mod plan;
pub mod random;
pub mod reclaim;
pub mod render;
pub mod replace;
pub mod reproduce;
pub mod scenario;
pub mod share;
mod shares;
pub mod simulate;
pub mod store;
pub mod sweep;
pub mod table;
pub mod tier;
pub mod trace;
pub mod units;
mod vm;
pub mod watch;
