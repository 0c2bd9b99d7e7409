//! The warm-up: what each VM does first, run but not counted.

use std::fmt;

use crate::units::{Decimal, Ticks, parse_duration};

/// Which accesses of each VM are run but not counted.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum WarmUp {
    /// This share of its trace, below 1, rounded down to whole accesses.
    Share(Decimal),
    /// Its first accesses, this many.
    Accesses(u64),
    /// Those that start within this many ticks of the VM's own start.
    For(Ticks),
    /// Those that start before this tick of the run.
    Until(Ticks),
}

/// Where the warm-up of one VM ends.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum WarmUpEnd {
    /// After this many accesses.
    Accesses(u64),
    /// At this tick.
    Tick(Ticks),
}

impl WarmUp {
    /// Reads "10%", "1000" or "1000 accesses", "10 s" or "5000 ticks", "until 10 s" or
    /// "until 5000".
    ///
    /// # Errors
    /// What is wrong, in one sentence without a full stop.
    pub fn parse(text: &str) -> Result<Self, String> {
        let text = text.trim();
        if let Some(share) = text.strip_suffix('%') {
            let percent = Decimal::parse(share.trim_end())
                .filter(|percent| percent.places <= 16)
                .ok_or_else(|| format!("`{text}` is not a percentage such as 10%"))?;
            let share = Decimal { places: percent.places + 2, ..percent };
            if share.digits >= share.denominator() {
                return Err(format!("{text} of the accesses leave nothing to count"));
            }
            return Ok(Self::Share(share));
        }
        if let Some(tick) = text.strip_prefix("until ") {
            return ticks(tick).map(Self::Until);
        }
        let accesses = text.strip_suffix("accesses").or(text.strip_suffix("access"));
        if let Ok(accesses) = accesses.unwrap_or(text).trim_end().replace('_', "").parse() {
            return Ok(Self::Accesses(accesses));
        }
        ticks(text).map(Self::For)
    }

    /// Where it ends for a VM that starts at `start` with a trace of `trace_accesses` accesses.
    pub fn end(self, start: Ticks, trace_accesses: u64) -> WarmUpEnd {
        match self {
            Self::Share(share) => {
                let part = u128::from(trace_accesses) * u128::from(share.digits);
                WarmUpEnd::Accesses((part / u128::from(share.denominator())) as u64)
            }
            Self::Accesses(accesses) => WarmUpEnd::Accesses(accesses),
            Self::For(ticks) => WarmUpEnd::Tick(Ticks(start.0.saturating_add(ticks.0))),
            Self::Until(tick) => WarmUpEnd::Tick(tick),
        }
    }
}

/// A number of ticks, or a duration, in which a tick is 1 ns.
fn ticks(text: &str) -> Result<Ticks, String> {
    let text = text.trim();
    let number = text.strip_suffix("ticks").unwrap_or(text).trim_end().replace('_', "");
    let ticks = match number.parse() {
        Ok(ticks) => ticks,
        Err(_) => parse_duration(text).map_err(|error| format!("`{text}`: {error}"))?,
    };
    if ticks < 1 << 62 { Ok(Ticks(ticks)) } else { Err(format!("`{text}` is over 2^62 ticks")) }
}

/// In the form that [`parse`](WarmUp::parse) reads.
impl fmt::Display for WarmUp {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        match *self {
            Self::Share(Decimal { digits, places }) => {
                let one = 10_u64.pow(places - 2);
                write!(out, "{}", digits / one)?;
                if places > 2 {
                    let width = places as usize - 2;
                    write!(out, ".{:0width$}", digits % one)?;
                }
                write!(out, "%")
            }
            Self::Accesses(accesses) => write!(out, "{accesses} accesses"),
            Self::For(ticks) => write!(out, "{ticks} ticks"),
            Self::Until(tick) => write!(out, "until {tick}"),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_written_is_read() {
        for (text, shown) in [
            ("10%", "10%"),
            ("12.50 %", "12.50%"),
            ("1000", "1000 accesses"),
            ("1_000 accesses", "1000 accesses"),
            ("10 us", "10000 ticks"),
            ("5000 ticks", "5000 ticks"),
            ("until 5000", "until 5000"),
            ("until 1 us", "until 1000"),
        ] {
            let read = WarmUp::parse(text).unwrap();
            assert_eq!(read.to_string(), shown, "{text}");
            assert_eq!(WarmUp::parse(shown), Ok(read));
        }
        for wrong in ["100%", "x%", "", "ten", "10 m", "until", "until x", "-1", "until 9 h 1"] {
            assert!(WarmUp::parse(wrong).is_err(), "{wrong}");
        }
    }

    #[test]
    fn a_share_is_rounded_down() {
        let end = |text: &str| WarmUp::parse(text).unwrap().end(Ticks(7), 999);
        assert_eq!(end("10%"), WarmUpEnd::Accesses(99));
        assert_eq!(end("0.1%"), WarmUpEnd::Accesses(0));
        assert_eq!(end("5 ticks"), WarmUpEnd::Tick(Ticks(12)));
        assert_eq!(end("until 5"), WarmUpEnd::Tick(Ticks(5)));
    }
}
