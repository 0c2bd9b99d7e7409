//! Random commands in one folder, some of them killed, without disk space or with changed inputs.
//! After each step nothing may be lost or mixed.
//!
//! A short form runs in the suite. `BALLOONIST_STEPS=10000` takes more steps, `BALLOONIST_SEED`
//! chooses them; a failure prints the seed and the steps so far. A third of the steps are kills,
//! most of them while the command is running: 2000 steps have more than 500.

#![cfg(unix)]
#![allow(clippy::disallowed_methods, reason = "the environment says how long and which seed")]

use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::time::Duration;

use serde_json::Value;

const SCENARIO: &str = "host = { memory = 24 }\ncompare = ['static', 'last-n']\n\
    [checkpoint]\nevery = 50\n\
    [[vm]]\nname = 'a'\ntrace = { file = '../t.txt' }\n\
    [[vm]]\nname = 'b'\nworkload = { kind = 'zipf', pages = 40, accesses = 400 }\n\
    [sweep]\nrepeat = 3\n[sweep.axes]\n'host.memory' = [20, 24, 28]\n";

/// How a command is disturbed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Fault {
    None,
    /// Killed after this many thirds of a millisecond.
    Kill(u64),
    Terminate(u64),
    /// Files are limited to this many blocks of 512 bytes.
    Full(u64),
}

struct World {
    folder: tempfile::TempDir,
    seed: u64,
    luck: u64,
    steps: Vec<String>,
    killed: u64,
    /// The whole lines that the journal of the sweep has had.
    journal: Vec<u8>,
}

impl World {
    fn new(seed: u64) -> Self {
        let folder = tempfile::tempdir().unwrap();
        fs::create_dir(folder.path().join("scenarios")).unwrap();
        fs::write(folder.path().join("scenarios/s.toml"), SCENARIO).unwrap();
        fs::write(folder.path().join("notes.txt"), "of somebody\n").unwrap();
        let world =
            Self { folder, seed, luck: seed, steps: Vec::new(), killed: 0, journal: Vec::new() };
        world.write_trace(1);
        world
    }

    fn path(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    /// The trace of a turn; every turn has other pages.
    fn write_trace(&self, turn: u64) {
        let page = |at: u64| format!("{}\n", at * (2 * turn + 1) % 31);
        fs::write(self.path("t.txt"), (0..300).map(page).collect::<String>()).unwrap();
    }

    /// A number below `bound`: Knuth's linear congruential generator, MMIX's constants.
    fn draw(&mut self, bound: u64) -> u64 {
        self.luck = self.luck.wrapping_mul(6_364_136_223_846_793_005);
        self.luck = self.luck.wrapping_add(1_442_695_040_888_963_407);
        (self.luck >> 33) % bound
    }

    /// Runs a command under a fault; returns its exit code, `None` if it was killed.
    fn run(&mut self, arguments: &str, fault: Fault) -> Option<i32> {
        self.steps.push(format!("{arguments} under {fault:?}"));
        let limit = if let Fault::Full(blocks) = fault {
            format!("trap '' XFSZ; ulimit -f {blocks}; ")
        } else {
            String::new()
        };
        let script = format!("{limit}exec \"$0\" {arguments} --quiet --no-cache");
        let mut command = Command::new("sh");
        command.args(["-c", &script, env!("CARGO_BIN_EXE_balloonist")]);
        command.current_dir(self.folder.path()).env_remove("CI");
        command.stdout(Stdio::null()).stderr(Stdio::piped());
        let child = command.spawn().unwrap();
        if let Fault::Kill(after) | Fault::Terminate(after) = fault {
            std::thread::sleep(Duration::from_micros(after * 333));
            let signal = if matches!(fault, Fault::Kill(_)) { "-KILL" } else { "-TERM" };
            let child = child.id().to_string();
            let _ = Command::new("kill").args([signal, &child]).stderr(Stdio::null()).status();
        }
        let output = child.wait_with_output().unwrap();
        let told = String::from_utf8(output.stderr).unwrap();
        let code = output.status.code();
        self.killed += u64::from(code.is_none());
        let is_known = code.is_none_or(|code| (0..=6).contains(&code));
        assert!(is_known, "{code:?}: {told}\n{}", self.story());
        code
    }

    fn story(&self) -> String {
        format!("BALLOONIST_SEED={}\n{}", self.seed, self.steps.join("\n"))
    }

    /// What must hold after every step, however it ended.
    fn check(&mut self) {
        let story = self.story();
        let notes = fs::read_to_string(self.path("notes.txt")).unwrap();
        assert_eq!(notes, "of somebody\n", "{story}");
        assert_eq!(fs::read_to_string(self.path("scenarios/s.toml")).unwrap(), SCENARIO, "{story}");
        // A run that was in the journal stays there.
        let bytes = fs::read(self.path("sweep/journal")).unwrap_or_default();
        let end = bytes.iter().rposition(|&byte| byte == b'\n').map_or(0, |at| at + 1);
        let before = std::mem::take(&mut self.journal);
        assert!(bytes[..end].starts_with(&before), "a run is lost\n{story}");
        self.journal = bytes[..end].to_vec();
        // If a folder's files match its manifest, `report` reads it; otherwise `report` fails.
        for folder in ["run", "compare", "sweep", "merged"] {
            if !self.path(folder).join("manifest.json").exists() {
                continue;
            }
            let fits = is_whole(&self.path(folder));
            let code = self.run(&format!("report {folder} -o page.html"), Fault::None);
            assert_eq!(code == Some(0), fits, "{folder}: {code:?}\n{story}");
        }
        if let Ok(page) = fs::read_to_string(self.path("page.html")) {
            assert!(page.ends_with("</html>\n"), "half a page\n{story}");
        }
    }
}

/// Whether every file that the manifest lists is there with its hash.
fn is_whole(folder: &Path) -> bool {
    let manifest = fs::read(folder.join("manifest.json")).unwrap();
    let manifest: Value = serde_json::from_slice(&manifest).expect("a manifest is never half");
    let fits = |file: &Value| {
        let bytes = fs::read(folder.join(file["name"].as_str().unwrap()));
        let hash = file["hash"].as_str().unwrap();
        bytes.is_ok_and(|bytes| balloonist::store::digest::Digest::of(&bytes).to_string() == hash)
    };
    manifest["files"].as_array().unwrap().iter().all(fits)
}

const COMMANDS: [&str; 13] = [
    "run scenarios/s.toml --out run --events log.jsonl",
    "compare scenarios/s.toml --out compare --report page.html",
    "run scenarios/s.toml --policy last-n --out run",
    "sweep scenarios/s.toml --out sweep --resume",
    "sweep scenarios/s.toml --out sweep --resume --zst",
    "merge sweep --out merged",
    "verify",
    "verify --bless",
    "report compare -o page.html",
    "figures compare --out figures",
    "walk scenarios/s.toml --html -o walk.html",
    "trace convert t.txt -o t.balloonist",
    "report run -o notes.txt",
];

#[test]
fn nothing_is_lost_or_mixed_whatever_happens() {
    let number = |name: &str, default| {
        std::env::var(name).map_or(default, |text| text.parse::<u64>().unwrap())
    };
    let mut world = World::new(number("BALLOONIST_SEED", 1));
    let steps = number("BALLOONIST_STEPS", 60);
    for turn in 0..steps {
        let command = COMMANDS[world.draw(COMMANDS.len() as u64) as usize];
        let after = world.draw(60);
        let fault = match world.draw(6) {
            0 | 1 => Fault::None,
            2 | 3 => Fault::Kill(after),
            4 => Fault::Terminate(after),
            _ => Fault::Full(after / 8),
        };
        let code = world.run(command, fault);
        if command.ends_with("notes.txt") && fault == Fault::None {
            assert!(matches!(code, Some(2..=4)), "{code:?}\n{}", world.story());
        }
        world.check();
        if world.draw(8) == 0 {
            // A sweep of other inputs has a folder of its own.
            let _ = fs::remove_dir_all(world.path("sweep"));
            world.journal.clear();
            world.write_trace(turn);
        }
    }
    println!("{} of {steps} commands were killed", world.killed);
    // Without failures each command succeeds and gives the same results as in a new folder.
    let mut fresh = World::new(1);
    fs::copy(world.path("t.txt"), fresh.path("t.txt")).unwrap();
    for command in COMMANDS.iter().filter(|command| !command.ends_with("notes.txt")) {
        for world in [&mut world, &mut fresh] {
            let code = world.run(command, Fault::None);
            let is_well = code == Some(0) || *command == "verify" && code == Some(1);
            assert!(is_well, "{command}: {code:?}\n{}", world.story());
        }
    }
    for name in [
        "run/vms.csv",
        "run/manifest.json",
        "compare/manifest.json",
        "sweep/sweep.csv",
        "sweep/manifest.json",
        "merged/runs.csv",
        "log.jsonl",
        "page.html",
        "walk.html",
        "figures/faults.svg",
        "t.balloonist",
        "results/s/static.csv",
    ] {
        let [used, new] = [&world, &fresh].map(|world| fs::read(world.path(name)).unwrap());
        assert!(used == new, "{name}\n{}", world.story());
    }
    // The next command in a folder has removed the leftovers of killed ones.
    for folder in ["run", "compare", "sweep", "merged", "figures"] {
        let names = fs::read_dir(world.path(folder)).unwrap();
        let mut names = names.map(|entry| entry.unwrap().file_name().into_string().unwrap());
        assert!(!names.any(|name| name.starts_with(".balloonist-")), "{}", world.story());
    }
}
