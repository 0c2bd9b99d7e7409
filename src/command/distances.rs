//! Stack distances: loaded from the user's cache or computed before the runs, for all traces in
//! parallel.

use std::time::Instant;

use balloonist::scenario::Scenario;
use balloonist::trace::Trace;
use balloonist::trace::cache::{Cache, Loaded};
use rayon::prelude::*;

use super::{Context, cache};

/// Loads or computes the distances of all traces of the scenario.
pub(super) fn load_all(scenario: &Scenario, context: &Context) {
    load(&distinct(traces_of(scenario)), context);
}

/// The traces of the scenario's VMs.
pub(super) fn traces_of(scenario: &Scenario) -> impl Iterator<Item = &Trace> {
    scenario.vms.iter().map(|vm| &*vm.trace)
}

/// The distinct traces among these: several VMs may replay one trace.
pub(super) fn distinct<'a>(traces: impl Iterator<Item = &'a Trace>) -> Vec<&'a Trace> {
    let mut traces: Vec<&Trace> = traces.collect();
    traces.sort_by_key(|&trace| std::ptr::from_ref(trace) as usize);
    traces.dedup_by_key(|trace| std::ptr::from_ref(*trace) as usize);
    traces
}

/// Loads or computes the distances of these traces.
pub(super) fn load(traces: &[&Trace], context: &Context) {
    let began = Instant::now();
    let cache = if context.common.no_cache { None } else { cache::of_user(context) };
    traces.par_iter().for_each(|trace| match &cache {
        Some((_, cache)) if Cache::is_worth_it(trace) => {
            if let Loaded::Computed(Err(error)) = cache.load(trace, trace.content_hash()) {
                context.note(&format!("cannot write stack distances to the cache: {error}"));
            }
        }
        _ => drop(trace.distances()),
    });
    let accesses = traces.iter().map(|trace| trace.accesses()).sum();
    context.timing.note("distances", began.elapsed(), accesses);
}
