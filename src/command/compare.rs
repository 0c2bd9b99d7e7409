//! `compare`: one scenario under several policies, offline bounds beneath.

use std::path::{Path, PathBuf};
use std::time::Instant;

use balloonist::balance::PolicyKind;
use balloonist::bound;
use balloonist::output::compare::{self, Run};
use balloonist::output::manifest::{self, RunEntry};
use balloonist::output::{Format, Table, expects, number, vms};
use balloonist::scenario::Scenario;
use balloonist::simulate::{Nobody, simulate};
use rayon::prelude::*;

use super::files::{NewFile, commit_all, create_folder};
use super::input::Source;
use super::progress::Progress;
use super::{Context, Failure, context, input};

/// Run a scenario under several policies and set them side by side, with offline bounds beneath
#[derive(clap::Args, Debug)]
pub(crate) struct Args {
    #[command(flatten)]
    source: Source,

    /// The policies, or `all` [default: the scenario's `compare`]
    #[arg(long, short, value_name = "POLICY,…", value_delimiter = ',')]
    policies: Vec<String>,

    /// The policy that others are set in relation to [default: the first]
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
    let baseline = baseline(args.baseline.as_deref(), &policies)?;
    let files = args.out.as_deref().map(Files::create).transpose()?;

    let began = Instant::now();
    let progress = Progress::new(context, policies.len() as u64);
    let run = |&policy: &&'static PolicyKind| {
        let outcome = simulate(&scenario, policy, &mut Nobody);
        progress.step();
        Run { policy, outcome }
    };
    let (runs, bounds): (Vec<Run>, _) =
        rayon::join(|| policies.par_iter().map(run).collect(), || bound::all(&scenario));
    drop(progress);
    let took = began.elapsed();
    let accesses = runs.iter().map(|run| run.outcome.all.counts.accesses).sum();
    context.timing.note("simulate", took, accesses);

    let table = compare::table(&runs, &bounds, baseline);
    if let Some(files) = files {
        files.fill(&scenario, &runs, &table, took.as_nanos())?;
    }
    if args.format.is_for_people() {
        let people = table.without_empty_columns().render(args.format, context.colour_out);
        let heading = heading(&scenario);
        let legend = compare::legend(&bounds);
        let verdict =
            compare::verdict(&runs, &bounds, baseline) + &compare::notes(&scenario, &runs);
        context.print(&format!("{heading}\n\n{people}\n{legend}\n{verdict}\n"))?;
    } else {
        context.print_table(&table, args.format)?;
    }
    let failed = runs.iter().flat_map(|run| expects::failed(&scenario, run.policy, &run.outcome));
    super::judge(&failed.collect::<Vec<_>>())
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
        let mut rows = Table::new(vms::COLUMNS);
        for Run { policy, outcome } in runs {
            rows.append(vms::table(scenario, policy, outcome));
        }
        self.vms.put(&rows.to_csv())?;
        let entry = |run: &Run| RunEntry {
            policy: run.policy.name,
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
