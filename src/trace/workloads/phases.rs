//! Phases: other workloads, one after the other.
//!
//! *Idea.* A program changes what it does: a scan, then a loop, then a scan again. Each phase is a
//! workload of its own with its own accesses; `rounds` repeats the whole sequence.
//! *Follows.* A. P. Batson, A. W. Madison, "Measurements of Major Locality Phases in Symbolic
//! Reference Strings", SIGMETRICS 1976: programs live in phases with abrupt changes between.
//! *Departs.* Phases have fixed lengths.
//! *Cost.* That of the phases. All draw from one stream, one after the other.
//! *Parameters.* `rounds` (times, 1, ours).
//!
//! In a scenario: `workload = { kind = "phases", of = [{ kind = "scan", accesses = 1000 }, …] }`.

use super::WorkloadKind;
use crate::params::{Domain, Param, Value};

pub(super) const KIND: WorkloadKind = WorkloadKind {
    name: "phases",
    summary: "other workloads, one after the other",
    follows: "Batson, Madison, Measurements of Major Locality Phases, SIGMETRICS 1976",
    params: &[ROUNDS],
    nests: true,
    check: |_| Ok(()),
    generate: |_, _| unreachable!("a nesting workload is generated phase by phase"),
};

/// How often the sequence is repeated.
pub(super) const ROUNDS: Param = Param {
    name: "rounds",
    doc: "times that the sequence of phases is made",
    domain: Domain::Integer { min: 1, max: 1 << 20 },
    default: Value::Integer(1),
};
