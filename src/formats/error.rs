//! Why a trace could not be read.

use std::{fmt, io};

/// Why a trace could not be read.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct ReadError {
    /// What kind of failure it is.
    pub kind: ReadErrorKind,
    /// One sentence: the place, what was found, what was expected, the remedy. No path.
    pub message: String,
}

/// What kind of failure a [`ReadError`] is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum ReadErrorKind {
    /// There is no such file.
    Missing,
    /// The file is there and the system does not let us read it.
    Unreadable,
    /// The format is unknown, ambiguous, or lacks an option that it needs.
    Format,
    /// The content violates the format: an invalid line, a truncated file, a wrong checksum.
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
