//! `stone-greedy`: frame by frame to the VM whose predicted faults fall most.
//!
//! *Idea.* At the best partition no frame would save more faults elsewhere; where curves are
//! convex, giving each frame to the VM with the largest marginal gain leads there.
//! *Follows.* H. S. Stone, J. Turek and J. L. Wolf, "Optimal partitioning of cache memory", IEEE
//! Transactions on Computers 41(9), 1992.
//! *Departs.* Their curves are miss-rate functions of known form, ours are measured and need not
//! be convex; then it is not the best partition (see `mrc-dp`). It stops where no frame saves a
//! fault: what is left stays where it is; frames that no VM holds are divided by need. Ties go to
//! the first VM of the file.
//! *Cost.* O(F · log V + pages) per checkpoint for V VMs on F frames.
//! *Parameters.* `observer`, `decay`, `rate`: where the curves come from.

use super::{FrameByFrame, PARAMS, observers};
use crate::balance::PolicyKind;
use crate::meets::Meets;
use crate::partition;

pub(in crate::balance) const KIND: PolicyKind = PolicyKind {
    name: "stone-greedy",
    summary: "gives each frame to the VM with the largest marginal gain; the best where curves are \
              convex",
    follows: "H. S. Stone, J. Turek and J. L. Wolf, Optimal partitioning of cache memory, IEEE \
              Transactions on Computers 41(9), 1992",
    live_interval: None,
    params: PARAMS,
    meets: Meets::Never,
    observers,
    fits: |_, _, _| Ok(()),
    build: |_| Box::new(FrameByFrame(partition::greedy)),
};

#[cfg(test)]
mod tests {
    use super::*;
    use crate::balance::curves::tests::{cliff, divided, faults};

    #[test]
    fn a_cliff_is_not_seen() {
        assert_eq!(faults(&cliff(), &divided(&KIND, 12, &cliff())), 140);
    }

    #[test]
    fn convex_curves_are_divided_at_equal_slopes() {
        let steep = vec![100, 60, 30, 10, 0];
        let shallow = vec![50, 25, 20, 18];
        assert_eq!(divided(&KIND, 4, &[steep, shallow]), [3, 1]);
    }
}
