//! docs/adding-a-policy.md, followed literally.
//!
//! This builds the crate twice more, as a program and as unit tests, so it runs only if
//! `ADDING_A_POLICY` is set, as in `.ci/run`; otherwise the page's blocks are only applied.
//! Dependencies are taken from the running test's build.

use std::fs;
use std::path::Path;
use std::process::Command;

use crate::folders::copy_folder;

/// A block of the page that changes a file.
enum Block {
    /// The whole of a file.
    New { file: String, text: String },
    /// Lines to insert before a line that occurs once in the file.
    Before { line: String, file: String, text: String },
}

#[test]
fn the_page_makes_a_policy() {
    let page = fs::read_to_string("docs/adding-a-policy.md").unwrap();
    // A fixed folder, so that the next run reuses the build.
    let place = Path::new(env!("CARGO_TARGET_TMPDIR")).join("adding-a-policy");
    let folder = place.join("balloonist");
    if folder.exists() {
        fs::remove_dir_all(&folder).unwrap();
    }
    copy(Path::new("."), &folder);
    let blocks = blocks(&page);
    assert_eq!(blocks.len(), 3, "a file and two lines");
    for block in &blocks {
        apply(block, &folder);
    }
    let commands = commands(&page);
    assert_eq!(commands.len(), 4, "{commands:?}");
    if std::env::var_os("ADDING_A_POLICY").is_none() {
        println!("applied, not built: set ADDING_A_POLICY to build it");
        return;
    }
    let outputs: Vec<String> = commands.iter().map(|line| run(line, &folder, &place)).collect();
    assert!(outputs[0].starts_with("even-miss\n    moves a few frames"), "{}", outputs[0]);
    assert!(outputs[0].contains("step = 4 [an integer from 1 to 1000000]"));
    let row = outputs[1].lines().find(|line| line.contains("even-miss")).expect("a row");
    assert!(row.starts_with("policy"), "{row}");
    assert!(outputs[1].contains("the fewest demand faults"), "{}", outputs[1]);
    assert!(outputs[2].contains("even-miss (step=2)"), "{}", outputs[2]);
    assert!(
        outputs[3].contains("a_vm_that_faults_twice_as_often_gets_frames ... ok"),
        "{}",
        outputs[3]
    );
}

/// Each block that names a file, in the page's order.
fn blocks(page: &str) -> Vec<Block> {
    let block = |block: &str| {
        let (fence, text) = block.split_once('\n')?;
        let text = format!("{text}\n");
        if let Some(file) = fence.strip_prefix("rust title=") {
            return Some(Block::New { file: file.to_owned(), text });
        }
        let (line, file) = fence.strip_prefix("rust before=\"")?.split_once("\" in=")?;
        Some(Block::Before { line: line.to_owned(), file: file.to_owned(), text })
    };
    page.split("\n```").filter_map(block).collect()
}

fn apply(block: &Block, root: &Path) {
    match block {
        Block::New { file, text } => {
            let place = root.join(file);
            assert!(!place.exists(), "{file} is there already");
            fs::write(place, text).unwrap();
        }
        Block::Before { line, file, text } => {
            let place = root.join(file);
            let old = fs::read_to_string(&place).unwrap();
            let line = format!("{line}\n");
            assert_eq!(old.matches(&line).count(), 1, "`{line}` in {file}");
            fs::write(place, old.replacen(&line, &format!("{text}{line}"), 1)).unwrap();
        }
    }
}

/// The lines of all `sh` blocks.
fn commands(page: &str) -> Vec<String> {
    let shells = page.split("\n```sh\n").skip(1).filter_map(|rest| rest.split("\n```").next());
    shells.flat_map(str::lines).map(str::to_owned).collect()
}

/// The output of a command. The program is built in a separate folder, not over the one under test;
/// dependencies are shared with the running test (cargo before 1.91 has no `build-dir` and rebuilds
/// them).
fn run(line: &str, folder: &Path, place: &Path) -> String {
    let shared = Path::new(env!("CARGO_TARGET_TMPDIR")).parent().expect("it is in a folder");
    let mut words = line.split(' ');
    assert_eq!(words.next(), Some("cargo"));
    let mut command = Command::new(env!("CARGO"));
    command.args(words).current_dir(folder);
    command.env("CARGO_TARGET_DIR", place.join("target")).env("CARGO_BUILD_BUILD_DIR", shared);
    let output = command.output().unwrap();
    let error = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "{line}\n{error}");
    String::from_utf8(output.stdout).unwrap()
}

/// What a build needs of the crate.
fn copy(from: &Path, to: &Path) {
    for part in ["src", "record", "benches", "scenarios", "tests"] {
        copy_folder(&from.join(part), &to.join(part));
    }
    for file in ["Cargo.toml", "Cargo.lock", "README.md"] {
        fs::copy(from.join(file), to.join(file)).unwrap();
    }
}
