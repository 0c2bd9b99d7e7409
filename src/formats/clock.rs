//! Recorded times on their way into a trace: units, decimal numbers, and one beginning for all VMs.

use super::error::ReadError;
use super::input::decimal;
use super::options::ReadOptions;
use crate::trace::TraceBuilder;
use crate::units::parse_duration;

/// A nanosecond in picoseconds, in which units of time count.
pub(super) const NS: u64 = 1000;
pub(super) const US: u64 = 1000 * NS;
pub(super) const MS: u64 = 1000 * US;
pub(super) const S: u64 = 1000 * MS;

/// Gives accesses their times. All VMs of a file count from its first record.
#[derive(Debug, Default)]
pub(super) struct Clock {
    first: Option<u64>,
}

impl Clock {
    /// A clock, if recorded times are wanted.
    pub(super) fn of(options: &ReadOptions) -> Result<Option<Self>, ReadError> {
        Ok(options.wants_times()?.then(Self::default))
    }

    /// All accesses that the builder was given since the last call were made at this time, in
    /// nanoseconds.
    #[inline]
    pub(super) fn at(&mut self, builder: &mut TraceBuilder, time: u64) {
        let first = *self.first.get_or_insert(time);
        if !builder.has_times() && builder.accesses() > 0 {
            builder.since(first);
        }
        builder.at(time);
    }
}

/// A decimal number of units, each `unit` picoseconds, in whole nanoseconds; `None` if it is no
/// such number, or too large.
#[inline]
pub(super) fn nanoseconds(text: &[u8], unit: u64) -> Option<u64> {
    let point = memchr::memchr(b'.', text).unwrap_or(text.len());
    let (whole, fraction) = (&text[..point], text.get(point + 1..).unwrap_or_default());
    let mut time = u128::from(decimal(whole).ok()?) * u128::from(unit);
    if !fraction.is_empty() {
        // More digits cannot change the nanoseconds.
        let fraction = &fraction[..fraction.len().min(15)];
        let part = u128::from(decimal(fraction).ok()?) * u128::from(unit);
        time += part / 10_u128.pow(fraction.len() as u32);
    }
    u64::try_from(time / u128::from(NS)).ok()
}

/// The picoseconds of the option `time_unit`.
pub(super) fn unit_said(options: &ReadOptions) -> Result<Option<u64>, ReadError> {
    let Some(said) = options.time_unit.as_deref() else { return Ok(None) };
    let begins_with_digit = said.starts_with(|letter: char| letter.is_ascii_digit());
    let one = if begins_with_digit { said.to_owned() } else { format!("1 {said}") };
    let unit = if said == "ps" {
        Some(1)
    } else {
        parse_duration(&one).ok().and_then(|ns| ns.checked_mul(NS)).filter(|&unit| unit > 0)
    };
    unit.map(Some).ok_or_else(|| {
        ReadError::format(format!(
            "the unit of time is `{}`, expected ps, ns, us, ms, s or a duration such as `100 ns`",
            said.escape_debug()
        ))
    })
}

/// A unit in picoseconds, as messages show it.
pub(super) fn shown(unit: u64) -> String {
    let units = [(S, "s"), (MS, "ms"), (US, "us"), (NS, "ns"), (1, "ps")];
    let (scale, name) =
        units.into_iter().find(|(scale, _)| unit.is_multiple_of(*scale)).unwrap_or((1, "ps"));
    if unit == scale { name.to_owned() } else { format!("{} {name}", unit / scale) }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn times_are_whole_nanoseconds_rounded_down() {
        for (text, unit, expected) in [
            ("0.551706", S, Some(551_706_000)),
            ("128166372003061629", 100 * NS, Some(12_816_637_200_306_162_900)),
            ("77", 1, Some(0)),
            ("1999", 1, Some(1)),
            ("3.0000000019999999999999", S, Some(3_000_000_001)),
            ("12", MS, Some(12_000_000)),
            ("1.", S, Some(1_000_000_000)),
            (".5", S, None),
            ("-1", S, None),
            ("1e3", S, None),
            ("", S, None),
            ("99999999999999999999", NS, None),
            ("18446744074", S, None),
        ] {
            assert_eq!(nanoseconds(text.as_bytes(), unit), expected, "{text}");
        }
    }

    #[test]
    fn units_are_shown_as_they_are_said() {
        for (said, unit) in
            [("ps", 1), ("ns", NS), ("100 ns", 100 * NS), ("s", S), ("2 ms", 2 * MS)]
        {
            let options = ReadOptions { time_unit: Some(said.to_owned()), ..Default::default() };
            assert_eq!(unit_said(&options), Ok(Some(unit)));
            assert_eq!(shown(unit), said);
        }
        let wrong = ReadOptions { time_unit: Some("m".to_owned()), ..Default::default() };
        assert!(unit_said(&wrong).is_err());
    }
}
