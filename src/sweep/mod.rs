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
/// `at_seed` makes the scenario of a seed, with accesses that are drawn from it; `done` is called
/// after each run, from any thread.
///
/// # Errors
/// The failure of the first seed that has no scenario.
pub fn seeds<E: Send>(
    seeds: RangeInclusive<u64>,
    policies: &[&PolicyKind],
    at_seed: impl Fn(u64) -> Result<Scenario, E> + Sync,
    done: impl Fn() + Sync,
) -> Result<Vec<Point>, E> {
    let one = |seed| {
        let scenario = at_seed(seed)?;
        let run = |(policy, kind): (usize, &&PolicyKind)| {
            let outcome = simulate(&scenario, kind, &mut Nobody);
            done();
            Point { seed, policy, all: outcome.all, fingerprint: outcome.fingerprint }
        };
        Ok(policies.iter().enumerate().map(run).collect())
    };
    let mut points = Vec::new();
    let (first, last) = seeds.into_inner();
    let mut next = Some(first);
    while let Some(from) = next.filter(|&from| from <= last) {
        let to = last.min(from.saturating_add(BLOCK - 1));
        next = to.checked_add(1);
        let by_seed: Vec<Result<Vec<Point>, E>> = (from..=to).into_par_iter().map(one).collect();
        // Taken in order, so that the failure that is told does not depend on the threads.
        for of_seed in by_seed {
            points.extend(of_seed?);
        }
    }
    Ok(points)
}

/// Seeds that are run between two looks at whether all went well; many more than threads.
const BLOCK: u64 = 4096;
