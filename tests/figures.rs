//! Pictures and pages: the same bytes everywhere, small, closed in themselves, and refused where
//! the folder they are made of is damaged.

use std::fmt::Write as _;
use std::fs;
use std::path::Path;
use std::process::{Command, Output};

use balloonist::output::chart::heat::{self, Panel, Values};
use balloonist::output::results::{Manifest, Results, TraceOf};
use balloonist::output::thinned::{Sum, Thinned};
use balloonist::output::{Table, figures, html};

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

/// Compares every file with the golden one in tests/figures; `BLESS_FIGURES=1` writes them anew.
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
    fs::write(made.path().join("heat.svg"), heat_map()).unwrap();
    assert_eq!(agree(made.path()), 5 + 7 + 2 + 1);
    let goldens = fs::read_dir("tests/figures").unwrap().count();
    assert_eq!(goldens, 5 + 7 + 2 + 1, "every golden figure is still made");
}

fn heat_map() -> String {
    let values = |name: &str, values: &[&str]| Values {
        name: name.to_owned(),
        values: values.iter().map(ToString::to_string).collect(),
    };
    let panel = |policy: &str, least: u64| Panel {
        policy: policy.to_owned(),
        cells: (0..2)
            .map(|row| (0..3).map(|at| Some(least * (4 - at) + row * 1000)).collect())
            .collect(),
    };
    let panels = [panel("static", 20_000), panel("last-n", 10_000)];
    let columns = values("host.memory", &["128", "256", "512"]);
    heat::figure(&panels, &columns, &values("checkpoint.every", &["1000", "9000"])).to_svg()
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

/// The heights of the report's bars, read off the picture, are the expected misses to an access.
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
    assert!(alone == both && alone == later);
    for part in ["the fewest demand faults", "best-static", "fingerprint", "[host]", "VM2"] {
        assert!(alone.contains(part), "{part}");
    }
    assert!(!alone.contains("http://") && !alone.contains("https://"), "no other address");
}

#[test]
fn runs_and_sweeps_have_pages_too() {
    let folder = tempfile::tempdir().unwrap();
    let out = folder.path().join("out");
    let out = out.to_str().unwrap();
    for (arguments, figures) in [
        (&["run", TEST3, "--policy", "last-n"][..], &["vms", "allocation-last-n", "faults"][..]),
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
        ("no JSON", 3, "manifest.json: it is no JSON", |folder| {
            fs::write(folder.join("manifest.json"), "{ \"name\": ").unwrap();
        }),
        (
            "an empty manifest",
            3,
            "manifest.json: the manifest has no text `balloonist`",
            |folder| {
                fs::write(folder.join("manifest.json"), "{}").unwrap();
            },
        ),
        ("a lost file", 4, "vms.csv: ", |folder| fs::remove_file(folder.join("vms.csv")).unwrap()),
        ("a torn series", 3, "series-last-n.csv: its hash is fnv1a:", |folder| {
            let path = folder.join("series-last-n.csv");
            let text = read(&path);
            fs::write(&path, &text[..text.len() / 2]).unwrap();
        }),
        ("a changed cell", 3, "compare.csv: its hash is fnv1a:", |folder| {
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

/// Results of so many VMs and policies whose numbers jump about, as pictures like least.
fn jumping(vms: usize, policies: usize, checkpoints: u64) -> Results {
    let mut state = 1_u64;
    let mut draw = move |below: u64| {
        state =
            state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        (state >> 33) % below
    };
    let names: Vec<String> = (0..vms).map(|vm| format!("machine-{vm}")).collect();
    let mut manifest = Manifest {
        name: "jumping".to_owned(),
        host_frames: 1000 * vms as u64,
        every: 10_000,
        verdict: "none".to_owned(),
        ..Manifest::default()
    };
    let mut series = Vec::new();
    let mut rows = String::from("policy,vm,accesses,demand_faults,frames_mean,fault_ratio\n");
    let mut curves = String::from("vm,frames,demand_faults,miss_ratio\n");
    for vm in &names {
        let (vm, content_hash) = (vm.clone(), "0123456789abcdef".to_owned());
        for frames in 0..512 {
            let ratio = (512 - frames) * 1900 + draw(1800);
            let _ = writeln!(curves, "{vm},{frames},{ratio},0.{ratio:06}");
        }
        manifest.traces.push(TraceOf { vm, accesses: 1 << 40, distinct_pages: 1, content_hash });
    }
    for policy in 0..policies {
        let policy = format!("policy-{policy}");
        let mut thinned = Thinned::new(vms);
        for checkpoint in 1..=checkpoints {
            for vm in 0..vms {
                let sum = Sum { frames: draw(1000), accesses: 10_000, demand_faults: draw(10_000) };
                thinned.add(10_000 * checkpoint, vm, sum);
            }
        }
        for vm in names.iter().map(String::as_str).chain(["all"]) {
            let (faults, frames) = (draw(1 << 30), draw(999_000));
            let _ = writeln!(
                rows,
                "{policy},{vm},1000000000,{faults},{frames}.123456,0.{:06}",
                faults % 999_983
            );
        }
        manifest.runs.push((policy.clone(), 1, "0123456789abcdef".to_owned()));
        series.push((policy, thinned));
    }
    let table = |text: &str| Some(Table::from_csv(text).unwrap());
    Results {
        manifest,
        vms: table(&rows),
        compare: None,
        curves: table(&curves),
        sweep: None,
        series,
    }
}

#[test]
fn a_page_of_64_vms_and_100_000_checkpoints_is_under_2_mb() {
    let results = jumping(64, 6, 100_000);
    let page = html::page(&results);
    assert!(page.len() < 2_000_000, "{} bytes", page.len());
    assert!(page.contains("Thinned out from 100,000 checkpoints"));
}

#[test]
fn more_of_anything_than_a_picture_holds_is_said_and_drawn_in_part() {
    let results = jumping(100, 9, 500);
    let figures = figures::all(&results);
    let caption = |name: &str| &figures.iter().find(|figure| figure.name == name).unwrap().caption;
    assert!(caption("vms").contains("Of the 9 runs, the baseline and those with"));
    assert!(caption("vms").contains("The first 64 of 100 VMs"));
    assert!(caption("faults").contains("The first 64 of 100 VMs"));
    assert!(caption("curves").contains("The first 64 of 100 VMs"));
    let stacks = figures.iter().filter(|figure| figure.name.starts_with("allocation-"));
    let others = |figure: &&balloonist::output::chart::Figure| {
        figure.keys.iter().any(|key| key.label == "37 other VMs")
    };
    assert_eq!(stacks.filter(others).count(), figures::POLICIES);
}

#[test]
fn no_name_gets_out_of_its_place() {
    let mut results = jumping(2, 1, 10);
    let odd = "</title></svg><script>alert(1)</script>\"'&";
    results.manifest.name = odd.to_owned();
    results.manifest.scenario = odd.to_owned();
    results.manifest.verdict = odd.to_owned();
    results.manifest.bounds = vec![(odd.to_owned(), odd.to_owned(), odd.to_owned())];
    results.manifest.traces[0].vm = odd.to_owned();
    results.manifest.runs[0].0 = odd.to_owned();
    results.series[0].0 = odd.to_owned();
    let page = html::page(&results);
    assert!(page.contains("&lt;script&gt;alert(1)"));
    assert_eq!(page.matches("<script>").count(), 1, "the page's own");
    for figure in figures::all(&results) {
        let svg = figure.to_svg();
        assert!(!svg.contains("<script>") && svg.matches("</svg>").count() == 1);
    }
}
