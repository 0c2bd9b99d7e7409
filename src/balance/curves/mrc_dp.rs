//! `mrc-dp`: the partition with the fewest predicted faults, whatever the curves' shape.
//!
//! *Idea.* The best split of two curves is a curve again: M(t) = min over x of m(x) + n(t − x).
//! Combined VM by VM over all totals this is exact.
//! *Follows.* The dynamic program for the problem of H. S. Stone, J. Turek and J. L. Wolf, "Optimal
//! partitioning of cache memory", IEEE Transactions on Computers 41(9), 1992; W. Zhao and Z. Wang,
//! "Dynamic memory balancing for virtual machines", VEE 2009, combine VMs two at a time likewise.
//! *Departs.* Steps of the curves that cannot be part of a best partition are left out first, which
//! changes nothing but the time (`partition.rs`). Of several best partitions that with the fewest
//! frames for the last VM of the file, then for the one before it, and so on. Frames that lower no
//! curve stay where they are; those that no VM holds are divided by need.
//! *Cost.* O(F · log V + pages) per checkpoint for V VMs on F frames where `ucp-lookahead` is exact
//! too, at most O(V · F²).
//! *Parameters.* `observer`, `decay`, `rate`: where the curves come from.

use super::{FrameByFrame, PARAMS, observers};
use crate::balance::PolicyKind;
use crate::meets::Meets;
use crate::partition;

pub(in crate::balance) const KIND: PolicyKind = PolicyKind {
    name: "mrc-dp",
    summary: "the partition with the fewest faults that the curves predict, whatever their shape",
    follows: "H. S. Stone, J. Turek and J. L. Wolf, Optimal partitioning of cache memory, IEEE \
              Transactions on Computers 41(9), 1992; W. Zhao and Z. Wang, VEE 2009",
    live_interval: None,
    params: PARAMS,
    meets: Meets::Never,
    observers,
    fits: |_, _, _| Ok(()),
    build: |_| Box::new(FrameByFrame(partition::exact)),
};

#[cfg(test)]
mod tests {
    use super::*;
    use crate::balance::curves::tests::{cliff, divided, faults, two_cliffs};

    #[test]
    fn cliffs_are_climbed_where_that_is_best() {
        let frames = divided(&KIND, 12, &cliff());
        assert_eq!(frames, [8, 4]);
        assert_eq!(faults(&cliff(), &frames), 80);
        let frames = divided(&KIND, 10, &two_cliffs());
        assert!(frames[1] >= 7);
        assert_eq!(faults(&two_cliffs(), &frames), 100);
    }
}
