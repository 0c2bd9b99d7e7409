//! The recipes of docs/recording.md, run as they stand there where their tools are installed and
//! allowed. The others have a sample, which the tests of the library read.

use std::fs;
use std::path::Path;
use std::process::{Command, Output, Stdio};

/// A recipe for the program `PROGRAM`: its tool, what is run one after the other, the trace that it
/// writes, the format that this is read as, and the fewest accesses of the smallest program.
type Recipe = (&'static str, &'static [&'static str], &'static str, &'static str, u64);

const RECIPES: &[Recipe] = &[
    (
        "valgrind",
        &["valgrind --tool=lackey --trace-mem=yes --log-file=x.lackey PROGRAM"],
        "x.lackey",
        "lackey",
        10_000,
    ),
    (
        "perf",
        &[
            "perf record -e page-faults -c 1 -d PROGRAM",
            "perf script -F comm,pid,tid,time,event,addr > x.perf",
        ],
        "x.perf",
        "perf-script",
        10,
    ),
    ("perf", &["perf trace -F all --no-syscalls PROGRAM 2> x.perf"], "x.perf", "perf-script", 10),
    (
        "perf",
        &["perf record -e exceptions:page_fault_user PROGRAM", "perf script > x.perf"],
        "x.perf",
        "perf-script",
        10,
    ),
];

/// Runs a line of a shell in a folder. Nothing is a pipe: perf writes its recording into one.
fn shell(line: &str, folder: &Path) -> bool {
    let mut shell = Command::new("sh");
    shell.args(["-c", line]).current_dir(folder).stdin(Stdio::null());
    let status = shell.stdout(Stdio::null()).stderr(Stdio::null()).status();
    status.is_ok_and(|status| status.success())
}

fn info(path: &Path) -> Output {
    let mut command = Command::new(env!("CARGO_BIN_EXE_balloonist"));
    command.args(["trace", "info", "--print", "json"]).arg(path).output().unwrap()
}

#[test]
fn recipes_that_can_run_here_give_traces() {
    let page = fs::read_to_string("docs/recording.md").unwrap();
    for (tool, lines, trace, format, least) in RECIPES {
        assert!(lines.iter().all(|line| page.contains(&format!("`{line}`"))), "{lines:?}");
        let folder = tempfile::tempdir().unwrap();
        let is_there = shell(&format!("{tool} --version"), folder.path());
        // A recorder may be missing, or the system may not let it record.
        let ran = is_there
            && lines.iter().all(|line| shell(&line.replace("PROGRAM", "/bin/true"), folder.path()));
        if !ran {
            eprintln!("not run here: {}", lines.join("; "));
            continue;
        }
        let output = info(&folder.path().join(trace));
        let said = String::from_utf8_lossy(&output.stderr);
        assert!(output.status.success(), "{lines:?}: {said}");
        let rows: serde_json::Value = serde_json::from_slice(&output.stdout).unwrap();
        assert_eq!(rows[0]["format"], *format, "{lines:?}");
        assert!(rows[0]["accesses"].as_u64() >= Some(*least), "{lines:?}: {rows}");
    }
}
