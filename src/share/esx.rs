//! esx: looks at pages drawn at random; hints of pages that found no match.
//!
//! *Idea.* Each VM has some of its pages looked at, chosen at random. A page that equals a shared
//! frame goes there. Else its content is kept as a hint, and the next page that equals it, and
//! finds it unchanged, shares a frame with it.
//! *Follows.* C. A. Waldspurger, "Memory resource management in VMware ESX Server", OSDI 2002,
//! section 4. Rates: `Mem.ShareScanVM` and `Mem.ShareScanTotal` of the manual of VMware ESX Server
//! 2.
//! *Departs.* A hash collides with no other. The paper also looks at a page that is about to be
//! paged out; here no host pages beside sharing. A page may be drawn twice in a scan.
//! *Cost.* O(log shared frames) for a page looked at, and a step for 64 pages of the VM to draw it.
//! *Parameters.* `every`: ticks between scans; 1 s in the manual. `pages`: looked at in a scan of
//! all VMs, divided equally; 200 there. `per_vm`: at most so many of one VM; 50. `max_sharing`:
//! pages in a frame; without a limit.

use std::collections::BTreeMap;

use super::content::{Class, OWN};
use super::table::Table;
use super::{Looks, Pages, Scanner, ScannerKind, Scanning};
use crate::random::Stream;
use crate::trace::PageId;

pub(super) const KIND: ScannerKind = ScannerKind {
    name: "esx",
    summary: "looks at pages drawn at random, and keeps hints of those that equal no other yet",
    follows: "C. A. Waldspurger, Memory resource management in VMware ESX Server, OSDI 2002",
    pages: 200,
    // The largest number that a scenario can say.
    max_sharing: i64::MAX.unsigned_abs(),
    build: |spec, _, stream| {
        Box::new(Esx { per_vm: spec.per_vm, draw: stream(), hints: BTreeMap::new() })
    },
};

/// The hints, and what the draws come from.
struct Esx {
    per_vm: u64,
    draw: Stream,
    /// A page of each content that was looked at and matched none.
    hints: BTreeMap<Class, (usize, PageId)>,
}

impl Scanner for Esx {
    fn scan(
        &mut self,
        scanning: Scanning,
        pages: &dyn Pages,
        table: &mut Table,
        looks: &mut Looks,
    ) {
        let has_pages = |vm: &usize| pages.count(*vm) > 0;
        let present = (0..pages.vms()).filter(has_pages).count() as u64;
        let each = scanning.pages.checked_div(present).unwrap_or(0).max(1).min(self.per_vm);
        let mut left = scanning.pages;
        for vm in (0..pages.vms()).filter(has_pages) {
            for _ in 0..each.min(left) {
                let page = pages.nth(vm, self.draw.below(pages.count(vm)));
                looks.note(vm);
                self.look((vm, page), pages, table);
                left -= 1;
            }
        }
    }

    fn full_scans(&self) -> u64 {
        0
    }
}

impl Esx {
    /// Looks at a page, which may go into a frame with others.
    fn look(&mut self, here: (usize, PageId), pages: &dyn Pages, table: &mut Table) {
        let (vm, page) = here;
        let content = pages.content(vm, page);
        // A page that shares already, or that nothing else can equal.
        if content == OWN || table.has(vm, page) || table.join(vm, page, content) {
            return;
        }
        table.pair_or_keep(&mut self.hints, here, pages);
    }
}

#[cfg(test)]
mod tests {
    use super::super::content::ZERO;
    use super::*;
    use crate::random::Generator;

    /// Pages that are all resident.
    struct Held(Vec<Vec<Class>>);

    impl Pages for Held {
        fn vms(&self) -> usize {
            self.0.len()
        }

        fn next(&self, vm: usize, from: usize) -> Option<(usize, PageId)> {
            (from < self.0[vm].len()).then_some((from, from as PageId))
        }

        fn count(&self, vm: usize) -> u64 {
            self.0[vm].len() as u64
        }

        fn nth(&self, _: usize, nth: u64) -> PageId {
            nth as PageId
        }

        fn content(&self, vm: usize, page: PageId) -> Class {
            self.0[vm][page as usize]
        }

        fn is_resident(&self, _: usize, _: PageId) -> bool {
            true
        }
    }

    fn esx(per_vm: u64) -> Esx {
        let draw = Stream::new(Generator::ChaCha8, 1, 0, "test/esx");
        Esx { per_vm, draw, hints: BTreeMap::new() }
    }

    /// Two VMs with pages 0 and 1 of an image and two pages of zeros are looked at and write in
    /// this order; the frames saved after each step were worked out by hand.
    #[test]
    fn hints_are_checked_before_they_are_used() {
        let image = [2, 3, ZERO, ZERO];
        let mut pages = Held(vec![image.to_vec(), image.to_vec()]);
        let (mut table, mut esx) = (Table::new(u64::MAX, &[4, 4]), esx(1));
        let steps: [(usize, PageId, bool, u64); 13] = [
            (0, 0, false, 0),
            (1, 1, false, 0),
            // The page of a hint is written, so the hint is stale and is replaced.
            (1, 1, true, 0),
            (0, 1, false, 0),
            (1, 0, false, 1),
            (0, 2, false, 1),
            (1, 3, false, 2),
            (0, 3, true, 2),
            (0, 3, false, 2),
            (1, 2, false, 3),
            // A page that shares is passed over.
            (1, 2, false, 3),
            (0, 0, true, 2),
            // Nobody else maps its frame any more.
            (1, 0, true, 2),
        ];
        for (at, (vm, page, writes, saving)) in steps.into_iter().enumerate() {
            if writes {
                if table.has(vm, page) {
                    table.part(vm, page);
                }
                pages.0[vm][page as usize] = OWN;
            } else {
                esx.look((vm, page), &pages, &mut table);
            }
            assert_eq!(table.saving().0, saving, "step {at}");
            #[cfg(debug_assertions)]
            table.audit(&pages);
        }
    }

    #[test]
    fn looks_are_divided_among_the_vms() {
        let pages = Held(vec![vec![ZERO; 9], vec![], vec![OWN; 9], vec![OWN; 9]]);
        let looks_of = |all: u64, per_vm: u64| {
            let (mut table, mut looks) = (Table::new(u64::MAX, &[9, 0, 9, 9]), Looks::default());
            let scanning = Scanning { every: crate::units::Ticks(1), pages: all };
            esx(per_vm).scan(scanning, &pages, &mut table, &mut looks);
            looks.iter().copied().collect::<Vec<_>>()
        };
        assert_eq!(looks_of(12, 50), [(0, 4), (2, 4), (3, 4)]);
        assert_eq!(looks_of(12, 3), [(0, 3), (2, 3), (3, 3)]);
        assert_eq!(looks_of(2, 50), [(0, 1), (2, 1)]);
    }
}
