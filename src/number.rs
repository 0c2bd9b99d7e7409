//! Number formats: ratios with six decimals, digits in groups of three.

use std::cmp::Ordering;
use std::fmt;

use serde::de::Error as _;
use serde::{Deserialize, Deserializer};

use crate::units::Decimal;

/// A non-negative number with six decimals.
///
/// Every ratio in every output comes from [`Millionths::ratio`], an integer division rounded half
/// up, so the last digit is the same on every machine.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord)]
pub struct Millionths(pub u128);

/// Numbers below this can be divided in 64 bits: 2⁴² · 2,000,000 < 2⁶³.
const SMALL: u128 = 1 << 42;

impl Millionths {
    /// The number 1 in millionths.
    pub const ONE: u128 = 1_000_000;

    /// `numerator / denominator`, rounded half up; `None` if the denominator is 0.
    ///
    /// ```
    /// use balloonist::number::Millionths;
    /// assert_eq!(Millionths::ratio(2, 3).unwrap().to_string(), "0.666667");
    /// assert_eq!(Millionths::ratio(1, 0), None);
    /// ```
    pub fn ratio(numerator: u128, denominator: u128) -> Option<Self> {
        if numerator < SMALL && denominator < SMALL {
            // The same in 64 bits, whose divisions are many times faster.
            let (numerator, denominator) = (numerator as u64, denominator as u64);
            let doubled = 2 * numerator * Self::ONE as u64;
            let ratio = (doubled + denominator).checked_div(2 * denominator)?;
            return Some(Self(u128::from(ratio)));
        }
        let whole = numerator.checked_div(denominator)?;
        let rest = numerator % denominator;
        let doubled = 2 * rest * Self::ONE;
        Some(Self(whole * Self::ONE + (doubled + denominator) / (2 * denominator)))
    }

    /// Reads what [`Display`](fmt::Display) writes; `None` for any other text.
    pub fn parse(text: &str) -> Option<Self> {
        let (whole, fraction) = text.split_once('.').filter(|(_, part)| part.len() == 6)?;
        let number = Self(format!("{whole}{fraction}").parse().ok()?);
        (number.to_string() == text).then_some(number)
    }

    /// The ratio, or 0 if the denominator is 0, as for the fault ratio without accesses.
    pub fn ratio_or_zero(numerator: u128, denominator: u128) -> Self {
        Self::ratio(numerator, denominator).unwrap_or_default()
    }

    /// Compares it with a limit of any number of decimals.
    pub fn compare(self, limit: Decimal) -> Ordering {
        let denominator = u128::from(limit.denominator());
        let digits = u128::from(limit.digits);
        let fractions = (self.0 % Self::ONE * denominator).cmp(&(digits % denominator * Self::ONE));
        (self.0 / Self::ONE).cmp(&(digits / denominator)).then(fractions)
    }
}

impl fmt::Display for Millionths {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(out, "{}.{:06}", self.0 / Self::ONE, self.0 % Self::ONE)
    }
}

impl<'d> Deserialize<'d> for Millionths {
    fn deserialize<D: Deserializer<'d>>(from: D) -> Result<Self, D::Error> {
        let text = String::deserialize(from)?;
        let wrong = || D::Error::custom(format!("`{text}` is not a number with six decimals"));
        Self::parse(&text).ok_or_else(wrong)
    }
}

/// A number with six decimals that may be negative: a difference, or an end of an interval.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord)]
pub struct SignedMillionths(pub i128);

impl SignedMillionths {
    /// `numerator / denominator`, rounded to the nearest, halves away from zero; `None` if the
    /// denominator is 0.
    pub fn ratio(numerator: i128, denominator: u128) -> Option<Self> {
        let Millionths(size) = Millionths::ratio(numerator.unsigned_abs(), denominator)?;
        Some(Self(size as i128 * numerator.signum()))
    }
}

impl fmt::Display for SignedMillionths {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        let sign = if self.0 < 0 { "-" } else { "" };
        write!(out, "{sign}{}", Millionths(self.0.unsigned_abs()))
    }
}

/// The number with its digits in groups of three: 1,234,567. For numbers in sentences, except
/// identifiers such as seeds, line numbers and page numbers.
pub fn grouped(number: impl fmt::Display) -> String {
    let text = number.to_string();
    let (sign, text) = text.split_at(usize::from(text.starts_with('-')));
    let (whole, fraction) = text.split_at(text.find('.').unwrap_or(text.len()));
    let mut out = String::with_capacity(text.len() + text.len() / 3);
    out.push_str(sign);
    for (at, digit) in whole.chars().enumerate() {
        if at > 0 && (whole.len() - at) % 3 == 0 {
            out.push(',');
        }
        out.push(digit);
    }
    out + fraction
}

/// A mean for sentences, with one decimal unless that is 0: 1,234.5.
pub fn rounded(mean: Millionths) -> String {
    let tenths = (mean.0 + Millionths::ONE / 20) / (Millionths::ONE / 10);
    match tenths % 10 {
        0 => grouped(tenths / 10),
        rest => format!("{}.{rest}", grouped(tenths / 10)),
    }
}

/// "1 frame", "1,200 frames", "1,200 accesses", "2 mixes".
pub fn counted(number: u64, noun: &str) -> String {
    let ending = match noun.ends_with(['s', 'x']) {
        _ if number == 1 => "",
        true => "es",
        false => "s",
    };
    format!("{} {noun}{ending}", grouped(number))
}

/// "every tick", "every 1,200 ticks"; if a tick is a nanosecond of the scenario, "every 10 s".
pub fn every(ticks: u64, in_time: bool) -> String {
    match ticks {
        _ if in_time => format!("every {}", duration(ticks)),
        1 => "every tick".to_owned(),
        _ => format!("every {}", counted(ticks, "tick")),
    }
}

/// Nanoseconds in the largest unit up to seconds that is not above them, exactly: "3,634.84 s".
pub fn duration(nanoseconds: u64) -> String {
    let units = [(1_000_000_000, "s"), (1_000_000, "ms"), (1000, "µs"), (1, "ns")];
    let unit = units.into_iter().find(|(one, _)| nanoseconds >= *one);
    unit.map_or_else(
        || "0 s".to_owned(),
        |(one, name)| format!("{} {name}", decimal(nanoseconds, one)),
    )
}

/// `value / one` with all its decimals and no needless zero; `one` is a power of ten.
pub fn decimal(value: u64, one: u64) -> String {
    let (whole, rest) = (value / one, value % one);
    let digits = one.ilog10() as usize;
    let rest = format!("{rest:0digits$}");
    let rest = rest.trim_end_matches('0');
    if rest.is_empty() { grouped(whole) } else { format!("{}.{rest}", grouped(whole)) }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ratios_of_small_and_large_numbers_are_rounded_alike() {
        let numbers = (0..60).chain([999_999, 1_000_001, SMALL - 1]);
        for numerator in numbers.clone() {
            for denominator in numbers.clone() {
                let scaled = Millionths::ratio(numerator << 60, denominator << 60);
                assert_eq!(Millionths::ratio(numerator, denominator), scaled);
            }
        }
    }

    #[test]
    fn durations_are_exact() {
        for (nanoseconds, text) in [
            (0, "0 s"),
            (1, "1 ns"),
            (1500, "1.5 µs"),
            (999_999_999, "999.999999 ms"),
            (3_634_840_000_000, "3,634.84 s"),
            (60_000_000_001, "60.000000001 s"),
        ] {
            assert_eq!(duration(nanoseconds), text);
        }
        assert_eq!(every(10_000_000_000, true), "every 10 s");
    }

    #[test]
    fn ratios_are_rounded_half_up() {
        for (numerator, denominator, text) in [
            (34, 106, "0.320755"),
            (1, 2_000_000, "0.000001"),
            (1, 2_000_001, "0.000000"),
            (999_999_999, 1_000_000_000, "1.000000"),
            (7, 2, "3.500000"),
            (u128::from(u64::MAX), 1, "18446744073709551615.000000"),
        ] {
            assert_eq!(Millionths::ratio(numerator, denominator).unwrap().to_string(), text);
        }
    }

    #[test]
    fn digits_are_grouped_left_of_the_point() {
        for (number, text) in [
            ("7", "7"),
            ("1234", "1,234"),
            ("123456.123456", "123,456.123456"),
            ("-123", "-123"),
            ("-1234.5", "-1,234.5"),
        ] {
            assert_eq!(grouped(number), text);
        }
        assert_eq!(
            [counted(1, "frame"), counted(0, "frame"), counted(1, "access"), counted(2, "access")],
            ["1 frame", "0 frames", "1 access", "2 accesses"]
        );
    }

    #[test]
    fn numbers_compare_with_limits_to_the_last_digit() {
        for (found, limit, expected) in [
            (1_050_000, "1.05", Ordering::Equal),
            (1_050_001, "1.05", Ordering::Greater),
            (1_049_999, "1.05", Ordering::Less),
            (7_000_000, "7", Ordering::Equal),
            (999_999, "1", Ordering::Less),
            (u128::from(u64::MAX) * 1_000_000, "18446744073709551615", Ordering::Equal),
            (500_000, "0.500000000000000001", Ordering::Less),
        ] {
            let limit = Decimal::parse(limit).unwrap();
            assert_eq!(Millionths(found).compare(limit), expected, "{found} and {limit}");
        }
    }
}
