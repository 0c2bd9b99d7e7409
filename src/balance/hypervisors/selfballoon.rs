//! `selfballoon`: every guest sets its own balloon to what it has committed.
//!
//! *Idea.* A guest knows best what it needs. It moves towards the memory that its programs have
//! committed, down in small steps and up at once, and never below a floor.
//! *Follows.* D. Magenheimer's self-ballooning in Linux's Xen driver, 2011: torvalds/linux
//! drivers/xen/xen-selfballoon.c (`selfballoon_process`, `xen_selfballoon_init`) at 0ecfebd, which
//! is v5.2, the last release that had it; and the older xenballoond.
//! *Departs.* Committed memory is the pages used and not freed since. Where a trace frees none a
//! VM's goal never falls, and only grants remain once it is reached. There are no reserved pages,
//! which the driver adds to goal and floor, and no frontswap, whose pages it adds to the goal. A
//! guest's memory at boot is what it holds at the first checkpoint that finds it on the host. The
//! VM's minimum holds where it is above the driver's floor. No host arbitrates: requests that do
//! not fit are refused in file order, the first of them perhaps in part.
//! *Cost.* O(V log V) per checkpoint for V VMs.
//! *Parameters.* `down`, `up`: the part of the way that a step makes is one over these (8 and 1,
//! the driver's); `reserve`: the part of the guest's memory at boot that the goal adds, in whole
//! MiB (0.1, from Linux's correction of 2013, because guests without it ran out of memory);
//! `mebibyte`: the frames that count as a MiB, so that small hosts can be balanced (0: a true MiB);
//! `used`: what is committed (`committed`).

use std::collections::BTreeMap;

use crate::balance::{Plan, Policy, PolicyError, PolicyKind, View, VmView, exact, meminfo};
use crate::meets::Meets;
use crate::observe::WINDOW;
use crate::params::{Domain, Param, Value};
use crate::random::Stream;
use crate::units::{Decimal, Frames, Ticks, VmId};

pub(in crate::balance) const KIND: PolicyKind = PolicyKind {
    name: "selfballoon",
    summary: "moves every guest towards its committed memory, slowly down and at once up",
    follows: "D. Magenheimer, self-ballooning in Linux's Xen driver, 2011",
    live_interval: Some(Ticks(5_000_000_000)),
    params: &[DOWN, UP, RESERVE, MEBIBYTE, meminfo::COMMITTED_PARAM],
    meets: Meets::Never,
    observers: |_| &[&WINDOW],
    fits: |_, _, _| Ok(()),
    build: |settings| {
        let driver = Driver {
            page: settings.page_size().into(),
            mebibyte: exact::mebibyte(settings, MEBIBYTE.name),
            down: settings.integer(DOWN.name).into(),
            up: settings.integer(UP.name).into(),
            reserve: settings.decimal(RESERVE.name),
            used: meminfo::used_of(settings),
        };
        Box::new(SelfBalloon { driver, at_boot: BTreeMap::new() })
    },
};

const STEPS: Domain = Domain::Integer { min: 1, max: 1_000_000 };

const DOWN: Param = Param {
    name: "down",
    doc: "a VM above its goal goes one part in so many of the way down; Linux's",
    domain: STEPS,
    default: Value::Integer(8),
};

const UP: Param = Param {
    name: "up",
    doc: "a VM below its goal goes one part in so many of the way up; Linux's",
    domain: STEPS,
    default: Value::Integer(1),
};

const RESERVE: Param = Param {
    name: "reserve",
    doc: "the part of the VM's memory at boot that the goal adds to what is committed, in whole \
          MiB; Linux's since 2013",
    domain: Domain::Decimal { min: exact::hundredths(0), max: exact::hundredths(100) },
    default: Value::Decimal(exact::hundredths(10)),
};

const MEBIBYTE: Param = Param {
    name: "mebibyte",
    doc: "the frames that count as a MiB, in which floor and reserve are given; 0: a true MiB",
    domain: Domain::Frames { min: 0 },
    default: Value::Integer(0),
};

struct SelfBalloon {
    driver: Driver,
    /// What each guest held when it was first seen.
    at_boot: BTreeMap<VmId, Frames>,
}

impl Policy for SelfBalloon {
    fn plan(&mut self, view: &View, _: &mut Stream) -> Result<Plan, PolicyError> {
        let wanted = view.vms.iter().map(|vm| {
            let at_boot = *self.at_boot.entry(vm.id).or_insert(vm.allocation);
            self.driver.target(vm, at_boot)
        });
        let wanted: Vec<Frames> = wanted.collect();
        Ok(Plan::in_file_order(view, &wanted))
    }
}

/// The driver in every guest. Sizes are in bytes.
struct Driver {
    page: u128,
    mebibyte: u128,
    down: u128,
    up: u128,
    reserve: Decimal,
    used: fn(&VmView) -> Frames,
}

impl Driver {
    fn target(&self, vm: &VmView, at_boot: Frames) -> Frames {
        let bytes = |frames: Frames| u128::from(frames.0) * self.page;
        let now = bytes(vm.allocation);
        let reserve = bytes(exact::times(at_boot, self.reserve)) / self.mebibyte * self.mebibyte;
        let goal = bytes((self.used)(vm)) + reserve;
        // The driver counts in pages.
        let pages = |bytes: u128, parts: u128| bytes / self.page / parts * self.page;
        let target = if now > goal {
            now - pages(now - goal, self.down)
        } else {
            now + pages(goal - now, self.up)
        };
        let floor = self.floor(bytes(vm.bounds.max));
        Frames((target.max(floor) / self.page) as u64)
    }

    /// The least with which a guest of this size is thought to work; all of it for those too small
    /// to balloon.
    fn floor(&self, usable: u128) -> u128 {
        let mib = |count: u128| count * self.mebibyte;
        let line = |base: u128, slope: u128| mib(base) + (usable - mib(base)) / slope;
        if usable < mib(16) {
            usable
        } else if usable < mib(64) {
            line(16, 2)
        } else if usable < mib(512) {
            line(40, 8)
        } else {
            line(99, 32)
        }
    }
}

#[cfg(test)]
mod tests {
    use super::super::super::testing::{policy, step, using, view, vm};
    use super::*;

    const PLAIN: &[(&str, Value)] =
        &[("reserve", Value::Decimal(exact::hundredths(0))), ("mebibyte", Value::Integer(1))];

    #[test]
    fn the_way_down_is_made_in_eighths_and_the_way_up_at_once() {
        let mut down = view(2000, vec![using(600, vm(1000, 1, 2000))]);
        let mut guest = policy(&KIND, PLAIN);
        for expected in [950, 907, 869, 836, 807] {
            assert_eq!(step(&mut *guest, &mut down), [expected]);
        }
        let mut up = view(2000, vec![using(1500, vm(1000, 1, 2000))]);
        assert_eq!(step(&mut *guest, &mut up), [1500]);
        assert_eq!(step(&mut *guest, &mut up), [1500], "nothing changes, nothing moves");
    }

    #[test]
    fn seven_frames_above_the_goal_are_kept() {
        let mut view = view(2000, vec![using(600, vm(1000, 1, 2000))]);
        let mut guest = policy(&KIND, PLAIN);
        let last = (0..99).map(|_| step(&mut *guest, &mut view)).last();
        assert_eq!(last, Some(vec![607]));
    }

    /// The original's target: 40 000 + 25 MiB, of 256 MiB at boot and 512 at most.
    #[test]
    fn the_goal_adds_a_tenth_of_the_memory_at_boot_in_whole_mebibytes() {
        let mut view = view(300_000, vec![using(40_000, vm(65_536, 1, 131_072))]);
        let mut guest = policy(&KIND, &[]);
        assert_eq!(step(&mut *guest, &mut view), [63_144]);
        assert_eq!(step(&mut *guest, &mut view), [61_051], "the memory at boot stays the same");
    }

    #[test]
    fn the_floor_is_the_drivers_and_a_small_guest_has_its_maximum() {
        let floor = |mib: u64| {
            let mut view = view(1 << 30, vec![vm(mib * 256, 1, mib * 256)]);
            let mut guest = policy(&KIND, &[("down", Value::Integer(1)), PLAIN[0].clone()]);
            step(&mut *guest, &mut view)[0]
        };
        // In MiB: 15, 16, 24, 43, 111.90625 and 159.90625.
        let expected = [3840, 4096, 6144, 11_008, 28_648, 40_936];
        assert_eq!([15, 16, 32, 64, 512, 2048].map(floor), expected);
        let mut small = view(10_000, vec![vm(100, 1, 4095)]);
        assert_eq!(step(&mut *policy(&KIND, &[]), &mut small), [4095]);
    }

    #[test]
    fn requests_that_do_not_fit_are_refused_in_file_order() {
        let vms = (0..3).map(|_| using(500, vm(300, 1, 600))).collect();
        let mut view = view(1000, vms);
        assert_eq!(step(&mut *policy(&KIND, PLAIN), &mut view), [400, 300, 300]);
    }
}
