//! Sweeps.

use std::ops::RangeInclusive;
use std::path::PathBuf;
use std::sync::{Arc, Mutex, OnceLock};

use balloonist::conclude::contest::Contest;
use balloonist::scenario::{Document, Grid, Scenario, Traces};
use balloonist::simulate::simulate;
use balloonist::store::manifest;
use balloonist::store::pivot::Pivot;
use balloonist::store::points::{self, Summarised};
use balloonist::store::results::Results;
use balloonist::store::sweep as rows;
use balloonist::sweep::journal::Record;
use balloonist::sweep::{self, BadPoint, Study};
use balloonist::table;
use balloonist::watch::NullWatcher;
use pyo3::exceptions::{PyOSError, PyValueError};
use pyo3::prelude::*;

use crate::errors::{PolicyError, ScenarioError, of_scenario};
use crate::own::Classes;
use crate::results::{figure, figure_names, report, shown};
use crate::running;
use crate::tables::Table;
use crate::wait::{Signals, Task, progress, wait};

/// The seeds of a sweep without axes, as the command's.
const SEEDS: RangeInclusive<u64> = 1..=1000;

/// The most runs at a time, as the command's.
const JOBS_MAX: usize = 1024;

/// What a sweep varies beside what its scenario says.
pub struct Varied {
    /// Such as `host.memory=[2, 4]`.
    pub axes: Vec<String>,
    /// Such as `policy.kind=["static"]`.
    pub policies: Option<String>,
    /// The first and the last.
    pub seeds: Option<(u64, u64)>,
    pub repeat: Option<u64>,
    /// Such as `policy.kind="static"`.
    pub baseline: Vec<String>,
}

/// Many runs of one scenario. Draws itself in notebooks.
#[pyclass(frozen, module = "balloonist")]
pub struct Sweep {
    grid: Grid,
    repetitions: u64,
    study: manifest::Study,
    /// In the order of runs.
    records: Vec<Record>,
    results: OnceLock<Results>,
}

#[pymethods]
impl Sweep {
    /// A row for each VM of each run, and for all VMs together: the Table runs.csv.
    #[getter]
    fn runs(&self) -> Table {
        Table(rows::table(&self.grid, &self.rows()))
    }

    /// The statistics of each point's repetitions: the Table sweep.csv.
    #[getter]
    fn points(&self) -> Table {
        Table(self.statistics(false))
    }

    /// A pivot table: a row for each combination of the axes `rows`, a column for each value of the
    /// axis `columns` (by default the policy), and in each cell the mean of a point's repetitions.
    #[pyo3(signature = (metric="demand_faults", *, rows=Vec::new(), columns=None))]
    fn pivot(&self, metric: &str, rows: Vec<String>, columns: Option<&str>) -> PyResult<Table> {
        let pivot = Pivot::new(&self.grid, &rows, columns, metric);
        let mut pivot = pivot.map_err(PyValueError::new_err)?;
        let points = self.grid.points();
        for row in self.rows().iter().filter(|row| row.vm.vm == "all") {
            pivot.add(row.run % points, row);
        }
        Ok(Table(pivot.table(&self.grid)))
    }

    /// The sentences of the expectations that runs failed: list of str.
    #[getter]
    fn failed(&self) -> Vec<String> {
        self.records.iter().flat_map(|record| record.failed.iter().cloned()).collect()
    }

    /// What the sweep concludes: str.
    #[getter]
    fn verdict(&self) -> String {
        let mut faults = vec![0; self.grid.points() as usize];
        for (at, record) in self.records.iter().enumerate() {
            faults[at % self.grid.points() as usize] += u128::from(record.metrics[0]);
        }
        let first = rows::read_lines(&self.grid, &self.records[0].rows).unwrap_or_default();
        let policy = first.first().map_or("", |row| row.vm.policy.as_str());
        Contest::new(&self.grid, policy).verdict(&faults, self.repetitions)
    }

    /// The names of the figures: list of str.
    #[getter]
    fn figures(&self) -> Vec<String> {
        figure_names(self.results())
    }

    /// A figure by its name: SVG, str.
    fn figure(&self, name: &str) -> PyResult<String> {
        figure(self.results(), name)
    }

    /// Writes a self-contained HTML page with the verdict, tables and figures.
    fn report(&self, path: PathBuf) -> PyResult<()> {
        report(self.results(), &path)
    }

    fn __len__(&self) -> usize {
        self.records.len()
    }

    fn __repr__(&self) -> String {
        let size = rows::size(self.grid.points(), self.repetitions);
        format!("<Sweep of {}: {size}>", self.study.name)
    }

    fn _repr_html_(&self) -> String {
        let table = self.statistics(true);
        let columns = table.columns().iter().map(String::as_str);
        let columns: Vec<&str> =
            columns.filter(|column| !points::NOT_FOR_PEOPLE.contains(column)).collect();
        shown(self.results(), &table.select(&columns).without_empty_columns())
    }
}

impl Sweep {
    fn rows(&self) -> Vec<rows::RunRow> {
        let lines: String = self.records.iter().map(|record| record.rows.as_str()).collect();
        rows::read_lines(&self.grid, &lines).expect("these are rows of this sweep")
    }

    fn statistics(&self, for_people: bool) -> table::Table {
        let points = self.grid.points();
        let summarised = Summarised::default();
        let values = |point: u64| {
            let mut values = summarised.none();
            for record in self.records.iter().skip(point as usize).step_by(points as usize) {
                let added = summarised.add(&mut values, &self.grid, record);
                added.expect("these are rows of this sweep");
            }
            values
        };
        let mut table = points::summary(&self.grid, for_people);
        for point in 0..points {
            let baseline = self.grid.baseline_of(point).map(values);
            let own = values(point);
            summarised.push_point(&mut table, (&self.grid, point), &own, baseline.as_deref());
        }
        table
    }

    fn results(&self) -> &Results {
        self.results.get_or_init(|| {
            let study = self.study.clone();
            let runs = self.records.len() as u64;
            Results::of_sweep(study, self.grid.clone(), self.rows(), (runs, self.verdict()))
        })
    }
}

/// Runs a sweep.
pub fn run(
    py: Python<'_>,
    (varied, classes): (Varied, &Classes),
    mut document: Document,
    traces: Traces,
    jobs: Option<usize>,
    told: Option<&Bound<'_, PyAny>>,
) -> PyResult<Sweep> {
    if let Some(jobs) = jobs.filter(|jobs| !(1..=JOBS_MAX).contains(jobs)) {
        let text = format!("jobs is {jobs}, expected 1 to {JOBS_MAX}");
        return Err(PyValueError::new_err(text));
    }
    classes.allow_in(&mut document);
    let (study, scenario) = wait(py, None, move |_| open(varied, document, traces))??;
    let grid = study.grid().clone();
    let repetitions = study.repetitions().clone();
    let of = manifest::Study::of_sweep(&scenario, repetitions.clone(), study.traces().files());
    let bar = progress(py, told, study.runs())?;
    let is_own: Vec<bool> = (0..grid.points()).map(|point| classes.run_at(&grid, point)).collect();
    let own = |run: &u64| is_own[(run % grid.points()) as usize];
    let own: Vec<u64> = (0..study.runs()).filter(own).collect();
    let study = Arc::new(study);
    let shared = Arc::clone(&study);
    let others = move |task: &Task| in_parallel(&shared, &scenario, (jobs, &is_own), task);
    let mut records = wait(py, bar.as_ref(), others)??;
    let others = study.runs() - own.len() as u64;
    // The scenario of the run before stays, so that both can share generated accesses.
    let mut held = None;
    for (done, run) in (others + 1..).zip(own) {
        let (record, scenario) = of_classes(py, &study, run, classes)?;
        records[run as usize] = Some(record);
        held.replace(scenario);
        if let Some(bar) = &bar {
            bar.tell(done)?;
        }
    }
    let records = records.into_iter().flatten().collect();
    let repetitions = repetitions.count();
    Ok(Sweep { grid, repetitions, study: of, records, results: OnceLock::new() })
}

/// A run of Python code, on this thread.
fn of_classes(
    py: Python<'_>,
    study: &Study,
    run: u64,
    classes: &Classes,
) -> PyResult<(Record, Arc<Scenario>)> {
    let scenario = Arc::new(py.detach(|| study.scenario(run)).map_err(of_point)?);
    let (point, ..) = study.run(run);
    let policy = classes.policy_at(py, (study.grid(), point), &scenario)?;
    let mut signals = Signals::new();
    let check = || signals.check();
    let outcome = py.detach(|| running::watched(&scenario, policy, &mut NullWatcher, check))?;
    Ok((rows::record(study.grid(), (run, point), &scenario, &outcome), scenario))
}

/// The study, and the scenario that it varies.
fn open(
    varied: Varied,
    mut document: Document,
    mut traces: Traces,
) -> PyResult<(Study, Arc<Scenario>)> {
    let Varied { axes, policies, seeds, repeat, baseline } = varied;
    let is_plain = axes.is_empty() && policies.is_none() && repeat.is_none();
    for axis in policies.iter().chain(&axes) {
        document.axis(axis);
    }
    for value in &baseline {
        document.baseline(value);
    }
    if let Some(repeat) = repeat {
        document.set(&format!("sweep.repeat={repeat}"));
    }
    let checked = document.check_with(&mut traces).map_err(|found| of_scenario(&found))?;
    let scenario = Arc::new(checked.scenario);
    if seeds.is_some() && repeat.is_some() {
        let text = "seeds and repeat both say how repetitions differ, expected one of them";
        return Err(PyValueError::new_err(text));
    }
    let seeds = match seeds {
        Some((first, last)) if first > last => {
            let text = format!("seeds is ({first}, {last}), expected the first and the last");
            return Err(PyValueError::new_err(text));
        }
        Some((first, last)) => Some(first..=last),
        None => (is_plain && scenario.sweep.is_none()).then_some(SEEDS),
    };
    let study = Study::new(document, &scenario, seeds, traces).map_err(|bad| {
        let all: Vec<String> = bad.iter().map(at_point).collect();
        ScenarioError::new_err(all.join("\n"))
    })?;
    if study.runs() > Grid::RUNS_MAX {
        let text = format!("the sweep has {} runs, more than {}", study.runs(), Grid::RUNS_MAX);
        return Err(PyValueError::new_err(text));
    }
    Ok((study, scenario))
}

fn at_point(bad: &BadPoint) -> String {
    let text = bad.diagnostics.render(false);
    if bad.name.is_empty() { text } else { format!("{text}  at point {}", bad.name) }
}

fn of_point(bad: BadPoint) -> PyErr {
    ScenarioError::new_err(at_point(&bad))
}

/// The records of all runs in their order, empty for those of Python code.
fn in_parallel(
    study: &Study,
    scenario: &Scenario,
    (jobs, is_own): (Option<usize>, &[bool]),
    task: &Task,
) -> PyResult<Vec<Option<Record>>> {
    let jobs = jobs.unwrap_or_else(rayon::current_num_threads).clamp(1, study.runs() as usize);
    let pool = rayon::ThreadPoolBuilder::new().num_threads(jobs).build();
    let pool = pool.map_err(|error| PyOSError::new_err(error.to_string()))?;
    let records = Mutex::new(vec![None; study.runs() as usize]);
    let one = |run: u64, held: &mut Option<Scenario>| {
        task.goes_on()?;
        let scenario = held.insert(study.scenario(run).map_err(of_point)?);
        let outcome = simulate(scenario, scenario.policy, &mut NullWatcher)
            .map_err(|error| PolicyError::new_err(error.to_string()))?;
        let (point, ..) = study.run(run);
        let record = rows::record(study.grid(), (run, point), scenario, &outcome);
        records.lock().expect("no thread panics while it keeps a record")[run as usize] =
            Some(record);
        task.step();
        Ok::<_, PyErr>(())
    };
    pool.install(|| {
        study.prepare(scenario);
        sweep::for_each(0..study.runs(), |run| !is_own[study.run(run).0 as usize], one)
    })?;
    Ok(records.into_inner().expect("no thread panics while it keeps a record"))
}
