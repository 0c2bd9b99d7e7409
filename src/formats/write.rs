//! Writing traces: our compact form, text, and raw words.

use std::fmt;
use std::io::{self, Write};
use std::path::Path;

use super::compact::write_compact;
use crate::trace::{AccessKind, Trace};
use crate::units::Page;

/// A format that traces can be written in.
#[derive(Debug)]
#[non_exhaustive]
pub struct OutputKind {
    /// The name; [`find`](super::find) takes it too.
    pub name: &'static str,
    /// What it holds, in one sentence without a full stop.
    pub summary: &'static str,
    /// Writes a trace.
    pub write: fn(&Trace, &mut dyn Write) -> Result<(), WriteError>,
}

impl OutputKind {
    /// The format that a file's extension gives: `balloonist` unless it names another.
    ///
    /// # Errors
    /// It is that of a compressed file. The sentence says what to do, without a full stop.
    ///
    /// ```
    /// use balloonist::formats::write::OutputKind;
    /// let name = |path: &str| OutputKind::of_file(path.as_ref()).map(|kind| kind.name);
    /// assert_eq!((name("a.txt"), name("a.bin")), (Ok("text"), Ok("balloonist")));
    /// assert!(name("a.txt.gz").is_err());
    /// ```
    pub fn of_file(place: &Path) -> Result<&'static Self, String> {
        let extension = place.extension().and_then(|extension| extension.to_str());
        let name = match extension.unwrap_or_default().to_ascii_lowercase().as_str() {
            "txt" | "text" => "text",
            "u32" => "u32",
            "u64" => "u64",
            "gz" | "xz" | "zst" => {
                return Err(format!(
                    "{}: traces are written uncompressed, found the extension {}",
                    place.display(),
                    extension.unwrap_or_default()
                ));
            }
            _ => "balloonist",
        };
        Ok(OUTPUTS.iter().find(|output| output.name == name).expect("the name is in the list"))
    }

    /// Whether the format can say all that results depend on.
    ///
    /// # Errors
    /// The trace is reduced, which only our own form can say.
    pub fn holds(&self, trace: &Trace) -> Result<(), String> {
        if trace.reduction().is_none() || self.name == "balloonist" {
            return Ok(());
        }
        Err(format!("the format {} cannot record that the trace is reduced", self.name))
    }
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
        summary: "a page number a line, with R or W if the trace has kinds; F where it is freed",
        write: text,
    },
    OutputKind {
        name: "csv",
        summary: "a table of pages and events: read, write, fetch, modify or access, and free; and \
                  times if the trace has them",
        write: |trace, out| {
            let times = if trace.times().is_some() { ",time_ns" } else { "" };
            writeln!(out, "page,event{times}")?;
            events(trace, out, csv_row)
        },
    },
    OutputKind {
        name: "jsonl",
        summary: "the same, a JSON object a line",
        write: |trace, out| events(trace, out, json_row),
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
        for &page in trace.freed_after(at - 1) {
            writeln!(out, "{} F", trace.numbers()[page as usize])?;
        }
    }
    Ok(())
}

/// A row of a page, what happens to it, and the nanoseconds since the recording began.
type Row = fn(&mut dyn Write, Page, &str, Option<u64>) -> io::Result<()>;

fn csv_row(out: &mut dyn Write, page: Page, event: &str, time: Option<u64>) -> io::Result<()> {
    match time {
        None => writeln!(out, "{page},{event}"),
        Some(time) => writeln!(out, "{page},{event},{time}"),
    }
}

fn json_row(out: &mut dyn Write, page: Page, event: &str, time: Option<u64>) -> io::Result<()> {
    match time {
        None => writeln!(out, r#"{{"page":{page},"event":"{event}"}}"#),
        Some(time) => writeln!(out, r#"{{"page":{page},"event":"{event}","time_ns":{time}}}"#),
    }
}

fn events(trace: &Trace, out: &mut dyn Write, row: Row) -> Result<(), WriteError> {
    let mut at = 0;
    for run in trace.runs(0, trace.accesses()) {
        let time = |at| trace.times().map(|times| times.elapsed(at));
        for _ in 0..run.accesses {
            let event = match trace.kind(at) {
                None => "access",
                Some(AccessKind::Fetch) => "fetch",
                Some(AccessKind::Load) => "read",
                Some(AccessKind::Store) => "write",
                Some(AccessKind::Modify) => "modify",
            };
            row(out, trace.numbers()[run.page as usize], event, time(at))?;
            at += 1;
        }
        for &page in trace.freed_after(at - 1) {
            row(out, trace.numbers()[page as usize], "free", time(at - 1))?;
        }
    }
    Ok(())
}

/// Refuses a trace whose frees the format cannot hold.
fn without_frees(trace: &Trace) -> Result<(), WriteError> {
    let Some(frees) = trace.frees() else { return Ok(()) };
    Err(WriteError::Unfit(format!(
        "the guest frees pages {} times, which raw words cannot say; write the trace as text, csv, \
         jsonl or balloonist",
        frees.len()
    )))
}

fn u32_words(trace: &Trace, out: &mut dyn Write) -> Result<(), WriteError> {
    without_frees(trace)?;
    if let Some(large) = trace.numbers().iter().find(|number| number.0 > u64::from(u32::MAX)) {
        return Err(WriteError::Unfit(format!(
            "page {large} does not fit into 32 bits; write the trace as u64"
        )));
    }
    words(trace, |number| (number as u32).to_le_bytes(), out)
}

fn u64_words(trace: &Trace, out: &mut dyn Write) -> Result<(), WriteError> {
    without_frees(trace)?;
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
