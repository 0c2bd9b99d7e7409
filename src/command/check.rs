//! `check`: validates a scenario, or prints it with every default filled in.

use std::path::PathBuf;

use super::{Context, Failure, input};

/// Check a scenario without running it
#[derive(clap::Args, Debug)]
pub(crate) struct Args {
    /// The scenario: a .toml or .dat file, or `-` for standard input
    #[arg(value_name = "SCENARIO")]
    scenario: PathBuf,

    /// Print the scenario with every default filled in
    #[arg(long)]
    effective: bool,
}

pub(crate) fn run(args: &Args, context: &Context) -> Result<(), Failure> {
    let scenario = input::open(&args.scenario, None, context)?;
    if args.effective {
        return context.print(&scenario.effective());
    }
    context.note(&format!("{} is valid", args.scenario.display()));
    Ok(())
}
