//! `mrc`: miss-ratio curves of traces.

use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Instant;

use balloonist::formats::Loaded;
use balloonist::number::counted;
use balloonist::params::Settings;
use balloonist::random::{Generator, Stream};
use balloonist::render::mrc as rendered;
use balloonist::replace::{self, ReplacementKind};
use balloonist::scenario::{WarmUp, WarmUpEnd};
use balloonist::store::mrc::{self, Curve};
use balloonist::table::Format;
use balloonist::trace::points::{self, Point};
use balloonist::trace::random_groups;
use balloonist::trace::reduction::OnReduced;
use balloonist::trace::shards::{Sample, sampled_lru_faults};
use balloonist::trace::{Trace, curve};
use balloonist::units::{Decimal, Frames, Ticks};
use rayon::prelude::*;

use super::figures::Form;
use super::files::{NewFile, commit_all};
use super::reader::Reader;
use super::register::Kind;
use super::text::trace_name;
use super::{Context, Failure, context, distances, input, lists};

/// Show the LRU miss-ratio curve of traces: the demand faults at every number of frames
///
/// Curves are exact unless --sample is given. Curves of other replacement algorithms need one
/// simulation for each number of frames.
#[derive(clap::Args, Debug)]
pub(crate) struct Args {
    /// The trace files, or `-` for standard input
    #[arg(value_name = "TRACE", required = true)]
    traces: Vec<PathBuf>,

    /// Replacement algorithms to simulate with default parameters, or `all`; see `list
    /// replacements` [default: the LRU curve]
    #[arg(long, value_name = "REPLACEMENT,…", value_delimiter = ',', conflicts_with = "sample",
          value_parser = lists::replacement_names(), hide_possible_values = true)]
    replacement: Vec<String>,

    /// The numbers of frames to show: integers, ranges such as 1..7, 64..512+64 or 64..512*2,
    /// shares of the distinct pages such as 10%, or `all` up to their number [default: up to 32
    /// all, then eight in each doubling; for simulated algorithms the powers of two]
    #[arg(long, value_name = "FRAMES,…", value_delimiter = ',')]
    points: Vec<String>,

    /// Estimate the curves from a sample of pages (SHARDS): a share such as 0.1, or a number of
    /// pages such as 4096. The columns `miss_ratio_low` and `miss_ratio_high` contain the exact
    /// ratio with a confidence of about 95 %. A curve is exact if the sample has too few pages
    #[arg(long, value_name = "SHARE|PAGES", value_parser = sample)]
    sample: Option<Sample>,

    /// Draw the curves as an SVG file, or as PDF if the name ends in `.pdf`
    #[arg(long, value_name = "FILE")]
    figure: Option<PathBuf>,

    /// Write a self-contained HTML page with the curves and their numbers
    #[arg(long, value_name = "FILE")]
    report: Option<PathBuf>,

    /// How to print the result
    #[arg(long, value_name = "FORMAT", default_value = "table", value_parser = context::format())]
    format: Format,

    #[command(flatten)]
    reader: Reader,
}

pub(crate) fn run(args: &Args, context: &Context) -> Result<(), Failure> {
    input::refuse_stdin_twice(&args.traces)?;
    let began = Instant::now();
    let read = |path: &PathBuf| {
        let loaded = args.reader.load_each(path, context)?;
        let of = |(value, loaded): (Option<String>, Loaded)| (named(path, value), loaded.trace);
        Ok(loaded.into_iter().map(of).collect())
    };
    let points =
        points::read(&args.points).map_err(|wrong| Failure::Usage(format!("--points: {wrong}")))?;
    args.traces.iter().try_for_each(|path| input::register_trace(path))?;
    let file = |place: &Option<PathBuf>, kind| {
        place.as_deref().map(|place| NewFile::create(place, kind)).transpose()
    };
    let figure = file(&args.figure, Kind::Picture)?;
    let report = file(&args.report, Kind::Page)?;
    let kinds = lists::replacements(&args.replacement)?;
    let read: Vec<Vec<(PathBuf, Trace)>> =
        args.traces.par_iter().map(read).collect::<Result<_, Failure>>()?;
    let (paths, traces): (Vec<PathBuf>, Vec<Arc<Trace>>) =
        read.into_iter().flatten().map(|(path, trace)| (path, Arc::new(trace))).unzip();
    let accesses: u64 = traces.iter().map(|trace| trace.accesses()).sum();
    context.timing.note("read", began.elapsed(), accesses);
    let warm_up = |trace: &Trace| warm_up_of(trace, context.common.warm_up);
    let warm_ups: Vec<u64> = traces.iter().map(|trace| warm_up(trace)).collect::<Result<_, _>>()?;
    match args.sample {
        None if kinds.is_empty() || kinds.iter().any(|kind| kind.is_lru()) => {
            distances::load(&traces.iter().map(|trace| &**trace).collect::<Vec<_>>(), context);
        }
        None => {}
        Some(Sample::Size(pages)) => {
            context.note(&format!("estimated from a sample of at most {pages} pages per trace"));
        }
        Some(Sample::Rate(_)) => context.note("estimated from a sample of each trace's pages"),
    }
    for (path, trace) in paths.iter().zip(&traces) {
        note_reduced(&trace_name(path), trace, &kinds, args.sample.is_some(), context);
    }
    let began = Instant::now();
    let seed = context.common.seed.unwrap_or(1);
    let curves: Vec<Curve> = if kinds.is_empty() {
        let curve = |((path, trace), &warm_up): ((&PathBuf, &Arc<Trace>), &u64)| {
            let sizes = sizes(&points, trace, points::sensible);
            lru_curve(&trace_name(path), trace, warm_up, (args.sample, seed), &sizes)
        };
        let curves: Vec<Curve> = paths.par_iter().zip(&traces).zip(&warm_ups).map(curve).collect();
        if args.sample.is_some() {
            note_exact(&curves, context);
        }
        curves
    } else {
        simulated(&paths, &traces, &warm_ups, &kinds, &points, seed)
    };
    context.timing.note("curves", began.elapsed(), accesses);
    context.print_table(&mrc::table(&curves), args.format)?;
    remark(&curves, args.format, context)?;
    let mut files = Vec::new();
    if let Some(mut file) = figure {
        Form::of(file.place()).put(&rendered::figure(&curves), &mut file)?;
        files.push(file);
    }
    if let Some(mut file) = report {
        file.put(&rendered::page(&curves))?;
        files.push(file);
    }
    commit_all(files)
}

/// Says which of the curves that were to be estimated are exact, as too few pages were sampled.
fn note_exact(curves: &[Curve], context: &Context) {
    let few = counted(SAMPLED_MIN as u64, "distinct page");
    for Curve { trace, .. } in curves.iter().filter(|curve| curve.interval.is_empty()) {
        context.note(&format!(
            "{trace}: the sample has fewer than {few}, too few for an estimate, so the curve is \
             exact"
        ));
    }
}

/// Prints what is remarkable of the curves below a table for people.
fn remark(curves: &[Curve], format: Format, context: &Context) -> Result<(), Failure> {
    if !format.is_for_people() {
        return Ok(());
    }
    let remarks = rendered::remarks(curves);
    if remarks.is_empty() {
        return Ok(());
    }
    context.print(&format.aside(&format!("\n{}\n", remarks.join("\n"))))
}

/// The numbers of frames to show of a trace: those asked for, or by default those of `default` for
/// its distinct pages; of a reduced trace those for which it is exact.
fn sizes(points: &[Point], trace: &Trace, default: fn(u64) -> Vec<Frames>) -> Vec<Frames> {
    let pages = trace.distinct_pages() as u64;
    let sizes = if points.is_empty() { default(pages) } else { points::of(points, pages) };
    let least = trace.reduction().map_or(0, |reduction| reduction.frames);
    sizes.into_iter().filter(|frames| frames.0 >= least).collect()
}

/// Notes which frames the curve of a reduced trace leaves out, and which results are not exact.
fn note_reduced(
    name: &str,
    trace: &Trace,
    kinds: &[&'static ReplacementKind],
    is_sampled: bool,
    context: &Context,
) {
    let Some(reduction) = trace.reduction() else { return };
    let frames = reduction.frames;
    context.note(&format!("{name}: reduced for {frames} frames, so its curve begins there"));
    // Allocations never shrink here.
    let inexact = |kind: &&&ReplacementKind| kind.on_reduced == OnReduced::Inexact;
    for kind in kinds.iter().filter(inexact) {
        context.note(&format!("{name}: {} is not exact on a reduced trace", kind.name));
    }
    if is_sampled {
        context.note(&format!("{name}: the sample is taken from the reduced trace"));
    }
}

/// The number of accesses of a trace's warm-up.
fn warm_up_of(trace: &Trace, warm_up: Option<WarmUp>) -> Result<u64, Failure> {
    let Some(warm_up) = warm_up else { return Ok(0) };
    match warm_up.end(Ticks(0), trace.accesses()) {
        WarmUpEnd::Tick(_) => Err(Failure::Usage(format!(
            "--warm-up `{warm_up}`: a curve has no clock; give a share such as 10%, or a number \
             of accesses"
        ))),
        WarmUpEnd::Accesses(accesses) if accesses >= trace.accesses() => {
            Err(Failure::Usage(format!(
                "--warm-up `{warm_up}`: the trace has {} accesses, so nothing is left to count",
                trace.accesses()
            )))
        }
        WarmUpEnd::Accesses(accesses) => Ok(accesses),
    }
}

/// The fewest pages of a sample. With fewer, the groups whose differences give the interval are too
/// small.
const SAMPLED_MIN: usize = 1_000;

/// The LRU curve of a trace: exact, or estimated with its intervals if a sample is asked for and
/// has enough pages.
fn lru_curve(
    name: &str,
    trace: &Trace,
    warm_up: u64,
    (sample, seed): (Option<Sample>, u64),
    sizes: &[Frames],
) -> Curve {
    let curve = |points, interval| Curve {
        trace: name.to_owned(),
        accesses: trace.accesses() - warm_up,
        replacement: None,
        points,
        interval,
    };
    let points = |faults: &[u64]| Curve::points_of(faults, sizes);
    if let Some(sample) = sample {
        let sampled = sampled_lru_faults(trace, warm_up, sample, seed);
        if sampled.pages() >= SAMPLED_MIN.min(trace.distinct_pages()) {
            let (low, high) = random_groups::interval(trace, warm_up, &sampled);
            let ends = points(&low).into_iter().zip(points(&high));
            let interval = ends.map(|((_, low), (_, high))| (low, high)).collect();
            return curve(points(&sampled.faults), interval);
        }
    }
    curve(points(&curve::lru_faults_between(trace, warm_up, trace.accesses())), Vec::new())
}

/// The curves of these algorithms: one simulation for each number of frames, all in parallel. The
/// random stream is that of a VM named after the trace's file.
fn simulated(
    paths: &[PathBuf],
    traces: &[Arc<Trace>],
    warm_ups: &[u64],
    kinds: &[&'static ReplacementKind],
    points: &[Point],
    seed: u64,
) -> Vec<Curve> {
    let traces = paths.par_iter().zip(traces).zip(warm_ups);
    let of_trace = |((path, trace), &warm_up): ((&PathBuf, &Arc<Trace>), &u64)| {
        let sizes = sizes(points, trace, points::powers_and_all);
        let vm = path.file_stem().map_or_else(|| "-".into(), |stem| stem.to_string_lossy());
        let purpose = format!("vm/{vm}/replacement");
        let draw = || Stream::new(Generator::ChaCha8, seed, 0, &purpose);
        let curve = |kind: &&'static ReplacementKind| {
            let settings = Settings::defaults(kind.params);
            let point = |&frames: &Frames| {
                let counts = replace::replay(kind.build, &settings, trace, warm_up, frames, &draw);
                (frames, counts.demand_faults)
            };
            let points = sizes.par_iter().map(point).collect();
            let replacement = Some(kind.name);
            let accesses = trace.accesses() - warm_up;
            Curve { trace: trace_name(path), accesses, replacement, points, interval: Vec::new() }
        };
        kinds.par_iter().map(curve).collect::<Vec<_>>()
    };
    traces.map(of_trace).collect::<Vec<_>>().concat()
}

/// The path of a trace, followed by its VM's value if the file has several VMs.
fn named(path: &Path, value: Option<String>) -> PathBuf {
    value.map_or_else(|| path.to_owned(), |value| format!("{}:{value}", path.display()).into())
}

/// Reads "0.1" and "1.0" as a share of the pages, "4096" as a number of pages.
fn sample(text: &str) -> Result<Sample, String> {
    let decimal =
        Decimal::parse(text).ok_or("expected a share such as 0.1, or a number of pages")?;
    match decimal {
        Decimal { digits: 0, .. } => Err("the sample is empty".to_owned()),
        Decimal { digits, places: 0 } => {
            usize::try_from(digits).map(Sample::Size).map_err(|_| "that is too many".to_owned())
        }
        share if share.digits <= share.denominator() => Ok(Sample::Rate(share)),
        _ => Err("a share is at most 1.0; a number of pages has no decimal point".to_owned()),
    }
}
