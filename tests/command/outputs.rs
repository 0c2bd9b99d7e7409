//! Outputs that name a file that must not be replaced: an input, another output or a foreign file,
//! under every kind of name. Each is refused before any work, and nothing is changed.

#![cfg(unix)]

use std::collections::BTreeMap;
use std::fs;
use std::os::unix::fs::symlink;
use std::path::{Path, PathBuf};
use std::process::{Command, Output, Stdio};

const SCENARIO: &str = "extends = 'base.toml'\n[[vm]]\nname = 'a'\ntrace = { file = 't.u32' }\n\
    [[vm]]\nname = 'b'\nworkload = { kind = 'loop', accesses = 60, pages = 9 }\n";
const BASE: &str = "host = { memory = 9 }\n[checkpoint]\nevery = 10\n\
    [sweep]\nrepeat = 2\n[sweep.axes]\n'host.memory' = [8, 9]\n";

/// The content of foreign files.
const NOTES: &str = "notes of somebody\n";

struct Place(tempfile::TempDir);

impl Place {
    /// Two scenario files, a trace and its kinds, folders of results and of shards, and a foreign
    /// file.
    fn new() -> Self {
        let place = Self(tempfile::tempdir().unwrap());
        fs::write(place.path("s.toml"), SCENARIO).unwrap();
        fs::write(place.path("base.toml"), BASE).unwrap();
        let pages: Vec<u8> = (0..50_u32).flat_map(|at| (at * 7 % 11).to_le_bytes()).collect();
        fs::write(place.path("t.u32"), pages).unwrap();
        fs::write(place.path("t.pages.u32"), [1, 0, 0, 0]).unwrap();
        fs::write(place.path("t.kinds.u8"), "L").unwrap();
        fs::write(place.path("notes"), NOTES).unwrap();
        place.ok(&["compare", "s.toml", "--out", "results", "--report", "page.html"]);
        place.ok(&["run", "s.toml", "--events", "log.jsonl"]);
        for shard in ["1", "2"] {
            place.ok(&["sweep", "s.toml", "--out", shard, "--shard", &format!("{shard}/2")]);
        }
        fs::create_dir(place.path("below")).unwrap();
        fs::create_dir(place.path("foreign")).unwrap();
        symlink(".", place.path("loop")).unwrap();
        place
    }

    fn path(&self, name: &str) -> PathBuf {
        self.0.path().join(name)
    }

    fn output(&self, arguments: &[&str]) -> Output {
        let mut command = Command::new(env!("CARGO_BIN_EXE_balloonist"));
        command.args(arguments).args(["--quiet", "--no-cache"]).current_dir(self.0.path());
        command.output().unwrap()
    }

    /// Exit code and standard error.
    fn told(&self, arguments: &[&str]) -> (Option<i32>, String) {
        let output = self.output(arguments);
        (output.status.code(), String::from_utf8(output.stderr).unwrap())
    }

    fn ok(&self, arguments: &[&str]) {
        assert_eq!(self.told(arguments), (Some(0), String::new()), "{arguments:?}");
    }

    /// Every file and folder with its content.
    fn all(&self) -> BTreeMap<PathBuf, Vec<u8>> {
        fn visit(folder: &Path, found: &mut BTreeMap<PathBuf, Vec<u8>>) {
            for entry in fs::read_dir(folder).unwrap().map(|entry| entry.unwrap()) {
                let kind = entry.file_type().unwrap();
                if kind.is_dir() {
                    found.insert(entry.path(), Vec::new());
                    visit(&entry.path(), found);
                } else if kind.is_symlink() {
                    let target = fs::read_link(entry.path()).unwrap();
                    found.insert(entry.path(), target.into_os_string().into_encoded_bytes());
                } else {
                    found.insert(entry.path(), fs::read(entry.path()).unwrap_or_default());
                }
            }
        }
        let mut found = BTreeMap::new();
        visit(self.0.path(), &mut found);
        found
    }

    /// Checks that the command is refused with exit code 2 and one of `words`, and changes nothing.
    fn refuses(&self, arguments: &[&str], words: &str) {
        let before = self.all();
        let (code, told) = self.told(arguments);
        assert!(code == Some(2) && told.contains(words), "{arguments:?}: {code:?} {told}");
        let after = self.all();
        let is_in = |all: &BTreeMap<_, _>, path| all.contains_key(path);
        let gone: Vec<_> = before.keys().filter(|path| !is_in(&after, *path)).collect();
        let new: Vec<_> = after.keys().filter(|path| !is_in(&before, *path)).collect();
        assert!(gone.is_empty() && new.is_empty(), "{arguments:?}: gone {gone:?}, new {new:?}");
        for (path, bytes) in &before {
            assert!(after[path] == *bytes, "{arguments:?} has changed {}", path.display());
        }
    }

    /// Other names of the file.
    fn aliases(&self, name: &str) -> Vec<String> {
        let flat = name.replace('/', "-");
        let (hard, soft) = (format!("hard-{flat}"), format!("soft-{flat}"));
        fs::hard_link(self.path(name), self.path(&hard)).unwrap();
        symlink(name, self.path(&soft)).unwrap();
        let dots = format!("below/../{name}");
        let around = format!("loop/loop/./{name}");
        vec![name.to_owned(), hard, soft, dots, around]
    }
}

/// Every command that writes a file, with its inputs and the flag for the file.
const WRITERS: [(&[&str], &[&str]); 6] = [
    (&["run", "s.toml", "--events-format", "jsonl", "--events"], &["s.toml", "base.toml", "t.u32"]),
    (&["compare", "s.toml", "--report"], &["s.toml", "base.toml", "t.u32"]),
    (&["walk", "s.toml", "--html", "-o"], &["s.toml", "base.toml", "t.u32"]),
    (&["report", "results", "-o"], &["results/vms.csv", "results/manifest.json"]),
    (
        &["trace", "convert", "t.pages.u32", "--format", "u32", "--to", "text", "-o"],
        &["t.pages.u32", "t.kinds.u8"],
    ),
    (&["run", "t.u32", "--frames", "5", "--events-format", "text", "--events"], &["t.u32"]),
];

#[test]
fn no_output_replaces_an_input_under_any_name() {
    let place = Place::new();
    let mut aliases: BTreeMap<&str, Vec<String>> = BTreeMap::new();
    for (arguments, inputs) in WRITERS {
        for &input in inputs {
            let names = aliases.entry(input).or_insert_with(|| place.aliases(input));
            for name in names {
                place.refuses(&[arguments, &[name]].concat(), "is read and would be replaced");
                // Not even with --force.
                let forced = [arguments, &[name.as_str(), "--force"]].concat();
                place.refuses(&forced, "is read and would be replaced");
            }
        }
    }
    // An input inside the output folder with the name of a table.
    fs::copy(place.path("t.u32"), place.path("foreign/vms.csv")).unwrap();
    fs::write(place.path("foreign/runs.csv"), "0\n1\n").unwrap();
    let bare = ["foreign/vms.csv", "--trace-format", "u32", "--frames", "5"];
    for command in ["run", "compare"] {
        let arguments = [&[command], &bare[..], &["--out", "foreign", "--force"]].concat();
        place.refuses(&arguments, "is read and would be replaced");
    }
    let runs = ["foreign/runs.csv", "--trace-format", "text", "--frames", "5", "--seeds", "1..2"];
    place.refuses(&[&["sweep"], &runs[..], &["--out", "foreign"]].concat(), "foreign/runs.csv");
}

#[test]
fn no_output_replaces_another_output() {
    let place = Place::new();
    for log in ["out/vms.csv", "out/../out/series.csv", "out/manifest.json", "loop/out/lock"] {
        let arguments = ["run", "s.toml", "--out", "out", "--events", log];
        let format = ["--events-format", "jsonl"];
        place.refuses(&[&arguments[..], &format].concat(), "is written twice");
    }
    for page in ["out/compare.csv", "loop/out/timing.json", "out/series-static.csv"] {
        let arguments = ["compare", "s.toml", "--out", "out", "--report", page];
        place.refuses(&[&arguments[..], &["--policies", "static"]].concat(), "is written twice");
    }
}

#[test]
fn no_output_replaces_a_foreign_file_unless_forced() {
    let place = Place::new();
    let words = "was not written by this command";
    let names = place.aliases("notes");
    for (arguments, _) in WRITERS {
        for name in &names {
            place.refuses(&[arguments, &[name]].concat(), words);
        }
        // A table of results is not a page; a page is not an event log.
        for other in ["results/compare.csv", "results/timing.json", "s.toml", "1/journal"] {
            let mut command = arguments.to_vec();
            command.push(other);
            let (code, told) = place.told(&command);
            assert_eq!(code, Some(2), "{command:?}: {told}");
        }
    }
    place.refuses(&["report", "results", "-o", "log.jsonl"], words);
    place.refuses(&["run", "s.toml", "--events-format", "jsonl", "--events", "page.html"], words);
    // A file written by the same command is replaced.
    place.ok(&["report", "results", "-o", "page.html"]);
    place.ok(&["run", "s.toml", "--events", "log.jsonl"]);
    place.ok(&["compare", "s.toml", "--out", "results", "--report", "page.html"]);
    place.ok(&["report", "results", "-o", "notes", "--force"]);
    assert!(fs::read_to_string(place.path("notes")).unwrap().starts_with("<!doctype html>"));
}

#[test]
fn output_folders_keep_foreign_files() {
    let place = Place::new();
    let words = "was not written by this command";
    let cases: [(&[&str], &[&str]); 6] = [
        (&["run", "s.toml", "--out"], &["vms.csv", "series.csv", "manifest.json", "timing.json"]),
        (&["compare", "s.toml", "--out"], &["compare.csv", "vms.csv", "manifest.json"]),
        (&["sweep", "s.toml", "--out"], &["runs.csv", "sweep.csv", "manifest.json", "timing.json"]),
        (&["merge", "1", "2", "--out"], &["runs.csv", "sweep.csv", "manifest.json"]),
        (&["reproduce", "--out"], &["table1.csv", "figures.csv", "figure-4.svg"]),
        (&["figures", "results", "--out"], &["curves.svg"]),
    ];
    for (arguments, names) in cases {
        for name in names.iter().chain(&["lock"]) {
            fs::write(place.path(&format!("foreign/{name}")), NOTES).unwrap();
            place.refuses(&[arguments, &["foreign"]].concat(), words);
            fs::remove_file(place.path(&format!("foreign/{name}"))).unwrap();
            // Through a symbolic link the file is in another place.
            symlink(place.path("notes"), place.path(&format!("foreign/{name}"))).unwrap();
            place.refuses(&[arguments, &["foreign"]].concat(), words);
            fs::remove_file(place.path(&format!("foreign/{name}"))).unwrap();
        }
        place.ok(&[arguments, &["foreign"]].concat());
        fs::remove_dir_all(place.path("foreign")).unwrap();
        fs::create_dir(place.path("foreign")).unwrap();
    }
    // A journal that leads to an input.
    symlink(place.path("s.toml"), place.path("foreign/journal")).unwrap();
    place.refuses(&["sweep", "s.toml", "--out", "foreign"], "is read and would be replaced");
}

#[test]
fn pipes_and_devices_are_written_as_they_are() {
    let place = Place::new();
    for name in ["/dev/null", "/dev/stdout", "/dev/stderr"] {
        for (arguments, _) in WRITERS {
            if name == "/dev/stdout" && arguments[0] == "compare" {
                continue;
            }
            let output = place.output(&[arguments, &[name]].concat());
            assert_eq!(output.status.code(), Some(0), "{arguments:?} {name}");
        }
    }
    let page = place.output(&["report", "results", "-o", "-"]).stdout;
    assert!(page == place.output(&["report", "results", "-o", "/dev/stdout"]).stdout);
    let fifo = place.path("fifo");
    assert!(Command::new("mkfifo").arg(&fifo).status().unwrap().success());
    let reader = Command::new("cat").arg(&fifo).stdout(Stdio::piped()).spawn().unwrap();
    place.ok(&["report", "results", "-o", "fifo"]);
    assert!(reader.wait_with_output().unwrap().stdout == page);
    assert!(fs::metadata(place.path("fifo")).is_ok_and(|found| !found.is_file()));
    symlink("nowhere", place.path("broken")).unwrap();
    let (code, told) = place.told(&["report", "results", "-o", "broken"]);
    assert!(code == Some(4) && told.contains("dangling symbolic link"), "{told}");
}

/// Standard input and output that the shell has opened are files with names.
#[test]
fn redirected_streams_are_inputs_and_outputs_too() {
    let place = Place::new();
    let mut command = Command::new(env!("CARGO_BIN_EXE_balloonist"));
    command.args(["run", "-", "--events-format", "jsonl", "--events", "in.toml", "--force"]);
    fs::write(place.path("in.toml"), BASE.to_owned() + &SCENARIO[22..]).unwrap();
    let input = fs::File::open(place.path("in.toml")).unwrap();
    let output = command.stdin(input).current_dir(place.0.path()).output().unwrap();
    let told = String::from_utf8(output.stderr).unwrap();
    let expected = "is read and would be replaced";
    assert!(output.status.code() == Some(2) && told.contains(expected), "{told}");
}

/// Concurrent commands neither mix nor remove each other's files.
#[test]
fn a_folder_is_filled_by_one_command_at_a_time() {
    let place = Place::new();
    let lock = fs::File::create(place.path("foreign/lock")).unwrap();
    fs::write(place.path("foreign/lock"), "process 1 on a host\n").unwrap();
    lock.lock().unwrap();
    let live =
        tempfile::Builder::new().prefix(".balloonist-").tempfile_in(place.path("1")).unwrap();
    live.as_file().lock().unwrap();
    fs::write(place.path("1/.balloonist-dead"), "half").unwrap();
    for arguments in [
        &["run", "s.toml", "--out", "foreign"][..],
        &["compare", "s.toml", "--out", "foreign"],
        &["figures", "results", "--out", "foreign"],
        &["reproduce", "--out", "foreign"],
        &["merge", "1", "2", "--out", "foreign"],
        &["sweep", "s.toml", "--out", "foreign"],
    ] {
        let (code, told) = place.told(arguments);
        let words = "foreign is in use by process 1 on a host";
        assert!(code == Some(4) && told.contains(words), "{arguments:?}: {told}");
    }
    place.ok(&["sweep", "s.toml", "--out", "1", "--shard", "1/2", "--resume"]);
    assert!(live.path().exists(), "a file of a command that is at work stays");
    assert!(!place.path("1/.balloonist-dead").exists(), "one of a killed command goes");
    drop(lock);
    place.ok(&["run", "s.toml", "--out", "foreign"]);
    assert!(!place.path("foreign/lock").exists(), "a lock goes with its command");
}

/// A command killed during its commit leaves files that no manifest lists.
#[test]
fn a_folder_that_was_cut_short_is_filled_again() {
    let place = Place::new();
    place.ok(&["run", "s.toml", "--out", "out"]);
    let whole = place.all();
    fs::remove_file(place.path("out/manifest.json")).unwrap();
    place.refuses(&["run", "s.toml", "--out", "out"], "was not written by this command");
    let names = ["vms.csv", "series.csv", "outcomes.csv", "curves.csv", "timing.json"];
    let moves = names.map(|name| format!("moves {name}\n")).concat();
    fs::write(place.path("out/lock"), format!("process 1\n{moves}")).unwrap();
    place.ok(&["run", "s.toml", "--out", "out"]);
    let (mut whole, mut again) = (whole, place.all());
    for all in [&mut whole, &mut again] {
        all.remove(&place.path("out/timing.json"));
    }
    assert!(again == whole);
}
