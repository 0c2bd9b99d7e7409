//! `static`: nothing moves.
//!
//! *Idea.* Each VM keeps its first allocation: the baseline for every other policy.
//! *Follows.* Strategy 1 of H. Wu, S. Wu and W. Zhang, "Simulation of memory management in virtual
//! machines", COEN 283 report, 2011.
//! *Departs.* Nowhere.
//! *Cost.* O(VMs) per checkpoint.
//! *Parameters.* None; `host.split` decides the first split.

use crate::balance::{Plan, Policy, PolicyError, PolicyKind, View};
use crate::meets::Meets;
use crate::random::Stream;

pub(in crate::balance) const KIND: PolicyKind = PolicyKind {
    name: "static",
    summary: "leaves every VM the frames that the first split gave it",
    follows: "strategy 1 of H. Wu, S. Wu and W. Zhang, Simulation of memory management in virtual \
              machines, COEN 283 report, 2011",
    live_interval: None,
    params: &[],
    meets: Meets::Never,
    observers: |_| &[],
    fits: |_, _, _| Ok(()),
    build: |_| Box::new(Static),
};

struct Static;

impl Policy for Static {
    fn plan(&mut self, view: &View, _: &mut Stream) -> Result<Plan, PolicyError> {
        Ok(Plan::unchanged(view))
    }
}
