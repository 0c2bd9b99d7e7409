//! `trace convert`: any trace format in, ours, text or raw words out.

use std::path::PathBuf;

use super::super::reader::{self, Reader};
use super::super::{Context, Failure, input};
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
    input::register_trace(&args.trace)?;
    if !args.reader.splits() {
        let target = args.output.open()?;
        let loaded = args.reader.load(&args.trace, context)?;
        return target.write(&loaded.trace, context);
    }
    let loaded = args.reader.load_each(&args.trace, context)?;
    let open = |(value, _): &(Option<String>, _)| args.output.open_for(value.as_deref());
    let targets: Vec<_> = loaded.iter().map(open).collect::<Result<_, _>>()?;
    let mut each = targets.into_iter().zip(loaded);
    each.try_for_each(|(target, (_, loaded))| target.write(&loaded.trace, context))
}
