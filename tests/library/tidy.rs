//! The limits that ARCHITECTURE.md sets for files, functions, lines and rooms.

use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};

const LINES_OF_A_FILE: usize = 500;
const LINES_OF_A_FUNCTION: usize = 70;
const COLUMNS: usize = 100;
/// The largest part of the source that one folder or file at its root may have, in percent.
const PERCENT_OF_A_ROOM: usize = 15;

/// The Rust files below `folder`, in order.
fn files_below(folder: &Path) -> Vec<PathBuf> {
    let mut files = Vec::new();
    for entry in fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() {
            files.extend(files_below(&path));
        } else if path.extension().is_some_and(|extension| extension == "rs") {
            files.push(path);
        }
    }
    files.sort();
    files
}

fn all_files() -> Vec<(PathBuf, String)> {
    let folders = ["src", "tests", "benches", "examples", "fuzz", "python/src"];
    let files = folders.iter().flat_map(|folder| files_below(Path::new(folder)));
    let files = files.filter(|path| !path.components().any(|part| part.as_os_str() == "target"));
    files.map(|path| (path.clone(), fs::read_to_string(&path).unwrap())).collect()
}

/// Each function of formatted code with its first line, counted from 1, and its length: it ends at
/// the brace that stands under its first letter.
fn functions(text: &str) -> Vec<(usize, usize)> {
    let mut open: Vec<(usize, usize)> = Vec::new();
    let mut found = Vec::new();
    for (at, line) in text.lines().enumerate() {
        let code = line.trim_start();
        let indent = line.len() - code.len();
        if code.starts_with('}')
            && let Some(&(first, of)) = open.last()
            && of == indent
        {
            open.pop();
            found.push((first + 1, at + 1 - first));
        }
        let before = code.split("fn ").next().unwrap();
        let is_head = code.contains("fn ")
            && before.split_whitespace().all(|word| {
                word.starts_with("pub") || ["super)", "const", "unsafe", "async"].contains(&word)
            });
        if is_head && !code.ends_with(';') && !code.ends_with('}') {
            open.push((at, indent));
        }
    }
    found
}

#[test]
fn files_functions_and_lines_keep_their_limits() {
    let mut over = Vec::new();
    for (path, text) in all_files() {
        let path = path.display();
        let lines = text.lines().count();
        if lines > LINES_OF_A_FILE {
            over.push(format!("{path} has {lines} lines"));
        }
        for (at, line) in text.lines().enumerate() {
            let columns = line.chars().count();
            if columns > COLUMNS {
                over.push(format!("{path}:{} has {columns} columns", at + 1));
            }
        }
        for (first, lines) in functions(&text) {
            if lines > LINES_OF_A_FUNCTION {
                over.push(format!("{path}:{first}: a function of {lines} lines"));
            }
        }
    }
    assert!(over.is_empty(), "{}", over.join("\n"));
}

#[test]
fn no_room_has_too_large_a_part_of_the_source() {
    let mut rooms: BTreeMap<String, usize> = BTreeMap::new();
    for path in files_below(Path::new("src")) {
        let room = path.components().nth(1).unwrap().as_os_str().to_string_lossy().into_owned();
        let room = room.trim_end_matches(".rs").to_owned();
        *rooms.entry(room).or_default() += fs::read_to_string(&path).unwrap().lines().count();
    }
    let all: usize = rooms.values().sum();
    let large = rooms.iter().filter(|(_, lines)| **lines * 100 > all * PERCENT_OF_A_ROOM);
    let large: Vec<String> = large.map(|(room, lines)| format!("{room}: {lines} lines")).collect();
    assert!(large.is_empty(), "of {all} lines: {}", large.join(", "));
}

#[test]
fn the_length_of_a_function_is_found() {
    let text = "impl A {\n    fn a(\n        b: u8,\n    ) {\n        if b {\n        }\n    }\n\n\
                \x20   pub(crate) const fn c() {}\n    fn d() -> u8 {\n        1\n    }\n}\n";
    assert_eq!(functions(text), [(2, 6), (10, 3)]);
}
