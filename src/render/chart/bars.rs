//! Bars for each VM, one for each policy, as in Figures 4 to 6 of the report.

use super::axis::{Area, percent};
use super::{Axis, INNER, Key, LEFT, Unit, WIDTH, clipped, series};
use crate::number::{Millionths, grouped};
use crate::render::svg::{Anchor, Drawing};
use crate::table::{Cell, Table};

/// The bars of one VM: for each policy a count and the accesses that it is a share of.
#[derive(Clone, Debug)]
pub(crate) struct Group {
    /// The VM.
    pub vm: String,
    /// The counts, and of how many accesses, by policy.
    pub shares: Vec<(u64, u64)>,
}

fn millionths((part, whole): (u64, u64)) -> u64 {
    Millionths::ratio_or_zero(u128::from(part), u128::from(whole)).0 as u64
}

/// A row for each VM and key: the count and its share.
pub(crate) fn table(groups: &[Group], keys: &[Key], counted: &str) -> Table {
    let mut table = Table::new(&["vm", "policy", counted, "accesses", "ratio"]);
    for group in groups {
        for (key, &share) in keys.iter().zip(&group.shares) {
            table.push(vec![
                group.vm.as_str().into(),
                key.label.as_str().into(),
                share.0.into(),
                share.1.into(),
                Cell::from(Millionths(u128::from(millionths(share)))),
            ]);
        }
    }
    table
}

/// The room above the first row, for the axis' title.
const TOP: i64 = 280;

/// Groups side by side, in as many rows as they need.
pub(crate) fn draw(groups: &[Group], keys: &[Key], counted: &str) -> Drawing {
    let bars = keys.len().max(1) as i64;
    let narrowest = (bars * 70 + 100).max(420);
    let most = (INNER / narrowest).max(1) as usize;
    let rows = groups.len().div_ceil(most).max(1);
    let columns = groups.len().div_ceil(rows).max(1);
    let height = if rows == 1 { 2200 } else { 1100 };
    let pitch = height + 420;
    let mut drawing = Drawing::new(WIDTH, rows as i64 * pitch + TOP - 60);
    drawing.text(120, 150, Anchor::Start, "t", &format!("{counted}, % of accesses"));
    let shares = groups.iter().flat_map(|group| &group.shares);
    let axis =
        Axis::round(shares.map(|&share| millionths(share)).max().unwrap_or(0), 5, Unit::Percent);
    let pitch_x = INNER / columns as i64;
    let bar = ((pitch_x - 100) / bars).min(340);
    for row in 0..rows {
        let top = row as i64 * pitch + TOP;
        let area = Area { left: LEFT, top, width: INNER, height };
        area.draw_vertical(&mut drawing, axis, true);
    }
    for (at, group) in groups.iter().enumerate() {
        let top = (at / columns) as i64 * pitch + TOP;
        let area = Area { left: LEFT, top, width: INNER, height };
        let middle = LEFT + pitch_x * (at % columns) as i64 + pitch_x / 2;
        let first = middle - bar * bars / 2;
        for (policy, (key, &share)) in keys.iter().zip(&group.shares).enumerate() {
            let ratio = millionths(share);
            let (x, y) = (first + bar * policy as i64, area.y(axis, ratio));
            let title = format!(
                "{}, {}: {} = {} {counted} in {} accesses",
                group.vm,
                key.label,
                percent(ratio),
                grouped(share.0),
                grouped(share.1),
            );
            drawing.open(&series(policy));
            let place = [x + 5, y, bar - 10, (area.bottom() - y).max(4)];
            drawing.rect(place, &format!("mark {}", key.class), Some(&title));
            drawing.close();
        }
        let name = clipped(&group.vm, pitch_x - 40);
        drawing.text(middle, area.bottom() + 170, Anchor::Middle, "t", &name);
    }
    for row in 0..rows as i64 {
        // Drawn last, over the bottoms of the bars.
        let y = row * pitch + TOP + height;
        drawing.line((LEFT, y), (LEFT + INNER, y), "axis");
    }
    drawing
}
