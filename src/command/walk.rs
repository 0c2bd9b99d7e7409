//! `walk`: a run line by line, for teaching and debugging.

use std::io::{self, BufWriter};
use std::path::PathBuf;

use balloonist::account::Outcome;
use balloonist::number::{counted, grouped};
use balloonist::render::grid::{self, CELLS, Grid};
use balloonist::render::lesson::{BYTES, Lesson, Refused, STEPS};
use balloonist::render::rounds::Rounds;
use balloonist::render::walk::Walk;
use balloonist::scenario::Scenario;
use balloonist::simulate::simulate;

use super::files::NewFile;
use super::input::Input;
use super::register::{Kind, is_stdout};
use super::{Context, Failure, input, lists};

/// Show every access and checkpoint of a run, with the VMs' page lists
///
/// A round is the interval between two checkpoints together with the checkpoint that ends it. For a
/// .dat file this is the 2011 report's round: one access by each VM, then a checkpoint.
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

    /// The first round shown
    #[arg(long, value_name = "ROUND", default_value_t = 1, value_parser = round())]
    from: u64,

    /// The last round shown [default: the last]
    #[arg(long, value_name = "ROUND", value_parser = round())]
    to: Option<u64>,

    /// Create a self-contained HTML page with buttons to step forward and back
    #[arg(long)]
    html: bool,

    /// Show the grid of textbooks, the reference string across and the frames down, in this form
    #[arg(long, value_name = "FORM", num_args = 0..=1, default_missing_value = "text",
          require_equals = true, conflicts_with = "html")]
    grid: Option<Form>,

    /// The page or grid to write, or `-` for standard output
    #[arg(long, short, value_name = "FILE", default_value = "-")]
    out: PathBuf,
}

/// The forms of a grid.
#[derive(Clone, Copy, Debug, clap::ValueEnum)]
enum Form {
    /// Text
    Text,
    /// A tabular of LaTeX for each VM
    Latex,
    /// A drawing
    Svg,
}

fn round() -> clap::builder::RangedU64ValueParser<u64> {
    clap::value_parser!(u64).range(1..)
}

pub(crate) fn run(args: &Args, context: &Context) -> Result<(), Failure> {
    let to = args.to.unwrap_or(u64::MAX);
    if to < args.from {
        return Err(Failure::Usage(format!("`--from {}` must not exceed `--to {to}`", args.from)));
    }
    let (scenario, vm) = args.source.open_to_show(args.policy.as_deref(), context)?;
    let scenario = input::with_replacement(scenario, args.replacement.as_deref())?;
    let rounds = Rounds::new(&scenario, args.from..=to);
    let rounds = match vm {
        Some(vm) => rounds.of_vm(vm),
        None => rounds,
    };
    if args.html || args.grid.is_some() {
        return picture(args, &scenario, rounds, context);
    }
    if !is_stdout(&args.out) {
        return Err(Failure::Usage("`--out` needs `--html` or `--grid`".to_owned()));
    }
    let out = BufWriter::with_capacity(1 << 16, io::stdout().lock());
    let mut walk = Walk::new(&scenario, scenario.policy.name, rounds, out);
    let outcome = simulate(&scenario, scenario.policy, &mut walk)?;
    walk.finish(&outcome).map_err(|error| Failure::stdout(&error))?;
    if args.from > rounds_of(&scenario, &outcome) {
        return Err(nothing(args.from, &scenario, &outcome));
    }
    Ok(())
}

/// Creates the page of the lesson, or the grid.
fn picture(
    args: &Args,
    scenario: &Scenario,
    rounds: Rounds,
    context: &Context,
) -> Result<(), Failure> {
    let kind = match args.grid {
        Some(Form::Svg) => Kind::Picture,
        Some(Form::Text | Form::Latex) => Kind::Grid,
        None => Kind::Page,
    };
    let file = (!is_stdout(&args.out)).then(|| NewFile::create(&args.out, kind));
    let mut file = file.transpose()?;
    let (outcome, picture, limit) = if let Some(form) = args.grid {
        let mut grid = Grid::new(scenario, rounds);
        let outcome = simulate(scenario, scenario.policy, &mut grid)?;
        let form = match form {
            Form::Text => grid::Format::Text,
            Form::Latex => grid::Format::Latex,
            Form::Svg => grid::Format::Svg,
        };
        let limit = format!("a grid has at most {} cells", grouped(CELLS));
        (outcome, grid.finish(form), limit)
    } else {
        let mut lesson = Lesson::new(scenario, scenario.policy.name, rounds);
        let outcome = simulate(scenario, scenario.policy, &mut lesson)?;
        let (steps, bytes) = (grouped(STEPS), grouped(BYTES));
        let limit = format!("a page has at most {steps} steps and {bytes} bytes of data");
        (outcome, lesson.finish(), limit)
    };
    let page = picture.map_err(|refused| match refused {
        Refused::Nothing => nothing(args.from, scenario, &outcome),
        Refused::TooMuch(last) => Failure::Usage(too_much(&limit, args.from, last)),
    })?;
    let Some(mut file) = file.take() else {
        return context.print(&page);
    };
    file.put(&page)?;
    file.commit()?;
    context.note(&format!("written {}", args.out.display()));
    Ok(())
}

fn too_much(limit: &str, from: u64, last: Option<u64>) -> String {
    match last {
        Some(last) => {
            format!("{limit}; show fewer rounds, for example `--from {from} --to {last}`")
        }
        None => format!("{limit}, and a single round exceeds that; use more frequent checkpoints"),
    }
}

fn rounds_of(scenario: &Scenario, outcome: &Outcome) -> u64 {
    outcome.end.0.div_ceil(scenario.checkpoint_every.0)
}

fn nothing(from: u64, scenario: &Scenario, outcome: &Outcome) -> Failure {
    let rounds = counted(rounds_of(scenario, outcome), "round");
    Failure::Nothing(format!("the run has {rounds}, so there is no round {from}"))
}
