//! Allocation over time: a band for each VM, free frames on top.

use std::fmt::Write as _;

use super::axis::Area;
use super::{Axis, Figure, Key, LEFT, Unit, WIDTH, clipped, series, steps};
use crate::conclude::compare::slug;
use crate::number::{counted, grouped};
use crate::render::svg::{Anchor, Drawing, Path};
use crate::store::results::RunSeries;
use crate::store::thinned::{Bucket, Thinned};
use crate::table::{Cell, Table};
use crate::units::show_size;

/// The most VMs of which all get a band of their own.
const ALL_BANDS: usize = 12;

/// Of more VMs, how many get a band of their own.
const BANDS: usize = 11;

/// The most events that are marked.
const EVENTS: usize = 40;

/// The room for names on the right.
const NAMES: i64 = 900;

/// What happens to a VM at a tick of a run, or until another.
#[derive(Clone, Debug)]
pub(crate) struct Event {
    /// The VM, by its place in the file.
    pub vm: usize,
    /// The first tick.
    pub from: u64,
    /// The last one, if it goes on for a while.
    pub until: Option<u64>,
    /// Whether it is a departure.
    pub leaves: bool,
    /// What happens, in words.
    pub text: String,
}

/// What all allocations of a page have in common.
pub(crate) struct Host<'a> {
    /// The VMs.
    pub vms: &'a [String],
    /// Its frames.
    pub frames: u64,
    /// The bytes of a frame, if memory is shown in bytes.
    pub page_size: Option<u64>,
    /// Ticks from one checkpoint to the next.
    pub every: u64,
    /// What ticks are shown in.
    pub unit: Unit,
    /// The bands, from the lowest.
    pub bands: Vec<Band>,
}

/// One policy's allocations, with these events marked.
pub(crate) fn figure(policy: &str, host: &Host<'_>, thinned: &Thinned, events: &[Event]) -> Figure {
    let buckets = thinned.buckets();
    let mut caption = format!(
        "{} that each VM may hold, stacked; the pale area on top is free. The host has {}. {}",
        if host.page_size.is_some() { "Memory" } else { "Frames" },
        host.page_size.map_or_else(
            || counted(host.frames, "frame"),
            |bytes| show_size(host.frames.saturating_mul(bytes)),
        ),
        thinning(thinned, "the mean of")
    );
    if host.bands.len() < host.vms.len() {
        caption += " The VMs whose allocation changes most have bands of their own.";
    }
    if !events.is_empty() {
        caption += " Marks above are departures over arrivals, lines there drivers that are stuck.";
    }
    if events.len() > EVENTS {
        let _ = write!(caption, " The first {EVENTS} of {} are marked.", grouped(events.len()));
    }
    let events = &events[..events.len().min(EVENTS)];
    let key = |band: &Band| Key { label: band.name.clone(), class: band.class.clone() };
    Figure {
        name: format!("allocation-{}", slug(policy)),
        title: format!("Allocation over time under {policy}"),
        caption,
        keys: host.bands.iter().map(key).collect(),
        table: table(&host.bands, buckets, host.frames),
        drawing: draw(host, buckets, thinned.width() * host.every, events),
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
#[derive(Clone, Debug)]
pub(crate) struct Band {
    name: String,
    /// The class that fills with its colour.
    class: String,
    vms: Vec<usize>,
}

/// The bands of a page: of many VMs, those whose allocation changes most in these series have a
/// band of their own, and the rest have one together, on top.
pub(crate) fn bands(vms: &[String], series: &[RunSeries]) -> Vec<Band> {
    let band = |(at, &vm): (usize, &usize)| Band {
        name: vms[vm].clone(),
        class: format!("v{at}"),
        vms: vec![vm],
    };
    let mut order: Vec<usize> = (0..vms.len()).collect();
    if vms.len() <= ALL_BANDS {
        return order.iter().enumerate().map(band).collect();
    }
    let change = |vm: usize| -> u64 {
        let of = |thinned: &Thinned| {
            let means = thinned.buckets().iter();
            let means = means.map(|bucket| bucket.vms[vm].frames / bucket.checkpoints);
            means.clone().max().unwrap_or(0) - means.min().unwrap_or(0)
        };
        series.iter().map(|(_, thinned)| of(thinned)).fold(0, u64::saturating_add)
    };
    order.sort_by_cached_key(|&vm| (std::cmp::Reverse(change(vm)), vm));
    let mut others = order.split_off(BANDS);
    order.sort_unstable();
    others.sort_unstable();
    let name = format!("{} others", grouped(others.len()));
    let rest = Band { name, class: "others".to_owned(), vms: others };
    order.iter().enumerate().map(band).chain([rest]).collect()
}

/// Where the bands of a bucket end: means of the checkpoints, rounded down. The sums are rounded,
/// not the bands, so that a full host has no gap at the top.
fn ceilings(bands: &[Band], bucket: &Bucket) -> Vec<u64> {
    let mut sum: u64 = 0;
    let mut end = |band: &Band| {
        let frames = band.vms.iter().map(|&vm| bucket.vms[vm].frames);
        sum = frames.fold(sum, u64::saturating_add);
        sum / bucket.checkpoints
    };
    bands.iter().map(&mut end).collect()
}

fn draw(host: &Host<'_>, buckets: &[Bucket], ticks: u64, events: &[Event]) -> Drawing {
    let area = Area { left: LEFT, top: 280, width: WIDTH - LEFT - NAMES, height: 2400 };
    let mut drawing = Drawing::new(WIDTH, area.bottom() + 400);
    let (of_frame, unit, title) = match host.page_size {
        Some(bytes) => (bytes, Unit::Size, "memory"),
        None => (1, Unit::Count, "frames"),
    };
    let axis = Axis::exact(host.frames.saturating_mul(of_frame), 5, unit);
    let high = |frames: &u64| frames.saturating_mul(of_frame);
    let time = Axis::exact(ticks.saturating_mul(buckets.len() as u64), 6, host.unit);
    drawing.text(120, 150, Anchor::Start, "t", title);
    let whole = [area.left, area.top, area.width, area.height];
    drawing.rect(whole, "free", None);
    area.draw_vertical(&mut drawing, axis, true);
    drawing.open(&steps(0, buckets.len()));
    let ends: Vec<Vec<u64>> = buckets.iter().map(|bucket| ceilings(&host.bands, bucket)).collect();
    let mut floor = vec![0; buckets.len()];
    let mut names = vec![];
    for (at, band) in host.bands.iter().enumerate() {
        let ceiling: Vec<u64> = ends.iter().map(|ends| high(&ends[at])).collect();
        drawing.open(&series(at));
        drawing.path(&area_between(area, axis, &floor, &ceiling), &band.class, None);
        drawing.path(&staircase(area, axis, &ceiling), "edge", None);
        drawing.close();
        let last = |heights: &[u64]| area.y(axis, heights.last().copied().unwrap_or(0));
        names.push((Some(at), band.name.as_str(), last(&ceiling), last(&floor)));
        floor = ceiling;
    }
    drawing.rect(whole, "hit", None);
    drawing.close();
    let top = names.last().map_or(area.bottom(), |(_, _, upper, _)| *upper);
    names.push((None, "free", area.top, top));
    for (key, name, upper, lower) in names.into_iter().filter(|(.., up, low)| low - up >= 110) {
        let (x, y) = (area.right() + 60, i64::midpoint(upper, lower) + 40);
        drawing.open(&key.map(series).unwrap_or_default());
        drawing.text(x, y, Anchor::Start, "t", &clipped(name, NAMES - 80));
        drawing.close();
    }
    mark(&mut drawing, area, time, host, events);
    area.draw_horizontal(&mut drawing, time, host.unit.of_time());
    drawing
}

/// Marks events above an area.
fn mark(drawing: &mut Drawing, area: Area, time: Axis, host: &Host<'_>, events: &[Event]) {
    for Event { vm, from, until, leaves, text } in events {
        // One may leave when another comes.
        let y = if *leaves { area.top - 150 } else { area.top - 60 };
        let band = host.bands.iter().find(|band| band.vms.contains(vm));
        let class = format!("mark event {}", band.map_or("others", |band| &band.class));
        let x = |tick: u64| area.x(time, tick.min(time.top));
        match until {
            None => drawing.circle(x(*from), y, 40, &class, Some(text)),
            Some(until) => {
                let place = [x(*from), y - 20, (x(*until) - x(*from)).max(10), 40];
                drawing.rect(place, &class, Some(text));
            }
        }
    }
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
