//! runs.csv, rows for each run, and sweep.csv, what the repetitions of a point have in common.

use crate::account::Outcome;
use crate::number::counted;
use crate::scenario::{Grid, Scenario};
use crate::store::trail;
use crate::store::vms;
use crate::sweep::statistics::{Paired, Repeated, SUMMARISED, Summary};
use crate::table::{Cell, Table, csv_lines};

/// The columns of sweep.csv behind the parameters.
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
pub fn params(grid: &Grid) -> Vec<String> {
    let mut names: Vec<String> = Vec::new();
    for path in grid.paths() {
        let letter = |letter: char| if letter.is_ascii_alphanumeric() { letter } else { '_' };
        let name = format!("param_{}", path.chars().map(letter).collect::<String>());
        let twins = names.iter().filter(|known| **known == name).count();
        names.push(if twins == 0 { name } else { format!("{name}_{}", twins + 1) });
    }
    names
}

/// The columns of runs.csv.
pub fn columns(grid: &Grid) -> Vec<String> {
    let named = |names: &[&str]| names.iter().map(ToString::to_string).collect::<Vec<_>>();
    [named(&["run", "repetition"]), params(grid), named(vms::COLUMNS), named(&["fingerprint"])]
        .concat()
}

/// The header of runs.csv.
pub fn header(grid: &Grid) -> String {
    csv_lines(std::iter::once(columns(grid)))
}

/// The lines of a run: one for each VM, in file order, then that of all, which has the fingerprint.
pub fn rows(grid: &Grid, (run, point): (u64, u64), scenario: &Scenario, out: &Outcome) -> String {
    let labels = grid.labels(point);
    let table = vms::table(scenario, out);
    let last = table.rows().len() - 1;
    csv_lines(table.rows().iter().enumerate().map(|(at, cells)| {
        let fingerprint = if at == last { trail::shown(out.fingerprint) } else { String::new() };
        let start = [run.to_string(), scenario.repetition.to_string()];
        let cells = cells.iter().map(Cell::plain);
        start.into_iter().chain(labels.iter().cloned()).chain(cells).chain([fingerprint]).collect()
    }))
}

/// Lines of runs.csv as a table again, for other formats.
///
/// # Panics
/// If the text is not of this grid.
pub fn table_of(grid: &Grid, rows: &str) -> Table {
    const WORDS: &[&str] = &["scenario", "policy", "vm", "fingerprint"];
    let columns = columns(grid);
    let names: Vec<&str> = columns.iter().map(String::as_str).collect();
    let mut table = Table::new(&names);
    let mut reader = csv::ReaderBuilder::new().has_headers(false).from_reader(rows.as_bytes());
    for record in reader.records() {
        let record = record.expect("the lines were written by this program");
        let cell = |(name, text): (&&str, &str)| match text {
            text if WORDS.contains(name) && !text.is_empty() => Cell::from(text),
            text => Cell::read(text),
        };
        table.push(names.iter().zip(&record).map(cell).collect());
    }
    table
}

/// The columns of sweep.csv that a table for people does without.
pub const NOT_FOR_PEOPLE: &[&str] = &["point", "q1", "q3"];

/// The statistics of points, for files; for people the columns of the axes are called by their
/// paths.
pub fn summary(grid: &Grid, for_people: bool) -> Table {
    let params = if for_people { grid.paths().map(str::to_owned).collect() } else { params(grid) };
    let params: Vec<&str> = params.iter().map(String::as_str).collect();
    Table::new(&[&["point"], &params[..], STATISTICS].concat()).with_given(grid.paths())
}

/// Adds the rows of a point, one for each of the [`SUMMARISED`]: what its repetitions came to, and
/// those of its baseline.
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

/// The run of a policy at a point, for lists: number, repetition, seed and parameters.
pub fn list_columns(grid: &Grid) -> Vec<String> {
    let named = ["run", "repetition", "seed"].map(str::to_owned);
    named.into_iter().chain(params(grid)).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::scenario::Document;

    /// A label is a number only if it is written as one; names are words whatever they look like.
    #[test]
    fn cells_are_read_as_they_were_written() {
        let text = "[sweep.axes]\n'vm.a.trace.file' = ['007']\n";
        let grid = Document::from_toml("a.toml", text.as_bytes()).grid().unwrap().unwrap();
        let row = |label: &str| {
            let cell = |name: &String| match name.as_str() {
                "param_vm_a_trace_file" => label.to_owned(),
                "policy" => "static".to_owned(),
                "vm" | "fingerprint" => "12".to_owned(),
                "fault_ratio" => "0.250000".to_owned(),
                "accesses" => String::new(),
                _ => "5".to_owned(),
            };
            csv_lines(std::iter::once(columns(&grid).iter().map(cell).collect()))
        };
        let names = ["param_vm_a_trace_file", "vm", "fingerprint", "run", "fault_ratio"];
        for (label, found) in [
            ("007", Cell::from("007")),
            ("+5", Cell::from("+5")),
            ("1.50", Cell::from("1.50")),
            ("64", Cell::Integer(64)),
            ("512 KiB", Cell::from("512 KiB")),
        ] {
            let table = table_of(&grid, &row(label)).select(&[&names[..], &["accesses"]].concat());
            let ratio = Cell::Ratio(crate::number::Millionths(250_000));
            let twelve = || Cell::from("12");
            let expected = [found, twelve(), twelve(), Cell::Integer(5), ratio, Cell::Empty];
            assert_eq!(table.rows(), [expected]);
        }
    }
}
