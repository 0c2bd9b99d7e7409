//! Reading a trace file: open, decompress, recognise, read.

use std::cell::RefCell;
use std::fmt;
use std::fs::File;
use std::io;
use std::path::Path;

use super::compression::{Compression, decompress};
use super::formats::{self, FormatKind};
use super::input::{HEAD, Input, without_mark};
use super::store::{Trace, TraceBuilder};

/// Why a trace could not be read.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ReadError {
    /// What kind of failure it is.
    pub kind: ReadErrorKind,
    /// One sentence: the place, what was found, what was expected, the remedy. No path.
    pub message: String,
}

/// What kind of failure a [`ReadError`] is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ReadErrorKind {
    /// There is no such file.
    Missing,
    /// The file is there and the system does not let us read it.
    Unreadable,
    /// The format is unknown, ambiguous, or lacks an option that it needs.
    Format,
    /// The content does not follow the format: a line that is none of its lines, a file that is cut
    /// short, a wrong checksum.
    Damaged,
    /// There is no access in it.
    Empty,
    /// It is larger than a limit.
    TooLarge,
    /// The option of this name, as scenarios write it, says nothing about a trace like this one.
    NoEffect(&'static str),
}

impl ReadError {
    pub(super) fn new(kind: ReadErrorKind, message: String) -> Self {
        Self { kind, message }
    }

    #[cold]
    pub(super) fn format(message: String) -> Self {
        Self::new(ReadErrorKind::Format, message)
    }

    #[cold]
    pub(super) fn damaged(message: String) -> Self {
        Self::new(ReadErrorKind::Damaged, message)
    }

    /// What a stream said after it had given `bytes` bytes.
    #[cold]
    pub(super) fn from_stream(error: &io::Error, bytes: u64) -> Self {
        let kind = match error.kind() {
            io::ErrorKind::NotFound => ReadErrorKind::Missing,
            io::ErrorKind::InvalidData => ReadErrorKind::Damaged,
            _ => ReadErrorKind::Unreadable,
        };
        let message = match kind {
            ReadErrorKind::Missing => "the file does not exist".to_owned(),
            ReadErrorKind::Damaged => {
                format!("byte {bytes} of the decompressed trace: {error}; get the file again")
            }
            _ => format!("the file cannot be read: {error}"),
        };
        Self { kind, message }
    }
}

impl fmt::Display for ReadError {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.message.fmt(out)
    }
}

impl std::error::Error for ReadError {}

/// How to read a trace. An option that says nothing about a trace's format is refused.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct ReadOptions {
    /// The format's name; "auto" recognises it.
    pub format: String,
    /// Bytes of a page, a power of two: an address becomes the page address / `page_size`. `None`:
    /// the host's, else what the trace says, else 4096.
    pub page_size: Option<u64>,
    /// Bytes of the host's pages. Formats whose values are pages already pass over it.
    pub host_page_size: Option<u64>,
    /// Bytes that a value counts in, for the formats whose values are not clearly bytes: 1 for
    /// addresses, 512 for disk sectors. `None`: the format's own, and if it has none, the values
    /// are page numbers.
    pub unit: Option<u64>,
    /// The field that holds the page or the address: a csv column's name or number from 1, or the
    /// number from 1 of a member of `layout`.
    pub field: Option<String>,
    /// The field, like `field`, that says whether an access reads or writes.
    pub op_field: Option<String>,
    /// The field, like `field`, that says how many bytes an access covers.
    pub size_field: Option<String>,
    /// The layout of a `struct` record, such as `<IQIq`.
    pub layout: Option<String>,
    /// What separates the fields of a table: comma, semicolon, tab, blanks or a character.
    /// `None`: what its first line shows.
    pub separator: Option<String>,
    /// How the field is written: 10, 16 (without 0x too) or text (names of any kind). `None`: as
    /// its first values show.
    pub base: Option<String>,
    /// Bytes that a size counts in.
    pub size_unit: Option<u64>,
    /// The words of the operations that read, with commas between them.
    pub reads: Option<String>,
    /// The words of the operations that write.
    pub writes: Option<String>,
    /// What a line that is a comment begins with.
    pub comment: Option<String>,
    /// Whether the first line is a heading: yes or no. `None`: as it looks.
    pub header: Option<String>,
    /// The fields, like `field` and with commas between them, that belong to a page's identity
    /// beside its number: a volume, a process. "none": none, whatever the format has.
    pub key: Option<String>,
    /// The field, like `field`, each of whose values is a VM of its own.
    pub split: Option<String>,
    /// The one value of `split` whose accesses are read.
    pub part: Option<String>,
    /// The VM of a `dat` file, from 0.
    pub vm: Option<u64>,
    /// The seed of the accesses that are made from samples. `None`: that of the run.
    pub seed: Option<u64>,
    /// The seed of the run. Formats that draw nothing pass over it.
    pub run_seed: u64,
    /// The most decompressed bytes.
    pub bytes_max: u64,
    /// The most accesses.
    pub accesses_max: u64,
}

impl ReadOptions {
    /// The default limit on decompressed bytes: 16 GiB.
    pub const BYTES_MAX: u64 = 16 << 30;

    /// The default limit on accesses. No trace may have more runs than this.
    pub const ACCESSES_MAX: u64 = TraceBuilder::RUNS_MAX as u64;

    /// The options that are numbers, by the names that scenarios give them.
    pub fn numbers(&self) -> [(&'static str, Option<u64>); 5] {
        [
            ("page_size", self.page_size),
            ("unit", self.unit),
            ("vm", self.vm),
            ("seed", self.seed),
            ("size_unit", self.size_unit),
        ]
    }

    /// The options that are words, by the names that scenarios give them.
    pub fn words(&self) -> [(&'static str, Option<&str>); 13] {
        [
            ("field", self.field.as_deref()),
            ("op_field", self.op_field.as_deref()),
            ("size_field", self.size_field.as_deref()),
            ("layout", self.layout.as_deref()),
            ("separator", self.separator.as_deref()),
            ("base", self.base.as_deref()),
            ("reads", self.reads.as_deref()),
            ("writes", self.writes.as_deref()),
            ("comment", self.comment.as_deref()),
            ("header", self.header.as_deref()),
            ("key", self.key.as_deref()),
            ("split", self.split.as_deref()),
            ("part", self.part.as_deref()),
        ]
    }

    /// The seed of what a format draws.
    pub(super) fn drawing_seed(&self) -> u64 {
        self.seed.unwrap_or(self.run_seed)
    }

    /// The names, as scenarios write them, of the options that are said and that not every format
    /// takes.
    fn said(&self) -> impl Iterator<Item = &'static str> {
        let numbers = self.numbers().map(|(name, number)| (name, number.is_some()));
        let words = self.words().map(|(name, word)| (name, word.is_some()));
        let said = numbers.into_iter().chain(words).filter(|(name, _)| *name != "part");
        said.filter(|&(_, is_said)| is_said).map(|(name, _)| name)
    }

    /// Refuses what says nothing about a trace in this format.
    fn check(&self, format: &FormatKind) -> Result<(), ReadError> {
        let Some(name) = self.said().find(|name| !format.options.contains(name)) else {
            return Ok(());
        };
        let takers = formats::ALL.iter().filter(|taker| taker.options.contains(&name));
        let takers: Vec<&str> = takers.map(|taker| taker.name).collect();
        let known = match format.options {
            [] => "none".to_owned(),
            options => options.join(", "),
        };
        Err(ReadError::new(
            ReadErrorKind::NoEffect(name),
            format!(
                "the option {name} has no effect on the format {}, expected one of its options: \
                 {known}; formats with the option {name} are {}",
                format.name,
                takers.join(", ")
            ),
        ))
    }
}

impl Default for ReadOptions {
    fn default() -> Self {
        Self {
            format: "auto".to_owned(),
            page_size: None,
            host_page_size: None,
            unit: None,
            field: None,
            op_field: None,
            size_field: None,
            layout: None,
            separator: None,
            base: None,
            size_unit: None,
            reads: None,
            writes: None,
            comment: None,
            header: None,
            key: None,
            split: None,
            part: None,
            vm: None,
            seed: None,
            run_seed: 1,
            bytes_max: Self::BYTES_MAX,
            accesses_max: Self::ACCESSES_MAX,
        }
    }
}

/// A trace and what was learnt while it was read.
#[derive(Clone, Debug)]
pub struct Loaded {
    /// The trace; at least one access.
    pub trace: Trace,
    /// Its format.
    pub format: &'static FormatKind,
    /// How it was compressed.
    pub compression: Compression,
    /// Its size, decompressed.
    pub bytes: u64,
    /// What the user should know about how it was read, such as "sampled input".
    pub notes: Vec<String>,
}

/// Reads the trace at `path`, `-` for standard input, in the format called `format` or, if that is
/// "auto", in the one that its content shows.
///
/// # Errors
/// See [`ReadErrorKind`].
///
/// ```
/// use balloonist::trace::{ReadErrorKind, read_trace};
/// # let directory = tempfile::tempdir().unwrap();
/// # let path = directory.path().join("five.txt");
/// std::fs::write(&path, "9\n8\n9 # again\n0x10\n").unwrap();
/// let trace = read_trace(&path, "auto").unwrap();
/// assert_eq!((trace.accesses(), trace.distinct_pages()), (4, 3));
///
/// std::fs::write(&path, "9\nnine\n").unwrap();
/// let error = read_trace(&path, "text").unwrap_err();
/// assert_eq!(error.kind, ReadErrorKind::Damaged);
/// assert_eq!(error.message, "2:1: found `nine`, expected a page number such as 123 or 0x7b");
/// ```
pub fn read_trace(path: &Path, format: &str) -> Result<Trace, ReadError> {
    let options = ReadOptions { format: format.to_owned(), ..ReadOptions::default() };
    load(path, &options).map(|loaded| loaded.trace)
}

/// Reads the trace at `path`, `-` for standard input, and says how.
///
/// # Errors
/// See [`ReadErrorKind`].
pub fn load(path: &Path, options: &ReadOptions) -> Result<Loaded, ReadError> {
    load_path(path, options, Beyond::Refuse)
}

/// Reads the first accesses of the trace at `path`, as many as there are up to `accesses`, and no
/// more of the file than that takes. Our own form is read as a whole, for it has one checksum.
///
/// # Errors
/// See [`ReadErrorKind`].
pub fn load_head(path: &Path, accesses: u64, options: &ReadOptions) -> Result<Loaded, ReadError> {
    load_path(path, options, Beyond::Cut(accesses))
}

/// What is done with accesses beyond the most that are wanted.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Beyond {
    /// More than the options allow are too many.
    Refuse,
    /// Those beyond so many are left out.
    Cut(u64),
}

/// The trace of one VM of a file that holds several.
#[derive(Clone, Debug)]
pub struct Part {
    /// The value of the field that the file is split by.
    pub value: String,
    /// Its accesses, and what was learnt of the whole file.
    pub loaded: Loaded,
}

/// Reads the trace at `path` into one trace for each value of the option `split`, in the order in
/// which the values first appear.
///
/// # Errors
/// See [`ReadErrorKind`].
pub fn load_parts(path: &Path, options: &ReadOptions) -> Result<Vec<Part>, ReadError> {
    let whole = read_path(path, options, Beyond::Refuse)?;
    let Read { builder, parts, format, compression, bytes, notes, .. } = whole;
    let mut found = Vec::new();
    // What is not split, as a dat file of one VM, is one part without a name.
    for (value, builder) in parts.finish(builder) {
        if builder.overflowed() {
            return Err(ReadError::new(
                ReadErrorKind::TooLarge,
                format!("one VM has more than {} accesses, the limit", builder.accesses()),
            ));
        }
        if builder.accesses() > 0 {
            let value = String::from_utf8_lossy(&value).into_owned();
            let trace = builder.finish();
            let loaded = Loaded { trace, format, compression, bytes, notes: notes.clone() };
            found.push(Part { value, loaded });
        }
    }
    if found.is_empty() { Err(empty()) } else { Ok(found) }
}

/// Keeps the `most` parts with the most accesses, the first of equals, in their order; says what is
/// left out.
pub fn keep_largest(parts: &mut Vec<Part>, most: Option<u64>) -> Option<String> {
    let most = usize::try_from(most?).unwrap_or(usize::MAX);
    if parts.len() <= most {
        return None;
    }
    let accesses = |part: &Part| part.loaded.trace.accesses();
    let total: u64 = parts.iter().map(accesses).sum();
    let mut order: Vec<usize> = (0..parts.len()).collect();
    order.sort_by_key(|&at| (std::cmp::Reverse(accesses(&parts[at])), at));
    let left_out = parts.len() - most;
    let kept = &order[..most];
    let mut at = 0;
    parts.retain(|_| {
        at += 1;
        kept.contains(&(at - 1))
    });
    let kept: u64 = parts.iter().map(accesses).sum();
    Some(format!(
        "{left_out} smaller VMs with {} of {total} accesses are left out, as `--largest` says",
        total - kept
    ))
}

fn load_path(path: &Path, options: &ReadOptions, beyond: Beyond) -> Result<Loaded, ReadError> {
    finish(read_path(path, options, beyond)?, options)
}

fn read_path(path: &Path, options: &ReadOptions, beyond: Beyond) -> Result<Read, ReadError> {
    if path.as_os_str() == "-" {
        return read_all(io::stdin().lock(), "", None, options, beyond);
    }
    let file = File::open(path).map_err(|error| ReadError::from_stream(&error, 0))?;
    let name = path.file_name().map(|name| name.to_string_lossy()).unwrap_or_default();
    read_all(file, &name, Some(path), options, beyond)
}

/// Reads a trace from `reader`. The file's name is a hint where the content is ambiguous, its path
/// the place where files that belong to it are looked for; neither need exist.
///
/// # Errors
/// See [`ReadErrorKind`].
pub fn load_from(
    reader: impl io::Read,
    name: &str,
    path: Option<&Path>,
    options: &ReadOptions,
) -> Result<Loaded, ReadError> {
    finish(read_all(reader, name, path, options, Beyond::Refuse)?, options)
}

/// What was read of a file, before it is a trace.
struct Read {
    builder: TraceBuilder,
    parts: formats::Parts,
    /// The option that says what the file is split by.
    split: &'static str,
    format: &'static FormatKind,
    compression: Compression,
    bytes: u64,
    notes: Vec<String>,
}

fn read_all(
    reader: impl io::Read,
    name: &str,
    path: Option<&Path>,
    options: &ReadOptions,
    beyond: Beyond,
) -> Result<Read, ReadError> {
    let (reader, compression) = decompress(reader)?;
    let mut input = Input::new(reader, options.bytes_max);
    let head = input.peek(HEAD)?.to_vec();
    if head.is_empty() {
        return Err(empty());
    }
    let whole = head.len() < HEAD;
    let begins = formats::Head { bytes: without_mark(&head), whole, name };
    let is_guess = options.format == "auto";
    let format =
        if is_guess { formats::recognise(&begins)? } else { formats::find(&options.format)? };
    // A number names the VM of a dat file, and a column of what has columns.
    let as_column = options.vm.filter(|_| format.options.contains(&"split"));
    let with_column = as_column.map(|column| ReadOptions {
        split: options.split.clone().or(Some(column.to_string())),
        vm: None,
        ..options.clone()
    });
    let split = if with_column.is_some() { "vm" } else { "split" };
    let options = with_column.as_ref().unwrap_or(options);
    options.check(format)?;
    let most = if let Beyond::Cut(most) = beyond { most } else { u64::MAX };
    let mut builder = TraceBuilder::with_limit(options.accesses_max.min(most));
    let parts = RefCell::new(formats::Parts::new(options.accesses_max));
    let source = formats::Source { path, options, parts: &parts };
    let read = (format.read)(&mut input, &mut builder, &source);
    let notes = read.map_err(|error| match error.kind {
        ReadErrorKind::Damaged if is_guess => {
            let guessed = formats::guessed(&begins, format);
            ReadError { message: format!("{}; {guessed}", error.message), ..error }
        }
        ReadErrorKind::NoEffect("split") => {
            ReadError { kind: ReadErrorKind::NoEffect(split), ..error }
        }
        _ => error,
    })?;
    if beyond != Beyond::Refuse {
        builder.cut();
    }
    if builder.overflowed() {
        return Err(ReadError::new(
            ReadErrorKind::TooLarge,
            format!(
                "byte {}: the trace goes on behind {} accesses, the limit; cut the trace",
                input.offset(),
                builder.accesses(),
            ),
        ));
    }
    let (bytes, parts) = (input.bytes_read(), parts.into_inner());
    Ok(Read { builder, parts, split, format, compression, bytes, notes })
}

fn finish(read: Read, options: &ReadOptions) -> Result<Loaded, ReadError> {
    let Read { builder, parts, split, format, compression, bytes, mut notes } = read;
    if parts.are_several() {
        let what = "the file is split into VMs, expected one; say which with the option part";
        return Err(ReadError::new(ReadErrorKind::NoEffect(split), what.to_owned()));
    }
    if builder.accesses() == 0 {
        return Err(empty());
    }
    let trace = builder.finish();
    let max = trace.numbers().iter().max().map_or(0, |page| page.0);
    notes.extend(formats::beyond(format, options, max));
    Ok(Loaded { trace, format, compression, bytes, notes })
}

fn empty() -> ReadError {
    ReadError::new(
        ReadErrorKind::Empty,
        "the trace has no access, expected at least one".to_owned(),
    )
}
