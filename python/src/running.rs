//! Runs one scenario under one policy.

use balloonist::account::Outcome;
use balloonist::bound::{History, opt_given};
use balloonist::scenario::Scenario;
use balloonist::simulate::{PolicyRun, RunError, Simulation};
use balloonist::store::series::Series;
use balloonist::store::thinned::Thinned;
use balloonist::watch::{Both, NullWatcher, Watcher};
use pyo3::prelude::*;

use crate::errors::PolicyError;
use crate::nest::Level;
use crate::raised;

/// What is recorded of a run beside its outcome.
#[derive(Clone, Copy, Debug, Default)]
pub struct Wanted {
    /// series.csv.
    pub series: bool,
    /// The faults of MIN under the policy's allocations.
    pub opt_given: bool,
}

/// A run that is over.
pub struct Ran {
    pub outcome: Outcome,
    pub thinned: Thinned,
    pub series: Option<String>,
    pub opt_given: Option<u64>,
}

/// Runs a scenario. After each event `check` may end the run, and so does what Python code in it
/// has raised. Called with Python detached.
pub fn run(
    scenario: &Scenario,
    policy: PolicyRun,
    wanted: Wanted,
    check: impl FnMut() -> PyResult<()>,
) -> PyResult<Ran> {
    let mut thinned = Thinned::from(scenario);
    let mut series = wanted.series.then(|| Series::new(scenario, Vec::new()));
    let mut history = wanted.opt_given.then(|| History::new(scenario));
    let (mut no_series, mut no_history) = (NullWatcher, NullWatcher);
    let in_file: &mut dyn Watcher = match &mut series {
        Some(series) => series,
        None => &mut no_series,
    };
    let in_history: &mut dyn Watcher = match &mut history {
        Some(history) => history,
        None => &mut no_history,
    };
    let mut recorded = Both(in_file, in_history);
    let mut watcher = Both(&mut thinned, &mut recorded);
    let outcome = watched(scenario, policy, &mut watcher, check)?;
    let opt_given = history.map(|history| opt_given(scenario, &history, &outcome));
    let series = series.map(|series| series.finish().expect("memory takes all bytes"));
    let series = series.map(|bytes| String::from_utf8(bytes).expect("names are UTF-8"));
    Ok(Ran { outcome, thinned, series, opt_given })
}

/// Likewise, with nothing recorded but what a watcher does.
pub fn watched(
    scenario: &Scenario,
    policy: PolicyRun,
    watcher: &mut dyn Watcher,
    mut check: impl FnMut() -> PyResult<()>,
) -> PyResult<Outcome> {
    let _level = Level::deeper()?;
    let mut simulation = Simulation::new(scenario, policy, watcher);
    if let Some(error) = raised::take() {
        return Err(error); // Of an algorithm that could not be made.
    }
    loop {
        let stepped = simulation.step();
        if let Some(error) = raised::take() {
            return Err(error);
        }
        check()?;
        if stepped.map_err(of_run)?.is_none() {
            return simulation.run().map_err(of_run);
        }
    }
}

fn of_run(error: RunError) -> PyErr {
    PolicyError::new_err(error.to_string())
}
