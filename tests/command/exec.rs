//! `policy.kind = "exec"`: an external program behind a pipe.

use std::fs;
use std::path::Path;
use std::process::{Command, Output};
use std::thread;

/// A scenario of two VMs whose policy asks `sh -c SCRIPT`.
fn scenario(folder: &Path, script: &str, more: &str) {
    let script = script.replace('\\', "\\\\").replace('"', "\\\"");
    let text = format!(
        "name = 'piped'\nhost.memory = 8\ncheckpoint.every = 10\n\
         [policy]\nkind = 'exec'\n[policy.exec]\ncommand = ['sh', '-c', \"{script}\"]\n\
         replies = 'piped.replies'\ntime_limit = '2 s'\n{more}\n\
         [defaults.vm]\nworkload = {{ kind = 'uniform', pages = 9, accesses = 40 }}\n\
         [[vm]]\nname = 'web'\n[[vm]]\nname = 'db'\n"
    );
    fs::write(folder.join("piped.toml"), text).unwrap();
}

fn balloonist(folder: &Path, arguments: &[&str]) -> Output {
    let mut command = Command::new(env!("CARGO_BIN_EXE_balloonist"));
    command.args(arguments).arg("--no-cache").current_dir(folder).env_remove("CI");
    command.output().unwrap()
}

/// The exit code of a run that may start programs, and what it says on standard error.
fn allowed(script: &str, time_limit: &str) -> (i32, String) {
    let folder = tempfile::tempdir().unwrap();
    scenario(folder.path(), script, "");
    let limit = format!("policy.exec.time_limit='{time_limit}'");
    let arguments = ["run", "piped.toml", "--quiet", "--allow-exec", "--set", &limit];
    let output = balloonist(folder.path(), &arguments);
    let said = String::from_utf8(output.stderr).unwrap();
    assert_eq!(folder.path().join("piped.replies").exists(), output.status.code() == Some(0));
    (output.status.code().unwrap(), said)
}

const GOOD: &str = "while read -r line; do echo '{\"targets\": [5, 3]}'; done";

#[test]
fn a_program_runs_only_if_the_user_allows_it_and_its_replies_are_replayed() {
    let folder = tempfile::tempdir().unwrap();
    let folder = folder.path();
    scenario(folder, &format!("echo started >> ran; {GOOD}"), "");
    let run = |more: &[&str]| {
        let arguments = [&["run", "piped.toml", "--quiet", "--format", "csv"], more].concat();
        balloonist(folder, &arguments)
    };
    let refused = run(&[]);
    assert_eq!(refused.status.code(), Some(7));
    let said = String::from_utf8(refused.stderr).unwrap();
    assert!(said.contains("allow it with --allow-exec"), "{said}");
    assert!(!folder.join("ran").exists());

    let live = run(&["--allow-exec"]);
    assert_eq!(live.status.code(), Some(0), "{}", String::from_utf8_lossy(&live.stderr));
    assert_eq!(fs::read_to_string(folder.join("ran")).unwrap(), "started\n");
    let recorded = fs::read_to_string(folder.join("piped.replies")).unwrap();
    assert_eq!(recorded.lines().count(), 4, "{recorded}");
    assert!(recorded.starts_with("{\"turn\":1,\"tick\":10,\"key\":\""), "{recorded}");

    let replayed = run(&[]);
    assert_eq!(replayed.status.code(), Some(0));
    assert_eq!(replayed.stdout, live.stdout);
    assert_eq!(fs::read_to_string(folder.join("ran")).unwrap(), "started\n");

    // Another seed draws other accesses, so the program would be told something else.
    let outdated = run(&["--seed", "2"]);
    assert_eq!(outdated.status.code(), Some(1));
    let said = String::from_utf8(outdated.stderr).unwrap();
    assert!(said.contains("fits request 1"), "{said}");
    // The same replies are recorded again.
    assert_eq!(run(&["--allow-exec"]).stdout, live.stdout);
    assert_eq!(fs::read_to_string(folder.join("piped.replies")).unwrap(), recorded);
}

/// What the manifest says of files that policies read: parameters, paths and hashes.
fn policy_files(folder: &Path) -> Vec<[String; 3]> {
    let text = fs::read_to_string(folder.join("out/manifest.json")).unwrap();
    let manifest: serde_json::Value = serde_json::from_str(&text).unwrap();
    let text = |value: &serde_json::Value| value.as_str().unwrap().to_owned();
    let listed = manifest["policy_files"].as_array().cloned().unwrap_or_default();
    listed.iter().map(|file| ["parameter", "path", "hash"].map(|key| text(&file[key]))).collect()
}

#[test]
fn replies_may_have_any_name_and_stand_in_the_manifest_where_they_were_replayed() {
    let folder = tempfile::tempdir().unwrap();
    let folder = folder.path();
    scenario(folder, GOOD, "");
    let run = |more: &[&str]| {
        let set = ["run", "piped.toml", "--quiet", "--set", "policy.exec.replies=\"told.jsonl\""];
        balloonist(folder, &[&set, more].concat()).status.code()
    };
    // The second time the file is there, and it is written anew all the same.
    assert_eq!(run(&["--allow-exec"]), Some(0));
    assert_eq!(run(&["--allow-exec", "--out", "out"]), Some(0));
    assert!(policy_files(folder).is_empty());
    fs::remove_dir_all(folder.join("out")).unwrap();
    assert_eq!(run(&["--out", "out"]), Some(0));
    let replies = fs::read(folder.join("told.jsonl")).unwrap();
    let hash = format!("blake3:{}", blake3::hash(&replies).to_hex());
    let listed = ["policy.exec.replies".to_owned(), "told.jsonl".to_owned(), hash];
    assert_eq!(policy_files(folder), [listed]);
    // Where no program runs, the replies are an input that no output replaces.
    assert_eq!(run(&["--events", "told.jsonl"]), Some(2));
}

#[test]
fn recorded_replies_are_replayed_and_mismatches_found() {
    let folder = tempfile::tempdir().unwrap();
    let folder = folder.path();
    scenario(folder, GOOD, "");
    let text = fs::read_to_string(folder.join("piped.toml")).unwrap();
    fs::create_dir(folder.join("scenarios")).unwrap();
    let place = folder.join("scenarios/piped.toml");
    let listed = format!("compare = ['static', 'exec']\n{text}");
    fs::write(&place, &listed).unwrap();
    let verify =
        |more: &[&str]| balloonist(folder, &[&["verify", "scenarios/piped.toml"], more].concat());
    let blessed = verify(&["--bless", "--allow-exec"]);
    assert_eq!(blessed.status.code(), Some(0), "{}", String::from_utf8_lossy(&blessed.stderr));
    assert_eq!(verify(&[]).status.code(), Some(0));
    fs::write(&place, listed.replace("accesses = 40", "accesses = 41")).unwrap();
    assert_eq!(verify(&[]).status.code(), Some(1));
}

/// A run with this script fails, and says what is wanted and not much more.
fn says_within(time_limit: &str, script: &str, wanted: &str) {
    let (code, said) = allowed(script, time_limit);
    assert!(said.contains(wanted), "{script}: {said}");
    assert_eq!(code, 7, "{script}: {said}");
    assert!(said.len() < 2 << 20, "{script}: {} bytes", said.len());
}

#[test]
fn failures_of_programs_are_reported() {
    // A machine under load may take its time for 16 MiB.
    let says = |script: &str, wanted: &str| says_within("100 s", script, wanted);
    says("exit 3", "ended (exit status: 3) instead of answering request 1");
    says("read -r line; echo '{\"targets\":[4,4]}'; exit 1", "answering request 2");
    says_within("2 s", "sleep 9", "did not answer request 1 within 2 s");
    says("while read -r line; do echo hello; done", "answered `hello`, expected");
    says("while read -r line; do echo '{\"targets\":[8,8]}'; done", "16 frames in all");
    says("read -r line; yes no | head -c 40", "answered `no`");
    says("yes '{\"targets\":[4,4]}'", "answers more often than it is asked");
    says("exec 1>&-; sleep 9", "closed its output instead of answering request 1");
    says("head -c 20000000 /dev/zero | tr '\\0' x", "a line of more than 16 MiB");
}

/// Each fails at once or after its time limit, whatever it leaves running.
#[test]
fn hostile_programs_are_reported_in_bounded_time() {
    let late = "did not answer request 1 within 2 s";
    let slow = [
        ("sleep 60 & exit 3", "it ended (exit status: 3), and a process that it started keeps"),
        ("exec 0<&-; sleep 60", late),
        ("while :; do echo no >&2; done", late),
        ("yes no >&2", late),
        ("yes | tr -d '\\n' | head -c 9000; sleep 60", late),
        ("read -r line; sleep 60; echo '{\"targets\":[4,4]}'", late),
    ];
    thread::scope(|scope| {
        for (script, wanted) in slow {
            scope.spawn(move || says_within("2 s", script, wanted));
        }
    });
    let says = |script: &str, wanted: &str| says_within("40 s", script, wanted);
    says("kill -9 $$", "ended (signal: 9 (SIGKILL)) instead of answering request 1");
    says("echo last words >&2; exit 1", "last words\n");
    let answers = |reply: &str, wanted: &str| {
        says(&format!("while read -r line; do echo '{reply}'; done"), wanted);
    };
    answers("{\"targets\":[-4,4]}", "invalid value: integer `-4`, expected u64");
    answers("{\"targets\":[4.5,3]}", "invalid type: floating point `4.5`, expected u64");
    answers("{\"targets\":[4.0,4]}", "invalid type: floating point `4.0`, expected u64");
    answers("{\"targets\":[NaN,4]}", "expected value");
    answers("{\"targets\":[18446744073709551615,18446744073709551615]}", "expected 1 to");
    answers("{\"targets\":[18446744073709551616,4]}", "floating point");
    answers("{\"targets\":[1e400,4]}", "number out of range");
    answers("{\"targets\":[4,4],\"targets\":[4,4]}", "duplicate field `targets`");
    answers("{\"targets\":[0,4]}", "gives VM `web` 0 frames, expected 1 to");
    answers("{\"targets\":[4,4,4]}", "the plan has 3 targets, expected one for each of 2 VMs");
    answers("{\"targets\":[]}", "the plan has 0 targets");
    answers("[4,4]", "invalid type");
    answers("null", "invalid type: null");
    answers("", "answered ``");
    answers("{\"targets\":[4,4]} {}", "trailing characters");
    let deep = format!("{{\"targets\":{}", "[".repeat(9000));
    answers(&deep, "answered `{\"targets\":[[[");
    says("while read -r line; do printf '\\377\\n'; done", "bytes that are not UTF-8");
    says("while read -r line; do printf '{\\0\\n'; done", "answered");
}

#[test]
fn a_missing_program_is_reported() {
    let folder = tempfile::tempdir().unwrap();
    scenario(folder.path(), GOOD, "");
    let set = "policy.exec.command=[\"/nowhere/rule\"]";
    let arguments = ["run", "piped.toml", "--quiet", "--allow-exec", "--set", set];
    let output = balloonist(folder.path(), &arguments);
    assert_eq!(output.status.code(), Some(7));
    let said = String::from_utf8(output.stderr).unwrap();
    assert!(said.contains("`/nowhere/rule` cannot be started"), "{said}");
}

#[test]
fn the_example_in_python_runs() {
    let folder = tempfile::tempdir().unwrap();
    fs::copy("examples/own-rule/rule.py", folder.path().join("rule.py")).unwrap();
    scenario(folder.path(), GOOD, "");
    let set = "policy.exec.command=[\"python3\", \"rule.py\"]";
    let arguments = ["run", "piped.toml", "--quiet", "--allow-exec", "--set", set];
    let output = balloonist(folder.path(), &arguments);
    assert_eq!(output.status.code(), Some(0), "{}", String::from_utf8_lossy(&output.stderr));
    let replies = fs::read_to_string(folder.path().join("piped.replies")).unwrap();
    assert!(replies.lines().all(|line| line.contains("targets")), "{replies}");
    assert_eq!(replies.lines().count(), 4);
}

#[test]
fn all_omits_policies_that_need_files_or_programs() {
    let folder = tempfile::tempdir().unwrap();
    scenario(folder.path(), GOOD, "");
    let set = ["--set", "policy.exec.command=[]", "--set", "policy.kind=static"];
    let arguments = [&["compare", "piped.toml", "--policies", "all"], &set[..]].concat();
    let output = balloonist(folder.path(), &arguments);
    assert_eq!(output.status.code(), Some(0), "{}", String::from_utf8_lossy(&output.stderr));
    let said = String::from_utf8(output.stderr).unwrap();
    assert!(said.contains("mom-rules is left out: mom-rules has no rules"), "{said}");
    assert!(said.contains("exec is left out: exec has no program"), "{said}");
}
