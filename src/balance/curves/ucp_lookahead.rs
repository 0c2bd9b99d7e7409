//! `ucp-lookahead`: the best gain per frame, over any number of frames.
//!
//! *Idea.* Each round compares, for every VM and every number of frames that is left, the faults
//! saved per frame; the winner gets its best number. So a VM before a cliff can win it in one step.
//! *Follows.* M. K. Qureshi and Y. N. Patt, "Utility-based cache partitioning: a low-overhead,
//! high-performance, runtime mechanism to partition shared caches", MICRO 2006: the lookahead
//! algorithm.
//! *Departs.* Frames in place of cache ways, and the VM's curve in place of sampled tags. It stops
//! where no number saves a fault: what is left stays where it is; frames that no VM holds are
//! divided by need. Of equal gains the fewest frames win, then the first VM of the file.
//! *Cost.* O(F · log V + pages) per checkpoint for V VMs on F frames as long as the best number of
//! frames is available, then O(F) per round.
//! *Parameters.* `observer`, `decay`, `rate`: where the curves come from.

use super::{FrameByFrame, PARAMS, observers};
use crate::balance::PolicyKind;
use crate::meets::Meets;
use crate::partition;

pub(in crate::balance) const KIND: PolicyKind = PolicyKind {
    name: "ucp-lookahead",
    summary: "repeatedly gives the VM with the best gain per frame, over any number of frames, \
              those frames",
    follows: "M. K. Qureshi and Y. N. Patt, Utility-based cache partitioning, MICRO 2006",
    live_interval: None,
    params: PARAMS,
    meets: Meets::Never,
    observers,
    fits: |_, _, _| Ok(()),
    build: |_| Box::new(FrameByFrame(partition::lookahead)),
};

#[cfg(test)]
mod tests {
    use super::*;
    use crate::balance::curves::tests::{cliff, divided, faults, two_cliffs};

    #[test]
    fn one_cliff_is_climbed() {
        let frames = divided(&KIND, 12, &cliff());
        assert_eq!(frames, [8, 4]);
        assert_eq!(faults(&cliff(), &frames), 80);
    }

    #[test]
    fn of_two_cliffs_the_steeper_is_climbed_though_the_other_is_better() {
        let frames = divided(&KIND, 10, &two_cliffs());
        assert!(frames[0] >= 6, "the paper's rule gives it the rest too: (10, 0)");
        assert_eq!(faults(&two_cliffs(), &frames), 110);
    }
}
