//! `check`: validates a scenario, or prints it with every default filled in.

use std::path::PathBuf;

use balloonist::render::checks::{self, Check, Finding, Format};
use balloonist::scenario::{Checked, Diagnostic, Document};

use super::{Context, Failure, context, input};

/// Check a scenario without running it
#[derive(clap::Args, Debug)]
pub(crate) struct Args {
    /// The scenario: a .toml or .dat file, or `-` for standard input
    #[arg(value_name = "SCENARIO")]
    scenario: PathBuf,

    /// Print the scenario with every default filled in
    #[arg(long)]
    effective: bool,

    /// How to print what is found
    #[arg(long, value_name = "FORMAT", default_value = "text", conflicts_with = "effective",
          value_parser = context::one_of(Format::ALL))]
    format: Format,
}

pub(crate) fn run(args: &Args, context: &Context) -> Result<(), Failure> {
    if args.format == Format::Text {
        let scenario = input::open(&args.scenario, None, context)?;
        if args.effective {
            return context.print(&scenario.effective());
        }
    } else {
        check(args, context)?;
    }
    context.note(&format!("{} is valid", args.scenario.display()));
    Ok(())
}

/// Prints all diagnostics for continuous integration.
fn check(args: &Args, context: &Context) -> Result<(), Failure> {
    let mut document = Document::open(&args.scenario);
    input::set_flags(&mut document, None, context);
    let (diagnostics, judged) = match document.check_with(&mut input::traces_within(context)) {
        Ok(Checked { warnings, .. }) => {
            let judged = input::warn(&warnings, context);
            (warnings, judged)
        }
        Err(found) => {
            let failure = input::refused(&found, context);
            (*found, Err(failure))
        }
    };
    let finding =
        |found: &Diagnostic| Finding::diagnostic(found, &diagnostics, context.common.deny_warnings);
    let findings = diagnostics.iter().map(finding).collect();
    let check = Check::new(args.scenario.display().to_string(), "scenario", findings);
    context.print(&checks::render("check", &[check], args.format))?;
    judged
}
