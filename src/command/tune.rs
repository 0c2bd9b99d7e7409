//! `tune`: the settings of a policy under which an objective is smallest.

use std::path::{Path, PathBuf};

use balloonist::balance::PolicyKind;
use balloonist::number::{Millionths, counted, rounded};
use balloonist::plan::Mixes;
use balloonist::plan::knobs::Knob;
use balloonist::plan::objective::Objective;
use balloonist::plan::tune::{HeldOut, Search, Tuned};
use balloonist::scenario::{Document, Scenario};
use balloonist::store::tune::{self as stored, fragment};
use balloonist::table::Format;

use super::files::NewFile;
use super::input::{self, Opened};
use super::progress::Progress;
use super::register::Kind;
use super::{Context, Failure, context, distances, goldens, jobs, lists, planning};

/// Find the settings of a policy that make an objective smallest
///
/// A search draws settings, keeps the better half on more and more mixes, and draws again around
/// the best. It is made again with parts left out: windows of the run, mixes and scenarios. What
/// its choice is worth in the parts left out is what to expect elsewhere.
#[derive(clap::Args, Debug)]
pub(crate) struct Args {
    /// The scenarios, or folders of them
    #[arg(value_name = "SCENARIO", required = true)]
    scenarios: Vec<PathBuf>,

    /// The policy [default: the scenario's]
    #[arg(long, short, value_name = "POLICY")]
    policy: Option<String>,

    /// What is searched: a parameter of the policy or a path of the scenario, with blanks between
    /// several: `step`, `step=1..64`, `step=2,4,8`, `checkpoint.every=1000..9000` [default: all
    /// parameters, from a sixteenth of the default to sixteen times it]
    #[arg(long, alias = "knob", value_name = "NAME[=RANGE] …")]
    knobs: Vec<String>,

    /// What is made small: a column, `worst COLUMN` for the VM that has most, or a weighted sum
    /// such as `demand_faults + 0.1 frames_moved`
    #[arg(long, value_name = "OBJECTIVE", default_value = "demand_faults",
          value_parser = Objective::parse)]
    minimize: Objective,

    /// The number of mixes of each scenario that draws [default: 8]
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u64).range(1..=1000))]
    mixes: Option<u64>,

    /// The windows of a run that are left out in turn; 1 leaves out none
    #[arg(long, value_name = "N", default_value_t = 4,
          value_parser = clap::value_parser!(u64).range(1..=100))]
    windows: u64,

    /// The settings drawn in a round
    #[arg(long, value_name = "N", default_value_t = 48,
          value_parser = clap::value_parser!(u64).range(2..=10_000))]
    draws: u64,

    /// The rounds; each but the first searches around the best of the one before
    #[arg(long, value_name = "N", default_value_t = 3,
          value_parser = clap::value_parser!(u64).range(1..=10))]
    rounds: u64,

    /// Write a scenario with the best settings, which extends a single scenario
    #[arg(long, short, value_name = "FILE")]
    output: Option<PathBuf>,

    /// The number of parallel runs [default: the number of cores]; results do not depend on it
    #[arg(long, short, value_name = "N",
          value_parser = clap::value_parser!(u16).range(1..=jobs::MOST))]
    jobs: Option<u16>,

    /// The table to print where only one is: what the settings are worth, or their values
    #[arg(long, value_name = "TABLE", default_value = "worth")]
    table: Which,

    /// How to print the table
    #[arg(long, value_name = "FORMAT", default_value = "table", value_parser = context::format())]
    format: Format,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, clap::ValueEnum)]
enum Which {
    Worth,
    Values,
}

pub(crate) fn run(args: &Args, context: &Context) -> Result<(), Failure> {
    let opened = open(args, context)?;
    let paths: Vec<&PathBuf> = opened.iter().map(|(path, _)| path).collect();
    let first = &opened[0].1.scenario;
    let (policy, page_size, seed) = (first.policy, first.host.page_size, first.seed);
    let knobs = knobs(args, policy, page_size)?;
    let output = args.output.as_deref();
    let output = output.map(|place| NewFile::create(place, Kind::Fragment)).transpose()?;
    let extends = match (paths.as_slice(), &args.output) {
        ([scenario], Some(output)) => Some(relative(scenario, output)?),
        _ => None,
    };

    let pool = jobs::pool(args.jobs, args.draws * args.mixes.unwrap_or(1))?;
    for (_, opened) in &opened {
        jobs::plan_memory(&opened.scenario, pool.current_num_threads(), context)?;
    }
    let mixes = |(_, opened): (PathBuf, Opened)| {
        let Opened { scenario, document, traces } = opened;
        Mixes::new(document, scenario.seed, traces)
    };
    let scenarios: Result<Vec<Mixes>, _> = opened.into_iter().map(mixes).collect();
    let scenarios = scenarios.map_err(|wrong| input::refused(&wrong, context))?;
    let is_drawn = scenarios.iter().any(Mixes::is_drawn);
    let search = Search {
        scenarios: &scenarios,
        mixes: if is_drawn { args.mixes.unwrap_or(8) } else { 1 },
        policy,
        knobs,
        objective: args.minimize.clone(),
        settings: args.draws as usize,
        rounds: args.rounds,
        windows: args.windows as usize,
        seed,
    };
    let progress = Progress::of(context, search.searches(), "searches");
    let tuned = pool.install(|| search.run(|| progress.step()));
    drop(progress);
    let tuned = tuned.map_err(|failure| planning::failed(&failure, context))?;
    note_refused(&tuned, context);

    let lead = lead(&tuned, &search);
    let (worth, values) = (stored::worth(&tuned), stored::values(&tuned, &search.knobs));
    if args.format.is_for_people() {
        context.print(&args.format.aside(&format!("{lead}\n")))?;
        context.print_table(&worth, args.format)?;
        context.print("\n")?;
        context.print_table(&values, args.format)?;
    } else {
        let table = if args.table == Which::Worth { worth } else { values };
        context.print_table(&table, args.format)?;
    }
    let Some(mut file) = output else { return Ok(()) };
    let values = tuned.best.as_deref().filter(|_| !tuned.is_over_fitted());
    file.put(&fragment(policy.name, &search.knobs, values, extends.as_deref(), &lead))?;
    file.commit()
}

/// The checked scenarios under one policy, with their paths.
fn open(args: &Args, context: &Context) -> Result<Vec<(PathBuf, Opened)>, Failure> {
    input::refuse_stdin_twice(&args.scenarios)?;
    let paths = match args.scenarios.as_slice() {
        [stdin] if stdin.as_os_str() == "-" => vec![stdin.clone()],
        paths => goldens::scenarios(paths)?,
    };
    let name = args.policy.as_deref().map(lists::policy).transpose()?.map(|kind| kind.name);
    let mut opened = Vec::new();
    for path in paths {
        let one = input::check_keeping(Document::open(&path), name, context)?;
        distances::load_all(&one.scenario, context);
        opened.push((path, one));
    }
    let policy = |scenario: &Scenario| scenario.policy.name;
    let first = policy(&opened[0].1.scenario);
    if let Some((path, other)) = opened.iter().find(|(_, other)| policy(&other.scenario) != first) {
        let text = format!(
            "{} has the policy {}, but {} has {first}; name the one to tune with --policy",
            path.display(),
            policy(&other.scenario),
            opened[0].0.display(),
        );
        return Err(Failure::Usage(text));
    }
    Ok(opened)
}

fn knobs(args: &Args, policy: &PolicyKind, page_size: u64) -> Result<Vec<Knob>, Failure> {
    let words = args.knobs.iter().flat_map(|text| text.split_whitespace());
    let named = words.map(|word| Knob::parse(word, policy, page_size));
    let named = named.collect::<Result<Vec<Knob>, String>>();
    let mut knobs = named.map_err(|wrong| Failure::Usage(format!("--knobs: {wrong}")))?;
    if args.knobs.is_empty() {
        knobs = Knob::all_of(policy, page_size);
    }
    if let Some(twice) =
        (1..knobs.len()).find(|&at| knobs[..at].iter().any(|one| one.path == knobs[at].path))
    {
        let text = format!("--knobs: `{}` is given twice", knobs[twice].name);
        return Err(Failure::Usage(text));
    }
    if knobs.is_empty() {
        let text = format!(
            "`{}` has no parameter to tune; name what to search with --knobs, such as \
             `checkpoint.every=1000..9000`",
            policy.name
        );
        return Err(Failure::Usage(text));
    }
    Ok(knobs)
}

/// The path of a scenario as a file at `output` names it.
fn relative(scenario: &Path, output: &Path) -> Result<String, Failure> {
    let whole = |path: &Path| path.canonicalize().map_err(|error| Failure::io(path, &error));
    let folder = output.parent().filter(|folder| !folder.as_os_str().is_empty());
    let (scenario, folder) = (whole(scenario)?, whole(folder.unwrap_or(Path::new(".")))?);
    let shared = scenario.components().zip(folder.components()).take_while(|(a, b)| a == b).count();
    let up = folder.components().skip(shared).map(|_| "..".into());
    let down = scenario.components().skip(shared).map(|part| part.as_os_str().to_owned());
    let path: PathBuf = up.chain(down).collect();
    Ok(path.to_string_lossy().into_owned())
}

fn note_refused(tuned: &Tuned, context: &Context) {
    let (count, why) = &tuned.refused;
    if let Some(why) = why {
        let why = why.iter().next().map(|first| first.message.as_str()).unwrap_or_default();
        let settings = counted(*count as u64, "setting");
        context.note(&format!("{settings} cannot be run, the first because {why}"));
    }
}

/// The answer in sentences.
fn lead(tuned: &Tuned, search: &Search<'_>) -> String {
    let (policy, objective) = (search.policy.name, search.objective.text());
    let tried = counted(tuned.tried as u64, "setting");
    if tuned.best.is_none() {
        return format!(
            "{policy}: none of {tried} makes {objective} smaller than the present ones.\n"
        );
    }
    let seen = change(tuned.seen.ratio);
    let found = format!("{policy}: with the best of {tried} {objective} is {seen}");
    let left_out = |held: &HeldOut| format!("{} ({})", change(held.score.ratio), held.what);
    let left_out = tuned.held_out.iter().map(left_out).collect::<Vec<_>>().join(", ");
    match tuned.held_out.as_slice() {
        [] => format!(
            "{found}.\nNothing was left out of the search, so this may hold nowhere else.\n"
        ),
        _ if tuned.is_over_fitted() => format!(
            "{found}, but in what was left out of the search {left_out}.\nThey are over-fitted: \
             keep the present settings.\n"
        ),
        _ => format!("{found}.\nIn what was left out of the search it is {left_out}.\n"),
    }
}

/// "12.3 % less", for a ratio.
fn change(ratio: Millionths) -> String {
    let one = Millionths::ONE;
    let percent = |of: u128| rounded(Millionths(of * 100));
    if ratio.0 > one {
        format!("{} % more", percent(ratio.0 - one))
    } else {
        format!("{} % less", percent(one - ratio.0))
    }
}
