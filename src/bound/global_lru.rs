//! Global LRU: one list for all pages of all VMs, the least recently used page of the host goes.
//!
//! *Idea.* Whoever uses its pages least loses them; allocations follow by themselves.
//! *Follows.* The textbook's global replacement; with a frame for each VM it knows no bounds.
//! *Departs.* A page being visited is not in the list: see [`merged`](super::merged).
//! *Cost.* O(log V) a visit for V VMs; 8 bytes a page.
//! *Knobs.* None.

use super::merged::{Merged, What};
use crate::replace::ring::Ring;
use crate::scenario::Scenario;

/// The demand faults of all VMs together.
pub(super) fn faults(scenario: &Scenario) -> u64 {
    let bases = super::page_bases(scenario);
    let mut list = Ring::new(bases[bases.len() - 1] as usize);
    let mut empty = scenario.host.memory.0;
    let mut faults = 0;
    for event in Merged::new(scenario) {
        let base = bases[event.vm];
        match event.what {
            What::Begin(page) => {
                let page = base + page;
                if list.contains(page) {
                    list.remove(page);
                } else {
                    faults += 1;
                    if empty > 0 {
                        empty -= 1;
                    } else {
                        list.pop_back();
                    }
                }
            }
            What::End(visit) => list.push_front(base + visit.page),
            What::Depart => {
                for page in base..bases[event.vm + 1] {
                    if list.contains(page) {
                        list.remove(page);
                        empty += 1;
                    }
                }
            }
        }
    }
    faults
}
