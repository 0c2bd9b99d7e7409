//! `csv`: any table with a column of pages or addresses.
//!
//! Commas, semicolons or tabs separate the fields, whichever comes first in the first line; quotes
//! around a field are dropped. The option `field` names the column by its heading or by its number
//! from 1; without it the heading must be one of [`KNOWN`]. The option `unit` says how many bytes a
//! value counts in; without it a known heading says so, and else the values are pages. `op_field`
//! names the column that says read or write, `size_field` that of the bytes accessed. Numbers are
//! decimal, or hexadecimal behind `0x`.
//!
//! Presets for public traces, as options: MSR Cambridge `field 5, size_field 6, op_field 4, unit
//! 1`; Alibaba block `field 3, size_field 4, op_field 2, unit 1`; Tencent CBS `field 2, op_field 4,
//! unit 512`; gem5's decoded packets `field 2, size_field 3, op_field 1, unit 1`; CloudPhysics in
//! libCacheSim `field lbn, size_field size, op_field op`.

use super::{FIELDS, FormatKind, Head, Scale, Source, Verdict, operation};
use crate::trace::input::{BadNumber, Input, Line, number};
use crate::trace::read::{ReadError, ReadOptions};
use crate::trace::store::TraceBuilder;

pub(super) const KIND: FormatKind = FormatKind {
    name: "csv",
    summary: "a table with a column of pages or addresses, which the option `field` names",
    source: "our own",
    extensions: &["csv", "tsv"],
    options: FIELDS,
    looks_like,
    read,
};

/// Headings that are understood without options, and the bytes that their values count in; `None`
/// for page numbers.
const KNOWN: &[(&str, Option<u64>)] = &[
    ("page", None),
    ("vpn", None),
    ("pfn", None),
    ("address", Some(1)),
    ("addr", Some(1)),
    ("vaddr", Some(1)),
    ("lbn", Some(512)),
    ("lba", Some(512)),
    ("offset", Some(1)),
    ("obj_id", None),
];

fn looks_like(head: &Head<'_>) -> Verdict {
    let mut lines = head.lines();
    let Some(first) = lines.next() else { return Verdict::No };
    let Some(separator) = separator(first) else { return Verdict::No };
    let known = first.split(|&byte| byte == separator).any(|name| known(unquoted(name)).is_some());
    let columns = |line: &[u8]| memchr::memchr_iter(separator, line).count();
    (known && lines.all(|line| columns(line) == columns(first))).into()
}

fn separator(line: &[u8]) -> Option<u8> {
    line.iter().copied().find(|byte| matches!(byte, b',' | b';' | b'\t'))
}

fn unquoted(field: &[u8]) -> &[u8] {
    let field = field.trim_ascii();
    field.strip_prefix(b"\"").and_then(|f| f.strip_suffix(b"\"")).unwrap_or(field)
}

fn known(name: &[u8]) -> Option<&'static (&'static str, Option<u64>)> {
    KNOWN.iter().find(|(known, _)| name.eq_ignore_ascii_case(known.as_bytes()))
}

/// Which columns to read, from 0.
#[derive(Clone, Copy, Debug)]
struct Columns {
    separator: u8,
    page: usize,
    op: Option<usize>,
    size: Option<usize>,
    scale: Scale,
    has_heading: bool,
}

impl Columns {
    fn of(first: Line<'_>, options: &ReadOptions) -> Result<Self, ReadError> {
        let separator = separator(first.bytes).unwrap_or(b',');
        let names = || first.bytes.split(|&byte| byte == separator).map(unquoted);
        let find = |wanted: &str| {
            let by_number = wanted.parse::<usize>().ok().and_then(|at| at.checked_sub(1));
            let is_it = |name: &[u8]| name.eq_ignore_ascii_case(wanted.as_bytes());
            by_number.or_else(|| names().position(is_it)).ok_or_else(|| {
                first.error(0, &format!("there is no column `{wanted}`, expected {}", list(first)))
            })
        };
        let page = match &options.field {
            Some(wanted) => find(wanted)?,
            None => names().position(|name| known(name).is_some()).ok_or_else(|| {
                let what = format!(
                    "no known heading, expected {}; name one (`--field`, or `field` in a scenario)",
                    list(first)
                );
                first.error(0, &what)
            })?,
        };
        let heading = names().nth(page).unwrap_or_default();
        let optional = |wanted: &Option<String>| wanted.as_deref().map(find).transpose();
        Ok(Self {
            separator,
            page,
            op: optional(&options.op_field)?,
            size: optional(&options.size_field)?,
            scale: Scale::of(options, known(heading).and_then(|(_, unit)| *unit))?,
            has_heading: number(heading) == Err(BadNumber::NotANumber) && !heading.is_empty(),
        })
    }

    fn record(self, line: Line<'_>, builder: &mut TraceBuilder) -> Result<(), ReadError> {
        let wanted = self.page.max(self.op.unwrap_or(0)).max(self.size.unwrap_or(0));
        let (mut page, mut size, mut kind) = (None, None, None);
        let mut at = 0;
        for (column, field) in line.bytes.split(|&b| b == self.separator).enumerate() {
            if column > wanted {
                break;
            }
            let unexpected = |expected| {
                let up_to_here = Line { bytes: &line.bytes[..at + field.len()], ..line };
                up_to_here.unexpected(at, expected)
            };
            let value = || {
                number(unquoted(field)).map_err(|why| match why {
                    BadNumber::NotANumber => unexpected("a number such as 123 or 0x7b"),
                    BadNumber::TooLarge => unexpected("a number below 2^64"),
                })
            };
            if column == self.page {
                page = Some((at, value()?));
            }
            if Some(column) == self.size {
                size = Some(value()?);
            }
            if Some(column) == self.op {
                let word = operation(unquoted(field));
                kind = Some(word.ok_or_else(|| {
                    unexpected("R, W, read, write, 0, 1 or a SCSI command such as 28 or 2a")
                })?);
            }
            at += field.len() + 1;
        }
        let (Some((at, value)), true) = (page, self.op.is_none() || kind.is_some()) else {
            return Err(Self::short(line, wanted));
        };
        if self.size.is_some() && size.is_none() {
            return Err(Self::short(line, wanted));
        }
        self.scale.touch(builder, value, size, kind).map_err(|why| line.error(at, why))
    }

    #[cold]
    fn short(line: Line<'_>, wanted: usize) -> ReadError {
        line.unexpected(line.bytes.len(), &format!("at least {} columns", wanted + 1))
    }
}

/// The first headings, for errors.
fn list(first: Line<'_>) -> String {
    let separator = separator(first.bytes).unwrap_or(b',');
    let names = first.bytes.split(|&byte| byte == separator).take(12);
    let names =
        names.map(|name| format!("`{}`", unquoted(&name[..name.len().min(24)]).escape_ascii()));
    format!("one of {}", names.collect::<Vec<_>>().join(", "))
}

fn read(
    input: &mut Input<'_>,
    builder: &mut TraceBuilder,
    source: &Source<'_>,
) -> Result<Vec<String>, ReadError> {
    let mut columns = None;
    super::each_line(input, builder, |line, builder| {
        if line.bytes.trim_ascii().is_empty() || line.bytes[0] == b'#' {
            return Ok(());
        }
        if let Some(columns) = columns {
            return Columns::record(columns, line, builder);
        }
        let found = Columns::of(line, source.options)?;
        columns = Some(found);
        if found.has_heading { Ok(()) } else { found.record(line, builder) }
    })?;
    Ok(Vec::new())
}
