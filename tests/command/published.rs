//! docs/published.md: balloonist's hit ratios beside published ones.
//!
//! The traces are not in this repository. If the variable `PUBLISHED_TRACES` names the folder with
//! them, all of balloonist's numbers on the page are recomputed; otherwise the page is only parsed.

use std::fs;
use std::path::Path;
use std::process::Command;

/// No published ratio is further from ours, in hundredths of a per cent, but [`MISPRINT`].
const DIFFERENCE_MAX: u64 = 10;

/// The ratio that the page explains.
const MISPRINT: (&str, &str, u64) = ("OLTP.lis.zst", "lirs", 5000);

/// A cell of one of the page's tables.
struct Cell {
    trace: String,
    replacement: String,
    frames: u64,
    said: Said,
}

enum Said {
    /// Published and ours, in hundredths of a per cent of the accesses.
    HitRatios(u64, u64),
    /// Of the algorithm's author's program, and ours.
    Misses(u64),
}

#[test]
fn published_hit_ratios_are_reproduced() {
    let page = fs::read_to_string("docs/published.md").unwrap();
    let cells = cells(&page);
    assert_eq!(cells.len(), 25 + 8 + 40);
    for cell in &cells {
        if let Said::HitRatios(published, ours) = cell.said {
            let at = (cell.trace.as_str(), cell.replacement.as_str(), cell.frames);
            let is_near = published.abs_diff(ours) <= DIFFERENCE_MAX;
            assert!(is_near != (at == MISPRINT), "{at:?}: {published} {ours}");
        }
    }
    let Some(folder) = std::env::var_os("PUBLISHED_TRACES") else {
        println!("read, not repeated: set PUBLISHED_TRACES to the folder of the traces");
        return;
    };
    for Cell { trace, replacement, frames, said } in &cells {
        let (accesses, misses) = count(&Path::new(&folder).join(trace), replacement, *frames);
        match *said {
            Said::HitRatios(_, ours) => {
                let ratio = ((accesses - misses) * 20_000 + accesses) / (2 * accesses);
                assert_eq!(ratio, ours, "{trace} {replacement} {frames}");
            }
            Said::Misses(said) => assert_eq!(misses, said, "{trace} {replacement} {frames}"),
        }
    }
}

/// The cells of the page's tables, in its order.
fn cells(page: &str) -> Vec<Cell> {
    let mut cells = Vec::new();
    let mut heads = Vec::new();
    for line in page.lines() {
        let Some(row) = line.strip_prefix("| ") else {
            heads.clear();
            continue;
        };
        let row: Vec<&str> = row.trim_end_matches(" |").split(" | ").collect();
        if heads.is_empty() {
            heads = row;
        } else if !row[0].starts_with('-') {
            let cell = |(head, text): (&&str, &&str)| cell(&heads, row[0], head, text);
            cells.extend(heads.iter().zip(&row).skip(1).map(cell));
        }
    }
    cells
}

fn cell(heads: &[&str], side: &str, head: &str, text: &str) -> Cell {
    let ratios = text.split_once(", ");
    let said = match ratios {
        Some((published, ours)) => Said::HitRatios(number(published), number(ours)),
        None => Said::Misses(number(text)),
    };
    let (trace, replacement, frames) = match (heads[0], &said) {
        ("frames", _) => ("OLTP.lis.zst".to_owned(), head, number(side)),
        (_, Said::HitRatios(..)) => (format!("{side}.lis.zst"), head, 32_768),
        (_, Said::Misses(_)) => (format!("{side}.trace.gz"), "lirs", number(head)),
    };
    Cell { trace, replacement: replacement.to_owned(), frames, said }
}

/// The digits of a number.
fn number(text: &str) -> u64 {
    text.replace([',', '.'], "").parse().unwrap()
}

/// The accesses of a trace and the misses among them.
fn count(trace: &Path, replacement: &str, frames: u64) -> (u64, u64) {
    let trace = trace.to_str().unwrap();
    let frames = frames.to_string();
    let info = rows(&["trace", "info", trace, "--print", "csv"]);
    let curve = ["mrc", trace, "--replacement", replacement, "--points", &frames];
    let curve = rows(&[&curve[..], &["--format", "csv"]].concat());
    let named = |(names, cells): &(csv::StringRecord, csv::StringRecord), name| {
        cells[names.iter().position(|column| column == name).unwrap()].parse().unwrap()
    };
    (named(&info, "accesses"), named(&curve, "demand_faults"))
}

/// The heads and the row of a table of one row.
fn rows(arguments: &[&str]) -> (csv::StringRecord, csv::StringRecord) {
    let mut command = Command::new(env!("CARGO_BIN_EXE_balloonist"));
    let output = command.args(arguments).args(["--quiet", "--no-cache"]).output().unwrap();
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    let mut reader = csv::Reader::from_reader(&output.stdout[..]);
    let row = reader.records().next().unwrap().unwrap();
    (reader.headers().unwrap().clone(), row)
}
