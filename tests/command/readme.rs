//! The README's and the guides' commands do what they show.
//!
//! In a page of docs/, a block that is fenced as ```` ```toml title=NAME ```` is the file NAME, and
//! blocks fenced as ```` ```console ```` are run one after the other in a folder that has these
//! files beside copies of the scenarios, their traces and their golden tables.

use std::fs;
use std::path::Path;
use std::process::Command;

use crate::folders::copy_folder;

/// Every example of the README with its output, elided where it says so.
#[test]
fn examples_show_what_happens() {
    trycmd::TestCases::new().case("README.md");
}

/// Every example of every page of docs/; `TRYCMD=overwrite` writes them anew.
#[test]
fn the_pages_of_docs_show_what_happens() {
    let folder = tempfile::tempdir().unwrap();
    // Where CI is set, golden tables cannot be blessed; the pages show what happens elsewhere.
    let cases = trycmd::TestCases::new();
    cases.env("CI", "");
    for page in pages() {
        let text = fs::read_to_string(&page).unwrap();
        // tests/findings.rs runs the commands of pages on findings once, for their numbers too.
        let is_written = std::env::var_os("TRYCMD").is_some();
        let of_findings = ["findings.md", "hit-density.md"].iter().any(|name| page.ends_with(name));
        if !text.contains("```console\n") || of_findings && !is_written {
            continue;
        }
        let copy = folder.path().join(page.file_name().unwrap());
        let inside = copy.with_extension("in");
        for part in ["scenarios", "traces", "results"] {
            copy_folder(Path::new(part), &inside.join(part));
        }
        for (name, content) in titled(&text) {
            fs::write(inside.join(name), format!("{content}\n")).unwrap();
        }
        fs::write(&copy, &text).unwrap();
        cases.case(&copy);
    }
    cases.run();
    for page in pages() {
        let copy = folder.path().join(page.file_name().unwrap());
        if copy.exists() && fs::read(&copy).unwrap() != fs::read(&page).unwrap() {
            fs::copy(&copy, &page).unwrap();
        }
    }
}

/// The `[sweep]` of docs/sweeps.md is the one of the scenario that it names.
#[test]
fn the_page_on_sweeps_shows_the_scenario_that_it_names() {
    let page = fs::read_to_string("docs/sweeps.md").unwrap();
    let scenario = fs::read_to_string("scenarios/study.toml").unwrap();
    let block = page.split("```toml\n").nth(1).unwrap().split("```").next().unwrap();
    for line in block.lines() {
        let line = line.split("  #").next().unwrap().split("   ").next().unwrap().trim_end();
        assert!(scenario.lines().any(|own| own == line), "`{line}` is not in the scenario");
    }
}

/// Links from the README and docs/ into this repository are not broken.
#[test]
fn links_are_not_broken() {
    let roots = ["README.md", "ARCHITECTURE.md"].map(|name| Path::new(name).to_owned());
    let mut links = 0;
    for page in roots.into_iter().chain(pages()) {
        let text = fs::read_to_string(&page).unwrap();
        for link in text.split("](").skip(1).filter_map(|rest| rest.split(')').next()) {
            let file = link.split('#').next().unwrap();
            if file.is_empty() || file.contains("://") {
                continue;
            }
            let target = page.parent().unwrap().join(file);
            assert!(target.exists(), "{} links to {link}", page.display());
            links += 1;
        }
    }
    assert!(links > 10, "only {links} links found");
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

/// The pages of docs/, in the order of their names.
fn pages() -> Vec<std::path::PathBuf> {
    let entries = fs::read_dir("docs").unwrap().map(|entry| entry.unwrap().path());
    let is_page = |path: &std::path::PathBuf| path.extension().is_some_and(|end| end == "md");
    let mut pages: Vec<_> = entries.filter(is_page).collect();
    pages.sort();
    pages
}

/// The files that a page shows: their names and contents.
fn titled(page: &str) -> Vec<(&str, &str)> {
    let blocks = page.split("\n```").filter_map(|block| {
        let (fence, content) = block.split_once('\n')?;
        let name = fence.split_once(" title=")?.1;
        Some((name, content))
    });
    blocks.collect()
}
