//! Charts and pages: deterministic, small and self-contained; refused if their folder is damaged.

use std::collections::BTreeMap;
use std::fs;
use std::path::Path;
use std::process::{Command, Output};

use balloonist::render::figures;
use balloonist::store::manifest::Manifest;
use balloonist::store::results::{Results, Sweep};
use balloonist::store::row;
use balloonist::store::sweep;
use balloonist::store::vms::VmRow;
use balloonist::table::Table;

const TEST3: &str = "scenarios/report/test3.dat";

fn balloonist(arguments: &[&str]) -> Output {
    Command::new(env!("CARGO_BIN_EXE_balloonist")).args(arguments).output().unwrap()
}

fn succeed(arguments: &[&str]) {
    let output = balloonist(arguments);
    let error = String::from_utf8_lossy(&output.stderr);
    assert_eq!(output.status.code(), Some(0), "{arguments:?}: {error}");
}

/// A folder with a comparison of test3 in it.
fn compared() -> tempfile::TempDir {
    let folder = tempfile::tempdir().unwrap();
    succeed(&["compare", TEST3, "--quiet", "--out", folder.path().to_str().unwrap()]);
    folder
}

fn read(path: &Path) -> String {
    fs::read_to_string(path).unwrap_or_else(|error| panic!("{}: {error}", path.display()))
}

/// A page without the command that made it.
fn without_command(page: &str) -> String {
    let (before, rest) = page.split_once("<pre class=\"command\">").unwrap();
    before.to_owned() + rest.split_once("</pre>").unwrap().1
}

/// Compares every file with the golden one in tests/figures; `BLESS_FIGURES=1` updates them.
fn agree(made: &Path) -> usize {
    let goldens = Path::new("tests/figures");
    let mut count = 0;
    for entry in fs::read_dir(made).unwrap() {
        let path = entry.unwrap().path();
        let golden = goldens.join(path.file_name().unwrap());
        if std::env::var_os("BLESS_FIGURES").is_some() {
            fs::copy(&path, &golden).unwrap();
        }
        assert!(read(&golden) == read(&path), "{} differs", golden.display());
        count += 1;
    }
    count
}

#[test]
fn every_figure_has_its_golden_bytes() {
    let made = tempfile::tempdir().unwrap();
    let out = made.path().to_str().unwrap();
    succeed(&["figures", "--quiet", "--out", out]);
    let comparison = compared();
    let results = comparison.path().to_str().unwrap();
    succeed(&["figures", results, "--quiet", "--out", out]);
    let sweep = tempfile::tempdir().unwrap();
    let results = sweep.path().to_str().unwrap();
    let all = ["--policies", "static,last-n,proportional", "--seeds", "1..20"];
    succeed(&[&["sweep", TEST3, "--quiet", "--out", results], &all[..]].concat());
    succeed(&["figures", results, "--quiet", "--out", out]);
    let (sweep, maps) = (swept(&[]), tempfile::tempdir().unwrap());
    let results = sweep.path().to_str().unwrap();
    succeed(&["figures", results, "--quiet", "--out", maps.path().to_str().unwrap()]);
    for map in ["heat.svg", "trend.svg", "winners.svg"] {
        fs::copy(maps.path().join(map), made.path().join(map)).unwrap();
    }
    assert_eq!(agree(made.path()), 5 + 7 + 2 + 3);
    let goldens = fs::read_dir("tests/figures").unwrap().count();
    assert_eq!(goldens, 5 + 7 + 2 + 3, "every golden figure is still made");
}

#[test]
fn a_trend_shows_the_means_of_points_and_never_of_several() {
    let folder = swept(&[]);
    let results = results_of(folder.path());
    let trend = figures::all(&results).into_iter().find(|figure| figure.name == "trend").unwrap();
    // By hand from the rows: a mean for each policy, memory and checkpoint.
    let mut sums: BTreeMap<[String; 3], (u64, u64)> = BTreeMap::new();
    let sweep = results.sweep.as_ref().unwrap();
    for row in sweep.runs.iter().filter(|row| row.vm.vm == "all") {
        let [policy, memory, every] = [0, 1, 2].map(|at| row.labels[at].clone());
        let sum = sums.entry([format!("checkpoint.every={every}"), policy, memory]).or_default();
        *sum = (sum.0 + row.vm.demand_faults, sum.1 + 1);
    }
    assert_eq!(trend.table.rows().len(), sums.len());
    for row in trend.table.rows() {
        let key = [0, 1, 2].map(|at| row[at].plain());
        let (faults, runs) = sums[&key];
        assert_eq!(row[3].plain(), runs.to_string(), "{key:?}");
        let mean: f64 = row[4].plain().parse().unwrap();
        assert!((mean - faults as f64 / runs as f64).abs() < 1e-6, "{key:?}");
        let [low, high] = [5, 6].map(|at| row[at].plain().parse::<f64>().unwrap());
        assert!(low <= mean && mean <= high, "{key:?}");
    }
}

/// A folder with a sweep over two axes beside the policy, one of which knows the future.
fn swept(more: &[&str]) -> tempfile::TempDir {
    let folder = tempfile::tempdir().unwrap();
    let axes = ["--axis", "host.memory=12,16,20", "--axis", "checkpoint.every=1,3,6"];
    let all = ["sweep", TEST3, "--policies", "static,last-n,proportional,opt-static", "--quiet"];
    let out = ["--repeat", "3", "--out", folder.path().to_str().unwrap()];
    succeed(&[&all[..], &axes, &out, more].concat());
    folder
}

/// The results of a sweep, read by the library alone.
fn results_of(folder: &Path) -> Results {
    let manifest = Manifest::read(&read(&folder.join("manifest.json"))).unwrap();
    let grid = Sweep::grid(&manifest).unwrap();
    let rows = sweep::read(&grid, &read(&folder.join("runs.csv"))).unwrap();
    let sweep = Some(Sweep::new(grid, rows).unwrap());
    let series = Vec::new();
    Results { command: None, manifest, vms: None, compare: None, curves: None, sweep, series }
}

/// What a table shows in a row under a column.
fn cell(table: &Table, row: usize, column: &str) -> String {
    let at = table.columns().iter().position(|name| name == column);
    table.rows()[row][at.unwrap_or_else(|| panic!("no column {column}"))].plain()
}

/// The demand faults of all VMs in each run, with the values of some columns.
fn faults_by(folder: &Path, columns: &[&str]) -> Vec<(Vec<String>, u64)> {
    let mut reader = csv::Reader::from_path(folder.join("runs.csv")).unwrap();
    let headers = reader.headers().unwrap().clone();
    let column = |name: &str| headers.iter().position(|header| header == name).unwrap();
    let rows = reader.records().map(Result::unwrap);
    let whole = rows.filter(|row| &row[column("vm")] == "all");
    whole
        .map(|row| {
            let values = columns.iter().map(|name| row[column(name)].to_owned()).collect();
            (values, row[column("demand_faults")].parse().unwrap())
        })
        .collect()
}

/// The winners computed in another way: sums over runs.csv, and the smallest of each cell.
#[test]
fn the_map_of_winners_has_the_policies_with_the_fewest_faults() {
    let folder = swept(&[]);
    let runs = faults_by(
        folder.path(),
        &["param_checkpoint_every", "param_host_memory", "param_policy_kind"],
    );
    let sum = |wanted: [&str; 3]| -> u64 {
        runs.iter().filter(|(values, _)| *values == wanted).map(|(_, faults)| faults).sum()
    };
    let figures = figures::all(&results_of(folder.path()));
    let winners = figures.iter().find(|figure| figure.name == "winners").unwrap();
    let mut cells = 0;
    let mut wins = [0; 3];
    for every in ["1", "3", "6"] {
        for memory in ["12", "16", "20"] {
            // opt-static knows the future.
            let policies = ["static", "last-n", "proportional"];
            let sums = policies.map(|policy| sum([every, memory, policy]));
            let least = *sums.iter().min().unwrap();
            let best: Vec<&str> = policies
                .iter()
                .zip(sums)
                .filter(|(_, sum)| *sum == least)
                .map(|(p, _)| *p)
                .collect();
            (0..3).filter(|&at| sums[at] == least).for_each(|at| wins[at] += 1);
            let cell = |column| cell(&winners.table, cells, column);
            assert_eq!([cell("checkpoint.every"), cell("host.memory")], [every, memory]);
            assert_eq!(cell("best"), best.join(", "));
            let accesses = 36 * 3;
            let ratio = (2_000_000 * least + accesses) / (2 * accesses);
            assert_eq!(cell("fault_ratio"), format!("0.{ratio:06}"));
            cells += 1;
        }
    }
    assert_eq!(winners.table.rows().len(), cells);
    let verdict = results_of(folder.path()).manifest.verdict.unwrap();
    for (policy, wins) in ["static", "last-n", "proportional"].iter().zip(wins) {
        let said = format!("{policy} at {wins}");
        assert!(wins == 0 || verdict.contains(&said), "{said} in {verdict}");
    }
    assert!(verdict.contains("Of the 9 combinations of host.memory and checkpoint.every, "));
    assert!(verdict.ends_with("\nopt-static knows the future and is not ranked."), "{verdict}");
}

#[test]
fn differences_are_from_the_baseline_that_the_sweep_names() {
    for (baseline, column, base, others) in [
        ("policy.kind=last-n", "param_policy_kind", "last-n", &["static", "proportional"][..]),
        ("host.memory=16", "param_host_memory", "16", &["12", "20"]),
    ] {
        let folder = swept(&["--baseline", baseline]);
        let runs = faults_by(folder.path(), &[column]);
        let mean = |wanted: &str| {
            let faults = runs.iter().filter(|(values, _)| values[0] == wanted);
            let faults: Vec<f64> = faults.map(|(_, faults)| *faults as f64).collect();
            faults.iter().sum::<f64>() / faults.len() as f64
        };
        let figures = figures::all(&results_of(folder.path()));
        let paired = figures.iter().find(|figure| figure.name == "paired").unwrap();
        assert_eq!(paired.title, format!("Demand faults against {base}"));
        for other in others {
            let mut rows = 0..paired.table.rows().len();
            let row = rows.find(|&row| cell(&paired.table, row, "name") == *other).unwrap();
            let shown: f64 = cell(&paired.table, row, "mean_difference").parse().unwrap();
            assert!((shown - (mean(other) - mean(base))).abs() < 1e-5, "{other}: {shown}");
        }
    }
}

/// The output of a command and its page have the same verdict, with plain and with compressed rows.
#[test]
fn a_sweep_ends_with_the_verdict_of_its_page() {
    let folder = tempfile::tempdir().unwrap();
    let place = |name: &str| folder.path().join(name).to_str().unwrap().to_owned();
    let sweep = ["sweep", TEST3, "--policies", "static,last-n", "--seeds", "1..2", "-q", "--out"];
    let printed = balloonist(&[&sweep[..], &[&place("plain")]].concat());
    let printed = String::from_utf8(printed.stdout).unwrap();
    let verdict = printed.lines().last().unwrap();
    // static and last-n draw nothing: 29 in each run, as tests/report/expected.csv has them.
    assert_eq!(
        verdict,
        "static and last-n have the fewest demand faults: 29 per run on average over 2 runs."
    );
    let page = balloonist(&["report", &place("plain"), "-o", "-"]);
    let page = String::from_utf8(page.stdout).unwrap();
    assert!(page.contains(&format!("<p>{verdict}</p>")));
    assert!(page.contains("<p>4 runs: 2 points, 2 repetitions each</p>"));
    assert!(!page.contains("<h3>Runs</h3>") && !page.contains("id=\"heat\""));
    succeed(&[&sweep[..], &[&place("packed"), "--zst"]].concat());
    let packed = balloonist(&["report", &place("packed"), "-o", "-"]);
    let packed = String::from_utf8(packed.stdout).unwrap();
    assert!(without_command(&packed) == without_command(&page));
}

/// A figure as PDF has its words, and each of its objects where its table says.
#[test]
fn a_pdf_has_its_objects_where_it_says() {
    let (results, made) = (compared(), tempfile::tempdir().unwrap());
    let out = made.path().to_str().unwrap();
    succeed(&["figures", results.path().to_str().unwrap(), "-q", "--format", "pdf", "--out", out]);
    let mut files = 0;
    for entry in fs::read_dir(made.path()).unwrap() {
        let bytes = fs::read(entry.unwrap().path()).unwrap();
        let shown = |bytes: &[u8]| bytes.iter().map(|&byte| char::from(byte)).collect::<String>();
        let text = shown(&bytes);
        assert!(text.starts_with("%PDF-1.4\n") && text.ends_with("%%EOF\n"));
        let table = text.rsplit("startxref\n").next().unwrap().lines().next().unwrap();
        let table = shown(&bytes[table.parse::<usize>().unwrap()..]);
        let mut lines = table.lines();
        assert_eq!(lines.next(), Some("xref"));
        let count: usize = lines.next().unwrap().strip_prefix("0 ").unwrap().parse().unwrap();
        for (number, line) in (1..count).zip(lines.skip(1)) {
            let place: usize = line[..10].parse().unwrap();
            assert!(bytes[place..].starts_with(format!("{number} 0 obj\n").as_bytes()), "{line}");
        }
        let opened = text.lines().filter(|line| line.starts_with('q')).count();
        assert_eq!(opened, text.lines().filter(|line| *line == "Q").count(), "groups are closed");
        files += 1;
    }
    assert!(files > 4, "{files} figures");
}

#[test]
fn reproduce_draws_the_same_bars() {
    let made = tempfile::tempdir().unwrap();
    succeed(&["reproduce", "--quiet", "--out", made.path().to_str().unwrap()]);
    for name in ["figure-4.svg", "figure-5.svg", "figure-6.svg"] {
        let golden = read(&Path::new("tests/figures").join(name));
        assert!(golden == read(&made.path().join(name)), "{name}");
    }
}

/// The heights of the report's bars, read from the chart, are the expected misses per access.
#[test]
fn bars_are_as_high_as_the_expected_values() {
    let mut expected = csv::Reader::from_path("tests/report/expected.csv").unwrap();
    let headers = expected.headers().unwrap().clone();
    let column = |name| headers.iter().position(|header| header == name).unwrap();
    let mut bars = 0;
    for row in expected.records().map(Result::unwrap) {
        let cell = |name| &row[column(name)];
        let label = match (cell("policy"), cell("every")) {
            ("last-n", "1") => "last-n, n = 1",
            ("last-n", _) => continue,
            (policy, _) => policy,
        };
        let figure = match cell("test") {
            "test1" => "figure-4",
            "test2" => "figure-5",
            _ => "figure-6",
        };
        let drawn = read(Path::new(&format!("tests/figures/{figure}.svg")));
        let (misses, accesses) = (cell("replacement_misses"), cell("accesses"));
        let (vm, said) =
            (cell("vm"), format!("{misses} replacement misses in {accesses} accesses"));
        let line = drawn.lines().find(|line| line.contains(&format!("<title>{vm}, {label}: ")));
        let line = line.unwrap_or_else(|| panic!("{figure} has no bar of {vm} under {label}"));
        assert!(line.contains(&said), "{said} in {line}");
        let ticks = drawn.lines().filter(|line| line.ends_with(" %</text>"));
        let attribute = |line: &str, name: &str| -> f64 {
            let rest = line.split(&format!(" {name}=\"")).nth(1).unwrap();
            rest.split('"').next().unwrap().parse().unwrap()
        };
        let scale: Vec<(f64, f64)> = ticks
            .map(|line| {
                let label = line.split('>').nth(1).unwrap().split(' ').next().unwrap();
                (label.parse().unwrap(), attribute(line, "y"))
            })
            .collect();
        let (low, high) = (scale[0], scale[scale.len() - 1]);
        let pixels = (low.1 - high.1) / (high.0 - low.0);
        let percent: f64 =
            100.0 * misses.parse::<f64>().unwrap() / accesses.parse::<f64>().unwrap();
        let height = attribute(line, "height");
        assert!((height - pixels * percent).abs() < 0.5, "{height} of {percent} % in {line}");
        bars += 1;
    }
    assert_eq!(bars, (4 + 2 + 3) * 3);
}

#[test]
fn a_page_is_the_same_from_the_run_and_from_the_folder() {
    let folder = tempfile::tempdir().unwrap();
    let place = |name: &str| folder.path().join(name).to_str().unwrap().to_owned();
    succeed(&["compare", TEST3, "-q", "--report", &place("alone.html")]);
    succeed(&["compare", TEST3, "-q", "--report", &place("both.html"), "--out", &place("results")]);
    succeed(&["report", &place("results"), "-q", "-o", &place("later.html")]);
    let [alone, both, later] =
        ["alone.html", "both.html", "later.html"].map(|name| read(&folder.path().join(name)));
    assert!(both == later && without_command(&alone) == without_command(&both));
    let command =
        format!("<code>balloonist compare {TEST3} -q --report {}</code>", place("alone.html"));
    assert!(alone.contains(&command) && !both.contains(&command), "each has its own command");
    for part in ["the fewest demand faults", "best-static", "fingerprint", "[host]", "VM2"] {
        assert!(alone.contains(part), "{part}");
    }
    assert!(!alone.contains("http://") && !alone.contains("https://"), "no other address");
}

#[test]
fn a_page_with_a_second_axis_names_runs_by_both_axes() {
    let folder = tempfile::tempdir().unwrap();
    let place = |name: &str| folder.path().join(name).to_str().unwrap().to_owned();
    let axis = ["--policies", "static,last-n", "--replacements", "lru,clock", "-q"];
    let compare = [&["compare", TEST3][..], &axis].concat();
    let both = ["--report", &place("alone.html"), "--out", &place("results")];
    succeed(&[&compare[..], &both].concat());
    succeed(&["report", &place("results"), "-q", "-o", &place("later.html")]);
    let page = read(&folder.path().join("alone.html"));
    assert!(page == read(&folder.path().join("later.html")));
    for figure in ["allocation-last-n-on-clock", "allocation-static-on-lru", "faults", "regret"] {
        assert!(page.contains(&format!("<figure id=\"{figure}\">")), "{figure}");
    }
    // The faults of each VM, as vms.csv has them.
    let rows = row::read::<VmRow>(&read(&folder.path().join("results/vms.csv"))).unwrap();
    let mut bars = 0;
    for row in rows.iter().filter(|row| row.vm != "all") {
        let faults = format!("{} demand faults in {} ", row.demand_faults, row.accesses);
        let starts = format!("<title>{}, {}: ", row.vm, row.title());
        let bar = page.lines().find(|line| line.contains(&starts));
        assert!(bar.is_some_and(|bar| bar.contains(&faults)), "{starts}{faults}");
        bars += 1;
    }
    assert_eq!(bars, 2 * 2 * 3);
}

#[test]
fn the_page_of_a_run_has_its_verdict() {
    let folder = tempfile::tempdir().unwrap();
    let out = folder.path().to_str().unwrap();
    let printed = balloonist(&["run", TEST3, "--policy", "last-n", "--out", out]);
    let printed = String::from_utf8(printed.stdout).unwrap();
    let page = balloonist(&["report", out, "-o", "-"]);
    let page = String::from_utf8(page.stdout).unwrap();
    let verdict = printed.lines().last().unwrap();
    assert!(verdict.starts_with("last-n needs 29 demand faults, "), "{verdict}");
    assert!(page.contains(&format!("<p>{verdict}</p>")));
    // The curves are those that a comparison writes.
    assert!(read(&folder.path().join("curves.csv")) == read(&compared().path().join("curves.csv")));
}

#[test]
fn runs_and_sweeps_have_pages() {
    let folder = tempfile::tempdir().unwrap();
    let out = folder.path().join("out");
    let out = out.to_str().unwrap();
    for (arguments, figures) in [
        (
            &["run", TEST3, "--policy", "last-n"][..],
            &["vms", "allocation-last-n", "faults", "curves"][..],
        ),
        (&["sweep", TEST3, "--seeds", "1..5"], &["distribution"]),
    ] {
        succeed(&[arguments, &["--quiet", "--out", out]].concat());
        let page = balloonist(&["report", out, "-o", "-"]);
        assert_eq!(page.status.code(), Some(0));
        let page = String::from_utf8(page.stdout).unwrap();
        for figure in figures {
            assert!(page.contains(&format!("<figure id=\"{figure}\">")), "{figure}");
        }
        assert_eq!(page.matches("<figure id=").count(), figures.len());
        fs::remove_dir_all(out).unwrap();
    }
}

#[test]
fn a_damaged_folder_is_refused_with_the_place() {
    type Damage = fn(&Path);
    let cases: [(&str, i32, &str, Damage); 7] = [
        ("no manifest", 4, "manifest.json: ", |folder| {
            fs::remove_file(folder.join("manifest.json")).unwrap();
        }),
        ("no JSON", 3, "manifest.json: it is not JSON", |folder| {
            fs::write(folder.join("manifest.json"), "{ \"name\": ").unwrap();
        }),
        ("an empty manifest", 3, "manifest.json: missing field `runs`", |folder| {
            fs::write(folder.join("manifest.json"), "{}").unwrap();
        }),
        ("a lost file", 4, "vms.csv: ", |folder| fs::remove_file(folder.join("vms.csv")).unwrap()),
        ("a torn series", 3, "series-last-n.csv: its hash is blake3:", |folder| {
            let path = folder.join("series-last-n.csv");
            let text = read(&path);
            fs::write(&path, &text[..text.len() / 2]).unwrap();
        }),
        ("a changed cell", 3, "compare.csv: its hash is blake3:", |folder| {
            let path = folder.join("compare.csv");
            fs::write(&path, read(&path).replacen("policy,static", "policy,statig", 1)).unwrap();
        }),
        ("a way out", 3, "manifest.json: it lists `../vms.csv`", |folder| {
            let path = folder.join("manifest.json");
            fs::write(&path, read(&path).replacen("\"vms.csv\"", "\"../vms.csv\"", 1)).unwrap();
        }),
    ];
    for (what, code, text, damage) in cases {
        let folder = compared();
        damage(folder.path());
        let page = folder.path().join("page.html");
        let names = [folder.path(), &page].map(|path| path.to_str().unwrap());
        let output = balloonist(&["report", names[0], "-o", names[1]]);
        let error = String::from_utf8(output.stderr).unwrap();
        assert_eq!(output.status.code(), Some(code), "{what}: {error}");
        assert!(error.contains(text), "{what}: {error}");
        assert_eq!(error.lines().count(), 1, "{what}: {error}");
        assert!(!page.exists(), "{what} leaves no page");
    }
}
