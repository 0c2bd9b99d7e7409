//! `man`: manual pages, generated from the command line's definitions.

use std::io::Write;

use clap::CommandFactory;
use clap_mangen::Man;

use super::Failure;

/// Print a manual page in troff format
#[derive(clap::Args, Debug)]
pub(crate) struct Args {
    /// The subcommand [default: balloonist itself]
    #[arg(value_name = "COMMAND")]
    command: Option<String>,
}

pub(crate) fn run<C: CommandFactory>(args: &Args) -> Result<(), Failure> {
    let mut all = C::command();
    // Gives each subcommand its full name and the global options.
    all.build();
    let page = match &args.command {
        None => all,
        Some(name) => {
            let names: Vec<&str> = all.get_subcommands().map(clap::Command::get_name).collect();
            let found = all.get_subcommands().find(|command| command.get_name() == name);
            let expected = || format!("no command `{name}`, expected one of {}", names.join(", "));
            found.cloned().ok_or_else(|| Failure::Usage(expected()))?
        }
    };
    let mut out = std::io::stdout().lock();
    let written = Man::new(page).render(&mut out).and_then(|()| out.flush());
    written.map_err(|error| Failure::stdout(&error))
}
