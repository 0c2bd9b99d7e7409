//! `trace`: commands on trace files and workloads, without a scenario.

mod convert;
mod generate;
mod head;
mod info;
mod target;

use clap::Subcommand;

use super::{Context, Failure};

/// Inspect, convert or generate trace files
#[derive(clap::Args, Debug)]
pub(crate) struct Args {
    #[command(subcommand)]
    command: Command,
}

#[derive(Debug, Subcommand)]
enum Command {
    Info(info::Args),
    Convert(convert::Args),
    Generate(generate::Args),
    Head(head::Args),
}

impl Args {
    /// Whether the trace is that of a workload.
    pub(crate) fn generates(&self) -> bool {
        matches!(self.command, Command::Generate(_))
    }
}

pub(crate) fn run(args: &Args, context: &Context) -> Result<(), Failure> {
    match &args.command {
        Command::Info(args) => info::run(args, context),
        Command::Convert(args) => convert::run(args, context),
        Command::Generate(args) => generate::run(args, context),
        Command::Head(args) => head::run(args, context),
    }
}
