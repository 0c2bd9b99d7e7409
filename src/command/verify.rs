//! `verify`: compares scenarios with their golden tables.
//!
//! The golden files of `scenarios/report/test1.dat` are in `results/report/test1/`: for each policy
//! of the scenario's `compare`, `<policy>.csv` is the vms.csv of the run and `<policy>.trail.csv`
//! has its fingerprints at its checkpoints, so that a difference can be traced to its beginning.
//! `traces.csv` has the hashes of the traces that are files.

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};

use balloonist::balance::PolicyKind;
use balloonist::conclude::expects::{self, Unmet};
use balloonist::number::{counted, grouped};
use balloonist::render::checks::{self, Check, Finding, Format};
use balloonist::scenario::{Scenario, TraceSource, VmSpec};
use balloonist::simulate::simulate;
use balloonist::store::golden::{self, Difference, Weight};
use balloonist::store::trail::{self, Trail};
use balloonist::store::vms;
use balloonist::table::Table;
use balloonist::trace::tempo::Tempo;
use balloonist::units::Decimal;
use rayon::prelude::*;

use super::files::{NewFile, commit_all};
use super::goldens::{self, Golden};
use super::progress::Progress;
use super::{Context, Failure, context, guard, input};

/// Run scenarios and compare every number with the golden tables in results/
#[derive(clap::Args, Debug)]
pub(crate) struct Args {
    /// Scenarios, or folders of them; their golden tables are in the folder `results` beside the
    /// folder `scenarios`
    #[arg(value_name = "PATH", default_value = "scenarios")]
    paths: Vec<PathBuf>,

    /// Replace the golden tables by the new ones; refused if the environment variable CI is set
    #[arg(long)]
    bless: bool,

    /// Let numbers differ from the golden ones by at most so many percent of them, such as 2%;
    /// trajectories, which then differ too, are not compared
    #[arg(long, value_name = "PERCENT", value_parser = percent, conflicts_with = "bless")]
    tolerance: Option<Decimal>,

    /// How to print what differs
    #[arg(long, value_name = "FORMAT", default_value = "text", conflicts_with = "bless",
          value_parser = context::one_of(Format::ALL))]
    format: Format,
}

pub(crate) fn run(args: &Args, context: &Context) -> Result<(), Failure> {
    if args.bless {
        may_bless(context)?;
    }
    let paths = goldens::scenarios(&args.paths)?;
    let (cases, bad) = open_all(&paths, context)?;
    let texts_of_bad: Vec<&str> = bad.iter().map(|(_, text)| text.as_str()).collect();
    let texts_of_bad = texts_of_bad.join("\n");
    if args.bless && !bad.is_empty() {
        return Err(Failure::Input(texts_of_bad));
    }

    let jobs: Vec<(&Case, &PolicyKind)> = cases
        .iter()
        .flat_map(|case| case.policies.iter().map(move |policy| (case, *policy)))
        .collect();
    let progress = Progress::new(context, jobs.len() as u64);
    let judge = |&(case, policy): &(&Case, &PolicyKind)| {
        let verdict = judge(case, policy, args.tolerance, context);
        progress.step();
        verdict
    };
    let verdicts: Vec<Verdict> = jobs.par_iter().map(judge).collect::<Result<_, _>>()?;
    drop(progress);

    let orphans = orphans(args, &paths, &cases, &verdicts)?;
    let of_traces: Vec<&Golden> = cases.iter().filter_map(|case| case.traces.as_ref()).collect();
    let agree = if args.bless {
        bless(&verdicts, &of_traces, &orphans, context)?
    } else {
        for verdict in &verdicts {
            let agrees = verdict.differences.is_empty();
            let settle = |golden: &Golden| {
                if agrees { golden.tidy() } else { golden.write_beside(context) }
            };
            verdict.goldens.iter().for_each(settle);
        }
        match args.format {
            Format::Text => show(&verdicts, &orphans, context)?,
            format => {
                let checks = checks(&jobs, &verdicts, &bad, &orphans);
                context.print(&checks::render("verify", &checks, format))?;
                checks.iter().all(|check| check.findings.is_empty())
            }
        }
    };
    match (bad.is_empty(), agree) {
        (false, _) => Err(Failure::Input(texts_of_bad)),
        (true, false) => {
            let is_wrong =
                |verdict: &&Verdict| !verdict.differences.is_empty() || !verdict.failed.is_empty();
            let wrong = grouped(verdicts.iter().filter(is_wrong).count());
            let runs = counted(jobs.len() as u64, "run");
            let orphans = match orphans.len() as u64 {
                0 => String::new(),
                count => format!(", {} without a scenario", counted(count, "golden table")),
            };
            guard::say(&format!("FAILED: {wrong} of {runs}{orphans}\n"));
            Err(Failure::Difference)
        }
        (true, true) => {
            let runs = counted(jobs.len() as u64, "run");
            let scenarios = counted(cases.len() as u64, "scenario");
            let within = args.tolerance.map(|percent| format!(" within {percent} %"));
            let within = within.unwrap_or_default();
            context.note(&format!("{runs} of {scenarios} agree with the golden tables{within}"));
            Ok(())
        }
    }
}

/// Refuses to bless under flags that change results, and in continuous integration.
fn may_bless(context: &Context) -> Result<(), Failure> {
    let flags = context.flags();
    if !flags.is_empty() {
        let text = format!(
            "--bless with{flags} would write tables that `verify` without the flags rejects"
        );
        return Err(Failure::Usage(text));
    }
    if std::env::var_os("CI").is_some_and(|ci| !ci.is_empty()) {
        let text = "--bless is refused because CI is set; review the differences and bless locally";
        return Err(Failure::Usage(text.to_owned()));
    }
    Ok(())
}

/// The golden tables that no scenario produces.
fn orphans(
    args: &Args,
    paths: &[PathBuf],
    cases: &[Case],
    verdicts: &[Verdict],
) -> Result<Vec<PathBuf>, Failure> {
    let known: BTreeSet<&Path> = verdicts
        .iter()
        .flat_map(|verdict| &verdict.goldens)
        .chain(cases.iter().filter_map(|case| case.traces.as_ref()))
        .map(|golden| golden.place.as_path())
        .collect();
    let checked: BTreeSet<&Path> = cases.iter().map(|case| case.path.as_path()).collect();
    let unread: Vec<&PathBuf> =
        paths.iter().filter(|path| !checked.contains(path.as_path())).collect();
    goldens::orphans(&args.paths, &known, &unread)
}

/// A tolerance in percent.
fn percent(text: &str) -> Result<Decimal, String> {
    let wrong = || format!("`{text}` is no tolerance, expected 0% to 100%, such as 2%");
    let number = text.trim().strip_suffix('%').ok_or_else(wrong)?.trim_end();
    let share = Decimal::parse(number).ok_or_else(wrong)?;
    let in_range = share.places <= 6 && share.digits <= 100 * share.denominator();
    in_range.then_some(share).ok_or_else(wrong)
}

/// A scenario to verify.
struct Case {
    path: PathBuf,
    /// The folder of its golden files.
    folder: PathBuf,
    scenario: Scenario,
    policies: Vec<&'static PolicyKind>,
    /// The golden table of its traces; `None` if none is a file.
    traces: Option<Golden>,
}

/// A scenario that cannot be run, with its diagnostics.
type Bad = (PathBuf, String);

/// Opens all scenarios, good and bad.
fn open_all(paths: &[PathBuf], context: &Context) -> Result<(Vec<Case>, Vec<Bad>), Failure> {
    let mut cases: Vec<Case> = Vec::new();
    let mut bad = Vec::new();
    for path in paths {
        let folder = goldens::folder_of(path)?;
        if let Some(other) = cases.iter().find(|case| case.folder == folder) {
            let (one, other) = (other.path.display(), path.display());
            let folder = folder.display();
            let text =
                format!("{one} and {other} share the golden folder {folder}; rename one of them");
            return Err(Failure::Usage(text));
        }
        let opened = input::open(path, None, context).and_then(|scenario| {
            let policies = input::policies_or_compared(&[], &[&scenario], context)?;
            let traces = traces(&folder, &scenario)?;
            Ok(Case { path: path.clone(), folder, scenario, policies, traces })
        });
        match opened {
            Ok(case) => cases.push(case),
            Err(Failure::Input(text) | Failure::Unreadable(text)) => {
                bad.push((path.clone(), text));
            }
            Err(failure) => return Err(failure),
        }
    }
    Ok((cases, bad))
}

/// The golden table of the traces that are files: a changed trace is named as the cause of what
/// differs.
fn traces(folder: &Path, scenario: &Scenario) -> Result<Option<Golden>, Failure> {
    let mut table = Table::new(&["vm", "accesses", "distinct_pages", "hash"]);
    for vm in &scenario.vms {
        if let TraceSource::File { .. } = vm.source {
            let (trace, hash) = (&vm.trace, vm.trace.content_hash().to_string());
            let pages = trace.distinct_pages() as u64;
            table.push(vec![
                vm.name.as_str().into(),
                trace.accesses().into(),
                pages.into(),
                hash.as_str().into(),
            ]);
        }
    }
    let prefix = format!("{}, a changed trace: ", scenario.name);
    let is_any = !table.rows().is_empty();
    is_any.then(|| Golden::read(folder.join("traces.csv"), table, 1, &prefix)).transpose()
}

/// A run compared with its golden files.
struct Verdict {
    goldens: [Golden; 2],
    differences: Vec<Difference>,
    /// Where the trajectory departs from the golden one.
    departure: Option<String>,
    /// The scenario's expectations that do not hold.
    failed: Vec<Unmet>,
}

/// The most differences printed per table; a changed parameter changes most cells.
const SHOWN_MAX: usize = 3;

/// The most accesses of a walk that is suggested to the user.
const WALK_MAX: u64 = 2_000;

/// An upper bound on the accesses in a number of rounds.
fn accesses_at_most(scenario: &Scenario, rounds: u64) -> u64 {
    let of_round = |vm: &VmSpec| {
        // A recorded trace may have all of its accesses in one round.
        match vm.tempo {
            Tempo::Steps(period) => scenario.checkpoint_every.0.div_ceil(period.0),
            Tempo::Recorded(_) => vm.trace.accesses(),
        }
    };
    let of_round: u64 = scenario.vms.iter().map(of_round).fold(0, u64::saturating_add);
    of_round.saturating_mul(rounds)
}

fn judge(
    case: &Case,
    policy: &PolicyKind,
    tolerance: Option<Decimal>,
    context: &Context,
) -> Result<Verdict, Failure> {
    let Case { path, folder, scenario, .. } = case;
    let mut trail = Trail::default();
    let outcome = simulate(scenario, policy, &mut trail)?;
    let place = |ending: &str| folder.join(format!("{}{ending}", policy.name));
    let rows = Golden::read(place(".csv"), vms::table(scenario, &outcome), vms::KEY, "")?;
    let name = format!("{} {} ", scenario.name, policy.name);
    let trail = Golden::read(place(".trail.csv"), trail.table(&outcome), trail::KEY, &name)?;
    let departure = trail.departure().filter(|_| tolerance.is_none()).map(|departure| {
        let (path, flags) = (path.display(), context.flags());
        let on = format!("{path} --policy {}{flags}", policy.name);
        let (from, to) = departure.rounds();
        let accesses = accesses_at_most(scenario, to - from + 1);
        let sight = if accesses <= WALK_MAX {
            format!("see\n  balloonist walk {on} --from {from} --to {to}")
        } else {
            let accesses = grouped(accesses);
            format!(
                "a walk there has up to {accesses} accesses; see the checkpoints with\n  \
                 balloonist run {on} --events - --events-format text"
            )
        };
        format!("{name}departs from its golden trajectory {departure}; {sight}")
    });
    let mut differences = rows.differences(tolerance);
    golden::worst_first(&mut differences);
    let mut differences = goldens::first_of(differences, SHOWN_MAX);
    if tolerance.is_none() {
        differences.extend(goldens::first_of(trail.differences(None), 1));
    }
    let traces = case.traces.iter().flat_map(|traces| traces.differences(None));
    let causes = goldens::first_of(traces.collect(), 1).into_iter();
    let causes = causes.map(|cause| Difference { weight: Weight::File, ..cause });
    differences.splice(0..0, causes);
    let failed = expects::failed(scenario, &[&outcome]);
    Ok(Verdict { goldens: [rows, trail], differences, departure, failed })
}

/// A check for each run, each bad scenario and each golden table without a scenario.
fn checks(
    jobs: &[(&Case, &PolicyKind)],
    verdicts: &[Verdict],
    bad: &[Bad],
    orphans: &[PathBuf],
) -> Vec<Check> {
    let run = |((case, policy), verdict): (&(&Case, &PolicyKind), &Verdict)| {
        let differences = verdict.differences.iter().map(|difference| &difference.text);
        let texts = differences.chain(&verdict.departure).cloned().map(Finding::error);
        let findings = verdict.failed.iter().map(Finding::unmet).chain(texts).collect();
        Check::new(case.path.display().to_string(), policy.name, findings)
    };
    let one = |path: &Path, name: &str, text: String| {
        Check::new(path.display().to_string(), name, vec![Finding::error(text)])
    };
    let runs = jobs.iter().zip(verdicts).map(run);
    let bad = bad.iter().map(|(path, text)| one(path, "scenario", text.clone()));
    let orphans = orphans.iter().map(|path| one(path, "golden table", orphan(path).text));
    runs.chain(bad).chain(orphans).collect()
}

/// What the expectations that do not hold say.
fn unmet(verdicts: &[Verdict]) -> Vec<String> {
    Unmet::texts(verdicts.iter().flat_map(|verdict| verdict.failed.clone()).collect())
}

/// Prints the differences, the worst first, then where trajectories depart. Returns whether
/// everything agrees.
fn show(verdicts: &[Verdict], orphans: &[PathBuf], context: &Context) -> Result<bool, Failure> {
    let mut differences: Vec<Difference> =
        verdicts.iter().flat_map(|verdict| verdict.differences.iter().cloned()).collect();
    differences.extend(orphans.iter().map(|place| orphan(place)));
    golden::worst_first(&mut differences);
    // All runs of a scenario name the same cause.
    differences.dedup();
    let mut lines = unmet(verdicts);
    lines.extend(differences.into_iter().map(|difference| difference.text));
    lines.extend(verdicts.iter().filter_map(|verdict| verdict.departure.clone()));
    print_lines(&lines, context)
}

/// Replaces the golden tables by the new ones. Returns whether there are no other problems.
fn bless(
    verdicts: &[Verdict],
    of_traces: &[&Golden],
    orphans: &[PathBuf],
    context: &Context,
) -> Result<bool, Failure> {
    let of_runs = || verdicts.iter().flat_map(|verdict| &verdict.goldens);
    let goldens = || of_runs().chain(of_traces.iter().copied());
    // All files are complete before the first is renamed, so a full disk changes nothing.
    let new = goldens().filter_map(|golden| golden.blessed().transpose());
    let new: Vec<NewFile> = new.collect::<Result<_, _>>()?;
    let blessed = new.len() as u64;
    commit_all(new)?;
    goldens().for_each(Golden::tidy);
    context.note(&format!("blessed {}", counted(blessed, "file")));
    let mut lines = unmet(verdicts);
    lines.extend(orphans.iter().map(|place| orphan(place).text));
    print_lines(&lines, context)
}

/// Prints the lines; returns whether there are none.
fn print_lines(lines: &[String], context: &Context) -> Result<bool, Failure> {
    let text: String = lines.iter().flat_map(|line| [line.as_str(), "\n"]).collect();
    context.print(&text)?;
    Ok(lines.is_empty())
}

fn orphan(place: &Path) -> Difference {
    let text = format!("{}: no scenario produces this golden table; delete it", place.display());
    Difference { weight: Weight::File, text }
}
