//! What Python code raised inside a run. The library knows no exceptions, so the first one waits
//! here until the run, which goes on without Python code, is left on the same thread.

use std::cell::RefCell;

use pyo3::prelude::*;

thread_local! {
    static RAISED: RefCell<Option<PyErr>> = const { RefCell::new(None) };
}

/// Keeps an exception, unless an earlier one waits.
pub fn keep(error: PyErr) {
    RAISED.with_borrow_mut(|raised| {
        raised.get_or_insert(error);
    });
}

/// Whether an exception waits.
pub fn waits() -> bool {
    RAISED.with_borrow(Option::is_some)
}

/// The exception that waits, if one does.
pub fn take() -> Option<PyErr> {
    RAISED.take()
}
