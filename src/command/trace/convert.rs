//! `trace convert`: reads any trace format and writes the compact format, text or raw words.

use std::path::PathBuf;

use balloonist::number::counted;
use balloonist::trace::Trace;
use balloonist::trace::reduce::reduce;
use balloonist::trace::reduction::Reduction;

use super::super::reader::{self, Reader};
use super::super::{Context, Failure, input};
use super::target::Output;

/// Convert a trace to another format; with --vm FIELD, to one file per VM, named by the field's
/// value
#[derive(clap::Args, Debug)]
#[command(mut_arg("trace_format", reader::named_format))]
pub(super) struct Args {
    /// The trace file, or `-` for standard input
    #[arg(value_name = "TRACE")]
    trace: PathBuf,

    #[command(flatten)]
    output: Output,

    /// Drop references that make no difference to LRU with K frames or more; a VM that replays the
    /// trace must then have at least K frames. Dropped references become repeats of the page
    /// before, so positions do not change
    #[arg(long, value_name = "K", value_parser = clap::value_parser!(u64).range(2..))]
    reduce: Option<u64>,

    /// With --reduce, also keep each page's first reference in every block of this many accesses,
    /// so that working sets of whole blocks are exact
    #[arg(long, value_name = "ACCESSES", requires = "reduce",
          value_parser = clap::value_parser!(u64).range(1..))]
    resolution: Option<u64>,

    #[command(flatten)]
    reader: Reader,
}

pub(super) fn run(args: &Args, context: &Context) -> Result<(), Failure> {
    input::register_trace(&args.trace)?;
    if !args.reader.splits() {
        let target = args.output.open()?;
        let loaded = args.reader.load(&args.trace, context)?;
        return target.write(&args.reduced(loaded.trace, context)?, context);
    }
    let loaded = args.reader.load_each(&args.trace, context)?;
    let open = |(value, _): &(Option<String>, _)| args.output.open_for(value.as_deref());
    let targets: Vec<_> = loaded.iter().map(open).collect::<Result<_, _>>()?;
    let mut each = targets.into_iter().zip(loaded);
    each.try_for_each(|(target, (_, loaded))| {
        target.write(&args.reduced(loaded.trace, context)?, context)
    })
}

impl Args {
    /// The trace, reduced if `--reduce` is given.
    fn reduced(&self, trace: Trace, context: &Context) -> Result<Trace, Failure> {
        let Some(frames) = self.reduce else { return Ok(trace) };
        let reduction = Reduction { frames, resolution: self.resolution };
        let reduced = reduce(&trace, reduction).map_err(Failure::Trace)?;
        let [before, after] = [&trace, &reduced].map(|trace| trace.run_pages().len() as u64);
        let (before, after) = (counted(before, "run"), counted(after, "run"));
        context.note(&format!("reduced from {before} to {after}"));
        Ok(reduced)
    }
}
