//! `trace convert`: any trace format in, ours, text or raw words out.

use std::path::PathBuf;

use super::super::reader::{self, Reader};
use super::super::{Context, Failure};
use super::target::Output;

/// Write a trace in another format; with --vm FIELD a file for each VM, its value in the name
#[derive(clap::Args, Debug)]
#[command(mut_arg("trace_format", reader::named_format))]
pub(super) struct Args {
    /// The trace file, or `-` for standard input
    #[arg(value_name = "TRACE")]
    trace: PathBuf,

    #[command(flatten)]
    output: Output,

    #[command(flatten)]
    reader: Reader,
}

pub(super) fn run(args: &Args, context: &Context) -> Result<(), Failure> {
    if !args.reader.splits() {
        let target = args.output.open_beside(&args.trace)?;
        let loaded = args.reader.load(&args.trace, context)?;
        return target.write(&loaded.trace, context);
    }
    for (value, loaded) in args.reader.load_each(&args.trace, context)? {
        let target = args.output.open_for(&args.trace, value.as_deref())?;
        target.write(&loaded.trace, context)?;
    }
    Ok(())
}
