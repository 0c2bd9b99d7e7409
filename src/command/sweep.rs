//! `sweep`: one scenario under many seeds.

use std::ops::RangeInclusive;
use std::path::{Path, PathBuf};
use std::time::Instant;

use balloonist::balance::PolicyKind;
use balloonist::output::manifest::{self, RunEntry};
use balloonist::output::{Format, Table, sweep as rows};
use balloonist::scenario::Scenario;
use balloonist::sweep::{self, Point};

use super::files::{NewFile, commit_all, create_folder};
use super::input::Source;
use super::progress::Progress;
use super::{Context, Failure, context, input};

/// Run a scenario under many seeds, in parallel, and summarise what differs
#[derive(clap::Args, Debug)]
pub(crate) struct Args {
    #[command(flatten)]
    source: Source,

    /// The seeds, first and last
    #[arg(long, value_name = "A..B", default_value = "1..1000", value_parser = seed_range)]
    seeds: RangeInclusive<u64>,

    /// The policies, or `all` [default: the scenario's policy]
    #[arg(long, short, value_name = "POLICY,…", value_delimiter = ',')]
    policies: Vec<String>,

    /// Runs at a time [default: the number of cores]; results do not depend on it
    #[arg(long, short, value_name = "N", value_parser = clap::value_parser!(u16).range(1..))]
    jobs: Option<u16>,

    /// Write sweep.csv, summary.csv, manifest.json and timing.json to this folder
    #[arg(long, short, value_name = "DIR")]
    out: Option<PathBuf>,

    /// How to print the result: the summary as a table or Markdown, every run as CSV or JSON
    #[arg(long, value_name = "FORMAT", default_value = "table", value_parser = context::format())]
    format: Format,
}

pub(crate) fn run(args: &Args, context: &Context) -> Result<(), Failure> {
    let opened = args.source.open_to_vary(context)?;
    let scenario = &opened.scenario;
    let policies = if args.policies.is_empty() {
        vec![scenario.policy]
    } else {
        input::policies(&args.policies, scenario, context)?
    };
    let files = args.out.as_deref().map(Files::create).transpose()?;

    let began = Instant::now();
    let runs = (args.seeds.end() - args.seeds.start()).saturating_add(1);
    let progress = Progress::new(context, runs.saturating_mul(policies.len() as u64));
    let at_seed = |seed| opened.at_seed(seed, &policies, context);
    let pool = rayon::ThreadPoolBuilder::new()
        .num_threads(args.jobs.map_or(0, usize::from))
        .build()
        .map_err(|error| Failure::Io(format!("threads cannot be started: {error}")))?;
    let points =
        pool.install(|| sweep::seeds(args.seeds.clone(), &policies, at_seed, || progress.step()))?;
    drop(progress);
    let took = began.elapsed();

    let table = rows::table(scenario, &policies, &points);
    let summary = rows::summary(&policies, &points);
    if let Some(files) = files {
        let accesses = points.iter().map(|point| point.all.counts.accesses).sum();
        let timing = manifest::timing(took.as_nanos(), accesses);
        files.fill(scenario, &policies, &points, [&table, &summary], &timing)?;
    }
    let shown = if args.format.is_for_people() { &summary } else { &table };
    context.print_table(shown, args.format)
}

/// Reads "1..1000", both ends included.
fn seed_range(text: &str) -> Result<RangeInclusive<u64>, String> {
    let (first, last) =
        text.split_once("..").ok_or("expected the first and the last, as 1..1000")?;
    let seed = |word: &str| {
        word.parse::<u64>().map_err(|_| format!("`{word}` is not a seed, expected an integer"))
    };
    let (first, last) = (seed(first)?, seed(last)?);
    if first > last {
        return Err(format!("no seed lies from {first} to {last}, expected the smaller one first"));
    }
    if last > SEED_MAX || last - first >= SEEDS_MAX {
        return Err(format!(
            "a sweep has {SEEDS_MAX} seeds at most, none above {SEED_MAX}; sweep them in parts"
        ));
    }
    Ok(first..=last)
}

/// The largest seed that a scenario may have.
const SEED_MAX: u64 = i64::MAX as u64;

/// The most seeds of a sweep: their rows are in memory until all are there.
const SEEDS_MAX: u64 = 10_000_000;

/// The files of `--out`, opened before the runs.
struct Files {
    rows: NewFile,
    summary: NewFile,
    manifest: NewFile,
    timing: NewFile,
}

impl Files {
    fn create(folder: &Path) -> Result<Self, Failure> {
        create_folder(folder)?;
        let create = |name: &str| NewFile::create(&folder.join(name));
        Ok(Self {
            rows: create("sweep.csv")?,
            summary: create("summary.csv")?,
            manifest: create("manifest.json")?,
            timing: create("timing.json")?,
        })
    }

    fn fill(
        mut self,
        scenario: &Scenario,
        policies: &[&PolicyKind],
        points: &[Point],
        [rows, summary]: [&Table; 2],
        timing: &str,
    ) -> Result<(), Failure> {
        self.rows.put(&rows.to_csv())?;
        self.summary.put(&summary.to_csv())?;
        let entry = |point: &Point| RunEntry {
            policy: policies[point.policy].name,
            replacement: None,
            seed: point.seed,
            fingerprint: point.fingerprint,
        };
        let entries: Vec<RunEntry> = points.iter().map(entry).collect();
        let files = [self.rows.entry(), self.summary.entry()];
        let effective = scenario.effective();
        self.manifest.put(&manifest::manifest(scenario, &effective, &entries, &files))?;
        self.timing.put(timing)?;
        commit_all(vec![self.rows, self.summary, self.timing, self.manifest])
    }
}
