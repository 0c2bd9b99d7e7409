//! The README's commands do what it shows.

use std::fs;
use std::path::Path;
use std::process::Command;

/// Every example of the README with its output, elided where it says so.
#[test]
fn examples_show_what_happens() {
    trycmd::TestCases::new().case("README.md");
}

/// Every example of docs/sweeps.md, in a folder that may be written to; its `[sweep]` is the one of
/// the scenario that it names.
#[test]
fn the_page_on_sweeps_shows_what_happens() {
    let folder = tempfile::tempdir().unwrap();
    let page = fs::read_to_string("docs/sweeps.md").unwrap();
    let scenario = fs::read_to_string("scenarios/study.toml").unwrap();
    let block = page.split("```toml\n").nth(1).unwrap().split("```").next().unwrap();
    for line in block.lines() {
        let line = line.split("  #").next().unwrap().split("   ").next().unwrap().trim_end();
        assert!(scenario.lines().any(|own| own == line), "`{line}` is not in the scenario");
    }
    fs::write(folder.path().join("sweeps.md"), &page).unwrap();
    let inside = folder.path().join("sweeps.in/scenarios");
    fs::create_dir_all(&inside).unwrap();
    fs::write(inside.join("study.toml"), scenario).unwrap();
    trycmd::TestCases::new().case(folder.path().join("sweeps.md"));
}

/// The first of the two commands of the quick start, with the binary of this build in place of
/// `cargo run --release --`; the second is what runs this test.
#[test]
fn the_quick_start_runs_the_main_job_and_the_tests() {
    let readme = fs::read_to_string("README.md").unwrap();
    let start = readme.split("## Quick start").nth(1).unwrap();
    let commands: Vec<&str> =
        start.split("```sh\n").nth(1).unwrap().split("```").next().unwrap().lines().collect();
    let [main_job, tests] = commands[..] else { panic!("two commands, found {commands:?}") };
    assert_eq!(tests, "cargo test");
    let arguments = main_job.strip_prefix("cargo run --release -- ").unwrap();
    let output =
        Command::new(env!("CARGO_BIN_EXE_balloonist")).args(arguments.split(' ')).output().unwrap();
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    let text = String::from_utf8(output.stdout).unwrap();
    for part in ["static", "best-static", "has the fewest demand faults"] {
        assert!(text.contains(part), "{part} in\n{text}");
    }
    assert!(fs::read_to_string(Path::new(".ci/run")).unwrap().contains(tests));
}
