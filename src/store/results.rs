//! Results: the input of pages and figures, from a run or read from a folder.

use crate::number::counted;
use crate::scenario::{Document, Grid};
use crate::store::compare::CompareRow;
use crate::store::curves::CurveRow;
use crate::store::manifest::Manifest;
use crate::store::sweep::RunRow;
use crate::store::thinned::Thinned;
use crate::store::vms::{ALL, VmRow};

/// A run's name, and its series.
pub(crate) type RunSeries = (String, Thinned);

/// The files of a run, a comparison or a sweep.
#[derive(Clone, Debug)]
pub struct Results {
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
    /// The row of vms.csv for a VM of the run with this title.
    pub fn row(&self, title: &str, vm: &str) -> Option<&VmRow> {
        self.vms.iter().flatten().find(|row| row.vm == vm && row.title() == title)
    }
}

/// The runs of a sweep, point by point of its grid, then all points of the next repetition.
#[derive(Clone, Debug)]
pub struct Sweep {
    /// What was varied.
    pub grid: Grid,
    /// The rows of runs.csv for all VMs together; at least one.
    pub runs: Vec<RunRow>,
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
        Ok(Self { grid, runs })
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
