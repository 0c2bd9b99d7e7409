//! `opt-static`: the best split that never changes, from the first checkpoint on. Knows the future.
//!
//! *Idea.* The partition with the fewest LRU faults over the VMs' whole traces, by the exact search
//! of `mrc-dp`.
//! *Follows.* H. S. Stone, J. Turek and J. L. Wolf, "Optimal partitioning of cache memory", IEEE
//! Transactions on Computers 41(9), 1992.
//! *Departs.* Until the first checkpoint the host's first split is in force. VMs that come or go
//! make it divide anew. The bound `best-static` is what the split costs from the beginning on.
//! *Cost.* That of `mrc-dp` a checkpoint.
//! *Parameters.* None.

use crate::balance::PolicyKind;
use crate::balance::curves::FrameByFrame;
use crate::meets::Meets;
use crate::observe::WHOLE;
use crate::partition;

pub(in crate::balance) const KIND: PolicyKind = PolicyKind {
    name: "opt-static",
    summary: "knows the future: the best split that never changes, from the first checkpoint on",
    follows: "H. S. Stone, J. Turek and J. L. Wolf, Optimal partitioning of cache memory, IEEE \
              Transactions on Computers 41(9), 1992",
    live_interval: None,
    params: &[],
    meets: Meets::Never,
    observers: |_| &[&WHOLE],
    fits: |_, _, _| Ok(()),
    build: |_| Box::new(FrameByFrame(partition::exact)),
};
