//! `plan` as users call it.

use std::process::{Command, Output};

const FLEET: &str = "host.memory = 60\ncheckpoint.every = 50\ncost.fault = 3\n\
                     [[vm]]\nname = 'a'\ncount = 2\nstart_within = 400\n\
                     workload = { kind = 'zipf', pages = 40, accesses = 300 }\n";

fn plan(scenario: &str, arguments: &[&str]) -> Output {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("fleet.toml");
    std::fs::write(&file, scenario).unwrap();
    let mut command = Command::new(env!("CARGO_BIN_EXE_balloonist"));
    command.arg("plan").arg(file).args(arguments).output().unwrap()
}

fn csv(arguments: &[&str]) -> String {
    let output = plan(FLEET, &[arguments, &["--format", "csv"]].concat());
    assert_eq!(output.status.code(), Some(0), "{}", String::from_utf8_lossy(&output.stderr));
    String::from_utf8(output.stdout).unwrap()
}

#[test]
fn the_number_of_threads_changes_nothing() {
    for table in ["needs", "curve", "mixes"] {
        let of = |jobs| {
            let policies = "static,global-lru,last-n";
            csv(&["--slowdown", "1.9", "--policies", policies, "--table", table, "--jobs", jobs])
        };
        assert_eq!(of("1"), of("3"), "{table}");
        assert!(of("2").lines().count() > 3);
    }
}

#[test]
fn fewer_mixes_are_a_prefix_and_time_ends_a_plan() {
    let mixes = |count| csv(&["--slowdown", "1.9", "--table", "mixes", "--mixes", count]);
    assert!(mixes("12").starts_with(&mixes("5")));
    let output = plan(FLEET, &["--slowdown", "1.9", "--within", "1ns", "--jobs", "1"]);
    assert_eq!(output.status.code(), Some(0));
    let said = String::from_utf8_lossy(&output.stderr).into_owned();
    assert!(said.contains("--within is over: 1 of 19 mixes ran"), "{said}");
    let shown = String::from_utf8_lossy(&output.stdout).into_owned();
    assert!(shown.contains("this confidence needs 19 mixes"), "{shown}");
}

#[test]
fn what_has_no_answer_is_refused() {
    let free = FLEET.replace("cost.fault = 3\n", "");
    for (scenario, arguments, expected) in [
        (free.as_str(), &[][..], "the scenario has no `[cost]`"),
        (FLEET, &["--slowdown", "0.9"], "a slowdown is at least 1"),
        (FLEET, &["--confidence", "100%"], "expected 1% to 99.9%"),
        (FLEET, &["--confidence", "0.95"], "expected 1% to 99.9%"),
        (FLEET, &["--limit", "slowdwn=2"], "did you mean `slowdown`?"),
        (FLEET, &["--limit", "slowdown"], "expected a column"),
        (FLEET, &["--limit", "fault_ratio=x"], "`x` is not a number"),
        (FLEET, &["--mixes", "0"], "--mixes"),
        (FLEET, &["--copies", "40000"], "40000 copies are too many, expected at most 32768"),
        (FLEET, &["--copies", "--tier", "far"], "cannot be used with"),
    ] {
        let output = plan(scenario, arguments);
        let said = String::from_utf8_lossy(&output.stderr).into_owned();
        assert_eq!(output.status.code(), Some(2), "{said}");
        assert!(said.contains(expected), "{arguments:?}: {said}");
    }
    let output = plan(FLEET, &["--tier", "far"]);
    let said = String::from_utf8_lossy(&output.stderr).into_owned();
    assert_eq!(output.status.code(), Some(3), "{said}");
    assert!(said.contains("no tier is named `far`"), "{said}");
    // The limit of another column needs no costs, and a scenario without draws is one mix.
    let fixed = "host.memory = 60\ncheckpoint.every = 5\n[[vm]]\nname = 'a'\n\
                 trace.pages = [1, 2, 3, 1, 2, 3, 1, 2, 3]\n";
    let output = plan(fixed, &["--limit", "capacity_faults=0", "--policies", "static"]);
    let shown = String::from_utf8_lossy(&output.stdout).into_owned();
    let answer = "fleet: this VM needs 3 frames (12 KiB) under static, so that no VM's \
                  capacity_faults is above 0.\n";
    assert!(shown.starts_with(answer), "{shown}");
    assert!(shown.contains("Nothing in the scenario is drawn"), "{shown}");
}

#[test]
fn copies_and_tiers_have_columns_of_their_own() {
    let policies = ["--policies", "static,global-lru", "--slowdown", "1.9"];
    let copies = csv(&[&policies[..], &["--copies", "6"]].concat());
    assert!(copies.starts_with("policy,mixes,copies,overcommit,knee,median_copies,"), "{copies}");
    let output =
        plan(FLEET, &[&policies[..], &["--copies", "1", "--set", "host.memory=999"]].concat());
    let shown = String::from_utf8_lossy(&output.stdout).into_owned();
    let answer = "fleet: 1 copy of these 2 VMs or more fits into 4 MiB under static with 95 % \
                  confidence, so that no VM is slowed down by more than 90 %.\n";
    assert!(shown.starts_with(answer), "{shown}");
    let output =
        plan(FLEET, &[&policies[..], &["--copies", "2", "--set", "host.memory=9"]].concat());
    let shown = String::from_utf8_lossy(&output.stdout).into_owned();
    assert!(
        shown.starts_with("fleet: under no policy does a single copy fit into 36 KiB"),
        "{shown}"
    );

    let tier = "[[tier]]\nname = 'far'\nkind = 'exclusive'\ncapacity = 3\n[[vm]]";
    let output = plan(
        &FLEET.replace("[[vm]]", tier),
        &["--policies", "static", "--limit", "store_reads=5", "--tier", "far", "--format", "csv"],
    );
    let shown = String::from_utf8_lossy(&output.stdout).into_owned();
    assert!(shown.starts_with("policy,mixes,capacity,overcommit,knee,median_capacity,"), "{shown}");
    assert!(shown.contains("\nstatic,19,"), "{shown}");
}

#[test]
fn the_page_begins_with_the_answer() {
    let folder = tempfile::tempdir().unwrap();
    let page = folder.path().join("page.html");
    let shown = page.to_str().unwrap();
    let policies = "--policies=static,global-lru";
    let output = plan(FLEET, &["--slowdown", "1.9", policies, "--sizes", "4", "--report", shown]);
    assert_eq!(output.status.code(), Some(0), "{}", String::from_utf8_lossy(&output.stderr));
    let said = String::from_utf8_lossy(&output.stdout).into_owned();
    let answer = said.lines().next().unwrap().strip_prefix("fleet: t").unwrap();
    let html = std::fs::read_to_string(&page).unwrap();
    let main = html.split_once("<main>").unwrap().1;
    assert!(main.contains(&format!("<p>T{answer}</p>")), "{answer}");
    for part in ["What it costs to be wrong", "Every VM with the answer", "id=\"worst-interval\""] {
        assert!(main.contains(part), "{part}");
    }
    let output = plan(FLEET, &["--slowdown", "1.9", "--report", "-"]);
    assert_eq!(output.status.code(), Some(2));
}

/// A folder with a fleet, in which plans are made.
struct Fleet(tempfile::TempDir);

impl Fleet {
    fn new() -> Self {
        let folder = tempfile::tempdir().unwrap();
        std::fs::write(folder.path().join("fleet.toml"), FLEET).unwrap();
        Self(folder)
    }

    fn path(&self, name: &str) -> std::path::PathBuf {
        self.0.path().join(name)
    }

    fn plan(&self, arguments: &[&str]) -> Output {
        let mut command = Command::new(env!("CARGO_BIN_EXE_balloonist"));
        let common = ["plan", "fleet.toml", "--slowdown", "1.9", "--format", "csv", "--quiet"];
        command.current_dir(self.0.path()).args(common).args(arguments).output().unwrap()
    }

    fn shown(&self, arguments: &[&str]) -> String {
        let output = self.plan(arguments);
        assert_eq!(output.status.code(), Some(0), "{}", String::from_utf8_lossy(&output.stderr));
        String::from_utf8(output.stdout).unwrap()
    }

    /// What a plan that is refused says.
    fn refused(&self, arguments: &[&str], code: i32) -> String {
        let output = self.plan(arguments);
        assert_eq!(output.status.code(), Some(code));
        String::from_utf8(output.stderr).unwrap()
    }

    /// Fails unless two folders have the same results.
    fn same(&self, one: &str, other: &str) {
        for name in ["needs.csv", "curve.csv", "mixes.csv", "manifest.json"] {
            let read = |from: &str| std::fs::read(self.path(from).join(name)).unwrap();
            assert!(read(one) == read(other), "{name}");
        }
    }
}

/// The shards of a plan, joined, and a plan that was stopped and resumed, are the plan that ran in
/// one go.
#[test]
fn shards_and_resumed_plans_are_the_plan_in_one_go() {
    let fleet = Fleet::new();
    let whole = fleet.shown(&["--out", "whole"]);
    for shard in ["1", "2", "3"] {
        let part = format!("{shard}/3");
        assert_eq!(fleet.shown(&["--shard", &part, "--out", shard]), "");
    }
    let from = ["--from", "1", "--from", "2", "--from", "3"];
    assert_eq!(fleet.shown(&[&from[..], &["--out", "joined"]].concat()), whole);
    fleet.same("whole", "joined");
    // Nothing is left to run, so it needs no time; a missing shard is run.
    assert_eq!(fleet.shown(&[&from[..], &["--jobs", "1", "--within", "1ns"]].concat()), whole);
    assert_eq!(fleet.shown(&["--from", "3", "--from", "1"]), whole);
    fleet.shown(&["--within", "1ns", "--jobs", "1", "--out", "grown"]);
    let said = fleet.refused(&["--out", "grown"], 2);
    assert!(said.contains("grown/journal has 1 of its 19 runs; continue with --resume"), "{said}");
    assert_eq!(fleet.shown(&["--out", "grown", "--resume"]), whole);
    fleet.same("whole", "grown");
    // A torn line is run again.
    let journal = fleet.path("grown/journal");
    let bytes = std::fs::read(&journal).unwrap();
    std::fs::write(&journal, &bytes[..bytes.len() - 7]).unwrap();
    assert_eq!(fleet.shown(&["--out", "grown", "--resume"]), whole);
    fleet.same("whole", "grown");
}

#[test]
fn mixes_of_another_plan_are_refused() {
    let fleet = Fleet::new();
    fleet.shown(&["--out", "plan"]);
    let said = fleet.refused(&["--out", "plan", "--resume", "--sizes", "5"], 3);
    assert!(said.contains("another question or another number of mixes"), "{said}");
    // The page of a folder of results is made by `plan`.
    let mut report = Command::new(env!("CARGO_BIN_EXE_balloonist"));
    let report = report.current_dir(fleet.0.path()).args(["report", "plan", "-o", "page.html"]);
    let said = String::from_utf8(report.output().unwrap().stderr).unwrap();
    assert!(said.contains("`plan --from plan --report FILE` makes its page"), "{said}");
    // A changed line whose checksum is right is no mix of this plan.
    let journal = fleet.path("plan/journal");
    let text = std::fs::read_to_string(&journal).unwrap();
    let (header, lines) = text.split_once('\n').unwrap();
    let (line, _) = lines.split_once('\n').unwrap().0.rsplit_once('\t').unwrap();
    let crafted = line.replacen("\"curve\":[", "\"curve\":[null,", 1);
    let sum = blake3::hash(crafted.as_bytes()).to_hex()[..32].to_owned();
    std::fs::write(&journal, format!("{header}\n{crafted}\t{sum}\n")).unwrap();
    let said = fleet.refused(&["--from", "plan"], 3);
    assert!(said.contains("is not one of this plan"), "{said}");
    // Traces that mixes draw belong to the plan, whatever their sizes.
    for (name, pages) in [("t1", "1\n2\n3\n1\n"), ("t2", "1\n2\n3\n2\n")] {
        std::fs::write(fleet.path(&format!("{name}.txt")), pages).unwrap();
    }
    let drawn = "host.memory = 9\ncheckpoint.every = 50\ncost.fault = 3\n[[vm]]\nname = 'a'\n\
                 of = ['t1.txt', 't2.txt']\n";
    std::fs::write(fleet.path("fleet.toml"), drawn).unwrap();
    fleet.shown(&["--out", "drawn"]);
    std::fs::write(fleet.path("t2.txt"), "1\n2\n3\n3\n").unwrap();
    let said = fleet.refused(&["--out", "drawn", "--resume"], 3);
    assert!(said.contains("drawn/journal is of other traces"), "{said}");
}
