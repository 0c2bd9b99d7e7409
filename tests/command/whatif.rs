//! `whatif` as users and CI systems call it.

use std::fmt::Write as _;
use std::fs;
use std::path::Path;
use std::process::{Command, Output};

use serde_json::Value;

/// A VM that needs 3 frames.
const HOST: &str = "name = 'host'\nhost.memory = 60\ncheckpoint.every = 5\n\
                    compare = ['static', 'global-lru']\npolicy.kind = 'global-lru'\n\
                    [[vm]]\nname = 'a'\ntrace.pages = [1, 2, 3, 1, 2, 3, 1, 2, 3]\n\
                    [plan]\nlimit = 'capacity_faults=0'\n";

/// What holds of it, and what does not.
const EXPECTS: &str = "[[plan.expect]]\nat_most = '12 KiB'\n\
                       [[plan.expect]]\npolicies = ['static', 'global-lru']\nat_most = 2\n\
                       [[plan.expect]]\nmetric = 'overcommit'\nat_least = 0.5\nat_most = 1\n\
                       [[plan.expect]]\nat_most = '99.9% of static'\n\
                       [[plan.expect]]\nmetric = 'never'\nat_most = 0\n";

fn balloonist(folder: &Path, arguments: &[&str]) -> Output {
    let mut command = Command::new(env!("CARGO_BIN_EXE_balloonist"));
    command.current_dir(folder).args(arguments).output().unwrap()
}

fn folder(scenario: &str) -> tempfile::TempDir {
    let folder = tempfile::tempdir().unwrap();
    fs::create_dir(folder.path().join("scenarios")).unwrap();
    fs::write(folder.path().join("scenarios/host.toml"), scenario).unwrap();
    folder
}

fn text(bytes: &[u8]) -> String {
    String::from_utf8(bytes.to_vec()).unwrap()
}

#[test]
fn expectations_of_a_plan_are_judged() {
    let folder = folder(&format!("{HOST}{EXPECTS}"));
    let output = balloonist(folder.path(), &["whatif", "scenarios/host.toml"]);
    let expected = "host: this VM needs 3 frames (12 KiB) under static, so that no VM's \
                    capacity_faults is above 0.\n  \
                    holds   host under global-lru: 3 frames (12 KiB), expected at most 3 frames \
                    (12 KiB)\n  \
                    BROKEN  host under static: 3 frames (12 KiB), expected at most 2 frames (8 \
                    KiB)\n  \
                    BROKEN  host under global-lru: 3 frames (12 KiB), expected at most 2 frames (8 \
                    KiB)\n  \
                    holds   host under global-lru: overcommit is 1.000000, expected at least 0.5 \
                    and at most 1\n  \
                    BROKEN  host under global-lru: 3 frames (12 KiB), expected at most 99.9 % of \
                    static's 3 frames (12 KiB)\n  \
                    holds   host under global-lru: never is 0, expected at most 0\n";
    assert_eq!(text(&output.stdout), expected);
    assert!(text(&output.stderr).ends_with("FAILED: 3 of 6 expectations\n"));
    assert_eq!(output.status.code(), Some(1));

    // What would change: a page more is needed, so the first breaks too.
    let changed = "vm.a.trace.pages=[1,2,3,4,1,2,3,4]";
    let output = balloonist(folder.path(), &["whatif", "scenarios", "--set", changed]);
    assert!(text(&output.stderr).ends_with("FAILED: 4 of 6 expectations\n"));

    // `plan` judges them too, unless another question is asked.
    let output = balloonist(folder.path(), &["plan", "scenarios/host.toml"]);
    assert!(text(&output.stderr).ends_with("FAILED: 3 expectations\n"));
    assert_eq!(output.status.code(), Some(1));
    let other = ["plan", "scenarios/host.toml", "--limit", "demand_faults=3"];
    let output = balloonist(folder.path(), &other);
    assert_eq!(output.status.code(), Some(0));
    let said = text(&output.stderr);
    assert!(said.contains("--limit asks another question than the scenario's `[plan]`"), "{said}");
}

#[test]
fn findings_have_the_lines_of_the_scenario() {
    let scenario = format!("{HOST}{EXPECTS}");
    let folder = folder(&scenario);
    let of = |format| balloonist(folder.path(), &["whatif", "scenarios", "--format", format]);
    let line = |table: usize| {
        let all = scenario.lines().enumerate().filter(|(_, line)| *line == "[[plan.expect]]");
        all.map(|(at, _)| at + 1).nth(table).unwrap()
    };
    let shown = text(&of("github").stdout);
    let lines: Vec<&str> = shown.lines().collect();
    assert_eq!(lines.len(), 3, "{shown}");
    for (shown, table) in lines.iter().zip([1, 1, 3]) {
        let place = format!("::error file=scenarios/host.toml,line={},col=1,title=", line(table));
        assert!(shown.starts_with(&place), "{shown}");
    }
    let json: Value = serde_json::from_slice(&of("json").stdout).unwrap();
    assert_eq!((&json["passed"], &json["failed"]), (&false.into(), &3.into()));
    assert_eq!(json["checks"][4]["name"], "frames under global-lru, at most 99.9 % of static");
    assert_eq!(json["checks"][4]["findings"][0]["line"], line(3));
    let junit = text(&of("junit").stdout);
    assert!(junit.contains("<testsuites tests=\"6\" failures=\"3\" errors=\"0\">"), "{junit}");
    assert_eq!(junit.matches("<failure ").count(), 3);
    assert_eq!(junit.matches("<testcase classname=\"scenarios/host.toml\"").count(), 6);
}

#[test]
fn nothing_passes_that_is_not_checked() {
    let folder = folder(HOST);
    for (paths, code, expected) in [
        (&["scenarios/host.toml"][..], 2, "scenarios/host.toml has no `[[plan.expect]]`"),
        (&["scenarios"], 5, "no scenario in these folders has a `[[plan.expect]]`"),
        (&["nowhere"], 4, "nowhere"),
    ] {
        let output = balloonist(folder.path(), &[&["whatif"], paths].concat());
        let said = text(&output.stderr);
        assert_eq!(output.status.code(), Some(code), "{paths:?}: {said}");
        assert!(said.contains(expected), "{said}");
    }
    // A scenario with errors is a check that fails, beside the others.
    fs::write(folder.path().join("scenarios/odd.toml"), "host.memory = 'x'\n").unwrap();
    let good = format!("{HOST}[[plan.expect]]\nat_most = 3\n");
    fs::write(folder.path().join("scenarios/host.toml"), good).unwrap();
    let output = balloonist(folder.path(), &["whatif", "scenarios", "--format", "junit"]);
    assert_eq!(output.status.code(), Some(3));
    let junit = text(&output.stdout);
    assert!(junit.contains("<testsuites tests=\"2\" failures=\"1\" errors=\"0\">"), "{junit}");
    // Too few mixes answer nothing, so nothing holds.
    let drawn = "workload = { kind = 'zipf', pages = 9, accesses = 90 }";
    let few = good_with(drawn, "mixes = 3");
    fs::write(folder.path().join("few.toml"), few).unwrap();
    let output = balloonist(folder.path(), &["whatif", "few.toml"]);
    let shown = text(&output.stdout);
    assert!(shown.contains("frames has no value, expected at most 3 frames"), "{shown}");
    assert_eq!(output.status.code(), Some(1));
}

/// The host with another VM and a further key of its plan.
fn good_with(vm: &str, plan: &str) -> String {
    let host = HOST.replace("trace.pages = [1, 2, 3, 1, 2, 3, 1, 2, 3]", vm);
    format!("{host}{plan}\n[[plan.expect]]\nat_most = 3\n")
}

/// A run under another policy than the planned ones is not the plan's business.
#[test]
fn a_plan_leaves_runs_alone() {
    let folder = folder(&format!("{HOST}[[plan.expect]]\nat_most = 3\n"));
    let run = ["run", "scenarios/host.toml", "--quiet", "--policy", "proportional"];
    assert_eq!(balloonist(folder.path(), &run).status.code(), Some(0));
    let set = ["whatif", "scenarios", "--set", "policy.kind=proportional"];
    let output = balloonist(folder.path(), &set);
    assert_eq!(output.status.code(), Some(1));
    assert!(text(&output.stdout).contains("host under proportional: is not planned, expected"));
    let other = ["plan", "scenarios/host.toml", "--policies", "static"];
    let output = balloonist(folder.path(), &other);
    assert_eq!(output.status.code(), Some(0));
    assert!(text(&output.stderr).contains("--policies asks another question"));
}

/// Every number of an answer is the cell of its column.
#[test]
fn the_numbers_of_an_answer_are_those_of_the_table() {
    let drawn = "workload = { kind = 'zipf', pages = 9, accesses = 90 }";
    let mut scenario = HOST.replace("trace.pages = [1, 2, 3, 1, 2, 3, 1, 2, 3]", drawn);
    let folder = folder(&scenario);
    let table = balloonist(folder.path(), &["plan", "scenarios/host.toml", "--format", "csv"]);
    let mut table = csv::Reader::from_reader(&table.stdout[..]);
    let columns = table.headers().unwrap().clone();
    let row = table.records().map(Result::unwrap).find(|row| &row[0] == "global-lru").unwrap();
    let names = ["frames", "overcommit", "knee", "median_frames", "never", "split"];
    for name in names {
        let cell = &row[columns.iter().position(|column| column == name).unwrap()];
        let _ = write!(
            scenario,
            "[[plan.expect]]\nmetric = '{name}'\nat_least = {cell}\nat_most = {cell}\n"
        );
    }
    fs::write(folder.path().join("scenarios/host.toml"), scenario).unwrap();
    let output = balloonist(folder.path(), &["whatif", "scenarios"]);
    let shown = text(&output.stdout);
    assert_eq!(shown.matches("  holds ").count(), names.len(), "{shown}");
}

/// If all copies that were tried fit, more may: only a smaller number is known to be exceeded.
#[test]
fn copies_that_were_not_tried_are_not_judged() {
    let copies = format!("{HOST}copies = 2\n");
    for (limit, holds) in [("at_least = 2", true), ("at_least = 3", false), ("at_most = 2", false)]
    {
        let folder = folder(&format!("{copies}[[plan.expect]]\n{limit}\n"));
        let output = balloonist(folder.path(), &["whatif", "scenarios"]);
        let shown = text(&output.stdout);
        assert!(shown.contains("2 copies or more, expected"), "{shown}");
        assert_eq!(output.status.code(), Some(i32::from(!holds)), "{limit}");
    }
}

/// What cannot be asked is a check that fails, and leaves the others their report.
#[test]
fn a_plan_that_cannot_be_asked_is_reported() {
    let folder = folder(&format!("{HOST}[[plan.expect]]\nat_most = 3\n"));
    let free = HOST.replace("limit = 'capacity_faults=0'\n", "[[plan.expect]]\nat_most = 3\n");
    fs::write(folder.path().join("scenarios/free.toml"), free).unwrap();
    let output = balloonist(folder.path(), &["whatif", "scenarios", "--format", "junit"]);
    assert_eq!(output.status.code(), Some(3));
    let junit = text(&output.stdout);
    assert!(junit.contains("<testsuites tests=\"2\" failures=\"1\" errors=\"0\">"), "{junit}");
    assert!(junit.contains("free.toml: the scenario has no `[cost]`"), "{junit}");
}

/// The commands of the snippets are run as their systems run them: each by a shell that stops at
/// the first failure.
#[test]
fn the_snippets_for_ci_work() {
    for (file, report) in [("github/whatif.yml", None), ("gitlab/whatif.yml", Some("whatif.xml"))] {
        let snippet = fs::read_to_string(Path::new("deploy").join(file)).unwrap();
        let commands = snippet.lines().filter_map(|line| {
            let line = line.trim_start();
            line.strip_prefix("run: ").or(line.strip_prefix("- ").filter(|_| report.is_some()))
        });
        let commands = commands.collect::<Vec<_>>().join("\n");
        let run = |expects: &str| {
            let folder = folder(&format!("{HOST}{expects}"));
            let tools = folder.path().join("tools");
            fs::create_dir(&tools).unwrap();
            // Installing needs the network, so only its arguments are looked at.
            let install = "#!/bin/sh\n[ \"$*\" = 'install --locked --git https://example.org/b \
                           balloonist' ]\n";
            fs::write(tools.join("cargo"), install).unwrap();
            let tool = env!("CARGO_BIN_EXE_balloonist");
            fs::write(tools.join("balloonist"), format!("#!/bin/sh\nexec '{tool}' \"$@\"\n"))
                .unwrap();
            let made = Command::new("chmod").arg("-R").arg("+x").arg(&tools).status().unwrap();
            assert!(made.success());
            let mut shell = Command::new("bash");
            let commands = format!("PATH=\"$PWD/tools:$PATH\"\n{commands}");
            shell.args(["-e", "-c", &commands]).current_dir(folder.path());
            let output = shell.env("BALLOONIST", "https://example.org/b").output().unwrap();
            let written = report.map(|name| fs::read(folder.path().join(name)).unwrap());
            (output.status.code(), text(&written.unwrap_or(output.stdout)))
        };
        let (code, shown) = run("[[plan.expect]]\nat_most = 3\n");
        assert_eq!(code, Some(0), "{file}: {shown}");
        assert!(report.is_none() || shown.contains("failures=\"0\""), "{file}: {shown}");
        let (code, shown) = run("[[plan.expect]]\nat_most = 2\n");
        assert_eq!(code, Some(1), "{file}: {shown}");
        let found = if report.is_some() { "<failure message=" } else { "::error file=" };
        assert!(shown.contains(found), "{file}: {shown}");
    }
}
