//! `plan`: the smallest host, the smallest tier or the most copies with which every VM keeps a
//! limit.

use std::path::PathBuf;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

use balloonist::account::{METRICS, Metric};
use balloonist::conclude::plan as conclude;
use balloonist::number::counted;
use balloonist::plan::order::fewest;
use balloonist::plan::{self, Answers, Mixes, Need, Quantity, Question, Shortfall};
use balloonist::render::plan::{self as render, Report};
use balloonist::scenario::{Scenario, meant};
use balloonist::store::plan as tables;
use balloonist::table::Format;
use balloonist::units::{Decimal, parse_duration};
use rayon::prelude::*;

use super::files::NewFile;
use super::input::{self, Input, Opened};
use super::progress::Progress;
use super::register::{Kind, is_stdout};
use super::{Context, Failure, context, jobs};

/// Find the smallest host on which every VM keeps a limit, or the most copies of the VMs that fit
///
/// A mix is a repetition of the scenario: its starts (`start_within`), generated accesses and
/// traces (`of`) are drawn. Every policy sees the same mixes. The answer is the memory (or the
/// number of copies, or the size of a tier) with which another mix, drawn alike, keeps the limit
/// too, at the confidence that is asked for.
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

    /// Ask how many copies of all VMs the host holds, instead of how large it must be; MAX is the
    /// most that is tried [default: as many as touch twice the host's memory]
    #[arg(long, value_name = "MAX", num_args = 0..=1, default_missing_value = "auto",
          conflicts_with = "tier", value_parser = copies)]
    copies: Option<Copies>,

    /// Ask how large the tier of this name must be, on the scenario's host
    #[arg(long, value_name = "NAME")]
    tier: Option<String>,

    /// How sure the answer must be, from 1% to 99.9%
    #[arg(long, value_name = "PERCENT", default_value = "95%", value_parser = confidence)]
    confidence: Decimal,

    /// The number of mixes [default: the fewest that the confidence needs; 1 if nothing is drawn]
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u64).range(1..=MIXES_MAX))]
    mixes: Option<u64>,

    /// The number of amounts at which the limit is shown: sizes up to all pages that the VMs touch,
    /// or copies up to MAX
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

    /// Write a self-contained HTML page with the answer, the curve, and what it costs to be wrong
    #[arg(long, value_name = "FILE")]
    report: Option<PathBuf>,

    /// The table to print: what each policy needs, how the limited column changes with the amount,
    /// or the need of every mix
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

/// The most copies that are tried.
#[derive(Clone, Copy, Debug)]
enum Copies {
    /// As many as touch twice the host's memory.
    Auto,
    AtMost(u64),
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
    let Limit { metric, at_most } = limit;
    let (quantity, most) = args.quantity(&scenario, &pages)?;
    let amounts = quantity.amounts(most, args.sizes);
    let question = Question { metric, at_most, quantity, amounts, policies };
    if let Quantity::Copies(_) = question.quantity {
        let largest = mixes.largest(&question);
        let largest = largest.map_err(|wrong| input::refused(&wrong, context))?;
        jobs::plan_memory(&largest, pool.current_num_threads(), context)?;
    }
    if args.report.as_deref().is_some_and(is_stdout) {
        return Err(Failure::Usage("--report cannot write to standard output".to_owned()));
    }
    let page = args.report.as_deref().map(|page| NewFile::create(page, Kind::Page)).transpose()?;
    let mut needs = pool.install(|| needs(&mixes, &question, count, args.within, context))?;
    if (needs.len() as u64) < count {
        let done = needs.len() as u64;
        context.note(&format!("--within is over: {done} of {} ran", counted(count, "mix")));
    }
    pages.truncate(needs.len());
    let unanswered = Answers {
        question: &question,
        confidence: args.confidence,
        is_drawn: mixes.is_drawn(),
        scenario: &scenario,
        pages: &pages,
        needs: &[],
    };
    let bounds = |needs: &[Vec<Need>]| Answers { needs, ..unanswered }.bounds();
    let confirmed = pool.install(|| mixes.confirm(&question, &mut needs, bounds));
    confirmed.map_err(|failure| failed(&failure, context))?;
    let answers = Answers { needs: &needs, ..unanswered };
    if let Some(page) = page {
        pool.install(|| write_page(page, &mixes, &answers, context))?;
    }
    let table = match args.table {
        Which::Needs => tables::needs(&answers),
        Which::Curve => tables::curve(&answers, &[]),
        Which::Mixes => tables::mixes(&answers),
    };
    if args.format.is_for_people() && args.table == Which::Needs {
        let (answer, sure) = (conclude::answer(&answers), conclude::how_sure(&answers));
        let lead = format!("{}: {answer}\n{sure}\n\n", scenario.name);
        context.print(&args.format.aside(&lead))?;
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

    /// What is asked, and the most of it on the curve.
    fn quantity(&self, scenario: &Scenario, pages: &[u64]) -> Result<(Quantity, u64), Failure> {
        let most = pages.iter().copied().max().unwrap_or(1).max(1);
        let Some(copies) = self.copies else {
            let tier = self.tier.clone().map(Quantity::Tier);
            return Ok((tier.unwrap_or(Quantity::Memory), most));
        };
        let host = scenario.host.memory;
        let possible = (Scenario::VMS_MAX / scenario.vms.len()) as u64;
        let least = pages.iter().copied().min().unwrap_or(1).max(1);
        let most = match copies {
            Copies::Auto => host.0.saturating_mul(2).div_ceil(least).min(possible),
            Copies::AtMost(most) => most,
        };
        if most > possible {
            let text = format!("--copies {most} is too many, expected at most {possible}");
            return Err(Failure::Usage(text));
        }
        Ok((Quantity::Copies(host), most.max(1)))
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
        let needs = mixes.needs(mix, question);
        let needs = needs.map_err(|failure| failed(&failure, context))?;
        progress.step_of(began.elapsed(), || format!("mix {mix}"));
        Ok(Some(needs))
    };
    let all: Vec<Option<Vec<Need>>> =
        (0..count).into_par_iter().map(one).collect::<Result<_, Failure>>()?;
    Ok(all.into_iter().map_while(|needs| needs).collect())
}

/// Runs what only a page shows, and writes it.
fn write_page(
    mut page: NewFile,
    mixes: &Mixes,
    answers: &Answers<'_>,
    context: &Context,
) -> Result<(), Failure> {
    let question = answers.question;
    let missed = Shortfall::amounts(answers);
    let all = (0..answers.needs.len() as u64).into_par_iter();
    let trials = all.map(|mix| mixes.missed(mix, question, &missed));
    let trials = trials.collect::<Result<Vec<_>, _>>();
    let trials = trials.map_err(|failure| failed(&failure, context))?;
    let shortfalls = Shortfall::all(&missed, &trials);
    let witness = match answers.best() {
        Some((policy, bound)) => {
            let mix = answers.deciding(policy).unwrap_or(0) as u64;
            let run = mixes.witness(mix, question, question.policies[policy], bound);
            run.map_err(|failure| failed(&failure, context))?.map(|run| (policy, run))
        }
        None => None,
    };
    page.put(&render::page(&Report { answers, shortfalls: &shortfalls, witness }))?;
    page.commit()
}

/// The failure of a plan or a search, for the command line.
pub(super) fn failed(failure: &plan::Failure, context: &Context) -> Failure {
    match failure {
        plan::Failure::Refused(wrong) => input::refused(wrong, context),
        plan::Failure::Run(error) => Failure::from(error.clone()),
    }
}

fn copies(text: &str) -> Result<Copies, String> {
    let most = text.parse().ok().filter(|&most| most > 0).map(Copies::AtMost);
    let most = most.or_else(|| (text == "auto").then_some(Copies::Auto));
    most.ok_or_else(|| format!("`{text}` is not a number of copies, expected 1 or more"))
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
