//! What can be named: policies, algorithms, observers, workloads, formats.

use balloonist::table;
use pyo3::prelude::*;

use crate::tables::Table;

/// A table of names and what they mean.
fn named<'k>(kinds: impl Iterator<Item = (&'k str, &'k str)>) -> Table {
    let mut table = table::Table::new(&["name", "summary"]);
    kinds.for_each(|(name, summary)| table.push(vec![name.into(), summary.into()]));
    Table(table)
}

/// Every balancing policy: a Table of name and summary. docs/reference.md has their parameters.
#[pyfunction]
pub fn policies() -> Table {
    named(balloonist::balance::ALL.iter().map(|kind| (kind.name, kind.summary)))
}

/// Every replacement algorithm: a Table of name and summary.
#[pyfunction]
pub fn replacements() -> Table {
    named(balloonist::replace::ALL.iter().map(|kind| (kind.name, kind.summary)))
}

/// Every observer that a policy may name in `observes`: a Table of name and summary.
#[pyfunction]
pub fn observers() -> Table {
    named(balloonist::observe::ALL.iter().map(|kind| (kind.name, kind.summary)))
}

/// Every kind of workload: a Table of name and summary.
#[pyfunction]
pub fn workloads() -> Table {
    named(balloonist::trace::workloads::ALL.iter().map(|kind| (kind.name, kind.summary)))
}

/// Every format of traces that can be read: a Table of name and summary.
#[pyfunction]
pub fn formats() -> Table {
    named(balloonist::formats::ALL.iter().map(|kind| (kind.name, kind.summary)))
}
