//! Classes of the user's in sweeps: the values of axes, and what runs at each point.

use std::sync::Arc;

use balloonist::replace::ReplacementKind;
use balloonist::scenario::{Document, Grid, Own as Names, Scenario};
use balloonist::simulate::PolicyRun;
use pyo3::exceptions::{PyTypeError, PyValueError};
use pyo3::prelude::*;
use pyo3::types::{PyDict, PyString, PyType};

use crate::policy::Chosen;
use crate::replacement;
use crate::values::{quoted, toml};

/// The axis of policies.
const POLICY: &str = "policy.kind";

/// The classes that the axes of a sweep name.
#[derive(Default)]
pub struct Classes {
    policies: Vec<Chosen>,
    names: Names,
}

impl Classes {
    /// The axes of a sweep, from a dict of lists or of ranges as the command writes them.
    pub fn axes(&mut self, axes: &Bound<'_, PyDict>) -> PyResult<Vec<String>> {
        let written = |(path, values): (Bound<'_, PyAny>, Bound<'_, PyAny>)| {
            let path: String = path.extract()?;
            if let Ok(text) = values.cast::<PyString>() {
                return Ok(format!("{path}={}", text.to_cow()?));
            }
            let items = values.try_iter().map_err(|_| {
                let expected = "a list of values, or a range such as \"32..512*2\"";
                let shown = values.repr().map(|text| text.to_string()).unwrap_or_default();
                PyTypeError::new_err(format!("axis {path} is {shown}, expected {expected}"))
            })?;
            let values = items.map(|value| self.value(&path, &value?));
            Ok(format!("{path}=[{}]", values.collect::<PyResult<Vec<_>>>()?.join(", ")))
        };
        axes.iter().map(written).collect()
    }

    /// The axis of policies, from names and classes.
    pub fn policies(&mut self, policies: &Bound<'_, PyAny>) -> PyResult<String> {
        let values = policies.try_iter()?.map(|policy| self.value(POLICY, &policy?));
        Ok(format!("{POLICY}=[{}]", values.collect::<PyResult<Vec<_>>>()?.join(", ")))
    }

    /// The values of the baseline.
    pub fn baseline(&mut self, values: &Bound<'_, PyDict>) -> PyResult<Vec<String>> {
        let pair = |(path, value): (Bound<'_, PyAny>, Bound<'_, PyAny>)| {
            let path: String = path.extract()?;
            Ok(format!("{path}={}", self.value(&path, &value)?))
        };
        values.iter().map(pair).collect()
    }

    /// A value of an axis. A class is written as its name, and kept.
    fn value(&mut self, path: &str, value: &Bound<'_, PyAny>) -> PyResult<String> {
        let is_class = value.is_instance_of::<PyType>();
        if path == POLICY && (is_class || value.hasattr("plan")?) {
            return self.policy(value, is_class);
        }
        if !is_class {
            return toml(value);
        }
        let replacement::Chosen { kind, .. } = replacement::Chosen::read(value)?;
        let is_twin = |known: &&&ReplacementKind| known.name == kind.name;
        match self.names.replacements.iter().find(is_twin) {
            Some(known) if !std::ptr::eq(*known, kind) => return Err(twice(kind.name)),
            Some(_) => {}
            None => self.names.replacements.push(kind),
        }
        Ok(quoted(kind.name))
    }

    fn policy(&mut self, value: &Bound<'_, PyAny>, is_class: bool) -> PyResult<String> {
        let chosen = Chosen::read(value)?;
        let name = chosen.name().to_owned();
        if !is_class {
            return Err(PyTypeError::new_err(format!(
                "policy `{name}` is an object, expected its class: each run of a sweep starts anew"
            )));
        }
        if chosen.knows_the_future() {
            return Err(PyValueError::new_err(format!(
                "policy `{name}` observes the future, and sweeps rank policies; use run or compare"
            )));
        }
        match self.policies.iter().find(|known| known.name() == name) {
            Some(known) if !known.is(value) => return Err(twice(&name)),
            Some(_) => {}
            None => {
                self.names.policies.push(name.clone().leak());
                self.policies.push(chosen);
            }
        }
        Ok(quoted(&name))
    }

    /// Lets a document name the classes.
    pub fn allow_in(&self, document: &mut Document) {
        document.allow_own(self.names.clone());
    }

    /// Whether Python code runs at a point.
    pub fn run_at(&self, grid: &Grid, point: u64) -> bool {
        let is_own = |label: &String| {
            self.names.policies.contains(&label.as_str())
                || self.names.replacements.iter().any(|kind| kind.name == label)
        };
        grid.labels(point).iter().any(is_own)
    }

    /// The policy of a point, for one run.
    pub fn policy_at(
        &self,
        py: Python<'_>,
        (grid, point): (&Grid, u64),
        scenario: &Arc<Scenario>,
    ) -> PyResult<PolicyRun> {
        let at = grid.paths().position(|path| path == POLICY);
        let label = at.map(|at| grid.labels(point).swap_remove(at));
        match self.policies.iter().find(|own| label.as_deref() == Some(own.name())) {
            Some(own) => own.run(py, scenario),
            None => Ok(scenario.policy.run(scenario)),
        }
    }
}

fn twice(name: &str) -> PyErr {
    PyValueError::new_err(format!("two classes are called `{name}`; give one another name"))
}
