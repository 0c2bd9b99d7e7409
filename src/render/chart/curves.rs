//! Miss-ratio curves, a panel for each VM, with each policy's allocation marked on them.

use super::axis::{Area, percent};
use super::panels::Panels;
use super::{Axis, Figure, Key, Unit, WIDTH, fill, series, some_of};
use crate::number::Millionths;
use crate::render::svg::{Anchor, Drawing, Path};
use crate::table::{Cell, Table};

/// The most VMs that get a panel.
pub(crate) const PANELS: usize = 64;

/// A VM's curve and marks; ratios are millionths.
#[derive(Clone, Debug, Default)]
pub(crate) struct Panel {
    /// The VM.
    pub vm: String,
    /// Frames and the fault ratio of LRU with as many, frames ascending.
    pub curve: Vec<(u64, u64)>,
    /// For each policy the mean of the VM's frames, in millionths, and its fault ratio.
    pub marks: Vec<(u64, u64)>,
}

/// The curves of some of `vms` VMs under these policies on a host of so many frames, which are
/// shown in bytes if it has a page size.
pub(crate) fn figure(
    shown: &[Panel],
    policies: &[String],
    (host_frames, page_size): (u64, Option<u64>),
    vms: usize,
) -> Figure {
    let mut caption = "LRU's exact share of demand faults for every fixed number of frames. A \
                       mark shows a VM's average number of frames and its share of faults under a \
                       policy: above the curve, moving frames has cost faults; below it, frames \
                       came when they were needed. Each panel has its own scale, which omits the \
                       steep beginning."
        .to_owned();
    caption += &some_of(shown.len(), vms);
    let key = |(at, policy): (usize, &String)| Key { label: policy.clone(), class: fill(at) };
    Figure {
        name: "curves".to_owned(),
        title: "Miss-ratio curves and the policies' allocations".to_owned(),
        caption,
        keys: policies.iter().enumerate().map(key).collect(),
        drawing: draw(shown, policies, (widest(shown).min(host_frames), page_size)),
        table: table(shown, policies),
    }
}

fn table(panels: &[Panel], policies: &[String]) -> Table {
    let mut table = Table::new(&["vm", "what", "frames", "miss_ratio"]);
    let ratio = |value: u64| Cell::from(Millionths(u128::from(value)));
    for panel in panels {
        for &(frames, faults) in &panel.curve {
            let vm = panel.vm.as_str();
            table.push(vec![vm.into(), "LRU curve".into(), frames.into(), ratio(faults)]);
        }
        for (policy, &(frames, faults)) in policies.iter().zip(&panel.marks) {
            let vm = panel.vm.as_str();
            table.push(vec![vm.into(), policy.as_str().into(), ratio(frames), ratio(faults)]);
        }
    }
    table
}

/// The largest number of frames of any curve or mark.
fn widest(panels: &[Panel]) -> u64 {
    let curves = panels.iter().filter_map(|panel| Some(panel.curve.last()?.0));
    let marks = panels.iter().flat_map(|panel| &panel.marks);
    curves.chain(marks.map(|&(held, _)| held.div_ceil(1_000_000))).max().unwrap_or(1)
}

fn draw(
    panels: &[Panel],
    policies: &[String],
    (most_frames, page_size): (u64, Option<u64>),
) -> Drawing {
    let (count, columns) = (panels.len(), Panels::columns_of(panels.len()));
    let height = if columns == 4 { 800 } else { 1300 };
    let places = Panels { count, columns, gap: 660, height, above: 220, pitch: height + 420 };
    let mut drawing = Drawing::new(WIDTH, places.rows() + 380);
    drawing.text(120, 110, Anchor::Start, "t", "faults");
    let (of_frame, unit, title) = match page_size {
        Some(bytes) => (bytes, Unit::Size, "memory"),
        None => (1, Unit::Count, "frames"),
    };
    let ticks = if columns == 4 { 2 } else { 5 };
    let held =
        Held { axis: Axis::exact(most_frames.saturating_mul(of_frame), ticks, unit), of_frame };
    for (at, panel) in panels.iter().enumerate() {
        let area = places.begin(&mut drawing, at, &panel.vm);
        let ratio = scale(panel);
        area.draw_vertical(&mut drawing, ratio, true);
        drawing.path(&curve(&panel.curve, area, held, ratio), "curve", None);
        marks(&mut drawing, panel, policies, |(held, faults)| {
            let x = i128::from(area.width) * i128::from(held);
            let x = x / (i128::from(most_frames.max(1)) * 1_000_000);
            (area.left + x as i64, area.y(ratio, faults))
        });
        if places.is_lowest(at) {
            area.draw_horizontal(&mut drawing, held.axis, title);
        }
    }
    drawing
}

/// The vertical axis, high enough for the marks and the part of the curve around them. The steep
/// beginning, where nearly every access is a fault, would flatten everything else.
fn scale(panel: &Panel) -> Axis {
    let highest = panel.marks.iter().map(|&(_, faults)| faults).max();
    let top = highest.filter(|&faults| faults > 0).map_or(ALL, |faults| faults.saturating_mul(3));
    Axis::round(top.min(ALL), 4, Unit::Percent)
}

/// The ratio of a VM that faults at every access.
const ALL: u64 = 1_000_000;

/// An axis of frames, each of which is so much on it.
#[derive(Clone, Copy)]
struct Held {
    axis: Axis,
    of_frame: u64,
}

impl Held {
    fn x(self, area: Area, frames: u64) -> i64 {
        area.x(self.axis, frames.saturating_mul(self.of_frame))
    }
}

/// The visible part of a curve.
fn curve(points: &[(u64, u64)], area: Area, frames: Held, ratio: Axis) -> Path {
    let mut path = Path::default();
    let mut before: Option<(u64, u64)> = None;
    for &(held, faults) in points {
        let place = (frames.x(area, held), area.y(ratio, faults));
        if faults <= ratio.top {
            match before {
                None => path.start(place.0, place.1),
                Some((x, y)) if y > ratio.top => {
                    // From where the line between the two points becomes visible.
                    let right = u128::from(held.saturating_sub(x)) * u128::from(y - ratio.top);
                    let entry = x + (right / u128::from(y - faults)) as u64;
                    path.start(frames.x(area, entry), area.top);
                    path.line_to(place.0, place.1);
                }
                Some(_) => path.line_to(place.0, place.1),
            }
        }
        before = Some((held, faults));
    }
    if let Some((_, least)) = before.filter(|&(_, least)| least <= ratio.top) {
        path.line_to(area.right(), area.y(ratio, least));
    }
    path.end();
    path
}

fn marks(
    drawing: &mut Drawing,
    panel: &Panel,
    policies: &[String],
    place: impl Fn((u64, u64)) -> (i64, i64),
) {
    for (at, (policy, &mark)) in policies.iter().zip(&panel.marks).enumerate() {
        let (x, y) = place(mark);
        let title = format!(
            "{}, {policy}: {} frames on average, {} faults",
            panel.vm,
            frames_shown(mark.0),
            percent(mark.1),
        );
        drawing.open(&series(at));
        drawing.circle(x, y, 45, &format!("mark {}", fill(at)), Some(&title));
        drawing.close();
    }
}

/// Millionths of a frame as a number with one decimal.
fn frames_shown(millionths: u64) -> String {
    let tenths = (millionths + 50_000) / 100_000;
    format!("{}.{}", tenths / 10, tenths % 10)
}
