//! `record --vm`, on a machine whose accesses are known.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, ExitStatus, Output, Stdio};
use std::sync::OnceLock;

use tempfile::TempDir;

use super::{balloonist, ok, run, said};

/// The machine in machine.S, built once; `None` if it cannot be built or run here.
fn machine() -> Option<&'static Path> {
    static MACHINE: OnceLock<Option<PathBuf>> = OnceLock::new();
    let built = MACHINE.get_or_init(|| {
        let place = Path::new(env!("CARGO_TARGET_TMPDIR")).join("record-machine");
        let mut compiler = Command::new("cc");
        compiler.args(["-m32", "-nostdlib", "-static", "-no-pie", "-Wl,-Ttext=0x100000"]);
        compiler.args(["-Wl,--build-id=none", "tests/command/record/machine.S", "-o"]);
        let is_built = compiler.arg(&place).status();
        let mut qemu = Command::new("qemu-system-x86_64");
        let can = [is_built, qemu.arg("--version").stdout(Stdio::null()).status()];
        can.iter().all(|status| status.as_ref().is_ok_and(ExitStatus::success)).then_some(place)
    });
    let machine = built.as_deref();
    if machine.is_none() {
        let why = "qemu-system-x86_64 (package qemu-system-x86) or a C compiler is missing";
        assert!(std::env::var_os("NEEDS_QEMU").is_none(), "`record --vm` is NOT TESTED: {why}");
        eprintln!("`record --vm` is NOT TESTED here: {why}");
    }
    machine
}

/// Records the machine, with more flags of `record` and of QEMU.
fn record(folder: &Path, flags: &[&str], more: &[&str]) -> Output {
    let mut command = balloonist(folder);
    command.args(["record", "--vm"]).args(flags).args(["--", "qemu-system-x86_64", "-m", "16"]);
    command.args(["-nodefaults", "-no-user-config", "-display", "none", "-kernel"]);
    command.arg(machine().unwrap()).args(["-device", "isa-debug-exit,iobase=0xf4"]);
    command.args(more).output().unwrap()
}

#[test]
fn a_machines_accesses_are_recorded_by_the_pages_of_its_memory() {
    if machine().is_none() {
        return;
    }
    let folder = TempDir::new().unwrap();
    let folder = folder.path();
    let flags = ["--whole", "--wait", "-o", "m.balloonist"];
    let output = record(folder, &flags, &[]);
    assert!(output.status.success(), "{}", said(&output));
    assert!(said(&output).contains("mark `stop` after 30 accesses"), "{}", said(&output));
    let csv = ok(folder, &["trace", "convert", "m.balloonist", "--to", "csv", "-o", "-"]);
    let rows = csv.lines().skip(1).map(|row| {
        let (page, event) = row.split_once(',').unwrap();
        format!("{:x} {event}", page.parse::<u64>().unwrap())
    });
    // By the instructions of machine.S, one a line. The code lies on pages 100 and 104, which it
    // executes as 302; 201 is the page table; the store of four bytes crosses a boundary.
    let expected = "100 fetch,310 write
        100 fetch,310 read
        100 fetch,201 write
        100 fetch
        100 fetch,320 read,320 write
        100 fetch,201 write
        100 fetch
        100 fetch,330 read
        100 fetch,330 write,340 write
        100 fetch,201 write
        100 fetch
        100 fetch,101 read
        104 fetch
        104 fetch
        100 fetch,100 fetch,100 fetch,100 fetch,100 fetch";
    let expected: Vec<&str> = expected.split([',', '\n']).map(str::trim).collect();
    assert_eq!(rows.collect::<Vec<_>>(), expected);
}

#[test]
fn a_machine_whose_clock_counts_instructions_is_recorded_alike_each_time() {
    if machine().is_none() {
        return;
    }
    let folder = TempDir::new().unwrap();
    let folder = folder.path();
    let clock = ["-icount", "shift=0,sleep=off", "-rtc", "base=2020-01-01,clock=vm"];
    let recordings = ["one", "two"].map(|out| {
        // From power-on, the BIOS's work included.
        let output = record(folder, &["--reduce", "8", "-o", out], &clock);
        assert!(output.status.success(), "{}", said(&output));
        fs::read(folder.join(out)).unwrap()
    });
    assert!(recordings[0] == recordings[1]);
    // It is the whole way from power-on to the machine's own accesses.
    let [first, last] = ["one", "two"].map(|out| {
        let trace = balloonist::formats::read_trace(&folder.join(out), "auto").unwrap();
        (trace.accesses(), trace.distinct_pages())
    });
    assert!(first == last && first.0 > 100_000 && first.1 > 50, "{first:?}");
}

#[test]
fn what_is_missing_for_a_machine_is_named_with_its_package() {
    let folder = TempDir::new().unwrap();
    let folder = folder.path();
    let output = run(folder, &["record", "--vm", "--", "no-such-qemu", "-enable-kvm"]);
    assert_eq!(output.status.code(), Some(2));
    assert!(said(&output).contains("leave this out, or say `-accel tcg`"), "{}", said(&output));
    if machine().is_some() {
        let output = run(folder, &["record", "--vm", "--", "no-such-qemu"]);
        assert_eq!(output.status.code(), Some(4));
        assert!(said(&output).contains("the package qemu-system-x86"), "{}", said(&output));
    }
    assert!(!folder.join("vm.balloonist").exists());
}
