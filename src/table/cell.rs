//! One value of a table, and its forms for files and for people.

use serde_json::Value;

use crate::number::{Millionths, SignedMillionths, duration, grouped};

/// One value of a table.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Cell {
    /// A name or a word.
    Text(String),
    /// A count.
    Integer(u64),
    /// Nanoseconds.
    Time(u64),
    /// A ratio or a mean.
    Ratio(Millionths),
    /// A difference, or an end of an interval.
    Signed(SignedMillionths),
    /// Unknown or undefined.
    Empty,
}

impl Cell {
    /// The form in files.
    pub fn plain(&self) -> String {
        match self {
            Self::Text(text) => text.clone(),
            Self::Integer(number) | Self::Time(number) => number.to_string(),
            Self::Ratio(number) => number.to_string(),
            Self::Signed(number) => number.to_string(),
            Self::Empty => String::new(),
        }
    }

    /// The cell that [`plain`](Self::plain) shows as `text`: a number only if it is written as
    /// numbers are.
    pub(crate) fn read(text: &str) -> Self {
        let integer = text.parse().ok().map(Self::Integer).filter(|cell| cell.plain() == text);
        let number = integer.or_else(|| Millionths::parse(text).map(Self::Ratio));
        match number {
            Some(number) => number,
            None if text.is_empty() => Self::Empty,
            None => Self::from(text),
        }
    }

    pub(crate) fn for_people(&self) -> String {
        match self {
            Self::Integer(number) => grouped(number),
            Self::Time(nanoseconds) => duration(*nanoseconds),
            Self::Ratio(number) => grouped(number),
            Self::Signed(number) => grouped(number),
            Self::Text(_) | Self::Empty => self.plain(),
        }
    }

    pub(super) fn json(&self) -> Value {
        match self {
            Self::Text(text) => Value::from(text.as_str()),
            Self::Integer(number) | Self::Time(number) => Value::from(*number),
            // The double nearest to a number with six decimals prints as that number.
            Self::Ratio(number) => Value::from(number.0 as f64 / Millionths::ONE as f64),
            Self::Signed(number) => Value::from(number.0 as f64 / Millionths::ONE as f64),
            Self::Empty => Value::Null,
        }
    }
}

impl From<&str> for Cell {
    fn from(text: &str) -> Self {
        Self::Text(text.to_owned())
    }
}

impl From<String> for Cell {
    fn from(text: String) -> Self {
        Self::Text(text)
    }
}

impl From<u64> for Cell {
    fn from(number: u64) -> Self {
        Self::Integer(number)
    }
}

impl From<Millionths> for Cell {
    fn from(number: Millionths) -> Self {
        Self::Ratio(number)
    }
}

impl From<SignedMillionths> for Cell {
    fn from(number: SignedMillionths) -> Self {
        Self::Signed(number)
    }
}

impl<T: Into<Self>> From<Option<T>> for Cell {
    fn from(value: Option<T>) -> Self {
        value.map_or(Self::Empty, Into::into)
    }
}
