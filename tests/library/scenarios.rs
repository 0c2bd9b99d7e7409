//! Good scenarios: how they are read, and that the effective scenario gives the same again.

use std::fmt::Write as _;
use std::fs;
use std::path::{Path, PathBuf};

use balloonist::formats::ReadOptions;
use balloonist::random::{Generator, Stream};
use balloonist::scenario::{
    After, Checked, Document, Limit, Scenario, Split, TraceSource, Traces, VmSpec,
};
use balloonist::trace::content_checksum;
use balloonist::trace::tempo::Tempo;
use balloonist::units::{Decimal, Ticks};

fn checked(document: &Document) -> Checked {
    document.check().unwrap_or_else(|found| panic!("{}", found.render(false)))
}

fn open(path: &str) -> Scenario {
    checked(&Document::open(Path::new(path))).scenario
}

/// A whole scenario: its effective text, the frames of its split, and its accesses.
fn text_of(scenario: &Scenario) -> String {
    let vm =
        |vm: &VmSpec| format!("{} {} {:016x}\n", vm.name, vm.initial, content_checksum(&vm.trace));
    let vms: String = scenario.vms.iter().map(vm).collect();
    scenario.effective() + &vms
}

fn files_under(folder: &str) -> Vec<PathBuf> {
    let mut folders = vec![PathBuf::from(folder)];
    let mut files = Vec::new();
    while let Some(folder) = folders.pop() {
        for entry in fs::read_dir(folder).unwrap() {
            let path = entry.unwrap().path();
            if path.is_dir() {
                folders.push(path);
            } else if path.extension().is_some_and(|end| end == "toml" || end == "dat") {
                files.push(path);
            }
        }
    }
    files.sort();
    files
}

#[test]
fn each_dat_file_and_its_twin_are_one_scenario() {
    for file in 1..=3 {
        let mut dat = open(&format!("scenarios/report/test{file}.dat"));
        let toml = open(&format!("scenarios/report/report-test{file}.toml"));
        assert_eq!(dat.name, format!("test{file}"));
        assert_eq!(toml.name, format!("report-test{file}"));
        dat.name.clone_from(&toml.name);
        assert_eq!(text_of(&dat), text_of(&toml));
    }
}

#[test]
fn report_files_have_the_reports_first_allocations() {
    for (file, expected) in [(1, vec![4, 4, 4, 4]), (2, vec![8, 8]), (3, vec![6, 6, 4])] {
        let scenario = open(&format!("scenarios/report/test{file}.dat"));
        let first: Vec<u64> = scenario.vms.iter().map(|vm| vm.initial.0).collect();
        assert_eq!(first, expected);
    }
}

#[test]
fn every_key_is_read() {
    let scenario = open("tests/good_scenarios/everything.toml");
    assert_eq!((scenario.name.as_str(), scenario.seed), ("everything", 7));
    assert_eq!(scenario.random, Generator::Glibc);
    let compared: Vec<&str> = scenario.compare.iter().map(|kind| kind.name).collect();
    assert_eq!(compared, ["proportional", "static"]);
    assert_eq!((scenario.host.memory.0, scenario.host.page_size), (64, 16384));
    assert_eq!(scenario.host.split, Split::Initial);
    assert_eq!((scenario.checkpoint_every.0, scenario.cost.delays.fault.0), (3, 5));
    assert_eq!(scenario.policy.name, "proportional");
    let settings = scenario.settings_of(scenario.policy);
    assert_eq!(settings.integer("guarantee"), 2);
    assert_eq!(settings.choice("rounding"), "largest-remainder");
    let last_n = balloonist::balance::ALL.iter().find(|kind| kind.name == "last-n").unwrap();
    assert_eq!(scenario.settings_of(last_n).choice("count"), "demand_faults");
    let wrapper = ["dead_band", "largest_move", "warm_up", "cadence"];
    assert_eq!(wrapper.map(|param| scenario.wrapper.integer(param)), [1, 3, 4, 5]);
    let [db, web] = &scenario.vms[..] else { panic!("two VMs") };
    assert_eq!((db.name.as_str(), db.replacement.name), ("db.0", "lru"));
    assert_eq!((db.min.0, db.max.0, db.shares, db.initial.0), (2, 32, 10, 8));
    assert_eq!((db.start.0, db.tempo, db.stop.unwrap().0), (4, Tempo::Steps(Ticks(2)), 1000));
    assert_eq!((db.after, db.trace.accesses(), db.trace.numbers()[2].0), (After::Repeat, 6, 16));
    assert_eq!((web.min.0, web.max.0, web.shares, web.initial.0), (1, 64, 30, 4));
    assert_eq!((web.after, web.stop), (After::Leave, None));
    assert_eq!(web.source, TraceSource::Pages(vec![9, 8, u64::MAX, 7, 9]));
    let [faults, hits] = &scenario.expects[..] else { panic!("two expectations") };
    assert_eq!((faults.metric.name(), faults.vm.as_str()), ("demand_faults", "db.0"));
    let number = |text| Decimal::parse(text).map(Limit::Number);
    assert_eq!((faults.at_least, faults.at_most), (number("1"), number("100")));
    assert_eq!((faults.policies.as_slice(), hits.vm.as_str()), (["static"].as_slice(), "all"));
}

#[test]
fn a_derived_scenario_overlays_its_base_by_the_names_of_vms() {
    let scenario = open("tests/good_scenarios/nested/derived.toml");
    assert_eq!((scenario.name.as_str(), scenario.checkpoint_every.0), ("derived", 9));
    assert_eq!(scenario.host.split, Split::Shares);
    let [db, web, new] = &scenario.vms[..] else { panic!("{:?}", scenario.vms) };
    assert_eq!((db.name.as_str(), web.name.as_str(), new.name.as_str()), ("db", "web", "new"));
    let TraceSource::File { path, .. } = &db.source else { panic!("{:?}", db.source) };
    assert_eq!(path, "../traces/db.txt", "as seen from the derived file");
    assert_eq!((web.max.0, &web.source), (5, &TraceSource::Pages(vec![1, 2])));
    let first: Vec<u64> = scenario.vms.iter().map(|vm| vm.initial.0).collect();
    assert_eq!(first, [6, 3, 3], "12 frames by 2000, 1000 and 1000 shares");
}

#[test]
fn a_dat_file_may_be_extended_and_memory_be_a_part_of_all_pages() {
    let scenario = open("tests/good_scenarios/over-a-dat.toml");
    // test2.dat uses page 0 in one VM and 15 pages in the other: half of 16.
    assert_eq!((scenario.host.memory.0, scenario.vms.len()), (8, 2));
    assert_eq!(scenario.name, "over-a-dat");
}

/// Of 40 frames sold and 6 pages touched by the VM that was sold none.
#[test]
fn memory_may_be_a_part_of_what_the_vms_were_sold() {
    let memory = |text: &str| {
        let vms = "checkpoint.every = 1\n\
                   [[vm]]\nname = 'a'\nmax = 30\ntrace.pages = [1, 2, 3]\n\
                   [[vm]]\nname = 'b'\nmax = '40 KiB'\ntrace.pages = [1, 2]\n\
                   [[vm]]\nname = 'c'\ntrace.pages = [1, 2, 3, 4, 5, 6]\n";
        let text = format!("host.memory = '{text}'\n{vms}");
        let document = Document::from_toml("sold.toml", text.as_bytes());
        document.check().ok().map(|checked| checked.scenario.host.memory.0)
    };
    assert_eq!(memory("100 % of configured"), Some(46));
    assert_eq!(memory("50% of configured"), Some(23));
    assert_eq!(memory("100% overcommit"), Some(46));
    assert_eq!(memory("150 % overcommit"), Some(31));
    assert_eq!(memory("50%"), Some(6));
    for wrong in ["0% overcommit", "150% overcommitted", "% overcommit", "1e9% overcommit"] {
        assert_eq!(memory(wrong), None, "{wrong}");
    }
}

#[test]
fn settings_override_the_file() {
    let mut document = Document::open(Path::new("tests/good_scenarios/everything.toml"));
    for setting in [
        "policy.kind=static",
        "checkpoint.every = 10 ns",
        "vm.db.0.min=3",
        "vm.web_1.trace={ pages = [4] }",
        "policy.last-n.count=replacement_misses",
        "policy.dead_band=4",
        "host.memory=2 MiB",
        "name = 'quoted'",
    ] {
        document.set(setting);
    }
    let scenario = checked(&document).scenario;
    assert_eq!((scenario.policy.name, scenario.checkpoint_every.0), ("static", 10));
    assert_eq!((scenario.vms[0].min.0, scenario.host.memory.0), (3, 128));
    assert_eq!(scenario.wrapper.integer("dead_band"), 4);
    assert_eq!(scenario.vms[1].source, TraceSource::Pages(vec![4]));
    assert_eq!(scenario.name, "quoted");
    let mut dat = Document::open(Path::new("scenarios/report/test1.dat"));
    dat.set("host.memory=32");
    dat.set("vm.VM3.max=5");
    let first: Vec<u64> = checked(&dat).scenario.vms.iter().map(|vm| vm.initial.0).collect();
    assert_eq!(first, [8, 8, 8, 5]);
}

#[test]
fn workloads_and_trace_options_are_read() {
    let scenario = open("tests/good_scenarios/workloads.toml");
    let [web, build, csv] = &scenario.vms[..] else { panic!("three VMs") };
    let TraceSource::Workload(zipf) = &web.source else { panic!("{:?}", web.source) };
    assert_eq!(
        (zipf.kind.name, zipf.accesses, zipf.settings.integer("pages")),
        ("zipf", 2000, 400)
    );
    assert_eq!((web.trace.accesses(), build.trace.accesses()), (2000, 2000));
    assert_eq!(build.trace.numbers()[1].0, 9, "a scan from 7 by 2");
    let TraceSource::File { options, .. } = &csv.source else { panic!("{:?}", csv.source) };
    assert_eq!((options.page_size, options.field.as_deref()), (Some(8192), Some("2")));
    // Sectors 16, 64 and 65 of 512 bytes on pages of 8 KiB.
    let pages: Vec<u64> = csv.trace.numbers().iter().map(|page| page.0).collect();
    assert_eq!((pages, csv.trace.accesses(), csv.trace.has_kinds()), (vec![1, 4], 3, true));
    let distinct: usize = scenario.vms.iter().map(|vm| vm.trace.distinct_pages()).sum();
    assert_eq!(scenario.host.memory.0, distinct.div_ceil(2) as u64);
}

#[test]
fn a_setting_replaces_the_source_of_accesses() {
    let mut document = Document::open(Path::new("tests/good_scenarios/workloads.toml"));
    document.set("vm.web.trace={ pages = [4] }");
    document.set("vm.build.workload.rounds=1");
    document.set("vm.csv.workload={ kind = 'scan', accesses = 3 }");
    let vms = checked(&document).scenario.vms;
    let accesses: Vec<u64> = vms.iter().map(|vm| vm.trace.accesses()).collect();
    assert_eq!(accesses, [1, 1000, 3]);
}

#[test]
fn defaults_may_say_where_accesses_come_from() {
    let text = "host = { memory = 8 }\ncheckpoint = { every = 1 }\n\
                defaults.vm.trace = { pages = [1, 2] }\n\
                [[vm]]\nname = 'theirs'\n[[vm]]\nname = 'own'\ntrace = { pages = [3] }\n\
                [[vm]]\nname = 'drawn'\nworkload = { kind = 'scan', accesses = 5 }\n";
    let read = |text: &str| Document::from_toml("a.toml", text.as_bytes()).check();
    let scenario = read(text).unwrap().scenario;
    let accesses: Vec<u64> = scenario.vms.iter().map(|vm| vm.trace.accesses()).collect();
    assert_eq!(accesses, [2, 1, 5]);
    reads_back(&scenario, Path::new(""));
    let both = format!("defaults.vm.workload = {{ kind = 'scan', accesses = 5 }}\n{text}");
    let errors = read(&both).unwrap_err();
    assert_eq!(errors.iter().map(|found| found.code.id).collect::<Vec<_>>(), ["S035"]);
}

/// Neither this many accesses nor the error after them may take long.
#[test]
fn nothing_is_generated_for_a_scenario_that_is_wrong() {
    let text = "host = { memory = 8 }
checkpoint = { every = 1 }
sede = 1
\
                [[vm]]
name = 'a'
workload = { kind = 'lru-stack', alpha = 0, \
                pages = 60_000_000, accesses = 500_000_000 }
";
    let errors = Document::from_toml("a.toml", text.as_bytes()).check().unwrap_err();
    assert_eq!(errors.iter().map(|found| found.code.id).collect::<Vec<_>>(), ["S012"]);
}

#[test]
fn a_bad_setting_is_shown_as_it_was_given() {
    let mut document = Document::open(Path::new("scenarios/report/test1.dat"));
    document.set("sede=3");
    assert_eq!(
        document.check().unwrap_err().render(false),
        "error[S012]: unknown key `sede`\n \
         --> --set:1:1\n  |\n1 | sede=3\n  | ^^^^ did you mean `seed`?\n"
    );
}

#[test]
fn trace_files_are_vms_in_lockstep() {
    let path = PathBuf::from("tests/good_scenarios/traces/db.txt");
    let document =
        Document::from_traces(&[path.clone(), path], &ReadOptions::default(), "50%", "2", None);
    let scenario = checked(&document).scenario;
    let names: Vec<&str> = scenario.vms.iter().map(|vm| vm.name.as_str()).collect();
    assert_eq!(names, ["db", "db-2"]);
    assert_eq!((scenario.host.memory.0, scenario.checkpoint_every.0), (4, 2));
    assert_eq!((scenario.vms[0].start.0, scenario.vms[0].tempo), (0, Tempo::default()));
    let wrong = Document::from_traces(
        &[PathBuf::from("nowhere.txt")],
        &ReadOptions::default(),
        "many",
        "0",
        None,
    );
    let told = wrong.check().unwrap_err().render(false);
    for part in
        ["--> --frames:1:1", "--> --every:1:1", "--> nowhere.txt", "the file does not exist"]
    {
        assert!(told.contains(part), "{part} in\n{told}");
    }
}

#[test]
fn a_trace_file_is_read_once() {
    let mut traces = Traces::default();
    let document = Document::open(Path::new("tests/good_scenarios/nested/derived.toml"));
    let first = document.check_with(&mut traces).unwrap().scenario;
    let second = document.check_with(&mut traces).unwrap().scenario;
    assert!(std::sync::Arc::ptr_eq(&first.vms[0].trace, &second.vms[0].trace));
}

/// The starts are of the repetition, whatever else a point changes, and read back as drawn.
#[test]
fn random_starts_are_drawn_for_each_vm_and_repetition() {
    let text = "[host]\nmemory = 8\n[checkpoint]\nevery = 5\n[defaults.vm]\nstart = 100\n\
                start_within = 1_000\ntrace = { pages = [1, 2, 3] }\n[[vm]]\nname = \"one\"\n\
                [[vm]]\nname = \"other\"\n[[vm]]\nname = \"fixed\"\nstart_within = 0\n";
    let document = Document::from_toml("starts.toml", text.as_bytes());
    let starts_at = |document: &Document, repetition| {
        let scenario = checked(&document.at(7, repetition)).scenario;
        scenario.vms.iter().map(|vm| vm.start.0).collect::<Vec<_>>()
    };
    let mut seen = std::collections::BTreeSet::<u64>::new();
    for repetition in 0..50 {
        let starts = starts_at(&document, repetition);
        assert!(starts[..2].iter().all(|start| (100..1100).contains(start)), "{starts:?}");
        assert_eq!(starts[2], 100);
        let more = text.replace("memory = 8", "memory = 9") + "[[vm]]\nname = \"new\"\n";
        let more = Document::from_toml("starts.toml", more.as_bytes());
        assert_eq!(starts_at(&more, repetition)[..3], starts);
        seen.extend(&starts[..2]);
    }
    assert!(seen.len() > 80, "draws differ: {seen:?}");
    reads_back(&checked(&document).scenario, Path::new(""));
    let stops = text.replace("start = 100", "start = 100\nstop = 1_099");
    let stops = Document::from_toml("starts.toml", stops.as_bytes());
    let wrong = stops.check().unwrap_err();
    assert!(wrong.iter().any(|found| found.code.id == "S043"));
}

/// Checks that the scenario's effective text, read in `folder`, gives the scenario again.
fn reads_back(scenario: &Scenario, folder: &Path) {
    let text = scenario.effective();
    let shown = folder.join("effective.toml");
    let again = checked(&Document::from_toml(shown.to_str().unwrap(), text.as_bytes()));
    assert!(again.scenario.effective() == text, "not stable:\n{text}");
    assert!(text_of(&again.scenario) == text_of(scenario), "not the same:\n{text}");
}

#[test]
fn effective_scenarios_read_back() {
    let files = [files_under("scenarios"), files_under("tests/good_scenarios")].concat();
    assert!(files.len() >= 10, "{files:?}");
    for path in files {
        let scenario = checked(&Document::open(&path)).scenario;
        reads_back(&scenario, path.parent().unwrap());
    }
}

/// A scenario of random values, valid by construction.
fn random_scenario(draw: &mut Stream) -> String {
    let vms = 1 + draw.below(6);
    let split = ["equal", "ceil", "shares", "initial"][draw.below(4) as usize];
    let memory = 40 + draw.below(100);
    let mut text = format!(
        "seed = {}\n[host]\nmemory = {memory}\npage_size = {}\nsplit = \"{split}\"\n\
         [checkpoint]\nevery = {}\n[cost]\nfault = {}\n\
         [policy]\nkind = \"{}\"\n[policy.proportional]\nguarantee = {}\nrounding = \"{}\"\n",
        draw.below(1 << 40),
        1 << draw.below(30),
        // Accesses are up to 2^40 ticks apart.
        (1 << 20) + draw.below(5),
        draw.below(3),
        ["static", "last-n", "proportional"][draw.below(3) as usize],
        1 + draw.below(5),
        ["random", "largest-remainder"][draw.below(2) as usize],
    );
    for vm in 0..vms {
        let min = 1 + draw.below(3);
        let max = min + draw.below(200);
        let pages: Vec<String> =
            (0..=draw.below(100)).map(|_| draw.below(1 << 63).to_string()).collect();
        let _ = write!(
            text,
            "[[vm]]\nname = \"v.{vm}\"\nmin = {min}\nmax = {max}\nshares = {}\nstart = {}\n\
             period = {}\nafter = \"{}\"\ntrace = {{ pages = [{}] }}\n",
            1 + draw.below(1_000_000_000),
            draw.below(1 << 40),
            1 + draw.below(1 << 40),
            ["idle", "leave"][draw.below(2) as usize],
            pages.join(","),
        );
        if split == "initial" {
            let _ = writeln!(text, "initial = {}", min + draw.below(3).min(max - min));
        }
        if draw.below(3) == 0 {
            let _ = writeln!(text, "stop = {}", (1_u64 << 40) + draw.below(1 << 40));
        }
    }
    text
}

#[test]
fn random_effective_scenarios_read_back() {
    let mut draw = Stream::new(Generator::ChaCha8, 3, 0, "random scenarios");
    for round in 0..300 {
        let text = random_scenario(&mut draw);
        let scenario = checked(&Document::from_toml("random.toml", text.as_bytes())).scenario;
        assert_eq!(scenario.name, "random", "{round}");
        reads_back(&scenario, Path::new(""));
        let given: u64 = scenario.vms.iter().map(|vm| vm.initial.0).sum();
        assert!(given <= scenario.host.memory.0);
        for vm in &scenario.vms {
            assert!(vm.min <= vm.initial && vm.initial <= vm.max, "{text}");
        }
    }
}
