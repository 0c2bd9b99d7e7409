//! Tables of text: what every format reads that has a record a line and fields in columns.
//!
//! A [`Layout`](super::layout::Layout) says which column is what; the options of the user go over
//! it. The reader of `csv` and the presets (`presets.rs`) differ in their layouts alone.

use super::cells::{Cells, Separator, is_open};
use super::clock::{Clock, nanoseconds, shown};
use super::error::ReadError;
use super::input::{BadNumber, HEAD, Input, LINE_MAX, Line, hex, number, without_mark};
use super::kind::Source;
use super::layout::{Base, Plan};
use super::operations::{Operation, Tally};
use super::owner::Owner;
use super::pages::each_line;
use super::spaces::Texts;
use crate::trace::{AccessKind, TraceBuilder};

/// Reads a table by the plan that `plan_of` makes from the first line.
pub(super) fn read<'a>(
    input: &mut Input<'_>,
    builder: &mut TraceBuilder,
    source: &Source<'a>,
    plan_of: impl FnOnce(Line<'_>, &[u8]) -> Result<(Plan, Vec<String>), ReadError>,
) -> Result<Vec<String>, ReadError> {
    let head = without_mark(input.peek(HEAD)?).to_vec();
    let comment = source.options.comment.clone().unwrap_or_else(|| "#".to_owned()).into_bytes();
    let mut plan_of = Some(plan_of);
    let mut rows: Option<Rows<'a>> = None;
    let mut notes = Vec::new();
    let mut open: Vec<u8> = Vec::new();
    each_line(input, builder, |line, builder| {
        let may_be_comment = line.bytes.first() == comment.first();
        let is_comment = may_be_comment && !comment.is_empty() && line.bytes.starts_with(&comment);
        if open.is_empty() && (is_comment || line.bytes.trim_ascii().is_empty()) {
            return Ok(());
        }
        if let Some(plan_of) = plan_of.take() {
            let (plan, said) = plan_of(line, &head)?;
            notes = said;
            let has_heading = plan.has_heading;
            rows = Some(Rows::new(plan, source));
            if has_heading {
                return Ok(());
            }
        }
        let rows = rows.as_mut().expect("the plan is made of the first line");
        if open.is_empty() && rows.take_plain(line.bytes, builder) {
            return Ok(());
        }
        let has_quote = memchr::memchr(b'"', line.bytes).is_some();
        if open.is_empty() && !has_quote {
            return rows.take_unquoted(line, builder);
        }
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
    if let Some(rows) = rows {
        notes.extend(rows.notes()?);
    }
    Ok(notes)
}

/// The rows of a table on their way into a builder.
pub(super) struct Rows<'a> {
    plan: Plan,
    wanted: usize,
    needed: usize,
    /// Where the one cell of a row is that is read, and what separates it.
    plain: Option<(usize, u8)>,
    cells: Cells,
    owner: Owner<'a>,
    clock: Clock,
    names: Texts,
    tally: Tally,
}

impl<'a> Rows<'a> {
    pub(super) fn new(plan: Plan, source: &Source<'a>) -> Self {
        let first = plan.fields.first().map(|field| field.0);
        let needed = first.into_iter().chain(plan.size).chain(plan.op).chain(plan.split);
        let needed = needed.chain(plan.time.map(|time| time.0));
        let needed = needed.chain(plan.keys.iter().copied()).max().map_or(1, |last| last + 1);
        let last = plan.fields.iter().map(|field| field.0 + 1).max().unwrap_or(1);
        let is_plain = needed == last && plan.fields.len() == 1 && plan.op.is_none();
        let is_plain =
            is_plain && plan.size.is_none() && plan.time.is_none() && plan.split.is_none();
        let plain = match (plan.separator, plan.base) {
            (Separator::Byte(byte), Base::Decimal | Base::Text)
                if is_plain && plan.keys.is_empty() =>
            {
                Some((plan.fields[0].0, byte))
            }
            _ => None,
        };
        Self {
            wanted: needed.max(last),
            needed,
            plain,
            cells: Cells::default(),
            owner: Owner::new(source, !plan.keys.is_empty(), false),
            clock: Clock::default(),
            names: Texts::default(),
            tally: Tally::default(),
            plan,
        }
    }

    /// Takes a row without quotes of which one cell is read; `false` if this is no such row, or if
    /// something is wrong with it.
    #[inline]
    fn take_plain(&mut self, line: &[u8], builder: &mut TraceBuilder) -> bool {
        let Some((column, separator)) = self.plain else { return false };
        let mut rest = line;
        for _ in 0..column {
            match memchr::memchr2(separator, b'"', rest) {
                Some(end) if rest[end] == separator => rest = &rest[end + 1..],
                _ => return false,
            }
        }
        let end = memchr::memchr2(separator, b'"', rest).unwrap_or(rest.len());
        let (cell, behind) = rest.split_at(end);
        if memchr::memchr(b'"', behind).is_some() {
            return false;
        }
        let kind = self.plan.fields[0].1;
        if self.plan.base == Base::Text {
            let name = cell.trim_ascii();
            let Some(page) = (!name.is_empty()).then(|| self.names.intern(name)).flatten() else {
                return false;
            };
            self.owner.touch_page(builder, page.into(), kind);
            return true;
        }
        let Ok(value) = number(cell) else { return false };
        self.owner.touch_value(self.plan.scale, builder, value, None, kind).is_ok()
    }

    /// Takes a row without quotes.
    #[inline]
    fn take_unquoted(
        &mut self,
        line: Line<'_>,
        builder: &mut TraceBuilder,
    ) -> Result<(), ReadError> {
        match self.plan.separator {
            Separator::Byte(byte) => self.cells.split_plain(line.bytes, byte, self.wanted),
            blanks @ Separator::Blanks => self.cells.split(line.bytes, blanks, self.wanted),
        }
        self.take_cells(line, builder)
    }

    fn is_open(&self, line: &[u8]) -> bool {
        matches!(self.plan.separator, Separator::Byte(byte) if is_open(line, byte))
    }

    #[inline]
    pub(super) fn take(
        &mut self,
        line: Line<'_>,
        builder: &mut TraceBuilder,
    ) -> Result<(), ReadError> {
        self.cells.split(line.bytes, self.plan.separator, self.wanted);
        self.take_cells(line, builder)
    }

    /// Takes a row that has been split.
    #[inline]
    fn take_cells(&mut self, line: Line<'_>, builder: &mut TraceBuilder) -> Result<(), ReadError> {
        let Self { plan, cells, owner, tally, clock, .. } = self;
        if cells.len() < self.needed {
            let expected = format!("at least {} columns", self.needed);
            return Err(line.unexpected(line.bytes.len(), &expected));
        }
        let cell = |column: usize| cells.get(line.bytes, column).unwrap_or_default();
        if plan.split.is_some() || !plan.keys.is_empty() {
            let set = set_owner(plan, owner, builder, cell);
            set.map_err(|why| line.error(0, why))?;
        }
        let operation = plan.op.map(|op| tally.operation(plan, cell(op)));
        if tally.plain > 0 && tally.known + tally.unknown > 0 {
            let what = "`access` and how the page is touched in one column, expected one of them";
            return Err(line.error(0, what));
        }
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
            let kind = match operation {
                Some(Operation::Known(kind)) => Some(kind),
                Some(Operation::Unknown) => Some(AccessKind::Load),
                _ => of_field,
            };
            let is_free = operation == Some(Operation::Free);
            let touched = if plan.base == Base::Text {
                let number = self.names.intern(field).ok_or("there are 2^32 names or more");
                number.map(u64::from).and_then(|page| {
                    if is_free {
                        return owner.free(builder, page..=page);
                    }
                    owner.touch_page(builder, page, kind);
                    Ok(0)
                })
            } else {
                let value = value(line, cells, column, field, plan.base)?;
                if is_free {
                    owner.free_value(plan.scale, builder, value, size)
                } else {
                    owner.touch_value(plan.scale, builder, value, size, kind).map(|()| 0)
                }
            };
            tally.freed += touched.map_err(|why| line.error(cells.place(column), why))?;
        }
        if let Some((column, unit)) = plan.time {
            let time = nanoseconds(cell(column), unit).ok_or_else(|| {
                line.unexpected(cells.place(column), "a time such as 12 or 0.5, below 2^64 ns")
            })?;
            clock.at(builder, time);
        }
        Ok(())
    }

    pub(super) fn notes(self) -> Result<Vec<String>, ReadError> {
        let mut notes = Vec::new();
        if let Some((column, unit)) = self.plan.time {
            let unit = shown(unit);
            notes.push(format!(
                "times in column {} in units of {unit}; `--time-field` and `--time-unit` say \
                 otherwise",
                column + 1
            ));
        }
        let Tally { known, unknown, first_unknown, frees, freed, plain, .. } = self.tally;
        if frees > 0 {
            notes
                .push(format!("{frees} rows free {freed} pages in use; `--frees` names the words"));
        }
        let first = first_unknown[..first_unknown.len().min(24)].escape_ascii();
        if unknown > 0 && known + frees + plain == 0 {
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

/// Whose page a row touches.
#[inline]
fn set_owner<'c>(
    plan: &Plan,
    owner: &mut Owner<'_>,
    builder: &mut TraceBuilder,
    cell: impl Fn(usize) -> &'c [u8],
) -> Result<(), &'static str> {
    let value = plan.split.map_or(&b""[..], &cell);
    match plan.keys.as_slice() {
        [] => owner.set(builder, value, &[]),
        [one] => owner.set(builder, value, &[cell(*one)]),
        [one, two] => owner.set(builder, value, &[cell(*one), cell(*two)]),
        many => {
            let cells: Vec<&[u8]> = many.iter().map(|&column| cell(column)).collect();
            owner.set(builder, value, &cells)
        }
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
