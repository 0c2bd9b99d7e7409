//! Grids: which points there are, in which order, and what the results say of each.

use std::fs;
use std::path::Path;
use std::process::{Command, Output};

use balloonist::conclude::contest::Contest;
use balloonist::scenario::{Document, Grid};

const BASE: &str = "host = { memory = 64 }\n[checkpoint]\nevery = 50\n\
                    [[vm]]\nname = 'a'\nworkload = { kind = 'zipf', pages = 90, accesses = 900 }\n\
                    [[vm]]\nname = 'b'\n\
                    workload = { kind = 'uniform', pages = 90, accesses = 500 }\n";

fn document(sweep: &str) -> Document {
    Document::from_toml("a.toml", format!("{BASE}{sweep}").as_bytes())
}

fn grid(document: &Document) -> Grid {
    document.check().unwrap().scenario.sweep.unwrap()
}

fn names(grid: &Grid) -> Vec<String> {
    (0..grid.points()).map(|point| grid.name(point)).collect()
}

#[test]
fn the_first_axis_turns_slowest_and_zips_fastest() {
    let grid = grid(&document(
        "[[sweep.zip]]\n'vm.a.min' = [1, 2]\n'vm.b.min' = [3, 4]\n\
         [sweep.axes]\npolicy.kind = ['static', 'last-n']\n\
         'host.memory' = { from = 64, to = 128, factor = 2 }\n",
    ));
    assert_eq!(
        names(&grid),
        [
            "policy.kind=static host.memory=64 vm.a.min=1 vm.b.min=3",
            "policy.kind=static host.memory=64 vm.a.min=2 vm.b.min=4",
            "policy.kind=static host.memory=128 vm.a.min=1 vm.b.min=3",
            "policy.kind=static host.memory=128 vm.a.min=2 vm.b.min=4",
            "policy.kind=last-n host.memory=64 vm.a.min=1 vm.b.min=3",
            "policy.kind=last-n host.memory=64 vm.a.min=2 vm.b.min=4",
            "policy.kind=last-n host.memory=128 vm.a.min=1 vm.b.min=3",
            "policy.kind=last-n host.memory=128 vm.a.min=2 vm.b.min=4",
        ]
    );
}

#[test]
fn points_that_differ_in_one_dimension_are_found() {
    let grid = grid(&document(
        "[[sweep.zip]]\n'vm.a.min' = [1, 2]\n'vm.b.min' = [3, 4]\n\
         [sweep.axes]\n'policy.kind' = ['static', 'last-n', 'proportional']\n\
         'host.memory' = [64, 128]\n\
         [[sweep.skip]]\n'policy.kind' = 'last-n'\n'host.memory' = 64\n'vm.a.min' = 2\n",
    ));
    let named: Vec<(String, Vec<String>)> =
        grid.dimensions().iter().map(|dimension| (dimension.name(), dimension.values())).collect();
    assert_eq!(named[1], ("host.memory".to_owned(), vec!["64".to_owned(), "128".to_owned()]));
    assert_eq!(
        named[2],
        ("vm.a.min, vm.b.min".to_owned(), vec!["1, 3".to_owned(), "2, 4".to_owned()])
    );
    // By names: a point along a dimension is named as this one is, but for that value.
    let names = names(&grid);
    for (point, own) in names.iter().enumerate() {
        assert!(!own.contains("last-n host.memory=64 vm.a.min=2"), "that point is skipped");
        let policies = ["static", "last-n", "proportional"];
        for (found, policy) in grid.along(0, point as u64).into_iter().zip(policies) {
            let rest = own.split_once(' ').unwrap().1;
            let wanted = format!("policy.kind={policy} {rest}");
            assert_eq!(found, names.iter().position(|name| *name == wanted).map(|at| at as u64));
        }
        let step = grid.place(point as u64)[1];
        assert!(own.contains(&format!("host.memory={} ", ["64", "128"][step])), "{own}");
    }
    assert!(grid.compared().is_empty());
    let grid = grid.with_baseline(0);
    assert_eq!(grid.compared(), [0]);
    assert!(names[grid.baseline_of(10).unwrap() as usize].starts_with("policy.kind=static "));
}

/// The demand faults of each point, in two repetitions, and the sentences that they come to.
#[test]
fn the_verdict_of_a_sweep_is_that_of_its_counts() {
    const MEMORY: &str = "'host.memory' = [64, 128, 256]\n";
    let policies = |names: &str| format!("[sweep.axes]\n'policy.kind' = [{names}]\n");
    let two = policies("'static', 'last-n'") + MEMORY;
    let skip = "[[sweep.skip]]\n'policy.kind' = 'last-n'\n'host.memory' = 64\n";
    for (sweep, faults, verdict) in [
        (
            two.clone(),
            &[100, 50, 30, 80, 51, 30][..],
            "last-n has the fewest demand faults: 26.8 per run on average over 6 runs, 10.6 % \
             fewer than static.\nOf the 3 values of host.memory, the best are static at 2 and \
             last-n at 2; ties count for each.",
        ),
        (
            // What was skipped for one counts for nobody: static had 80 to 81, and not 1080.
            two.clone() + skip,
            &[1000, 50, 30, 51, 30],
            "static has the fewest demand faults: 20 per run on average over 4 runs.\nOf the 2 \
             values of host.memory, the best are static at 2 and last-n at 1; ties count for each.",
        ),
        (
            two + "[sweep]\nbaseline = { 'policy.kind' = 'last-n' }\n",
            &[1, 1, 2, 2, 2, 4],
            "static has the fewest demand faults: 0.7 per run on average over 6 runs, 50.0 % fewer \
             than last-n.\nOf the 3 values of host.memory, the best is static at 3.",
        ),
        (
            policies("'opt-static', 'static'"),
            &[2, 4],
            "static has the fewest demand faults: 2 per run on average over 2 runs.\nopt-static \
             knows the future and is not ranked.",
        ),
        (
            format!("[sweep.axes]\n{MEMORY}"),
            &[9, 6, 6],
            "proportional's demand faults: 3.5 per run on average over 6 runs; the fewest, 3, at \
             host.memory=128; the most, 4.5, at host.memory=64.",
        ),
    ] {
        let grid = grid(&document(&sweep));
        let faults: Vec<u128> = faults.to_vec();
        assert_eq!(Contest::new(&grid, "proportional").verdict(&faults, 2), verdict, "{sweep}");
    }
}

#[test]
fn skipped_points_are_left_out_and_the_baseline_is_found_beside_each() {
    let grid = grid(&document(
        "[sweep]\nbaseline = { 'policy.kind' = 'static' }\n\
         [sweep.axes]\n'policy.kind' = ['last-n', 'static']\n'host.memory' = [64, '512 KiB', 256]\n\
         [[sweep.skip]]\n'policy.kind' = 'static'\n'host.memory' = 256\n\
         [[sweep.skip]]\n'policy.kind' = 'last-n'\n'host.memory' = 64\n",
    ));
    assert_eq!(
        names(&grid),
        [
            "policy.kind=last-n host.memory=512 KiB",
            "policy.kind=last-n host.memory=256",
            "policy.kind=static host.memory=64",
            "policy.kind=static host.memory=512 KiB",
        ]
    );
    let baselines: Vec<_> = (0..4).map(|point| grid.baseline_of(point)).collect();
    assert_eq!(baselines, [Some(3), None, Some(2), Some(3)]);
}

#[test]
fn flags_add_axes_and_replace_those_of_the_file() {
    let mut document = document("[sweep.axes]\npolicy.kind = ['static']\n'vm.a.min' = [1, 2]\n");
    document.axis("policy.kind=last-n,ws");
    document.axis("host.memory=64..128*2");
    document.axis("checkpoint.every=10..50+20");
    document.axis("vm.b.min=1..2");
    document.axis("vm.b.max=['512 KiB', 256]");
    let grid = grid(&document);
    assert_eq!(grid.points(), 2 * 2 * 2 * 3 * 2 * 2);
    assert_eq!(
        grid.name(grid.points() - 1),
        "vm.a.min=2 policy.kind=ws host.memory=128 checkpoint.every=50 vm.b.min=2 vm.b.max=256"
    );
}

#[test]
fn a_grid_reads_back_from_the_effective_scenario() {
    let text = "[sweep]\nrepeat = 3\nbaseline = { policy.kind = 'static' }\n\
                [[sweep.zip]]\n'vm.a.min' = [1, 2]\n'vm.b.max' = ['256 KiB', 80]\n\
                [sweep.axes]\n'policy.kind' = ['static', 'ws']\n\
                'policy.tmo.growth' = { from = 0.1, to = 0.3, step = 0.1 }\n\
                [[sweep.skip]]\n'vm.a.min' = 2\n'policy.kind' = 'ws'\n";
    let text = text.replace("policy.tmo.growth", "policy.dead_band").replace("0.", "1");
    let grid = grid(&document(&text));
    let effective = document(&text).check().unwrap().scenario.effective();
    let again = Document::from_toml("a.toml", effective.as_bytes());
    let read = again.grid().unwrap().unwrap();
    assert_eq!(names(&grid), names(&read));
    assert!(grid.points() > 2 && grid.repeat == 3 && read.repeat == 3);
    let baselines =
        |grid: &Grid| (0..grid.points()).map(|at| grid.baseline_of(at)).collect::<Vec<_>>();
    assert_eq!(baselines(&grid), baselines(&read));
    assert_eq!(again.check().unwrap().scenario.effective(), effective);
}

fn balloonist(folder: &Path, arguments: &[&str]) -> Output {
    let mut command = Command::new(env!("CARGO_BIN_EXE_balloonist"));
    command.args(arguments).current_dir(folder).output().unwrap()
}

/// Every row of runs.csv is what `run` prints of that point, seed for seed.
#[test]
fn a_run_of_a_sweep_is_the_run_of_its_settings() {
    let folder = tempfile::tempdir().unwrap();
    fs::write(folder.path().join("a.toml"), BASE).unwrap();
    let arguments = ["sweep", "a.toml", "--seeds", "3..4", "--axis", "policy.kind=last-n,mrc-dp"];
    let output = balloonist(
        folder.path(),
        &[&arguments[..], &["--axis", "host.memory=64,128", "--format", "csv"]].concat(),
    );
    let swept = String::from_utf8(output.stdout).unwrap();
    let mut swept = swept.lines();
    assert!(swept.next().unwrap().starts_with(
        "run,repetition,param_policy_kind,param_host_memory,scenario,policy,every,seed,vm,"
    ));
    let mut run = 0;
    for seed in ["3", "4"] {
        for policy in ["last-n", "mrc-dp"] {
            for memory in ["64", "128"] {
                let set = format!("host.memory={memory}");
                let one = ["run", "a.toml", "--seed", seed, "--policy", policy, "--set", &set];
                let alone = balloonist(folder.path(), &[&one[..], &["--format", "csv"]].concat());
                for row in String::from_utf8(alone.stdout).unwrap().lines().skip(1) {
                    let start = format!("{run},0,{policy},{memory},{row},");
                    let found = swept.next().unwrap();
                    assert!(found.starts_with(&start), "{found}\nis not\n{start}");
                }
                run += 1;
            }
        }
    }
    assert_eq!(swept.next(), None);
}

/// The statistics of sweep.csv against sums over runs.csv.
#[test]
fn the_statistics_are_those_of_the_rows() {
    let folder = tempfile::tempdir().unwrap();
    fs::write(folder.path().join("a.toml"), BASE).unwrap();
    let arguments = ["sweep", "a.toml", "--repeat", "7", "--axis", "policy.kind=static,last-n"];
    let baseline = ["--baseline", "policy.kind=static", "--out", "out"];
    let output = balloonist(folder.path(), &[&arguments[..], &baseline].concat());
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    let read = |name: &str| -> Vec<csv::StringRecord> {
        let mut reader = csv::Reader::from_path(folder.path().join("out").join(name)).unwrap();
        reader.records().map(Result::unwrap).collect()
    };
    let mut faults = vec![Vec::new(); 2];
    for row in read("runs.csv").iter().filter(|row| &row[7] == "all") {
        let (run, demand_faults): (usize, i64) =
            (row[0].parse().unwrap(), row[10].parse().unwrap());
        faults[run % 2].push(demand_faults);
    }
    assert!(faults[1].iter().any(|&count| count != faults[1][0]), "repetitions differ");
    let rows = read("sweep.csv");
    let row = rows.iter().find(|row| &row[1] == "last-n" && &row[2] == "demand_faults").unwrap();
    let millionths = |text: &str| text.replace('.', "").parse::<i64>().unwrap();
    let sum: i64 = faults[1].iter().sum();
    assert_eq!(&row[3], "7");
    assert!((millionths(&row[4]) * 7 - sum * 1_000_000).abs() <= 4, "{row:?}");
    let differences: Vec<i64> =
        faults[1].iter().zip(&faults[0]).map(|(own, base)| own - base).collect();
    let sum: i64 = differences.iter().sum();
    assert!((millionths(&row[13]) * 7 - sum * 1_000_000).abs() <= 4, "{row:?}");
    let wins = differences.iter().filter(|&&by| by < 0).count();
    assert_eq!(row[16], wins.to_string());
}

/// Ratios have statistics in the unit of their column, and so has any column that is asked for.
#[test]
fn any_column_has_statistics() {
    let folder = tempfile::tempdir().unwrap();
    fs::write(folder.path().join("a.toml"), BASE).unwrap();
    let sweep = |statistics| {
        let arguments = ["sweep", "a.toml", "--repeat", "5", "--policies", "static,last-n"];
        let further =
            ["--baseline", "policy.kind=static", "--out", "out", "--statistics", statistics];
        balloonist(folder.path(), &[&arguments[..], &further].concat())
    };
    let refused = sweep("fault_ratio,faults");
    assert_eq!(refused.status.code(), Some(2));
    assert!(String::from_utf8(refused.stderr).unwrap().contains("`faults` is no metric"));
    let made = sweep("fault_ratio,demand_faults,cold_faults,fault_ratio");
    assert!(made.status.success(), "{}", String::from_utf8_lossy(&made.stderr));
    let open = |name: &str| csv::Reader::from_path(folder.path().join("out").join(name)).unwrap();
    let mut runs = open("runs.csv");
    let ratio = runs.headers().unwrap().iter().position(|name| name == "fault_ratio").unwrap();
    let mut ratios = vec![Vec::new(); 2];
    for row in runs.records().map(Result::unwrap).filter(|row| &row[7] == "all") {
        let run: usize = row[0].parse().unwrap();
        ratios[run % 2].push(row[ratio].parse::<f64>().unwrap());
    }
    let rows: Vec<csv::StringRecord> = open("sweep.csv").records().map(Result::unwrap).collect();
    let named: Vec<&str> = rows.iter().map(|row| &row[2]).collect();
    let each =
        ["demand_faults", "replacement_misses", "frames_moved", "fault_ratio", "cold_faults"];
    assert_eq!(named, [each, each].concat());
    let row = rows.iter().find(|row| &row[1] == "last-n" && &row[2] == "fault_ratio").unwrap();
    let number = |at: usize| row[at].parse::<f64>().unwrap();
    let mean = |values: &[f64]| values.iter().sum::<f64>() / values.len() as f64;
    let near = |found: f64, expected: f64| {
        assert!((found - expected).abs() < 2e-6, "{found} is not {expected}: {row:?}");
    };
    let own = &ratios[1];
    near(number(4), mean(own));
    let squares: Vec<f64> = own.iter().map(|value| (value - mean(own)).powi(2)).collect();
    near(number(5), (squares.iter().sum::<f64>() / 4.0).sqrt());
    near(number(6), own.iter().copied().fold(1.0, f64::min));
    near(number(10), own.iter().copied().fold(0.0, f64::max));
    let differences: Vec<f64> = own.iter().zip(&ratios[0]).map(|(own, base)| own - base).collect();
    near(number(13), mean(&differences));
    let wins = differences.iter().filter(|by| **by < 0.0).count();
    assert_eq!(row[16], wins.to_string());
}

/// The trend of a column has the means of the rows, ratios as ratios.
#[test]
fn the_trend_of_any_column_is_drawn() {
    let folder = tempfile::tempdir().unwrap();
    fs::write(folder.path().join("a.toml"), BASE).unwrap();
    let ok = |arguments: &[&str]| {
        let output = balloonist(folder.path(), arguments);
        assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    };
    ok(&["sweep", "a.toml", "--repeat", "3", "-a", "host.memory=64,128", "--out", "swept"]);
    ok(&["run", "a.toml", "--out", "ran"]);
    ok(&["report", "swept", "--metric", "fault_ratio", "--out", "page.html"]);
    let page = fs::read_to_string(folder.path().join("page.html")).unwrap();
    assert!(page.contains("<h2>fault_ratio over host.memory</h2>"));
    let mut runs = csv::Reader::from_path(folder.path().join("swept/runs.csv")).unwrap();
    let at = runs.headers().unwrap().iter().position(|name| name == "fault_ratio").unwrap();
    let rows: Vec<csv::StringRecord> = runs.records().map(Result::unwrap).collect();
    let millionths = |row: &&csv::StringRecord| row[at].replace('.', "").parse::<u64>().unwrap();
    let small = rows.iter().filter(|row| &row[2] == "64" && &row[7] == "all");
    let sum: u64 = small.map(|row| millionths(&row)).sum();
    let mean = (sum + 1) / 3;
    let shown = format!("<td>3<td>0.{mean:06}<td>");
    assert!(page.contains(&shown), "{shown}");
    // Only shares are percents.
    assert!(page.contains(" % fault_ratio"), "the points of the picture have titles");
    ok(&["figures", "swept", "--metric", "frames_mean", "--out", "pictures"]);
    let picture = fs::read_to_string(folder.path().join("pictures/trend.svg")).unwrap();
    assert!(picture.contains(" frames_mean") && !picture.contains(" % frames_mean"), "{picture}");
    for (folder_of, metric) in [("swept", "faults"), ("ran", "fault_ratio")] {
        let refused = balloonist(folder.path(), &["report", folder_of, "--metric", metric]);
        assert_eq!(refused.status.code(), Some(2), "{folder_of}");
    }
}

#[test]
fn json_has_numbers_and_words() {
    let folder = tempfile::tempdir().unwrap();
    fs::write(folder.path().join("a.toml"), BASE).unwrap();
    let arguments = ["sweep", "a.toml", "--axis", "host.memory=64,128", "--format", "json"];
    let output = balloonist(folder.path(), &arguments);
    let rows: serde_json::Value = serde_json::from_slice(&output.stdout).unwrap();
    assert_eq!(rows.as_array().unwrap().len(), 6, "two points, two VMs and all");
    assert_eq!((&rows[2]["vm"], &rows[2]["param_host_memory"]), (&"all".into(), &64.into()));
    assert_eq!(rows[2]["accesses"], 1400);
    assert!(rows[2]["fault_ratio"].is_f64() && rows[2]["fingerprint"].is_string());
}

/// Points that are wrong are told before anything runs, at the value that is wrong.
#[test]
fn wrong_points_are_reported_with_place_and_name() {
    let folder = tempfile::tempdir().unwrap();
    let sweep = "[sweep.axes]\n'host.memory' = [64, 1]\n'host.memroy' = [3]\n";
    fs::write(folder.path().join("a.toml"), format!("{BASE}{sweep}")).unwrap();
    let output = balloonist(folder.path(), &["sweep", "a.toml", "--out", "out"]);
    assert_eq!(output.status.code(), Some(3));
    let told = String::from_utf8(output.stderr).unwrap();
    assert!(
        told.contains("unknown key `memroy`") && told.contains("did you mean `memory`?"),
        "{told}"
    );
    assert!(told.contains("--> a.toml:12:1"), "{told}");
    assert!(told.contains("at point host.memory=64 host.memroy=3"), "{told}");
    assert!(told.contains("at point host.memory=1 host.memroy=3"), "{told}");
    assert!(!folder.path().join("out").exists(), "nothing is begun");
}
