//! The quantities of the simulation, each a type of its own, and their textual forms.
//!
//! Only these integers decide results, with one exception: the target of ARC and CAR, a real number
//! in their papers (`replace/directory.rs`). Sizes and durations in scenario files have units.
//! [`parse_size`] and [`parse_duration`] convert them to bytes and nanoseconds and refuse what is
//! not a whole number of these.

use std::cmp::Ordering;
use std::fmt;
use std::iter::Sum;
use std::ops::{Add, AddAssign, Sub, SubAssign};

/// The most frames, 4 PiB in pages of 4 KiB: sums over VMs and differences stay within 63 bits.
pub const FRAMES_MAX: u64 = 1 << 40;

/// The largest tick: sums of two stay within 64 bits.
pub const TICKS_MAX: u64 = (1 << 62) - 1;

/// Logical time since the run began. In a scenario with durations ("100 ms") one tick is 1 ns.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Ticks(pub u64);

/// A number of page frames of host memory.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Frames(pub u64);

/// A page of a VM's memory, as the VM numbers it.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Page(pub u64);

/// A VM, by its position in the scenario file.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct VmId(pub u32);

impl VmId {
    /// The VM's position, as an index into per-VM tables.
    pub fn index(self) -> usize {
        self.0 as usize
    }
}

/// An upper bound on the memory of a state, in bytes.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Footprint {
    /// Per page that the VM has touched.
    pub page: u64,
    /// Per page that may be resident at the same time.
    pub frame: u64,
    /// Per run of its trace.
    pub run: u64,
}

/// A checked scenario has no sums that overflow, and nothing is taken from less.
const OVERFLOW: &str = "quantities do not overflow";

macro_rules! quantity {
    ($($name:ident),*) => {$(
        impl Add for $name {
            type Output = Self;
            fn add(self, other: Self) -> Self {
                Self(self.0.checked_add(other.0).expect(OVERFLOW))
            }
        }
        impl Sub for $name {
            type Output = Self;
            fn sub(self, other: Self) -> Self {
                Self(self.0.checked_sub(other.0).expect(OVERFLOW))
            }
        }
        impl AddAssign for $name {
            fn add_assign(&mut self, other: Self) {
                *self = *self + other;
            }
        }
        impl SubAssign for $name {
            fn sub_assign(&mut self, other: Self) {
                *self = *self - other;
            }
        }
        impl Sum for $name {
            fn sum<I: Iterator<Item = Self>>(quantities: I) -> Self {
                Self(quantities.map(|quantity| quantity.0).sum())
            }
        }
        impl fmt::Display for $name {
            fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
                self.0.fmt(out)
            }
        }
    )*};
}

quantity!(Ticks, Frames);

impl fmt::Display for Page {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(out)
    }
}

/// Why a size or a duration could not be read.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum UnitError {
    /// There is no number before the unit.
    NoNumber,
    /// The unit is missing: the units allowed.
    NoUnit(&'static str),
    /// The unit is unknown: the unit found and the units allowed.
    UnknownUnit(String, &'static str),
    /// The unit is ambiguous, as "M" may mean MB or MiB: the unit and both meanings.
    AmbiguousUnit(String, &'static str, &'static str),
    /// The quantity is not a whole number of bytes or nanoseconds, as in "1.5 B".
    NotWhole(&'static str),
    /// The quantity does not fit into 64 bits.
    Overflow,
}

impl fmt::Display for UnitError {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::NoNumber => write!(out, "there is no number before the unit"),
            Self::NoUnit(known) => write!(out, "the unit is missing, expected one of {known}"),
            Self::UnknownUnit(unit, known) => {
                write!(out, "unknown unit `{unit}`, expected one of {known}")
            }
            Self::AmbiguousUnit(unit, decimal, binary) => {
                write!(out, "`{unit}` may mean {decimal} or {binary}, write the one you mean")
            }
            Self::NotWhole(base) => write!(out, "the quantity is not a whole number of {base}"),
            Self::Overflow => write!(out, "the quantity does not fit into 64 bits"),
        }
    }
}

const SIZE_UNITS: &[(&str, u64)] = &[
    ("B", 1),
    ("KiB", 1 << 10),
    ("MiB", 1 << 20),
    ("GiB", 1 << 30),
    ("TiB", 1 << 40),
    ("kB", 1_000),
    ("KB", 1_000),
    ("MB", 1_000_000),
    ("GB", 1_000_000_000),
    ("TB", 1_000_000_000_000),
];
const SIZE_NAMES: &str = "B, KiB, MiB, GiB, TiB, KB, MB, GB, TB";

const AMBIGUOUS_SIZES: &[(&str, &str, &str)] = &[
    ("k", "KB (1000 bytes)", "KiB (1024 bytes)"),
    ("m", "MB (1000² bytes)", "MiB (1024² bytes)"),
    ("g", "GB (1000³ bytes)", "GiB (1024³ bytes)"),
    ("t", "TB (1000⁴ bytes)", "TiB (1024⁴ bytes)"),
];

const DURATION_UNITS: &[(&str, u64)] = &[
    ("ns", 1),
    ("us", 1_000),
    ("µs", 1_000),
    ("ms", 1_000_000),
    ("s", 1_000_000_000),
    ("min", 60_000_000_000),
    ("h", 3_600_000_000_000),
];
const DURATION_NAMES: &str = "ns, us, ms, s, min, h";

/// A size such as "2 MiB" or "1.5 GiB" in bytes.
///
/// # Errors
/// The text is not a decimal number with one of the units B, KiB … TiB, KB … TB, or is not a whole
/// number of bytes.
///
/// ```
/// use balloonist::units::parse_size;
/// assert_eq!(parse_size("2 MiB"), Ok(2 << 20));
/// assert_eq!(parse_size("1.5KiB"), Ok(1536));
/// let error = parse_size("2 M").unwrap_err();
/// assert_eq!(
///     error.to_string(),
///     "`M` may mean MB (1000² bytes) or MiB (1024² bytes), write the one you mean"
/// );
/// ```
pub fn parse_size(text: &str) -> Result<u64, UnitError> {
    let (number, unit) = split_number(text)?;
    let ambiguous = AMBIGUOUS_SIZES.iter().find(|(short, ..)| unit.eq_ignore_ascii_case(short));
    if let Some((_, decimal, binary)) = ambiguous {
        return Err(UnitError::AmbiguousUnit(unit.to_owned(), decimal, binary));
    }
    number.scaled(find_unit(unit, SIZE_UNITS, SIZE_NAMES)?).ok_or_overflow("bytes")
}

/// A size in the largest binary unit that divides it.
pub fn show_size(bytes: u64) -> String {
    let (mut size, mut unit) = (bytes, "B");
    for larger in ["KiB", "MiB", "GiB", "TiB"] {
        if size == 0 || size % 1024 != 0 {
            break;
        }
        (size, unit) = (size / 1024, larger);
    }
    format!("{size} {unit}")
}

/// A size in the largest binary unit that is not above it, with one decimal, rounded up: what is
/// needed is not understated.
///
/// ```
/// use balloonist::units::show_size_up;
/// assert_eq!(show_size_up(753 * 65_536), "47.1 MiB");
/// assert_eq!(show_size_up(48 << 30), "48 GiB");
/// assert_eq!(show_size_up((1 << 20) - 1), "1 MiB");
/// ```
pub fn show_size_up(bytes: u64) -> String {
    let tenths = |shift: u32| (u128::from(bytes) * 10).div_ceil(1 << shift);
    let units = [(0, "B"), (10, "KiB"), (20, "MiB"), (30, "GiB"), (40, "TiB")];
    let fits = |&&(shift, _): &&(u32, &str)| tenths(shift) >= 10;
    let &(shift, unit) = units.iter().rev().find(fits).unwrap_or(&units[0]);
    match tenths(shift) {
        tenths if tenths % 10 == 0 => format!("{} {unit}", tenths / 10),
        tenths => format!("{}.{} {unit}", tenths / 10, tenths % 10),
    }
}

/// A duration such as "100 ms" or "0.5 s" in nanoseconds.
///
/// # Errors
/// The text is not a decimal number with one of the units ns, us, ms, s, min, h, or is not a whole
/// number of nanoseconds.
///
/// ```
/// use balloonist::units::parse_duration;
/// assert_eq!(parse_duration("100 ms"), Ok(100_000_000));
/// assert!(parse_duration("0.5 ns").is_err());
/// ```
pub fn parse_duration(text: &str) -> Result<u64, UnitError> {
    let (number, unit) = split_number(text)?;
    if unit == "m" {
        return Err(UnitError::AmbiguousUnit("m".to_owned(), "ms (milliseconds)", "min (minutes)"));
    }
    number.scaled(find_unit(unit, DURATION_UNITS, DURATION_NAMES)?).ok_or_overflow("nanoseconds")
}

/// A non-negative decimal number, read from its text without rounding: `digits / 10^places`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Decimal {
    /// All digits of the number as one integer.
    pub digits: u64,
    /// The number of digits after the decimal point, at most 18.
    pub places: u32,
}

impl Decimal {
    /// Compares `numerator` / `denominator` with a threshold; 0 / 0 counts as 0.
    pub(crate) fn compare_ratio(numerator: u64, denominator: u64, threshold: Self) -> Ordering {
        let left = u128::from(numerator) * u128::from(threshold.denominator());
        left.cmp(&(u128::from(denominator.max(1)) * u128::from(threshold.digits)))
    }

    /// Reads "3", "0.75", "`1_000.5`". `None` if the text is not such a number, or has more digits
    /// than 64 bits hold.
    pub fn parse(text: &str) -> Option<Self> {
        let (whole, fraction) = text.split_once('.').unwrap_or((text, ""));
        if whole.is_empty() || (fraction.is_empty() && text.contains('.')) {
            return None;
        }
        let digit = |letter: char| letter.to_digit(10).map(u64::from);
        let mut digits = 0_u64;
        let mut places = 0;
        for letter in whole.chars().filter(|&letter| letter != '_') {
            digits = digits.checked_mul(10)?.checked_add(digit(letter)?)?;
        }
        for letter in fraction.chars().filter(|&letter| letter != '_') {
            digits = digits.checked_mul(10)?.checked_add(digit(letter)?)?;
            places += 1;
        }
        (places <= 18).then_some(Self { digits, places })
    }

    /// The denominator of the number as a fraction.
    pub fn denominator(self) -> u64 {
        10_u64.pow(self.places)
    }

    /// `self` × `whole`, rounded down.
    pub fn floor_of(self, whole: u64) -> u64 {
        let product = u128::from(self.digits) * u128::from(whole);
        u64::try_from(product / u128::from(self.denominator())).unwrap_or(u64::MAX)
    }

    fn scaled(self, unit: u64) -> Scaled {
        let product = u128::from(self.digits) * u128::from(unit);
        let denominator = u128::from(self.denominator());
        if product % denominator == 0 {
            u64::try_from(product / denominator).map_or(Scaled::Overflow, Scaled::Whole)
        } else {
            Scaled::NotWhole
        }
    }
}

impl fmt::Display for Decimal {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (denominator, places) = (self.denominator(), self.places as usize);
        match places {
            0 => self.digits.fmt(out),
            _ => {
                write!(out, "{}.{:0places$}", self.digits / denominator, self.digits % denominator)
            }
        }
    }
}

enum Scaled {
    Whole(u64),
    NotWhole,
    Overflow,
}

impl Scaled {
    fn ok_or_overflow(self, base: &'static str) -> Result<u64, UnitError> {
        match self {
            Self::Whole(quantity) => Ok(quantity),
            Self::NotWhole => Err(UnitError::NotWhole(base)),
            Self::Overflow => Err(UnitError::Overflow),
        }
    }
}

fn split_number(text: &str) -> Result<(Decimal, &str), UnitError> {
    let text = text.trim();
    let end = text
        .find(|letter: char| !(letter.is_ascii_digit() || letter == '.' || letter == '_'))
        .unwrap_or(text.len());
    if end == 0 {
        return Err(UnitError::NoNumber);
    }
    let number = Decimal::parse(&text[..end]).ok_or(UnitError::Overflow)?;
    Ok((number, text[end..].trim_start()))
}

fn find_unit(unit: &str, units: &[(&str, u64)], names: &'static str) -> Result<u64, UnitError> {
    if unit.is_empty() {
        return Err(UnitError::NoUnit(names));
    }
    units
        .iter()
        .find(|(name, _)| *name == unit)
        .map(|&(_, scale)| scale)
        .ok_or_else(|| UnitError::UnknownUnit(unit.to_owned(), names))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sizes_are_shown_in_their_largest_unit() {
        assert_eq!([1, 4096, 2 << 20, 1536].map(show_size), ["1 B", "4 KiB", "2 MiB", "1536 B"]);
    }

    #[test]
    fn sizes_are_exact_or_refused() {
        for (text, bytes) in
            [("4 KiB", 4096), ("1 TB", 1_000_000_000_000), ("0.5 MiB", 524_288), ("1_000 B", 1000)]
        {
            assert_eq!(parse_size(text), Ok(bytes), "{text}");
        }
        assert_eq!(parse_size("1.5 B"), Err(UnitError::NotWhole("bytes")));
        assert_eq!(parse_size("MiB"), Err(UnitError::NoNumber));
        assert_eq!(parse_size("12"), Err(UnitError::NoUnit(SIZE_NAMES)));
        assert_eq!(parse_size("1 furlong").unwrap_err().to_string().find("furlong"), Some(14));
        assert_eq!(parse_size("99999999999 TiB"), Err(UnitError::Overflow));
        assert_eq!(parse_size("99999999999999999999999 B"), Err(UnitError::Overflow));
    }

    #[test]
    fn durations_are_exact_or_refused() {
        for (text, nanoseconds) in [("3 ns", 3), ("2 min", 120_000_000_000), ("1.5us", 1500)] {
            assert_eq!(parse_duration(text), Ok(nanoseconds), "{text}");
        }
        assert!(matches!(parse_duration("5 m"), Err(UnitError::AmbiguousUnit(..))));
        assert_eq!(parse_duration("0.0001 us"), Err(UnitError::NotWhole("nanoseconds")));
    }

    #[test]
    fn decimals_keep_every_digit() {
        assert_eq!(Decimal::parse("0.75"), Some(Decimal { digits: 75, places: 2 }));
        for bad in ["", ".", "1.", ".5", "1.2.3", "-1", "1e3", "99999999999999999999"] {
            assert_eq!(Decimal::parse(bad), None, "{bad}");
        }
    }
}
