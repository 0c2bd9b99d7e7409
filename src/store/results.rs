//! Results as their files have them: what a report is made of, whether the files were just written
//! or lie in a folder.

use serde_json::Value;

use crate::conclude::compare;
use crate::number::counted;
use crate::scenario::{Document, Grid};
use crate::store::thinned::Thinned;
use crate::store::vms::ALL;
use crate::table::{Cell, Table};

/// A policy and its series.
pub type Run = (String, Thinned);

/// The files of a run, a comparison or a sweep.
#[derive(Clone, Debug)]
pub struct Results {
    /// manifest.json.
    pub manifest: Manifest,
    /// vms.csv, of a run or a comparison.
    pub vms: Option<Table>,
    /// compare.csv.
    pub compare: Option<Table>,
    /// curves.csv.
    pub curves: Option<Table>,
    /// What a sweep made.
    pub sweep: Option<Sweep>,
    /// The series of each policy.
    pub series: Vec<Run>,
}

/// The runs of a sweep, point by point of its grid, then all points of the next repetition.
#[derive(Clone, Debug)]
pub struct Sweep {
    /// What was varied.
    pub grid: Grid,
    /// The rows of runs.csv about all VMs together.
    pub runs: Table,
}

impl Sweep {
    /// The sweep that the manifest is of.
    ///
    /// # Errors
    /// What does not fit together.
    pub fn new(manifest: &Manifest, rows: Table) -> Result<Self, String> {
        let document = Document::from_toml("manifest.json", manifest.scenario.as_bytes());
        let grid = document.grid().map_err(|found| found.render(false))?.unwrap_or_default();
        let runs = rows.with_rows_of("vm", ALL);
        let made = runs.rows().len() as u64;
        if made == 0 || !made.is_multiple_of(grid.points()) {
            return Err(format!(
                "it has {} of {}",
                counted(made, "run"),
                counted(grid.points(), "point")
            ));
        }
        Ok(Self { grid, runs })
    }

    /// The policy of the first run: that of all, if policies are not varied.
    pub fn policy(&self) -> String {
        self.runs.cell(0, "policy").plain()
    }

    /// How often every point was run.
    pub fn repetitions(&self) -> u64 {
        self.runs.rows().len() as u64 / self.grid.points()
    }
}

/// What manifest.json says, as far as a report needs it.
#[derive(Clone, Debug, Default)]
pub struct Manifest {
    /// The version that wrote it.
    pub version: String,
    /// The scenario's name.
    pub name: String,
    /// The seed.
    pub seed: u64,
    /// Who made the draws.
    pub random: String,
    /// The frames of the host.
    pub host_frames: u64,
    /// The bytes of a frame.
    pub page_size: u64,
    /// The ticks between two checkpoints.
    pub every: u64,
    /// The effective scenario.
    pub scenario: String,
    /// The VMs' traces.
    pub traces: Vec<TraceOf>,
    /// The runs: what each is called, seed and fingerprint. A run is called by its policy or, of a
    /// comparison with a second axis, by "policy on replacement".
    pub runs: Vec<(String, u64, String)>,
    /// The files beside it: name and hash.
    pub files: Vec<(String, String)>,
    /// The run that others are set in relation to; empty outside comparisons.
    pub baseline: String,
    /// The verdict, or nothing.
    pub verdict: String,
    /// The bounds: name, what each is, and what else there is to say.
    pub bounds: Vec<(String, String, String)>,
}

/// A VM's trace.
#[derive(Clone, Debug)]
pub struct TraceOf {
    /// The VM.
    pub vm: String,
    /// Its accesses.
    pub accesses: u64,
    /// Its distinct pages.
    pub distinct_pages: u64,
    /// The hash of what is in it.
    pub content_hash: String,
}

impl Manifest {
    /// Reads manifest.json.
    ///
    /// # Errors
    /// What is wrong with it, in a sentence.
    pub fn read(text: &str) -> Result<Self, String> {
        let document: Value =
            serde_json::from_str(text).map_err(|error| format!("it is no JSON: {error}"))?;
        let document = Node { value: &document, place: "the manifest".to_owned() };
        let run = |run: Node<'_>| {
            let (policy, replacement) = (run.text("policy")?, run.text("replacement").ok());
            let name = compare::title(&policy, replacement.as_deref());
            Ok((name, run.number("seed")?, run.text("fingerprint")?))
        };
        let trace = |trace: Node<'_>| {
            Ok(TraceOf {
                vm: trace.text("vm")?,
                accesses: trace.number("accesses")?,
                distinct_pages: trace.number("distinct_pages")?,
                content_hash: trace.text("content_hash")?,
            })
        };
        let bound = |bound: Node<'_>| {
            let note = bound.text("note").unwrap_or_default();
            Ok((bound.text("name")?, bound.text("summary")?, note))
        };
        let compared = !document.value["baseline"].is_null();
        Ok(Self {
            version: document.text("balloonist")?,
            name: document.text("name")?,
            seed: document.number("seed")?,
            random: document.text("random")?,
            host_frames: document.number("host_frames")?,
            page_size: document.number("page_size")?,
            every: document.number("checkpoint_every")?,
            scenario: document.text("scenario")?,
            traces: document.list("traces", trace)?,
            // A sweep has more than a manifest would list.
            runs: if document.value["runs"].is_u64() {
                Vec::new()
            } else {
                document.list("runs", run)?
            },
            files: document.list("files", |file| Ok((file.text("name")?, file.text("hash")?)))?,
            baseline: if compared { document.text("baseline")? } else { String::new() },
            verdict: document.text("verdict").unwrap_or_default(),
            bounds: if compared { document.list("bounds", bound)? } else { Vec::new() },
        })
    }

    /// The names of the VMs, in file order.
    pub fn vms(&self) -> Vec<String> {
        self.traces.iter().map(|trace| trace.vm.clone()).collect()
    }
}

/// A value of the manifest, and where it stands.
struct Node<'a> {
    value: &'a Value,
    place: String,
}

impl Node<'_> {
    fn text(&self, key: &str) -> Result<String, String> {
        let found = self.value[key].as_str().map(str::to_owned);
        found.ok_or_else(|| format!("{} has no text `{key}`", self.place))
    }

    fn number(&self, key: &str) -> Result<u64, String> {
        self.value[key].as_u64().ok_or_else(|| format!("{} has no number `{key}`", self.place))
    }

    fn list<T>(
        &self,
        key: &str,
        read: impl Fn(Node<'_>) -> Result<T, String>,
    ) -> Result<Vec<T>, String> {
        let items = self.value[key].as_array();
        let items = items.ok_or_else(|| format!("{} has no list `{key}`", self.place))?;
        let item = |(at, value)| read(Node { value, place: format!("`{key}[{at}]`") });
        items.iter().enumerate().map(item).collect()
    }
}

/// A table of runs in which each is called as in the manifest.
pub fn titled(table: Table, column: &str) -> Table {
    let columns: Vec<&str> = table.columns().iter().map(String::as_str).collect();
    if !columns.contains(&compare::REPLACEMENT) {
        return table;
    }
    let kept: Vec<&str> =
        columns.into_iter().filter(|name| *name != compare::REPLACEMENT).collect();
    let titles = (0..table.rows().len()).map(|row| {
        let cell = |column| Some(table.cell(row, column).plain()).filter(|text| !text.is_empty());
        let replacement = cell(compare::REPLACEMENT);
        compare::title(&cell(column).unwrap_or_default(), replacement.as_deref())
    });
    table.select(&kept).with_cells(column, titles)
}

/// A table that has the columns that a report reads.
///
/// # Errors
/// The column that is missing.
pub fn expecting(table: Table, columns: &[&str]) -> Result<Table, String> {
    let has = |name: &str| table.columns().iter().any(|column| column == name);
    match columns.iter().find(|name| !has(name)) {
        None => Ok(table),
        Some(name) => Err(format!("it has no column `{name}`")),
    }
}

/// The integer of a cell, 0 where there is none.
pub(crate) fn integer(cell: &Cell) -> u64 {
    if let Cell::Integer(number) = cell { *number } else { 0 }
}

/// The millionths of a cell, 0 where there is no number.
pub(crate) fn millionths(cell: &Cell) -> u64 {
    match cell {
        Cell::Ratio(ratio) => ratio.0 as u64,
        Cell::Integer(number) => number.saturating_mul(1_000_000),
        Cell::Signed(_) | Cell::Text(_) | Cell::Empty => 0,
    }
}
