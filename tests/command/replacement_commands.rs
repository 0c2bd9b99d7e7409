//! Replacement algorithms as the commands show them: side by side, as curves, in lessons, in walks.

use std::collections::BTreeMap;
use std::fs;
use std::path::Path;
use std::process::{Command, Output};

use balloonist::replace;
use balloonist::scenario::{Document, VmSpec};

const CONSOLIDATION: &str = "scenarios/consolidation.toml";
const GZIP: &str = "traces/gzip.balloonist";

/// The scenario of consolidation with the beginnings of its traces, a million accesses each.
fn short_consolidation(folder: &Path) -> String {
    let mut scenario = fs::read_to_string(CONSOLIDATION).unwrap();
    for name in ["sort", "gzip", "sqlite3", "xz"] {
        let whole = format!("../traces/{name}.balloonist");
        let short = beginning(folder, &format!("traces/{name}.balloonist"));
        scenario = scenario.replace(&whole, &short);
    }
    let path = folder.join("short.toml");
    fs::write(&path, scenario).unwrap();
    path.to_str().unwrap().to_owned()
}

/// A file of the first million accesses of a trace.
fn beginning(folder: &Path, trace: &str) -> String {
    let head = printed(&["trace", "head", trace, "-n", "1000000"]);
    let pages: Vec<&str> = head.lines().map(|line| line.split(' ').next().unwrap()).collect();
    let text = folder.join("head.txt");
    fs::write(&text, pages.join("\n")).unwrap();
    let short = folder.join(Path::new(trace).file_name().unwrap());
    let short = short.to_str().unwrap();
    printed(&["trace", "convert", text.to_str().unwrap(), "-o", short]);
    short.to_owned()
}

fn balloonist(arguments: &[&str]) -> Output {
    Command::new(env!("CARGO_BIN_EXE_balloonist")).args(arguments).output().unwrap()
}

/// What a command prints that ends well.
fn printed(arguments: &[&str]) -> String {
    let output = balloonist(arguments);
    let error = String::from_utf8_lossy(&output.stderr);
    assert_eq!(output.status.code(), Some(0), "{arguments:?}: {error}");
    String::from_utf8(output.stdout).unwrap()
}

/// The rows of a CSV, each by its columns.
fn rows(text: &str) -> Vec<BTreeMap<String, String>> {
    csv::Reader::from_reader(text.as_bytes()).deserialize().map(Result::unwrap).collect()
}

fn in_all_vms(kind: &str) -> String {
    format!("defaults.vm.replacement={kind}")
}

fn names() -> impl Iterator<Item = &'static str> {
    replace::ALL.iter().map(|kind| kind.name)
}

#[test]
fn a_run_without_lru_guests_is_not_compared_with_lru_and_computes_no_distances() {
    let shown = |settings: &[&str]| {
        let run = ["run", "scenarios/report/test1.dat", "--timing"];
        let output = balloonist(&[&run, settings].concat());
        let text = [output.stdout, output.stderr].map(|text| String::from_utf8(text).unwrap());
        [text[0].contains("the best static split"), text[1].contains("\ndistances ")]
    };
    assert_eq!(shown(&["--policy", "static"]), [true, true]);
    let all_clock = ["--set", "defaults.vm.replacement=clock"];
    assert_eq!(shown(&[&all_clock[..], &["--policy", "static"]].concat()), [false, false]);
    // Its observer reads them, and so does the file of curves.
    assert_eq!(shown(&[&all_clock[..], &["--policy", "mrc-dp"]].concat()), [false, true]);
    let folder = tempfile::tempdir().unwrap();
    let out = ["--out", folder.path().to_str().unwrap(), "--policy", "static"];
    assert_eq!(shown(&[&all_clock[..], &out].concat()), [false, true]);
    let one_clock = ["--set", "vm.VM0.replacement=clock", "--policy", "static"];
    assert_eq!(shown(&one_clock), [true, true]);
}

#[test]
fn each_row_of_a_comparison_of_two_axes_is_a_run_of_its_own() {
    let all: Vec<&str> = names().collect();
    rows_are_runs("scenarios/report/test3.dat", &["static", "last-n", "mrc-dp"], &all);
    let folder = tempfile::tempdir().unwrap();
    let scenario = short_consolidation(folder.path());
    rows_are_runs(&scenario, &["proportional"], &["clock", "lru"]);
}

fn rows_are_runs(scenario: &str, policies: &[&str], kinds: &[&str]) {
    let folder = tempfile::tempdir().unwrap();
    let out = folder.path().to_str().unwrap();
    let compared = printed(&[
        "compare",
        scenario,
        "--policies",
        &policies.join(","),
        "--replacements",
        &kinds.join(","),
        "--format",
        "csv",
        "--out",
        out,
    ]);
    let compared: Vec<_> =
        rows(&compared).into_iter().filter(|row| row["role"] != "bound").collect();
    let vms = fs::read_to_string(folder.path().join("vms.csv")).unwrap();
    let mut vms = vms.lines();
    let header = vms.next().unwrap();
    let mut compared = compared.iter();
    let baseline: u64 = compared.clone().next().unwrap()["demand_faults"].parse().unwrap();
    for &policy in policies {
        for &kind in kinds {
            let set = in_all_vms(kind);
            let run = ["run", scenario, "--policy", policy, "--set", &set, "--format", "csv"];
            let run = printed(&run);
            let row = compared.next().unwrap();
            let case = format!("{policy} on {kind}");
            assert_eq!((&*row["name"], &*row["param_replacement"]), (policy, kind), "{case}");
            let run_rows = rows(&run);
            let all = run_rows.last().unwrap();
            for column in ["demand_faults", "capacity_faults", "replacement_misses"] {
                assert_eq!(row[column], all[column], "{case}: {column}");
            }
            let faults: u64 = all["demand_faults"].parse().unwrap();
            let millionths = (2_000_000 * faults + baseline) / (2 * baseline);
            let relative = format!("{}.{:06}", millionths / 1_000_000, millionths % 1_000_000);
            assert_eq!(row["relative_to_baseline"], relative, "{case}");
            let mut lines = run.lines();
            assert_eq!(header, format!("{},param_replacement", lines.next().unwrap()));
            for line in lines {
                assert_eq!(vms.next().unwrap(), format!("{line},{kind}"), "{case}");
            }
        }
    }
    assert!(compared.next().is_none() && vms.next().is_none());
}

#[test]
fn no_row_has_fewer_faults_than_min_with_the_whole_host() {
    let folder = tempfile::tempdir().unwrap();
    let scenario = short_consolidation(folder.path());
    let policies = "static,pff";
    let arguments = ["compare", &scenario, "--policies", policies, "--replacements", "all"];
    let compared = rows(&printed(&[&arguments[..], &["--format", "csv"]].concat()));
    let faults = |row: &BTreeMap<String, String>| row["demand_faults"].parse::<u64>().unwrap();
    let min = faults(compared.iter().find(|row| row["name"] == "min").unwrap());
    assert!(compared.iter().filter(|row| row["role"] != "bound").all(|row| faults(row) >= min));
}

/// Policies that take LRU ends want LRU in every VM: in those that run, whatever the scenario says.
#[test]
fn policies_must_fit_the_algorithms_that_run() {
    let scenario = "scenarios/report/test3.dat";
    let all = ["compare", scenario, "--policies", "all", "--format", "csv", "--replacements"];
    let policies_with = |replacements| {
        let rows = rows(&printed(&[&all[..], &[replacements]].concat()));
        rows.iter().filter(|row| row["role"] == "policy").map(|row| row["name"].clone()).collect()
    };
    let (with_lru, with_clock): (Vec<String>, Vec<String>) =
        (policies_with("lru"), policies_with("clock"));
    let pooling = ["global-lru", "hit-density"].map(str::to_owned);
    assert!(pooling.iter().all(|name| with_lru.contains(name) && !with_clock.contains(name)));
    assert_eq!(with_lru.len(), with_clock.len() + pooling.len());
    let clocks = in_all_vms("clock");
    let set = ["compare", scenario, "--set", &clocks, "--policies", "global-lru"];
    printed(&[&set[..], &["--replacements", "lru"]].concat());
    assert_eq!(balloonist(&set).status.code(), Some(3));
}

#[test]
fn policies_that_know_the_future_are_shown_but_not_ranked() {
    let folder = tempfile::tempdir().unwrap();
    let scenario = short_consolidation(folder.path());
    let compare = |replacements: &str| {
        let arguments = ["compare", &scenario, "--policies", "static"];
        printed(&[&arguments[..], &["--replacements", replacements]].concat())
    };
    let text = compare("lru,min");
    let rows: Vec<u64> = text
        .lines()
        .filter(|line| line.starts_with("policy ") || line.starts_with("yardstick "))
        .map(|line| line.split_whitespace().nth(3).unwrap().replace(',', "").parse().unwrap())
        .collect();
    assert!(rows[1] < rows[0], "MIN has fewer faults than LRU");
    // A single ranked run is not called the best.
    assert!(text.contains("\nstatic on lru has ") && !text.contains("the fewest"), "{text}");
    assert!(text.ends_with("\nmin knows the future and is not ranked.\n"), "{text}");
    assert!(compare("min").ends_with("is only a yardstick.\n"));
}

/// Also where the scenario or the axes of a sweep, and not the command, give a VM the algorithm.
#[test]
fn no_guest_that_knows_the_future_is_ranked() {
    let study = "scenarios/study.toml";
    let set = ["--set", "vm.web.replacement=min", "--policies", "static,last-n"];
    let text = printed(&[&["compare", study][..], &set].concat());
    assert!(text.ends_with("is only a yardstick.\n"), "{text}");
    assert!(!text.contains("\npolicy "), "{text}");

    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("zipped.toml");
    let vm = "trace.pages = [1, 2, 3, 1, 2, 3, 1, 2, 3]\n";
    let base = format!(
        "host.memory = 4\ncheckpoint.every = 3\n[[vm]]\nname = 'web'\n{vm}[[vm]]\nname = 'b'\n{vm}"
    );
    let zip = "[[sweep.zip]]\n'policy.kind' = ['static', 'last-n']\n\
               'vm.web.replacement' = ['min', 'lru']\n";
    fs::write(&path, format!("{base}{zip}")).unwrap();
    let text = printed(&["sweep", path.to_str().unwrap()]);
    assert!(text.contains("\nlast-n, lru has the fewest demand faults"), "{text}");
    assert!(text.ends_with("\nstatic, min knows the future and is not ranked.\n"), "{text}");

    let axes = "[sweep.axes]\n'policy.kind' = ['static', 'last-n']\n\
                'vm.web.replacement' = ['min', 'lru']\n";
    fs::write(&path, format!("{base}{axes}")).unwrap();
    let both = printed(&["sweep", path.to_str().unwrap()]);
    fs::write(&path, format!("{base}{}", axes.replace("'min', ", ""))).unwrap();
    let lru = printed(&["sweep", path.to_str().unwrap()]);
    let verdict = |text: &str| text.lines().find(|line| line.contains("fewest")).map(str::to_owned);
    assert_eq!(verdict(&both), verdict(&lru), "cells with `min` are left out");
}

#[test]
fn curves_by_simulation_are_runs_at_these_sizes() {
    let folder = tempfile::tempdir().unwrap();
    let trace = &beginning(folder.path(), GZIP);
    let points = ["3", "40", "150"];
    let curves = ["mrc", trace, "--replacement", "all", "--points", &points.join(",")];
    let curves = rows(&printed(&[&curves[..], &["--format", "csv"]].concat()));
    let mut curves = curves.iter();
    for kind in names() {
        for frames in points {
            let set = in_all_vms(kind);
            let run = ["run", trace, "--frames", frames, "--set", &set, "--format", "csv"];
            let run = rows(&printed(&run));
            let point = curves.next().unwrap();
            assert_eq!((&*point["replacement"], &*point["frames"]), (kind, frames));
            assert_eq!(point["demand_faults"], run[0]["demand_faults"], "{kind} at {frames}");
            assert_eq!(point["miss_ratio"], run[0]["fault_ratio"], "{kind} at {frames}");
        }
    }
    assert!(curves.next().is_none());
}

/// Of lirs.c of November 2002 by S. Jiang, an author of LIRS, with 10, 30, 100 and 300 frames; the
/// pages numbered from 0 as they come.
const AUTHORS_MISSES: [(&str, [u64; 4]); 6] = [
    ("bzip2", [73_359, 37_170, 421, 294]),
    ("gzip", [437_051, 124_406, 289, 227]),
    ("python3", [952_246, 333_461, 56_380, 10_363]),
    ("sort", [327_570, 12_020, 903, 382]),
    ("sqlite3", [826_161, 235_961, 20_659, 665]),
    ("xz", [196_703, 50_766, 5_716, 402]),
];

#[test]
fn lirs_misses_as_often_as_the_program_of_its_authors() {
    for (name, misses) in AUTHORS_MISSES {
        let trace = format!("traces/{name}.balloonist");
        let curve = ["mrc", &trace, "--replacement", "lirs", "--points", "10,30,100,300"];
        let points = rows(&printed(&[&curve[..], &["--format", "csv"]].concat()));
        let found: Vec<u64> =
            points.iter().map(|point| point["demand_faults"].parse().unwrap()).collect();
        assert_eq!(found, misses, "{name}");
    }
}

#[test]
fn the_simulated_curve_of_lru_is_the_curve_of_its_distances() {
    let whole = printed(&["mrc", GZIP, "--points", "all", "--format", "csv"]);
    let lines: Vec<&str> = whole.lines().collect();
    let simulated = printed(&["mrc", GZIP, "--replacement", "lru", "--format", "csv"]);
    let mut simulated = simulated.lines();
    assert_eq!(simulated.next().unwrap(), format!("{},replacement", lines[0]));
    let pages = lines.len() - 1;
    let mut sizes: Vec<usize> =
        (0..usize::BITS).map(|power| 1 << power).take_while(|&at| at < pages).collect();
    sizes.push(pages);
    for frames in sizes {
        assert_eq!(simulated.next().unwrap(), format!("{},lru", lines[frames]));
    }
    assert_eq!(simulated.next(), None);
}

/// The files of the lessons.
fn lessons() -> Vec<String> {
    let entries = fs::read_dir("scenarios/lessons").unwrap();
    let mut lessons: Vec<String> =
        entries.map(|entry| entry.unwrap().path().to_str().unwrap().to_owned()).collect();
    lessons.sort();
    lessons
}

#[test]
fn lessons_expect_a_count_of_every_vm_and_it_holds() {
    assert!(lessons().len() >= 4);
    for lesson in lessons() {
        printed(&["run", &lesson, "--quiet"]);
        let scenario = Document::open(Path::new(&lesson)).check().unwrap().scenario;
        for vm in &scenario.vms {
            let expect = scenario.expects.iter().find(|expect| expect.vm == vm.name);
            let expect = expect.unwrap_or_else(|| panic!("{lesson} says nothing of {}", vm.name));
            assert!(expect.at_least.is_some() && expect.at_least == expect.at_most);
        }
    }
}

#[test]
fn a_lesson_with_swapped_algorithms_fails() {
    for lesson in lessons() {
        // MIN faults less than any other algorithm of a lesson.
        let scenario = Document::open(Path::new(&lesson)).check().unwrap().scenario;
        let is_min = |vm: &&VmSpec| vm.replacement.name == "min";
        let Some(min) = scenario.vms.iter().find(is_min) else { continue };
        let set = format!("vm.{}.replacement=lru", min.name);
        let output = balloonist(&["run", &lesson, "--set", &set]);
        assert_eq!(output.status.code(), Some(1), "{lesson}");
        let error = String::from_utf8(output.stderr).unwrap();
        assert!(error.contains(&format!("demand_faults of {} is ", min.name)), "{error}");
    }
}

/// The resident items of a line of a walk, pages and empty frames, and its ghosts.
fn items(line: &str) -> (Vec<&str>, Vec<&str>) {
    let inside = |open: char, close: char| -> Vec<&str> {
        let parts = line.split(open).skip(1).map(move |part| part.split(close).next().unwrap());
        parts.flat_map(str::split_whitespace).map(|page| page.trim_end_matches('*')).collect()
    };
    (inside('[', ']'), inside('(', ')'))
}

#[test]
fn walks_show_each_algorithms_lists() {
    for kind in names() {
        let set = in_all_vms(kind);
        let test3 = "scenarios/report/test3.dat";
        let text = printed(&["walk", test3, "--policy", "proportional", "--set", &set]);
        let mut frames: BTreeMap<String, usize> = BTreeMap::new();
        let mut accesses = 0;
        for line in text.lines().filter(|line| line.ends_with([']', ')'])) {
            let words: Vec<&str> = line.split_whitespace().collect();
            let (resident, ghosts) = items(line);
            assert!(!ghosts.contains(&"·"), "ghosts are in no frame: {line}");
            let in_both = ghosts.iter().any(|page| resident.contains(page));
            assert!(!in_both, "a page is in a frame or not: {line}");
            match words[..] {
                [_, vm, "arrives", ..] => {
                    frames.insert(vm.to_owned(), resident.len());
                }
                [vm, "gives", number, ..] => {
                    *frames.get_mut(vm).unwrap() -= number.parse::<usize>().unwrap();
                    assert_eq!(resident.len(), frames[vm], "{kind}: {line}");
                }
                [vm, "takes", number, ..] => {
                    *frames.get_mut(vm).unwrap() += number.parse::<usize>().unwrap();
                    assert_eq!(resident.len(), frames[vm], "{kind}: {line}");
                }
                [_, vm, "page", page, ref event @ ..] => {
                    accesses += 1;
                    assert_eq!(resident.len(), frames[vm], "{kind}: {line}");
                    assert!(resident.contains(&page), "{kind}: {line}");
                    if let ["replacement", "miss,", "evicts", evicted, ..] = event {
                        assert!(!resident.contains(evicted), "{kind}: {line}");
                        assert!(!resident.contains(&"·"), "it was full: {kind}: {line}");
                    }
                }
                _ => {}
            }
        }
        assert_eq!(accesses, 36, "{kind}");
    }
}

/// One list of all pages: a single VM's faults are those of its own algorithm, and a reduced trace
/// is refused.
#[test]
fn global_bounds_of_one_vm_are_its_own_algorithms() {
    let compare = |arguments: &[&str]| {
        let mut command = Command::new(env!("CARGO_BIN_EXE_balloonist"));
        command.arg("compare").args(arguments).args(["--format", "csv"]).output().unwrap()
    };
    let trace = ["traces/gzip.balloonist", "--frames", "40", "--policies", "static"];
    let output = compare(&[&trace[..], &["--global", "all", "--replacements", "all"]].concat());
    let table = String::from_utf8(output.stdout).unwrap();
    let faults = |role: &str, name: &str| -> Option<u64> {
        let rows = table.lines().map(|row| row.split(',').collect::<Vec<_>>());
        let named = |row: &Vec<&str>| row[0] == role && row.contains(&name);
        rows.into_iter().find(named).map(|row| row[2].parse().unwrap())
    };
    for name in ["fifo", "clock", "2q", "lirs", "arc", "car", "s3-fifo", "sieve", "lfu"] {
        let global = faults("bound", &format!("global-{name}"));
        assert!(global.is_some() && global == faults("policy", name), "{name}: {table}");
    }
    let reduced = compare(&["scenarios/datacenter.toml", "--global", "arc"]);
    assert!(String::from_utf8_lossy(&reduced.stderr).contains("is reduced"), "{reduced:?}");
    assert_eq!(reduced.status.code(), Some(2));
}
