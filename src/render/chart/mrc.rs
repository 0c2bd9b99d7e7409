//! Miss-ratio curves of traces and replacement algorithms, a line each.

use super::axis::{Area, percent};
use super::{Axis, Figure, INNER, LEFT, Unit, WIDTH, band, fill, keys, series, stroke};
use crate::number::{Millionths, counted};
use crate::render::svg::{Anchor, Drawing, Path};
use crate::store::mrc::{self, Curve};
use crate::units::Frames;

/// The most points of a line that are marked.
const MARKED: usize = 40;

/// The figure of these curves, which have a point each at least.
pub(crate) fn figure(curves: &[Curve]) -> Figure {
    let names: Vec<String> = curves.iter().map(|curve| curve.title(curves)).collect();
    Figure {
        name: "miss-ratio-curves".to_owned(),
        title: "Miss-ratio curves".to_owned(),
        caption: "Demand faults as a share of the accesses, for every number of frames that was \
                  asked for. Lines between the points are drawn straight."
            .to_owned(),
        keys: keys(names.iter().map(String::as_str)),
        drawing: draw(curves, &names),
        table: mrc::table(curves),
    }
}

/// The fault ratio of a point, in millionths.
fn ratio(curve: &Curve, faults: u64) -> u64 {
    Millionths::ratio_or_zero(u128::from(faults), u128::from(curve.accesses)).0 as u64
}

fn draw(curves: &[Curve], names: &[String]) -> Drawing {
    let points = || curves.iter().flat_map(|curve| curve.points.iter().map(move |at| (curve, at)));
    let frames = || points().map(|(_, (frames, _))| frames.0);
    let scale = Scale::of(frames().min().unwrap_or(1), frames().max().unwrap_or(1));
    let ends = curves.iter().flat_map(|curve| curve.interval.iter().map(move |end| (curve, end.1)));
    let faults = points().map(|(curve, &(_, faults))| (curve, faults)).chain(ends);
    let highest = faults.map(|(curve, faults)| ratio(curve, faults)).max().unwrap_or(0);
    let ratios = Axis::round(highest, 5, Unit::Percent);
    let area = Area { left: LEFT, top: 320, width: INNER, height: 3200 };
    let mut drawing = Drawing::new(WIDTH, area.bottom() + 420);
    drawing.text(60, area.top - 160, Anchor::Start, "t", "demand faults per access");
    area.draw_vertical(&mut drawing, ratios, true);
    for (at, (curve, name)) in curves.iter().zip(names).enumerate() {
        let mut sorted = curve.points.clone();
        sorted.sort_unstable();
        let place = |&(held, faults): &(Frames, u64)| {
            (scale.x(area, held.0), area.y(ratios, ratio(curve, faults)))
        };
        drawing.open(&series(at));
        let mut ends: Vec<(u64, (u64, u64))> =
            curve.points.iter().map(|(frames, _)| frames.0).zip(curve.interval.clone()).collect();
        ends.sort_unstable();
        let ends = ends.iter().map(|&(held, (low, high))| {
            (scale.x(area, held), [low, high].map(|end| area.y(ratios, ratio(curve, end))))
        });
        if !curve.interval.is_empty() {
            drawing.path(&band(ends), &format!("band {}", fill(at)), None);
        }
        let mut path = Path::default();
        for (index, point) in sorted.iter().enumerate() {
            let (x, y) = place(point);
            if index == 0 { path.start(x, y) } else { path.line_to(x, y) }
        }
        path.end();
        drawing.path(&path, &stroke(at), None);
        for point in sorted.iter().filter(|_| sorted.len() <= MARKED) {
            let ((x, y), &(held, faults)) = (place(point), point);
            let (held, faults) = (counted(held.0, "frame"), ratio(curve, faults));
            let title = format!("{name}, {held}: {} faults", percent(faults));
            drawing.circle(x, y, 35, &format!("mark {}", fill(at)), Some(&title));
        }
        drawing.close();
    }
    scale.draw(area, &mut drawing);
    drawing
}

/// The axis of the frames.
#[derive(Clone, Copy)]
enum Scale {
    Linear(Axis),
    /// Doublings are equally far apart, from one number of frames to another: a curve over a wide
    /// range is steep where frames are few.
    Logarithmic(u64, u64),
}

impl Scale {
    /// The most frames, as a multiple of the fewest, that a linear axis shows.
    const LINEAR: u64 = 32;

    fn of(fewest: u64, most: u64) -> Self {
        let fewest = fewest.max(1);
        if most / fewest <= Self::LINEAR {
            return Self::Linear(Axis::exact(most, 6, Unit::Count));
        }
        Self::Logarithmic(fewest, most)
    }

    fn x(self, area: Area, frames: u64) -> i64 {
        match self {
            Self::Linear(axis) => area.x(axis, frames),
            Self::Logarithmic(fewest, most) => {
                let from = log2(fewest);
                let place = (log2(frames.max(fewest)) - from) * area.width.unsigned_abs();
                area.left + (place / (log2(most) - from)) as i64
            }
        }
    }

    fn draw(self, area: Area, drawing: &mut Drawing) {
        let Self::Logarithmic(fewest, most) = self else {
            let Self::Linear(axis) = self else { return };
            return area.draw_horizontal(drawing, axis, "frames");
        };
        let powers = (0..u64::BITS).map(|log| 1_u64 << log);
        let powers: Vec<u64> = powers.filter(|power| (fewest..=most).contains(power)).collect();
        let bottom = area.bottom();
        for &power in powers.iter().step_by(powers.len().div_ceil(12).max(1)) {
            let x = self.x(area, power);
            drawing.line((x, bottom), (x, bottom + 40), "axis");
            drawing.text(x, bottom + 160, Anchor::Middle, "t", &Unit::Count.shown(power));
        }
        let name = "frames, each doubling equally wide";
        drawing.text(area.left + area.width / 2, bottom + 320, Anchor::Middle, "t", name);
    }
}

/// Fractional bits of a logarithm.
const LOG_BITS: u32 = 16;

/// The binary logarithm of a number above 0, rounded down to 2⁻¹⁶, in integers: squaring a mantissa
/// gives a bit of the fraction each time it reaches 2.
fn log2(number: u64) -> u64 {
    let whole = number.ilog2();
    let mut mantissa = u128::from(number) << (63 - whole);
    let mut log = u64::from(whole);
    for _ in 0..LOG_BITS {
        mantissa = (mantissa * mantissa) >> 63;
        let bit = (mantissa >> 64) as u64;
        mantissa >>= bit;
        log = log << 1 | bit;
    }
    log
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn logarithms_are_those_of_floating_point_numbers() {
        for number in (1..3000).chain([1 << 40, u64::MAX / 3, u64::MAX]) {
            let expected = (number as f64).log2() * f64::from(1 << LOG_BITS);
            let found = log2(number) as f64;
            assert!((expected - found).abs() < 2.0, "{number}: {found}, expected {expected}");
        }
    }
}
