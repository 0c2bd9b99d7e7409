//! `run`: one scenario under one policy.

use std::cell::LazyCell;
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use balloonist::account::Outcome;
use balloonist::balance::PolicyKind;
use balloonist::bound::{StaticSplit, best_static};
use balloonist::conclude::expects;
use balloonist::render::checks::{self, Check, Finding};
use balloonist::render::events::{self, Log};
use balloonist::render::run as report;
use balloonist::render::run::RunText;
use balloonist::scenario::Scenario;
use balloonist::simulate::simulate;
use balloonist::store::manifest::Timing;
use balloonist::store::outcomes;
use balloonist::store::results::Results;
use balloonist::store::row;
use balloonist::store::vms;
use balloonist::table::{Format, Table};
use balloonist::watch::{Both, Watcher};
use clap::builder::{PossibleValuesParser, TypedValueParser};

use super::files::NewFile;
use super::guard::this_command;
use super::input::Input;
use super::recorder::Recorder;
use super::register::{Kind, is_stdout};
use super::result_folder::{OF_RUN, ResultFolder};
use super::{Context, Failure, context, distances, input, lists, memory};

/// Run a scenario under one policy and show the results of every VM
#[derive(clap::Args, Debug)]
pub(crate) struct Args {
    #[command(flatten)]
    source: Input,

    /// The policy [default: the scenario's]
    #[arg(long, short, value_name = "POLICY")]
    policy: Option<String>,

    /// Run this replacement algorithm, with default parameters, in every VM
    #[arg(long, value_name = "REPLACEMENT", value_parser = lists::replacement_names(),
          hide_possible_values = true)]
    replacement: Option<String>,

    /// Write vms.csv, outcomes.csv, curves.csv, series.csv, manifest.json and timing.json to this
    /// folder, replacing earlier results
    #[arg(long, short, value_name = "DIR")]
    out: Option<PathBuf>,

    /// Write a log of events to this file, or `-` for standard output
    #[arg(long, value_name = "FILE")]
    events: Option<PathBuf>,

    /// The format of the event log: JSON lines, sentences, or a timeline in Chrome's trace event
    /// format for the Perfetto UI [default: by the file's extension: .jsonl or .ndjson, .txt or
    /// .log, .json]
    #[arg(long, value_name = "FORMAT", requires = "events",
          value_parser = context::one_of(events::Format::ALL))]
    events_format: Option<events::Format>,

    /// Include every access in the event log; not in a timeline
    #[arg(long, requires = "events")]
    events_accesses: bool,

    /// The table to print: faults and frames (vms), or lost time, oscillation and fairness
    /// (outcomes)
    #[arg(long, value_name = "TABLE", default_value = "vms")]
    table: Shown,

    /// How to print the result; junit and github print the scenario's expectations instead
    #[arg(long, value_name = "FORMAT", default_value = "table",
          value_parser = printed())]
    format: Printed,
}

/// What is printed of a run.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Printed {
    Table(Format),
    Checks(checks::Format),
}

/// The names of the formats: those of tables, and those of checks that no table has.
fn printed() -> impl TypedValueParser {
    let tables = Format::ALL.iter().map(|&(name, format)| (name, Printed::Table(format)));
    let is_table = |name: &str| Format::ALL.iter().any(|(table, _)| *table == name);
    let checks = checks::Format::ALL
        .iter()
        .filter(move |(name, format)| *format != checks::Format::Text && !is_table(name));
    let checks = checks.map(|&(name, format)| (name, Printed::Checks(format)));
    let all: Vec<(&str, Printed)> = tables.chain(checks).collect();
    PossibleValuesParser::new(all.iter().map(|(name, _)| *name)).map(move |word| {
        let (_, value) = all.iter().find(|(name, _)| *name == word).expect("clap has checked it");
        *value
    })
}

/// The tables of a run.
#[derive(Clone, Copy, Debug, PartialEq, Eq, clap::ValueEnum)]
enum Shown {
    Vms,
    Outcomes,
}

pub(crate) fn run(args: &Args, context: &Context) -> Result<(), Failure> {
    let format = args.events.as_deref().map(|place| args.format_of(place)).transpose()?;
    let scenario = args.source.open_without_distances(args.policy.as_deref(), context)?;
    let scenario = input::with_replacement(scenario, args.replacement.as_deref())?;
    memory::plan([(&scenario, scenario.policy)], 1, 0, context)?;
    if args.reads_distances(&scenario) {
        distances::load_all(&scenario, context);
    }
    let policy = scenario.policy;
    scenario.on_reduced(&[policy]).iter().for_each(|text| context.note(text));
    let folder = args.out.as_deref().map(|out| ResultFolder::create(out, OF_RUN));
    let mut folder = folder.transpose()?;
    let log = args.events.as_deref().filter(|place| !is_stdout(place));
    let log = log.map(|place| NewFile::create(place, Kind::Events)).transpose()?;
    let series = folder.as_mut().and_then(|folder| folder.series().next());
    let mut recorder = Recorder::new(&scenario, series, true);
    let began = Instant::now();
    let (outcome, logged) = args.logged((format, log), &scenario, &mut recorder, context)?;
    let took = began.elapsed();
    let series = recorder.finish()?;
    let split = LazyCell::new(|| scenario.any_lru().then(|| best_static(&scenario)).flatten());
    if let Some(folder) = folder {
        fill(folder, &scenario, &outcome, split.as_ref(), took, context)?;
    }
    match logged {
        // Expectations are checked even if the reader of the events has closed the pipe.
        Ok(()) | Err(Failure::OutputClosed) => {}
        Err(failure) => return Err(failure),
    }
    if args.events.as_deref().is_some_and(is_stdout) {
        // The log is on standard output: a table after it would break its format.
        return super::judge_expectations(expects::failed(&scenario, &[&outcome]));
    }
    let began = Instant::now();
    let format = match args.format {
        Printed::Table(format) => format,
        Printed::Checks(format) => {
            let failed = expects::failed(&scenario, &[&outcome]);
            let findings = failed.iter().map(Finding::unmet).collect();
            let check = Check::new(args.source.shown(), policy.name, findings);
            context.print(&checks::render("run", &[check], format))?;
            return super::judge_expectations(failed);
        }
    };
    let (table, columns) = match args.table {
        Shown::Vms => (vms::table(&scenario, &outcome), vms::FOR_PEOPLE),
        Shown::Outcomes => (outcomes::table(&scenario, &outcome), outcomes::FOR_PEOPLE),
    };
    if format.is_for_people() {
        let columns = shown(columns, &table, &scenario);
        let table = outcomes::for_people(&table.select(&columns), &scenario);
        let table = table.render(format, context.colour_out, context.width);
        let told = RunText {
            scenario: &scenario,
            policy,
            outcome: &outcome,
            series: &series.expect("a run is recorded"),
            best_static: split.as_ref(),
        };
        let text = report::report(&told, format, &table, context.width.min(DRAWN_MAX));
        context.print(&text)?;
    } else {
        context.print_table(&table, format)?;
    }
    context.timing.note("write", began.elapsed(), outcome.all.counts.accesses);
    super::judge_expectations(expects::failed(&scenario, &[&outcome]))
}

/// The columns that people see: these, and those that say where else pages were found.
fn shown<'t>(columns: &[&'t str], table: &'t Table, scenario: &Scenario) -> Vec<&'t str> {
    let is_tier = |name: &str| scenario.tiers.iter().any(|tier| tier.name == name);
    let is_place = |column: &&str| {
        *column == vms::STORE_READS
            || vms::OF_PAGING.contains(column)
            || OF_SHARING.contains(column)
            || column.strip_prefix("found_").is_some_and(is_tier)
    };
    let own = table.columns().iter().map(String::as_str).filter(is_place);
    columns.iter().copied().chain(own).collect()
}

/// What people see of sharing.
const OF_SHARING: [&str; 4] = ["merges", "copies", "hollow", "forced"];

/// The width of drawings in characters if there is no terminal.
const DRAWN_MAX: usize = 100;

impl Args {
    /// Whether stack distances are needed: for LRU guests and LRU's best static partition, for
    /// observers, or for the curves of `--out`.
    fn reads_distances(&self, scenario: &Scenario) -> bool {
        let PolicyKind { observers, .. } = scenario.policy;
        let observes = !observers(&scenario.settings_of(scenario.policy)).is_empty();
        self.out.is_some() || observes || scenario.any_lru()
    }

    /// The format of the event log at `place`.
    fn format_of(&self, place: &Path) -> Result<events::Format, Failure> {
        let extension = place.extension().and_then(|extension| extension.to_str()).unwrap_or("");
        let Some(format) = self.events_format.or(events::Format::of_extension(extension)) else {
            return Err(Failure::Usage(format!(
                "the extension of `--events {}` is unknown; add --events-format jsonl, text or \
                 perfetto",
                place.display()
            )));
        };
        if self.events_accesses && format == events::Format::Perfetto {
            return Err(Failure::Usage(
                "`--events-accesses` needs the format jsonl or text; a timeline has sums at \
                 checkpoints"
                    .to_owned(),
            ));
        }
        Ok(format)
    }

    /// Runs the scenario and writes the event log if there is one. The second value is the log's
    /// own result: results are written even if the log fails.
    fn logged(
        &self,
        (format, file): (Option<events::Format>, Option<NewFile>),
        scenario: &Scenario,
        recorder: &mut Recorder<'_>,
        context: &Context,
    ) -> Result<(Outcome, Result<(), Failure>), Failure> {
        let policy = scenario.policy;
        let simulate =
            |watcher: &mut dyn Watcher| context.timed_run(|| simulate(scenario, policy, watcher));
        let (Some(place), Some(format)) = (&self.events, format) else {
            return Ok((simulate(recorder)?, Ok(())));
        };
        let Some(out) = file else {
            let out = context.stdout();
            let mut log = Log::new(scenario, policy.name, format, self.events_accesses, out);
            let outcome = simulate(&mut Both(recorder, &mut log))?;
            let logged = log.finish(&outcome).map(drop);
            return Ok((outcome, logged.map_err(|error| Failure::stdout(&error))));
        };
        let mut log = Log::new(scenario, policy.name, format, self.events_accesses, out);
        let outcome = simulate(&mut Both(recorder, &mut log))?;
        let logged = log.finish(&outcome).map_err(|error| Failure::io(place, &error));
        Ok((outcome, logged.and_then(NewFile::commit)))
    }
}

/// Writes the folder of `--out`.
fn fill(
    mut folder: ResultFolder,
    scenario: &Scenario,
    outcome: &Outcome,
    split: Option<&StaticSplit>,
    took: Duration,
    context: &Context,
) -> Result<(), Failure> {
    let verdict = report::verdict(scenario, outcome, split);
    let results = Results::of_run(scenario, outcome, verdict, None);
    let tables = [
        ("vms.csv", vms::table(scenario, outcome)),
        ("outcomes.csv", outcomes::table(scenario, outcome)),
        ("curves.csv", row::table(&results.curves.unwrap_or_default())),
    ];
    for (name, table) in tables {
        folder.file(name).put(&table.to_csv())?;
    }
    let timing =
        Timing::new(this_command(), took.as_nanos(), outcome.all.counts.accesses).to_json();
    folder.commit(Some(&timing), results.manifest, context)
}
