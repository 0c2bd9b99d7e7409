//! scenarios/live-host.toml: the rules move there what the daemons themselves move.

use std::fmt::Write as _;
use std::fs;
use std::path::Path;
use std::process::Command;

use serde_json::Value as Json;

const SCENARIO: &str = "scenarios/live-host.toml";

/// The last line of the table `outcomes` of a run with these settings.
fn outcome(settings: &[&str]) -> Vec<String> {
    let mut command = Command::new(env!("CARGO_BIN_EXE_balloonist"));
    command.args(["run", SCENARIO, "--no-cache", "--quiet", "--allow-exec"]);
    command.args(["--table", "outcomes", "--format", "csv"]).env_remove("CI");
    for setting in settings {
        command.args(["--set", setting]);
    }
    let output = command.output().unwrap();
    let said = String::from_utf8_lossy(&output.stderr);
    let text = String::from_utf8(output.stdout).unwrap();
    let line = text.lines().last().unwrap_or_else(|| panic!("{settings:?}: {said}"));
    line.split(',').map(str::to_owned).collect()
}

/// Frames moved, those that went back within two checkpoints, and the checkpoints until the host
/// came to rest. The figures are those of the daemons' own code behind `policy.kind = "exec"`:
/// MOM's evaluator with doc/balloon.rules and with oVirt's mom.d, Qubes' systemstate.py and
/// algo.py, Proxmox' AutoBalloon.pm and xen-api's squeeze.ml, at the commits that the heads of the
/// policies name. They saw the host once at each checkpoint, and used memory was what was resident.
#[test]
fn rules_move_what_the_daemons_move() {
    let daemons: [(&str, &[&str], [&str; 3]); 5] = [
        ("squeezed", &[], ["8152", "0", "1"]),
        ("mom-balloon", &["policy.mom-balloon.sample_every='10 s'"], ["8192", "0", "6"]),
        ("mom-ovirt", &["policy.mom-ovirt.sample_every='10 s'"], ["8192", "0", "6"]),
        ("qmemman", &["policy.qmemman.used='resident'"], ["21785", "561", "1"]),
        ("proxmox-autoballoon", &[], ["8192", "0", "20"]),
    ];
    for (kind, settings, daemon) in daemons {
        let kind = format!("policy.kind='{kind}'");
        let row = outcome(&[&[kind.as_str()], settings].concat());
        assert_eq!(row[10..13], daemon, "{kind}: {row:?}");
    }
}

/// Pages are larger here than the usual ones, and no wrapper holds policies back: all run but those
/// that place VMs by their maxima and those that need files or a program.
#[test]
fn all_policies_run_on_the_host() {
    let mut command = Command::new(env!("CARGO_BIN_EXE_balloonist"));
    command.args(["compare", SCENARIO, "--policies", "all", "--no-cache", "--format", "csv"]);
    let output = command.env_remove("CI").output().unwrap();
    let said = String::from_utf8(output.stderr).unwrap();
    assert!(output.status.success(), "{said}");
    let omitted = said.lines().filter_map(|line| line.split_once(" is left out: "));
    let omitted: Vec<&str> = omitted.map(|(kind, _)| kind).collect();
    assert_eq!(omitted, ["libvirt-overcommit", "kubevirt-overcommit", "mom-rules", "exec"]);
    let rows = String::from_utf8(output.stdout).unwrap();
    let ranked = |row: &&str| row.starts_with("policy,") || row.starts_with("yardstick,");
    let listed = balloonist::balance::ALL.len();
    assert_eq!(rows.lines().filter(ranked).count(), listed - omitted.len(), "{rows}");
}

/// The operator's own AutoBalloon.pm and algo.py, here a few lines that show what they were given.
#[test]
fn the_loops_around_daemons_hand_over_what_the_daemons_read() {
    let folder = tempfile::tempdir().unwrap();
    let own = folder.path();
    let examples = Path::new(env!("CARGO_MANIFEST_DIR")).join("examples/own-rule");
    fs::create_dir(own.join("PVE")).unwrap();
    // Guests that use all they have get 8 MiB more, and the goal of the first round is checked.
    let perl = "package PVE::AutoBalloon;\nmy $rounds = 0;\n\
        sub compute_alg1 { my ($vms, $goal, $most) = @_;\n\
        die unless keys %$vms == 8 && $most == 104857600 && $vms->{100}{shares} == 1000;\n\
        die \"$goal\" if !$rounds++ && ($goal <= 0 || $goal > 0.8 * 64 * 2**30);\n\
        my $res = {}; for my $id (keys %$vms) { my $vm = $vms->{$id};\n\
        die unless $vm->{freemem} == $vm->{balloon} - $vm->{mem};\n\
        $res->{$id} = $vm->{balloon} + 8 * 2**20 if !$vm->{freemem}; }\n\
        return $res; }\n1;\n";
    fs::write(own.join("PVE/AutoBalloon.pm"), perl).unwrap();
    let python = "def balance(free, domains):\n    \
        assert len(domains) == 8 and '0' not in domains\n    \
        for dom in domains.values():\n        \
        assert dom.mem_used <= dom.mem_actual <= dom.mem_max and not dom.no_progress\n    \
        return [(name, dom.mem_actual + (8 << 20)) for name, dom in domains.items()\n            \
        if dom.mem_used == dom.mem_actual]\n";
    fs::write(own.join("algo.py"), python).unwrap();
    let path = |path: &Path| path.to_str().unwrap().to_owned();
    let perl = ["perl", "-I", &path(own), &path(&examples.join("proxmox.pl"))];
    let python = ["python3", &path(&examples.join("qmemman.py")), &path(&own.join("algo.py"))];
    let moved = |command: &[&str]| {
        let command = format!("policy.exec.command={command:?}");
        outcome(&["policy.kind='exec'", &command])[10].clone()
    };
    let (by_perl, by_python) = (moved(&perl), moved(&python));
    assert_eq!(by_perl, by_python, "both give the same guests four frames a round");
    assert!(by_perl.parse::<u64>().unwrap() > 1000, "{by_perl}");
}

/// The pages that a VM of a vector uses in a round.
fn used(vector: &Json, at: usize, round: usize) -> u64 {
    let vm = &vector["vms"][at];
    if vector["policy"] == "senpai" {
        // It reads stall time alone.
        return 1;
    }
    let said = [&vector["rounds"][round]["distinct"][at], &vm["resident"], &vm["committed"]];
    let mut said = said.into_iter().chain([&vm["distinct"], &vm["allocation"]]);
    said.find_map(Json::as_u64).unwrap()
}

/// The scenario whose checkpoints show its policy the views of a vector: in each interval every VM
/// goes through the pages that it uses.
fn of_vector(vector: &Json) -> (String, u64) {
    let rounds = 0..vector["rounds"].as_array().unwrap().len();
    let vms = 0..vector["vms"].as_array().unwrap().len();
    let pages = |vm: usize| rounds.clone().map(move |round| used(vector, vm, round));
    let every = vms.clone().flat_map(pages).max().unwrap();
    let (policy, host) = (&vector["policy"], &vector["host"]);
    let mut text = format!(
        "host = {{ memory = {host}, split = 'initial' }}\ncheckpoint.every = {every}\n\
         policy.kind = {policy}\n"
    );
    for (at, vm) in vector["vms"].as_array().unwrap().iter().enumerate() {
        let [min, max, initial] = ["min", "max", "allocation"].map(|key| &vm[key]);
        let shares = vm["shares"].as_u64().unwrap_or(1000);
        let phase = |pages| format!("{{ kind = 'loop', pages = {pages}, accesses = {every} }}");
        let of = pages(at).map(phase).collect::<Vec<_>>().join(", ");
        // Writing to a string cannot fail.
        let _ = write!(
            text,
            "[[vm]]\nname = 'vm{at}'\nmin = {min}\nmax = {max}\ninitial = {initial}\n\
             shares = {shares}\nworkload = {{ kind = 'phases', of = [{of}] }}\n"
        );
    }
    (text, every)
}

/// The targets that the programs' own code computed, as tests/library/vectors.rs has them of the
/// policies alone.
#[test]
fn vectors_of_the_programs_come_out_of_runs() {
    let vectors = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/policies/vectors.json");
    let vectors: Vec<Json> = serde_json::from_slice(&fs::read(vectors).unwrap()).unwrap();
    let folder = tempfile::tempdir().unwrap();
    for (number, vector) in vectors.iter().enumerate() {
        let (text, every) = of_vector(vector);
        let scenario = folder.path().join(format!("{number}.toml"));
        fs::write(&scenario, &text).unwrap();
        let rows = series(scenario.to_str().unwrap());
        for (round, targets) in vector["expected"].as_array().unwrap().iter().enumerate() {
            let tick = (every * (round as u64 + 1)).to_string();
            for (vm, target) in targets.as_array().unwrap().iter().enumerate() {
                let found = &at(&rows, &tick, &format!("vm{vm}"))[1];
                assert_eq!(*found, target.to_string(), "{} at {tick}, VM {vm}", vector["name"]);
            }
        }
    }
}

/// The rows of series.csv of a scenario.
fn series(scenario: &str) -> Vec<Vec<String>> {
    let folder = tempfile::tempdir().unwrap();
    let out = folder.path().join("out");
    let mut command = Command::new(env!("CARGO_BIN_EXE_balloonist"));
    command.args(["run", scenario, "--no-cache", "--quiet", "--out"]).arg(&out).env_remove("CI");
    let output = command.output().unwrap();
    let said = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "{scenario}: {said}");
    let series = fs::read_to_string(out.join("series.csv")).unwrap();
    series.lines().map(|line| line.split(',').map(str::to_owned).collect()).collect()
}

/// Frames and target of a VM at a tick.
fn at(rows: &[Vec<String>], tick: &str, vm: &str) -> [String; 2] {
    let row = rows.iter().find(|row| row[..2] == [tick, vm]).unwrap();
    [2, 4].map(|column| row[column].clone())
}

/// By AutoBalloon.pm on the same numbers: two changes of a pass cancel, and it goes on.
#[test]
fn proxmox_goes_round_while_anything_moved() {
    let rows = series("tests/policies/proxmox-cancel.toml");
    let target = |vm| at(&rows, "6000", vm)[1].clone();
    assert_eq!(["v0", "v1", "v2"].map(target), ["2017", "2048", "3659"]);
}

/// By algo.py with A left out: C goes down to 130, and B grows to 252 and then 265.
#[test]
fn qmemman_leaves_a_domain_that_does_not_react_out() {
    let rows = series("tests/policies/qmemman-stuck.toml");
    let held = |tick, vm| at(&rows, tick, vm)[0].clone();
    assert_eq!(["A", "B", "C"].map(|vm| held("24000", vm)), ["600", "252", "147"]);
    assert_eq!(["A", "B", "C"].map(|vm| held("36000", vm)), ["600", "265", "134"]);
}
