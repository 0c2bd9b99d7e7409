//! `mrc`: miss-ratio curves of traces.

use std::path::{Path, PathBuf};
use std::time::Instant;

use balloonist::output::mrc::{self, Curve};
use balloonist::output::{Format, Table};
use balloonist::trace::read::{ReadOptions, load};
use balloonist::trace::shards::{Sample, sampled_lru_faults};
use balloonist::trace::{Trace, curve};
use balloonist::units::{Decimal, Frames};
use rayon::prelude::*;

use super::{Context, Failure, context, distances, input, reader};

/// Show the LRU miss-ratio curve of traces: the demand faults at every number of frames
///
/// Curves are exact unless a sample is asked for.
#[derive(clap::Args, Debug)]
pub(crate) struct Args {
    /// The trace files, or `-` for standard input
    #[arg(value_name = "TRACE", required = true)]
    traces: Vec<PathBuf>,

    /// The format of the traces [default: recognised by content]
    #[arg(long, value_name = "FORMAT", default_value = "auto", hide_default_value = true,
          value_parser = reader::names(), hide_possible_values = true)]
    trace_format: String,

    /// The numbers of frames shown [default: every one up to the distinct pages]
    #[arg(long, value_name = "FRAMES,…", value_delimiter = ',',
          value_parser = clap::value_parser!(u64).range(1..))]
    points: Vec<u64>,

    /// Estimate the curves from a sample (SHARDS): a share of the pages such as 0.1, or a number of
    /// pages such as 4096
    #[arg(long, value_name = "SHARE|PAGES", value_parser = sample)]
    sample: Option<Sample>,

    /// How to print the result
    #[arg(long, value_name = "FORMAT", default_value = "table", value_parser = context::format())]
    format: Format,
}

pub(crate) fn run(args: &Args, context: &Context) -> Result<(), Failure> {
    input::refuse_stdin_twice(&args.traces)?;
    let began = Instant::now();
    let options = ReadOptions { format: args.trace_format.clone(), ..ReadOptions::default() };
    let read = |path: &PathBuf| {
        let loaded = load(path, &options).map_err(|error| Failure::trace(path, &error))?;
        if args.trace_format == "auto" {
            context.note_guess(path, loaded.format.name);
        }
        Ok(loaded.trace)
    };
    let traces: Vec<Trace> = args.traces.par_iter().map(read).collect::<Result<_, _>>()?;
    let accesses = traces.iter().map(Trace::accesses).sum();
    context.timing.note("read", began.elapsed(), accesses);
    match args.sample {
        None => distances::warm(&traces.iter().collect::<Vec<_>>(), context),
        Some(Sample::Size(pages)) => {
            context.note(&format!("estimated from a sample of at most {pages} pages a trace"));
        }
        Some(Sample::Rate(_)) => context.note("estimated from a sample of each trace's pages"),
    }
    let began = Instant::now();
    let salt = context.common.seed.unwrap_or(1);
    let faults = |trace: &Trace| match args.sample {
        Some(sample) => sampled_lru_faults(trace, sample, salt),
        None => curve::lru_faults(trace, trace.accesses()),
    };
    let curve = |(path, trace): (&PathBuf, &Trace)| Curve {
        trace: name(path),
        accesses: trace.accesses(),
        faults: faults(trace),
    };
    let curves: Vec<Curve> = args.traces.par_iter().zip(&traces).map(curve).collect();
    context.timing.note("curves", began.elapsed(), accesses);
    let points: Vec<Frames> = args.points.iter().copied().map(Frames).collect();
    let table: Table = mrc::table(&curves, &points);
    context.print_table(&table, args.format)
}

/// The file's name, which says what the trace is on any machine.
fn name(path: &Path) -> String {
    path.file_name().map_or_else(|| "-".to_owned(), |name| name.to_string_lossy().into_owned())
}

/// Reads "0.1" and "1.0" as a share of the pages, "4096" as a number of pages.
fn sample(text: &str) -> Result<Sample, String> {
    let decimal =
        Decimal::parse(text).ok_or("expected a share such as 0.1, or a number of pages")?;
    match decimal {
        Decimal { digits: 0, .. } => Err("an empty sample shows nothing".to_owned()),
        Decimal { digits, places: 0 } => {
            usize::try_from(digits).map(Sample::Size).map_err(|_| "that is too many".to_owned())
        }
        share if share.digits <= share.denominator() => Ok(Sample::Rate(share)),
        _ => Err("a share is at most 1.0; a number of pages has no decimal point".to_owned()),
    }
}
