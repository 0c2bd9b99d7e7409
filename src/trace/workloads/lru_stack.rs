//! LRU stack: each access goes to a drawn depth of the LRU stack.
//!
//! *Idea.* The pages stand in the order of their last use; an access draws a depth, takes the page
//! there and puts it on top. The LRU faults with c frames are then, by construction, the chance of
//! a depth beyond c: a miss-ratio curve made to measure.
//! *Follows.* The LRU stack model of J. R. Spirn, "Program Behavior: Models and Measurements",
//! Elsevier, 1977; R. L. Mattson et al., "Evaluation Techniques for Storage Hierarchies", IBM
//! Systems Journal 9(2), 1970.
//! *Departs.* Depths follow Zipf's law, 1 / depth^alpha; the stack begins with all pages in order,
//! so a first use has a depth like any other.
//! *Cost.* O(√depth) an access: the stack is a chain of rings of 256 pages; 12 bytes a page.
//! *Knobs.* `pages` (pages, 1024, ours), `alpha` (1.2, ours: most depths are small), `writes`,
//! `first_page`.

use super::zipf::{ALPHA, Table};
use super::{FIRST_PAGE, PAGES, Sink, WRITES, WorkloadKind, WorkloadSpec};
use crate::knobs::{Knob, Value};
use crate::units::Decimal;

pub(super) const KIND: WorkloadKind = WorkloadKind {
    name: "lru-stack",
    summary: "each access goes to a drawn depth of the LRU stack",
    follows: "Spirn, Program Behavior: Models and Measurements, Elsevier, 1977",
    knobs: &[PAGES, DEPTH_ALPHA, WRITES, FIRST_PAGE],
    nests: false,
    check: |_| Ok(()),
    generate,
};

const DEPTH_ALPHA: Knob = Knob {
    doc: "skew of the depths: 0 draws every depth alike, 1.2 mostly small ones",
    default: Value::Decimal(Decimal { digits: 12, places: 1 }),
    ..ALPHA
};

fn generate(spec: &WorkloadSpec, sink: &mut Sink<'_>) {
    let pages = spec.settings.integer(PAGES.name);
    let depths = Table::new(pages, spec.settings.decimal(DEPTH_ALPHA.name));
    let mut stack = Stack::new(pages as u32);
    for _ in 0..spec.accesses {
        let depth = depths.draw(sink.stream);
        sink.access(stack.to_top(depth).into());
    }
}

const RING: usize = 256;

/// Pages in order, in rings of [`RING`] each: position p of ring r is slot `start + p` of it.
struct Stack {
    pages: Vec<u32>,
    starts: Vec<u8>,
}

impl Stack {
    fn new(pages: u32) -> Self {
        let rings = (pages as usize).div_ceil(RING);
        Self { pages: (0..(rings * RING) as u32).collect(), starts: vec![0; rings] }
    }

    /// Moves the page at `depth`, from 0, to the top and returns it.
    #[inline]
    fn to_top(&mut self, depth: u32) -> u32 {
        let (ring, position) = (depth as usize / RING, depth as u8);
        let slot = |start: u8, position: u8| usize::from(start.wrapping_add(position));
        let start = self.starts[ring];
        let last = &mut self.pages[ring * RING..(ring + 1) * RING];
        let page = last[slot(start, position)];
        for at in (1..=position).rev() {
            last[slot(start, at)] = last[slot(start, at - 1)];
        }
        // The first place of each ring is free for the last page of the ring before.
        let mut free = slot(start, 0);
        for ring in (0..ring).rev() {
            let start = self.starts[ring].wrapping_sub(1);
            let end = ring * RING + usize::from(start);
            self.pages[(ring + 1) * RING + free] = self.pages[end];
            self.starts[ring] = start;
            free = usize::from(start);
        }
        self.pages[free] = page;
        page
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::random::{Generator, Stream};

    #[test]
    fn rings_move_pages_as_a_plain_list_does() {
        let mut stream = Stream::new(Generator::ChaCha8, 3, 0, "test");
        for pages in [1_u32, 2, 255, 256, 257, 1000] {
            let mut stack = Stack::new(pages);
            let mut plain: Vec<u32> = (0..pages).collect();
            for _ in 0..3000 {
                let depth = stream.below(pages.into()) as u32;
                let page = plain.remove(depth as usize);
                plain.insert(0, page);
                assert_eq!(stack.to_top(depth), page, "{pages} pages, depth {depth}");
            }
        }
    }
}
