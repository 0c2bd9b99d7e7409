//! `record`, on programs whose page sequence is known. They run where QEMU and a C compiler are
//! installed; with `NEEDS_QEMU` in the environment, as in .ci/run, a test fails where they are not.
#![allow(clippy::disallowed_methods, reason = "the tests wait for processes")]

mod machine;

use std::collections::BTreeSet;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, ExitStatus, Output, Stdio};
use std::sync::OnceLock;
use std::thread;
use std::time::{Duration, Instant};

use balloonist::trace::Trace;
use balloonist::units::Page;
use tempfile::TempDir;

/// The pages that the program in known.c uses as it pleases.
const AREA: std::ops::Range<u64> = 65_536..65_600;

/// The program in known.c, built once; `None` if it cannot be built or run here.
fn program() -> Option<&'static Path> {
    static PROGRAM: OnceLock<Option<PathBuf>> = OnceLock::new();
    let built = PROGRAM.get_or_init(|| {
        let place = Path::new(env!("CARGO_TARGET_TMPDIR")).join("record-known");
        let mut compiler = Command::new("cc");
        compiler.args(["-O1", "-static", "-Irecord", "-o"]).arg(&place);
        let is_built = compiler.arg("tests/command/record/known.c").status();
        let qemu = Command::new("qemu-x86_64").arg("--version").stdout(Stdio::null()).status();
        let can =
            [is_built, qemu].iter().all(|status| status.as_ref().is_ok_and(ExitStatus::success));
        can.then_some(place)
    });
    let program = built.as_deref();
    if program.is_none() {
        let why = "qemu-x86_64 (package qemu-user) or a C compiler is missing";
        assert!(std::env::var_os("NEEDS_QEMU").is_none(), "`record` is NOT TESTED: {why}");
        eprintln!("`record` is NOT TESTED here: {why}");
    }
    program
}

/// The program, with memory at the same addresses each time: QEMU 10 takes those of its host.
fn balloonist(folder: &Path) -> Command {
    let mut command = Command::new("/usr/bin/setarch");
    command.args(["-R", env!("CARGO_BIN_EXE_balloonist")]);
    if !Command::new("/usr/bin/setarch")
        .args(["-R", "true"])
        .status()
        .is_ok_and(|status| status.success())
    {
        command = Command::new(env!("CARGO_BIN_EXE_balloonist"));
    }
    let cache = Path::new(env!("CARGO_TARGET_TMPDIR")).join("record-cache");
    command.current_dir(folder).env("XDG_CACHE_HOME", cache).stdin(Stdio::null());
    command
}

fn run(folder: &Path, words: &[&str]) -> Output {
    balloonist(folder).args(words).output().unwrap()
}

fn said(output: &Output) -> String {
    String::from_utf8_lossy(&output.stderr).into_owned()
}

/// Runs a command that succeeds, and returns its standard output.
fn ok(folder: &Path, words: &[&str]) -> String {
    let output = run(folder, words);
    assert!(output.status.success(), "{words:?}: {}", said(&output));
    String::from_utf8(output.stdout).unwrap()
}

/// Records what `program` does when it is told `what`.
fn record(folder: &Path, program: &Path, flags: &[&str], what: &str) -> Output {
    let mut command = balloonist(folder);
    command.arg("record").args(flags).arg("--").arg(program).arg(what).output().unwrap()
}

/// The rows of a trace as csv.
fn rows(folder: &Path, trace: &str) -> Vec<(u64, String)> {
    let csv = ok(folder, &["trace", "convert", trace, "--to", "csv", "-o", "-"]);
    let rows = csv.lines().skip(1).map(|row| row.split_once(',').unwrap());
    rows.map(|(page, event)| (page.parse().unwrap(), event.to_owned())).collect()
}

#[test]
fn a_known_page_sequence_is_recorded() {
    let Some(program) = program() else { return };
    let folder = TempDir::new().unwrap();
    let folder = folder.path();
    let flags = ["--whole", "--wait", "-o", "k.balloonist", "--marks", "marks.csv"];
    let output = record(folder, program, &flags, "known");
    assert!(output.status.success(), "{}", said(&output));
    let all = rows(folder, "k.balloonist");
    let area = all.iter().filter(|(page, _)| AREA.contains(page));
    let area: Vec<String> =
        area.map(|(page, event)| format!("{} {event}", page - 65_536)).collect();
    let expected = [
        "0 write", "1 write", "2 write", "3 write", "3 read", "2 read", "1 read", "0 read",
        "0 free", "1 free", "2 free", "2 read", // After mremap it is still page 3.
        "3 read", "5 write", "6 write",
    ];
    assert_eq!(area, expected);
    // Whatever else it does, it fetches each instruction, and the marks lie where they are made.
    let fetches = all.iter().filter(|(_, event)| event == "fetch").count();
    assert!((100..5_000).contains(&fetches), "{fetches}");
    let marks = fs::read_to_string(folder.join("marks.csv")).unwrap();
    let lines: Vec<&str> = marks.lines().collect();
    assert_eq!(lines[..2], ["access,mark", "0,start"]);
    let at: usize = lines[2].strip_suffix(",phase-two").unwrap().parse().unwrap();
    let uses = |(page, event): &&(u64, String)| AREA.contains(page) && event != "free";
    assert_eq!(all[..at].iter().filter(uses).count(), 8);
    assert_eq!(all.iter().filter(uses).count(), 12);
    assert!(lines[3].ends_with(",stop") && lines.len() == 4, "{marks}");
}

#[test]
fn without_fetches_loads_and_stores_stay() {
    let Some(program) = program() else { return };
    let folder = TempDir::new().unwrap();
    let folder = folder.path();
    let flags = ["--whole", "--wait", "--no-fetches", "-o", "k.balloonist"];
    assert!(record(folder, program, &flags, "known").status.success());
    let all = rows(folder, "k.balloonist");
    assert!(all.iter().all(|(_, event)| event != "fetch"));
    let area = all.iter().filter(|(page, event)| AREA.contains(page) && event != "free");
    assert_eq!(area.count(), 12);
}

/// The rows of a curve, from 8 frames on.
fn faults(folder: &Path, trace: &str) -> Vec<String> {
    let points = "8,9,10,11,12,14,16,20,24,32,64";
    let table = ok(folder, &["mrc", trace, "--points", points, "--format", "csv"]);
    let rows = table.lines().map(|row| row.split_once(',').unwrap().1);
    rows.map(str::to_owned).collect()
}

#[test]
fn a_recording_that_is_reduced_has_the_faults_of_the_whole() {
    let Some(program) = program() else { return };
    let folder = TempDir::new().unwrap();
    let folder = folder.path();
    for (flags, out) in [(&["--whole"][..], "whole"), (&["--reduce", "8"], "less")] {
        let flags = [flags, &["-o", out]].concat();
        let output = record(folder, program, &flags, "many");
        assert!(output.status.success(), "{}", said(&output));
    }
    assert_eq!(faults(folder, "whole"), faults(folder, "less"));
    // The rule is that of `trace convert`: the same pages at the same places.
    ok(folder, &["trace", "convert", "whole", "--reduce", "8", "-o", "converted"]);
    let [whole, converted, less] = ["whole", "converted", "less"]
        .map(|trace| balloonist::formats::read_trace(&folder.join(trace), "auto").unwrap());
    assert_eq!(converted.numbers(), less.numbers());
    assert_eq!(converted.frees(), less.frees());
    let runs = |trace: &Trace| trace.runs(0, trace.accesses()).collect::<Vec<_>>();
    let (converted, less) = (runs(&converted), runs(&less));
    let differs = converted.iter().zip(&less).position(|(one, other)| one != other);
    assert_eq!((differs, converted.len()), (None, less.len()));
    assert!(less.len() < runs(&whole).len() * 9 / 10);
}

/// Two VMs that replay one recording, the second one later, so that what each needs changes.
const TWO_VMS: &str = "[host]
memory = 40
[checkpoint]
every = 20_000
[policy.proportional]
[policy.last-n]
[defaults.vm]
trace = { file = \"many.balloonist\" }
min = 8
[[vm]]
name = \"early\"
[[vm]]
name = \"late\"
start = 70_000
";

/// What the files of results say of a run of `TWO_VMS`.
fn results(folder: &Path, policy: &str) -> [String; 3] {
    ok(folder, &["run", "two.toml", "--policy", policy, "--out", policy]);
    ["vms.csv", "outcomes.csv", "series.csv"]
        .map(|file| fs::read_to_string(folder.join(policy).join(file)).unwrap())
}

#[test]
fn a_reduced_recording_has_the_faults_of_the_whole_while_frames_move() {
    let Some(program) = program() else { return };
    let folder = TempDir::new().unwrap();
    let [whole, less] = [("whole", &["--whole"][..]), ("less", &["--reduce", "8"])].map(|case| {
        let place = folder.path().join(case.0);
        fs::create_dir(&place).unwrap();
        fs::write(place.join("two.toml"), TWO_VMS).unwrap();
        let output =
            record(&place, program, &[case.1, &["-o", "many.balloonist"]].concat(), "many");
        assert!(output.status.success(), "{}", said(&output));
        place
    });
    for policy in ["proportional", "last-n"] {
        let [all, part] = [&whole, &less].map(|place| results(place, policy));
        assert_eq!(all, part, "{policy}");
        let column = |name: &str| {
            let lines: Vec<Vec<&str>> =
                all[0].lines().map(|line| line.split(',').collect()).collect();
            let at = lines[0].iter().position(|&cell| cell == name).unwrap();
            lines.last().unwrap()[at].parse::<u64>().unwrap()
        };
        assert!(column("reclaimed") >= 3 && column("capacity_faults") > 50, "{}", all[0]);
    }
}

/// The accesses of each kind, and the pages that are written.
fn kinds(trace: &Trace) -> ([u64; 3], BTreeSet<Page>) {
    let (mut counts, mut written, mut end) = ([0; 3], BTreeSet::new(), 0);
    for run in trace.runs(0, trace.accesses()) {
        end += run.accesses;
        for at in end - run.accesses..end {
            let kind = trace.kind(at).unwrap();
            counts[kind as usize] += 1;
            if kind.writes() {
                written.insert(trace.numbers()[run.page as usize]);
            }
        }
    }
    (counts, written)
}

#[test]
fn a_reduced_recording_has_all_fetches_and_writes_the_same_pages() {
    let Some(program) = program() else { return };
    let folder = TempDir::new().unwrap();
    let folder = folder.path();
    for (flags, out) in [(&["--whole"][..], "whole"), (&["--reduce", "8"], "less")] {
        let output = record(folder, program, &[flags, &["-o", out]].concat(), "many");
        assert!(output.status.success(), "{}", said(&output));
    }
    let [whole, less] = ["whole", "less"]
        .map(|trace| kinds(&balloonist::formats::read_trace(&folder.join(trace), "auto").unwrap()));
    assert_eq!(whole.0[0], less.0[0]);
    assert_eq!(whole.0.iter().sum::<u64>(), less.0.iter().sum::<u64>());
    assert!(whole.0[0] > 10_000 && less.0[2] <= whole.0[2], "{whole:?} {less:?}");
    assert_eq!(whole.1, less.1);
}

#[test]
fn a_program_that_is_killed_leaves_a_trace() {
    let Some(program) = program() else { return };
    let folder = TempDir::new().unwrap();
    let output = record(folder.path(), program, &["-o", "x"], "killed");
    assert!(output.status.success(), "{}", said(&output));
    assert!(said(&output).contains("the recording ends where"), "{}", said(&output));
    ok(folder.path(), &["trace", "info", "x"]);
}

/// Starts a recording that does not end, and ends it by `signal` to balloonist or to QEMU.
fn ended_by(signal: &str, to_qemu: bool) -> (TempDir, Output) {
    let folder = TempDir::new().unwrap();
    let mut command = balloonist(folder.path());
    command.args(["record", "-o", "x", "--"]).arg(program().unwrap()).arg("forever");
    let child = command.stderr(Stdio::piped()).stdout(Stdio::piped()).spawn().unwrap();
    let began = Instant::now();
    let children = format!("/proc/{0}/task/{0}/children", child.id());
    let mut qemu = String::new();
    // A compiler may run first, and a process is QEMU only once it has executed it.
    let is_qemu = |child: &str| {
        fs::read_to_string(format!("/proc/{child}/comm")).is_ok_and(|name| name.contains("qemu"))
    };
    while !is_qemu(&qemu) {
        assert!(began.elapsed() < Duration::from_mins(1), "QEMU does not start");
        thread::sleep(Duration::from_millis(20));
        let all = fs::read_to_string(&children).unwrap_or_default();
        all.split_whitespace().last().unwrap_or_default().clone_into(&mut qemu);
    }
    thread::sleep(Duration::from_secs(3));
    let target = if to_qemu { qemu } else { child.id().to_string() };
    assert!(Command::new("kill").args([signal, &target]).status().unwrap().success());
    (folder, child.wait_with_output().unwrap())
}

#[test]
fn a_qemu_that_is_killed_leaves_a_trace() {
    if program().is_none() {
        return;
    }
    let (folder, output) = ended_by("-KILL", true);
    assert!(output.status.success(), "{}", said(&output));
    assert!(said(&output).contains("the recording ends where"), "{}", said(&output));
    ok(folder.path(), &["trace", "info", "x"]);
}

#[test]
fn an_interrupted_recording_keeps_what_there_is() {
    if program().is_none() {
        return;
    }
    for signal in ["-INT", "-TERM"] {
        let (folder, output) = ended_by(signal, false);
        assert_eq!(output.status.code(), Some(6), "{}", said(&output));
        assert!(said(&output).contains("interrupted: x has the first"), "{}", said(&output));
        ok(folder.path(), &["trace", "info", "x"]);
    }
}

#[test]
fn how_the_program_ended_is_said() {
    let Some(program) = program() else { return };
    let folder = TempDir::new().unwrap();
    let output = record(folder.path(), program, &["-o", "x"], "fails");
    assert!(output.status.success() && said(&output).contains("exit status: 3"));
}

#[test]
fn a_script_is_run_by_its_interpreter() {
    if program().is_none() {
        return;
    }
    let folder = TempDir::new().unwrap();
    let script = folder.path().join("hello");
    fs::write(&script, "#!/usr/bin/env sh\necho hello $1\n").unwrap();
    let output = run(folder.path(), &["record", "--", "./hello", "world"]);
    assert!(output.status.success(), "{}", said(&output));
    assert_eq!(String::from_utf8_lossy(&output.stdout), "hello world\n");
    ok(folder.path(), &["trace", "info", "hello.balloonist"]);
}

#[test]
fn no_file_of_the_users_is_replaced() {
    let folder = TempDir::new().unwrap();
    let file = folder.path().join("mine.txt");
    fs::write(&file, "mine").unwrap();
    let output = run(folder.path(), &["record", "-o", "mine.txt", "--", "true"]);
    assert_eq!(output.status.code(), Some(2), "{}", said(&output));
    let output =
        run(folder.path(), &["--force", "record", "-o", "mine.txt", "--", "sort", "mine.txt"]);
    assert!(!output.status.success());
    assert_eq!(fs::read_to_string(&file).unwrap(), "mine");
}

#[test]
fn what_is_missing_is_named_with_its_package() {
    if program().is_none() {
        return;
    }
    let folder = TempDir::new().unwrap();
    let folder = folder.path();
    let output = run(folder, &["record", "--qemu", "no-such-qemu", "-o", "x", "--", "true"]);
    assert_eq!(output.status.code(), Some(4));
    assert!(said(&output).contains("no-such-qemu: there is no such program"), "{}", said(&output));
    assert!(said(&output).contains("the package qemu-user"), "{}", said(&output));
    let old = folder.join("old-qemu");
    fs::write(&old, "#!/bin/sh\n[ \"$1\" = --help ] && echo '-L path  a prefix' || exit 1\n")
        .unwrap();
    assert!(Command::new("chmod").arg("+x").arg(&old).status().unwrap().success());
    let output = run(folder, &["record", "--qemu", "./old-qemu", "-o", "x", "--", "true"]);
    assert!(said(&output).contains("it takes no plugins"), "{}", said(&output));
    let output = run(folder, &["record", "-o", "x", "--", "no-such-program"]);
    assert!(said(&output).contains("it is in no folder of PATH"), "{}", said(&output));
    let mut command = balloonist(folder);
    command.args(["record", "-o", "x", "--", "/bin/true"]).env("PATH", folder).env_remove("CC");
    let output = command.env("XDG_CACHE_HOME", folder).output().unwrap();
    assert!(said(&output).contains("there is no C compiler"), "{}", said(&output));
    // Nothing is left behind.
    assert!(!folder.join("x").exists());
}
