//! `zhou-greedy`: unit by unit to the VM whose predicted faults fall most.
//!
//! *Idea.* Every VM starts at its minimum. One unit of memory after the other goes to the VM whose
//! miss-ratio curve says that it will save most faults there.
//! *Follows.* P. Zhou, V. Pandey, J. Sundaresan, A. Raghuraman, Y. Zhou and S. Kumar, "Dynamic
//! tracking of page miss ratio curve for memory management", ASPLOS 2004.
//! *Departs.* The greedy rule is from secondary knowledge. Their unit is a group of the LRU stack;
//! ours is a share of the host. It stops where no unit saves a fault: what is left, and what makes
//! no whole unit, stays where it is; frames that no VM holds are divided by need. Like every rule
//! of single units it does not see behind a flat stretch of a curve. Their energy-aware variant is
//! not here. Ties go to the first VM of the file.
//! *Cost.* O(units · log V + pages) per checkpoint for V VMs.
//! *Parameters.* `unit`: the share of the host in a unit, at least one frame (1 %, ours);
//! `observer`, `decay`, `rate`: where the curves come from.

use super::{OBSERVER, deal, fault_offers, observers};
use crate::balance::{Plan, Policy, PolicyError, PolicyKind, View};
use crate::meets::Meets;
use crate::observe::{DECAY, RATE};
use crate::params::{Domain, Param, Value};
use crate::partition;
use crate::random::Stream;
use crate::units::Decimal;

pub(in crate::balance) const KIND: PolicyKind = PolicyKind {
    name: "zhou-greedy",
    summary: "gives units of memory one by one to the VM whose curve says it saves most faults",
    follows: "P. Zhou, V. Pandey, J. Sundaresan, A. Raghuraman, Y. Zhou and S. Kumar, Dynamic \
              tracking of page miss ratio curve for memory management, ASPLOS 2004",
    live_interval: None,
    params: &[UNIT, OBSERVER, DECAY, RATE],
    meets: Meets::Never,
    observers,
    fits: |_, _, _| Ok(()),
    build: |settings| Box::new(ZhouGreedy { unit: settings.decimal(UNIT.name) }),
};

const UNIT: Param = Param {
    name: "unit",
    doc: "the share of the host's frames in a unit, rounded down but at least one frame; ours",
    domain: Domain::Decimal {
        min: Decimal { digits: 0, places: 0 },
        max: Decimal { digits: 1, places: 0 },
    },
    default: Value::Decimal(Decimal { digits: 1, places: 2 }),
};

struct ZhouGreedy {
    unit: Decimal,
}

impl Policy for ZhouGreedy {
    fn plan(&mut self, view: &View, _: &mut Stream) -> Result<Plan, PolicyError> {
        let part = u128::from(view.host.0) * u128::from(self.unit.digits);
        let unit = (part / u128::from(self.unit.denominator())).max(1) as u64;
        // Everybody starts at the minimum.
        let minima = view.vms.iter().map(|vm| vm.bounds.min).collect();
        // A unit at a time goes to the VM whose predicted misses fall most by it.
        Ok(deal(view, minima, unit, |vm, min| fault_offers(vm, min, unit), partition::greedy))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::balance::curves::tests::{cliff, divided, divided_with, faults};
    use crate::params::Settings;

    #[test]
    fn a_cliff_is_not_seen() {
        let frames = divided(&KIND, 12, &cliff());
        assert_eq!(frames, [0, 12]);
        assert_eq!(faults(&cliff(), &frames), 140);
    }

    #[test]
    fn a_unit_is_a_share_of_the_host() {
        // Half of ten frames save A ten faults, the first four of them none.
        let late = vec![100, 100, 100, 100, 100, 90];
        let steady = vec![100, 99, 98, 97, 96, 95, 94, 93, 92, 91, 90];
        let mut settings = Settings::defaults(KIND.params);
        settings.set("unit", Value::Decimal(Decimal { digits: 5, places: 1 }));
        assert_eq!(divided(&KIND, 10, &[late.clone(), steady.clone()]), [0, 10]);
        assert_eq!(divided_with(&KIND, &settings, 10, &[late, steady]), [5, 5]);
    }
}
