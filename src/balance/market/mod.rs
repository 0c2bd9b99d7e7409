//! Policies of markets: VMs bid for memory and the host sells it.

pub(super) mod ginseng_like;
