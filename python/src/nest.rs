//! Runs within runs: Python code that a run calls may run something itself.

use std::cell::Cell;

use pyo3::exceptions::PyRecursionError;
use pyo3::prelude::*;

/// The deepest nesting. Each level takes stack that Python's own limit does not know of.
const MOST: u32 = 16;

thread_local! {
    static DEPTH: Cell<u32> = const { Cell::new(0) };
}

/// One level, until it is dropped.
pub struct Level(());

impl Level {
    /// Goes a level deeper on this thread.
    pub fn deeper() -> PyResult<Self> {
        let depth = DEPTH.get();
        if depth == MOST {
            let text = format!("runs call runs more than {MOST} deep");
            return Err(PyRecursionError::new_err(text));
        }
        DEPTH.set(depth + 1);
        Ok(Self(()))
    }
}

impl Drop for Level {
    fn drop(&mut self) {
        DEPTH.set(DEPTH.get() - 1);
    }
}
