//! Hostile environments: signals, closed pipes, full devices, odd names, forged files.

#![cfg(unix)]

use std::ffi::OsStr;
use std::fs;
use std::os::unix::ffi::OsStrExt as _;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Output, Stdio};
use std::time::Duration;

const SCENARIO: &str = "host = { memory = 20 }\n[checkpoint]\nevery = 50\n\
    [[vm]]\nname = 'a'\nworkload = { kind = 'zipf', pages = 40, accesses = 300 }\n\
    [[vm]]\nname = 'b'\nworkload = { kind = 'loop', pages = 12, accesses = 300 }\n";

/// A run in the background.
const LONG: &str = "host = { memory = 20 }\n[checkpoint]\nevery = 1000\n\
    [[vm]]\nname = 'a'\ntrace = { pages = [1, 2, 3] }\nafter = 'repeat'\nstop = 60_000_000_000\n\
    [limits]\n";

struct Place(tempfile::TempDir);

impl Place {
    fn new() -> Self {
        let place = Self(tempfile::tempdir().unwrap());
        fs::write(place.path("s.toml"), SCENARIO).unwrap();
        fs::write(place.path("long.toml"), LONG.replace("[limits]\n", "")).unwrap();
        place
    }

    fn path(&self, name: impl AsRef<Path>) -> PathBuf {
        self.0.path().join(name)
    }

    fn command(&self, arguments: &[&str]) -> Command {
        let mut command = Command::new(env!("CARGO_BIN_EXE_balloonist"));
        command.args(arguments).current_dir(self.0.path());
        command
    }

    fn output(&self, arguments: &[&str]) -> Output {
        self.command(arguments).output().unwrap()
    }

    fn told(&self, arguments: &[&str]) -> (Option<i32>, String) {
        let output = self.output(arguments);
        (output.status.code(), String::from_utf8(output.stderr).unwrap())
    }

    fn names(&self, folder: &str) -> Vec<String> {
        let entries = fs::read_dir(self.path(folder)).unwrap();
        let names = entries.map(|entry| entry.unwrap().file_name().into_string().unwrap());
        let mut names: Vec<String> = names.collect();
        names.sort();
        names
    }

    /// Starts a long run that writes files, by a script that ends in `exec`, and waits until its
    /// temporary files exist.
    fn begin(&self, script: &str) -> Child {
        let script = format!("{script} \"$0\" run long.toml --out out --events log.jsonl");
        let mut command = Command::new("sh");
        command.args(["-c", &script, env!("CARGO_BIN_EXE_balloonist")]);
        command.current_dir(self.0.path()).stdout(Stdio::null()).stderr(Stdio::null());
        let child = command.spawn().unwrap();
        let is_begun = || {
            let is_there = |folder: &str| {
                fs::read_dir(self.path(folder)).is_ok_and(|mut entries| {
                    let names = entries.by_ref().flatten().map(|entry| entry.file_name());
                    names.into_iter().any(|name| name.to_string_lossy().starts_with(".balloonist-"))
                })
            };
            is_there("out") && is_there(".")
        };
        while !is_begun() {
            std::thread::sleep(Duration::from_millis(5));
        }
        child
    }
}

fn send(signal: &str, child: &Child) {
    let sent = Command::new("kill").args([&format!("-{signal}"), &child.id().to_string()]).status();
    assert!(sent.unwrap().success());
}

#[test]
fn a_signal_leaves_no_temporary_file() {
    let place = Place::new();
    for signal in ["INT", "TERM", "HUP", "QUIT", "USR1", "XCPU", "ALRM"] {
        let mut child = place.begin("exec env --default-signal");
        send(signal, &child);
        assert_eq!(child.wait().unwrap().code(), Some(6), "{signal}");
        assert_eq!(place.names("."), ["long.toml", "s.toml"], "{signal}");
    }
}

#[test]
fn a_signal_that_is_ignored_stays_ignored() {
    let place = Place::new();
    for signal in ["HUP", "INT", "TERM", "QUIT"] {
        let mut child = place.begin(&format!("trap '' {signal}; exec"));
        send(signal, &child);
        std::thread::sleep(Duration::from_millis(300));
        assert!(child.try_wait().unwrap().is_none(), "{signal} has ended it");
        send("USR2", &child);
        assert_eq!(child.wait().unwrap().code(), Some(6));
    }
}

/// Exceeding the file size limit is an error like a full disk, not a silent end.
#[test]
fn a_limit_on_the_size_of_files_is_exit_code_4() {
    let place = Place::new();
    let script = "ulimit -f 8; exec \"$0\" run s.toml --events log.jsonl --events-accesses --quiet \
                  --set vm.a.workload.accesses=9000";
    let mut command = Command::new("sh");
    command.args(["-c", script, env!("CARGO_BIN_EXE_balloonist")]).current_dir(place.0.path());
    let output = command.output().unwrap();
    let told = String::from_utf8(output.stderr).unwrap();
    assert_eq!((output.status.code(), &*told), (Some(4), "error: log.jsonl: file too large\n"));
    assert_eq!(place.names("."), ["long.toml", "s.toml"]);
}

#[test]
fn any_bytes_are_an_argument() {
    let place = Place::new();
    let odd = OsStr::from_bytes(b"odd\xff\x1b[31m.toml");
    let cases: &[&[&str]] = &[
        &[],
        &["run"],
        &["compare"],
        &["walk"],
        &["mrc"],
        &["sweep"],
        &["merge"],
        &["report"],
        &["figures", "--out", "x"],
        &["verify"],
        &["check"],
        &["trace", "info"],
        &["trace", "head"],
        &["trace", "convert", "-o", "x"],
        &["list"],
        &["explain"],
        &["completions"],
        &["run", "s.toml", "--policy"],
        &["run", "s.toml", "--set"],
        &["run", "--frames", "4"],
        &["--color"],
    ];
    for arguments in cases {
        let output = place.command(arguments).arg(odd).output().unwrap();
        let told = String::from_utf8(output.stderr).unwrap();
        let code = output.status.code();
        assert!(matches!(code, Some(2..=5)), "{arguments:?}: {code:?} {told}");
        assert!(!told.contains("panicked") && !told.is_empty(), "{arguments:?}: {told}");
    }
    // If a file of this name exists, it is used.
    fs::copy(place.path("s.toml"), place.path(odd)).unwrap();
    for command in ["run", "check", "compare"] {
        let output = place.command(&[command]).arg(odd).output().unwrap();
        assert_eq!(output.status.code(), Some(0), "{command}");
        assert!(!output.stdout.contains(&0x1b) && !output.stderr.contains(&0x1b));
    }
    let output = place.command(&["run", "s.toml", "--quiet", "--out"]).arg(odd).output().unwrap();
    assert_eq!(output.status.code(), Some(4), "a folder has the name of a file");
    let told = String::from_utf8(output.stderr).unwrap();
    assert!(told.starts_with("error: odd\u{fffd}\\u{1b}[31m.toml: "), "{told}");
}

#[test]
fn the_exit_code_is_kept_although_the_reader_is_gone() {
    let place = Place::new();
    let expects = "[[expect]]\nmetric = 'demand_faults'\nvm = 'a'\nat_most = 1\n";
    fs::create_dir_all(place.path("scenarios")).unwrap();
    fs::write(place.path("scenarios/s.toml"), SCENARIO.to_owned() + expects).unwrap();
    let cases: &[(&[&str], i32)] = &[
        (&["verify"], 1),
        (&["run", "scenarios/s.toml"], 1),
        (&["run", "scenarios/s.toml", "--format", "csv"], 1),
        (&["run", "scenarios/s.toml", "--events", "-", "--events-format", "jsonl"], 1),
        (&["compare", "scenarios/s.toml"], 1),
        (&["run", "s.toml"], 0),
        (&["walk", "s.toml"], 0),
        (&["--help"], 0),
        (&["list", "policies"], 0),
        (&["completions", "bash"], 0),
    ];
    for (arguments, code) in cases {
        // A pipe whose reader is closed before the command starts.
        let mut reader = Command::new("true").stdin(Stdio::piped()).spawn().unwrap();
        let pipe = reader.stdin.take().unwrap();
        reader.wait().unwrap();
        let output = place.command(arguments).stdout(pipe).output().unwrap();
        let told = String::from_utf8(output.stderr).unwrap();
        assert_eq!(output.status.code(), Some(*code), "{arguments:?}: {told}");
    }
}

#[cfg(target_os = "linux")]
#[test]
fn what_cannot_be_written_is_exit_code_4() {
    let place = Place::new();
    let cases: &[&[&str]] = &[
        &["--help"],
        &["--version"],
        &["run", "--help"],
        &["run", "s.toml"],
        &["run", "s.toml", "--format", "csv"],
        &["run", "s.toml", "--events", "-", "--events-format", "text"],
        &["walk", "s.toml"],
        &["compare", "s.toml"],
        &["list", "policies"],
        &["check", "s.toml", "--effective"],
        &["completions", "zsh"],
        &["explain", "S012"],
        &["sweep", "s.toml", "--seeds", "1..2"],
        &["sweep", "s.toml", "--seeds", "1..2", "--format", "csv"],
    ];
    for arguments in cases {
        let full = fs::File::options().write(true).open("/dev/full").unwrap();
        let output = place.command(arguments).stdout(full).output().unwrap();
        let told = String::from_utf8(output.stderr).unwrap();
        assert_eq!(output.status.code(), Some(4), "{arguments:?}: {told}");
        assert!(told.ends_with("standard output: no space left on device\n"), "{told}");
    }
}

/// A journal with valid checksums whose rows do not match its runs.
#[test]
fn a_journal_with_right_checksums_and_wrong_rows_is_refused() {
    let place = Place::new();
    let sweep = ["sweep", "s.toml", "--seeds", "1..4", "--quiet", "--out", "out"];
    assert_eq!(place.told(&sweep), (Some(0), String::new()));
    let journal = place.path("out/journal");
    let good = fs::read_to_string(&journal).unwrap();
    let seal = |text: &str| format!("{text}\t{}\n", &blake3::hash(text.as_bytes()).to_hex()[..32]);
    let line = good.lines().nth(2).unwrap();
    let (text, _) = line.rsplit_once('\t').unwrap();
    assert_eq!(seal(text).trim_end(), line, "this is how lines are sealed");
    let fields: Vec<&str> = text.split('\t').collect();
    let with = |rows: &[&str]| [&fields[..4], rows].concat().join("\t");
    let rows = &fields[4..];
    let other_run = rows.iter().map(|row| row.replacen(fields[0], "77", 1)).collect::<Vec<_>>();
    let other_run: Vec<&str> = other_run.iter().map(String::as_str).collect();
    let forged = [
        with(&[""]),
        with(&["1,2,3"]),
        with(&["\u{1b}[2J,,,"]),
        with(&rows[..rows.len() - 1]),
        with(&other_run),
        text.replacen(&format!("\t{}\t", fields[1]), "\t18446744073709551615\t", 1),
        with(&[rows[0], "\"unclosed", rows[2]]),
    ];
    for text in forged {
        fs::write(&journal, good.replace(&format!("{line}\n"), &seal(&text))).unwrap();
        for arguments in [&sweep[..], &["merge", "out", "--out", "joined", "--quiet"]] {
            let resumed = [arguments, &["--resume"]].concat();
            let arguments = if arguments[0] == "sweep" { &resumed[..] } else { arguments };
            let (code, told) = place.told(arguments);
            assert!(
                code == Some(3) && told.starts_with("error: out/journal: the rows of run"),
                "{text}: {told}"
            );
            assert!(!told.contains('\u{1b}'));
        }
    }
    let other = good.replacen("balloonist-journal/", "balloonist-journal/1", 1);
    fs::write(&journal, other).unwrap();
    let (code, told) = place.told(&["merge", "out"]);
    assert!(code == Some(3) && told.contains("journal of another version"), "{told}");
}

#[test]
fn contents_and_names_cannot_control_a_terminal() {
    let place = Place::new();
    let evil = "\u{1b}]0;owned\u{7}\u{1b}[2J\u{9b}31m\u{202e}";
    fs::write(
        place.path("evil.toml"),
        format!("host = {{ memory = 2 }}\n# {evil}\n'{evil}' = 3 # {evil}\n"),
    )
    .unwrap();
    fs::write(place.path("evil.txt"), format!("1\n{evil}\n")).unwrap();
    fs::write(place.path(format!("{evil}.txt")), "1\n2\n").unwrap();
    let name = format!("{evil}.txt");
    fs::create_dir(place.path("folder")).unwrap();
    let manifest = serde_json::json!({ "balloonist": evil, "scenario": evil, "name": evil,
        "files": [{ "name": evil, "rows": 1, "hash": evil }], "runs": [], "traces": [] });
    fs::write(place.path("folder/manifest.json"), manifest.to_string()).unwrap();
    let cases: &[&[&str]] = &[
        &["check", "evil.toml"],
        &["run", "evil.toml", "--color", "always"],
        &["trace", "info", "evil.txt"],
        &["trace", "info", &name],
        &["trace", "head", &name],
        &["mrc", &name],
        &["run", &name, "--frames", "2"],
        &["run", "s.toml", "--set", evil],
        &["run", "s.toml", "--policy", evil],
        &["compare", "s.toml", "--policies", evil],
        &["report", "folder"],
        &["figures", "folder", "--out", "drawn"],
        &["merge", evil],
        &["run", "s.toml", "--events", &name, "--events-format", "text"],
    ];
    let steers =
        |byte: char| byte.is_control() && byte != '\n' && byte != '\t' || byte == '\u{202e}';
    for arguments in cases {
        let Output { stdout, stderr, .. } = place.output(arguments);
        for text in [stdout, stderr] {
            let text = String::from_utf8_lossy(&text).into_owned();
            // What `--color always` itself writes.
            let text = ["\u{1b}[0m", "\u{1b}[1m", "\u{1b}[31m", "\u{1b}[91m", "\u{1b}[94m"]
                .iter()
                .fold(text, |text, colour| text.replace(colour, ""));
            assert!(!text.contains(steers), "{arguments:?}: {text:?}");
        }
    }
}

/// Spreadsheets evaluate cells that begin with these.
#[test]
fn no_cell_begins_like_a_formula() {
    let place = Place::new();
    for first in ["=", "+", "-", "@"] {
        let name = format!("{first}cmd|x.txt");
        fs::write(place.path(&name), "1\n2\n1\n").unwrap();
        let path = format!("./{name}");
        for arguments in [
            &["mrc", path.as_str(), "--format", "csv"][..],
            &["trace", "info", "--print", "csv", "--", &name],
            &["run", &path, "--frames", "2", "--format", "csv"],
        ] {
            let output = place.output(arguments);
            assert_eq!(output.status.code(), Some(0), "{arguments:?}");
            let text = String::from_utf8(output.stdout).unwrap();
            let cells = text.lines().flat_map(|line| line.split(','));
            let mut cells = cells.map(|cell| cell.trim_matches('"'));
            assert!(!cells.any(|cell| cell.starts_with(first)), "{arguments:?}: {text}");
        }
        let scenario = SCENARIO.replace("name = 'a'", &format!("name = '{first}a'"));
        fs::write(place.path("named.toml"), scenario).unwrap();
        let (code, told) = place.told(&["check", "named.toml"]);
        assert!(code == Some(3) && told.contains("cannot be a VM's name"), "{told}");
    }
}

/// The `cache` command: listing, refusing and clearing entries.
#[test]
fn the_cache_is_listed_cleared_bounded_and_never_blocks() {
    let place = Place::new();
    let generate = |kind: &str, out: &str| {
        let sets = ["--set", "pages=20000", "--set", "accesses=1200000", "-o", out];
        let done = place.output(&[&["trace", "generate", kind], &sets[..]].concat());
        assert_eq!(done.status.code(), Some(0), "{}", String::from_utf8_lossy(&done.stderr));
    };
    generate("uniform", "u.u32");
    let cached = |arguments: &[&str]| {
        let mut command = place.command(arguments);
        command.env("XDG_CACHE_HOME", place.path("home")).output().unwrap()
    };
    let mrc = ["mrc", "u.u32", "--points", "100,10000", "--format", "csv"];
    let first = cached(&mrc);
    let listed =
        || String::from_utf8(cached(&["cache", "list", "--format", "csv"]).stdout).unwrap();
    let table = listed();
    let lines: Vec<&str> = table.lines().collect();
    assert_eq!((lines[0], lines.len()), ("content_hash,bytes", 2));
    let (hash, _) = lines[1].split_once(',').unwrap();
    let entry = place.path(format!("home/balloonist/{hash}.distances"));
    assert!(entry.is_file() && hash.len() == 64);
    fs::remove_file(&entry).unwrap();
    assert!(Command::new("mkfifo").arg(&entry).status().unwrap().success());
    assert_eq!(cached(&mrc).stdout, first.stdout, "a pipe is not waited for");
    let bytes = fs::read(&entry).unwrap();
    assert!(cached(&mrc).stdout == first.stdout && fs::read(&entry).unwrap() == bytes);
    let cleared = cached(&["cache", "clear"]);
    assert!(String::from_utf8(cleared.stderr).unwrap().starts_with("removed 1 entry of "));
    assert_eq!(listed().lines().count(), 1);
    let mut small = place.command(&mrc);
    small.env("XDG_CACHE_HOME", place.path("home")).env("BALLOONIST_CACHE_SIZE", "1 MiB");
    assert_eq!(small.output().unwrap().stdout, first.stdout);
    assert_eq!(listed().lines().count(), 1, "what has no room is not kept");
}
