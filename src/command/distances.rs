//! Stack distances before the runs: read from the user's cache or computed, for all traces at once.

use std::time::Instant;

use balloonist::scenario::Scenario;
use balloonist::trace::Trace;
use balloonist::trace::cache::{Cache, Warmed};
use rayon::prelude::*;

use super::{Context, cache};

/// Gives all traces of the scenario their distances.
pub(super) fn warm_all(scenario: &Scenario, context: &Context) {
    warm(&distinct(traces_of(scenario)), context);
}

/// The traces of the scenario's VMs.
pub(super) fn traces_of(scenario: &Scenario) -> impl Iterator<Item = &Trace> {
    scenario.vms.iter().map(|vm| &*vm.trace)
}

/// Each of these traces once, even if several VMs replay it.
pub(super) fn distinct<'a>(traces: impl Iterator<Item = &'a Trace>) -> Vec<&'a Trace> {
    let mut traces: Vec<&Trace> = traces.collect();
    traces.sort_by_key(|&trace| std::ptr::from_ref(trace) as usize);
    traces.dedup_by_key(|trace| std::ptr::from_ref(*trace) as usize);
    traces
}

/// Gives the traces their distances.
pub(super) fn warm(traces: &[&Trace], context: &Context) {
    let began = Instant::now();
    let cache = if context.common.no_cache { None } else { cache::of_user(context) };
    traces.par_iter().for_each(|trace| match &cache {
        Some((_, cache)) if Cache::is_worth_it(trace) => {
            if let Warmed::Computed(Err(error)) = cache.warm(trace, trace.content_hash()) {
                context.note(&format!("stack distances are not kept for the next time: {error}"));
            }
        }
        _ => drop(trace.distances()),
    });
    let accesses = traces.iter().map(|trace| trace.accesses()).sum();
    context.timing.note("distances", began.elapsed(), accesses);
}
