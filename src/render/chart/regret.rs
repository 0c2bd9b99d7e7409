//! Regret: how many more demand faults each policy has than the offline optimum, as lollipops.

use super::axis::Area;
use super::{Axis, Figure, Unit, WIDTH, clipped};
use crate::number::grouped;
use crate::render::svg::{Anchor, Drawing};
use crate::table::{Cell, Table};

/// A policy or a bound, and its demand faults.
pub(crate) type Entry = (String, u64);

/// Policies from the best to the worst, against `optimum`, the lowest bound that replays all
/// accesses, with the other bounds as lines.
pub(crate) fn figure(policies: &[Entry], bounds: &[Entry], optimum: &Entry) -> Figure {
    let mut sorted = policies.to_vec();
    sorted.sort_by_key(|(_, faults)| *faults);
    let mut table = Table::new(&["name", "role", "demand_faults", "regret"]);
    let roles = [("policy", sorted.as_slice()), ("bound", bounds)];
    for (role, entries) in roles {
        for (name, faults) in entries {
            let regret = faults.checked_sub(optimum.1);
            let row = [Cell::from(name.as_str()), role.into(), (*faults).into(), regret.into()];
            table.push(row.into());
        }
    }
    Figure {
        name: "regret".to_owned(),
        title: format!("Regret: demand faults above {}", optimum.0),
        caption: format!(
            "Each policy's demand faults in excess of the optimum, {}, which has {}; the fewest \
             first. Dashed lines are bounds, which know the future.",
            optimum.0,
            grouped(optimum.1)
        ),
        keys: Vec::new(),
        drawing: draw(&sorted, bounds, optimum),
        table,
    }
}

fn draw(policies: &[Entry], bounds: &[Entry], optimum: &Entry) -> Drawing {
    let above = |faults: u64| faults.saturating_sub(optimum.1);
    // Labels descend from left to right, so that none crosses another's line.
    let mut lines: Vec<&Entry> = bounds.iter().filter(|(_, faults)| *faults > optimum.1).collect();
    lines.sort_by_key(|(_, faults)| *faults);
    let top = 120 + 150 * lines.len() as i64;
    let pitch = 240;
    let area = Area { left: 1700, top, width: 4600, height: pitch * policies.len() as i64 + 80 };
    let mut drawing = Drawing::new(WIDTH, area.bottom() + 400);
    let most = policies.iter().chain(bounds).map(|(_, faults)| above(*faults)).max();
    let axis = Axis::round(most.unwrap_or(0), 5, Unit::Count);
    drawing.line((area.left, area.top), (area.left, area.bottom()), "axis");
    drawing.line((area.left, area.bottom()), (area.right(), area.bottom()), "axis");
    for (at, (name, faults)) in lines.iter().enumerate() {
        let x = area.x(axis, above(*faults));
        let y = 110 + 150 * at as i64;
        drawing.line((x, y + 30), (x, area.bottom()), "rule");
        drawing.text(x, y, Anchor::Start, "small", &format!("{name} +{}", grouped(above(*faults))));
    }
    for (at, (name, faults)) in policies.iter().enumerate() {
        let y = area.top + pitch * at as i64 + 160;
        let x = area.x(axis, above(*faults));
        drawing.text(area.left - 100, y + 40, Anchor::End, "t", &clipped(name, 1500));
        drawing.line((area.left, y), (x, y), "stem");
        let more = percent(above(*faults), optimum.1);
        let title = format!(
            "{name}: {} demand faults, {} above {}{more}",
            grouped(*faults),
            grouped(above(*faults)),
            optimum.0
        );
        drawing.circle(x, y, 60, "mark s0", Some(&title));
        let label = format!("+{}{more}", grouped(above(*faults)));
        drawing.text(x + 120, y + 40, Anchor::Start, "t", &label);
    }
    area.draw_horizontal(&mut drawing, axis, &format!("demand faults above {}", optimum.0));
    drawing
}

/// " (+12.3 %)"; nothing if the optimum is 0.
fn percent(above: u64, optimum: u64) -> String {
    let Some(tenths) =
        (u128::from(above) * 1000 + u128::from(optimum) / 2).checked_div(u128::from(optimum))
    else {
        return String::new();
    };
    format!(" ({}.{} %)", grouped(tenths / 10), tenths % 10)
}
