//! A column over the values of an axis: a panel for each combination of the other axes, a line with
//! a band for each policy.

use super::axis::{Area, percent};
use super::panels::Panels;
use super::{Axis, Figure, LETTER, Unit, WIDTH, band, fill, keys, series, stroke};
use crate::number::{Millionths, SignedMillionths, grouped};
use crate::render::svg::{Anchor, Drawing, Path};
use crate::store::results::FAULTS;
use crate::sweep::statistics::Summary;
use crate::table::{Cell, Table};

/// A combination of the other axes.
#[derive(Clone, Debug)]
pub(crate) struct Panel {
    /// Its values; empty if there is no other axis.
    pub name: String,
    /// For each policy and each value of the axis, the counts of the repetitions; empty where the
    /// point is skipped.
    pub lines: Vec<Vec<Vec<u64>>>,
}

/// A column of a run over the values of an axis; ratios are millionths.
pub(crate) fn figure(
    policies: &[String],
    metric: (&str, Unit),
    axis: (&str, &[String]),
    panels: &[Panel],
) -> Figure {
    let (name, _) = axis;
    let words = words(metric.0);
    let mut caption = format!(
        "The mean of a run's {words} over its repetitions, for each value of {name}; the \
         values are equally far apart. A band is the 95 % confidence interval of the mean, over \
         repetitions of one point and never over several points."
    );
    if panels.len() > 1 {
        caption += " A panel for each combination of the other axes; all have the same scale.";
    }
    Figure {
        name: "trend".to_owned(),
        title: match metric.0 {
            FAULTS => format!("Demand faults over {name}"),
            other => format!("{other} over {name}"),
        },
        caption,
        keys: keys(policies.iter().map(String::as_str)),
        drawing: draw(policies, metric, axis, panels),
        table: table(policies, metric, axis, panels),
    }
}

/// A column in words.
fn words(metric: &str) -> &str {
    if metric == FAULTS { "demand faults" } else { metric }
}

fn table(
    policies: &[String],
    (metric, unit): (&str, Unit),
    (axis, values): (&str, &[String]),
    panels: &[Panel],
) -> Table {
    let columns = ["panel", "policy", axis, "runs", metric, "ci95_low", "ci95_high"];
    let mut table = Table::new(&columns);
    // Millionths of a count, or of a millionth.
    let one = if unit == Unit::Count { 1 } else { Millionths::ONE };
    let mean_of = |mean: Millionths| Millionths((mean.0 + one / 2) / one);
    let end_of = |SignedMillionths(end): SignedMillionths| {
        SignedMillionths((end + one as i128 / 2).div_euclid(one as i128))
    };
    for panel in panels {
        for (policy, line) in policies.iter().zip(&panel.lines) {
            for (value, counts) in values.iter().zip(line) {
                let Some(Summary { n, mean, interval, .. }) = Summary::of(counts) else { continue };
                table.push(vec![
                    panel.name.as_str().into(),
                    policy.as_str().into(),
                    Cell::from(value.as_str()),
                    n.into(),
                    mean_of(mean).into(),
                    interval.map(|[low, _]| end_of(low)).into(),
                    interval.map(|[_, high]| end_of(high)).into(),
                ]);
            }
        }
    }
    table
}

/// A mean with its interval, in whole counts.
#[derive(Clone, Copy)]
struct Point {
    mean: u64,
    low: u64,
    high: u64,
}

fn point(counts: &[u64]) -> Option<Point> {
    let Summary { mean, interval, .. } = Summary::of(counts)?;
    let whole = |millionths: u128| ((millionths + Millionths::ONE / 2) / Millionths::ONE) as u64;
    let mean = whole(mean.0);
    let ends = interval.map(|ends| ends.map(|end| whole(end.0.max(0) as u128)));
    let [low, high] = ends.unwrap_or([mean, mean]);
    Some(Point { mean, low, high })
}

fn draw(
    policies: &[String],
    (metric, unit): (&str, Unit),
    (name, values): (&str, &[String]),
    panels: &[Panel],
) -> Drawing {
    let shown = |value: u64| match unit {
        Unit::Percent => percent(value),
        Unit::Count => grouped(value),
        _ => unit.shown(value / 1000 * 1000),
    };
    let (count, columns) = (panels.len(), panels.len().clamp(1, 2));
    let height = if columns == 1 { 2600 } else { 1500 };
    let places = Panels { count, columns, gap: 300, height, above: 360, pitch: height + 640 };
    let mut drawing = Drawing::new(WIDTH, places.rows() + 300);
    let points = panels.iter().flat_map(|panel| panel.lines.iter().flatten());
    let most = points.filter_map(|counts| Some(point(counts)?.high)).max().unwrap_or(0);
    let faults = Axis::round(most, 5, unit);
    drawing.text(60, 120, Anchor::Start, "t", &format!("{} of a run", words(metric)));
    for (at, panel) in panels.iter().enumerate() {
        let area = places.begin(&mut drawing, at, &panel.name);
        area.draw_vertical(&mut drawing, faults, places.is_left(at));
        let x = |value: usize| {
            area.left + area.width * (2 * value as i64 + 1) / (2 * values.len().max(1) as i64)
        };
        for (at, (policy, line)) in policies.iter().zip(&panel.lines).enumerate() {
            let points: Vec<(usize, Point)> = line
                .iter()
                .enumerate()
                .filter_map(|(value, counts)| Some((value, point(counts)?)))
                .collect();
            drawing.open(&series(at));
            let ends = points.iter().map(|&(value, Point { low, high, .. })| {
                (x(value), [low, high].map(|end| area.y(faults, end)))
            });
            drawing.path(&band(ends), &format!("band {}", fill(at)), None);
            let mut path = Path::default();
            for (index, &(value, Point { mean, .. })) in points.iter().enumerate() {
                let place = (x(value), area.y(faults, mean));
                match index {
                    0 => path.start(place.0, place.1),
                    _ => path.line_to(place.0, place.1),
                }
            }
            path.end();
            drawing.path(&path, &stroke(at), None);
            for &(value, Point { mean, low, high }) in &points {
                let title = format!(
                    "{policy}, {name}={}: {} {}, from {} to {}",
                    values[value],
                    shown(mean),
                    words(metric),
                    shown(low),
                    shown(high)
                );
                let mark = format!("mark {}", fill(at));
                drawing.circle(x(value), area.y(faults, mean), 35, &mark, Some(&title));
            }
            drawing.close();
        }
        label(&mut drawing, area, values, x);
        drawing.text(area.left + area.width / 2, area.bottom() + 330, Anchor::Middle, "t", name);
    }
    drawing
}

/// The values beneath an axis, as many as fit.
fn label(drawing: &mut Drawing, area: Area, values: &[String], x: impl Fn(usize) -> i64) {
    let widest = values.iter().map(|value| value.chars().count()).max().unwrap_or(0) as i64;
    let fit = (area.width / (LETTER * (widest + 2))).max(1) as usize;
    for (at, value) in values.iter().enumerate().step_by(values.len().div_ceil(fit).max(1)) {
        drawing.line((x(at), area.bottom()), (x(at), area.bottom() + 40), "axis");
        drawing.text(x(at), area.bottom() + 160, Anchor::Middle, "t", value);
    }
}
