//! Pages and figures with many VMs and policies and with odd names: small, self-contained, and with
//! notes on what is omitted.

use std::fmt::Write as _;

use balloonist::render::{figures, html};
use balloonist::store::manifest::{BoundEntry, Manifest, RunEntry, Runs, Study, TraceEntry};
use balloonist::store::results::Results;
use balloonist::store::row::{self, Row as _};
use balloonist::store::thinned::{Sum, Thinned};
use balloonist::store::vms::VmRow;

/// Results of many VMs and policies with rapidly changing numbers, the worst case for charts.
fn jumping(vms: usize, policies: usize, checkpoints: u64) -> Results {
    let mut state = 1_u64;
    let mut draw = move |below: u64| {
        state =
            state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        (state >> 33) % below
    };
    let names: Vec<String> = (0..vms).map(|vm| format!("machine-{vm}")).collect();
    let mut manifest = Manifest {
        study: Study {
            name: "jumping".to_owned(),
            host_frames: 1000 * vms as u64,
            checkpoint_every: 10_000,
            ..Study::default()
        },
        verdict: Some("none".to_owned()),
        ..Manifest::default()
    };
    let mut series = Vec::new();
    let mut rows = VmRow::COLUMNS.join(",") + "\n";
    let mut runs = Vec::new();
    let mut curves = String::from("vm,frames,demand_faults,miss_ratio\n");
    for vm in &names {
        let (vm, content_hash) = (vm.clone(), "0123456789abcdef".to_owned());
        for frames in 0..512 {
            let ratio = (512 - frames) * 1900 + draw(1800);
            let _ = writeln!(curves, "{vm},{frames},{ratio},0.{ratio:06}");
        }
        let traces = &mut manifest.study.traces;
        traces.push(TraceEntry {
            vm,
            accesses: 1 << 40,
            distinct_pages: 1,
            content_hash,
            reading: Vec::new(),
        });
    }
    for policy in 0..policies {
        let policy = format!("policy-{policy}");
        let mut thinned = Thinned::new(vms);
        for checkpoint in 1..=checkpoints {
            for vm in 0..vms {
                let sum = Sum { frames: draw(1000), accesses: 10_000, demand_faults: draw(10_000) };
                thinned.add(10_000 * checkpoint, vm, sum);
            }
        }
        for vm in names.iter().map(String::as_str).chain(["all"]) {
            let (faults, frames) = (draw(1 << 30), draw(999_000));
            let cell = |column: &&str| match *column {
                "policy" => policy.clone(),
                "vm" => vm.to_owned(),
                "accesses" => "1000000000".to_owned(),
                "demand_faults" => faults.to_string(),
                "frames_mean" => format!("{frames}.123456"),
                "fault_ratio" => format!("0.{:06}", faults % 999_983),
                "replacement_ratio" => "0.000000".to_owned(),
                _ => "1".to_owned(),
            };
            rows += &(VmRow::COLUMNS.iter().map(cell).collect::<Vec<_>>().join(",") + "\n");
        }
        runs.push(RunEntry::new(&policy, None, 1, 0x0123_4567_89ab_cdef));
        series.push((policy, thinned));
    }
    manifest.runs = Runs::Each(runs);
    let (vms, curves) = (row::read(&rows).unwrap(), row::read(&curves).unwrap());
    let (vms, curves) = (Some(vms), Some(curves));
    Results { command: None, manifest, vms, compare: None, curves, sweep: None, series }
}

#[test]
fn a_page_of_64_vms_and_100_000_checkpoints_is_under_2_mb() {
    let results = jumping(64, 6, 100_000);
    let page = html::page(&results);
    assert!(page.len() < 2_000_000, "{} bytes", page.len());
    assert!(page.contains("Thinned out from 100,000 checkpoints"));
}

#[test]
fn charts_that_omit_items_say_so() {
    let results = jumping(100, 9, 500);
    let figures = figures::all(&results);
    let caption = |name: &str| &figures.iter().find(|figure| figure.name == name).unwrap().caption;
    let few = "Only the baseline and the runs with the fewest demand faults of 9 runs";
    assert!(caption("vms").contains(few));
    assert!(caption("vms").contains("The first 64 of 100 VMs"));
    assert!(caption("faults").contains("The first 64 of 100 VMs"));
    assert!(caption("curves").contains("The first 64 of 100 VMs"));
    let stacks = figures.iter().filter(|figure| figure.name.starts_with("allocation-"));
    let others = |figure: &&balloonist::render::chart::Figure| {
        figure.keys.iter().any(|key| key.label == "89 others")
    };
    assert_eq!(stacks.filter(others).count(), figures::POLICIES);
}

#[test]
fn names_are_escaped_everywhere() {
    let mut results = jumping(2, 1, 10);
    let odd = "</title></svg><script>alert(1)</script>\"'&";
    results.manifest.study.name = odd.to_owned();
    results.manifest.study.scenario = odd.to_owned();
    results.manifest.verdict = Some(odd.to_owned());
    results.manifest.bounds = vec![BoundEntry {
        name: odd.to_owned(),
        summary: odd.to_owned(),
        note: Some(odd.to_owned()),
    }];
    results.manifest.study.traces[0].vm = odd.to_owned();
    results.manifest.runs = Runs::Each(vec![RunEntry::new(odd, None, 1, 1)]);
    results.series[0].0 = odd.to_owned();
    let page = html::page(&results);
    assert!(page.contains("&lt;script&gt;alert(1)"));
    assert_eq!(page.matches("<script>").count(), 1, "the page's own");
    for figure in figures::all(&results) {
        let svg = figure.to_svg();
        assert!(!svg.contains("<script>") && svg.matches("</svg>").count() == 1);
    }
}
