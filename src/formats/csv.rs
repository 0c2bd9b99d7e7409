//! `csv`: any table with a column of pages, addresses or names.
//!
//! Commas, semicolons, tabs or blanks separate the fields, whichever the first line shows, or what
//! the option `separator` says. The option `field` names the column by its heading or by its number
//! from 1 (several with commas); without it the heading must be one of [`KNOWN`]. The option `unit`
//! says how many bytes a value counts in; without it a known heading determines it; otherwise the
//! values are pages or, if they are not numbers, names. Beside an address, a heading of [`SIZES`]
//! is the size of the access and headings of [`KEYS`] belong to the page; a column `event` says
//! what happens to it: `read`, `write`, `access`, `free`; a note reports this, and the options
//! `size_field` and `key` override it. Numbers are decimal, or hexadecimal behind `0x` or with the
//! option `base`. Fields in quotes are as in RFC 4180.

use super::cells::{self, Cells, Separator};
use super::clock::{MS, NS, S, US};
use super::error::ReadError;
use super::input::{BadNumber, HEAD, Line, number};
use super::kind::{FormatKind, Head, Verdict};
use super::layout::{self, Base, Layout, Plan};
use super::options::{ReadOptions, TABLE};
use super::pages::Scale;
use super::presets;
use super::table;

pub(super) const KIND: FormatKind = FormatKind {
    name: "csv",
    summary: "a table with a column of pages, addresses or names, which the option `field` names; \
              separator, base, units, words and identity are options",
    source: "our own",
    extensions: &["csv", "tsv"],
    options: TABLE,
    looks_like,
    read: |input, builder, source| {
        table::read(input, builder, source, |first, head| plan(first, head, source.options))
    },
};

/// What the values of a column are.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Values {
    Pages,
    /// Addresses in units of this many bytes.
    Addresses(u64),
    Names,
}

/// Headings that are understood without options.
const KNOWN: &[(&str, Values)] = &[
    ("page", Values::Pages),
    ("vpn", Values::Pages),
    ("pfn", Values::Pages),
    ("address", Values::Addresses(1)),
    ("addr", Values::Addresses(1)),
    ("vaddr", Values::Addresses(1)),
    ("lbn", Values::Addresses(512)),
    ("lba", Values::Addresses(512)),
    ("sector", Values::Addresses(512)),
    ("offset", Values::Addresses(1)),
    ("obj_id", Values::Pages),
    ("key", Values::Names),
    ("object", Values::Names),
    ("object_id", Values::Names),
];

/// Headings of what an access covers, and the bytes that it counts in.
const SIZES: &[(&str, u64)] = &[
    ("size", 1),
    ("length", 1),
    ("len", 1),
    ("bytes", 1),
    ("nbytes", 1),
    ("size_bytes", 1),
    ("io_size", 1),
    ("iosize", 1),
    ("sectors", 512),
    ("nsectors", 512),
    ("num_sectors", 512),
    ("size_sectors", 512),
    ("sector_count", 512),
];

/// Headings of the time, and the picoseconds that it counts in.
const TIMES: &[(&str, Option<u64>)] = &[
    ("time", None),
    ("timestamp", None),
    ("ts", None),
    ("time_ns", Some(NS)),
    ("time_us", Some(US)),
    ("time_ms", Some(MS)),
    ("time_s", Some(S)),
    ("timestamp_ns", Some(NS)),
    ("timestamp_us", Some(US)),
    ("timestamp_ms", Some(MS)),
    ("timestamp_s", Some(S)),
];

/// Headings of what happens to the page.
const EVENTS: &[&str] = &["event"];

/// Parts of the headings of columns that may say how much an access covers.
const EXTENTS: &[&str] = &["size", "len", "bytes", "sectors", "blocks", "count"];

/// Headings of the owner of a page.
const KEYS: &[&str] = &[
    "pid",
    "process",
    "process_id",
    "asid",
    "vm",
    "vm_id",
    "tenant",
    "tenant_id",
    "target",
    "target_id",
    "volume",
    "volume_id",
    "device",
    "device_id",
    "dev",
    "host",
    "hostname",
    "disk",
    "disk_id",
    "disknumber",
    "asu",
    "lun",
    "lun_id",
    "namespace",
    "file",
    "file_id",
    "inode",
];

fn looks_like(head: &Head<'_>) -> Verdict {
    if presets::recognises(head) {
        return Verdict::No;
    }
    let mut lines = head.lines().filter(|line| line[0] != b'#');
    let Some(first) = lines.next() else { return Verdict::No };
    let separator = cells::separator_of(first);
    let mut cells = Cells::default();
    cells.split(first, separator, usize::MAX);
    let columns = cells.len();
    let headings: Vec<&[u8]> = (0..columns).filter_map(|at| cells.get(first, at)).collect();
    // A line with a number in it is a record, as of a tracer that prints `address 0x7f00`.
    let has_known = headings.iter().any(|heading| known(heading).is_some())
        && !headings.iter().any(|heading| number(heading).is_ok());
    let is_table = matches!(separator, Separator::Byte(byte) if first.contains(&byte))
        || separator == Separator::Blanks && columns > 1;
    let fits = |line: &[u8]| {
        cells.split(line, separator, usize::MAX);
        // A field in quotes may hold a line end.
        cells.len() == columns || line.contains(&b'"')
    };
    (has_known && is_table && lines.all(fits)).into()
}

fn known(name: &[u8]) -> Option<Values> {
    let found = KNOWN.iter().find(|(known, _)| name.eq_ignore_ascii_case(known.as_bytes()));
    found.map(|(_, values)| *values)
}

/// Whether a cell begins with a digit, behind a sign or not.
fn begins_as_number(cell: &[u8]) -> bool {
    let unsigned = cell.strip_prefix(b"-").or(cell.strip_prefix(b"+")).unwrap_or(cell);
    unsigned.first().is_some_and(u8::is_ascii_digit)
}

fn is_one_of(name: &[u8], known: &[&str]) -> bool {
    known.iter().any(|known| name.eq_ignore_ascii_case(known.as_bytes()))
}

/// The headings of the first line.
struct Headings<'a> {
    line: Line<'a>,
    cells: Cells,
}

impl Headings<'_> {
    fn names(&self) -> impl Iterator<Item = &[u8]> + Clone {
        (0..self.cells.len()).map(|at| self.cells.get(self.line.bytes, at).unwrap_or_default())
    }

    /// The columns that an option names, with commas between them.
    fn columns(&self, option: &'static str, said: &str) -> Result<Vec<usize>, ReadError> {
        said.split(',').map(|wanted| layout::find(wanted.trim(), option, self.names())).collect()
    }

    /// The column that an option names, if it names one.
    fn column(
        &self,
        option: &'static str,
        said: Option<&String>,
    ) -> Result<Option<usize>, ReadError> {
        let said = said.filter(|said| *said != "none");
        said.map(|wanted| layout::find(wanted, option, self.names())).transpose()
    }

    /// The columns of pages or addresses: those that the options name, else the first whose heading
    /// is known.
    fn fields(&self, options: &ReadOptions) -> Result<Vec<usize>, ReadError> {
        if let Some(wanted) = &options.field {
            return self.columns("field", wanted);
        }
        let found = self.names().position(|name| known(name).is_some());
        found.map(|column| vec![column]).ok_or_else(|| {
            let shown = |name: &[u8]| format!("`{}`", name[..name.len().min(24)].escape_ascii());
            let names: Vec<String> = self.names().take(12).map(shown).collect();
            let what = format!(
                "no known heading, expected one of {}; name one (`--field`, or `field` in a \
                 scenario)",
                names.join(", ")
            );
            self.line.error(0, &what)
        })
    }

    /// Whether the first line looks like headings: the page's cell is a text, and it is known, or
    /// named by the options, or the cell below is none, or another heading is known.
    fn are_headings(&self, page: usize, below: Option<&[u8]>, options: &ReadOptions) -> bool {
        let heading = self.cells.get(self.line.bytes, page).unwrap_or_default();
        let is_text = |cell: &[u8]| number(cell) == Err(BadNumber::NotANumber) && !cell.is_empty();
        let is_named = |said: &str| said.as_bytes().eq_ignore_ascii_case(heading);
        // A record whose number is broken, such as `-5` or `1.5`, is no heading.
        is_text(heading)
            && !begins_as_number(heading)
            && (known(heading).is_some()
                || options.field.as_deref().is_some_and(is_named)
                || self.among(KEYS).next().is_some()
                || self.sizes().next().is_some()
                || !is_text(below.unwrap_or_default())
                    && !self.names().any(|cell| number(cell).is_ok()))
    }

    /// The columns whose headings are one of these.
    fn among<'s>(&'s self, known: &'static [&str]) -> impl Iterator<Item = usize> + use<'s> {
        let names = self.names().enumerate();
        names.filter(|(_, name)| is_one_of(name, known)).map(|(at, _)| at)
    }

    /// The columns of sizes, and the bytes that they count in.
    fn sizes(&self) -> impl Iterator<Item = (usize, u64)> {
        let unit = |name: &[u8]| {
            let is_it = |(known, _): &&(&str, u64)| name.eq_ignore_ascii_case(known.as_bytes());
            SIZES.iter().find(is_it).map(|&(_, unit)| unit)
        };
        self.names().enumerate().filter_map(move |(at, name)| Some((at, unit(name)?)))
    }

    /// The first column that may say how much an access covers.
    fn extent(&self) -> Option<usize> {
        self.names().position(|name| {
            let name = name.to_ascii_lowercase();
            EXTENTS.iter().any(|part| memchr::memmem::find(&name, part.as_bytes()).is_some())
        })
    }

    /// The column of the time, and its unit if the heading says that.
    fn time(&self) -> Option<(usize, Option<u64>)> {
        let unit = |name: &[u8]| {
            let is_it = |(known, _): &&(&str, _)| name.eq_ignore_ascii_case(known.as_bytes());
            TIMES.iter().find(is_it).map(|&(_, unit)| unit)
        };
        self.names().enumerate().find_map(|(at, name)| Some((at, unit(name)?)))
    }

    fn shown(&self, column: usize) -> String {
        match self.cells.get(self.line.bytes, column) {
            Some(name) if number(name) == Err(BadNumber::NotANumber) && !name.is_empty() => {
                format!("`{}`", name[..name.len().min(24)].escape_ascii())
            }
            _ => format!("{}", column + 1),
        }
    }
}

/// Whether a heading says by itself that its column holds pages or addresses.
pub(super) fn is_known(name: &[u8]) -> bool {
    known(name).is_some()
}

/// What is read of a table that begins like this.
pub(super) fn plan(
    first: Line<'_>,
    head: &[u8],
    options: &ReadOptions,
) -> Result<(Plan, Vec<String>), ReadError> {
    let separator = layout::separator_said(options)?;
    let separator = separator.unwrap_or_else(|| cells::separator_of(first.bytes));
    let mut cells = Cells::default();
    cells.split(first.bytes, separator, usize::MAX);
    let headings = Headings { line: first, cells };
    let fields = headings.fields(options)?;
    let page = fields[0];
    let heading = headings.cells.get(first.bytes, page).unwrap_or_default();
    let has_heading = layout::header_said(options)?.unwrap_or_else(|| {
        headings.are_headings(page, second(head, separator, page).as_deref(), options)
    });
    let values = if has_heading { known(heading) } else { None };
    let unit = options.unit.or(match values {
        Some(Values::Addresses(unit)) => Some(unit),
        _ => None,
    });
    let base = match layout::base_said(options)? {
        Some(base) => base,
        None if values == Some(Values::Names) => Base::Text,
        None => base_of(head, separator, page, has_heading, unit.is_some()),
    };
    let unit = unit.filter(|_| base != Base::Text);
    let with_heading = has_heading && unit.is_some();
    let size = match &options.size_field {
        Some(_) => headings.column("size_field", options.size_field.as_ref())?,
        None => headings.sizes().map(|(column, _)| column).find(|_| with_heading),
    };
    let of_heading = headings.sizes().find(|&(column, _)| has_heading && Some(column) == size);
    let split = headings.column("split", options.split.as_ref())?;
    let mut keys = match options.key.as_deref() {
        Some("none") => Vec::new(),
        Some(said) => headings.columns("key", said)?,
        None => headings.among(KEYS).filter(|_| has_heading).collect(),
    };
    keys.retain(|column| Some(*column) != split && !fields.contains(column));
    let scale_options = ReadOptions {
        size_field: options.size_field.clone().filter(|said| said != "none"),
        unit: options.unit.filter(|_| base != Base::Text),
        ..options.clone()
    };
    let op = headings.column("op_field", options.op_field.as_ref())?;
    let op = op.or_else(|| headings.among(EVENTS).find(|_| has_heading));
    let time = if has_heading { headings.time() } else { None };
    let plan = Plan {
        separator,
        fields: fields.into_iter().map(|column| (column, None)).collect(),
        base,
        scale: Scale::of(&scale_options, unit)?,
        size,
        size_unit: options.size_unit.or(of_heading.map(|(_, unit)| unit)).unwrap_or(1),
        op: op.filter(|_| options.op_field.as_deref() != Some("none")),
        reads: layout::words(options.reads.as_deref(), Layout::UNKNOWN.reads),
        writes: layout::words(options.writes.as_deref(), Layout::UNKNOWN.writes),
        frees: layout::words(options.frees.as_deref(), &[]),
        keys,
        split,
        time: layout::time(options, time, headings.names())?,
        has_heading,
    };
    let mut notes = vec![note(&plan, &headings, options, unit)];
    let head = Head { bytes: head, whole: head.len() < HEAD, name: "" };
    notes.extend(presets::overlooked(&head, &plan, options));
    Ok((plan, notes))
}

/// The second line's cell of a column.
fn second(head: &[u8], separator: Separator, column: usize) -> Option<Vec<u8>> {
    let mut lines = head.split(|&byte| byte == b'\n').filter(|l| !l.trim_ascii().is_empty());
    let line = lines.by_ref().filter(|line| line[0] != b'#').nth(1)?;
    let mut cells = Cells::default();
    cells.split(line, separator, column + 1);
    cells.get(line, column).map(<[u8]>::to_vec)
}

/// How the values of a column are written, as the first of them show.
fn base_of(
    head: &[u8],
    separator: Separator,
    column: usize,
    has_heading: bool,
    are_addresses: bool,
) -> Base {
    let cut = memchr::memrchr(b'\n', head).unwrap_or(head.len());
    let lines =
        head[..cut].split(|&byte| byte == b'\n').filter(|line| !line.trim_ascii().is_empty());
    let lines = lines.filter(|line| line[0] != b'#').skip(usize::from(has_heading));
    let mut cells = Cells::default();
    let (mut numbers, mut are_hexadecimal, mut some) = (0, true, 0);
    for line in lines.take(1000) {
        cells.split(line, separator, column + 1);
        let Some(cell) = cells.get(line, column) else { continue };
        some += 1;
        numbers += u32::from(number(cell) != Err(BadNumber::NotANumber));
        are_hexadecimal &= !cell.is_empty() && cell.iter().all(u8::is_ascii_hexdigit);
    }
    match (numbers == some, are_hexadecimal && are_addresses) {
        (true, _) => Base::Decimal,
        (_, true) => Base::Hexadecimal,
        // A bad line among numbers is a bad line, not a name.
        _ if are_addresses || some < 2 || numbers * 2 >= some => Base::Decimal,
        _ => Base::Text,
    }
}

fn note(plan: &Plan, headings: &Headings<'_>, options: &ReadOptions, unit: Option<u64>) -> String {
    let columns = |columns: &[usize]| {
        columns.iter().map(|&at| headings.shown(at)).collect::<Vec<_>>().join(", ")
    };
    let fields: Vec<usize> = plan.fields.iter().map(|field| field.0).collect();
    let what = match (unit, plan.base) {
        (_, Base::Text) => "names, each a page whatever its size,".to_owned(),
        (None, _) => "page numbers".to_owned(),
        (Some(1), Base::Hexadecimal) => "hexadecimal addresses in bytes".to_owned(),
        (Some(1), _) => "addresses in bytes".to_owned(),
        (Some(unit), _) => format!("addresses in units of {unit} bytes"),
    };
    let mut note = format!("read as {what} in column {}", columns(&fields));
    match plan.size {
        Some(size) => {
            let unit = match plan.size_unit {
                1 => String::new(),
                unit => format!(" in units of {unit} bytes"),
            };
            note.extend([", sizes", &unit, " in column ", &headings.shown(size)]);
        }
        None if plan.base != Base::Text && plan.has_heading => {
            if let Some(column) = headings.extent().filter(|column| !fields.contains(column)) {
                note.extend([", the column ", &headings.shown(column), " not used"]);
            }
        }
        None => {}
    }
    if !plan.keys.is_empty() {
        note.extend([", a page being one of (", &columns(&plan.keys), ")"]);
    }
    let why = if options.unit.is_some() {
        "the options say so"
    } else if options.field.is_some() && unit.is_none() {
        "no unit is said"
    } else {
        "its heading says so"
    };
    note + &format!(", because {why}; `--unit`, `--size-field`, `--key` and `--base` override it")
}
