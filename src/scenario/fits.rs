//! What goes together: a scenario with a policy, and its mechanisms with each other.

use super::{Actuator, Scenario, VmSpec};
use crate::balance::{Bounds, PolicyKind, wrapped};
use crate::params::Settings;
use crate::reclaim::Grow;
use crate::trace::tempo::Tempo;

impl Scenario {
    /// Whether `policy` can run the scenario.
    ///
    /// # Errors
    /// Why not, and what to do, in one sentence without a full stop.
    pub fn fits(&self, policy: &PolicyKind) -> Result<(), String> {
        let bounds: Vec<Bounds> =
            self.vms.iter().map(|vm| Bounds { min: vm.min, max: vm.max }).collect();
        (policy.fits)(&self.settings_of(policy), self.promised(), &bounds)?;
        self.allows_growth()?;
        self.allows_tiers()?;
        self.allows_sharing()?;
        if !policy.pools() {
            return Ok(());
        }
        self.allows_pooling().map_err(|why| format!("{} {why}", policy.name))
    }

    /// Whether the guests can have the scenario's tiers.
    ///
    /// # Errors
    /// Why not, and what to do, in one sentence without a full stop.
    pub(crate) fn allows_tiers(&self) -> Result<(), String> {
        if self.tiers.is_empty() {
            return Ok(());
        }
        if self.paging.is_some() {
            let why = "tiers are not simulated beside host paging; choose another \
                       `actuator.kind`, or leave `[[tier]]` out";
            return Err(why.to_owned());
        }
        match self.vms.iter().find(|vm| !vm.replacement.is_lru()) {
            Some(vm) => Err(format!(
                "tiers are simulated behind LRU guests, but VM `{}` runs {}; use lru in every VM, \
                 or leave `[[tier]]` out",
                vm.name, vm.replacement.name
            )),
            None => Ok(()),
        }
    }

    /// Whether the host can share pages.
    ///
    /// # Errors
    /// Why not, and what to do, in one sentence without a full stop.
    pub(crate) fn allows_sharing(&self) -> Result<(), String> {
        let beside = |what: &str, other: &str| {
            Err(format!(
                "sharing is not simulated beside {what}; {other}, or leave `[sharing]` out"
            ))
        };
        if self.sharing.is_none() {
            Ok(())
        } else if self.paging.is_some() {
            beside("host paging", "choose another `actuator.kind`")
        } else if !self.tiers.is_empty() {
            beside("tiers", "leave `[[tier]]` out")
        } else {
            Ok(())
        }
    }

    /// Whether VMs can grow as the scenario says.
    ///
    /// # Errors
    /// Why not, and what to do, in one sentence without a full stop.
    pub(crate) fn allows_growth(&self) -> Result<(), String> {
        let is_recorded = |vm: &&VmSpec| matches!(vm.tempo, Tempo::Recorded(_));
        let grows = self.states.is_some_and(|states| states.grow == Grow::AtFaults);
        match self.vms.iter().find(is_recorded).filter(|_| grows) {
            Some(vm) => Err(format!(
                "VMs cannot grow at faults where several accesses may be recorded at one tick, as \
                 those of VM `{}`; replay it in steps (`trace.time = \"steps\"`), or set \
                 `actuator.grow` to \"at-once\"",
                vm.name
            )),
            None => Ok(()),
        }
    }

    /// Whether VMs can draw frames from each other at faults.
    ///
    /// # Errors
    /// Why not, as the rest of a sentence that begins with the policy.
    pub(crate) fn allows_pooling(&self) -> Result<(), String> {
        let plain = Settings::defaults_on(wrapped::PARAMS, self.wrapper.page_size());
        if self.wrapper != plain {
            let why = "moves frames at faults, where `dead_band`, `largest_move`, `warm_up` and \
                       `cadence` hold nothing back; leave them out";
            return Err(why.to_owned());
        }
        if self.paging.is_some() {
            let why = "moves frames at the guests' faults, which do not depend on the frames of a \
                       host that pages; choose another `actuator.kind`";
            return Err(why.to_owned());
        }
        if !self.tiers.is_empty() {
            let why = "moves frames at faults, where tiers are not divided anew; leave `[[tier]]` \
                       out";
            return Err(why.to_owned());
        }
        if self.sharing.is_some() {
            let why = "moves frames at faults, where what sharing saves is not divided anew; leave \
                       `[sharing]` out";
            return Err(why.to_owned());
        }
        let stuck = self.vms.iter().any(|vm| !vm.stuck.is_empty());
        if self.actuator != Actuator::INSTANT || stuck {
            let why = "moves frames at every fault, so it needs the instant actuator and drivers \
                       that are never stuck";
            return Err(why.to_owned());
        }
        let is_recorded = |vm: &&VmSpec| matches!(vm.tempo, Tempo::Recorded(_));
        if let Some(vm) = self.vms.iter().find(is_recorded) {
            return Err(format!(
                "moves frames at every fault, and several accesses of VM `{}` may be recorded at \
                 one tick; replay it in steps (`trace.time = \"steps\"`)",
                vm.name
            ));
        }
        match self.vms.iter().find(|vm| !vm.replacement.is_lru()) {
            Some(vm) => Err(format!(
                "is one LRU list, but VM `{}` runs {}, expected lru in every VM",
                vm.name, vm.replacement.name
            )),
            None => Ok(()),
        }
    }
}
