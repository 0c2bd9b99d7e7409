//! What a guest's statistics call used: its working set or all that it has committed.

use super::VmView;
use crate::params::{Domain, Param, Settings, Value};
use crate::units::Frames;

/// The parameter `used` of the policies that ask a guest how much memory it uses, for those whose
/// source counts what the guest could not give back at once.
pub(super) const WORKING_SET_PARAM: Param = param(WORKING_SET);

/// The same for those whose source counts all that the guest has committed.
pub(super) const COMMITTED_PARAM: Param = param(COMMITTED);

const WORKING_SET: &str = "working-set";
const COMMITTED: &str = "committed";

const fn param(default: &'static str) -> Param {
    Param {
        name: "used",
        doc: "the pages that count as used: distinct pages of the last interval, or all pages used \
              so far, those in swap included, which never become fewer because traces free nothing",
        domain: Domain::Choice(&[WORKING_SET, COMMITTED]),
        default: Value::Choice(default),
    }
}

/// How the policy with these settings reads what a VM uses.
pub(super) fn of(settings: &Settings) -> fn(&VmView) -> Frames {
    if settings.choice("used") == WORKING_SET {
        |vm| vm.seen.window.distinct
    } else {
        |vm| vm.seen.window.committed
    }
}
