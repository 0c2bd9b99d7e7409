//! Sweeps that are killed, starved of disk, split and joined: the same bytes in the end, or a clear
//! word and nothing half written.

#![cfg(unix)]
#![allow(clippy::disallowed_methods, reason = "how often to kill is said by the environment")]

use std::collections::BTreeSet;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Output, Stdio};
use std::time::Duration;

use balloonist::store::digest::Digest;

/// 50 points, 10 repetitions.
const STUDY: &str = "host = { memory = 64 }\n[checkpoint]\nevery = 500\n\
    [[vm]]\nname = 'a'\nworkload = { kind = 'zipf', pages = 90, accesses = 4000 }\n\
    [[vm]]\nname = 'b'\nworkload = { kind = 'uniform', pages = 90, accesses = 4000 }\n\
    [sweep]\nrepeat = 10\nbaseline = { 'policy.kind' = 'static' }\n\
    [sweep.axes]\n'policy.kind' = ['static', 'last-n', 'proportional', 'ws', 'mrc-dp']\n\
    'host.memory' = { from = 40, to = 130, step = 10 }\n";

const RUNS: usize = 500;

/// The files that a sweep and its resumed or merged twin have alike.
const RESULTS: [&str; 3] = ["runs.csv", "sweep.csv", "manifest.json"];

struct Place(tempfile::TempDir);

impl Place {
    fn new() -> Self {
        let folder = tempfile::tempdir().unwrap();
        fs::write(folder.path().join("study.toml"), STUDY).unwrap();
        Self(folder)
    }

    fn path(&self, name: &str) -> PathBuf {
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

    /// Exit code and standard error.
    fn told(&self, arguments: &[&str]) -> (Option<i32>, String) {
        let output = self.output(arguments);
        (output.status.code(), String::from_utf8(output.stderr).unwrap())
    }

    fn sweep(&self, out: &str, more: &[&str]) {
        let arguments = ["sweep", "study.toml", "--quiet", "--out", out];
        let (code, told) = self.told(&[&arguments, more].concat());
        assert_eq!(code, Some(0), "{told}");
    }

    fn begin(&self, out: &str) -> Child {
        let arguments = ["sweep", "study.toml", "--jobs", "2", "--resume", "--out", out];
        let (nowhere, nobody) = (Stdio::null(), Stdio::null());
        self.command(&arguments).stdout(nowhere).stderr(nobody).spawn().unwrap()
    }

    fn names(&self, out: &str) -> Vec<String> {
        let entries = fs::read_dir(self.path(out)).unwrap();
        let name = |entry: std::io::Result<fs::DirEntry>| entry.unwrap().file_name();
        let mut names: Vec<String> =
            entries.map(|entry| name(entry).into_string().unwrap()).collect();
        names.sort();
        names
    }

    fn results(&self, out: &str) -> [Vec<u8>; 3] {
        RESULTS.map(|name| fs::read(self.path(out).join(name)).unwrap())
    }
}

/// The whole lines of a journal.
fn whole_lines(journal: &Path) -> Vec<u8> {
    let bytes = fs::read(journal).unwrap_or_default();
    let end = bytes.iter().rposition(|&byte| byte == b'\n').map_or(0, |at| at + 1);
    bytes[..end].to_vec()
}

/// Killed at random moments and resumed, a sweep ends with the same bytes, and no line of its
/// journal is ever lost. 200 kills with `BALLOONIST_KILLS=200`.
#[test]
fn a_killed_sweep_loses_no_run_and_no_byte() {
    let kills: u32 = std::env::var("BALLOONIST_KILLS").map_or(8, |text| text.parse().unwrap());
    let place = Place::new();
    place.sweep("whole", &[]);
    let expected = place.results("whole");
    let (mut killed, mut luck) = (0, 1_u64);
    let mut finished = 0;
    while killed < kills || finished == 0 {
        let out = format!("killed{finished}");
        let journal = place.path(&out).join("journal");
        let mut before = Vec::new();
        let mut at_last = 0;
        loop {
            let mut child = place.begin(&out);
            luck = luck.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1);
            if killed < kills {
                std::thread::sleep(Duration::from_millis(luck >> 33 & 127));
                child.kill().unwrap();
            }
            let status = child.wait().unwrap();
            let now = whole_lines(&journal);
            assert!(now.starts_with(&before), "a finished run is lost");
            (before, at_last) = (now, at_last + 1);
            if status.success() {
                break;
            }
            assert_eq!(status.code(), None, "it ends by the kill alone");
            killed += 1;
        }
        let runs: BTreeSet<&[u8]> = before
            .split(|&byte| byte == b'\n')
            .skip(1)
            .filter_map(|line| line.split(|&byte| byte == b'\t').next())
            .filter(|run| !run.is_empty())
            .collect();
        let lines = before.split(|&byte| byte == b'\n').count() - 1;
        assert_eq!((runs.len(), lines), (RUNS, RUNS + 1), "each run is in the journal once");
        assert!(place.results(&out) == expected, "after {at_last} processes");
        let names = ["journal", "lock", "manifest.json", "runs.csv", "sweep.csv", "timing.json"];
        assert_eq!(place.names(&out), names, "nothing is left under construction");
        finished += 1;
    }
    assert!(killed >= kills);
}

#[test]
fn shards_merge_to_the_bytes_of_the_whole() {
    let place = Place::new();
    place.sweep("whole", &[]);
    for shards in [1, 3, 7, 64] {
        // In reverse order, because machines finish in any order.
        let folders: Vec<String> = (1..=shards).rev().map(|at| format!("{shards}-{at}")).collect();
        for (folder, at) in folders.iter().zip((1..=shards).rev()) {
            place.sweep(folder, &["--shard", &format!("{at}/{shards}")]);
        }
        let joined = format!("joined{shards}");
        let mut arguments = vec!["merge", "--quiet", "--out", &joined];
        arguments.extend(folders.iter().map(String::as_str));
        let merged = place.output(&arguments);
        assert_eq!(merged.status.code(), Some(0), "{}", String::from_utf8_lossy(&merged.stderr));
        assert!(place.results(&joined) == place.results("whole"), "{shards} shards");
        let again = place.output(&["sweep", "study.toml", "--out", "whole", "--resume"]);
        assert_eq!(merged.stdout, again.stdout, "and print alike");
    }
}

/// `--zst` writes the same rows, in the same bytes whoever joins them, and says so in the manifest.
#[test]
fn rows_are_compressed_on_request() {
    let place = Place::new();
    place.sweep("plain", &[]);
    place.sweep("out", &[]);
    place.sweep("out", &["--resume", "--zst"]);
    let names = ["journal", "lock", "manifest.json", "runs.csv.zst", "sweep.csv", "timing.json"];
    assert_eq!(place.names("out"), names, "the rows are there in one form");
    let read = |name: &str| fs::read(place.path(name)).unwrap();
    let (plain, packed) = (read("plain/runs.csv"), read("out/runs.csv.zst"));
    assert!(zstd::decode_all(&packed[..]).unwrap() == plain);
    assert!(packed.len() * 4 < plain.len(), "{} of {}", packed.len(), plain.len());

    let files = |folder: &str| {
        let text = read(&format!("{folder}/manifest.json"));
        let mut manifest: serde_json::Value = serde_json::from_slice(&text).unwrap();
        manifest["files"].take()
    };
    let (whole, compressed) = (files("plain"), files("out"));
    assert_eq!(compressed[0]["name"], "runs.csv.zst");
    let lines = std::str::from_utf8(&plain).unwrap().lines().count();
    assert_eq!(compressed[0]["rows"], lines - 1);
    assert_eq!(compressed[0]["hash"], Digest::of(&packed).to_string());
    assert_eq!(compressed[1], whole[1], "sweep.csv is as it was");

    for shard in ["1", "2"] {
        place.sweep(shard, &["--shard", &format!("{shard}/2")]);
    }
    let merged = place.told(&["merge", "1", "2", "--quiet", "--zst", "--out", "joined"]);
    assert_eq!(merged, (Some(0), String::new()));
    for name in ["runs.csv.zst", "sweep.csv", "manifest.json"] {
        assert!(read(&format!("joined/{name}")) == read(&format!("out/{name}")), "{name}");
    }
    let (code, told) = place.told(&["merge", "1", "2", "--zst"]);
    assert_eq!(code, Some(2), "{told}");
    place.sweep("out", &["--resume"]);
    assert!(place.results("out") == place.results("plain"), "and back");
}

#[test]
fn merge_refuses_gaps_doubles_and_mixtures() {
    let place = Place::new();
    for at in 1..=3 {
        place.sweep(&format!("{at}"), &["--shard", &format!("{at}/3")]);
    }
    place.sweep("half", &["--shard", "1/2"]);
    place.sweep("other", &["--shard", "2/3", "--set", "checkpoint.every=600"]);
    place.sweep("seeds", &["--shard", "2/3", "--seeds", "1..10"]);
    // As a newer version would have written it: the same line under its name, sealed.
    let journal = fs::read_to_string(place.path("2/journal")).unwrap();
    let (header, rest) = journal.split_once('\n').unwrap();
    let (text, _) = header.rsplit_once('\t').unwrap();
    let version = concat!("\"balloonist\":\"", env!("CARGO_PKG_VERSION"), "\"");
    let text = text.replace(version, "\"balloonist\":\"99.0.0\"");
    let sum = &blake3::hash(text.as_bytes()).to_hex()[..32];
    fs::create_dir(place.path("newer")).unwrap();
    fs::write(place.path("newer/journal"), format!("{text}\t{sum}\n{rest}")).unwrap();
    let cases: [(&[&str], i32, &str); 8] = [
        (&["1", "3"], 6, "runs 166 to 332 of 500 are missing"),
        (&["1", "2"], 6, "runs 333 to 499 of 500 are missing"),
        (&["1", "2", "2", "3"], 3, "run 166 is in both 2/journal and 2/journal; omit one"),
        (&["half", "2", "3"], 3, "run 166 is in both half/journal and 2/journal"),
        (&["1", "other", "3"], 3, "another scenario (`every = 600` and not `every = 500`)"),
        (&["1", "seeds", "3"], 3, "other repetitions"),
        (&["1", "newer", "3"], 3, "balloonist 99.0.0 and not "),
        (&["1", "missing"], 4, "missing has no journal"),
    ];
    for (folders, code, words) in cases {
        let found = place.told(&[&["merge", "--out", "joined"], folders].concat());
        assert!(found.0 == Some(code) && found.1.contains(words), "{folders:?}: {found:?}");
        assert!(!place.path("joined").exists(), "nothing is begun");
    }
}

#[test]
fn a_partial_last_line_is_ignored_and_earlier_damage_is_reported() {
    let place = Place::new();
    place.sweep("out", &["--shard", "1/5"]);
    let journal = place.path("out/journal");
    let good = fs::read(&journal).unwrap();
    let resume = ["sweep", "study.toml", "--quiet", "--out", "out", "--shard", "1/5", "--resume"];
    // Every way in which the last two lines can be cut.
    let lines: Vec<usize> =
        good.iter().enumerate().filter(|(_, byte)| **byte == b'\n').map(|(at, _)| at + 1).collect();
    let second_last = lines[lines.len() - 3];
    for cut in (second_last..good.len()).step_by(37) {
        fs::write(&journal, &good[..cut]).unwrap();
        assert_eq!(place.told(&resume), (Some(0), String::new()));
        let mut now: Vec<&[u8]> = Vec::new();
        let bytes = fs::read(&journal).unwrap();
        now.extend(bytes.split_inclusive(|&byte| byte == b'\n'));
        now.sort_unstable();
        let mut was: Vec<&[u8]> = good.split_inclusive(|&byte| byte == b'\n').collect();
        was.sort_unstable();
        assert!(now == was, "cut at {cut}");
    }
    // A power cut may leave a hole of zeros at the end. A torn end that is longer than what is
    // appended is cut off: nothing of it stays behind the last line.
    for torn in [[0; 300].as_slice(), &b"7".repeat(100_000)] {
        fs::write(&journal, [&good[..second_last], torn].concat()).unwrap();
        assert_eq!(place.told(&resume), (Some(0), String::new()));
        assert_eq!(fs::read(&journal).unwrap().len(), good.len(), "{} bytes are torn", torn.len());
    }
    // A process that was killed before the first line was whole has lost nothing.
    fs::write(&journal, &good[..40]).unwrap();
    assert_eq!(place.told(&resume), (Some(0), String::new()));
    let mut bad = good.clone();
    bad[lines[3] + 9] ^= 1;
    fs::write(&journal, &bad).unwrap();
    let told = "error: out/journal:5: the line is damaged, but intact lines follow; delete the \
                line to repeat its run\n";
    assert_eq!(place.told(&resume), (Some(3), told.to_owned()));
    assert_eq!(fs::read(&journal).unwrap(), bad, "nothing is changed");
    fs::write(&journal, [&good[..lines[3]], &good[lines[4]..]].concat()).unwrap();
    assert_eq!(place.told(&resume), (Some(0), String::new()), "and that helps");
    // Another file of that name is no journal, whole lines or not, and stays as it is.
    for own in ["run,vm\n1,2\n", "Tuesday: swept the floor", "balloons"] {
        fs::write(&journal, own).unwrap();
        let told = "error: out/journal: this is not the journal of a sweep or a plan; use another \
                    folder, or move the file away\n";
        assert_eq!(place.told(&resume), (Some(3), told.to_owned()));
        assert_eq!(place.told(&resume[..resume.len() - 1]), (Some(3), told.to_owned()));
        assert_eq!(fs::read_to_string(&journal).unwrap(), own);
    }
}

#[test]
fn a_folder_is_held_by_one_and_resumed_as_it_was() {
    let place = Place::new();
    let long = ["sweep", "study.toml", "--seeds", "1..100000", "--out", "out"];
    let mut child =
        place.command(&long).stdout(Stdio::null()).stderr(Stdio::null()).spawn().unwrap();
    while !place.path("out/journal").exists() {
        assert!(child.try_wait().unwrap().is_none(), "the sweep is still at work");
        std::thread::yield_now();
    }
    let (code, told) = place.told(&["sweep", "study.toml", "--out", "out", "--resume"]);
    let words = format!("error: out is in use by process {}", child.id());
    child.kill().unwrap();
    child.wait().unwrap();
    assert!(code == Some(4) && told.starts_with(&words), "{told}");
    let (code, told) = place.told(&["sweep", "study.toml", "--out", "out"]);
    assert!(code == Some(2) && told.contains("continue with --resume"), "{told}");
    for (more, words) in [
        (
            &["--seeds", "1..100000", "--set", "host.memory=80"][..],
            "another scenario (`memory = 64`",
        ),
        (&["--seeds", "1..99999"], "other repetitions"),
        (&["--seeds", "1..100000", "--shard", "1/2"], "another shard"),
    ] {
        let arguments = ["sweep", "study.toml", "--out", "out", "--resume"];
        let (code, told) = place.told(&[&arguments, more].concat());
        assert!(code == Some(3) && told.contains(words), "{told}");
    }
}

/// A file size limit of 100 blocks stands for a full disk if no file system can be mounted.
#[test]
fn a_full_disk_is_exit_code_4_and_the_sweep_can_be_resumed() {
    let place = Place::new();
    place.sweep("whole", &[]);
    let script = "trap '' XFSZ; ulimit -f 100; exec \"$0\" sweep study.toml --out full --quiet";
    let output = Command::new("sh")
        .args(["-c", script, env!("CARGO_BIN_EXE_balloonist")])
        .current_dir(place.0.path())
        .output()
        .unwrap();
    let told = String::from_utf8(output.stderr).unwrap();
    assert_eq!(
        (output.status.code(), told.as_str()),
        (
            Some(4),
            "error: full/journal: file too large; free some space and continue with \
                   --resume\n"
        )
    );
    assert!(output.stdout.is_empty());
    assert_eq!(place.names("full"), ["journal", "lock"], "nothing half written");
    assert!(whole_lines(&place.path("full/journal")).len() > 20_000, "what was done is kept");
    place.sweep("full", &["--resume"]);
    assert!(place.results("full") == place.results("whole"));
}

/// A file system in memory, gone with this value.
struct Mounted(PathBuf);

impl Mounted {
    /// `None` where the system lets nobody mount, as in most containers.
    fn new(at: PathBuf, options: &str) -> Option<Self> {
        fs::create_dir(&at).unwrap();
        let mut command = Command::new("mount");
        command.args(["-t", "tmpfs", "-o", options, "none"]).arg(&at).stderr(Stdio::null());
        if command.status().is_ok_and(|status| status.success()) {
            return Some(Self(at));
        }
        eprintln!("no file system can be mounted here: this part of the test is left out");
        None
    }
}

impl Drop for Mounted {
    fn drop(&mut self) {
        let _ = Command::new("umount").arg(&self.0).status();
    }
}

#[test]
fn a_small_file_system_and_a_read_only_one_are_told_clearly() {
    let place = Place::new();
    let out = ["sweep", "study.toml", "--quiet", "--seeds", "1..60", "--out"];
    if let Some(_small) = Mounted::new(place.path("small"), "size=1m") {
        let (code, told) = place.told(&[&out[..], &["small/out"]].concat());
        assert_eq!(
            (code, told.as_str()),
            (
                Some(4),
                "error: small/out/journal: no space left on device; free some space and continue \
                 with --resume\n"
            )
        );
        assert_eq!(place.names("small/out"), ["journal", "lock"]);
    }
    if let Some(_sealed) = Mounted::new(place.path("sealed"), "ro") {
        let (code, told) = place.told(&[&out[..], &["sealed/out"]].concat());
        assert_eq!((code, told.as_str()), (Some(4), "error: sealed/out: read-only file system\n"));
    }
    // Where nobody may write, not even root.
    #[cfg(target_os = "linux")]
    for folder in ["/proc/results", "/dev/full", "/dev/full/out"] {
        let (code, told) = place.told(&[&out[..], &[folder]].concat());
        assert!(code == Some(4) && told.starts_with(&format!("error: {folder}")), "{told}");
        assert_eq!(told.lines().count(), 1);
    }
}
