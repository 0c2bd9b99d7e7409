//! `balance-available`: what a guest has available above a critical level is to equal the host's.
//!
//! *Idea.* Both sides have a level of available memory below which they kill programs. Each second
//! the guest's balloon moves half of the way towards equal distances from the two levels.
//! *Follows.* `BalanceAvailableBalloonPolicy` of `ChromeOS`: chromiumos/platform2
//! `vm_tools/concierge/balloon_policy.cc` (`ComputeBalloonDelta`) and service.cc
//! (`RunBalloonPolicy`), read at 1614f78 of the copy ArthurSonzogni/chromiumos-platform2; C. Wang,
//! H. Hikari and others, 2021 on.
//! *Departs.* A guest's balloon holds its maximum less its allocation. What a guest has available,
//! free memory and caches, is what holds no page; so is the host's, whose swap does not count. The
//! critical margin of the host is set by a daemon; here it is a part of the host, by default that
//! of `resourced/src/memory.rs` there (5.2 %). Sizes are rounded down to a frame. Growth beyond the
//! free frames is given in file order. All guests look at the same host, as there, and do not see
//! what the round has moved already.
//! *Cost.* O(V log V) per checkpoint for V VMs.
//! *Parameters.* `critical`: the part of the host's memory that is its critical level (0.052);
//! `guest_critical`: a guest's critical level at first (400 MiB); it falls to what the guest had
//! available when it was below it twice with a balloon that is not full; `bias`: what a guest with
//! a full balloon is to have more (0; 48 MiB for Android); `step`: the most by which a round may
//! cross a critical level (10 MiB); `near`: a level counts as reached within this (1 MiB); all
//! `ChromeOS`'.

use std::collections::BTreeMap;

use crate::balance::{Plan, Policy, PolicyError, PolicyKind, View, VmView, exact};
use crate::meets::Meets;
use crate::params::{Domain, Param, Settings, Value};
use crate::random::Stream;
use crate::units::{Decimal, Frames, Ticks, VmId};

pub(in crate::balance) const KIND: PolicyKind = PolicyKind {
    name: "balance-available",
    summary: "makes what each guest has available above a critical level equal to what the host \
              has",
    follows: "ChromeOS' BalanceAvailableBalloonPolicy, 2021",
    live_interval: Some(Ticks(1_000_000_000)),
    params: &[CRITICAL, GUEST_CRITICAL, BIAS, STEP, NEAR],
    meets: Meets::Never,
    observers: |_| &[],
    fits: |_, _, _| Ok(()),
    build: |settings| {
        Box::new(BalanceAvailable { rule: Rule::of(settings), guests: BTreeMap::new() })
    },
};

const CRITICAL: Param = Param {
    name: "critical",
    doc: "the part of the host's memory that is to stay available; ChromeOS'",
    domain: Domain::Decimal { min: exact::hundredths(0), max: exact::hundredths(100) },
    default: Value::Decimal(exact::ten_thousandths(520)),
};

const fn size(name: &'static str, doc: &'static str, mebibytes: u64) -> Param {
    let default = Value::Bytes(mebibytes << 20);
    Param { name, doc, domain: Domain::Frames { min: 0 }, default }
}

const GUEST_CRITICAL: Param = size(
    "guest_critical",
    "frames that a guest is to have available, until it shows that it lives with fewer; \
     ChromeOS'",
    400,
);

const BIAS: Param = size(
    "bias",
    "frames that a guest with a full balloon is to have available beyond that; ChromeOS'",
    0,
);

const STEP: Param =
    size("step", "frames by which a round may cross a critical level at most; ChromeOS'", 10);

const NEAR: Param =
    size("near", "a critical level counts as reached within so many frames; ChromeOS'", 1);

struct BalanceAvailable {
    rule: Rule,
    guests: BTreeMap<VmId, Guest>,
}

/// The constants, in bytes.
struct Rule {
    page: i128,
    critical: Decimal,
    guest_critical: i128,
    bias: i128,
    step: i128,
    near: i128,
}

/// What is remembered of a guest, in bytes.
struct Guest {
    critical: i128,
    /// The largest balloon so far.
    largest: i128,
    available_before: i128,
    percent_before: i128,
}

/// A guest's balloon and what it has available, in bytes.
#[derive(Clone, Copy)]
struct Statistics {
    balloon: i128,
    available: i128,
    total: i128,
}

impl Policy for BalanceAvailable {
    fn plan(&mut self, view: &View, _: &mut Stream) -> Result<Plan, PolicyError> {
        let rule = &self.rule;
        let critical = rule.bytes(exact::times(view.host, rule.critical));
        let host_above = rule.bytes(view.host - view.used()) - critical;
        let wanted = view.vms.iter().map(|vm| {
            let statistics = rule.statistics(vm);
            let guest = self.guests.entry(vm.id).or_insert_with(|| rule.guest());
            let delta = rule.delta(guest, statistics, host_above);
            let balloon = (statistics.balloon + delta).max(0);
            rule.frames(rule.bytes(vm.bounds.max) - balloon)
        });
        let wanted: Vec<Frames> = wanted.collect();
        Ok(Plan::in_file_order(view, &wanted))
    }
}

impl Rule {
    fn of(settings: &Settings) -> Self {
        let bytes = |param: &Param| exact::bytes(settings, param.name);
        Self {
            page: settings.page_size().into(),
            critical: settings.decimal(CRITICAL.name),
            guest_critical: bytes(&GUEST_CRITICAL),
            bias: bytes(&BIAS),
            step: bytes(&STEP),
            near: bytes(&NEAR),
        }
    }

    fn bytes(&self, frames: Frames) -> i128 {
        i128::from(frames.0) * self.page
    }

    /// So many bytes in whole frames; less than nothing is nothing.
    fn frames(&self, bytes: i128) -> Frames {
        Frames(u64::try_from(bytes / self.page).unwrap_or(0))
    }

    fn guest(&self) -> Guest {
        let critical = self.guest_critical;
        Guest { critical, largest: 0, available_before: 0, percent_before: 0 }
    }

    fn statistics(&self, vm: &VmView) -> Statistics {
        Statistics {
            balloon: self.bytes(vm.bounds.max - vm.allocation),
            available: self.bytes(vm.allocation) - self.bytes(vm.resident),
            total: self.bytes(vm.allocation),
        }
    }

    /// By how much the balloon grows.
    fn delta(&self, guest: &mut Guest, now: Statistics, host_above: i128) -> i128 {
        let Statistics { balloon, available, total } = now;
        // How large a balloon can become is not known; three quarters of the guest are a start.
        if guest.largest == 0 {
            guest.largest = total * 3 / 4;
        }
        guest.largest = guest.largest.max(balloon);
        let percent = if guest.largest > 0 { balloon * 100 / guest.largest } else { 0 };
        // A guest that stays below its critical level, though it could have more, lives with less.
        let is_below = |available, percent| available < guest.critical && percent < 95;
        if is_below(available, percent) && is_below(guest.available_before, guest.percent_before) {
            guest.critical = guest.available_before;
        }
        let guest_above = available - guest.critical - self.bias * percent / 100;
        // What the balloon takes becomes available to the host, so half of the way is enough.
        let delta = (guest_above - host_above) / 2;
        let (low, high) = (-(host_above + self.step), available - guest.critical + self.step);
        let capped = match delta {
            _ if delta < low => low,
            _ if delta > high => high,
            _ => delta,
        };
        (guest.available_before, guest.percent_before) = (available, percent);
        let is_near = guest_above < self.near || host_above < self.near;
        // Changes below a hundredth of the memory above the levels are skipped.
        let is_large = |above: i128| above != 0 && delta.abs() * 100 / above > 1;
        if is_near || is_large(guest_above) || is_large(host_above) {
            capped.max(-balloon)
        } else {
            0
        }
    }
}

#[cfg(test)]
mod tests {
    use super::super::super::testing::{policy, resident, step, view, vm};
    use super::*;

    const MIB: u64 = 256;

    #[test]
    fn half_of_the_way_to_equal_distances_is_made() {
        // The host has 2048 MiB free, 1536 above its level; the guest 1000, 600 above its own.
        let guests = vec![
            resident(1048 * MIB, vm(2048 * MIB, 1, 4096 * MIB)),
            resident(1000 * MIB, vm(1000 * MIB, 1, 1000 * MIB)),
        ];
        let mut view = view(4096 * MIB, guests);
        let critical = ("critical", Value::Decimal(exact::ten_thousandths(1250)));
        assert_eq!(step(&mut *policy(&KIND, &[critical]), &mut view)[0], (2048 + 468) * MIB);
    }

    #[test]
    fn a_guest_that_stays_below_its_level_lowers_it() {
        let rule = Rule::of(&Settings::defaults(KIND.params));
        let mib = 1 << 20;
        let mut guest = rule.guest();
        let now = Statistics { balloon: 100 * mib, available: 300 * mib, total: 2000 * mib };
        // Before the first round it had nothing, by the policy's own record.
        rule.delta(&mut guest, now, 0);
        assert_eq!(guest.critical, 0);
        guest.critical = 400 * mib;
        rule.delta(&mut guest, now, 0);
        assert_eq!(guest.critical, 300 * mib);
    }

    #[test]
    fn small_changes_are_not_worth_it() {
        let rule = Rule::of(&Settings::defaults(KIND.params));
        let mib = 1 << 20;
        let mut guest = rule.guest();
        let at = |available| Statistics { balloon: 1000 * mib, available, total: 3000 * mib };
        assert_eq!(rule.delta(&mut guest, at(1400 * mib), 1020 * mib), 0);
        assert_eq!(rule.delta(&mut guest, at(1400 * mib), 900 * mib), 50 * mib);
    }
}
