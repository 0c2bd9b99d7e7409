//! The native half of the Python package `balloonist`: what Python sees of the library, one file a
//! concept. It converts values and errors and decides nothing.

mod check;
mod curve;
mod errors;
mod html;
mod lists;
mod nest;
mod own;
mod policy;
mod raised;
mod replacement;
mod results;
mod running;
mod scenario;
mod sweep;
mod tables;
mod trace;
mod values;
mod wait;

use pyo3::prelude::*;

#[pymodule]
mod _native {
    #[pymodule_export]
    use super::check::first_difference;
    #[pymodule_export]
    use super::curve::{Curve, mrc};
    #[pymodule_export]
    use super::errors::{Error, PolicyError, ScenarioError, TraceError};
    #[pymodule_export]
    use super::lists::{formats, observers, policies, replacements, workloads};
    #[pymodule_export]
    use super::policy::{Counts, View, VmView};
    #[pymodule_export]
    use super::results::{Comparison, Run};
    #[pymodule_export]
    use super::scenario::Scenario;
    #[pymodule_export]
    use super::sweep::Sweep;
    #[pymodule_export]
    use super::tables::Table;
    #[pymodule_export]
    use super::trace::{Trace, read};

    #[pymodule_export]
    const VERSION: &str = env!("CARGO_PKG_VERSION");
    #[pymodule_export]
    const COLD: u32 = balloonist::trace::distances::COLD;
    #[pymodule_export]
    const NEVER: u64 = balloonist::trace::reuse_times::NEVER;
}
