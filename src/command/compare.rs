//! `compare`: one scenario under several policies and replacement algorithms, with offline bounds.

use std::path::PathBuf;
use std::sync::Arc;
use std::time::Instant;

use balloonist::account::Outcome;
use balloonist::balance::PolicyKind;
use balloonist::bound::{self, Bound, Global};
use balloonist::conclude::compare::{self, Contender};
use balloonist::conclude::expects;
use balloonist::number;
use balloonist::render::html;
use balloonist::replace::ReplacementKind;
use balloonist::scenario::Scenario;
use balloonist::simulate::{RunError, bytes_of_bounds, simulate};
use balloonist::store::compare as rows;
use balloonist::store::compare::CompareRow;
use balloonist::store::curves::CurveRow;
use balloonist::store::manifest::Timing;
use balloonist::store::outcomes;
use balloonist::store::results::Results;
use balloonist::store::row::{self, Row};
use balloonist::store::thinned::Thinned;
use balloonist::store::vms::{self, VmRow};
use balloonist::table::{Format, Table};
use balloonist::trace::index;
use balloonist::watch::Both;
use rayon::prelude::*;

use super::files::NewFile;
use super::guard::this_command;
use super::input::Input;
use super::progress::Progress;
use super::recorder::Recorder;
use super::register::{Kind, is_stdout};
use super::result_folder::{ResultFolder, of_comparison};
use super::{Context, Failure, context, input, lists, memory};

/// Run a scenario under several policies and compare them with each other and with offline bounds
#[derive(clap::Args, Debug)]
pub(crate) struct Args {
    #[command(flatten)]
    source: Input,

    /// The policies, or `all` [default: the scenario's `compare`]
    #[arg(long, short, alias = "policy", value_name = "POLICY,…", value_delimiter = ',')]
    policies: Vec<String>,

    /// Replacement algorithms as a second axis, or `all`: each policy is run with each of them,
    /// with default parameters, in place of the VMs' own; the scenario's expectations are not
    /// checked for these runs [default: each VM's own]
    #[arg(long, value_name = "REPLACEMENT,…", value_delimiter = ',',
          value_parser = lists::replacement_names(), hide_possible_values = true)]
    replacements: Vec<String>,

    /// The policy that the others are compared with; with a second axis, its first run [default:
    /// the first]
    #[arg(long, short, value_name = "POLICY")]
    baseline: Option<String>,

    /// Also show, for each policy, the faults of Belady's MIN under the same allocation history
    #[arg(long)]
    opt_given: bool,

    /// Add the bound `opt-lru`: the fewest faults of two LRU VMs over all ways to move frames
    /// between them; the time is proportional to the host's frames
    #[arg(long)]
    opt_lru: bool,

    /// Add a bound for each of these replacement algorithms, or `all`: it picks from the pages of
    /// all VMs, with all frames of the host, as a hypervisor may that pages by itself
    #[arg(long, value_name = "REPLACEMENT,…", value_delimiter = ',',
          value_parser = lists::replacement_names(), hide_possible_values = true)]
    global: Vec<String>,

    /// Write compare.csv, vms.csv, outcomes.csv, curves.csv, a series-POLICY.csv for each policy,
    /// manifest.json and timing.json to this folder, replacing earlier results
    #[arg(long, short, value_name = "DIR")]
    out: Option<PathBuf>,

    /// Write a self-contained HTML page with the verdict, tables and charts
    #[arg(long, value_name = "FILE")]
    report: Option<PathBuf>,

    /// The table to print: policies and bounds (compare); for each run the faults and frames of
    /// each VM (vms), or its lost time, oscillation, fairness and fault ratios over time (outcomes)
    #[arg(long, value_name = "TABLE", default_value = "compare")]
    table: Shown,

    /// How to print the result
    #[arg(long, value_name = "FORMAT", default_value = "table", value_parser = context::format())]
    format: Format,
}

/// The tables of a comparison.
#[derive(Clone, Copy, Debug, PartialEq, Eq, clap::ValueEnum)]
enum Shown {
    Compare,
    Vms,
    Outcomes,
}

pub(crate) fn run(args: &Args, context: &Context) -> Result<(), Failure> {
    let scenario = args.source.open(None, context)?;
    let replacements = lists::replacements(&args.replacements)?;
    let forms = forms(&scenario, &replacements);
    let every_form: Vec<&Scenario> = forms.iter().map(|(_, form)| &**form).collect();
    let policies = input::policies_or_compared(&args.policies, &every_form, context)?;
    let kinds: Vec<&PolicyKind> = policies.iter().map(|policy| &**policy).collect();
    let told = every_form.iter().flat_map(|form| form.on_reduced(&kinds));
    told.for_each(|text| context.note(&text));
    let variants = variants(&forms, &policies);
    let runs = variants.iter().map(|variant| (&*variant.scenario, variant.policy));
    let at_once = rayon::current_num_threads().min(variants.len());
    memory::plan(runs, at_once, args.bytes_of_bounds(&scenario)?, context)?;
    let baseline = baseline(args.baseline.as_deref(), &policies)? * replacements.len().max(1);
    let names = || of_comparison(variants.iter().map(Variant::title));
    let folder = args.out.as_deref().map(|out| ResultFolder::create(out, names()));
    let mut folder = folder.transpose()?;
    if args.report.as_deref().is_some_and(is_stdout) {
        let text = "--report cannot write to standard output; use --out DIR and then `report DIR \
                    -o -`";
        return Err(Failure::Usage(text.to_owned()));
    }
    let page = args.report.as_deref().map(|page| NewFile::create(page, Kind::Page)).transpose()?;
    let mut recorders = recorders(folder.as_mut(), &scenario, &variants, page.is_some());

    let began = Instant::now();
    let opt_lru = args.opt_lru.then(|| bound::opt_lru(&scenario)).transpose();
    let opt_lru = opt_lru.map_err(Failure::Usage)?;
    let global = globals(&scenario, &args.global)?;
    if variants.len() as u64 >= index::REPLAYS_MIN {
        scenario.index();
    }
    let progress = Progress::new(context, variants.len() as u64);
    let run = |(variant, recorder): (&Variant, &mut Recorder<'_>)| {
        let Variant { policy, replacement, scenario } = variant;
        let mut history = args.opt_given.then(|| bound::History::new(scenario));
        let outcome = match &mut history {
            Some(history) => simulate(scenario, policy, &mut Both(recorder, history))?,
            None => simulate(scenario, policy, recorder)?,
        };
        let opt_given = history.map(|history| bound::opt_given(scenario, &history, &outcome));
        progress.step();
        Ok(Contender { opt_given, ..Contender::new(scenario, *replacement, outcome) })
    };
    let recorded = variants.par_iter().zip(recorders.par_iter_mut());
    let (runs, mut bounds): (Vec<Result<Contender, RunError>>, _) =
        rayon::join(|| recorded.map(run).collect(), || bound::all(&scenario));
    let global = global.into_iter().map(|(name, faults)| Bound::global(name, faults, &bounds));
    let global: Vec<Bound> = global.collect();
    bounds.extend(opt_lru.map(|demand_faults| Bound::opt_lru(demand_faults, &bounds)));
    bounds.extend(global);
    // Of several failures, report the first in the order of runs, not in time.
    let runs = runs.into_iter().collect::<Result<Vec<Contender>, RunError>>()?;
    drop(progress);
    let took = began.elapsed();
    let accesses = runs.iter().map(|run| run.outcome.all.counts.accesses).sum();
    context.timing.note("simulate", took, accesses);

    let compared = Compared { scenario: &scenario, runs: &runs, bounds: &bounds, baseline };
    let series = recorders.into_iter().map(Recorder::finish).collect::<Result<_, _>>()?;
    if folder.is_some() || page.is_some() {
        let timing = Timing::new(this_command(), took.as_nanos(), accesses).to_json();
        compared.write(folder, page, series, &timing, context)?;
    }
    compared.print(args.table, args.format, context)?;
    let own = runs.iter().filter(|run| run.replacement.is_none());
    let own: Vec<&Outcome> = own.map(|run| &run.outcome).collect();
    super::judge_expectations(expects::failed(&scenario, &own))
}

/// One row of the comparison: a policy and a replacement algorithm.
struct Variant {
    policy: &'static PolicyKind,
    /// The algorithm in all VMs; `None`: each VM's own.
    replacement: Option<&'static ReplacementKind>,
    scenario: Arc<Scenario>,
}

impl Variant {
    fn title(&self) -> String {
        compare::title(self.policy.name, self.replacement.map(|kind| kind.name))
    }
}

/// A scenario with one algorithm in all VMs, or with their own.
type Form = (Option<&'static ReplacementKind>, Arc<Scenario>);

/// The scenario with each algorithm, or unchanged if none is given.
fn forms(scenario: &Scenario, replacements: &[&'static ReplacementKind]) -> Vec<Form> {
    if replacements.is_empty() {
        return vec![(None, Arc::new(scenario.clone()))];
    }
    let with = |&kind| (Some(kind), Arc::new(scenario.with_replacement(kind)));
    replacements.iter().map(with).collect()
}

/// Each policy with each form, in the policies' order.
fn variants(forms: &[Form], policies: &[&'static PolicyKind]) -> Vec<Variant> {
    let of_policy = |&policy: &&'static PolicyKind| {
        let variant = move |(replacement, scenario): &Form| Variant {
            policy,
            replacement: *replacement,
            scenario: Arc::clone(scenario),
        };
        forms.iter().map(variant)
    };
    policies.iter().flat_map(of_policy).collect()
}

fn baseline(name: Option<&str>, policies: &[&PolicyKind]) -> Result<usize, Failure> {
    let Some(name) = name else { return Ok(0) };
    policies.iter().position(|policy| policy.name == name).ok_or_else(|| {
        let known: Vec<&str> = policies.iter().map(|policy| policy.name).collect();
        let known = known.join(", ");
        Failure::Usage(format!(
            "baseline `{name}` is not among the compared policies, expected one of {known}"
        ))
    })
}

fn heading(scenario: &Scenario) -> String {
    let frames = number::counted(scenario.host.memory.0, "frame");
    let vms = number::counted(scenario.vms.len() as u64, "VM");
    let every = number::every(scenario.checkpoint_every.0, scenario.in_time);
    let warm_up = scenario.warm_up.map(|warm_up| format!(", a warm-up of {warm_up}"));
    let warm_up = warm_up.unwrap_or_default();
    format!("{}: {vms} on {frames}, a checkpoint {every}{warm_up}", scenario.name)
}

impl Args {
    /// The memory that the bounds take.
    fn bytes_of_bounds(&self, scenario: &Scenario) -> Result<u64, Failure> {
        let merged = if self.global.is_empty() { Ok(0) } else { Global::bytes(scenario) };
        let merged = merged.map_err(|wrong| unmerged(&wrong))?;
        Ok(bytes_of_bounds(scenario).saturating_add(merged))
    }
}

/// The demand faults of each algorithm of `--global`. Those of LRU and MIN are among the bounds.
fn globals(scenario: &Scenario, names: &[String]) -> Result<Vec<(&'static str, u64)>, Failure> {
    let mut kinds = lists::replacements(names)?;
    kinds.retain(|kind| !kind.is_lru() && !kind.knows_the_future);
    if kinds.is_empty() {
        return Ok(Vec::new());
    }
    let global = Global::new(scenario).map_err(|wrong| unmerged(&wrong))?;
    Ok(kinds.into_par_iter().map(|kind| (kind.name, global.faults(kind))).collect())
}

fn unmerged(wrong: &str) -> Failure {
    Failure::Usage(format!("--global cannot be computed: {wrong}"))
}

/// All runs and bounds of a comparison.
struct Compared<'a> {
    scenario: &'a Scenario,
    runs: &'a [Contender],
    bounds: &'a [Bound],
    baseline: usize,
}

impl Compared<'_> {
    /// Prints the table and, in formats for people, the verdict.
    fn print(&self, shown: Shown, format: Format, context: &Context) -> Result<(), Failure> {
        let Self { scenario, runs, bounds, baseline } = *self;
        let rows = rows::rows(scenario, runs, bounds, baseline);
        let (table, people) = match shown {
            Shown::Compare => (rows::table(&rows), rows::for_people(&rows)),
            Shown::Vms => of_vms(&vms::rows_of(scenario, runs), vms::FOR_PEOPLE),
            Shown::Outcomes => of_vms(&outcomes::rows_of(scenario, runs), outcomes::FOR_PEOPLE),
        };
        if !format.is_for_people() {
            return context.print_table(&table, format);
        }
        let people = outcomes::for_people(&people, scenario).render(
            format,
            context.colour_out,
            context.width,
        );
        let legend = compare::legend(scenario, runs, bounds);
        let verdict = compare::verdict(runs, bounds, baseline) + &compare::notes(scenario, runs);
        let (before, after) = (heading(scenario) + "\n", format!("{legend}\n{verdict}\n"));
        let (before, after) = (format.aside(&before), format.aside(&after));
        context.print(&format!("{before}\n{people}\n{after}"))
    }

    /// Writes the files of `--out` and the page of `--report`.
    fn write(
        &self,
        folder: Option<ResultFolder>,
        page: Option<NewFile>,
        series: Vec<Option<Thinned>>,
        timing: &str,
        context: &Context,
    ) -> Result<(), Failure> {
        let Self { scenario, runs, bounds, baseline } = *self;
        let results = Results::of_comparison(scenario, runs, bounds, baseline, series);
        let results = Results { command: Some(this_command()), ..results };
        if let Some(mut folder) = folder {
            let Results { vms, compare, curves, .. } = &results;
            let compare: &[CompareRow] = compare.as_deref().unwrap_or_default();
            let vms: &[VmRow] = vms.as_deref().unwrap_or_default();
            let curves: &[CurveRow] = curves.as_deref().unwrap_or_default();
            for (name, table) in [
                ("compare.csv", rows::table(compare)),
                ("vms.csv", row::table(vms)),
                ("curves.csv", row::table(curves)),
                ("outcomes.csv", row::table(&outcomes::rows_of(scenario, runs))),
            ] {
                folder.file(name).put(&table.to_csv())?;
            }
            folder.commit(Some(timing), results.manifest.clone(), context)?;
        }
        let Some(mut page) = page else { return Ok(()) };
        page.put(&html::page(&results))?;
        page.commit()
    }
}

/// The table of these rows, and the one for people: with these columns after the run's.
fn of_vms<R: Row>(rows: &[R], columns: &[&str]) -> (Table, Table) {
    let table = row::table(rows);
    let replacement = table.columns().iter().find(|column| *column == "param_replacement");
    let run = std::iter::once("policy").chain(replacement.map(String::as_str));
    let columns: Vec<&str> = run.chain(columns.iter().copied()).collect();
    let people = table.select(&columns);
    (table, people)
}

/// A recorder for each policy, with its series file if there is one.
fn recorders<'a>(
    folder: Option<&'a mut ResultFolder>,
    scenario: &'a Scenario,
    variants: &[Variant],
    thin: bool,
) -> Vec<Recorder<'a>> {
    let mut series = folder.into_iter().flat_map(ResultFolder::series);
    variants.iter().map(|_| Recorder::new(scenario, series.next(), thin)).collect()
}
