//! Writing traces: our compact form, text, and raw words.

use std::fmt;
use std::io::{self, Write};

use super::compact::write_compact;
use crate::trace::{AccessKind, Trace};

/// A format that traces can be written in.
#[derive(Debug)]
#[non_exhaustive]
pub struct OutputKind {
    /// The name; [`find`](super::find) knows it too.
    pub name: &'static str,
    /// What it holds, in one sentence without a full stop.
    pub summary: &'static str,
    /// Writes a trace.
    pub write: fn(&Trace, &mut dyn Write) -> Result<(), WriteError>,
}

/// Every format that traces can be written in.
pub const OUTPUTS: &[OutputKind] = &[
    OutputKind {
        name: "balloonist",
        summary: "our own compact, checksummed form, with all that the trace knows",
        write: |trace, out| Ok(write_compact(trace, out)?),
    },
    OutputKind {
        name: "text",
        summary: "a page number a line, with R or W if the trace has kinds",
        write: text,
    },
    OutputKind {
        name: "u32",
        summary: "page numbers as raw little-endian 32-bit words, without kinds",
        write: u32_words,
    },
    OutputKind {
        name: "u64",
        summary: "page numbers as raw little-endian 64-bit words, without kinds",
        write: u64_words,
    },
    OutputKind {
        name: "kinds",
        summary: "the letter I, L, S or M of each access, to lie beside u32 or u64",
        write: kinds,
    },
];

/// Why a trace could not be written.
#[derive(Debug)]
pub enum WriteError {
    /// The system refused.
    Io(io::Error),
    /// The format cannot hold this trace; one sentence says why.
    Unfit(String),
}

impl From<io::Error> for WriteError {
    fn from(error: io::Error) -> Self {
        Self::Io(error)
    }
}

impl fmt::Display for WriteError {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Io(error) => write!(out, "the trace cannot be written: {error}"),
            Self::Unfit(why) => why.fmt(out),
        }
    }
}

impl std::error::Error for WriteError {}

fn text(trace: &Trace, out: &mut dyn Write) -> Result<(), WriteError> {
    let mut at = 0;
    for run in trace.runs(0, trace.accesses()) {
        let number = trace.numbers()[run.page as usize];
        for _ in 0..run.accesses {
            match trace.kind(at) {
                None => writeln!(out, "{number}")?,
                Some(kind) => writeln!(out, "{number} {}", if kind.writes() { 'W' } else { 'R' })?,
            }
            at += 1;
        }
    }
    Ok(())
}

fn u32_words(trace: &Trace, out: &mut dyn Write) -> Result<(), WriteError> {
    if let Some(large) = trace.numbers().iter().find(|number| number.0 > u64::from(u32::MAX)) {
        return Err(WriteError::Unfit(format!(
            "page {large} does not fit into 32 bits; write the trace as u64"
        )));
    }
    words(trace, |number| (number as u32).to_le_bytes(), out)
}

fn u64_words(trace: &Trace, out: &mut dyn Write) -> Result<(), WriteError> {
    words(trace, u64::to_le_bytes, out)
}

fn words<const N: usize>(
    trace: &Trace,
    word: impl Fn(u64) -> [u8; N],
    out: &mut dyn Write,
) -> Result<(), WriteError> {
    for run in trace.runs(0, trace.accesses()) {
        let word = word(trace.numbers()[run.page as usize].0);
        for _ in 0..run.accesses {
            out.write_all(&word)?;
        }
    }
    Ok(())
}

fn kinds(trace: &Trace, out: &mut dyn Write) -> Result<(), WriteError> {
    if !trace.has_kinds() {
        return Err(WriteError::Unfit(
            "the trace does not know how its accesses touch their pages".to_owned(),
        ));
    }
    for kind in (0..trace.accesses()).filter_map(|at| trace.kind(at)) {
        out.write_all(&[AccessKind::letter(kind) as u8])?;
    }
    Ok(())
}
