//! Uniform: every page is equally likely.
//!
//! *Idea.* Each access draws one of the pages. There is no locality, so all replacement algorithms
//! fault equally often: a baseline.
//! *Follows.* The independent reference model with equal probabilities: A. V. Aho, P. J. Denning,
//! J. D. Ullman, "Principles of Optimal Page Replacement", Journal of the ACM 18(1), 1971.
//! *Departs.* Nowhere.
//! *Cost.* O(1) per access, no memory.
//! *Parameters.* `pages` (pages, 1024, ours), `writes`, `first_page`.

use super::{FIRST_PAGE, PAGES, Sink, WRITES, WorkloadKind, WorkloadSpec};

pub(super) const KIND: WorkloadKind = WorkloadKind {
    name: "uniform",
    summary: "every page is equally likely",
    follows: "Aho, Denning, Ullman, Principles of Optimal Page Replacement, JACM 18(1), 1971",
    params: &[PAGES, WRITES, FIRST_PAGE],
    nests: false,
    check: |_| Ok(()),
    generate,
};

fn generate(spec: &WorkloadSpec, sink: &mut Sink<'_>) {
    let pages = spec.settings.integer(PAGES.name);
    for _ in 0..spec.accesses {
        let page = sink.stream.below(pages);
        sink.access(page);
    }
}
