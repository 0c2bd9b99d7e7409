//! `sweep`: runs a scenario at every point of a grid under many seeds, in parallel.

use std::fs::File;
use std::io;
use std::ops::{Range, RangeInclusive};
use std::path::PathBuf;
use std::sync::Mutex;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, Instant};

use balloonist::number::{counted, grouped};
use balloonist::scenario::Scenario;
use balloonist::simulate::simulate;
use balloonist::store::manifest::{self, Timing};
use balloonist::store::sweep as rows;
use balloonist::sweep::journal::{Header, Journal};
use balloonist::sweep::{self, BadPoint, Study};
use balloonist::table::Cell;
use balloonist::table::Format;
use balloonist::table::Table;
use balloonist::watch::NullWatcher;
use indicatif::HumanDuration;

use super::files::write;
use super::guard::{on_interrupt, this_command};
use super::input::{Input, Opened};
use super::journals::{Journals, Shape};
use super::progress::Progress;
use super::register::Kind;
use super::result_folder::{JOURNAL, OF_ANY_SWEEP, TIMING};
use super::sweep_folder::{SweepFolder, last_words};
use super::{Context, Failure, context, distances, input, jobs};

/// Run a scenario at every point of a grid under many seeds, in parallel
#[derive(clap::Args, Debug)]
pub(crate) struct Args {
    #[command(flatten)]
    source: Input,

    /// Repeat every point under these seeds, both ends included [default: the scenario's
    /// `sweep.repeat`; without axes 1..1000]
    #[arg(long, value_name = "A..B", value_parser = seed_range, conflicts_with = "repeat")]
    seeds: Option<RangeInclusive<u64>>,

    /// Repeat every point N times under the scenario's seed, with different random streams
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u64).range(1..))]
    repeat: Option<u64>,

    /// The policies, or `all`; the same as an axis `policy.kind` [default: the scenario's policy]
    #[arg(long, short, alias = "policy", value_name = "POLICY,…", value_delimiter = ',')]
    policies: Vec<String>,

    /// Vary a value of the scenario by its dotted path: `host.memory=128..1024*2`,
    /// `checkpoint.every=1000..9000+2000`, `policy.kind=static,mrc-dp`; the first axis varies
    /// slowest
    #[arg(long, short, value_name = "PATH=VALUES")]
    axis: Vec<String>,

    /// Compare every point with the point that has this value on this axis, repetition by
    /// repetition
    #[arg(long, short, value_name = "PATH=VALUE")]
    baseline: Vec<String>,

    /// List the runs and estimate their time, without running them
    #[arg(long, conflicts_with_all = ["resume", "shard", "out"])]
    list: bool,

    /// The number of parallel runs [default: the number of cores]; results do not depend on it
    #[arg(
        long,
        short,
        value_name = "N",
        value_parser = clap::value_parser!(u16).range(1..=jobs::MOST),
    )]
    jobs: Option<u16>,

    /// Run only part K of N; `merge` joins the parts
    #[arg(long, value_name = "K/N", value_parser = shard, requires = "out")]
    shard: Option<(u64, u64)>,

    /// Write runs.csv, sweep.csv, manifest.json and timing.json to this folder, and keep a journal
    /// of completed runs there
    #[arg(long, short, value_name = "DIR")]
    out: Option<PathBuf>,

    /// Write runs.csv.zst in place of runs.csv
    #[arg(long, requires = "out", conflicts_with = "shard")]
    zst: bool,

    /// Continue the sweep in the folder, or start it if there is no journal
    #[arg(long, requires = "out")]
    resume: bool,

    #[command(flatten)]
    shape: Shape,

    /// How to print the result: the statistics as a table or Markdown, every run as CSV or JSON
    #[arg(long, value_name = "FORMAT", default_value = "table", value_parser = context::format())]
    format: Format,
}

pub(crate) fn run(args: &Args, context: &Context) -> Result<(), Failure> {
    let (Opened { scenario, document, traces }, seeds) = open(args, context)?;
    let study = Study::new(document, &scenario, seeds, traces);
    let study = study.map_err(|bad| refused(&bad, context))?;
    input::register_traces(study.traces())?;
    // A wrong name must not cost the whole sweep.
    args.shape.pivot(study.grid())?;
    args.shape.summarised(study.grid())?;
    if study.runs() > RUNS_MAX {
        let runs = counted(study.runs(), "run");
        let most = grouped(RUNS_MAX);
        let text = format!("the sweep has {runs}, expected at most {most}; split it into several");
        return Err(Failure::Usage(text));
    }
    let pool = jobs::pool(args.jobs, study.runs())?;
    distances::load(&study.traces().files().collect::<Vec<_>>(), context);
    if args.list {
        return list(&study, args.format, pool.current_num_threads() as u64, context);
    }
    jobs::plan_memory(&scenario, pool.current_num_threads(), context)?;
    pool.install(|| study.prepare(&scenario));
    let (shard, shards) = args.shard.unwrap_or((1, 1));
    let header = Header {
        study: manifest::Study::of_sweep(
            &scenario,
            study.repetitions().clone(),
            study.traces().files(),
        )
        .to_line(),
        runs: study.shard(shard, shards),
        total: study.runs(),
    };
    let mut folder = args.out.as_deref().map(SweepFolder::hold).transpose()?;
    let (place, journal) = match &mut folder {
        Some(folder) => {
            let journal = folder.journal(header, args.resume, &OF_ANY_SWEEP)?;
            on_interrupt(last_words(folder.path()));
            (folder.path().join(JOURNAL), journal)
        }
        None => anonymous(header)?,
    };
    let began = Instant::now();
    let work = Work::new(&study, journal, (place, folder.is_some()), context)?;
    pool.install(|| work.run())?;
    let accesses = work.accesses.load(Ordering::Relaxed);
    context.timing.note("simulate", began.elapsed(), accesses);
    let timing = Timing::new(this_command(), began.elapsed().as_nanos(), accesses).to_json();
    let (place, journal) = work.finish()?;
    if let Some(folder) = folder.as_ref().filter(|_| shards > 1) {
        write(&folder.path().join(TIMING), &timing, Kind::Known)?;
        let done = counted(journal.done(), "run");
        context
            .note(&format!("shard {shard} of {shards} is done: {done}; `merge` joins the shards"));
        return Ok(());
    }
    let mut results = Journals::new(vec![(place, journal)], &args.shape)?;
    if let Some(folder) = folder {
        results.write(folder.held(), args.zst, Some(&timing), context)?;
    }
    results.print(args.format, &args.shape, context)?;
    results.judge()
}

/// Opens the scenario with the flags applied to its `[sweep]`. Also returns the seeds, if
/// repetitions differ in them.
fn open(args: &Args, context: &Context) -> Result<(Opened, Option<RangeInclusive<u64>>), Failure> {
    let mut opened = args.source.open_to_vary(context)?;
    // Without axes or a number of repetitions, the sweep varies the seeds.
    let only_luck =
        args.axis.is_empty() && args.repeat.is_none() && opened.scenario.sweep.is_none();
    let seeds = args.seeds.clone().or_else(|| only_luck.then_some(SEEDS_DEFAULT));
    let document = &mut opened.document;
    if !args.policies.is_empty() {
        let policies = input::policies(&args.policies, &[&opened.scenario], context)?;
        let names: Vec<&str> = policies.iter().map(|policy| policy.name).collect();
        if args.axis.iter().any(|axis| axis.trim_start().starts_with("policy.kind")) {
            let text = "`--policies` and an axis `policy.kind` are the same; give only one of them";
            return Err(Failure::Usage(text.to_owned()));
        }
        document.axis(&format!("policy.kind={}", names.join(",")));
    }
    args.axis.iter().for_each(|axis| document.axis(axis));
    args.baseline.iter().for_each(|value| document.baseline(value));
    if let Some(repeat) = args.repeat {
        document.set(&format!("sweep.repeat={repeat}"));
    }
    let checked = opened.document.check_with(&mut opened.traces);
    opened.scenario = checked.map_err(|found| input::refused(&found, context))?.scenario;
    Ok((opened, seeds))
}

/// The state shared by the threads of a sweep.
struct Work<'a> {
    study: &'a Study,
    journal: Mutex<Journal>,
    place: PathBuf,
    /// The remedy shown if the journal cannot be written.
    remedy: &'static str,
    /// Whether each run of the shard was done before.
    done: Vec<bool>,
    runs: Range<u64>,
    accesses: AtomicU64,
    /// The handle that flushes the journal to disk, and the time of the last flush.
    handle: File,
    synced: Mutex<Instant>,
    progress: Progress,
}

impl<'a> Work<'a> {
    /// A power failure loses at most the runs of this time; a killed process loses none.
    const BETWEEN_SYNCS: Duration = Duration::from_secs(1);

    fn new(
        study: &'a Study,
        journal: Journal,
        (place, is_kept): (PathBuf, bool),
        context: &Context,
    ) -> Result<Self, Failure> {
        let runs = journal.header.runs.clone();
        let left = runs.end - runs.start - journal.done();
        if journal.done() > 0 {
            let done = counted(journal.done(), "run");
            let left = grouped(left);
            context.note(&format!("{done} are in the journal, {left} are left"));
        }
        Ok(Self {
            study,
            done: journal.which(),
            runs,
            accesses: AtomicU64::new(0),
            handle: journal.handle().map_err(|error| Failure::io(&place, &error))?,
            synced: Mutex::new(Instant::now()),
            journal: Mutex::new(journal),
            place,
            remedy: if is_kept { "; free some space and continue with --resume" } else { "" },
            progress: Progress::new(context, left),
        })
    }

    fn run(&self) -> Result<(), Failure> {
        let is_wanted = |run: u64| !self.done[(run - self.runs.start) as usize];
        sweep::for_each(self.runs.clone(), is_wanted, |run, held| self.one(run, held))
    }

    fn one(&self, run: u64, held: &mut Option<Scenario>) -> Result<(), Failure> {
        let began = Instant::now();
        let bad = |bad: BadPoint| Failure::Input(told(&bad, false));
        let scenario = held.insert(self.study.scenario(run).map_err(bad)?);
        let outcome = simulate(scenario, scenario.policy, &mut NullWatcher)?;
        let (point, ..) = self.study.run(run);
        let record = rows::record(self.study.grid(), (run, point), scenario, &outcome);
        let failure = |error: io::Error| match Failure::io(&self.place, &error) {
            Failure::Io(text) => Failure::Io(format!("{text}{}", self.remedy)),
            other => other,
        };
        self.journal.lock().expect(NO_PANIC).append(&record).map_err(failure)?;
        self.accesses.fetch_add(outcome.all.counts.accesses, Ordering::Relaxed);
        self.progress.step_of(began.elapsed(), || self.study.grid().name(point));
        // Only one thread flushes at a time; the others do not wait.
        if let Ok(mut synced) = self.synced.try_lock()
            && synced.elapsed() > Self::BETWEEN_SYNCS
        {
            self.handle.sync_data().map_err(failure)?;
            *synced = Instant::now();
        }
        Ok(())
    }

    fn finish(self) -> Result<(PathBuf, Journal), Failure> {
        self.handle.sync_data().map_err(|error| Failure::io(&self.place, &error))?;
        Ok((self.place, self.journal.into_inner().expect(NO_PANIC)))
    }
}

const NO_PANIC: &str = "no thread panics while it holds the journal";

/// A journal in an unnamed file, for a sweep that writes no files.
fn anonymous(header: Header) -> Result<(PathBuf, Journal), Failure> {
    let place = std::env::temp_dir();
    let journal = tempfile::tempfile().and_then(|file| Journal::begin(file, header));
    let journal = journal.map_err(|error| Failure::io(&place, &error))?;
    Ok((place, journal))
}

/// Prints the runs, and an estimate of their time from the first run's.
fn list(study: &Study, format: Format, jobs: u64, context: &Context) -> Result<(), Failure> {
    let columns = rows::list_columns(study.grid());
    let columns: Vec<&str> = columns.iter().map(String::as_str).collect();
    let mut table = Table::new(&columns);
    let shown = if format.is_for_people() { study.runs().min(LISTED_MAX) } else { study.runs() };
    for run in 0..shown {
        let (point, seed, repetition) = study.run(run);
        let row: Vec<Cell> = vec![run.into(), repetition.into(), seed.into()];
        table.push(
            row.into_iter().chain(study.grid().labels(point).into_iter().map(Cell::from)).collect(),
        );
    }
    context.print_table(&table, format)?;
    if shown < study.runs() {
        context.print(&format!("… and {} more\n", counted(study.runs() - shown, "run")))?;
    }
    let bad = |bad: BadPoint| Failure::Input(told(&bad, context.colour_err));
    let scenario = study.scenario(0).map_err(bad)?;
    let began = Instant::now();
    simulate(&scenario, scenario.policy, &mut NullWatcher)?;
    let all = began.elapsed().as_secs_f64() * study.runs() as f64 / jobs.min(study.runs()) as f64;
    let size = rows::size(study.grid().points(), study.repetitions().count());
    let all = HumanDuration(Duration::from_secs_f64(all));
    let jobs = counted(jobs, "job");
    context
        .note(&format!("{size}; about {all} with {jobs}, if all runs take as long as the first"));
    Ok(())
}

/// The failure for points with errors.
fn refused(bad: &[BadPoint], context: &Context) -> Failure {
    let text: Vec<String> = bad.iter().map(|point| told(point, context.colour_err)).collect();
    let text = text.join("\n");
    if bad.iter().all(|point| point.diagnostics.is_io()) {
        Failure::Unreadable(text)
    } else {
        Failure::Input(text)
    }
}

fn told(bad: &BadPoint, colour: bool) -> String {
    let text = bad.diagnostics.render(colour);
    if bad.name.is_empty() { text } else { format!("{text}  at point {}\n", bad.name) }
}

/// Parses "1..1000", both ends included.
fn seed_range(text: &str) -> Result<RangeInclusive<u64>, String> {
    let (first, last) =
        text.split_once("..").ok_or("expected the first and the last seed, such as 1..1000")?;
    let seed = |word: &str| {
        word.parse::<u64>().map_err(|_| format!("`{word}` is not a seed, expected an integer"))
    };
    let (first, last) = (seed(first)?, seed(last)?);
    if first > last {
        return Err(format!("the range {first}..{last} is empty, expected the smaller seed first"));
    }
    if last > SEED_MAX || last - first >= RUNS_MAX {
        return Err(format!(
            "a sweep has at most {} seeds, none above {SEED_MAX}; split it into several sweeps",
            grouped(RUNS_MAX)
        ));
    }
    Ok(first..=last)
}

/// Parses "3/64".
pub(super) fn shard(text: &str) -> Result<(u64, u64), String> {
    let expected = || "expected K/N with K from 1 to N, such as 3/64".to_owned();
    let (shard, shards) = text.split_once('/').ok_or_else(expected)?;
    let number = |word: &str| word.parse::<u64>().map_err(|_| expected());
    let (shard, shards) = (number(shard)?, number(shards)?);
    if (1..=shards).contains(&shard) { Ok((shard, shards)) } else { Err(expected()) }
}

/// The default seeds of a sweep without axes.
const SEEDS_DEFAULT: RangeInclusive<u64> = 1..=1000;

/// The largest seed that a scenario may have.
const SEED_MAX: u64 = i64::MAX as u64;

/// The most runs of a sweep: the positions of their results are kept in memory.
const RUNS_MAX: u64 = balloonist::scenario::Grid::RUNS_MAX;

/// The most runs in a list for people.
const LISTED_MAX: u64 = 50;
