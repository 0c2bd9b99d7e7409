//! `tune` as users call it.

use std::fs;
use std::path::Path;
use std::process::{Command, Output};

const MIX: &str = "host.memory = 60\ncheckpoint.every = 50\n\
                   [[vm]]\nname = 'a'\ncount = 2\nstart_within = 400\n\
                   workload = { kind = 'zipf', pages = 40, accesses = 900 }\n";

fn tune(folder: &Path, arguments: &[&str]) -> Output {
    fs::create_dir_all(folder.join("mixes")).unwrap();
    fs::write(folder.join("mixes/fleet.toml"), MIX).unwrap();
    let mut command = Command::new(env!("CARGO_BIN_EXE_balloonist"));
    let few = ["--draws", "6", "--rounds", "2", "--mixes", "3"];
    command.current_dir(folder).arg("tune").args(few).args(arguments).output().unwrap()
}

fn stdout(output: &Output) -> String {
    assert_eq!(output.status.code(), Some(0), "{}", String::from_utf8_lossy(&output.stderr));
    String::from_utf8(output.stdout.clone()).unwrap()
}

#[test]
fn the_number_of_threads_changes_nothing() {
    let folder = tempfile::tempdir().unwrap();
    let of = |jobs| {
        let arguments =
            ["mixes/fleet.toml", "-p", "proportional", "--format", "csv", "--jobs", jobs];
        stdout(&tune(folder.path(), &arguments))
    };
    assert_eq!(of("1"), of("3"));
    assert_eq!(of("2").lines().count(), 5);
}

/// The file runs, with the faults that the search has counted in its only mix.
#[test]
fn the_fragment_is_a_scenario() {
    let folder = tempfile::tempdir().unwrap();
    let fixed = MIX.replace(
        "start_within = 400\nworkload = { kind = 'zipf', pages = 40,",
        "workload = { kind = 'loop', pages = 26,",
    );
    let arguments = [
        "fixed.toml",
        "-p",
        "proportional",
        "--minimize",
        "frames_moved",
        "--knobs",
        "guarantee=2..20 count=demand_faults,replacement_misses",
        "--windows",
        "1",
        "-o",
        "mixes/tuned.toml",
        "--format",
        "csv",
    ];
    fs::write(folder.path().join("fixed.toml"), fixed).unwrap();
    let table = stdout(&tune(folder.path(), &arguments));
    let text = fs::read_to_string(folder.path().join("mixes/tuned.toml")).unwrap();
    assert!(text.starts_with("# Found by balloonist tune: proportional"), "{text}");
    assert!(text.contains("extends = \"../fixed.toml\""), "{text}");
    let mut run = Command::new(env!("CARGO_BIN_EXE_balloonist"));
    let run = run.current_dir(folder.path()).args(["run", "mixes/tuned.toml", "--format", "csv"]);
    let vms = stdout(&run.output().unwrap());
    let names: Vec<&str> = vms.lines().next().unwrap().split(',').collect();
    let all: Vec<&str> = vms.lines().last().unwrap().split(',').collect();
    let column = |name| all[names.iter().position(|of| *of == name).unwrap()];
    let moved: u64 = ["granted", "reclaimed"]
        .map(|name| column(name).parse().unwrap())
        .into_iter()
        .max()
        .unwrap();
    let best = table.lines().nth(2).unwrap();
    assert!(best.contains(&format!(",{moved}.000000,")), "{best} and {moved}");

    let again = tune(folder.path(), &arguments);
    assert_eq!(again.status.code(), Some(0), "its own file is replaced");
    let onto = ["fixed.toml", "-p", "proportional", "-o", "fixed.toml"];
    assert_ne!(tune(folder.path(), &onto).status.code(), Some(0), "an input is not");
}

#[test]
fn what_cannot_be_tuned_is_said() {
    let folder = tempfile::tempdir().unwrap();
    let cases: &[(&[&str], &str)] = &[
        (&["-p", "static"], "no parameter to tune"),
        (&["-p", "proportional", "--knobs", "guarante=1..4"], "did you mean `guarantee`?"),
        (&["-p", "proportional", "--knobs", "guarantee=1..4 guarantee"], "given twice"),
        (&["-p", "proportional", "--knobs", "guarantee=4..4"], "ends where it begins"),
        (&["-p", "proportional", "--minimize", "frames_last"], "a part of a run"),
        (&["-p", "proportional", "--minimize", "demand_fault"], "did you mean `demand_faults`?"),
        (&["-p", "proportional", "--knobs", "vm.none.min=1..4"], "none"),
    ];
    for (arguments, message) in cases {
        let output = tune(folder.path(), &[&["mixes/fleet.toml"], *arguments].concat());
        let error = String::from_utf8_lossy(&output.stderr);
        assert_ne!(output.status.code(), Some(0), "{arguments:?}");
        assert!(error.contains(message), "{arguments:?}: {error}");
    }
}

#[test]
fn several_scenarios_are_left_out_in_turn() {
    let folder = tempfile::tempdir().unwrap();
    fs::create_dir_all(folder.path().join("mixes")).unwrap();
    fs::write(folder.path().join("mixes/other.toml"), MIX.replace("40", "30")).unwrap();
    let output = tune(folder.path(), &["mixes", "-p", "proportional"]);
    assert!(stdout(&output).contains("left out: scenarios"), "{output:?}");
}
