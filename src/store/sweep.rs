//! runs.csv, the rows of each run, and sweep.csv, the statistics of each point's repetitions.

use csv::StringRecord;

use crate::account::Outcome;
use crate::conclude::expects;
use crate::number::counted;
use crate::scenario::{Grid, Scenario};
use crate::store::outcomes::{self, OutcomeRow};
use crate::store::row::Row as _;
use crate::store::trail;
use crate::store::vms::{self, KEY, VmRow};
use crate::sweep::journal::Record;
use crate::sweep::statistics::{Paired, Repeated, SUMMARISED, Summary};
use crate::table::{Cell, Table, csv_lines};

/// The columns of sweep.csv after the parameters.
const STATISTICS: &[&str] = &[
    "metric",
    "n",
    "mean",
    "sd",
    "min",
    "q1",
    "median",
    "q3",
    "max",
    "ci95_low",
    "ci95_high",
    "difference",
    "difference_ci95_low",
    "difference_ci95_high",
    "wins",
    "ties",
    "losses",
];

/// The columns of a grid's axes: `param_host_memory` for `host.memory`.
pub(crate) fn params(grid: &Grid) -> Vec<String> {
    let mut names: Vec<String> = Vec::new();
    for path in grid.paths() {
        let letter = |letter: char| if letter.is_ascii_alphanumeric() { letter } else { '_' };
        let name = format!("param_{}", path.chars().map(letter).collect::<String>());
        let twins = names.iter().filter(|known| **known == name).count();
        names.push(if twins == 0 { name } else { format!("{name}_{}", twins + 1) });
    }
    names
}

/// A row of runs.csv: one VM of a run, or all together.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RunRow {
    /// The run's number.
    pub run: u64,
    /// Its repetition.
    pub repetition: u64,
    /// The value of each axis of the grid.
    pub labels: Vec<String>,
    /// The columns that it shares with vms.csv.
    pub vm: VmRow,
    /// The columns that it shares with outcomes.csv alone.
    pub outcome: OutcomeRow,
    /// The run's fingerprint, in the row of all VMs; empty in the others.
    pub fingerprint: String,
}

impl RunRow {
    fn cells(&self) -> Vec<Cell> {
        let mut cells: Vec<Cell> = vec![self.run.into(), self.repetition.into()];
        cells.extend(self.labels.iter().map(|label| Cell::read(label)));
        cells.extend(self.vm.cells().into_iter().take(VmRow::COLUMNS.len()));
        let outcome = self.outcome.cells();
        cells.extend(outcome.into_iter().take(OutcomeRow::COLUMNS.len()).skip(KEY));
        cells.extend(self.vm.further.iter().map(|(_, cell)| cell.clone()));
        let fingerprint = self.fingerprint.as_str();
        cells.push(Some(fingerprint).filter(|text| !text.is_empty()).into());
        cells
    }

    /// Reads a record with these columns, `axes` of them parameters.
    fn read(columns: &StringRecord, axes: usize, record: &StringRecord) -> Result<Self, String> {
        let line = record.position().map_or(0, csv::Position::line);
        if record.len() != columns.len() {
            let (cells, expected) = (record.len(), columns.len());
            return Err(format!("line {line}: it has {cells} cells, expected {expected}"));
        }
        let number = |at: usize| {
            let wrong = |_| format!("line {line}: `{}` is not a number", &record[at]);
            record[at].parse().map_err(wrong)
        };
        let (run, repetition) = (number(0)?, number(1)?);
        let mut vm: VmRow = record.deserialize(Some(columns)).map_err(|error| error.to_string())?;
        let outcome = record.deserialize(Some(columns)).map_err(|error| error.to_string())?;
        // What is left between the columns that every sweep has is added by mechanisms.
        let fixed = 2 + axes + VmRow::COLUMNS.len() + OutcomeRow::COLUMNS.len() - KEY;
        let further = fixed..record.len() - 1;
        let cell = |at: usize| (columns[at].to_owned(), Cell::read(&record[at]));
        vm.further = further.map(cell).collect();
        Ok(Self {
            run,
            repetition,
            labels: record.iter().skip(2).take(axes).map(str::to_owned).collect(),
            vm,
            outcome,
            fingerprint: record[record.len() - 1].to_owned(),
        })
    }
}

/// The columns of runs.csv.
pub fn columns(grid: &Grid) -> Vec<String> {
    let named = |names: &[&str]| names.iter().map(ToString::to_string).collect::<Vec<_>>();
    let counted = [VmRow::COLUMNS, &OutcomeRow::COLUMNS[KEY..]].concat();
    let of_vms = [named(&counted), vms::further_columns(grid.mechanisms())].concat();
    [named(&["run", "repetition"]), params(grid), of_vms, named(&["fingerprint"])].concat()
}

/// The header of runs.csv.
pub fn header(grid: &Grid) -> String {
    csv_lines(std::iter::once(columns(grid)))
}

/// The lines of a run, given its number and its point: one for each VM, in file order, then one for
/// all VMs, which has the fingerprint.
pub fn lines(grid: &Grid, (run, point): (u64, u64), scenario: &Scenario, out: &Outcome) -> String {
    let (labels, repetition) = (grid.labels(point), scenario.repetition);
    let rows = vms::rows(scenario, out).into_iter().zip(outcomes::rows(scenario, out));
    let last = scenario.vms.len();
    let further = vms::further_columns(grid.mechanisms());
    csv_lines(rows.enumerate().map(|(at, (mut vm, outcome))| {
        // An axis may have set other mechanisms.
        let cell = |column: &String| {
            let found = vm.further.iter().find(|(name, _)| name == column);
            (column.clone(), found.map_or(Cell::Empty, |(_, cell)| cell.clone()))
        };
        vm.further = further.iter().map(cell).collect();
        let fingerprint = if at == last { trail::shown(out.fingerprint) } else { String::new() };
        let row = RunRow { run, repetition, labels: labels.clone(), vm, outcome, fingerprint };
        row.cells().iter().map(Cell::plain).collect()
    }))
}

/// What is kept of a run of a sweep.
pub fn record(grid: &Grid, run: (u64, u64), scenario: &Scenario, outcome: &Outcome) -> Record {
    Record {
        run: run.0,
        metrics: SUMMARISED.map(|(_, metric)| metric(&outcome.all)),
        rows: lines(grid, run, scenario, outcome),
        failed: expects::failed(scenario, &[outcome]),
    }
}

/// Reads [`lines`], which have no header.
///
/// # Errors
/// The line that is not a row of this grid, in a sentence.
pub fn read_lines(grid: &Grid, lines: &str) -> Result<Vec<RunRow>, String> {
    let columns = StringRecord::from(columns(grid));
    let axes = grid.paths().count();
    let mut reader =
        csv::ReaderBuilder::new().has_headers(false).flexible(true).from_reader(lines.as_bytes());
    let read = |record: Result<StringRecord, csv::Error>| {
        RunRow::read(&columns, axes, &record.map_err(|error| error.to_string())?)
    };
    reader.records().map(read).collect()
}

/// Reads runs.csv.
///
/// # Errors
/// A header or a line that does not fit this grid, in a sentence.
pub fn read(grid: &Grid, text: &str) -> Result<Vec<RunRow>, String> {
    let (found, lines) = text.split_once('\n').unwrap_or((text, ""));
    if found.trim_end() != header(grid).trim_end() {
        return Err("its header is not that of this sweep".to_owned());
    }
    read_lines(grid, lines)
}

/// The rows as a table.
pub fn table(grid: &Grid, rows: &[RunRow]) -> Table {
    let columns = columns(grid);
    let mut table = Table::new(&columns.iter().map(String::as_str).collect::<Vec<_>>());
    for row in rows {
        table.push(row.cells());
    }
    table
}

/// The columns of sweep.csv that a table for people omits.
pub const NOT_FOR_PEOPLE: &[&str] = &["point", "q1", "q3"];

/// The empty table of the points' statistics; for people, the axes' columns are named by their
/// paths.
pub fn summary(grid: &Grid, for_people: bool) -> Table {
    let params = if for_people { grid.paths().map(str::to_owned).collect() } else { params(grid) };
    let params: Vec<&str> = params.iter().map(String::as_str).collect();
    Table::new(&[&["point"], &params[..], STATISTICS].concat()).with_given(grid.paths())
}

/// Adds the rows of a point, one for each of the [`SUMMARISED`]: the statistics of its repetitions,
/// paired with those of its baseline.
pub fn push_point(
    table: &mut Table,
    grid: &Grid,
    point: u64,
    counts: &Repeated,
    baseline: Option<&Repeated>,
) {
    for (at, (metric, _)) in SUMMARISED.iter().enumerate() {
        let Some(summary) = Summary::of(&counts[at]) else { continue };
        let paired = baseline.and_then(|baseline| Paired::of(&counts[at], &baseline[at]));
        let mut row: Vec<Cell> = vec![point.into()];
        row.extend(grid.labels(point).into_iter().map(Cell::from));
        row.extend(statistics(metric, &summary, paired.as_ref()));
        table.push(row);
    }
}

fn statistics(metric: &str, summary: &Summary, paired: Option<&Paired>) -> Vec<Cell> {
    let Summary { n, mean, sd, min, quartiles: [q1, median, q3], max, interval } = *summary;
    let of_pair = |value: fn(&Paired) -> Cell| paired.map(value).into();
    vec![
        metric.into(),
        n.into(),
        mean.into(),
        sd.into(),
        min.into(),
        q1.into(),
        median.into(),
        q3.into(),
        max.into(),
        interval.map(|[low, _]| low).into(),
        interval.map(|[_, high]| high).into(),
        of_pair(|paired| paired.mean.into()),
        of_pair(|paired| paired.interval.map(|[low, _]| low).into()),
        of_pair(|paired| paired.interval.map(|[_, high]| high).into()),
        of_pair(|paired| paired.wins.into()),
        of_pair(|paired| paired.ties.into()),
        of_pair(|paired| paired.losses.into()),
    ]
}

/// "500 runs: 5 points, 100 repetitions each".
pub fn size(points: u64, repetitions: u64) -> String {
    let runs = counted(points.saturating_mul(repetitions), "run");
    format!("{runs}: {}, {} each", counted(points, "point"), counted(repetitions, "repetition"))
}

/// The columns of a list of runs: number, repetition, seed and parameters.
pub fn list_columns(grid: &Grid) -> Vec<String> {
    let named = ["run", "repetition", "seed"].map(str::to_owned);
    named.into_iter().chain(params(grid)).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::number::Millionths;
    use crate::scenario::Document;

    /// A label is a number only if it is written as one; names are words whatever they look like.
    #[test]
    fn rows_are_read_as_they_were_written() {
        let text = "[sweep.axes]\n'vm.a.trace.file' = ['007']\n";
        let grid = Document::from_toml("a.toml", text.as_bytes()).grid().unwrap().unwrap();
        let line = |label: &str| {
            let cell = |name: &String| match name.as_str() {
                "param_vm_a_trace_file" => label.to_owned(),
                "scenario" | "policy" | "vm" | "fingerprint" => "12".to_owned(),
                "frames_mean" | "slowdown" | "jain_index" => "0.250000".to_owned(),
                ratio if ratio.contains("_ratio") => "0.250000".to_owned(),
                _ => "5".to_owned(),
            };
            csv_lines(std::iter::once(columns(&grid).iter().map(cell).collect()))
        };
        for (label, found) in [
            ("007", Cell::from("007")),
            ("+5", Cell::from("+5")),
            ("1.50", Cell::from("1.50")),
            ("64", Cell::Integer(64)),
            ("512 KiB", Cell::from("512 KiB")),
        ] {
            let [row] = &read_lines(&grid, &line(label)).unwrap()[..] else { panic!("one row") };
            assert_eq!((row.run, row.vm.vm.as_str(), row.fingerprint.as_str()), (5, "12", "12"));
            assert_eq!(row.vm.fault_ratio, Millionths(250_000));
            let table = table(&grid, std::slice::from_ref(row));
            let cells = &table.rows()[0];
            assert_eq!((&cells[2], cells.last()), (&found, Some(&Cell::from("12"))), "{label}");
            assert_eq!(table.to_csv(), header(&grid) + &line(label));
        }
        for (wrong, said) in [
            (line("a").replace(",5,", ",x,"), "line 1"),
            (line("a").replace("0.250000", "0.25"), "`0.25` is not a number with six decimals"),
            ("5,5\n".to_owned(), "line 1: it has 2 cells, expected 40"),
        ] {
            let error = read_lines(&grid, &wrong).unwrap_err();
            assert!(error.contains(said), "{error}");
        }
        assert!(read(&grid, &line("a")).unwrap_err().contains("header"));
    }
}
