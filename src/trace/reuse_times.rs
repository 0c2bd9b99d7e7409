//! Reuse times: how many accesses ago each access used its page last.

use super::columns::Columns;

/// The reuse time of an access that uses its page for the first time, or for the first time since
/// the page was freed.
pub const NEVER: u64 = u64::MAX;

/// The reuse time of each access of `trace`: its position less that of the previous access to the
/// same page, so at least 1; [`NEVER`] if there is none.
///
/// ```
/// use balloonist::trace::{Trace, reuse_times::{NEVER, reuse_times}};
/// let trace = Trace::from_pages([5, 6, 6, 5]);
/// assert_eq!(reuse_times(&trace), [NEVER, NEVER, 1, 3]);
/// ```
pub fn reuse_times(trace: &Columns) -> Vec<u64> {
    let mut last = vec![NEVER; trace.distinct_pages()];
    let mut times = Vec::with_capacity(trace.accesses() as usize);
    let mut at = 0;
    for run in trace.runs(0, trace.accesses()) {
        let last_use = &mut last[run.page as usize];
        times.push(if *last_use == NEVER { NEVER } else { at - *last_use });
        times.extend((1..run.accesses).map(|_| 1));
        at += run.accesses;
        *last_use = at - 1;
        for &page in trace.freed_after(at - 1) {
            last[page as usize] = NEVER;
        }
    }
    times
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::trace::TraceBuilder;
    use crate::units::Page;

    #[test]
    fn a_freed_page_is_new_again() {
        let mut builder = TraceBuilder::default();
        builder.push(Page(1));
        builder.push(Page(2));
        builder.free(Page(1));
        builder.push(Page(1));
        builder.push(Page(2));
        builder.push(Page(2));
        assert_eq!(reuse_times(&builder.finish()), [NEVER, NEVER, NEVER, 2, 1]);
    }
}
