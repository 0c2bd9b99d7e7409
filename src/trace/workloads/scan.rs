//! Scan: each page in turn, never used again.
//!
//! *Idea.* Each page is used `repeats` times in a row and never again, as in a backup or a table
//! scan. No replacement algorithm can avoid the faults; a good one protects other pages from the
//! scan.
//! *Follows.* The sequential reference pattern of the buffer-management literature: H.-T. Chou, D.
//! J. DeWitt, "An Evaluation of Buffer Management Strategies for Relational Database Systems",
//! VLDB 1985.
//! *Departs.* A stride may leave pages out.
//! *Cost.* O(1) per access, no memory; draws random numbers only for `writes`.
//! *Parameters.* `repeats` (accesses a page, 1, ours), `stride` (pages, 1, ours), `writes`,
//! `first_page`.

use super::{FIRST_PAGE, Sink, WRITES, WorkloadKind, WorkloadSpec};
use crate::params::{Domain, Param, Value};

pub(super) const KIND: WorkloadKind = WorkloadKind {
    name: "scan",
    summary: "each page in turn, never used again",
    follows: "Chou, DeWitt, An Evaluation of Buffer Management Strategies, VLDB 1985",
    params: &[REPEATS, STRIDE, WRITES, FIRST_PAGE],
    nests: false,
    check: |_| Ok(()),
    generate,
};

/// Accesses to a page before the next page.
pub(super) const REPEATS: Param = Param {
    name: "repeats",
    doc: "accesses to a page before the next page; 1 is the plain pattern",
    domain: Domain::Integer { min: 1, max: 1 << 20 },
    default: Value::Integer(1),
};

const STRIDE: Param = Param {
    name: "stride",
    doc: "distance in pages from one page to the next; 1 skips none",
    domain: Domain::Integer { min: 1, max: 1 << 20 },
    default: Value::Integer(1),
};

fn generate(spec: &WorkloadSpec, sink: &mut Sink<'_>) {
    let repeats = spec.settings.integer(REPEATS.name);
    let stride = spec.settings.integer(STRIDE.name);
    for at in 0..spec.accesses {
        sink.access(at / repeats * stride);
    }
}
