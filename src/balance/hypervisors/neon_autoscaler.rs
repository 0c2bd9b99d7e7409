//! `neon-autoscaler`: each VM has as many units of memory as keep three quarters of them used.
//!
//! *Idea.* A VM comes in units of processor and memory. Every few seconds it is given as many as
//! its memory in use fills to the target part, up and down at once, within its bounds.
//! *Follows.* Neon's autoscaler: neondatabase/autoscaling pkg/agent/core/goalcu.go
//! (`calculateMemGoalCU`, `GoalCU`) and state.go with the configuration of
//! autoscaler-agent/config_map.yaml at a4bce09; E. Sharnoff and others, 2022 on.
//! *Departs.* Memory in use is the resident pages; the load of processors and Postgres' own cache
//! (off in that configuration) are left out. Neon's monitor in the VM may refuse to give memory
//! back, and its scheduler refuses what does not fit on the host; here no VM refuses to shrink, and
//! growth beyond the free frames is given in file order. Bounds need not be whole units, as there.
//! *Cost.* O(V log V) per checkpoint for V VMs.
//! *Parameters.* `unit`: memory of a unit (1 GiB); `usage`: the part of the memory that is to be
//! used (0.75); both Neon's.

use crate::balance::{Plan, Policy, PolicyError, PolicyKind, View, exact};
use crate::meets::Meets;
use crate::params::{Domain, Param, Value};
use crate::random::Stream;
use crate::units::{Decimal, Frames, Ticks};

pub(in crate::balance) const KIND: PolicyKind = PolicyKind {
    name: "neon-autoscaler",
    summary: "gives each VM as many units of memory as keep a part of them used",
    follows: "the autoscaler of Neon, 2022",
    live_interval: Some(Ticks(5_000_000_000)),
    params: &[UNIT, USAGE],
    meets: Meets::Never,
    observers: |_| &[],
    fits: |_, _, _| Ok(()),
    build: |settings| {
        Box::new(Autoscaler {
            page: settings.page_size(),
            unit: settings.integer(UNIT.name),
            usage: settings.decimal(USAGE.name),
        })
    },
};

const UNIT: Param = Param {
    name: "unit",
    doc: "frames of a unit; Neon's",
    domain: Domain::Frames { min: 1 },
    default: Value::Bytes(1 << 30),
};

const USAGE: Param = Param {
    name: "usage",
    doc: "the part of its memory that a VM is to use; Neon's",
    domain: Domain::Decimal { min: exact::hundredths(1), max: exact::hundredths(100) },
    default: Value::Decimal(exact::hundredths(75)),
};

struct Autoscaler {
    page: u64,
    unit: u64,
    usage: Decimal,
}

impl Policy for Autoscaler {
    fn plan(&mut self, view: &View, _: &mut Stream) -> Result<Plan, PolicyError> {
        let wanted = view.vms.iter().map(|vm| vm.bounds.clamp(self.goal(vm.resident)));
        let wanted: Vec<Frames> = wanted.collect();
        Ok(Plan::in_file_order(view, &wanted))
    }
}

impl Autoscaler {
    /// The units of which so much is the part to be used, rounded up.
    fn goal(&self, used: Frames) -> Frames {
        let (part, whole) = (u128::from(self.usage.digits), u128::from(self.usage.denominator()));
        let bytes = u128::from(used.0) * u128::from(self.page) * whole;
        // The original rounds the goal to a byte first.
        let goal = (2 * bytes + part) / (2 * part);
        let unit = u128::from(self.unit) * u128::from(self.page);
        let frames = goal.div_ceil(unit) * u128::from(self.unit);
        Frames(u64::try_from(frames).unwrap_or(u64::MAX))
    }
}

#[cfg(test)]
mod tests {
    use super::super::super::testing::{policy, resident, step, view, vm};
    use super::*;

    const GIB: u64 = 1 << 18;

    #[test]
    fn units_are_rounded_up() {
        let used = [3 * GIB, 3 * GIB + 1, 10, 7 * GIB];
        let guests = used.map(|used| resident(used, vm(7 * GIB, GIB, 8 * GIB)));
        let mut view = view(32 * GIB, guests.to_vec());
        let mut neon = policy(&KIND, &[]);
        assert_eq!(step(&mut *neon, &mut view), [4 * GIB, 5 * GIB, GIB, 8 * GIB]);
    }

    #[test]
    fn what_does_not_fit_is_given_in_file_order() {
        let guests = [GIB, GIB].map(|used| resident(used, vm(GIB, GIB, 8 * GIB)));
        let mut view = view(3 * GIB, guests.to_vec());
        assert_eq!(step(&mut *policy(&KIND, &[]), &mut view), [2 * GIB, GIB]);
    }
}
