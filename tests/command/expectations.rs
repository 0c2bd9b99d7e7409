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

/// `static` has 9 faults in `web` and 1 in `idle`; MIN has 3 and 1. `last-n` gives `web` its third
/// frame at the first checkpoint, so it misses its first four accesses.
#[test]
fn a_limit_may_be_a_share_of_another_policy_or_of_a_bound() {
    for (metric, vm, limit, found) in [
        (
            "demand_faults",
            "all",
            "at_most = '100% of min'",
            "is 10, expected at most 100 % of min's 4",
        ),
        (
            "capacity_faults",
            "all",
            "at_most = '0% of cold'",
            "is 6, expected at most 0 % of cold's 0",
        ),
        (
            "demand_faults",
            "all",
            "at_most = '249.999 % of best-static'",
            "is 10, expected at most 249.999 % of best-static's 4",
        ),
        (
            "demand_faults",
            "web",
            "at_most = '99% of static'",
            "is 9, expected at most 99 % of static's 9",
        ),
        (
            "slowdown",
            "web",
            "at_least = '101% of static'",
            "is 2.000000, expected at least 101 % of static's 2.000000",
        ),
        ("hits", "web", "at_least = '50% of last-n'", "is 0, expected at least 50 % of last-n's 5"),
    ] {
        for command in ["run", "compare"] {
            let (code, error) = judged(&[command], &expect(metric, vm, limit));
            let expected = format!("loop under static: {metric} of {vm} {found}\n");
            assert_eq!(
                (code, error),
                (1, expected + "FAILED: 1 expectation\n"),
                "{metric} {limit}"
            );
        }
    }
    let held = expect("demand_faults", "all", "at_most = '250% of min'")
        + &expect("stall_ticks", "web", "at_most = '100% of static'");
    for command in ["run", "compare"] {
        assert_eq!(judged(&[command], &held), (0, String::new()), "{command}");
    }
    let relative = expect("demand_faults", "all", "at_most = '199% of last-n'");
    let (code, error) = judged(&["sweep", "--axis", "host.memory=4,8"], &relative);
    assert_eq!(code, 1);
    assert!(error.contains("FAILED: expectations at 1 of 2 points"), "{error}");
}

#[test]
fn a_share_of_nothing_known_is_refused() {
    for (metric, vm, limit, said) in [
        ("demand_faults", "all", "'105% of sttic'", "did you mean `static`?"),
        ("demand_faults", "web", "'105% of min'", "the bound min has no demand_faults of a VM"),
        ("slowdown", "all", "'105% of min'", "the bound min has no slowdown of a VM"),
        ("demand_faults", "all", "'5% above static'", "`5% above static` is no limit"),
        ("demand_faults", "all", "'1000001% of static'", "use at most 1000000%"),
    ] {
        let (code, error) = judged(&["check"], &expect(metric, vm, &format!("at_most = {limit}")));
        assert!(code == 3 && error.contains("error[S049]") && error.contains(said), "{error}");
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
