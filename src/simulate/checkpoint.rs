//! Checkpoints: the policy's view, its plan, and their record.

use super::{EventKind, RunError, Simulation};
use crate::balance::{Plan, View};
use crate::replace::Counts;
use crate::units::{Ticks, VmId};
use crate::watch::{Checkpoint, Guests};

impl Simulation<'_> {
    pub(super) fn checkpoint(&mut self, at: Ticks) -> Result<(), RunError> {
        self.settle_savings(at);
        self.note_moves(at);
        for (index, vm) in self.vms.iter_mut().enumerate() {
            let waits = self.host.waits(VmId(index as u32)) || vm.account.refused.is_some();
            vm.account.movement.violations += u64::from(waits && at < vm.stop());
        }
        self.checkpoints += 1;
        self.next_checkpoint = at + self.scenario.checkpoint_every;
        self.push(self.next_checkpoint, EventKind::Checkpoint);
        self.queue_sample(at);
        self.make_view(at);
        if self.view.vms.is_empty() {
            return Ok(());
        }
        let plan = self.plan()?;
        self.set_scanning(at);
        self.carry_out(at);
        self.resident.clear();
        for vm in &self.view.vms {
            self.resident.push(self.vms[vm.id.index()].replacement.resident());
        }
        self.note_fingerprint(&plan);
        self.watcher.checkpoint(&Checkpoint {
            number: self.checkpoints,
            view: &self.view,
            plan: &plan,
            changes: &self.acts.changes,
            in_flight: self.host.in_flight(),
            resident: &self.resident,
            fingerprint: self.fingerprint,
            guests: Guests(&self.vms),
            policy: &*self.policy,
        });
        let acts = std::mem::take(&mut self.acts);
        self.start_and_refuse(at, &acts, &[]);
        self.acts = acts;
        Ok(())
    }

    /// Asks the policy for a plan, which the host takes as orders.
    fn plan(&mut self) -> Result<Plan, RunError> {
        let entitled = self.scenario.states.map(|_| entitlements(self.view.clone()));
        let shown = entitled.as_ref().unwrap_or(&self.view);
        let plan = self.policy.plan(shown, &mut self.rng).and_then(|plan| {
            self.host.order(&self.view, &plan)?;
            Ok(plan)
        });
        plan.map_err(|error| {
            let name = |vm: VmId| format!("`{}`", self.scenario.vms[vm.index()].name);
            let sentence = error.sentence(name);
            let error = RunError { policy: self.name.clone(), at: self.view.at, error, sentence };
            self.failed = Some(error.clone());
            error
        })
    }

    /// Closes the interval and makes the policy's view.
    fn make_view(&mut self, at: Ticks) {
        let ticks = [at - self.view.at, self.scenario.checkpoint_every];
        self.view.at = at;
        (self.view.host, self.view.saving) = (self.host.to_divide(), self.host.saving());
        for view in self.view.vms.drain(..) {
            self.vms[view.id.index()].reuse_buffers(view);
        }
        for (index, vm) in self.vms.iter_mut().enumerate() {
            let id = VmId(index as u32);
            if let Some(holding) = self.host.holding(id) {
                self.view.vms.push(vm.close_and_view(id, holding, at, ticks, self.scenario.cost));
            }
        }
        if let Some(sharing) = &self.sharing {
            sharing.tell_saved(&mut self.view);
        }
        self.note_rates();
    }

    /// Notes the fault ratio of all VMs together in the intervals that are closed now.
    pub(super) fn note_rates(&mut self) {
        let mut interval = Counts::default();
        for vm in &mut self.vms {
            interval.add(vm.take_counted());
        }
        self.rates.note(interval);
    }

    /// Notes what the last checkpoint moved, and what changed since.
    pub(super) fn note_moves(&mut self, at: Ticks) {
        let (mut granted, mut reclaimed) = (0, 0);
        for (index, vm) in self.vms.iter_mut().enumerate() {
            if let Some(allocation) = self.host.allocation(VmId(index as u32)) {
                let gained = vm.note_moves(allocation);
                if self.checkpoints > 0 {
                    vm.settling.note(gained.unsigned_abs(), self.scenario.host.memory);
                }
                granted += gained.max(0).unsigned_abs();
                reclaimed += gained.min(0).unsigned_abs();
                self.changed |= vm.enters_phase(at);
            }
        }
        if self.checkpoints > 0 {
            self.settling.note(granted.max(reclaimed), self.scenario.host.memory);
        }
        if std::mem::take(&mut self.changed) {
            self.settling.change();
            self.vms.iter_mut().for_each(|vm| vm.settling.change());
        }
    }
}

/// What a policy is shown of a host that keeps memory free: VMs hold no more than they are ordered
/// to. What they have beyond that is not theirs, and together with what others drew it could be
/// more than there is to divide.
pub(super) fn entitlements(mut view: View) -> View {
    for vm in &mut view.vms {
        vm.allocation = vm.allocation.min(vm.target);
        vm.resident = vm.resident.min(vm.allocation);
    }
    view
}
