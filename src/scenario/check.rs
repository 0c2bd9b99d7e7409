//! Checks a document: returns a scenario, or everything that is wrong with it.
//!
//! Each value is read on its own; a wrong value is reported and becomes `None`, and checks over
//! several values skip those that are `None`. So all errors are reported at once, and none is a
//! consequence of another.

mod accesses;
mod actuator;
mod copies;
mod draft;
mod expects;
mod files;
mod host;
pub(super) mod params;
mod plan;
mod policies;
mod root;
mod run;
mod sharing;
mod split;
mod sweep;
mod tiers;
mod traces;
mod values;
mod vm;
mod workloads;

use std::collections::BTreeMap;

pub use traces::{ReadFile, Traces};

use self::actuator::{ByState, Reclaim};
use self::draft::{Accesses, Draft, NEVER, Surroundings};
use self::host::Host;
use self::policies::Policies;
use self::values::{Findings, Section};
use super::codes::{self, Code};
use super::diagnostic::{Diagnostic, Diagnostics, Severity};
use super::document::{Document, Origin, State};
use super::{Cost, Expect, Grid, PlanSpec, Scenario, VmSpec, WarmUp};
use crate::balance::{Bounds, PolicyKind};
use crate::params::Settings;
use crate::random::Generator;
use crate::reclaim::States;
use crate::replace::Paging;
use crate::share::SharingSpec;
use crate::tier::TierSpec;
use crate::units::{Frames, Ticks};

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
    "sharing",
    "tier",
    "defaults",
    "vm",
    "expect",
    "plan",
    "sweep",
    "extends",
];

/// A scenario that passed every check.
#[derive(Clone, Debug)]
pub struct Checked {
    /// The scenario.
    pub scenario: Scenario,
    /// Warnings; usually empty.
    pub warnings: Diagnostics,
}

impl Document {
    /// Checks everything and returns the scenario.
    ///
    /// # Errors
    /// Everything that is wrong, at once and in source order, warnings included.
    pub fn check(&self) -> Result<Checked, Box<Diagnostics>> {
        self.check_with(&mut Traces::default())
    }

    /// Like [`check`](Self::check), but reads no trace file that `traces` already has.
    ///
    /// # Errors
    /// As for [`check`](Self::check).
    pub fn check_with(&self, traces: &mut Traces) -> Result<Checked, Box<Diagnostics>> {
        let checked = self.check_as(traces, Drawing::Done)?;
        Ok(checked.expect("without an error there is a scenario"))
    }

    /// Like [`check_with`](Self::check_with), but generates no accesses; returns `None` if anything
    /// in the scenario is drawn (accesses, starts, trace files), so that repetitions differ.
    ///
    /// # Errors
    /// As for [`check`](Self::check).
    pub(crate) fn check_undrawn(
        &self,
        traces: &mut Traces,
    ) -> Result<Option<Scenario>, Box<Diagnostics>> {
        let scenario = self.check_as(traces, Drawing::Left)?.map(|checked| checked.scenario);
        let starts_as_written = |vm: &VmSpec| vm.start_within == Ticks(0);
        let is_drawn = copies::draws(self);
        Ok(scenario.filter(|scenario| !is_drawn && scenario.vms.iter().all(starts_as_written)))
    }

    /// Only the grid of the scenario's `[sweep]`, if it has one.
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
        let mut findings = Findings { own: self.own.clone(), ..Findings::default() };
        let mut scenario = None;
        if self.state != State::Nothing {
            let copied = copies::expand(&mut findings, self);
            let split = split::expand(&mut findings, copied.as_ref().unwrap_or(self), traces);
            let expanded = split.as_ref().or(copied.as_ref()).unwrap_or(self);
            scenario = check(&mut findings, (self, expanded), traces, drawing);
        }
        if self.state == State::Partial {
            findings.list.retain(|found| self.survives(found));
        }
        let all = [self.problems.clone(), findings.list].concat();
        let errors = all.iter().any(|found| found.severity == Severity::Error);
        let sources = [self.sources.as_slice(), &findings.sources].concat();
        let diagnostics = Diagnostics::new(&sources, all);
        match scenario {
            _ if errors => Err(Box::new(diagnostics)),
            scenario => Ok(scenario.map(|scenario| Checked { scenario, warnings: diagnostics })),
        }
    }

    /// Whether a diagnostic of an incomplete document is certain: it concerns a single value, and
    /// that value is not on a line with a syntax error.
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

/// Codes that concern a single value.
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

/// Whether the accesses of workloads are generated.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Drawing {
    Done,
    Left,
}

/// Checks a document as written and with one table for each VM. Axes are put into the former.
fn check(
    findings: &mut Findings,
    (written, document): (&Document, &Document),
    traces: &mut Traces,
    drawing: Drawing,
) -> Option<Scenario> {
    let mut loaded = Loaded::read(findings, document, traces);
    let latest = loaded.check_together(findings, traces);
    let sweep = sweep::read(findings, &loaded.root, &mut |axis, value| {
        let mut document = written.clone().without_sweep();
        document.put(&axis.path, axis.key, value.clone());
        let wrong = document.check_undrawn(traces).err();
        wrong.map_or_else(Vec::new, |wrong| wrong.iter().cloned().collect())
    });
    let mut fitted = loaded.fit(findings, latest);
    // Generating accesses may take long, so it is done only if there are no errors. A memory given
    // as a share of the pages is checked after it.
    if drawing == Drawing::Done && document.problems.is_empty() && !findings.has_errors() {
        traces.generate(&mut loaded.vms, loaded.seed?, document.repetition);
        fitted = fitted.or_else(|| loaded.fit(findings, latest));
    }
    loaded.finish(findings, fitted?, document, sweep)
}

/// A scenario's values, each read and checked by itself, and its trace files loaded. A wrong value
/// is `None`.
struct Loaded<'d> {
    root: Section<'d>,
    name: Option<String>,
    random: Option<Generator>,
    seed: Option<u64>,
    host_section: Section<'d>,
    host: Host,
    checkpoint: Section<'d>,
    every: Option<Ticks>,
    in_time: bool,
    cost: Option<Cost>,
    actuator_section: Section<'d>,
    reclaim: Option<Reclaim>,
    sharing: Option<SharingSpec>,
    tiers: Option<Vec<TierSpec>>,
    vms: Vec<Draft<'d>>,
    warm_up: Option<WarmUp>,
    policies: Policies,
    policy_settings: BTreeMap<&'static str, Settings>,
    wrapper: Settings,
    expects: Vec<Expect>,
    plan: Option<PlanSpec>,
}

impl<'d> Loaded<'d> {
    fn read(findings: &mut Findings, document: &'d Document, traces: &mut Traces) -> Self {
        let root = Section::new(String::new(), Origin::whole(0), &document.root);
        root.only(findings, ROOT_KEYS);
        let (random, seed) = root::randomness(findings, &root);
        let host_section = root.section(findings, "host");
        let host = Host::read(findings, &host_section);
        let checkpoint = root.section(findings, "checkpoint");
        let cost = root.section(findings, "cost");
        let actuator_section = root.section(findings, "actuator");
        let around = Surroundings {
            sources: &document.sources,
            folder: &document.folder,
            page_size: host.page_size,
            split: host.split,
            seed,
            repetition: document.repetition,
        };
        let vms = root::read_vms(findings, &root, &around, traces);
        let policy = root.section(findings, "policy");
        let in_time = root::is_text(&checkpoint, "every");
        let clock = root::Clock { page_size: host.page_size, in_time };
        let tiers = tiers::read(findings, &root, &clock);
        let places = (&root, document.sources.as_slice());
        let expects = expects::expectations(findings, places, &vms, tiers.as_deref());
        let plan = plan::read(findings, places, host.page_size, tiers.as_deref());
        Self {
            name: root::name(findings, &root, &document.stem),
            random,
            seed,
            every: root::read_every(findings, &checkpoint),
            in_time,
            checkpoint,
            cost: root::read_cost(findings, &cost, &clock),
            reclaim: actuator::read(findings, &actuator_section, host.page_size),
            actuator_section,
            sharing: sharing::read(findings, &root),
            tiers,
            warm_up: run::warm_up(findings, &root, &vms),
            policies: Policies::read(findings, &root, &policy),
            policy_settings: params::policy_settings(
                findings,
                &policy,
                host.page_size,
                (document, &mut traces.texts),
            ),
            wrapper: params::wrapper(findings, &policy, host.page_size),
            expects,
            plan,
            vms,
            host_section,
            host,
            root,
        }
    }

    /// Checks that involve several values; returns a bound on the tick at which the run ends.
    fn check_together(&self, findings: &mut Findings, traces: &Traces) -> Option<u128> {
        host::check_count(findings, &self.root, self.vms.len());
        traces.check_bytes(findings, &self.vms);
        let length = run::Length {
            cost: self.cost,
            every: self.every,
            actuator: self.reclaim.as_ref().map(|reclaim| reclaim.actuator),
            pages: self.reclaim.as_ref().is_some_and(|reclaim| reclaim.paging.is_some()),
            tiers: self.tiers.as_deref(),
            admission: self.host.admission,
        };
        length.check(findings, &self.root, &self.checkpoint, &self.vms)
    }

    /// Fits the host's memory and the policies to the VMs.
    fn fit(&self, findings: &mut Findings, latest: Option<u128>) -> Option<Fitted> {
        let (host, vms) = (&self.host, &self.vms);
        let memory = host.memory(findings, &self.host_section, vms)?;
        host.split.filter(|_| !vms.is_empty())?;
        let states = self.reclaim.as_ref()?.states.map(|ByState { marks, period, grow }| {
            Some(States { marks: marks.frames(memory, host.page_size?), period, grow })
        });
        let states = states.map_or(Some(None), |states| Some(Some(states?)))?;
        // What the host keeps free is promised to no VM.
        let kept = states.map_or(Frames(0), |states| states.marks[0]);
        let promised = Frames(memory.0.saturating_sub(kept.0));
        let allocations = host.divide(findings, &self.host_section, promised, kept, vms)?;
        // Whether a policy fits is checked only if the host and the VMs have no errors.
        let bounds = host::bounds(promised, vms)?;
        let fitting = self.policies.fitting(findings, &self.policy_settings, promised, &bounds);
        let (policy, compare) = fitting?;
        let fitted = Fitted { memory, states, allocations, bounds, policy, compare };
        if let (Some(every), Some(latest), Some(reclaim)) = (self.every, latest, &self.reclaim) {
            let ticks = [u128::from(every.0), latest];
            let section = &self.actuator_section;
            actuator::check_batches(findings, section, reclaim.actuator, ticks, &fitted);
            if let Some(spec) = &self.sharing {
                sharing::check_scans(findings, &self.root, spec, latest, vms);
            }
            if let Some(States { period, .. }) = states {
                actuator::check_looks(findings, section, period, latest);
            }
            run::check_moves(findings, &self.checkpoint, ticks, memory);
        }
        Some(fitted)
    }

    fn finish(
        self,
        findings: &mut Findings,
        fitted: Fitted,
        document: &Document,
        sweep: Option<Grid>,
    ) -> Option<Scenario> {
        let Fitted { memory, states, allocations, bounds, policy, compare } = fitted;
        let (reclaim, cost) = (self.reclaim?, self.cost?);
        let paging = |((pager, settings), swapper): actuator::Pages| {
            let [read, write] = [cost.host_read, cost.host_write];
            Paging { pager, settings, swapper, read, write }
        };
        let vms = self.vms.into_iter().zip(bounds.into_iter().zip(allocations));
        let vms = vms.map(|(draft, (bounds, initial))| finish_vm(draft, bounds, initial));
        let scenario = Scenario {
            name: self.name?,
            seed: self.seed?,
            repetition: document.repetition,
            random: self.random?,
            compare,
            host: self.host.finish(memory)?,
            checkpoint_every: self.every?,
            in_time: self.in_time,
            policy,
            policy_settings: self.policy_settings,
            wrapper: self.wrapper,
            cost,
            actuator: reclaim.actuator,
            paging: reclaim.paging.map(paging),
            states,
            sharing: self.sharing,
            tiers: self.tiers?,
            warm_up: self.warm_up,
            vms: vms.collect::<Option<_>>()?,
            expects: self.expects,
            plan: self.plan,
            sweep,
            programs: document.programs.clone(),
        };
        tiers::check(findings, &self.root, &scenario);
        sharing::check(findings, &self.root, &scenario);
        plan::check(findings, &self.root, &scenario);
        if let Err(why) = scenario.allows_growth() {
            let origin = self.actuator_section.origin_of("grow");
            findings.error(codes::BAD_MARKS, origin, "the VMs cannot grow at faults", why);
        }
        self.policies.check_pools(findings, &scenario);
        self.policies.check_intervals(findings, &scenario, &self.checkpoint);
        Some(scenario)
    }
}

/// The host's memory and the policies, fitted to the VMs.
struct Fitted {
    memory: Frames,
    states: Option<States>,
    allocations: Vec<Frames>,
    bounds: Vec<Bounds>,
    policy: &'static PolicyKind,
    compare: Vec<&'static PolicyKind>,
}

fn finish_vm(draft: Draft, bounds: Bounds, initial: Frames) -> Option<VmSpec> {
    let tempo = draft.tempo()?;
    let (replacement, replacement_settings) = draft.replacement?;
    let Accesses { source, trace, .. } = draft.accesses?;
    let trace = trace?;
    Some(VmSpec {
        name: draft.name?.to_owned(),
        replacement,
        replacement_settings,
        min: bounds.min,
        max: bounds.max,
        shares: draft.shares?,
        size: match draft.size? {
            Frames(u64::MAX) => draft.max.filter(|max| *max != Frames(u64::MAX)),
            size => Some(size),
        }
        .unwrap_or(bounds.max),
        initial,
        start: draft.start?,
        start_within: draft.start_within?,
        start_drawn: draft.start_drawn,
        tempo,
        stop: draft.stop.map(|stop| (stop != NEVER).then_some(stop))?,
        after: draft.after?,
        idle: draft.idle?,
        stuck: draft.stuck?,
        trace,
        source,
        content: draft.content?,
    })
}
