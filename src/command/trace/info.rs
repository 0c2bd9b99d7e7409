//! `trace info`: what there is to say about traces.

use std::path::PathBuf;

use balloonist::output::{Format, traces};
use balloonist::trace::info::TraceInfo;

use super::super::reader::{self, Reader};
use super::super::{Context, Failure, context};

/// Tell what traces hold: format, accesses, pages, kinds and content hash
#[derive(clap::Args, Debug)]
#[command(mut_arg("trace_format", reader::named_format))]
pub(super) struct Args {
    /// The trace files, or `-` for standard input
    #[arg(value_name = "TRACE", required = true)]
    traces: Vec<PathBuf>,

    /// How to print the result
    #[arg(long, value_name = "FORMAT", default_value = "table", value_parser = context::format())]
    print: Format,

    #[command(flatten)]
    reader: Reader,
}

pub(super) fn run(args: &Args, context: &Context) -> Result<(), Failure> {
    let mut infos = Vec::new();
    for path in &args.traces {
        // Of many large traces only one is in memory at a time.
        let loaded = args.reader.load(path, context)?;
        infos.push((reader::shown(path), TraceInfo::of(&loaded)));
    }
    let table = traces::table(&infos);
    let table = if args.print.is_for_people() { traces::upright(&table) } else { table };
    context.print_table(&table, args.print)
}
