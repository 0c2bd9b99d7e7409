//! What a format is, and what its recogniser and its reader are given.

use std::cell::RefCell;
use std::path::Path;

use super::error::ReadError;
use super::input::Input;
use super::options::ReadOptions;
use super::parts::Parts;
use crate::trace::TraceBuilder;

/// A trace format.
#[derive(Debug)]
#[non_exhaustive]
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

/// What a recogniser says.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
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
#[non_exhaustive]
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
    pub(crate) fn lines(&self) -> impl Iterator<Item = &'a [u8]> + use<'a> {
        self.raw_lines().map(<[u8]>::trim_ascii)
    }

    /// Likewise, with the blanks at their ends.
    pub(crate) fn raw_lines(&self) -> impl Iterator<Item = &'a [u8]> + use<'a> {
        let cut = memchr::memrchr(b'\n', self.bytes).map_or(0, |end| end + 1);
        let text = if self.whole { self.bytes } else { &self.bytes[..cut] };
        let text = if memchr::memchr(0, text).is_some() { &[][..] } else { text };
        text.split(|&byte| byte == b'\n').filter(|line| !line.trim_ascii().is_empty())
    }

    /// Whether there is a line and `fits` all of the first thousand but comments.
    pub(crate) fn all_lines(&self, fits: impl Fn(&[u8]) -> bool) -> Verdict {
        let mut lines = self.lines().filter(|line| line[0] != b'#').take(1000).peekable();
        (lines.peek().is_some() && lines.all(fits)).into()
    }

    /// Whether one of the parts after a dot in the file's name is this extension.
    pub(crate) fn has_extension(&self, extension: &str) -> bool {
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
