//! Where the panels of a figure stand.

use super::axis::Area;
use super::{INNER, LEFT, clipped};
use crate::render::svg::{Anchor, Drawing};

/// Panels side by side, in rows of equal columns, each with its name above it.
#[derive(Clone, Copy, Debug)]
pub(super) struct Panels {
    pub(super) count: usize,
    pub(super) columns: usize,
    /// The space between two columns.
    pub(super) gap: i64,
    /// The height of a panel's area.
    pub(super) height: i64,
    /// The space above a panel's area, where its name stands.
    pub(super) above: i64,
    /// From the top of a row to the next.
    pub(super) pitch: i64,
}

impl Panels {
    /// How many columns panels of VMs need.
    pub(super) fn columns_of(count: usize) -> usize {
        match count {
            0 | 1 => 1,
            2..=8 => 2,
            _ => 4,
        }
    }

    /// The height of all rows.
    pub(super) fn rows(self) -> i64 {
        self.count.div_ceil(self.columns) as i64 * self.pitch
    }

    /// Whether a panel is the first of its row.
    pub(super) fn is_left(self, at: usize) -> bool {
        at.is_multiple_of(self.columns)
    }

    /// Whether no panel is below a panel.
    pub(super) fn is_lowest(self, at: usize) -> bool {
        at + self.columns >= self.count
    }

    /// The area of a panel, whose name is drawn.
    pub(super) fn begin(self, drawing: &mut Drawing, at: usize, name: &str) -> Area {
        let (columns, height) = (self.columns as i64, self.height);
        let (column, row) = ((at % self.columns) as i64, (at / self.columns) as i64);
        let width = (INNER - self.gap * (columns - 1)) / columns;
        let left = LEFT + column * (width + self.gap);
        let area = Area { left, top: row * self.pitch + self.above, width, height };
        drawing.text(left, area.top - 70, Anchor::Start, "head", &clipped(name, width));
        area
    }
}
