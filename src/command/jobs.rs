//! Runs side by side: how many, on which threads, and whether they fit into memory.

use balloonist::scenario::{Scenario, TraceSource};
use balloonist::simulate::bytes_of_trace;
use rayon::ThreadPool;

use super::{Context, Failure, memory};

/// The most parallel runs; no machine has more processors.
pub(super) const MOST: i64 = 1024;

/// The threads for `runs` runs: as many as `--jobs` says, by default as many as there are cores.
pub(super) fn pool(jobs: Option<u16>, runs: u64) -> Result<ThreadPool, Failure> {
    let jobs = jobs.map_or_else(rayon::current_num_threads, usize::from);
    rayon::ThreadPoolBuilder::new()
        .num_threads(jobs.min(runs as usize))
        .build()
        .map_err(|error| Failure::Io(format!("cannot start threads: {error}")))
}

/// Fails if so many runs of a scenario at once do not fit into memory.
pub(super) fn plan_memory(
    scenario: &Scenario,
    at_once: usize,
    context: &Context,
) -> Result<(), Failure> {
    let runs = std::iter::repeat_n((scenario, scenario.policy), at_once);
    // Each run generates its own accesses; those of the first are already in memory.
    let drawn = scenario.vms.iter().filter(|vm| matches!(vm.source, TraceSource::Workload(_)));
    let drawn: u64 = drawn.map(|vm| bytes_of_trace(&vm.trace)).sum();
    memory::plan(runs, at_once, drawn * (at_once as u64 - 1), context)
}
