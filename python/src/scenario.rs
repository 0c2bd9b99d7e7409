//! Scenarios, and what is done with them.

use std::fmt::Write as _;
use std::path::PathBuf;
use std::sync::{Arc, OnceLock};

use balloonist::balance::{self, PolicyKind};
use balloonist::bound::{self, Bound as Least};
use balloonist::conclude::compare::Contender;
use balloonist::scenario::{self, Document, Traces};
use balloonist::store::compare as rows;
use balloonist::trace::index;
use pyo3::exceptions::{PyKeyError, PyTypeError, PyValueError};
use pyo3::prelude::*;
use pyo3::types::{PyDict, PyString, PyTuple};
use rayon::prelude::*;

use crate::check;
use crate::errors::{ScenarioError, of_scenario};
use crate::own::Classes;
use crate::policy::Chosen;
use crate::replacement;
use crate::results::{Comparison, Run};
use crate::running::{self, Ran, Wanted};
use crate::sweep::{self, Sweep, Varied};
use crate::tables::Table;
use crate::trace::{Trace, of_value};
use crate::values::{pairs, quoted, replacement_name, seed_range, toml};
use crate::wait::{Signals, progress, wait};

/// What a simulation needs: a host, VMs with their traces, checkpoints and a policy. Immutable, and
/// checked: one that exists can run.
///
/// >>> from balloonist import Scenario
/// >>> scenario = Scenario.from_traces({"web": "1 2 3 1 2 3 1 2 3", "idle": "7 7 7 7 7 7 7 7 7"},
/// ...                                 memory=4, every=3)
/// >>> scenario.run("static").demand_faults, scenario.run("last-n").demand_faults
/// (10, 5)
#[pyclass(frozen, module = "balloonist")]
pub struct Scenario {
    document: Document,
    traces: Traces,
    checked: Arc<scenario::Scenario>,
}

#[pymethods]
impl Scenario {
    /// Opens a scenario file: TOML, or a .dat file of the 2011 report.
    #[staticmethod]
    fn open(py: Python<'_>, path: PathBuf) -> PyResult<Self> {
        Self::checked(py, move || Document::open(&path), Traces::default())
    }

    /// Reads a scenario in TOML. Paths in it are relative to `folder`.
    ///
    /// All errors are reported at once, each with its place and a remedy:
    ///
    /// >>> from balloonist import Scenario
    /// >>> Scenario.from_toml("sede = 3")  # doctest: +ELLIPSIS
    /// Traceback (most recent call last):
    /// ...
    /// balloonist.ScenarioError: error[S012]: unknown key `sede`
    ///  --> scenario.toml:1:1
    /// ...
    #[staticmethod]
    #[pyo3(signature = (text, *, folder=None, name="scenario"))]
    fn from_toml(
        py: Python<'_>,
        text: String,
        folder: Option<PathBuf>,
        name: &str,
    ) -> PyResult<Self> {
        let shown = folder.unwrap_or_default().join(format!("{name}.toml"));
        let shown = shown.display().to_string();
        let read = move || Document::from_toml(&shown, text.as_bytes());
        Self::checked(py, read, Traces::default())
    }

    /// A VM in lockstep for each trace of the dict `traces`: a Trace, an array, a path or a
    /// reference string. `memory` is the host's: int (frames), a size such as "2 MiB", or a share
    /// of the distinct pages such as "25%". `every` is the ticks between checkpoints, by default
    /// only one at the end. `replacement` names the algorithm of every VM, by default "lru".
    /// `settings` are further values as in `set`.
    #[staticmethod]
    #[pyo3(signature = (traces, *, memory, every=None, replacement=None, settings=None))]
    fn from_traces(
        py: Python<'_>,
        traces: &Bound<'_, PyDict>,
        memory: &Bound<'_, PyAny>,
        every: Option<&Bound<'_, PyAny>>,
        replacement: Option<&Bound<'_, PyAny>>,
        settings: Option<&Bound<'_, PyDict>>,
    ) -> PyResult<Self> {
        let mut given = Traces::default();
        let mut vms = String::new();
        let mut longest = 1;
        for (name, value) in traces {
            let name: String = name.extract()?;
            let trace = of_value(py, &value)?.trace;
            longest = longest.max(trace.accesses());
            let shown = quoted(&name);
            let _ = write!(vms, "\n[[vm]]\nname = {shown}\ntrace.file = {shown}\n");
            given = given.with(name, trace);
        }
        let every = every.map_or_else(|| Ok(longest.to_string()), toml)?;
        let text = format!(
            "name = \"traces\"\nhost.memory = {}\ncheckpoint.every = {every}\n\
             defaults.vm.replacement = {}\n{vms}",
            toml(memory)?,
            replacement.map_or_else(|| Ok(quoted("lru")), replacement_name)?,
        );
        let settings = pairs(settings)?;
        let read = move || {
            let mut document = Document::from_toml("traces.toml", text.as_bytes());
            for setting in &settings {
                document.set(setting);
            }
            document
        };
        Self::checked(py, read, given)
    }

    /// This scenario with other values at dotted paths: `scenario.set("host.memory=64",
    /// "policy.kind=static")`, or `scenario.set({"host.memory": 64, "vm.web.min": 2})`.
    #[pyo3(signature = (*settings))]
    fn set(&self, py: Python<'_>, settings: &Bound<'_, PyTuple>) -> PyResult<Self> {
        let mut document = self.document.clone();
        for setting in settings {
            if let Ok(values) = setting.cast::<PyDict>() {
                for setting in pairs(Some(values))? {
                    document.set(&setting);
                }
            } else {
                let text = setting.cast::<PyString>().map_err(|_| {
                    let shown = setting.repr().map(|text| text.to_string()).unwrap_or_default();
                    let expected = "a text such as \"host.memory=64\", or a dict";
                    PyTypeError::new_err(format!("a setting is {shown}, expected {expected}"))
                })?;
                document.set(&text.to_cow()?);
            }
        }
        Self::checked(py, move || document, self.traces.clone())
    }

    /// Its name: str.
    #[getter]
    fn name(&self) -> &str {
        &self.checked.name
    }

    /// The policy in force: str.
    #[getter]
    fn policy(&self) -> &str {
        self.checked.policy.name
    }

    /// All frames of the host: int.
    #[getter]
    fn memory(&self) -> u64 {
        self.checked.host.memory.0
    }

    /// The names of the VMs: list of str.
    #[getter]
    fn vms(&self) -> Vec<&str> {
        self.checked.vms.iter().map(|vm| vm.name.as_str()).collect()
    }

    /// The scenario as TOML, with every default filled in: str.
    #[getter]
    fn text(&self) -> String {
        self.checked.effective()
    }

    /// The trace of the VM of this name: Trace.
    fn trace(&self, vm: &str) -> PyResult<Trace> {
        let found = self.checked.vms.iter().find(|spec| spec.name == vm);
        found
            .map(|spec| Trace::shared(&spec.trace))
            .ok_or_else(|| PyKeyError::new_err(vm.to_owned()))
    }

    /// Runs the scenario: Run.
    ///
    /// `policy` is the name of a policy (by default the scenario's), or a class or an object with a
    /// method plan(self, view), which returns a dict from VMs' names to frames. `replacement`, an
    /// algorithm's name or a class, runs in every VM in place of its own. `series=True` keeps a row
    /// for each checkpoint and VM.
    ///
    /// >>> from balloonist import Scenario
    /// >>> class FirstFirst:
    /// ...     def plan(self, view):
    /// ...         rest = view.host - sum(vm.min for vm in view.vms[1:])
    /// ...         return {vm.name: vm.min for vm in view.vms} | {view.vms[0].name: rest}
    /// >>> scenario = Scenario.from_traces({"a": "1 2 3 1 2 3 1 2 3", "b": "7 7 7 7 7 7 7 7 7"},
    /// ...                                 memory=4, every=3)
    /// >>> scenario.run(FirstFirst).demand_faults
    /// 5
    #[pyo3(signature = (policy=None, *, replacement=None, series=false))]
    fn run(
        &self,
        py: Python<'_>,
        policy: Option<&Bound<'_, PyAny>>,
        replacement: Option<&Bound<'_, PyAny>>,
        series: bool,
    ) -> PyResult<Run> {
        let policy = policy.map_or(Ok(Chosen::Kind(self.checked.policy)), Chosen::read)?;
        let replacement = replacement.map(replacement::Chosen::read).transpose()?;
        let mut scenario = self.form(replacement);
        if let Chosen::Kind(kind) = policy {
            // It is the one in force now.
            Arc::make_mut(&mut scenario).policy = kind;
        }
        let run = policy.run(py, &scenario)?;
        let wanted = Wanted { series, ..Wanted::default() };
        let ran = if policy.is_own() || replacement.is_some_and(|chosen| chosen.is_own) {
            let mut signals = Signals::new();
            py.detach(|| running::run(&scenario, run, wanted, || signals.check()))?
        } else {
            let scenario = Arc::clone(&scenario);
            wait(py, None, move |task| running::run(&scenario, run, wanted, || task.goes_on()))??
        };
        let Ran { outcome, thinned, series, .. } = ran;
        Ok(Run { scenario, outcome, thinned, series, results: OnceLock::new() })
    }

    /// Runs the scenario under several policies and computes the bounds: Comparison.
    ///
    /// `policies` is a list of what `run` takes, or "all" (by default the scenario's `compare`).
    /// `replacements` is a second axis. `baseline` is the name of the policy that the others are
    /// compared with, by default the first. `opt_given` adds the faults of Belady's MIN under each
    /// policy's allocations, `opt_lru` the bound opt-lru. `progress` is False for no progress bar,
    /// or a callable that is told the runs done and all runs.
    #[pyo3(signature = (policies=None, *, replacements=None, baseline=None, opt_given=false,
                        opt_lru=false, progress=None))]
    #[expect(clippy::too_many_arguments, reason = "they are keywords in Python")]
    fn compare(
        &self,
        py: Python<'_>,
        policies: Option<&Bound<'_, PyAny>>,
        replacements: Option<Vec<Bound<'_, PyAny>>>,
        baseline: Option<&str>,
        opt_given: bool,
        opt_lru: bool,
        progress: Option<&Bound<'_, PyAny>>,
    ) -> PyResult<Comparison> {
        let policies = self.policies(policies)?;
        let replacements = replacements.unwrap_or_default();
        let replacements = replacements.iter().map(replacement::Chosen::read);
        let replacements = replacements.collect::<PyResult<Vec<_>>>()?;
        let place = baseline.map_or(Ok(0), |name| {
            let found = policies.iter().position(|policy| policy.name() == name);
            found.ok_or_else(|| {
                PyValueError::new_err(format!("baseline `{name}` is not among the policies"))
            })
        })?;
        let mut variants = Vec::new();
        for policy in &policies {
            if replacements.is_empty() {
                variants.push(Variant { policy, replacement: None, form: self.form(None) });
            }
            variants.extend(replacements.iter().map(|&replacement| {
                let form = self.form(Some(replacement));
                Variant { policy, replacement: Some(replacement), form }
            }));
        }
        let wanted = Wanted { opt_given, ..Wanted::default() };
        let (ran, bounds) = self.compared(py, &variants, (wanted, opt_lru), progress)?;
        let mut series = Vec::new();
        let mut runs = Vec::new();
        for (variant, ran) in variants.iter().zip(ran) {
            let kind = variant.replacement.map(|chosen| chosen.kind);
            let contender = Contender::new(&variant.form, kind, ran.outcome);
            runs.push(Contender { opt_given: ran.opt_given, ..contender });
            series.push(ran.thinned);
        }
        let baseline = place * replacements.len().max(1);
        let scenario = Arc::clone(&self.checked);
        Ok(Comparison { scenario, runs, bounds, baseline, series, results: OnceLock::new() })
    }

    /// The first step at which runs with two replacement algorithms differ: str, or None if they
    /// never do. Each is a name or a class, and runs in every VM; frames come and go as `policy`
    /// decides, by default the scenario's.
    ///
    /// >>> from balloonist import Scenario
    /// >>> traces = {"a": "1 2 1 3 1 4", "b": "7 7 7 7 7 7"}
    /// >>> scenario = Scenario.from_traces(traces, memory=4, every=2)
    /// >>> print(scenario.first_difference("fifo", "lru"))
    /// tick 3, VM `a`, access 3, page 3: fifo evicts page 1, lru evicts page 2
    #[pyo3(signature = (mine, reference, *, policy=None))]
    fn first_difference(
        &self,
        py: Python<'_>,
        mine: &Bound<'_, PyAny>,
        reference: &Bound<'_, PyAny>,
        policy: Option<&Bound<'_, PyAny>>,
    ) -> PyResult<Option<String>> {
        let policy = policy.map_or(Ok(Chosen::Kind(self.checked.policy)), Chosen::read)?;
        let [mine, reference] = [mine, reference].map(replacement::Chosen::read);
        let (mine, reference) = (mine?, reference?);
        let run = |chosen| {
            let scenario = self.form(Some(chosen));
            policy.run(py, &scenario).map(|run| (scenario, run))
        };
        let names = [mine.kind.name, reference.kind.name];
        check::of_runs(py, names, [run(mine)?, run(reference)?])
    }

    /// What no policy can beat: a Table with a row for each bound.
    ///
    /// >>> from balloonist import Scenario
    /// >>> scenario = Scenario.from_traces({"a": "1 2 3 1 2 3", "b": "7 7 7 7 7 7"}, memory=4)
    /// >>> scenario.bounds()["name"]
    /// ['cold', 'min', 'best-static', 'global-lru']
    fn bounds(&self, py: Python<'_>) -> PyResult<Table> {
        let scenario = Arc::clone(&self.checked);
        let bounds = wait(py, None, move |_| bound::all(&scenario))?;
        Ok(Table(rows::table(&rows::rows(&self.checked, &[], &bounds, 0))))
    }

    /// Runs the scenario at every point of a grid, many times, in parallel: Sweep. Results have the
    /// bytes of the command's, whatever `jobs` is.
    ///
    /// `axes` is a dict from dotted paths to lists of values, or to ranges such as "128..1024*2".
    /// `policies`, a list of names and classes or "all", is an axis too, and an axis of replacement
    /// algorithms may have classes among its values: these run on one thread, after all others, and
    /// each run makes its own objects. `seeds` is a pair, the first and the
    /// last seed; `repeat` is a number of repetitions under the scenario's seed; without axes the
    /// seeds are 1 to 1000. `baseline` is a dict from paths to the values that the others are
    /// compared with. `jobs` is the number of runs at a time, by default that of processors.
    ///
    /// >>> from balloonist import Scenario
    /// >>> scenario = Scenario.from_traces({"a": "1 2 3 1 2 3", "b": "7 7 7 7 7 7"},
    /// ...                                 memory=4, every=3)
    /// >>> sweep = scenario.sweep({"host.memory": [2, 4]}, policies=["static", "last-n"])
    /// >>> [row["demand_faults"] for row in sweep.runs.rows() if row["vm"] == "all"]
    /// [7, 7, 7, 5]
    #[pyo3(signature = (axes=None, *, policies=None, seeds=None, repeat=None, baseline=None,
                        jobs=None, progress=None))]
    #[expect(clippy::too_many_arguments, reason = "they are keywords in Python")]
    fn sweep(
        &self,
        py: Python<'_>,
        axes: Option<&Bound<'_, PyDict>>,
        policies: Option<&Bound<'_, PyAny>>,
        seeds: Option<&Bound<'_, PyAny>>,
        repeat: Option<u64>,
        baseline: Option<&Bound<'_, PyDict>>,
        jobs: Option<usize>,
        progress: Option<&Bound<'_, PyAny>>,
    ) -> PyResult<Sweep> {
        let mut classes = Classes::default();
        let policies = match policies {
            Some(all) if all.is_instance_of::<PyString>() => {
                let names: Vec<&str> = self.all_kinds(all)?.iter().map(|kind| kind.name).collect();
                Some(format!("policy.kind={}", names.join(",")))
            }
            listed => listed.map(|listed| classes.policies(listed)).transpose()?,
        };
        let varied = Varied {
            axes: axes.map(|axes| classes.axes(axes)).transpose()?.unwrap_or_default(),
            policies,
            seeds: seeds.map(seed_range).transpose()?,
            repeat,
            baseline: baseline.map(|of| classes.baseline(of)).transpose()?.unwrap_or_default(),
        };
        let (document, traces) = (self.document.clone(), self.traces.clone());
        sweep::run(py, (varied, &classes), document, traces, jobs, progress)
    }

    fn __repr__(&self) -> String {
        let scenario::Scenario { name, vms, host, .. } = &*self.checked;
        format!("<Scenario {name}: {} VMs on {} frames>", vms.len(), host.memory)
    }
}

/// One run of a comparison.
struct Variant<'a> {
    policy: &'a Chosen,
    replacement: Option<replacement::Chosen>,
    form: Arc<scenario::Scenario>,
}

impl Scenario {
    /// Reads and checks a document on another thread.
    fn checked(
        py: Python<'_>,
        read: impl FnOnce() -> Document + Send + 'static,
        mut traces: Traces,
    ) -> PyResult<Self> {
        let check = move |_: &_| {
            let document = read();
            let checked = document.check_with(&mut traces);
            checked.map(|checked| (document, traces, checked.scenario))
        };
        let (document, traces, checked) =
            wait(py, None, check)?.map_err(|found| of_scenario(&found))?;
        Ok(Self { document, traces, checked: Arc::new(checked) })
    }

    /// The scenario with an algorithm in all VMs, or with their own.
    fn form(&self, replacement: Option<replacement::Chosen>) -> Arc<scenario::Scenario> {
        match replacement {
            Some(chosen) => Arc::new(self.checked.with_replacement(chosen.kind)),
            None => Arc::clone(&self.checked),
        }
    }

    /// The policies of a comparison.
    fn policies(&self, policies: Option<&Bound<'_, PyAny>>) -> PyResult<Vec<Chosen>> {
        match policies {
            None => Ok(self.checked.compare.iter().copied().map(Chosen::Kind).collect()),
            Some(all) if all.is_instance_of::<PyString>() => {
                Ok(self.all_kinds(all)?.into_iter().map(Chosen::Kind).collect())
            }
            Some(list) => {
                let list = list.try_iter()?.map(|policy| Chosen::read(&policy?));
                let policies = list.collect::<PyResult<Vec<_>>>()?;
                if policies.is_empty() {
                    return Err(PyValueError::new_err("policies is empty, expected at least one"));
                }
                Ok(policies)
            }
        }
    }

    /// The policies that can run the scenario, for the word "all".
    fn all_kinds(&self, word: &Bound<'_, PyAny>) -> PyResult<Vec<&'static PolicyKind>> {
        if !word.eq("all")? {
            let text = format!("policies is {}, expected a list or \"all\"", word.repr()?);
            return Err(PyValueError::new_err(text));
        }
        Ok(balance::ALL.iter().filter(|kind| self.checked.fits(kind).is_ok()).collect())
    }

    /// Runs all variants, and the bounds: what runs Python code on this thread, all else in
    /// parallel on others.
    fn compared(
        &self,
        py: Python<'_>,
        variants: &[Variant<'_>],
        (wanted, opt_lru): (Wanted, bool),
        told: Option<&Bound<'_, PyAny>>,
    ) -> PyResult<(Vec<Ran>, Vec<Least>)> {
        let is_own = |variant: &Variant<'_>| {
            variant.policy.is_own() || variant.replacement.is_some_and(|chosen| chosen.is_own)
        };
        let mut work = Vec::new();
        for (at, variant) in variants.iter().enumerate().filter(|(_, variant)| !is_own(variant)) {
            // Whether it fits is said before anything runs.
            work.push((at, Arc::clone(&variant.form), variant.policy.run(py, &variant.form)?));
        }
        let scenario = Arc::clone(&self.checked);
        let all = variants.len();
        let in_parallel = move |task: &crate::wait::Task| {
            if all as u64 >= index::REPLAYS_MIN {
                scenario.index();
            }
            let one = |(at, scenario, policy): (usize, Arc<scenario::Scenario>, _)| {
                let ran = running::run(&scenario, policy, wanted, || task.goes_on())?;
                task.step();
                Ok((at, ran))
            };
            let runs = || work.into_par_iter().map(one).collect::<PyResult<Vec<_>>>();
            let (ran, mut bounds) = rayon::join(runs, || bound::all(&scenario));
            if opt_lru {
                let least = bound::opt_lru(&scenario).map_err(ScenarioError::new_err)?;
                bounds.push(Least::opt_lru(least, &bounds));
            }
            Ok::<_, PyErr>((ran?, bounds))
        };
        let bar = progress(py, told, all as u64)?;
        let (ran, bounds) = wait(py, bar.as_ref(), in_parallel)??;
        let mut done = ran.len() as u64;
        let mut slots: Vec<Option<Ran>> = variants.iter().map(|_| None).collect();
        for (at, ran) in ran {
            slots[at] = Some(ran);
        }
        for (variant, slot) in variants.iter().zip(&mut slots).filter(|(of, _)| is_own(of)) {
            let policy = variant.policy.run(py, &variant.form)?;
            let mut signals = Signals::new();
            let check = || signals.check();
            *slot = Some(py.detach(|| running::run(&variant.form, policy, wanted, check))?);
            done += 1;
            if let Some(bar) = &bar {
                bar.tell(done)?;
            }
        }
        Ok((slots.into_iter().flatten().collect(), bounds))
    }
}
