//! `u32` and `u64`: page numbers as raw little-endian words, nothing else.
//!
//! The option `unit` says how many bytes the words count in if they are not page numbers. Raw words
//! have no marks, so only the file name's extension, `.u32` or `.u64` before that of a compression,
//! tells them from other binary. Beside `X.pages.u32` (or `.u64`, compressed or not) a file
//! `X.kinds.u8`, `X.kinds.u8.gz`, `X.kinds.u8.xz` or `X.kinds.u8.zst` says how each access touches
//! its page: one byte per access, `I` fetch, `L` load, `S` store, `M` modify, as many bytes as
//! there are accesses. It is read with its trace; no option is needed, and to leave it out is to
//! move it away. (libCacheSim's valpin traces are `u64`: traceReader/customizedReader/valpinBin.h.)

use std::fs::File;
use std::path::{Path, PathBuf};

use super::compression::{Compression, decompress};
use super::error::{ReadError, ReadErrorKind};
use super::input::Input;
use super::kind::{FormatKind, Head, Source, Verdict};
use super::options::VALUES;
use super::pages::{Scale, page_numbers};
use crate::trace::{AccessKind, TraceBuilder};

pub(super) const U32: FormatKind = FormatKind {
    name: "u32",
    summary: "page numbers as raw little-endian 32-bit words, with X.kinds.u8 beside X.pages.u32",
    source: "our own",
    extensions: &["u32"],
    options: VALUES,
    looks_like,
    read: read_u32,
};

pub(super) const U64: FormatKind = FormatKind {
    name: "u64",
    summary: "page numbers as raw little-endian 64-bit words, with X.kinds.u8 beside X.pages.u64",
    source: "our own; also libCacheSim's valpinBin.h",
    extensions: &["u64"],
    options: VALUES,
    looks_like,
    read: read_u64,
};

fn looks_like(_: &Head<'_>) -> Verdict {
    Verdict::Perhaps
}

fn read_u32(
    input: &mut Input<'_>,
    builder: &mut TraceBuilder,
    source: &Source<'_>,
) -> Result<Vec<String>, ReadError> {
    read_words(input, builder, source, u32::from_le_bytes, TraceBuilder::extend_u32)?;
    read_kinds(builder, source, ".pages.u32")
}

fn read_u64(
    input: &mut Input<'_>,
    builder: &mut TraceBuilder,
    source: &Source<'_>,
) -> Result<Vec<String>, ReadError> {
    read_words(input, builder, source, u64::from_le_bytes, TraceBuilder::extend_u64)?;
    read_kinds(builder, source, ".pages.u64")
}

/// Reads words of `N` bytes to the end; `extend` adds those that are page numbers.
fn read_words<const N: usize, W: Copy + Into<u64>>(
    input: &mut Input<'_>,
    builder: &mut TraceBuilder,
    source: &Source<'_>,
    word: impl Fn([u8; N]) -> W,
    extend: impl Fn(&mut TraceBuilder, &[W]),
) -> Result<(), ReadError> {
    let scale = Scale::of(source.options, None)?;
    let mut words = Vec::new();
    let mut at = input.offset();
    while let Some(block) = input.records(N)? {
        words.clear();
        words.extend(block.as_chunks().0.iter().map(|&bytes| word(bytes)));
        if scale.unit.is_none() {
            extend(builder, &words);
        } else {
            touch(builder, scale, words.iter().map(|&word| word.into()), (at, N))?;
        }
        if builder.overflowed() {
            break;
        }
        at = input.offset();
    }
    Ok(())
}

/// Adds an access for each of these values; `at` is the offset of the first one, `size` its bytes.
fn touch(
    builder: &mut TraceBuilder,
    scale: Scale,
    values: impl Iterator<Item = u64>,
    (at, size): (u64, usize),
) -> Result<(), ReadError> {
    for (value, at) in values.zip((at..).step_by(size)) {
        let touched = scale.touch(builder, value, None, None);
        touched.map_err(|why| ReadError::damaged(format!("byte {at}: {why}")))?;
    }
    Ok(())
}

/// The file of kinds that belongs to the trace file at `path`, if there is one.
fn kinds_file(path: &Path, infix: &str) -> Option<PathBuf> {
    let name = path.file_name()?.to_str()?;
    let stem = name.split(infix).next().filter(|stem| stem.len() < name.len())?;
    let compressed = Compression::ALL.iter().map(|(.., extension)| format!(".{extension}"));
    std::iter::once(String::new())
        .chain(compressed)
        .map(|extension| path.with_file_name(format!("{stem}.kinds.u8{extension}")))
        .find(|candidate| candidate.is_file())
}

fn read_kinds(
    builder: &mut TraceBuilder,
    source: &Source<'_>,
    infix: &str,
) -> Result<Vec<String>, ReadError> {
    let mut notes = page_numbers(source.options);
    let Some(path) = source.path.and_then(|path| kinds_file(path, infix)) else {
        return Ok(notes);
    };
    let name = path.file_name().unwrap_or_default().to_string_lossy().into_owned();
    let within = |error: ReadError| ReadError {
        message: format!("the kinds in {name}: {}", error.message),
        ..error
    };
    let file = File::open(&path).map_err(|error| within(ReadError::from_stream(&error, 0)))?;
    let (reader, _) = decompress(file).map_err(within)?;
    let mut input = Input::new(reader, source.options.bytes_max);
    let mut kinds = Vec::new();
    loop {
        let offset = input.offset();
        let Some(block) = input.records(1).map_err(within)? else { break };
        kinds.clear();
        for (at, &letter) in block.iter().enumerate() {
            let kind = AccessKind::ALL.into_iter().find(|kind| kind.letter() == letter as char);
            kinds.push(kind.ok_or_else(|| {
                let found = [letter].escape_ascii().to_string();
                let at = offset + at as u64;
                within(ReadError::damaged(format!(
                    "byte {at}: found `{found}`, expected I, L, S or M"
                )))
            })?);
        }
        if builder.overflowed() {
            // The trace is cut, and so are its kinds.
            let missing = builder.accesses() - builder.kinds_known();
            kinds.truncate(usize::try_from(missing).unwrap_or(usize::MAX));
        }
        builder.extend_kinds(&kinds);
        let (known, accesses) = (builder.kinds_known(), builder.accesses());
        if known > accesses || (known == accesses && builder.overflowed()) {
            break;
        }
    }
    let (known, accesses) = (builder.kinds_known(), builder.accesses());
    if known != accesses {
        let count = if known > accesses { "more".to_owned() } else { format!("only {known}") };
        return Err(within(ReadError::new(
            ReadErrorKind::Damaged,
            format!(
                "there are {count} kinds, expected {accesses}, one an access; they belong to \
                 another trace, or one of the two is cut short"
            ),
        )));
    }
    notes.push(format!("kinds from {name}"));
    Ok(notes)
}
