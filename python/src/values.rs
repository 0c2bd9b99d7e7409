//! Values of Python as scenarios write them.

use std::fmt::Write as _;

use pyo3::exceptions::PyTypeError;
use pyo3::prelude::*;
use pyo3::types::{PyDict, PyFloat, PyList, PyString, PyTuple};

/// A value in TOML. A float is written as Python shows it, and read back exactly.
pub fn toml(value: &Bound<'_, PyAny>) -> PyResult<String> {
    if let Ok(text) = value.cast::<PyString>() {
        return Ok(quoted(&text.to_cow()?));
    }
    if let Ok(is) = value.extract::<bool>() {
        return Ok(is.to_string()); // Also NumPy's.
    }
    if value.is_instance_of::<PyFloat>() {
        // NumPy shows its own otherwise.
        return Ok(PyFloat::new(value.py(), value.extract()?).repr()?.to_string());
    }
    if value.is_instance_of::<PyList>() || value.is_instance_of::<PyTuple>() {
        let items = value.try_iter()?.map(|item| toml(&item?));
        return Ok(format!("[{}]", items.collect::<PyResult<Vec<_>>>()?.join(", ")));
    }
    if let Ok(values) = value.cast::<PyDict>() {
        let pair = |(key, value): (Bound<'_, PyAny>, Bound<'_, PyAny>)| {
            Ok(format!("{} = {}", quoted(&key.extract::<String>()?), toml(&value)?))
        };
        let pairs = values.iter().map(pair).collect::<PyResult<Vec<_>>>()?;
        return Ok(format!("{{ {} }}", pairs.join(", ")));
    }
    // Also NumPy's integers.
    value.extract::<i128>().map(|number| number.to_string()).map_err(|_| {
        let shown = value.repr().map(|text| text.to_string()).unwrap_or_default();
        PyTypeError::new_err(format!(
            "a value is {shown}, expected str, int, float, bool, or a list or dict of them"
        ))
    })
}

/// A text in quotes.
pub fn quoted(text: &str) -> String {
    let mut out = String::from("\"");
    for letter in text.chars() {
        match letter {
            '"' | '\\' => out.extend(['\\', letter]),
            control if control.is_control() => {
                let _ = write!(out, "\\u{:04X}", u32::from(control));
            }
            other => out.push(other),
        }
    }
    out + "\""
}

/// The name of a replacement algorithm in a scenario, which cannot hold a class.
pub fn replacement_name(replacement: &Bound<'_, PyAny>) -> PyResult<String> {
    if replacement.is_instance_of::<PyString>() {
        return toml(replacement);
    }
    Err(PyTypeError::new_err(format!(
        "replacement is {}, expected an algorithm's name; run, compare, sweep and mrc take classes",
        replacement.repr()?
    )))
}

/// The first and the last of a range of seeds.
pub fn seed_range(seeds: &Bound<'_, PyAny>) -> PyResult<(u64, u64)> {
    seeds.extract().map_err(|_| {
        let shown = seeds.repr().map(|text| text.to_string()).unwrap_or_default();
        let expected = "a pair of whole numbers: the first and the last";
        PyTypeError::new_err(format!("seeds is {shown}, expected {expected}"))
    })
}

/// The items of a dict as settings such as `host.memory=64`.
pub fn pairs(values: Option<&Bound<'_, PyDict>>) -> PyResult<Vec<String>> {
    let pair = |(path, value): (Bound<'_, PyAny>, Bound<'_, PyAny>)| {
        Ok(format!("{}={}", path.extract::<String>()?, toml(&value)?))
    };
    values.into_iter().flatten().map(pair).collect()
}
