//! `walk` read back: what its lines say of misses, frames and lists is what tests/report/ expects,
//! and each list follows from the one before it as the report describes.

use std::collections::BTreeMap;
use std::process::{Command, Output};

/// What the lines of one walk say.
#[derive(Default)]
struct Read {
    /// For each VM, a 1 for each access that evicted a page.
    misses: BTreeMap<String, String>,
    /// For each VM, its demand faults and its cold faults.
    faults: BTreeMap<String, (u64, u64)>,
    /// The frames of each VM, in file order, by the number of ticks before its access at that tick.
    frames: BTreeMap<u64, Vec<u64>>,
    /// The targets of the last checkpoint.
    targets: Vec<u64>,
    /// Each VM's list, as last shown.
    lists: BTreeMap<String, Vec<String>>,
}

fn walk(arguments: &[&str]) -> Output {
    let mut command = Command::new(env!("CARGO_BIN_EXE_balloonist"));
    command.arg("walk").args(arguments).output().unwrap()
}

fn text_of(arguments: &[&str]) -> String {
    let output = walk(arguments);
    assert_eq!(output.status.code(), Some(0), "{}", String::from_utf8_lossy(&output.stderr));
    String::from_utf8(output.stdout).unwrap()
}

fn walk_report(test: &str, policy: &str, every: u64) -> String {
    let scenario = format!("scenarios/report/{test}.dat");
    let every = format!("checkpoint.every={every}");
    text_of(&[&scenario, "--policy", policy, "--set", &every, "--random", "glibc"])
}

/// The pages of the list at the end of a line, and how many frames it shows.
fn list_of(line: &str) -> (Vec<String>, u64) {
    let items = line.rsplit_once('[').unwrap().1.strip_suffix(']').unwrap();
    let items: Vec<&str> = items.split(' ').collect();
    let pages: Vec<String> =
        items.iter().take_while(|item| **item != "·").map(ToString::to_string).collect();
    assert!(items[pages.len()..].iter().all(|item| *item == "·"), "empty frames are last: {line}");
    (pages, items.len() as u64)
}

fn read(text: &str) -> Read {
    let mut read = Read::default();
    for line in text.lines() {
        let words: Vec<&str> = line.split_whitespace().collect();
        match words.as_slice() {
            [_, "checkpoint", _] => read.targets.clear(),
            [at, vm, "page", page, event @ ..] if at.starts_with("t=") => {
                read.access(at[2..].parse().unwrap(), vm, page, event, line);
            }
            [_, vm, "arrives", ..] => {
                assert_eq!(list_of(line).0, Vec::<String>::new());
                read.lists.insert((*vm).to_owned(), Vec::new());
            }
            [vm, "gives" | "takes", _, "frame," | "frames,", "drops", ..] => {
                let (_, dropped) = line.split_once("drops ").unwrap();
                let dropped: Vec<&str> =
                    dropped.split_once('[').unwrap().0.split_whitespace().collect();
                let before = &read.lists[*vm];
                let (kept, last) = before.split_at(before.len() - dropped.len());
                assert_eq!(last, dropped, "the least recently used pages go: {line}");
                assert_eq!(list_of(line).0, kept, "{line}");
                read.lists.insert((*vm).to_owned(), kept.to_vec());
            }
            [vm, "gives" | "takes", ..] => assert_eq!(list_of(line).0, read.lists[*vm], "{line}"),
            [vm, .., target] if vm.starts_with("VM") && *vm != "VM" => {
                read.targets.push(target.parse().unwrap());
            }
            _ => {}
        }
    }
    read
}

impl Read {
    fn access(&mut self, at: u64, vm: &str, page: &str, event: &[&str], line: &str) {
        let (after, frames) = list_of(line);
        let mut list = self.lists.remove(vm).unwrap();
        let was_full = list.len() as u64 == frames;
        let found = list.iter().position(|other| other == page);
        let (miss, fault) = match event {
            ["hit", ..] => {
                list.remove(found.expect("a hit is on a page of the list"));
                ("0", 0)
            }
            ["fill", ..] => {
                assert!(found.is_none() && !was_full, "a fill is into an empty frame: {line}");
                ("0", 1)
            }
            ["replacement", "miss,", "evicts", evicted, ..] => {
                assert!(found.is_none() && was_full, "an eviction is from a full list: {line}");
                assert_eq!(list.pop().unwrap(), *evicted, "{line}");
                ("1", 1)
            }
            _ => panic!("an unknown event: {line}"),
        };
        list.insert(0, page.to_owned());
        assert_eq!(after, list, "{line}");
        self.lists.insert(vm.to_owned(), list);
        self.misses.entry(vm.to_owned()).or_default().push_str(miss);
        let faults = self.faults.entry(vm.to_owned()).or_default();
        faults.0 += fault;
        faults.1 += u64::from(event.contains(&"cold"));
        self.frames.entry(at).or_default().push(frames);
    }
}

#[test]
fn the_misses_read_back_are_the_expected_sequences() {
    let mut rows = 0;
    let mut walks: BTreeMap<(String, String, u64), Read> = BTreeMap::new();
    for row in csv::Reader::from_path("tests/report/expected.csv").unwrap().deserialize() {
        type Row = (String, String, u64, String, u64, u64, u64, u64, String);
        let row: Row = row.unwrap();
        let (test, policy, every, vm, _, demand_faults, cold_faults, _, sequence) = row;
        let walk = walks
            .entry((test.clone(), policy.clone(), every))
            .or_insert_with(|| read(&walk_report(&test, &policy, every)));
        let place = format!("{test} {policy} every {every} {vm}");
        assert_eq!(walk.misses[&vm], sequence, "{place}");
        assert_eq!(walk.faults[&vm], (demand_faults, cold_faults), "{place}");
        rows += 1;
    }
    assert_eq!(rows, 108);
}

#[test]
fn the_frames_read_back_are_the_expected_allocations() {
    let mut rows = 0;
    let mut walks: BTreeMap<(String, String, u64), Read> = BTreeMap::new();
    for row in csv::Reader::from_path("tests/report/allocations.csv").unwrap().deserialize() {
        let (test, policy, every, round, frames): (String, String, u64, u64, String) = row.unwrap();
        let walk = walks
            .entry((test.clone(), policy.clone(), every))
            .or_insert_with(|| read(&walk_report(&test, &policy, every)));
        let expected: Vec<u64> = frames.split(' ').map(|word| word.parse().unwrap()).collect();
        let place = format!("{test} {policy} every {every} round {round}");
        // The accesses of the next round show what this one left; after the last round that is
        // what its checkpoint decided, if it had one.
        match walk.frames.get(&round) {
            Some(shown) => assert_eq!(*shown, expected, "{place}"),
            None if round.is_multiple_of(every) => assert_eq!(walk.targets, expected, "{place}"),
            None => {}
        }
        rows += 1;
    }
    assert_eq!(rows, 444);
}

#[test]
fn a_part_of_a_walk_is_the_same_as_in_the_whole() {
    let whole = walk_report("test3", "proportional", 1);
    let scenario = "scenarios/report/test3.dat";
    let common = [scenario, "--policy", "proportional", "--random", "glibc"];
    for (from, to) in [(1, 1), (3, 5), (6, 12), (12, 12)] {
        let (from_text, to_text) = (from.to_string(), to.to_string());
        let part = text_of(&[&common[..], &["--from", &from_text, "--to", &to_text]].concat());
        let blocks: Vec<&str> = whole.split("\n\n").collect();
        let mut wanted = vec![blocks[0]];
        wanted.extend(&blocks[from..=to]);
        wanted.push(blocks[blocks.len() - 1]);
        assert_eq!(part, wanted.join("\n\n"), "rounds {from} to {to}");
    }
}

#[test]
fn no_line_of_the_report_is_wider_than_a_slide() {
    for test in ["test1", "test2", "test3"] {
        for policy in ["static", "last-n", "proportional"] {
            for line in walk_report(test, policy, 1).lines() {
                assert!(line.chars().count() <= 100, "{test} {policy}: {line}");
            }
        }
    }
}

#[test]
fn a_range_without_rounds_is_refused() {
    let scenario = "scenarios/report/test1.dat";
    let backwards = walk(&[scenario, "--from", "3", "--to", "2"]);
    assert_eq!(backwards.status.code(), Some(2));
    let beyond = walk(&[scenario, "--from", "11"]);
    assert_eq!(beyond.status.code(), Some(5));
    let error = String::from_utf8(beyond.stderr).unwrap();
    assert_eq!(error, "error: the run has 10 rounds, so there is no round 11\n");
}

/// Frames that are in flight when the run ends were reclaimed and granted to nobody; the walk
/// counts them as the tables do.
#[test]
fn the_walk_and_the_tables_count_the_same_frames_moved() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("flight.toml");
    let text = "host.memory = 12\ncheckpoint.every = 5\npolicy.kind = 'last-n'\n\
        actuator = { kind = 'balloon', latency = 1000, rate = 8 }\n\
        [[vm]]\nname = 'a'\ntrace.pages = [1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1]\n\
        [[vm]]\nname = 'b'\ntrace.pages = [1, 2, 3, 4, 5, 6, 7, 8, 9, 1, 2, 3]\n";
    std::fs::write(&path, text).unwrap();
    let output = |arguments: &[&str]| {
        let mut command = std::process::Command::new(env!("CARGO_BIN_EXE_balloonist"));
        let output = command.args(arguments).arg(&path).arg("--quiet").output().unwrap();
        assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
        String::from_utf8(output.stdout).unwrap()
    };
    let table = output(&["compare", "--policies", "last-n", "--format", "csv"]);
    let mut lines = table.lines().map(|line| line.split(',').collect::<Vec<_>>());
    let (columns, row) = (lines.next().unwrap(), lines.next().unwrap());
    let at = columns.iter().position(|column| *column == "frames_moved").unwrap();
    let moved = row[at];
    assert_ne!(moved, "0");
    let walk = output(&["walk"]);
    let last = walk.lines().last().unwrap();
    assert!(last.contains(&format!(", {moved} frame")), "{last}: {moved}");
}

/// Silberschatz, Galvin and Gagne's reference string (Operating System Concepts, chapter on virtual
/// memory) with three frames: 15 faults under FIFO, 12 under LRU, 9 under OPT, as its figures show.
const STRING: &str = "7 0 1 2 0 3 0 4 2 3 0 3 2 1 2 0 1 7 0 1";

#[test]
fn the_grid_is_the_books() {
    let grid = |replacement, form: &str| {
        let form = format!("--grid{form}");
        text_of(&["--pages", STRING, "--frames", "3", "--replacement", replacement, &form])
    };
    // The columns of the book's figures, written down by hand; it leaves out columns of hits.
    let fifo = "\
pages, fifo: 15 demand faults in 20 accesses

page    7 0 1 2 0 3 0 4 2 3 0 3 2 1 2 0 1 7 0 1
frame 1 7 7 7 2 2 2 2 4 4 4 0 0 0 0 0 0 0 7 7 7
frame 2 · 0 0 0 0 3 3 3 2 2 2 2 2 1 1 1 1 1 0 0
frame 3 · · 1 1 1 1 0 0 0 3 3 3 3 3 2 2 2 2 2 1
fault   F F F F   F F F F F F     F F     F F F
";
    assert_eq!(grid("fifo", ""), fifo);
    assert_eq!(grid("fifo", "=text"), fifo);
    let lru = "\
frame 1 7 7 7 2 2 2 2 4 4 4 0 0 0 1 1 1 1 1 1 1
frame 2 · 0 0 0 0 0 0 0 0 3 3 3 3 3 3 0 0 0 0 0
frame 3 · · 1 1 1 3 3 3 2 2 2 2 2 2 2 2 2 7 7 7
fault   F F F F   F   F F F F     F   F   F
";
    assert!(grid("lru", "").contains(lru), "{}", grid("lru", ""));
    assert!(grid("min", "").contains("9 demand faults in 20"), "{}", grid("min", ""));
    let latex = grid("lru", "=latex");
    assert!(latex.contains("frame 3 & $\\cdot$ & $\\cdot$ & 1 & 1 & 1 & 3 &"), "{latex}");
    assert!(latex.contains("fault & F & F & F & F &  & F &  & F &"), "{latex}");
    // A drawing has the same cells: each page, each frame's content, an F for each fault.
    let svg = grid("fifo", "=svg");
    assert_eq!(svg.matches(">F</text>").count(), 15);
    assert_eq!(svg.matches("<rect ").count(), 60);
    assert_eq!(svg.matches(" class=\"n\"/>").count(), 15);
}

#[test]
fn a_grid_shows_frames_that_come_and_go() {
    let text =
        text_of(&["scenarios/report/test3.dat", "--policy", "last-n", "--grid", "--to", "9"]);
    let sheets: Vec<&str> = text.split("\n\n").collect();
    assert_eq!(sheets.len() % 2, 0, "a heading and a grid for each VM: {text}");
    let widths = |sheet: &str| -> Vec<usize> {
        let rows = sheet.lines().filter(|line| line.starts_with("frame "));
        rows.map(|row| row.split_whitespace().count() - 2).collect()
    };
    let steady =
        text_of(&["scenarios/report/test3.dat", "--policy", "static", "--grid", "--to", "9"]);
    let all = |text: &str| -> Vec<usize> { text.split("\n\n").flat_map(widths).collect() };
    // Under `static` each frame stays with its VM, so that no row has gaps; `last-n` moves frames.
    assert!(all(&steady).iter().all(|&cells| cells == 9), "{steady}");
    assert!(all(&text).iter().any(|&cells| cells < 9), "{text}");
}

#[test]
fn a_grid_is_written_to_a_file_and_replaces_only_a_grid() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("grid.tex");
    let file = file.to_str().unwrap();
    let arguments = ["--pages", "1 2 3", "--frames", "2", "--grid=latex", "-o", file];
    for _ in 0..2 {
        assert_eq!(walk(&arguments).status.code(), Some(0));
    }
    assert!(std::fs::read_to_string(file).unwrap().starts_with("% pages, lru: 3 demand faults"));
    std::fs::write(file, "my own text").unwrap();
    assert_ne!(walk(&arguments).status.code(), Some(0));
    assert_eq!(std::fs::read_to_string(file).unwrap(), "my own text");
    let output = walk(&["--pages", "1 2 3", "--frames", "2", "-o", file]);
    assert_eq!(output.status.code(), Some(2));
    let many = walk(&["scenarios/consolidation.toml", "--grid"]);
    assert_eq!(many.status.code(), Some(2));
    let said = String::from_utf8_lossy(&many.stderr).into_owned();
    assert!(said.contains("a grid has at most 100,000 cells"), "{said}");
}
