//! LRU stacks of guests that free pages: where a page lies for a VM whose allocation changes, and
//! where for one of a fixed size.
//!
//! *Idea.* A freed page leaves the full stack, and the pages below move up: so counts the
//! *distance* that the counter of [`lru`](crate::replace) compares with the resident count. For a
//! VM of a fixed size that is not enough. The frame of a freed page is empty, and no page returns
//! to it before a fault; so in the stack for all sizes at once a freed page leaves a *hole*. A page
//! that is used goes to the top; the pages above it move down as far as the first hole, which is
//! filled. If that hole was above the page, the page leaves a new one where it was. With c frames
//! an access hits if and only if its *position*, holes counted, is at most c.
//! *Follows.* R. L. Mattson, J. Gecsei, D. R. Slutz and I. L. Traiger, "Evaluation techniques for
//! storage hierarchies", IBM Systems Journal 9(2), 1970; holes are those of J. G. Thompson and A.
//! J. Smith, "Efficient (stack) algorithms for analysis of write-back and sector memories", ACM
//! Transactions on Computer Systems 7(1), 1989.
//! *Departs.* Proof for one size c: the resident pages are those among the first c places. A hit at
//! p ≤ c permutes the first c places, holes included. A fault fills the first hole h if h ≤ c, an
//! empty frame, and else moves the page at place c down, the victim; a new hole at p > c is
//! outside. A second pass over the trace begins with the holes of the first. Later ones equal the
//! second: with c frames, either a page of the trace was replaced in the first pass, and from then
//! on the VM was as full as any with c frames, or none was, and at the end all pages in use are
//! resident.
//! *Cost.* That of [`distances`](super::distances) twice, and O(log holes) where there are some; 40
//! bytes per page while they are computed.
//! *Parameters.* None.

use std::collections::BinaryHeap;

use super::access::PageId;
use super::columns::Columns;
use super::distances::{COLD, LruStack};
use super::frees::Frees;

/// What the runs and the frees of a pass find in the stack.
#[derive(Clone, Debug)]
pub(super) struct Pass {
    /// For each run, the distance without holes.
    pub(super) distances: Vec<u32>,
    /// For each run, the position with holes.
    pub(super) positions: Vec<u32>,
    /// For each free, the distance of its page.
    pub(super) free_depths: Vec<u32>,
}

/// The first pass over a trace with frees, or the second.
pub(super) fn pass(trace: &Columns, frees: &Frees, first: bool) -> Pass {
    let mut stack = LruStack::new(trace.distinct_pages());
    let mut holed = Stack::new(trace.distinct_pages(), true);
    let mut pass = one_pass(trace, frees, &mut stack, &mut holed);
    if !first {
        pass = one_pass(trace, frees, &mut stack, &mut holed);
    }
    pass
}

fn one_pass(trace: &Columns, frees: &Frees, stack: &mut LruStack, holed: &mut Stack) -> Pass {
    let pages = trace.run_pages();
    let mut distances = vec![0; pages.len()];
    let mut positions = Vec::with_capacity(pages.len());
    let mut free_depths = Vec::with_capacity(frees.len());
    let mut next = 0;
    for (&until, &page) in frees.runs().iter().zip(frees.pages()) {
        let runs = next..until as usize;
        next = runs.end;
        stack.depths(&pages[runs.clone()], &mut distances[runs.clone()]);
        positions.extend(pages[runs].iter().map(|&page| holed.depth(page)));
        free_depths.push(stack.depth(page));
        stack.forget(page);
        holed.free(page);
    }
    stack.depths(&pages[next..], &mut distances[next..]);
    positions.extend(pages[next..].iter().map(|&page| holed.depth(page)));
    Pass { distances, positions, free_depths }
}

/// A stack with holes. Without frees it is a plain [`LruStack`].
pub(super) struct Stack {
    stack: LruStack,
    holes: Option<Holes>,
}

/// The holes stand in the stack as pages with numbers above those of all pages.
struct Holes {
    /// When each page was used last; 0 if it is not in the stack.
    last: Vec<u64>,
    now: u64,
    /// The holes, the latest first, and when the page that left each was used last.
    latest: BinaryHeap<(u64, PageId)>,
    /// Numbers of holes that are filled.
    unused: Vec<PageId>,
    next: PageId,
}

impl Stack {
    /// An empty stack for pages below `pages`, which can be freed or not.
    pub(super) fn new(pages: usize, has_frees: bool) -> Self {
        let holes = || Holes {
            last: vec![0; pages],
            now: 0,
            latest: BinaryHeap::new(),
            unused: Vec::new(),
            next: pages as PageId,
        };
        Self {
            // There are no more holes than pages have been in use at one time.
            stack: LruStack::new(if has_frees { 2 * pages } else { pages }),
            holes: has_frees.then(holes),
        }
    }

    /// Uses a page and returns the position at which it was found, or [`COLD`].
    #[inline(always)]
    pub(super) fn depth(&mut self, page: PageId) -> u32 {
        match &mut self.holes {
            None => self.stack.depth(page),
            Some(holes) => holes.depth(&mut self.stack, page),
        }
    }

    /// Takes a page out of the stack, as if it had never been used.
    pub(super) fn forget(&mut self, page: PageId) {
        self.stack.forget(page);
        if let Some(holes) = &mut self.holes {
            holes.last[page as usize] = 0;
        }
    }

    /// Frees a page, which leaves a hole if it is in the stack.
    pub(super) fn free(&mut self, page: PageId) {
        let Some(holes) = &mut self.holes else { return };
        let last = std::mem::take(&mut holes.last[page as usize]);
        if last == 0 {
            return;
        }
        let hole = holes.unused.pop().unwrap_or_else(|| {
            holes.next += 1;
            holes.next - 1
        });
        self.stack.rename(page, hole);
        holes.latest.push((last, hole));
    }
}

impl Holes {
    fn depth(&mut self, stack: &mut LruStack, page: PageId) -> u32 {
        self.now += 1;
        let last = std::mem::replace(&mut self.last[page as usize], self.now);
        let Some((used, hole)) = self.latest.pop() else { return stack.depth(page) };
        if last == 0 {
            // A new page fills the first hole.
            let depth = stack.depth(page);
            stack.forget(hole);
            self.unused.push(hole);
            debug_assert_eq!(depth, COLD, "a page that is not in the stack is cold");
            depth
        } else if used > last {
            // The first hole is above the page: it is filled, and the page leaves another.
            self.latest.push((last, hole));
            stack.depth_leaving(page, hole)
        } else {
            self.latest.push((used, hole));
            stack.depth(page)
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::random::{Generator, Stream};
    use crate::trace::{Trace, TraceBuilder};
    use crate::units::Page;
    use std::collections::VecDeque;

    /// A trace of random uses and frees.
    fn random(draw: &mut Stream) -> Trace {
        let (length, pages) = (1 + draw.below(60), 1 + draw.below(9));
        let mut builder = TraceBuilder::default();
        for _ in 0..length {
            builder.push(Page(draw.below(pages)));
            while draw.below(3) == 0 {
                builder.free(Page(draw.below(pages)));
            }
        }
        builder.finish()
    }

    /// LRU with a fixed number of frames, page by page, over two passes: which runs fault.
    fn faults(trace: &Trace, frames: usize) -> [Vec<bool>; 2] {
        let mut list: VecDeque<PageId> = VecDeque::new();
        [(); 2].map(|()| {
            let mut faults = Vec::new();
            for (run, &page) in trace.run_pages().iter().enumerate() {
                let found = list.iter().position(|&other| other == page);
                faults.push(found.is_none());
                match found {
                    Some(at) => drop(list.remove(at)),
                    None if list.len() == frames => drop(list.pop_back()),
                    None => {}
                }
                list.push_front(page);
                let freed = trace.frees().map_or(&[][..], |frees| frees.just_before(run + 1));
                list.retain(|page| !freed.contains(page));
            }
            faults
        })
    }

    #[test]
    fn with_any_number_of_frames_the_runs_that_lie_deeper_fault() {
        let mut draw = Stream::new(Generator::ChaCha8, 1, 0, "test/holes");
        let mut holes = 0;
        for _ in 0..3_000 {
            let trace = random(&mut draw);
            let Some(frees) = trace.frees() else { continue };
            let passes = [true, false].map(|first| pass(&trace, frees, first));
            for frames in 1..=trace.distinct_pages() + 1 {
                let expected = faults(&trace, frames);
                for (pass, expected) in passes.iter().zip(&expected) {
                    let deeper = |&position: &u32| position as usize > frames;
                    let found: Vec<bool> = pass.positions.iter().map(deeper).collect();
                    assert_eq!(&found, expected, "{trace:?} {frames}");
                }
            }
            holes += passes.iter().filter(|pass| pass.positions != pass.distances).count();
        }
        assert!(holes > 1_000, "{holes}");
    }

    #[test]
    fn a_third_pass_equals_the_second() {
        let mut draw = Stream::new(Generator::ChaCha8, 2, 0, "test/holes");
        for _ in 0..2_000 {
            let trace = random(&mut draw);
            let Some(frees) = trace.frees() else { continue };
            let (mut stack, mut holed) =
                (LruStack::new(trace.distinct_pages()), Stack::new(trace.distinct_pages(), true));
            let passes =
                [(); 4].map(|()| one_pass(&trace, frees, &mut stack, &mut holed).positions);
            assert!(passes[1..].windows(2).all(|pair| pair[0] == pair[1]), "{trace:?}");
        }
    }
}
