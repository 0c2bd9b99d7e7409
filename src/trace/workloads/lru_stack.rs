//! LRU stack: each access goes to a drawn depth of the LRU stack.
//!
//! *Idea.* Pages are kept in the order of their last use; an access draws a depth, takes the page
//! there and puts it on top. By construction, the LRU miss ratio with c frames is the probability
//! of a depth above c, so any miss-ratio curve can be produced.
//! *Follows.* The LRU stack model of J. R. Spirn, "Program Behavior: Models and Measurements",
//! Elsevier, 1977; R. L. Mattson et al., "Evaluation Techniques for Storage Hierarchies", IBM
//! Systems Journal 9(2), 1970.
//! *Departs.* Depths follow Zipf's law, 1 / depth^alpha; the stack starts with all pages in order,
//! so a first use has a depth like any other.
//! *Cost.* O(depth / 64) per access, because the stack is a sequence of rings of 64 pages; 20 bytes
//! per page.
//! *Parameters.* `pages` (pages, 1024, ours), `alpha` (1.2, ours: most depths are small), `writes`,
//! `first_page`.

use super::zipf::{ALPHA, Table};
use super::{FIRST_PAGE, PAGES, Sink, WRITES, WorkloadKind, WorkloadSpec};
use crate::params::{Param, Value};
use crate::units::Decimal;

pub(super) const KIND: WorkloadKind = WorkloadKind {
    name: "lru-stack",
    summary: "each access goes to a drawn depth of the LRU stack",
    follows: "Spirn, Program Behavior: Models and Measurements, Elsevier, 1977",
    params: &[PAGES, DEPTH_ALPHA, WRITES, FIRST_PAGE],
    nests: false,
    check: |_| Ok(()),
    generate,
};

const DEPTH_ALPHA: Param = Param {
    doc: "skew of the depths: with 0 all depths are equally likely, with 1.2 most are small",
    default: Value::Decimal(Decimal { digits: 12, places: 1 }),
    ..ALPHA
};

fn generate(spec: &WorkloadSpec, sink: &mut Sink<'_>) {
    let pages = spec.settings.integer(PAGES.name);
    let depths = Table::new(pages, spec.settings.decimal(DEPTH_ALPHA.name));
    let mut stack = Stack::new(pages as u32);
    for _ in 0..spec.accesses {
        let depth = depths.draw(sink.stream);
        sink.access(stack.raise(depth).into());
    }
}

const RING: usize = 64;

/// Pages in order, in rings of [`RING`] each: position p of ring r is its slot (start + p) mod
/// `RING`.
struct Stack {
    pages: Vec<[u32; RING]>,
    starts: Vec<u8>,
}

impl Stack {
    fn new(pages: u32) -> Self {
        let rings = (pages as usize).div_ceil(RING);
        let ring = |ring: usize| std::array::from_fn(|slot| (ring * RING + slot) as u32);
        Self { pages: (0..rings).map(ring).collect(), starts: vec![0; rings] }
    }

    /// Moves the page at `depth`, from 0, to the top and returns it.
    #[inline]
    fn raise(&mut self, depth: u32) -> u32 {
        let (found, position) = (depth as usize / RING, depth as usize % RING);
        let start = usize::from(self.starts[found]);
        let ring = &mut self.pages[found];
        let at = (start + position) % RING;
        let page = ring[at];
        // The pages above it move down by one place, wrapping around the end of the array.
        if at >= start {
            ring.copy_within(start..at, start + 1);
        } else {
            ring.copy_within(0..at, 1);
            ring[0] = ring[RING - 1];
            ring.copy_within(start..RING - 1, start + 1);
        }
        // That frees the top of the ring for the last page of the ring above.
        let mut free = start;
        for above in (0..found).rev() {
            let start = (usize::from(self.starts[above]) + RING - 1) % RING;
            self.starts[above] = start as u8;
            self.pages[above + 1][free] = self.pages[above][start];
            free = start;
        }
        self.pages[0][free] = page;
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
                assert_eq!(stack.raise(depth), page, "{pages} pages, depth {depth}");
            }
        }
    }
}
