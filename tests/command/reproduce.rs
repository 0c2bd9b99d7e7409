//! `reproduce` compared with the expected values and with the report's printed Table 2. The sums
//! are computed here, not by the code under test.

use std::collections::BTreeMap;
use std::path::Path;
use std::process::{Command, Output};

type Row = BTreeMap<String, String>;

/// A VM's counts in tests/report/expected.csv.
#[derive(Default)]
struct Expected {
    accesses: u64,
    demand_faults: u64,
    cold_faults: u64,
    replacement_misses: u64,
}

fn rows(path: &Path) -> Vec<Row> {
    let mut reader = csv::Reader::from_path(path).unwrap();
    reader.deserialize().map(|row| row.unwrap()).collect()
}

fn number(row: &Row, column: &str) -> u64 {
    row[column].parse().unwrap_or_else(|_| panic!("{column} is no number: {row:?}"))
}

/// The sum of the rows that `wanted` chooses by test, policy, every and VM.
fn expected(wanted: impl Fn(&str, &str, u64, &str) -> bool) -> Expected {
    let mut sum = Expected::default();
    for row in rows(Path::new("tests/report/expected.csv")) {
        if wanted(&row["test"], &row["policy"], number(&row, "every"), &row["vm"]) {
            sum.accesses += number(&row, "accesses");
            sum.demand_faults += number(&row, "demand_faults");
            sum.cold_faults += number(&row, "cold_faults");
            sum.replacement_misses += number(&row, "replacement_misses");
        }
    }
    assert!(sum.accesses > 0, "some row is wanted");
    sum
}

fn reproduce(arguments: &[&str]) -> Output {
    let mut command = Command::new(env!("CARGO_BIN_EXE_balloonist"));
    command.arg("reproduce").args(arguments).output().unwrap()
}

/// The rows of a file that `--out` writes.
fn written(name: &str) -> Vec<Row> {
    let folder = tempfile::tempdir().unwrap();
    let output = reproduce(&["--quiet", "--out", folder.path().to_str().unwrap()]);
    assert_eq!(output.status.code(), Some(0), "{}", String::from_utf8_lossy(&output.stderr));
    let mut names: Vec<_> = std::fs::read_dir(folder.path())
        .unwrap()
        .map(|entry| entry.unwrap().file_name().into_string().unwrap())
        .collect();
    names.sort();
    let figures = ["figure-4.svg", "figure-5.svg", "figure-6.svg", "figures.csv"];
    let expected = [&["demand.csv", "draws.csv"][..], &figures, &["table1.csv", "table2.csv"]];
    assert_eq!(names, expected.concat());
    rows(&folder.path().join(name))
}

#[test]
fn table_1_is_the_sum_of_the_expected_rows_and_the_printed_ratio() {
    let printed = [
        ("static", "0.321", 34, ""),
        ("last-n", "0.236", 25, "26.48"),
        ("proportional", "0.198", 21, "38.32"),
    ];
    let table = written("table1.csv");
    assert_eq!(table.len(), printed.len());
    for (row, (policy, ratio, misses, decrease)) in table.iter().zip(printed) {
        let sum = expected(|_, name, every, _| name == policy && every == 1);
        assert_eq!((row["policy"].as_str(), row["every"].as_str()), (policy, "1"));
        assert_eq!(number(row, "accesses"), sum.accesses);
        assert_eq!((number(row, "replacement_misses"), sum.replacement_misses), (misses, misses));
        assert_eq!(
            (row["ratio_rounded"].as_str(), row["ratio_published"].as_str()),
            (ratio, ratio)
        );
        assert_eq!(row["decrease_percent"], decrease);
        assert_eq!(row["decrease_published"], decrease);
        assert_eq!(row["status"], "ok");
    }
}

#[test]
fn table_2_is_as_printed() {
    let printed = [
        [3, 5, 5, 5, 5, 5, 5, 5, 5, 6],
        [3, 2, 3, 2, 5, 4, 3, 2, 1, 0],
        [3, 3, 3, 2, 5, 4, 3, 2, 2, 2],
        [3, 5, 5, 5, 5, 5, 5, 5, 5, 6],
    ];
    let table = written("table2.csv");
    assert_eq!(table.len(), 40);
    for row in table {
        let vm: usize = row["vm"].strip_prefix("VM").unwrap().parse().unwrap();
        let n = number(&row, "every");
        let misses = printed[vm][n as usize - 1];
        assert_eq!(number(&row, "replacement_misses"), misses, "{row:?}");
        assert_eq!(number(&row, "published"), misses, "{row:?}");
        assert_eq!((row["test"].as_str(), row["policy"].as_str()), ("test1", "last-n"));
    }
}

#[test]
fn every_bar_is_an_expected_row() {
    let table = written("figures.csv");
    assert_eq!(table.len(), (4 + 2 + 3) * 3, "a bar for each VM and strategy");
    for row in table {
        let sum = expected(|test, policy, every, vm| {
            (test, policy, every, vm) == (&row["test"], &row["policy"], 1, &row["vm"])
        });
        assert_eq!(number(&row, "replacement_misses"), sum.replacement_misses, "{row:?}");
        assert_eq!(number(&row, "accesses"), sum.accesses, "{row:?}");
        let ratio: f64 = row["ratio"].parse().unwrap();
        let exact = sum.replacement_misses as f64 / sum.accesses as f64;
        assert!((ratio - exact).abs() < 0.000_001, "{row:?}");
        let figure = match row["test"].as_str() {
            "test1" => "Figure 4",
            "test2" => "Figure 5",
            _ => "Figure 6",
        };
        assert_eq!((row["figure"].as_str(), row["status"].as_str()), (figure, "ok"));
    }
}

#[test]
fn demand_faults_reverse_the_conclusion() {
    let table = written("demand.csv");
    assert_eq!(table.len(), 12 + 4, "strategies and bounds");
    let faults: Vec<(&str, &str, u64)> = table
        .iter()
        .filter(|row| row["status"] == "ok")
        .map(|row| {
            (row["name"].as_str(), row["replacement_misses"].as_str(), number(row, "demand_faults"))
        })
        .collect();
    assert_eq!(
        faults,
        [
            ("static", "34", 75),
            ("last-n", "25", 83),
            ("proportional", "21", 84),
            ("cold", "", 72),
            ("best-static", "", 72),
            ("global-lru", "", 74),
        ]
    );
    for row in table.iter().filter(|row| row["role"] == "policy") {
        let sum =
            expected(|_, policy, every, _| policy == row["name"] && every == number(row, "every"));
        assert_eq!(number(row, "demand_faults"), sum.demand_faults, "{row:?}");
        assert_eq!(number(row, "replacement_misses"), sum.replacement_misses, "{row:?}");
        assert_eq!(number(row, "cold_faults"), sum.cold_faults, "{row:?}");
        assert_eq!(number(row, "fills"), sum.demand_faults - sum.replacement_misses, "{row:?}");
    }
}

#[test]
fn over_many_seeds_23_is_the_commonest_draw() {
    let table = written("draws.csv");
    let totals: Vec<(u64, u64)> = table
        .iter()
        .filter(|row| row["metric"] == "replacement_misses")
        .map(|row| (number(row, "total"), number(row, "seeds")))
        .collect();
    let seeds: u64 = totals.iter().map(|(_, seeds)| seeds).sum();
    assert_eq!(seeds, 2000);
    assert_eq!((totals[0].0, totals[totals.len() - 1].0), (20, 25));
    assert_eq!(totals.iter().max_by_key(|(_, seeds)| seeds).unwrap().0, 23);
}

#[test]
fn csv_and_json_list_every_figure() {
    let csv = reproduce(&["--format", "csv"]);
    assert_eq!(csv.status.code(), Some(0));
    let mut reader = csv::Reader::from_reader(csv.stdout.as_slice());
    let figures: Vec<Row> = reader.deserialize().map(|row| row.unwrap()).collect();
    assert_eq!(figures.len(), 78);
    assert!(figures.iter().all(|row| row["status"] == "ok" && row["published"] == row["ours"]));
    let report = figures.iter().filter(|row| row["compared_with"] == "report");
    assert_eq!(report.count(), 45, "five of Table 1 and forty of Table 2");
    let json = reproduce(&["--format", "json"]);
    let json: serde_json::Value = serde_json::from_slice(&json.stdout).unwrap();
    assert_eq!(json.as_array().unwrap().len(), 78);
}

#[test]
fn reproduce_refuses_settings() {
    let output = reproduce(&["--seed", "2"]);
    assert_eq!(output.status.code(), Some(2));
    let error = String::from_utf8(output.stderr).unwrap();
    assert!(error.starts_with("error: `--seed` cannot be used with `reproduce`"), "{error}");
}
