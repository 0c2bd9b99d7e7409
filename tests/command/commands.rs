//! The commands as users see them: output, files and exit codes.

use std::fs::{self, File};
use std::io::Read;
use std::path::{Path, PathBuf};
use std::process::{Command, Output, Stdio};

const TEST1: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/scenarios/report/test1.dat");
const TEST3: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/scenarios/report/test3.dat");

fn balloonist(arguments: &[&str]) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_balloonist"));
    command.args(arguments).env_remove("NO_COLOR").env_remove("CI");
    command
}

fn output(arguments: &[&str]) -> Output {
    balloonist(arguments).output().unwrap()
}

fn code(arguments: &[&str]) -> Option<i32> {
    output(arguments).status.code()
}

fn text(bytes: &[u8]) -> &str {
    std::str::from_utf8(bytes).unwrap()
}

fn stdout(arguments: &[&str]) -> String {
    text(&output(arguments).stdout).to_owned()
}

fn names(folder: &Path) -> Vec<String> {
    let entries = fs::read_dir(folder).unwrap();
    let mut names: Vec<String> =
        entries.map(|entry| entry.unwrap().file_name().into_string().unwrap()).collect();
    names.sort();
    names
}

/// All transcripts of tests/commands/*.trycmd; `TRYCMD=overwrite` updates them.
#[test]
fn screens_are_as_shown() {
    trycmd::TestCases::new().case("tests/commands/*.trycmd").env("COLUMNS", "100");
}

#[test]
fn exit_codes_tell_what_went_wrong() {
    let cases: [(i32, &[&str]); 12] = [
        (0, &["run", TEST1]),
        (0, &["--help"]),
        (2, &[]),
        (2, &["run"]),
        (2, &["run", TEST1, TEST3]),
        (2, &["compare", TEST1, "--policies", "statc"]),
        (2, &["compare", TEST1, "--baseline", "lru"]),
        (2, &["sweep", TEST1, "--seeds", "9..1"]),
        (2, &["explain", "X1"]),
        (3, &["run", TEST1, "--set", "host.memory=2"]),
        (4, &["run", "missing.toml"]),
        (5, &["verify", concat!(env!("CARGO_MANIFEST_DIR"), "/src/render")]),
    ];
    for (expected, arguments) in cases {
        assert_eq!(code(arguments), Some(expected), "{arguments:?}");
    }
}

#[test]
fn the_number_of_jobs_changes_no_byte() {
    let folders = [1, 2, 8].map(|jobs| {
        let folder = tempfile::tempdir().unwrap();
        let out = folder.path().to_str().unwrap();
        let jobs = jobs.to_string();
        let arguments = [
            "sweep",
            TEST3,
            "--seeds",
            "1..100",
            "--policies",
            "all",
            "--jobs",
            &jobs,
            "--out",
            out,
        ];
        assert_eq!(code(&arguments), Some(0));
        folder
    });
    for name in ["runs.csv", "sweep.csv", "manifest.json"] {
        let files = folders.each_ref().map(|folder| fs::read(folder.path().join(name)).unwrap());
        assert!(files[0].len() > 100);
        assert!(files.iter().all(|file| *file == files[0]), "{name} depends on the jobs");
    }
}

/// The files of `run --out`.
const OF_RUN: [&str; 6] =
    ["curves.csv", "manifest.json", "outcomes.csv", "series.csv", "timing.json", "vms.csv"];

#[test]
fn a_run_writes_its_files_and_nothing_else() {
    let folder = tempfile::tempdir().unwrap();
    let out = folder.path().join("deep/er");
    let out_name = out.to_str().unwrap();
    let printed =
        stdout(&["run", TEST3, "--policy", "last-n", "--format", "csv", "--out", out_name]);
    assert_eq!(names(&out), OF_RUN);
    assert_eq!(fs::read_to_string(out.join("vms.csv")).unwrap(), printed);
    let manifest = fs::read_to_string(out.join("manifest.json")).unwrap();
    let manifest: serde_json::Value = serde_json::from_str(&manifest).unwrap();
    assert_eq!(manifest["files"][1]["name"], "series.csv");
    assert_eq!(manifest["files"][1]["rows"], 36, "three VMs, twelve checkpoints");
    assert_eq!(manifest["runs"][0]["policy"], "last-n");
    let again = tempfile::tempdir().unwrap();
    let again_name = again.path().to_str().unwrap();
    output(&["run", TEST3, "--policy", "last-n", "--out", again_name]);
    for name in ["vms.csv", "outcomes.csv", "curves.csv", "series.csv", "manifest.json"] {
        assert_eq!(
            fs::read(out.join(name)).unwrap(),
            fs::read(again.path().join(name)).unwrap(),
            "{name}"
        );
    }
}

/// The files of a comparison of these policies of TEST3, with `more`.
fn names_compared(policies: &[&str], more: &[&str]) -> Vec<String> {
    let tables = ["compare.csv", "curves.csv", "manifest.json", "outcomes.csv", "timing.json"];
    let series = policies.iter().map(|policy| format!("series-{policy}.csv"));
    let mut names: Vec<String> = series.collect();
    names.extend(tables.iter().chain(&["vms.csv"]).chain(more).map(|&name| name.to_owned()));
    names.sort();
    names
}

#[test]
fn results_leave_nothing_stale_of_those_they_replace() {
    let folder = tempfile::tempdir().unwrap();
    let out = folder.path().join("out");
    let out_name = out.to_str().unwrap();
    let page = out.join("report.html");
    let compare = |policies: &str, more: &[&str]| {
        let arguments = ["compare", TEST3, "--policies", policies, "--out", out_name];
        let output = output(&[&arguments, more].concat());
        assert_eq!(output.status.code(), Some(0));
        text(&output.stderr).to_owned()
    };
    let three = ["static", "last-n", "proportional"];
    assert_eq!(compare(&three.join(","), &[]), "");
    assert_eq!(names(&out), names_compared(&three, &[]));
    for name in ["notes.txt", "report.html", "faults.svg"] {
        fs::write(out.join(name), "mine").unwrap();
    }
    let mine = ["notes.txt", "report.html", "faults.svg"];
    assert_eq!(compare(&three.join(","), &[]), "", "the same again replaces nothing");

    // A series that the new results lack is removed, unless it was changed.
    let changed = out.join("series-proportional.csv");
    fs::write(&changed, fs::read_to_string(&changed).unwrap() + "0,VM0,1,1,1,1,1,1\n").unwrap();
    let told = compare("static", &[]);
    let left = "faults.svg, report.html, series-proportional.csv; recreate or delete them";
    assert_eq!(told, format!("{out_name} still has files of earlier results: {left}\n"));
    assert_eq!(names(&out), names_compared(&["proportional", "static"], &mine));
    assert_eq!(code(&["report", out_name, "--out", "-"]), Some(0));

    // There is no note on a page written by the same command.
    let page_name = page.to_str().unwrap();
    let foreign = ["compare", TEST3, "--out", out_name, "--report", page_name];
    assert_eq!(code(&foreign), Some(2), "a page that is not ours is not replaced");
    assert_eq!(fs::read_to_string(&page).unwrap(), "mine");
    let told = compare("last-n", &["--report", page_name, "--force"]);
    assert_eq!(
        told,
        format!(
            "{out_name} still has files of earlier results: faults.svg; recreate or delete \
             them\n"
        )
    );
    assert_ne!(fs::read_to_string(&page).unwrap(), "mine");
    for name in ["notes.txt", "faults.svg"] {
        assert_eq!(fs::read_to_string(out.join(name)).unwrap(), "mine");
    }

    // Files of other commands are not part of a run.
    for name in ["report.html", "faults.svg", "notes.txt", "series-proportional.csv"] {
        fs::remove_file(out.join(name)).unwrap();
    }
    let output = output(&["run", TEST3, "--out", out_name]);
    assert_eq!((output.status.code(), text(&output.stderr)), (Some(0), ""));
    assert_eq!(names(&out), OF_RUN);
}

#[test]
fn the_folder_of_a_sweep_is_not_for_other_results() {
    let folder = tempfile::tempdir().unwrap();
    let [swept, merged] = ["swept", "merged"].map(|name| folder.path().join(name));
    let [swept_name, merged_name] = [&swept, &merged].map(|place| place.to_str().unwrap());
    let sweep = ["sweep", TEST3, "--seeds", "1..3", "--out", swept_name];
    assert_eq!(code(&sweep), Some(0));

    // A merge has no timing and removes the earlier one.
    assert_eq!(code(&["compare", TEST3, "--out", merged_name]), Some(0));
    assert_eq!(code(&["merge", swept_name, "--out", merged_name]), Some(0));
    assert_eq!(names(&merged), ["lock", "manifest.json", "runs.csv", "sweep.csv"]);
    assert_eq!(code(&["merge", swept_name, "--zst", "--out", swept_name]), Some(0));
    let of_sweep = ["journal", "lock", "manifest.json", "runs.csv.zst", "sweep.csv", "timing.json"];
    assert_eq!(names(&swept), of_sweep);

    let read = |place: &Path| -> Vec<Vec<u8>> {
        names(place).iter().map(|name| fs::read(place.join(name)).unwrap()).collect()
    };
    for place in [&swept, &merged] {
        let before = read(place);
        for command in ["run", "compare"] {
            let refused = output(&[command, TEST3, "--out", place.to_str().unwrap()]);
            let text =
                format!("error: {} is the folder of a sweep; use another one\n", place.display());
            assert_eq!((refused.status.code(), self::text(&refused.stderr)), (Some(2), &*text));
        }
        assert!(read(place) == before, "nothing was touched");
    }
}

#[test]
fn the_effective_scenario_of_a_manifest_runs_to_the_same_result() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("again.toml");
    let arguments = ["--policy", "proportional", "--seed", "7", "--format", "csv"];
    fs::write(&path, stdout(&["check", TEST3, "--effective"])).unwrap();
    let run = |scenario: &str| stdout(&[&["run", scenario], &arguments[..]].concat());
    assert_eq!(run(path.to_str().unwrap()), run(TEST3));
}

#[test]
fn a_closed_pipe_is_not_an_error() {
    let mut child = balloonist(&["sweep", TEST1, "--seeds", "1..3000", "--format", "csv"])
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    let mut first = [0; 8];
    child.stdout.take().unwrap().read_exact(&mut first).unwrap();
    let output = child.wait_with_output().unwrap();
    assert_eq!((output.status.code(), text(&output.stderr)), (Some(0), ""));
}

#[cfg(target_os = "linux")]
#[test]
fn what_cannot_be_written_is_exit_code_4() {
    let full = File::options().write(true).open("/dev/full").unwrap();
    let output = balloonist(&["run", TEST1]).stdout(full).output().unwrap();
    assert_eq!(output.status.code(), Some(4));
    assert_eq!(text(&output.stderr), "error: standard output: no space left on device\n");
    // Results are written even if the event log cannot be.
    let folder = tempfile::tempdir().unwrap();
    let out = ["--events-format", "text", "--out", folder.path().to_str().unwrap()];
    let full = File::options().write(true).open("/dev/full").unwrap();
    let arguments = [&["run", TEST1, "--events", "-"], &out[..]].concat();
    assert_eq!(balloonist(&arguments).stdout(full).status().unwrap().code(), Some(4));
    assert_eq!(names(folder.path()), OF_RUN);
    // A place where not even root can write.
    let output = self::output(&["run", TEST1, "--out", "/proc/results"]);
    assert_eq!(output.status.code(), Some(4));
    assert!(output.stdout.is_empty(), "nothing is run before the files are open");
}

#[cfg(unix)]
#[test]
#[allow(clippy::disallowed_methods, reason = "how long it takes is what is tested")]
fn an_interrupt_leaves_nothing_half_written() {
    let folder = tempfile::tempdir().unwrap();
    let out = folder.path().to_str().unwrap();
    // In the background of a script, interrupts are ignored until `env` resets them.
    let mut child = Command::new("env")
        .args(["--default-signal", env!("CARGO_BIN_EXE_balloonist")])
        .args(["sweep", TEST1, "--seeds", "1..10000000", "--out", out])
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    let journal = folder.path().join("journal");
    while fs::metadata(&journal).map_or(0, |file| file.len()) < 50_000 {
        assert_eq!(child.try_wait().unwrap(), None, "the sweep is still at work");
        std::thread::yield_now();
    }
    let began = std::time::Instant::now();
    let kill = Command::new("kill").args(["-INT", &child.id().to_string()]).status().unwrap();
    assert!(kill.success());
    let output = child.wait_with_output().unwrap();
    assert!(began.elapsed().as_secs() < 1, "it took {:?}", began.elapsed());
    assert_eq!(output.status.code(), Some(6));
    let words = format!("interrupted: the runs so far are in {}", journal.display());
    let said = text(&output.stderr);
    assert!(said.starts_with(&words) && said.ends_with(" --resume\n"), "{said}");
    assert_eq!(names(folder.path()), ["journal", "lock"]);
}

#[test]
fn colours_are_for_terminals_or_on_demand() {
    let has_colour = |arguments: &[&str], no_color: &str| {
        let output = balloonist(arguments).env("NO_COLOR", no_color).output().unwrap();
        [output.stdout, output.stderr].concat().contains(&0x1b)
    };
    for arguments in
        [&["run", TEST1][..], &["run", "missing.toml"], &["run", "--wrong"], &["explain", "S999"]]
    {
        let coloured = [arguments, &["--color", "always"]].concat();
        assert!(!has_colour(arguments, "") && !has_colour(arguments, "1"));
        assert!(has_colour(&coloured, "") && has_colour(&coloured, "1"), "{coloured:?}");
        assert!(!has_colour(&[arguments, &["--color=never"]].concat(), ""));
    }
}

#[test]
fn a_scenario_comes_from_standard_input_too() {
    let scenario = File::open(TEST1).unwrap();
    let output = balloonist(&["run", "-", "--format", "csv"]).stdin(scenario).output().unwrap();
    let expected = stdout(&["run", TEST1, "--format", "csv"]).replace("test1,", "stdin,");
    assert_eq!(text(&output.stdout), expected);
}

#[test]
fn a_failed_expectation_is_exit_code_1() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("hopeful.toml");
    let expect = "extends = \"BASE\"\n[[expect]]\nmetric = \"demand_faults\"\nat_most = 29\n\
                  [[expect]]\nmetric = \"hits\"\nvm = \"VM1\"\nat_least = 6\n";
    fs::write(&path, expect.replace("BASE", TEST1)).unwrap();
    let output = output(&["run", path.to_str().unwrap()]);
    assert_eq!(output.status.code(), Some(1));
    let expected = "hopeful under static: demand_faults of all is 30, expected at most 29\n\
                    FAILED: 1 expectation\n";
    assert_eq!(text(&output.stderr), expected);
}

/// A copy of a scenario with freshly blessed golden tables.
fn blessed(scenario: &str) -> (tempfile::TempDir, PathBuf) {
    let folder = tempfile::tempdir().unwrap();
    let scenarios = folder.path().join("scenarios");
    fs::create_dir(&scenarios).unwrap();
    let name = Path::new(scenario).file_name().unwrap();
    fs::copy(scenario, scenarios.join(name)).unwrap();
    let blessing = verify(folder.path(), &["--bless"]);
    assert_eq!(blessing.status.code(), Some(0), "{}", text(&blessing.stderr));
    let golden = folder.path().join("results").join(Path::new(name).file_stem().unwrap());
    (folder, golden)
}

fn verify(folder: &Path, arguments: &[&str]) -> Output {
    let mut command = balloonist(&["verify"]);
    command.args(arguments).current_dir(folder).output().unwrap()
}

#[test]
fn the_golden_tables_of_this_repository_agree() {
    let output = verify(Path::new(env!("CARGO_MANIFEST_DIR")), &[]);
    assert_eq!((output.status.code(), text(&output.stdout)), (Some(0), ""));
}

#[test]
fn what_was_just_blessed_agrees() {
    let (folder, golden) = blessed(TEST3);
    let output = verify(folder.path(), &[]);
    assert_eq!((output.status.code(), text(&output.stdout)), (Some(0), ""));
    assert_eq!(names(&golden).len(), 6, "a table and a trail for each of three policies");
}

#[test]
fn a_changed_cell_of_any_golden_file_is_found() {
    let (folder, golden) = blessed(TEST3);
    let mut cells = 0;
    for name in names(&golden) {
        let path = golden.join(&name);
        let good = fs::read_to_string(&path).unwrap();
        let lines: Vec<Vec<&str>> = good.lines().map(|line| line.split(',').collect()).collect();
        for row in 0..lines.len() {
            for column in 0..lines[row].len() {
                let flipped = format!("{}7", lines[row][column]);
                let mut changed = lines.clone();
                changed[row][column] = &flipped;
                let bad: Vec<String> = changed.iter().map(|cells| cells.join(",")).collect();
                fs::write(&path, bad.join("\n") + "\n").unwrap();
                let output = verify(folder.path(), &[]);
                let found = text(&output.stdout);
                assert_eq!(output.status.code(), Some(1), "{name} row {row} column {column}");
                let is_cell =
                    row > 0 && found.contains(&format!(" {} {flipped} → ", lines[0][column]));
                let is_row = found.contains(&format!("{name}: "))
                    && (found.contains(&flipped) || found.contains(lines[row][column]));
                assert!(is_cell || is_row, "{name} row {row} column {column}: {found}");
                cells += 1;
            }
        }
        fs::write(&path, good).unwrap();
    }
    assert!(cells > 400, "only {cells} cells were changed");
    assert_eq!(verify(folder.path(), &[]).status.code(), Some(0));
    assert_eq!(names(&golden).len(), 6, "no .new file is left where all agrees");
}

#[test]
fn golden_files_that_are_missing_or_too_many_are_found() {
    let (folder, golden) = blessed(TEST3);
    fs::rename(golden.join("static.csv"), golden.join("lost.csv")).unwrap();
    let output = verify(folder.path(), &[]);
    assert_eq!(output.status.code(), Some(1));
    let expected = "results/test3/static.csv: the golden table is missing; create it with --bless\n\
                    results/test3/lost.csv: no scenario produces this golden table; delete it\n";
    assert_eq!(text(&output.stdout), expected);
}

#[test]
fn a_departure_is_shown_with_the_walk_to_it() {
    let (folder, golden) = blessed(TEST3);
    let path = golden.join("proportional.csv");
    let before = fs::read(&path).unwrap();
    let output = verify(folder.path(), &["--random", "glibc"]);
    let found = text(&output.stdout);
    assert_eq!(output.status.code(), Some(1));
    let walk = "walk scenarios/test3.dat --policy proportional --random glibc --from ";
    assert!(found.contains("test3 proportional departs from its golden trajectory"), "{found}");
    assert!(found.contains(walk), "{found}");
    assert_eq!(fs::read(&path).unwrap(), before, "verify changes no golden file");
    assert!(golden.join("proportional.csv.new").exists());
}

#[test]
fn only_the_first_differences_are_shown_and_no_endless_walk() {
    let (folder, _) = blessed("scenarios/slow-balloon.toml");
    let scenario = folder.path().join("scenarios/slow-balloon.toml");
    let before = fs::read_to_string(&scenario).unwrap();
    fs::write(&scenario, before.replace("memory = 600", "memory = 590")).unwrap();
    let output = verify(folder.path(), &[]);
    let found = text(&output.stdout);
    assert_eq!(output.status.code(), Some(1));
    let tables = found.lines().filter(|line| line.contains(" more in this file")).count();
    let cells = found.lines().filter(|line| line.contains(" seed=1 ")).count();
    let runs = found.lines().filter(|line| line.contains("departs from")).count();
    assert_eq!((tables, cells), (runs * 2, runs * 3), "{found}");
    assert!(!found.contains("balloonist walk"), "a round has 2,000 accesses and more: {found}");
    assert!(found.contains("--events - --events-format text"), "{found}");
}

#[test]
fn a_changed_trace_is_named_as_the_cause() {
    let folder = tempfile::tempdir().unwrap();
    let in_folder = |name: &str| folder.path().join(name);
    fs::create_dir(in_folder("scenarios")).unwrap();
    fs::write(in_folder("a.pages"), "1\n2\n3\n1\n2\n3\n").unwrap();
    let scenario = "name = 'two'\ncompare = ['static', 'last-n']\ncheckpoint.every = 3\n\
                    [host]\nmemory = 8\n\
                    [[vm]]\nname = 'a'\ntrace = { file = '../a.pages', format = 'text' }\n\
                    [[vm]]\nname = 'b'\ntrace.pages = [7, 7, 8]\n";
    fs::write(in_folder("scenarios/two.toml"), scenario).unwrap();
    assert_eq!(verify(folder.path(), &["--bless"]).status.code(), Some(0));
    assert_eq!(verify(folder.path(), &[]).status.code(), Some(0));
    fs::write(in_folder("a.pages"), "1\n2\n3\n1\n2\n4\n").unwrap();
    let output = verify(folder.path(), &[]);
    let found = text(&output.stdout);
    assert_eq!(output.status.code(), Some(1));
    let cause = "two, a changed trace: a distinct_pages 3 → 4, and 1 more in this file";
    assert_eq!(found.lines().next(), Some(cause), "{found}");
    assert_eq!(found.matches("a changed trace").count(), 1, "{found}");
    let github = verify(folder.path(), &["--format", "github"]);
    assert_eq!(text(&github.stdout).matches("a changed trace").count(), 2, "of both runs");
}

#[test]
fn a_tolerance_lets_numbers_differ() {
    let (folder, golden) = blessed(TEST3);
    let path = golden.join("static.csv");
    let good = fs::read_to_string(&path).unwrap();
    let accesses = good.lines().last().unwrap().split(',').nth(5).unwrap();
    let twice = accesses.parse::<u64>().unwrap() * 2;
    fs::write(&path, good.replace(&format!(",all,{accesses},"), &format!(",all,{twice},")))
        .unwrap();
    let code = |tolerance: &str| verify(folder.path(), &["--tolerance", tolerance]).status.code();
    assert_eq!(verify(folder.path(), &[]).status.code(), Some(1));
    assert_eq!((code("49.9%"), code("50%")), (Some(1), Some(0)));
    assert_eq!(names(&golden).len(), 6, "no .new file is left where all agrees");
    assert_eq!((code("2"), code("101%")), (Some(2), Some(2)), "no tolerances");
}

#[test]
fn blessing_is_refused_in_ci() {
    let (folder, _) = blessed(TEST3);
    let mut command = balloonist(&["verify", "--bless"]);
    let output = command.env("CI", "true").current_dir(folder.path()).output().unwrap();
    assert_eq!(output.status.code(), Some(2));
}
