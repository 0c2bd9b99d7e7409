//! What a limited column is for the worst VM of a mix over the amount that a plan varies: a line
//! with bands for each policy, the limit, and each policy's answer on it.

use super::axis::Area;
use super::{Axis, Figure, INNER, LEFT, Unit, WIDTH, band, fill, keys, series, stroke};
use crate::number::Millionths;
use crate::plan::{Answers, Point, Quantity, Question, Shortfall};
use crate::render::svg::{Anchor, Drawing, Path};
use crate::store::plan::{curve, points};

/// The chart of all policies, with the amounts that were tried besides those of the question.
pub(crate) fn figure(answers: &Answers<'_>, besides: &[Shortfall]) -> Figure {
    let policies = 0..answers.question.policies.len();
    let curves: Vec<Vec<Point>> = policies.map(|of| points(answers, besides, of)).collect();
    let scale = Scale::of(answers, &curves);
    let Question { quantity, policies, metric, .. } = answers.question;
    let bands = ", its bands reach to their 95th percentile and to the largest";
    let bands = if policies.len() > BANDS { "" } else { bands };
    let mut caption = format!(
        "{}. A line is the median of the mixes{bands}. The dashed line is the limit, and a large \
         mark on it a policy's answer.",
        scale.what
    );
    if scale.most > scale.values.top {
        caption += " The steep part above the chart is in the table.";
    }
    Figure {
        name: "curve".to_owned(),
        title: format!(
            "{} over {}",
            if metric.name == SLOWDOWN { "Slowdown" } else { metric.name },
            match quantity {
                Quantity::Memory => "the host's memory".to_owned(),
                Quantity::Tier(name) => format!("the size of the tier {name}"),
                Quantity::Copies(_) => "the number of copies".to_owned(),
            }
        ),
        caption,
        keys: keys(policies.iter().map(|policy| policy.name)),
        drawing: draw(answers, &scale, &curves),
        table: curve(answers, besides),
    }
}

const SLOWDOWN: &str = "slowdown";

/// The most policies whose bands are drawn; more would hide each other.
const BANDS: usize = 6;

/// How the metric and the amounts are shown.
struct Scale {
    /// What a value says.
    what: String,
    values: Axis,
    /// The first amount and the last that are drawn: those beyond are above the chart.
    drawn: [u64; 2],
    /// The bytes of an amount of 1; 1 for copies.
    unit: u64,
    /// The largest value.
    most: u64,
}

impl Scale {
    fn of(answers: &Answers<'_>, curves: &[Vec<Point>]) -> Self {
        let Question { quantity, metric, .. } = answers.question;
        let largest = curves.iter().flatten().filter_map(|point| point.share(100));
        let most = largest.max().map_or(0, |value| shown(answers, value));
        let limit = limit_shown(answers);
        // The region around the limit is what is asked for.
        let top = if limit == 0 { most } else { most.min(limit.saturating_mul(4)) };
        let what = match metric.name {
            SLOWDOWN => "How much longer than without faults the slowest VM of a mix takes",
            name => &format!("{name} of the VM of a mix that has most of it"),
        };
        let is_count = metric.is_count() || metric.name == "frames_mean";
        let values =
            Axis::round(top.max(limit), 5, if is_count { Unit::Count } else { Unit::Percent });
        let unit = if quantity.is_least() { answers.scenario.host.page_size } else { 1 };
        let is_seen = |point: &Point| {
            point.share(50).is_some_and(|value| shown(answers, value) <= values.top)
        };
        let drawn = drawn(curves, is_seen);
        Self { what: what.to_owned(), values, drawn, unit, most }
    }

    /// The position of an amount.
    fn x(&self, area: Area, amount: u64) -> i64 {
        let [from, to] = self.drawn.map(i128::from);
        let right = i128::from(area.width) * (i128::from(amount) - from);
        area.left + (right / (to - from).max(1)) as i64
    }

    /// Tick marks at round amounts, and the name of the axis.
    fn draw_amounts(&self, drawing: &mut Drawing, area: Area, quantity: &Quantity) {
        let kind = if quantity.is_least() { Unit::Size } else { Unit::Count };
        let [from, to] = self.drawn.map(|end| end.saturating_mul(self.unit));
        let Axis { step, .. } = Axis::round(to - from, 6, kind);
        for tick in from.div_ceil(step)..=to / step {
            let (value, bottom) = (tick * step, area.bottom());
            let right = i128::from(area.width) * i128::from(value - from);
            let x = area.left + (right / i128::from((to - from).max(1))) as i64;
            drawing.line((x, bottom), (x, bottom + 40), "axis");
            drawing.text(x, bottom + 160, Anchor::Middle, "t", &kind.shown(value));
        }
        let middle = area.left + area.width / 2;
        let name = match quantity {
            Quantity::Memory => "memory of the host".to_owned(),
            Quantity::Tier(name) => format!("size of the tier {name}"),
            Quantity::Copies(_) => "copies of the VMs".to_owned(),
        };
        drawing.text(middle, area.bottom() + 320, Anchor::Middle, "t", &name);
    }
}

/// From the amount before the first that is seen to the one after the last; from 0, if that makes
/// little difference.
fn drawn(curves: &[Vec<Point>], is_seen: impl Fn(&Point) -> bool) -> [u64; 2] {
    let mut ends: Option<[u64; 2]> = None;
    for curve in curves {
        let Some(first) = curve.iter().position(&is_seen) else { continue };
        let last = curve.iter().rposition(&is_seen).unwrap_or(first);
        let (from, to) = (first.saturating_sub(1), (last + 1).min(curve.len() - 1));
        let [from, to] = [curve[from].amount, curve[to].amount];
        let [least, most] = ends.unwrap_or([from, to]);
        ends = Some([from.min(least), to.max(most)]);
    }
    let all = || curves.iter().flatten().map(|point| point.amount);
    let [from, to] = ends.unwrap_or([0, all().max().unwrap_or(1)]);
    [if from <= to / 5 { 0 } else { from }, to]
}

/// A value as it is drawn: the slowdown as what it adds, counts as whole numbers, others as
/// millionths.
fn shown(answers: &Answers<'_>, value: Millionths) -> u64 {
    let metric = answers.question.metric;
    let drawn = match metric.name {
        SLOWDOWN => value.0.saturating_sub(Millionths::ONE),
        "frames_mean" => value.0 / Millionths::ONE,
        _ if metric.is_count() => value.0 / Millionths::ONE,
        _ => value.0,
    };
    u64::try_from(drawn).unwrap_or(u64::MAX)
}

fn limit_shown(answers: &Answers<'_>) -> u64 {
    let Question { at_most, .. } = answers.question;
    let one = u128::from(at_most.denominator());
    shown(answers, Millionths::ratio_or_zero(u128::from(at_most.digits), one))
}

/// A place on a curve: where it is, the mixes' median, their 95th percentile and the largest.
type Place = (i64, [u64; 3]);

fn draw(answers: &Answers<'_>, scale: &Scale, curves: &[Vec<Point>]) -> Drawing {
    let Question { quantity, policies, .. } = answers.question;
    let page_size = answers.scenario.host.page_size;
    let area = Area { left: LEFT, top: 280, width: INNER, height: 2900 };
    let mut drawing = Drawing::new(WIDTH, area.bottom() + 420);
    let top = scale.values.top;
    let [from, to] = scale.drawn;
    let x = |amount: u64| scale.x(area, amount);
    let y = |value: u64| area.y(scale.values, value.min(top));
    drawing.text(60, 120, Anchor::Start, "t", &axis_name(answers));
    area.draw_vertical(&mut drawing, scale.values, true);
    for (policy, (kind, curve)) in policies.iter().zip(curves).enumerate() {
        let place = |point: &Point| {
            let share = |percent| Some(shown(answers, point.share(percent)?));
            Some((point.amount, [share(50)?, share(95)?, share(100)?]))
        };
        let within = curve.iter().filter(|point| (from..=to).contains(&point.amount));
        let points: Vec<(u64, [u64; 3])> = within.filter_map(place).collect();
        let places: Vec<Place> =
            points.iter().map(|&(amount, values)| (x(amount), values)).collect();
        let places = crossed(&places, top);
        drawing.open(&series(policy));
        let uppers: &[usize] = if policies.len() > BANDS { &[] } else { &[1, 2] };
        for &upper in uppers {
            let ends = places.iter().map(|&(x, values)| (x, [y(values[0]), y(values[upper])]));
            drawing.path(&band(ends), &format!("band {}", fill(policy)), None);
        }
        for path in visible(&places, top, y) {
            drawing.path(&path, &stroke(policy), None);
        }
        for &(amount, values) in points.iter().filter(|(_, values)| values[0] <= top) {
            let [median, _, most] = values.map(|value| scale.values.unit.shown(value));
            let amount_shown = quantity.shown(amount, page_size);
            let title = format!("{}, {amount_shown}: median {median}, largest {most}", kind.name);
            let mark = format!("mark {}", fill(policy));
            drawing.circle(x(amount), y(values[0]), 28, &mark, Some(&title));
        }
        drawing.close();
    }
    limit(&mut drawing, answers, scale, area);
    scale.draw_amounts(&mut drawing, area, quantity);
    drawing
}

/// The limit, and each policy's answer on it.
fn limit(drawing: &mut Drawing, answers: &Answers<'_>, scale: &Scale, area: Area) {
    let Question { quantity, policies, .. } = answers.question;
    let limit = limit_shown(answers);
    let y = area.y(scale.values, limit);
    drawing.line((area.left, y), (area.right(), y), "rule");
    let label = format!("limit {}", scale.values.unit.shown(limit));
    drawing.text(area.left + 60, y - 60, Anchor::Start, "t", &label);
    for (policy, kind) in policies.iter().enumerate() {
        let Some(bound) = answers.bound(policy) else { continue };
        let x = scale.x(area, bound);
        // Equal answers are rings around each other.
        let later = (policy + 1..policies.len()).filter(|&of| answers.bound(of) == Some(bound));
        let radius = 60 + 25 * later.count() as i64;
        let amount = quantity.shown(bound, answers.scenario.host.page_size);
        drawing.open(&series(policy));
        let mark = format!("mark {}", fill(policy));
        drawing.circle(
            x,
            y,
            radius,
            &mark,
            Some(&format!("{}: the answer is {amount}", kind.name)),
        );
        drawing.close();
    }
}

fn axis_name(answers: &Answers<'_>) -> String {
    match answers.question.metric.name {
        SLOWDOWN => "how much the slowest VM is slowed down".to_owned(),
        name => format!("{name} of the worst VM"),
    }
}

/// The places with one more wherever a value crosses `top`.
fn crossed(places: &[Place], top: u64) -> Vec<Place> {
    let mut out = Vec::new();
    for pair in places.windows(2) {
        let ((left, from), (right, to)) = (pair[0], pair[1]);
        out.push(pair[0]);
        let crossing = |of: usize| {
            let (from, to) = (i128::from(from[of]), i128::from(to[of]));
            let there = i128::from(right - left) * (i128::from(top) - from) / (to - from);
            left + there as i64
        };
        let is_crossed = |of: &usize| (from[*of] > top) != (to[*of] > top);
        let mut at: Vec<(i64, usize)> =
            (0..3).filter(is_crossed).map(|of| (crossing(of), of)).collect();
        at.sort_unstable();
        for (x, crosses) in at {
            let value = |of: usize| {
                if of == crosses {
                    return top;
                }
                let (from, to) = (i128::from(from[of]), i128::from(to[of]));
                (from + (to - from) * i128::from(x - left) / i128::from((right - left).max(1)))
                    as u64
            };
            out.push((x, [0, 1, 2].map(value)));
        }
    }
    out.extend(places.last());
    out
}

/// The line of the medians, as far as they are not above `top`.
fn visible(places: &[Place], top: u64, y: impl Fn(u64) -> i64) -> Vec<Path> {
    let is_visible = |place: &Place| place.1[0] <= top;
    let parts = places.split(|place| !is_visible(place)).filter(|part| !part.is_empty());
    let path = |part: &[Place]| {
        let mut path = Path::default();
        path.start(part[0].0, y(part[0].1[0]));
        part[1..].iter().for_each(|&(x, values)| path.line_to(x, y(values[0])));
        path.end();
        path
    };
    parts.map(path).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_curve_is_cut_where_it_crosses_the_top() {
        let places = [(0, [300, 300, 500]), (100, [100, 150, 300]), (200, [0, 0, 0])];
        let cut = crossed(&places, 200);
        assert_eq!(
            cut,
            [
                (0, [300, 300, 500]),
                (50, [200, 225, 400]),
                (66, [168, 200, 368]),
                (100, [100, 150, 300]),
                (133, [67, 101, 200]),
                (200, [0, 0, 0]),
            ]
        );
        assert_eq!(visible(&cut, 200, |value| value as i64).len(), 1);
    }
}
