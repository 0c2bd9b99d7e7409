//! The exceptions of the package.

use balloonist::formats::{ReadError, ReadErrorKind};
use balloonist::scenario::Diagnostics;
use pyo3::create_exception;
use pyo3::exceptions::{PyException, PyFileNotFoundError, PyOSError};
use pyo3::prelude::*;

create_exception!(
    balloonist,
    Error,
    PyException,
    "What balloonist refuses; the base of the others."
);
create_exception!(balloonist, TraceError, Error, "A trace that cannot be read or written.");
create_exception!(
    balloonist,
    ScenarioError,
    Error,
    "A scenario with errors: all of them, as text."
);
create_exception!(balloonist, PolicyError, Error, "A policy's plan that the host refuses.");

/// The exception for a trace that cannot be read.
pub fn of_read(path: &str, error: &ReadError) -> PyErr {
    let text = format!("{path}: {}", error.message);
    match error.kind {
        ReadErrorKind::Missing => PyFileNotFoundError::new_err(text),
        ReadErrorKind::Unreadable => PyOSError::new_err(text),
        _ => TraceError::new_err(text),
    }
}

/// The exception for a scenario with errors.
pub fn of_scenario(found: &Diagnostics) -> PyErr {
    ScenarioError::new_err(found.render(false).trim_end().to_owned())
}
