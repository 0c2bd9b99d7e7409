//! The command line: one line for each subcommand.

mod command;

use std::process::ExitCode;

use clap::{Parser, Subcommand};
use command::{Context, Failure};

/// Replays the page accesses of several VMs on one host under any memory-balancing policy, and says
/// exactly what each policy would have cost.
#[derive(Parser)]
#[command(name = "balloonist", version, arg_required_else_help = true)]
#[command(after_help = command::EXIT_CODES, disable_help_subcommand = true)]
struct Cli {
    #[command(subcommand)]
    command: Command,
    #[command(flatten)]
    common: command::Common,
}

#[derive(Subcommand)]
enum Command {
    Run(command::run::Args),
    Compare(command::compare::Args),
    Reproduce(command::reproduce::Args),
    Walk(command::walk::Args),
    Mrc(command::mrc::Args),
    Sweep(command::sweep::Args),
    Merge(command::merge::Args),
    Plan(command::plan::Args),
    Whatif(command::whatif::Args),
    Tune(command::tune::Args),
    Report(command::report::Args),
    Figures(command::figures::Args),
    Verify(command::verify::Args),
    Check(command::check::Args),
    Trace(command::trace::Args),
    #[cfg(unix)]
    Record(command::record::Args),
    List(command::list::Args),
    Explain(command::explain::Args),
    Cache(command::cache::Args),
    Completions(command::completions::Args),
    Man(command::man::Args),
}

impl Command {
    /// Whether it reads a scenario or a workload, whose values `--set` changes.
    fn has_values(&self) -> bool {
        match self {
            Self::Run(_)
            | Self::Compare(_)
            | Self::Walk(_)
            | Self::Sweep(_)
            | Self::Plan(_)
            | Self::Whatif(_)
            | Self::Tune(_)
            | Self::Verify(_)
            | Self::Check(_)
            | Self::Reproduce(_) => true,
            Self::Trace(args) => args.generates(),
            _ => false,
        }
    }
}

fn dispatch(command: &Command, context: &Context) -> Result<(), Failure> {
    if !command.has_values() {
        context.refuse_settings()?;
    }
    match command {
        Command::Run(args) => command::run::run(args, context),
        Command::Compare(args) => command::compare::run(args, context),
        Command::Reproduce(args) => command::reproduce::run(args, context),
        Command::Walk(args) => command::walk::run(args, context),
        Command::Mrc(args) => command::mrc::run(args, context),
        Command::Sweep(args) => command::sweep::run(args, context),
        Command::Merge(args) => command::merge::run(args, context),
        Command::Plan(args) => command::plan::run(args, context),
        Command::Whatif(args) => command::whatif::run(args, context),
        Command::Tune(args) => command::tune::run(args, context),
        Command::Report(args) => command::report::run(args, context),
        Command::Figures(args) => command::figures::run(args, context),
        Command::Verify(args) => command::verify::run(args, context),
        Command::Check(args) => command::check::run(args, context),
        Command::Trace(args) => command::trace::run(args, context),
        #[cfg(unix)]
        Command::Record(args) => command::record::run(args, context),
        Command::List(args) => command::list::run(args, context),
        Command::Explain(args) => command::explain::run(args, context),
        Command::Cache(args) => command::cache::run(args, context),
        Command::Completions(args) => command::completions::run::<Cli>(args),
        Command::Man(args) => command::man::run::<Cli>(args),
    }
}

fn main() -> ExitCode {
    command::parse::<Cli>().map_or_else(
        |code| code,
        |cli| {
            let context = Context::new(cli.common);
            command::guarded(context.colour_err, || {
                let done = dispatch(&cli.command, &context);
                let done = command::programs::save_after(done);
                context.show_timing();
                done
            })
        },
    )
}
