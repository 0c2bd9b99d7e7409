//! `trace head`: the first accesses of a trace.

use std::io::{self, Write};
use std::path::PathBuf;

use balloonist::trace::Trace;

use super::super::reader::{self, Reader};
use super::super::{Context, Failure};

/// Print the first accesses of a trace: the page, and the kind (I, L, S or M) if the trace has
/// kinds; F where the guest frees a page
#[derive(clap::Args, Debug)]
#[command(mut_arg("trace_format", reader::named_format))]
pub(super) struct Args {
    /// The trace file, or `-` for standard input
    #[arg(value_name = "TRACE")]
    trace: PathBuf,

    /// The number of accesses
    #[arg(long, short = 'n', value_name = "N", default_value = "20",
          value_parser = clap::value_parser!(u64).range(1..))]
    accesses: u64,

    #[command(flatten)]
    reader: Reader,
}

pub(super) fn run(args: &Args, context: &Context) -> Result<(), Failure> {
    let loaded = args.reader.load_head(&args.trace, args.accesses, context)?;
    let written = print(&loaded.trace, args.accesses, &mut context.stdout());
    written.map_err(|error| Failure::stdout(&error))
}

fn print(trace: &Trace, accesses: u64, out: &mut impl Write) -> io::Result<()> {
    for at in 0..accesses.min(trace.accesses()) {
        let page = trace.numbers()[trace.page(at) as usize];
        match trace.kind(at) {
            Some(kind) => writeln!(out, "{page} {}", kind.letter())?,
            None => writeln!(out, "{page}")?,
        }
        for &page in trace.freed_after(at) {
            writeln!(out, "{} F", trace.numbers()[page as usize])?;
        }
    }
    out.flush()
}
