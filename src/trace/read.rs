//! Reading trace files.

use std::fs::File;
use std::io::{BufRead, BufReader, ErrorKind};
use std::path::Path;

use super::{Trace, TraceBuilder};
use crate::units::Page;

/// Why a trace could not be read.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ReadError {
    /// What kind of failure.
    pub kind: ReadErrorKind,
    /// One sentence with place and remedy, without the path.
    pub message: String,
}

/// The kinds of failure.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ReadErrorKind {
    /// There is no such file.
    Missing,
    /// The system refuses to read it.
    Unreadable,
    /// The format's name is unknown, or none or several formats fit the content.
    Format,
    /// The file breaks the rules of its format.
    Damaged,
    /// It has no access.
    Empty,
    /// It exceeds a limit.
    TooLarge,
}

/// Reads the trace file at `path`; `format` is a format's name, or "auto".
///
/// # Errors
/// The file is missing, unreadable, or not a trace of that format.
pub fn read_trace(path: &Path, format: &str) -> Result<Trace, ReadError> {
    let error = |kind, message: String| Err(ReadError { kind, message });
    if !["auto", "text"].contains(&format) {
        return error(ReadErrorKind::Format, "no format is called that".to_owned());
    }
    let io = |found: std::io::Error| match found.kind() {
        ErrorKind::NotFound => {
            ReadError { kind: ReadErrorKind::Missing, message: "no such file".to_owned() }
        }
        _ => ReadError { kind: ReadErrorKind::Unreadable, message: found.to_string() },
    };
    let mut builder = TraceBuilder::default();
    for (at, line) in BufReader::new(File::open(path).map_err(io)?).lines().enumerate() {
        let line = line.map_err(io)?;
        let text = line.split('#').next().unwrap_or_default().trim();
        if text.is_empty() {
            continue;
        }
        let page = match text.strip_prefix("0x") {
            Some(digits) => u64::from_str_radix(digits, 16),
            None => text.parse(),
        };
        match page {
            Ok(page) => builder.push(Page(page)),
            Err(_) => {
                let column = line.len() - line.trim_start().len() + 1;
                let message = format!("line {}, column {column}: expected a page number", at + 1);
                return error(ReadErrorKind::Damaged, message);
            }
        }
    }
    if builder.accesses() == 0 {
        return error(ReadErrorKind::Empty, "the file has no access".to_owned());
    }
    Ok(builder.finish())
}
