//! Sweeps: many runs of one scenario, in parallel, with results that do not depend on how many
//! threads there were.

pub mod statistics;

use std::ops::RangeInclusive;

use rayon::prelude::*;

use crate::balance::PolicyKind;
use crate::scenario::Scenario;
use crate::simulate::{Account, Nobody, simulate};

/// One run of a sweep.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Point {
    /// The seed.
    pub seed: u64,
    /// The place of the policy in the list given.
    pub policy: usize,
    /// What all VMs together came to.
    pub all: Account,
    /// The run's fingerprint.
    pub fingerprint: u64,
}

/// Runs the scenario of each seed under each policy, in the thread pool of the caller; the points
/// come seed by seed, policy by policy. All policies of a seed see the same scenario.
///
/// `at_seed` makes the scenario of a seed; `done` is called after each run, from any thread.
pub fn seeds(
    seeds: RangeInclusive<u64>,
    policies: &[&PolicyKind],
    at_seed: impl Fn(u64) -> Scenario + Sync,
    done: impl Fn() + Sync,
) -> Vec<Point> {
    let by_seed: Vec<Vec<Point>> = seeds
        .into_par_iter()
        .map(|seed| {
            let scenario = at_seed(seed);
            let run = |(policy, kind): (usize, &&PolicyKind)| {
                let outcome = simulate(&scenario, kind, &mut Nobody);
                done();
                Point { seed, policy, all: outcome.all, fingerprint: outcome.fingerprint }
            };
            policies.iter().enumerate().map(run).collect()
        })
        .collect();
    by_seed.into_iter().flatten().collect()
}
