//! What `/proc/meminfo` says: of the host, and of a guest through its balloon driver.
//!
//! Deployed rules do not read allocations. They read these figures, which are distinct:
//!
//! | figure | of the host | of a guest |
//! |---|---|---|
//! | total (`MemTotal`, a guest's balloon size) | all frames | its allocation |
//! | used | frames that hold a page of any VM | its resident pages |
//! | free (`MemFree`) | all others, also granted ones never touched | its frames without a page |
//! | cached (`Buffers` + `Cached`) | 0 | 0 |
//! | swap used (`SwapTotal` − `SwapFree`) | 0 | pages used before and not resident now |
//!
//! Nothing is cached because a trace does not say which pages are a file's: all of them count as
//! used. A hypervisor that pages by itself, and the memory of the host's own programs, are left
//! out. Committed memory and stall time (PSI) are measured by the observer
//! [`WINDOW`](crate::observe::WINDOW), over an interval.

use super::{View, VmView};
use crate::params::{Domain, Param, Settings, Value};
use crate::units::Frames;

impl View {
    /// The frames that no VM holds: what a hypervisor such as Xen calls free.
    pub(super) fn free(&self) -> Frames {
        self.host - self.vms.iter().map(|vm| vm.allocation).sum()
    }

    /// The frames that hold a page: what a Linux host calls used.
    pub(super) fn used(&self) -> Frames {
        self.vms.iter().map(|vm| vm.resident).sum()
    }
}

/// The parameter `used` of the policies that ask a guest how much of its memory it uses.
pub(super) const RESIDENT_PARAM: Param = param(RESIDENT);

/// The same for those whose source leaves out the guest's caches.
pub(super) const WORKING_SET_PARAM: Param = param(WORKING_SET);

/// The same for those whose source counts all that the guest has committed.
pub(super) const COMMITTED_PARAM: Param = param(COMMITTED);

const RESIDENT: &str = "resident";
const WORKING_SET: &str = "working-set";
const COMMITTED: &str = "committed";

const fn param(default: &'static str) -> Param {
    Param {
        name: "used",
        doc: "the pages that count as used: resident pages, distinct pages of the last interval, \
              or the pages used and not freed since, those in swap included, which never become \
              fewer where the trace frees none",
        domain: Domain::Choice(&[RESIDENT, WORKING_SET, COMMITTED]),
        default: Value::Choice(default),
    }
}

/// How the policy with these settings reads what a guest uses.
pub(super) fn used_of(settings: &Settings) -> fn(&VmView) -> Frames {
    match settings.choice("used") {
        RESIDENT => |vm| vm.resident,
        WORKING_SET => |vm| vm.seen.window.distinct,
        _ => |vm| vm.seen.window.committed,
    }
}
