//! The future of a trace: when each page is used next. Used by bounds and yardsticks only.

use super::{PageId, Trace};

/// The next uses of a trace's pages: 8 bytes per run, 8 per page.
#[derive(Debug)]
pub(crate) struct Future {
    /// For each run, the access that begins the next run of its page in the same pass.
    next: Vec<u64>,
    /// For each page, the access that uses it first.
    first: Vec<u64>,
    /// The accesses of a pass.
    accesses: u64,
}

/// The page is not used again in this pass.
const NEVER: u64 = u64::MAX;

/// The page is freed before it is used again.
const FREED: u64 = u64::MAX - 1;

impl Future {
    /// The future of this trace.
    pub(crate) fn of(trace: &Trace) -> Self {
        let runs = trace.run_pages().len();
        let mut next = vec![NEVER; runs];
        let mut first = vec![NEVER; trace.distinct_pages()];
        let mut last_run = vec![usize::MAX; trace.distinct_pages()];
        let has_frees = trace.has_frees();
        let mut at = 0;
        for (index, run) in trace.runs(0, trace.accesses()).enumerate() {
            let page = run.page as usize;
            match last_run[page] {
                usize::MAX => first[page] = at,
                last if next[last] != FREED => next[last] = at,
                _ => {}
            }
            last_run[page] = index;
            at += run.accesses;
            if has_frees {
                for &page in trace.freed_after(at - 1) {
                    next[last_run[page as usize]] = FREED;
                }
            }
        }
        Self { next, first, accesses: trace.accesses() }
    }

    /// The access that begins the page's next run after `run`, in the pass that began at access
    /// `pass_begins` or in the pass after it. Accesses are numbered over all passes; `None` if the
    /// page is freed before, and on overflow.
    #[inline(always)]
    pub(crate) fn next_use(&self, run: usize, page: PageId, pass_begins: u64) -> Option<u64> {
        match self.next[run] {
            NEVER => {
                let next_pass = pass_begins.checked_add(self.accesses)?;
                next_pass.checked_add(self.first[page as usize])
            }
            FREED => None,
            next => Some(pass_begins + next),
        }
    }
}
