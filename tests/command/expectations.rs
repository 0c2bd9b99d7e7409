//! Expectations: on every metric, in runs, comparisons and sweeps, each failure named with its
//! place.

use std::fs;
use std::process::Command;

/// Two VMs in turn on 4 frames; a fault takes one tick beyond the access. By hand, `web` loops over
/// 3 pages: under `static` it has 2 frames and misses all 9 accesses, so it takes 18 ticks for 9;
/// on a host of 8 frames it misses 3 and takes 12.
const LOOP: &str = "name = 'loop'\ncost.fault = 1\ncheckpoint.every = 3\npolicy.kind = 'static'\n\
                    compare = ['static']\n\
                    [[vm]]\nname = 'web'\ntrace.pages = [1, 2, 3, 1, 2, 3, 1, 2, 3]\n\
                    [[vm]]\nname = 'idle'\ntrace.pages = [7, 7, 7, 7, 7, 7, 7, 7, 7]\n\
                    [host]\nmemory = 4\n";

/// Runs a command on the scenario with these expectations; its exit code and standard error.
fn judged(command: &[&str], expectations: &str) -> (i32, String) {
    let folder = tempfile::tempdir().unwrap();
    let scenario = folder.path().join("loop.toml");
    fs::write(&scenario, format!("{LOOP}{expectations}")).unwrap();
    let mut balloonist = Command::new(env!("CARGO_BIN_EXE_balloonist"));
    balloonist.arg(command[0]).arg(&scenario).args(&command[1..]).arg("--quiet");
    let output = balloonist.output().unwrap();
    (output.status.code().unwrap(), String::from_utf8(output.stderr).unwrap())
}

fn expect(metric: &str, vm: &str, limit: &str) -> String {
    format!("[[expect]]\nmetric = '{metric}'\nvm = '{vm}'\n{limit}\n")
}

#[test]
fn ratios_are_expected_like_counts() {
    for (metric, vm, limit, found) in [
        ("slowdown", "web", "at_most = 1.999999", "is 2.000000, expected at most 1.999999"),
        ("slowdown", "web", "at_least = 2.000001", "is 2.000000, expected at least 2.000001"),
        ("fault_ratio", "web", "at_most = 0", "is 1.000000, expected at most 0"),
        ("frames_mean", "web", "at_least = 3", "is 2.000000, expected at least 3"),
        ("stall_ticks", "web", "at_most = 8", "is 9, expected at most 8"),
        ("jain_index", "web", "at_least = 0", "has no value, expected at least 0"),
    ] {
        let (code, error) = judged(&["run"], &expect(metric, vm, limit));
        let expected = format!("loop under static: {metric} of {vm} {found}\n");
        assert_eq!((code, error), (1, expected + "FAILED: 1 expectation\n"), "{metric} {limit}");
    }
    let held = ["slowdown", "fault_ratio"].map(|metric| expect(metric, "web", "at_most = 2.0"));
    let held = held.concat() + &expect("slowdown", "web", "at_least = 2");
    for command in ["run", "compare"] {
        assert_eq!(judged(&[command], &held), (0, String::new()), "{command}");
    }
}

#[test]
fn limits_of_counts_are_whole_numbers() {
    let (code, error) = judged(&["check"], &expect("demand_faults", "web", "at_most = 1.5"));
    assert_eq!(code, 3, "{error}");
    assert!(error.contains("error[S014]"), "{error}");
}

/// A sweep holds what it expects at each point, and a merge of its shards does too.
#[test]
fn a_sweep_names_the_points_that_fail() {
    let expectations = expect("demand_faults", "web", "at_most = 3");
    let axis = ["--axis", "host.memory=4,8", "--repeat", "2"];
    let said = "loop under static: demand_faults of web is 9, expected at most 3, at host.memory=4 \
                (the first of 2 of 2 runs)\nFAILED: expectations at 1 of 2 points\n";
    let (code, error) = judged(&[&["sweep"][..], &axis].concat(), &expectations);
    assert_eq!((code, error.as_str()), (1, said));
    let folder = tempfile::tempdir().unwrap();
    let shards = ["one", "two"].map(|name| folder.path().join(name).to_str().unwrap().to_owned());
    for (at, shard) in shards.iter().enumerate() {
        let part = format!("{}/2", at + 1);
        let arguments = [&["sweep"][..], &axis, &["--shard", &part, "--out", shard]].concat();
        assert_eq!(judged(&arguments, &expectations), (0, String::new()));
    }
    let mut merge = Command::new(env!("CARGO_BIN_EXE_balloonist"));
    let output = merge.arg("merge").args(&shards).arg("--quiet").output().unwrap();
    assert_eq!(output.status.code(), Some(1));
    assert_eq!(String::from_utf8(output.stderr).unwrap(), said);
}
