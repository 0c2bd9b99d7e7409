//! The figures of results: which charts there are, and which numbers go into them.

use crate::number::grouped;
use crate::render::chart::bars::Group;
use crate::render::chart::curves::Panel;
use crate::render::chart::{Figure, bars, curves, keys, lines, regret, some_of, stack};
use crate::store::curves::thinned;
use crate::store::results::{Results, Run, integer, millionths};
use crate::store::vms::ALL;
use crate::table::Table;

/// The most policies that charts over time and charts of VMs draw; tables have all.
pub const POLICIES: usize = 6;

/// All figures of results, in the order of a report.
pub fn all(results: &Results) -> Vec<Figure> {
    let mut figures = Vec::new();
    if let Some(compare) = &results.compare {
        figures.extend(regret(compare));
    }
    if let Some(vms) = &results.vms {
        figures.push(bars(results, vms));
    }
    let manifest = &results.manifest;
    let names = manifest.vms();
    let series = shown_series(results);
    for (policy, thinned) in &series {
        figures.push(stack::figure(policy, &names, thinned, manifest.host_frames, manifest.every));
    }
    if !series.is_empty() {
        figures.push(lines::figure(&names, &series, manifest.every));
    }
    if let (Some(points), Some(vms)) = (&results.curves, &results.vms) {
        figures.push(miss_ratios(results, points, vms));
    }
    if let Some(sweep) = &results.sweep {
        figures.extend(crate::render::sweep_figures::all(sweep));
    }
    figures
}

/// The policies that are drawn: all or, of many, the baseline and those with the fewest demand
/// faults, in the order of the runs.
pub fn shown_policies(results: &Results) -> Vec<String> {
    let mut ranked: Vec<(usize, u64, &String)> = Vec::new();
    for (at, (policy, _, _)) in results.manifest.runs.iter().enumerate() {
        let faults = results.vms.as_ref().map_or(0, |vms| {
            let row = (0..vms.rows().len()).find(|&row| is(vms, row, policy, ALL));
            row.map_or(0, |row| integer(vms.cell(row, "demand_faults")))
        });
        let rank = if *policy == results.manifest.baseline { 0 } else { faults.saturating_add(1) };
        ranked.push((at, rank, policy));
    }
    ranked.sort_by_key(|&(at, rank, _)| (rank, at));
    ranked.truncate(POLICIES);
    ranked.sort_by_key(|&(at, _, _)| at);
    ranked.into_iter().map(|(_, _, policy)| policy.clone()).collect()
}

/// Says of a chart that it draws some runs of many.
fn some_policies(results: &Results) -> String {
    let all = results.manifest.runs.len();
    if all <= POLICIES {
        return String::new();
    }
    let all = grouped(all);
    format!(" Of the {all} runs, the baseline and those with the fewest demand faults are drawn.")
}

fn is(vms: &Table, row: usize, policy: &str, vm: &str) -> bool {
    vms.cell(row, "policy").plain() == policy && vms.cell(row, "vm").plain() == vm
}

/// The series of the policies that are drawn, in buckets of one width.
fn shown_series(results: &Results) -> Vec<Run> {
    let shown = shown_policies(results);
    let runs = || results.series.iter().filter(|(policy, _)| shown.contains(policy));
    let widest = runs().map(|(_, thinned)| thinned.width()).max().unwrap_or(1);
    runs().map(|(policy, run)| (policy.clone(), run.clone().at_width(widest))).collect()
}

fn bars(results: &Results, vms: &Table) -> Figure {
    let policies = shown_policies(results);
    let keys = keys(policies.iter().map(String::as_str));
    let shares = |vm: &String| {
        let share = |policy: &String| {
            let row = (0..vms.rows().len()).find(|&row| is(vms, row, policy, vm));
            let cell = |column| row.map_or(0, |row| integer(vms.cell(row, column)));
            (cell("demand_faults"), cell("accesses"))
        };
        Group { vm: vm.clone(), shares: policies.iter().map(share).collect() }
    };
    let names = results.manifest.vms();
    let shown = &names[..names.len().min(GROUPS)];
    let groups: Vec<Group> = shown.iter().map(shares).collect();
    let mut caption =
        "Demand faults as a share of each VM's accesses, a bar for each policy.".to_owned();
    caption += &some_policies(results);
    caption += &some_of(shown.len(), names.len());
    Figure {
        name: "vms".to_owned(),
        title: "Demand faults of each VM".to_owned(),
        caption,
        table: bars::table(&groups, &keys, "demand_faults"),
        drawing: bars::draw(&groups, &keys, "demand faults"),
        keys,
    }
}

/// The most VMs that have bars.
const GROUPS: usize = 64;

fn regret(compare: &Table) -> Option<Figure> {
    let entries = |role: &str| {
        let rows =
            (0..compare.rows().len()).filter(move |&row| compare.cell(row, "role").plain() == role);
        let entry =
            |row| (compare.cell(row, "name").plain(), integer(compare.cell(row, "demand_faults")));
        rows.map(entry).collect::<Vec<_>>()
    };
    let bounds = entries("bound");
    let named = |name| bounds.iter().find(|(bound, _)| bound == name);
    let optimum = named("min").or_else(|| named("best-static"))?;
    Some(regret::figure(&entries("policy"), &bounds, optimum))
}

fn miss_ratios(results: &Results, points: &Table, vms: &Table) -> Figure {
    let policies = shown_policies(results);
    let names = results.manifest.vms();
    let most = (4096 / names.len().clamp(1, curves::PANELS)).clamp(24, 256);
    let mut at = 0;
    let mut panels = Vec::new();
    for vm in names.iter().take(curves::PANELS) {
        // The rows of curves.csv stand VM by VM in file order.
        let mut curve = Vec::new();
        while at < points.rows().len() && points.cell(at, "vm").plain() == *vm {
            let frames = integer(points.cell(at, "frames"));
            curve.push((frames, millionths(points.cell(at, "miss_ratio"))));
            at += 1;
        }
        let mark = |policy: &String| {
            let row = (0..vms.rows().len()).find(|&row| is(vms, row, policy, vm));
            let cell = |column| row.map_or(0, |row| millionths(vms.cell(row, column)));
            (cell("frames_mean"), cell("fault_ratio"))
        };
        let marks = policies.iter().map(mark).collect();
        panels.push(Panel { vm: vm.clone(), curve: thinned(&curve, most), marks });
    }
    let mut figure = curves::figure(&panels, &policies, results.manifest.host_frames, names.len());
    figure.caption += &some_policies(results);
    figure
}
