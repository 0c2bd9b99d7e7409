//! `epoch-dp`: at each checkpoint the best split for the interval that begins. Knows the future.
//!
//! *Idea.* The partition with the fewest LRU faults in the coming interval, by the exact search of
//! `mrc-dp` over the curves of what the VMs are about to access.
//! *Follows.* The dynamic program of H. S. Stone, J. Turek and J. L. Wolf, "Optimal partitioning of
//! cache memory", IEEE Transactions on Computers 41(9), 1992, epoch by epoch.
//! *Departs.* Only a heuristic for the optimum over time: contents carry over from epoch to epoch,
//! and a curve counts pages as resident that are near the top of the stack though an earlier epoch
//! left them no frame. So a rule may beat it, but rarely by much.
//! *Cost.* That of `mrc-dp` a checkpoint.
//! *Parameters.* None.

use crate::balance::PolicyKind;
use crate::balance::curves::FrameByFrame;
use crate::meets::Meets;
use crate::observe::COMING;
use crate::partition;

pub(in crate::balance) const KIND: PolicyKind = PolicyKind {
    name: "epoch-dp",
    summary: "knows the future: at each checkpoint the best split for the interval that begins",
    follows: "H. S. Stone, J. Turek and J. L. Wolf, Optimal partitioning of cache memory, IEEE \
              Transactions on Computers 41(9), 1992",
    live_interval: None,
    params: &[],
    meets: Meets::Never,
    observers: |_| &[&COMING],
    fits: |_, _, _| Ok(()),
    build: |_| Box::new(FrameByFrame(partition::exact)),
};
