//! Samples of the host between checkpoints, for policies that request them.

use super::checkpoint::entitlements;
use super::{EventKind, Simulation};
use crate::balance::{SAMPLES_MAX, View};
use crate::units::{Ticks, VmId};

impl Simulation<'_> {
    /// Queues the policy's next sample after `at`, if it is before the next checkpoint, at which
    /// the policy sees the host anyway.
    pub(super) fn queue_sample(&mut self, at: Ticks) {
        let next = self.policy.samples_every().map(|every| {
            // In a long interval only the samples that a policy can remember are taken.
            let left = (self.next_checkpoint.0 - 1).saturating_sub(at.0) / every.0;
            at + Ticks(every.0 * left.saturating_sub(SAMPLES_MAX - 1).max(1))
        });
        self.next_sample = next.filter(|&next| next < self.next_checkpoint);
        if let Some(next) = self.next_sample {
            self.push(next, EventKind::Sample);
        }
    }

    pub(super) fn sample(&mut self, at: Ticks) {
        self.settle_savings(at);
        let mut view = View::new(at, self.host.to_divide(), Vec::new());
        view.saving = self.host.saving();
        for (index, vm) in self.vms.iter().enumerate() {
            let id = VmId(index as u32);
            if let Some(holding) = self.host.holding(id) {
                view.vms.push(vm.view_now(id, holding));
            }
        }
        if self.scenario.states.is_some() {
            view = entitlements(view);
        }
        self.policy.sample(&view);
        self.queue_sample(at);
    }
}
