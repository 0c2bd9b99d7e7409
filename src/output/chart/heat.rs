//! Heat maps: a panel for each policy, a cell for each pair of values of two axes of a sweep.

use super::super::number::Millionths;
use super::super::svg::{Anchor, Drawing};
use super::super::table::{Cell, Table};
use super::axis::percent;
use super::{Figure, INNER, LEFT, WIDTH, clipped};

/// The classes of the colours, from few to many.
const SHADES: u64 = 7;

/// What a panel shows: for each row of cells and each column the fault ratio, if there was a run.
#[derive(Clone, Debug)]
pub struct Panel {
    /// The policy.
    pub policy: String,
    /// Millionths, by row and by column.
    pub cells: Vec<Vec<Option<u64>>>,
}

/// An axis of the sweep.
#[derive(Clone, Debug)]
pub struct Values {
    /// What is varied.
    pub name: String,
    /// Its values, in order.
    pub values: Vec<String>,
}

/// The panels over two axes; all have the same shades.
pub fn figure(panels: &[Panel], columns: &Values, rows: &Values) -> Figure {
    let mut table = Table::new(&["policy", &rows.name, &columns.name, "fault_ratio"]);
    for panel in panels {
        for (cells, row) in panel.cells.iter().zip(&rows.values) {
            for (cell, column) in cells.iter().zip(&columns.values) {
                let ratio = cell.map(|ratio| Millionths(u128::from(ratio)));
                let words = [&panel.policy, row, column].map(|word| Cell::from(word.as_str()));
                table.push(words.into_iter().chain([Cell::from(ratio)]).collect());
            }
        }
    }
    Figure {
        name: "heat".to_owned(),
        title: format!("Demand faults by {} and {}", columns.name, rows.name),
        caption: format!(
            "Demand faults as a share of the accesses, in the mean of all runs with the same {} \
             and {}; the darker, the more. All panels have the same shades.",
            columns.name, rows.name
        ),
        keys: Vec::new(),
        drawing: draw(panels, columns, rows),
        table,
    }
}

fn draw(panels: &[Panel], columns: &Values, rows: &Values) -> Drawing {
    let cells = || panels.iter().flat_map(|panel| panel.cells.iter().flatten().flatten().copied());
    let (least, most) = (cells().min().unwrap_or(0), cells().max().unwrap_or(0));
    let shade = |ratio: u64| (ratio - least) * SHADES / (most - least + 1);
    let width = (INNER / columns.values.len().max(1) as i64).min(1000);
    let height = 300;
    let pitch = height * rows.values.len() as i64 + 640;
    let mut drawing = Drawing::new(WIDTH, pitch * panels.len() as i64 + 100);
    let left = LEFT + 200;
    for (at, panel) in panels.iter().enumerate() {
        let top = pitch * at as i64 + 220;
        drawing.text(left, top - 70, Anchor::Start, "head", &panel.policy);
        for (row, (cells, value)) in panel.cells.iter().zip(&rows.values).enumerate() {
            let y = top + height * row as i64;
            drawing.text(left - 80, y + 190, Anchor::End, "t", &clipped(value, LEFT));
            for (column, cell) in cells.iter().enumerate() {
                let Some(ratio) = *cell else { continue };
                let x = left + width * column as i64;
                let title = format!(
                    "{}, {} {}, {} {value}: {} faults",
                    panel.policy,
                    columns.name,
                    columns.values[column],
                    rows.name,
                    percent(ratio)
                );
                let class = format!("cell h{}", shade(ratio));
                drawing.rect([x, y, width - 10, height - 10], &class, Some(&title));
                let ink = if shade(ratio) > 3 { "onlight" } else { "on" };
                let label = percent(ratio);
                if 62 * label.len() as i64 <= width {
                    drawing.text(x + width / 2, y + 190, Anchor::Middle, ink, &label);
                }
            }
        }
        let bottom = top + height * rows.values.len() as i64;
        for (column, value) in columns.values.iter().enumerate() {
            let x = left + width * column as i64 + width / 2;
            drawing.text(x, bottom + 140, Anchor::Middle, "t", &clipped(value, width));
        }
        let names = format!("{} across, {} down", columns.name, rows.name);
        drawing.text(left, bottom + 300, Anchor::Start, "small", &names);
    }
    drawing
}
