//! `hyperv-linux`: Hyper-V's rule as a Linux guest lets it act.
//!
//! *Idea.* As `hyperv-like`, but the guest reports a floor as committed once its balloon has been
//! used, gives only what it has available above that floor, and memory moves in units of 2 MiB.
//! *Follows.* Linux' driver: torvalds/linux `drivers/hv/hv_balloon.c` (`compute_balloon_floor`,
//! `get_pages_committed`, `balloon_up`) at blob fdf6dec, with S. Gupta's "Fix committed value in
//! `post_status()` if dynamic memory is disabled", linux-kernel, November 2022 (blob a6f5321);
//! K. Srinivasan, 2012 on. The host's side is that of `hyperv-like`.
//! *Departs.* As `hyperv-like` on the host's side. The guest's memory at boot is what it holds at
//! the first checkpoint that finds it on the host; what it gets beyond that is added memory, in the
//! same units of 2 MiB, where Linux adds 128 MiB at a time. Available memory is what holds no page.
//! All added memory is online. Growth beyond the free frames is given in file order.
//! *Cost.* O(V log V) per checkpoint for V VMs.
//! *Parameters.* `buffer` and `used` as `hyperv-like`; `mebibyte`: the frames that count as a MiB,
//! in which floor and unit are given, so that small hosts can be balanced (0: a true MiB).

use std::collections::BTreeMap;

use super::hyperv_like::{BUFFER, divide};
use crate::balance::{Plan, Policy, PolicyError, PolicyKind, View, VmView, exact, meminfo};
use crate::meets::Meets;
use crate::observe::WINDOW;
use crate::params::{Domain, Param, Value};
use crate::random::Stream;
use crate::units::{Decimal, Frames, Ticks, VmId};

pub(in crate::balance) const KIND: PolicyKind = PolicyKind {
    name: "hyperv-linux",
    summary: "as hyperv-like, with guests that keep the floor of Linux' driver and move memory in \
              units of 2 MiB",
    follows: "Linux' driver for Hyper-V's Dynamic Memory, 2012",
    live_interval: Some(Ticks(1_000_000_000)),
    params: &[BUFFER, meminfo::COMMITTED_PARAM, MEBIBYTE],
    meets: Meets::Never,
    observers: |_| &[&WINDOW],
    fits: |_, _, _| Ok(()),
    build: |settings| {
        let page = settings.page_size();
        let mebibyte = exact::mebibyte(settings, MEBIBYTE.name).min(1 << 50) as u64;
        Box::new(DynamicMemory {
            driver: Driver { page, mebibyte },
            buffer: settings.decimal(BUFFER.name),
            used: meminfo::used_of(settings),
            totals: BTreeMap::new(),
        })
    },
};

const MEBIBYTE: Param = Param {
    name: "mebibyte",
    doc: "the frames that count as a MiB, in which floor and unit are given; 0: a true MiB",
    domain: Domain::Frames { min: 0 },
    default: Value::Integer(0),
};

struct DynamicMemory {
    driver: Driver,
    buffer: Decimal,
    used: fn(&VmView) -> Frames,
    totals: BTreeMap<VmId, Total>,
}

/// A guest's memory, what its balloon holds included.
#[derive(Clone, Copy)]
struct Total {
    at_boot: Frames,
    now: Frames,
}

impl Policy for DynamicMemory {
    fn plan(&mut self, view: &View, _: &mut Stream) -> Result<Plan, PolicyError> {
        let mut totals = Vec::with_capacity(view.vms.len());
        for vm in &view.vms {
            let start = Total { at_boot: vm.allocation, now: vm.allocation };
            let total = self.totals.entry(vm.id).or_insert(start);
            total.now = total.now.max(vm.allocation);
            totals.push(*total);
        }
        let demands = view.vms.iter().zip(&totals).map(|(vm, &total)| {
            let demand = self.driver.demand((self.used)(vm), vm.allocation, total);
            demand + exact::times(demand, self.buffer)
        });
        let demands: Vec<Frames> = demands.collect();
        let targets = divide(view, &demands);
        let wanted = view.vms.iter().zip(&totals).zip(targets).map(|((vm, total), target)| {
            if target < vm.allocation {
                vm.allocation - self.driver.ballooned(vm, total.now, vm.allocation - target)
            } else {
                vm.allocation + self.driver.units_up(target - vm.allocation)
            }
        });
        let wanted: Vec<Frames> = wanted.collect();
        Ok(Plan::in_file_order(view, &wanted))
    }
}

/// The driver in every guest. It counts in bytes, so that units may be smaller than a frame.
struct Driver {
    page: u64,
    mebibyte: u64,
}

impl Driver {
    /// Below this a guest of so much memory is not to go.
    fn floor(&self, total: Frames) -> Frames {
        // A line in five pieces: the larger the guest, the smaller the part that it keeps.
        const PIECES: [(u64, u64, u32); 5] =
            [(128, 8, 1), (512, 40, 2), (2048, 104, 3), (8192, 232, 4), (u64::MAX, 488, 5)];
        let mebibyte = u128::from(self.mebibyte);
        let total = u128::from(total.0) * u128::from(self.page);
        let piece = PIECES.iter().find(|&&(end, ..)| total < u128::from(end) * mebibyte);
        let &(_, base, shift) = piece.unwrap_or(&PIECES[4]);
        Frames(((u128::from(base) * mebibyte + (total >> shift)) / u128::from(self.page)) as u64)
    }

    /// What the host takes for the guest's demand: what it reports as committed, less what the
    /// balloon holds, which the host knows.
    fn demand(&self, committed: Frames, held: Frames, total: Total) -> Frames {
        let is_touched = held < total.now || total.now > total.at_boot;
        if is_touched { committed + self.floor(total.now) } else { committed }
    }

    /// How much of what the host asks for the guest gives: what it has available above the floor,
    /// in whole units.
    fn ballooned(&self, vm: &VmView, total: Frames, asked: Frames) -> Frames {
        let available = Frames(vm.allocation.0.saturating_sub(vm.resident.0));
        let asked = self.units_down(asked);
        let floor = self.floor(total);
        if available >= asked && available - asked >= floor {
            return asked;
        }
        self.units_down(Frames(available.0.saturating_sub(floor.0)))
    }

    /// Frames of a unit, at least one.
    fn unit(&self) -> u64 {
        (2 * self.mebibyte).div_ceil(self.page)
    }

    fn units_down(&self, frames: Frames) -> Frames {
        Frames(frames.0 - frames.0 % self.unit())
    }

    fn units_up(&self, frames: Frames) -> Frames {
        Frames(frames.0.div_ceil(self.unit()).saturating_mul(self.unit()))
    }
}

#[cfg(test)]
mod tests {
    use super::super::super::testing::{policy, resident, step, using, view, vm};
    use super::*;

    const MIB: u64 = 256;

    /// The table in the driver's comment.
    #[test]
    fn the_floor_is_the_drivers() {
        let driver = Driver { page: 4096, mebibyte: 1 << 20 };
        let table = [(32, 24), (128, 72), (512, 168), (2048, 360), (8192, 744), (32768, 1512)];
        for (total, floor) in table {
            assert_eq!(driver.floor(Frames(total * MIB)), Frames(floor * MIB), "{total} MiB");
        }
    }

    #[test]
    fn a_guest_gives_what_is_available_above_its_floor_in_units() {
        // 4 GiB of which 1000 MiB and a page are used: 1200 MiB and a page wanted, 2896 MiB less;
        // 3095 MiB are available, all but the floor of 488 MiB.
        let used = 1000 * MIB + 1;
        let guest = resident(used, using(used, vm(4096 * MIB, 1, 8192 * MIB)));
        let mut view = view(16_384 * MIB, vec![guest]);
        let mut hyperv = policy(&KIND, &[]);
        assert_eq!(step(&mut *hyperv, &mut view), [(4096 - 2606) * MIB]);
        // The balloon is in use, so the floor counts as committed: 488 MiB above what is used. The
        // guest has 489 MiB available.
        assert_eq!(step(&mut *hyperv, &mut view)[0] / MIB, 1490 + 296);
    }

    #[test]
    fn growth_is_in_units_and_added_memory_raises_the_floor() {
        let mut view = view(4096 * MIB, vec![using(1000 * MIB, vm(1000 * MIB, 1, 4096 * MIB))]);
        let mut hyperv = policy(&KIND, &[]);
        assert_eq!(step(&mut *hyperv, &mut view), [1200 * MIB]);
        // 1200 MiB have a floor of 254 MiB: 1.2 times 1254 MiB is 1504.8.
        assert_eq!(step(&mut *hyperv, &mut view), [1506 * MIB]);
    }
}
