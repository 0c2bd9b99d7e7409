//! `plan`: the smallest host, the smallest tier or the most copies with which every VM keeps a
//! limit.

use std::path::PathBuf;
use std::time::Duration;

use balloonist::conclude::{plan as conclude, whatif};
use balloonist::number::counted;
use balloonist::plan::{Answers, Mixes, Shortfall};
use balloonist::render::plan::{self as render, Report};
use balloonist::scenario::PlanSpec;
use balloonist::scenario::plan::{Asked, MIXES_MAX, SIZES_MAX, VmLimit, parse_confidence};
use balloonist::store::manifest::{Manifest, Runs};
use balloonist::store::plan as tables;
use balloonist::table::Format;
use balloonist::units::{Decimal, parse_duration};
use rayon::prelude::*;

use super::files::NewFile;
use super::guard::on_interrupt;
use super::input::{self, Input};
use super::planning::{Planning, failed};
use super::register::{Kind, is_stdout};
use super::result_folder::{JOURNAL, OF_PLAN, ResultFolder};
use super::sweep_folder::{SweepFolder, last_words, open_journal};
use super::{Context, Failure, context, jobs, sweep};

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
    #[arg(long, value_name = "RATIO", conflicts_with = "limit", value_parser = slowdown)]
    slowdown: Option<VmLimit>,

    /// The most that any VM may have of a column: `fault_ratio=0.001`, `demand_faults=5000`
    #[arg(long, value_name = "COLUMN=VALUE", value_parser = VmLimit::parse)]
    limit: Option<VmLimit>,

    /// Ask how many copies of all VMs the host holds, instead of how large it must be; MAX is the
    /// most that is tried [default: as many as touch twice the host's memory]
    #[arg(long, value_name = "MAX", num_args = 0..=1, default_missing_value = "auto",
          conflicts_with = "tier", value_parser = copies)]
    copies: Option<Asked>,

    /// Ask how large the tier of this name must be, on the scenario's host
    #[arg(long, value_name = "NAME")]
    tier: Option<String>,

    /// How sure the answer must be, from 1% to 99.9% [default: 95%]
    #[arg(long, value_name = "PERCENT", value_parser = parse_confidence)]
    confidence: Option<Decimal>,

    /// The number of mixes [default: the fewest that the confidence needs; 1 if nothing is drawn]
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u64).range(1..=MIXES_MAX))]
    mixes: Option<u64>,

    /// The number of amounts at which the limit is shown: sizes up to all pages that the VMs touch,
    /// or copies up to MAX [default: 16]
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u64).range(2..=SIZES_MAX))]
    sizes: Option<u64>,

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

    /// Run only every N-th mix, from the K-th on, and answer nothing; `--from` joins the parts
    #[arg(long, value_name = "K/N", value_parser = sweep::shard, requires = "out",
          conflicts_with_all = ["report", "within"])]
    shard: Option<(u64, u64)>,

    /// Write needs.csv, curve.csv, mixes.csv and manifest.json to this folder, and keep a journal
    /// of the mixes there
    #[arg(long, short, value_name = "DIR")]
    out: Option<PathBuf>,

    /// Continue the plan in the folder, or start it if there is no journal
    #[arg(long, requires = "out")]
    resume: bool,

    /// Take the mixes that this folder has of the same plan, such as those of a shard, and run only
    /// the others; may be repeated
    #[arg(long, value_name = "DIR")]
    from: Vec<PathBuf>,

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

pub(crate) fn run(args: &Args, context: &Context) -> Result<(), Failure> {
    let opened = args.source.open_to_vary(context)?;
    let own = opened.scenario.plan.clone();
    let asked = args.over(own.as_ref());
    let policies = input::policies_or(&args.policies, &asked.policies, &opened.scenario, context)?;
    if args.report.as_deref().is_some_and(is_stdout) {
        return Err(Failure::Usage("--report cannot write to standard output".to_owned()));
    }
    let mut planning = Planning::new(opened, &asked, policies, args.jobs, context)?;
    let page = args.report.as_deref().map(|page| NewFile::create(page, Kind::Page)).transpose()?;
    let folder = args.journals(&mut planning)?;
    if let Some((shard, shards)) = args.shard {
        let done = counted(planning.run_shard((shard, shards), context)?, "mix");
        context.note(&format!("shard {shard} of {shards} is done: {done}; `--from` joins them"));
        return Ok(());
    }
    planning.run(args.within, context)?;
    let answers = planning.answers();
    if let Some(folder) = folder {
        fill(folder, &planning, &answers, context)?;
    }
    if let Some(page) = page {
        planning.install(|| write_page(page, planning.mixes(), &answers, context))?;
    }
    let table = match args.table {
        Which::Needs => tables::needs(&answers),
        Which::Curve => tables::curve(&answers, &[]),
        Which::Mixes => tables::mixes(&answers),
    };
    if args.format.is_for_people() && args.table == Which::Needs {
        let (answer, sure) = (conclude::answer(&answers), conclude::how_sure(&answers));
        let lead = format!("{}: {answer}\n{sure}\n\n", answers.scenario.name);
        context.print(&args.format.aside(&lead))?;
    }
    context.print_table(&table, args.format)?;
    match own {
        Some(own) if !own.expects.is_empty() => args.judge(&answers, &own, context),
        _ => Ok(()),
    }
}

/// Writes the tables of a plan into its folder.
fn fill(
    folder: SweepFolder,
    planning: &Planning,
    answers: &Answers<'_>,
    context: &Context,
) -> Result<(), Failure> {
    let mut folder = ResultFolder::of_sweep(folder.held(), OF_PLAN)?;
    let all = [tables::needs(answers), tables::curve(answers, &[]), tables::mixes(answers)];
    for (name, table) in OF_PLAN.into_iter().zip(all) {
        folder.file(name).put(&table.to_csv())?;
    }
    let manifest = Manifest {
        study: planning.study(),
        runs: Runs::Count(answers.needs.len() as u64),
        verdict: Some(conclude::answer(answers)),
        ..Manifest::default()
    };
    folder.commit(None, manifest, context)
}

impl Args {
    /// Takes what journals have of the plan's mixes, and begins its own if it is asked for.
    fn journals(&self, planning: &mut Planning) -> Result<Option<SweepFolder>, Failure> {
        for folder in &self.from {
            let (place, mut journal) = open_journal(folder)?;
            planning.take(&place, &mut journal)?;
        }
        let Some(out) = &self.out else { return Ok(None) };
        let mut folder = SweepFolder::hold(out)?;
        let mut journal = folder.journal(planning.header(), self.resume, &OF_PLAN)?;
        let place = folder.path().join(JOURNAL);
        planning.take(&place, &mut journal)?;
        planning.keep(place, journal)?;
        on_interrupt(last_words(folder.path()));
        Ok(Some(folder))
    }

    /// What is asked: the scenario's `[plan]` under these options.
    fn over(&self, own: Option<&PlanSpec>) -> PlanSpec {
        let mut asked = own.cloned().unwrap_or_default();
        asked.limit = self.slowdown.or(self.limit).or(asked.limit);
        let given = self.copies.clone().or_else(|| self.tier.clone().map(Asked::Tier));
        asked.asked = given.unwrap_or(asked.asked);
        asked.confidence = self.confidence.or(asked.confidence);
        asked.mixes = self.mixes.or(asked.mixes);
        asked.sizes = self.sizes.or(asked.sizes);
        asked
    }

    /// Fails if an answer does not keep what the scenario expects of it. An expectation is one of
    /// the scenario's own question.
    fn judge(
        &self,
        answers: &Answers<'_>,
        own: &PlanSpec,
        context: &Context,
    ) -> Result<(), Failure> {
        let another = [
            ("--slowdown", self.slowdown.is_some()),
            ("--limit", self.limit.is_some()),
            ("--copies", self.copies.is_some()),
            ("--tier", self.tier.is_some()),
            ("--confidence", self.confidence.is_some()),
            ("--policies", !self.policies.is_empty()),
            ("--mixes", self.mixes.is_some()),
            ("--sizes", self.sizes.is_some()),
            ("--within", self.within.is_some()),
        ];
        if let Some((option, _)) = another.iter().find(|(_, is_given)| *is_given) {
            let text = "asks another question than the scenario's `[plan]`, so what that expects \
                        is not judged";
            context.note(&format!("{option} {text}"));
            return Ok(());
        }
        let broken = whatif::judged(answers, own).into_iter().filter(|judged| !judged.holds);
        let broken: Vec<String> = broken.map(|judged| judged.text).collect();
        super::judge(&broken, &counted(broken.len() as u64, "expectation"))
    }
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

fn copies(text: &str) -> Result<Asked, String> {
    let most = text.parse().ok().filter(|&most| most > 0).map(Some);
    let most = most.or_else(|| (text == "auto").then_some(None));
    let wrong = || format!("`{text}` is not a number of copies, expected 1 or more");
    most.map(Asked::Copies).ok_or_else(wrong)
}

fn slowdown(text: &str) -> Result<VmLimit, String> {
    let ratio = Decimal::parse(text).ok_or_else(|| format!("`{text}` is not a number"))?;
    VmLimit::slowdown(ratio)
}

fn duration(text: &str) -> Result<Duration, String> {
    parse_duration(text).map(Duration::from_nanos).map_err(|error| error.to_string())
}
