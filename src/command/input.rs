//! From the command line to a checked scenario.

use std::path::{Path, PathBuf};
use std::time::Instant;

use balloonist::balance::{self, Bounds, PolicyKind};
use balloonist::scenario::{Checked, Document, Scenario};

use super::distances;
use super::guard::say;
use super::{Context, Failure};

/// What is run: a scenario, or trace files.
#[derive(clap::Args, Debug)]
pub(crate) struct Source {
    /// The scenario: a .toml or .dat file, or `-` for standard input; with --frames trace files,
    /// each a VM
    #[arg(value_name = "SCENARIO", required = true)]
    paths: Vec<PathBuf>,

    /// Replay trace files, each a VM, in lockstep on a host of so many frames: a number, a size, or
    /// a part of all distinct pages such as 25%
    #[arg(long, value_name = "FRAMES")]
    frames: Option<String>,

    /// For trace files: ticks between two checkpoints
    #[arg(long, value_name = "TICKS", requires = "frames", default_value = "10000")]
    every: String,
}

impl Source {
    /// Reads and checks what is to be run, under the common flags and `policy`, and makes sure that
    /// all traces have their stack distances.
    pub(super) fn open(
        &self,
        policy: Option<&str>,
        context: &Context,
    ) -> Result<Scenario, Failure> {
        let began = Instant::now();
        let document = match (&self.frames, self.paths.as_slice()) {
            (Some(frames), traces) => Document::from_traces(traces, frames, &self.every),
            (None, [scenario]) => Document::open(scenario),
            (None, scenarios) => {
                let found = scenarios.len();
                let text =
                    format!("one scenario is run, found {found}; for trace files add --frames");
                return Err(Failure::Usage(text));
            }
        };
        let scenario = check(document, policy, context)?;
        context.timing.note("read", began.elapsed(), accesses(&scenario));
        distances::warm_all(&scenario, context);
        Ok(scenario)
    }
}

/// The accesses of all traces.
fn accesses(scenario: &Scenario) -> u64 {
    scenario.vms.iter().map(|vm| vm.trace.accesses()).sum()
}

/// Reads and checks the scenario at `path` (`-` is standard input) under the common flags and
/// `policy`.
pub(super) fn open(
    path: &str,
    policy: Option<&str>,
    context: &Context,
) -> Result<Scenario, Failure> {
    check(Document::open(Path::new(path)), policy, context)
}

/// Checks a document under the common flags and `policy`. Warnings are printed.
pub(super) fn check(
    mut document: Document,
    policy: Option<&str>,
    context: &Context,
) -> Result<Scenario, Failure> {
    let common = &context.common;
    for setting in &common.settings {
        document.set(setting);
    }
    let flags = [
        ("seed", common.seed.map(|seed| seed.to_string())),
        ("random", common.random.map(|generator| generator.name().to_owned())),
        ("policy.kind", policy.map(str::to_owned)),
    ];
    for (path, value) in flags {
        if let Some(value) = value {
            document.set(&format!("{path}={value}"));
        }
    }
    let Checked { scenario, warnings } = document.check().map_err(|diagnostics| {
        let text = diagnostics.render(context.colour_err);
        if diagnostics.is_io() { Failure::Unreadable(text) } else { Failure::Input(text) }
    })?;
    if warnings.is_empty() {
        return Ok(scenario);
    }
    let text = warnings.render(context.colour_err);
    if common.deny_warnings {
        return Err(Failure::Input(format!("{text}\nerror: warnings are denied\n")));
    }
    if !common.quiet {
        say(&text);
    }
    Ok(scenario)
}

/// The policies that the flag `--policies` names or, where it names none, those of the scenario's
/// `compare`.
pub(super) fn policies_or_compared(
    names: &[String],
    scenario: &Scenario,
) -> Result<Vec<&'static PolicyKind>, Failure> {
    if !names.is_empty() {
        return policies(names, scenario);
    }
    let compared: Vec<String> = scenario.compare.iter().map(|kind| kind.name.to_owned()).collect();
    policies(&compared, scenario)
}

/// The policies called `names`; "all" is all of them. Each must be able to run the scenario.
pub(super) fn policies(
    names: &[String],
    scenario: &Scenario,
) -> Result<Vec<&'static PolicyKind>, Failure> {
    let mut kinds: Vec<&'static PolicyKind> = Vec::new();
    for name in names {
        let named: Vec<_> =
            balance::ALL.iter().filter(|kind| name == "all" || kind.name == name).collect();
        if named.is_empty() {
            let known: Vec<&str> = balance::ALL.iter().map(|kind| kind.name).collect();
            let text = format!("unknown policy `{name}`, expected one of {}", known.join(", "));
            return Err(Failure::Usage(text));
        }
        for kind in named {
            if kinds.iter().any(|known| known.name == kind.name) {
                let text = format!("policy `{}` is named twice, name it once", kind.name);
                return Err(Failure::Usage(text));
            }
            kinds.push(kind);
        }
    }
    let bounds: Vec<Bounds> =
        scenario.vms.iter().map(|vm| Bounds { min: vm.min, max: vm.max }).collect();
    for kind in &kinds {
        let fits = (kind.fits)(scenario.settings_of(kind), scenario.host.memory, &bounds);
        fits.map_err(|reason| Failure::Input(format!("error: {}: {reason}\n", scenario.name)))?;
    }
    Ok(kinds)
}

/// The scenario with another seed, all else the same: no accesses are made from the seed, so the
/// traces are shared.
pub(super) fn at_seed(scenario: &Scenario, seed: u64) -> Scenario {
    Scenario { seed, ..scenario.clone() }
}
