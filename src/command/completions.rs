//! `completions`: shell completion scripts.

use clap::CommandFactory;
use clap_complete::{Shell, generate};
use std::io::Write;

use super::Failure;

/// Print a completion script for a shell
#[derive(clap::Args, Debug)]
pub(crate) struct Args {
    /// The shell
    #[arg(value_name = "SHELL")]
    shell: Shell,
}

pub(crate) fn run<C: CommandFactory>(args: &Args) -> Result<(), Failure> {
    let mut script = Vec::new();
    generate(args.shell, &mut C::command(), "balloonist", &mut script);
    let mut out = std::io::stdout().lock();
    let written = out.write_all(&script).and_then(|()| out.flush());
    written.map_err(|error| Failure::stdout(&error))
}
