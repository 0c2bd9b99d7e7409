//! `plan`: the smallest host on which every VM keeps a limit.

use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

use balloonist::account::{METRICS, Metric};
use balloonist::number::{Millionths, counted, rounded};
use balloonist::plan::order::fewest;
use balloonist::plan::{self, Mixes, Need, Question};
use balloonist::scenario::{Scenario, meant};
use balloonist::store::plan::Answers;
use balloonist::table::Format;
use balloonist::units::{Decimal, parse_duration, show_size};
use rayon::prelude::*;

use super::input::{self, Input, Opened};
use super::progress::Progress;
use super::{Context, Failure, context, jobs};

/// Find the smallest host on which every VM keeps a limit, under each policy
///
/// A mix is a repetition of the scenario: its starts (`start_within`), generated accesses and
/// traces (`of`) are drawn. Every policy sees the same mixes. The answer is the memory with which
/// another mix, drawn alike, keeps the limit too, at the confidence that is asked for.
#[derive(clap::Args, Debug)]
pub(crate) struct Args {
    #[command(flatten)]
    source: Input,

    /// The most that any VM may be slowed down, 1 being its time without faults [default: 1.05]
    #[arg(long, value_name = "RATIO", conflicts_with = "limit", value_parser = decimal)]
    slowdown: Option<Decimal>,

    /// The most that any VM may have of a column: `fault_ratio=0.001`, `demand_faults=5000`
    #[arg(long, value_name = "COLUMN=VALUE", value_parser = limit)]
    limit: Option<Limit>,

    /// How sure the answer must be, from 1% to 99.9%
    #[arg(long, value_name = "PERCENT", default_value = "95%", value_parser = confidence)]
    confidence: Decimal,

    /// The number of mixes [default: the fewest that the confidence needs; 1 if nothing is drawn]
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u64).range(1..=MIXES_MAX))]
    mixes: Option<u64>,

    /// The number of host sizes at which the limit is shown, up to all pages that the VMs touch
    #[arg(long, value_name = "N", default_value_t = 16,
          value_parser = clap::value_parser!(u64).range(2..=1000))]
    sizes: u64,

    /// The policies, or `all` [default: the scenario's `compare`]
    #[arg(long, short, alias = "policy", value_name = "POLICY,…", value_delimiter = ',')]
    policies: Vec<String>,

    /// Start no mix after this time, such as `5min`; the answer is that of the mixes that ran
    #[arg(long, value_name = "TIME", value_parser = duration)]
    within: Option<Duration>,

    /// The number of parallel mixes [default: the number of cores]; results do not depend on it
    #[arg(long, short, value_name = "N",
          value_parser = clap::value_parser!(u16).range(1..=jobs::MOST))]
    jobs: Option<u16>,

    /// The table to print: what each policy needs, how the limited column falls with memory, or
    /// the need of every mix
    #[arg(long, value_name = "TABLE", default_value = "needs")]
    table: Which,

    /// How to print the table
    #[arg(long, value_name = "FORMAT", default_value = "table", value_parser = context::format())]
    format: Format,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, clap::ValueEnum)]
enum Which {
    Needs,
    Curve,
    Mixes,
}

/// A column and the most that a VM may have of it.
#[derive(Clone, Copy, Debug)]
struct Limit {
    metric: &'static Metric,
    at_most: Decimal,
}

/// The most mixes of a plan.
const MIXES_MAX: u64 = 10_000;

pub(crate) fn run(args: &Args, context: &Context) -> Result<(), Failure> {
    let Opened { scenario, document, traces } = args.source.open_to_vary(context)?;
    let limit = args.limit()?;
    refuse_free(&scenario, limit)?;
    let policies = input::policies_or_compared(&args.policies, &[&scenario], context)?;
    let mixes = Mixes::new(document, scenario.seed, traces)
        .map_err(|wrong| input::refused(&wrong, context))?;
    let count = args.count(&mixes);
    let pool = jobs::pool(args.jobs, count)?;
    jobs::plan_memory(&scenario, pool.current_num_threads(), context)?;

    let pages = pool.install(|| pages(&mixes, count));
    let mut pages = pages.map_err(|wrong| input::refused(&wrong, context))?;
    let most = pages.iter().copied().max().unwrap_or(1);
    let sizes = (1..=args.sizes).map(|at| (most * at).div_ceil(args.sizes));
    let mut sizes: Vec<u64> = sizes.collect();
    sizes.dedup();
    let Limit { metric, at_most } = limit;
    let question = Question { metric, at_most, sizes, policies };
    let needs = pool.install(|| needs(&mixes, &question, count, args.within, context))?;
    if (needs.len() as u64) < count {
        let done = needs.len() as u64;
        context.note(&format!("--within is over: {done} of {} ran", counted(count, "mix")));
    }
    pages.truncate(needs.len());
    let answers = Answers {
        question: &question,
        confidence: args.confidence,
        is_drawn: mixes.is_drawn(),
        scenario: &scenario,
        pages: &pages,
        needs: &needs,
    };
    let table = match args.table {
        Which::Needs => answers.table(),
        Which::Curve => answers.curve(),
        Which::Mixes => answers.mixes(),
    };
    if args.format.is_for_people() && args.table == Which::Needs {
        context.print(&format!("{}\n", args.lead(&answers)))?;
    }
    context.print_table(&table, args.format)
}

impl Args {
    fn limit(&self) -> Result<Limit, Failure> {
        if let Some(limit) = self.limit {
            return Ok(limit);
        }
        let at_most = self.slowdown.unwrap_or(Decimal { digits: 105, places: 2 });
        if at_most.digits < at_most.denominator() {
            let text = "--slowdown is at least 1, a VM's time without faults".to_owned();
            return Err(Failure::Usage(text));
        }
        let metric = METRICS.iter().find(|metric| metric.name == SLOWDOWN);
        Ok(Limit { metric: metric.expect("slowdown is a metric"), at_most })
    }

    fn count(&self, mixes: &Mixes) -> u64 {
        let few = if mixes.is_drawn() { fewest(self.confidence).max(1) } else { 1 };
        self.mixes.filter(|_| mixes.is_drawn()).unwrap_or(few)
    }

    /// The answer in sentences.
    fn lead(&self, answers: &Answers<'_>) -> String {
        let Question { metric, at_most, policies, .. } = answers.question;
        let n = answers.needs.len() as u64;
        let page_size = answers.scenario.host.page_size;
        let limit = format!("no VM's {} is above {at_most}", metric.name);
        let best = (0..policies.len()).filter_map(|at| Some((answers.bound(at)?, at))).min();
        let name = &answers.scenario.name;
        let lead = match best {
            Some((frames, at)) => format!(
                "{name}: under {} {} are enough ({}), so that {limit}.\n",
                policies[at].name,
                counted(frames, "frame"),
                show_size(frames * page_size),
            ),
            None if answers.is_drawn && n < fewest(self.confidence) => format!(
                "{name}: this confidence needs {}.\n",
                counted(fewest(self.confidence), "mix"),
            ),
            None => format!("{name}: under no policy is there a host on which {limit}.\n"),
        };
        let Decimal { digits, .. } = self.confidence;
        let one = u128::from(self.confidence.denominator());
        let percent = rounded(Millionths::ratio_or_zero(u128::from(digits) * 100, one));
        let how_sure = if !answers.is_drawn {
            "Nothing in the scenario is drawn, so this is the answer for this one mix; add \
             `start_within`, `of` or workloads to plan for others."
                .to_owned()
        } else if n < fewest(self.confidence) {
            format!("Mixes drawn: {n}; `frames` and the interval need more.")
        } else {
            format!(
                "{} were drawn. Another mix keeps the limit with a probability of {percent} %, and \
                 the median need is in its interval with the same.",
                counted(n, "mix")
            )
        };
        format!("{lead}{how_sure}\n")
    }
}

const SLOWDOWN: &str = "slowdown";

/// Refuses a limit of the slowdown where nothing costs time: every host would keep it.
fn refuse_free(scenario: &Scenario, limit: Limit) -> Result<(), Failure> {
    if limit.metric.name != SLOWDOWN || scenario.has_costs() {
        return Ok(());
    }
    let text = "the scenario has no `[cost]`, so nothing slows a VM down; say what a fault costs, \
                for example `--set cost.fault=1000`, or limit another column, for example \
                `--limit fault_ratio=0.001`";
    Err(Failure::Usage(text.to_owned()))
}

/// The pages that the VMs of each mix touch.
fn pages(mixes: &Mixes, count: u64) -> Result<Vec<u64>, Box<balloonist::scenario::Diagnostics>> {
    let pages = |mix| {
        let scenario = mixes.scenario(mix)?;
        Ok(scenario.vms.iter().map(|vm| vm.trace.distinct_pages() as u64).sum())
    };
    (0..count).into_par_iter().map(pages).collect()
}

/// The needs of the mixes in order, up to the first that was not started in time.
fn needs(
    mixes: &Mixes,
    question: &Question,
    count: u64,
    within: Option<Duration>,
    context: &Context,
) -> Result<Vec<Vec<Need>>, Failure> {
    let began = Instant::now();
    let is_over = AtomicBool::new(false);
    let progress = Progress::of(context, count, "mixes");
    let one = |mix: u64| {
        if mix > 0 && within.is_some_and(|within| began.elapsed() >= within) {
            is_over.store(true, Ordering::Relaxed);
        }
        if is_over.load(Ordering::Relaxed) {
            return Ok(None);
        }
        let began = Instant::now();
        let needs = mixes.needs(mix, question).map_err(|failure| match failure {
            plan::Failure::Refused(wrong) => input::refused(&wrong, context),
            plan::Failure::Run(error) => Failure::from(error),
        })?;
        progress.step_of(began.elapsed(), || format!("mix {mix}"));
        Ok(Some(needs))
    };
    let all: Vec<Option<Vec<Need>>> =
        (0..count).into_par_iter().map(one).collect::<Result<_, Failure>>()?;
    Ok(all.into_iter().map_while(|needs| needs).collect())
}

fn decimal(text: &str) -> Result<Decimal, String> {
    Decimal::parse(text).ok_or_else(|| format!("`{text}` is not a number"))
}

fn duration(text: &str) -> Result<Duration, String> {
    parse_duration(text).map(Duration::from_nanos).map_err(|error| error.to_string())
}

fn limit(text: &str) -> Result<Limit, String> {
    let (name, value) = text.split_once('=').ok_or("expected a column, `=` and a value")?;
    let Some(metric) = METRICS.iter().find(|metric| metric.name == name.trim()) else {
        let names = METRICS.iter().map(|metric| metric.name);
        let remedy = match meant(name.trim(), names) {
            Some(meant) => format!("did you mean `{meant}`?"),
            None => "`balloonist list columns` shows them".to_owned(),
        };
        return Err(format!("no column `{}`; {remedy}", name.trim()));
    };
    Ok(Limit { metric, at_most: decimal(value.trim())? })
}

fn confidence(text: &str) -> Result<Decimal, String> {
    let wrong = || format!("`{text}` is not a confidence, expected 1% to 99.9%");
    let percent = text.trim().strip_suffix('%').ok_or_else(wrong)?.trim();
    let mut share = Decimal::parse(percent).ok_or_else(wrong)?;
    share.places += 2;
    let thousand = share.digits.checked_mul(1000).ok_or_else(wrong)?;
    let one = share.denominator();
    let in_range = share.places <= 9 && thousand >= 10 * one && thousand <= 999 * one;
    in_range.then_some(share).ok_or_else(wrong)
}
