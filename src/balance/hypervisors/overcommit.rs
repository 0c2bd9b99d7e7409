//! What the static overcommits share: the host's kernel is the only balancer.

use crate::balance::{Plan, Policy, PolicyError, View};
use crate::random::Stream;

/// At checkpoints nothing is decided. At faults the host's kernel takes the page of all VMs that
/// was used least recently, as every policy does that pools frames and does not say otherwise.
pub(super) struct HostSwaps;

impl Policy for HostSwaps {
    fn plan(&mut self, view: &View, _: &mut Stream) -> Result<Plan, PolicyError> {
        Ok(Plan::held(view))
    }
}
