//! Working set: a window of pages that drifts.
//!
//! *Idea.* Accesses fall evenly on a window of `window` pages; after every `drift` accesses the
//! window moves up by one page, and it wraps around at the last page. The demand is known by
//! construction: about `window` frames, with one cold or capacity fault per drift.
//! *Follows.* P. J. Denning, "The Working Set Model for Program Behavior", Communications of the
//! ACM 11(5), 1968: locality as a set that changes slowly.
//! *Departs.* The set is a window of neighbours and moves by one page at fixed intervals.
//! *Cost.* O(1) per access, no memory.
//! *Parameters.* `pages` (pages, 1024, ours), `window` (pages, 64, ours), `drift` (accesses a page,
//! 1000, ours), `writes`, `first_page`.

use super::{FIRST_PAGE, PAGES, Sink, WRITES, WorkloadKind, WorkloadSpec};
use crate::params::{Domain, Param, Value};

pub(super) const KIND: WorkloadKind = WorkloadKind {
    name: "working-set",
    summary: "a window of pages that drifts",
    follows: "Denning, The Working Set Model for Program Behavior, CACM 11(5), 1968",
    params: &[PAGES, WINDOW, DRIFT, WRITES, FIRST_PAGE],
    nests: false,
    check: |settings| {
        let (pages, window) = (settings.integer(PAGES.name), settings.integer(WINDOW.name));
        if window > pages {
            return Err(format!(
                "the window of {window} pages is larger than the {pages} pages of the workload"
            ));
        }
        Ok(())
    },
    generate,
};

const WINDOW: Param = Param {
    name: "window",
    doc: "pages in use at a time, at most `pages`",
    domain: Domain::Integer { min: 1, max: 1 << 26 },
    default: Value::Integer(64),
};

const DRIFT: Param = Param {
    name: "drift",
    doc: "accesses after which the window moves by one page; 1000 is slow for a window of 64",
    domain: Domain::Integer { min: 1, max: 1 << 40 },
    default: Value::Integer(1000),
};

fn generate(spec: &WorkloadSpec, sink: &mut Sink<'_>) {
    let pages = spec.settings.integer(PAGES.name);
    let window = spec.settings.integer(WINDOW.name);
    let drift = spec.settings.integer(DRIFT.name);
    let (mut start, mut left) = (0, drift);
    for _ in 0..spec.accesses {
        let page = start + sink.stream.below(window);
        sink.access(if page >= pages { page - pages } else { page });
        left -= 1;
        if left == 0 {
            left = drift;
            start = if start + 1 == pages { 0 } else { start + 1 };
        }
    }
}
