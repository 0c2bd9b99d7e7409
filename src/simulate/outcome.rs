//! The end of a run: its accounts are put together.

use super::Simulation;
use super::fingerprint::mix_counts;
use crate::account::{Account, Outcome};
use crate::random::mix;
use crate::units::VmId;

impl Simulation<'_> {
    pub(super) fn finish(mut self) -> Outcome {
        let end = self.end.expect("a checked scenario ends");
        self.catch_up(end);
        self.all.end(end);
        self.note_moves(end);
        for (index, vm) in self.vms.iter_mut().enumerate() {
            vm.close_interval();
            if self.host.allocation(VmId(index as u32)).is_some() {
                vm.account.frames.end(end);
            }
            let accesses = vm.account.counts.accesses.min(vm.spec.trace.accesses());
            vm.account.movement.settle_checkpoints = vm.settling.worst();
            vm.account.ticks = vm.next.min(end).0.saturating_sub(vm.spec.start.0);
            vm.account.distinct_pages = vm.spec.trace.distinct_before(accesses) as u64;
            self.fingerprint = mix_counts(self.fingerprint, &vm.account.counts);
        }
        let vms: Vec<Account> = self.vms.into_iter().map(|vm| vm.account).collect();
        let mut all = Account::all(&vms, self.all, end);
        all.movement.settle_checkpoints = self.settling.worst();
        Outcome {
            policy: self.name,
            vms,
            all,
            checkpoints: self.checkpoints,
            end,
            in_flight: self.host.in_flight(),
            fingerprint: mix(self.fingerprint, end.0),
        }
    }
}
