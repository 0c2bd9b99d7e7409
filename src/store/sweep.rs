//! runs.csv, the rows of each run of a sweep.

use csv::StringRecord;

use crate::account::Outcome;
use crate::conclude::expects::{self, Unmet};
use crate::number::counted;
use crate::scenario::{Grid, Scenario};
use crate::store::outcomes::{self, OutcomeRow};
use crate::store::row::Row as _;
use crate::store::trail;
use crate::store::vms::{self, KEY, VmRow};
use crate::sweep::journal::Record;
use crate::sweep::statistics::SUMMARISED;
use crate::table::{Cell, Table, csv_lines};

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
    /// The cell of a column of vms.csv or outcomes.csv; empty if the run has no value there.
    pub fn cell(&self, column: &str) -> Cell {
        let names = VmRow::COLUMNS.iter().chain(VmRow::OPTIONAL);
        let cells = names.copied().zip(self.vm.cells());
        let further = self.vm.further.iter().map(|(name, cell)| (name.as_str(), cell.clone()));
        let outcome = OutcomeRow::COLUMNS.iter().copied().zip(self.outcome.cells());
        let found = cells.chain(further).chain(outcome).find(|(name, _)| *name == column);
        found.map_or(Cell::Empty, |(_, cell)| cell)
    }

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

/// Checks that these are columns of vms.csv or outcomes.csv that are numbers.
///
/// # Errors
/// The first that is not, and those that are, in a sentence.
pub fn check_metrics<'a>(
    grid: &Grid,
    mut names: impl Iterator<Item = &'a str>,
) -> Result<(), String> {
    let all = VmRow::COLUMNS[KEY..].iter().chain(&OutcomeRow::COLUMNS[KEY..]);
    let mut known: Vec<String> = all.map(|name| (*name).to_owned()).collect();
    known.extend(vms::further_columns(grid.mechanisms()));
    match names.find(|name| !known.iter().any(|known| known == name)) {
        Some(name) => Err(format!("`{name}` is no metric; there are {}", known.join(", "))),
        None => Ok(()),
    }
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
        failed: Unmet::texts(expects::failed(scenario, &[outcome])),
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
