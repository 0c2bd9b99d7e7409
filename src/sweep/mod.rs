//! Sweeps: many runs of one scenario in parallel, with results that do not depend on the number of
//! threads.
//!
//! A [`Study`] runs every point of a grid in every repetition. Runs are numbered repetition by
//! repetition, so that runs with the same accesses are adjacent. All points of a repetition use the
//! same random streams.

pub mod journal;
pub mod statistics;

use std::ops::{Range, RangeInclusive};
use std::sync::Mutex;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};

use rayon::prelude::*;

use crate::scenario::{Diagnostics, Document, Grid, Scenario, TraceSource, Traces};
use crate::trace::{Trace, index};

/// How the repetitions of a sweep differ.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Repetitions {
    /// Consecutive seeds; each repetition equals `run` with that seed.
    Seeds(RangeInclusive<u64>),
    /// The scenario's seed with different streams; the first repetition equals `run`.
    Streams(u64),
}

impl Repetitions {
    /// Their number.
    pub fn count(&self) -> u64 {
        match self {
            Self::Seeds(seeds) => (seeds.end() - seeds.start()).saturating_add(1),
            Self::Streams(count) => *count,
        }
    }
}

/// All runs of a sweep.
///
/// ```
/// use balloonist::scenario::{Document, Traces};
/// use balloonist::simulate::simulate;
/// use balloonist::watch::NullWatcher;
/// use balloonist::sweep::Study;
///
/// let text = "host.memory = 4\ncheckpoint.every = 3\n\
///             [[vm]]\nname = 'web'\ntrace.pages = [1, 2, 3, 1, 2, 3, 1, 2, 3]\n\
///             [[vm]]\nname = 'idle'\ntrace.pages = [7, 7, 7, 7, 7, 7, 7, 7, 7]\n";
/// let mut document = Document::from_toml("mine.toml", text.as_bytes());
/// document.axis("policy.kind=static,last-n");
/// document.axis("host.memory=4..8*2");
/// let mut traces = Traces::default();
/// let scenario = document.check_with(&mut traces).unwrap().scenario;
/// let study = Study::new(document, &scenario, None, traces).unwrap();
/// let faults = (0..study.runs()).map(|run| {
///     let scenario = study.scenario(run).unwrap();
///     let outcome = simulate(&scenario, scenario.policy, &mut NullWatcher).unwrap();
///     (study.grid().name(study.run(run).0), outcome.all.counts.demand_faults)
/// });
/// assert_eq!(
///     faults.collect::<Vec<_>>(),
///     [
///         ("policy.kind=static host.memory=4".to_owned(), 10),
///         ("policy.kind=static host.memory=8".to_owned(), 4),
///         ("policy.kind=last-n host.memory=4".to_owned(), 5),
///         ("policy.kind=last-n host.memory=8".to_owned(), 4),
///     ]
/// );
/// ```
#[derive(Debug)]
pub struct Study {
    document: Document,
    grid: Grid,
    repetitions: Repetitions,
    seed: u64,
    traces: Traces,
    /// The scenarios of the points, if there are few and no accesses are generated.
    kept: Vec<Option<Scenario>>,
}

/// A point whose scenario has errors.
#[derive(Debug)]
pub struct BadPoint {
    /// The point's name in messages; empty if there is only one.
    pub name: String,
    /// What is wrong.
    pub diagnostics: Box<Diagnostics>,
}

impl Study {
    /// The most points for which the scenarios of the check are kept for the runs.
    const KEPT_MAX: u64 = 1024;

    /// The sweep of a checked document. Every point is checked before anything runs. No accesses
    /// are generated for the check, so a host memory given as a share of generated pages is checked
    /// only when a run starts.
    ///
    /// # Errors
    /// The points with errors, one for each distinct error.
    pub fn new(
        document: Document,
        scenario: &Scenario,
        seeds: Option<RangeInclusive<u64>>,
        mut traces: Traces,
    ) -> Result<Self, Vec<BadPoint>> {
        let grid = scenario.sweep.clone().unwrap_or_default();
        let document = document.without_sweep();
        let repetitions = seeds.map_or(Repetitions::Streams(grid.repeat), Repetitions::Seeds);
        let mut bad: Vec<BadPoint> = Vec::new();
        let mut kept = Vec::new();
        for point in 0..grid.points() {
            let at_point = document.at_point(&grid, point, scenario.seed, 0);
            match at_point.check_undrawn(&mut traces) {
                Ok(scenario) if grid.points() <= Self::KEPT_MAX => kept.push(scenario),
                Ok(_) => {}
                Err(diagnostics) => {
                    let text = diagnostics.render(false);
                    if bad.iter().all(|known| known.diagnostics.render(false) != text) {
                        bad.push(BadPoint { name: grid.name(point), diagnostics });
                    }
                    if bad.len() == BAD_MAX {
                        return Err(bad);
                    }
                }
            }
        }
        if !bad.is_empty() {
            return Err(bad);
        }
        Ok(Self { document, grid, repetitions, seed: scenario.seed, traces, kept })
    }

    /// The points.
    pub fn grid(&self) -> &Grid {
        &self.grid
    }

    /// The repetitions.
    pub fn repetitions(&self) -> &Repetitions {
        &self.repetitions
    }

    /// The traces that were read for the points.
    pub fn traces(&self) -> &Traces {
        &self.traces
    }

    /// The number of runs.
    pub fn runs(&self) -> u64 {
        self.grid.points() * self.repetitions.count()
    }

    /// The point of a run, its seed and its repetition.
    pub fn run(&self, run: u64) -> (u64, u64, u64) {
        let (point, repetition) = (run % self.grid.points(), run / self.grid.points());
        match &self.repetitions {
            Repetitions::Seeds(seeds) => (point, seeds.start() + repetition, 0),
            Repetitions::Streams(_) => (point, self.seed, repetition),
        }
    }

    /// The scenario of a run. Generated accesses are shared with runs of the same repetition whose
    /// scenarios are still alive; traces that many runs replay have an index.
    ///
    /// # Errors
    /// Checks that depend on the accesses generated for this repetition may fail.
    pub fn scenario(&self, run: u64) -> Result<Scenario, BadPoint> {
        let (point, seed, repetition) = self.run(run);
        let scenario = if let Some(Some(scenario)) = self.kept.get(point as usize) {
            Scenario { seed, repetition, ..scenario.clone() }
        } else {
            let document = self.document.at_point(&self.grid, point, seed, repetition);
            let checked = document.check_with(&mut self.traces.clone());
            let bad = |diagnostics| BadPoint { name: self.grid.name(point), diagnostics };
            checked.map_err(bad)?.scenario
        };
        if self.is_worth_an_index(&scenario) {
            scenario.index();
        }
        Ok(scenario)
    }

    /// Computes what all runs share, on all threads. Otherwise the first run would compute it while
    /// all others wait.
    pub fn prepare(&self, scenario: &Scenario) {
        if self.is_worth_an_index(scenario) {
            let counted = scenario.vms.par_iter().filter(|vm| vm.replacement.is_lru());
            counted.for_each(|vm| vm.trace.index());
        }
        let files: Vec<&Trace> = self.traces.files().collect();
        files.into_par_iter().for_each(|trace| {
            trace.content_hash();
        });
    }

    /// Whether the traces of such a scenario are replayed often enough for an index.
    fn is_worth_an_index(&self, scenario: &Scenario) -> bool {
        let runs = if is_drawn(scenario) { self.grid.points() } else { self.runs() };
        runs >= index::REPLAYS_MIN
    }

    /// The runs of shard `shard` of `shards`, counted from 1: contiguous blocks whose sizes differ
    /// by at most one.
    pub fn shard(&self, shard: u64, shards: u64) -> Range<u64> {
        let bound = |shard| (u128::from(self.runs()) * shard / u128::from(shards)) as u64;
        bound(u128::from(shard) - 1)..bound(u128::from(shard))
    }
}

/// The most points that are reported; more usually mean that an axis is wrong.
const BAD_MAX: usize = 8;

/// Whether the accesses of any VM are generated.
pub(crate) fn is_drawn(scenario: &Scenario) -> bool {
    scenario.vms.iter().any(|vm| matches!(vm.source, TraceSource::Workload(_)))
}

/// Calls `one` for each of these runs that is `wanted`, on all threads of the caller's pool. Each
/// thread keeps a run's scenario until it has the next one, so that adjacent runs can share data.
///
/// # Errors
/// The failure with the smallest run number. No run is started after a failure.
pub fn for_each<E: Send>(
    runs: Range<u64>,
    is_wanted: impl Fn(u64) -> bool + Sync,
    one: impl Fn(u64, &mut Option<Scenario>) -> Result<(), E> + Sync,
) -> Result<(), E> {
    let next = AtomicU64::new(runs.start);
    let stop = AtomicBool::new(false);
    let first: Mutex<Option<(u64, E)>> = Mutex::new(None);
    rayon::broadcast(|_| {
        let mut held = None;
        while !stop.load(Ordering::Relaxed) {
            let run = next.fetch_add(1, Ordering::Relaxed);
            if run >= runs.end {
                break;
            }
            if !is_wanted(run) {
                continue;
            }
            if let Err(failure) = one(run, &mut held) {
                stop.store(true, Ordering::Relaxed);
                // All runs with smaller numbers have been started and report their own failures.
                let mut first = first.lock().expect("no thread panics while it holds the lock");
                if first.as_ref().is_none_or(|(known, _)| run < *known) {
                    *first = Some((run, failure));
                }
            }
        }
    });
    match first.into_inner().expect("no thread panics while it holds the lock") {
        Some((_, failure)) => Err(failure),
        None => Ok(()),
    }
}
