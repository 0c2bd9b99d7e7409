//! Commands: the command line, files, the clock and the environment. The library computes; `render`
//! and `table` format the output.
#![allow(clippy::disallowed_methods, reason = "clock and environment belong to commands alone")]

pub(crate) mod cache;
pub(crate) mod check;
pub(crate) mod compare;
pub(crate) mod completions;
mod context;
mod distances;
pub(crate) mod explain;
mod failure;
pub(crate) mod figures;
mod files;
mod folder;
mod goldens;
mod guard;
mod input;
mod jobs;
mod journals;
pub(crate) mod list;
mod lists;
mod lock;
pub(crate) mod man;
mod memory;
pub(crate) mod merge;
mod meter;
pub(crate) mod mrc;
pub(crate) mod plan;
mod planning;
pub(crate) mod programs;
mod progress;
mod reader;
#[cfg(unix)]
pub(crate) mod record;
mod recorder;
mod register;
pub(crate) mod report;
pub(crate) mod reproduce;
mod result_folder;
pub(crate) mod run;
#[cfg(unix)]
mod signals;
pub(crate) mod sweep;
mod sweep_folder;
mod text;
mod timing;
pub(crate) mod trace;
pub(crate) mod tune;
pub(crate) mod verify;
pub(crate) mod walk;
pub(crate) mod whatif;

use std::io::Write as _;
use std::process::ExitCode;

use balloonist::conclude::expects::Unmet;
use balloonist::number::counted;
use clap::{ColorChoice, CommandFactory, FromArgMatches};

pub(crate) use context::{Common, Context};
pub(crate) use failure::{EXIT_CODES, Failure};
pub(crate) use guard::guarded;

/// Parses the command line. For `--help` or a wrong flag, prints the text and returns the exit
/// code.
pub(crate) fn parse<C: CommandFactory + FromArgMatches>() -> Result<C, ExitCode> {
    let colour = context::colour_flag(std::env::args_os());
    let matches = C::command().color(colour).try_get_matches();
    matches.and_then(|mut matches| C::from_arg_matches_mut(&mut matches)).map_err(|error| {
        let printed = error.print().and_then(|()| std::io::stdout().flush());
        let failure = printed.err().map(|error| Failure::stdout(&error));
        // A closed pipe is not a failure; any other write error is.
        match failure.filter(|failure| failure.code() > 0 && !error.use_stderr()) {
            Some(failure) => {
                guard::say(&failure.render(false));
                ExitCode::from(failure.code())
            }
            None => ExitCode::from(error.exit_code() as u8),
        }
    })
}

/// Prints the messages of `failed`, if any, then a line with `what` failed, and fails.
fn judge(failed: &[String], what: &str) -> Result<(), Failure> {
    if failed.is_empty() {
        return Ok(());
    }
    for sentence in failed {
        guard::say(&format!("{}\n", text::escaped(sentence)));
    }
    guard::say(&format!("FAILED: {what}\n"));
    Err(Failure::Difference)
}

/// Fails if a run failed expectations.
fn judge_expectations(failed: Vec<Unmet>) -> Result<(), Failure> {
    let what = counted(failed.len() as u64, "expectation");
    judge(&Unmet::texts(failed), &what)
}

impl From<context::When> for ColorChoice {
    fn from(when: context::When) -> Self {
        match when {
            context::When::Auto => Self::Auto,
            context::When::Always => Self::Always,
            context::When::Never => Self::Never,
        }
    }
}
