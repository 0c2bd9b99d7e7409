//! `selfballoon`: every guest sets its own balloon to what it has committed.
//!
//! *Idea.* A guest knows best what it needs. It moves towards the memory that its programs have
//! committed, down in small steps and up at once, and never below a floor. *Follows.* D.
//! Magenheimer's self-ballooning in Linux's Xen driver, 2011 (drivers/xen/xen-selfballoon.c), and
//! the older xenballoond. *Departs.* Committed memory is all pages used so far: traces free
//! nothing, so a VM's goal never falls and only grants remain once it is reached. There are no
//! reserved pages, which the driver adds to goal and floor, and no frontswap, whose pages it adds
//! to the goal. The floor is that of the driver, a line in pieces over the VM's maximum, or the
//! VM's minimum where that is greater; a guest of less than 16 MiB does not balloon. No host
//! arbitrates: requests that do not fit are refused in file order, the first of them perhaps in
//! part. *Cost.* O(V) a checkpoint for V VMs. *Parameters.* `down`, `up`: the part of the way that
//! a step makes is one over these (8 and 1, the driver's); `reserve`: the part of the VM's maximum
//! that the goal adds (0.1, from Linux's correction of 2013, because guests without it ran out of
//! memory); `mebibyte`: the frames of a MiB, in which the floor is given (256, of 4 KiB); `used`:
//! what is committed (`committed`).

use crate::balance::{Plan, Policy, PolicyError, PolicyKind, View, VmView, exact, used};
use crate::meets::Meets;
use crate::observe::WINDOW;
use crate::params::{Domain, Param, Value};
use crate::random::Stream;
use crate::units::{Decimal, Frames};

pub(in crate::balance) const KIND: PolicyKind = PolicyKind {
    name: "selfballoon",
    summary: "lets every guest approach what it has committed, slowly down and at once up",
    follows: "D. Magenheimer, self-ballooning in Linux's Xen driver, 2011",
    params: &[DOWN, UP, RESERVE, MEBIBYTE, used::COMMITTED_PARAM],
    meets: Meets::Never,
    observers: |_| &[&WINDOW],
    fits: |_, _, _| Ok(()),
    build: |settings| {
        Box::new(SelfBalloon {
            down: settings.integer(DOWN.name),
            up: settings.integer(UP.name),
            reserve: settings.decimal(RESERVE.name),
            mebibyte: settings.integer(MEBIBYTE.name),
            used: used::of(settings),
        })
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
    doc: "the part of the VM's maximum that the goal adds to what is committed; Linux's since 2013",
    domain: Domain::Decimal { min: exact::hundredths(0), max: exact::hundredths(100) },
    default: Value::Decimal(exact::hundredths(10)),
};

const MEBIBYTE: Param = Param {
    name: "mebibyte",
    doc: "the frames of a MiB, in which the floor is given; of 4 KiB",
    domain: Domain::Frames { min: 1 },
    default: Value::Integer(256),
};

struct SelfBalloon {
    down: u64,
    up: u64,
    reserve: Decimal,
    mebibyte: u64,
    used: fn(&VmView) -> Frames,
}

impl Policy for SelfBalloon {
    fn plan(&mut self, view: &View, _: &mut Stream) -> Result<Plan, PolicyError> {
        let wanted: Vec<Frames> = view.vms.iter().map(|vm| self.target(vm)).collect();
        Ok(Plan::in_file_order(view, &wanted))
    }
}

impl SelfBalloon {
    fn target(&self, vm: &VmView) -> Frames {
        let now = vm.allocation;
        let goal = (self.used)(vm) + exact::times(vm.bounds.max, self.reserve);
        let Some(floor) = self.floor(vm.bounds.max.0) else { return now };
        let target = if now > goal {
            now - Frames((now - goal).0 / self.down)
        } else {
            now + Frames((goal - now).0 / self.up)
        };
        target.max(Frames(floor))
    }

    /// The fewest frames with which a guest of so many frames is thought to work; `None` for those
    /// too small to balloon.
    fn floor(&self, usable: u64) -> Option<u64> {
        let mib = |count: u64| count.saturating_mul(self.mebibyte);
        let line = |base: u64, from: u64, slope: u64| mib(base) + (usable - mib(from)) / slope;
        if usable < mib(16) {
            None
        } else if usable < mib(64) {
            Some(line(16, 16, 2))
        } else if usable < mib(512) {
            Some(line(40, 40, 8))
        } else {
            Some(line(99, 99, 32))
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

    #[test]
    fn the_goal_adds_a_tenth_of_the_configured_memory() {
        let mut view = view(2000, vec![using(600, vm(500, 1, 1000))]);
        let mut guest = policy(&KIND, &[("mebibyte", Value::Integer(1))]);
        assert_eq!(step(&mut *guest, &mut view), [700]);
    }

    #[test]
    fn the_floor_is_the_drivers() {
        let guest = SelfBalloon {
            down: 8,
            up: 1,
            reserve: exact::hundredths(10),
            mebibyte: 256,
            used: |_| Frames(0),
        };
        let floors = [15, 16, 32, 64, 512, 2048].map(|mib| guest.floor(mib * 256));
        // In MiB: 16, 24, 43, 111.90625 and 159.90625.
        let expected = [None, Some(4096), Some(6144), Some(11_008), Some(28_648), Some(40_936)];
        assert_eq!(floors, expected);
    }

    #[test]
    fn requests_that_do_not_fit_are_refused_in_file_order() {
        let vms = (0..3).map(|_| using(500, vm(300, 1, 600))).collect();
        let mut view = view(1000, vms);
        assert_eq!(step(&mut *policy(&KIND, PLAIN), &mut view), [400, 300, 300]);
    }
}
