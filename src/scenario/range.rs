//! Ranges of an axis, expanded by index: value *i* is exactly `from + i·step` or `from · factorⁱ`,
//! so that no rounding accumulates and the last value is certain.

use super::document::{Literal, Node, Origin};
use crate::units::Decimal;

/// A decimal number with exact digits, `digits / 10^places`, possibly with a unit: 64, 0.25, "2
/// MiB".
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Number {
    digits: u128,
    places: u32,
    /// What follows the number in a string, "MiB" or "%"; `None` for a bare number.
    unit: Option<String>,
}

/// How a range advances.
#[derive(Clone, Debug)]
pub(super) enum Progress {
    /// Adds this, in the unit of the ends.
    Step(Number),
    /// Multiplies by this bare number.
    Factor(Number),
}

/// Why a range cannot be expanded.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Fault {
    /// It begins above its end.
    Empty,
    /// The step is 0, the factor is not above 1, or a range with a factor begins at 0.
    Stands,
    /// Its numbers have different units.
    Units,
    /// A value has more digits than can be kept exactly.
    Inexact,
    /// It has more values than allowed.
    TooMany,
}

/// The most decimal places of any number of a scenario.
const PLACES_MAX: u32 = 18;

impl Number {
    /// Reads a number, or a string of a number and a unit.
    pub(super) fn of(node: &Node) -> Option<Self> {
        let (text, is_string) = match &node.value {
            Literal::Integer(value) => (value.to_string(), false),
            Literal::Decimal(text) => (text.clone(), false),
            Literal::String(text) => (text.trim().to_owned(), true),
            _ => return None,
        };
        let is_digit = |letter: char| letter.is_ascii_digit() || letter == '.' || letter == '_';
        let end = text.find(|letter| !is_digit(letter)).unwrap_or(text.len());
        let unit = text[end..].trim_start();
        if is_string == unit.is_empty() {
            return None;
        }
        let Decimal { digits, places } = Decimal::parse(&text[..end])?;
        let unit = is_string.then(|| unit.to_owned());
        Some(Self { digits: digits.into(), places, unit }.normal())
    }

    /// The number as a value written at `origin`.
    pub(super) fn node(&self, origin: Origin) -> Node {
        let value = match (&self.unit, self.places) {
            (Some(unit), _) => {
                let space = if unit == "%" { "" } else { " " };
                Literal::String(format!("{}{space}{unit}", self.text()))
            }
            (None, 0) => Literal::Integer(i128::try_from(self.digits).unwrap_or(i128::MAX)),
            (None, _) => Literal::Decimal(self.text()),
        };
        Node { origin, value }
    }

    fn text(&self) -> String {
        let (one, width) = (10_u128.pow(self.places), self.places as usize);
        match width {
            0 => self.digits.to_string(),
            _ => format!("{}.{:0width$}", self.digits / one, self.digits % one),
        }
    }

    /// Without zeros at the end.
    fn normal(mut self) -> Self {
        while self.places > 0 && self.digits.is_multiple_of(10) {
            self.digits /= 10;
            self.places -= 1;
        }
        self
    }

    /// All digits, scaled to `places` decimal places.
    fn at_scale(&self, places: u32) -> Option<u128> {
        self.digits.checked_mul(10_u128.checked_pow(places.checked_sub(self.places)?)?)
    }

    fn is_above(&self, other: &Self) -> Option<bool> {
        let places = self.places.max(other.places);
        Some(self.at_scale(places)? > other.at_scale(places)?)
    }
}

/// The values from `from` to at most `to`, no more than `values_max`.
pub(super) fn expand(
    from: &Number,
    to: &Number,
    progress: &Progress,
    values_max: usize,
) -> Result<Vec<Number>, Fault> {
    if from.unit != to.unit {
        return Err(Fault::Units);
    }
    if from.is_above(to).ok_or(Fault::Inexact)? {
        return Err(Fault::Empty);
    }
    match progress {
        Progress::Step(step) => by_step(from, to, step, values_max),
        Progress::Factor(factor) => by_factor(from, to, factor, values_max),
    }
}

fn by_step(from: &Number, to: &Number, step: &Number, max: usize) -> Result<Vec<Number>, Fault> {
    if step.unit != from.unit {
        return Err(Fault::Units);
    }
    if step.digits == 0 {
        return Err(Fault::Stands);
    }
    let places = from.places.max(to.places).max(step.places);
    let [first, last, step] =
        [from, to, step].map(|number| number.at_scale(places).ok_or(Fault::Inexact));
    let (first, last, step) = (first?, last?, step?);
    let steps = (last - first) / step;
    if steps >= max as u128 {
        return Err(Fault::TooMany);
    }
    let value = |at: u128| Number { digits: first + at * step, places, unit: from.unit.clone() };
    Ok((0..=steps).map(|at| value(at).normal()).collect())
}

fn by_factor(from: &Number, to: &Number, by: &Number, max: usize) -> Result<Vec<Number>, Fault> {
    if by.unit.is_some() {
        return Err(Fault::Units);
    }
    let one = Number { digits: 1, places: 0, unit: None };
    if from.digits == 0 || by.is_above(&one) != Some(true) {
        return Err(Fault::Stands);
    }
    let mut values = Vec::new();
    let mut next = from.clone();
    while !next.is_above(to).ok_or(Fault::Inexact)? {
        if values.len() == max {
            return Err(Fault::TooMany);
        }
        if next.places > PLACES_MAX {
            return Err(Fault::Inexact);
        }
        let digits = next.digits.checked_mul(by.digits).ok_or(Fault::Inexact)?;
        let places = next.places + by.places;
        let after = Number { digits, places, unit: from.unit.clone() }.normal();
        values.push(std::mem::replace(&mut next, after));
    }
    Ok(values)
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn node(value: Literal) -> Node {
        Node { origin: Origin::whole(0), value }
    }

    fn number(text: &str) -> Number {
        let decimal = Number::of(&node(Literal::Decimal(text.to_owned())));
        decimal.or_else(|| Number::of(&node(Literal::String(text.to_owned())))).unwrap()
    }

    fn stepped(from: &str, to: &str, step: &str) -> Result<Vec<String>, Fault> {
        let step = Progress::Step(number(step));
        let values = expand(&number(from), &number(to), &step, 1000)?;
        Ok(values
            .iter()
            .map(|value| super::super::written::label(&value.node(Origin::whole(0))))
            .collect())
    }

    fn multiplied(from: &str, to: &str, factor: &str) -> Result<Vec<String>, Fault> {
        let factor = Progress::Factor(number(factor));
        let values = expand(&number(from), &number(to), &factor, 1000)?;
        Ok(values
            .iter()
            .map(|value| super::super::written::label(&value.node(Origin::whole(0))))
            .collect())
    }

    #[test]
    fn ranges_are_exact() {
        assert_eq!(
            stepped("1000", "9000", "2000").unwrap(),
            ["1000", "3000", "5000", "7000", "9000"]
        );
        assert_eq!(stepped("1", "2", "3").unwrap(), ["1"]);
        // Ten steps of a tenth: binary floating point would lose the eleventh value.
        let tenths = stepped("0", "1", "0.1").unwrap();
        assert_eq!((tenths.len(), tenths[3].as_str(), tenths[10].as_str()), (11, "0.3", "1"));
        assert_eq!(stepped("1 MiB", "2 MiB", "0.5 MiB").unwrap(), ["1 MiB", "1.5 MiB", "2 MiB"]);
        assert_eq!(stepped("10%", "30%", "10%").unwrap(), ["10%", "20%", "30%"]);
        assert_eq!(multiplied("128", "1024", "2").unwrap(), ["128", "256", "512", "1024"]);
        assert_eq!(
            multiplied("128", "1000", "1.5").unwrap(),
            ["128", "192", "288", "432", "648", "972"]
        );
        assert_eq!(multiplied("1 KiB", "4 KiB", "2").unwrap(), ["1 KiB", "2 KiB", "4 KiB"]);
    }

    #[test]
    fn what_cannot_be_expanded_says_why() {
        assert_eq!(stepped("2", "1", "1"), Err(Fault::Empty));
        assert_eq!(stepped("1", "2", "0"), Err(Fault::Stands));
        assert_eq!(multiplied("1", "2", "1"), Err(Fault::Stands));
        assert_eq!(multiplied("0", "2", "2"), Err(Fault::Stands));
        assert_eq!(stepped("1 MiB", "2 GiB", "1 MiB"), Err(Fault::Units));
        assert_eq!(stepped("1 MiB", "2 MiB", "1"), Err(Fault::Units));
        assert_eq!(stepped("0", "1", "0.0001"), Err(Fault::TooMany));
        assert_eq!(multiplied("1", "2", "1.000000000000000001"), Err(Fault::Inexact));
    }

    /// A decimal text of `digits`, `places` of them after the point.
    fn text(digits: u64, places: usize) -> String {
        let padded = format!("{digits:0>width$}", width = places + 1);
        let (whole, fraction) = padded.split_at(padded.len() - places);
        if places == 0 { whole.to_owned() } else { format!("{whole}.{fraction}") }
    }

    proptest! {
        /// Compared with exact fractions: multiplied by all denominators, every value is an
        /// integer.
        #[test]
        fn every_value_is_the_fraction_of_its_index(
            (from, from_places) in (0_u64..100_000, 0_usize..5),
            (span, span_places) in (0_u64..100_000, 0_usize..5),
            (step, step_places) in (1_u64..10_000, 0_usize..5),
        ) {
            // All in units of 10^-5, where everything is whole.
            let whole = |digits: u64, places: usize| {
                u128::from(digits) * 10_u128.pow(5 - places as u32)
            };
            let (first, width, stride) =
                (whole(from, from_places), whole(span, span_places), whole(step, step_places));
            let to = Number { digits: first + width, places: 5, unit: None };
            let progress = Progress::Step(number(&text(step, step_places)));
            let values = expand(&number(&text(from, from_places)), &to, &progress, usize::MAX);
            prop_assume!(width / stride < 100_000);
            let values = values.unwrap();
            prop_assert_eq!(values.len() as u128, width / stride + 1);
            for (at, value) in values.iter().enumerate() {
                prop_assert_eq!(value.at_scale(5), Some(first + at as u128 * stride));
            }
        }
    }
}
