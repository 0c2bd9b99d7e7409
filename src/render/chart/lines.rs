//! Faults over time: a small panel for each VM, a line for each policy, one scale for all.

use super::axis::Area;
use super::panels::Panels;
use super::{Axis, Figure, Unit, WIDTH, keys, series, some_of, steps, stroke};
use crate::number::Millionths;
use crate::render::svg::{Anchor, Drawing, Path};
use crate::store::results::RunSeries;
use crate::store::thinned::Thinned;
use crate::table::{Cell, Table};

/// The most VMs that have a panel.
const PANELS: usize = 64;

/// The demand faults of each VM under each policy, with a checkpoint every `every` ticks, shown in
/// `unit`; all series have buckets of the same width.
pub(crate) fn figure(vms: &[String], runs: &[RunSeries], every: u64, unit: Unit) -> Figure {
    let shown = vms.len().min(PANELS);
    let buckets = runs.iter().map(|(_, thinned)| thinned.buckets().len()).max().unwrap_or(0);
    let width = runs.first().map_or(1, |(_, thinned)| thinned.width());
    let mut caption =
        "Demand faults as a share of the accesses, a panel for each VM; all panels have the same \
         scale. "
            .to_owned();
    if let Some((_, longest)) = runs.iter().max_by_key(|(_, thinned)| thinned.buckets().len()) {
        caption += &super::stack::thinning(longest, "all accesses between");
    }
    caption += &some_of(shown, vms.len());
    let ticks = (buckets as u64 * width).saturating_mul(every);
    Figure {
        name: "faults".to_owned(),
        title: "Demand faults over time".to_owned(),
        caption,
        keys: keys(runs.iter().map(|(policy, _)| policy.as_str())),
        drawing: draw(&vms[..shown], runs, buckets, (ticks, unit)),
        table: table(&vms[..shown], runs, buckets),
    }
}

/// The fault ratio of a VM in a bucket; `None` where it made no access.
fn ratio(thinned: &Thinned, bucket: usize, vm: usize) -> Option<u64> {
    let sum = thinned.buckets().get(bucket)?.vms[vm];
    let ratio = Millionths::ratio(u128::from(sum.demand_faults), u128::from(sum.accesses))?;
    Some(ratio.0 as u64)
}

fn table(vms: &[String], runs: &[RunSeries], buckets: usize) -> Table {
    let policies = runs.iter().map(|(policy, _)| policy.as_str());
    let columns: Vec<&str> = ["vm", "until_tick"].into_iter().chain(policies).collect();
    let mut table = Table::new(&columns);
    for (vm, name) in vms.iter().enumerate() {
        for bucket in 0..buckets {
            let until = runs.iter().find_map(|(_, run)| Some(run.buckets().get(bucket)?.until));
            let mut row = vec![name.as_str().into(), Cell::from(until)];
            row.extend(runs.iter().map(|(_, run)| {
                Cell::from(ratio(run, bucket, vm).map(|ratio| Millionths(u128::from(ratio))))
            }));
            table.push(row);
        }
    }
    table
}

fn draw(vms: &[String], runs: &[RunSeries], buckets: usize, (ticks, unit): (u64, Unit)) -> Drawing {
    let (count, columns) = (vms.len(), Panels::columns_of(vms.len()));
    let height = if columns == 4 { 700 } else { 1100 };
    let places = Panels { count, columns, gap: 200, height, above: 220, pitch: height + 420 };
    let mut drawing = Drawing::new(WIDTH, places.rows() + 380);
    let ratios = || {
        let of_run =
            |(_, run): &RunSeries, vm| (0..buckets).filter_map(|at| ratio(run, at, vm)).max();
        runs.iter().flat_map(move |run| (0..vms.len()).filter_map(move |vm| of_run(run, vm)))
    };
    drawing.text(120, 110, Anchor::Start, "t", "faults");
    let axis = Axis::round(ratios().max().unwrap_or(0), 4, Unit::Percent);
    let time = Axis::exact(ticks, if columns == 4 { 2 } else { 4 }, unit);
    for (vm, name) in vms.iter().enumerate() {
        let area = places.begin(&mut drawing, vm, name);
        area.draw_vertical(&mut drawing, axis, places.is_left(vm));
        drawing.open(&steps(vm * buckets, buckets));
        for (at, (_, run)) in runs.iter().enumerate() {
            drawing.open(&series(at));
            for path in paths(run, vm, buckets, area, axis) {
                drawing.path(&path, &stroke(at), None);
            }
            drawing.close();
        }
        drawing.rect([area.left, area.top, area.width, area.height], "hit", None);
        drawing.close();
        if places.is_lowest(vm) {
            area.draw_horizontal(&mut drawing, time, unit.of_time());
        }
    }
    drawing
}

/// The line of a VM, broken at its pauses.
fn paths(run: &Thinned, vm: usize, buckets: usize, area: Area, axis: Axis) -> Vec<Path> {
    let mut paths: Vec<Path> = Vec::new();
    let mut goes_on = false;
    for bucket in 0..buckets {
        let Some(ratio) = ratio(run, bucket, vm) else {
            goes_on = false;
            continue;
        };
        let x = area.left + area.width * (2 * bucket as i64 + 1) / (2 * buckets as i64);
        let y = area.y(axis, ratio);
        match paths.last_mut() {
            Some(path) if goes_on => path.line_to(x, y),
            _ => {
                let mut path = Path::default();
                path.start(x, y);
                paths.push(path);
            }
        }
        goes_on = true;
    }
    paths.iter_mut().for_each(Path::end);
    paths
}
