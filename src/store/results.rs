//! Results: the input of pages and figures, from a run or read from a folder.

use crate::account::Outcome;
use crate::bound::Bound;
use crate::conclude::{self, compare::Contender};
use crate::number::counted;
use crate::scenario::{Document, Grid, Scenario};
use crate::store::compare::{self, CompareRow};
use crate::store::curves::{self, CurveRow};
use crate::store::manifest::{Manifest, RunEntry, Runs, Study};
use crate::store::sweep::{self, RunRow};
use crate::store::thinned::Thinned;
use crate::store::vms::{self, ALL, VmRow};

/// A run's name, and its series.
pub(crate) type RunSeries = (String, Thinned);

/// The files of a run, a comparison or a sweep.
#[derive(Clone, Debug)]
pub struct Results {
    /// The command that made them, if it is known.
    pub command: Option<String>,
    /// manifest.json.
    pub manifest: Manifest,
    /// vms.csv, of a run or a comparison.
    pub vms: Option<Vec<VmRow>>,
    /// compare.csv.
    pub compare: Option<Vec<CompareRow>>,
    /// curves.csv.
    pub curves: Option<Vec<CurveRow>>,
    /// The results of a sweep.
    pub sweep: Option<Sweep>,
    /// The series of each run.
    pub series: Vec<RunSeries>,
}

impl Results {
    /// Those of a run; `verdict` is the sentences that close it.
    pub fn of_run(
        scenario: &Scenario,
        outcome: &Outcome,
        verdict: Option<String>,
        series: Option<Thinned>,
    ) -> Self {
        let policy = &outcome.policy;
        let run = RunEntry::new(policy, None, scenario.seed, outcome.fingerprint);
        Self {
            command: None,
            manifest: Manifest {
                study: Study::of(scenario),
                runs: Runs::Each(vec![run]),
                verdict,
                ..Manifest::default()
            },
            vms: Some(vms::rows(scenario, outcome)),
            compare: None,
            curves: Some(curves::rows(scenario, outcome)),
            sweep: None,
            series: series.map(|series| (policy.clone(), series)).into_iter().collect(),
        }
    }

    /// Those of a comparison, with the series of the runs that have one. `baseline` is the place of
    /// the run that the others are compared with.
    pub fn of_comparison(
        scenario: &Scenario,
        runs: &[Contender],
        bounds: &[Bound],
        baseline: usize,
        series: Vec<Option<Thinned>>,
    ) -> Self {
        let entry = |run: &Contender| {
            let replacement = run.replacement.map(|kind| kind.name);
            let fingerprint = run.outcome.fingerprint;
            RunEntry::new(&run.outcome.policy, replacement, scenario.seed, fingerprint)
        };
        let names = runs.iter().map(Contender::title);
        Self {
            command: None,
            manifest: Manifest {
                study: Study::of(scenario),
                runs: Runs::Each(runs.iter().map(entry).collect()),
                files: Vec::new(),
                baseline: Some(runs[baseline].title()),
                verdict: Some(conclude::compare::verdict(runs, bounds, baseline)),
                bounds: bounds.iter().map(Into::into).collect(),
            },
            vms: Some(vms::rows_of(scenario, runs)),
            compare: Some(compare::rows(scenario, runs, bounds, baseline)),
            curves: Some(curves::rows(scenario, &runs[0].outcome)),
            sweep: None,
            series: names.zip(series).filter_map(|(name, series)| Some((name, series?))).collect(),
        }
    }

    /// Those of a sweep: the rows of runs.csv, the number of runs, and the sentences that close it.
    pub fn of_sweep(
        study: Study,
        grid: Grid,
        rows: Vec<RunRow>,
        (runs, verdict): (u64, String),
    ) -> Self {
        let verdict = Some(verdict);
        Self {
            command: None,
            manifest: Manifest { study, runs: Runs::Count(runs), verdict, ..Manifest::default() },
            vms: None,
            compare: None,
            curves: None,
            sweep: Sweep::new(grid, rows).ok(),
            series: Vec::new(),
        }
    }

    /// The row of vms.csv for a VM of the run with this title.
    pub fn row(&self, title: &str, vm: &str) -> Option<&VmRow> {
        self.vms.iter().flatten().find(|row| row.vm == vm && row.title() == title)
    }
}

/// The column of which a trend is drawn unless another is asked for.
pub(crate) const FAULTS: &str = "demand_faults";

/// The runs of a sweep, point by point of its grid, then all points of the next repetition.
#[derive(Clone, Debug)]
pub struct Sweep {
    /// What was varied.
    pub grid: Grid,
    /// The rows of runs.csv for all VMs together; at least one.
    pub runs: Vec<RunRow>,
    /// The column of which the trend over an axis is drawn.
    pub metric: String,
}

impl Sweep {
    /// The grid of a sweep's manifest.
    ///
    /// # Errors
    /// What is wrong with its scenario.
    pub fn grid(manifest: &Manifest) -> Result<Grid, String> {
        let document = Document::from_toml("manifest.json", manifest.study.scenario.as_bytes());
        Ok(document.grid().map_err(|found| found.render(false))?.unwrap_or_default())
    }

    /// The sweep of a grid; `runs` are the rows of runs.csv.
    ///
    /// # Errors
    /// What is inconsistent.
    pub fn new(grid: Grid, mut runs: Vec<RunRow>) -> Result<Self, String> {
        runs.retain(|row| row.vm.vm == ALL);
        let made = runs.len() as u64;
        if made == 0 || !made.is_multiple_of(grid.points()) {
            return Err(format!(
                "it has {} of {}",
                counted(made, "run"),
                counted(grid.points(), "point")
            ));
        }
        Ok(Self { grid, runs, metric: FAULTS.to_owned() })
    }

    /// The same, with the trend of another column.
    ///
    /// # Errors
    /// The name of no column of numbers, in a sentence.
    pub fn with_metric(self, metric: &str) -> Result<Self, String> {
        sweep::check_metrics(&self.grid, std::iter::once(metric))?;
        Ok(Self { metric: metric.to_owned(), ..self })
    }

    /// The policy of the first run: of all runs, if policies are not varied.
    pub fn policy(&self) -> &str {
        &self.runs[0].vm.policy
    }

    /// How many times every point was run.
    pub fn repetitions(&self) -> u64 {
        self.runs.len() as u64 / self.grid.points()
    }
}
