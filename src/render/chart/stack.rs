//! Allocation over time: a band for each VM, free frames on top.

use super::axis::Area;
use super::{Axis, Figure, LEFT, Unit, WIDTH, clipped, fill, keys, series, steps};
use crate::conclude::compare::slug;
use crate::number::{counted, grouped};
use crate::render::svg::{Anchor, Drawing, Path};
use crate::store::thinned::{Bucket, Thinned};
use crate::table::{Cell, Table};

/// The most VMs that get a band of their own.
const BANDS: usize = 64;

/// The room for names on the right.
const NAMES: i64 = 900;

/// One policy's allocations on a host of `host_frames`, with a checkpoint every `every` ticks,
/// shown in `unit`.
pub(crate) fn figure(
    policy: &str,
    vms: &[String],
    thinned: &Thinned,
    host_frames: u64,
    every: u64,
    unit: Unit,
) -> Figure {
    let bands = bands(vms);
    let buckets = thinned.buckets();
    let ticks = thinned.width() * every;
    let (drawing, labels) = (draw(&bands, buckets, (ticks, unit), host_frames), &bands);
    Figure {
        name: format!("allocation-{}", slug(policy)),
        title: format!("Allocation over time under {policy}"),
        caption: format!(
            "Frames that each VM may hold, stacked; the pale area on top is free. The host has \
             {}. {}",
            counted(host_frames, "frame"),
            thinning(thinned, "the mean of")
        ),
        keys: keys(labels.iter().map(|band| band.name.as_str())),
        table: table(&bands, buckets, host_frames),
        drawing,
    }
}

/// How to read a thinned series.
pub(super) fn thinning(thinned: &Thinned, what: &str) -> String {
    match thinned.width() {
        1 => "Every checkpoint is drawn.".to_owned(),
        width => {
            let all: u64 = thinned.buckets().iter().map(|bucket| bucket.checkpoints).sum();
            format!(
                "Thinned out from {} checkpoints: each step is {what} {width} of them.",
                grouped(all)
            )
        }
    }
}

/// VMs that are drawn as one band.
struct Band {
    name: String,
    vms: std::ops::Range<usize>,
}

/// Where the bands of a bucket end: means of the checkpoints, rounded down. The sums are rounded,
/// not the bands, so that a full host has no gap at the top.
fn ceilings(bands: &[Band], bucket: &Bucket) -> Vec<u64> {
    let mut sum: u64 = 0;
    let mut end = |band: &Band| {
        let frames = bucket.vms[band.vms.clone()].iter().map(|vm| vm.frames);
        sum = frames.fold(sum, u64::saturating_add);
        sum / bucket.checkpoints
    };
    bands.iter().map(&mut end).collect()
}

fn bands(vms: &[String]) -> Vec<Band> {
    let single = |at: usize| Band { name: vms[at].clone(), vms: at..at + 1 };
    if vms.len() <= BANDS {
        return (0..vms.len()).map(single).collect();
    }
    let others = BANDS - 1..vms.len();
    let name = format!("{} other VMs", grouped(others.len()));
    (0..BANDS - 1).map(single).chain([Band { name, vms: others }]).collect()
}

fn draw(
    bands: &[Band],
    buckets: &[Bucket],
    (ticks, unit): (u64, Unit),
    host_frames: u64,
) -> Drawing {
    let area = Area { left: LEFT, top: 240, width: WIDTH - LEFT - NAMES, height: 2400 };
    let mut drawing = Drawing::new(WIDTH, area.bottom() + 400);
    let frames = Axis::exact(host_frames, 5, Unit::Count);
    let time = Axis::exact(ticks.saturating_mul(buckets.len() as u64), 6, unit);
    drawing.text(120, 150, Anchor::Start, "t", "frames");
    let whole = [area.left, area.top, area.width, area.height];
    drawing.rect(whole, "free", None);
    area.draw_vertical(&mut drawing, frames, true);
    drawing.open(&steps(0, buckets.len()));
    let ends: Vec<Vec<u64>> = buckets.iter().map(|bucket| ceilings(bands, bucket)).collect();
    let mut floor = vec![0; buckets.len()];
    let mut free_label = area.top;
    for (at, band) in bands.iter().enumerate() {
        let ceiling: Vec<u64> = ends.iter().map(|ends| ends[at]).collect();
        drawing.open(&series(at));
        drawing.path(&area_between(area, frames, &floor, &ceiling), &fill(at), None);
        drawing.path(&staircase(area, frames, &ceiling), "edge", None);
        if let (Some(&low), Some(&high)) = (floor.last(), ceiling.last()) {
            let (upper, lower) = (area.y(frames, high), area.y(frames, low));
            if lower - upper >= 110 {
                let name = clipped(&band.name, NAMES - 80);
                drawing.text(
                    area.right() + 60,
                    i64::midpoint(upper, lower) + 40,
                    Anchor::Start,
                    "t",
                    &name,
                );
            }
            free_label = upper;
        }
        drawing.close();
        floor = ceiling;
    }
    if free_label - area.top >= 110 {
        let y = i64::midpoint(area.top, free_label) + 40;
        drawing.text(area.right() + 60, y, Anchor::Start, "t", "free");
    }
    drawing.rect(whole, "hit", None);
    drawing.close();
    area.draw_horizontal(&mut drawing, time, unit.of_time());
    drawing
}

/// The left edge of bucket `at` of `count`.
fn edge(area: Area, at: usize, count: usize) -> i64 {
    area.left + area.width * at as i64 / count as i64
}

fn area_between(area: Area, axis: Axis, floor: &[u64], ceiling: &[u64]) -> Path {
    let count = ceiling.len();
    let mut path = staircase(area, axis, ceiling);
    for at in (0..count).rev() {
        // Down at the right edge of the bucket, then left along its floor.
        let right = edge(area, at + 1, count);
        path.step_to(right, area.y(axis, floor[at]));
        path.step_to(edge(area, at, count), area.y(axis, floor[at]));
    }
    path.close();
    path
}

fn staircase(area: Area, axis: Axis, heights: &[u64]) -> Path {
    let mut path = Path::default();
    for (at, &height) in heights.iter().enumerate() {
        let y = area.y(axis, height);
        if at == 0 {
            path.start(area.left, y);
        }
        path.step_to(edge(area, at, heights.len()), y);
        path.step_to(edge(area, at + 1, heights.len()), y);
    }
    path.end();
    path
}

fn table(bands: &[Band], buckets: &[Bucket], host_frames: u64) -> Table {
    let names = bands.iter().map(|band| band.name.as_str());
    let columns: Vec<&str> = ["until_tick"].into_iter().chain(names).chain(["free"]).collect();
    let mut table = Table::new(&columns);
    for bucket in buckets {
        let ends = ceilings(bands, bucket);
        let floors = [0].iter().chain(&ends);
        let frames: Vec<u64> = ends.iter().zip(floors).map(|(end, floor)| end - floor).collect();
        let free = host_frames.saturating_sub(ends.last().copied().unwrap_or(0));
        let cells = [bucket.until].into_iter().chain(frames).chain([free]);
        table.push(cells.map(Cell::from).collect());
    }
    table
}
