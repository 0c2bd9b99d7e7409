//! Miss-ratio curves of traces and replacement algorithms, a line each.

use super::axis::{Area, percent};
use super::{Axis, Figure, INNER, LEFT, Unit, WIDTH, fill, keys, series, stroke};
use crate::number::{Millionths, counted};
use crate::render::svg::{Anchor, Drawing, Path};
use crate::store::mrc::{self, Curve};

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
    let most = points().map(|(_, (frames, _))| frames.0).max().unwrap_or(1);
    let highest = points().map(|(curve, &(_, faults))| ratio(curve, faults)).max().unwrap_or(0);
    let (frames, ratios) =
        (Axis::exact(most, 6, Unit::Count), Axis::round(highest, 5, Unit::Percent));
    let area = Area { left: LEFT, top: 320, width: INNER, height: 3200 };
    let mut drawing = Drawing::new(WIDTH, area.bottom() + 420);
    drawing.text(60, area.top - 160, Anchor::Start, "t", "demand faults per access");
    area.draw_vertical(&mut drawing, ratios, true);
    for (at, (curve, name)) in curves.iter().zip(names).enumerate() {
        let mut sorted = curve.points.clone();
        sorted.sort_unstable();
        let place = |&(held, faults): &(crate::units::Frames, u64)| {
            (area.x(frames, held.0), area.y(ratios, ratio(curve, faults)))
        };
        drawing.open(&series(at));
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
    area.draw_horizontal(&mut drawing, frames, "frames");
    drawing
}
