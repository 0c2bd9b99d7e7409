//! The results of runs, comparisons and sweeps: their tables, and what people see of them.

use std::io;
use std::path::Path;
use std::sync::{Arc, OnceLock};

use balloonist::account::Outcome;
use balloonist::bound::{Bound, best_static};
use balloonist::conclude::compare::{self, Contender};
use balloonist::conclude::expects::{self, Unmet};
use balloonist::render::chart::Figure;
use balloonist::render::{figures, html as page, run as rendered};
use balloonist::scenario::Scenario;
use balloonist::store::compare as rows;
use balloonist::store::results::Results;
use balloonist::store::thinned::Thinned;
use balloonist::store::{outcomes, row, trail, vms};
use balloonist::table;
use pyo3::exceptions::{PyKeyError, PyValueError};
use pyo3::prelude::*;

use crate::html;
use crate::tables::Table;

/// The names of the figures of results.
pub fn figure_names(results: &Results) -> Vec<String> {
    figures::all(results).into_iter().map(|figure| figure.name).collect()
}

/// A figure as SVG, by its name.
pub fn figure(results: &Results, name: &str) -> PyResult<String> {
    let all = figures::all(results);
    let found = all.iter().find(|figure| figure.name == name);
    found.map(Figure::to_svg).ok_or_else(|| {
        let known: Vec<&str> = all.iter().map(|figure| figure.name.as_str()).collect();
        PyKeyError::new_err(format!("`{name}`, expected one of {}", known.join(", ")))
    })
}

/// Writes the page of results.
pub fn report(results: &Results, path: &Path) -> PyResult<()> {
    let told = |error: io::Error| {
        io::Error::new(error.kind(), format!("{}: {error}", path.display())).into()
    };
    std::fs::write(path, page::page(results)).map_err(told)
}

/// What a notebook shows of results: their verdict, a table and the figures.
pub fn shown(results: &Results, table: &table::Table) -> String {
    let verdict = html::paragraphs(results.manifest.verdict.as_deref().unwrap_or_default());
    let figures = figures::all(results);
    verdict + &html::table(table) + &figures.iter().map(html::figure).collect::<String>()
}

/// One run of a scenario under one policy. Draws itself in notebooks.
#[pyclass(frozen, module = "balloonist")]
pub struct Run {
    pub scenario: Arc<Scenario>,
    pub outcome: Outcome,
    pub thinned: Thinned,
    /// series.csv, if it was recorded.
    pub series: Option<String>,
    pub results: OnceLock<Results>,
}

#[pymethods]
impl Run {
    /// The policy's name: str.
    #[getter]
    fn policy(&self) -> &str {
        &self.outcome.policy
    }

    /// 16 hexadecimal digits, str. Equal fingerprints mean equal trajectories, and the command
    /// prints the same.
    #[getter]
    fn fingerprint(&self) -> String {
        trail::shown(self.outcome.fingerprint)
    }

    /// The demand faults of all VMs together: int.
    #[getter]
    fn demand_faults(&self) -> u64 {
        self.outcome.all.counts.demand_faults
    }

    /// The demand faults as a share of the accesses: float.
    #[getter]
    fn miss_ratio(&self) -> f64 {
        let counts = &self.outcome.all.counts;
        counts.demand_faults as f64 / counts.accesses.max(1) as f64
    }

    /// The counts and frames of each VM, then of all together: the Table vms.csv.
    #[getter]
    fn vms(&self) -> Table {
        Table(vms::table(&self.scenario, &self.outcome))
    }

    /// Lost time, oscillations and fairness of each VM, then of all together: the Table
    /// outcomes.csv.
    #[getter]
    fn outcomes(&self) -> Table {
        Table(outcomes::table(&self.scenario, &self.outcome))
    }

    /// A row for each checkpoint and VM: the Table series.csv. Only of `run(series=True)`.
    #[getter]
    fn series(&self) -> PyResult<Table> {
        let missing = || PyValueError::new_err("no series was recorded; run with series=True");
        let series = self.series.as_ref().ok_or_else(missing)?;
        let table = table::Table::from_csv(series);
        table.map(Table).map_err(|error| PyValueError::new_err(error.to_string()))
    }

    /// The LRU curve of each VM: the Table curves.csv.
    #[getter]
    fn curves(&self) -> Table {
        Table(row::table(self.results().curves.as_deref().unwrap_or_default()))
    }

    /// A sentence for each expectation of the scenario that the run failed: list of str.
    #[getter]
    fn failed(&self) -> Vec<String> {
        Unmet::texts(expects::failed(&self.scenario, &[&self.outcome]))
    }

    /// What the run concludes: str, possibly empty.
    #[getter]
    fn verdict(&self) -> &str {
        self.results().manifest.verdict.as_deref().unwrap_or_default()
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
    fn report(&self, path: std::path::PathBuf) -> PyResult<()> {
        report(self.results(), &path)
    }

    fn __repr__(&self) -> String {
        let Outcome { policy, all, .. } = &self.outcome;
        let (faults, accesses) = (all.counts.demand_faults, all.counts.accesses);
        let name = &self.scenario.name;
        format!("<Run of {name} under {policy}: {faults} demand faults of {accesses} accesses>")
    }

    fn _repr_html_(&self) -> String {
        let table = vms::table(&self.scenario, &self.outcome).select(vms::FOR_PEOPLE);
        shown(self.results(), &table.without_empty_columns())
    }
}

impl Run {
    /// What pages and figures are made of.
    fn results(&self) -> &Results {
        self.results.get_or_init(|| {
            let split = self.scenario.any_lru().then(|| best_static(&self.scenario)).flatten();
            let verdict = rendered::verdict(&self.scenario, &self.outcome, split.as_ref());
            Results::of_run(&self.scenario, &self.outcome, verdict, Some(self.thinned.clone()))
        })
    }
}

/// A scenario under several policies, and what no policy can beat. Draws itself in notebooks.
#[pyclass(frozen, module = "balloonist")]
pub struct Comparison {
    pub scenario: Arc<Scenario>,
    pub runs: Vec<Contender>,
    pub bounds: Vec<Bound>,
    pub baseline: usize,
    pub series: Vec<Thinned>,
    pub results: OnceLock<Results>,
}

#[pymethods]
impl Comparison {
    /// A row for each run, then for each bound: the Table compare.csv.
    #[getter]
    fn table(&self) -> Table {
        Table(rows::table(&rows::rows(&self.scenario, &self.runs, &self.bounds, self.baseline)))
    }

    /// The counts and frames of each VM of each run: the Table vms.csv.
    #[getter]
    fn vms(&self) -> Table {
        Table(row::table(&vms::rows_of(&self.scenario, &self.runs)))
    }

    /// Lost time, oscillations and fairness of each VM of each run: the Table outcomes.csv.
    #[getter]
    fn outcomes(&self) -> Table {
        Table(row::table(&outcomes::rows_of(&self.scenario, &self.runs)))
    }

    /// The fingerprint of each run, by the run's name: dict of str.
    #[getter]
    fn fingerprints(&self) -> std::collections::BTreeMap<String, String> {
        let shown = |run: &Contender| (run.title(), trail::shown(run.outcome.fingerprint));
        self.runs.iter().map(shown).collect()
    }

    /// A sentence for each expectation of the scenario that a run failed: list of str.
    #[getter]
    fn failed(&self) -> Vec<String> {
        let own = self.runs.iter().filter(|run| run.replacement.is_none());
        let own: Vec<&Outcome> = own.map(|run| &run.outcome).collect();
        Unmet::texts(expects::failed(&self.scenario, &own))
    }

    /// What the comparison concludes: str.
    #[getter]
    fn verdict(&self) -> String {
        compare::verdict(&self.runs, &self.bounds, self.baseline)
            + &compare::notes(&self.scenario, &self.runs)
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
    fn report(&self, path: std::path::PathBuf) -> PyResult<()> {
        report(self.results(), &path)
    }

    fn __repr__(&self) -> String {
        let rows = rows::rows(&self.scenario, &self.runs, &self.bounds, self.baseline);
        let table = rows::for_people(&rows);
        format!("{}\n{}", table.to_text(false, 100), self.verdict())
    }

    fn _repr_html_(&self) -> String {
        let rows = rows::rows(&self.scenario, &self.runs, &self.bounds, self.baseline);
        shown(self.results(), &rows::for_people(&rows))
    }
}

impl Comparison {
    fn results(&self) -> &Results {
        self.results.get_or_init(|| {
            let Self { scenario, runs, bounds, baseline, series, .. } = self;
            let series = series.iter().cloned().map(Some).collect();
            Results::of_comparison(scenario, runs, bounds, *baseline, series)
        })
    }
}
