//! Document → scenario, or everything that is wrong with it.
//!
//! Each value is read on its own, and a value that is wrong is reported and left out; checks that
//! take several values together pass over those that were left out. So no check stops at the first
//! fault, and none reports a consequence of another.

mod actuator;
mod draft;
mod host;
pub(super) mod params;
mod run;
mod split;
mod sweep;
mod traces;
mod values;
mod vm;
mod workloads;

use std::collections::{BTreeMap, BTreeSet};

pub use traces::{ReadFile, Traces};

use self::draft::{Accesses, Draft, NEVER, Surroundings};
use self::host::Host;
use self::values::{Findings, Section};
use super::codes::{self, Code};
use super::diagnostic::{Diagnostic, Diagnostics, Severity, clip};
use super::document::{Document, Origin, State};
use super::{Cost, Grid, Scenario, VmSpec};
use crate::balance::{self, Bounds, PolicyKind};
use crate::params::Settings;
use crate::random::Generator;
use crate::replace::Delays;
use crate::units::{FRAMES_MAX, Frames, Ticks};

/// The largest tick: sums of two stay within 64 bits.
const TICKS_MAX: u64 = (1 << 62) - 1;

/// The policies that `compare` runs unless the scenario says otherwise: the report's.
const COMPARE_DEFAULT: &[&str] = &["static", "last-n", "proportional"];

const ROOT_KEYS: &[&str] = &[
    "name",
    "seed",
    "random",
    "compare",
    "warm_up",
    "host",
    "checkpoint",
    "policy",
    "cost",
    "actuator",
    "defaults",
    "vm",
    "expect",
    "sweep",
    "extends",
];

/// A scenario that passed every check.
#[derive(Clone, Debug)]
pub struct Checked {
    /// The scenario.
    pub scenario: Scenario,
    /// What looks wrong although it is not; empty for most.
    pub warnings: Diagnostics,
}

impl Document {
    /// Checks everything and gives the scenario.
    ///
    /// # Errors
    /// All that is wrong, at once and in source order, warnings included.
    pub fn check(&self) -> Result<Checked, Box<Diagnostics>> {
        self.check_with(&mut Traces::default())
    }

    /// Like [`check`](Self::check), and reads no trace file that `traces` has already.
    ///
    /// # Errors
    /// As for [`check`](Self::check).
    pub fn check_with(&self, traces: &mut Traces) -> Result<Checked, Box<Diagnostics>> {
        let checked = self.check_as(traces, Drawing::Done)?;
        Ok(checked.expect("a scenario is left out only where an error was reported"))
    }

    /// Likewise, and draws no accesses: what can be said of the scenario without them, and nothing
    /// where it has any to draw.
    ///
    /// # Errors
    /// As for [`check`](Self::check).
    pub fn check_undrawn(&self, traces: &mut Traces) -> Result<Option<Scenario>, Box<Diagnostics>> {
        Ok(self.check_as(traces, Drawing::Left)?.map(|checked| checked.scenario))
    }

    /// The grid of the scenario's `[sweep]` alone, if it has one.
    ///
    /// # Errors
    /// What is wrong with it.
    pub fn grid(&self) -> Result<Option<Grid>, Box<Diagnostics>> {
        let mut findings = Findings::default();
        let root = Section::new(String::new(), Origin::whole(0), &self.root);
        let grid = sweep::read(&mut findings, &root, &mut |_, _| Vec::new());
        if self.problems.is_empty() && !findings.has_errors() {
            return Ok(grid);
        }
        let all = [self.problems.clone(), findings.list].concat();
        Err(Box::new(Diagnostics::new(&self.sources, all)))
    }

    fn check_as(
        &self,
        traces: &mut Traces,
        drawing: Drawing,
    ) -> Result<Option<Checked>, Box<Diagnostics>> {
        let mut findings = Findings::default();
        if self.state != State::Nothing
            && let Some(expanded) = split::expand(&mut findings, self, traces)
        {
            return expanded.check_as(traces, drawing);
        }
        let mut scenario = None;
        if self.state != State::Nothing {
            scenario = check(&mut findings, self, traces, drawing);
        }
        if self.state == State::Partial {
            findings.list.retain(|found| self.survives(found));
        }
        let all = [self.problems.clone(), findings.list].concat();
        let errors = all.iter().any(|found| found.severity == Severity::Error);
        let diagnostics = Diagnostics::new(&self.sources, all);
        match scenario {
            _ if errors => Err(Box::new(diagnostics)),
            scenario => Ok(scenario.map(|scenario| Checked { scenario, warnings: diagnostics })),
        }
    }

    /// Whether a diagnostic of a document with holes holds whatever the holes hide: it is about a
    /// value by itself, and the value is not in a line that could not be read.
    fn survives(&self, found: &Diagnostic) -> bool {
        let line = |origin: Origin| {
            let (start, _) = origin.span?;
            let source = self.sources.get(origin.source)?;
            Some((origin.source, source.line_at(start).0))
        };
        let place = line(found.origin);
        LOCAL.contains(&found.code)
            && place.is_some()
            && self.problems.iter().all(|problem| line(problem.origin) != place)
    }
}

/// Codes that are about one value.
const LOCAL: &[&Code] = &[
    codes::UNKNOWN_KEY,
    codes::WRONG_TYPE,
    codes::UNKNOWN_WORD,
    codes::TOO_SMALL,
    codes::TOO_BIG,
    codes::BAD_UNIT,
    codes::AMBIGUOUS_UNIT,
    codes::BAD_PAGE_SIZE,
    codes::BAD_NAME,
    codes::BAD_VM_NAME,
    codes::DOUBLE_VM_NAME,
    codes::BAD_PAGE,
    codes::TRACE_MISSING,
    codes::UNKNOWN_METRIC,
    codes::LISTED_TWICE,
];

/// Whether the accesses of workloads are drawn.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Drawing {
    Done,
    Left,
}

fn check(
    findings: &mut Findings,
    document: &Document,
    traces: &mut Traces,
    drawing: Drawing,
) -> Option<Scenario> {
    let root = Section::new(String::new(), Origin::whole(0), &document.root);
    root.only(findings, ROOT_KEYS);
    let name = name(findings, &root, &document.stem);
    let (random, seed) = randomness(findings, &root);
    let host_section = root.section(findings, "host");
    let host = Host::read(findings, &host_section);
    let checkpoint = root.section(findings, "checkpoint");
    let every = read_every(findings, &checkpoint);
    let cost = root.section(findings, "cost");
    let cost = read_cost(findings, &cost);
    let balloon = root.section(findings, "actuator");
    let actuator = actuator::read(findings, &balloon, host.page_size);

    let around = Surroundings {
        sources: &document.sources,
        folder: &document.folder,
        page_size: host.page_size,
        split: host.split,
    };
    let mut vms = read_vms(findings, &root, &around, traces);
    let warm_up = run::warm_up(findings, &root, &vms);
    host::check_count(findings, &root, vms.len());
    traces.check_bytes(findings, &vms);
    let length = run::Length { cost, every, actuator, admission: host.admission };
    let latest = length.check(findings, &root, &checkpoint, &vms);

    let policy_section = root.section(findings, "policy");
    let wrapper = params::wrapper(findings, &policy_section, host.page_size);
    let policy_settings = params::policy_settings(findings, &policy_section, host.page_size);
    let policies = Policies::read(findings, &root, &policy_section);
    let expects = run::expectations(findings, &root, &vms);
    let sweep = sweep::read(findings, &root, &mut |axis, value| {
        let mut document = document.clone().without_sweep();
        document.put(&axis.path, axis.key, value.clone());
        let wrong = document.check_undrawn(traces).err();
        wrong.map_or_else(Vec::new, |wrong| wrong.iter().cloned().collect())
    });
    let fit = |findings: &mut Findings, vms: &[Draft]| {
        let fitted = fit(findings, &host, &host_section, vms, &policies, &policy_settings)?;
        if let (Some(every), Some(latest), Some(actuator)) = (every, latest, actuator) {
            let ticks = [u128::from(every.0), latest];
            actuator::check_batches(findings, &balloon, actuator, ticks, &fitted);
            run::check_moves(findings, &checkpoint, ticks, fitted.memory);
        }
        Some(fitted)
    };
    let mut fitted = fit(findings, &vms);
    // To generate accesses may take long, so that is done where nothing speaks against a run. Only
    // memory that is a part of their pages has to wait for them.
    if drawing == Drawing::Done && document.problems.is_empty() && !findings.has_errors() {
        traces.generate(&mut vms, seed?, document.repetition);
        fitted = fitted.or_else(|| fit(findings, &vms));
    }
    let Fitted { memory, allocations, bounds, policy, compare } = fitted?;
    let vms = vms.into_iter().zip(bounds.into_iter().zip(allocations));
    let vms = vms.map(|(draft, (bounds, initial))| finish_vm(draft, bounds, initial));
    let scenario = Scenario {
        name: name?,
        seed: seed?,
        repetition: document.repetition,
        random: random?,
        compare,
        host: host.finish(memory)?,
        checkpoint_every: every?,
        policy,
        policy_settings,
        wrapper,
        cost: cost?,
        actuator: actuator?,
        warm_up,
        vms: vms.collect::<Option<_>>()?,
        expects,
        sweep,
    };
    policies.check_pools(findings, &scenario);
    policies.check_intervals(findings, &scenario, &checkpoint);
    Some(scenario)
}

fn read_every(findings: &mut Findings, checkpoint: &Section) -> Option<Ticks> {
    checkpoint.only(findings, &["every"]);
    let remedy = "say how many ticks lie between two checkpoints, for example `every = 1000`";
    let every = checkpoint.need(findings, "every", remedy)?;
    findings.ticks(&every, 1)
}

/// How the host's memory and the policies go together with the VMs.
struct Fitted {
    memory: Frames,
    allocations: Vec<Frames>,
    bounds: Vec<Bounds>,
    policy: &'static PolicyKind,
    compare: Vec<&'static PolicyKind>,
}

fn fit(
    findings: &mut Findings,
    host: &Host,
    section: &Section,
    vms: &[Draft],
    policies: &Policies,
    settings: &BTreeMap<&'static str, Settings>,
) -> Option<Fitted> {
    let memory = host.memory(findings, section, vms)?;
    host.split.filter(|_| !vms.is_empty())?;
    let allocations = host.divide(findings, section, memory, vms)?;
    // Whether a policy fits can be said only of a host and VMs that are right themselves.
    let bounds = host::bounds(memory, vms)?;
    let (policy, compare) = policies.fitting(findings, settings, memory, &bounds)?;
    Some(Fitted { memory, allocations, bounds, policy, compare })
}

fn name(findings: &mut Findings, root: &Section, stem: &str) -> Option<String> {
    const MAX: usize = 64;
    let Some(field) = root.get("name") else { return Some(stem.to_owned()) };
    let name = findings.text(&field)?;
    let letter = |byte: u8| byte.is_ascii_lowercase() || byte.is_ascii_digit() || byte == b'-';
    if name.is_empty() || name.len() > MAX || !name.bytes().all(letter) {
        let message = format!("`{}` cannot be a scenario's name", clip(name));
        let remedy = "a name has 1 to 64 lower-case letters, digits and hyphens";
        findings.error(codes::BAD_NAME, field.node.origin, message, remedy);
        return None;
    }
    Some(name.to_owned())
}

fn randomness(findings: &mut Findings, root: &Section) -> (Option<Generator>, Option<u64>) {
    let random = root.get("random").map_or(Some(Generator::default()), |field| {
        findings.choice(&field, Generator::ALL.iter().copied())
    });
    // TOML's own integers end there, and the effective scenario must be TOML.
    let seed_max = i64::MAX.unsigned_abs();
    let seed = root.get("seed").map_or(Some(1), |field| findings.integer(&field, 0, seed_max));
    if random == Some(Generator::Glibc) && seed.is_some_and(|seed| seed > u64::from(u32::MAX)) {
        let message = "glibc's generator takes a seed of 32 bits";
        let remedy = "lower it below 4294967296, or use `random = \"chacha8\"`";
        findings.error(codes::SEED_TOO_BIG, root.origin_of("seed"), message, remedy);
    }
    (random, seed)
}

/// What events cost; nothing unless the scenario says so.
fn read_cost(findings: &mut Findings, section: &Section<'_>) -> Option<Cost> {
    section.only(findings, &["fault", "zero_fill", "swap_in", "write_back", "trap", "policy"]);
    let mut ticks =
        |key| section.get(key).map_or(Some(Ticks(0)), |field| findings.ticks(&field, 0));
    let [fault, zero_fill, swap_in, write_back, trap, policy] =
        ["fault", "zero_fill", "swap_in", "write_back", "trap", "policy"].map(&mut ticks);
    Some(Cost {
        delays: Delays {
            fault: fault?,
            zero_fill: zero_fill?,
            swap_in: swap_in?,
            write_back: write_back?,
        },
        counts_write_backs: section.get("write_back").is_some(),
        trap: trap?,
        policy: policy?,
    })
}

fn read_vms<'d>(
    findings: &mut Findings,
    root: &Section<'d>,
    around: &Surroundings,
    traces: &mut Traces,
) -> Vec<Draft<'d>> {
    let defaults = root.section(findings, "defaults");
    defaults.only(findings, &["vm"]);
    let defaults = defaults.section(findings, "vm");
    defaults.only(findings, vm::DEFAULT_KEYS);
    // Read by itself too, so that a fault is found even if every VM overrules it.
    Draft::read_numbers(findings, defaults.clone(), around);
    let mut drafts = Vec::new();
    let mut names = BTreeSet::new();
    // VMs over the limit are reported as too many; reading them all would only cost time.
    let sections = root.sections(findings, "vm", "an array of tables, `[[vm]]`");
    let sections = sections.into_iter().take(Scenario::VMS_MAX + 1);
    let sections: Vec<Section> = sections.map(|vm| vm.with_defaults(&defaults)).collect();
    traces.read_ahead(&sections, around);
    for section in sections {
        let draft = Draft::read(findings, section, around, traces);
        draft.check_together(findings, around.split);
        if let Some(name) = draft.name
            && !names.insert(name)
        {
            let message = format!("two VMs are called `{name}`");
            let remedy = "give each VM a name of its own";
            findings.error(codes::DOUBLE_VM_NAME, draft.section.origin_of("name"), message, remedy);
        }
        drafts.push(draft);
    }
    drafts
}

fn finish_vm(draft: Draft, bounds: Bounds, initial: Frames) -> Option<VmSpec> {
    let (replacement, replacement_settings) = draft.replacement?;
    let Accesses { source, trace } = draft.accesses?;
    let trace = trace?;
    Some(VmSpec {
        name: draft.name?.to_owned(),
        replacement,
        replacement_settings,
        min: bounds.min,
        max: bounds.max,
        shares: draft.shares?,
        initial,
        start: draft.start?,
        period: draft.period?,
        stop: draft.stop.map(|stop| (stop != NEVER).then_some(stop))?,
        after: draft.after?,
        idle: draft.idle?,
        stuck: draft.stuck?,
        trace,
        source,
    })
}

/// The policy in force and those to compare, as the document names them.
struct Policies {
    in_force: Option<(&'static PolicyKind, Origin)>,
    /// `None` where the default list applies.
    compare: Option<Vec<(&'static PolicyKind, Origin)>>,
}

impl Policies {
    fn read(findings: &mut Findings, root: &Section, policy: &Section) -> Self {
        let kind = match policy.get("kind") {
            Some(field) => findings.choice(&field, params::policies()),
            None => Some(&balance::ALL[0]),
        };
        let in_force = kind.map(|kind| (kind, policy.origin_of("kind")));
        Self { in_force, compare: run::policy_list(findings, root, "compare") }
    }

    /// Reports named policies that pool frames where VMs or the actuator do not allow it.
    fn check_pools(&self, findings: &mut Findings, scenario: &Scenario) {
        let named = self.in_force.into_iter().chain(self.compare.iter().flatten().copied());
        for (kind, origin) in named.filter(|(kind, _)| kind.pools()) {
            if let Err(message) = scenario.fits(kind) {
                let remedy = "change the scenario or choose another policy";
                findings.error(codes::DOES_NOT_FIT, origin, message, remedy);
            }
        }
    }

    /// Warns of named policies that run much more or less often where they are deployed. Only a
    /// checkpoint that is written as a duration is a real time; bare ticks are a model's.
    fn check_intervals(&self, findings: &mut Findings, scenario: &Scenario, checkpoint: &Section) {
        let is_time =
            |field: &values::Field| matches!(field.node.value, super::document::Value::String(_));
        if !checkpoint.get("every").is_some_and(|field| is_time(&field)) {
            return;
        }
        let asked = u128::from(scenario.checkpoint_every.0) * u128::from(scenario.cadence());
        let mut warned: Vec<&str> = Vec::new();
        for (kind, _) in self.in_force.into_iter().chain(self.compare.iter().flatten().copied()) {
            let Some(Ticks(live)) = kind.live_interval else { continue };
            let live = u128::from(live);
            if (asked > 2 * live || 2 * asked < live) && !warned.contains(&kind.name) {
                warned.push(kind.name);
                let (live, asked) = (seconds(live), seconds(asked));
                let message = format!(
                    "`{}` runs every {live} s where it is deployed, here every {asked} s",
                    kind.name
                );
                let remedy = "set `checkpoint.every`, or `policy.cadence`, to the rule's interval";
                findings.warn(
                    codes::ANOTHER_INTERVAL,
                    checkpoint.origin_of("every"),
                    message,
                    remedy,
                );
            }
        }
    }

    /// The policies if they fit the host and the VMs. Of the default list, those that do not fit
    /// are left out with a warning: they were not asked for.
    fn fitting(
        &self,
        findings: &mut Findings,
        settings: &BTreeMap<&'static str, Settings>,
        memory: Frames,
        bounds: &[Bounds],
    ) -> Option<(&'static PolicyKind, Vec<&'static PolicyKind>)> {
        let misfit =
            |kind: &'static PolicyKind| (kind.fits)(&settings[kind.name], memory, bounds).err();
        let mut fits = true;
        let named = self.in_force.into_iter().chain(self.compare.iter().flatten().copied());
        for (kind, origin) in named {
            if let Some(message) = misfit(kind) {
                let remedy = "change the scenario or choose another policy";
                findings.error(codes::DOES_NOT_FIT, origin, message, remedy);
                fits = false;
            }
        }
        let compare = if let Some(listed) = &self.compare {
            listed.iter().map(|&(kind, _)| kind).collect()
        } else {
            let known = params::policies().filter(|(name, _)| COMPARE_DEFAULT.contains(name));
            let mut fitting = Vec::new();
            for (_, kind) in known {
                let Some(message) = misfit(kind) else {
                    fitting.push(kind);
                    continue;
                };
                let remedy = "it is left out of comparisons; `compare` chooses others";
                findings.warn(codes::DOES_NOT_FIT, Origin::whole(0), message, remedy);
            }
            fitting
        };
        self.in_force.filter(|_| fits).map(|(policy, _)| (policy, compare))
    }
}

/// Nanoseconds as seconds, for messages.
fn seconds(ns: u128) -> String {
    let text = format!("{}.{:09}", ns / 1_000_000_000, ns % 1_000_000_000);
    text.trim_end_matches('0').trim_end_matches('.').to_owned()
}
