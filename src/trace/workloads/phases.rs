//! Phases: other workloads, one after the other.
//!
//! *Idea.* A program changes its behaviour: a scan, then a loop, then a scan again. Each phase is a
//! workload with its own number of accesses; `rounds` repeats the whole sequence.
//! *Follows.* A. P. Batson, A. W. Madison, "Measurements of Major Locality Phases in Symbolic
//! Reference Strings", SIGMETRICS 1976: programs run in phases with abrupt transitions.
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

/// The number of rounds.
pub(super) const ROUNDS: Param = Param {
    name: "rounds",
    doc: "how often the sequence of phases is run",
    domain: Domain::Integer { min: 1, max: 1 << 20 },
    default: Value::Integer(1),
};
