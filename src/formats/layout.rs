//! Which column of a table is what: the layout that a format knows, and what the options say.

use super::cells::Separator;
use super::clock;
use super::error::{ReadError, ReadErrorKind};
use super::options::ReadOptions;
use super::pages::Scale;
use crate::trace::AccessKind;

/// How the field of the page is written.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Base {
    /// Decimal, or hexadecimal after `0x`.
    Decimal,
    /// Hexadecimal, with `0x` or without.
    Hexadecimal,
    /// A name of any bytes.
    Text,
}

/// Which column, from 1, is what, where the user says nothing else.
#[derive(Debug)]
pub(super) struct Layout {
    pub(super) separator: Separator,
    /// The names of the columns; a line needs only those that are read.
    pub(super) columns: &'static [&'static str],
    /// The columns of pages or addresses, and how each touches its page if no column says so.
    /// Columns after the first may be missing.
    pub(super) fields: &'static [(usize, Option<AccessKind>)],
    pub(super) base: Base,
    /// Bytes that an address counts in; nothing for pages and names.
    pub(super) unit: Option<u64>,
    pub(super) size: Option<usize>,
    /// Bytes that a size counts in.
    pub(super) size_unit: u64,
    pub(super) op: Option<usize>,
    /// Words for reads and for writes in addition to the usual ones.
    pub(super) reads: &'static [&'static str],
    pub(super) writes: &'static [&'static str],
    /// The columns that belong to a page's identity.
    pub(super) keys: &'static [usize],
    /// The column of the time, and the picoseconds that it counts in, where they are known.
    pub(super) time: Option<(usize, Option<u64>)>,
}

impl Layout {
    /// A table without a known layout.
    pub(super) const UNKNOWN: Self = Self {
        separator: Separator::Byte(b','),
        columns: &[],
        fields: &[],
        base: Base::Decimal,
        unit: None,
        size: None,
        size_unit: 1,
        op: None,
        reads: &[],
        writes: &[],
        keys: &[],
        time: None,
    };
}

/// The columns to read, from 0, and how.
#[derive(Debug)]
pub(super) struct Plan {
    pub(super) separator: Separator,
    pub(super) fields: Vec<(usize, Option<AccessKind>)>,
    pub(super) base: Base,
    pub(super) scale: Scale,
    pub(super) size: Option<usize>,
    pub(super) size_unit: u64,
    pub(super) op: Option<usize>,
    pub(super) reads: Vec<Vec<u8>>,
    pub(super) writes: Vec<Vec<u8>>,
    /// Words for frees in addition to the usual ones.
    pub(super) frees: Vec<Vec<u8>>,
    pub(super) keys: Vec<usize>,
    pub(super) split: Option<usize>,
    /// The column of the time, and the picoseconds that it counts in, if times are wanted.
    pub(super) time: Option<(usize, u64)>,
    pub(super) has_heading: bool,
}

/// The column and the unit of the time, if times are wanted: what the options say, else `known`.
pub(super) fn time<'n>(
    options: &ReadOptions,
    known: Option<(usize, Option<u64>)>,
    names: impl Iterator<Item = &'n [u8]> + Clone,
) -> Result<Option<(usize, u64)>, ReadError> {
    if !options.wants_times()? {
        return Ok(None);
    }
    let named = options.time_field.as_deref().map(|name| find(name, "time_field", names));
    let column = named.transpose()?.or(known.map(|(column, _)| column));
    let missing = |what: &str| ReadError::new(ReadErrorKind::NoEffect("time"), what.to_owned());
    let column = column
        .ok_or_else(|| missing("no column is known to hold times; name it (`--time-field`)"))?;
    let known_unit = known.filter(|known| known.0 == column).and_then(|known| known.1);
    let unit = clock::unit_said(options)?.or(known_unit).ok_or_else(|| {
        missing("the unit of the times is not known; say it (`--time-unit`): ns, us, ms or s")
    })?;
    Ok(Some((column, unit)))
}

/// The separator of the options.
pub(super) fn separator_said(options: &ReadOptions) -> Result<Option<Separator>, ReadError> {
    let Some(said) = options.separator.as_deref() else { return Ok(None) };
    match (said, said.as_bytes()) {
        ("blanks" | "blank" | " ", _) => Ok(Some(Separator::Blanks)),
        ("comma", _) => Ok(Some(Separator::Byte(b','))),
        ("semicolon", _) => Ok(Some(Separator::Byte(b';'))),
        ("tab" | "\\t", _) => Ok(Some(Separator::Byte(b'\t'))),
        (_, &[byte]) if byte != b'"' && byte != b'\n' => Ok(Some(Separator::Byte(byte))),
        _ => Err(ReadError::format(format!(
            "the separator is `{}`, expected comma, semicolon, tab, blanks or one character",
            said.escape_debug()
        ))),
    }
}

/// The base of the options.
pub(super) fn base_said(options: &ReadOptions) -> Result<Option<Base>, ReadError> {
    match options.base.as_deref() {
        None => Ok(None),
        Some("10" | "decimal") => Ok(Some(Base::Decimal)),
        Some("16" | "hex") => Ok(Some(Base::Hexadecimal)),
        Some("text") => Ok(Some(Base::Text)),
        Some(other) => Err(ReadError::format(format!(
            "the base is `{}`, expected 10, 16 or text",
            other.escape_debug()
        ))),
    }
}

/// Whether the options say that there is a heading, or none.
pub(super) fn header_said(options: &ReadOptions) -> Result<Option<bool>, ReadError> {
    match options.header.as_deref() {
        None => Ok(None),
        Some("yes") => Ok(Some(true)),
        Some("no") => Ok(Some(false)),
        Some(other) => Err(ReadError::format(format!(
            "the header is `{}`, expected yes or no",
            other.escape_debug()
        ))),
    }
}

/// Words with commas between them.
pub(super) fn words(said: Option<&str>, preset: &[&str]) -> Vec<Vec<u8>> {
    match said {
        Some(said) => said.split(',').map(|word| word.trim().as_bytes().to_vec()).collect(),
        None => preset.iter().map(|word| word.as_bytes().to_vec()).collect(),
    }
}

/// The column that is called so, from 0: by its number from 1 or by one of these names.
pub(super) fn find<'n>(
    wanted: &str,
    option: &'static str,
    names: impl Iterator<Item = &'n [u8]> + Clone,
) -> Result<usize, ReadError> {
    let number = wanted.strip_prefix('#').unwrap_or(wanted);
    let by_number = number.parse::<usize>().ok().and_then(|at| at.checked_sub(1));
    let is_it = |name: &[u8]| name.eq_ignore_ascii_case(wanted.as_bytes());
    by_number.or_else(|| names.clone().position(is_it)).ok_or_else(|| {
        let shown: Vec<String> = names
            .take(12)
            .map(|name| format!("`{}`", name[..name.len().min(24)].escape_ascii()))
            .collect();
        let kind = if option == "field" { ReadErrorKind::Damaged } else { ReadErrorKind::Format };
        let what =
            format!("1:1: there is no column `{wanted}`, expected one of {}", shown.join(", "));
        ReadError::new(kind, what)
    })
}
