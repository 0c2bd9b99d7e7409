//! Axes: round ticks, and the positions of values, in integers.

use crate::number::{decimal, duration, grouped};
use crate::render::svg::{Anchor, Drawing, Tenths};
use crate::units::show_size;

/// What the numbers of an axis are.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Unit {
    /// Counts.
    Count,
    /// Millionths, shown as percent.
    Percent,
    /// Millionths, shown as decimal numbers.
    Decimal,
    /// Nanoseconds, shown as durations.
    Time,
    /// Bytes, shown as sizes.
    Size,
}

impl Unit {
    /// The title of a time axis in this unit.
    pub(crate) fn of_time(self) -> &'static str {
        if self == Self::Time { "time" } else { "ticks" }
    }

    /// A value as a label, without needless zeros.
    pub(crate) fn shown(self, value: u64) -> String {
        match self {
            Self::Percent => format!("{} %", decimal(value, 10_000)),
            Self::Decimal => decimal(value, 1_000_000),
            Self::Time => duration(value),
            Self::Size if value == 0 => "0".to_owned(),
            Self::Size => show_size(value),
            Self::Count => {
                let large = [(1_000_000_000_000, "T"), (1_000_000_000, "G"), (1_000_000, "M")];
                let unit = large.into_iter().find(|(one, _)| value >= *one);
                let unit = unit.filter(|(one, _)| value.is_multiple_of(one / 1000));
                unit.map_or_else(
                    || grouped(value),
                    |(one, letter)| format!("{} {letter}", decimal(value, one)),
                )
            }
        }
    }
}

/// Millionths as percent with at most two decimals, rounded half up; below a tenth of a percent
/// with all decimals, so that small values are not shown as 0.
pub(super) fn percent(millionths: u64) -> String {
    let few = millionths < 1000;
    Unit::Percent.shown(if few { millionths } else { millionths.saturating_add(50) / 100 * 100 })
}

/// An axis from 0 to a round number.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Axis {
    /// The last value.
    pub top: u64,
    /// The distance between ticks.
    pub step: u64,
    /// What the values are.
    pub unit: Unit,
}

impl Axis {
    /// An axis that reaches `most` in at most `ticks` steps of 1, 2 or 5 times a power of ten; of
    /// bytes, in a unit of which there are at least three.
    pub(crate) fn round(most: u64, ticks: u64, unit: Unit) -> Self {
        let most = most.max(1);
        let units = [1 << 40, 1 << 30, 1 << 20, 1 << 10];
        let size = units.into_iter().find(|&size| unit == Unit::Size && most / size >= 3);
        let mut step: u64 = size.unwrap_or(1);
        for times in [2, 5, 2].into_iter().cycle() {
            if step.saturating_mul(ticks) >= most {
                break;
            }
            // 1 → 2, 2 → 5, 5 → 10.
            step = if times == 5 { step.saturating_mul(5) / 2 } else { step.saturating_mul(2) };
        }
        Self { top: most.div_ceil(step).saturating_mul(step), step, unit }
    }

    /// The same, but it ends exactly at `most`.
    pub(crate) fn exact(most: u64, ticks: u64, unit: Unit) -> Self {
        Self { top: most.max(1), ..Self::round(most, ticks, unit) }
    }

    /// The position of a value on a stretch of `length`.
    pub(crate) fn place(self, value: u64, length: i64) -> i64 {
        (i128::from(length) * i128::from(value) / i128::from(self.top)) as i64
    }

    /// The ticks from 0 on.
    pub(crate) fn ticks(self) -> impl Iterator<Item = u64> {
        (0..=self.top / self.step).map(move |tick| tick * self.step)
    }
}

/// The area in which values are drawn.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Area {
    pub(super) left: i64,
    pub(super) top: i64,
    pub(super) width: i64,
    pub(super) height: i64,
}

impl Area {
    pub(super) fn bottom(self) -> i64 {
        self.top + self.height
    }

    pub(super) fn right(self) -> i64 {
        self.left + self.width
    }

    /// Left edge, width and bottom in pixels, for the script of a page.
    fn shown(self) -> String {
        let [left, width, bottom] = [self.left, self.width, self.bottom()].map(Tenths);
        format!("{left} {width} {bottom}")
    }

    /// The height of a value on a vertical axis.
    pub(super) fn y(self, axis: Axis, value: u64) -> i64 {
        self.bottom() - axis.place(value, self.height)
    }

    /// The position of a value on a horizontal axis.
    pub(super) fn x(self, axis: Axis, value: u64) -> i64 {
        self.left + axis.place(value, self.width)
    }

    /// Horizontal lines with their values on the left.
    pub(super) fn draw_vertical(self, drawing: &mut Drawing, axis: Axis, labelled: bool) {
        for tick in axis.ticks() {
            let y = self.y(axis, tick);
            drawing.line(
                (self.left, y),
                (self.right(), y),
                if tick == 0 { "axis" } else { "grid" },
            );
            if labelled {
                let label = axis.unit.shown(tick);
                drawing.text(self.left - 60, y + 35, Anchor::End, "t", &label);
            }
        }
    }

    /// Tick marks with their values beneath, and the axis's name beneath those.
    pub(super) fn draw_horizontal(self, drawing: &mut Drawing, axis: Axis, name: &str) {
        let bottom = self.bottom();
        drawing.open(&format!("class=\"ticks\" data-area=\"{}\"", self.shown()));
        for tick in axis.ticks() {
            let x = self.x(axis, tick);
            drawing.line((x, bottom), (x, bottom + 40), "axis");
            // What ends the axis does not reach into the area to the right.
            let (x, anchor) =
                if tick == axis.top { (x + 60, Anchor::End) } else { (x, Anchor::Middle) };
            drawing.text(x, bottom + 160, anchor, "t", &axis.unit.shown(tick));
        }
        drawing.close();
        drawing.text(self.left + self.width / 2, bottom + 320, Anchor::Middle, "t", name);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn labels_have_no_needless_zeros() {
        assert_eq!(Unit::Percent.shown(125_000), "12.5 %");
        assert_eq!(Unit::Count.shown(2_500_000), "2.5 M");
        assert_eq!(Unit::Count.shown(12_345), "12,345");
    }

    #[test]
    fn steps_are_round() {
        let axis = Axis::round(83, 5, Unit::Count);
        assert_eq!((axis.top, axis.step), (100, 20));
    }

    #[test]
    fn sizes_are_round_in_their_unit() {
        let axis = |most| Axis::exact(most, 6, Unit::Size);
        let last = |axis: Axis| axis.unit.shown(axis.ticks().last().unwrap());
        assert_eq!(last(axis(75 << 20)), "60 MiB");
        assert_eq!(last(axis(48 << 30)), "40 GiB");
        assert_eq!(last(axis(2 << 30)), "2000 MiB");
        assert_eq!(last(axis(0)), "1 B");
        assert_eq!(Unit::Size.shown(0), "0");
    }

    #[test]
    fn steps_are_1_2_or_5_times_a_power_of_ten_and_few() {
        for most in (1..3000).chain([u64::MAX / 2, u64::MAX]) {
            let axis = Axis::round(most, 5, Unit::Count);
            let digits = axis.step.to_string();
            assert!(["1", "2", "5"].contains(&digits.trim_end_matches('0')), "{axis:?}");
            assert!(axis.top >= most && axis.ticks().count() <= 6, "{axis:?} of {most}");
            let double = 2 * u128::from(most.max(axis.step));
            assert!(axis.step == 1 || u128::from(axis.top) < double, "{axis:?} of {most}");
        }
    }
}
