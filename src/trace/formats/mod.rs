//! Trace formats. [`ALL`] is the one list of them: recognition, names, help and the loops of the
//! tests come from it.

mod arc;
mod balloonist;
mod champsim;
mod csv;
mod damon;
mod dat;
mod din;
mod drmemtrace;
mod execlog;
mod foreign;
mod lackey;
mod lirs;
mod owner;
mod parts;
mod perf_script;
mod pinatrace;
mod presets;
mod raw;
mod spaces;
mod structure;
mod table;
mod text;
mod ucsd;
mod vscsi;

use std::cell::RefCell;
use std::ops::RangeInclusive;
use std::path::Path;

use super::input::{Input, Line};
use super::read::{ReadError, ReadErrorKind, ReadOptions};
use super::store::{AccessKind, TraceBuilder};
use crate::units::Page;
use owner::Owner;
pub(super) use parts::Parts;

/// A trace format.
#[derive(Debug)]
pub struct FormatKind {
    /// The name in scenario files and flags.
    pub name: &'static str,
    /// What it holds, in one sentence without a full stop.
    pub summary: &'static str,
    /// Where the layout comes from.
    pub source: &'static str,
    /// Extensions of file names, without the dot and before that of a compression; they decide
    /// where the content does not.
    pub extensions: &'static [&'static str],
    /// The options of its reader, of those that can be said: the others are refused.
    pub options: &'static [&'static str],
    /// Whether a file begins like this format.
    pub looks_like: fn(&Head<'_>) -> Verdict,
    /// Reads it; gives what the user should know about how.
    pub read: fn(&mut Input<'_>, &mut TraceBuilder, &Source<'_>) -> Result<Vec<String>, ReadError>,
}

/// Every format, in the order in which they are listed.
pub const ALL: &[FormatKind] = &[
    balloonist::KIND,
    text::KIND,
    raw::U32,
    raw::U64,
    dat::KIND,
    lackey::KIND,
    perf_script::KIND,
    execlog::KIND,
    drmemtrace::KIND,
    pinatrace::KIND,
    champsim::KIND,
    champsim::CLOUDSUITE,
    damon::KIND,
    csv::KIND,
    presets::OS_COURSE,
    presets::ADDRESSES,
    presets::MSR,
    presets::SPC,
    presets::ALIBABA,
    presets::TENCENT,
    presets::SYSTOR,
    presets::CLOUDPHYSICS,
    vscsi::KIND,
    presets::TWITTER,
    presets::FIU,
    presets::IBM,
    presets::GEM5,
    presets::RAMULATOR,
    presets::DRAMSIM,
    structure::STRUCT,
    structure::ORACLE_GENERAL,
    lirs::KIND,
    arc::KIND,
    din::KIND,
    ucsd::KIND,
];

/// The options of formats whose values are addresses.
const ADDRESSES: &[&str] = &["page_size"];

/// The options of formats whose values are page numbers unless a unit says otherwise.
const VALUES: &[&str] = &["page_size", "unit"];

/// The options of formats with several fields a record.
const FIELDS: &[&str] = &["page_size", "unit", "field", "op_field", "size_field"];

/// The options of tables of text.
const TABLE: &[&str] = &[
    "page_size",
    "unit",
    "field",
    "op_field",
    "size_field",
    "separator",
    "base",
    "size_unit",
    "reads",
    "writes",
    "comment",
    "header",
    "key",
    "split",
];

/// The options of a table whose field is known.
const PRESET: &[&str] = &[
    "page_size",
    "unit",
    "op_field",
    "size_field",
    "separator",
    "base",
    "size_unit",
    "reads",
    "writes",
    "comment",
    "header",
    "key",
    "split",
];

/// Likewise, if its pages are names.
const PRESET_NAMES: &[&str] =
    &["op_field", "separator", "reads", "writes", "comment", "header", "key", "split"];

/// What a recogniser says.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Verdict {
    /// The file is not of this format.
    No,
    /// Nothing speaks against it, and as little for it: raw binary, or a layout without marks of
    /// its own. Only the file name's extension can decide.
    Perhaps,
    /// The file has the marks of this format.
    Yes,
}

impl From<bool> for Verdict {
    fn from(yes: bool) -> Self {
        if yes { Self::Yes } else { Self::No }
    }
}

/// The beginning of a file, for recognisers.
#[derive(Clone, Copy, Debug)]
pub struct Head<'a> {
    /// Its first bytes, decompressed.
    pub bytes: &'a [u8],
    /// Whether these are all of them.
    pub whole: bool,
    /// The file's name, or empty.
    pub name: &'a str,
}

impl<'a> Head<'a> {
    /// Its lines, but the last if it is cut; nothing if it is binary.
    pub fn lines(&self) -> impl Iterator<Item = &'a [u8]> + use<'a> {
        self.raw_lines().map(<[u8]>::trim_ascii)
    }

    /// Likewise, with the blanks at their ends.
    pub fn raw_lines(&self) -> impl Iterator<Item = &'a [u8]> + use<'a> {
        let cut = memchr::memrchr(b'\n', self.bytes).map_or(0, |end| end + 1);
        let text = if self.whole { self.bytes } else { &self.bytes[..cut] };
        let text = if memchr::memchr(0, text).is_some() { &[][..] } else { text };
        text.split(|&byte| byte == b'\n').filter(|line| !line.trim_ascii().is_empty())
    }

    /// Whether there is a line and `fits` all of the first thousand but comments.
    pub fn all_lines(&self, fits: impl Fn(&[u8]) -> bool) -> Verdict {
        let mut lines = self.lines().filter(|line| line[0] != b'#').take(1000).peekable();
        (lines.peek().is_some() && lines.all(fits)).into()
    }

    /// Whether one of the parts behind a dot in the file's name is this extension.
    pub fn has_extension(&self, extension: &str) -> bool {
        self.name.split('.').skip(1).any(|part| part.eq_ignore_ascii_case(extension))
    }
}

/// Where a trace comes from, and how it is to be read.
#[derive(Clone, Copy, Debug)]
pub struct Source<'a> {
    /// The trace's file, if it is one.
    pub path: Option<&'a Path>,
    /// The options.
    pub options: &'a ReadOptions,
    /// Where the accesses of a file that is split go.
    pub(super) parts: &'a RefCell<Parts>,
}

/// The format of this name.
///
/// # Errors
/// There is none.
pub fn find(name: &str) -> Result<&'static FormatKind, ReadError> {
    ALL.iter().find(|format| format.name == name).ok_or_else(|| {
        ReadError::format(format!(
            "unknown trace format `{name}`, expected auto or one of {}",
            names(ALL)
        ))
    })
}

/// The format of files with this extension.
pub fn of_extension(extension: &str) -> Option<&'static FormatKind> {
    let is_it = |known: &&str| known.eq_ignore_ascii_case(extension);
    ALL.iter().find(|format| format.extensions.iter().any(is_it))
}

/// The format of a file that begins like this.
///
/// If the marks of exactly one format are there, it is that; if those of several or of none, the
/// name's extension decides among those that fit. A text that fits none is what its extension says.
///
/// # Errors
/// No format fits, or several do.
pub fn recognise(head: &Head<'_>) -> Result<&'static FormatKind, ReadError> {
    let verdicts: Vec<Verdict> = ALL.iter().map(|format| (format.looks_like)(head)).collect();
    let with = |wanted| {
        let verdicts = ALL.iter().zip(&verdicts);
        verdicts.filter(move |(_, verdict)| **verdict == wanted).map(|(format, _)| format)
    };
    if !verdicts.contains(&Verdict::Yes)
        && let Some(why) = foreign::why(head)
    {
        return Err(ReadError::format(why));
    }
    if let Some(why) = presets::ambiguous(head) {
        return Err(ReadError::format(why.to_owned()));
    }
    for verdict in [Verdict::Yes, Verdict::Perhaps] {
        let candidates: Vec<&FormatKind> = with(verdict).collect();
        let hinted = candidates
            .iter()
            .copied()
            .filter(|format| format.extensions.iter().any(|known| head.has_extension(known)));
        let hinted: Vec<&FormatKind> = hinted.collect();
        match (verdict, candidates.as_slice(), hinted.as_slice()) {
            (Verdict::Yes, [one], _) | (_, _, [one]) => return Ok(one),
            (Verdict::Yes, [_, ..], _) => {
                return Err(ReadError::format(format!(
                    "the content fits the formats {}; name the one it is (`--trace-format`, or `format` \
                     in a scenario)",
                    names(candidates)
                )));
            }
            _ => {}
        }
    }
    // A text that its name calls a trace, but for a line: its reader says which.
    let hinted = ALL.iter().find(|format| format.extensions.iter().any(|e| head.has_extension(e)));
    if let Some(format) = hinted.filter(|_| memchr::memchr(0, head.bytes).is_none()) {
        return Ok(format);
    }
    let is_text = memchr::memchr(0, head.bytes).is_none();
    let likely = if is_text { likely(head, None) } else { with(Verdict::Perhaps).collect() };
    Err(ReadError::format(format!(
        "the content has the marks of no format; name it (`--trace-format`, or `format` in a \
         scenario) or give the file its extension, it may be one of {}",
        names(likely)
    )))
}

/// The three formats that a text is most likely of, beside one that it is not: those that fit it
/// without its first lines or before its last, then those that options fit to most texts.
fn likely(head: &Head<'_>, beside: Option<&FormatKind>) -> Vec<&'static FormatKind> {
    let ends: Vec<usize> = memchr::memchr_iter(b'\n', head.bytes).map(|end| end + 1).collect();
    let parts = ends.iter().take(3).map(|&end| &head.bytes[end..]);
    let parts = parts.chain(ends.iter().rev().skip(1).take(2).map(|&end| &head.bytes[..end]));
    let mut found: Vec<&FormatKind> = Vec::new();
    for part in parts.filter(|part| !part.is_empty()) {
        let part = Head { bytes: part, ..*head };
        found.extend(ALL.iter().filter(|format| (format.looks_like)(&part) == Verdict::Yes));
    }
    let has = |byte| memchr::memchr(byte, head.bytes).is_some();
    let fallback = if has(b',') || has(b';') || has(b'\t') {
        [&csv::KIND, &text::KIND, &perf_script::KIND, &lackey::KIND]
    } else if has(b':') {
        [&perf_script::KIND, &pinatrace::KIND, &drmemtrace::KIND, &csv::KIND]
    } else {
        [&text::KIND, &csv::KIND, &din::KIND, &lirs::KIND]
    };
    found.extend(fallback);
    let mut distinct: Vec<&FormatKind> = Vec::new();
    for format in found {
        let is_other = beside.is_none_or(|beside| beside.name != format.name);
        if is_other && distinct.iter().all(|known| known.name != format.name) {
            distinct.push(format);
        }
    }
    distinct.truncate(3);
    distinct
}

/// What a refusal says of a format that nobody named: why it was taken for it, and what else it
/// may be.
pub(super) fn guessed(head: &Head<'_>, format: &FormatKind) -> String {
    let fits = (format.looks_like)(head) == Verdict::Yes;
    let extension = format.extensions.iter().find(|extension| head.has_extension(extension));
    let why = match extension {
        Some(extension) if !fits => format!("because its name has the extension .{extension}"),
        _ => "because it begins like one".to_owned(),
    };
    let is_raw = format.name == "u32" || format.name == "u64";
    let is_text = memchr::memchr(0, head.bytes).is_none() && !is_raw;
    let others = if is_text {
        names(likely(head, Some(format)))
    } else {
        let raw = ["u32", "u64", "oracle-general", "struct"];
        raw.into_iter().filter(|name| *name != format.name).take(3).collect::<Vec<_>>().join(", ")
    };
    format!(
        "read as {}, {why}; if it is none, name its format (`--trace-format`): it may be {others}",
        format.name
    )
}

fn names<'a>(formats: impl IntoIterator<Item = impl AsRef<FormatKind> + 'a>) -> String {
    let names: Vec<&str> = formats.into_iter().map(|format| format.as_ref().name).collect();
    names.join(", ")
}

impl AsRef<Self> for FormatKind {
    fn as_ref(&self) -> &Self {
        self
    }
}

/// What is assumed of numbers where nothing says what they count.
pub const PAGE_NUMBERS: &str =
    "read as page numbers, because no unit is said; `--unit 1` if they are addresses";

/// That, unless the user has named the format or the unit.
fn page_numbers(options: &ReadOptions) -> Vec<String> {
    let is_assumed = options.format == "auto" && options.unit.is_none();
    is_assumed.then(|| PAGE_NUMBERS.to_owned()).into_iter().collect()
}

/// Pages from here on would hold bytes above 2^57, which no x86-64 processor can address.
const PAGE_BEYOND: u64 = 1 << 45;

/// What there is to say of page numbers that no machine has; the format's values have no unit.
pub(super) fn beyond(format: &FormatKind, options: &ReadOptions, max: u64) -> Option<String> {
    let are_pages = [text::KIND.name, raw::U64.name].contains(&format.name);
    (are_pages && options.unit.is_none() && max >= PAGE_BEYOND).then(|| {
        format!(
            "page numbers go up to {max}, which no machine has (its bytes would be above 2^57); if \
             they are addresses say `--unit 1`"
        )
    })
}

/// Calls `read` for each line until the builder is full.
#[inline]
fn each_line(
    input: &mut Input<'_>,
    builder: &mut TraceBuilder,
    mut read: impl FnMut(Line<'_>, &mut TraceBuilder) -> Result<(), ReadError>,
) -> Result<(), ReadError> {
    while let Some(line) = input.line()? {
        read(line, builder)?;
        if builder.overflowed() {
            break;
        }
    }
    Ok(())
}

/// The most pages that one record may touch: a size above is a sign of another format.
const PAGES_PER_RECORD_MAX: u64 = 1 << 16;

/// Addresses → pages.
#[derive(Clone, Copy, Debug)]
struct Pages {
    shift: u32,
}

impl Pages {
    fn of(options: &ReadOptions) -> Result<Self, ReadError> {
        Self::of_size(options.page_size.or(options.host_page_size).unwrap_or(4096))
    }

    fn of_size(size: u64) -> Result<Self, ReadError> {
        if !size.is_power_of_two() {
            return Err(ReadError::format(format!(
                "the page size is {size} bytes, expected a power of two such as 4096"
            )));
        }
        Ok(Self { shift: size.trailing_zeros() })
    }

    fn page(self, address: u64) -> u64 {
        address >> self.shift
    }

    /// The pages that `size` bytes from `address` on touch; 0 bytes touch the page of the address.
    #[inline]
    fn range(self, address: u64, size: u64) -> Result<RangeInclusive<u64>, &'static str> {
        let last = address
            .checked_add(size.saturating_sub(1))
            .ok_or("the access crosses the end of the 64-bit address space")?;
        let (first, last) = (self.page(address), self.page(last));
        if last - first >= PAGES_PER_RECORD_MAX {
            return Err("the access touches more than 65536 pages, expected a plausible size");
        }
        Ok(first..=last)
    }

    /// Adds an access for each page that `size` bytes from `address` on touch; 0 bytes touch the
    /// page of the address. `Err` says what is wrong with the record.
    #[inline]
    fn touch(
        self,
        builder: &mut TraceBuilder,
        address: u64,
        size: u64,
        kind: Option<AccessKind>,
    ) -> Result<(), &'static str> {
        for page in self.range(address, size)? {
            match kind {
                Some(kind) => builder.push_kind(Page(page), kind),
                None => builder.push(Page(page)),
            }
        }
        Ok(())
    }
}

/// Values that count in a unit of bytes, or are page numbers if there is none → pages.
#[derive(Clone, Copy, Debug)]
struct Scale {
    unit: Option<u64>,
    pages: Pages,
}

impl Scale {
    /// The unit of the options, else that of the format.
    fn of(options: &ReadOptions, unit: Option<u64>) -> Result<Self, ReadError> {
        let unit = options.unit.or(unit);
        let without_unit = |option, what: &str| {
            let expected = "expected the bytes that a value counts in; set the option unit, 1 for \
                            addresses or 512 for sectors";
            Err(ReadError::new(ReadErrorKind::NoEffect(option), format!("{what}, {expected}")))
        };
        match unit {
            Some(0) => without_unit("unit", "the unit is 0 bytes"),
            None if options.size_field.is_some() => {
                without_unit("size_field", "page numbers have no size")
            }
            None if options.page_size.is_some() => {
                without_unit("page_size", "the page size has no effect on page numbers")
            }
            _ => Ok(Self { unit, pages: Pages::of(options)? }),
        }
    }

    /// Adds an access for each page that `size` bytes, 1 unless given, from `value` on touch.
    #[inline]
    fn touch(
        self,
        builder: &mut TraceBuilder,
        value: u64,
        size: Option<u64>,
        kind: Option<AccessKind>,
    ) -> Result<(), &'static str> {
        match (self.unit, kind) {
            (Some(unit), _) => {
                let address = value.checked_mul(unit).ok_or("the address is 2^64 or larger")?;
                self.pages.touch(builder, address, size.unwrap_or(1), kind)
            }
            (None, Some(kind)) => {
                builder.push_kind(Page(value), kind);
                Ok(())
            }
            (None, None) => {
                builder.push(Page(value));
                Ok(())
            }
        }
    }

    /// Likewise, of an owner's pages.
    #[inline]
    fn touch_of(
        self,
        owner: &mut Owner<'_>,
        builder: &mut TraceBuilder,
        value: u64,
        size: Option<u64>,
        kind: Option<AccessKind>,
    ) -> Result<(), &'static str> {
        let Some(unit) = self.unit else {
            owner.touch_page(builder, value, kind);
            return Ok(());
        };
        let address = value.checked_mul(unit).ok_or("the address is 2^64 or larger")?;
        owner.touch(self.pages, builder, address, size.unwrap_or(1), kind)
    }

    /// Adds an access for each page that `count` values from `first` on touch.
    fn touch_blocks(
        self,
        builder: &mut TraceBuilder,
        first: u64,
        count: u64,
    ) -> Result<(), &'static str> {
        if let Some(unit) = self.unit {
            let too_large = "the address is 2^64 or larger";
            let address = first.checked_mul(unit).ok_or(too_large)?;
            let size = count.checked_mul(unit).ok_or(too_large)?;
            return self.pages.touch(builder, address, size, None);
        }
        let end = first.checked_add(count).ok_or("the last block is 2^64 or larger")?;
        (first..end).for_each(|page| builder.push(Page(page)));
        Ok(())
    }
}

/// How the word of a table says that an access touches its page. Hexadecimal numbers are SCSI's
/// READ and WRITE of 10, 12 and 16 bytes.
fn operation(word: &[u8]) -> Option<AccessKind> {
    let is = |words: &[&str]| words.iter().any(|known| word.eq_ignore_ascii_case(known.as_bytes()));
    if is(&["r", "read", "l", "load", "0", "28", "a8", "88"]) {
        Some(AccessKind::Load)
    } else if is(&["w", "write", "s", "store", "1", "2a", "aa", "8a"]) {
        Some(AccessKind::Store)
    } else if is(&["i", "ifetch", "fetch", "p_fetch", "2"]) {
        Some(AccessKind::Fetch)
    } else if is(&["m", "modify"]) {
        Some(AccessKind::Modify)
    } else {
        None
    }
}

#[cfg(test)]
mod tests {
    use super::{AccessKind, operation};

    #[test]
    fn tables_say_read_and_write_in_scsi_commands_too() {
        for (read, write) in [("28", "2a"), ("A8", "aa"), ("88", "8A")] {
            assert_eq!(operation(read.as_bytes()), Some(AccessKind::Load));
            assert_eq!(operation(write.as_bytes()), Some(AccessKind::Store));
        }
    }
}
