//! Memory: runs that cannot fit are refused beforehand, and small files cannot make large traces.

#![cfg(unix)]

use std::fmt::Write as _;
use std::fs;
use std::path::Path;
use std::process::{Command, Output};

/// Sixty VMs on one trace of a million pages: a run under NRU takes 5 bytes a page in each.
fn many(folder: &Path) {
    let pages: Vec<u8> = (0..1_000_000_u32).flat_map(u32::to_le_bytes).collect();
    fs::write(folder.join("scan.u32"), pages).unwrap();
    let mut text = "host.memory = 3000\ncheckpoint.every = 1000000\n\
        defaults.vm = { replacement.kind = 'nru', trace.file = 'scan.u32' }\n"
        .to_owned();
    for at in 0..60 {
        let _ = writeln!(text, "[[vm]]\nname = 'v{at}'");
    }
    fs::write(folder.join("many.toml"), text).unwrap();
}

/// Runs the program with a limit on its address space, in KiB.
fn within(folder: &Path, kibibytes: u64, arguments: &str) -> Output {
    let program = env!("CARGO_BIN_EXE_balloonist");
    let script = format!("ulimit -v {kibibytes}; exec '{program}' {arguments}");
    Command::new("sh").args(["-c", &script]).current_dir(folder).output().unwrap()
}

fn told(output: &Output) -> (Option<i32>, &str) {
    (output.status.code(), std::str::from_utf8(&output.stderr).unwrap())
}

const UNLIMITED: u64 = 1 << 40;

#[test]
fn a_run_that_cannot_fit_is_refused_before_it_begins() {
    let folder = tempfile::tempdir().unwrap();
    many(folder.path());
    for command in ["run", "compare --policies static,last-n", "sweep --repeat 2"] {
        let arguments = format!("{command} many.toml --no-cache --quiet --memory-limit 100MB");
        let output = within(folder.path(), UNLIMITED, &arguments);
        let (code, text) = told(&output);
        assert_eq!(code, Some(3), "{command}: {text}");
        assert!(text.contains("of memory, more than `--memory-limit` allows"), "{text}");
    }
    let output = within(folder.path(), UNLIMITED, "run many.toml --quiet --memory-limit 100MB");
    assert_eq!(
        told(&output).1,
        "error: a run needs 327.2 MB of memory, more than `--memory-limit` allows\n"
    );
}

/// The limit of the address space is checked before memory is allocated: no allocation fails.
#[test]
#[cfg(target_os = "linux")]
fn free_memory_respects_the_limits_of_the_process() {
    let folder = tempfile::tempdir().unwrap();
    many(folder.path());
    let output = within(folder.path(), 300_000, "run many.toml --no-cache --quiet");
    let (code, text) = told(&output);
    assert_eq!(code, Some(3), "{text}");
    assert!(text.starts_with("error: a run needs 327.2 MB, "), "{text}");
    assert!(text.ends_with(" MB are free; raise the limit with --memory-limit\n"), "{text}");
}

/// VMs take memory only for the pages that they touch: three thousand of them share a trace of a
/// million pages, of which each touches ten.
#[test]
fn thousands_of_vms_share_a_trace() {
    let folder = tempfile::tempdir().unwrap();
    many(folder.path());
    let mut text = "host.memory = 12000\ncheckpoint.every = 5\n\
        defaults.vm = { replacement.kind = 'nru', trace.file = 'scan.u32', stop = 10 }\n"
        .to_owned();
    for at in 0..3000 {
        let _ = writeln!(text, "[[vm]]\nname = 'v{at}'");
    }
    fs::write(folder.path().join("thousands.toml"), text).unwrap();
    let output = within(folder.path(), 500_000, "run thousands.toml --no-cache --format csv");
    assert_eq!(told(&output).0, Some(0), "{}", told(&output).1);
    let all = String::from_utf8(output.stdout).unwrap();
    assert!(all.lines().last().unwrap().contains(",30000,"), "{all}");
}

/// Text of 38 KB whose records touch 131 million pages, and a compact form of 153 bytes with four
/// thousand million accesses: both are refused with little memory, and read where that is allowed.
#[test]
fn small_files_cannot_make_large_traces() {
    let folder = tempfile::tempdir().unwrap();
    let records = " L 1000,268435456\n".repeat(2000);
    fs::write(folder.path().join("wide.lackey"), &records).unwrap();
    fs::copy("tests/traces/hostile/long.balloonist", folder.path().join("long.balloonist"))
        .unwrap();
    for name in ["wide.lackey", "long.balloonist"] {
        let output = within(folder.path(), 600_000, &format!("trace info {name}"));
        let (code, text) = told(&output);
        assert_eq!(code, Some(3), "{name}: {text}");
        assert!(text.contains("out of proportion to its file"), "{name}: {text}");
        assert!(text.contains("raise the limit with --memory-limit"), "{name}: {text}");
    }
    let few = records.lines().take(40).fold(String::new(), |all, line| all + line + "\n");
    fs::write(folder.path().join("few.lackey"), few).unwrap();
    let output = within(folder.path(), UNLIMITED, "trace info few.lackey");
    assert_eq!(told(&output).0, Some(0), "{}", told(&output).1);
    let output = within(folder.path(), UNLIMITED, "trace info few.lackey --memory-limit 1MiB");
    assert_eq!(told(&output).0, Some(3), "{}", told(&output).1);
}

#[test]
fn more_than_1024_jobs_are_refused() {
    let folder = tempfile::tempdir().unwrap();
    let output = within(folder.path(), UNLIMITED, "sweep s.toml --jobs 65535");
    assert_eq!(told(&output).0, Some(2));
    assert!(told(&output).1.contains("65535 is not in 1..=1024"), "{}", told(&output).1);
}
