//! Loop: the same pages in the same order, again and again.
//!
//! *Idea.* A cycle over `pages` pages. With one frame fewer, LRU faults on every access and MIN on
//! few: the largest possible gap between them.
//! *Follows.* The looping reference pattern of H.-T. Chou, D. J. DeWitt, "An Evaluation of Buffer
//! Management Strategies for Relational Database Systems", VLDB 1985.
//! *Departs.* Nowhere.
//! *Cost.* O(1) per access, no memory; draws random numbers only for `writes`.
//! *Parameters.* `pages` (pages, 1024, ours), `repeats` (accesses a page, 1, ours), `writes`,
//! `first_page`.

use super::scan::REPEATS;
use super::{FIRST_PAGE, PAGES, Sink, WRITES, WorkloadKind, WorkloadSpec};

pub(super) const KIND: WorkloadKind = WorkloadKind {
    name: "loop",
    summary: "the same pages in the same order, again and again",
    follows: "Chou, DeWitt, An Evaluation of Buffer Management Strategies, VLDB 1985",
    params: &[PAGES, REPEATS, WRITES, FIRST_PAGE],
    nests: false,
    check: |_| Ok(()),
    generate,
};

fn generate(spec: &WorkloadSpec, sink: &mut Sink<'_>) {
    let pages = spec.settings.integer(PAGES.name);
    let repeats = spec.settings.integer(REPEATS.name);
    let (mut page, mut left) = (0, repeats);
    for _ in 0..spec.accesses {
        sink.access(page);
        left -= 1;
        if left == 0 {
            left = repeats;
            page = if page + 1 == pages { 0 } else { page + 1 };
        }
    }
}
