//! One trace file, many VMs: `[[vm]] split` compared with the same VMs written out.

use balloonist::scenario::{Document, Scenario};
use balloonist::simulate::simulate;
use balloonist::watch::NullWatcher;

fn checked(text: &str) -> Scenario {
    let document = Document::from_toml("tests/split.toml", text.as_bytes());
    document.check().unwrap_or_else(|errors| panic!("{}", errors.render(false))).scenario
}

const HOST: &str = "host.memory = 8\ncheckpoint.every = 2\npolicy.kind = \"last-n\"\n";

#[test]
fn a_split_vm_is_a_vm_of_each_value() {
    let split = checked(&format!(
        "{HOST}[[vm]]\nsplit = \"asu\"\nmin = 1\ntrace = {{ file = \"traces/volumes.spc\" }}\n"
    ));
    let names: Vec<&str> = split.vms.iter().map(|vm| vm.name.as_str()).collect();
    assert_eq!(names, ["0", "19", "20", "22"]);
    let mut written = HOST.to_owned();
    for name in names {
        let trace = "file = \"traces/volumes.spc\", split = \"asu\"";
        let vm = format!("[[vm]]\nname = \"{name}\"\ntrace = {{ {trace}, part = \"{name}\" }}\n");
        written.push_str(&vm);
    }
    let written = checked(&written);
    let run = |scenario: &Scenario| {
        let outcome =
            simulate(scenario, scenario.policy, &mut NullWatcher).expect("policies decide");
        outcome.vms.iter().map(|vm| vm.counts.demand_faults).collect::<Vec<_>>()
    };
    assert_eq!(run(&split), run(&written));
    assert_eq!(run(&split), [3, 1, 1, 1]);
    // The effective scenario says what each VM reads, and is the same scenario.
    let effective = Document::from_toml("tests/again.toml", split.effective().as_bytes());
    let again = effective.check().unwrap_or_else(|errors| panic!("{}", errors.render(false)));
    assert_eq!(again.scenario.vms.len(), 4);
}

#[test]
fn the_largest_vms_are_kept_in_the_order_of_the_file() {
    let scenario = checked(&format!(
        "{HOST}[[vm]]\nname = \"vol\"\nsplit = \"asu\"\nlargest = 2\n\
         trace = {{ file = \"traces/volumes.spc\" }}\n"
    ));
    let found: Vec<_> =
        scenario.vms.iter().map(|vm| (vm.name.as_str(), vm.trace.accesses())).collect();
    assert_eq!(found, [("vol-0", 3), ("vol-19", 1)]);
}

#[test]
fn files_that_cannot_be_split_are_refused() {
    for (vm, expected) in [
        ("split = \"asu\"\nworkload = { kind = \"scan\", accesses = 5 }", "has no trace file"),
        ("split = \"lun\"\ntrace = { file = \"traces/volumes.spc\" }", "there is no column `lun`"),
        ("split = \"asu\"\ntrace = { file = \"traces/plain.txt\" }", "split has no effect"),
        ("split = \"asu\"\ntrace = { file = \"traces/nowhere.spc\" }", "does not exist"),
    ] {
        let text = format!("{HOST}[[vm]]\n{vm}\n");
        let document = Document::from_toml("tests/split.toml", text.as_bytes());
        let told = document.check().unwrap_err().render(false);
        assert!(told.contains(expected), "{expected} in\n{told}");
    }
}
