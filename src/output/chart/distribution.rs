//! Distributions over the runs of a sweep, and paired differences from the baseline.

use std::fmt::Write as _;

use super::super::number::{Millionths, grouped};
use super::super::svg::{Anchor, Drawing, Path};
use super::super::table::Table;
use super::axis::Area;
use super::{Axis, Figure, Unit, WIDTH, clipped, fill};
use crate::sweep::statistics::Summary;

/// The demand faults of a policy, run by run.
pub type Runs = (String, Vec<u64>);

/// Boxes from quartile to quartile, whiskers from the least to the most.
pub fn figure(policies: &[Runs]) -> Figure {
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
        caption: "Boxes reach from the lower to the upper quartile with the median in them, \
                  whiskers from the fewest to the most demand faults of a run."
            .to_owned(),
        keys: Vec::new(),
        drawing,
        table,
    }
}

const ROW: i64 = 260;

fn area(rows: usize) -> Area {
    Area { left: 1700, top: 60, width: 4600, height: ROW * rows as i64 }
}

/// A mean of paired differences and half of its 95 % interval, in millionths.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Interval {
    mean: i128,
    half: Option<i128>,
}

impl Interval {
    /// Of the differences of runs from baseline runs with the same seed and parameters.
    fn of(differences: &[i128]) -> Option<Self> {
        let n = i128::try_from(differences.len()).ok().filter(|&n| n > 0)?;
        let one = Millionths::ONE as i128;
        let sum: i128 = differences.iter().sum();
        let squares: i128 = differences.iter().map(|difference| difference * difference).sum();
        // Beyond that, which no run comes to, squares would not fit.
        let fit = differences.iter().all(|difference| difference.abs() < 1 << 40);
        let half = (n > 1 && fit).then(|| {
            // t · √(variance / n), the variance with n − 1.
            let numerator = (n * squares - sum * sum).unsigned_abs();
            let error =
                (numerator * Millionths::ONE / (n * n * (n - 1)) as u128 * Millionths::ONE).isqrt();
            (error * quantile(n as usize - 1) / 1000) as i128
        });
        Some(Self { mean: sum * one / n, half })
    }
}

/// The 97.5 % quantile of Student's t, in thousandths.
fn quantile(degrees: usize) -> u128 {
    const T: [u128; 30] = [
        12706, 4303, 3182, 2776, 2571, 2447, 2365, 2306, 2262, 2228, 2201, 2179, 2160, 2145, 2131,
        2120, 2110, 2101, 2093, 2086, 2080, 2074, 2069, 2064, 2060, 2056, 2052, 2048, 2045, 2042,
    ];
    match degrees {
        1..=30 => T[degrees - 1],
        31..=60 => 2042,
        61..=120 => 2000,
        _ => 1980,
    }
}

/// Lollipops: how many demand faults more or fewer a run has than the baseline's run of the same
/// seed and parameters. Each list of runs is in the same order.
pub fn paired(policies: &[Runs], baseline: &Runs) -> Figure {
    let others: Vec<(&str, Interval)> = policies
        .iter()
        .filter(|(policy, _)| *policy != baseline.0)
        .filter_map(|(policy, runs)| {
            let pairs = runs.iter().zip(&baseline.1);
            let differences: Vec<i128> =
                pairs.map(|(&run, &base)| i128::from(run) - i128::from(base)).collect();
            Some((policy.as_str(), Interval::of(&differences)?))
        })
        .collect();
    let mut table = Table::new(&["policy", "mean_difference", "interval_low", "interval_high"]);
    for (policy, Interval { mean, half }) in &others {
        let end = |sign: i128| half.map(|half| signed(mean + sign * half));
        let row = [(*policy).into(), signed(*mean).into(), end(-1).into(), end(1).into()];
        table.push(row.into());
    }
    Figure {
        name: "paired".to_owned(),
        title: format!("Demand faults against {}", baseline.0),
        caption: format!(
            "The mean difference in demand faults between a run and that of {} with the same seed \
             and parameters; the bar is its 95 % interval by Student's t. Left of 0 is better.",
            baseline.0
        ),
        keys: Vec::new(),
        drawing: draw_paired(&others, &baseline.0),
        table,
    }
}

/// Millionths with a sign.
fn signed(millionths: i128) -> String {
    let sign = if millionths < 0 { "-" } else { "" };
    format!("{sign}{}", Millionths(millionths.unsigned_abs()))
}

/// Millionths as people read a difference: one decimal and a sign.
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

fn draw_paired(others: &[(&str, Interval)], baseline: &str) -> Drawing {
    let area = area(others.len());
    let mut drawing = Drawing::new(WIDTH, area.bottom() + 400);
    let far = |interval: &Interval| interval.mean.abs() + interval.half.unwrap_or(0);
    let most = others.iter().map(|(_, interval)| far(interval)).max().unwrap_or(0);
    let axis = Axis::round((most / Millionths::ONE as i128 + 1) as u64, 3, Unit::Count);
    let (half, middle) = (area.width / 2, area.left + area.width / 2);
    let x = |millionths: i128| {
        let top = i128::from(axis.top) * Millionths::ONE as i128;
        middle + (i128::from(half) * millionths / top) as i64
    };
    for tick in axis.ticks() {
        for sign in [-1, 1].into_iter().take(if tick == 0 { 1 } else { 2 }) {
            let place = x(sign * i128::from(tick) * Millionths::ONE as i128);
            drawing.line((place, area.top), (place, area.bottom()), "grid");
            let sign = if tick == 0 {
                ""
            } else if sign < 0 {
                "−"
            } else {
                "+"
            };
            let label = format!("{sign}{}", axis.unit.shown(tick));
            drawing.text(place, area.bottom() + 160, Anchor::Middle, "t", &label);
        }
    }
    drawing.line((middle, area.top), (middle, area.bottom()), "axis");
    let name = format!("demand faults more or fewer than {baseline}");
    drawing.text(middle, area.bottom() + 320, Anchor::Middle, "t", &name);
    for (at, (policy, Interval { mean, half })) in others.iter().enumerate() {
        let y = area.top + ROW * at as i64 + ROW / 2;
        drawing.text(area.left - 100, y + 40, Anchor::End, "t", &clipped(policy, 1500));
        drawing.line((middle, y), (x(*mean), y), "stem");
        let mut title = format!("{policy}: {} in the mean", signed(*mean));
        if let Some(half) = half {
            let (low, high) = (x(mean - half), x(mean + half));
            let mut path = Path::default();
            path.start(low, y - 50);
            path.step_to(low, y + 50);
            path.start(low, y);
            path.line_to(high, y);
            path.start(high, y - 50);
            path.step_to(high, y + 50);
            path.end();
            drawing.path(&path, "whisker", None);
            let _ = write!(title, ", from {} to {}", signed(mean - half), signed(mean + half));
        }
        drawing.circle(x(*mean), y, 55, "mark s0", Some(&title));
        let end = x(mean + half.unwrap_or(0)).max(middle) + 120;
        drawing.text(end, y + 40, Anchor::Start, "t", &tenths(*mean));
    }
    drawing
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Python: `statistics.stdev([1, 2, 3, 4, 10]) / math.sqrt(5) * 2.776445` is 4.389945, the
    /// last factor being the quantile of Student's t with 4 degrees of freedom.
    #[test]
    fn an_interval_is_that_of_the_t_test() {
        let Interval { mean, half } = Interval::of(&[1, 2, 3, 4, 10]).unwrap();
        assert_eq!(mean, 4_000_000);
        let off = half.unwrap() - 4_389_945;
        assert!(off.abs() < 1000, "{half:?}");
        assert_eq!(Interval::of(&[-3]), Some(Interval { mean: -3_000_000, half: None }));
        assert_eq!(Interval::of(&[]), None);
    }
}
