//! Tables of text: what every format reads that has a record a line and fields in columns.
//!
//! A [`Layout`] says which column is what; the options of the user go over it. The reader of `csv`
//! and the presets (`presets.rs`) differ in their layouts alone. Fields in quotes are as in RFC
//! 4180: a quote in them is doubled, and a separator or a line end is part of them.

use super::error::{ReadError, ReadErrorKind};
use super::input::{BadNumber, HEAD, Input, LINE_MAX, Line, hex, number, without_mark};
use super::kind::Source;
use super::options::ReadOptions;
use super::owner::Owner;
use super::pages::{Scale, each_line, operation};
use crate::trace::{AccessKind, TraceBuilder};
use csv_core::{ReadRecordResult, Reader, ReaderBuilder};

use super::spaces::Texts;

/// What separates the fields of a line.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Separator {
    /// A byte; two of them have an empty field between them.
    Byte(u8),
    /// Blanks and tabs, however many.
    Blanks,
}

/// How the field of the page is written.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Base {
    /// Decimal, or hexadecimal behind `0x`.
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
    /// The names of the columns; a line has at least so many as are used.
    pub(super) columns: &'static [&'static str],
    /// The columns of pages or addresses, and how each touches its page if no column says so.
    /// Columns behind the first may be missing.
    pub(super) fields: &'static [(usize, Option<AccessKind>)],
    pub(super) base: Base,
    /// Bytes that an address counts in; nothing for pages and names.
    pub(super) unit: Option<u64>,
    pub(super) size: Option<usize>,
    /// Bytes that a size counts in.
    pub(super) size_unit: u64,
    pub(super) op: Option<usize>,
    /// Words for reads and for writes beside those that everybody uses.
    pub(super) reads: &'static [&'static str],
    pub(super) writes: &'static [&'static str],
    /// The columns that belong to a page's identity.
    pub(super) keys: &'static [usize],
}

impl Layout {
    /// A table of which nothing is known.
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
    pub(super) keys: Vec<usize>,
    pub(super) split: Option<usize>,
    pub(super) has_heading: bool,
}

/// The cells of one line.
#[derive(Debug, Default)]
pub(super) struct Cells {
    ranges: Vec<(usize, usize)>,
    /// The text of a line with quotes.
    text: Vec<u8>,
    is_quoted: bool,
}

impl Cells {
    /// Splits a line into its first `wanted` cells.
    #[inline]
    pub(super) fn split(&mut self, line: &[u8], separator: Separator, wanted: usize) {
        self.ranges.clear();
        self.is_quoted = false;
        match separator {
            Separator::Blanks => {
                let mut at = 0;
                while self.ranges.len() < wanted {
                    let blank = |byte: &u8| *byte == b' ' || *byte == b'\t';
                    let Some(skipped) = line[at..].iter().position(|byte| !blank(byte)) else {
                        break;
                    };
                    let from = at + skipped;
                    let length = line[from..].iter().position(blank).unwrap_or(line.len() - from);
                    self.ranges.push((from, from + length));
                    at = from + length;
                }
            }
            Separator::Byte(byte) if has_quotes(line, byte) => self.unquote(line, byte),
            Separator::Byte(byte) => {
                let mut from = 0;
                for to in memchr::memchr_iter(byte, line) {
                    self.ranges.push((from, to));
                    from = to + 1;
                    if self.ranges.len() == wanted {
                        return;
                    }
                }
                self.ranges.push((from, line.len()));
            }
        }
    }

    #[cold]
    fn unquote(&mut self, line: &[u8], separator: u8) {
        self.is_quoted = true;
        self.text.clear();
        self.text.resize(line.len() + 2, 0);
        let mut ends = vec![0; line.len() + 2];
        let mut reader: Reader = ReaderBuilder::new().delimiter(separator).build();
        // A quote behind blanks is common and read as one.
        let (result, read, written, count) = reader.read_record(line, &mut self.text, &mut ends);
        let ended = match result {
            ReadRecordResult::InputEmpty => {
                let rest = &mut ends[count..];
                let (_, _, more, last) =
                    reader.read_record(&line[read..], &mut self.text[written..], rest);
                (written + more, count + last)
            }
            _ => (written, count),
        };
        self.text.truncate(ended.0);
        let mut from = 0;
        for &to in &ends[..ended.1] {
            self.ranges.push((from, to));
            from = to;
        }
    }

    /// A cell without blanks around it; `None` if the line has fewer.
    #[inline]
    pub(super) fn get<'a>(&'a self, line: &'a [u8], column: usize) -> Option<&'a [u8]> {
        let &(from, to) = self.ranges.get(column)?;
        let cell = if self.is_quoted { &self.text[from..to] } else { &line[from..to] };
        Some(cell.trim_ascii())
    }

    pub(super) fn len(&self) -> usize {
        self.ranges.len()
    }

    /// Where a cell stands in its line, as far as that is known.
    fn place(&self, column: usize) -> usize {
        if self.is_quoted { 0 } else { self.ranges.get(column).map_or(0, |range| range.0) }
    }
}

/// Whether a field of the line begins with a quote.
#[inline]
fn has_quotes(line: &[u8], separator: u8) -> bool {
    memchr::memchr_iter(b'"', line).any(|at| at == 0 || line[at - 1] == separator)
}

/// Whether a quote of the line is not closed, so that its record goes on in the next.
fn is_open(line: &[u8], separator: u8) -> bool {
    has_quotes(line, separator) && memchr::memchr_iter(b'"', line).count() % 2 == 1
}

/// The separator that a line shows: the first of comma, semicolon and tab, else blanks.
pub(super) fn separator_of(line: &[u8]) -> Separator {
    let byte = line.iter().copied().find(|byte| matches!(byte, b',' | b';' | b'\t'));
    match byte {
        Some(byte) => Separator::Byte(byte),
        None if line.trim_ascii().contains(&b' ') => Separator::Blanks,
        None => Separator::Byte(b','),
    }
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

/// What is counted while the lines are read.
#[derive(Debug, Default)]
struct Tally {
    known: u64,
    unknown: u64,
    first_unknown: Vec<u8>,
}

/// Reads a table as `plan_of` says once it has seen the first line.
pub(super) fn read<'a>(
    input: &mut Input<'_>,
    builder: &mut TraceBuilder,
    source: &Source<'a>,
    plan_of: impl FnOnce(Line<'_>, &[u8]) -> Result<(Plan, String), ReadError>,
) -> Result<Vec<String>, ReadError> {
    let head = without_mark(input.peek(HEAD)?).to_vec();
    let comment = source.options.comment.clone().unwrap_or_else(|| "#".to_owned()).into_bytes();
    let mut plan_of = Some(plan_of);
    let mut rows: Option<Rows<'a>> = None;
    let mut note = String::new();
    let mut open: Vec<u8> = Vec::new();
    each_line(input, builder, |line, builder| {
        let is_comment = !comment.is_empty() && line.bytes.starts_with(&comment);
        if open.is_empty() && (is_comment || line.bytes.trim_ascii().is_empty()) {
            return Ok(());
        }
        if let Some(plan_of) = plan_of.take() {
            let (plan, said) = plan_of(line, &head)?;
            note = said;
            let has_heading = plan.has_heading;
            rows = Some(Rows::new(plan, source));
            if has_heading {
                return Ok(());
            }
        }
        let rows = rows.as_mut().expect("the plan is made of the first line");
        if open.is_empty() && !rows.is_open(line.bytes) {
            return rows.take(line, builder);
        }
        if !open.is_empty() {
            open.push(b'\n');
        }
        open.extend_from_slice(line.bytes);
        if open.len() > LINE_MAX {
            return Err(line.error(0, "a field in quotes goes on for more than 65536 bytes"));
        }
        if rows.is_open(&open) {
            return Ok(());
        }
        let record = std::mem::take(&mut open);
        rows.take(Line { bytes: &record, ..line }, builder)
    })?;
    if !open.is_empty() {
        return Err(ReadError::damaged("the last field in quotes is not closed".to_owned()));
    }
    let mut notes = vec![note];
    if let Some(rows) = rows {
        notes.extend(rows.notes()?);
    }
    Ok(notes)
}

/// The rows of a table on their way into a builder.
struct Rows<'a> {
    plan: Plan,
    wanted: usize,
    needed: usize,
    cells: Cells,
    owner: Owner<'a>,
    names: Texts,
    tally: Tally,
}

impl<'a> Rows<'a> {
    fn new(plan: Plan, source: &Source<'a>) -> Self {
        let first = plan.fields.first().map(|field| field.0);
        let needed = first.into_iter().chain(plan.size).chain(plan.op).chain(plan.split);
        let needed = needed.chain(plan.keys.iter().copied()).max().map_or(1, |last| last + 1);
        let last = plan.fields.iter().map(|field| field.0 + 1).max().unwrap_or(1);
        Self {
            wanted: needed.max(last),
            needed,
            cells: Cells::default(),
            owner: Owner::new(source, !plan.keys.is_empty(), false),
            names: Texts::default(),
            tally: Tally::default(),
            plan,
        }
    }

    fn is_open(&self, line: &[u8]) -> bool {
        matches!(self.plan.separator, Separator::Byte(byte) if is_open(line, byte))
    }

    #[inline]
    fn take(&mut self, line: Line<'_>, builder: &mut TraceBuilder) -> Result<(), ReadError> {
        let Self { plan, cells, owner, tally, .. } = self;
        cells.split(line.bytes, plan.separator, self.wanted);
        if cells.len() < self.needed {
            let expected = format!("at least {} columns", self.needed);
            return Err(line.unexpected(line.bytes.len(), &expected));
        }
        let cell = |column: usize| cells.get(line.bytes, column).unwrap_or_default();
        if plan.split.is_some() || !plan.keys.is_empty() {
            let value = plan.split.map_or(&b""[..], cell);
            let set = match plan.keys.as_slice() {
                [] => owner.set(builder, value, &[]),
                [one] => owner.set(builder, value, &[cell(*one)]),
                [one, two] => owner.set(builder, value, &[cell(*one), cell(*two)]),
                many => {
                    let cells: Vec<&[u8]> = many.iter().map(|&column| cell(column)).collect();
                    owner.set(builder, value, &cells)
                }
            };
            set.map_err(|why| line.error(0, why))?;
        }
        let kind = plan.op.map(|op| tally.kind(plan, cell(op)));
        let size = match plan.size {
            None => None,
            Some(column) => {
                let size = value(line, cells, column, cell(column), Base::Decimal)?;
                Some(size.checked_mul(plan.size_unit).ok_or_else(|| {
                    line.error(cells.place(column), "the size is 2^64 bytes or more")
                })?)
            }
        };
        for &(column, of_field) in &plan.fields {
            let Some(field) = cells.get(line.bytes, column).filter(|field| !field.is_empty())
            else {
                if plan.fields[0].0 == column {
                    return Err(line.unexpected(cells.place(column), "a page or an address"));
                }
                continue;
            };
            let kind = kind.or(of_field);
            let touched = if plan.base == Base::Text {
                let number = self.names.intern(field).ok_or("there are 2^32 names or more");
                number.map(|number| owner.touch_page(builder, number.into(), kind))
            } else {
                let value = value(line, cells, column, field, plan.base)?;
                owner.touch_value(plan.scale, builder, value, size, kind)
            };
            touched.map_err(|why| line.error(cells.place(column), why))?;
        }
        Ok(())
    }

    fn notes(self) -> Result<Vec<String>, ReadError> {
        let mut notes = Vec::new();
        let Tally { known, unknown, first_unknown, .. } = self.tally;
        let first = first_unknown[..first_unknown.len().min(24)].escape_ascii();
        if unknown > 0 && known == 0 {
            return Err(ReadError::format(format!(
                "the column of operations has no word for reads or writes, its first is \
                 `{first}`; say the words (`--reads`, `--writes`) or `--op-field none`"
            )));
        }
        if unknown > 0 {
            notes.push(format!(
                "{unknown} of {} rows have an unknown operation such as `{first}` and count as \
                 reads; `--writes` and `--reads` take lists of words",
                known + unknown
            ));
        }
        Ok(notes)
    }
}

impl Tally {
    #[inline]
    fn kind(&mut self, plan: &Plan, word: &[u8]) -> AccessKind {
        let is = |words: &[Vec<u8>]| words.iter().any(|known| word.eq_ignore_ascii_case(known));
        let kind = if is(&plan.reads) {
            Some(AccessKind::Load)
        } else if is(&plan.writes) {
            Some(AccessKind::Store)
        } else {
            operation(word)
        };
        if let Some(kind) = kind {
            self.known += 1;
            return kind;
        }
        if self.unknown == 0 {
            self.first_unknown = word.to_vec();
        }
        self.unknown += 1;
        AccessKind::Load
    }
}

#[inline]
fn value(
    line: Line<'_>,
    cells: &Cells,
    column: usize,
    cell: &[u8],
    base: Base,
) -> Result<u64, ReadError> {
    let read = match base {
        Base::Hexadecimal => hex(cell.strip_prefix(b"0x").unwrap_or(cell)),
        _ => number(cell),
    };
    read.map_err(|why| {
        let at = cells.place(column);
        let length = cells.ranges.get(column).map_or(0, |range| range.1 - range.0);
        // The error ends where the cell does.
        let end = if cells.is_quoted { line.bytes.len() } else { at + length };
        let up_to_here = Line { bytes: &line.bytes[..end], ..line };
        let expected = match (why, base) {
            (BadNumber::TooLarge, _) => "a number below 2^64",
            (_, Base::Hexadecimal) => "a hexadecimal number such as 7f3a or 0x7f3a",
            _ => "a number such as 123 or 0x7b",
        };
        up_to_here.unexpected(at, expected)
    })
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
