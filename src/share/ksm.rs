//! ksm: pass after pass over all pages; what has not changed between two passes is compared.
//!
//! *Idea.* The host's kernel looks at so many pages at a time, VM after VM and page by page. A page
//! that equals a shared frame goes there. Else it is only noted until it is found unchanged in the
//! next pass; then it is compared with the other unchanged pages of this pass, and two equal ones
//! become a shared frame.
//! *Follows.* `mm/ksm.c` and `Documentation/admin-guide/mm/ksm.rst` of Linux (torvalds/linux,
//! 0118fb8 and 0b65631): `pages_to_scan`, `sleep_millisecs`, `max_page_sharing`, `use_zero_pages`,
//! the stable and the unstable tree, checksums that must equal those of the pass before.
//! A. Arcangeli, I. Eidus and C. Wright, "Increasing memory density by using KSM", Linux Symposium
//! 2009.
//! *Departs.* A checksum collides with no other. `smart_scan`, the advisor and NUMA nodes are not
//! modelled, and neither is the thread's own time: VMs do not wait for it. A page that shares the
//! host's page of zeros counts as a look, which the kernel passes over for nothing.
//! *Cost.* O(log shared frames) for a page looked at; a page that is not resident costs a 64th of
//! a step.
//! *Parameters.* `every`: ticks between scans; 20 ms in the kernel. `pages`: looked at in a scan;
//! 100. `max_sharing`: pages in a frame; 256. `zero_pages`: 0, or 1 if pages of zeros share the
//! host's own. All as in the kernel.

use std::collections::BTreeMap;

use super::content::{Class, OWN, ZERO};
use super::table::Table;
use super::{Looks, Pages, Scanner, ScannerKind, Scanning};
use crate::trace::PageId;

pub(super) const KIND: ScannerKind = ScannerKind {
    name: "ksm",
    summary: "pass after pass over all pages; those that stay unchanged for a pass are compared",
    follows: "Linux, mm/ksm.c; A. Arcangeli, I. Eidus and C. Wright, Increasing memory density by \
              using KSM, Linux Symposium 2009",
    pages: 100,
    max_sharing: 256,
    build: |spec, pages, _| {
        Box::new(Ksm {
            zero_pages: spec.zero_pages,
            at: (0, 0),
            noted: pages.iter().map(|&pages| vec![0; pages]).collect(),
            unstable: BTreeMap::new(),
            pass: 1,
        })
    },
};

/// The scanner's place and what it remembers.
#[derive(Debug)]
struct Ksm {
    zero_pages: bool,
    /// The VM and the place in its pages that are looked at next.
    at: (usize, usize),
    /// The pass that last noted each page of each VM, with a content that it can share; 0 if none
    /// did. A page that a pass does not find is forgotten.
    noted: Vec<Vec<u32>>,
    /// The unchanged pages of this pass, by content.
    unstable: BTreeMap<Class, (usize, PageId)>,
    /// The pass that is under way, from 1.
    pass: u32,
}

impl Scanner for Ksm {
    fn scan(
        &mut self,
        scanning: Scanning,
        pages: &dyn Pages,
        table: &mut Table,
        looks: &mut Looks,
    ) {
        for _ in 0..scanning.pages {
            let Some((vm, page)) = self.advance(pages) else {
                // The pass is over, and the scan with it; unchanged pages are compared anew.
                self.unstable.clear();
                self.at = (0, 0);
                self.pass = self.pass.saturating_add(1);
                return;
            };
            looks.note(vm);
            self.look((vm, page), pages, table);
        }
    }

    fn full_scans(&self) -> u64 {
        u64::from(self.pass) - 1
    }
}

impl Ksm {
    /// The next resident page.
    fn advance(&mut self, pages: &dyn Pages) -> Option<(usize, PageId)> {
        while self.at.0 < pages.vms() {
            if let Some((place, page)) = pages.next(self.at.0, self.at.1) {
                self.at.1 = place + 1;
                return Some((self.at.0, page));
            }
            self.at = (self.at.0 + 1, 0);
        }
        None
    }

    /// Looks at a page, which may go into a frame with others.
    fn look(&mut self, here: (usize, PageId), pages: &dyn Pages, table: &mut Table) {
        let (vm, page) = here;
        let content = pages.content(vm, page);
        // A page that shares is passed over, and what nothing else can equal finds nothing.
        if content == OWN || table.has(vm, page) {
            return;
        }
        // A page that equals a shared frame goes there, if that is not full.
        let is_of_host = self.zero_pages && content == ZERO;
        if !is_of_host && table.join(vm, page, content) {
            return;
        }
        // What the pass before did not find as it is now is only noted. A content that can be
        // shared has never been written, so it is the same whenever the page was looked at.
        let before = std::mem::replace(&mut self.noted[vm][page as usize], self.pass);
        if before + 1 != self.pass || before == 0 {
            return;
        }
        if is_of_host {
            table.map_to_host(vm, page);
            return;
        }
        // Two unchanged pages of this pass that are still equal become a shared frame.
        table.pair_or_keep(&mut self.unstable, here, pages);
    }
}
