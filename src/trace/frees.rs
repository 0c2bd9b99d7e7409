//! Pages that a guest frees: by `madvise`, `munmap`, a balloon or free page reporting, or when a
//! process ends.
//!
//! The content of a freed page is gone. Its frame, if it has one, is empty from then on, and the
//! next use of the page finds nothing to bring back: a cold fault. A free takes effect right after
//! the access before it and within its tick; the next access begins a run. A page that is not in
//! use cannot be freed.

use super::access::PageId;

/// The frees of a trace, in order. Most traces have none.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Frees {
    /// The run before which each happens, ascending; the number of runs for those after the last.
    runs: Vec<u32>,
    /// The page that each frees.
    pages: Vec<PageId>,
    /// The runs that use a page for the first time since it was freed, ascending.
    refills: Vec<u32>,
    /// The first runs of the pages that are free at the end, ascending: in a next pass they are
    /// cold again.
    ended: Vec<u32>,
}

impl Frees {
    /// The frees of these pages before these runs, in a trace whose runs use `run_pages`. `None` if
    /// they are out of order, or if one frees a page that is not in use.
    pub(crate) fn of(
        runs: Vec<u32>,
        pages: Vec<PageId>,
        run_pages: &[PageId],
        first_runs: &[u32],
    ) -> Option<Self> {
        let mut is_used = vec![false; first_runs.len()];
        let (mut refills, mut next) = (Vec::new(), 0);
        for (&until, &page) in runs.iter().zip(&pages) {
            use_all(run_pages, first_runs, &mut is_used, &mut refills, next..until)?;
            next = until;
            let is_used = is_used.get_mut(page as usize)?;
            if !std::mem::take(is_used) {
                return None;
            }
        }
        let end = run_pages.len() as u32;
        use_all(run_pages, first_runs, &mut is_used, &mut refills, next..end)?;
        let at_end = first_runs.iter().zip(&is_used).filter(|(_, is_used)| !**is_used);
        let ended = at_end.map(|(&first, _)| first).collect();
        Some(Self { runs, pages, refills, ended })
    }

    /// How many there are; at least one.
    #[expect(clippy::len_without_is_empty, reason = "a trace without frees has no list of them")]
    pub fn len(&self) -> usize {
        self.runs.len()
    }

    /// The page that each frees.
    pub fn pages(&self) -> &[PageId] {
        &self.pages
    }

    /// The run before which each happens, ascending; the number of runs for those after the last.
    pub fn runs(&self) -> &[u32] {
        &self.runs
    }

    /// How many happen before this run begins.
    pub(crate) fn before_run(&self, run: usize) -> usize {
        self.runs.partition_point(|&before| before as usize <= run)
    }

    /// How many happen before this run begins in a trace of `runs` runs; runs and frees are
    /// numbered over all passes.
    pub(crate) fn before_run_of_all(&self, run: u64, runs: u64) -> u64 {
        run / runs * self.len() as u64 + self.before_run((run % runs) as usize) as u64
    }

    /// The pages that are freed just before this run begins.
    pub(crate) fn just_before(&self, run: usize) -> &[PageId] {
        let from = self.runs.partition_point(|&before| (before as usize) < run);
        &self.pages[from..self.before_run(run)]
    }

    /// How many of the first `runs` runs use a page for the first time since it was freed; in a
    /// later pass over the trace also since it was freed in the pass before.
    pub(crate) fn refills(&self, first_pass: bool, runs: usize) -> usize {
        let among = |list: &[u32]| list.partition_point(|&run| (run as usize) < runs);
        among(&self.refills) + if first_pass { 0 } else { among(&self.ended) }
    }

    /// How many pages are free at the end of the trace.
    pub(crate) fn free_at_end(&self) -> usize {
        self.ended.len()
    }
}

/// Notes the uses of these runs. `None` if there are not so many.
fn use_all(
    run_pages: &[PageId],
    first_runs: &[u32],
    is_used: &mut [bool],
    refills: &mut Vec<u32>,
    runs: std::ops::Range<u32>,
) -> Option<()> {
    let used = run_pages.get(runs.start as usize..runs.end as usize)?;
    for (run, &page) in runs.zip(used) {
        let was_used = std::mem::replace(&mut is_used[page as usize], true);
        if !was_used && first_runs[page as usize] != run {
            refills.push(run);
        }
    }
    Some(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_pages_in_use_can_be_freed_and_in_order() {
        let frees = |runs: &[u32], pages: &[PageId]| {
            Frees::of(runs.to_vec(), pages.to_vec(), &[0, 1, 0, 0], &[0, 1])
        };
        let good = frees(&[1, 3, 4], &[0, 0, 1]).unwrap();
        assert_eq!((good.refills, good.ended), (vec![2, 3], vec![1]));
        assert!(frees(&[0], &[0]).is_none(), "nothing is used yet");
        assert!(frees(&[1], &[1]).is_none(), "page 1 is not used yet");
        assert!(frees(&[1, 1], &[0, 0]).is_none(), "it is free already");
        assert!(frees(&[2, 1], &[0, 0]).is_none(), "out of order");
        assert!(frees(&[5], &[0]).is_none(), "there are four runs");
        assert!(frees(&[2], &[2]).is_none(), "there are two pages");
    }
}
