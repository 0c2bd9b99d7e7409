//! Why a command failed, with its exit code.

use std::fmt::Display;
use std::io;
use std::path::Path;

use anstyle::{AnsiColor, Style};
use balloonist::balance::PolicyError;
use balloonist::simulate::RunError;

use super::text::{escaped, harmless, shown};

/// Why a command failed. Messages have no full stop and are printed once, by `guard.rs`.
#[derive(Debug)]
pub(crate) enum Failure {
    /// A comparison found differences, or an expectation does not hold; the details have been
    /// printed.
    Difference,
    /// The command line is wrong.
    Usage(String),
    /// The scenario or a trace is wrong: the rendered diagnostics.
    Input(String),
    /// A trace is wrong.
    Trace(String),
    /// The scenario or a trace cannot be read: the rendered diagnostics.
    Unreadable(String),
    /// An I/O error.
    Io(String),
    /// The results are incomplete; the missing runs can be added.
    Incomplete(String),
    /// There is nothing to run.
    Nothing(String),
    /// The recorded replies of a program do not match the run.
    Outdated(String),
    /// A policy failed because of the user's program or rules.
    Policy(String),
    /// The reader of standard output has closed it. Nothing is printed.
    OutputClosed,
}

/// The table of exit codes, for `--help`.
pub(crate) const EXIT_CODES: &str = "\
Exit codes:
  0   ok
  1   a difference was found, or an expectation does not hold
  2   the command line is wrong
  3   the scenario or a trace is wrong
  4   a file cannot be read or written
  5   there is nothing to run
  6   interrupted or incomplete; `sweep --resume` continues
  7   a program or rules that the policy asks failed
  70  an invariant broke: a bug of balloonist";

/// The exit code of a command that a signal ended.
pub(super) const INTERRUPTED: u8 = 6;

/// The exit code of a broken invariant.
pub(super) const INVARIANT: u8 = 70;

impl Failure {
    /// Wrong input, described by one sentence.
    pub(crate) fn wrong(sentence: impl Display) -> Self {
        Self::Input(format!("error: {sentence}\n"))
    }

    /// An I/O error at a path.
    pub(crate) fn io(place: impl AsRef<Path>, error: &io::Error) -> Self {
        Self::Io(format!("{}: {}", shown(place.as_ref()), reason(error)))
    }

    /// A failure to write to standard output.
    pub(crate) fn stdout(error: &io::Error) -> Self {
        if error.kind() == io::ErrorKind::BrokenPipe {
            Self::OutputClosed
        } else {
            Self::io("standard output", error)
        }
    }

    /// The text to print, with its line end.
    pub(crate) fn render(&self, colour: bool) -> String {
        let red = if colour { AnsiColor::Red.on_default().bold() } else { Style::new() };
        match self {
            Self::Usage(text)
            | Self::Trace(text)
            | Self::Io(text)
            | Self::Incomplete(text)
            | Self::Nothing(text)
            | Self::Outdated(text) => {
                format!("{red}error{red:#}: {}\n", escaped(text))
            }
            // Shown with the line of the rules.
            Self::Policy(text) => format!("{red}error{red:#}: {}\n", harmless(text, false)),
            Self::Input(text) | Self::Unreadable(text) => harmless(text, colour).into_owned(),
            Self::Difference | Self::OutputClosed => String::new(),
        }
    }

    /// The exit code.
    pub(crate) fn code(&self) -> u8 {
        match self {
            Self::OutputClosed => 0,
            Self::Difference | Self::Outdated(_) => 1,
            Self::Usage(_) => 2,
            Self::Input(_) | Self::Trace(_) => 3,
            Self::Unreadable(_) | Self::Io(_) => 4,
            Self::Nothing(_) => 5,
            Self::Incomplete(_) => INTERRUPTED,
            Self::Policy(_) => 7,
        }
    }
}

impl From<RunError> for Failure {
    /// # Panics
    /// If a built-in policy broke its contract, which is a bug.
    fn from(error: RunError) -> Self {
        match error.error {
            PolicyError::BadPlan(_) => panic!("{error}"),
            PolicyError::Outdated(_) => Self::Outdated(error.to_string()),
            _ => Self::Policy(error.to_string()),
        }
    }
}

/// The system's message without the error number.
fn reason(error: &io::Error) -> String {
    let text = error.to_string();
    match text.split_once(" (os error") {
        Some((reason, _)) => reason.to_lowercase(),
        None => text,
    }
}
