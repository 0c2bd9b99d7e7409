//! Heat maps: a panel for each policy, with a cell for each pair of values of two axes of a sweep.

use super::axis::percent;
use super::{Figure, INNER, LEFT, LETTER, WIDTH, clipped, text_width};
use crate::number::Millionths;
use crate::render::svg::{Anchor, Drawing};
use crate::table::{Cell, Table};

/// The classes of the colours, from few to many.
const SHADES: u64 = 7;

/// A panel's fault ratios by row and column, where there was a run.
#[derive(Clone, Debug)]
pub(crate) struct Panel {
    /// The policy.
    pub policy: String,
    /// Millionths, by row and by column.
    pub cells: Vec<Vec<Option<u64>>>,
}

/// An axis of the sweep. If there is none, its single value has no name and is not mentioned.
#[derive(Clone, Debug)]
pub(crate) struct Values {
    /// What is varied.
    pub name: String,
    /// Its values, in order.
    pub values: Vec<String>,
}

/// "host.memory and checkpoint.every", or the only one.
pub(super) fn both(columns: &Values, rows: &Values) -> String {
    match rows.values.len() {
        1 => columns.name.clone(),
        _ => format!("{} and {}", columns.name, rows.name),
    }
}

/// The value of an axis in a table.
pub(super) fn shown(value: &str) -> Cell {
    Cell::from(Some(value).filter(|value| !value.is_empty()))
}

/// The panels over two axes, all with the same shades.
pub(crate) fn figure(panels: &[Panel], columns: &Values, rows: &Values) -> Figure {
    let mut table = Table::new(&["policy", &rows.name, &columns.name, "fault_ratio"]);
    for panel in panels {
        for (cells, row) in panel.cells.iter().zip(&rows.values) {
            for (cell, column) in cells.iter().zip(&columns.values) {
                let ratio = cell.map(|ratio| Millionths(u128::from(ratio)));
                let words = [&panel.policy, row, column].map(|word| shown(word));
                table.push(words.into_iter().chain([Cell::from(ratio)]).collect());
            }
        }
    }
    Figure {
        name: "heat".to_owned(),
        title: format!("Demand faults by {}", both(columns, rows)),
        caption: format!(
            "Demand faults as a share of the accesses, averaged over all runs with the same {}; \
             darker is more. All panels have the same shades.",
            both(columns, rows)
        ),
        keys: Vec::new(),
        drawing: draw(panels, columns, rows),
        table: table.without_empty_columns(),
    }
}

fn draw(panels: &[Panel], columns: &Values, rows: &Values) -> Drawing {
    let cells = || panels.iter().flat_map(|panel| panel.cells.iter().flatten().flatten().copied());
    let (least, most) = (cells().min().unwrap_or(0), cells().max().unwrap_or(0));
    let shade = |ratio: u64| (ratio - least) * SHADES / (most - least + 1);
    let sheet = Sheet::new(columns, rows);
    let pitch = sheet.height() + 260;
    let mut drawing = Drawing::new(WIDTH, pitch * panels.len() as i64 + 100);
    for (at, panel) in panels.iter().enumerate() {
        let top = pitch * at as i64 + 220;
        drawing.text(sheet.left, top - 70, Anchor::Start, "head", &panel.policy);
        sheet.draw_labels(&mut drawing, top);
        for (row, cells) in panel.cells.iter().enumerate() {
            for (column, cell) in cells.iter().enumerate() {
                let Some(ratio) = *cell else { continue };
                let place = sheet.cell(top, row, column);
                let [x, y, width, height] = place;
                let name = sheet.name(row, column);
                let title = format!("{}, {name}: {} faults", panel.policy, percent(ratio));
                let class = format!("cell h{}", shade(ratio));
                drawing.rect(place, &class, Some(&title));
                let ink = if shade(ratio) > 3 { "onlight" } else { "on" };
                let label = percent(ratio);
                if LETTER * label.len() as i64 <= width {
                    drawing.text(x + width / 2, y + height / 2 + 40, Anchor::Middle, ink, &label);
                }
            }
        }
    }
    drawing
}

/// The positions of a map's cells: values of one axis across, of another down.
pub(super) struct Sheet<'a> {
    columns: &'a Values,
    rows: &'a Values,
    pub(super) left: i64,
    width: i64,
}

impl<'a> Sheet<'a> {
    /// The height of a row.
    const ROW: i64 = 340;

    pub(super) fn new(columns: &'a Values, rows: &'a Values) -> Self {
        let longest = rows.values.iter().map(|value| text_width(value)).max().unwrap_or(0);
        let left = (longest + 160).clamp(200, LEFT + 600);
        let room = LEFT + INNER - left;
        let width = (room / columns.values.len().max(1) as i64).min(1500);
        Self { columns, rows, left, width }
    }

    /// Including what is below the cells.
    pub(super) fn height(&self) -> i64 {
        Self::ROW * self.rows.values.len() as i64 + 380
    }

    /// The place of a cell below `top`.
    pub(super) fn cell(&self, top: i64, row: usize, column: usize) -> [i64; 4] {
        let (x, y) = (self.left + self.width * column as i64, top + Self::ROW * row as i64);
        [x, y, self.width - 10, Self::ROW - 10]
    }

    /// "host.memory 128, checkpoint.every 1000".
    pub(super) fn name(&self, row: usize, column: usize) -> String {
        let value = |axis: &Values, at: usize| format!("{} {}", axis.name, axis.values[at]);
        let across = value(self.columns, column);
        match self.rows.values.len() {
            1 => across,
            _ => format!("{across}, {}", value(self.rows, row)),
        }
    }

    /// The values along both sides, and the names of the axes.
    pub(super) fn draw_labels(&self, drawing: &mut Drawing, top: i64) {
        for (row, value) in self.rows.values.iter().enumerate() {
            let [_, y, _, height] = self.cell(top, row, 0);
            let value = clipped(value, self.left - 140);
            drawing.text(self.left - 80, y + height / 2 + 40, Anchor::End, "t", &value);
        }
        let bottom = top + Self::ROW * self.rows.values.len() as i64;
        // As many evenly spaced values as fit.
        let widest = self.columns.values.iter().map(|value| text_width(value)).max().unwrap_or(0);
        let widest = (widest + 60).min(900);
        let every = (widest as usize).div_ceil(self.width as usize).max(1);
        for (column, value) in self.columns.values.iter().enumerate().step_by(every) {
            let [x, _, width, _] = self.cell(top, 0, column);
            let value = clipped(value, self.width * every as i64);
            drawing.text(x + width / 2, bottom + 140, Anchor::Middle, "t", &value);
        }
        let down = if self.rows.values.len() > 1 {
            format!(", {} down", self.rows.name)
        } else {
            String::new()
        };
        let names = format!("{} across{down}", self.columns.name);
        drawing.text(self.left, bottom + 300, Anchor::Start, "small", &names);
    }
}
