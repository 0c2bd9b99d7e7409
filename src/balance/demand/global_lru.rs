//! `global-lru`: one LRU list over the pages of all VMs. Frames go from VM to VM at every fault.
//!
//! *Idea.* A VM that faults takes an empty frame, wherever one is, or else the frame of the page
//! that was used least recently of all VMs' pages.
//! *Follows.* The global replacement that P. J. Denning sets against working sets, "The working set
//! model for program behavior", CACM 11(5), 1968.
//! *Departs.* Minima and maxima are kept: a VM at its minimum gives nothing, one at its maximum
//! replaces a page of its own. Accesses at the same tick are in file order. The bound of the same
//! name has no minima, so it may take a VM's last page.
//! *Cost.* O(V) per fault that finds no empty frame in its VM; VMs run ahead through all else. A
//! few instructions a run of accesses and 8 bytes per page find the last use of each VM's LRU page.
//! *Parameters.* None. It needs LRU guests, the instant actuator and drivers that work.

use crate::balance::{Plan, Policy, PolicyError, PolicyKind, View};
use crate::meets::Meets;
use crate::random::Stream;

pub(in crate::balance) const KIND: PolicyKind = PolicyKind {
    name: "global-lru",
    summary: "one LRU list for all VMs: a fault takes the frame of the host's least recently used \
              page",
    follows: "P. J. Denning, The working set model for program behavior, CACM 11(5), 1968",
    live_interval: None,
    params: &[],
    meets: Meets::AtFaults,
    observers: |_| &[],
    fits: |_, _, _| Ok(()),
    build: |_| Box::new(GlobalLru),
};

/// At checkpoints it has nothing to do, and at faults it takes the oldest page, as every policy
/// does that does not say otherwise.
struct GlobalLru;

impl Policy for GlobalLru {
    fn plan(&mut self, view: &View, _: &mut Stream) -> Result<Plan, PolicyError> {
        Ok(Plan::held(view))
    }
}
