//! What a scanner of equal pages sees and does.

use super::Scanning;
use super::content::Class;
use super::table::Table;
use crate::trace::PageId;

/// What a scanner may see of the VMs' pages.
pub(crate) trait Pages {
    /// How many VMs there are.
    fn vms(&self) -> usize;

    /// The VM's next resident page from this place on, in the order of the trace's page numbers,
    /// and its place.
    fn next(&self, vm: usize, from: usize) -> Option<(usize, PageId)>;

    /// How many pages of the VM are resident.
    fn count(&self, vm: usize) -> u64;

    /// The resident page with so many before it in the order of numbers.
    fn nth(&self, vm: usize, nth: u64) -> PageId;

    /// What the page holds now.
    fn content(&self, vm: usize, page: PageId) -> Class;

    /// Whether the page is in a frame.
    fn is_resident(&self, vm: usize, page: PageId) -> bool;
}

/// How often a scan looked at pages of a VM, in order.
#[derive(Debug, Default)]
pub(crate) struct Looks(Vec<(usize, u64)>);

impl Looks {
    /// Notes a look at a page of the VM.
    pub(crate) fn note(&mut self, vm: usize) {
        match self.0.last_mut() {
            Some((last, looks)) if *last == vm => *looks += 1,
            _ => self.0.push((vm, 1)),
        }
    }

    /// VMs and looks at their pages.
    pub(crate) fn iter(&self) -> impl Iterator<Item = &(usize, u64)> {
        self.0.iter()
    }

    /// Forgets an earlier scan.
    pub(crate) fn clear(&mut self) {
        self.0.clear();
    }
}

/// Finds equal pages.
///
/// The simulation calls [`scan`](Self::scan) at regular ticks, at which no VM has run ahead.
pub(crate) trait Scanner: Send {
    /// Looks at pages, puts equal ones into one frame of the table, and notes its looks.
    fn scan(&mut self, scanning: Scanning, pages: &dyn Pages, table: &mut Table, looks: &mut Looks);

    /// Passes over all pages that are complete; 0 if it makes none.
    fn full_scans(&self) -> u64;
}
