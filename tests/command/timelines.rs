//! The event logs of `run --events` and the page of `walk --html`, read back: what they say of
//! misses, frames and moves is what tests/report/ expects, and a timeline keeps to the published
//! rules of the Chrome trace event format.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::path::Path;
use std::process::{Command, Output};

use serde_json::Value;

fn balloonist(arguments: &[&str]) -> Output {
    Command::new(env!("CARGO_BIN_EXE_balloonist")).args(arguments).output().unwrap()
}

fn stdout_of(arguments: &[&str]) -> String {
    let output = balloonist(arguments);
    assert_eq!(output.status.code(), Some(0), "{}", String::from_utf8_lossy(&output.stderr));
    String::from_utf8(output.stdout).unwrap()
}

fn events(scenario: &str, format: &str, more: &[&str]) -> String {
    let common = ["run", scenario, "--random", "glibc", "--events", "-", "--events-format", format];
    stdout_of(&[&common[..], more].concat())
}

fn integer(event: &Value, key: &str) -> u64 {
    event[key].as_u64().unwrap_or_else(|| panic!("`{key}` is a whole number in {event}"))
}

fn text<'a>(event: &'a Value, key: &str) -> &'a str {
    event[key].as_str().unwrap_or_else(|| panic!("`{key}` is a text in {event}"))
}

/// For each test, policy, n and VM the 0/1 sequence of replacement misses and the demand faults.
#[test]
fn the_accesses_of_json_lines_are_the_expected_ones() {
    type Vms = BTreeMap<String, (String, u64)>;
    let mut logs: BTreeMap<(String, String, u64), Vms> = BTreeMap::new();
    let mut rows = 0;
    for row in csv::Reader::from_path("tests/report/expected.csv").unwrap().deserialize() {
        type Row = (String, String, u64, String, u64, u64, u64, u64, String);
        let row: Row = row.unwrap();
        let (test, policy, every, vm, _, demand_faults, _, _, sequence) = row;
        let log = logs.entry((test.clone(), policy.clone(), every)).or_insert_with(|| {
            let scenario = format!("scenarios/report/{test}.dat");
            let every = format!("checkpoint.every={every}");
            let more = ["--policy", &policy, "--set", &every, "--events-accesses"];
            let mut vms: BTreeMap<String, (String, u64)> = BTreeMap::new();
            for line in events(&scenario, "jsonl", &more).lines() {
                let event: Value = serde_json::from_str(line).unwrap();
                if event["event"] == "access" {
                    let (misses, faults) = vms.entry(text(&event, "vm").to_owned()).or_default();
                    let evicts = event["evicts"].is_u64();
                    assert_eq!(evicts, event["outcome"] == "replacement miss");
                    misses.push(if evicts { '1' } else { '0' });
                    *faults += u64::from(event["outcome"] != "hit");
                }
            }
            vms
        });
        assert_eq!(log[&vm], (sequence, demand_faults), "{test} {policy} every {every} {vm}");
        rows += 1;
    }
    assert_eq!(rows, 108);
}

/// After each checkpoint the frames that the changes lead to are the expected ones.
#[test]
fn the_changes_of_json_lines_lead_to_the_expected_allocations() {
    let mut rows = 0;
    for row in csv::Reader::from_path("tests/report/allocations.csv").unwrap().deserialize() {
        type Row = (String, String, u64, u64, String);
        let (test, policy, every, round, expected): Row = row.unwrap();
        if every != 1 {
            continue;
        }
        let scenario = format!("scenarios/report/{test}.dat");
        let log = events(&scenario, "jsonl", &["--policy", &policy]);
        let mut frames: BTreeMap<String, u64> = BTreeMap::new();
        for line in log.lines() {
            let event: Value = serde_json::from_str(line).unwrap();
            if event["event"] == "arrival" {
                frames.insert(text(&event, "vm").to_owned(), integer(&event, "frames"));
            }
            if event["event"] == "checkpoint" && integer(&event, "number") <= round {
                for change in event["changes"].as_array().unwrap() {
                    let held = frames.get_mut(text(change, "vm")).unwrap();
                    assert_eq!(*held, integer(change, "before"));
                    *held = integer(change, "after");
                }
            }
        }
        let shown: Vec<String> = frames.values().map(ToString::to_string).collect();
        assert_eq!(shown.join(" "), expected, "{test} {policy} round {round}");
        rows += 1;
    }
    assert!(rows > 60, "{rows} rows");
}

#[test]
fn a_log_without_accesses_equals_the_full_log_minus_accesses() {
    for scenario in ["scenarios/report/test3.dat", "scenarios/lessons/loop.toml"] {
        let few = events(scenario, "jsonl", &[]);
        let all = events(scenario, "jsonl", &["--events-accesses"]);
        let kept: String = all
            .split_inclusive('\n')
            .filter(|line| !line.contains("\"event\":\"access\""))
            .collect();
        assert_eq!(few, kept);
        assert_ne!(few, all);
    }
}

/// What a timeline holds, after it was checked.
#[derive(Default)]
struct Timeline {
    /// The names of the processes.
    processes: BTreeMap<u64, String>,
    /// The last value of each counter of each process.
    counters: BTreeMap<(u64, String), u64>,
    /// The sums of the counters of faults.
    faults: BTreeMap<u64, u64>,
    flows: usize,
    /// The frames of all flows.
    flow_frames: u64,
    instants: usize,
    about: Value,
}

/// Checks a file by the rules of the published description of the format ("Trace Event Format"):
/// which keys each phase needs, what their types are, and that flows begin and end in slices.
fn checked(file: &str) -> Timeline {
    let document: Value = serde_json::from_str(file).unwrap();
    let unit = text(&document, "displayTimeUnit");
    assert!(["ms", "ns"].contains(&unit));
    let mut timeline = Timeline { about: document["otherData"].clone(), ..Timeline::default() };
    let mut slices: BTreeSet<(u64, u64, u64)> = BTreeSet::new();
    let mut begun: BTreeMap<u64, (u64, u64)> = BTreeMap::new();
    let mut last: BTreeMap<(u64, u64), u64> = BTreeMap::new();
    let known = ["ph", "name", "pid", "tid", "ts", "dur", "cat", "id", "bp", "s", "args"];
    for event in document["traceEvents"].as_array().expect("the events are an array") {
        for key in event.as_object().unwrap().keys() {
            assert!(known.contains(&key.as_str()), "`{key}` is no key of the format: {event}");
        }
        let (pid, name) = (integer(event, "pid"), text(event, "name"));
        assert!(!name.is_empty());
        let phase = text(event, "ph");
        if phase == "M" {
            assert!(event.get("ts").is_none() && event["args"].is_object());
            if name == "process_name" {
                let named = text(&event["args"], "name").to_owned();
                assert!(timeline.processes.insert(pid, named).is_none(), "named twice: {event}");
            }
            continue;
        }
        assert!(timeline.processes.contains_key(&pid), "the process is declared: {event}");
        let at = integer(event, "ts");
        let track = (pid, event["tid"].as_u64().unwrap_or(0));
        assert!(last.insert(track, at).is_none_or(|last| last <= at), "time goes on: {event}");
        match phase {
            "X" => {
                assert!(integer(event, "dur") > 0);
                slices.insert((track.0, integer(event, "tid"), at));
            }
            "C" => {
                let values = event["args"].as_object().unwrap();
                assert_eq!(values.len(), 1);
                let value = values[name].as_u64().expect("a counter has a number");
                let before = timeline.counters.insert((pid, name.to_owned()), value);
                assert_ne!(before, Some(value), "only changes are written: {event}");
                if name == "faults" {
                    *timeline.faults.entry(pid).or_default() += value;
                }
            }
            "i" => {
                integer(event, "tid");
                assert!(["g", "p", "t"].contains(&text(event, "s")));
                timeline.instants += usize::from(name.starts_with("checkpoint "));
            }
            "s" => {
                assert!(slices.contains(&(pid, integer(event, "tid"), at)), "in a slice: {event}");
                assert!(begun.insert(integer(event, "id"), (pid, at)).is_none(), "{event}");
            }
            "f" => {
                assert_eq!(text(event, "bp"), "e");
                assert!(slices.contains(&(pid, integer(event, "tid"), at)), "in a slice: {event}");
                let (_, began) = begun.remove(&integer(event, "id")).expect("a flow has begun");
                assert!(began <= at);
                timeline.flows += 1;
                timeline.flow_frames += integer(&event["args"], "frames");
            }
            other => panic!("no phase of ours: {other}"),
        }
    }
    assert!(begun.is_empty(), "all flows end: {begun:?}");
    timeline
}

#[test]
fn a_timeline_follows_the_format_and_ends_with_the_expected_frames() {
    for test in ["test1", "test2", "test3"] {
        let scenario = format!("scenarios/report/{test}.dat");
        for policy in ["static", "last-n", "proportional"] {
            let timeline = checked(&events(&scenario, "perfetto", &["--policy", policy]));
            let log = events(&scenario, "jsonl", &["--policy", policy]);
            let log: Vec<Value> =
                log.lines().map(|line| serde_json::from_str(line).unwrap()).collect();
            let checkpoints: Vec<&Value> =
                log.iter().filter(|event| event["event"] == "checkpoint").collect();
            assert_eq!(timeline.instants, checkpoints.len());
            assert_eq!(timeline.flows > 0, policy != "static", "{test} {policy}");
            for vm in checkpoints.last().unwrap()["vms"].as_array().unwrap() {
                let name = text(vm, "vm");
                let (pid, _) = timeline.processes.iter().find(|(_, named)| *named == name).unwrap();
                let frames = timeline.counters[&(*pid, "frames".to_owned())];
                assert_eq!(frames, integer(vm, "target"), "the host can do all at once");
            }
        }
    }
}

/// All frames that are taken, but for those that were free from the beginning, were given before.
#[test]
fn slow_balloons_have_flows_too() {
    let scenario = "scenarios/slow-balloon.toml";
    let timeline = checked(&events(scenario, "perfetto", &[]));
    let (mut host, mut taken, mut later) = (0, 0, 0);
    for line in events(scenario, "jsonl", &[]).lines() {
        let event: Value = serde_json::from_str(line).unwrap();
        match text(&event, "event") {
            "run" => host = integer(&event, "host_frames"),
            "arrival" => taken += integer(&event, "frames"),
            _ => {}
        }
        for change in event["changes"].as_array().into_iter().flatten() {
            let grown = integer(change, "after").saturating_sub(integer(change, "before"));
            taken += grown;
            later += if event["event"] == "move" { grown } else { 0 };
        }
    }
    assert!(later > 0, "balloons move frames between checkpoints");
    assert!(taken > host);
    assert_eq!(timeline.flow_frames, taken - host);
    assert_eq!(timeline.about["moves_left_out"], 0);
}

/// A long run is thinned: the file stays small, says so, and its frames are still right.
#[test]
fn a_timeline_of_a_long_run_is_bounded() {
    let folder = tempfile::tempdir().unwrap();
    let place = folder.path().join("long.json");
    let scenario = folder.path().join("long.toml");
    fs::write(
        &scenario,
        "name = \"long\"\nhost = { memory = 8 }\ncheckpoint = { every = 1 }\n\
         policy = { kind = \"last-n\" }\n\
         [[vm]]\nname = \"a\"\nworkload = { kind = \"uniform\", pages = 9, accesses = 100_000 }\n\
         [[vm]]\nname = \"b\"\nworkload = { kind = \"uniform\", pages = 9, accesses = 100_000 }\n",
    )
    .unwrap();
    let path = |path: &Path| path.to_str().unwrap().to_owned();
    stdout_of(&["run", &path(&scenario), "--events", &path(&place)]);
    let file = fs::read_to_string(&place).unwrap();
    assert!(file.len() < 16_000_000, "{} bytes", file.len());
    let timeline = checked(&file);
    assert_eq!(integer(&timeline.about, "checkpoints"), 100_000);
    let stride = integer(&timeline.about, "checkpoints_shown_every");
    assert!(stride > 1);
    assert_eq!(timeline.instants as u64, 100_000 / stride);
    assert!(integer(&timeline.about, "moves_left_out") > 0);
}

#[test]
fn what_cannot_be_written_is_refused_before_anything_runs() {
    let folder = tempfile::tempdir().unwrap();
    let test1 = "scenarios/report/test1.dat";
    for (file, more) in [("events.dat", &[][..]), ("events.json", &["--events-accesses"])] {
        let place = folder.path().join(file);
        let arguments = ["run", test1, "--events", place.to_str().unwrap()];
        let output = balloonist(&[&arguments[..], more].concat());
        assert_eq!(output.status.code(), Some(2), "{file}");
        assert!(!place.exists());
        assert!(output.stdout.is_empty());
    }
    let unreachable = folder.path().join("none/events.jsonl");
    let output = balloonist(&["run", test1, "--events", unreachable.to_str().unwrap()]);
    assert_eq!(output.status.code(), Some(4));
}

/// The data of a lesson's page.
fn lesson(arguments: &[&str]) -> Value {
    let page = stdout_of(&[&["walk", "--html"][..], arguments].concat());
    assert!(page.contains("default-src 'none'"), "nothing can be fetched");
    assert!(!page.contains("http://") && !page.contains("https://"));
    let (_, data) = page.split_once("<script type=\"application/json\" id=\"data\">").unwrap();
    serde_json::from_str(data.split_once("</script>").unwrap().0).unwrap()
}

/// The steps of the lesson say what the lines of the log say, and its lists fit the frames.
#[test]
fn a_lesson_has_a_step_for_every_event() {
    for (scenario, policy) in [
        ("scenarios/report/test1.dat", "last-n"),
        ("scenarios/report/test3.dat", "proportional"),
        ("scenarios/lessons/textbook.toml", "static"),
    ] {
        let log = events(scenario, "jsonl", &["--policy", policy, "--events-accesses"]);
        let log: Vec<Value> = log.lines().map(|line| serde_json::from_str(line).unwrap()).collect();
        let lesson = lesson(&[scenario, "--policy", policy, "--random", "glibc"]);
        let steps = lesson["steps"].as_array().unwrap();
        // The log begins with what is run, the lesson with an empty host; the log has an end.
        assert_eq!(steps.len(), log.len() - 1);
        for (step, event) in steps.iter().zip(&log).skip(1) {
            assert_eq!(step["at"], event["tick"]);
            for drawn in step["drawn"].as_array().unwrap() {
                let resident = |list: &&Value| list[1] == true;
                let lists = drawn["lists"].as_array().unwrap().iter().filter(resident);
                let used: usize = lists.map(|list| list[2].as_array().unwrap().len()).sum();
                assert!(used as u64 <= integer(drawn, "frames"));
            }
            if event["event"] == "access" {
                let vm = &lesson["vms"][integer(step, "vm") as usize][0];
                assert_eq!((vm, &step["page"]), (&event["vm"], &event["page"]));
                assert_eq!(step["evicted"], event["evicts"]);
            }
            if event["event"] == "checkpoint" {
                let saw = step["saw"].as_array().unwrap();
                for (saw, vm) in saw.iter().zip(event["vms"].as_array().unwrap()) {
                    assert_eq!((&saw[1], &saw[7]), (&vm["frames"], &vm["target"]));
                }
                assert_eq!(
                    step["moves"].as_array().unwrap().len(),
                    event["changes"].as_array().unwrap().len()
                );
            }
        }
    }
}

#[test]
fn a_part_of_a_lesson_begins_with_the_lists_as_they_were() {
    let common = ["scenarios/report/test1.dat", "--policy", "last-n"];
    let whole = lesson(&common);
    let part = lesson(&[&common[..], &["--from", "7", "--to", "8"]].concat());
    let whole = whole["steps"].as_array().unwrap();
    let part = part["steps"].as_array().unwrap();
    let rounds = |step: &&Value| [7, 8].contains(&integer(step, "round"));
    let wanted: Vec<&Value> = whole.iter().filter(rounds).collect();
    assert_eq!(part[1..].iter().collect::<Vec<_>>(), wanted);
    for drawn in part[0]["drawn"].as_array().unwrap() {
        let before = whole.iter().take_while(|step| integer(step, "round") < 7);
        let of_vm = before.flat_map(|step| step["drawn"].as_array().unwrap());
        let last = of_vm.filter(|other| other["vm"] == drawn["vm"]).last().unwrap();
        assert_eq!(drawn, last);
    }
}

#[test]
fn a_lesson_that_is_too_long_says_which_rounds_fit() {
    let folder = tempfile::tempdir().unwrap();
    let scenario = folder.path().join("long.toml");
    fs::write(
        &scenario,
        "name = \"long\"\nhost = { memory = 8 }\ncheckpoint = { every = 9 }\n[[vm]]\nname = \"a\"\n\
         workload = { kind = \"uniform\", pages = 9, accesses = 9_000 }\n",
    )
    .unwrap();
    let scenario = scenario.to_str().unwrap();
    let output = balloonist(&["walk", scenario, "--html"]);
    assert_eq!(output.status.code(), Some(2));
    // Two steps before the first access, then ten a round.
    let error = String::from_utf8(output.stderr).unwrap();
    assert!(error.contains("`--from 1 --to 199`"), "{error}");
    let part = lesson(&[scenario, "--to", "199"]);
    assert_eq!(part["steps"].as_array().unwrap().len(), 1_992);
    assert_eq!(balloonist(&["walk", scenario, "--html", "--from", "1001"]).status.code(), Some(5));
}
