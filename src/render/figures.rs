//! The figures of results: which charts there are, and which numbers go into them.

use crate::number::{Millionths, grouped};
use crate::render::chart::bars::Group;
use crate::render::chart::curves::Panel;

use crate::render::chart::{Figure, Unit, bars, curves, keys, lines, regret, some_of, stack};
use crate::render::timeline;
use crate::store::compare::{CompareRow, Role};
use crate::store::curves::{CurveRow, thinned};
use crate::store::manifest::Study;
use crate::store::results::{Results, RunSeries};
use crate::store::vms::ALL;

/// The most policies in charts over time and charts of VMs; tables have all.
pub const POLICIES: usize = 6;

/// All figures of results, in the order of a report.
pub fn all(results: &Results) -> Vec<Figure> {
    let mut figures = Vec::new();
    if let Some(compare) = &results.compare {
        figures.extend(regret(compare));
    }
    if results.vms.is_some() {
        figures.push(bars(results));
    }
    let Study { host_frames, page_size, in_bytes, checkpoint_every: every, in_time, .. } =
        results.manifest.study;
    let unit = if in_time { Unit::Time } else { Unit::Count };
    let names = results.manifest.vms();
    let series = shown_series(results);
    let bands = stack::bands(&names, &series);
    let host = stack::Host {
        vms: &names,
        frames: host_frames,
        page_size: in_bytes.then_some(page_size),
        every,
        unit,
        bands,
    };
    let stuck = timeline::stuck(&results.manifest.study.scenario, &names, unit);
    for (policy, thinned) in &series {
        let mut all = timeline::stays(thinned, &names, unit);
        all.extend(stuck.iter().cloned());
        all.sort_by_key(|event| (event.from, event.vm));
        figures.push(stack::figure(policy, &host, thinned, &all));
    }
    if !series.is_empty() {
        figures.push(lines::figure(&names, &series, every, unit));
    }
    if let (Some(points), Some(_)) = (&results.curves, &results.vms) {
        figures.push(miss_ratios(results, points));
    }
    if let Some(sweep) = &results.sweep {
        figures.extend(crate::render::sweep_figures::all(sweep));
    }
    figures
}

/// The policies that are drawn: all, or if there are many the baseline and those with the fewest
/// demand faults, in the order of the runs.
pub(crate) fn shown_policies(results: &Results) -> Vec<String> {
    let mut ranked: Vec<(usize, u64, String)> = Vec::new();
    for (at, run) in results.manifest.runs().iter().enumerate() {
        let title = run.title();
        let faults = results.row(&title, ALL).map_or(0, |row| row.demand_faults);
        let is_baseline = results.manifest.baseline.as_ref() == Some(&title);
        let rank = if is_baseline { 0 } else { faults.saturating_add(1) };
        ranked.push((at, rank, title));
    }
    ranked.sort_by_key(|(at, rank, _)| (*rank, *at));
    ranked.truncate(POLICIES);
    ranked.sort_by_key(|(at, _, _)| *at);
    ranked.into_iter().map(|(_, _, policy)| policy).collect()
}

/// The remark that a chart draws only some runs.
fn some_policies(results: &Results) -> String {
    let all = results.manifest.runs().len();
    if all <= POLICIES {
        return String::new();
    }
    let all = grouped(all);
    format!(
        " Only the baseline and the runs with the fewest demand faults of {all} runs are \
             drawn."
    )
}

/// The series of the policies that are drawn, in buckets of one width.
fn shown_series(results: &Results) -> Vec<RunSeries> {
    let shown = shown_policies(results);
    let is_shown =
        |(policy, thinned): &&RunSeries| shown.contains(policy) && !thinned.buckets().is_empty();
    let runs = || results.series.iter().filter(is_shown);
    let widest = runs().map(|(_, thinned)| thinned.width()).max().unwrap_or(1);
    runs().map(|(policy, run)| (policy.clone(), run.clone().at_width(widest))).collect()
}

fn bars(results: &Results) -> Figure {
    let policies = shown_policies(results);
    let keys = keys(policies.iter().map(String::as_str));
    let shares = |vm: &String| {
        let share = |policy: &String| {
            results.row(policy, vm).map_or((0, 0), |row| (row.demand_faults, row.accesses))
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

/// The most VMs that get bars.
const GROUPS: usize = 64;

fn regret(compare: &[CompareRow]) -> Option<Figure> {
    let entries = |role: Role| {
        let rows = compare.iter().filter(|row| row.role == role);
        rows.map(|row| (row.title(), row.demand_faults)).collect::<Vec<_>>()
    };
    let bounds = entries(Role::Bound);
    let named = |name| bounds.iter().find(|(bound, _)| bound == name);
    let optimum = named("min").or_else(|| named("best-static"))?;
    Some(regret::figure(&entries(Role::Policy), &bounds, optimum))
}

fn miss_ratios(results: &Results, points: &[CurveRow]) -> Figure {
    let policies = shown_policies(results);
    let names = results.manifest.vms();
    let most = (4096 / names.len().clamp(1, curves::PANELS)).clamp(24, 256);
    let millionths = |ratio: Millionths| ratio.0 as u64;
    let mut points = points.iter().peekable();
    let mut panels = Vec::new();
    for vm in names.iter().take(curves::PANELS) {
        // The rows of curves.csv are in file order, VM by VM.
        let mut curve = Vec::new();
        while let Some(point) = points.next_if(|point| point.vm == *vm) {
            curve.push((point.frames, millionths(point.miss_ratio)));
        }
        let mark = |policy: &String| {
            let row = results.row(policy, vm);
            row.map_or((0, 0), |row| (millionths(row.frames_mean), millionths(row.fault_ratio)))
        };
        let marks = policies.iter().map(mark).collect();
        panels.push(Panel { vm: vm.clone(), curve: thinned(&curve, most), marks });
    }
    let Study { host_frames, page_size, in_bytes, .. } = results.manifest.study;
    let host = (host_frames, in_bytes.then_some(page_size));
    let mut figure = curves::figure(&panels, &policies, host, names.len());
    figure.caption += &some_policies(results);
    figure
}
