//! What the static overcommits share: the host's kernel is the only balancer.

use crate::balance::{Plan, Policy, PolicyError, View};
use crate::random::Stream;

/// Nothing is decided at checkpoints. At faults the host's kernel takes the least recently used
/// page of all VMs, the default of policies that pool frames.
pub(super) struct HostSwaps;

impl Policy for HostSwaps {
    fn plan(&mut self, view: &View, _: &mut Stream) -> Result<Plan, PolicyError> {
        Ok(Plan::held(view))
    }
}
