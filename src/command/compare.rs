//! `compare`: one scenario under several policies, and under several replacement algorithms inside
//! its VMs, offline bounds beneath.

use std::path::PathBuf;
use std::sync::Arc;
use std::time::Instant;

use balloonist::account::Outcome;
use balloonist::balance::PolicyKind;
use balloonist::bound::{self, Bound};
use balloonist::conclude::compare::{self, Run};
use balloonist::conclude::expects;
use balloonist::number;
use balloonist::render::html;
use balloonist::replace::ReplacementKind;
use balloonist::scenario::Scenario;
use balloonist::simulate::{RunError, simulate};
use balloonist::store::curves;
use balloonist::store::manifest::{self, Conclusion, FileEntry, RunEntry};
use balloonist::store::outcomes;
use balloonist::store::results::{self, Manifest, Results};
use balloonist::store::thinned::Thinned;
use balloonist::store::vms;
use balloonist::table::Format;
use balloonist::table::Table;
use balloonist::trace::index;
use rayon::prelude::*;

use super::files::NewFile;
use super::input::Source;
use super::progress::Progress;
use super::recorder::Recorder;
use super::result_folder::{ResultFolder, of_comparison};
use super::{Context, Failure, context, input, lists};

/// Run a scenario under several policies and set them side by side, with offline bounds beneath
#[derive(clap::Args, Debug)]
pub(crate) struct Args {
    #[command(flatten)]
    source: Source,

    /// The policies, or `all` [default: the scenario's `compare`]
    #[arg(long, short, alias = "policy", value_name = "POLICY,…", value_delimiter = ',')]
    policies: Vec<String>,

    /// Replacement algorithms as a second axis, or `all`: each policy is run with each of them, its
    /// parameters at their defaults, in every VM instead of the VM's own; what the scenario expects
    /// is not held against these runs [default: each VM's own]
    #[arg(long, value_name = "REPLACEMENT,…", value_delimiter = ',',
          value_parser = lists::replacement_names(), hide_possible_values = true)]
    replacements: Vec<String>,

    /// The policy that others are set in relation to; of a second axis, its first run [default: the
    /// first]
    #[arg(long, short, value_name = "POLICY")]
    baseline: Option<String>,

    /// Say beside each policy what Belady's MIN does under the same allocations at the same
    /// moments; it knows the future
    #[arg(long)]
    opt_given: bool,

    /// Write compare.csv, vms.csv, outcomes.csv, curves.csv, a series-POLICY.csv for each policy,
    /// manifest.json and timing.json to this folder, in place of earlier results there
    #[arg(long, short, value_name = "DIR")]
    out: Option<PathBuf>,

    /// Write a self-contained HTML page: the verdict, tables and pictures
    #[arg(long, value_name = "FILE")]
    report: Option<PathBuf>,

    /// How to print the result
    #[arg(long, value_name = "FORMAT", default_value = "table", value_parser = context::format())]
    format: Format,
}

pub(crate) fn run(args: &Args, context: &Context) -> Result<(), Failure> {
    let scenario = args.source.open(None, context)?;
    let replacements = lists::replacements(&args.replacements)?;
    let forms = forms(&scenario, &replacements);
    let every_form: Vec<&Scenario> = forms.iter().map(|(_, form)| &**form).collect();
    let policies = input::policies_or_compared(&args.policies, &every_form, context)?;
    let variants = variants(&forms, &policies);
    let baseline = baseline(args.baseline.as_deref(), &policies)? * replacements.len().max(1);
    let names = || of_comparison(variants.iter().map(Variant::title));
    let folder = args.out.as_deref().map(|out| ResultFolder::create(out, names()));
    let mut folder = folder.transpose()?;
    let page = args.report.as_deref().map(NewFile::create).transpose()?;
    let mut recorders = recorders(folder.as_mut(), &scenario, &variants, page.is_some());

    let began = Instant::now();
    if variants.len() as u64 >= index::RUNS_MIN {
        scenario.index();
    }
    let progress = Progress::new(context, variants.len() as u64);
    let run = |(variant, recorder): (&Variant, &mut Recorder<'_>)| {
        let Variant { policy, replacement, scenario } = variant;
        let outcome = simulate(scenario, policy, recorder)?;
        let opt_given = args.opt_given.then(|| bound::opt_given(scenario, policy)).transpose()?;
        progress.step();
        Ok(Run { policy, replacement: *replacement, outcome, opt_given })
    };
    let recorded = variants.par_iter().zip(recorders.par_iter_mut());
    let (runs, bounds): (Vec<Result<Run, RunError>>, _) =
        rayon::join(|| recorded.map(run).collect(), || bound::all(&scenario));
    // Of several failures the first in order is reported, whichever came first in time.
    let runs = runs.into_iter().collect::<Result<Vec<Run>, RunError>>()?;
    drop(progress);
    let took = began.elapsed();
    let accesses = runs.iter().map(|run| run.outcome.all.counts.accesses).sum();
    context.timing.note("simulate", took, accesses);

    let compared = Compared { scenario: &scenario, runs: &runs, bounds: &bounds, baseline };
    let series = recorders.into_iter().map(Recorder::finish).collect::<Result<_, _>>()?;
    if folder.is_some() || page.is_some() {
        let timing = manifest::timing(took.as_nanos(), accesses);
        compared.write(folder, page, series, &timing, context)?;
    }
    let table = compare::table(&runs, &bounds, baseline);
    if args.format.is_for_people() {
        let format = args.format;
        let people = compare::for_people(&table);
        let people = people.render(format, context.colour_out, context.width);
        let heading = heading(&scenario);
        let legend = compare::legend(&scenario, &runs, &bounds);
        let verdict =
            compare::verdict(&runs, &bounds, baseline) + &compare::notes(&scenario, &runs);
        let (before, after) = (heading + "\n", format!("{legend}\n{verdict}\n"));
        let (before, after) = (format.aside(&before), format.aside(&after));
        context.print(&format!("{before}\n{people}\n{after}"))?;
    } else {
        context.print_table(&table, args.format)?;
    }
    let own = runs.iter().filter(|run| run.replacement.is_none());
    let failed = own.flat_map(|run| expects::failed(&scenario, &run.outcome));
    super::judge(&failed.collect::<Vec<_>>())
}

/// What one row of the comparison runs.
struct Variant {
    policy: &'static PolicyKind,
    /// The algorithm of all VMs, if not their own.
    replacement: Option<&'static ReplacementKind>,
    scenario: Arc<Scenario>,
}

impl Variant {
    fn title(&self) -> String {
        compare::title(self.policy.name, self.replacement.map(|kind| kind.name))
    }
}

/// The scenario with one algorithm in all VMs, or with their own.
type Form = (Option<&'static ReplacementKind>, Arc<Scenario>);

/// The scenario with each algorithm, or as it is where none is asked for.
fn forms(scenario: &Scenario, replacements: &[&'static ReplacementKind]) -> Vec<Form> {
    if replacements.is_empty() {
        return vec![(None, Arc::new(scenario.clone()))];
    }
    let with = |&kind| (Some(kind), Arc::new(scenario.with_replacement(kind)));
    replacements.iter().map(with).collect()
}

/// Each policy with each form, the policies' order first.
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
        Failure::Usage(format!("baseline `{name}` is not compared, expected one of {known}"))
    })
}

fn heading(scenario: &Scenario) -> String {
    let frames = number::counted(scenario.host.memory.0, "frame");
    let vms = number::counted(scenario.vms.len() as u64, "VM");
    let every = number::every(scenario.checkpoint_every.0);
    format!("{}: {vms} on {frames}, a checkpoint {every}", scenario.name)
}

/// Everything that was compared.
struct Compared<'a> {
    scenario: &'a Scenario,
    runs: &'a [Run],
    bounds: &'a [Bound],
    baseline: usize,
}

impl Compared<'_> {
    /// The tables, by their files.
    fn tables(&self) -> [(&'static str, Table); 4] {
        let first = &self.runs[0].outcome;
        [
            ("compare.csv", compare::table(self.runs, self.bounds, self.baseline)),
            ("vms.csv", self.rows(vms::table)),
            ("curves.csv", curves::table(self.scenario, first)),
            ("outcomes.csv", self.rows(outcomes::table)),
        ]
    }

    /// The rows of all runs in a table of runs.
    fn rows(&self, table: fn(&Scenario, &Outcome) -> Table) -> Table {
        let of_run = |Run { replacement, outcome, .. }: &Run| {
            let rows = table(self.scenario, outcome);
            match replacement {
                Some(kind) => rows.with_column(compare::REPLACEMENT, &kind.name.into()),
                None => rows,
            }
        };
        let mut tables = self.runs.iter().map(of_run);
        let mut rows = tables.next().expect("a comparison has a run");
        tables.for_each(|table| rows.append(table));
        rows
    }

    fn manifest(&self, files: &[FileEntry]) -> String {
        let entry = |run: &Run| RunEntry {
            policy: run.policy.name,
            replacement: run.replacement.map(|kind| kind.name),
            seed: self.scenario.seed,
            fingerprint: run.outcome.fingerprint,
        };
        let entries: Vec<RunEntry> = self.runs.iter().map(entry).collect();
        let conclusion = Conclusion {
            baseline: &self.runs[self.baseline].title(),
            verdict: &compare::verdict(self.runs, self.bounds, self.baseline),
            bounds: self.bounds,
        };
        let effective = self.scenario.effective();
        manifest::comparison(self.scenario, &effective, &entries, files, conclusion)
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
        let tables = self.tables();
        if let Some(mut folder) = folder {
            for (name, table) in &tables {
                folder.file(name).put(&table.to_csv())?;
            }
            folder.commit(Some(timing), |files| self.manifest(files), context)?;
        }
        let Some(mut page) = page else { return Ok(()) };
        page.put(&html::page(&self.results(tables, series)))?;
        page.commit()
    }

    /// What a report is made of; the manifest names no file, as a report does not show them.
    fn results(&self, tables: [(&'static str, Table); 4], series: Vec<Option<Thinned>>) -> Results {
        let manifest = Manifest::read(&self.manifest(&[])).expect("a manifest of ours is whole");
        let names = self.runs.iter().map(Run::title);
        let [compare, vms, curves, _] = tables.map(|(_, table)| table);
        let compare = Some(results::titled(compare, "name"));
        let (vms, curves) = (Some(results::titled(vms, "policy")), Some(curves));
        let series = names.zip(series.into_iter().flatten()).collect();
        Results { manifest, vms, compare, curves, sweep: None, series }
    }
}

/// A recorder for each policy, with the file of its series if there are files.
fn recorders<'a>(
    folder: Option<&'a mut ResultFolder>,
    scenario: &'a Scenario,
    variants: &[Variant],
    thin: bool,
) -> Vec<Recorder<'a>> {
    let mut series = folder.into_iter().flat_map(ResultFolder::series);
    variants.iter().map(|_| Recorder::new(scenario, series.next(), thin)).collect()
}
