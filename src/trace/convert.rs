//! Writing traces: our compact form, text, and raw words.

use std::fmt;
use std::fs::File;
use std::io::{self, BufWriter, Write};
use std::path::{Path, PathBuf};

use super::compact::write_compact;
use super::store::{Kind, Trace};

/// A format that traces can be written in.
#[derive(Debug)]
pub struct OutputKind {
    /// The name; [`read`](super::read) knows it too.
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

/// The output format of this name.
///
/// # Errors
/// There is none.
pub fn find_output(name: &str) -> Result<&'static OutputKind, WriteError> {
    OUTPUTS.iter().find(|output| output.name == name).ok_or_else(|| {
        let names: Vec<&str> = OUTPUTS.iter().map(|output| output.name).collect();
        let names = names.join(", ");
        WriteError::Unfit(format!("traces cannot be written as `{name}`, expected one of {names}"))
    })
}

/// Writes `trace` to the file at `path`, whole or not at all.
///
/// # Errors
/// See [`WriteError`]; what was at `path` before is still there.
pub fn convert(trace: &Trace, output: &OutputKind, path: &Path) -> Result<(), WriteError> {
    save(path, |out| (output.write)(trace, out))
}

/// Where a file that is to be at `path` is moved when it is whole: a symbolic link is followed.
///
/// # Errors
/// What is there is no file, such as a device or a pipe: moving a file there would destroy it.
pub fn place_for_file(path: &Path) -> io::Result<PathBuf> {
    let place = std::fs::canonicalize(path).unwrap_or_else(|_| path.to_owned());
    if std::fs::metadata(&place).is_ok_and(|found| !found.is_file()) {
        let text = "is no regular file; name a file, or `-` for standard output where a command \
                    takes it";
        return Err(io::Error::other(text));
    }
    Ok(place)
}

/// Writes a file beside `path` and then puts it there.
pub(super) fn save<E: From<io::Error>>(
    path: &Path,
    write: impl FnOnce(&mut dyn Write) -> Result<(), E>,
) -> Result<(), E> {
    let path = &place_for_file(path)?;
    let directory = path.parent().filter(|parent| !parent.as_os_str().is_empty());
    let mut builder = tempfile::Builder::new();
    builder.prefix(".balloonist-");
    #[cfg(unix)]
    {
        // What the user's mask leaves of it, as for any other file.
        use std::os::unix::fs::PermissionsExt;
        builder.permissions(std::fs::Permissions::from_mode(0o666));
    }
    let file = builder.tempfile_in(directory.unwrap_or(Path::new(".")))?;
    let mut out = BufWriter::with_capacity(1 << 18, file);
    write(&mut out)?;
    let file = out.into_inner().map_err(io::IntoInnerError::into_error)?;
    let _: File = file.persist(path).map_err(|error| error.error)?;
    Ok(())
}

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
        out.write_all(&[Kind::letter(kind) as u8])?;
    }
    Ok(())
}
