//! Distributions over the runs of a sweep, and paired differences from the baseline.

use std::fmt::Write as _;

use super::axis::Area;
use super::{Axis, Figure, Unit, WIDTH, clipped, fill};
use crate::number::{Millionths, grouped};
use crate::render::svg::{Anchor, Drawing, Path};
use crate::sweep::statistics::{Paired, Summary};
use crate::table::Table;

/// The demand faults of a policy, run by run.
pub(crate) type Runs = (String, Vec<u64>);

/// Boxes from quartile to quartile, whiskers from the least to the most.
pub(crate) fn figure(policies: &[Runs]) -> Figure {
    let mut table = Table::new(&["policy", "runs", "min", "q1", "median", "q3", "max", "mean"]);
    let summaries: Vec<(&str, Summary)> = policies
        .iter()
        .filter_map(|(policy, runs)| Some((policy.as_str(), Summary::of(runs)?)))
        .collect();
    for (policy, summary) in &summaries {
        let [q1, median, q3] = summary.quartiles;
        table.push(vec![
            (*policy).into(),
            summary.n.into(),
            summary.min.into(),
            q1.into(),
            median.into(),
            q3.into(),
            summary.max.into(),
            summary.mean.into(),
        ]);
    }
    let area = area(summaries.len());
    let mut drawing = Drawing::new(WIDTH, area.bottom() + 400);
    let most = summaries.iter().map(|(_, summary)| summary.max).max().unwrap_or(0);
    let axis = Axis::round(most, 5, Unit::Count);
    drawing.line((area.left, area.bottom()), (area.right(), area.bottom()), "axis");
    let x = |value: u64| area.x(axis, value);
    let of = |ratio: Millionths| ((ratio.0 + Millionths::ONE / 2) / Millionths::ONE) as u64;
    for (at, (policy, summary)) in summaries.iter().enumerate() {
        let y = area.top + ROW * at as i64 + ROW / 2;
        drawing.text(area.left - 100, y + 40, Anchor::End, "t", &clipped(policy, 1500));
        drawing.line((x(summary.min), y), (x(summary.max), y), "whisker");
        for end in [summary.min, summary.max] {
            drawing.line((x(end), y - 50), (x(end), y + 50), "whisker");
        }
        let [q1, median, q3] = summary.quartiles.map(of);
        let title = format!(
            "{policy}: median {}, half of the runs from {} to {}, all from {} to {}",
            grouped(median),
            grouped(q1),
            grouped(q3),
            grouped(summary.min),
            grouped(summary.max)
        );
        let place = [x(q1), y - 80, (x(q3) - x(q1)).max(20), 160];
        drawing.rect(place, &format!("mark {}", fill(at)), Some(&title));
        drawing.line((x(median), y - 80), (x(median), y + 80), "whisker");
        let label = format!("median {}", grouped(median));
        drawing.text(x(summary.max) + 120, y + 40, Anchor::Start, "t", &label);
    }
    area.draw_horizontal(&mut drawing, axis, "demand faults of a run");
    Figure {
        name: "distribution".to_owned(),
        title: "Demand faults over all runs".to_owned(),
        caption: "Boxes span the quartiles and show the median; whiskers span all runs.".to_owned(),
        keys: Vec::new(),
        drawing,
        table,
    }
}

const ROW: i64 = 260;

fn area(rows: usize) -> Area {
    Area { left: 1700, top: 60, width: 4600, height: ROW * rows as i64 }
}

/// The demand faults of runs, and those of the baseline's runs that they are paired with, in the
/// same order.
#[derive(Clone, Debug, Default)]
pub(crate) struct Differences {
    /// What the runs have in common.
    pub name: String,
    /// Their demand faults.
    pub faults: Vec<u64>,
    /// The demand faults of the baseline's runs.
    pub baseline: Vec<u64>,
}

/// A lollipop chart of the mean difference in demand faults between a run and the baseline's run
/// with the same seed and parameters.
pub(crate) fn paired(others: &[Differences], baseline: &str) -> Figure {
    let others: Vec<(&str, Paired)> = others
        .iter()
        .filter_map(|other| Some((&*other.name, Paired::of(&other.faults, &other.baseline)?)))
        .collect();
    let columns = ["name", "mean_difference", "interval_low", "interval_high"];
    let mut table = Table::new(&[&columns[..], &["wins", "ties", "losses"]].concat());
    for (name, paired) in &others {
        table.push(vec![
            (*name).into(),
            paired.mean.into(),
            paired.interval.map(|[low, _]| low).into(),
            paired.interval.map(|[_, high]| high).into(),
            paired.wins.into(),
            paired.ties.into(),
            paired.losses.into(),
        ]);
    }
    Figure {
        name: "paired".to_owned(),
        title: format!("Demand faults against {baseline}"),
        caption: format!(
            "The mean difference in demand faults between a run and that of {baseline} with the \
             same seed and parameters; the bar is its 95 % interval by Student's t. Left of 0 is \
             better."
        ),
        keys: Vec::new(),
        drawing: draw_paired(&others, baseline),
        table,
    }
}

/// Millionths as a difference for people: one decimal and a sign.
fn tenths(millionths: i128) -> String {
    let tenths = (millionths.unsigned_abs() + 50_000) / 100_000;
    let sign = if tenths == 0 {
        "±"
    } else if millionths < 0 {
        "−"
    } else {
        "+"
    };
    format!("{sign}{}.{}", grouped(tenths / 10), tenths % 10)
}

fn draw_paired(others: &[(&str, Paired)], baseline: &str) -> Drawing {
    let area = area(others.len());
    let mut drawing = Drawing::new(WIDTH, area.bottom() + 400);
    let ends = |paired: &Paired| {
        let mean = paired.mean.0;
        paired.interval.map_or([mean, mean], |ends| ends.map(|end| end.0))
    };
    let far = |(_, paired): &(&str, Paired)| ends(paired).map(i128::abs).into_iter().max();
    let most = others.iter().filter_map(far).max().unwrap_or(0);
    let axis = Axis::round((most / Millionths::ONE as i128 + 1) as u64, 3, Unit::Count);
    let (half, middle) = (area.width / 2, area.left + area.width / 2);
    let x = |millionths: i128| {
        let top = i128::from(axis.top) * Millionths::ONE as i128;
        middle + (i128::from(half) * millionths / top) as i64
    };
    draw_ticks(&mut drawing, area, axis);
    let name = format!("demand faults more or fewer than {baseline}");
    drawing.text(middle, area.bottom() + 320, Anchor::Middle, "t", &name);
    for (at, (name, paired)) in others.iter().enumerate() {
        let y = area.top + ROW * at as i64 + ROW / 2;
        let mean = paired.mean;
        drawing.text(area.left - 100, y + 40, Anchor::End, "t", &clipped(name, 1500));
        drawing.line((middle, y), (x(mean.0), y), "stem");
        let mut title = format!("{name}: {mean} on average");
        if let Some([low, high]) = paired.interval {
            let _ = write!(title, ", from {low} to {high}");
            let (low, high) = (x(low.0), x(high.0));
            let mut path = Path::default();
            path.start(low, y - 50);
            path.step_to(low, y + 50);
            path.start(low, y);
            path.line_to(high, y);
            path.start(high, y - 50);
            path.step_to(high, y + 50);
            path.end();
            drawing.path(&path, "whisker", None);
        }
        drawing.circle(x(mean.0), y, 55, "mark s0", Some(&title));
        let [_, high] = ends(paired);
        let end = x(high).max(middle) + 120;
        drawing.text(end, y + 40, Anchor::Start, "t", &tenths(mean.0));
    }
    drawing
}

/// Vertical lines on both sides of 0.
fn draw_ticks(drawing: &mut Drawing, area: Area, axis: Axis) {
    let middle = area.left + area.width / 2;
    for tick in axis.ticks() {
        for (sign, shown) in [(-1, "−"), (1, "+")].into_iter().take(if tick == 0 { 1 } else { 2 })
        {
            let place = middle + sign * axis.place(tick, area.width / 2);
            drawing.line((place, area.top), (place, area.bottom()), "grid");
            let shown = if tick == 0 { "" } else { shown };
            let label = format!("{shown}{}", axis.unit.shown(tick));
            drawing.text(place, area.bottom() + 160, Anchor::Middle, "t", &label);
        }
    }
    drawing.line((middle, area.top), (middle, area.bottom()), "axis");
}
