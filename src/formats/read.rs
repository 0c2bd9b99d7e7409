//! Reading a trace file: open, decompress, recognise, read.

use std::cell::RefCell;
use std::fs::File;
use std::io;
use std::path::Path;

use super::compression::{Compression, decompress};
use super::error::{ReadError, ReadErrorKind};
use super::input::{HEAD, Input, without_mark};
use super::kind::{FormatKind, Head, Source};
use super::options::ReadOptions;
use super::parts::Parts;
use super::{ALL, raw, recognise, text};
use crate::trace::{Room, Trace, TraceBuilder};

/// A trace and what was learnt while it was read.
#[derive(Clone, Debug)]
#[non_exhaustive]
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
/// use balloonist::formats::{ReadErrorKind, read_trace};
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

/// Reads the trace at `path` (`-` for standard input), with notes on how it was read.
///
/// # Errors
/// See [`ReadErrorKind`].
pub fn load(path: &Path, options: &ReadOptions) -> Result<Loaded, ReadError> {
    load_path(path, options, Beyond::Refuse)
}

/// Reads the first accesses of the trace at `path`, as many as there are up to `accesses`, without
/// reading more of the file than necessary. The compact form is read as a whole, because it has a
/// single checksum.
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
    /// Those beyond this number are left out.
    Cut(u64),
}

/// The trace of one VM of a file that holds several.
#[derive(Clone, Debug)]
#[non_exhaustive]
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
    split(read_path(path, options, Beyond::Refuse)?)
}

/// Likewise from `reader`; see [`load_from`].
///
/// # Errors
/// See [`ReadErrorKind`].
pub fn load_parts_from(
    reader: impl io::Read,
    name: &str,
    path: Option<&Path>,
    options: &ReadOptions,
) -> Result<Vec<Part>, ReadError> {
    split(read_all(reader, name, path, options, Beyond::Refuse)?)
}

fn split(whole: Read) -> Result<Vec<Part>, ReadError> {
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
            let mut notes = notes.clone();
            notes.extend(backwards(&builder));
            let trace = builder.finish();
            notes.extend(frees(&trace));
            let loaded = Loaded { trace, format, compression, bytes, notes };
            found.push(Part { value, loaded });
        }
    }
    if found.is_empty() { Err(empty()) } else { Ok(found) }
}

/// Keeps the `most` parts with the most accesses (on a tie the earlier one), in their original
/// order. Returns a note on what is left out.
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
    let mut is_kept = vec![false; parts.len()];
    order[..most].iter().for_each(|&at| is_kept[at] = true);
    let mut is_kept = is_kept.into_iter();
    parts.retain(|_| is_kept.next() == Some(true));
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
    parts: Parts,
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
    let room = Room::new(options.memory_max, options.growth_max);
    let (reader, compression) = decompress(room.fed_by(reader))?;
    let mut input = Input::new(reader, options.bytes_max);
    let head = input.peek(HEAD)?.to_vec();
    if head.is_empty() {
        return Err(empty());
    }
    let whole = head.len() < HEAD;
    let begins = Head { bytes: without_mark(&head), whole, name };
    let is_guess = options.format == "auto";
    let format =
        if is_guess { recognise::recognise(&begins)? } else { recognise::find(&options.format)? };
    // A number names the VM of a dat file, and a column of what has columns.
    let as_column = options.vm.filter(|_| format.options.contains(&"split"));
    let with_column = as_column.map(|column| ReadOptions {
        split: options.split.clone().or(Some(column.to_string())),
        vm: None,
        ..options.clone()
    });
    let split = if with_column.is_some() { "vm" } else { "split" };
    let options = with_column.as_ref().unwrap_or(options);
    check(options, format, is_guess)?;
    let most = if let Beyond::Cut(most) = beyond { most } else { u64::MAX };
    let most = options.accesses_max.min(most);
    let mut builder = TraceBuilder::with_limit(most).within(&room);
    let parts = RefCell::new(Parts::new(options.accesses_max, &room));
    let source = Source { path, options, parts: &parts };
    let read = (format.read)(&mut input, &mut builder, &source);
    let notes = read.map_err(|error| match error.kind {
        ReadErrorKind::Damaged if is_guess => {
            let guessed = recognise::guessed(&begins, format);
            ReadError { message: format!("{}; {guessed}", error.message), ..error }
        }
        ReadErrorKind::NoEffect("split") => {
            ReadError { kind: ReadErrorKind::NoEffect(split), ..error }
        }
        _ => error,
    })?;
    let outgrown = builder.outgrown() || parts.borrow().outgrown();
    if outgrown {
        return Err(outgrows(&room, input.offset()));
    }
    if beyond != Beyond::Refuse {
        builder.cut();
    }
    check_times(&builder, &parts.borrow(), options)?;
    if builder.overflowed() {
        return Err(ReadError::new(
            ReadErrorKind::TooLarge,
            format!(
                "byte {}: the trace exceeds the limit of {} accesses; shorten the trace",
                input.offset(),
                builder.accesses(),
            ),
        ));
    }
    let (bytes, parts) = (input.bytes_read(), parts.into_inner());
    Ok(Read { builder, parts, split, format, compression, bytes, notes })
}

/// The error for a trace that does not fit into memory.
pub(super) fn outgrows(room: &Room, at: u64) -> ReadError {
    let limit = room.limit() >> 20;
    let what = format!(
        "byte {at}: the trace takes more than {limit} MiB of memory, which is out of proportion to \
         its file or more than is free; raise the limit with --memory-limit"
    );
    ReadError::new(ReadErrorKind::TooLarge, what)
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
    notes.extend(backwards(&builder));
    let trace = builder.finish();
    notes.extend(frees(&trace));
    notes.extend(beyond(format, options, &trace));
    Ok(Loaded { trace, format, compression, bytes, notes })
}

fn empty() -> ReadError {
    ReadError::new(
        ReadErrorKind::Empty,
        "the trace has no access, expected at least one".to_owned(),
    )
}

/// Refuses options that have no effect in this format.
fn check(options: &ReadOptions, format: &FormatKind, is_guess: bool) -> Result<(), ReadError> {
    let Some(name) = options.said().find(|name| !format.options.contains(name)) else {
        return Ok(());
    };
    let takers = ALL.iter().filter(|taker| taker.options.contains(&name));
    let takers: Vec<&str> = takers.map(|taker| taker.name).collect();
    let known = match format.options {
        [] => "none".to_owned(),
        options => options.join(", "),
    };
    let name_it = if is_guess { "; name the one that it is to be read as" } else { "" };
    Err(ReadError::new(
        ReadErrorKind::NoEffect(name),
        format!(
            "the option {name} has no effect on the format {}, expected one of its options: \
             {known}; formats with the option {name} are {}{name_it}",
            format.name,
            takers.join(", ")
        ),
    ))
}

/// Pages from here on would hold bytes above 2^57, which no x86-64 processor can address.
const PAGE_BEYOND: u64 = 1 << 45;

/// What there is to say of page numbers that no machine has; the format's values have no unit.
fn beyond(format: &FormatKind, options: &ReadOptions, trace: &Trace) -> Option<String> {
    let are_pages = [text::KIND.name, raw::U64.name].contains(&format.name);
    if !are_pages || options.unit.is_some() {
        return None;
    }
    let max = trace.numbers().iter().max()?.0;
    (max >= PAGE_BEYOND).then(|| {
        format!(
            "page numbers go up to {max}, which no machine has (its bytes would be above 2^57); if \
             they are addresses say `--unit 1`"
        )
    })
}

/// Refuses a file without times if times are required.
fn check_times(
    builder: &TraceBuilder,
    parts: &Parts,
    options: &ReadOptions,
) -> Result<(), ReadError> {
    let is_wanted = options.wants_times() == Ok(true);
    if !is_wanted || builder.has_times() || builder.accesses() == 0 || parts.are_several() {
        return Ok(());
    }
    let what = "the file has no times, expected some; replay it in steps";
    Err(ReadError::new(ReadErrorKind::NoEffect("time"), what.to_owned()))
}

/// A note that the guest frees pages, if it does.
fn frees(trace: &Trace) -> Option<String> {
    let count = trace.frees()?.len();
    let times = if count == 1 { "once".to_owned() } else { format!("{count} times") };
    Some(format!("its guest frees pages, {times}: the next use of each is a cold fault"))
}

/// What there is to say of times that fall.
fn backwards(builder: &TraceBuilder) -> Option<String> {
    let count = builder.backwards();
    (count > 0).then(|| {
        format!(
            "{count} of {} times are before the one above them and taken as equal to it; sort the \
             file by time if its order does not matter",
            builder.accesses()
        )
    })
}
