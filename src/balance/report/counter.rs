//! Which faults a policy counts: the report's replacement misses or all demand faults.

use crate::params::{Domain, Param, Settings, Value};
use crate::replace::Counts;

/// The parameter `count` of the policies that compare VMs by their faults.
pub(super) const PARAM: Param = Param {
    name: "count",
    doc: "which faults are counted; the report counts replacement misses",
    domain: Domain::Choice(&[REPLACEMENT_MISSES, DEMAND_FAULTS]),
    default: Value::Choice(REPLACEMENT_MISSES),
};

const REPLACEMENT_MISSES: &str = "replacement_misses";
const DEMAND_FAULTS: &str = "demand_faults";

/// How the policy with these settings reads its count.
pub(super) fn of(settings: &Settings) -> fn(&Counts) -> u64 {
    if settings.choice(PARAM.name) == DEMAND_FAULTS {
        |counts| counts.demand_faults
    } else {
        |counts| counts.replacement_misses
    }
}
