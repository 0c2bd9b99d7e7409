//! What a policy sees of the host between checkpoints, if it looks.

use super::{EventKind, Simulation};
use crate::balance::View;
use crate::units::{Ticks, VmId};

impl Simulation<'_> {
    /// Queues the next look that the policy takes after `at`, if there is one before the next
    /// checkpoint, at which it sees the host anyway.
    pub(super) fn queue_sample(&mut self, at: Ticks) {
        let next = self.policy.samples_every().map(|every| at + every);
        self.next_sample = next.filter(|&next| next < self.next_checkpoint);
        if let Some(next) = self.next_sample {
            self.push(next, EventKind::Sample);
        }
    }

    pub(super) fn sample(&mut self, at: Ticks) {
        let mut view = View { at, host: self.view.host, vms: Vec::new() };
        for (index, vm) in self.vms.iter().enumerate() {
            let id = VmId(index as u32);
            if let Some(holding) = self.host.holding(id) {
                view.vms.push(vm.glance(id, holding));
            }
        }
        self.policy.sample(&view);
        self.queue_sample(at);
    }
}
