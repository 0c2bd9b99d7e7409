//! Reading a trace file: open, decompress, recognise, read.

use std::cell::RefCell;
use std::fmt;
use std::fs::File;
use std::io::{self, Read};
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

    /// The seed of what a format draws.
    pub(super) fn drawing_seed(&self) -> u64 {
        self.seed.unwrap_or(self.run_seed)
    }

    /// The names, as scenarios write them, of the options that are said and that not every format
    /// takes.
    fn said(&self) -> impl Iterator<Item = &'static str> {
        let said = [
            ("page_size", self.page_size.is_some()),
            ("unit", self.unit.is_some()),
            ("field", self.field.is_some()),
            ("op_field", self.op_field.is_some()),
            ("size_field", self.size_field.is_some()),
            ("layout", self.layout.is_some()),
            ("key", self.key.is_some()),
            ("split", self.split.is_some()),
            ("vm", self.vm.is_some()),
            ("seed", self.seed.is_some()),
        ];
        said.into_iter().filter(|&(_, is_said)| is_said).map(|(name, _)| name)
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

fn load_path(path: &Path, options: &ReadOptions, beyond: Beyond) -> Result<Loaded, ReadError> {
    if path.as_os_str() == "-" {
        return load_reader(io::stdin().lock(), "", None, options, beyond);
    }
    let file = File::open(path).map_err(|error| ReadError::from_stream(&error, 0))?;
    let name = path.file_name().map(|name| name.to_string_lossy()).unwrap_or_default();
    load_reader(file, &name, Some(path), options, beyond)
}

/// Reads a trace from `reader`. The file's name is a hint where the content is ambiguous, its path
/// the place where files that belong to it are looked for; neither need exist.
///
/// # Errors
/// See [`ReadErrorKind`].
pub fn load_from(
    reader: impl Read,
    name: &str,
    path: Option<&Path>,
    options: &ReadOptions,
) -> Result<Loaded, ReadError> {
    load_reader(reader, name, path, options, Beyond::Refuse)
}

fn load_reader(
    reader: impl Read,
    name: &str,
    path: Option<&Path>,
    options: &ReadOptions,
    beyond: Beyond,
) -> Result<Loaded, ReadError> {
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
    if builder.accesses() == 0 {
        return Err(empty());
    }
    let bytes = input.bytes_read();
    Ok(Loaded { trace: builder.finish(), format, compression, bytes, notes })
}

fn empty() -> ReadError {
    ReadError::new(
        ReadErrorKind::Empty,
        "the trace has no access, expected at least one".to_owned(),
    )
}
