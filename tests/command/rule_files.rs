//! `policy.kind = "mom-rules"` with files that no operator would write: each ends soon, with exit
//! code 3 if the text is wrong and 7 if the rules fail, and a message that shows the place.

use std::fs;
use std::process::Command;

const SCENARIO: &str = "host.memory = 8\ncheckpoint.every = 10\n[policy]\nkind = 'mom-rules'\n\
    [policy.mom-rules]\nfiles = ['my.rules']\n[defaults.vm]\n\
    workload = { kind = 'uniform', pages = 9, accesses = 40 }\n\
    [[vm]]\nname = 'web'\n[[vm]]\nname = 'db'\n";

/// The exit code of a run under these rules, and what it says on standard error.
fn ruled_by(rules: &[u8]) -> (Option<i32>, String) {
    let folder = tempfile::tempdir().unwrap();
    fs::write(folder.path().join("s.toml"), SCENARIO).unwrap();
    fs::write(folder.path().join("my.rules"), rules).unwrap();
    let mut command = Command::new(env!("CARGO_BIN_EXE_balloonist"));
    command.args(["run", "s.toml", "--no-cache", "--quiet", "--out", "out"]);
    let output = command.current_dir(folder.path()).env_remove("CI").output().unwrap();
    let code = output.status.code();
    assert_eq!(folder.path().join("out").exists(), code == Some(0));
    (code, String::from_utf8(output.stderr).unwrap())
}

#[test]
fn texts_that_are_no_rules_are_refused_with_their_place() {
    let many = |text: &str, count: usize| text.repeat(count).into_bytes();
    let deep = "brackets are nested deeper than 200";
    let cases: [(Vec<u8>, &str); 14] = [
        (many("(", 1 << 20), deep),
        (many("[", 1 << 20), deep),
        (many("(+ 1 ", 200_000), deep),
        (many("{", 500_000).into_iter().chain(many("}", 500_000)).collect(), deep),
        (many(")", 1 << 20), "my.rules:1:1"),
        (many("(defvar x 1)\n", 9).into_iter().chain(*b"(").collect(), "my.rules:10:1"),
        (many("9", 1 << 20), "my.rules:1:1"),
        (b"\"".iter().copied().chain(many("a", 1 << 20)).collect(), "has no closing quote"),
        (b"(defvar x 1)\n\xff\xfe\n".to_vec(), "its byte 13 is not UTF-8"),
        (b"# caf\xe9\n".to_vec(), "its byte 5 is not UTF-8"),
        (b"(defvar x 1)\n\0\n".to_vec(), "my.rules:2:1"),
        (b"(defvar x\0y 1)\n".to_vec(), "my.rules:1:10"),
        (b"\xef\xbb\xbf(defvar x 1)\n".to_vec(), "no word begins with `\\u{feff}`"),
        (b"\x1b[2J".to_vec(), "no word begins with `\\u{1b}`"),
    ];
    for (rules, wanted) in &cases {
        let shown = String::from_utf8_lossy(&rules[..rules.len().min(20)]).into_owned();
        let (code, said) = ruled_by(rules);
        assert!(said.contains(wanted), "{shown}: {said}");
        assert_eq!(code, Some(3), "{shown}: {said}");
        assert!(said.len() < 2000, "{shown}: {said}");
        assert!(!said.contains("mom-rules has no rules"), "{shown}: {said}");
        assert!(!said.contains(['\0', '\x1b']), "{shown}: {said}");
    }
}

#[test]
fn rules_that_fail_end_the_run_and_show_the_line() {
    let within = |inner: &str, count: usize| {
        let all = (0..count).fold(inner.to_owned(), |all, at| format!("(with Guests g{at} {all})"));
        format!("{all}\n")
    };
    let squares = format!("(defvar x 2)\n{}", "(set x (* x x))\n".repeat(40));
    let doubles = format!("(defvar x \"ab\")\n{}", "(set x (+ x x))\n".repeat(40));
    let cases: [(&str, &str); 15] = [
        ("(def f (x) (f x))\n(f 1)", "calls are nested deeper than 160"),
        ("(def f (x) (g x))\n(def g (x) (f x))\n(f 1)", "calls are nested deeper than 160"),
        ("(def f (x) {(f x) (f x)})\n(f 1)", "calls are nested deeper than 160"),
        (&within("1", 24), "the rules did not end within a million steps"),
        (&squares, "the result does not fit into 127 bits"),
        (&doubles, "the result is longer than 65536"),
        ("(<< 1 100000000)", "the result does not fit into 127 bits"),
        ("(<< 1 -1)", "a shift is negative"),
        ("(/ 1 0)", "division by zero"),
        ("(def if (x) x)\n(if 1)", "`if` cannot have 1 arguments"),
        ("(with Guests g (g.Control \"balloon_target\" 1e308))", "expected a number"),
        ("(with Guests g (g.Control \"balloon_target\" \"much\"))", "expected a number"),
        ("(debug Host.time_hour)", "MOM collects it, but it is not simulated"),
        ("(with Guests g (debug g.io_tune_current))", "MOM collects it, but it is not simulated"),
        ("(Host.Stat \"nothing\")", "MOM does not collect it"),
    ];
    for (rules, wanted) in cases {
        let (code, said) = ruled_by(rules.as_bytes());
        let shown: String = rules.chars().take(60).collect();
        assert!(said.contains(wanted) && said.contains(" --> my.rules:"), "{shown}: {said}");
        assert_eq!(code, Some(7), "{shown}: {said}");
        assert!(said.len() < 2000, "{shown}: {said}");
    }
}

#[test]
fn odd_rules_that_the_daemon_accepts_run() {
    let accepted: [&str; 8] = [
        "",
        "# nothing",
        "(defvar x 1) # no end of the line",
        "(defvar x 1)\r\n(set x 2)\r\n",
        "# a \0 in a note\n(defvar x 1)\n",
        "(with Guests g (g.Control \"balloon_target\" -5))",
        "(with Guests g (g.Control \"balloon_target\" nil))",
        "(* 1e308 1e308)",
    ];
    for rules in accepted {
        let (code, said) = ruled_by(rules.as_bytes());
        assert_eq!(code, Some(0), "{rules}: {said}");
    }
}
