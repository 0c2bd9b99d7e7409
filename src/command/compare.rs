//! `compare`: one scenario under several policies, and under several replacement algorithms inside
//! its VMs, offline bounds beneath.

use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Instant;

use balloonist::balance::PolicyKind;
use balloonist::bound;
use balloonist::output::compare::{self, Run};
use balloonist::output::manifest::{self, RunEntry};
use balloonist::output::{Format, Table, expects, number, vms};
use balloonist::replace::ReplacementKind;
use balloonist::scenario::Scenario;
use balloonist::simulate::{Nobody, simulate};
use balloonist::trace::index;
use rayon::prelude::*;

use super::files::{NewFile, commit_all, create_folder};
use super::input::Source;
use super::progress::Progress;
use super::{Context, Failure, context, input, replacements};

/// Run a scenario under several policies and set them side by side, with offline bounds beneath
#[derive(clap::Args, Debug)]
pub(crate) struct Args {
    #[command(flatten)]
    source: Source,

    /// The policies, or `all` [default: the scenario's `compare`]
    #[arg(long, short, value_name = "POLICY,…", value_delimiter = ',')]
    policies: Vec<String>,

    /// Replacement algorithms as a second axis, or `all`: each policy is run with each of them, its
    /// knobs at their defaults, in every VM instead of the VM's own; what the scenario expects is
    /// not held against these runs [default: each VM's own]
    #[arg(long, value_name = "REPLACEMENT,…", value_delimiter = ',',
          value_parser = replacements::names(), hide_possible_values = true)]
    replacements: Vec<String>,

    /// The policy that others are set in relation to; of a second axis, its first run [default: the
    /// first]
    #[arg(long, short, value_name = "POLICY")]
    baseline: Option<String>,

    /// Write compare.csv, vms.csv, manifest.json and timing.json to this folder
    #[arg(long, short, value_name = "DIR")]
    out: Option<PathBuf>,

    /// How to print the result
    #[arg(long, value_name = "FORMAT", default_value = "table", value_parser = context::format())]
    format: Format,
}

pub(crate) fn run(args: &Args, context: &Context) -> Result<(), Failure> {
    let scenario = args.source.open(None, context)?;
    let policies = input::policies_or_compared(&args.policies, &scenario, context)?;
    let replacements = replacements::named(&args.replacements)?;
    let variants = variants(&scenario, &policies, &replacements);
    let baseline = baseline(args.baseline.as_deref(), &policies)? * replacements.len().max(1);
    let files = args.out.as_deref().map(Files::create).transpose()?;

    let began = Instant::now();
    if variants.len() as u64 >= index::RUNS_MIN {
        scenario.index();
    }
    let progress = Progress::new(context, variants.len() as u64);
    let run = |variant: &Variant| {
        let Variant { policy, replacement, scenario } = variant;
        let outcome = simulate(scenario, policy, &mut Nobody);
        progress.step();
        Run { policy, replacement: *replacement, outcome }
    };
    let (runs, bounds): (Vec<Run>, _) =
        rayon::join(|| variants.par_iter().map(run).collect(), || bound::all(&scenario));
    drop(progress);
    let took = began.elapsed();
    let accesses = runs.iter().map(|run| run.outcome.all.counts.accesses).sum();
    context.timing.note("simulate", took, accesses);

    let table = compare::table(&runs, &bounds, baseline);
    if let Some(files) = files {
        files.fill(&scenario, &runs, &table, took.as_nanos())?;
    }
    if args.format.is_for_people() {
        let people = compare::for_people(&table).render(args.format, context.colour_out);
        let heading = heading(&scenario);
        let legend = compare::legend(&scenario, &runs, &bounds);
        let verdict =
            compare::verdict(&runs, &bounds, baseline) + &compare::notes(&scenario, &runs);
        context.print(&format!("{heading}\n\n{people}\n{legend}\n{verdict}\n"))?;
    } else {
        context.print_table(&table, args.format)?;
    }
    let own = runs.iter().filter(|run| run.replacement.is_none());
    let failed = own.flat_map(|run| expects::failed(&scenario, run.policy, &run.outcome));
    super::judge(&failed.collect::<Vec<_>>())
}

/// What one row of the comparison runs.
struct Variant {
    policy: &'static PolicyKind,
    /// The algorithm of all VMs, if not their own.
    replacement: Option<&'static ReplacementKind>,
    scenario: Arc<Scenario>,
}

/// Each policy with each algorithm, the policies' order first.
fn variants(
    scenario: &Scenario,
    policies: &[&'static PolicyKind],
    replacements: &[&'static ReplacementKind],
) -> Vec<Variant> {
    let changed =
        |&kind: &&'static ReplacementKind| (Some(kind), Arc::new(scenario.with_replacement(kind)));
    let mut scenarios: Vec<_> = replacements.iter().map(changed).collect();
    if scenarios.is_empty() {
        scenarios.push((None, Arc::new(scenario.clone())));
    }
    let of_policy = |&policy: &&'static PolicyKind| {
        let variant = move |(replacement, scenario): &(_, Arc<Scenario>)| Variant {
            policy,
            replacement: *replacement,
            scenario: Arc::clone(scenario),
        };
        scenarios.iter().map(variant)
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

/// The files of `--out`, opened before the runs.
struct Files {
    compare: NewFile,
    vms: NewFile,
    manifest: NewFile,
    timing: NewFile,
}

impl Files {
    fn create(folder: &Path) -> Result<Self, Failure> {
        create_folder(folder)?;
        let create = |name: &str| NewFile::create(&folder.join(name));
        Ok(Self {
            compare: create("compare.csv")?,
            vms: create("vms.csv")?,
            manifest: create("manifest.json")?,
            timing: create("timing.json")?,
        })
    }

    fn fill(
        mut self,
        scenario: &Scenario,
        runs: &[Run],
        table: &Table,
        nanoseconds: u128,
    ) -> Result<(), Failure> {
        self.compare.put(&table.to_csv())?;
        let of_run = |Run { policy, replacement, outcome }: &Run| {
            let rows = vms::table(scenario, policy, outcome);
            match replacement {
                Some(kind) => rows.with_column(compare::REPLACEMENT, &kind.name.into()),
                None => rows,
            }
        };
        let mut tables = runs.iter().map(of_run);
        let mut rows = tables.next().expect("a comparison has a run");
        tables.for_each(|table| rows.append(table));
        self.vms.put(&rows.to_csv())?;
        let entry = |run: &Run| RunEntry {
            policy: run.policy.name,
            replacement: run.replacement.map(|kind| kind.name),
            seed: scenario.seed,
            fingerprint: run.outcome.fingerprint,
        };
        let entries: Vec<RunEntry> = runs.iter().map(entry).collect();
        let files = [self.compare.entry(), self.vms.entry()];
        let effective = scenario.effective();
        self.manifest.put(&manifest::manifest(scenario, &effective, &entries, &files))?;
        let accesses = runs.iter().map(|run| run.outcome.all.counts.accesses).sum();
        self.timing.put(&manifest::timing(nanoseconds, accesses))?;
        commit_all(vec![self.compare, self.vms, self.timing, self.manifest])
    }
}
