//! Balancing policies: those of the list, and classes in Python.

use balloonist::balance::{self, Plan, Policy, PolicyError, PolicyKind};
use balloonist::observe::{self, ObserverKind};
use balloonist::params::{Param, Settings};
use balloonist::random::Stream;
use balloonist::scenario::{Scenario, meant};
use balloonist::simulate::PolicyRun;
use balloonist::units::Frames;
use numpy::PyArray1;
use pyo3::exceptions::{PyKeyError, PyTypeError, PyValueError};
use pyo3::prelude::*;
use pyo3::types::{PyDict, PyString, PyTuple, PyType};

use crate::errors::ScenarioError;
use crate::raised;

/// What a policy may know at a checkpoint. `view["web"]` is the VM of that name.
///
/// It is a copy: a policy may keep it, and nothing that is done to it changes the run.
#[pyclass(frozen, module = "balloonist", get_all)]
pub struct View {
    /// The tick of the checkpoint: int.
    tick: u64,
    /// All frames of the host: int.
    host: u64,
    /// The VMs on the host now, in the scenario's order: tuple of VmView.
    vms: Py<PyTuple>,
}

#[pymethods]
impl View {
    fn __len__(&self, py: Python<'_>) -> usize {
        self.vms.bind(py).len()
    }

    fn __getitem__<'py>(&self, py: Python<'py>, name: &str) -> PyResult<Bound<'py, PyAny>> {
        for vm in self.vms.bind(py) {
            if vm.cast::<VmView>()?.get().name == name {
                return Ok(vm);
            }
        }
        Err(PyKeyError::new_err(name.to_owned()))
    }

    fn __repr__(&self, py: Python<'_>) -> String {
        let vms = self.vms.bind(py).len();
        format!("<View at tick {}: {} frames, {vms} VMs>", self.tick, self.host)
    }
}

/// What a policy may know of one VM.
///
/// `curve`, `distinct`, `active` and `shadow_hits` are None unless the policy's class names the
/// observer that measures them in `observes`.
#[pyclass(frozen, module = "balloonist", get_all)]
pub struct VmView {
    /// Its name: str.
    name: String,
    /// The fewest frames that it may hold: int.
    min: u64,
    /// The most frames that it may hold: int.
    max: u64,
    /// Its weight where frames are divided by shares: int.
    shares: u64,
    /// The frames that it may hold now: int.
    allocation: u64,
    /// The frames that it was last ordered to hold: int.
    target: u64,
    /// The frames that hold a page: int.
    resident: u64,
    /// What happened since the policy was last asked: Counts.
    interval: Counts,
    /// What happened since the VM started: Counts.
    total: Counts,
    /// LRU's demand faults in recent intervals with 0, 1, … frames, and with more as with the last:
    /// array of float64; of the observers "curve", "sampled-curve" and others with curves.
    curve: Option<Py<PyArray1<f64>>>,
    /// The distinct pages of the interval: int; of the observer "window".
    distinct: Option<u64>,
    /// An estimate of the frames in use: int; of the observer "active".
    active: Option<u64>,
    /// The faults that a few more frames would have prevented: int; of the observer "shadow".
    shadow_hits: Option<u64>,
}

#[pymethods]
impl VmView {
    fn __repr__(&self) -> String {
        format!("<VmView {}: {} frames>", self.name, self.allocation)
    }
}

/// Counts of a VM's accesses.
#[pyclass(frozen, module = "balloonist", get_all)]
#[derive(Clone, Copy)]
pub struct Counts {
    /// Accesses made: int.
    accesses: u64,
    /// Accesses that found their page in a frame: int.
    hits: u64,
    /// Accesses to pages that were not in the guest's memory: int.
    demand_faults: u64,
    /// Demand faults on the first access ever to a page: int.
    cold_faults: u64,
    /// Demand faults that are not cold: int.
    capacity_faults: u64,
    /// Demand faults into a frame that an evicted page had to leave: int.
    replacement_misses: u64,
    /// Demand faults into an empty frame: int.
    fills: u64,
    /// Demand faults that found their page in a tier: int.
    found: u64,
    /// Capacity faults that no tier answered, which read swap space or a disk: int.
    store_reads: u64,
    /// Accesses to a page of the guest's memory that the host had paged out: int; 0 unless the host
    /// pages. They are neither hits nor demand faults.
    host_faults: u64,
    /// Dirty pages written back at their eviction: int; 0 unless that costs or the host pages.
    write_backs: u64,
}

#[pymethods]
impl Counts {
    fn __repr__(&self) -> String {
        format!("<Counts: {} demand faults of {} accesses>", self.demand_faults, self.accesses)
    }
}

impl From<balloonist::replace::Counts> for Counts {
    fn from(counts: balloonist::replace::Counts) -> Self {
        Self {
            accesses: counts.accesses,
            hits: counts.hits(),
            demand_faults: counts.demand_faults,
            cold_faults: counts.cold_faults,
            capacity_faults: counts.capacity_faults(),
            replacement_misses: counts.replacement_misses,
            fills: counts.fills(),
            found: counts.found.tiers,
            store_reads: counts.store_reads(),
            host_faults: counts.found.host_swap,
            write_backs: counts.write_backs,
        }
    }
}

/// A policy as callers name it.
pub enum Chosen {
    /// One of the list.
    Kind(&'static PolicyKind),
    /// A class, of which each run makes an object, or an object.
    Own(Py<PyAny>, Own),
}

/// What is known of a policy in Python before it runs.
#[derive(Clone)]
pub struct Own {
    pub name: String,
    observers: &'static [&'static ObserverKind],
}

impl Chosen {
    /// Reads a name, or an object or a class with a method `plan`.
    pub fn read(policy: &Bound<'_, PyAny>) -> PyResult<Self> {
        if let Ok(name) = policy.cast::<PyString>() {
            return named(&name.to_cow()?).map(Self::Kind);
        }
        if !policy.hasattr("plan")? {
            return Err(PyTypeError::new_err(format!(
                "policy is {}, expected the name of a policy, or a class or an object with a \
                 method plan(self, view)",
                policy.repr()?
            )));
        }
        let class = policy.cast::<PyType>().map_or_else(|_| policy.get_type(), Clone::clone);
        let name = own_name(policy, &class)?;
        if balance::ALL.iter().any(|kind| kind.name == name) {
            let text = format!("a policy of the list is called `{name}`; give yours another name");
            return Err(PyValueError::new_err(text));
        }
        let observers = observers(policy)?;
        Ok(Self::Own(policy.clone().unbind(), Own { name, observers }))
    }

    /// Its name in results.
    pub fn name(&self) -> &str {
        match self {
            Self::Kind(kind) => kind.name,
            Self::Own(_, own) => &own.name,
        }
    }

    /// Whether it runs Python code.
    pub fn is_own(&self) -> bool {
        matches!(self, Self::Own(..))
    }

    /// Whether it is this object or class.
    pub fn is(&self, value: &Bound<'_, PyAny>) -> bool {
        matches!(self, Self::Own(own, _) if own.is(value))
    }

    /// Whether it is a yardstick.
    pub fn knows_the_future(&self) -> bool {
        match self {
            Self::Kind(kind) => kind.is_yardstick(),
            Self::Own(_, own) => own.observers.iter().any(|kind| kind.knows_the_future),
        }
    }

    /// The policy for one run, if it can run the scenario.
    pub fn run(&self, py: Python<'_>, scenario: &Scenario) -> PyResult<PolicyRun> {
        match self {
            Self::Kind(kind) => {
                scenario.fits(kind).map_err(ScenarioError::new_err)?;
                Ok(kind.run(scenario))
            }
            Self::Own(policy, own) => {
                let policy = policy.bind(py);
                let object = if policy.is_instance_of::<PyType>() {
                    policy.call0()?
                } else {
                    policy.clone()
                };
                let plan = object.getattr("plan")?.unbind();
                let params = own.observers.iter().flat_map(|kind| kind.params.iter().cloned());
                let settings = Settings::defaults(&params.collect::<Vec<Param>>());
                let name = own.name.clone();
                let policy = InPython { plan, observers: own.observers };
                Ok(PolicyRun::new(name, Box::new(policy)).observing(own.observers, settings))
            }
        }
    }
}

/// The policy of this name.
pub fn named(name: &str) -> PyResult<&'static PolicyKind> {
    balance::ALL.iter().find(|kind| kind.name == name).ok_or_else(|| {
        let known = || balance::ALL.iter().map(|kind| kind.name);
        let remedy = match meant(name, known()) {
            Some(meant) => format!("did you mean `{meant}`?"),
            None => format!("expected one of {}", known().collect::<Vec<_>>().join(", ")),
        };
        PyValueError::new_err(format!("no policy is called `{name}`, {remedy}"))
    })
}

/// What results call a class of the caller's, or an object: its attribute `name`, or else the name
/// of the class.
pub fn own_name(own: &Bound<'_, PyAny>, class: &Bound<'_, PyType>) -> PyResult<String> {
    let Some(name) = own.getattr_opt("name")? else { return class.name()?.extract() };
    let text = name.cast::<PyString>().ok().map(PyStringMethods::to_cow).transpose()?;
    let plain = |text: &&str| !text.trim().is_empty() && !text.contains(char::is_control);
    match text.as_deref().filter(plain) {
        Some(text) => Ok(text.to_owned()),
        None => Err(PyTypeError::new_err(format!(
            "the name of {} is {}, expected a str in one line",
            class.repr()?,
            name.repr()?
        ))),
    }
}

/// The observers that a policy names in `observes`.
fn observers(policy: &Bound<'_, PyAny>) -> PyResult<&'static [&'static ObserverKind]> {
    let Some(names) = policy.getattr_opt("observes")? else { return Ok(&[]) };
    let names: Vec<String> = names.extract()?;
    let mut kinds = Vec::new();
    for name in &names {
        let known = observe::ALL.iter().find(|kind| kind.name == name);
        kinds.push(*known.ok_or_else(|| {
            let known: Vec<&str> = observe::ALL.iter().map(|kind| kind.name).collect();
            let known = known.join(", ");
            PyValueError::new_err(format!("observes `{name}`, expected some of {known}"))
        })?);
    }
    // Policies of the list have theirs for as long as the program runs, and so have these.
    Ok(kinds.leak())
}

/// A policy in Python at work in one run.
struct InPython {
    /// Its bound method.
    plan: Py<PyAny>,
    observers: &'static [&'static ObserverKind],
}

impl Policy for InPython {
    fn plan(&mut self, view: &balance::View, _: &mut Stream) -> Result<Plan, PolicyError> {
        Python::attach(|py| {
            let shown = self.shown(py, view)?;
            let reply = self.plan.bind(py).call1((shown,))?;
            read(&reply, view)
        })
        .map_err(|error: PyErr| {
            raised::keep(error);
            PolicyError::failed("its class raised an exception")
        })
    }
}

impl InPython {
    /// The view as Python sees it.
    fn shown(&self, py: Python<'_>, view: &balance::View) -> PyResult<View> {
        let vms = view.vms.iter().map(|vm| Bound::new(py, self.vm(py, vm)));
        let vms = PyTuple::new(py, vms.collect::<PyResult<Vec<_>>>()?)?.unbind();
        Ok(View { tick: view.at.0, host: view.host.0, vms })
    }

    fn vm(&self, py: Python<'_>, vm: &balance::VmView) -> VmView {
        let has = |names: &[&str]| self.observers.iter().any(|kind| names.contains(&kind.name));
        let curve = |faults: &[u64]| {
            let one = observe::Curve::ONE as f64;
            PyArray1::from_iter(py, faults.iter().map(|&weight| weight as f64 / one)).unbind()
        };
        let seen = &vm.seen;
        VmView {
            name: vm.name.to_string(),
            min: vm.bounds.min.0,
            max: vm.bounds.max.0,
            shares: vm.shares,
            allocation: vm.allocation.0,
            target: vm.target.0,
            resident: vm.resident.0,
            interval: vm.interval.into(),
            total: vm.total.into(),
            curve: (!seen.curve.faults.is_empty()).then(|| curve(&seen.curve.faults)),
            distinct: has(&["window"]).then_some(seen.window.distinct.0),
            active: has(&["active"]).then_some(seen.active.frames.0),
            shadow_hits: has(&["shadow", "shadow-of-size"]).then_some(seen.shadow_hits),
        }
    }
}

/// A whole number from 0 on. An object that stands for an integer will do, such as one of NumPy's,
/// but no float, nor True, NumPy's included, which older NumPys take for 1.
pub fn whole(value: &Bound<'_, PyAny>) -> PyResult<u64> {
    if value.extract::<bool>().is_ok() {
        return Err(PyTypeError::new_err("a bool is no number"));
    }
    value.extract()
}

/// The plan of a reply: a dict from VMs' names to frames. A VM that is left out keeps its target.
fn read(reply: &Bound<'_, PyAny>, view: &balance::View) -> PyResult<Plan> {
    let Ok(reply) = reply.cast::<PyDict>() else {
        return Err(PyTypeError::new_err(format!(
            "plan() returned {}, expected a dict from the names of VMs to frames",
            reply.repr()?
        )));
    };
    let mut plan = Plan::unchanged(view);
    for (name, frames) in reply {
        let named = name.cast::<PyString>().ok().map(PyStringMethods::to_cow).transpose()?;
        let at = view.vms.iter().position(|vm| named.as_deref() == Some(&*vm.name));
        let Some(at) = at else {
            let known: Vec<&str> = view.vms.iter().map(|vm| &*vm.name).collect();
            return Err(PyValueError::new_err(format!(
                "plan() returned a target for {}, expected VMs that are present: {}",
                name.repr()?,
                known.join(", ")
            )));
        };
        plan.0[at] = Frames(whole(&frames).map_err(|cause| {
            let shown = frames.repr().map(|text| text.to_string()).unwrap_or_default();
            let error = PyTypeError::new_err(format!(
                "plan() returned {shown} for VM `{}`, expected a whole number of frames from 0 on",
                view.vms[at].name
            ));
            error.set_cause(frames.py(), Some(cause));
            error
        })?);
    }
    Ok(plan)
}
