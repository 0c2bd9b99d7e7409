//! Turns the journals of a sweep into its results: `sweep` with its own journal, `merge` with those
//! of all shards. Runs are streamed in order, so memory does not grow with their number.

use std::collections::BTreeMap;
use std::io::{Cursor, SeekFrom, Write as _};
use std::path::PathBuf;

use balloonist::conclude::contest::Contest;
use balloonist::number::{counted, grouped};
use balloonist::scenario::{Document, Grid};
use balloonist::store::manifest::{Manifest, Runs, Study};
use balloonist::store::pivot::Pivot;
use balloonist::store::points::{self, Repeated, Summarised};
use balloonist::store::sweep as rows;
use balloonist::store::sweep::RunRow;
use balloonist::sweep::Repetitions;
use balloonist::sweep::journal::{Fault, Journal, Record};
use balloonist::sweep::statistics::SUMMARISED;
use balloonist::table::Format;
use balloonist::table::Table;
use zstd::stream::write::Encoder;

use super::files::NewFile;
use super::lock::HeldFolder;
use super::result_folder::{OF_SWEEP, OF_SWEEP_ZST, ResultFolder};
use super::sweep_folder::refused;
use super::text::escaped;
use super::{Context, Failure};

/// Flags of commands that print a sweep.
#[derive(clap::Args, Debug)]
pub(super) struct Shape {
    /// Print a pivot table with a row for each combination of these axes; a cell is the mean of one
    /// point's repetitions [default with --columns or --metric: all axes but the columns']
    #[arg(long, value_name = "PATH,…", value_delimiter = ',')]
    rows: Vec<String>,

    /// The axis whose values are the columns of the pivot table [default: the policy]
    #[arg(long, value_name = "PATH")]
    columns: Option<String>,

    /// The column of runs.csv that the pivot table shows [default: `demand_faults`]
    #[arg(long, value_name = "METRIC")]
    metric: Option<String>,

    /// Columns of runs.csv that the statistics and sweep.csv have beside demand faults, replacement
    /// misses and moved frames, such as `slowdown` or `fault_ratio_p99`; see `list columns`
    #[arg(long, value_name = "METRIC,…", value_delimiter = ',')]
    statistics: Vec<String>,
}

impl Shape {
    /// The pivot that the flags ask for, if they do.
    pub(super) fn pivot(&self, grid: &Grid) -> Result<Option<Pivot>, Failure> {
        if self.rows.is_empty() && self.columns.is_none() && self.metric.is_none() {
            return Ok(None);
        }
        let metric = self.metric.as_deref().unwrap_or("demand_faults");
        let pivot = Pivot::new(grid, &self.rows, self.columns.as_deref(), metric);
        pivot.map(Some).map_err(Failure::Usage)
    }

    /// The columns of which there are statistics.
    pub(super) fn summarised(&self, grid: &Grid) -> Result<Summarised, Failure> {
        Summarised::with(grid, &self.statistics).map_err(Failure::Usage)
    }
}

/// The journals of a sweep, in the order of their runs.
pub(super) struct Journals {
    grid: Grid,
    repetitions: Repetitions,
    study: Study,
    summarised: Summarised,
    all: Vec<(PathBuf, Journal)>,
    /// The journal that was read last.
    at: usize,
    /// The runs whose rows have been checked.
    checked: Vec<bool>,
    columns: Vec<String>,
    /// A reader reused for all runs, because creating one costs more than reading a run.
    reader: csv::Reader<Cursor<String>>,
}

impl Journals {
    /// Opens the results of these journals, which are in order, complete and of one sweep.
    pub(super) fn new(journals: Vec<(PathBuf, Journal)>, shape: &Shape) -> Result<Self, Failure> {
        let (place, journal) = &journals[0];
        let damaged = || {
            let place = place.display();
            Failure::wrong(format!("{place}: the first line does not describe a sweep"))
        };
        let study = Study::from_line(&journal.header.study).ok_or_else(damaged)?;
        let repetitions = study.repetitions.clone().ok_or_else(damaged)?;
        let document = Document::from_toml("journal", study.scenario.as_bytes());
        let grid = document.grid().map_err(|_| damaged())?.unwrap_or_default();
        let all = grid.points().checked_mul(repetitions.count());
        if all != Some(journal.header.total) {
            return Err(damaged());
        }
        let summarised = shape.summarised(&grid)?;
        let checked = vec![false; journal.header.total as usize];
        let columns = rows::columns(&grid);
        let reader = csv::ReaderBuilder::new().has_headers(false).from_reader(Cursor::default());
        let (all, at) = (journals, 0);
        Ok(Self { grid, repetitions, study, summarised, all, at, checked, columns, reader })
    }

    /// Parses rows of runs.
    fn read(&self, lines: &str) -> Result<Vec<RunRow>, Failure> {
        rows::read_lines(&self.grid, lines).map_err(|what| self.damaged(&what))
    }

    fn damaged(&self, what: &str) -> Failure {
        let place = self.all[self.at].0.display();
        Failure::wrong(format!("{place}: a run's rows are damaged: {what}"))
    }

    fn runs(&self) -> u64 {
        self.grid.points() * self.repetitions.count()
    }

    fn record(&mut self, run: u64) -> Result<Record, Failure> {
        let has = |(_, journal): &(PathBuf, Journal)| journal.header.runs.contains(&run);
        if !has(&self.all[self.at]) {
            let found = self.all.iter().position(has);
            self.at = found.expect("the journals have every run");
        }
        let (place, journal) = &mut self.all[self.at];
        let record = journal.record(run).map_err(|fault| refused(place, fault))?;
        if !self.checked[run as usize] {
            self.check(&record).map_err(|what| {
                let what = format!("the rows of run {run} do not match the sweep: {what}");
                refused(&self.all[self.at].0, Fault::Damaged(0, what))
            })?;
            self.checked[run as usize] = true;
        }
        Ok(record)
    }

    /// Checks the rows of a run: a line for each VM, all columns, the numbers of the run and its
    /// point, and the counts used for statistics. A checksum shows that a line is undamaged, not
    /// that a sweep wrote it.
    fn check(&mut self, record: &Record) -> Result<(), String> {
        let columns = &self.columns;
        let column = |name: &str| columns.iter().position(|column| column == name);
        let labels = self.grid.labels(record.run % self.grid.points());
        self.reader.get_mut().get_mut().clone_from(&record.rows);
        let start = self.reader.seek_raw(SeekFrom::Start(0), csv::Position::new());
        start.map_err(|error| error.to_string())?;
        // If repetitions differ in their seeds, each is repetition 0 of its seed.
        let repetition = match self.repetitions {
            Repetitions::Streams(_) => record.run / self.grid.points(),
            Repetitions::Seeds(_) => 0,
        };
        let mut last = None;
        for line in self.reader.records() {
            let line = line.map_err(|error| error.to_string())?;
            let (found, expected) = (line.len(), columns.len());
            if found != expected {
                return Err(format!("found {found} columns, expected {expected}"));
            }
            let run = [record.run.to_string(), repetition.to_string()];
            let start = run.iter().chain(&labels);
            if let Some((found, expected)) = line.iter().zip(start).find(|(found, it)| found != it)
            {
                return Err(format!("found `{}`, expected `{expected}`", escaped(found)));
            }
            last = Some(line);
        }
        let last = last.ok_or("there are no rows")?;
        let cell = |name: &str| column(name).map(|at| &last[at]);
        if cell("vm") != Some("all") {
            return Err("the last row is not the one of all VMs".to_owned());
        }
        let counts = SUMMARISED.iter().zip(record.metrics);
        for ((name, _), count) in counts {
            if cell(name).is_some_and(|found| found != count.to_string()) {
                return Err(format!("`{name}` differs from the line's {count}"));
            }
        }
        Ok(())
    }

    /// Writes the results to a folder, with compressed rows if `zst`.
    pub(super) fn write(
        &mut self,
        folder: HeldFolder,
        zst: bool,
        timing: Option<&str>,
        context: &Context,
    ) -> Result<(), Failure> {
        let [runs, points] = if zst { OF_SWEEP_ZST } else { OF_SWEEP };
        let mut folder = ResultFolder::of_sweep(folder, [runs, points])?;
        if zst {
            self.compress_rows(folder.file(runs))?;
        } else {
            let runs = folder.file(runs);
            self.for_each_row(|rows| runs.put(rows))?;
        }
        let file = folder.file(points);
        file.put(&points::summary(&self.grid, false).to_csv())?;
        let (grid, summarised) = (self.grid.clone(), self.summarised.clone());
        let mut faults = Vec::new();
        self.for_each_point(|point, values, baseline| {
            faults.push(values[0].sum());
            let mut table = points::summary(&grid, false);
            summarised.push_point(&mut table, (&grid, point), values, baseline);
            let text = table.to_csv();
            file.put(text.split_once('\n').map_or("", |(_, rows)| rows))
        })?;
        let verdict = self.verdict(&faults)?;
        let manifest = Manifest {
            study: self.study.clone(),
            runs: Runs::Count(self.runs()),
            verdict: Some(verdict),
            ..Manifest::default()
        };
        folder.commit(timing, manifest, context)
    }

    /// Writes the rows of every run as one zstd frame. One library, level and thread give the same
    /// bytes everywhere. The manifest counts the rows inside and hashes the compressed file.
    fn compress_rows(&mut self, file: &mut NewFile) -> Result<(), Failure> {
        let mut lines = 0;
        let mut encoder = Encoder::new(&mut *file, ZSTD_LEVEL).map_err(|error| memory(&error))?;
        encoder.include_checksum(true).map_err(|error| memory(&error))?;
        self.for_each_row(|rows| {
            lines += rows.lines().count() as u64;
            encoder.write_all(rows.as_bytes()).map_err(|error| encoder.get_ref().failure(&error))
        })?;
        let finished = encoder.finish().map(drop);
        finished.map_err(|error| file.failure(&error))?;
        file.set_lines(lines);
        Ok(())
    }

    /// Prints a pivot table if one is asked for; otherwise the statistics in formats for people and
    /// every row in others.
    pub(super) fn print(
        &mut self,
        format: Format,
        shape: &Shape,
        context: &Context,
    ) -> Result<(), Failure> {
        if let Some(pivot) = shape.pivot(&self.grid)? {
            return self.print_pivot(pivot, format, context);
        }
        match format {
            Format::Csv => {
                let mut out = context.stdout();
                self.for_each_row(|rows| {
                    out.write_all(rows.as_bytes()).map_err(|error| Failure::stdout(&error))
                })?;
                out.flush().map_err(|error| Failure::stdout(&error))
            }
            Format::Json => {
                let mut text = String::new();
                let mut header = true;
                self.for_each_row(|rows| {
                    if !std::mem::take(&mut header) {
                        text.push_str(rows);
                    }
                    Ok(())
                })?;
                context.print_table(&rows::table(&self.grid, &self.read(&text)?), format)
            }
            Format::Table | Format::Markdown | Format::Latex => {
                let (table, verdict) = self.for_people(context)?;
                let table = table.render(format, context.colour_out, context.width);
                context.print(&format!("{table}\n{}", format.aside(&(verdict + "\n"))))
            }
        }
    }

    fn print_pivot(
        &mut self,
        mut pivot: Pivot,
        format: Format,
        context: &Context,
    ) -> Result<(), Failure> {
        let mut faults = vec![0_u128; self.grid.points() as usize];
        for run in 0..self.runs() {
            let record = self.record(run)?;
            let point = run % self.grid.points();
            faults[point as usize] += u128::from(record.metrics[0]);
            if let Some(all) = self.read(&record.rows)?.last() {
                pivot.add(point, all);
            }
        }
        let table = pivot.table(&self.grid);
        context.print_table(&table, format)?;
        if !format.is_for_people() {
            return Ok(());
        }
        let verdict = self.verdict(&faults)?;
        context.print(&format!("\n{}", format.aside(&(verdict + "\n"))))
    }

    /// The statistics, and the verdict.
    fn for_people(&mut self, context: &Context) -> Result<(Table, String), Failure> {
        let (grid, summarised) = (self.grid.clone(), self.summarised.clone());
        let mut table = points::summary(&grid, true);
        let mut faults = Vec::new();
        self.for_each_point(|point, values, baseline| {
            faults.push(values[0].sum());
            if point < SHOWN_MAX {
                if point > 0 {
                    table.push_rule();
                }
                summarised.push_point(&mut table, (&grid, point), values, baseline);
            }
            Ok(())
        })?;
        if grid.points() > SHOWN_MAX {
            let all = grouped(grid.points());
            context.note(&format!("the first {SHOWN_MAX} of {all} points; all are in sweep.csv"));
        }
        let columns = table.columns().iter().map(String::as_str);
        let columns: Vec<&str> =
            columns.filter(|column| !points::NOT_FOR_PEOPLE.contains(column)).collect();
        Ok((table.select(&columns).without_empty_columns(), self.verdict(&faults)?))
    }

    /// Fails if runs failed expectations of their scenario; names the points.
    pub(super) fn judge(&mut self) -> Result<(), Failure> {
        if !self.study.scenario.contains("\n[[expect]]") {
            return Ok(());
        }
        let (points, repetitions) = (self.grid.points(), self.repetitions.count());
        // For each point that failed: the number of failed runs and the first one's message.
        let mut failed: BTreeMap<u64, (u64, Vec<String>)> = BTreeMap::new();
        for run in 0..self.runs() {
            let sentences = self.record(run)?.failed;
            if !sentences.is_empty() {
                failed.entry(run % points).or_insert((0, sentences)).0 += 1;
            }
        }
        let mut said = Vec::new();
        for (point, (runs, sentences)) in failed.iter().take(FAILED_SHOWN_MAX) {
            let place = match self.grid.name(*point) {
                name if name.is_empty() => String::new(),
                name => format!(", at {name}"),
            };
            let often = match repetitions {
                1 => String::new(),
                all => format!(" (the first of {} of {})", grouped(*runs), counted(all, "run")),
            };
            said.extend(sentences.iter().map(|sentence| format!("{sentence}{place}{often}")));
        }
        let (bad, all) = (grouped(failed.len()), counted(points, "point"));
        super::judge(&said, &format!("expectations at {bad} of {all}"))
    }

    /// The verdict on the demand faults of each point.
    fn verdict(&mut self, faults: &[u128]) -> Result<String, Failure> {
        let first = self.record(0)?.rows;
        let first = self.read(&first)?;
        let policy = first.first().map_or("", |row| row.vm.policy.as_str());
        let contest = Contest::new(&self.grid, policy);
        Ok(contest.verdict(faults, self.repetitions.count()))
    }

    /// The header and the rows of every run, in order.
    fn for_each_row(
        &mut self,
        mut take: impl FnMut(&str) -> Result<(), Failure>,
    ) -> Result<(), Failure> {
        take(&rows::header(&self.grid))?;
        (0..self.runs()).try_for_each(|run| take(&self.record(run)?.rows))
    }

    /// Calls back with the values of every point and of its baseline. Points are processed in
    /// blocks, to read the runs in order.
    fn for_each_point(
        &mut self,
        mut take: impl FnMut(u64, &[Repeated], Option<&[Repeated]>) -> Result<(), Failure>,
    ) -> Result<(), Failure> {
        let (points, repetitions) = (self.grid.points(), self.repetitions.count());
        let columns = self.summarised.none().len() as u64;
        let block = (BLOCK_COUNTS / repetitions / columns).max(1);
        for first in (0..points).step_by(block as usize) {
            let own = first..points.min(first + block);
            let baselines = own.clone().filter_map(|point| self.grid.baseline_of(point));
            let wanted = own.clone().chain(baselines);
            let mut values: BTreeMap<u64, Vec<Repeated>> =
                wanted.map(|point| (point, self.summarised.none())).collect();
            for repetition in 0..repetitions {
                for (point, values) in &mut values {
                    let record = self.record(repetition * points + point)?;
                    let added = self.summarised.add(values, &self.grid, &record);
                    added.map_err(|what| self.damaged(&what))?;
                }
            }
            for point in own {
                let baseline = self.grid.baseline_of(point).and_then(|point| values.get(&point));
                take(point, &values[&point], baseline.map(Vec::as_slice))?;
            }
        }
        Ok(())
    }
}

/// The failure to start the compressor.
fn memory(error: &std::io::Error) -> Failure {
    Failure::Io(format!("zstd cannot be started: {error}"))
}

/// zstd's level. Files are a quarter smaller than at the default of 3; 12 would save another
/// twentieth in twice the time.
const ZSTD_LEVEL: i32 = 9;

/// The most points in a table for people.
const SHOWN_MAX: u64 = 200;

/// The most points with failed expectations that are named.
const FAILED_SHOWN_MAX: usize = 20;

/// The most counts in memory while points are summarised.
const BLOCK_COUNTS: u64 = 1 << 18;
