//! `run`: one scenario under one policy.

use std::cell::OnceCell;
use std::path::{Path, PathBuf};
use std::time::Instant;

use balloonist::account::Outcome;
use balloonist::balance::PolicyKind;
use balloonist::bound::{StaticSplit, best_static};
use balloonist::output::events::{self, Log};
use balloonist::output::manifest::{self, RunEntry};
use balloonist::output::run::Told;
use balloonist::output::series::Series;
use balloonist::output::thinned::Thinned;
use balloonist::output::{Format, curves, expects, outcomes, run as report, vms};
use balloonist::scenario::Scenario;
use balloonist::simulate::simulate;
use balloonist::watch::{Both, Watcher};

use super::files::{NewFile, commit_all, create_folder};
use super::input::Source;
use super::recorder::Recorder;
use super::{Context, Failure, context, distances};

/// Run a scenario under one policy and show what every VM did
#[derive(clap::Args, Debug)]
pub(crate) struct Args {
    #[command(flatten)]
    source: Source,

    /// The policy [default: the scenario's]
    #[arg(long, short, value_name = "POLICY")]
    policy: Option<String>,

    /// Write vms.csv, outcomes.csv, curves.csv, series.csv, manifest.json and timing.json to this
    /// folder
    #[arg(long, short, value_name = "DIR")]
    out: Option<PathBuf>,

    /// Write what happens, event by event, to this file, or `-` for standard output
    #[arg(long, value_name = "FILE")]
    events: Option<PathBuf>,

    /// How to write the events: JSON lines, sentences, or a timeline in Chrome's trace event format,
    /// for the Perfetto UI [default: by the file's extension: .jsonl or .ndjson, .txt or .log, .json]
    #[arg(long, value_name = "FORMAT", requires = "events",
          value_parser = context::one_of(events::Format::ALL))]
    events_format: Option<events::Format>,

    /// Write every access as an event too; not in a timeline
    #[arg(long, requires = "events")]
    events_accesses: bool,

    /// Which table to print: faults and frames, or what they meant: time lost, frames moved to and
    /// fro, fairness
    #[arg(long, value_name = "TABLE", default_value = "vms")]
    table: Shown,

    /// How to print the result
    #[arg(long, value_name = "FORMAT", default_value = "table", value_parser = context::format())]
    format: Format,
}

/// The tables of a run.
#[derive(Clone, Copy, Debug, PartialEq, Eq, clap::ValueEnum)]
enum Shown {
    Vms,
    Outcomes,
}

pub(crate) fn run(args: &Args, context: &Context) -> Result<(), Failure> {
    let format = args.events.as_deref().map(|place| args.format_of(place)).transpose()?;
    let scenario = args.source.open_cold(args.policy.as_deref(), context)?;
    if args.reads_distances(&scenario) {
        distances::warm_all(&scenario, context);
    }
    let policy = scenario.policy;
    let split = Split::default();
    let mut recorder = Recorder { file: None, thinned: Some(Thinned::from(&scenario)) };
    let outcome = match (&args.events, format) {
        (Some(place), Some(format)) if place.as_os_str() == "-" => {
            let out = context.stdout();
            let mut log = Log::new(&scenario, policy, format, args.events_accesses, out);
            let mut both = Both(&mut recorder, &mut log);
            let outcome = args.watched(&scenario, &split, &mut both, context)?;
            log.finish(&outcome).map_err(|error| Failure::stdout(&error))?;
            // Data alone: the table would end the log of another format.
            return super::judge(&expects::failed(&scenario, policy, &outcome));
        }
        (Some(place), Some(format)) => {
            let out = NewFile::create(place)?;
            let mut log = Log::new(&scenario, policy, format, args.events_accesses, out);
            let mut both = Both(&mut recorder, &mut log);
            let outcome = args.watched(&scenario, &split, &mut both, context)?;
            log.finish(&outcome).map_err(|error| Failure::io(place, &error))?.commit()?;
            outcome
        }
        _ => args.watched(&scenario, &split, &mut recorder, context)?,
    };
    let began = Instant::now();
    let (table, columns) = match args.table {
        Shown::Vms => (vms::table(&scenario, policy, &outcome), vms::FOR_PEOPLE),
        Shown::Outcomes => (outcomes::table(&scenario, policy, &outcome), outcomes::FOR_PEOPLE),
    };
    if args.format.is_for_people() {
        let table = table.select(columns).without_empty_columns();
        let table = table.render(args.format, context.colour_out, context.width);
        let told = Told {
            scenario: &scenario,
            policy,
            outcome: &outcome,
            series: &recorder.thinned.expect("a run is recorded"),
            best_static: split.of(&scenario),
        };
        let text = report::report(&told, args.format, &table, context.width.min(DRAWN_MAX));
        context.print(&text)?;
    } else {
        context.print_table(&table, args.format)?;
    }
    context.timing.note("write", began.elapsed(), outcome.all.counts.accesses);
    super::judge(&expects::failed(&scenario, policy, &outcome))
}

/// Characters in a line of a drawing where the terminal does not say.
const DRAWN_MAX: usize = 100;

impl Args {
    /// Whether anybody reads stack distances: guests with LRU, who are set beside LRU's best static
    /// split too, observers, or the curves of `--out`.
    fn reads_distances(&self, scenario: &Scenario) -> bool {
        let PolicyKind { observers, .. } = scenario.policy;
        let observes = !observers(scenario.settings_of(scenario.policy)).is_empty();
        self.out.is_some() || observes || report::is_of_lru(scenario)
    }

    /// The format of the events that go to `place`.
    fn format_of(&self, place: &Path) -> Result<events::Format, Failure> {
        let extension = place.extension().and_then(|extension| extension.to_str()).unwrap_or("");
        let Some(format) = self.events_format.or(events::Format::of_extension(extension)) else {
            return Err(Failure::Usage(format!(
                "`--events {}` has no known format; give --events-format jsonl, text or perfetto",
                place.display()
            )));
        };
        if self.events_accesses && format == events::Format::Perfetto {
            return Err(Failure::Usage(
                "`--events-accesses` is for jsonl and text; a timeline has sums at checkpoints"
                    .to_owned(),
            ));
        }
        Ok(format)
    }

    /// Runs and shows it to `watcher`, and writes the files of `--out` if they are wanted.
    fn watched(
        &self,
        scenario: &Scenario,
        split: &Split,
        watcher: &mut dyn Watcher,
        context: &Context,
    ) -> Result<Outcome, Failure> {
        match &self.out {
            Some(folder) => run_into(folder, scenario, split, watcher, context),
            None => Ok(context.timed_run(|| simulate(scenario, scenario.policy, watcher))),
        }
    }
}

/// The best static split of a scenario, which is looked for once, and only if somebody tells of it.
#[derive(Default)]
struct Split(OnceCell<Option<StaticSplit>>);

impl Split {
    fn of(&self, scenario: &Scenario) -> Option<&StaticSplit> {
        let found = || report::is_of_lru(scenario).then(|| best_static(scenario)).flatten();
        self.0.get_or_init(found).as_ref()
    }
}

/// Runs, and writes the files of `--out`.
fn run_into(
    folder: &Path,
    scenario: &Scenario,
    split: &Split,
    watcher: &mut dyn Watcher,
    context: &Context,
) -> Result<Outcome, Failure> {
    create_folder(folder)?;
    let create = |name: &str| NewFile::create(&folder.join(name));
    let mut rows = create("vms.csv")?;
    let mut meant = create("outcomes.csv")?;
    let mut points = create("curves.csv")?;
    let series = create("series.csv")?;
    let mut manifest = create("manifest.json")?;
    let mut timing = create("timing.json")?;

    let began = Instant::now();
    let mut series = Series::new(scenario, series);
    let outcome =
        context.timed_run(|| simulate(scenario, scenario.policy, &mut Both(&mut series, watcher)));
    let took = began.elapsed();
    let series = series.finish().map_err(|error| Failure::io(folder.join("series.csv"), &error))?;

    rows.put(&vms::table(scenario, scenario.policy, &outcome).to_csv())?;
    meant.put(&outcomes::table(scenario, scenario.policy, &outcome).to_csv())?;
    points.put(&curves::table(scenario, &outcome).to_csv())?;
    let verdict = report::verdict(scenario, &outcome, split.of(scenario));
    let run = RunEntry {
        policy: scenario.policy.name,
        replacement: None,
        seed: scenario.seed,
        fingerprint: outcome.fingerprint,
    };
    let entries = [rows.entry(), series.entry(), meant.entry(), points.entry()];
    let effective = scenario.effective();
    let verdict = verdict.as_deref();
    manifest.put(&manifest::manifest(scenario, &effective, run, &entries, verdict))?;
    timing.put(&manifest::timing(took.as_nanos(), outcome.all.counts.accesses))?;
    commit_all(vec![rows, meant, points, series, timing, manifest])?;
    Ok(outcome)
}
