//! The end of a run: puts its accounts together.

use super::Simulation;
use super::fingerprint::mix_counts;
use super::sharing::Sharing;
use crate::account::{Account, Outcome};
use crate::random::mix;
use crate::reclaim::PagingCounts;
use crate::share::SharingCounts;
use crate::tier::TierCounts;
use crate::units::{Ticks, VmId};

impl Simulation<'_> {
    pub(super) fn finish(mut self) -> Outcome {
        let end = self.end.expect("a checked scenario ends");
        self.catch_up(end);
        self.charge_all();
        if self.scenario.warm_up.is_some() && self.counted_since.is_none() {
            self.count_from(end);
        }
        self.all.end(end);
        self.note_moves(end);
        for (index, vm) in self.vms.iter_mut().enumerate() {
            vm.close_interval();
            if self.host.allocation(VmId(index as u32)).is_some() {
                vm.account.frames.end(end);
                for (account, _) in vm.account.tiers.iter_mut().zip(&self.scenario.tiers) {
                    account.frames.end(end);
                }
            }
            self.fingerprint = mix_counts(self.fingerprint, &vm.account.counts);
            let counted = vm.counted(end);
            vm.account = counted;
            for (tier, _) in vm.account.tiers.iter().zip(&self.scenario.tiers) {
                let TierCounts { found, puts, drops, .. } = tier.counts;
                self.fingerprint = [found, puts, drops].into_iter().fold(self.fingerprint, mix);
            }
            if self.scenario.paging.is_some() {
                let PagingCounts { reads, writes, .. } = vm.account.paging;
                self.fingerprint = [reads, writes].into_iter().fold(self.fingerprint, mix);
            }
            if self.scenario.sharing.is_some() {
                let SharingCounts { merges, copies, hollow, forced, .. } = vm.account.sharing;
                let of = [merges, copies, hollow, forced];
                self.fingerprint = of.into_iter().fold(self.fingerprint, mix);
            }
            vm.account.movement.settle_checkpoints = vm.settling.worst();
        }
        self.note_rates();
        let vms: Vec<Account> = self.vms.into_iter().map(|vm| vm.account).collect();
        let length = end - self.counted_since.unwrap_or(Ticks(0));
        let mut all = Account::all(&vms, self.all, length);
        all.rates = self.rates.quantiles();
        all.movement.settle_checkpoints = self.settling.worst();
        all.savings = self.sharing.as_ref().map(Sharing::counted);
        all.states = self.host.state_ticks(end);
        Outcome {
            policy: self.name,
            foresight: self.foresight,
            vms,
            all,
            checkpoints: self.checkpoints,
            end,
            in_flight: self.host.in_flight(),
            fingerprint: mix(self.fingerprint, end.0),
        }
    }
}
